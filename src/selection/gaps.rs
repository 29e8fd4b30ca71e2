//! What a language model is likely not to know of candidates, and what it is needed for.
//!
//! Of an item that many people met a model has read; of a rare one it knows nothing, so that evidence tells it more (Mallen et
//! al. 2023, arXiv 2212.10511, find that of questions about rare things). Where the model was asked, its own answers say so
//! instead. And where two candidates have nearly the same score, the evidence decides their order, while far from others it changes nothing.

use super::Candidate;
use crate::graph::Graph;
use rustc_hash::FxHashMap;
use std::borrow::Borrow;

/// How well a model knows items, from 0 to 1, where it was asked about them.
pub type Known = FxHashMap<u32, f64>;

/// What telling of each candidate is worth, from 1 to 4: `(1 + unknown) · (1 + undecided)`.
///
/// *Unknown* is 1 less how well the model knows an item. Where that was not found it is 0 for the most popular item of the graph
/// and 1 for one that nobody met, by the logarithm of how many people did.
/// *Undecided* is 1 for a candidate with the score of another, a half where the nearest one is as far as neighbours are on
/// average, and near 0 far from all.
pub fn gaps(graph: &Graph, candidates: &[impl Borrow<Candidate>], known: &Known) -> Vec<f64> {
    let people = |item: u32| (1.0 + graph.met_by(item).len() as f64).ln();
    let most = graph.items().map(people).fold(0.0, f64::max);
    let candidates: Vec<&Candidate> = candidates.iter().map(Borrow::borrow).collect();
    let undecided = undecided(&candidates);
    let weight = |(candidate, undecided): (&&Candidate, f64)| {
        let popular = || people(candidate.item) / most;
        let known = known.get(&candidate.item).copied().unwrap_or_else(popular);
        let unknown = if known.is_finite() { 1.0 - known } else { 1.0 };
        (1.0 + unknown) * (1.0 + undecided)
    };
    candidates.iter().zip(undecided).map(weight).collect()
}

/// How near the score of each is to the nearest other one.
fn undecided(candidates: &[&Candidate]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    let score = |index: usize| candidates[index].score;
    order.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
    let distances = order.windows(2).map(|pair| score(pair[0]) - score(pair[1]));
    let distances: Vec<f64> = distances.collect();
    let mean = distances.iter().sum::<f64>() / distances.len().max(1) as f64;
    let mut undecided = vec![0.0; candidates.len()];
    for (place, &index) in order.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|place| distances.get(place));
        let nearest = before.into_iter().chain(distances.get(place)).copied();
        let nearest = nearest.fold(f64::INFINITY, f64::min);
        undecided[index] = match mean > 0.0 {
            true => mean / (mean + nearest),
            false => 1.0,
        };
    }
    undecided
}
