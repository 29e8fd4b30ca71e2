//! Which part of the graph speaks for this request, within a budget of tokens.
//!
//! Paths to the candidates are gathered into [`Piece`]s: all paths to one candidate that take the same way are said
//! together ("shows a heart, like these three"). [`select`] picks pieces so that the sum over candidates of
//! `weight · √(share of the candidate's score that is told)` is large: telling a candidate's second reason is worth less than
//! another candidate's first. All weigh alike, or as much as a model does not know about them ([`gaps`]).
//!
//! Candidates only meet in the budget: of one candidate's pieces only the choices count that tell more than every cheaper
//! one, and a table over tokens puts these together. That finds the best choice there is. Where the table would be too
//! large, pieces are taken by gain per token; the value is monotone and submodular, so that is near the best (Nemhauser,
//! Wolsey & Fisher 1978; Khuller, Moss & Naor 1999), and [`Selection::bound`] says how near this time.
//!
//! A question in words has evidence too: [`evidence`] chooses the facts along the ways that answer it.
//!
//! What was chosen is also a petgraph graph ([`subgraph`]): the few nodes and edges that speak.

mod evidence;
mod gaps;
mod piece;
mod question;
pub mod selectors;
mod ways;
mod words;

pub use evidence::{Evidence, evidence, line, names};
pub use gaps::{Known, gaps};
pub use piece::{Candidate, Piece, is_counted, said, together};
pub use question::{Lexicon, Question};
pub use ways::{Direction, Step, Way};

use crate::graph::visit::Relation;
use crate::graph::{Edge, Graph};
use crate::model::EvidenceId;
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::{FxHashMap, FxHashSet};
use std::borrow::Borrow;

/// What was chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// Chosen pieces as (candidate, piece) indices, in the order of candidates.
    pub chosen: Vec<(usize, usize)>,
    /// Their tokens.
    pub cost: usize,
    /// The value reached.
    pub value: f64,
    /// No choice within the budget can have a larger value than this.
    pub bound: f64,
}

/// Steps of the exact search at most; beyond, pieces are taken by gain per token.
const STEPS: usize = 1 << 24;

/// Chooses pieces of at most `budget` tokens. `costs` tells the tokens of each candidate's pieces; pieces beyond the end
/// of their candidate's list are not considered. A piece costs at least one token.
pub fn select(
    candidates: &[impl Borrow<Candidate>],
    costs: &[Vec<usize>],
    budget: usize,
) -> Selection {
    select_weighed(candidates, costs, &[], budget)
}

/// The same, where telling of each candidate is worth its weight, 0 or more; of those without one, 1.
pub fn select_weighed(
    candidates: &[impl Borrow<Candidate>],
    costs: &[Vec<usize>],
    weights: &[f64],
    budget: usize,
) -> Selection {
    let choice = Choice::new(candidates, costs, weights, budget);
    let mut best = match choice.steps() {
        Some(steps) if steps <= STEPS => choice.exact(),
        _ => choice.greedy(),
    };
    best.bound = best.bound.max(best.value);
    best.chosen.sort_unstable();
    best
}

impl Selection {
    /// The same without its last piece; no more than the former bound can be reached, whatever was left out.
    #[must_use]
    pub fn without_last(
        &self,
        candidates: &[impl Borrow<Candidate>],
        costs: &[Vec<usize>],
        weights: &[f64],
    ) -> Self {
        let mut chosen = self.chosen.clone();
        chosen.pop();
        let choice = Choice::new(candidates, costs, weights, self.cost);
        Self {
            bound: self.bound,
            ..choice.selection(chosen)
        }
    }
}

/// What there is to choose from: for each candidate its pieces' shares of its score, and their tokens.
struct Choice {
    pieces: Vec<Vec<(f64, usize)>>,
    /// What telling of each candidate is worth.
    weights: Vec<f64>,
    budget: usize,
}

/// Some pieces of one candidate, one bit each.
#[derive(Clone, Copy, Default)]
struct Told {
    cost: usize,
    share: f64,
    pieces: u64,
}

impl Choice {
    fn new(
        candidates: &[impl Borrow<Candidate>],
        costs: &[Vec<usize>],
        weights: &[f64],
        budget: usize,
    ) -> Self {
        let weight = |index: usize| weights.get(index).map_or(1.0, |weight| weight.max(0.0));
        let weights = (0..candidates.len()).map(weight).collect();
        let candidates = candidates.iter().map(Borrow::borrow);
        let shares = |(candidate, costs): (&Candidate, &Vec<usize>)| {
            let part = |piece: &Piece| piece.contribution.max(0.0);
            let whole: f64 = candidate.pieces.iter().map(part).sum();
            let share = |piece: &Piece| {
                let share = part(piece) / whole;
                if share.is_finite() { share } else { 0.0 }
            };
            let costs = costs.iter().map(|&cost| cost.max(1));
            candidate.pieces.iter().map(share).zip(costs).collect()
        };
        let pieces: Vec<Vec<_>> = candidates.zip(costs).map(shares).collect();
        let all = pieces.iter().flatten().map(|piece| piece.1);
        let all = all.fold(0, usize::saturating_add);
        Self {
            pieces,
            weights,
            budget: budget.min(all),
        }
    }

    fn share(&self, (candidate, piece): (usize, usize)) -> f64 {
        self.pieces[candidate][piece].0
    }

    fn cost(&self, (candidate, piece): (usize, usize)) -> usize {
        self.pieces[candidate][piece].1
    }

    fn all(&self) -> impl Iterator<Item = (usize, usize)> {
        let pieces = self.pieces.iter().enumerate();
        pieces.flat_map(|(c, pieces)| (0..pieces.len()).map(move |p| (c, p)))
    }

    /// The shares of the candidates' scores that some pieces tell.
    fn told(&self, chosen: &[(usize, usize)]) -> Vec<f64> {
        let mut told = vec![0.0; self.pieces.len()];
        for &piece in chosen {
            told[piece.0] += self.share(piece);
        }
        told
    }

    fn selection(&self, chosen: Vec<(usize, usize)>) -> Selection {
        Selection {
            cost: chosen.iter().map(|&piece| self.cost(piece)).sum(),
            value: (self.weights.iter().zip(self.told(&chosen)))
                .map(|(weight, told)| weight * told.sqrt())
                .sum(),
            bound: 0.0,
            chosen,
        }
    }

    /// Steps of the exact search at most, unless it cannot be done.
    fn steps(&self) -> Option<usize> {
        let steps = |pieces: &Vec<(f64, usize)>| {
            let all = pieces.iter().map(|piece| piece.1);
            let told = all.fold(0, usize::saturating_add).min(self.budget);
            let few = pieces.len() <= u64::BITS as usize;
            few.then(|| told.saturating_mul(pieces.len() + self.budget))
        };
        let mut steps = self.pieces.iter().map(steps);
        steps.try_fold(0, |sum: usize, steps| Some(sum.saturating_add(steps?)))
    }

    /// The best choice.
    fn exact(&self) -> Selection {
        // The value that is reached with at most so many tokens, candidate by candidate.
        let mut best = vec![0.0; self.budget + 1];
        let mut tables = Vec::with_capacity(self.pieces.len());
        for candidate in 0..self.pieces.len() {
            let ways = self.ways(candidate);
            let mut next = best.clone();
            let mut taken = vec![0; next.len()];
            for (index, way) in ways.iter().enumerate().skip(1) {
                let value = self.weights[candidate] * way.share.sqrt();
                let slots = next[way.cost..].iter_mut().zip(&mut taken[way.cost..]);
                for ((slot, taken), before) in slots.zip(&best) {
                    if before + value > *slot {
                        (*slot, *taken) = (before + value, index);
                    }
                }
            }
            best = next;
            tables.push((ways, taken));
        }
        let most = best[self.budget];
        let mut room = best.partition_point(|&value| value < most);
        let mut chosen = Vec::new();
        for (candidate, (ways, taken)) in tables.iter().enumerate().rev() {
            let way = ways[taken[room]];
            let pieces = 0..self.pieces[candidate].len();
            chosen.extend(
                pieces
                    .filter(|p| way.pieces >> p & 1 == 1)
                    .map(|p| (candidate, p)),
            );
            room -= way.cost;
        }
        Selection {
            bound: most,
            ..self.selection(chosen)
        }
    }

    /// The choices of one candidate's pieces that tell more than every cheaper one, the cheapest first.
    fn ways(&self, candidate: usize) -> Vec<Told> {
        let mut ways = vec![Told::default()];
        for (index, &(share, cost)) in self.pieces[candidate].iter().enumerate() {
            let with = |way: &Told| Told {
                cost: way.cost + cost,
                share: way.share + share,
                pieces: way.pieces | 1 << index,
            };
            if cost > self.budget {
                continue;
            }
            let with: Vec<Told> = ways.iter().map(with).collect();
            ways.extend(with.into_iter().filter(|way| way.cost <= self.budget));
            ways.sort_by(|a, b| a.cost.cmp(&b.cost).then(b.share.total_cmp(&a.share)));
            let mut most = -1.0;
            ways.retain(|way| {
                let more = way.share > most;
                most = way.share.max(most);
                more
            });
        }
        ways
    }

    /// Piece by piece, always the one that gains most for its tokens.
    fn greedy(&self) -> Selection {
        let mut told = vec![0.0; self.pieces.len()];
        let mut left: Vec<(usize, usize)> = self.all().collect();
        let mut chosen = Vec::new();
        let mut room = self.budget;
        loop {
            left.retain(|&piece| self.cost(piece) <= room);
            let density =
                |piece: &(usize, usize)| self.gain(*piece, &told) / self.cost(*piece) as f64;
            let best = left.iter().copied().max_by(|a, b| {
                let denser = density(a).total_cmp(&density(b));
                denser.then(b.cmp(a))
            });
            let Some(piece) = best.filter(|piece| density(piece) > 0.0) else {
                break;
            };
            left.retain(|&other| other != piece);
            room -= self.cost(piece);
            told[piece.0] += self.share(piece);
            chosen.push(piece);
        }
        let mut best = self.selection(chosen);
        // The one piece that is worth most may not fit beside the others; the better of both keeps the guarantee.
        let affordable = self.all().filter(|&piece| self.cost(piece) <= self.budget);
        let nothing = vec![0.0; self.pieces.len()];
        let worth = |piece: &(usize, usize)| self.gain(*piece, &nothing);
        let single = affordable.max_by(|a, b| worth(a).total_cmp(&worth(b)));
        let single = self.selection(single.into_iter().collect());
        if single.value > best.value {
            best = single;
        }
        best.bound = self.bound(&best);
        best
    }

    /// What a piece adds to what is `told` already.
    fn gain(&self, piece: (usize, usize), told: &[f64]) -> f64 {
        let told = told[piece.0];
        self.weights[piece.0] * ((told + self.share(piece)).sqrt() - told.sqrt())
    }

    /// By submodularity the best choice is worth at most the present one plus the gains of its pieces taken alone;
    /// and those are at most what a fractional knapsack of the budget's size could hold of them.
    fn bound(&self, selection: &Selection) -> f64 {
        let told = self.told(&selection.chosen);
        let chosen: FxHashSet<_> = selection.chosen.iter().copied().collect();
        let mut gains: Vec<(f64, f64)> = self
            .all()
            .filter(|piece| !chosen.contains(piece) && self.cost(*piece) <= self.budget)
            .map(|piece| (self.gain(piece, &told), self.cost(piece) as f64))
            .collect();
        gains.sort_by(|a, b| (b.0 / b.1).total_cmp(&(a.0 / a.1)));
        let mut room = self.budget as f64;
        let mut bound = selection.value;
        for (gain, cost) in gains {
            bound += gain * (room / cost).min(1.0);
            room -= cost;
            if room <= 0.0 {
                break;
            }
        }
        bound
    }
}

/// The chosen part of the graph: nodes by their numbers, edges by evidence and relation, each once.
pub type Subgraph = DiGraph<u32, (EvidenceId, Relation)>;

/// The edges that some pieces rest on, as a graph of their own.
pub fn subgraph<'p>(graph: &Graph, pieces: impl IntoIterator<Item = &'p Piece>) -> Subgraph {
    let mut chosen = Subgraph::new();
    let mut nodes: FxHashMap<u32, NodeIndex> = FxHashMap::default();
    let mut seen = FxHashSet::default();
    for &id in pieces.into_iter().flat_map(|p| &p.evidence) {
        let Some(edge) = graph.edge(id).filter(|_| seen.insert(id)) else {
            continue;
        };
        let (from, to, relation) = match edge {
            Edge::Fact(fact) => (
                fact.triple[0],
                fact.triple[2],
                Relation::Fact(fact.triple[1]),
            ),
            Edge::Interaction { user, item } => (user, item, Relation::Interacted),
            Edge::Link { kind, from, to, .. } => (from, to, Relation::Link(kind)),
        };
        let [from, to] = [from, to].map(|n| *nodes.entry(n).or_insert_with(|| chosen.add_node(n)));
        chosen.add_edge(from, to, (id, relation));
    }
    chosen
}
