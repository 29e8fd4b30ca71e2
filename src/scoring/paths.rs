//! The summands of a score, with what they rest on.

use super::relations::{Relation, distinct};
use super::{Profile, Scorer};
use crate::graph::{Graph, LinkRow};
use crate::model::{EvidenceId, LinkKind};
use arrayvec::ArrayVec;
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
    pub evidence: Evidence,
}

/// The edges of a path: that the item was met, and one or two more.
pub type Evidence = ArrayVec<EvidenceId, 3>;

/// Prepared to follow all paths from what is known of one who asks.
pub struct Walk<'a> {
    scorer: &'a Scorer<'a>,
    profile: &'a Profile,
    starts: Vec<Start<'a>>,
}

/// An item that paths start from, with the rows that lead on.
struct Start<'a> {
    item: u32,
    count: f64,
    met: Option<EvidenceId>,
    links: Vec<LinkRow<'a>>,
    facts: Vec<Facts<'a>>,
}

impl Scorer<'_> {
    /// The paths to an item, the largest contribution first; their contributions add up to its score.
    pub fn paths(&self, profile: &Profile, item: u32) -> Vec<Path> {
        self.walk(profile).paths(item)
    }

    /// Looks up once what the paths to many items start with.
    pub fn walk<'a>(&'a self, profile: &'a Profile) -> Walk<'a> {
        let (graph, tables) = (self.graph, &self.tables);
        let start = |(item, count)| Start {
            item,
            count,
            met: profile.user.and_then(|user| graph.interaction(user, item)),
            links: tables
                .links
                .iter()
                .map(|link| graph.links(link.0, item))
                .collect(),
            facts: self.facts(item),
        };
        Walk {
            scorer: self,
            profile,
            starts: profile.starts().map(start).collect(),
        }
    }

    /// The facts of an item, by relation.
    fn facts(&self, item: u32) -> Vec<Facts<'_>> {
        let relations = self.tables.relations.iter();
        relations.map(|r| Facts::of(self.graph, item, r)).collect()
    }

    fn trend_paths(&self, item: u32, paths: &mut Vec<Path>) {
        let trends = self.trends();
        for relation in self.tables.relations.iter() {
            for entity in distinct(relation.objects(self.graph, item)) {
                let key = (relation.predicate, entity);
                let found = trends.binary_search_by_key(&key, |t| (t.predicate, t.entity));
                let Ok(index) = found else { continue };
                paths.push(Path {
                    route: Route::Trend(relation.predicate),
                    from: None,
                    via: Some(entity),
                    to: item,
                    contribution: self.trend(&trends[index], item),
                    evidence: self
                        .stating([item, relation.predicate, entity])
                        .into_iter()
                        .collect(),
                });
            }
        }
    }

    /// The first fact that states a triple; none of what is only supposed.
    pub(super) fn stating(&self, triple: [u32; 3]) -> Option<EvidenceId> {
        self.graph.facts(triple).next().map(EvidenceId)
    }
}

impl Walk<'_> {
    /// The paths to an item, as [`Scorer::paths`].
    pub fn paths(&self, item: u32) -> Vec<Path> {
        let mut paths = Vec::new();
        if !self.scorer.graph.items().contains(&item) {
            return paths;
        }
        let facts = self.scorer.facts(item);
        for start in &self.starts {
            self.link_paths(start, item, &mut paths);
            self.fact_paths(start, (item, &facts), &mut paths);
        }
        self.scorer.wish_paths(self.profile, item, &mut paths);
        if self.profile.is_cold() {
            self.scorer.trend_paths(item, &mut paths);
        }
        paths.push(Path {
            route: Route::Popular,
            from: None,
            via: None,
            to: item,
            contribution: self.scorer.popularity(item),
            evidence: Evidence::new(),
        });
        paths.retain(|p| p.contribution != 0.0);
        paths.sort_unstable_by(|a, b| {
            let larger = b.contribution.total_cmp(&a.contribution);
            larger.then_with(|| (a.route, a.from, a.via).cmp(&(b.route, b.from, b.via)))
        });
        paths
    }

    fn link_paths(&self, start: &Start<'_>, to: u32, paths: &mut Vec<Path>) {
        for (&(kind, weight), row) in self.scorer.tables.links.iter().zip(&start.links) {
            let Some(index) = row.to.iter().position(|&linked| linked == to) else {
                continue;
            };
            let amount = weight * f64::from(row.score[index]);
            let link = EvidenceId(row.first + index as u64);
            paths.push(start.path((Route::Link(kind), None, to), amount, &[link]));
        }
    }

    fn fact_paths(
        &self,
        start: &Start<'_>,
        (to, facts): (u32, &[Facts<'_>]),
        paths: &mut Vec<Path>,
    ) {
        let (scorer, from) = (self.scorer, start.item);
        let facts = start.facts.iter().zip(facts);
        for (relation, (of_from, of_to)) in scorer.tables.relations.iter().zip(facts) {
            if let Some(place) = of_from.find(to) {
                let route = Route::Stated(relation.predicate);
                let stated = scorer.stated(relation, from);
                let fact = of_from.evidence(scorer.graph, place);
                paths.push(start.path((route, None, to), stated, fact.as_slice()));
            }
            if from == to {
                continue;
            }
            of_from.shared_with(of_to, |entity, places| {
                let Some(sharing) = scorer.sharing(relation, entity) else {
                    return;
                };
                let facts = [(of_from, places[0]), (of_to, places[1])];
                let facts = facts.map(|(facts, place)| facts.evidence(scorer.graph, place));
                let facts: ArrayVec<EvidenceId, 2> = facts.into_iter().flatten().collect();
                let shared = scorer.shared(relation, from, sharing.len());
                let shared = shared * relation.damping(scorer.graph, to);
                let route = Route::Shared(relation.predicate);
                paths.push(start.path((route, Some(entity), to), shared, &facts));
            });
        }
    }
}

impl Start<'_> {
    /// A path from here: its way, the entity on it and its end; what it adds for a count of 1; its edges.
    fn path(
        &self,
        (route, via, to): (Route, Option<u32>, u32),
        amount: f64,
        edges: &[EvidenceId],
    ) -> Path {
        Path {
            route,
            from: Some(self.item),
            via,
            to,
            contribution: amount * self.count,
            evidence: self.met.into_iter().chain(edges.iter().copied()).collect(),
        }
    }
}

/// The facts of one subject under one predicate.
struct Facts<'g> {
    subject: u32,
    /// The number of the first, where the graph has them all.
    first: Option<u64>,
    /// Sorted by their objects.
    pairs: &'g [[u32; 2]],
}

impl<'g> Facts<'g> {
    fn of(graph: &'g Graph, subject: u32, relation: &'g Relation) -> Self {
        let (first, pairs) = relation.facts_of(graph, subject);
        Self {
            subject,
            first,
            pairs,
        }
    }

    /// The fact at a place; none if it is only supposed.
    fn evidence(&self, graph: &Graph, place: usize) -> Option<EvidenceId> {
        let stated = || {
            let [predicate, object] = *self.pairs.get(place)?;
            graph.facts([self.subject, predicate, object]).next()
        };
        let known = self.first.map(|first| first + place as u64);
        known.or_else(stated).map(EvidenceId)
    }

    /// The place of the first fact with this object.
    fn find(&self, object: u32) -> Option<usize> {
        let place = self.pairs.partition_point(|pair| pair[1] < object);
        let found = self.pairs.get(place).filter(|pair| pair[1] == object);
        found.map(|_| place)
    }

    /// Every object that both have, once, with the places of the first facts with it.
    fn shared_with(&self, other: &Self, mut found: impl FnMut(u32, [usize; 2])) {
        let (mut a, mut b) = (0, 0);
        while let (Some(&[_, mine]), Some(&[_, theirs])) = (self.pairs.get(a), other.pairs.get(b)) {
            match mine.cmp(&theirs) {
                Ordering::Less => a += 1,
                Ordering::Greater => b += 1,
                Ordering::Equal => {
                    found(mine, [a, b]);
                    let next = |pairs: &[[u32; 2]], from: usize| {
                        from + pairs[from..].partition_point(|pair| pair[1] == mine)
                    };
                    (a, b) = (next(self.pairs, a), next(other.pairs, b));
                }
            }
        }
    }
}
