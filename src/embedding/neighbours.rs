//! The most similar rows of a matrix, by exact cosine.

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use crate::error::{Error, Result};

/// Rows that are compared at once, and with how many. The shape of every product is fixed by the size of the matrix,
/// so that the same matrix gives the same bits.
const ROWS: usize = 256;
const COLUMNS: usize = 4096;

/// For each row of `vectors` (rows of `dimensions` numbers) the `n` rows with the highest cosine of at least `minimum`,
/// best first, equals by index; never the row itself. Rows without length have no neighbours and are none. Do not call
/// this from a rayon pool.
pub fn neighbours(
    vectors: &[f32],
    dimensions: usize,
    n: usize,
    minimum: f32,
) -> Result<Vec<Vec<(u32, f32)>>> {
    if dimensions == 0
        || !vectors.len().is_multiple_of(dimensions)
        || u32::try_from(vectors.len() / dimensions).is_err()
    {
        return Err(Error::usage(format!(
            "{} numbers are no rows of {dimensions}",
            vectors.len()
        )));
    }
    let rows = vectors.len() / dimensions;
    if n == 0 || rows == 0 {
        return Ok(vec![Vec::new(); rows]);
    }
    let unit = normalized(vectors, dimensions);
    let empty: Vec<bool> = unit
        .par_chunks(dimensions)
        .map(|row| row.iter().all(|x| *x == 0.0))
        .collect();
    let find = || -> candle_core::Result<Vec<Vec<(u32, f32)>>> {
        let columns: Vec<Tensor> = unit
            .chunks(COLUMNS * dimensions)
            .map(|c| matrix(c, dimensions)?.t())
            .collect::<Result<_, _>>()?;
        let mut found = Vec::with_capacity(rows);
        for (index, block) in unit.chunks(ROWS * dimensions).enumerate() {
            found.extend(best_of_block(
                &matrix(block, dimensions)?,
                index * ROWS,
                &columns,
                &empty,
                (n, minimum),
            )?);
        }
        Ok(found)
    };
    find().map_err(|e| Error::corrupt(format!("cannot multiply vectors: {e}")))
}

/// The neighbours of the rows of `block`, the first of which has the index `first`.
fn best_of_block(
    block: &Tensor,
    first: usize,
    columns: &[Tensor],
    empty: &[bool],
    (n, minimum): (usize, f32),
) -> candle_core::Result<Vec<Vec<(u32, f32)>>> {
    let mut best: Vec<Best> = (0..block.dim(0)?)
        .map(|_| Best {
            found: Vec::new(),
            n,
            least: minimum,
        })
        .collect();
    let mut start = 0;
    for column in columns {
        let width = column.dim(1)?;
        let products = block.matmul(column)?.flatten_all()?.to_vec1::<f32>()?;
        best.par_iter_mut()
            .zip(products.par_chunks(width))
            .enumerate()
            .for_each(|(row, (best, products))| {
                best.take(products, start, first + row, empty);
            });
        start += width;
    }
    let found = best.into_iter().enumerate();
    Ok(found
        .map(|(row, best)| {
            if empty[first + row] {
                Vec::new()
            } else {
                best.finish()
            }
        })
        .collect())
}

/// The best neighbours of one row so far.
struct Best {
    found: Vec<(u32, f32)>,
    n: usize,
    /// What a further neighbour must have; the first of equals came first, so later ones must have more once it is full.
    least: f32,
}

impl Best {
    /// Takes the products with the rows from `start`; `own` is the row itself, `empty` tells the rows without length.
    fn take(&mut self, products: &[f32], start: usize, own: usize, empty: &[bool]) {
        for (offset, &product) in products.iter().enumerate() {
            let index = start + offset;
            let product = product.clamp(-1.0, 1.0);
            if product >= self.least && index != own && !empty[index] {
                self.found.push((index as u32, product));
                if self.found.len() >= 2 * self.n + 64 {
                    self.shrink();
                }
            }
        }
    }

    fn shrink(&mut self) {
        self.found
            .sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        self.found.truncate(self.n);
        if let (true, Some(last)) = (self.found.len() == self.n, self.found.last()) {
            self.least = self.least.max(last.1);
        }
    }

    fn finish(mut self) -> Vec<(u32, f32)> {
        self.shrink();
        self.found
    }
}

/// The rows with length 1; rows that have no length or are not finite become zero.
fn normalized(vectors: &[f32], dimensions: usize) -> Vec<f32> {
    let mut unit = vectors.to_vec();
    unit.par_chunks_mut(dimensions).for_each(|row| {
        let norm = row
            .iter()
            .map(|x| f64::from(*x) * f64::from(*x))
            .sum::<f64>()
            .sqrt();
        let scale = if norm.is_finite() && norm > 0.0 {
            1.0 / norm
        } else {
            0.0
        };
        row.iter_mut().for_each(|x| {
            *x = if scale > 0.0 {
                (f64::from(*x) * scale) as f32
            } else {
                0.0
            }
        });
    });
    unit
}

fn matrix(rows: &[f32], dimensions: usize) -> candle_core::Result<Tensor> {
    Tensor::from_slice(rows, (rows.len() / dimensions, dimensions), &Device::Cpu)
}

/// The `n` rows of `vectors` with the highest cosine to `query`, best first, equals by index; rows without length are
/// none. One pass over the matrix: for a single query that is faster than [`neighbours`], which compares all with all.
pub fn nearest(vectors: &[f32], query: &[f32], n: usize) -> Vec<(u32, f64)> {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
        products.sum()
    };
    let length = dot(query, query).sqrt();
    if query.is_empty() || !(length.is_finite() && length > 0.0) {
        return Vec::new();
    }
    let cosine = |(index, row): (usize, &[f32])| {
        let cosine = dot(row, query) / (length * dot(row, row).sqrt());
        cosine
            .is_finite()
            .then_some((index as u32, cosine.clamp(-1.0, 1.0)))
    };
    let rows = vectors.par_chunks_exact(query.len()).enumerate();
    let mut found: Vec<(u32, f64)> = rows.filter_map(cosine).collect();
    let best_first = |a: &(u32, f64), b: &(u32, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if n < found.len() && n > 0 {
        found.select_nth_unstable_by(n - 1, best_first);
    }
    found.truncate(n);
    found.sort_unstable_by(best_first);
    found
}
