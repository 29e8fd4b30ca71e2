//! What was known at a time.

use super::segment::{NO_TIME, Segment};
use crate::model::UnixSeconds;
use crate::{Error, Result};

/// What is left out of dumps because it came later. What tells no time stays: nobody can say that it came later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Horizon {
    /// Nothing.
    #[default]
    Open,
    /// Facts that were first said after a time. Events stay, for somebody who divides them.
    Facts(UnixSeconds),
    /// Facts that were first said and events that happened after a time.
    All(UnixSeconds),
}

/// How much a horizon leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Facts.
    pub facts: usize,
    /// Events.
    pub events: usize,
    /// Statements that updates changed.
    pub changes: usize,
}

impl LeftOut {
    /// By name; nothing where nothing was left out.
    pub fn counts(self) -> impl Iterator<Item = (String, u64)> {
        let all = [
            ("facts", self.facts),
            ("events", self.events),
            ("changes", self.changes),
        ];
        let some = all.into_iter().filter(|(_, count)| *count > 0);
        some.map(|(what, count)| (format!("{what} left out"), count as u64))
    }
}

impl Horizon {
    /// The time of which a graph within it is.
    pub fn as_of(self) -> Option<UnixSeconds> {
        match self {
            Self::All(time) => Some(time),
            Self::Open | Self::Facts(_) => None,
        }
    }

    /// Makes the segments what an import at that time would have left. How many records said a thing by then is not kept: of
    /// a fact with a time it is known that one did.
    ///
    /// # Errors
    /// `Input` if events are to be left out of a dataset whose events only tell before from after.
    pub fn close(self, segments: &mut [Segment]) -> Result<LeftOut> {
        let mut left_out = LeftOut::default();
        let (facts_until, events_until) = match self {
            Self::Open => return Ok(left_out),
            Self::Facts(time) => (time, UnixSeconds::MAX),
            Self::All(time) => (time, time),
        };
        for segment in segments {
            if self.as_of().is_some() && !segment.dataset.clock && !segment.events.is_empty() {
                return Err(timeless(&segment.dataset.name));
            }
            let mut facts = segment.facts.to_vec();
            facts.retain(|fact| fact.time <= facts_until);
            for fact in facts.iter_mut().filter(|fact| fact.time != NO_TIME) {
                fact.count = 1;
            }
            let mut events = segment.events.to_vec();
            events.retain(|event| event.time <= events_until);
            left_out.facts += segment.facts.len() - facts.len();
            left_out.events += segment.events.len() - events.len();
            segment.replace(facts, events)?;
        }
        Ok(left_out)
    }
}

fn timeless(dataset: &str) -> Error {
    Error::input("its events tell before from after, but not when")
        .at(format!("dataset `{dataset}`"))
        .hint("a graph as of a time needs events with times: `time` instead of `order` in the mapping")
}
