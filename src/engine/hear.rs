//! Events as they happen: kept like updates, and counted from the next answer on.

use super::{Live, Snapshot, Updated};
use crate::model::{Change, Heard, UnixSeconds, term};
use crate::sparql::{Cancel, Limits};
use crate::vocabulary::percent_encode;
use crate::{Error, Result};
use oxrdf::NamedNode;
use serde::{Deserialize, Serialize};

/// A user met an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// Who, by IRI or by the id that the dumps use; somebody new too.
    pub user: String,
    /// Which of the graph's items, by IRI or by the id that the dumps use.
    pub item: String,
    /// When; unset: now.
    #[serde(default)]
    pub time: Option<UnixSeconds>,
    /// How much: a rating, a quantity.
    #[serde(default = "one")]
    pub weight: f32,
}

fn one() -> f32 {
    1.0
}

impl Live {
    /// Keeps events. When this returns they are on the disk, and every later answer counts them: as history, as taste, as
    /// met, and in what is popular. Links between items change with the next build only. An event told again is no other.
    /// One with an item that was shown to its user within `decisions.outcome_days` before is an outcome of that decision.
    ///
    /// # Errors
    /// `NotFound` for an unknown item, `Usage` for what is no event, and those of [`Live::change`]; nothing is kept then.
    pub fn tell(&self, events: &[Told], limits: &Limits, cancel: &Cancel) -> Result<Updated> {
        let snapshot = self.current();
        let now = jiff::Timestamp::now().as_second();
        let heard = events.iter().map(|told| heard(&snapshot, told, now));
        let heard = heard.collect::<Result<Vec<_>>>()?;
        let statements = heard.iter().flat_map(Heard::statements);
        let changes: Vec<Change> = statements.map(Change::Insert).collect();
        let updated = self.change(&changes, limits, cancel)?;
        for (heard, told) in heard.iter().zip(events) {
            let noted = self.engine().note_outcome(heard, &told.user);
            noted.map_err(|e| {
                let message = format!("the events are kept, but not as outcomes: {}", e.message());
                Error::new(e.kind(), message).because(e)
            })?;
        }
        Ok(updated)
    }
}

pub(super) fn heard(snapshot: &Snapshot, told: &Told, now: UnixSeconds) -> Result<Heard> {
    let graph = snapshot.graph();
    let item = graph.find_item(&told.item);
    let item = item.ok_or_else(|| graph.unknown("item", &told.item))?;
    if !told.weight.is_finite() {
        return Err(Error::usage(format!(
            "the weight {} is no number",
            told.weight
        )));
    }
    let time = told.time.unwrap_or(now);
    if jiff::Timestamp::from_second(time).is_err() {
        return Err(Error::usage(format!(
            "{time} is no time in seconds since 1970"
        )));
    }
    Ok(Heard {
        user: user(snapshot, &told.user, item)?,
        item: graph.term(item).to_owned(),
        time: Some(time),
        weight: told.weight,
    })
}

/// The encoded IRI of a user; somebody new is named as the item's dataset names users.
fn user(snapshot: &Snapshot, name: &str, item: u32) -> Result<String> {
    let graph = snapshot.graph();
    if let Some(user) = graph.find_user(name) {
        return Ok(graph.term(user).to_owned());
    }
    let template = graph.dataset_of(item).map(|d| d.user_iri.as_str());
    let iri = match (name.contains(':'), template) {
        (false, Some(template)) => template.replace("{}", &percent_encode(name)),
        _ => name.to_owned(),
    };
    let wrong = |e| Error::usage(format!("`{name}` names no user: {e}"));
    let iri = NamedNode::new(iri).map_err(wrong)?;
    if graph.find_item(iri.as_str()).is_some() {
        return Err(Error::usage(format!("`{name}` is an item, and no user")));
    }
    Ok(term::iri(iri.as_str()))
}
