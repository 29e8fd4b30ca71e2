//! Which items are ranked, and in which order they stand: what one request wishes, over what the scorer says.
//!
//! Three steps, each of which only narrows or reorders what the former left:
//!
//! 1. *Allowed* are the items that the request names or does not exclude, that have the attributes, that the SPARQL
//!    finds, and that are available at the time of the request. A filter that leaves nothing is an answer with the
//!    reason, not an error.
//! 2. The scorer ranks all of them. Each has a score, by its popularity at least: so nothing that is allowed is out of
//!    reach, and an answer is empty only if nothing is allowed that is new to the user.
//! 3. Items are *arranged*: pinned ones first, then greedily the best that no cap forbids, with diversity the best by
//!    maximal marginal relevance (Carbonell & Goldstein 1998).
//!
//! Filters, caps and exclusions hold for pinned items too; but pinned items may have been met. Without any wish the
//! order is that of [`Scorer::rank`]. Everything is read with what updates changed since the graph was frozen.

mod allowed;
mod arrange;
mod available;
mod barred;
mod values;

pub use barred::{Bar, barred, eligible};

use crate::model::UnixSeconds;
use crate::scoring::{Scored, Walk};
use crate::sparql::{Cancel, Dataset, Limits};
use crate::{Error, Result};
use allowed::Allowed;
use arrange::{Caps, arrange};
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

/// What a request wishes of the items and of their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wishes {
    /// Only items with all of these attributes, each `PROPERTY=VALUE`: the value is an IRI, a label or a literal's text.
    #[serde(rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    /// Only items that this finds: a `SELECT` of one variable, or a pattern in which they are `?item`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sparql: Option<String>,
    /// When they have to be available; unset: now, or when the graph is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<UnixSeconds>,
    /// The first items, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pinned: Vec<String>,
    /// Items with one value of a property at most, each `PROPERTY=NUMBER`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub at_most: Vec<String>,
    /// How much it counts that an item is unlike those before it, against its score: 0 to 1.
    #[serde(skip_serializing_if = "is_zero")]
    pub diversity: f64,
}

// serde asks for a reference.
fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

/// A request, with the items that it names as nodes.
pub struct Asked<'a> {
    /// The graph and its changes.
    pub dataset: Dataset<'a>,
    /// What ranks, and for whom.
    pub walk: &'a Walk<'a>,
    /// What is wished.
    pub wishes: &'a Wishes,
    /// Only these; all if unset.
    pub only: Option<&'a FxHashSet<u32>>,
    /// None of these.
    pub never: &'a FxHashSet<u32>,
    /// None of these, unless it is pinned.
    pub met: &'a FxHashSet<u32>,
    /// Bounds of the SPARQL, and what stops it.
    pub bounds: (&'a Limits, &'a Cancel),
}

/// What is left, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chosen {
    /// Best first, but for wishes.
    pub items: Vec<Scored>,
    /// Of those, the first so many are pinned.
    pub pinned: usize,
    /// What was applied, and what it left.
    pub notes: Vec<String>,
}

/// What a request allows: found once, and chosen from as often as items turn out to be refused.
pub struct Choice<'a> {
    asked: &'a Asked<'a>,
    allowed: Allowed,
    pinned: Vec<u32>,
    caps: Caps<'a>,
    notes: Vec<String>,
}

impl<'a> Choice<'a> {
    /// Finds what a request allows.
    ///
    /// # Errors
    /// `Usage` for wishes that cannot be read, `NotFound` for an unknown pinned item, and those of the SPARQL.
    pub fn of(asked: &'a Asked<'a>) -> Result<Self> {
        let wishes = asked.wishes;
        if !(0.0..=1.0).contains(&wishes.diversity) {
            return Err(Error::usage(format!(
                "the diversity is {}, which is not from 0 to 1",
                wishes.diversity
            ))
            .hint("`--diversity 0.3`"));
        }
        let mut notes = Vec::new();
        let caps = Caps::read(asked.dataset, &wishes.at_most, &mut notes)?;
        let allowed = Allowed::find(asked, &mut notes)?;
        Ok(Self {
            pinned: pinned(asked, &allowed, &mut notes)?,
            asked,
            allowed,
            caps,
            notes,
        })
    }

    /// The `wanted` best of what is allowed and not refused, in the order that the request wishes.
    pub fn best(&self, wanted: usize, refused: &FxHashSet<u32>) -> Chosen {
        let wishes = self.asked.wishes;
        let (mut notes, mut pinned) = (self.notes.clone(), self.pinned.clone());
        pinned.retain(|pin| !refused.contains(pin));
        let plain = pinned.is_empty() && self.caps.is_none() && wishes.diversity == 0.0;
        let mut chosen = Chosen::default();
        if plain {
            chosen.items = self.ahead(wanted, refused);
        } else {
            let is_in =
                |item| !refused.contains(&item) && (self.is_new(item) || pinned.contains(&item));
            let ranked = self.asked.walk.rank(usize::MAX, is_in);
            let caps = self.caps.clone();
            chosen = arrange(self.asked, (ranked, &pinned), caps, wanted, &mut notes);
        }
        if wishes.diversity > 0.0 {
            notes.push(format!(
                "diversity {} counts in the order",
                wishes.diversity
            ));
        }
        if chosen.items.is_empty() {
            let mut left = self.asked.dataset.graph.items();
            let all_met = left.any(|item| self.allowed.has(item) && !refused.contains(&item));
            notes.push(match all_met {
                true => "nothing is left: all that the request allows was met".into(),
                false => "nothing is left: the request allows no item".into(),
            });
        }
        chosen.notes = notes;
        chosen
    }

    /// The `wanted` best by score alone of what is allowed, new and not refused.
    pub fn ahead(&self, wanted: usize, refused: &FxHashSet<u32>) -> Vec<Scored> {
        let is_in = |item| self.is_new(item) && !refused.contains(&item);
        self.asked.walk.rank(wanted, is_in)
    }

    fn is_new(&self, item: u32) -> bool {
        self.allowed.has(item) && !self.asked.met.contains(&item)
    }
}

/// The pinned items that are allowed, each once.
fn pinned(asked: &Asked<'_>, allowed: &Allowed, notes: &mut Vec<String>) -> Result<Vec<u32>> {
    let graph = asked.dataset.graph;
    let mut pinned = Vec::new();
    for name in &asked.wishes.pinned {
        let item = graph.find_item(name);
        let item = item.ok_or_else(|| graph.unknown("item", name))?;
        if !allowed.has(item) {
            notes.push(format!(
                "`{name}` is pinned, but the request does not allow it"
            ));
        } else if !pinned.contains(&item) {
            pinned.push(item);
        }
    }
    Ok(pinned)
}
