//! What one query has used, against what it may use.

use super::ids::Made;
use super::scan::{Flow, Halt};
use super::{Bound, Cancel, Limits, too_slow};
use crate::Error;
use std::cell::Cell;
use std::time::Instant;

/// Steps between two looks at the clock.
const PATIENCE: u32 = 512;

/// What an entry of a hash table takes beside its key, and a string beside its bytes: about this many bytes.
pub(super) const ENTRY: usize = 24;

/// Counts time, memory and steps of one query.
pub(super) struct Meter {
    limits: Limits,
    cancel: Cancel,
    started: Instant,
    steps: Cell<u32>,
    bytes: Cell<usize>,
    /// What the terms take that the query made.
    made: Made,
}

impl Meter {
    pub(super) fn start(limits: &Limits, cancel: &Cancel, made: Made) -> Self {
        Self {
            made,
            limits: *limits,
            cancel: cancel.clone(),
            started: Instant::now(),
            steps: Cell::new(0),
            bytes: Cell::new(0),
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Called for every step of the evaluation: fails when the time is over or somebody cancelled.
    #[inline]
    pub(super) fn tick(&self) -> Flow {
        let steps = self.steps.get().wrapping_add(1);
        self.steps.set(steps);
        match steps % PATIENCE {
            0 => self.look(),
            _ => Ok(()),
        }
    }

    /// Looks at the clock, and at what the query made by the way.
    pub(super) fn look(&self) -> Flow {
        if self.cancel.is_cancelled() {
            return Err(Halt::Failed(Error::budget("the query was cancelled")));
        }
        match self.started.elapsed() > self.limits.time {
            true => Err(Halt::Failed(too_slow(self.limits.time))),
            false => self.allow(0),
        }
    }

    /// Bytes remembered until what is returned is dropped.
    pub(super) fn held(&self) -> Held<'_> {
        Held {
            meter: self,
            bytes: 0,
        }
    }

    /// Fails when `more` bytes, beside all that is remembered, are more than the query may remember.
    #[inline]
    pub(super) fn allow(&self, more: usize) -> Flow {
        let all = self.bytes.get().saturating_add(self.made.bytes());
        match all.saturating_add(more) <= self.limits.memory {
            true => Ok(()),
            false => Err(self.full()),
        }
    }

    #[cold]
    fn full(&self) -> Halt {
        let most = self.limits.memory >> 20;
        let error = Error::budget(format!("the query needs more than {most} MB of memory"))
            .because(Bound::Memory)
            .hint("ask for less at once, or allow more under `[query]`: `memory_mb = …`");
        Halt::Failed(error)
    }
}

/// Memory of one table, set or buffer.
pub(super) struct Held<'m> {
    meter: &'m Meter,
    bytes: usize,
}

impl Held<'_> {
    /// Fails when the query would remember more than it may.
    pub(super) fn add(&mut self, bytes: usize) -> Flow {
        self.meter.allow(bytes)?;
        self.bytes += bytes;
        self.meter.bytes.set(self.meter.bytes.get() + bytes);
        Ok(())
    }

    /// The same for what took `before` bytes and takes `now`.
    pub(super) fn change(&mut self, before: usize, now: usize) -> Flow {
        let less = before.saturating_sub(now).min(self.bytes);
        self.bytes -= less;
        self.meter.bytes.set(self.meter.bytes.get() - less);
        match now > before {
            true => self.add(now - before),
            false => Ok(()),
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.meter.bytes.set(self.meter.bytes.get() - self.bytes);
    }
}
