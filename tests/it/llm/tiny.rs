//! Tiny random models as GGUF files, and ways to damage them.

use std::io::BufWriter;
use std::path::{Path, PathBuf};

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

const WIDTH: usize = 32;
const HIDDEN: usize = 64;
const HEADS: usize = 4;
const SHARED: usize = 2;
const LAYERS: usize = 2;
pub const CONTEXT: u32 = 1024;
/// The id of the token that ends a turn.
pub const END: u32 = 257;

/// The parts of a GGUF file, to be changed before it is written.
pub struct Tiny {
    pub metadata: Vec<(String, Value)>,
    pub tensors: Vec<(String, QTensor)>,
}

impl Tiny {
    /// A model whose weights follow from `seed`.
    pub fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let tokens = tokens();
        let (vocabulary, shared) = (tokens.len(), WIDTH / HEADS * SHARED);
        let mut tensors = vec![
            (
                "token_embd.weight".to_owned(),
                random.tensor(&[vocabulary, WIDTH]),
            ),
            ("output_norm.weight".to_owned(), ones(WIDTH)),
            (
                "output.weight".to_owned(),
                random.tensor(&[vocabulary, WIDTH]),
            ),
        ];
        for layer in 0..LAYERS {
            let mut add =
                |name: &str, tensor| tensors.push((format!("blk.{layer}.{name}"), tensor));
            add("attn_norm.weight", ones(WIDTH));
            add("ffn_norm.weight", ones(WIDTH));
            for (name, rows) in [("attn_q", WIDTH), ("attn_k", shared), ("attn_v", shared)] {
                add(&format!("{name}.weight"), random.tensor(&[rows, WIDTH]));
                add(&format!("{name}.bias"), random.tensor(&[rows]));
            }
            add("attn_output.weight", random.tensor(&[WIDTH, WIDTH]));
            add("ffn_gate.weight", random.tensor(&[HIDDEN, WIDTH]));
            add("ffn_up.weight", random.tensor(&[HIDDEN, WIDTH]));
            add("ffn_down.weight", random.tensor(&[WIDTH, HIDDEN]));
        }
        Self {
            metadata: metadata(tokens),
            tensors,
        }
    }

    /// A Qwen3: no biases, a norm of each head, and heads that are wider than the model.
    pub fn qwen3(seed: u64) -> Self {
        Self::without_biases(seed, "qwen3", 2 * WIDTH / HEADS)
            .set("qwen3.attention.key_length", number(2 * WIDTH / HEADS))
            .with_norms(&["attn_q_norm", "attn_k_norm"], 2 * WIDTH / HEADS)
    }

    /// A Llama with the vocabulary of SmolLM2's kind.
    pub fn llama(seed: u64) -> Self {
        Self::without_biases(seed, "llama", WIDTH / HEADS)
            .set("llama.rope.dimension_count", number(WIDTH / HEADS))
            .set("tokenizer.ggml.pre", Value::String("smollm".to_owned()))
    }

    /// A Gemma 3 with a SentencePiece vocabulary: control tokens, bytes, letters, and `the` with its parts.
    pub fn gemma3(seed: u64) -> Self {
        let head = WIDTH / HEADS;
        let list = |values: Vec<Value>| Value::Array(values);
        let text = |text: &str| Value::String(text.to_owned());
        let vocabulary = pieces();
        let tokens = vocabulary.iter().map(|piece| text(&piece.0));
        let mut tiny = Self::without_biases(seed, "gemma3", head)
            .with_norms(&["attn_q_norm", "attn_k_norm"], head)
            .with_norms(&["post_attention_norm", "post_ffw_norm"], WIDTH)
            .set("gemma3.attention.key_length", number(head))
            .set("gemma3.attention.value_length", number(head))
            .set("gemma3.attention.sliding_window", number(512))
            .set("tokenizer.ggml.model", text("llama"))
            .set("tokenizer.ggml.tokens", list(tokens.collect()))
            .set(
                "tokenizer.ggml.scores",
                list(vocabulary.iter().map(|piece| Value::F32(piece.1)).collect()),
            )
            .set(
                "tokenizer.ggml.token_type",
                list(vocabulary.iter().map(|piece| Value::I32(piece.2)).collect()),
            )
            .without("tokenizer.ggml.eos_token_id")
            .without("token_embd.weight")
            .without("output.weight");
        let embedding = Random(seed).tensor(&[vocabulary.len(), WIDTH]);
        tiny.tensors
            .push(("token_embd.weight".to_owned(), embedding));
        tiny
    }

    fn without_biases(seed: u64, family: &str, head: usize) -> Self {
        let mut tiny = Self::new(seed);
        let mut random = Random(seed + 1);
        for (key, _) in &mut tiny.metadata {
            *key = key.replace("qwen2.", &format!("{family}."));
        }
        tiny = tiny.set("general.architecture", Value::String(family.to_owned()));
        tiny.tensors.retain(|(name, _)| !name.ends_with(".bias"));
        for (name, tensor) in &mut tiny.tensors {
            let part = name.split('.').nth(2).unwrap_or_default();
            *tensor = match part {
                "attn_q" => random.tensor(&[HEADS * head, WIDTH]),
                "attn_k" | "attn_v" => random.tensor(&[SHARED * head, WIDTH]),
                "attn_output" => random.tensor(&[WIDTH, HEADS * head]),
                _ => continue,
            };
        }
        tiny
    }

    fn with_norms(mut self, names: &[&str], length: usize) -> Self {
        for layer in 0..LAYERS {
            for name in names {
                let name = format!("blk.{layer}.{name}.weight");
                self.tensors.push((name, ones(length)));
            }
        }
        self
    }

    /// Sets an entry of the metadata.
    pub fn set(mut self, key: &str, value: Value) -> Self {
        self.metadata.retain(|(k, _)| k != key);
        self.metadata.push((key.to_owned(), value));
        self
    }

    /// Removes an entry of the metadata or a tensor.
    pub fn without(mut self, name: &str) -> Self {
        self.metadata.retain(|(k, _)| k != name);
        self.tensors.retain(|(k, _)| k != name);
        self
    }

    /// Writes the file.
    pub fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join("tiny.gguf");
        let mut file = BufWriter::new(std::fs::File::create(&path).unwrap());
        let metadata: Vec<_> = self.metadata.iter().map(|(k, v)| (k.as_str(), v)).collect();
        let tensors: Vec<_> = self.tensors.iter().map(|(k, v)| (k.as_str(), v)).collect();
        gguf_file::write(&mut file, &metadata, &tensors).unwrap();
        path
    }
}

fn number(n: usize) -> Value {
    Value::U32(n as u32)
}

/// Tokens of a SentencePiece vocabulary with their scores and kinds.
fn pieces() -> Vec<(String, f32, i32)> {
    let control = [
        "<pad>",
        "<eos>",
        "<bos>",
        "<unk>",
        "<start_of_turn>",
        "<end_of_turn>",
    ];
    let control = control.map(|token| (token.to_owned(), 0.0, 3));
    let bytes = (0..=255).map(|byte| (format!("<0x{byte:02X}>"), 0.0, 6));
    let signs = (33u8..127).map(|sign| (char::from(sign).to_string(), -1000.0, 1));
    let parts = [
        ("\u{2581}", -1000.0),
        ("he", -2.0),
        ("th", -1.0),
        ("the", -3.0),
        ("\u{2581}the", -4.0),
    ];
    let parts = parts.map(|(part, score)| (part.to_owned(), score, 1));
    control
        .into_iter()
        .chain(bytes)
        .chain(signs)
        .chain(parts)
        .collect()
}

fn metadata(tokens: Vec<String>) -> Vec<(String, Value)> {
    let types = tokens
        .iter()
        .map(|t| Value::I32(if t.starts_with("<|") { 3 } else { 1 }))
        .collect();
    let tokens = tokens.into_iter().map(Value::String).collect();
    let number = |key: &str, n: usize| (format!("qwen2.{key}"), Value::U32(n as u32));
    let text = |key: &str, text: &str| (key.to_owned(), Value::String(text.to_owned()));
    vec![
        text("general.architecture", "qwen2"),
        number("block_count", LAYERS),
        number("embedding_length", WIDTH),
        number("feed_forward_length", HIDDEN),
        number("attention.head_count", HEADS),
        number("attention.head_count_kv", SHARED),
        number("context_length", CONTEXT as usize),
        (
            "qwen2.attention.layer_norm_rms_epsilon".to_owned(),
            Value::F32(1e-6),
        ),
        ("qwen2.rope.freq_base".to_owned(), Value::F32(10_000.0)),
        text("tokenizer.ggml.model", "gpt2"),
        text("tokenizer.ggml.pre", "qwen2"),
        ("tokenizer.ggml.tokens".to_owned(), Value::Array(tokens)),
        ("tokenizer.ggml.token_type".to_owned(), Value::Array(types)),
        (
            "tokenizer.ggml.merges".to_owned(),
            Value::Array(vec![Value::String("t h".to_owned())]),
        ),
        ("tokenizer.ggml.eos_token_id".to_owned(), Value::U32(END)),
    ]
}

/// One token per byte, in the letters that byte-level tokenizers write bytes with, the control tokens and a merge.
fn tokens() -> Vec<String> {
    let printable = |b: u32| matches!(b, 33..=126 | 161..=172 | 174..=255);
    let mut others = 256..;
    let byte = |b: u32| {
        if printable(b) {
            b
        } else {
            others.next().unwrap()
        }
    };
    let mut tokens: Vec<String> = (0..256)
        .map(byte)
        .map(|c| char::from_u32(c).unwrap().to_string())
        .collect();
    tokens.extend(["<|im_start|>", "<|im_end|>", "<|endoftext|>", "th"].map(str::to_owned));
    tokens
}

fn ones(length: usize) -> QTensor {
    quantized(Tensor::ones(length, candle_core::DType::F32, &Device::Cpu).unwrap())
}

fn quantized(tensor: Tensor) -> QTensor {
    QTensor::quantize(&tensor, GgmlDType::F32).unwrap()
}

struct Random(u64);

impl Random {
    fn tensor(&mut self, dimensions: &[usize]) -> QTensor {
        let numbers: Vec<f32> = (0..dimensions.iter().product())
            .map(|_| self.next())
            .collect();
        quantized(Tensor::from_vec(numbers, dimensions, &Device::Cpu).unwrap())
    }

    /// A number in -0.5..0.5.
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    }
}
