//! A BERT sentence model (all-MiniLM-L6-v2) on candle: mean pooling, vectors of length 1.
//!
//! Every text is computed on its own, without padding. Batches would be faster, but the shape of a matrix product
//! decides in which order it sums: in a batch, a text's last bits depend on the texts beside it. Alone they depend on
//! the text (and on the kind of processor), which caches and repeated runs rely on.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use tokenizers::{Tokenizer, TruncationParams};

use super::TextEncoder;
use crate::error::{Error, ErrorKind, Result};

/// Longer texts are cut, as the model was trained.
const MAX_TOKENS: usize = 256;
/// Workers of one thread each; candle's own threads wait for each other too often to be worth it here.
const WORKERS: usize = 2;

/// A sentence model.
pub struct Embedder {
    id: String,
    dimensions: usize,
    model: BertModel,
    tokenizer: Tokenizer,
    pools: Vec<rayon::ThreadPool>,
}

impl Embedder {
    /// Loads `model.safetensors`, `config.json` and `tokenizer.json` in the folder `directory`.
    pub fn load(directory: &Path) -> Result<Self> {
        let file = |name: &str| {
            let path = directory.join(name);
            let read = std::fs::read(&path).map_err(|e| Error::io("read the embedder", &path, e));
            read.map_err(|e| e.hint("kenning model pull all-minilm-l6-v2"))
        };
        let (weights, config, tokenizer) = (
            file("model.safetensors")?,
            file("config.json")?,
            file("tokenizer.json")?,
        );
        let broken = |name: &str, e: &dyn std::fmt::Display| {
            Error::corrupt(format!("cannot use `{name}`: {e}"))
                .at(directory.display())
                .hint("kenning model check")
        };
        let id = format!("bert@{}", &hash(&[&weights, &config, &tokenizer])[..16]);
        let config: Config =
            serde_json::from_slice(&config).map_err(|e| broken("config.json", &e))?;
        check(&config).map_err(|e| broken("config.json", &e))?;
        let tokenizer =
            Tokenizer::from_bytes(&tokenizer).map_err(|e| broken("tokenizer.json", &e))?;
        let tokenizer = cut_only(tokenizer, config.max_position_embeddings)
            .map_err(|e| broken("tokenizer.json", &e))?;
        if tokenizer.get_vocab_size(true) > config.vocab_size {
            return Err(broken(
                "tokenizer.json",
                &"it has more tokens than the model",
            ));
        }
        let weights = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu);
        let model = weights.and_then(|weights| BertModel::load(weights, &config));
        let model = model.map_err(|e| broken("model.safetensors", &e))?;
        Ok(Self {
            id,
            dimensions: config.hidden_size,
            model,
            tokenizer,
            pools: pools()?,
        })
    }

    /// Names the model and its weights.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The length of a vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// One vector per text, of length 1. Do not call this from a rayon pool.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(texts[i].len()));
        let next = AtomicUsize::new(0);
        let work = || -> Result<Vec<(usize, Vec<f32>)>> {
            let mut done = Vec::new();
            while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                done.push((index, self.embed_one(texts[index])?));
            }
            Ok(done)
        };
        let mut vectors = vec![Vec::new(); texts.len()];
        for done in self.on_every_worker(texts.len(), &work)? {
            for (index, vector) in done? {
                vectors[index] = vector;
            }
        }
        Ok(vectors)
    }

    /// Runs `work` on as many workers as `tasks` keep busy.
    fn on_every_worker<T: Send>(
        &self,
        tasks: usize,
        work: &(dyn Fn() -> T + Sync),
    ) -> Result<Vec<T>> {
        let pools = &self.pools[..self.pools.len().min(tasks)];
        std::thread::scope(|scope| {
            let threads: Vec<_> = pools
                .iter()
                .map(|pool| scope.spawn(move || pool.install(work)))
                .collect();
            let results = threads.into_iter().map(|thread| thread.join());
            results
                .collect::<std::thread::Result<_>>()
                .map_err(|_| Error::corrupt("a worker of the embedder panicked"))
        })
    }

    fn embed_one(&self, text: &str) -> Result<Vec<f32>> {
        let encoding = self.tokenizer.encode_fast(text, true);
        let encoding = encoding.map_err(|e| Error::input(format!("cannot tokenize: {e}")))?;
        let vector = match encoding.get_ids() {
            [] => vec![0.0; self.dimensions],
            ids => self
                .forward(ids)
                .map_err(|e| Error::corrupt(format!("the embedder failed: {e}")))?,
        };
        Ok(normalized(vector))
    }

    /// The mean of the states of all tokens.
    fn forward(&self, ids: &[u32]) -> candle_core::Result<Vec<f32>> {
        let ids = Tensor::new(ids, &Device::Cpu)?.unsqueeze(0)?;
        let states = self.model.forward(&ids, &ids.zeros_like()?, None)?;
        states.mean(1)?.squeeze(0)?.to_vec1()
    }
}

impl TextEncoder for Embedder {
    fn id(&self) -> &str {
        self.id()
    }

    fn dimensions(&self) -> usize {
        self.dimensions()
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        self.embed(texts)
    }
}

/// One pool of one thread per worker: candle's matrix products use the pool that they are called in.
fn pools() -> Result<Vec<rayon::ThreadPool>> {
    let pool = || rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let pools = (0..WORKERS).map(|_| pool()).collect::<Result<_, _>>();
    pools.map_err(|e| {
        Error::new(
            ErrorKind::Io,
            format!("cannot start the embedder's workers: {e}"),
        )
    })
}

fn cut_only(mut tokenizer: Tokenizer, positions: usize) -> tokenizers::Result<Tokenizer> {
    let max_length = MAX_TOKENS.min(positions);
    tokenizer.with_padding(None);
    tokenizer.with_truncation(Some(TruncationParams {
        max_length,
        ..Default::default()
    }))?;
    Ok(tokenizer)
}

fn check(config: &Config) -> Result<(), String> {
    let (heads, width) = (config.num_attention_heads, config.hidden_size);
    if heads == 0
        || width == 0
        || !width.is_multiple_of(heads)
        || config.max_position_embeddings < 8
    {
        return Err(format!(
            "{heads} heads for {width} dimensions, {} positions",
            config.max_position_embeddings
        ));
    }
    Ok(())
}

fn hash(parts: &[&[u8]]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().to_hex().to_string()
}

fn normalized(mut vector: Vec<f32>) -> Vec<f32> {
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|x| *x /= norm);
    }
    vector
}
