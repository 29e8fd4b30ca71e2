//! BERT (Devlin et al. 2019) for texts of one length, without padding: the states of their tokens.
//!
//! Ours instead of candle's: queries, keys and values are one product, there is no mask to add, and what goes number by number
//! is as wide as the processor.

use candle_core::{D, IndexOp, Module, Result, Tensor};
use candle_nn::{LayerNorm, Linear, VarBuilder, layer_norm, linear};
use candle_transformers::models::bert::{Config, HiddenAct};

use crate::activation;

/// The weights.
pub struct Bert {
    words: Tensor,
    /// What is added at each position, with the kind of token that all are.
    positions: Tensor,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

struct Layer {
    heads: usize,
    /// Queries, keys and values side by side.
    attention: Linear,
    attention_output: Linear,
    attention_norm: LayerNorm,
    up: Linear,
    activation: HiddenAct,
    down: Linear,
    norm: LayerNorm,
}

impl Bert {
    /// Takes weights by the names of the published models: bare, or behind the name of the architecture.
    pub fn load(weights: &VarBuilder, config: &Config) -> Result<Self> {
        const WORDS: &str = "embeddings.word_embeddings.weight";
        let architecture = config.model_type.as_deref().unwrap_or("bert");
        let weights = match weights.contains_tensor(WORDS) {
            true => weights.clone(),
            false => weights.pp(architecture),
        };
        let width = config.hidden_size;
        let table = |name: &str, rows: usize| weights.get((rows, width), name);
        let positions = table(
            "embeddings.position_embeddings.weight",
            config.max_position_embeddings,
        )?;
        let kinds = table(
            "embeddings.token_type_embeddings.weight",
            config.type_vocab_size,
        )?;
        let layer = |n| Layer::load(&weights.pp(format!("encoder.layer.{n}")), config);
        Ok(Self {
            words: table(WORDS, config.vocab_size)?,
            positions: positions.broadcast_add(&kinds.i(0)?)?,
            norm: layer_norm(
                width,
                config.layer_norm_eps,
                weights.pp("embeddings.LayerNorm"),
            )?,
            layers: (0..config.num_hidden_layers)
                .map(layer)
                .collect::<Result<_>>()?,
        })
    }

    /// The states after the last layer (texts × tokens × width) of the ids of tokens (texts × tokens).
    pub fn forward(&self, ids: &Tensor) -> Result<Tensor> {
        let (texts, length) = ids.dims2()?;
        let words = self.words.embedding(&ids.flatten_all()?)?;
        let words = words.reshape((texts, length, ()))?;
        let x = words.broadcast_add(&self.positions.narrow(0, 0, length)?)?;
        let x = self.norm.forward(&x)?;
        let mut layers = self.layers.iter();
        layers.try_fold(x, |x, layer| layer.forward(&x))
    }
}

impl Layer {
    fn load(weights: &VarBuilder, config: &Config) -> Result<Self> {
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let norm = |name: &str| layer_norm(width, config.layer_norm_eps, weights.pp(name));
        Ok(Self {
            heads: config.num_attention_heads,
            attention: attention(&weights.pp("attention.self"), config)?,
            attention_output: linear(width, width, weights.pp("attention.output.dense"))?,
            attention_norm: norm("attention.output.LayerNorm")?,
            up: linear(width, inner, weights.pp("intermediate.dense"))?,
            activation: config.hidden_act,
            down: linear(inner, width, weights.pp("output.dense"))?,
            norm: norm("output.LayerNorm")?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.attention_norm.forward(&(self.attend(x)? + x)?)?;
        let inner = self.up.forward(&x)?;
        let inner = match self.activation {
            HiddenAct::Gelu => {
                activation::gelu(&inner)?;
                inner
            }
            HiddenAct::GeluApproximate => inner.gelu()?,
            HiddenAct::Relu => inner.relu()?,
        };
        self.norm.forward(&(self.down.forward(&inner)? + x)?)
    }

    fn attend(&self, x: &Tensor) -> Result<Tensor> {
        let (texts, length, width) = x.dims3()?;
        let parts = (texts, length, 3, self.heads, width / self.heads);
        let parts = self.attention.forward(x)?.reshape(parts)?;
        let parts = parts.permute((2, 0, 3, 1, 4))?.contiguous()?;
        let (queries, keys, values) = (parts.i(0)?, parts.i(1)?, parts.i(2)?);
        let weights = queries.matmul(&keys.transpose(D::Minus2, D::Minus1)?)?;
        activation::softmax(&weights)?;
        let seen = weights.matmul(&values)?.transpose(1, 2)?;
        let seen = seen.reshape((texts, length, width))?;
        self.attention_output.forward(&seen)
    }
}

/// Queries are scaled by their weights, not each time.
fn attention(weights: &VarBuilder, config: &Config) -> Result<Linear> {
    let width = config.hidden_size;
    let scale = ((width / config.num_attention_heads) as f64).sqrt().recip();
    let part = |name: &str, scale: f64| -> Result<[Tensor; 2]> {
        let weights = weights.pp(name);
        let weight = weights.get((width, width), "weight")?;
        let bias = weights.get(width, "bias")?;
        Ok([(weight * scale)?, (bias * scale)?])
    };
    let parts = [
        part("query", scale)?,
        part("key", 1.0)?,
        part("value", 1.0)?,
    ];
    let side_by_side = |n: usize| Tensor::cat(&parts.each_ref().map(|part| &part[n]), 0);
    let (weight, bias) = (side_by_side(0)?, side_by_side(1)?);
    Ok(Linear::new(weight, Some(bias)))
}
