//! Why a fact stands: what it was derived from, down to what sources state.

use super::changes::Changes;
use super::{FactRef, Graph, row};
use crate::vocabulary::kenning;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// Why a statement stands: its kept proof, each statement of it once.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// What is proved, then what that rests on, nearest first.
    pub steps: Vec<Step>,
}

/// One statement of a proof.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Subject, predicate, object.
    pub triple: [u32; 3],
    /// Why it stands.
    pub ground: Ground,
}

/// Why one statement of a proof stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Ground {
    /// It is stated: by facts of the graph, and by updates since, each with its named graph.
    Stated {
        /// What sources say.
        facts: Vec<FactRef>,
        /// The named graphs that updates stated it in.
        updates: Vec<u32>,
    },
    /// A computation or a rule derived it.
    Derived {
        /// The derived fact; its named graph is the computation or the rule.
        fact: FactRef,
        /// What it was derived from, as places in [`Proof::steps`].
        premises: Vec<usize>,
    },
}

/// All that says a triple.
pub(super) struct Said {
    pub(super) facts: Vec<FactRef>,
    /// The named graphs that updates stated it in.
    pub(super) updates: Vec<u32>,
}

impl Proof {
    /// The proof of a triple, where `said` tells what says one, and `premises` what a fact was derived from, or `None` of a
    /// stated one.
    pub(super) fn find(
        triple: [u32; 3],
        said: &dyn Fn([u32; 3]) -> Said,
        premises: &dyn Fn(&FactRef) -> Option<Vec<[u32; 3]>>,
    ) -> Option<Self> {
        let mut steps = Vec::new();
        let mut triples = vec![triple];
        let mut places = FxHashMap::from_iter([(triple, 0)]);
        while let Some(&triple) = triples.get(steps.len()) {
            let Said { facts, updates } = said(triple);
            let (derived, facts): (Vec<_>, Vec<_>) =
                facts.into_iter().partition(|fact| premises(fact).is_some());
            let ground = match derived.first() {
                // What is stated needs no other ground.
                _ if !facts.is_empty() || !updates.is_empty() => Ground::Stated { facts, updates },
                Some(&fact) => {
                    let place = |triple: [u32; 3]| {
                        *places.entry(triple).or_insert_with(|| {
                            triples.push(triple);
                            triples.len() - 1
                        })
                    };
                    let premises = premises(&fact).unwrap_or_default();
                    let premises = premises.into_iter().map(place).collect();
                    Ground::Derived { fact, premises }
                }
                None => return None,
            };
            steps.push(Step { triple, ground });
        }
        Some(Self { steps })
    }
}

impl Graph {
    /// What fact number `index` was derived from; `None` of a stated fact. A rule without conditions leaves no premises.
    pub fn premises(&self, index: u64) -> Option<&[u64]> {
        let place = self.derived_place(index)?;
        self.premises.get(row(&self.premise_at, place as u32))
    }

    /// The facts that were derived from fact number `index`, sorted. The index is not in the file: the first call makes
    /// it.
    pub fn conclusions(&self, index: u64) -> impl Iterator<Item = u64> {
        let all = self.conclusions.get_or_init(|| self.index_conclusions());
        let low = all.partition_point(|pair| pair[0] < index);
        let found = all[low..].iter().take_while(move |pair| pair[0] == index);
        found.map(|pair| pair[1])
    }

    /// The rule that derived a fact, if one did: its named graph.
    pub fn rule_of(&self, fact: &FactRef) -> Option<u32> {
        let iri = self.iri(fact.graph)?;
        let derived = iri.starts_with(kenning::RULES) && self.derived_place(fact.index).is_some();
        derived.then_some(fact.graph)
    }

    /// The numbers of derived facts, sorted.
    pub fn derived(&self) -> &[u64] {
        &self.derived
    }

    /// Number of premises of all derived facts.
    pub fn premise_count(&self) -> u64 {
        self.premises.len() as u64
    }

    /// Why a triple stands, under what changed since; `None` if it does not.
    pub fn proof(&self, changes: &Changes, triple: [u32; 3]) -> Option<Proof> {
        let said = |triple| {
            let facts = self.facts(triple).filter_map(|index| self.fact(index));
            let added = changes.added(triple.map(Some));
            Said {
                facts: facts.filter(|fact| changes.shows(fact)).collect(),
                updates: added.map(|quad| quad[3]).collect(),
            }
        };
        let premises = |fact: &FactRef| {
            let premises = self.premises(fact.index)?.iter();
            let triples = premises.map(|&premise| Some(self.fact(premise)?.triple));
            Some(triples.collect::<Option<_>>().unwrap_or_default())
        };
        Proof::find(triple, &said, &premises)
    }

    fn derived_place(&self, index: u64) -> Option<usize> {
        self.derived.binary_search(&index).ok()
    }

    fn index_conclusions(&self) -> Vec<[u64; 2]> {
        let rows = self.derived.par_iter().enumerate();
        let pairs = rows.flat_map_iter(|(place, &fact)| {
            let premises = &self.premises[row(&self.premise_at, place as u32)];
            premises.iter().map(move |&premise| [premise, fact])
        });
        let mut pairs: Vec<[u64; 2]> = pairs.collect();
        pairs.par_sort_unstable();
        pairs
    }

    /// Whether no fact is derived from itself, over however many steps.
    pub(super) fn proofs_end(&self) -> bool {
        let premises = |place: usize| {
            let premises = &self.premises[row(&self.premise_at, place as u32)];
            premises.iter().map(|&premise| self.derived_place(premise))
        };
        premises_first(self.derived.len(), premises).is_some()
    }
}

/// The rows of a table of proofs, each after those that its premises are the conclusions of; `None` if there is a circle.
/// `premises` tells of a row which rows its premises are, if they are any.
pub(super) fn premises_first<I: Iterator<Item = Option<usize>>>(
    rows: usize,
    premises: impl Fn(usize) -> I,
) -> Option<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        Not,
        Open,
        Done,
    }
    let mut seen = vec![Seen::Not; rows];
    let mut order = Vec::with_capacity(rows);
    for first in 0..rows {
        if seen[first] == Seen::Done {
            continue;
        }
        seen[first] = Seen::Open;
        // A stack of our own: proofs may be longer than a thread's stack is deep.
        let mut walk = vec![(first, premises(first))];
        while let Some((row, rest)) = walk.last_mut() {
            match rest.next() {
                Some(None) => {}
                Some(Some(premise)) => match seen[premise] {
                    Seen::Done => {}
                    Seen::Open => return None,
                    Seen::Not => {
                        seen[premise] = Seen::Open;
                        walk.push((premise, premises(premise)));
                    }
                },
                None => {
                    seen[*row] = Seen::Done;
                    order.push(*row);
                    walk.pop();
                }
            }
        }
    }
    Some(order)
}
