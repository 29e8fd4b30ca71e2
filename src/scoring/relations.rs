//! Which facts lead from item to item, and which entities are on everybody's list.

use super::{RELATION_WEIGHT, Scorer};
use crate::graph::Graph;
use crate::model::term;
use crate::vocabulary::rdf;

/// A predicate between items and resources.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    pub(super) predicate: u32,
    pub(super) weight: f64,
    /// For each item the square root of one over the number of its facts; 0 without facts.
    damping: Vec<f64>,
}

impl Relation {
    /// Every predicate that leads from an item to a resource, but the class, which all items share. One under which
    /// nothing stands but what rules concluded counts only if it has a weight of its own: it says again, in other words,
    /// what counts already.
    pub(super) fn find(graph: &Graph, weight: impl Fn(&str) -> Option<f64>) -> Vec<Self> {
        let (items, nodes) = (graph.items(), graph.nodes());
        let leads =
            |[object, subject]: &[u32; 2]| items.contains(subject) && nodes.contains(object);
        let predicates = graph.predicates().iter().copied();
        let relations = predicates.filter_map(|predicate| {
            let iri = term::as_iri(graph.term(predicate)).filter(|iri| *iri != rdf::TYPE)?;
            let own = weight(iri);
            let weight = own.unwrap_or(RELATION_WEIGHT);
            let concluded = |[object, subject]: &[u32; 2]| {
                let mut facts = graph.facts([*subject, predicate, *object]);
                facts.all(|fact| {
                    graph
                        .fact(fact)
                        .is_some_and(|f| graph.rule_of(&f).is_some())
                })
            };
            let counts = |pair: &[u32; 2]| leads(pair) && (own.is_some() || !concluded(pair));
            let used = weight != 0.0 && graph.pairs(predicate).iter().any(counts);
            used.then(|| Self {
                predicate,
                weight,
                damping: damping(graph, predicate),
            })
        });
        relations.collect()
    }

    /// How much less an item's facts say because it has many of them.
    pub(super) fn damping(&self, graph: &Graph, item: u32) -> f64 {
        let index = item.checked_sub(graph.items().start);
        let known = index.and_then(|i| self.damping.get(i as usize));
        known.copied().unwrap_or(0.0)
    }
}

fn damping(graph: &Graph, predicate: u32) -> Vec<f64> {
    let degrees = graph
        .items()
        .map(|item| graph.objects(item, predicate).len());
    let damped = |degree: usize| {
        if degree == 0 {
            0.0
        } else {
            (degree as f64).powf(-0.5)
        }
    };
    degrees.map(damped).collect()
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
                for item in distinct(self.graph.subjects(trend.entity, trend.predicate)) {
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
            for run in self
                .graph
                .pairs(relation.predicate)
                .chunk_by(|a, b| a[0] == b[0])
            {
                let entity = run[0][0];
                if !self.graph.nodes().contains(&entity) || run.len() < 2 {
                    continue;
                }
                let subjects = self.graph.subjects(entity, relation.predicate);
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
        let facts = self.graph.outgoing(item).len().max(1) as f64;
        f64::from(self.tables.settings.popularity) * trend.share / facts
    }
}

/// The second parts of sorted pairs, each once for each first part.
pub(super) fn distinct(pairs: &[[u32; 2]]) -> impl Iterator<Item = u32> {
    pairs.chunk_by(|a, b| a == b).map(|run| run[0][1])
}
