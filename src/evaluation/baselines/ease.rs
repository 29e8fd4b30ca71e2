//! EASE: the linear model `B` that predicts each column of the interactions from the others, with no item predicting
//! itself (Steck 2019, "Embarrassingly shallow autoencoders for sparse data"). With `P = (XᵀX + λI)⁻¹`,
//! `B[i, j] = -P[i, j] / P[j, j]` and a zero diagonal.

use super::Ranker;
use crate::extraction::behaviour::Square;
use crate::graph::Graph;

/// Items of a model at most.
pub const MOST_ITEMS: usize = Square::LARGEST;

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
        weights.invert(lambda);
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
        let mut scores = vec![0.0; self.weights.size()];
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
