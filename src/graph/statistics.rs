//! What is known of predicates before a query asks: how many triples, subjects and objects.

use super::Graph;

/// How often a predicate is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PredicateStats {
    /// Distinct triples: what several sources state counts once.
    pub facts: u64,
    /// Distinct subjects.
    pub subjects: u64,
    /// Distinct objects.
    pub objects: u64,
}

impl From<[u64; 3]> for PredicateStats {
    fn from([facts, subjects, objects]: [u64; 3]) -> Self {
        Self {
            facts,
            subjects,
            objects,
        }
    }
}

impl Graph {
    /// How often facts use a predicate; `None` where none does.
    pub fn predicate_stats(&self, predicate: u32) -> Option<PredicateStats> {
        let index = self.predicates.binary_search(&predicate).ok()?;
        self.predicate_stats
            .get(index)
            .map(|&row| PredicateStats::from(row))
    }

    /// The same over all facts, whatever their predicates.
    pub fn stats(&self) -> PredicateStats {
        let all = self.predicate_stats.last().copied();
        all.unwrap_or_default().into()
    }
}
