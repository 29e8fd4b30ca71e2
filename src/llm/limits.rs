//! What a server may be asked: so many requests and tokens within any minute, and nothing for a while after it failed often.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The length of the window.
const MINUTE: Duration = Duration::from_secs(60);

/// Requests and tokens of the last minute against what is allowed.
#[derive(Debug, Default)]
pub struct Window {
    requests: Option<usize>,
    tokens: Option<usize>,
    /// When each request was sent, and its tokens; oldest first.
    sent: VecDeque<(Instant, usize)>,
    /// Requests that are no longer among them.
    gone: usize,
}

impl Window {
    /// So many requests and tokens a minute; without a number, any.
    pub fn new(requests: Option<usize>, tokens: Option<usize>) -> Self {
        Self {
            requests,
            tokens,
            sent: VecDeque::new(),
            gone: 0,
        }
    }

    /// Whether a request of so many tokens can be sent at all.
    pub fn can_ever(&self, tokens: usize) -> bool {
        self.tokens.is_none_or(|most| tokens <= most) && self.requests != Some(0)
    }

    /// How long from `now` a request of so many tokens has to wait.
    pub fn wait(&mut self, now: Instant, tokens: usize) -> Duration {
        while self
            .sent
            .front()
            .is_some_and(|sent| now.duration_since(sent.0) >= MINUTE)
        {
            self.sent.pop_front();
            self.gone += 1;
        }
        let mut held: usize = self.sent.iter().map(|sent| sent.1).sum();
        let mut count = self.sent.len();
        let mut wait = Duration::ZERO;
        for &(at, gone) in &self.sent {
            let fits = self.requests.is_none_or(|most| count < most)
                && self.tokens.is_none_or(|most| held + tokens <= most);
            if fits {
                break;
            }
            wait = (at + MINUTE).saturating_duration_since(now);
            held -= gone;
            count -= 1;
        }
        wait
    }

    /// Takes note of a request; its number.
    pub fn send(&mut self, now: Instant, tokens: usize) -> usize {
        self.sent.push_back((now, tokens));
        self.gone + self.sent.len() - 1
    }

    /// Puts the tokens that a request took in place of those that were expected; one that is out of the window counts
    /// nothing any more.
    pub fn correct(&mut self, number: usize, tokens: usize) {
        let place = number.checked_sub(self.gone);
        if let Some(sent) = place.and_then(|place| self.sent.get_mut(place)) {
            sent.1 = tokens;
        }
    }
}

/// Stops asking a server that keeps failing.
#[derive(Debug)]
pub struct Breaker {
    most: u32,
    rest: Duration,
    failed: u32,
    closed_until: Option<Instant>,
}

impl Breaker {
    /// After so many calls that failed in a row none is made for `rest`; then one is tried.
    pub fn new(most: u32, rest: Duration) -> Self {
        Self {
            most: most.max(1),
            rest,
            failed: 0,
            closed_until: None,
        }
    }

    /// How long from `now` no call may be made.
    pub fn rest(&self, now: Instant) -> Option<Duration> {
        let left = self.closed_until?.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    /// Calls that failed in a row.
    pub fn failed(&self) -> u32 {
        self.failed
    }

    /// A call succeeded.
    pub fn succeed(&mut self) {
        (self.failed, self.closed_until) = (0, None);
    }

    /// A call failed.
    pub fn fail(&mut self, now: Instant) {
        self.failed = self.failed.saturating_add(1);
        if self.failed >= self.most {
            self.closed_until = now.checked_add(self.rest);
        }
    }
}

/// Both, of all that ask one server.
#[derive(Debug)]
pub struct Pace {
    /// What may be sent within a minute.
    pub window: Window,
    /// When to leave it alone.
    pub breaker: Breaker,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn a_window_slides() {
        let start = Instant::now();
        let mut window = Window::new(Some(2), Some(100));
        assert!(window.can_ever(100) && !window.can_ever(101));
        assert_eq!(window.wait(start, 100), Duration::ZERO);
        window.send(start, 50);
        let second = window.send(start + seconds(10), 30);
        assert_eq!(
            window.wait(start + seconds(20), 1),
            seconds(40),
            "the first of two requests has to go"
        );
        assert_eq!(
            window.wait(start + seconds(20), 80),
            seconds(50),
            "both have to go for their tokens"
        );
        window.correct(second, 10);
        assert_eq!(
            window.wait(start + seconds(20), 90),
            seconds(40),
            "the second took less than expected"
        );
        assert_eq!(window.wait(start + seconds(60), 90), Duration::ZERO);
        assert_eq!(
            Window::new(None, None).wait(start, usize::MAX / 2),
            Duration::ZERO
        );
        assert!(!Window::new(Some(0), None).can_ever(1));
    }

    #[test]
    fn a_breaker_rests_and_tries_again() {
        let start = Instant::now();
        let mut breaker = Breaker::new(2, seconds(30));
        breaker.fail(start);
        assert_eq!(breaker.rest(start), None);
        breaker.fail(start);
        assert_eq!(breaker.rest(start + seconds(10)), Some(seconds(20)));
        assert_eq!(breaker.rest(start + seconds(30)), None, "one is tried");
        breaker.fail(start + seconds(31));
        assert_eq!(breaker.rest(start + seconds(32)), Some(seconds(29)));
        breaker.succeed();
        assert_eq!(
            (breaker.rest(start + seconds(33)), breaker.failed()),
            (None, 0)
        );
    }
}
