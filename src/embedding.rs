//! Text to vectors, and vectors to neighbours.
//!
//! [`Embedder`] runs a sentence model on the CPU; [`VectorCache`] keeps its vectors on disk, so that only new texts
//! cost anything and interrupted work goes on; [`neighbours`] finds the most similar rows exactly.

mod bert;
mod cache;
mod embedder;
mod neighbours;

pub use cache::VectorCache;
pub use embedder::Embedder;
pub use neighbours::{nearest, neighbours};

use crate::error::Result;

/// Anything that turns texts into vectors of one length.
pub trait TextEncoder {
    /// Names the model and its weights: vectors of different ids must not be mixed.
    fn id(&self) -> &str;

    /// The length of a vector.
    fn dimensions(&self) -> usize;

    /// One vector per text, of length 1. A text gives the same bits whatever the other texts are.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>>;
}
