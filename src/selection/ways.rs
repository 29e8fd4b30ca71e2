//! The ways that lead from what a question names, and how well each fits what it asks.

use super::question::{Lexicon, Question};
use crate::graph::Graph;
use rustc_hash::FxHashSet;

/// Steps of a way.
const LONGEST: usize = 3;
/// Nodes that are looked at to find which relations go on from a place.
const FRONT: usize = 256;
/// Facts that are looked at to find the paths of one way.
const LOOKS: usize = 1 << 16;
/// Ways that are weighed.
const MOST: usize = 4096;

/// One relation, taken along its facts or against them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// The number of the predicate.
    pub predicate: u32,
    /// From subjects to objects, or back.
    pub direction: Direction,
}

/// Which end of a fact a step leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// From the subject to the object.
    Along,
    /// From the object to the subject.
    Against,
}

/// A sequence of steps from what a question names.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// The steps, at most three.
    pub steps: Vec<Step>,
    /// How well it fits the question; more is better.
    pub fit: f64,
}

/// What simple paths along a way come to: where one ends, and its facts.
pub(super) type Path = (u32, Vec<u64>);

/// The ways that exist from a question's topics, the best-fitting first.
pub(super) fn ways(graph: &Graph, lexicon: &Lexicon, question: &Question) -> Vec<Way> {
    let mut search = Search {
        graph,
        lexicon,
        question,
        steps: Vec::new(),
        found: Vec::new(),
    };
    search.go_on(&question.topics);
    let mut found = search.found;
    found.sort_by(|a, b| b.fit.total_cmp(&a.fit).then_with(|| a.steps.cmp(&b.steps)));
    found
}

struct Search<'a> {
    graph: &'a Graph,
    lexicon: &'a Lexicon,
    question: &'a Question,
    steps: Vec<Step>,
    found: Vec<Way>,
}

impl Search<'_> {
    fn go_on(&mut self, front: &[u32]) {
        for step in self.steps_from(front) {
            self.steps.push(step);
            if self.is_promising() && self.found.len() < MOST {
                let fit = self.question.fit(&self.steps);
                self.found.push(Way {
                    steps: self.steps.clone(),
                    fit,
                });
                if self.steps.len() < LONGEST {
                    let mut next: Vec<u32> = front
                        .iter()
                        .flat_map(|&node| follow(self.graph, node, step))
                        .take(FRONT)
                        .collect();
                    next.sort_unstable();
                    next.dedup();
                    self.go_on(&next);
                }
            }
            self.steps.pop();
        }
    }

    /// A way may take one relation that the question does not speak of; where it speaks of none, two steps.
    fn is_promising(&self) -> bool {
        let unasked: FxHashSet<u32> = self
            .steps
            .iter()
            .map(|s| s.predicate)
            .filter(|&p| self.question.distance(p).is_none())
            .collect();
        unasked.len() <= 1 || (self.question.asked.is_empty() && self.steps.len() <= 2)
    }

    fn steps_from(&self, front: &[u32]) -> Vec<Step> {
        let mut steps = Vec::new();
        for &node in front.iter().take(FRONT) {
            let sides = [
                (self.graph.outgoing(node), Direction::Along),
                (self.graph.incoming(node), Direction::Against),
            ];
            for (mut pairs, direction) in sides {
                while let Some(&[predicate, _]) = pairs.first() {
                    steps.push(Step {
                        predicate,
                        direction,
                    });
                    pairs = &pairs[pairs.partition_point(|pair| pair[0] == predicate)..];
                }
            }
        }
        steps.sort_unstable();
        steps.dedup();
        steps.retain(|step| self.lexicon.has_relation(step.predicate));
        steps
    }
}

/// Where a step leads from a node.
fn follow(graph: &Graph, node: u32, step: Step) -> impl Iterator<Item = u32> + '_ {
    let pairs = match step.direction {
        Direction::Along => graph.objects(node, step.predicate),
        Direction::Against => graph.subjects(node, step.predicate),
    };
    pairs.chunk_by(|a, b| a == b).map(|same| same[0][1])
}

impl Question {
    /// How far the words that speak of a relation stand from the name, if any do.
    fn distance(&self, relation: u32) -> Option<f64> {
        let asked = self.asked.iter().find(|asked| asked.0 == relation);
        asked.map(|asked| asked.1)
    }

    /// How well a way fits: it should take every relation that the question speaks of and no other. What is said next to
    /// the name comes first and what is said farthest from it last, where it leads to its objects. Back from a shared
    /// entity goes the relation that led there. Of equals the shorter way is better.
    fn fit(&self, steps: &[Step]) -> f64 {
        let takes = |relation: u32| steps.iter().any(|step| step.predicate == relation);
        let taken = self.asked.iter().filter(|asked| takes(asked.0)).count() as f64;
        let mut relations: Vec<u32> = steps.iter().map(|step| step.predicate).collect();
        relations.sort_unstable();
        relations.dedup();
        let mut fit = taken - (self.asked.len() as f64 - taken) - (relations.len() as f64 - taken);
        for pair in steps.windows(2) {
            let same = pair[0].predicate == pair[1].predicate;
            fit -= match pair[1].direction {
                Direction::Against if !(same && pair[0].direction == Direction::Along) => 0.5,
                Direction::Along
                    if same && pair[0].direction == Direction::Against && relations.len() > 1 =>
                {
                    0.2
                }
                _ => 0.0,
            };
        }
        let distances = || self.asked.iter().map(|asked| asked.1);
        let (nearest, farthest) = (
            distances().fold(f64::MAX, f64::min),
            distances().fold(0.0, f64::max),
        );
        if let (Some(first), Some(last)) = (steps.first(), steps.last()) {
            let leads_out = self.asked.len() == 1 || last.direction == Direction::Along;
            fit += if self.distance(first.predicate) == Some(nearest) {
                0.5
            } else {
                0.0
            };
            fit += if self.distance(last.predicate) == Some(farthest) && leads_out {
                0.3
            } else {
                0.0
            };
        }
        fit - 0.02 * steps.len() as f64
    }
}

impl Way {
    /// At most `most` paths along the way that meet no node twice, in the order of their nodes.
    pub(super) fn paths(&self, graph: &Graph, topics: &[u32], most: usize) -> Vec<Path> {
        let mut walk = Walk {
            graph,
            steps: &self.steps,
            nodes: Vec::new(),
            facts: Vec::new(),
            found: Vec::new(),
            most,
            looks: LOOKS,
        };
        for &topic in topics {
            walk.nodes.push(topic);
            walk.go_on();
            walk.nodes.pop();
        }
        walk.found
    }
}

/// A walk along all paths of a way, depth first.
struct Walk<'a> {
    graph: &'a Graph,
    steps: &'a [Step],
    nodes: Vec<u32>,
    facts: Vec<u64>,
    found: Vec<Path>,
    most: usize,
    looks: usize,
}

impl Walk<'_> {
    fn go_on(&mut self) {
        let Some(&node) = self.nodes.last() else {
            return;
        };
        let Some(&step) = self.steps.get(self.facts.len()) else {
            self.found.push((node, self.facts.clone()));
            return;
        };
        for next in follow(self.graph, node, step) {
            if self.found.len() >= self.most || self.looks == 0 {
                return;
            }
            self.looks -= 1;
            if self.nodes.contains(&next) {
                continue;
            }
            let triple = match step.direction {
                Direction::Along => [node, step.predicate, next],
                Direction::Against => [next, step.predicate, node],
            };
            self.nodes.push(next);
            self.facts.push(self.graph.facts(triple).start);
            self.go_on();
            self.nodes.pop();
            self.facts.pop();
        }
    }
}
