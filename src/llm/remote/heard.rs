//! What a server says: one completion, as a whole or as a stream of events.

use serde::Deserialize;
use std::io::{BufRead, Read};

/// The longest line of a stream.
const LONGEST_LINE: u64 = 1 << 20;
/// How much of what a server said is repeated.
const MAX_QUOTE: usize = 200;

/// A completion as it was heard.
#[derive(Debug, Default, PartialEq)]
pub struct Heard {
    /// What was said.
    pub text: String,
    /// Why the server ended.
    pub finish: Option<String>,
    /// What it counted.
    pub usage: Usage,
    /// The likeliest first tokens with the logarithms of their probabilities, where it was asked and tells.
    pub first: Vec<Token>,
}

/// Tokens that a server counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub struct Usage {
    /// Of the prompt.
    pub prompt_tokens: Option<usize>,
    /// Of the reply.
    pub completion_tokens: Option<usize>,
}

/// A token that might have come.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Token {
    /// Its text.
    #[serde(rename = "token")]
    pub text: String,
    /// The natural logarithm of its probability.
    #[serde(rename = "logprob")]
    pub log: f64,
}

/// Why a reply cannot be used.
#[derive(Debug)]
pub enum Wrong {
    /// It is not what was asked for.
    Garbage(String),
    /// The connection failed, with what was heard before.
    Broken(Box<ureq::Error>, Box<Heard>),
}

impl Wrong {
    /// A connection that failed after something was heard.
    pub fn broken(error: impl Into<ureq::Error>, heard: Heard) -> Self {
        Self::Broken(Box::new(error.into()), Box::new(heard))
    }
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
    logprobs: Option<Odds>,
}

/// A part of a message, or all of it.
#[derive(Default, Deserialize)]
struct Said {
    content: Option<String>,
}

#[derive(Deserialize)]
struct Odds {
    content: Option<Vec<Place>>,
}

#[derive(Deserialize)]
struct Place {
    #[serde(default)]
    top_logprobs: Vec<Token>,
}

/// One event of a stream.
#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    choices: Vec<Part>,
    usage: Option<Usage>,
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    index: usize,
    #[serde(default)]
    delta: Said,
    finish_reason: Option<String>,
}

impl Heard {
    /// Reads a completion that came as a whole.
    pub fn whole(reply: &[u8]) -> Result<Self, Wrong> {
        let reply: Reply = serde_json::from_slice(reply)
            .map_err(|e| Wrong::Garbage(format!("not a chat completion: {e}: {}", quote(reply))))?;
        let choice = reply.choices.into_iter().next();
        let choice =
            choice.ok_or_else(|| Wrong::Garbage("a chat completion without choices".into()))?;
        let places = choice.logprobs.and_then(|odds| odds.content);
        let first = places.and_then(|places| places.into_iter().next());
        Ok(Self {
            text: choice.message.content.unwrap_or_default(),
            finish: choice.finish_reason,
            usage: reply.usage.unwrap_or_default(),
            first: first.map_or_else(Vec::new, |place| place.top_logprobs),
        })
    }

    /// Reads a stream of [server-sent events](https://html.spec.whatwg.org/multipage/server-sent-events.html) until
    /// `[DONE]`, or the end where the server has said why it ended.
    pub fn stream(mut events: impl BufRead) -> Result<Self, Wrong> {
        let (mut heard, mut data, mut line) = (Self::default(), String::new(), Vec::new());
        loop {
            line.clear();
            let read = events
                .by_ref()
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line);
            let read = match read {
                Ok(read) => read,
                Err(error) => return Err(Wrong::broken(error, heard)),
            };
            if read as u64 == LONGEST_LINE {
                return Err(Wrong::Garbage("a line of the stream has no end".into()));
            }
            let text = std::str::from_utf8(&line)
                .map_err(|_| Wrong::Garbage(format!("the stream is no text: {}", quote(&line))))?;
            let text = text.trim_end_matches(['\n', '\r']);
            if !text.is_empty() {
                heard.line(text, &mut data)?;
                continue;
            }
            // An empty line, or the end: the event is whole.
            if data == "[DONE]" || read == 0 && data.is_empty() && heard.finish.is_some() {
                return Ok(heard);
            }
            if !data.is_empty() {
                heard.event(&data)?;
                data.clear();
            } else if read == 0 {
                let end = std::io::Error::new(
                    std::io::ErrorKind::UnexpectedEof,
                    "the stream ends in the middle of a reply",
                );
                return Err(Wrong::broken(end, heard));
            }
        }
    }

    /// Takes a line: a part of an event's data, a comment, or a field that says nothing here.
    fn line(&self, line: &str, data: &mut String) -> Result<(), Wrong> {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        match field {
            "data" => {
                if !data.is_empty() {
                    data.push('\n');
                }
                data.push_str(value.strip_prefix(' ').unwrap_or(value));
                Ok(())
            }
            "" | "event" | "id" | "retry" => Ok(()),
            _ => Err(Wrong::Garbage(format!(
                "not a stream of events: {}",
                quote(line.as_bytes())
            ))),
        }
    }

    /// Takes an event.
    fn event(&mut self, data: &str) -> Result<(), Wrong> {
        let event: Event = serde_json::from_str(data).map_err(|e| {
            Wrong::Garbage(format!(
                "not a part of a chat completion: {e}: {}",
                quote(data.as_bytes())
            ))
        })?;
        if let Some(error) = event.error {
            return Err(Wrong::Garbage(format!(
                "the server breaks off: {}",
                quote(error.to_string().as_bytes())
            )));
        }
        self.usage = event.usage.unwrap_or(self.usage);
        for part in event.choices.into_iter().filter(|part| part.index == 0) {
            self.text.extend(part.delta.content);
            self.finish = part.finish_reason.or(self.finish.take());
        }
        Ok(())
    }
}

/// The begin of what a server said, on one line.
pub fn quote(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * MAX_QUOTE)]);
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_QUOTE)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(text: &str) -> Result<Heard, Wrong> {
        Heard::stream(text.as_bytes())
    }

    #[test]
    fn parts_of_a_stream_are_put_together() {
        let events = ": hello\r\n\r\ndata: {\"choices\": [{\"index\": 0, \"delta\": {\"role\": \"assistant\"}}]}\r\n\r\n\
            event: x\ndata: {\"choices\": [{\"delta\": {\"content\": \"one\"}}, {\"index\": 1, \"delta\": {\"content\": \"no\"}}]}\n\n\
            data:{\"choices\": [{\"delta\": {\"content\": \" two\"},\ndata: \"finish_reason\": \"stop\"}]}\n\n\
            data: {\"choices\": [], \"usage\": {\"prompt_tokens\": 7, \"completion_tokens\": 2}}\n\n";
        let expected = Heard {
            text: "one two".into(),
            finish: Some("stop".into()),
            usage: Usage {
                prompt_tokens: Some(7),
                completion_tokens: Some(2),
            },
            first: Vec::new(),
        };
        let whole = stream(&format!("{events}data: [DONE]\n\ngarbage")).unwrap();
        assert_eq!(whole, expected, "what follows the end is not read");
        assert_eq!(stream(events).unwrap(), expected, "an end without its mark");
    }

    #[test]
    fn streams_that_break_off_say_what_was_heard() {
        let part = "data: {\"choices\": [{\"delta\": {\"content\": \"one\"}}]}\n\n";
        match stream(part) {
            Err(Wrong::Broken(_, heard)) => assert_eq!(heard.text, "one"),
            other => panic!("{other:?}"),
        }
        for garbage in [
            "<html>",
            "data: {\"choices\": 1}\n\n",
            "data: {\"error\": {\"message\": \"busy\"}}\n\n",
            "data: [1]\n\n",
        ] {
            let all = format!("{part}{garbage}");
            assert!(matches!(stream(&all), Err(Wrong::Garbage(_))), "{garbage}");
        }
        assert!(matches!(
            Heard::stream(&b"data: \xff\n\n"[..]),
            Err(Wrong::Garbage(_))
        ));
        let endless = "x".repeat(LONGEST_LINE as usize + 1);
        assert!(matches!(stream(&endless), Err(Wrong::Garbage(_))));
    }
}
