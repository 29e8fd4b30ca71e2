//! Virtual triples that are searched for when they are asked: `kenning:nearest`, `kenning:recommends`, `kenning:matches`.
//!
//! | pattern | has to be bound | finds |
//! |---|---|---|
//! | `?node kenning:nearest ?other` | either node | nodes whose texts are closest, by cosine |
//! | `?user kenning:recommends ?item` | the user | items that the user did not meet, by the scorer |
//! | `?node kenning:matches "words"` | the words | nodes whose labels or descriptions have all the words |
//!
//! What was found is annotated with `kenning:score`, greater is better, and `kenning:rank`, from 1:
//!
//! ```sparql
//! SELECT ?item ?rank WHERE { ?user kenning:recommends ?item {| kenning:rank ?rank |} FILTER(?rank <= 10) }
//! ```
//!
//! These triples are in the default graph only, and only where they are asked for by name: `?s ?p ?o` does not list
//! them, nor does a closure (`kenning:nearest+`) walk them.

use super::ids::Id;
use super::pattern::{Part, Slots};
use super::{Cancel, Decisions};
use crate::vocabulary::{kenning, rdf, shorten};
use crate::{Error, Result};
use spargebra::term::{NamedNodePattern, TermPattern, TriplePattern};
use std::sync::Arc;

/// Nodes that `kenning:nearest` finds at most.
pub const NEAREST: usize = 100;

/// Items that `kenning:recommends` finds at most.
pub const RECOMMENDED: usize = 100;

/// Nodes that `kenning:matches` finds at most.
pub const MATCHES: usize = 1000;

/// A node that was found, and its score.
pub type Hit = (u32, f64);

/// What is computed for queries from beyond the graph's rows.
pub trait Computed: Sync {
    /// The nodes whose texts are closest to that of `node`, with cosines: at most [`NEAREST`], the closest first.
    fn nearest(&self, node: u32) -> Result<Vec<Hit>>;

    /// The best items for `user` that they did not meet: at most [`RECOMMENDED`], the best first.
    fn recommend(&self, user: u32) -> Result<Vec<Hit>>;

    /// The nodes whose labels or descriptions have all of `words`: at most [`MATCHES`], the best first.
    fn search(&self, words: &str) -> Result<Vec<Hit>>;

    /// The PageRank of a node of the frozen graph. The first call works them all out, and asks `go_on` now and then.
    fn page_rank(&self, node: u32, go_on: &dyn Fn() -> Result<()>) -> Result<Option<f64>>;

    /// The decisions that are kept, if any are; asked for by queries that name them, once each.
    fn decisions(&self, cancel: &Cancel) -> Result<Option<Arc<Decisions>>>;
}

/// Which search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Search {
    Nearest,
    Recommends,
    Matches,
}

/// What is said of something found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Score,
    Rank,
    /// The reifier itself, where the query names it.
    Reifier,
}

/// A search as a pattern: one triple pattern, and what its reifier is asked for.
#[derive(Clone, Debug)]
pub(super) struct Computation {
    pub(super) search: Search,
    /// Subject and object.
    pub(super) ends: [Part; 2],
    pub(super) said: Vec<(Said, Part)>,
}

impl Search {
    const ALL: [Self; 3] = [Self::Nearest, Self::Recommends, Self::Matches];

    pub(super) fn iri(self) -> &'static str {
        match self {
            Self::Nearest => kenning::NEAREST,
            Self::Recommends => kenning::RECOMMENDS,
            Self::Matches => kenning::MATCHES,
        }
    }

    /// The search of a predicate.
    pub(super) fn of(iri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|search| search.iri() == iri)
    }

    /// The positions of which one has to be bound.
    pub(super) fn inputs(self) -> &'static [usize] {
        match self {
            Self::Nearest => &[0, 1],
            Self::Recommends => &[0],
            Self::Matches => &[1],
        }
    }

    /// The most that it finds.
    pub(super) fn most(self) -> usize {
        match self {
            Self::Nearest => NEAREST,
            Self::Recommends => RECOMMENDED,
            Self::Matches => MATCHES,
        }
    }

    /// The error of a search with nothing to search for.
    pub(super) fn unbound(self) -> Error {
        let (side, example) = match self {
            Self::Nearest => (
                "subject or object",
                "VALUES ?item { <IRI> } ?item kenning:nearest ?other",
            ),
            Self::Recommends => (
                "subject",
                "VALUES ?user { <IRI> } ?user kenning:recommends ?item",
            ),
            Self::Matches => ("object", "?node kenning:matches \"red mug\""),
        };
        Error::input(format!(
            "the {side} of `{}` has to be bound before: it is computed, not listed",
            shorten(self.iri())
        ))
        .hint(format!("bind it in the same group: `{example}`"))
    }
}

impl Computation {
    pub(super) fn slots(&self) -> Slots {
        let mut slots = Slots::default();
        self.ends.iter().for_each(|end| slots.add(&end.slots()));
        self.said
            .iter()
            .for_each(|(_, part)| slots.add(&part.slots()));
        slots
    }

    /// The variables of which one has to be bound; none if a constant is there.
    pub(super) fn needs(&self) -> Slots {
        let inputs = self.search.inputs().iter().map(|&input| &self.ends[input]);
        if inputs.clone().any(|end| matches!(end, Part::Is(_))) {
            return Slots::default();
        }
        inputs
            .flat_map(|end| end.slots().iter().collect::<Vec<_>>())
            .collect()
    }

    /// The bound end that is searched for, and the other end.
    pub(super) fn given(&self, value: impl Fn(&Part) -> Option<Id>) -> Option<(Id, &Part)> {
        let inputs = self.search.inputs().iter();
        inputs
            .copied()
            .find_map(|input| Some((value(&self.ends[input])?, &self.ends[1 - input])))
    }
}

/// A search in the patterns of a group.
pub(super) struct Asked<'p> {
    pub(super) search: Search,
    pub(super) ends: [&'p TermPattern; 2],
    pub(super) said: Vec<(Said, &'p TermPattern)>,
    reifier: Option<&'p TermPattern>,
}

/// Takes the searches out of the patterns of a group: plain patterns, reifying ones, and what is said of their reifiers.
///
/// # Errors
/// `Input` if more is asked of them than score and rank.
pub(super) fn split(patterns: &[TriplePattern]) -> Result<(Vec<Asked<'_>>, Vec<&TriplePattern>)> {
    let mut asked: Vec<Asked> = patterns.iter().filter_map(reified).collect();
    let mut others = Vec::with_capacity(patterns.len());
    for pattern in patterns {
        let plain = named(&pattern.predicate).and_then(Search::of);
        let ends = [&pattern.subject, &pattern.object];
        let of = asked
            .iter_mut()
            .find(|a| a.reifier == Some(&pattern.subject));
        match (plain, of) {
            (Some(search), _) => {
                // An annotation brings its own triple along.
                if !asked.iter().any(|a| a.search == search && a.ends == ends) {
                    asked.push(Asked {
                        search,
                        ends,
                        said: Vec::new(),
                        reifier: None,
                    });
                }
            }
            (None, Some(_)) if reified(pattern).is_some() => {}
            (None, Some(asked)) => asked
                .said
                .push((said(asked.search, &pattern.predicate)?, &pattern.object)),
            (None, None) => others.push(pattern),
        }
    }
    Ok((asked, others))
}

/// The search whose triple a pattern reifies.
fn reified(pattern: &TriplePattern) -> Option<Asked<'_>> {
    let TermPattern::Triple(triple) = &pattern.object else {
        return None;
    };
    if named(&pattern.predicate)? != rdf::REIFIES {
        return None;
    }
    let reifier = &pattern.subject;
    let is_named = matches!(reifier, TermPattern::Variable(_));
    Some(Asked {
        search: Search::of(named(&triple.predicate)?)?,
        ends: [&triple.subject, &triple.object],
        said: is_named
            .then_some((Said::Reifier, reifier))
            .into_iter()
            .collect(),
        reifier: Some(reifier),
    })
}

fn named(predicate: &NamedNodePattern) -> Option<&str> {
    match predicate {
        NamedNodePattern::NamedNode(node) => Some(node.as_str()),
        NamedNodePattern::Variable(_) => None,
    }
}

fn said(search: Search, predicate: &NamedNodePattern) -> Result<Said> {
    match named(predicate) {
        Some(kenning::SCORE) => Ok(Said::Score),
        Some(kenning::RANK) => Ok(Said::Rank),
        _ => Err(Error::input(format!(
            "nothing but score and rank is said of a triple with `{}`, not {predicate}",
            shorten(search.iri())
        ))
        .hint("`?a kenning:nearest ?b {| kenning:score ?score ; kenning:rank ?rank |}`")),
    }
}
