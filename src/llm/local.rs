//! A model in this process: greedy or seeded decoding of a GGUF file on the CPU.
//!
//! Prompts are computed in chunks that begin at multiples of `CHUNK`, and only whole chunks are kept for the next
//! prompt that begins alike. So a kept prefix was computed in exactly the pieces in which it would be computed again,
//! and a reply does not depend on what was asked before; the grouping of tokens changes the last bits of a score.
//!
//! candle runs on as many threads as the machine has cores, which spin while they wait; on a machine that does other
//! work, `CANDLE_NUM_THREADS=1 RAYON_NUM_THREADS=1` in the environment is faster. Do not call this from a rayon pool.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::quantized::tokenizer::TokenizerFromGguf;
use tokenizers::Tokenizer;

use super::chat::ChatTokenizer;
use super::guide::{Guide, Ids};
use super::qwen2::{Qwen2, Shape};
use super::settings::LocalSettings;
use super::{
    Completion, Finish, LanguageModel, Likelihood, Request, TokenCounter, Usage, gguf, given_up,
    score,
};
use crate::error::{Error, Result};
use crate::weights::{self, Manifest, Role};

/// Tokens that are computed at once.
const CHUNK: usize = 128;
/// Below this no template fits.
const MIN_CONTEXT: usize = 16;

/// A model in this process.
pub struct Local {
    pub(super) id: String,
    pub(super) model: Qwen2,
    pub(super) tokenizer: Arc<ChatTokenizer>,
    stops: Vec<u32>,
    pub(super) context: usize,
    /// The tokens of whole chunks at the begin of the model's cache.
    kept: Vec<u32>,
}

impl Local {
    /// Opens the file or the pulled model that `settings` name.
    pub fn open(settings: &LocalSettings) -> Result<Self> {
        match &settings.path {
            Some(path) => Self::load(path, settings.context_tokens),
            None => Self::load(&pulled(settings.model.as_deref())?, settings.context_tokens),
        }
    }

    /// Loads the GGUF file at `path`, with room for `context_tokens` or what the model was trained for, if less.
    pub fn load(path: &Path, context_tokens: usize) -> Result<Self> {
        gguf::check(path)?;
        Self::load_checked(path, context_tokens).map_err(|e| e.at(path.display()))
    }

    fn load_checked(path: &Path, context_tokens: usize) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io("open the model", path, e))?;
        let mut file = BufReader::with_capacity(1 << 20, file);
        let content = Content::read(&mut file)
            .map_err(|e| Error::corrupt(format!("cannot read the header: {e}")))?;
        let shape = Shape::read(&content)?;
        let id = identity(path)?;
        let tokenizer = tokenizer(&id, &content)?;
        let stops = stops(&content, &tokenizer);
        let context = context_tokens.min(shape.context);
        if context < MIN_CONTEXT {
            return Err(Error::usage(format!(
                "`context_tokens` is {context_tokens}, which leaves no room"
            )));
        }
        let model = Qwen2::load(shape, &content, &mut file, context)?;
        let mut local = Self {
            id,
            model,
            tokenizer: Arc::new(tokenizer),
            stops,
            context,
            kept: Vec::new(),
        };
        local.warm_up()?;
        Ok(local)
    }

    /// The first forward pass of each kind rearranges the weights, which takes seconds that no deadline foresees.
    fn warm_up(&mut self) -> Result<()> {
        self.model.forward(&[0, 0]).map_err(failed)?;
        let hidden = self.model.forward(&[0]).map_err(failed)?;
        let logits = self.model.logits(&hidden).map_err(failed)?;
        self.model.cut(0);
        match logits.iter().any(|x| x.is_finite()) {
            true => Ok(()),
            false => Err(Error::corrupt("the weights give no finite numbers")),
        }
    }

    /// Computes what `prompt` adds to the kept chunks; the scores of the next token, or none when time ran out.
    pub(super) fn prefill(
        &mut self,
        prompt: &[u32],
        clock: &Clock<'_>,
    ) -> Result<Option<Vec<f32>>> {
        let common = self
            .kept
            .iter()
            .zip(prompt)
            .take_while(|(a, b)| a == b)
            .count();
        let common = common.min(prompt.len() - 1) / CHUNK * CHUNK;
        self.kept.truncate(common);
        self.model.cut(common);
        let mut hidden = None;
        for chunk in prompt[common..].chunks(CHUNK) {
            if clock.is_over() {
                return Ok(None);
            }
            hidden = Some(self.model.forward(chunk).map_err(failed)?);
            if chunk.len() == CHUNK {
                self.kept.extend(chunk);
            }
        }
        let logits = hidden.map(|hidden| self.model.logits(&hidden).map_err(failed));
        logits.transpose()
    }

    /// Takes tokens until the model stops, a limit is met or time runs out.
    fn decode(
        &mut self,
        mut logits: Vec<f32>,
        limit: usize,
        mut draw: Draw,
        clock: &Clock<'_>,
    ) -> Result<(Vec<u32>, Finish)> {
        let mut reply = Vec::new();
        while reply.len() < limit {
            let token = draw.take(&logits);
            if self.stops.contains(&token) {
                return Ok((reply, Finish::Stop));
            }
            reply.push(token);
            if clock.is_over() {
                return Ok((reply, Finish::Deadline));
            }
            if reply.len() < limit {
                let hidden = self.model.forward(&[token]).map_err(failed)?;
                logits = self.model.logits(&hidden).map_err(failed)?;
            }
        }
        Ok((reply, Finish::Length))
    }
}

impl Local {
    /// Takes the likeliest of the tokens that the contract allows, until the reply is whole.
    fn decode_ids(
        &mut self,
        mut logits: Vec<f32>,
        limit: usize,
        ids: &Ids,
        clock: &Clock<'_>,
    ) -> Result<(Vec<u32>, Finish)> {
        let mut guide = Guide::new(ids);
        let mut reply = Vec::new();
        let weight = |logits: &[f32], token: u32| logits.get(token as usize).copied();
        while reply.len() < limit {
            let allowed = guide.allowed(&self.tokenizer)?;
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
            if clock.is_over() {
                return Ok((reply, Finish::Deadline));
            }
            if reply.len() < limit {
                let hidden = self.model.forward(&[token]).map_err(failed)?;
                logits = self.model.logits(&hidden).map_err(failed)?;
            }
        }
        Ok((reply, Finish::Length))
    }
}

impl LanguageModel for Local {
    fn id(&self) -> &str {
        &self.id
    }

    fn context_tokens(&self) -> usize {
        self.context
    }

    fn counter(&self) -> Arc<dyn TokenCounter> {
        self.tokenizer.clone()
    }

    fn score(
        &mut self,
        request: &Request,
        continuations: &[String],
        usage: &mut Usage,
    ) -> Result<Vec<Likelihood>> {
        score::score(self, request, continuations, usage)
    }

    fn complete(&mut self, request: &Request) -> Result<Completion> {
        let clock = Clock::start(request);
        let prompt = self.tokenizer.encode_messages(&request.messages)?;
        let room = self.context.saturating_sub(prompt.len());
        if room == 0 {
            return Err(too_long(prompt.len(), self.context, &self.id));
        }
        let limit = request.max_tokens.min(room);
        let (reply, finish) = match self.prefill(&prompt, &clock)? {
            Some(logits) => match &request.ids {
                Some(ids) => self.decode_ids(logits, limit, ids, &clock)?,
                None => self.decode(logits, limit, Draw::new(request), &clock)?,
            },
            None => (Vec::new(), Finish::Deadline),
        };
        if request.cancel.is_cancelled() {
            return Err(given_up());
        }
        Ok(Completion {
            text: self.tokenizer.decode(&reply)?,
            prompt_tokens: prompt.len(),
            completion_tokens: reply.len(),
            finish,
        })
    }
}

/// The error for a prompt that leaves no room for a reply.
pub(super) fn too_long(prompt: usize, context: usize, model: &str) -> Error {
    Error::budget(format!(
        "the prompt has {prompt} tokens; `{model}` has room for {context} with the reply"
    ))
    .hint("send fewer facts or raise `context_tokens`")
}

/// How tokens are chosen.
struct Draw {
    temperature: f32,
    state: u64,
}

impl Draw {
    fn new(request: &Request) -> Self {
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
pub(super) struct Clock<'r> {
    request: &'r Request,
    started: Instant,
}

impl<'r> Clock<'r> {
    pub(super) fn start(request: &'r Request) -> Self {
        Self {
            request,
            started: Instant::now(),
        }
    }

    /// Whether time ran out, or nobody waits any more.
    pub(super) fn is_over(&self) -> bool {
        let limit = self.request.deadline;
        self.request.cancel.is_cancelled()
            || limit.is_some_and(|limit| self.started.elapsed() >= limit)
    }
}

/// The file of a model that was pulled.
fn pulled(name: Option<&str>) -> Result<std::path::PathBuf> {
    let manifest = Manifest::shipped()?;
    let model = match name {
        Some(name) => manifest.get(name)?,
        None => manifest.role(Role::Language)?,
    };
    match weights::locate(model, &weights::cache_dir()?) {
        Some(files) => Ok(files.weights),
        None => Err(
            Error::unavailable(format!("the model `{}` is not there", model.name))
                .hint(format!("kenning model pull {}", model.name)),
        ),
    }
}

/// The name of the file and a hash of its size, begin and end: enough to tell files apart without reading all.
fn identity(path: &Path) -> Result<String> {
    use std::io::{Read, Seek, SeekFrom};
    const SAMPLE: u64 = 1 << 20;
    let read = || -> std::io::Result<blake3::Hash> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut hasher = blake3::Hasher::new();
        hasher.update(&length.to_le_bytes());
        let mut sample = Vec::new();
        file.by_ref().take(SAMPLE).read_to_end(&mut sample)?;
        file.seek(SeekFrom::Start(length.saturating_sub(SAMPLE)))?;
        file.take(SAMPLE).read_to_end(&mut sample)?;
        Ok(hasher.update(&sample).finalize())
    };
    let hash = read().map_err(|e| Error::io("read the model", path, e))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(format!("{name}@{}", &hash.to_hex()[..12]))
}

fn tokenizer(id: &str, content: &Content) -> Result<ChatTokenizer> {
    let tokenizer = Tokenizer::from_gguf(content);
    let tokenizer =
        tokenizer.map_err(|e| Error::corrupt(format!("cannot read the tokenizer in it: {e}")))?;
    ChatTokenizer::new(id, tokenizer).map_err(|_| {
        Error::input("its tokenizer has no `<|im_start|>` and `<|im_end|>`; only models with the ChatML template run here")
    })
}

fn stops(content: &Content, tokenizer: &ChatTokenizer) -> Vec<u32> {
    let mut stops = vec![tokenizer.end()];
    for key in ["eos_token_id", "eot_token_id", "eom_token_id"] {
        match content.metadata.get(&format!("tokenizer.ggml.{key}")) {
            Some(Value::U32(id)) => stops.push(*id),
            _ => continue,
        }
    }
    stops
}

pub(super) fn failed(error: candle_core::Error) -> Error {
    Error::corrupt(format!("the model failed: {error}")).hint("kenning model check")
}
