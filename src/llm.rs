//! Anything that completes text: a model in this process, one behind HTTP, or recorded replies.
//!
//! A caller sees [`LanguageModel`]: messages in, a [`Completion`] out, with a bound on tokens and time. How long
//! a prompt is gets asked of a [`TokenCounter`], which a model hands out and which works without one, so that
//! prompts can be built to a budget before any weights are loaded. Without sampling (`temperature` 0, the default)
//! the same request to the same local model gives the same text, whatever was asked before.

pub mod local;
pub mod remote;
pub mod replay;
pub mod settings;
pub mod tokens;

mod chat;
mod decode;
mod gguf;
mod guide;
mod limits;
mod metadata;
mod qwen;
mod runner;
mod shape;
mod shared;
#[cfg(feature = "stock-models")]
mod stock;
mod tree;
mod usage;
mod vocabulary;

pub use guide::Ids;

pub use settings::{Settings, open};
pub use tokens::TokenCounter;
pub use usage::{ScoreCalls, Usage};

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::model::Cancel;

/// Something that answers messages with text.
pub trait LanguageModel: Send {
    /// Names the model and its weights; part of the key of whatever is kept about its replies.
    fn id(&self) -> &str;

    /// How many tokens prompt and reply may have together.
    fn context_tokens(&self) -> usize;

    /// Counts tokens as this model does; can be kept and used without the model.
    fn counter(&self) -> Arc<dyn TokenCounter>;

    /// Answers `request`. A prompt that does not fit is a [`Budget`](crate::ErrorKind::Budget) error; no answer
    /// from upstream is [`Unavailable`](crate::ErrorKind::Unavailable).
    fn complete(&mut self, request: &Request) -> Result<Completion>;

    /// How likely each of `continuations` is to follow the messages of `request`, of which the last may be the begin of the
    /// reply. Continuations are tokenized by themselves. What that takes is added to `usage`, also where it fails in the middle.
    /// A model that does not tell is [`Unavailable`](crate::ErrorKind::Unavailable).
    fn score(
        &mut self,
        request: &Request,
        continuations: &[String],
        usage: &mut Usage,
    ) -> Result<Vec<Likelihood>> {
        let _ = (request, continuations, usage);
        Err(Error::unavailable(format!(
            "`{}` does not tell how likely texts are",
            self.id()
        ))
        .hint("set `mode = \"listwise\"` in the section `[ranking]`, or use a local model"))
    }

    /// Another handle on the same model, for another call at the same time; none where one call waits for the other.
    fn another(&self) -> Option<Box<dyn LanguageModel>> {
        None
    }

    /// In how many calls it scores.
    fn score_calls(&self) -> ScoreCalls {
        ScoreCalls::One
    }

    /// How many tokens `text` has.
    fn count_tokens(&self, text: &str) -> Result<usize> {
        self.counter().count(text)
    }

    /// How many tokens the model is fed for `messages`, the template around them included.
    fn count_messages(&self, messages: &[Message]) -> Result<usize> {
        self.counter().count_messages(messages)
    }
}

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The rules of the conversation.
    System,
    /// Who asks.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// The name that chat templates and APIs use.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// One turn of a conversation. Its content is text only: what looks like a control token in it is not one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: String,
}

impl Message {
    /// The rules of the conversation.
    pub fn system(content: impl Into<String>) -> Self {
        Self {
            role: Role::System,
            content: content.into(),
        }
    }

    /// A question.
    pub fn user(content: impl Into<String>) -> Self {
        Self {
            role: Role::User,
            content: content.into(),
        }
    }

    /// An answer.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self {
            role: Role::Assistant,
            content: content.into(),
        }
    }
}

/// What is asked of a model.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The conversation so far; the model says the next turn.
    pub messages: Vec<Message>,
    /// The longest reply, in tokens.
    pub max_tokens: usize,
    /// How long the call may take from now on, if that matters.
    #[serde(default)]
    pub deadline: Option<Duration>,
    /// Has the call given up: it fails soon then, as [`Unavailable`](crate::ErrorKind::Unavailable). A server sees the connection
    /// close, which is all that there is to stop it.
    #[serde(skip)]
    pub cancel: Cancel,
    /// 0 takes the likeliest token each time; above, tokens are drawn.
    #[serde(default)]
    pub temperature: f32,
    /// Seed of the draws when `temperature` is above 0.
    #[serde(default)]
    pub seed: u64,
    /// The reply should be one JSON object; models that cannot be held to it ignore this.
    #[serde(default)]
    pub json: bool,
    /// The reply ranks these ids and nothing else. A local model cannot write anything else then; a server is told so where
    /// it understands `response_format`.
    #[serde(default)]
    pub ids: Option<Ids>,
}

impl Request {
    /// A request without deadline that takes the likeliest tokens.
    pub fn new(messages: Vec<Message>, max_tokens: usize) -> Self {
        Self {
            messages,
            max_tokens,
            deadline: None,
            cancel: Cancel::default(),
            temperature: 0.0,
            seed: 0,
            json: false,
            ids: None,
        }
    }
}

/// Why a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Finish {
    /// The model was done.
    Stop,
    /// The reply reached `max_tokens` or the end of the context.
    Length,
    /// Time ran out; the text is what there was by then.
    Deadline,
    /// The upstream had another reason, such as a filter.
    Other,
}

/// How likely a text is, given what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Likelihood {
    /// The natural logarithm of its probability: the sum over its tokens.
    pub log: f64,
    /// Its tokens.
    pub tokens: usize,
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// What the model said.
    pub text: String,
    /// Tokens of the prompt, the template included.
    pub prompt_tokens: usize,
    /// Tokens of the reply.
    pub completion_tokens: usize,
    /// Why it ended.
    pub finish: Finish,
}

/// The error of a call that was given up.
fn given_up() -> Error {
    Error::unavailable("the call was given up: nobody waits for the reply any more")
}
