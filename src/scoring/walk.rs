//! What the items of a profile have, gathered once for all that is asked of it.

use super::relations::Relation;
use super::{Profile, Scorer, rarity};
use crate::graph::Graph;
use crate::model::EvidenceId;
use std::ops::Range;

/// Prepared to follow all paths from what is known of one who asks: to rank items by them, and to show them.
pub struct Walk<'a> {
    pub(super) scorer: &'a Scorer<'a>,
    pub(super) profile: &'a Profile,
    pub(super) starts: Vec<(u32, f64)>,
    pub(super) gathered: Vec<Gathered<'a>>,
}

/// What starts have under a relation.
pub(super) struct Gathered<'a> {
    pub(super) relation: &'a Relation,
    /// For each start, what it adds to an entity that it has.
    pub(super) amounts: Vec<f64>,
    /// The facts of all starts, those that end in one entity together, in the order of their starts.
    pub(super) facts: Vec<Fact>,
    /// Entities in which these end, in order.
    pub(super) entities: Vec<Entity<'a>>,
}

/// A fact of a start.
#[derive(Clone, Copy)]
pub(super) struct Fact {
    /// The place of the start.
    pub(super) start: u32,
    pub(super) edge: Option<EvidenceId>,
}

/// An entity that starts have.
pub(super) struct Entity<'a> {
    pub(super) term: u32,
    /// The facts that say so.
    pub(super) facts: Range<u32>,
    /// All facts that end in it, as sorted pairs of a number and a subject; none unless it tells items apart.
    pub(super) sharing: &'a [[u32; 2]],
    /// How much it says.
    pub(super) rare: f64,
}

impl<'g> Scorer<'g> {
    /// Prepares to follow the paths of a profile.
    pub fn walk<'a>(&'a self, profile: &'a Profile) -> Walk<'a> {
        let starts = self.starts(profile.starts());
        let relations = self.tables.relations.iter();
        let gathered = relations.map(|relation| Gathered::of(self, relation, &starts));
        Walk {
            scorer: self,
            profile,
            gathered: gathered.collect(),
            starts,
        }
    }

    /// What paths from items add to others.
    pub(super) fn add_starts(&self, starts: &[(u32, f64)], add: &mut impl FnMut(u32, f64)) {
        let starts = self.starts(starts.iter().copied());
        self.add_links(&starts, add);
        for relation in self.tables.relations.iter() {
            Gathered::of(self, relation, &starts).spread(self.graph, &starts, add);
        }
    }

    /// Those that are items: whoever calls may name any node.
    fn starts(&self, named: impl Iterator<Item = (u32, f64)>) -> Vec<(u32, f64)> {
        let items = self.graph.items();
        named.filter(|start| items.contains(&start.0)).collect()
    }

    fn add_links(&self, starts: &[(u32, f64)], add: &mut impl FnMut(u32, f64)) {
        for &(from, decay) in starts {
            for &(kind, weight) in &self.tables.links {
                let row = self.graph.links(kind, from);
                for (&to, &score) in row.to.iter().zip(row.score) {
                    add(to, decay * weight * f64::from(score));
                }
            }
        }
    }
}

impl<'a> Walk<'a> {
    /// What follows the paths.
    pub fn scorer(&self) -> &'a Scorer<'a> {
        self.scorer
    }

    /// Where they start from.
    pub fn profile(&self) -> &'a Profile {
        self.profile
    }

    /// The scores of all items, in the order of their nodes.
    pub fn scores(&self) -> Vec<f64> {
        let scorer = self.scorer;
        let mut scores = scorer.tables.popularity.clone();
        let first = scorer.graph.items().start;
        self.add_paths(&mut |item, amount| scores[(item - first) as usize] += amount);
        if self.profile.is_cold() {
            for (score, trend) in scores.iter_mut().zip(scorer.trending()) {
                *score += trend;
            }
        }
        scores
    }

    /// What the paths add to items, but for popularity and trends.
    pub(super) fn add_paths(&self, add: &mut impl FnMut(u32, f64)) {
        self.scorer.add_links(&self.starts, add);
        for gathered in &self.gathered {
            gathered.spread(self.scorer.graph, &self.starts, add);
        }
        self.scorer.wished(self.profile, add);
    }
}

impl<'a> Gathered<'a> {
    fn of(scorer: &'a Scorer<'_>, relation: &'a Relation, starts: &[(u32, f64)]) -> Self {
        let graph = scorer.graph;
        let amounts = starts.iter();
        let amounts = amounts.map(|&(from, count)| count * scorer.stated(relation, from));
        // Numbers are sorted, which are smaller: an entity, and the place of its fact.
        let (mut found, mut order): (Vec<Fact>, Vec<u64>) = Default::default();
        for (start, &(from, _)) in (0..).zip(starts) {
            for (entity, edge) in relation.facts(graph, from) {
                order.push(u64::from(entity) << 32 | found.len() as u64);
                found.push(Fact { start, edge });
            }
        }
        order.sort_unstable();
        let facts = order.iter().map(|&number| found[number as u32 as usize]);
        let mut entities = Vec::new();
        let mut from = 0;
        for run in order.chunk_by(|a, b| a >> 32 == b >> 32) {
            let term = (run[0] >> 32) as u32;
            let sharing = relation.sharing(graph, term).unwrap_or_default();
            entities.push(Entity {
                term,
                facts: from..from + run.len() as u32,
                sharing,
                rare: rarity(sharing.len()),
            });
            from += run.len() as u32;
        }
        Self {
            relation,
            amounts: amounts.collect(),
            facts: facts.collect(),
            entities,
        }
    }

    pub(super) fn facts_in(&self, entity: &Entity) -> &[Fact] {
        &self.facts[entity.facts.start as usize..entity.facts.end as usize]
    }

    /// Everything that the relation leads to from the starts: an entity which several have is walked once.
    fn spread(&self, graph: &Graph, starts: &[(u32, f64)], add: &mut impl FnMut(u32, f64)) {
        let items = graph.items();
        for entity in &self.entities {
            let had = self.facts_in(entity).iter();
            let amounts = had.map(|fact| (starts[fact.start as usize].0, self.amount(fact)));
            let sum: f64 = amounts.clone().map(|(_, amount)| amount).sum();
            if items.contains(&entity.term) {
                add(entity.term, sum);
            }
            if entity.sharing.is_empty() {
                continue;
            }
            // Most of the time of a request goes by here.
            let (amount, mut last) = (sum * entity.rare, None);
            for &[_, to] in entity.sharing {
                if last != Some(to) && items.contains(&to) {
                    add(to, amount * self.relation.damping(graph, to));
                }
                last = Some(to);
            }
            // Nothing is like itself.
            for (from, amount) in amounts {
                add(
                    from,
                    -(amount * entity.rare * self.relation.damping(graph, from)),
                );
            }
        }
    }

    pub(super) fn amount(&self, fact: &Fact) -> f64 {
        self.amounts[fact.start as usize]
    }
}
