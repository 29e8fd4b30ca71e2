//! A model in this process: greedy or seeded decoding of a GGUF file on the CPU.
//!
//! The architectures `qwen2` and `qwen3` compute what prompts begin with alike once, and many texts behind one prompt together.
//! With the cargo feature `stock-models` `llama` and `gemma3` run too, by candle's own code, which can do neither.
//!
//! candle runs on as many threads as the machine has cores, which spin while they wait; on a machine that does other
//! work, `CANDLE_NUM_THREADS=1 RAYON_NUM_THREADS=1` in the environment is faster. Do not call this from a rayon pool.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use candle_core::quantized::gguf_file::{Content, Value};

use super::chat::ChatTokenizer;
use super::decode::{self, Bounds, Clock, Draw};
use super::qwen::Qwen;
use super::runner::{Row, Runner};
use super::settings::LocalSettings;
use super::shape::Shape;
use super::shared::Shared;
use super::{
    Completion, Finish, LanguageModel, Likelihood, Request, TokenCounter, Usage, gguf, given_up,
    metadata, vocabulary,
};
use crate::error::{Error, Result};
use crate::weights::{self, Manifest, Role};

/// Below this no template fits.
const MIN_CONTEXT: usize = 16;
/// No model was trained for more.
const LONGEST_CONTEXT: usize = 1 << 24;

/// A model in this process.
pub struct Local {
    id: String,
    runner: Box<dyn Runner>,
    tokenizer: Arc<ChatTokenizer>,
    stops: Vec<u32>,
    context: usize,
}

/// A GGUF file whose header was read.
pub(super) struct Opened {
    pub content: Content,
    pub file: BufReader<File>,
    /// Tokens that there is to be room for.
    pub context: usize,
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
        let family = family(&content)?;
        check_family(&family)?;
        let trained = metadata::number(&content, &family, "context_length")?;
        if trained > LONGEST_CONTEXT {
            return Err(Error::corrupt(format!("a context of {trained} tokens")));
        }
        let context = context_tokens.min(trained);
        if context < MIN_CONTEXT {
            return Err(Error::usage(format!(
                "`context_tokens` is {context_tokens}, which leaves no room"
            )));
        }
        let id = identity(path)?;
        let tokenizer = vocabulary::tokenizer(&id, &content)?;
        let mut opened = Opened {
            content,
            file,
            context,
        };
        Ok(Self {
            id,
            runner: runner(&family, &mut opened)?,
            stops: stops(&opened.content, &tokenizer),
            tokenizer: Arc::new(tokenizer),
            context: opened.context,
        })
    }

    fn tokens(&self, texts: &[String]) -> Result<Vec<Vec<u32>>> {
        texts
            .iter()
            .map(|text| self.tokenizer.encode(text))
            .collect()
    }
}

/// Fails for an architecture that does not run here.
fn check_family(family: &str) -> Result<()> {
    match family {
        "qwen2" | "qwen3" => Ok(()),
        "llama" | "gemma3" if cfg!(feature = "stock-models") => Ok(()),
        "llama" | "gemma3" => Err(Error::input(format!(
            "the architecture `{family}` runs here only where kenning was built with the feature `stock-models`"
        ))
        .hint("cargo install --path . --features stock-models")),
        _ => Err(Error::input(format!(
            "the architecture is `{family}`; `qwen2`, `qwen3`, `llama` and `gemma3` run here"
        ))
        .hint("serve other models behind an OpenAI-compatible API and set `kind = \"remote\"`")),
    }
}

/// What runs the weights of a file.
fn runner(family: &str, opened: &mut Opened) -> Result<Box<dyn Runner>> {
    #[cfg(feature = "stock-models")]
    if let "llama" | "gemma3" = family {
        return Ok(Box::new(super::stock::Stock::load(family, opened)?));
    }
    let shape = Shape::read(&opened.content, family)?;
    let model = Qwen::load(shape, &opened.content, &mut opened.file, opened.context)?;
    Ok(Box::new(Shared::new(model)?))
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
        let clock = Clock::start(request);
        let prompt = self.tokenizer.encode_messages(&request.messages)?;
        let texts = self.tokens(continuations)?;
        let longest = texts.iter().map(Vec::len).max().unwrap_or(0);
        if prompt.len() + longest.max(1) > self.context {
            return Err(too_long(prompt.len() + longest, self.context, &self.id));
        }
        let late = || clock.late("scores");
        let logits = self.runner.begin(&prompt, &clock)?.ok_or_else(late)?;
        usage.calls += 1;
        usage.prompt_tokens += prompt.len();
        let room = self.context - prompt.len();
        let rest = self.runner.rest(&texts, room, &clock)?.ok_or_else(late)?;
        usage.prompt_tokens += rest.computed;
        let first = Row::new(&logits);
        let likelihood = |(text, rest): (&Vec<u32>, f64)| Likelihood {
            log: text.first().map_or(0.0, |&token| first.log(token)) + rest,
            tokens: text.len(),
        };
        Ok(texts.iter().zip(rest.logs).map(likelihood).collect())
    }

    fn complete(&mut self, request: &Request) -> Result<Completion> {
        let clock = Clock::start(request);
        let prompt = self.tokenizer.encode_messages(&request.messages)?;
        let room = self.context.saturating_sub(prompt.len());
        if room == 0 {
            return Err(too_long(prompt.len(), self.context, &self.id));
        }
        let limit = request.max_tokens.min(room);
        let bounds = Bounds {
            limit,
            stops: &self.stops,
            clock: &clock,
        };
        let runner = self.runner.as_mut();
        let (reply, finish) = match runner.begin(&prompt, &clock)? {
            Some(logits) => match &request.ids {
                Some(ids) => decode::guided(runner, logits, (ids, &self.tokenizer), &bounds)?,
                None => decode::free(runner, logits, Draw::new(request), &bounds)?,
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

/// The architecture that the metadata name.
fn family(content: &Content) -> Result<String> {
    match content.metadata.get("general.architecture") {
        Some(Value::String(name)) => Ok(name.clone()),
        _ => Err(Error::corrupt("the metadata name no architecture")),
    }
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
