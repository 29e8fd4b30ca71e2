//! Dense symmetric matrices, inverted.

use gemm::{Parallelism, gemm};

/// Rows and columns that are eliminated together.
const BLOCK: usize = 256;

/// A square matrix by rows.
pub(crate) struct Square {
    size: usize,
    values: Vec<f32>,
}

impl Square {
    /// Rows of one that is inverted at most: more would need more than 3.6 GB.
    pub(crate) const LARGEST: usize = 30_000;

    pub(crate) fn zero(size: usize) -> Self {
        Self {
            size,
            values: vec![0.0; size * size],
        }
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.size..(index + 1) * self.size]
    }

    pub(crate) fn row_mut(&mut self, index: usize) -> &mut [f32] {
        &mut self.values[index * self.size..(index + 1) * self.size]
    }

    /// Inverts in place a symmetric matrix with a ridge on its diagonal: Gauss and Jordan's elimination, block by block. If
    /// the matrix without its ridge has no negative eigenvalue, no pivot is smaller than the ridge, and there is no need to
    /// choose pivots; if it has some, such pivots are held up.
    pub(crate) fn invert(&mut self, ridge: f32) {
        for start in (0..self.size).step_by(BLOCK) {
            let end = (start + BLOCK).min(self.size);
            self.eliminate(start, end, ridge);
        }
    }

    /// Rows times the matrix.
    pub(crate) fn times(&self, rows: &[f32]) -> Vec<f32> {
        let mut product = vec![0.0; rows.len()];
        let count = rows.len() / self.size.max(1);
        let sizes = [count, self.size, self.size];
        multiply(&mut product, rows, &self.values, sizes, 0.0, 1.0);
        product
    }

    /// Swaps the roles of the unknowns `start..end` and their right-hand sides.
    fn eliminate(&mut self, start: usize, end: usize, ridge: f32) {
        let (size, width) = (self.size, end - start);
        let mut pivot = Self::zero(width);
        for i in 0..width {
            pivot
                .row_mut(i)
                .copy_from_slice(&self.row(start + i)[start..end]);
        }
        pivot.invert_small(f64::from(ridge));
        // The block's rows become those of the solved equations, with zeros where the pivot was.
        let mut band: Vec<f32> = self.values[start * size..end * size].to_vec();
        band.chunks_exact_mut(size)
            .for_each(|row| row[start..end].fill(0.0));
        let mut solved = vec![0.0; width * size];
        multiply(
            &mut solved,
            &pivot.values,
            &band,
            [width, width, size],
            0.0,
            1.0,
        );
        // All other rows lose what the block explains of them.
        let mut column = vec![0.0; size * width];
        for i in 0..size {
            let part = &mut self.values[i * size + start..i * size + end];
            if !(start..end).contains(&i) {
                column[i * width..(i + 1) * width].copy_from_slice(part);
            }
        }
        multiply(
            &mut self.values,
            &column,
            &solved,
            [size, width, size],
            1.0,
            -1.0,
        );
        let mut right = vec![0.0; size * width];
        multiply(
            &mut right,
            &column,
            &pivot.values,
            [size, width, width],
            0.0,
            -1.0,
        );
        for i in 0..size {
            let row = self.row_mut(i);
            row[start..end].copy_from_slice(&right[i * width..(i + 1) * width]);
        }
        for i in 0..width {
            let row = self.row_mut(start + i);
            row.copy_from_slice(&solved[i * size..(i + 1) * size]);
            row[start..end].copy_from_slice(pivot.row(i));
        }
    }

    /// The same, number by number, with double precision.
    fn invert_small(&mut self, ridge: f64) {
        let n = self.size;
        let mut values: Vec<f64> = self.values.iter().map(|&v| f64::from(v)).collect();
        for k in 0..n {
            let pivot = 1.0 / values[k * n + k].max(ridge);
            values[k * n + k] = 1.0;
            values[k * n..(k + 1) * n]
                .iter_mut()
                .for_each(|v| *v *= pivot);
            let row = values[k * n..(k + 1) * n].to_vec();
            for i in (0..n).filter(|&i| i != k) {
                let factor = std::mem::take(&mut values[i * n + k]);
                values[i * n..(i + 1) * n]
                    .iter_mut()
                    .zip(&row)
                    .for_each(|(v, r)| *v -= factor * r);
            }
        }
        self.values = values.into_iter().map(|v| v as f32).collect();
    }
}

/// `to = keep · to + scale · left · right`, by rows; `left` has `m × k` and `right` `k × n` numbers.
fn multiply(
    to: &mut [f32],
    left: &[f32],
    right: &[f32],
    [m, k, n]: [usize; 3],
    keep: f32,
    scale: f32,
) {
    assert!(to.len() == m * n && left.len() == m * k && right.len() == k * n);
    // SAFETY: the lengths were checked, and the three do not overlap, as one is borrowed mutably.
    unsafe {
        gemm(
            m,
            n,
            k,
            to.as_mut_ptr(),
            1,
            n as isize,
            keep != 0.0,
            left.as_ptr(),
            1,
            k as isize,
            right.as_ptr(),
            1,
            n as isize,
            keep,
            scale,
            false,
            false,
            false,
            Parallelism::Rayon(0),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_times_its_inverse_is_one() {
        for size in [1, 7, 256, 300, 700] {
            // Numbers in 0..1 without a pattern.
            let factor = (0..size * 5).map(|n| (n as f32 * 0.618_034 + size as f32).fract());
            let factor: Vec<f32> = factor.collect();
            let mut matrix = Square::zero(size);
            for i in 0..size {
                for j in 0..size {
                    let dot: f32 = (0..5).map(|f| factor[i * 5 + f] * factor[j * 5 + f]).sum();
                    matrix.row_mut(i)[j] = dot + if i == j { 2.0 } else { 0.0 };
                }
            }
            let mut inverse = Square {
                size,
                values: matrix.values.clone(),
            };
            inverse.invert(2.0);
            for i in (0..size).step_by(37) {
                for j in (0..size).step_by(11) {
                    let product: f64 = (0..size)
                        .map(|k| f64::from(matrix.row(i)[k]) * f64::from(inverse.row(k)[j]))
                        .sum();
                    let expected = if i == j { 1.0 } else { 0.0 };
                    assert!(
                        (product - expected).abs() < 1e-3,
                        "{size}: {i}, {j}: {product}"
                    );
                }
            }
        }
    }
}
