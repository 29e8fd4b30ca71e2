//! The summands of a score, with what they rest on.

use super::relations::{Relation, distinct};
use super::{Profile, Scorer, rarity};
use crate::graph::Graph;
use crate::model::{EvidenceId, LinkKind};
use arrayvec::ArrayVec;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use serde::Serialize;
use std::ops::Range;

/// Pairs of a start and an end for which a second thread is worth its start.
const MANY: usize = 2000;

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

/// What a way from a start adds to an end: a path before it is put in its place, and small, for a request has many.
#[derive(Clone, Copy)]
struct Step {
    route: Route,
    /// The place of the start.
    start: u32,
    via: Option<u32>,
    contribution: f64,
    edges: [Option<EvidenceId>; 2],
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
        let paths = |steps: &mut Vec<Step>, (&item, direct): (&u32, &Vec<Step>)| {
            steps.clone_from(direct);
            gathered
                .iter()
                .for_each(|gathered| gathered.lead_on(self.scorer, &starts, item, steps));
            let mut others = Vec::new();
            if self.scorer.graph.items().contains(&item) {
                self.other_paths(item, &mut others);
            }
            in_order((&starts, steps), item, others)
        };
        let ends = (items, &ends.steps);
        match starts.len() * items.len() > MANY {
            true => ends.into_par_iter().map_init(Vec::new, paths).collect(),
            false => {
                let mut steps = Vec::new();
                let ends = ends.0.iter().zip(ends.1);
                ends.map(|end| paths(&mut steps, end)).collect()
            }
        }
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
                        via: None,
                        contribution: weight * f64::from(score) * start.count,
                        edges: [Some(EvidenceId(row.first + index as u64)), None],
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
                    via: None,
                    contribution,
                    edges: [fact, None],
                };
                if let Some(end) = ends.place(entity) {
                    ends.steps[end].push(step);
                }
                had.push((entity, step));
            }
        }
        // Stable: equal entities stay in the order of their starts.
        had.sort_by_key(|had| had.0);
        let mut shared = FxHashMap::default();
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

/// What starts have under a relation.
struct Gathered<'r> {
    relation: &'r Relation,
    /// By entity: the steps to it, as if they ended there.
    had: Vec<(u32, Step)>,
    /// For each entity that others may have too, its steps, and what it says.
    shared: FxHashMap<u32, (Range<usize>, f64)>,
}

impl Gathered<'_> {
    /// Adds the steps to an item by what it has in common with starts.
    fn lead_on(&self, scorer: &Scorer, starts: &[Start], to: u32, steps: &mut Vec<Step>) {
        let damping = self.relation.damping(scorer.graph, to);
        for (entity, fact) in facts(scorer.graph, to, self.relation) {
            let Some((had, rare)) = self.shared.get(&entity) else {
                continue;
            };
            // Nothing is like itself.
            let others = self.had[had.clone()]
                .iter()
                .filter(|(_, step)| starts[step.start as usize].item != to);
            steps.extend(others.map(|(_, step)| Step {
                route: Route::Shared(self.relation.predicate),
                via: Some(entity),
                contribution: step.contribution * rare * damping,
                edges: [step.edges[0], fact],
                ..*step
            }));
        }
    }
}

impl Step {
    /// The path from one of the starts to an item.
    fn path(&self, starts: &[Start], to: u32) -> Path {
        let start = &starts[self.start as usize];
        let edges = self.edges.into_iter().flatten();
        Path {
            route: self.route,
            from: Some(start.item),
            via: self.via,
            to,
            contribution: self.contribution,
            evidence: start.met.into_iter().chain(edges).collect(),
        }
    }
}

/// The paths to an item that add anything, the largest contribution first, equal ones by their way. Numbers are sorted, not
/// paths, which are large.
fn in_order((starts, steps): (&[Start], &[Step]), to: u32, others: Vec<Path>) -> Vec<Path> {
    let amounts = steps.iter().map(|step| step.contribution);
    let amounts = amounts.chain(others.iter().map(|path| path.contribution));
    let mut order: Vec<(u64, u32)> = amounts
        .zip(0..)
        .filter(|(amount, _)| *amount != 0.0)
        .map(|(amount, place)| (descending(amount), place))
        .collect();
    order.sort_unstable();
    let way = |&(_, place): &(u64, u32)| match steps.get(place as usize) {
        Some(step) => (step.route, Some(starts[step.start as usize].item), step.via),
        None => {
            let path = &others[place as usize - steps.len()];
            (path.route, path.from, path.via)
        }
    };
    for equal in order.chunk_by_mut(|a, b| a.0 == b.0) {
        equal.sort_unstable_by_key(way);
    }
    let path = |(_, place): (u64, u32)| match steps.get(place as usize) {
        Some(step) => step.path(starts, to),
        None => others[place as usize - steps.len()].clone(),
    };
    order.into_iter().map(path).collect()
}

/// A number that is the smaller the larger an amount is, as [`f64::total_cmp`] orders them.
fn descending(amount: f64) -> u64 {
    let bits = amount.to_bits();
    match amount.is_sign_negative() {
        true => bits,
        false => !bits & !(1 << 63),
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
