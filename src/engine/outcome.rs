//! What became of what was shown.

use super::log::days_ago;
use super::{Engine, Snapshot};
use crate::journal::{self, Outcome, Shown};
use crate::model::{Dataset, Heard, UnixSeconds, term};
use crate::vocabulary::{DECISION, expand};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Decisions of a user that are looked through for an item.
const LATEST: usize = 100;

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Became {
    /// It was taken, watched, bought.
    Accepted,
    /// It was turned down.
    Rejected,
}

impl Became {
    /// Its name, as decisions give it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
}

/// What somebody says became of an item of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TellOutcome {
    /// The decision, by the name that its answer gave, or by its IRI.
    pub decision: String,
    /// The item, by IRI or by the id that the dumps use.
    pub item: String,
    /// What became of it.
    pub outcome: Became,
    /// When; unset: now.
    #[serde(default)]
    pub time: Option<UnixSeconds>,
}

impl Engine {
    /// Keeps what became of an item of an answer, in place of what was known of it before.
    ///
    /// # Errors
    /// `NotFound` if there is no such decision, or the item is not in its answer; `Usage` for a time that is none.
    pub fn tell_outcome(&self, snapshot: &Snapshot, told: &TellOutcome) -> Result<()> {
        let id = told
            .decision
            .strip_prefix(DECISION)
            .unwrap_or(&told.decision);
        let shown = self.journal.decision(id)?.record.trail.shown;
        let (rank, item) = place(snapshot, &shown, &told.item).ok_or_else(|| {
            Error::not_found(format!("`{}` is not in the answer", told.item))
                .at(format!("decision {id}"))
                .hint(format!("kenning replay {id}"))
        })?;
        let at = match told.time {
            None => journal::now(),
            Some(time) => written(time)?,
        };
        self.journal.record_outcome(&Outcome {
            decision: id.to_owned(),
            rank,
            item,
            outcome: told.outcome.name().to_owned(),
            at,
        })
    }

    /// An event is an outcome of the last decision for its user that showed its item within the window of the settings
    /// before: accepted, or rejected if its weight is negative. `name` is what the user was called by.
    pub(super) fn note_outcome(&self, heard: &Heard, name: &str) -> Result<()> {
        let window = self.project.settings().decisions.outcome_days;
        let (Some(time), Some(item)) = (heard.time, term::as_iri(&heard.item)) else {
            return Ok(());
        };
        if window == 0 {
            return Ok(());
        }
        let at = written(time)?;
        let from = before(time, window);
        // Somebody whom the graph did not know when they asked stands in the log under the name that they gave.
        let known = term::as_iri(&heard.user).unwrap_or_default();
        let names = [known, name];
        for user in &names[..if known == name { 1 } else { 2 }] {
            let within = (from.as_str(), at.as_str());
            for (decision, trail) in self.journal.trails(user, within, LATEST)? {
                let place = trail.shown.iter().position(|shown| shown.item == item);
                let Some(index) = place else { continue };
                let became = match heard.weight < 0.0 {
                    true => Became::Rejected,
                    false => Became::Accepted,
                };
                return self.journal.record_outcome(&Outcome {
                    decision,
                    rank: index + 1,
                    item: item.to_owned(),
                    outcome: became.name().to_owned(),
                    at,
                });
            }
        }
        Ok(())
    }
}

/// The place of an item in an answer, from 1, and its IRI.
fn place(snapshot: &Snapshot, shown: &[Shown], name: &str) -> Option<(usize, String)> {
    let datasets = &snapshot.graph().meta.datasets;
    let mut names: Vec<String> = Dataset::iris(datasets, name, |d| &d.item_iri).collect();
    names.push(expand(name));
    let mut ranked = (1..).zip(shown);
    let found = ranked.find(|(_, shown)| names.contains(&shown.item))?;
    Some((found.0, found.1.item.clone()))
}

/// So many days before a time, as the journal writes times.
fn before(time: UnixSeconds, days: u64) -> String {
    let seconds = i64::try_from(days.saturating_mul(86_400)).unwrap_or(i64::MAX);
    written(time.saturating_sub(seconds)).unwrap_or_else(|_| days_ago(days))
}

fn written(time: UnixSeconds) -> Result<String> {
    let moment = jiff::Timestamp::from_second(time)
        .map_err(|e| Error::usage(format!("{time} is no time in seconds since 1970")).because(e))?;
    // To the end of its second: an event is told in seconds, a decision is kept in microseconds.
    Ok(format!(
        "{}.999999Z",
        moment.to_string().trim_end_matches('Z')
    ))
}
