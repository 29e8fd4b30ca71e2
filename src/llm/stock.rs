//! Llama and Gemma 3 as candle-transformers has them.
//!
//! Their caches cannot be cut back, and they tell the scores behind their last token only. So every prompt is computed whole,
//! and likelihoods token by token, text by text; copies share the weights, so that at least the prompt of several texts is
//! computed once. Gemma's mask hides what was computed before, so that its prompts cannot be computed in pieces either: time that
//! runs out is noticed behind the prompt. Its feed-forward layers have SiLU where Gemma was trained with GELU (candle-transformers
//! 0.11.1, issue 3745 of huggingface/candle), so that Gemma itself says better things.

use super::decode::Clock;
use super::local::{Opened, failed};
use super::metadata::{copy, expect, number, tokens};
use super::runner::{Rest, Row, Runner};
use crate::error::{Error, Result};
use candle_core::{Device, Tensor};
use candle_transformers::models::{quantized_gemma3, quantized_llama};

/// Tokens of a prompt that are computed at once, where it can be done in pieces.
const CHUNK: usize = 128;

/// A model, and a copy of it that has computed something.
pub struct Stock {
    fresh: Weights,
    used: Weights,
    /// Tokens that were computed.
    length: usize,
}

#[derive(Clone)]
enum Weights {
    Llama(quantized_llama::ModelWeights),
    Gemma(quantized_gemma3::ModelWeights),
}

impl Stock {
    /// Loads the weights of an opened file, and bounds its context by what candle has room for.
    pub fn load(family: &str, opened: &mut Opened) -> Result<Self> {
        check(family, opened)?;
        let broken = |e| Error::corrupt(format!("cannot load the weights: {e}"));
        let content = copy(&opened.content);
        let (file, device) = (&mut opened.file, &Device::Cpu);
        let fresh = match family {
            "llama" => {
                opened.context = opened.context.min(quantized_llama::MAX_SEQ_LEN);
                let weights = quantized_llama::ModelWeights::from_gguf(content, file, device);
                Weights::Llama(weights.map_err(broken)?)
            }
            _ => {
                opened.context = opened.context.min(quantized_gemma3::MAX_SEQ_LEN);
                let weights = quantized_gemma3::ModelWeights::from_gguf(content, file, device);
                Weights::Gemma(weights.map_err(broken)?)
            }
        };
        let mut stock = Self {
            used: fresh.clone(),
            fresh,
            length: 0,
        };
        let logits = stock.used.forward(&[0, 0], 0)?;
        match logits.iter().any(|x| x.is_finite()) {
            true => Ok(stock),
            false => Err(Error::corrupt("the weights give no finite numbers")),
        }
    }
}

/// Fails where candle would divide by zero or allocate without bound.
fn check(family: &str, opened: &Opened) -> Result<()> {
    let content = &opened.content;
    let number = |key: &str| number(content, family, key);
    let (width, heads) = (number("embedding_length")?, number("attention.head_count")?);
    let head = match family {
        "llama" => number("rope.dimension_count")?,
        _ => number("attention.key_length")?,
    };
    let shared = number("attention.head_count_kv")?;
    let divides = heads.is_multiple_of(shared) && head.is_multiple_of(2);
    let is_whole = family != "llama" || heads * head == width;
    let sane = number("block_count")? <= 1024 && width <= 1 << 16 && heads.max(head) <= 1 << 12;
    let pattern = format!("{family}.attention.sliding_window_type");
    let has_pattern = content.metadata.contains_key(&pattern);
    if has_pattern {
        super::metadata::number(content, family, "attention.sliding_window_type")?;
    }
    match divides && is_whole && sane {
        true => expect(content, "token_embd.weight", &[tokens(content)?, width]),
        false => Err(Error::corrupt(format!(
            "the metadata make no model: {heads} heads of {head}, {shared} of them shared, width {width}"
        ))),
    }
}

impl Weights {
    /// Computes tokens behind the first `before`; the scores of the next one.
    fn forward(&mut self, ids: &[u32], before: usize) -> Result<Vec<f32>> {
        let mut run = || {
            let ids = Tensor::new(ids, &Device::Cpu)?.unsqueeze(0)?;
            let logits = match self {
                Self::Llama(weights) => weights.forward(&ids, before),
                Self::Gemma(weights) => weights.forward(&ids, before),
            };
            logits?.flatten_all()?.to_vec1()
        };
        run().map_err(failed)
    }

    fn chunk(&self) -> usize {
        match self {
            Self::Llama(_) => CHUNK,
            Self::Gemma(_) => usize::MAX,
        }
    }
}

impl Runner for Stock {
    fn begin(&mut self, prompt: &[u32], clock: &Clock<'_>) -> Result<Option<Vec<f32>>> {
        self.used = self.fresh.clone();
        self.length = 0;
        let mut logits = None;
        for chunk in prompt.chunks(self.used.chunk()) {
            if clock.is_over() {
                return Ok(None);
            }
            logits = Some(self.used.forward(chunk, self.length)?);
            self.length += chunk.len();
        }
        Ok(logits.filter(|_| !clock.is_over()))
    }

    fn step(&mut self, token: u32) -> Result<Vec<f32>> {
        let logits = self.used.forward(&[token], self.length)?;
        self.length += 1;
        Ok(logits)
    }

    fn rest(&mut self, texts: &[Vec<u32>], _: usize, clock: &Clock<'_>) -> Result<Option<Rest>> {
        let mut rest = Rest {
            logs: vec![0.0; texts.len()],
            computed: 0,
        };
        for (text, log) in texts.iter().zip(&mut rest.logs) {
            let mut copy = self.used.clone();
            for (at, pair) in text.windows(2).enumerate() {
                if clock.is_over() {
                    return Ok(None);
                }
                let logits = copy.forward(&pair[..1], self.length + at)?;
                *log += Row::new(&logits).log(pair[1]);
                rest.computed += 1;
            }
        }
        Ok(Some(rest))
    }
}
