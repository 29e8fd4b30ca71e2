//! EASE: the linear model `B` that predicts each column of the interactions from the others, with no item predicting
//! itself (Steck 2019, "Embarrassingly shallow autoencoders for sparse data"). With `P = (XᵀX + λI)⁻¹`,
//! `B[i, j] = -P[i, j] / P[j, j]` and a zero diagonal.

use super::Ranker;
use crate::graph::Graph;
use gemm::{Parallelism, gemm};

/// More items would need more than 3.6 GB.
pub const MOST_ITEMS: usize = 30_000;

/// Rows and columns that are eliminated together.
const BLOCK: usize = 256;

/// The model of a graph's distinct pairs.
pub struct Ease<'g> {
    graph: &'g Graph,
    weights: Square,
}

impl<'g> Ease<'g> {
    /// Fits the model with the ridge `lambda`: time grows with the cube of the number of items. `None` if there are more
    /// than [`MOST_ITEMS`].
    pub fn fit(graph: &'g Graph, lambda: f32) -> Option<Self> {
        let first = graph.items().start;
        let size = graph.items().len();
        if size > MOST_ITEMS {
            return None;
        }
        let mut weights = Square::zero(size);
        for user in graph.users() {
            let met = graph.met(user);
            for &a in met {
                let row = weights.row_mut((a - first) as usize);
                met.iter().for_each(|&b| row[(b - first) as usize] += 1.0);
            }
        }
        (0..size).for_each(|i| weights.row_mut(i)[i] += lambda);
        weights.invert();
        let diagonal: Vec<f32> = (0..size).map(|i| weights.row_mut(i)[i]).collect();
        for i in 0..size {
            let row = weights.row_mut(i);
            row.iter_mut()
                .zip(&diagonal)
                .for_each(|(value, pivot)| *value /= -pivot);
            row[i] = 0.0;
        }
        Some(Self { graph, weights })
    }
}

impl Ranker for Ease<'_> {
    fn name(&self) -> &str {
        "EASE"
    }

    fn scores(&self, user: u32) -> Vec<f64> {
        let first = self.graph.items().start;
        let mut scores = vec![0.0; self.weights.size];
        for &item in self.graph.met(user) {
            let row = self.weights.row((item - first) as usize);
            scores
                .iter_mut()
                .zip(row)
                .for_each(|(score, weight)| *score += f64::from(*weight));
        }
        scores
    }
}

/// A square matrix by rows.
struct Square {
    size: usize,
    values: Vec<f32>,
}

impl Square {
    fn zero(size: usize) -> Self {
        Self {
            size,
            values: vec![0.0; size * size],
        }
    }

    fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.size..(index + 1) * self.size]
    }

    fn row_mut(&mut self, index: usize) -> &mut [f32] {
        &mut self.values[index * self.size..(index + 1) * self.size]
    }

    /// Inverts a symmetric positive definite matrix in place: Gauss and Jordan's elimination, block by block. Such a matrix
    /// needs no pivoting.
    fn invert(&mut self) {
        for start in (0..self.size).step_by(BLOCK) {
            let end = (start + BLOCK).min(self.size);
            self.eliminate(start, end);
        }
    }

    /// Swaps the roles of the unknowns `start..end` and their right-hand sides.
    fn eliminate(&mut self, start: usize, end: usize) {
        let (size, width) = (self.size, end - start);
        let mut pivot = Self::zero(width);
        for i in 0..width {
            pivot
                .row_mut(i)
                .copy_from_slice(&self.row(start + i)[start..end]);
        }
        pivot.invert_small();
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
    fn invert_small(&mut self) {
        let n = self.size;
        let mut values: Vec<f64> = self.values.iter().map(|&v| f64::from(v)).collect();
        for k in 0..n {
            let pivot = 1.0 / values[k * n + k];
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
    use crate::evaluation::random::Random;

    #[test]
    fn a_matrix_times_its_inverse_is_one() {
        for size in [1, 7, 256, 300, 700] {
            let mut random = Random::new(size as u64);
            let factor: Vec<f32> = (0..size * 5).map(|_| random.unit() as f32).collect();
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
            inverse.invert();
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
