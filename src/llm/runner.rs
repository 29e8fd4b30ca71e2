//! Weights that are run: what a local model of any architecture can do with tokens.

use super::decode::Clock;
use crate::error::Result;

/// Weights and what they have computed so far.
pub trait Runner: Send {
    /// Computes a prompt; the scores of the next token, or none when time ran out.
    fn begin(&mut self, prompt: &[u32], clock: &Clock<'_>) -> Result<Option<Vec<f32>>>;

    /// Computes one token more, behind all before it; the scores of the next one.
    fn step(&mut self, token: u32) -> Result<Vec<f32>>;

    /// How likely the second and later tokens of some texts are behind the prompt that was begun last, where `room` is left for
    /// a text; none when time ran out.
    fn rest(&mut self, texts: &[Vec<u32>], room: usize, clock: &Clock<'_>) -> Result<Option<Rest>>;
}

/// What the later tokens of texts say.
pub struct Rest {
    /// For each text the sum of the logarithms of their probabilities.
    pub logs: Vec<f64>,
    /// Tokens that were computed for that.
    pub computed: usize,
}

/// The scores of all tokens as the next one.
pub struct Row<'a> {
    logits: &'a [f32],
    /// The logarithm of the sum of their exponentials.
    all: f64,
}

impl<'a> Row<'a> {
    pub fn new(logits: &'a [f32]) -> Self {
        let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = logits.iter().map(|x| f64::from(x - most).exp()).sum();
        Self {
            logits,
            all: f64::from(most) + sum.ln(),
        }
    }

    /// The logarithm of a token's probability.
    pub fn log(&self, token: u32) -> f64 {
        let logit = self.logits.get(token as usize).copied();
        f64::from(logit.unwrap_or(f32::NEG_INFINITY)) - self.all
    }
}
