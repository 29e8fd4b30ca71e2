//! The facts without which an item leaves the list, and those with which it enters.

use super::{Case, Change, Difference, Goal, Standing};
use crate::graph::changes::{Changes, Quad};
use crate::scoring::{Facts, Route};
use std::collections::BTreeMap;

/// Facts that removals are looked for among, those that add most first.
const FACTS: usize = 12;

/// A set of facts has at most so many.
const TOGETHER: usize = 3;

/// Sets that are scored again at most.
const TRIES: usize = 60;

impl Case<'_, '_> {
    /// The fewest facts without which the item leaves the list: facts of the item that paths to it go through, or facts of
    /// the history that state it. What was derived from them falls with them.
    pub fn unstated(&self) -> Option<Change<[u32; 3]>> {
        if self.reaches(Goal::Out, self.standing()) || !self.speaks_of_facts() {
            return None;
        }
        let graph = self.scorer.graph();
        let scores = self.scorer.all(self.profile);
        let score = scores[(self.item - graph.items().start) as usize];
        let rival = scores[self.rival(&scores)?];
        let (told, mut minimal) = self.told_by_facts();
        // A conclusion may fall with a fact, and its paths with it: then sums are no bounds.
        minimal &= graph.derived().is_empty();
        let mut tries = 0;
        for size in 1..=TOGETHER.min(told.len()) {
            for set in sets(told.len(), size) {
                let lost: f64 = set.iter().map(|&at| told[at].1).sum();
                let facts: Vec<[u32; 3]> = set.iter().map(|&at| told[at].0).collect();
                let freed = facts
                    .iter()
                    .map(|&fact| self.scorer.freed(self.profile, fact));
                // Without one of its facts, an item of the history tells more by the others: then sums are no bounds.
                let is_start =
                    |fact: &[u32; 3]| self.profile.history.iter().any(|h| h.0 == fact[0]);
                let is_bound = !facts.iter().any(is_start);
                if is_bound && score - lost > rival + freed.sum::<f64>() + 1e-12 {
                    continue;
                }
                if tries == TRIES {
                    return None;
                }
                tries += 1;
                let standing = self.without_facts(&facts);
                if self.reaches(Goal::Out, standing) {
                    return Some(Change {
                        parts: facts,
                        minimal: minimal || size == 1,
                        standing,
                    });
                }
            }
        }
        None
    }

    /// A fact with which the item enters the list: one that items of the history have.
    pub fn stated(&self) -> Option<Change<[u32; 3]>> {
        if self.reaches(Goal::In, self.standing()) || !self.speaks_of_facts() {
            return None;
        }
        let first = self.scorer.graph().items().start;
        let scores = self.scorer.all(self.profile);
        let score = scores[(self.item - first) as usize];
        let rival = scores[self.rival(&scores)?];
        let wanting = self.scorer.wanting(self.profile, self.item);
        let enough = wanting
            .into_iter()
            .filter(|fact| score + fact.2 >= rival - 1e-12);
        enough.take(8).find_map(|(predicate, entity, _)| {
            let fact = [self.item, predicate, entity];
            let standing = self.judge(&Difference {
                facts: Facts {
                    added: vec![[fact[0], fact[1], fact[2], 0]],
                    ..Facts::default()
                },
                ..Difference::default()
            });
            self.reaches(Goal::In, standing).then(|| Change {
                parts: vec![fact],
                minimal: true,
                standing,
            })
        })
    }

    /// What is liked chooses items by facts, so what facts say of an item alone does not tell what a request would say.
    fn speaks_of_facts(&self) -> bool {
        self.profile.seeds.is_empty() && self.profile.likes.is_empty()
    }

    /// The facts that paths to the item go through, with what these add, the most first; and whether these are all.
    fn told_by_facts(&self) -> (Vec<([u32; 3], f64)>, bool) {
        let mut told: BTreeMap<[u32; 3], f64> = BTreeMap::new();
        for path in self.scorer.paths(self.profile, self.item) {
            let fact = match (path.route, path.via, path.from) {
                (Route::Shared(predicate), Some(via), _) => [self.item, predicate, via],
                (Route::Stated(predicate), _, Some(from)) => [from, predicate, self.item],
                _ => continue,
            };
            *told.entry(fact).or_default() += path.contribution;
        }
        let mut told: Vec<([u32; 3], f64)> = told.into_iter().collect();
        told.retain(|fact| fact.1 > 0.0);
        told.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let all = told.len() <= FACTS;
        told.truncate(FACTS);
        (told, all)
    }

    /// Where the item stands without some facts, whoever states them, scored again.
    fn without_facts(&self, facts: &[[u32; 3]]) -> Standing {
        let graph = self.scorer.graph();
        let mut changes = Changes::none(graph);
        for &[s, p, o] in facts {
            let stating: Vec<u64> = graph.facts([s, p, o]).collect();
            for fact in stating {
                changes.take(graph, [s, p, o, graph.graph_of(fact)]);
            }
        }
        let mut removed: Vec<Quad> = changes.removed().collect();
        removed.sort_unstable();
        self.judge(&Difference {
            facts: Facts {
                removed,
                ..Facts::default()
            },
            ..Difference::default()
        })
    }
}

/// The sets of `size` numbers below `count`, in order.
fn sets(count: usize, size: usize) -> Vec<Vec<usize>> {
    let mut sets = vec![Vec::new()];
    for _ in 0..size {
        let longer = |set: &Vec<usize>| {
            let next = set.last().map_or(0, |last| last + 1);
            let set = set.clone();
            (next..count).map(move |at| {
                let mut longer = set.clone();
                longer.push(at);
                longer
            })
        };
        sets = sets.iter().flat_map(longer).collect();
    }
    sets
}
