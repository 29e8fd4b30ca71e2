//! A model's reply becomes a valid ranking, or the graph's own stands.
//!
//! Replies are untrusted. The reply must be one JSON object of the prompt's form; its ids are matched exactly.
//! Ids that are unknown or repeated are dropped, omitted candidates are added in the order of their scores, and all
//! of that is counted ([`Faults`]). A reply that names no candidate at all is no ranking. Of one that was cut off, all counts
//! that was said whole.

pub mod mode;

mod cut;

pub use mode::Mode;

use crate::prompt::{Contract, Prompt};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which step of the ladder answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rung {
    /// A model replied before to the same prompt.
    Cache,
    /// A language model ranked the candidates.
    Model,
    /// The graph's paths ranked them.
    Graph,
    /// Nothing is known of the user: popularity, and what popular items have in common.
    Popularity,
}

impl Rung {
    /// Its name, as answers give it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Model => "model",
            Self::Graph => "graph",
            Self::Popularity => "popularity",
        }
    }
}

/// What had to be repaired in a reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Faults {
    /// Ids in the ranking that no candidate has.
    pub unknown: usize,
    /// Candidates named again.
    pub repeated: usize,
    /// Candidates not named; they follow in the order of their scores.
    pub omitted: usize,
    /// Cited ids that no evidence has.
    pub unknown_evidence: usize,
}

/// A valid ranking of the candidates of a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// Indices of the candidates, best first; each once.
    pub order: Vec<usize>,
    /// For each candidate, the evidence that the model cited for it, as indices; those about another candidate too.
    pub cited: Vec<Vec<usize>>,
    /// What had to be repaired.
    pub faults: Faults,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    ranking: Vec<String>,
    #[serde(default)]
    because: BTreeMap<String, Vec<String>>,
}

impl Ranking {
    /// The ranking that the candidates came in.
    pub fn as_scored(candidates: usize) -> Self {
        Self {
            order: (0..candidates).collect(),
            cited: vec![Vec::new(); candidates],
            faults: Faults::default(),
        }
    }

    /// Reads a reply to `prompt`; indices are those of the candidates that it was written for, in the order of their scores.
    pub fn parse(reply: &str, prompt: &Prompt) -> Result<Self> {
        let reply: Reply = serde_json::from_str(unfenced(reply)).map_err(|e| {
            Error::input(format!("the model's reply is not what was asked for: {e}")).because(e)
        })?;
        let candidates = prompt.candidates.len();
        let place = |id: &String| index(id, 'c', candidates).map(|index| prompt.places[index]);
        let named = reply.ranking.iter().map(place);
        let (order, mut faults) = repair(named, candidates);
        if faults.omitted == candidates {
            return Err(Error::input("the model's reply ranks no candidate"));
        }
        let citable = match prompt.contract {
            Contract::RankingBecause => prompt.evidence.len(),
            _ => 0,
        };
        let mut cited = vec![Vec::new(); candidates];
        for (id, evidence) in &reply.because {
            let Some(candidate) = place(id) else {
                faults.unknown += 1;
                continue;
            };
            for id in evidence {
                match index(id, 'e', citable) {
                    Some(index) => cited[candidate].push(index),
                    None => faults.unknown_evidence += 1,
                }
            }
        }
        Ok(Self {
            order,
            cited,
            faults,
        })
    }
}

impl Ranking {
    /// Reads the begin of a reply that was cut off: candidates that it does not name any more follow as others do.
    ///
    /// # Errors
    /// `Input` if it is no begin of what was asked for, or names no candidate yet.
    pub fn begun(reply: &str, prompt: &Prompt) -> Result<Self> {
        let reply = reply.trim_start();
        let reply = reply.strip_prefix("```json").unwrap_or(reply);
        let whole = cut::closed(reply.trim_start_matches('`'));
        Self::parse(&whole.unwrap_or_default(), prompt)
    }
}

/// An order of `count` candidates from what a reply names, best first; `None` stands for what no candidate is. Names that
/// are unknown or repeated are dropped, candidates that are not named follow in their own order.
pub fn repair(
    named: impl IntoIterator<Item = Option<usize>>,
    count: usize,
) -> (Vec<usize>, Faults) {
    let mut faults = Faults::default();
    let mut order = Vec::with_capacity(count);
    let mut open = vec![true; count];
    for name in named {
        match name.filter(|&index| index < count) {
            None => faults.unknown += 1,
            Some(index) if std::mem::take(&mut open[index]) => order.push(index),
            Some(_) => faults.repeated += 1,
        }
    }
    faults.omitted = count - order.len();
    order.extend((0..count).filter(|&index| open[index]));
    (order, faults)
}

/// The index that an id of ours stands for: `c1` is 0.
fn index(id: &str, prefix: char, count: usize) -> Option<usize> {
    let digits = id.strip_prefix(prefix)?;
    let canonical = !digits.starts_with(['0', '+']);
    let number: usize = digits.parse().ok().filter(|_| canonical)?;
    (1..=count).contains(&number).then(|| number - 1)
}

/// The reply without a Markdown fence around it; models add one out of habit, and it carries nothing.
fn unfenced(reply: &str) -> &str {
    let reply = reply.trim();
    let inner = reply.strip_prefix("```json").or(reply.strip_prefix("```"));
    inner
        .and_then(|r| r.strip_suffix("```"))
        .unwrap_or(reply)
        .trim()
}
