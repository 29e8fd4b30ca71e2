//! Whether a rule concludes a given triple now: asked when facts went, and of what was concluded from absence.

use super::compile::{Compiled, Place};
use super::engine::Engine;
use super::facts::Facts;
use super::found::{Conclude, Found};
use super::join::{Join, Sink, World};
use super::made::Made;
use super::plan;
use super::terms::Terms;
use super::watch::Watch;
use crate::model::term;
use crate::{Error, Result};

impl Engine {
    /// Whether what had to be absent still is: rules that derive it later would make the order of rules matter.
    pub(super) fn check_absence(&self, terms: &dyn Terms, watch: &Watch) -> Result<()> {
        if self.set.top() == 0 {
            return Ok(());
        }
        let nothing = Facts::default();
        for proofs in [&self.proofs, &self.contradictions] {
            for place in 0..proofs.len() {
                let (triple, rule, premises) = proofs.at(place);
                if !self.set.rules()[rule as usize].negates() {
                    continue;
                }
                let compiled = self.rules.iter().find(|compiled| compiled.number == rule);
                let holds = compiled.is_none_or(|compiled| {
                    self.is_derivable(
                        compiled,
                        triple,
                        Some(premises),
                        self.world(&nothing, watch),
                        terms,
                    )
                    .is_ok_and(|found| found.is_some())
                });
                if !holds {
                    return Err(self.not_stratified(rule, triple, terms));
                }
            }
        }
        Ok(())
    }

    fn not_stratified(&self, rule: u32, triple: [u32; 3], terms: &dyn Terms) -> Error {
        let rule = &self.set.rules()[rule as usize];
        let [s, p, o] = triple.map(|term| term::decode(terms.text(term)).to_string());
        Error::input(format!(
            "rule `{}` concluded {s} {p} {o} because something was absent, which other rules then derived from it",
            rule.name
        ))
        .at(&rule.place)
        .hint("let its NOT EXISTS ask for something that does not follow from what it concludes")
    }

    /// Premises from which a rule concludes a triple now, if there are; `given` ones, or any.
    pub(super) fn is_derivable(
        &self,
        rule: &Compiled,
        triple: [u32; 3],
        given: Option<&[[u32; 3]]>,
        world: World<'_>,
        terms: &dyn Terms,
    ) -> Result<Option<Found>> {
        for head in &rule.heads {
            let mut known = vec![None; rule.slots];
            let preset = rule
                .preset
                .iter()
                .map(|&(slot, term)| (Place::Slot(slot), term));
            let heads = head.iter().copied().zip(triple);
            let given = given.unwrap_or_default().iter().zip(&rule.atoms);
            let given = given.flat_map(|(triple, atom)| atom.iter().copied().zip(*triple));
            let given: Vec<_> = if rule.walks.is_empty() {
                given.collect()
            } else {
                Vec::new()
            };
            if !preset
                .chain(heads)
                .chain(given)
                .all(|(place, term)| fits(&mut known, place, term))
            {
                continue;
            }
            let plan = plan::rule(rule, None, &known, world.sources);
            let nothing = Facts::default();
            let sink = First(Conclude::new(rule, world, terms, &nothing), triple);
            let row = known.into_iter().map(Option::unwrap_or_default).collect();
            let (sink, _) = Join::new(world, terms, &rule.rule.body, row, sink).run(&plan)?;
            if !sink.0.found.entries.is_empty() {
                return Ok(Some(sink.0.found));
            }
        }
        Ok(None)
    }
}

/// Gives a place its term, unless it has another.
fn fits(known: &mut [Option<u32>], place: Place, term: u32) -> bool {
    match place {
        Place::Is(constant) => constant == term,
        Place::Slot(slot) => *known[slot].get_or_insert(term) == term,
    }
}

/// The first conclusion that is the triple.
struct First<'a>(Conclude<'a>, [u32; 3]);

impl Sink for First<'_> {
    const TAKES_ALL: bool = false;

    fn take(&mut self, row: &[u32], made: &Made) -> Result<bool> {
        self.0.take(row, made)?;
        let wanted = self.1;
        self.0.found.entries.retain(|entry| entry.triple == wanted);
        Ok(self.0.found.entries.is_empty())
    }
}
