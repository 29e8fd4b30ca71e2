//! Small symmetric systems of equations.

/// Solves a symmetric system, given its lower half, by Cholesky's decomposition. What was cut off the rows may have made
/// it indefinite; then small pivots are held up.
pub(super) fn solve(matrix: &mut [f64], values: &mut [f64]) {
    let size = values.len();
    for i in 0..size {
        let (above, rest) = matrix.split_at_mut(i * size);
        let row = &mut rest[..size];
        for j in 0..i {
            let other = &above[j * size..j * size + size];
            row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
        }
        let least = 1e-3 * row[i];
        row[i] = (row[i] - dot(&row[..i], &row[..i])).max(least).sqrt();
        values[i] = (values[i] - dot(&row[..i], &values[..i])) / row[i];
    }
    for i in (0..size).rev() {
        values[i] /= matrix[i * size + i];
        let value = values[i];
        let row = &matrix[i * size..i * size + i];
        values[..i]
            .iter_mut()
            .zip(row)
            .for_each(|(v, m)| *v -= m * value);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (mut sums, whole) = ([0.0; 4], a.len() / 4 * 4);
    for (a, b) in a[..whole].chunks_exact(4).zip(b[..whole].chunks_exact(4)) {
        (0..4).for_each(|i| sums[i] += a[i] * b[i]);
    }
    let rest = a[whole..].iter().zip(&b[whole..]).map(|(a, b)| a * b);
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}

/// The diagonal of the inverse of a matrix, given its decomposition by [`solve`].
pub(super) fn inverse_diagonal(lower: &[f64], size: usize) -> Vec<f64> {
    let mut column = vec![0.0; size];
    let one = |start: usize| {
        column[start] = 1.0 / lower[start * size + start];
        for i in start + 1..size {
            let row = &lower[i * size..(i + 1) * size];
            column[i] = -dot(&row[start..i], &column[start..i]) / row[i];
        }
        dot(&column[start..], &column[start..])
    };
    (0..size).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_solution_solves() {
        for size in [1, 2, 5, 33] {
            let factor = |i: usize, k: usize| ((i * 7 + k * 3) % 11) as f64 - 4.0;
            let entry = |i: usize, j: usize| {
                let dot: f64 = (0..6).map(|k| factor(i, k) * factor(j, k)).sum();
                dot + if i == j { 3.0 } else { 0.0 }
            };
            let mut matrix: Vec<f64> = (0..size * size)
                .map(|n| entry(n / size, n % size))
                .collect();
            let wanted: Vec<f64> = (0..size).map(|i| i as f64 - 2.5).collect();
            let product = |i| (0..size).map(|j| entry(i, j) * wanted[j]).sum();
            let mut values: Vec<f64> = (0..size).map(product).collect();
            solve(&mut matrix, &mut values);
            for (value, wanted) in values.iter().zip(&wanted) {
                assert!((value - wanted).abs() < 1e-8, "{size}: {value} {wanted}");
            }
        }
    }
}
