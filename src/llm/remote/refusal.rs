//! Why a server gave no reply, and whether another try may help.

use super::heard::{Heard, Wrong, quote};
use std::time::Duration;

/// The reason of an end that the deadline made.
pub const CUT: &str = "deadline";

/// Why a try gave no reply.
pub struct Refusal {
    pub message: String,
    /// Whether another try may help.
    pub passes: bool,
    /// How long to wait for that at least.
    pub pause: Option<Duration>,
    /// What was heard before time was out.
    pub heard: Option<Box<Heard>>,
}

impl Refusal {
    fn new(message: String, passes: bool) -> Self {
        Self {
            message,
            passes,
            pause: None,
            heard: None,
        }
    }

    /// The connection failed.
    pub fn broken(error: ureq::Error) -> Self {
        let passes = matches!(
            error,
            ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed
        );
        Self::new(format!("no answer: {error}"), passes)
    }

    /// What was said cannot be used.
    pub fn wrong(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Garbage(message) => Self::new(message, false),
            Wrong::Broken(error, mut heard) => {
                let is_late = matches!(*error, ureq::Error::Timeout(_)) && !heard.text.is_empty();
                heard.finish = Some(CUT.into());
                Self {
                    heard: is_late.then_some(heard),
                    ..Self::broken(*error)
                }
            }
        }
    }

    /// The server answered with another status than that of success.
    pub fn status(status: u16, body: &[u8], pause: Option<Duration>) -> Self {
        let passes = matches!(status, 429 | 500 | 502 | 503 | 504);
        Self {
            pause,
            ..Self::new(format!("status {status}: {}", quote(body)), passes)
        }
    }
}

/// How long a server asks to wait: seconds, or a date (RFC 9110, 10.2.3).
pub fn retry_after(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let left = date.as_second() - jiff::Timestamp::now().as_second();
    Some(Duration::from_secs(left.max(0).unsigned_abs()))
}
