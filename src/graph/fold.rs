//! What updates changed, made part of the draft.

use super::draft::{Draft, DraftFact, Premise, stated};
use crate::model::{Change, Statement};
use rayon::prelude::*;
use rustc_hash::FxHashSet;

impl Draft {
    /// Takes out the facts that were deleted and adds those that were inserted; facts that stand keep their provenance.
    /// Each statement stands once in `changes`. What was derived from a statement that is gone goes too, unless another
    /// source makes it: as the overlay shows it.
    pub(super) fn fold(&mut self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        let numbers = |statement: &Statement| {
            let [s, p, o, g] = statement.each_ref().map(|part| self.id(part));
            Some(([s?, p?, o?], g?))
        };
        let (mut deleted, mut inserted) = (FxHashSet::default(), Vec::new());
        for change in changes {
            match change {
                Change::Delete(statement) => deleted.extend(numbers(statement)),
                Change::Insert(statement) => inserted.extend(numbers(statement)),
            }
        }
        let key = |fact: &DraftFact| (fact.triple, fact.graph);
        let stands = |quad: &_| self.facts.binary_search_by_key(quad, key).is_ok();
        inserted.retain(|quad| !stands(quad));
        self.facts.retain(|fact| !deleted.contains(&key(fact)));
        let new = inserted
            .into_iter()
            .map(|(triple, graph)| stated(triple, graph));
        self.facts.extend(new);
        self.facts.par_sort_unstable_by_key(key);
        self.drop_unfounded();
    }

    /// Facts whose premises are gone go; those that another source states are their premises from now on.
    fn drop_unfounded(&mut self) {
        let mut proofs = std::mem::take(&mut self.proofs);
        let key = |fact: &DraftFact| (fact.triple, fact.graph);
        let stands = |premise: &Premise| self.facts.binary_search_by_key(premise, key).is_ok();
        let mut unfounded = FxHashSet::default();
        for fact in &self.facts {
            for premise in proofs.of_mut(fact) {
                if stands(premise) {
                    continue;
                }
                match self.best(premise.0) {
                    Some(other) => premise.1 = other.graph,
                    None => unfounded.extend([key(fact)]),
                };
            }
        }
        self.facts.retain(|fact| !unfounded.contains(&key(fact)));
        self.proofs = proofs;
    }
}
