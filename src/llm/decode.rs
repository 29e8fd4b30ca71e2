//! Replies, token by token: the likeliest, drawn ones, or those that a contract allows.

use super::chat::ChatTokenizer;
use super::guide::{Guide, Ids};
use super::runner::Runner;
use super::{Finish, Request, given_up};
use crate::error::{Error, Result};
use std::time::Instant;

/// What ends a reply.
pub struct Bounds<'a> {
    /// Tokens at most.
    pub limit: usize,
    /// Tokens that end it.
    pub stops: &'a [u32],
    pub clock: &'a Clock<'a>,
}

/// Takes tokens behind a prompt until the model stops, a limit is met or time runs out. `logits` are the scores of the first.
pub fn free(
    runner: &mut dyn Runner,
    mut logits: Vec<f32>,
    mut draw: Draw,
    bounds: &Bounds<'_>,
) -> Result<(Vec<u32>, Finish)> {
    let mut reply = Vec::new();
    while reply.len() < bounds.limit {
        let token = draw.take(&logits);
        if bounds.stops.contains(&token) {
            return Ok((reply, Finish::Stop));
        }
        reply.push(token);
        if bounds.clock.is_over() {
            return Ok((reply, Finish::Deadline));
        }
        if reply.len() < bounds.limit {
            logits = runner.step(token)?;
        }
    }
    Ok((reply, Finish::Length))
}

/// The same with the likeliest of the tokens that the contract allows, until the reply is whole.
pub fn guided(
    runner: &mut dyn Runner,
    mut logits: Vec<f32>,
    (ids, tokenizer): (&Ids, &ChatTokenizer),
    bounds: &Bounds<'_>,
) -> Result<(Vec<u32>, Finish)> {
    let mut guide = Guide::new(ids);
    let mut reply = Vec::new();
    let weight = |logits: &[f32], token: u32| logits.get(token as usize).copied();
    while reply.len() < bounds.limit {
        let allowed = guide.allowed(tokenizer)?;
        let best = allowed.into_iter().reduce(|best, other| {
            match weight(&logits, other.0) > weight(&logits, best.0) {
                true => other,
                false => best,
            }
        });
        let Some((token, text)) = best else { break };
        reply.push(token);
        guide.take(&text);
        if guide.is_done() {
            return Ok((reply, Finish::Stop));
        }
        if bounds.clock.is_over() {
            return Ok((reply, Finish::Deadline));
        }
        if reply.len() < bounds.limit {
            logits = runner.step(token)?;
        }
    }
    Ok((reply, Finish::Length))
}

/// How tokens are chosen.
pub struct Draw {
    temperature: f32,
    state: u64,
}

impl Draw {
    pub fn new(request: &Request) -> Self {
        Self {
            temperature: request.temperature,
            state: request.seed,
        }
    }

    fn take(&mut self, logits: &[f32]) -> u32 {
        let best = likeliest(logits);
        if self.temperature.is_nan() || self.temperature <= 0.0 {
            return best as u32;
        }
        let temperature = self.temperature;
        let weight = |x: f32| f64::from((x - logits[best]) / temperature).exp();
        let total: f64 = logits
            .iter()
            .map(|x| weight(*x))
            .filter(|w| w.is_finite())
            .sum();
        let mut left = self.random() * total;
        for (token, x) in logits.iter().enumerate() {
            let weight = weight(*x);
            if weight.is_finite() {
                left -= weight;
            }
            if left < 0.0 {
                return token as u32;
            }
        }
        best as u32
    }

    /// The next number in 0..1, by splitmix64.
    fn random(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The token with the highest score; the first of equals.
fn likeliest(logits: &[f32]) -> usize {
    let mut best = 0;
    for (token, x) in logits.iter().enumerate() {
        if *x > logits[best] || logits[best].is_nan() {
            best = token;
        }
    }
    best
}

/// The time of one call.
pub struct Clock<'r> {
    request: &'r Request,
    started: Instant,
}

impl<'r> Clock<'r> {
    pub fn start(request: &'r Request) -> Self {
        Self {
            request,
            started: Instant::now(),
        }
    }

    /// Whether time ran out, or nobody waits any more.
    pub fn is_over(&self) -> bool {
        let limit = self.request.deadline;
        self.request.cancel.is_cancelled()
            || limit.is_some_and(|limit| self.started.elapsed() >= limit)
    }

    /// The error where that is so.
    pub fn late(&self, what: &str) -> Error {
        if self.request.cancel.is_cancelled() {
            return given_up();
        }
        let seconds = self.request.deadline.unwrap_or_default().as_secs_f64();
        Error::unavailable(format!("no {what} within {seconds} s"))
    }
}
