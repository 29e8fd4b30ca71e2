//! Recorded replies: the same requests answered again without a model, for tests, demonstrations and audits.
//!
//! The file has one JSON object a line: `key` is the BLAKE3 hash of the messages, or `*` for a reply to whatever is
//! not recorded; `completion` is the reply. Of several replies to the same messages the last one counts.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::settings::ReplaySettings;
use super::{
    Completion, LanguageModel, Likelihood, Message, Request, ScoreCalls, TokenCounter, Usage,
    tokens,
};
use crate::error::{Error, Result};

/// The key of the reply to whatever is not recorded.
const ANY: &str = "*";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    key: String,
    /// What was asked; for people to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<Message>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    completion: Option<Completion>,
    /// Where texts were scored, the likelihood of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    likelihoods: Option<Vec<Likelihood>>,
}

/// A model that says what was recorded.
pub struct Replay {
    id: String,
    path: PathBuf,
    replies: HashMap<String, Completion>,
    likelihoods: HashMap<String, Vec<Likelihood>>,
    counter: Arc<dyn TokenCounter>,
    context: usize,
}

impl Replay {
    /// Opens the file that `settings` name.
    pub fn open(settings: &ReplaySettings) -> Result<Self> {
        let counter = match &settings.tokenizer {
            Some(path) => tokens::from_file(path)?,
            None => tokens::approximate(),
        };
        let text = std::fs::read_to_string(&settings.path)
            .map_err(|e| Error::io("read the recorded replies", &settings.path, e))?;
        let (mut replies, mut likelihoods) = (HashMap::new(), HashMap::new());
        for (index, line) in text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
        {
            let wrong = |what: &dyn std::fmt::Display| {
                let place = format!("{}:{}", settings.path.display(), index + 1);
                Error::input(format!("not a recorded reply: {what}")).at(place)
            };
            let line: Line = serde_json::from_str(line).map_err(|e| wrong(&e))?;
            match (line.completion, line.likelihoods) {
                (Some(completion), None) => drop(replies.insert(line.key, completion)),
                (None, Some(scores)) => drop(likelihoods.insert(line.key, scores)),
                _ => {
                    return Err(wrong(
                        &"it holds neither or both of `completion` and `likelihoods`",
                    ));
                }
            }
        }
        let hash = blake3::hash(text.as_bytes()).to_hex();
        Ok(Self {
            id: format!("replay@{}", &hash[..12]),
            path: settings.path.clone(),
            replies,
            likelihoods,
            counter,
            context: settings.context_tokens,
        })
    }
}

impl LanguageModel for Replay {
    fn id(&self) -> &str {
        &self.id
    }

    fn context_tokens(&self) -> usize {
        self.context
    }

    fn counter(&self) -> Arc<dyn TokenCounter> {
        self.counter.clone()
    }

    fn complete(&mut self, request: &Request) -> Result<Completion> {
        let key = key(&request.messages);
        let reply = self.replies.get(&key).or_else(|| self.replies.get(ANY));
        reply.cloned().ok_or_else(|| unrecorded(&key, &self.path))
    }

    fn score(
        &mut self,
        request: &Request,
        continuations: &[String],
        usage: &mut Usage,
    ) -> Result<Vec<Likelihood>> {
        let key = score_key(&request.messages, continuations);
        let scores = self
            .likelihoods
            .get(&key)
            .filter(|scores| scores.len() == continuations.len());
        let scores = scores.ok_or_else(|| unrecorded(&key, &self.path))?;
        let messages = self.count_messages(&request.messages)?;
        *usage += ScoreCalls::One.usage(messages, continuations, self.counter.as_ref())?;
        Ok(scores.clone())
    }
}

/// The error where nothing was recorded.
fn unrecorded(key: &str, path: &Path) -> Error {
    Error::unavailable(format!(
        "no reply to these messages is recorded (key {key})"
    ))
    .at(path.display())
}

/// Passes requests on to another model and records its replies.
pub struct Recording<M> {
    model: M,
    path: PathBuf,
    file: File,
}

impl<M: LanguageModel> Recording<M> {
    /// Records the replies of `model` at the end of the file at `path`.
    pub fn new(model: M, path: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(|e| Error::io("open the recording", path, e))?;
        Ok(Self {
            model,
            path: path.to_owned(),
            file,
        })
    }

    fn record(&mut self, line: &Line) -> Result<()> {
        let mut line = serde_json::to_string(line)
            .map_err(|e| Error::input(format!("cannot record a reply: {e}")))?;
        line.push('\n');
        self.file
            .write_all(line.as_bytes())
            .map_err(|e| Error::io("record a reply", &self.path, e))
    }
}

impl<M: LanguageModel> LanguageModel for Recording<M> {
    fn id(&self) -> &str {
        self.model.id()
    }

    fn context_tokens(&self) -> usize {
        self.model.context_tokens()
    }

    fn counter(&self) -> Arc<dyn TokenCounter> {
        self.model.counter()
    }

    fn score_calls(&self) -> ScoreCalls {
        self.model.score_calls()
    }

    fn complete(&mut self, request: &Request) -> Result<Completion> {
        let completion = self.model.complete(request)?;
        self.record(&Line {
            key: key(&request.messages),
            messages: Some(request.messages.clone()),
            completion: Some(completion.clone()),
            likelihoods: None,
        })?;
        Ok(completion)
    }

    fn score(
        &mut self,
        request: &Request,
        continuations: &[String],
        usage: &mut Usage,
    ) -> Result<Vec<Likelihood>> {
        let scores = self.model.score(request, continuations, usage)?;
        self.record(&Line {
            key: score_key(&request.messages, continuations),
            messages: Some(request.messages.clone()),
            completion: None,
            likelihoods: Some(scores.clone()),
        })?;
        Ok(scores)
    }
}

impl<M: LanguageModel + ?Sized> LanguageModel for Box<M> {
    fn id(&self) -> &str {
        (**self).id()
    }

    fn context_tokens(&self) -> usize {
        (**self).context_tokens()
    }

    fn counter(&self) -> Arc<dyn TokenCounter> {
        (**self).counter()
    }

    fn score_calls(&self) -> ScoreCalls {
        (**self).score_calls()
    }

    fn another(&self) -> Option<Box<dyn LanguageModel>> {
        (**self).another()
    }

    fn complete(&mut self, request: &Request) -> Result<Completion> {
        (**self).complete(request)
    }

    fn score(
        &mut self,
        request: &Request,
        continuations: &[String],
        usage: &mut Usage,
    ) -> Result<Vec<Likelihood>> {
        (**self).score(request, continuations, usage)
    }
}

/// The key of texts that were scored after a conversation.
pub fn score_key(messages: &[Message], continuations: &[String]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(key(messages).as_bytes());
    for text in continuations {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// The key of a conversation: a hash of its roles and contents, each with its length.
pub fn key(messages: &[Message]) -> String {
    let mut hasher = blake3::Hasher::new();
    for message in messages {
        for part in [message.role.name(), &message.content] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}
