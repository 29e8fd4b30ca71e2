//! Stated facts come and go, and the closure follows.
//!
//! Whatever was derived by way of a fact that goes is taken out, as far as the kept proofs say; what of that another rule
//! or other premises still give is put back; and from there, and from what came, it is rounds as ever. This is *delete and
//! rederive* (Gupta, Mumick and Subrahmanian, 1993), where the proofs spare most of the deletion.

use super::closure::{Changed, Closure};
use super::compile::Compiled;
use super::engine::Engine;
use super::facts::{Facts, in_order};
use super::proofs::Proofs;
use super::terms::Terms;
use super::watch::{Limits, Watch};
use crate::Result;
use crate::model::Progress;
use rustc_hash::FxHashSet;

impl Closure {
    /// States facts and withdraws others, which changes the closure to what it would be from the beginning; what is in
    /// both is stated. Facts that are stated already, and withdrawn ones that are not stated, change nothing.
    ///
    /// Rules with `NOT EXISTS` are run again from the beginning.
    ///
    /// # Errors
    ///
    /// As [`Closure::of`]. After an error the closure is of no use.
    pub fn apply(
        &mut self,
        added: &[[u32; 3]],
        removed: &[[u32; 3]],
        terms: &mut dyn Terms,
        limits: &Limits,
        progress: &dyn Progress,
    ) -> Result<Changed> {
        let before = triples(self);
        let added: FxHashSet<[u32; 3]> = added.iter().copied().collect();
        let gone = removed
            .iter()
            .filter(|t| self.is_stated(**t) && !added.contains(*t));
        let gone: FxHashSet<[u32; 3]> = gone.copied().collect();
        let mut new: Vec<[u32; 3]> = added
            .iter()
            .copied()
            .filter(|t| !self.is_stated(*t))
            .collect();
        in_order(&mut new);
        if self.rules().rules().iter().any(|rule| rule.negates()) {
            let mut stated = self.stated();
            stated.retain(|triple| !gone.contains(triple));
            stated.extend(new);
            *self = Self::of(&self.rules().clone(), stated, terms, limits, progress)?;
        } else {
            self.engine.check_lists(&new, &gone, terms)?;
            self.engine.change(new, gone, terms, limits, progress)?;
            self.settle();
        }
        Ok(difference(&before, &triples(self)))
    }

    fn stated(&self) -> Vec<[u32; 3]> {
        self.engine.stated_of(|_| true)
    }
}

fn triples(closure: &Closure) -> Vec<[u32; 3]> {
    closure.derived().map(|derived| derived.triple).collect()
}

fn difference(before: &[[u32; 3]], after: &[[u32; 3]]) -> Changed {
    let without = |all: &[[u32; 3]], other: &[[u32; 3]]| {
        let lost = all.iter().filter(|t| other.binary_search(t).is_err());
        lost.copied().collect()
    };
    Changed {
        derived: without(after, before),
        withdrawn: without(before, after),
    }
}

impl Engine {
    /// Stated facts with predicates that are wanted.
    fn stated_of(&self, wanted: impl Fn(u32) -> bool) -> Vec<[u32; 3]> {
        let tables = self
            .facts
            .tables()
            .filter(|(predicate, _)| wanted(*predicate));
        let all = tables.flat_map(|(p, table)| {
            let rows = table.by_subject.all().flatten();
            rows.map(move |&[s, o]| [s, p, o])
        });
        all.filter(|triple| self.proofs.find(*triple).is_none())
            .collect()
    }

    /// Checks the lists as they will be stated.
    fn check_lists(
        &self,
        new: &[[u32; 3]],
        gone: &FxHashSet<[u32; 3]>,
        terms: &dyn Terms,
    ) -> Result<()> {
        let read = self.read_by_lists();
        let of_lists = |triple: &[u32; 3]| read.contains(&triple[1]);
        if !new.iter().chain(gone).any(of_lists) {
            return Ok(());
        }
        let mut stated = self.stated_of(|predicate| read.contains(&predicate));
        stated.retain(|triple| !gone.contains(triple));
        stated.extend(new.iter().filter(|triple| of_lists(triple)));
        let facts = Facts::of(&stated);
        self.check_stated_lists(&facts, terms)
    }

    fn change(
        &mut self,
        new: Vec<[u32; 3]>,
        gone: FxHashSet<[u32; 3]>,
        terms: &mut dyn Terms,
        limits: &Limits,
        progress: &dyn Progress,
    ) -> Result<()> {
        // What is stated now needs no proof, and stays.
        let stated: FxHashSet<[u32; 3]> = new.iter().copied().collect();
        self.proofs.remove(|triple, _| stated.contains(&triple));
        let mut back = Vec::new();
        if !gone.is_empty() {
            let (facts, clashes) = self.take_out(gone);
            self.renew_lists(terms, limits)?;
            back = self.rederive(&facts, &clashes, terms, limits)?;
        }
        let mut delta: Vec<[u32; 3]> = new
            .into_iter()
            .filter(|t| !self.facts.contains(*t))
            .collect();
        delta.extend(back);
        in_order(&mut delta);
        let changed = self.facts.add(&delta);
        self.run_from(changed, terms, limits, progress)
    }

    /// Takes out facts and what was derived by way of them; gives both, and the contradictions that went along.
    fn take_out(&mut self, mut gone: FxHashSet<[u32; 3]>) -> (Vec<[u32; 3]>, Vec<[u32; 3]>) {
        // The log has premises before conclusions.
        self.proofs.remove(|triple, premises| {
            let lost = premises.iter().any(|premise| gone.contains(premise));
            if lost {
                gone.insert(triple);
            }
            lost
        });
        let mut clashes = Vec::new();
        self.contradictions.remove(|triple, premises| {
            let lost = premises.iter().any(|premise| gone.contains(premise));
            if lost {
                clashes.push(triple);
            }
            lost
        });
        let mut gone: Vec<[u32; 3]> = gone.into_iter().collect();
        in_order(&mut gone);
        in_order(&mut clashes);
        self.facts.remove(&gone);
        self.clashes.remove(&clashes);
        (gone, clashes)
    }

    /// Proves again, from what stayed, what can be; gives the facts, which are not among the facts yet.
    fn rederive(
        &mut self,
        facts: &[[u32; 3]],
        clashes: &[[u32; 3]],
        terms: &dyn Terms,
        limits: &Limits,
    ) -> Result<Vec<[u32; 3]>> {
        let nothing = Facts::default();
        let watch = Watch::new(limits);
        let world = self.world(&nothing, &watch);
        let again = |triples: &[[u32; 3]], contradicts: bool| -> Result<Proofs> {
            let mut proofs = Proofs::default();
            let rules = self
                .rules
                .iter()
                .filter(|rule| rule.contradicts == contradicts);
            let rules: Vec<&Compiled> = rules.collect();
            for &triple in triples {
                for rule in &rules {
                    if let Some(found) = self.is_derivable(rule, triple, None, world, terms)? {
                        let entry = &found.entries[0];
                        proofs.push(triple, entry.rule, found.premises(entry))?;
                        break;
                    }
                }
            }
            Ok(proofs)
        };
        let (facts, clashes) = (again(facts, false)?, again(clashes, true)?);
        let back: Vec<[u32; 3]> = (0..facts.len()).map(|place| facts.at(place).0).collect();
        let mut refuted: Vec<[u32; 3]> = (0..clashes.len())
            .map(|place| clashes.at(place).0)
            .collect();
        self.proofs.append(&facts)?;
        self.contradictions.append(&clashes)?;
        in_order(&mut refuted);
        self.clashes.add(&refuted);
        Ok(back)
    }
}
