//! The summands of a score, with what they rest on.

use super::relations::distinct;
use super::{Profile, Scorer};
use crate::graph::Graph;
use crate::model::{EvidenceId, LinkKind};
use serde::Serialize;
use std::cmp::Ordering;

/// The way that a path takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// A computed link from an item of the history.
    Link(LinkKind),
    /// A fact between an item of the history and the candidate; the number of its predicate.
    Stated(u32),
    /// A fact that an item of the history and the candidate share; the number of its predicate.
    Shared(u32),
    /// An entity of the candidate that many interactions have to do with; the number of the predicate.
    Trend(u32),
    /// A fact of the candidate that ends in an entity that is liked; the number of its predicate.
    Liked(u32),
    /// The candidate fits what was described in words.
    Described,
    /// Many users met the candidate.
    Popular,
}

/// One summand of a score.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The way that it takes.
    pub route: Route,
    /// The item of the history that it starts from.
    pub from: Option<u32>,
    /// The entity that it goes through.
    pub via: Option<u32>,
    /// The candidate that it ends at.
    pub to: u32,
    /// What it adds to the score.
    pub contribution: f64,
    /// The edges that it walks.
    pub evidence: Vec<EvidenceId>,
}

impl Scorer<'_> {
    /// The paths to an item, the largest contribution first; their contributions add up to its score.
    pub fn paths(&self, profile: &Profile, item: u32) -> Vec<Path> {
        let mut paths = Vec::new();
        if !self.graph.items().contains(&item) {
            return paths;
        }
        for (from, decay) in profile.starts() {
            let met = profile
                .user
                .and_then(|user| self.graph.interaction(user, from));
            let start = paths.len();
            self.link_paths(from, item, &mut paths);
            self.fact_paths(from, item, &mut paths);
            for path in &mut paths[start..] {
                path.contribution *= decay;
                path.evidence.splice(0..0, met);
            }
        }
        self.wish_paths(profile, item, &mut paths);
        if profile.is_cold() {
            self.trend_paths(item, &mut paths);
        }
        paths.push(Path {
            route: Route::Popular,
            from: None,
            via: None,
            to: item,
            contribution: self.popularity(item),
            evidence: Vec::new(),
        });
        paths.retain(|p| p.contribution != 0.0);
        paths.sort_by(|a, b| {
            let larger = b.contribution.total_cmp(&a.contribution);
            larger.then((a.route, a.from, a.via).cmp(&(b.route, b.from, b.via)))
        });
        paths
    }

    fn link_paths(&self, from: u32, to: u32, paths: &mut Vec<Path>) {
        for &(kind, weight) in &self.tables.links {
            let row = self.graph.links(kind, from);
            let Some(index) = row.to.iter().position(|&linked| linked == to) else {
                continue;
            };
            paths.push(Path {
                route: Route::Link(kind),
                from: Some(from),
                via: None,
                to,
                contribution: weight * f64::from(row.score[index]),
                evidence: vec![EvidenceId(row.first + index as u64)],
            });
        }
    }

    fn fact_paths(&self, from: u32, to: u32, paths: &mut Vec<Path>) {
        for relation in self.tables.relations.iter() {
            let (of_from, of_to) = (
                Facts::of(self.graph, from, relation.predicate),
                Facts::of(self.graph, to, relation.predicate),
            );
            let path = |route, via, contribution, evidence| Path {
                route,
                from: Some(from),
                via,
                to,
                contribution,
                evidence,
            };
            if let Some(fact) = of_from.find(to) {
                let stated = self.stated(relation, from);
                let route = Route::Stated(relation.predicate);
                paths.push(path(route, None, stated, vec![fact]));
            }
            if from == to {
                continue;
            }
            of_from.shared_with(&of_to, |entity, facts| {
                let Some(sharing) = self.sharing(relation, entity) else {
                    return;
                };
                let shared = self.shared(relation, from, sharing.len());
                let shared = shared * relation.damping(self.graph, to);
                let route = Route::Shared(relation.predicate);
                paths.push(path(route, Some(entity), shared, facts.to_vec()));
            });
        }
    }

    fn trend_paths(&self, item: u32, paths: &mut Vec<Path>) {
        let trends = self.trends();
        for relation in self.tables.relations.iter() {
            for entity in distinct(self.graph.objects(item, relation.predicate)) {
                let key = (relation.predicate, entity);
                let found = trends.binary_search_by_key(&key, |t| (t.predicate, t.entity));
                let Ok(index) = found else { continue };
                paths.push(Path {
                    route: Route::Trend(relation.predicate),
                    from: None,
                    via: Some(entity),
                    to: item,
                    contribution: self.trend(&trends[index], item),
                    evidence: vec![self.stating([item, relation.predicate, entity])],
                });
            }
        }
    }

    /// The first fact that states a triple.
    pub(super) fn stating(&self, triple: [u32; 3]) -> EvidenceId {
        EvidenceId(self.graph.facts(triple).start)
    }
}

/// The facts of one subject under one predicate.
struct Facts<'g> {
    first: u64,
    /// Sorted by their objects.
    pairs: &'g [[u32; 2]],
}

impl<'g> Facts<'g> {
    fn of(graph: &'g Graph, subject: u32, predicate: u32) -> Self {
        let (first, pairs) = graph.facts_under(subject, predicate);
        Self { first, pairs }
    }

    /// The first fact with this object.
    fn find(&self, object: u32) -> Option<EvidenceId> {
        let place = self.pairs.partition_point(|pair| pair[1] < object);
        let found = self.pairs.get(place).filter(|pair| pair[1] == object);
        found.map(|_| EvidenceId(self.first + place as u64))
    }

    /// Every object that both have, once, with its first facts.
    fn shared_with(&self, other: &Self, mut found: impl FnMut(u32, [EvidenceId; 2])) {
        let (mut a, mut b) = (0, 0);
        while let (Some(&[_, mine]), Some(&[_, theirs])) = (self.pairs.get(a), other.pairs.get(b)) {
            match mine.cmp(&theirs) {
                Ordering::Less => a += 1,
                Ordering::Greater => b += 1,
                Ordering::Equal => {
                    let facts = [self.first + a as u64, other.first + b as u64];
                    found(mine, facts.map(EvidenceId));
                    let next = |pairs: &[[u32; 2]], from: usize| {
                        from + pairs[from..].partition_point(|pair| pair[1] == mine)
                    };
                    (a, b) = (next(self.pairs, a), next(other.pairs, b));
                }
            }
        }
    }
}
