//! The facts that speak most for a question, within a budget.
//!
//! A way weighs by its fit (a softmax). Each of the `n` things that it leads to has `n^-½` of the weight, and is told by
//! its paths: half of its part by the first, a quarter by the second, and so on. That value is monotone and
//! submodular in the paths; a path costs the tokens of those of its facts that were not told yet. Paths are taken by
//! gain per token.
//!
//! [`Evidence::bound`] says what any choice could reach at most: by submodularity the value of this one and the gains
//! that all other paths have beside it, as far as a fractional knapsack holds them; and as facts are shared, a path costs
//! at least the sum over its facts of their tokens divided by the number of paths that need them.

use super::question::{Lexicon, Question};
use super::ways::{self, Way};
use crate::Result;
use crate::graph::Graph;
use crate::model::term;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::hash_map::Entry;

/// Ways that evidence is taken from.
const WAYS: usize = 12;
/// How sharply a better fit is preferred.
const SHARPNESS: f64 = 16.0;
/// A fact has at least so many tokens: that bounds how many paths can be told.
const LEAST_COST: usize = 4;

/// Facts that were chosen for a question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Numbers of the facts, in the order in which they were taken.
    pub facts: Vec<u64>,
    /// Their tokens.
    pub cost: usize,
    /// The value reached.
    pub value: f64,
    /// No choice among the paths that were looked at can have a larger value than this.
    pub bound: f64,
}

/// Chooses facts of at most `budget` tokens; `cost` tells the tokens of a fact.
pub fn evidence(
    graph: &Graph,
    lexicon: &Lexicon,
    question: &Question,
    cost: &dyn Fn(u64) -> Result<usize>,
    budget: usize,
) -> Result<Evidence> {
    let mut ways = ways::ways(graph, lexicon, question);
    ways.truncate(WAYS);
    let mut choice = Choice::new(graph, question, &ways, cost, budget)?;
    choice.choose(budget);
    Ok(choice.evidence(budget))
}

/// The names of a fact's subject, relation and object.
pub fn names(graph: &Graph, fact: u64) -> [&str; 3] {
    let name = |number: u32| match graph.nodes().contains(&number) {
        true => graph.label(number),
        false => term::lexical(graph.term(number)).unwrap_or_default(),
    };
    graph
        .fact(fact)
        .map_or([""; 3], |fact| fact.triple.map(name))
}

/// A fact as a line of text: what its tokens are counted on.
pub fn line(graph: &Graph, fact: u64) -> String {
    format!("{}\n", names(graph, fact).join(" | "))
}

/// A path that may be told.
struct Tale {
    end: usize,
    facts: Vec<usize>,
    /// Tokens of its facts that are not told.
    cost: usize,
}

struct Choice {
    tales: Vec<Tale>,
    /// For each end of a way what of its probability is not told.
    untold: Vec<f64>,
    /// Facts by the order in which they were met, with their tokens.
    facts: Vec<(u64, usize)>,
    /// The tales that need a fact.
    needed_by: Vec<Vec<usize>>,
    /// Facts told, in order.
    told: Vec<usize>,
    /// Tales not told.
    open: Vec<bool>,
    whole: f64,
}

impl Choice {
    fn new(
        graph: &Graph,
        question: &Question,
        ways: &[Way],
        cost: &dyn Fn(u64) -> Result<usize>,
        budget: usize,
    ) -> Result<Self> {
        let best = ways.first().map_or(0.0, |way| way.fit);
        let weight = |way: &Way| (SHARPNESS * (way.fit - best)).exp();
        let all: f64 = ways.iter().map(weight).sum();
        let mut choice = Self {
            tales: Vec::new(),
            untold: Vec::new(),
            facts: Vec::new(),
            needed_by: Vec::new(),
            told: Vec::new(),
            open: Vec::new(),
            whole: 0.0,
        };
        let mut numbers: FxHashMap<u64, usize> = FxHashMap::default();
        for way in ways {
            let paths = way.paths(graph, &question.topics, budget / LEAST_COST + 1);
            let ends: FxHashSet<u32> = paths.iter().map(|path| path.0).collect();
            let share = weight(way) / all / (ends.len().max(1) as f64).sqrt();
            let mut places: FxHashMap<u32, usize> = FxHashMap::default();
            for (end, facts) in paths {
                let end = *places.entry(end).or_insert_with(|| {
                    choice.untold.push(share);
                    choice.untold.len() - 1
                });
                for &fact in &facts {
                    if let Entry::Vacant(place) = numbers.entry(fact) {
                        place.insert(choice.facts.len());
                        choice.facts.push((fact, cost(fact)?.max(1)));
                        choice.needed_by.push(Vec::new());
                    }
                }
                let facts: Vec<usize> = facts.iter().map(|fact| numbers[fact]).collect();
                let tale = choice.tales.len();
                facts
                    .iter()
                    .for_each(|&fact| choice.needed_by[fact].push(tale));
                let cost = facts.iter().map(|&fact| choice.facts[fact].1).sum();
                choice.tales.push(Tale { end, facts, cost });
            }
        }
        choice.whole = choice.untold.iter().sum();
        choice.open = vec![true; choice.tales.len()];
        Ok(choice)
    }

    /// What telling a tale adds.
    fn gain(&self, tale: &Tale) -> f64 {
        self.untold[tale.end] / 2.0
    }

    /// Tale by tale, always the one that gains most for its tokens. One whose facts are all told costs nothing.
    fn choose(&mut self, budget: usize) {
        let mut room = budget;
        let mut is_told = vec![false; self.facts.len()];
        loop {
            let density =
                |&(_, tale): &(usize, &Tale)| self.gain(tale) / (tale.cost as f64).max(1e-9);
            let affordable = self
                .tales
                .iter()
                .enumerate()
                .filter(|&(index, tale)| self.open[index] && tale.cost <= room);
            let best =
                affordable.max_by(|a, b| density(a).total_cmp(&density(b)).then(b.0.cmp(&a.0)));
            let Some((index, _)) = best else { return };
            self.open[index] = false;
            self.untold[self.tales[index].end] /= 2.0;
            room -= self.tales[index].cost;
            for fact in self.tales[index].facts.clone() {
                if std::mem::replace(&mut is_told[fact], true) {
                    continue;
                }
                self.told.push(fact);
                for &tale in &self.needed_by[fact] {
                    self.tales[tale].cost -= self.facts[fact].1;
                }
            }
        }
    }

    fn evidence(self, budget: usize) -> Evidence {
        let value = self.whole - self.untold.iter().sum::<f64>();
        Evidence {
            facts: self.told.iter().map(|&fact| self.facts[fact].0).collect(),
            cost: self.told.iter().map(|&fact| self.facts[fact].1).sum(),
            value,
            bound: self.bound(value, budget),
        }
    }

    fn bound(&self, value: f64, budget: usize) -> f64 {
        let shared = |&fact: &usize| self.facts[fact].1 as f64 / self.needed_by[fact].len() as f64;
        let open = self.tales.iter().zip(&self.open).filter(|(_, open)| **open);
        let gains =
            open.map(|(tale, _)| (self.gain(tale), tale.facts.iter().map(shared).sum::<f64>()));
        let mut gains: Vec<(f64, f64)> = gains.collect();
        gains.sort_by(|a, b| (b.0 * a.1).total_cmp(&(a.0 * b.1)));
        let (mut bound, mut room) = (value, budget as f64);
        for (gain, cost) in gains {
            bound += gain * (room / cost.max(1e-9)).min(1.0);
            room -= cost;
            if room <= 0.0 {
                break;
            }
        }
        bound.min(self.whole)
    }
}
