//! The summands of a score, with what they rest on.

use super::relations::{Relation, distinct};
use super::{Profile, Scorer};
use crate::graph::Graph;
use crate::model::{EvidenceId, LinkKind};
use arrayvec::ArrayVec;
use rustc_hash::FxHashMap;
use serde::Serialize;

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
}

/// An item that paths start from.
struct Start {
    item: u32,
    count: f64,
    met: Option<EvidenceId>,
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
        let mut ends = Ends::new(self.scorer.graph, items);
        let starts: Vec<Start> = self.profile.starts().map(|at| self.start(at)).collect();
        for start in &starts {
            self.link_paths(start, &mut ends);
        }
        for relation in self.scorer.tables.relations.iter() {
            self.fact_paths(relation, &starts, &mut ends);
        }
        for (&item, paths) in items.iter().zip(&mut ends.paths) {
            if self.scorer.graph.items().contains(&item) {
                self.other_paths(item, paths);
            }
            paths.retain(|p| p.contribution != 0.0);
            sort(paths);
        }
        ends.paths
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
    fn other_paths(&self, item: u32, paths: &mut Vec<Path>) {
        self.scorer.wish_paths(self.profile, item, paths);
        if self.profile.is_cold() {
            self.scorer.trend_paths(item, paths);
        }
        paths.push(Path {
            route: Route::Popular,
            from: None,
            via: None,
            to: item,
            contribution: self.scorer.popularity(item),
            evidence: Evidence::new(),
        });
    }

    fn link_paths(&self, start: &Start, ends: &mut Ends) {
        for &(kind, weight) in &self.scorer.tables.links {
            let row = self.scorer.graph.links(kind, start.item);
            for (index, (to, &score)) in row.to.iter().zip(row.score).enumerate() {
                let Some(place) = ends.place(*to) else {
                    continue;
                };
                let amount = weight * f64::from(score);
                let link = EvidenceId(row.first + index as u64);
                let way = (Route::Link(kind), None, *to);
                ends.paths[place].push(start.path(way, amount, [link]));
            }
        }
    }

    /// Facts from starts to ends, and those that both share.
    fn fact_paths(&self, relation: &Relation, starts: &[Start], ends: &mut Ends) {
        let (scorer, predicate) = (self.scorer, relation.predicate);
        let mut had: Vec<(u32, &Start, Option<EvidenceId>)> = Vec::new();
        for start in starts {
            for (entity, fact) in facts(scorer.graph, start.item, relation) {
                if let Some(place) = ends.place(entity) {
                    let way = (Route::Stated(predicate), None, entity);
                    let amount = scorer.stated(relation, start.item);
                    ends.paths[place].push(start.path(way, amount, fact));
                }
                had.push((entity, start, fact));
            }
        }
        // Stable: equal entities stay in the order of their starts.
        had.sort_by_key(|had| had.0);
        let runs = had.chunk_by(|a, b| a.0 == b.0);
        let shared = runs.filter_map(|run| {
            let sharing = scorer.sharing(relation, run[0].0)?;
            Some((run[0].0, (run, sharing.len())))
        });
        let shared: FxHashMap<u32, (&[_], usize)> = shared.collect();
        for (&to, paths) in ends.items.iter().zip(&mut ends.paths) {
            let damping = relation.damping(scorer.graph, to);
            for (entity, fact) in facts(scorer.graph, to, relation) {
                let Some(&(had, sharing)) = shared.get(&entity) else {
                    continue;
                };
                let way = (Route::Shared(predicate), Some(entity), to);
                // Nothing is like itself.
                for &(_, start, met) in had.iter().filter(|had| had.1.item != to) {
                    let amount = scorer.shared(relation, start.item, sharing) * damping;
                    paths.push(start.path(way, amount, met.into_iter().chain(fact)));
                }
            }
        }
    }
}

impl Start {
    /// A path from here: its way, the entity on it and its end; what it adds for a count of 1; its edges.
    fn path(
        &self,
        (route, via, to): (Route, Option<u32>, u32),
        amount: f64,
        edges: impl IntoIterator<Item = EvidenceId>,
    ) -> Path {
        Path {
            route,
            from: Some(self.item),
            via,
            to,
            contribution: amount * self.count,
            evidence: self.met.into_iter().chain(edges).collect(),
        }
    }
}

/// Puts the largest contribution first. Numbers are sorted, not paths, which are large.
fn sort(paths: &mut Vec<Path>) {
    let way = |place: u32| {
        let path = &paths[place as usize];
        (path.route, path.from, path.via)
    };
    let amounts = paths.iter().map(|path| path.contribution);
    let mut order: Vec<(f64, u32)> = amounts.zip(0..).collect();
    order.sort_unstable_by(|a, b| {
        let larger = b.0.total_cmp(&a.0);
        larger.then_with(|| way(a.1).cmp(&way(b.1)))
    });
    let sorted = order
        .iter()
        .map(|&(_, place)| paths[place as usize].clone());
    *paths = sorted.collect();
}

/// The items that paths are to end at, and what was found of these paths.
struct Ends<'a> {
    items: &'a [u32],
    places: FxHashMap<u32, usize>,
    paths: Vec<Vec<Path>>,
}

impl<'a> Ends<'a> {
    fn new(graph: &Graph, items: &'a [u32]) -> Self {
        let numbered = items.iter().copied().zip(0..);
        Self {
            items,
            places: numbered
                .filter(|end| graph.items().contains(&end.0))
                .collect(),
            paths: vec![Vec::new(); items.len()],
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
