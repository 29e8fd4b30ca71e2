//! A server with an OpenAI-compatible `chat/completions`: vLLM, llama.cpp, or a hosted one.
//!
//! Refusals that pass (429, 5xx, a broken connection) are tried again with growing pauses or the one that the server
//! names, within the request's deadline. Requests and tokens keep within what a minute allows, and a server that keeps
//! failing is left alone for a while. The key comes from the environment or a file, never from the settings, and
//! is cut out of whatever is said about the server. A reply may come as a stream: then there is something to show for it where
//! the deadline ends it.

mod heard;
mod key;
pub(super) mod odds;
mod refusal;

use std::fmt;
use std::io::BufReader;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::limits::{Breaker, Pace, Window};
use super::local::too_long;
use super::settings::RemoteSettings;
use super::{
    Completion, Finish, LanguageModel, Likelihood, Request, ScoreCalls, TokenCounter, Usage,
    given_up, tokens,
};
use crate::config::{Format, Transfer};
use crate::error::{Error, Result};
use crate::model::Cancel;
use heard::{Heard, Wrong};
use key::{Key, check_url};
use refusal::{CUT, Refusal, retry_after};

/// Tokens that a server may say it counted: sums of what it says must not overflow.
const MOST_TOKENS: usize = u32::MAX as usize;

/// The longest reply that is read.
const MAX_REPLY_BYTES: u64 = 4 << 20;
/// The pause before the second try; it doubles with every further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause between two tries, whatever the server says.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A model behind HTTP. Copies of it ask the server at the same time, at one pace.
#[derive(Clone)]
pub struct Remote {
    id: String,
    endpoint: String,
    model: String,
    key: Option<Key>,
    connections: Connections,
    timeout: Duration,
    retries: u32,
    format: Format,
    transfer: Transfer,
    pace: Arc<Mutex<Pace>>,
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
        Ok(Self {
            id: format!("{}@{base}", settings.model),
            endpoint: format!("{base}/chat/completions"),
            model: settings.model.clone(),
            key: Key::find(settings)?,
            connections: Connections::new(),
            timeout,
            retries: settings.retries,
            format: settings.format,
            transfer: settings.transfer,
            pace: Arc::new(Mutex::new(Pace {
                window: Window::new(settings.requests_per_minute, settings.tokens_per_minute),
                breaker: Breaker::new(settings.failures, rest),
            })),
            context: settings.context_tokens,
            counter,
        })
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn body(&self, request: &Request, wanted: Wanted) -> Value {
        let mut body = json!({
            "model": self.model,
            "messages": request.messages,
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
            "stream": wanted == Wanted::Stream,
        });
        match wanted {
            Wanted::Whole => {}
            Wanted::Stream => body["stream_options"] = json!({"include_usage": true}),
            Wanted::Odds => {
                body["logprobs"] = json!(true);
                body["top_logprobs"] = json!(odds::TOP);
            }
        }
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

    /// One try.
    fn ask(&self, body: &[u8], limit: Duration) -> Result<Heard, Refusal> {
        let mut request = self
            .connections
            .0
            .post(&self.endpoint)
            .header("content-type", "application/json");
        if let Some(Key(key)) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let request = request.config().timeout_global(Some(limit)).build();
        let mut response = request.send(body).map_err(Refusal::broken)?;
        let status = response.status().as_u16();
        let head = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok());
        let pause = head("retry-after").and_then(retry_after);
        let is_stream = self.transfer == Transfer::Stream
            && head("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
        let body = response.body_mut().with_config().limit(MAX_REPLY_BYTES);
        match (status, is_stream) {
            (200..=299, true) => Heard::stream(BufReader::new(body.reader())),
            (200..=299, false) => body
                .read_to_vec()
                .map_err(|error| Wrong::broken(error, Heard::default()))
                .and_then(|reply| Heard::whole(&reply)),
            _ => {
                let read = body.read_to_vec().unwrap_or_default();
                return Err(Refusal::status(status, &read, pause));
            }
        }
        .map_err(Refusal::wrong)
    }

    /// Tries until there is a reply, no try is left, or the deadline would pass.
    fn ask_again(&self, call: &Call<'_>) -> Result<(Heard, usize)> {
        let mut pause = FIRST_PAUSE;
        for tries in 1.. {
            let number = self.take_turn(call)?;
            let left = call.left();
            if call.is_over() {
                return Err(self.error("the deadline passed before there was a reply".into()));
            }
            // What had little time says nothing of the server where that ended it.
            let is_pressed = left < self.timeout / 2;
            let refusal = match self.ask(call.body, self.timeout.min(left)) {
                Ok(heard) => return Ok((heard, number)),
                Err(refusal) => refusal,
            };
            if call.cancel.is_cancelled() {
                return Err(given_up());
            }
            if let Some(heard) = refusal.heard.filter(|_| call.is_over()) {
                return Ok((*heard, number));
            }
            let wait = refusal.pause.unwrap_or(pause).min(LONGEST_PAUSE);
            if !refusal.passes || tries > self.retries || wait >= call.left() {
                if !(is_pressed && call.is_over()) {
                    self.pace().breaker.fail(Instant::now());
                }
                return Err(self.error(format!("{} (tries: {tries})", refusal.message)));
            }
            call.cancel.sleep(wait);
            pause = pause.saturating_mul(2);
        }
        Err(self.error("no try is left".into()))
    }

    /// Waits until the limits of a minute have room for a request; its number among those sent.
    fn take_turn(&self, call: &Call<'_>) -> Result<usize> {
        loop {
            if call.cancel.is_cancelled() {
                return Err(given_up());
            }
            let now = Instant::now();
            let mut pace = self.pace();
            let wait = pace.window.wait(now, call.tokens);
            if wait.is_zero() {
                return Ok(pace.window.send(now, call.tokens));
            }
            drop(pace);
            if wait >= call.left() {
                let (tokens, seconds) = (call.tokens, wait.as_secs_f64().ceil());
                return Err(self
                    .error(format!(
                        "the limits of a minute leave no room for {tokens} tokens before {seconds} s"
                    ))
                    .hint("raise `requests_per_minute` or `tokens_per_minute`"));
            }
            // After which another may have been first.
            call.cancel.sleep(wait);
        }
    }

    /// Asks, unless the limits forbid it or the server rests.
    fn heard(&mut self, request: &Request, wanted: Wanted) -> Result<Heard> {
        let deadline = request
            .deadline
            .and_then(|limit| Instant::now().checked_add(limit));
        let prompt = self.count_messages(&request.messages)?;
        if prompt >= self.context && self.counter.is_exact() {
            return Err(too_long(prompt, self.context, &self.id));
        }
        let tokens = prompt.saturating_add(request.max_tokens);
        if !self.pace().window.can_ever(tokens) {
            return Err(Error::budget(format!(
                "prompt and reply may have {tokens} tokens, more than `{}` may be sent within a minute",
                self.id
            ))
            .hint("raise `tokens_per_minute`, or lower `max_tokens`"));
        }
        let rest = {
            let breaker = &self.pace().breaker;
            breaker
                .rest(Instant::now())
                .map(|left| (breaker.failed(), left))
        };
        if let Some((failed, left)) = rest {
            let seconds = left.as_secs_f64().ceil();
            return Err(self.error(format!(
                "not asked: it failed {failed} times in a row, and rests for {seconds} s"
            )));
        }
        let body = serde_json::to_vec(&self.body(request, wanted));
        let body = body.map_err(|e| Error::input(format!("cannot write the request: {e}")))?;
        let call = Call {
            body: &body,
            tokens,
            deadline,
            cancel: &request.cancel,
        };
        let agent = self.connections.0.clone();
        let asked = request
            .cancel
            .giving_up(|| agent.shutdown(), || self.ask_again(&call));
        if request.cancel.is_cancelled() {
            self.connections = Connections::new();
        }
        let (mut heard, number) = asked?;
        self.pace().breaker.succeed();
        let usage = &mut heard.usage;
        let prompt = usage.prompt_tokens.unwrap_or(prompt).min(MOST_TOKENS);
        let reply = match usage.completion_tokens {
            Some(given) => given.min(MOST_TOKENS),
            None => self.counter.count(&heard.text)?,
        };
        (usage.prompt_tokens, usage.completion_tokens) = (Some(prompt), Some(reply));
        self.pace().window.correct(number, prompt + reply);
        Ok(heard)
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

    fn another(&self) -> Option<Box<dyn LanguageModel>> {
        Some(Box::new(self.clone()))
    }

    fn complete(&mut self, request: &Request) -> Result<Completion> {
        let wanted = match self.transfer {
            Transfer::Whole => Wanted::Whole,
            Transfer::Stream => Wanted::Stream,
        };
        let heard = self.heard(request, wanted)?;
        Ok(Completion {
            prompt_tokens: heard.usage.prompt_tokens.unwrap_or(0),
            completion_tokens: heard.usage.completion_tokens.unwrap_or(0),
            finish: match heard.finish.as_deref() {
                Some("stop") | None => Finish::Stop,
                Some("length") => Finish::Length,
                Some(CUT) => Finish::Deadline,
                Some(_) => Finish::Other,
            },
            text: heard.text,
        })
    }

    fn score(
        &mut self,
        request: &Request,
        continuations: &[String],
        usage: &mut Usage,
    ) -> Result<Vec<Likelihood>> {
        let started = Instant::now();
        let nothing = Likelihood {
            log: f64::NEG_INFINITY,
            tokens: 0,
        };
        let mut scores = vec![nothing; continuations.len()];
        for question in odds::questions(continuations) {
            let mut asked = question.request(request);
            asked.deadline = request
                .deadline
                .map(|limit| limit.saturating_sub(started.elapsed()));
            let heard = self.heard(&asked, Wanted::Odds)?;
            *usage += Usage {
                calls: 1,
                prompt_tokens: heard.usage.prompt_tokens.unwrap_or(0),
                completion_tokens: heard.usage.completion_tokens.unwrap_or(0),
            };
            let odds = question.odds(&heard.first).ok_or_else(|| {
                self.error(match heard.first.is_empty() {
                    true => "it does not tell how likely words are (`top_logprobs`)".into(),
                    false => format!(
                        "none of the answers is among the {} likeliest words",
                        heard.first.len()
                    ),
                })
                .hint("set `mode = \"listwise\"` in the section `[ranking]`")
            })?;
            odds.into_iter()
                .for_each(|(index, likelihood)| scores[index] = likelihood);
        }
        Ok(scores)
    }

    fn score_calls(&self) -> ScoreCalls {
        ScoreCalls::ByLastWord
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

/// What is asked of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    Stream,
    Odds,
}

/// A call, in all of its tries.
struct Call<'a> {
    body: &'a [u8],
    /// Tokens of prompt and reply, at most.
    tokens: usize,
    deadline: Option<Instant>,
    cancel: &'a Cancel,
}

impl Call<'_> {
    fn left(&self) -> Duration {
        let end = self.deadline;
        end.map_or(Duration::MAX, |end| {
            end.saturating_duration_since(Instant::now())
        })
    }

    fn is_over(&self) -> bool {
        self.left().is_zero()
    }
}

/// Connections that are kept for the next call. Each copy has its own: to give a call up closes all of them.
struct Connections(ureq::Agent);

impl Connections {
    fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0);
        Self(config.max_redirects_will_error(false).build().new_agent())
    }
}

impl Clone for Connections {
    fn clone(&self) -> Self {
        Self::new()
    }
}
