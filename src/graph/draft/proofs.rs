//! What derived facts were derived from, before they have numbers.

use super::super::FactRef;
use super::super::proof::{Proof, Said, premises_first};
use super::{Draft, DraftFact, stated};
use crate::knowledge::segment::NONE;
use crate::model::Change;
use crate::{Error, Result};
use rayon::prelude::*;
use rustc_hash::FxHashSet;
use std::collections::BTreeSet;
use std::ops::Range;

/// A statement as the draft names it: its triple, and its named graph.
pub(in crate::graph) type Premise = ([u32; 3], u32);

/// The premises of derived facts, by their [`DraftFact::proof`].
#[derive(Default)]
pub(in crate::graph) struct Proofs {
    ends: Vec<u64>,
    premises: Vec<Premise>,
}

impl Proofs {
    /// Keeps the premises of one more fact, and tells under which number.
    pub(super) fn add(&mut self, premises: impl IntoIterator<Item = Premise>) -> Result<u32> {
        let number = self.ends.len() as u32;
        if number == NONE {
            return Err(Error::budget(
                "a graph holds at most 4,294,967,294 derived facts",
            ));
        }
        self.premises.extend(premises);
        self.ends.push(self.premises.len() as u64);
        Ok(number)
    }

    /// What a fact was derived from; `None` of a stated fact.
    pub(in crate::graph) fn of(&self, fact: &DraftFact) -> Option<&[Premise]> {
        Some(&self.premises[self.row(fact)?])
    }

    pub(in crate::graph) fn of_mut(&mut self, fact: &DraftFact) -> &mut [Premise] {
        match self.row(fact) {
            Some(row) => &mut self.premises[row],
            None => &mut [],
        }
    }

    fn row(&self, fact: &DraftFact) -> Option<Range<usize>> {
        let number = fact.proof as usize;
        let end = *self.ends.get(number)? as usize;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(start as usize..end)
    }

    fn renumber(&mut self, number: impl Fn(u32) -> u32 + Sync) {
        let premises = self.premises.par_iter_mut();
        premises.for_each(|(triple, graph)| {
            *triple = triple.map(&number);
            *graph = number(*graph);
        });
    }
}

/// What a premise is.
#[derive(Clone, Copy)]
enum Place {
    /// Not concluded by a rule, and so sure.
    Stated(f32),
    /// The conclusion at this place.
    Concluded(u32),
}

/// What rules concluded from the facts of a draft, over its numbers of terms.
#[derive(Default)]
pub struct Inferred {
    /// Terms that the draft does not have: their numbers follow those of the draft. Only those that conclusions say become
    /// part of it.
    pub terms: Vec<String>,
    /// The rules' IRIs, which are the named graphs of what they concluded.
    pub rules: Vec<String>,
    /// Each conclusion once, and none that is stated.
    pub facts: Vec<Inference>,
    /// The premises of all conclusions, one after the other.
    pub premises: Vec<[u32; 3]>,
}

/// What a rule concluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inference {
    /// Subject, predicate, object.
    pub triple: [u32; 3],
    /// Which rule, as a place in [`Inferred::rules`].
    pub rule: u32,
    /// How many premises it has, stated or concluded, following those of the conclusions before.
    pub premises: u32,
}

impl Draft {
    /// Adds what rules concluded, less what `changes` delete and what rests on that. A conclusion is as sure as its least
    /// sure premise.
    ///
    /// The minimum is the t-norm of possibilistic logic (Dubois, Lang and Prade 1994) and of fuzzy RDF annotations
    /// (Zimmermann et al. 2012). A product would take premises for independent, which the facts of one source never are;
    /// and it would count a premise twice that a proof uses twice, so that the same conclusion got less sure the longer
    /// the way to it is. The minimum does neither.
    ///
    /// # Errors
    /// `Corrupt` for a conclusion that is no RDF, whose premises are neither stated nor concluded, or that rests on
    /// itself.
    pub fn infer(&mut self, inferred: Inferred, changes: &[Change]) -> Result<()> {
        let Inferred {
            terms,
            rules,
            mut facts,
            mut premises,
        } = inferred;
        let number = self.admit(terms, &facts)?;
        facts
            .par_iter_mut()
            .for_each(|f| f.triple = f.triple.map(&number));
        premises
            .par_iter_mut()
            .for_each(|premise| *premise = premise.map(&number));
        let graphs: Vec<u32> = rules.iter().map(|rule| self.of(rule)).collect();
        let mut new = Vec::with_capacity(facts.len());
        let mut start = 0;
        let first = self.proofs.premises.len();
        for fact in &facts {
            let end = start + fact.premises as usize;
            let graph = graphs.get(fact.rule as usize).copied().unwrap_or(NONE);
            // Where premises stand is looked up below, when all conclusions are in order.
            let unplaced = premises.get(start..end).unwrap_or_default();
            let proof = self.proofs.add(unplaced.iter().map(|&t| (t, NONE)))?;
            new.push(DraftFact {
                proof,
                ..stated(fact.triple, graph)
            });
            start = end;
        }
        new.par_sort_unstable_by_key(|f| f.triple);
        if let Some(wrong) = new.iter().find(|fact| !self.can_state(fact)) {
            return Err(self.wrong(wrong, "is no RDF statement of a known rule"));
        }
        let places = self.place_premises(first, &new)?;
        let premises = |fact: &DraftFact| {
            let row = self.proofs.row(fact).unwrap_or(first..first);
            places[row.start - first..row.end - first].iter()
        };
        let sure = sureness(&new, premises, &self.deleted(changes))?;
        let kept = new.into_iter().zip(sure);
        let kept = kept.filter_map(|(fact, sure)| {
            let confidence = sure?;
            Some(DraftFact { confidence, ..fact })
        });
        self.facts.extend(kept);
        self.facts.par_sort_unstable_by_key(|f| (f.triple, f.graph));
        Ok(())
    }

    /// New terms get their numbers, which moves those of others. Returns what the numbers of before are now.
    fn admit(
        &mut self,
        terms: Vec<String>,
        facts: &[Inference],
    ) -> Result<impl Fn(u32) -> u32 + Sync + use<>> {
        let known = self.ranges.terms;
        let said = facts.iter().flat_map(|fact| fact.triple);
        let said: BTreeSet<u32> = said
            .filter_map(|number| number.checked_sub(known))
            .collect();
        let (places, new): (Vec<u32>, Vec<String>) = (0..)
            .zip(terms)
            .filter(|(place, _)| said.contains(place))
            .unzip();
        let numbers = self.terms.admit(&new)?;
        let number = move |old: u32| {
            let place = match old.checked_sub(known) {
                None => Some(old),
                Some(new) => places
                    .binary_search(&new)
                    .ok()
                    .map(|new| known + new as u32),
            };
            match place {
                Some(place) if numbers.is_empty() => place,
                Some(place) => numbers.get(place as usize).copied().unwrap_or(NONE),
                None => NONE,
            }
        };
        if !new.is_empty() {
            self.ranges = self.terms.ranges().clone();
            self.facts.par_iter_mut().for_each(|fact| {
                fact.triple = fact.triple.map(&number);
                fact.graph = number(fact.graph);
            });
            self.events.par_iter_mut().for_each(|event| {
                event.user = number(event.user);
                event.item = number(event.item);
                event.source = number(event.source);
            });
            self.proofs.renumber(&number);
        }
        Ok(number)
    }

    /// Whether the parts of a fact are what RDF takes there.
    fn can_state(&self, fact: &DraftFact) -> bool {
        let [s, p, o] = fact.triple;
        let nodes = self.ranges.nodes;
        let is_iri = |n: u32| self.terms.get(n).starts_with('<');
        s < nodes && p < nodes && is_iri(p) && o < self.ranges.terms && fact.graph < nodes
    }

    /// Finds for each premise from the `first` on the fact that it is.
    fn place_premises(&mut self, first: usize, new: &[DraftFact]) -> Result<Vec<Place>> {
        let mut premises = std::mem::take(&mut self.proofs.premises);
        let placed = premises[first..].par_iter_mut().map(|(triple, graph)| {
            if let Some(fact) = self.best(*triple) {
                *graph = fact.graph;
                return Ok(Place::Stated(fact.confidence));
            }
            let place = new.binary_search_by_key(triple, |fact| fact.triple);
            let place = place.map_err(|_| *triple)?;
            *graph = new[place].graph;
            Ok(Place::Concluded(place as u32))
        });
        let placed: Result<Vec<Place>, [u32; 3]> = placed.collect();
        self.proofs.premises = premises;
        placed.map_err(|triple| {
            let fact = stated(triple, NONE);
            self.wrong(&fact, "is a premise, but neither stated nor concluded")
        })
    }

    /// The fact of a triple that a proof rests on best: a stated one, the surest, the first.
    pub(in crate::graph) fn best(&self, triple: [u32; 3]) -> Option<&DraftFact> {
        let low = self.facts.partition_point(|fact| fact.triple < triple);
        let facts = self.facts[low..].iter();
        let facts = facts.take_while(|fact| fact.triple == triple);
        facts.min_by(|a, b| {
            let derived = |fact: &DraftFact| fact.proof != NONE;
            derived(a)
                .cmp(&derived(b))
                .then(b.confidence.total_cmp(&a.confidence))
        })
    }

    /// The statements that changes delete.
    fn deleted(&self, changes: &[Change]) -> FxHashSet<Premise> {
        let statements = changes.iter().filter_map(|change| match change {
            Change::Delete(statement) => Some(statement),
            Change::Insert(_) => None,
        });
        let numbers = statements.filter_map(|statement| {
            let [s, p, o, g] = statement.each_ref().map(|part| self.id(part));
            Some(([s?, p?, o?], g?))
        });
        numbers.collect()
    }

    /// Why a triple stands; `None` if it does not. The facts' numbers are those of the draft.
    pub fn proof(&self, triple: [u32; 3]) -> Option<Proof> {
        let said = |triple: [u32; 3]| {
            let low = self.facts.partition_point(|fact| fact.triple < triple);
            let facts = (low as u64..).zip(&self.facts[low..]);
            let facts = facts.take_while(|(_, fact)| fact.triple == triple);
            Said {
                facts: facts.map(|(index, fact)| fact.at(index)).collect(),
                updates: Vec::new(),
            }
        };
        let premises = |fact: &FactRef| {
            let premises = self.proofs.of(self.facts.get(fact.index as usize)?)?;
            Some(premises.iter().map(|premise| premise.0).collect())
        };
        Proof::find(triple, &said, &premises)
    }

    fn wrong(&self, fact: &DraftFact, what: &str) -> Error {
        let [s, p, o] = fact.triple.map(|number| self.terms.get(number));
        Error::corrupt(format!("a conclusion of the rules {what}")).at(format!("{s} {p} {o}"))
    }
}

/// How sure each conclusion is; `None` of those that are deleted, or rest on one that is.
fn sureness<'a, I: Iterator<Item = &'a Place>>(
    new: &[DraftFact],
    premises: impl Fn(&DraftFact) -> I,
    deleted: &FxHashSet<Premise>,
) -> Result<Vec<Option<f32>>> {
    let conclusions = |place: usize| {
        premises(&new[place]).map(|premise| match premise {
            Place::Concluded(place) => Some(*place as usize),
            Place::Stated(_) => None,
        })
    };
    let Some(order) = premises_first(new.len(), conclusions) else {
        return Err(Error::corrupt("a conclusion of the rules rests on itself"));
    };
    let mut sure = vec![None; new.len()];
    for place in order {
        let fact = &new[place];
        let mut premises = premises(fact).map(|premise| match premise {
            Place::Concluded(place) => sure[*place as usize],
            Place::Stated(sure) => Some(*sure),
        });
        let least = premises.try_fold(1.0, |least, sure| Some(f32::min(least, sure?)));
        sure[place] = least.filter(|_| !deleted.contains(&(fact.triple, fact.graph)));
    }
    Ok(sure)
}
