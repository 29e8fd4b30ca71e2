//! Which part of the graph speaks for this request, within a budget of tokens.
//!
//! Paths to the candidates are gathered into [`Piece`]s: all paths to one candidate that take the same way are said
//! together ("shows a heart, like these three"). [`select`] picks pieces so that the sum over candidates of
//! `√(share of the candidate's score that is told)` is large: telling a candidate's second reason is worth less than
//! another candidate's first. That value is monotone and submodular, so the greedy choice by gain per token is near the
//! best (Nemhauser, Wolsey & Fisher 1978; Khuller, Moss & Naor 1999), and [`Selection::bound`] says how near this time.
//!
//! What was chosen is also a petgraph graph ([`subgraph`]): the few nodes and edges that speak.

use crate::graph::visit::Relation;
use crate::graph::{Edge, Graph};
use crate::model::EvidenceId;
use crate::scoring::{Path, Profile, Route, Scored, Scorer};
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

/// One item of the history is named in a piece at most so often; the others are counted.
const NAMED: usize = 3;

/// An item that may be recommended, with all paths to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The item's node.
    pub item: u32,
    /// Sum of the paths' contributions.
    pub score: f64,
    /// The pieces of evidence for it, the largest contribution first.
    pub pieces: Vec<Piece>,
}

/// Paths to one candidate that take the same way: one thing to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// The way.
    pub route: Route,
    /// The entity on the way.
    pub via: Option<u32>,
    /// The candidate.
    pub to: u32,
    /// Items of the history that it starts from, the strongest first; at most three.
    pub from: Vec<u32>,
    /// How many more there are.
    pub more: usize,
    /// What the paths add to the score together.
    pub contribution: f64,
    /// The edges of the paths from [`Piece::from`].
    pub evidence: Vec<EvidenceId>,
}

impl Candidate {
    /// Gathers the paths to an item. Ways from different items of the history through computed links stay apart:
    /// each has its own numbers.
    pub fn gather(scorer: &Scorer, profile: &Profile, scored: Scored) -> Self {
        let paths = scorer.paths(profile, scored.item);
        let mut pieces: BTreeMap<(Route, Option<u32>, Option<u32>), Piece> = BTreeMap::new();
        for path in &paths {
            let apart = match path.route {
                Route::Link(_) | Route::Stated(_) => path.from,
                _ => None,
            };
            let piece = pieces
                .entry((path.route, path.via, apart))
                .or_insert_with(|| Piece::of(path));
            piece.add(path);
        }
        let mut pieces: Vec<Piece> = pieces.into_values().collect();
        pieces.sort_by(|a, b| b.contribution.total_cmp(&a.contribution));
        Self {
            item: scored.item,
            score: scored.score,
            pieces,
        }
    }
}

impl Piece {
    fn of(path: &Path) -> Self {
        Self {
            route: path.route,
            via: path.via,
            to: path.to,
            from: Vec::new(),
            more: 0,
            contribution: 0.0,
            evidence: Vec::new(),
        }
    }

    fn add(&mut self, path: &Path) {
        self.contribution += path.contribution;
        if self.from.len() < NAMED {
            self.from.extend(path.from);
            for &edge in &path.evidence {
                if !self.evidence.contains(&edge) {
                    self.evidence.push(edge);
                }
            }
        } else {
            self.more += 1;
        }
    }
}

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

/// Chooses pieces of at most `budget` tokens. `costs` tells the tokens of each candidate's pieces; pieces beyond the end
/// of their candidate's list are not considered.
pub fn select(candidates: &[Candidate], costs: &[Vec<usize>], budget: usize) -> Selection {
    let greedy = Greedy::new(candidates, costs);
    let mut best = greedy.run(budget);
    // The one piece that is worth most may not fit beside the greedy choice; the better of both keeps the guarantee.
    if let Some(single) = greedy.best_single(budget)
        && single.value > best.value
    {
        best = single;
    }
    best.bound = greedy.bound(&best, budget).max(best.value);
    best.chosen.sort_unstable();
    best
}

struct Greedy<'a> {
    candidates: &'a [Candidate],
    costs: &'a [Vec<usize>],
}

impl<'a> Greedy<'a> {
    fn new(candidates: &'a [Candidate], costs: &'a [Vec<usize>]) -> Self {
        Self { candidates, costs }
    }

    fn share(&self, (candidate, piece): (usize, usize)) -> f64 {
        let candidate = &self.candidates[candidate];
        let whole: f64 = candidate
            .pieces
            .iter()
            .map(|p| p.contribution.max(0.0))
            .sum();
        let part = candidate.pieces[piece].contribution.max(0.0);
        if whole > 0.0 { part / whole } else { 0.0 }
    }

    fn cost(&self, (candidate, piece): (usize, usize)) -> usize {
        self.costs[candidate][piece].max(1)
    }

    fn all(&self) -> impl Iterator<Item = (usize, usize)> {
        let pieces = self.costs.iter().enumerate();
        pieces.flat_map(|(c, costs)| (0..costs.len()).map(move |p| (c, p)))
    }

    /// What a piece adds when `told` of its candidate's score is told already.
    fn gain(&self, piece: (usize, usize), told: f64) -> f64 {
        (told + self.share(piece)).sqrt() - told.sqrt()
    }

    fn run(&self, budget: usize) -> Selection {
        let mut told = vec![0.0; self.candidates.len()];
        let mut left: Vec<(usize, usize)> = self.all().collect();
        let mut chosen = Selection::default();
        loop {
            left.retain(|&piece| chosen.cost + self.cost(piece) <= budget);
            let density = |piece: &(usize, usize)| {
                self.gain(*piece, told[piece.0]) / self.cost(*piece) as f64
            };
            let best = left.iter().copied().max_by(|a, b| {
                let denser = density(a).total_cmp(&density(b));
                denser.then(b.cmp(a))
            });
            let Some(piece) = best.filter(|piece| density(piece) > 0.0) else {
                return chosen;
            };
            left.retain(|&other| other != piece);
            chosen.value += self.gain(piece, told[piece.0]);
            chosen.cost += self.cost(piece);
            chosen.chosen.push(piece);
            told[piece.0] += self.share(piece);
        }
    }

    fn best_single(&self, budget: usize) -> Option<Selection> {
        let affordable = self.all().filter(|&piece| self.cost(piece) <= budget);
        let best = affordable.max_by(|a, b| self.gain(*a, 0.0).total_cmp(&self.gain(*b, 0.0)))?;
        Some(Selection {
            chosen: vec![best],
            cost: self.cost(best),
            value: self.gain(best, 0.0),
            bound: 0.0,
        })
    }

    /// By submodularity the best choice is worth at most the present one plus the gains of its pieces taken alone;
    /// and those are at most what a fractional knapsack of the budget's size could hold of them.
    fn bound(&self, selection: &Selection, budget: usize) -> f64 {
        let mut told = vec![0.0; self.candidates.len()];
        for &piece in &selection.chosen {
            told[piece.0] += self.share(piece);
        }
        let mut gains: Vec<(f64, f64)> = self
            .all()
            .filter(|piece| !selection.chosen.contains(piece) && self.cost(*piece) <= budget)
            .map(|piece| (self.gain(piece, told[piece.0]), self.cost(piece) as f64))
            .collect();
        gains.sort_by(|a, b| (b.0 / b.1).total_cmp(&(a.0 / a.1)));
        let mut room = budget as f64;
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
