//! The Qwen2 architecture on candle, from GGUF.
//!
//! Ours instead of candle's: the key/value cache is allocated once and can be cut back to a prefix, which lets a
//! prompt that begins like the last one be computed from where it differs, and grouped-query attention multiplies
//! the shared heads without copying them.

use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;

use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::quantized::{QMatMul, QTensor};
use candle_core::{DType, Device, IndexOp, Module, Tensor};
use candle_transformers::quantized_nn::RmsNorm;

use super::tree::Tree;
use crate::error::{Error, Result};

/// The largest key/value cache that is allocated.
const MAX_CACHE_BYTES: usize = 16 << 30;

/// The numbers that the metadata give.
#[derive(Clone, Debug)]
pub struct Shape {
    layers: usize,
    width: usize,
    hidden: usize,
    heads: usize,
    shared_heads: usize,
    vocabulary: usize,
    epsilon: f64,
    rope_base: f32,
    /// Tokens that the model was trained for.
    pub context: usize,
}

/// The weights and the cache.
pub struct Qwen2 {
    shape: Shape,
    embedding: QMatMul,
    layers: Vec<Layer>,
    norm: RmsNorm,
    output: QMatMul,
    cos: Tensor,
    sin: Tensor,
    length: usize,
}

struct Layer {
    query: Projection,
    key: Projection,
    value: Projection,
    attention_norm: RmsNorm,
    attention_output: QMatMul,
    feed_norm: RmsNorm,
    gate: QMatMul,
    up: QMatMul,
    down: QMatMul,
    keys: Tensor,
    values: Tensor,
}

/// A matrix and a bias.
struct Projection {
    weight: QMatMul,
    bias: Tensor,
}

impl Shape {
    /// Reads and checks the metadata, and holds every tensor's dimensions against them.
    pub fn read(content: &Content) -> Result<Self> {
        architecture(content)?;
        let (layers, width) = (
            number(content, "block_count")?,
            number(content, "embedding_length")?,
        );
        let heads = number(content, "attention.head_count")?;
        let shared_heads = number(content, "attention.head_count_kv")?;
        let vocabulary = tokens(content)?;
        let shape = Self {
            layers,
            width,
            hidden: number(content, "feed_forward_length")?,
            heads,
            shared_heads,
            vocabulary,
            epsilon: f64::from(float(content, "attention.layer_norm_rms_epsilon")?),
            rope_base: float(content, "rope.freq_base").unwrap_or(10_000.0),
            context: number(content, "context_length")?,
        };
        shape.check_numbers()?;
        shape.check_tensors(content)?;
        Ok(shape)
    }

    fn check_numbers(&self) -> Result<()> {
        let divides = self.width.is_multiple_of(2 * self.heads)
            && self.heads.is_multiple_of(self.shared_heads);
        let sane = self.layers <= 1024 && self.width <= 1 << 16 && self.context <= 1 << 24;
        if !divides || !sane || self.rope_base <= 0.0 || self.epsilon <= 0.0 {
            return Err(Error::corrupt(format!(
                "the metadata make no model: {self:?}"
            )));
        }
        Ok(())
    }

    fn check_tensors(&self, content: &Content) -> Result<()> {
        let (width, hidden, shared) = (
            self.width,
            self.hidden,
            self.shared_heads * self.head_width(),
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
            expect("attn_q.weight", &[width, width])?;
            expect("attn_q.bias", &[width])?;
            for name in ["attn_k", "attn_v"] {
                expect(&format!("{name}.weight"), &[shared, width])?;
                expect(&format!("{name}.bias"), &[shared])?;
            }
            expect("attn_output.weight", &[width, width])?;
            expect("ffn_norm.weight", &[width])?;
            expect("ffn_gate.weight", &[hidden, width])?;
            expect("ffn_up.weight", &[hidden, width])?;
            expect("ffn_down.weight", &[width, hidden])?;
        }
        Ok(())
    }

    fn head_width(&self) -> usize {
        self.width / self.heads
    }

    fn check_cache(&self, context: usize) -> Result<()> {
        let bytes =
            (2 * 4 * self.layers * self.shared_heads * self.head_width()).checked_mul(context);
        match bytes {
            Some(bytes) if bytes <= MAX_CACHE_BYTES => Ok(()),
            _ => Err(Error::budget(format!(
                "a context of {context} tokens needs more than 16 GiB of cache"
            ))
            .hint("lower `context_tokens`")),
        }
    }
}

impl Qwen2 {
    /// Loads the weights, with room for `context` tokens. The caller has checked the file with [`super::gguf::check`].
    pub fn load(
        shape: Shape,
        content: &Content,
        file: &mut BufReader<File>,
        context: usize,
    ) -> Result<Self> {
        shape.check_cache(context)?;
        Self::read(shape, content, file, context)
            .map_err(|e| Error::corrupt(format!("cannot load the weights: {e}")))
    }

    fn read(
        shape: Shape,
        content: &Content,
        file: &mut BufReader<File>,
        context: usize,
    ) -> candle_core::Result<Self> {
        let device = &Device::Cpu;
        let embedding = Arc::new(content.tensor(file, "token_embd.weight", device)?);
        let output = match content.tensor_infos.contains_key("output.weight") {
            true => Arc::new(content.tensor(file, "output.weight", device)?),
            false => embedding.clone(),
        };
        let norm = RmsNorm::from_qtensor(
            content.tensor(file, "output_norm.weight", device)?,
            shape.epsilon,
        )?;
        let layers = (0..shape.layers).map(|i| Layer::read(&shape, content, file, i, context));
        let layers = layers.collect::<candle_core::Result<_>>()?;
        let (cos, sin) = rotations(&shape, context)?;
        Ok(Self {
            embedding: QMatMul::from_arc(embedding)?,
            output: QMatMul::from_arc(output)?,
            shape,
            layers,
            norm,
            cos,
            sin,
            length: 0,
        })
    }

    /// Forgets all but the first `length` tokens.
    pub fn cut(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Appends `ids` to the cached tokens; returns the hidden state after the last one, with dimensions 1 × width.
    /// There must be room for them, and every id must be in the vocabulary.
    pub fn forward(&mut self, ids: &[u32]) -> candle_core::Result<Tensor> {
        let (count, start) = (ids.len(), self.length);
        let mask = (count > 1).then(|| causal_mask(count, start)).transpose()?;
        let (cos, sin) = (
            self.cos.narrow(0, start, count)?,
            self.sin.narrow(0, start, count)?,
        );
        let x = self.pass(ids, (&cos, &sin), mask.as_ref())?;
        self.length = start + count;
        let last = x.i(0)?.narrow(0, count - 1, 1)?.contiguous()?;
        self.norm.forward(&last)
    }

    /// Continues the cached tokens with a tree of others; keeps none of them. Returns the hidden states of its tokens in their
    /// order, with dimensions tokens × width.
    pub fn branch(&mut self, tree: &Tree) -> candle_core::Result<Tensor> {
        let positions = Tensor::from_iter(tree.positions(self.length), &Device::Cpu)?;
        let mask = tree.mask(self.length)?;
        let (cos, sin) = (
            self.cos.index_select(&positions, 0)?,
            self.sin.index_select(&positions, 0)?,
        );
        let x = self.pass(tree.tokens(), (&cos, &sin), Some(&mask))?;
        self.norm.forward(&x.i(0)?.contiguous()?)
    }

    /// One pass over `ids` behind the cached tokens; returns their hidden states before the last norm.
    fn pass(
        &mut self,
        ids: &[u32],
        rotation: (&Tensor, &Tensor),
        mask: Option<&Tensor>,
    ) -> candle_core::Result<Tensor> {
        let ids = Tensor::new(ids, &Device::Cpu)?;
        let mut x = self
            .embedding
            .embedding(&ids)?
            .to_dtype(DType::F32)?
            .unsqueeze(0)?;
        for layer in &self.layers {
            let y = layer.attention_norm.forward(&x)?;
            x = (x + layer.attend(&self.shape, &y, rotation, mask, self.length)?)?;
            let y = layer.feed_norm.forward(&x)?;
            x = (x + layer.feed(&y)?)?;
        }
        Ok(x)
    }

    /// The weight of every token of the vocabulary as the next one, after each of some hidden states (states × width), one
    /// state after the other.
    pub fn logits(&self, hidden: &Tensor) -> candle_core::Result<Vec<f32>> {
        self.output.forward(hidden)?.flatten_all()?.to_vec1()
    }

    /// Tokens that there are.
    pub fn vocabulary(&self) -> usize {
        self.shape.vocabulary
    }
}

impl Layer {
    fn read(
        shape: &Shape,
        content: &Content,
        file: &mut BufReader<File>,
        index: usize,
        context: usize,
    ) -> candle_core::Result<Self> {
        let device = &Device::Cpu;
        let mut tensor = |name: &str| -> candle_core::Result<QTensor> {
            content.tensor(file, &format!("blk.{index}.{name}"), device)
        };
        let mut projection = |name: &str| -> candle_core::Result<Projection> {
            Ok(Projection {
                weight: QMatMul::from_qtensor(tensor(&format!("{name}.weight"))?)?,
                bias: tensor(&format!("{name}.bias"))?.dequantize(device)?,
            })
        };
        let (query, key, value) = (
            projection("attn_q")?,
            projection("attn_k")?,
            projection("attn_v")?,
        );
        let cache = || {
            Tensor::zeros(
                (1, shape.shared_heads, context, shape.head_width()),
                DType::F32,
                device,
            )
        };
        Ok(Self {
            query,
            key,
            value,
            attention_norm: RmsNorm::from_qtensor(tensor("attn_norm.weight")?, shape.epsilon)?,
            attention_output: QMatMul::from_qtensor(tensor("attn_output.weight")?)?,
            feed_norm: RmsNorm::from_qtensor(tensor("ffn_norm.weight")?, shape.epsilon)?,
            gate: QMatMul::from_qtensor(tensor("ffn_gate.weight")?)?,
            up: QMatMul::from_qtensor(tensor("ffn_up.weight")?)?,
            down: QMatMul::from_qtensor(tensor("ffn_down.weight")?)?,
            keys: cache()?,
            values: cache()?,
        })
    }

    fn attend(
        &self,
        shape: &Shape,
        x: &Tensor,
        (cos, sin): (&Tensor, &Tensor),
        mask: Option<&Tensor>,
        start: usize,
    ) -> candle_core::Result<Tensor> {
        let (heads, shared, width) = (shape.heads, shape.shared_heads, shape.head_width());
        let (count, group) = (x.dim(1)?, heads / shared);
        let q = candle_nn::rotary_emb::rope(&self.query.split(x, heads, width)?, cos, sin)?;
        let k = candle_nn::rotary_emb::rope(&self.key.split(x, shared, width)?, cos, sin)?;
        self.keys.slice_set(&k, 2, start)?;
        self.values
            .slice_set(&self.value.split(x, shared, width)?, 2, start)?;
        let total = start + count;
        let (keys, values) = (
            self.keys.narrow(2, 0, total)?,
            self.values.narrow(2, 0, total)?,
        );
        // All query heads of a group against the one key head that they share: 1 × shared × (group·count) × width.
        let q = (q * (1.0 / (width as f64).sqrt()))?.reshape((1, shared, group * count, width))?;
        let mut weights = q.matmul(&keys.t()?)?;
        if let Some(mask) = mask {
            let masked = weights
                .reshape((1, heads, count, total))?
                .broadcast_add(mask)?;
            weights = masked.reshape((1, shared, group * count, total))?;
        }
        let weights = candle_nn::ops::softmax_last_dim(&weights)?;
        let y = weights.matmul(&values)?.reshape((1, heads, count, width))?;
        self.attention_output
            .forward(&y.transpose(1, 2)?.reshape((1, count, heads * width))?)
    }

    fn feed(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let gated = candle_nn::ops::silu(&self.gate.forward(x)?)?;
        self.down.forward(&(gated * self.up.forward(x)?)?)
    }
}

impl Projection {
    /// Projects `x` (1 × count × model width) and splits it by heads: 1 × heads × count × width.
    fn split(&self, x: &Tensor, heads: usize, width: usize) -> candle_core::Result<Tensor> {
        let y = self.weight.forward(x)?.broadcast_add(&self.bias)?;
        y.reshape((1, x.dim(1)?, heads, width))?
            .transpose(1, 2)?
            .contiguous()
    }
}

/// What token `start + i` must not see: the tokens after it.
fn causal_mask(count: usize, start: usize) -> candle_core::Result<Tensor> {
    let total = start + count;
    let mut mask = vec![0f32; count * total];
    for (i, row) in mask.chunks_mut(total).enumerate() {
        row[start + i + 1..].fill(f32::NEG_INFINITY);
    }
    Tensor::from_vec(mask, (1, 1, count, total), &Device::Cpu)
}

/// Cosines and sines of the rotary embedding, `context` × half a head.
fn rotations(shape: &Shape, context: usize) -> candle_core::Result<(Tensor, Tensor)> {
    let width = shape.head_width();
    let rate = |i: usize| 1f32 / shape.rope_base.powf(i as f32 / width as f32);
    let rates: Vec<f32> = (0..width).step_by(2).map(rate).collect();
    let rates = Tensor::from_vec(rates, (1, width / 2), &Device::Cpu)?;
    let positions = Tensor::arange(0u32, context as u32, &Device::Cpu)?.to_dtype(DType::F32)?;
    let angles = positions.reshape((context, 1))?.matmul(&rates)?;
    Ok((angles.cos()?, angles.sin()?))
}

fn architecture(content: &Content) -> Result<()> {
    match content.metadata.get("general.architecture") {
        Some(Value::String(name)) if name == "qwen2" => Ok(()),
        Some(Value::String(name)) => Err(Error::input(format!(
            "the architecture is `{name}`; only `qwen2` runs here"
        ))
        .hint("serve other models behind an OpenAI-compatible API and set `kind = \"remote\"`")),
        _ => Err(Error::corrupt("the metadata name no architecture")),
    }
}

fn number(content: &Content, key: &str) -> Result<usize> {
    let key = format!("qwen2.{key}");
    match content.metadata.get(&key) {
        Some(Value::U32(n)) if *n > 0 => Ok(*n as usize),
        Some(Value::U64(n)) if *n > 0 && *n <= u64::from(u32::MAX) => Ok(*n as usize),
        Some(other) => Err(Error::corrupt(format!("`{key}` is {other:?}"))),
        None => Err(Error::corrupt(format!(
            "`{key}` is missing from the metadata"
        ))),
    }
}

fn float(content: &Content, key: &str) -> Result<f32> {
    let key = format!("qwen2.{key}");
    match content.metadata.get(&key) {
        Some(Value::F32(x)) if x.is_finite() => Ok(*x),
        Some(other) => Err(Error::corrupt(format!("`{key}` is {other:?}"))),
        None => Err(Error::corrupt(format!(
            "`{key}` is missing from the metadata"
        ))),
    }
}

/// How many tokens the tokenizer in the file has.
fn tokens(content: &Content) -> Result<usize> {
    match content.metadata.get("tokenizer.ggml.tokens") {
        Some(Value::Array(tokens)) if !tokens.is_empty() => Ok(tokens.len()),
        _ => Err(Error::corrupt(
            "`tokenizer.ggml.tokens` is missing from the metadata",
        )),
    }
}

fn expect(content: &Content, name: &str, dimensions: &[usize]) -> Result<()> {
    match content.tensor_infos.get(name) {
        Some(info) if info.shape.dims() == dimensions => Ok(()),
        Some(info) => Err(Error::corrupt(format!(
            "tensor `{name}` has dimensions {:?}; the metadata want {dimensions:?}",
            info.shape.dims()
        ))),
        None => Err(Error::corrupt(format!("tensor `{name}` is missing"))),
    }
}
