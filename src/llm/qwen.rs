//! The architectures of Qwen2 and Qwen3 on candle, from GGUF. Qwen3 has no biases, norms each head of queries and keys, and
//! its heads need not make up its width.
//!
//! Ours instead of candle's: the key/value cache is allocated once and can be cut back to a prefix, which lets a
//! prompt that begins like the last one be computed from where it differs, and grouped-query attention multiplies
//! the shared heads without copying them. Softmax and SwiGLU are those of [`crate::activation`].

use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;

use candle_core::quantized::gguf_file::Content;
use candle_core::quantized::{QMatMul, QTensor};
use candle_core::{DType, Device, IndexOp, Module, Tensor};
use candle_transformers::quantized_nn::RmsNorm;

use super::shape::Shape;
use super::tree::Tree;
use crate::activation;
use crate::error::{Error, Result};

/// The weights and the cache.
pub struct Qwen {
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

/// A matrix, and a bias or a norm of each head.
struct Projection {
    weight: QMatMul,
    bias: Option<Tensor>,
    norm: Option<RmsNorm>,
}

impl Qwen {
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
            let bias = shape.has_biases.then(|| tensor(&format!("{name}.bias")));
            let is_normed = !shape.has_biases && name != "attn_v";
            let norm = is_normed.then(|| tensor(&format!("{name}_norm.weight")));
            let norm = norm.map(|norm| RmsNorm::from_qtensor(norm?, shape.epsilon));
            Ok(Projection {
                bias: bias.map(|bias| bias?.dequantize(device)).transpose()?,
                norm: norm.transpose()?,
                weight: QMatMul::from_qtensor(tensor(&format!("{name}.weight"))?)?,
            })
        };
        let (query, key, value) = (
            projection("attn_q")?,
            projection("attn_k")?,
            projection("attn_v")?,
        );
        let cache = || {
            Tensor::zeros(
                (1, shape.shared_heads, context, shape.head_width),
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
        let (heads, shared, width) = (shape.heads, shape.shared_heads, shape.head_width);
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
        let weights = q.matmul(&keys.t()?)?;
        match mask {
            Some(mask) => activation::masked_softmax(&weights, mask)?,
            None => activation::softmax(&weights)?,
        }
        let y = weights.matmul(&values)?.reshape((1, heads, count, width))?;
        self.attention_output
            .forward(&y.transpose(1, 2)?.reshape((1, count, heads * width))?)
    }

    fn feed(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let gated = self.gate.forward(x)?;
        activation::swiglu(&gated, &self.up.forward(x)?)?;
        self.down.forward(&gated)
    }
}

impl Projection {
    /// Projects `x` (1 × count × model width) and splits it by heads: 1 × heads × count × width.
    fn split(&self, x: &Tensor, heads: usize, width: usize) -> candle_core::Result<Tensor> {
        let mut y = self.weight.forward(x)?;
        if let Some(bias) = &self.bias {
            y = y.broadcast_add(bias)?;
        }
        y = y.reshape((1, x.dim(1)?, heads, width))?;
        if let Some(norm) = &self.norm {
            y = norm.forward(&y)?;
        }
        y.transpose(1, 2)?.contiguous()
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
    let width = shape.head_width;
    let rate = |i: usize| 1f32 / shape.rope_base.powf(i as f32 / width as f32);
    let rates: Vec<f32> = (0..width).step_by(2).map(rate).collect();
    let rates = Tensor::from_vec(rates, (1, width / 2), &Device::Cpu)?;
    let positions = Tensor::arange(0u32, context as u32, &Device::Cpu)?.to_dtype(DType::F32)?;
    let angles = positions.reshape((context, 1))?.matmul(&rates)?;
    Ok((angles.cos()?, angles.sin()?))
}
