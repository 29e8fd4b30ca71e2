//! Which model answers: the `[llm]` part of the settings, and how to open what it names.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::LanguageModel;
use super::local::Local;
use super::remote::Remote;
use super::replay::Replay;
use crate::config::{Format, Transfer};
use crate::error::{Error, Result};

/// Which language model to use. In TOML, `kind` names the variant:
///
/// ```
/// let settings: kenning::llm::Settings = toml::from_str("kind = \"local\"\ncontext_tokens = 2048").unwrap();
/// assert!(!settings.is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Settings {
    /// No model: answers come from the graph alone.
    None {},
    /// A model in this process.
    Local(LocalSettings),
    /// A server with an OpenAI-compatible API.
    Remote(RemoteSettings),
    /// Recorded replies.
    Replay(ReplaySettings),
}

/// A model in this process, from a GGUF file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocalSettings {
    /// The file; goes before `model`.
    pub path: Option<PathBuf>,
    /// A model of the shipped manifest that was pulled; by default the one with the role `language`.
    pub model: Option<String>,
    /// Tokens of prompt and reply together; memory grows with it.
    pub context_tokens: usize,
}

impl Default for LocalSettings {
    fn default() -> Self {
        Self {
            path: None,
            model: None,
            context_tokens: 4096,
        }
    }
}

/// A server with an OpenAI-compatible API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteSettings {
    /// Base URL; `/chat/completions` is added to it.
    pub url: String,
    /// Name of the model on that server.
    pub model: String,
    /// Name of the environment variable that holds the key.
    #[serde(default)]
    pub key_env: Option<String>,
    /// File that holds the key.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// Longest wait for one try, in seconds.
    #[serde(default = "RemoteSettings::default_timeout")]
    pub timeout_seconds: f64,
    /// How often to try again after 429, 5xx or a broken connection.
    #[serde(default = "RemoteSettings::default_retries")]
    pub retries: u32,
    /// What `response_format` the server understands.
    #[serde(default)]
    pub format: Format,
    /// How its replies come.
    #[serde(default)]
    pub transfer: Transfer,
    /// Requests that it may be sent within a minute.
    #[serde(default)]
    pub requests_per_minute: Option<usize>,
    /// Tokens of prompts and replies within a minute.
    #[serde(default)]
    pub tokens_per_minute: Option<usize>,
    /// After so many calls in a row that failed, it is not asked for [`RemoteSettings::rest_seconds`].
    #[serde(default = "RemoteSettings::default_failures")]
    pub failures: u32,
    /// How long it is left alone then.
    #[serde(default = "RemoteSettings::default_rest")]
    pub rest_seconds: f64,
    /// Tokens of prompt and reply together.
    #[serde(default = "RemoteSettings::default_context")]
    pub context_tokens: usize,
    /// The model's `tokenizer.json`; without it tokens are counted approximately.
    #[serde(default)]
    pub tokenizer: Option<PathBuf>,
}

impl RemoteSettings {
    /// `model` behind `url`, without a key and with the default limits.
    pub fn new(url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            model: model.into(),
            key_env: None,
            key_file: None,
            timeout_seconds: Self::default_timeout(),
            retries: Self::default_retries(),
            format: Format::default(),
            transfer: Transfer::default(),
            requests_per_minute: None,
            tokens_per_minute: None,
            failures: Self::default_failures(),
            rest_seconds: Self::default_rest(),
            context_tokens: Self::default_context(),
            tokenizer: None,
        }
    }

    fn default_timeout() -> f64 {
        60.0
    }

    fn default_retries() -> u32 {
        3
    }

    fn default_failures() -> u32 {
        5
    }

    fn default_rest() -> f64 {
        30.0
    }

    fn default_context() -> usize {
        8192
    }
}

/// Recorded replies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplaySettings {
    /// The file of replies.
    pub path: PathBuf,
    /// Tokens of prompt and reply together.
    #[serde(default = "RemoteSettings::default_context")]
    pub context_tokens: usize,
    /// The recorded model's `tokenizer.json`; without it tokens are counted approximately.
    #[serde(default)]
    pub tokenizer: Option<PathBuf>,
}

impl ReplaySettings {
    /// The replies in the file `path`, with the default limits.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            context_tokens: RemoteSettings::default_context(),
            tokenizer: None,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::None {}
    }
}

impl Settings {
    /// Whether no model is wanted.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None {})
    }
}

/// Opens the model that `settings` name; [`Settings::None`] is an `Unavailable` error.
pub fn open(settings: &Settings) -> Result<Box<dyn LanguageModel>> {
    Ok(match settings {
        Settings::None {} => {
            return Err(Error::unavailable("no language model is configured")
                .hint("set `kind` of `[llm]` to `local`, `remote` or `replay`"));
        }
        Settings::Local(settings) => Box::new(Local::open(settings)?),
        Settings::Remote(settings) => Box::new(Remote::open(settings)?),
        Settings::Replay(settings) => Box::new(Replay::open(settings)?),
    })
}
