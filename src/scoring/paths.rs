//! The summands of a score, with what they rest on.

mod summands;

use super::relations::distinct;
use super::walk::{Entity, Gathered};
use super::{Profile, Scorer, Walk};
use crate::graph::Graph;
use crate::model::{EvidenceId, LinkKind};
use rustc_hash::FxHashMap;
use serde::Serialize;
use std::fmt;
use std::ops::Deref;
use summands::{Summands, Ways};

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

/// The edges of a path: that the item was met, and one or two more. As small as can be, for a request has tens of thousands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Evidence([EvidenceId; 3]);

impl Evidence {
    /// What stands behind the last edge: no graph has so many.
    const END: EvidenceId = EvidenceId(u64::MAX);

    /// Those that are there, in their order.
    pub(super) fn of(edges: [Option<EvidenceId>; 3]) -> Self {
        let mut evidence = [Self::END; 3];
        let places = evidence.iter_mut().zip(edges.into_iter().flatten());
        places.for_each(|(place, edge)| *place = edge);
        Self(evidence)
    }
}

impl Deref for Evidence {
    type Target = [EvidenceId];

    fn deref(&self) -> &[EvidenceId] {
        let end = self.0.iter().position(|edge| *edge == Self::END);
        &self.0[..end.unwrap_or(self.0.len())]
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// An item that paths start from, and that it was met.
struct Start {
    item: u32,
    met: Option<EvidenceId>,
}

/// A link or a fact from a start to an end.
#[derive(Clone, Copy)]
struct Step {
    route: Route,
    /// The place of the start.
    start: u32,
    contribution: f64,
    edge: Option<EvidenceId>,
}

impl Scorer<'_> {
    /// The paths to an item, the largest contribution first, equal ones always in one order; their contributions add up to its
    /// score.
    pub fn paths(&self, profile: &Profile, item: u32) -> Vec<Path> {
        self.walk(profile).paths(item)
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
                    evidence: Evidence::of([
                        self.stating([item, relation.predicate, entity]),
                        None,
                        None,
                    ]),
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
        self.paths_to(&[item]).next().unwrap_or_default()
    }

    /// The paths to each of several distinct items, as [`Scorer::paths`]. They come item by item, for together they may be a
    /// hundred thousand.
    pub fn paths_to(&self, items: &[u32]) -> impl ExactSizeIterator<Item = Vec<Path>> {
        let starts: Vec<Start> = self.starts.iter().map(|at| self.start(at.0)).collect();
        let shared: Vec<Shared> = self.gathered.iter().map(Shared::of).collect();
        items
            .iter()
            .zip(self.steps_to(items))
            .map(move |(&item, direct)| {
                let mut summands = Summands::default();
                let amounts = direct.iter().map(|step| step.contribution);
                summands.add(Ways::Direct(&direct), amounts);
                let own = (0..).zip(&starts).filter(|(_, start)| start.item == item);
                let own: Vec<u32> = own.map(|(place, _)| place).collect();
                for shared in &shared {
                    shared.lead_on(self.scorer.graph, (item, &own), &mut summands);
                }
                if self.scorer.graph.items().contains(&item) {
                    summands.add_others(self.other_paths(item));
                }
                summands.paths(&starts, item)
            })
    }

    fn start(&self, item: u32) -> Start {
        let user = self.profile.user;
        let met = user.and_then(|user| self.scorer.graph.interaction(user, item));
        Start { item, met }
    }

    /// Paths that start from no item that was met.
    fn other_paths(&self, item: u32) -> Vec<Path> {
        let mut paths = Vec::new();
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
            evidence: Evidence::of([None; 3]),
        });
        paths
    }

    /// The steps from starts to each of some items.
    fn steps_to(&self, items: &[u32]) -> Vec<Vec<Step>> {
        let mut ends = Ends::new(self.scorer.graph, items);
        self.link_steps(&mut ends);
        for gathered in &self.gathered {
            gathered.stated_steps(self.scorer.graph, &mut ends);
        }
        ends.steps
    }

    fn link_steps(&self, ends: &mut Ends) {
        for (place, &(from, count)) in (0..).zip(&self.starts) {
            for &(kind, weight) in &self.scorer.tables.links {
                let row = self.scorer.graph.links(kind, from);
                for (index, (to, &score)) in row.to.iter().zip(row.score).enumerate() {
                    let Some(end) = ends.place(*to) else {
                        continue;
                    };
                    ends.steps[end].push(Step {
                        route: Route::Link(kind),
                        start: place,
                        contribution: weight * f64::from(score) * count,
                        edge: Some(EvidenceId(row.first + index as u64)),
                    });
                }
            }
        }
    }
}

impl Gathered<'_> {
    /// Entities may be items themselves.
    fn stated_steps(&self, graph: &Graph, ends: &mut Ends) {
        let items = self.entities.iter();
        for entity in items.filter(|entity| graph.items().contains(&entity.term)) {
            let Some(end) = ends.place(entity.term) else {
                continue;
            };
            let steps = self.facts_in(entity).iter().map(|fact| Step {
                route: Route::Stated(self.relation.predicate),
                start: fact.start,
                contribution: self.amount(fact),
                edge: fact.edge,
            });
            ends.steps[end].extend(steps);
        }
    }
}

/// The entities of starts that others may have too.
struct Shared<'a> {
    gathered: &'a Gathered<'a>,
    entities: FxHashMap<u32, &'a Entity<'a>>,
}

impl<'a> Shared<'a> {
    fn of(gathered: &'a Gathered<'a>) -> Self {
        let entities = gathered.entities.iter();
        let shared = entities.filter(|entity| !entity.sharing.is_empty());
        Self {
            gathered,
            entities: shared.map(|entity| (entity.term, entity)).collect(),
        }
    }

    /// Adds what an item has in common with starts; those at some places are the item itself.
    fn lead_on(&self, graph: &Graph, (to, own): (u32, &[u32]), summands: &mut Summands<'a>) {
        let (gathered, relation) = (self.gathered, self.gathered.relation);
        let damping = relation.damping(graph, to);
        if damping == 0.0 {
            return;
        }
        for (term, edge) in relation.facts(graph, to) {
            let Some(entity) = self.entities.get(&term) else {
                continue;
            };
            let had = gathered.facts_in(entity);
            let amounts = had.iter().map(|fact| {
                // Nothing is like itself.
                match own.contains(&fact.start) {
                    true => 0.0,
                    false => gathered.amount(fact) * entity.rare * damping,
                }
            });
            let fact = (relation.predicate, term, edge);
            summands.add(Ways::Shared(fact, had), amounts);
        }
    }
}

/// The items that paths are to end at, and the steps to each that were found.
struct Ends {
    places: FxHashMap<u32, usize>,
    steps: Vec<Vec<Step>>,
}

impl Ends {
    fn new(graph: &Graph, items: &[u32]) -> Self {
        let numbered = items.iter().copied().zip(0..);
        Self {
            places: numbered
                .filter(|end| graph.items().contains(&end.0))
                .collect(),
            steps: vec![Vec::new(); items.len()],
        }
    }

    fn place(&self, item: u32) -> Option<usize> {
        self.places.get(&item).copied()
    }
}
