//! Limits of a run.

use crate::{Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What a closure may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Facts, stated and derived together.
    pub facts: usize,
    /// Things that are `owl:sameAs` each other.
    pub equal: usize,
    /// Time.
    pub time: Duration,
    /// Members of a list.
    pub members: usize,
    /// How often in a row a `BIND` may make a term from one that a `BIND` made.
    pub depth: u8,
}

impl Default for Limits {
    /// 200 million facts, 2,000 equal things, an hour, lists of 4,096 members, terms made in 8 steps.
    fn default() -> Self {
        Self {
            facts: 200_000_000,
            equal: 2000,
            time: Duration::from_secs(3600),
            members: 4096,
            depth: 8,
        }
    }
}

/// Says when it is enough.
pub(super) struct Watch {
    pub(super) limits: Limits,
    until: Option<Instant>,
    stopped: AtomicBool,
}

impl Watch {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            until: Instant::now().checked_add(limits.time),
            stopped: AtomicBool::new(false),
        }
    }

    /// An error if the time is over, or if another thread met one.
    pub(super) fn check(&self) -> Result<()> {
        if self.until.is_some_and(|until| Instant::now() >= until) {
            let seconds = self.limits.time.as_secs();
            return Err(
                Error::budget(format!("reasoning took longer than {seconds} s"))
                    .hint("allow more time, or leave out the rules that derive the most"),
            );
        }
        if self.stopped.load(Ordering::Relaxed) {
            return Err(Error::budget("reasoning was stopped"));
        }
        Ok(())
    }
}
