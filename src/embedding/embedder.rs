//! A BERT sentence model (all-MiniLM-L6-v2) on candle: mean pooling, vectors of length 1.
//!
//! Only texts with equally many tokens share a batch, without padding. Then every product is over the same number of
//! terms as for the text alone, and gives the same bits (tests look at that): the vector of a text does not depend
//! on the texts beside it. Padded batches would not be much faster.

use std::cmp::Reverse;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::Config;
use tokenizers::{Tokenizer, TruncationParams};

use super::TextEncoder;
use super::bert::Bert;
use crate::error::{Error, ErrorKind, Result};

/// Begins the ids of embedders; another one where the same weights give other bits than before, so that vectors are not mixed.
const ARITHMETIC: &str = "bert2";
/// Longer texts are cut, as the model was trained.
const MAX_TOKENS: usize = 256;
/// Tokens of a batch; beyond this nothing is gained.
const BATCH_TOKENS: usize = 256;
/// Products with no more numbers than this are summed another way by candle, so that a batch would change bits.
const SMALL_PRODUCT: usize = 16 * 16;
/// Numbers in a tensor from which candle works on it with its own, shared threads.
const SHARED_WORK: usize = 64 * 1024;
/// The most workers. They have one thread each: candle's own threads wait for each other too often to be worth it here.
const MAX_WORKERS: usize = 8;

/// A sentence model.
pub struct Embedder {
    id: String,
    dimensions: usize,
    batch_tokens: usize,
    model: Bert,
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
        let id = format!(
            "{ARITHMETIC}@{}",
            &hash(&[&weights, &config, &tokenizer])[..16]
        );
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
        let model = weights.and_then(|weights| Bert::load(&weights, &config));
        let model = model.map_err(|e| broken("model.safetensors", &e))?;
        Ok(Self {
            id,
            dimensions: config.hidden_size,
            batch_tokens: batch_tokens(&config),
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
        let tokens: Vec<Vec<u32>> = texts
            .iter()
            .map(|text| self.tokens(text))
            .collect::<Result<_>>()?;
        let batches = self.batches(&tokens);
        let next = AtomicUsize::new(0);
        let work = || -> Result<Vec<(usize, Vec<f32>)>> {
            let mut done = Vec::new();
            while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                let vectors = self.forward(batch, &tokens);
                let vectors =
                    vectors.map_err(|e| Error::corrupt(format!("the embedder failed: {e}")))?;
                done.extend(batch.iter().copied().zip(vectors));
            }
            Ok(done)
        };
        let mut vectors = vec![Vec::new(); texts.len()];
        for done in self.on_every_worker(batches.len(), &work)? {
            for (index, vector) in done? {
                vectors[index] = normalized(vector);
            }
        }
        Ok(vectors)
    }

    /// The texts with equally many tokens, in batches; the longest first, which leaves the workers little to wait for.
    fn batches(&self, tokens: &[Vec<u32>]) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..tokens.len()).collect();
        order.sort_by_key(|&index| Reverse(tokens[index].len()));
        let groups = order.chunk_by(|&a, &b| tokens[a].len() == tokens[b].len());
        let rows = |length: usize| match length * self.dimensions > SMALL_PRODUCT {
            true => (self.batch_tokens / length).max(1),
            false => 1,
        };
        groups
            .flat_map(|group| {
                group
                    .chunks(rows(tokens[group[0]].len()))
                    .map(<[usize]>::to_vec)
            })
            .collect()
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

    fn tokens(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self.tokenizer.encode_fast(text, true);
        let encoding = encoding.map_err(|e| Error::input(format!("cannot tokenize: {e}")))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// For each text of `batch` the mean of the states of its tokens. They are equally many.
    fn forward(&self, batch: &[usize], tokens: &[Vec<u32>]) -> candle_core::Result<Vec<Vec<f32>>> {
        let ids: Vec<u32> = batch
            .iter()
            .flat_map(|&index| &tokens[index])
            .copied()
            .collect();
        let length = ids.len() / batch.len();
        let ids = Tensor::from_vec(ids, (batch.len(), length), &Device::Cpu)?;
        self.model.forward(&ids)?.mean(1)?.to_vec2()
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

/// How many tokens a batch may have. If candle has threads of its own, batches are kept so small that it does not use
/// them: the workers would wait for each other there.
fn batch_tokens(config: &Config) -> usize {
    match candle_core::utils::barrier_pool().n_workers() {
        0 => BATCH_TOKENS,
        _ => (SHARED_WORK - 1) / config.intermediate_size.max(3 * config.hidden_size),
    }
}

/// One pool of one thread per worker: candle's matrix products use the pool that they are called in.
fn pools() -> Result<Vec<rayon::ThreadPool>> {
    let pool = || rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let workers = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MAX_WORKERS);
    let pools = (0..workers).map(|_| pool()).collect::<Result<_, _>>();
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
