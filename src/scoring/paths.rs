//! The summands of a score, with what they rest on.

mod summands;

use super::relations::{Relation, distinct};
use super::{Profile, Scorer, rarity};
use crate::graph::Graph;
use crate::model::{EvidenceId, LinkKind};
use rustc_hash::{FxBuildHasher, FxHashMap};
use serde::Serialize;
use std::fmt;
use std::ops::{Deref, Range};
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
}

impl FromIterator<EvidenceId> for Evidence {
    /// The first three.
    fn from_iter<I: IntoIterator<Item = EvidenceId>>(edges: I) -> Self {
        let mut evidence = [Self::END; 3];
        for (at, edge) in edges.into_iter().take(3).enumerate() {
            evidence[at] = edge;
        }
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

/// Prepared to follow all paths from what is known of one who asks.
pub struct Walk<'a> {
    scorer: &'a Scorer<'a>,
    profile: &'a Profile,
}

/// An item that paths start from.
struct Start {
    item: u32,
    count: f64,
    met: Option<EvidenceId>,
}

/// What a link or a fact adds from a start to an end, or to an entity.
#[derive(Clone, Copy)]
struct Step {
    route: Route,
    /// The place of the start.
    start: u32,
    contribution: f64,
    edge: Option<EvidenceId>,
}

impl Scorer<'_> {
    /// The paths to an item, the largest contribution first; their contributions add up to its score.
    pub fn paths(&self, profile: &Profile, item: u32) -> Vec<Path> {
        self.walk(profile).paths(item)
    }

    /// Prepares to follow the paths to items.
    pub fn walk<'a>(&'a self, profile: &'a Profile) -> Walk<'a> {
        Walk {
            scorer: self,
            profile,
        }
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
        self.paths_to(&[item]).pop().unwrap_or_default()
    }

    /// The paths to each of several distinct items, as [`Scorer::paths`]: what they start from is walked once for all.
    pub fn paths_to(&self, items: &[u32]) -> Vec<Vec<Path>> {
        let starts: Vec<Start> = self.profile.starts().map(|at| self.start(at)).collect();
        let mut ends = Ends::new(self.scorer.graph, items);
        self.link_steps(&starts, &mut ends);
        let relations = self.scorer.tables.relations.iter();
        let gathered = relations.map(|relation| self.gather(relation, &starts, &mut ends));
        let gathered: Vec<Gathered> = gathered.collect();
        let mut summands = Summands::default();
        let mut all = Vec::with_capacity(items.len());
        for (&item, direct) in items.iter().zip(&ends.steps) {
            summands.clear();
            let amounts = direct.iter().map(|step| step.contribution);
            summands.add(Ways::Direct(direct), amounts);
            for gathered in &gathered {
                gathered.lead_on(self.scorer, &starts, item, &mut summands);
            }
            if self.scorer.graph.items().contains(&item) {
                summands.add_others(self.other_paths(item));
            }
            all.push(summands.paths(&starts, item));
        }
        all
    }

    fn start(&self, (item, count): (u32, f64)) -> Start {
        let user = self.profile.user;
        Start {
            item,
            count,
            met: user.and_then(|user| self.scorer.graph.interaction(user, item)),
        }
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
            evidence: Evidence::from_iter(None),
        });
        paths
    }

    fn link_steps(&self, starts: &[Start], ends: &mut Ends) {
        for (place, start) in (0..).zip(starts) {
            for &(kind, weight) in &self.scorer.tables.links {
                let row = self.scorer.graph.links(kind, start.item);
                for (index, (to, &score)) in row.to.iter().zip(row.score).enumerate() {
                    let Some(end) = ends.place(*to) else {
                        continue;
                    };
                    ends.steps[end].push(Step {
                        route: Route::Link(kind),
                        start: place,
                        contribution: weight * f64::from(score) * start.count,
                        edge: Some(EvidenceId(row.first + index as u64)),
                    });
                }
            }
        }
    }

    /// What the starts have under a relation; where that is an end itself, it is a step to it.
    fn gather<'r>(
        &self,
        relation: &'r Relation,
        starts: &[Start],
        ends: &mut Ends,
    ) -> Gathered<'r> {
        let scorer = self.scorer;
        let mut had: Vec<(u32, Step)> = Vec::new();
        for (place, start) in (0..).zip(starts) {
            let contribution = scorer.stated(relation, start.item) * start.count;
            for (entity, fact) in facts(scorer.graph, start.item, relation) {
                let step = Step {
                    route: Route::Stated(relation.predicate),
                    start: place,
                    contribution,
                    edge: fact,
                };
                if let Some(end) = ends.place(entity) {
                    ends.steps[end].push(step);
                }
                had.push((entity, step));
            }
        }
        let had = by_entity(&had);
        let entities = had.chunk_by(|a, b| a.0 == b.0).count();
        let mut shared = FxHashMap::with_capacity_and_hasher(entities, FxBuildHasher);
        let mut from = 0;
        for run in had.chunk_by(|a, b| a.0 == b.0) {
            if let Some(sharing) = relation.sharing(scorer.graph, run[0].0) {
                shared.insert(run[0].0, (from..from + run.len(), rarity(sharing.len())));
            }
            from += run.len();
        }
        Gathered {
            relation,
            had,
            shared,
        }
    }
}

/// Steps by their entities, those to the same one as they were. Numbers are sorted, which are smaller.
fn by_entity(had: &[(u32, Step)]) -> Vec<(u32, Step)> {
    let entities = had.iter().map(|had| u64::from(had.0) << 32);
    let mut order: Vec<u64> = entities
        .zip(0..)
        .map(|(entity, place)| entity | place)
        .collect();
    order.sort_unstable();
    order
        .into_iter()
        .map(|number| had[number as u32 as usize])
        .collect()
}

/// What starts have under a relation.
struct Gathered<'r> {
    relation: &'r Relation,
    /// By entity: the steps to it, as if they ended there.
    had: Vec<(u32, Step)>,
    /// For each entity that others may have too, its steps, and what it says.
    shared: FxHashMap<u32, (Range<usize>, f64)>,
}

impl Gathered<'_> {
    /// Adds what an item has in common with starts.
    fn lead_on<'a>(
        &'a self,
        scorer: &Scorer,
        starts: &[Start],
        to: u32,
        summands: &mut Summands<'a>,
    ) {
        let damping = self.relation.damping(scorer.graph, to);
        if damping == 0.0 {
            return;
        }
        for (entity, fact) in facts(scorer.graph, to, self.relation) {
            let Some((had, rare)) = self.shared.get(&entity) else {
                continue;
            };
            let had = &self.had[had.clone()];
            let amounts = had.iter().map(|(_, step)| {
                // Nothing is like itself.
                match starts[step.start as usize].item == to {
                    true => 0.0,
                    false => step.contribution * rare * damping,
                }
            });
            let predicate = self.relation.predicate;
            summands.add(Ways::Shared(predicate, had, fact), amounts);
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

/// The objects of an item under a relation, each once, with the first fact that says so; none if it is only supposed.
fn facts<'a>(
    graph: &'a Graph,
    item: u32,
    relation: &'a Relation,
) -> impl Iterator<Item = (u32, Option<EvidenceId>)> + 'a {
    let (first, pairs) = relation.facts_of(graph, item);
    let stated = move |object| graph.facts([item, relation.predicate, object]).next();
    let mut place = 0;
    pairs.chunk_by(|a, b| a == b).map(move |run| {
        let object = run[0][1];
        let known = first.map(|first| first + place);
        place += run.len() as u64;
        (object, known.or_else(|| stated(object)).map(EvidenceId))
    })
}
