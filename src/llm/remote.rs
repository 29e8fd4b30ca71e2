//! A server with an OpenAI-compatible `chat/completions`: vLLM, llama.cpp, or a hosted one.
//!
//! Refusals that pass (429, 5xx, a broken connection) are tried again with growing pauses or the one that the server
//! names, within the request's deadline. Requests and tokens keep within what a minute allows, and a server that keeps
//! failing is left alone for a while. The key comes from the environment or a file, never from the settings, and
//! is cut out of whatever is said about the server.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use super::limits::{Breaker, Window};
use super::local::too_long;
use super::settings::{Format, RemoteSettings};
use super::{Completion, Finish, LanguageModel, Request, TokenCounter, tokens};
use crate::error::{Error, Result};

/// Tokens that a server may say it counted: sums of what it says must not overflow.
const MOST_TOKENS: usize = u32::MAX as usize;

/// The longest reply that is read.
const MAX_REPLY_BYTES: u64 = 4 << 20;
/// How much of an upstream's error is repeated.
const MAX_QUOTE: usize = 200;
/// The pause before the second try; it doubles with every further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause between two tries, whatever the server says.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A model behind HTTP.
pub struct Remote {
    id: String,
    endpoint: String,
    model: String,
    key: Option<Key>,
    agent: ureq::Agent,
    timeout: Duration,
    retries: u32,
    format: Format,
    window: Window,
    breaker: Breaker,
    context: usize,
    counter: Arc<dyn TokenCounter>,
}

impl Remote {
    /// Prepares to ask the server that `settings` name; does not connect yet.
    pub fn open(settings: &RemoteSettings) -> Result<Self> {
        let base = settings.url.trim_end_matches('/');
        check_url(base)?;
        let timeout = Duration::try_from_secs_f64(settings.timeout_seconds)
            .ok()
            .filter(|t| !t.is_zero());
        let timeout = timeout.ok_or_else(|| {
            Error::usage(format!(
                "`timeout_seconds` is {}, not a positive number",
                settings.timeout_seconds
            ))
        })?;
        let rest = Duration::try_from_secs_f64(settings.rest_seconds)
            .map_err(|e| Error::usage(format!("`rest_seconds` is no time: {e}")))?;
        let counter = match &settings.tokenizer {
            Some(path) => tokens::from_file(path)?,
            None => tokens::approximate(),
        };
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0);
        Ok(Self {
            id: format!("{}@{base}", settings.model),
            endpoint: format!("{base}/chat/completions"),
            model: settings.model.clone(),
            key: Key::find(settings)?,
            agent: config.max_redirects_will_error(false).build().new_agent(),
            timeout,
            retries: settings.retries,
            format: settings.format,
            window: Window::new(settings.requests_per_minute, settings.tokens_per_minute),
            breaker: Breaker::new(settings.failures, rest),
            context: settings.context_tokens,
            counter,
        })
    }

    fn body(&self, request: &Request) -> Value {
        let mut body = json!({
            "model": self.model,
            "messages": request.messages,
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
            "stream": false,
        });
        match (self.format, &request.ids) {
            (Format::JsonSchema, Some(ids)) => {
                body["response_format"] = json!({
                    "type": "json_schema",
                    "json_schema": {"name": "ranking", "strict": true, "schema": ids.schema()},
                });
            }
            (Format::JsonObject | Format::JsonSchema, _) if request.json => {
                body["response_format"] = json!({"type": "json_object"});
            }
            _ => {}
        }
        body
    }

    /// One try. `Err` holds what went wrong and, if another try may help, how long to wait for it at least.
    fn ask(&self, body: &[u8], limit: Duration) -> Result<Vec<u8>, Refusal> {
        let mut request = self
            .agent
            .post(&self.endpoint)
            .header("content-type", "application/json");
        if let Some(Key(key)) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let request = request.config().timeout_global(Some(limit)).build();
        let mut response = request.send(body).map_err(Refusal::broken)?;
        let status = response.status().as_u16();
        let pause = response
            .headers()
            .get("retry-after")
            .and_then(|v| retry_after(v.to_str().ok()?));
        let read = response
            .body_mut()
            .with_config()
            .limit(MAX_REPLY_BYTES)
            .read_to_vec();
        match status {
            200..=299 => read.map_err(Refusal::broken),
            _ => Err(Refusal::status(status, &read.unwrap_or_default(), pause)),
        }
    }

    /// Tries until there is a reply, no try is left, or the deadline would pass.
    fn ask_again(
        &mut self,
        body: &[u8],
        tokens: usize,
        deadline: Option<Instant>,
    ) -> Result<Vec<u8>> {
        let mut pause = FIRST_PAUSE;
        for tries in 1.. {
            self.take_turn(tokens, deadline)?;
            let left = deadline.map_or(Duration::MAX, |end| {
                end.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                return Err(self.error("the deadline passed before there was a reply".into()));
            }
            let refusal = match self.ask(body, self.timeout.min(left)) {
                Ok(reply) => return Ok(reply),
                Err(refusal) => refusal,
            };
            let wait = refusal.pause.unwrap_or(pause).min(LONGEST_PAUSE);
            let left = deadline.map_or(Duration::MAX, |end| {
                end.saturating_duration_since(Instant::now())
            });
            if !refusal.passes || tries > self.retries || wait >= left {
                self.breaker.fail(Instant::now());
                return Err(self.error(format!("{} (tries: {tries})", refusal.message)));
            }
            std::thread::sleep(wait);
            pause = pause.saturating_mul(2);
        }
        Err(self.error("no try is left".into()))
    }

    /// Waits until the limits of a minute have room for a request of so many tokens.
    fn take_turn(&mut self, tokens: usize, deadline: Option<Instant>) -> Result<()> {
        let now = Instant::now();
        let wait = self.window.wait(now, tokens);
        if deadline.is_some_and(|end| now + wait >= end) && !wait.is_zero() {
            let seconds = wait.as_secs_f64().ceil();
            return Err(self
                .error(format!(
                    "the limits of a minute leave no room for {tokens} tokens before {seconds} s"
                ))
                .hint("raise `requests_per_minute` or `tokens_per_minute`"));
        }
        std::thread::sleep(wait);
        self.window.send(Instant::now(), tokens);
        Ok(())
    }

    /// The call itself: nothing is sent where it could not be paid for by the limits, or while the server rests.
    fn call(
        &mut self,
        request: &Request,
        tokens: usize,
        deadline: Option<Instant>,
    ) -> Result<Completion> {
        let body = serde_json::to_vec(&self.body(request));
        let body = body.map_err(|e| Error::input(format!("cannot write the request: {e}")))?;
        let reply = self.ask_again(&body, tokens, deadline)?;
        // Only what was sent can have failed.
        let completion = match self.read(&reply, request) {
            Ok(completion) => completion,
            Err(error) => {
                self.breaker.fail(Instant::now());
                return Err(error);
            }
        };
        self.breaker.succeed();
        self.window.correct(
            completion
                .prompt_tokens
                .saturating_add(completion.completion_tokens),
        );
        Ok(completion)
    }

    fn read(&self, reply: &[u8], request: &Request) -> Result<Completion> {
        let reply: Reply = serde_json::from_slice(reply)
            .map_err(|e| self.error(format!("not a chat completion: {e}: {}", quote(reply))))?;
        let usage = reply.usage.unwrap_or_default();
        let choice = reply.choices.into_iter().next();
        let choice =
            choice.ok_or_else(|| self.error("a chat completion without choices".into()))?;
        let text = choice.message.content.unwrap_or_default();
        let or_count = |given: Option<usize>, count: &dyn Fn() -> Result<usize>| {
            given.map_or_else(count, |given| Ok(given.min(MOST_TOKENS)))
        };
        Ok(Completion {
            prompt_tokens: or_count(usage.prompt_tokens, &|| {
                self.count_messages(&request.messages)
            })?,
            completion_tokens: or_count(usage.completion_tokens, &|| self.count_tokens(&text))?,
            finish: match choice.finish_reason.as_deref() {
                Some("stop") | None => Finish::Stop,
                Some("length") => Finish::Length,
                Some(_) => Finish::Other,
            },
            text,
        })
    }

    fn error(&self, message: String) -> Error {
        let message = match &self.key {
            Some(Key(key)) => message.replace(key.as_str(), "***"),
            None => message,
        };
        Error::unavailable(message)
            .at(&self.endpoint)
            .hint("check `url`, `model` and the key in `[llm]`")
    }
}

impl LanguageModel for Remote {
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
        let deadline = request
            .deadline
            .and_then(|limit| Instant::now().checked_add(limit));
        let prompt = self.count_messages(&request.messages)?;
        if prompt >= self.context && self.counter.is_exact() {
            return Err(too_long(prompt, self.context, &self.id));
        }
        let tokens = prompt.saturating_add(request.max_tokens);
        if !self.window.can_ever(tokens) {
            return Err(Error::budget(format!(
                "prompt and reply may have {tokens} tokens, more than `{}` may be sent within a minute",
                self.id
            ))
            .hint("raise `tokens_per_minute`, or lower `max_tokens`"));
        }
        if let Some(left) = self.breaker.rest(Instant::now()) {
            let (failed, seconds) = (self.breaker.failed(), left.as_secs_f64().ceil());
            return Err(self.error(format!(
                "not asked: it failed {failed} times in a row, and rests for {seconds} s"
            )));
        }
        self.call(request, tokens, deadline)
    }
}

/// A key that is not shown.
struct Key(String);

impl Key {
    fn find(settings: &RemoteSettings) -> Result<Option<Self>> {
        let key = match (&settings.key_env, &settings.key_file) {
            (Some(name), _) => std::env::var(name).map_err(|_| {
                Error::usage(format!("the environment variable `{name}` holds no key"))
                    .hint(format!("export {name}=…"))
            })?,
            (None, Some(path)) => {
                std::fs::read_to_string(path).map_err(|e| Error::io("read the key", path, e))?
            }
            (None, None) => return Ok(None),
        };
        let key = key.trim();
        match key.is_empty() || key.chars().any(|c| !c.is_ascii_graphic()) {
            true => Err(Error::usage(
                "the key is empty or has characters that no header may have",
            )),
            false => Ok(Some(Self(key.to_owned()))),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("id", &self.id)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Why a try gave no reply.
struct Refusal {
    message: String,
    passes: bool,
    pause: Option<Duration>,
}

impl Refusal {
    fn broken(error: ureq::Error) -> Self {
        let passes = matches!(
            error,
            ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed
        );
        Self {
            message: format!("no answer: {error}"),
            passes,
            pause: None,
        }
    }

    fn status(status: u16, body: &[u8], pause: Option<Duration>) -> Self {
        Self {
            message: format!("status {status}: {}", quote(body)),
            passes: matches!(status, 429 | 500 | 502 | 503 | 504),
            pause,
        }
    }
}

/// How long a server asks to wait: seconds, or a date (RFC 9110, 10.2.3).
fn retry_after(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let left = date.as_second() - jiff::Timestamp::now().as_second();
    Some(Duration::from_secs(left.max(0).unsigned_abs()))
}

#[derive(Deserialize)]
struct Reply {
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    content: Option<String>,
}

#[derive(Deserialize, Default)]
struct Usage {
    prompt_tokens: Option<usize>,
    completion_tokens: Option<usize>,
}

fn check_url(url: &str) -> Result<()> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split('/').next().unwrap_or_default());
    match host {
        Some(host) if host.contains('@') => Err(Error::usage("`url` holds a name or password")
            .hint("put the key into `key_env` or `key_file`")),
        Some(host) if !host.is_empty() => Ok(()),
        _ => Err(Error::usage(format!(
            "`url` is `{url}`, not an address such as `http://127.0.0.1:8000/v1`"
        ))),
    }
}

/// The begin of what a server said, on one line.
fn quote(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * MAX_QUOTE)]);
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_QUOTE)
        .collect()
}
