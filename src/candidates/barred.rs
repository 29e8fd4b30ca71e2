//! What keeps one item out of an answer, apart from its score.

use super::Asked;
use super::allowed::Allowed;
use crate::Result;
use serde::{Deserialize, Serialize};

/// What keeps an item out, whatever its score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "by", content = "which")]
pub enum Bar {
    /// Only other items were asked for.
    Candidates,
    /// The request excludes it.
    Excluded,
    /// It lacks an attribute.
    Attribute(String),
    /// The SPARQL filter does not find it.
    Sparql,
    /// It is not available at the time.
    Unavailable,
    /// It was met.
    Met,
    /// A policy refuses it.
    Policy,
    /// Pins, caps or diversity put others in its place.
    Arranged,
}

impl Bar {
    /// In words, after "it".
    pub fn said(&self) -> String {
        match self {
            Self::Candidates => "is none of the items to rank".into(),
            Self::Excluded => "is excluded".into(),
            Self::Attribute(which) => format!("does not have `{which}`"),
            Self::Sparql => "is not found by the SPARQL filter".into(),
            Self::Unavailable => "is not available at the time".into(),
            Self::Met => "was met already".into(),
            Self::Policy => "is refused by a policy".into(),
            Self::Arranged => "gives way to pins, caps or diversity".into(),
        }
    }
}

/// Whether each item may be in the answer, in the order of their nodes.
///
/// # Errors
/// As [`super::Choice::of`].
pub fn eligible(asked: &Asked<'_>) -> Result<Vec<bool>> {
    let allowed = Allowed::find(asked, &mut Vec::new())?;
    let items = asked.dataset.graph.items();
    let may = items.map(|item| allowed.has(item) && !asked.met.contains(&item));
    Ok(may.collect())
}

/// Everything that keeps an item out of the answer, pins and caps apart.
///
/// # Errors
/// As [`super::Choice::of`].
pub fn barred(asked: &Asked<'_>, item: u32) -> Result<Vec<Bar>> {
    let mut bars = Vec::new();
    if asked.only.is_some_and(|only| !only.contains(&item)) {
        bars.push(Bar::Candidates);
    }
    if asked.never.contains(&item) {
        bars.push(Bar::Excluded);
    }
    for attribute in &asked.wishes.attributes {
        if !Allowed::with_attribute(asked.dataset, attribute)?.has(item) {
            bars.push(Bar::Attribute(attribute.clone()));
        }
    }
    if let Some(text) = &asked.wishes.sparql
        && !Allowed::by_sparql(asked, text, &mut Vec::new())?.has(item)
    {
        bars.push(Bar::Sparql);
    }
    if !Allowed::available(asked).has(item) {
        bars.push(Bar::Unavailable);
    }
    if asked.met.contains(&item) {
        bars.push(Bar::Met);
    }
    Ok(bars)
}
