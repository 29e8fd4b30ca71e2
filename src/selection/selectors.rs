//! Other ways to choose facts for a question, as the literature has them: for comparison.

use super::evidence::evidence;
use super::question::{Lexicon, Question};
use crate::graph::Graph;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Facts that a rival looks at for one question at most.
const MOST: usize = 100_000;

/// What every selector is given.
pub struct Task<'a> {
    /// Where the facts are.
    pub graph: &'a Graph,
    /// Its names.
    pub lexicon: &'a Lexicon,
    /// What is asked.
    pub question: &'a Question,
    /// Tokens of a fact.
    pub cost: &'a dyn Fn(u64) -> usize,
    /// Facts by how close their texts are to the question's, the closest first, with the cosine; empty where texts have no
    /// vectors.
    pub close: &'a [(u64, f64)],
}

/// Chooses facts within a budget of tokens.
pub trait Selector: Sync {
    /// What tables call it.
    fn name(&self) -> &'static str;

    /// Whether it needs [`Task::close`].
    fn needs_vectors(&self) -> bool {
        false
    }

    /// Numbers of facts, in the order of their choice, of at most `budget` tokens together.
    fn select(&self, task: &Task, budget: usize) -> Vec<u64>;
}

/// All selectors, ours first.
pub fn all() -> [&'static dyn Selector; 6] {
    [
        &Budgeted,
        &Hops,
        &ShortestPaths,
        &PageRank,
        &Steiner,
        &Dense,
    ]
}

/// Ours: [`evidence`].
struct Budgeted;

impl Selector for Budgeted {
    fn name(&self) -> &'static str {
        "kenning"
    }

    fn select(&self, task: &Task, budget: usize) -> Vec<u64> {
        let cost = |fact| Ok((task.cost)(fact));
        evidence(task.graph, task.lexicon, task.question, &cost, budget)
            .map_or(Vec::new(), |found| found.facts)
    }
}

/// All facts at the topics, then all at their neighbours, and so on.
struct Hops;

impl Selector for Hops {
    fn name(&self) -> &'static str {
        "k-hop"
    }

    fn select(&self, task: &Task, budget: usize) -> Vec<u64> {
        let mut ranked = Vec::new();
        let mut front = task.question.topics.clone();
        let mut seen: FxHashSet<u32> = front.iter().copied().collect();
        while !front.is_empty() && ranked.len() < MOST {
            let mut next = Vec::new();
            for &node in &front {
                for (fact, other) in task.facts_at(node) {
                    ranked.push(fact);
                    if seen.insert(other) {
                        next.push(other);
                    }
                }
                if ranked.len() >= MOST {
                    break;
                }
            }
            front = next;
        }
        task.fill(ranked, budget)
    }
}

/// The shortest paths from the topics to the ends of the facts that are closest to the question.
struct ShortestPaths;

/// Facts whose ends shortest paths lead to.
const TARGETS: usize = 20;

impl Selector for ShortestPaths {
    fn name(&self) -> &'static str {
        "shortest path"
    }

    fn needs_vectors(&self) -> bool {
        true
    }

    fn select(&self, task: &Task, budget: usize) -> Vec<u64> {
        let came = task.distances(|_| 1.0);
        let targets = task.close.iter().take(TARGETS);
        let ends = targets
            .filter_map(|&(fact, _)| task.graph.fact(fact))
            .flat_map(|fact| [fact.triple[0], fact.triple[2]]);
        let mut ranked: Vec<u64> = ends.flat_map(|end| way_back(&came, end)).collect();
        ranked.extend(task.close.iter().map(|close| close.0));
        task.fill(ranked, budget)
    }
}

/// Personalised PageRank by pushing, as HippoRAG sets it (damping .5): facts by what flows along them.
struct PageRank;

const DAMPING: f64 = 0.5;
/// What a node may keep back for each of its edges.
const PRECISION: f64 = 1e-6;

impl Selector for PageRank {
    fn name(&self) -> &'static str {
        "page rank"
    }

    fn select(&self, task: &Task, budget: usize) -> Vec<u64> {
        let mut flows: FxHashMap<u64, f64> = FxHashMap::default();
        let mut waiting: FxHashMap<u32, f64> = FxHashMap::default();
        let mut queue = std::collections::VecDeque::new();
        for &topic in &task.question.topics {
            waiting.insert(topic, 1.0 / task.question.topics.len() as f64);
            queue.push_back(topic);
        }
        while let Some(node) = queue.pop_front().filter(|_| flows.len() < MOST) {
            let mass = waiting.insert(node, 0.0).unwrap_or(0.0);
            let edges: Vec<_> = task.facts_at(node).collect();
            let part = DAMPING * mass / edges.len().max(1) as f64;
            for (fact, other) in edges {
                *flows.entry(fact).or_default() += part;
                let waits = waiting.entry(other).or_default();
                let limit = PRECISION * task.degree(other) as f64;
                if *waits < limit && *waits + part >= limit {
                    queue.push_back(other);
                }
                *waits += part;
            }
        }
        let mut ranked: Vec<(u64, f64)> = flows.into_iter().collect();
        ranked.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        task.fill(ranked.into_iter().map(|flow| flow.0), budget)
    }
}

/// A prize-collecting Steiner tree with G-Retriever's prizes: the closest facts have prizes by rank, every other edge
/// costs .5. Grown from the topics by shortest paths whose prize exceeds what they cost.
struct Steiner;

/// Facts with prizes, the most for the first.
const PRIZES: usize = 10;
const EDGE_COST: f64 = 0.5;

impl Selector for Steiner {
    fn name(&self) -> &'static str {
        "steiner tree"
    }

    fn needs_vectors(&self) -> bool {
        true
    }

    fn select(&self, task: &Task, budget: usize) -> Vec<u64> {
        let prizes = task.close.iter().take(PRIZES).zip((1..=PRIZES).rev());
        let prizes: FxHashMap<u64, f64> = prizes
            .map(|(close, prize)| (close.0, prize as f64))
            .collect();
        let came = task.distances(|fact| {
            if prizes.contains_key(&fact) {
                0.0
            } else {
                EDGE_COST
            }
        });
        let mut order: Vec<(u64, f64)> =
            prizes.iter().map(|(&fact, &prize)| (fact, prize)).collect();
        order.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut ranked = Vec::new();
        for (fact, prize) in order {
            let Some(found) = task.graph.fact(fact) else {
                continue;
            };
            let ends = [found.triple[0], found.triple[2]];
            let near = ends
                .into_iter()
                .filter_map(|end| Some((came.get(&end)?.0, end)));
            let near = near.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            if let Some((_, end)) = near.filter(|near| near.0 < prize) {
                ranked.extend(way_back(&came, end));
                ranked.push(fact);
            }
        }
        ranked.extend(task.close.iter().map(|close| close.0));
        task.fill(ranked, budget)
    }
}

/// The facts whose texts are closest to the question.
struct Dense;

impl Selector for Dense {
    fn name(&self) -> &'static str {
        "dense triples"
    }

    fn needs_vectors(&self) -> bool {
        true
    }

    fn select(&self, task: &Task, budget: usize) -> Vec<u64> {
        task.fill(task.close.iter().map(|close| close.0), budget)
    }
}

/// For each node its distance from the topics and the fact and node that it was reached by.
type Came = FxHashMap<u32, (f64, Option<(u64, u32)>)>;

/// The facts between a node and the topic that it was reached from, the topic's first.
fn way_back(came: &Came, mut node: u32) -> Vec<u64> {
    let mut facts = Vec::new();
    while let Some(&(_, Some((fact, before)))) = came.get(&node) {
        facts.push(fact);
        node = before;
    }
    facts.reverse();
    facts
}

impl Task<'_> {
    /// The facts at a node with the nodes at their other ends, each once, the relations with texts left out.
    fn facts_at(&self, node: u32) -> impl Iterator<Item = (u64, u32)> + '_ {
        let graph = self.graph;
        let known = |pair: &&[[u32; 2]]| self.lexicon.has_relation(pair[0][0]);
        let out = graph.outgoing(node).chunk_by(|a, b| a == b).filter(known);
        let out = out.map(move |same| {
            (
                graph.facts([node, same[0][0], same[0][1]]).start,
                same[0][1],
            )
        });
        let known = |pair: &&[[u32; 2]]| self.lexicon.has_relation(pair[0][0]);
        let back = graph.incoming(node).chunk_by(|a, b| a == b).filter(known);
        out.chain(back.map(move |same| {
            (
                graph.facts([same[0][1], same[0][0], node]).start,
                same[0][1],
            )
        }))
    }

    fn degree(&self, node: u32) -> usize {
        self.graph.outgoing(node).len() + self.graph.incoming(node).len()
    }

    /// Dijkstra's algorithm from the topics, over at most [`MOST`] facts.
    fn distances(&self, length: impl Fn(u64) -> f64) -> Came {
        let mut came = Came::default();
        let mut queue = BinaryHeap::new();
        // Distances are not negative, so their bits are in their order.
        let key = |distance: f64, node: u32| Reverse((distance.to_bits(), node));
        for &topic in &self.question.topics {
            came.insert(topic, (0.0, None));
            queue.push(key(0.0, topic));
        }
        let mut looks = MOST;
        while let Some(Reverse((bits, node))) = queue.pop() {
            let distance = f64::from_bits(bits);
            if came[&node].0 < distance {
                continue;
            }
            for (fact, other) in self.facts_at(node) {
                looks = looks.saturating_sub(1);
                let through = distance + length(fact);
                if came.get(&other).is_none_or(|known| through < known.0) {
                    came.insert(other, (through, Some((fact, node))));
                    queue.push(key(through, other));
                }
            }
            if looks == 0 {
                break;
            }
        }
        came
    }

    /// The first facts that fit the budget, each once.
    fn fill(&self, ranked: impl IntoIterator<Item = u64>, budget: usize) -> Vec<u64> {
        let mut room = budget;
        let mut taken = FxHashSet::default();
        let mut chosen = Vec::new();
        for fact in ranked {
            if room < LEAST_COST {
                break;
            }
            let cost = (self.cost)(fact).max(1);
            if cost <= room && taken.insert(fact) {
                room -= cost;
                chosen.push(fact);
            }
        }
        chosen
    }
}

/// Less room than this is as good as none.
const LEAST_COST: usize = 4;
