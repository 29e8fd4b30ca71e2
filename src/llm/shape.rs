//! The numbers of a Qwen model, held against its tensors.

use super::metadata::{expect, float, number, tokens};
use crate::error::{Error, Result};
use candle_core::quantized::gguf_file::Content;

/// The largest key/value cache that is allocated.
const MAX_CACHE_BYTES: usize = 16 << 30;

/// The numbers that the metadata give.
#[derive(Clone, Debug)]
pub struct Shape {
    pub layers: usize,
    pub width: usize,
    hidden: usize,
    pub heads: usize,
    pub shared_heads: usize,
    pub head_width: usize,
    pub vocabulary: usize,
    pub epsilon: f64,
    pub rope_base: f32,
    /// Whether queries, keys and values have biases, as in Qwen2; else each of their heads is normed, as in Qwen3.
    pub has_biases: bool,
}

impl Shape {
    /// Reads and checks the metadata, and holds every tensor's dimensions against them.
    pub fn read(content: &Content, family: &str) -> Result<Self> {
        let number = |key: &str| number(content, family, key);
        let float = |key: &str| float(content, family, key);
        let (layers, width) = (number("block_count")?, number("embedding_length")?);
        let heads = number("attention.head_count")?;
        let shared_heads = number("attention.head_count_kv")?;
        let vocabulary = tokens(content)?;
        let shape = Self {
            layers,
            width,
            hidden: number("feed_forward_length")?,
            heads,
            shared_heads,
            head_width: match content
                .metadata
                .contains_key(&format!("{family}.attention.key_length"))
            {
                true => number("attention.key_length")?,
                false => width / heads,
            },
            has_biases: family == "qwen2",
            vocabulary,
            epsilon: f64::from(float("attention.layer_norm_rms_epsilon")?),
            rope_base: float("rope.freq_base").unwrap_or(10_000.0),
        };
        shape.check_numbers()?;
        shape.check_tensors(content)?;
        Ok(shape)
    }

    fn check_numbers(&self) -> Result<()> {
        let divides =
            self.head_width.is_multiple_of(2) && self.heads.is_multiple_of(self.shared_heads);
        let (heads, width) = (
            self.heads <= 1 << 12,
            self.head_width <= 1 << 12 && self.head_width > 0,
        );
        let sane = self.layers <= 1024 && self.width <= 1 << 16 && heads && width;
        if !divides || !sane || self.rope_base <= 0.0 || self.epsilon <= 0.0 {
            return Err(Error::corrupt(format!(
                "the metadata make no model: {self:?}"
            )));
        }
        Ok(())
    }

    fn check_tensors(&self, content: &Content) -> Result<()> {
        let (width, hidden) = (self.width, self.hidden);
        let (all, shared) = (
            self.heads * self.head_width,
            self.shared_heads * self.head_width,
        );
        expect(content, "token_embd.weight", &[self.vocabulary, width])?;
        expect(content, "output_norm.weight", &[width])?;
        if content.tensor_infos.contains_key("output.weight") {
            expect(content, "output.weight", &[self.vocabulary, width])?;
        }
        for layer in 0..self.layers {
            let expect = |name: &str, dimensions: &[usize]| {
                expect(content, &format!("blk.{layer}.{name}"), dimensions)
            };
            expect("attn_norm.weight", &[width])?;
            for (name, rows) in [("attn_q", all), ("attn_k", shared), ("attn_v", shared)] {
                expect(&format!("{name}.weight"), &[rows, width])?;
                if self.has_biases {
                    expect(&format!("{name}.bias"), &[rows])?;
                }
            }
            if !self.has_biases {
                expect("attn_q_norm.weight", &[self.head_width])?;
                expect("attn_k_norm.weight", &[self.head_width])?;
            }
            expect("attn_output.weight", &[width, all])?;
            expect("ffn_norm.weight", &[width])?;
            expect("ffn_gate.weight", &[hidden, width])?;
            expect("ffn_up.weight", &[hidden, width])?;
            expect("ffn_down.weight", &[width, hidden])?;
        }
        Ok(())
    }

    /// Fails where the cache of so many tokens would be too large.
    pub fn check_cache(&self, context: usize) -> Result<()> {
        let bytes =
            (2 * 4 * self.layers * self.shared_heads * self.head_width).checked_mul(context);
        match bytes {
            Some(bytes) if bytes <= MAX_CACHE_BYTES => Ok(()),
            _ => Err(Error::budget(format!(
                "a context of {context} tokens needs more than 16 GiB of cache"
            ))
            .hint("lower `context_tokens`")),
        }
    }
}
