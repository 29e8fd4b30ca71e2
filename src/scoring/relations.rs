//! Which facts lead from item to item, and which entities are on everybody's list.

use super::supposing::Patch;
use super::{HUB, RELATION_WEIGHT, Scorer, rarity};
use crate::graph::Graph;
use crate::model::EvidenceId;
use crate::vocabulary::rdf;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// A predicate between items and resources, with the facts under it: those of the graph, but for what is supposed.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    pub(super) predicate: u32,
    pub(super) weight: f64,
    /// For each item the square root of one over the number of its facts; 0 without facts.
    damping: Vec<f64>,
    shared: Arc<Shared>,
    patch: Patch,
}

/// For each entity that some items share and not too many, where its facts lie among those of the predicate, and how
/// many they are.
type Shared = FxHashMap<u32, (u32, u32)>;

impl Relation {
    /// Every predicate that leads from an item to a resource, but the class, which all items share. One under which
    /// nothing stands but what rules concluded counts only if it has a weight of its own: it says again, in other words,
    /// what counts already.
    pub(super) fn find(graph: &Graph, weight: impl Fn(&str) -> Option<f64>) -> Vec<Self> {
        let predicates = graph.predicates().iter().copied();
        let relations = predicates.filter_map(|predicate| {
            let iri = graph.iri(predicate)?;
            let relation = Self::under(graph, (predicate, iri), &weight, Patch::default())?;
            let shared = Arc::new(shared(graph, predicate));
            Some(Self { shared, ..relation })
        });
        relations.collect()
    }

    /// The relation of one predicate, with what is supposed of its facts; `None` if it leads nowhere or weighs nothing.
    pub(super) fn under(
        graph: &Graph,
        (predicate, iri): (u32, &str),
        weight: impl Fn(&str) -> Option<f64>,
        patch: Patch,
    ) -> Option<Self> {
        if iri == rdf::TYPE {
            return None;
        }
        let own = weight(iri);
        let weight = own.unwrap_or(RELATION_WEIGHT);
        let mut relation = Self {
            predicate,
            weight,
            damping: Vec::new(),
            shared: Arc::default(),
            patch,
        };
        if weight == 0.0 || !relation.leads(graph, own.is_some()) {
            return None;
        }
        relation.damping = relation.damped(graph);
        Some(relation)
    }

    /// The same facts as another relation has them, but for what is supposed.
    pub(super) fn beside(self, other: Option<&Self>, graph: &Graph) -> Self {
        let shared = match other {
            Some(other) => Arc::clone(&other.shared),
            None => Arc::new(shared(graph, self.predicate)),
        };
        Self { shared, ..self }
    }

    /// Whether an item has a resource under it: one that is not only concluded by rules, unless that counts too.
    fn leads(&self, graph: &Graph, also_concluded: bool) -> bool {
        let concluded = |[object, subject]: &[u32; 2]| {
            let mut facts = graph.facts([*subject, self.predicate, *object]);
            facts.all(|fact| {
                graph
                    .fact(fact)
                    .is_some_and(|f| graph.rule_of(&f).is_some())
            })
        };
        let leads = |[object, subject]: &[u32; 2]| {
            graph.items().contains(subject) && self.is_entity(graph, *object)
        };
        let stands = |pair: &&[u32; 2]| self.patch.is_none() || self.has(graph, pair[1], pair[0]);
        let stated = graph.pairs(self.predicate).iter().filter(stands);
        let mut counted = stated.filter(|pair| leads(pair) && (also_concluded || !concluded(pair)));
        // A fact that is supposed is no conclusion.
        counted.next().is_some() || self.patch.added().any(|[s, o]| leads(&[o, s]))
    }

    /// The facts of a subject, as sorted pairs of the predicate and an object.
    pub(super) fn objects<'a>(&'a self, graph: &'a Graph, subject: u32) -> &'a [[u32; 2]] {
        let supposed = self.patch.objects(subject);
        supposed.unwrap_or_else(|| graph.objects(subject, self.predicate))
    }

    /// The facts with an object, as sorted pairs of the predicate and a subject.
    pub(super) fn subjects<'a>(&'a self, graph: &'a Graph, object: u32) -> &'a [[u32; 2]] {
        let supposed = self.patch.subjects(object);
        supposed.unwrap_or_else(|| graph.subjects(object, self.predicate))
    }

    /// The facts that end in an entity, as sorted pairs of a number and a subject, if it is one that tells items apart.
    pub(super) fn sharing<'a>(&'a self, graph: &'a Graph, entity: u32) -> Option<&'a [[u32; 2]]> {
        if let Some(supposed) = self.patch.subjects(entity) {
            let tells = self.is_entity(graph, entity) && tells(supposed.len());
            return tells.then_some(supposed);
        }
        let &(start, count) = self.shared.get(&entity)?;
        let range = start as usize..(start + count) as usize;
        graph.pairs(self.predicate).get(range)
    }

    /// The objects of a subject, each once, with the first fact that says so; none if it is only supposed.
    pub(super) fn facts<'a>(
        &'a self,
        graph: &'a Graph,
        subject: u32,
    ) -> impl Iterator<Item = (u32, Option<EvidenceId>)> + 'a {
        let (first, pairs) = match self.patch.objects(subject) {
            Some(pairs) => (None, pairs),
            None => {
                let (first, pairs) = graph.facts_under(subject, self.predicate);
                (Some(first), pairs)
            }
        };
        let stated = move |object| graph.facts([subject, self.predicate, object]).next();
        let mut place = 0;
        pairs.chunk_by(|a, b| a == b).map(move |run| {
            let object = run[0][1];
            let known = first.map(|first| first + place);
            place += run.len() as u64;
            (object, known.or_else(|| stated(object)).map(EvidenceId))
        })
    }

    /// Whether a fact stands.
    pub(super) fn has(&self, graph: &Graph, subject: u32, object: u32) -> bool {
        let pairs = self.objects(graph, subject);
        pairs.binary_search(&[self.predicate, object]).is_ok()
    }

    /// Whether a term is a resource, of the graph or only supposed.
    pub(super) fn is_entity(&self, graph: &Graph, term: u32) -> bool {
        graph.nodes().contains(&term) || self.patch.is_new_resource(term)
    }

    /// What facts end in, each once, in order.
    pub(super) fn ends(&self, graph: &Graph) -> Vec<u32> {
        let pairs = graph.pairs(self.predicate).chunk_by(|a, b| a[0] == b[0]);
        let mut ends: Vec<u32> = pairs.map(|run| run[0][0]).collect();
        if !self.patch.is_none() {
            ends.extend(self.patch.added().map(|[_, object]| object));
            ends.sort_unstable();
            ends.dedup();
        }
        ends
    }

    /// How much less an item's facts say because it has many of them.
    pub(super) fn damping(&self, graph: &Graph, item: u32) -> f64 {
        let index = item.checked_sub(graph.items().start);
        let known = index.and_then(|i| self.damping.get(i as usize));
        known.copied().unwrap_or(0.0)
    }

    fn damped(&self, graph: &Graph) -> Vec<f64> {
        let degrees = graph.items().map(|item| self.objects(graph, item).len());
        let damped = |degree: usize| match degree {
            0 => 0.0,
            degree => rarity(degree),
        };
        degrees.map(damped).collect()
    }
}

fn shared(graph: &Graph, predicate: u32) -> Shared {
    let mut start = 0;
    let mut shared = Shared::default();
    for facts in graph.pairs(predicate).chunk_by(|a, b| a[0] == b[0]) {
        let (entity, count) = (facts[0][0], facts.len() as u32);
        if tells(facts.len()) && graph.nodes().contains(&entity) {
            shared.insert(entity, (start, count));
        }
        start += count;
    }
    shared
}

/// Whether an entity of so many facts says what some items have in common, and others have not.
fn tells(facts: usize) -> bool {
    (2..=HUB).contains(&facts)
}

/// An entity that popular items have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trend {
    pub(super) predicate: u32,
    pub(super) entity: u32,
    /// Share of all interactions that are with items of the entity.
    pub(super) share: f64,
}

impl Scorer<'_> {
    /// Entities with their shares of all interactions, by predicate and entity. For the cold: nothing else is known of
    /// them.
    pub(super) fn trends(&self) -> &[Trend] {
        self.tables.trends.get_or_init(|| self.find_trends())
    }

    /// What trends add to each item, in the order of their nodes.
    pub(super) fn trending(&self) -> &[f64] {
        self.tables.trending.get_or_init(|| {
            let items = self.graph.items();
            let mut sums = vec![0.0; items.len()];
            for trend in self.trends() {
                let mut relations = self.tables.relations.iter();
                let Some(relation) = relations.find(|r| r.predicate == trend.predicate) else {
                    continue;
                };
                for item in distinct(relation.subjects(self.graph, trend.entity)) {
                    if items.contains(&item) {
                        sums[(item - items.start) as usize] += self.trend(trend, item);
                    }
                }
            }
            sums
        })
    }

    fn find_trends(&self) -> Vec<Trend> {
        let (met_by, all) = &self.tables.met_by;
        let all = *all as f64;
        let first = self.graph.items().start;
        let met = |item: u32| {
            let index = item.checked_sub(first).map(|index| index as usize);
            index
                .and_then(|index| met_by.get(index))
                .copied()
                .unwrap_or(0)
        };
        let mut trends = Vec::new();
        for relation in self.tables.relations.iter() {
            for entity in relation.ends(self.graph) {
                let subjects = relation.subjects(self.graph, entity);
                if !relation.is_entity(self.graph, entity) || subjects.len() < 2 {
                    continue;
                }
                let met: u64 = distinct(subjects).map(|item| u64::from(met(item))).sum();
                trends.push(Trend {
                    predicate: relation.predicate,
                    entity,
                    share: if all > 0.0 { met as f64 / all } else { 0.0 },
                });
            }
        }
        trends
    }

    /// What a trend adds to an item: its share, divided among all facts of the item.
    pub(super) fn trend(&self, trend: &Trend, item: u32) -> f64 {
        let more = self.tables.more_facts.get(&item).copied().unwrap_or(0);
        let facts = self.graph.outgoing(item).len().saturating_add_signed(more);
        let facts = facts.max(1) as f64;
        f64::from(self.tables.settings.popularity) * trend.share / facts
    }
}

/// The second parts of sorted pairs, each once for each first part.
pub(super) fn distinct(pairs: &[[u32; 2]]) -> impl Iterator<Item = u32> {
    pairs.chunk_by(|a, b| a == b).map(|run| run[0][1])
}
