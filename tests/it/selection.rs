//! The choice of evidence: within the budget, below its bound, and as good as the best there is.

use crate::shop::Shop;
use kenning::scoring::Route;
use kenning::selection::{Candidate, Known, Piece, Selection, gaps, select, select_weighed};
use proptest::collection::vec;
use proptest::prelude::*;

fn candidate(item: u32, contributions: &[f64]) -> Candidate {
    let piece = |(via, &contribution): (u32, &f64)| Piece {
        route: Route::Shared(0),
        via: Some(via),
        to: item,
        from: vec![1],
        more: 0,
        contribution,
        evidence: Vec::new(),
    };
    Candidate {
        item,
        score: contributions.iter().sum(),
        pieces: (0..).zip(contributions).map(piece).collect(),
    }
}

fn value(candidates: &[Candidate], weights: &[f64], chosen: &[(usize, usize)]) -> f64 {
    let told = |c: usize| {
        let positive = |p: &Piece| p.contribution.max(0.0);
        let whole: f64 = candidates[c].pieces.iter().map(positive).sum();
        let pieces = chosen.iter().filter(|piece| piece.0 == c);
        let part: f64 = pieces
            .map(|&(_, p)| positive(&candidates[c].pieces[p]))
            .sum();
        if whole > 0.0 {
            weights.get(c).unwrap_or(&1.0) * (part / whole).sqrt()
        } else {
            0.0
        }
    };
    (0..candidates.len()).map(told).sum()
}

fn optimum(
    candidates: &[Candidate],
    (costs, weights): (&[Vec<usize>], &[f64]),
    budget: usize,
) -> f64 {
    let all: Vec<(usize, usize)> = (0..candidates.len())
        .flat_map(|c| (0..costs[c].len()).map(move |p| (c, p)))
        .collect();
    let mut best = 0f64;
    for set in 0..1u32 << all.len() {
        let chosen: Vec<_> = all
            .iter()
            .zip(0..)
            .filter(|(_, i)| set >> i & 1 == 1)
            .map(|(p, _)| *p)
            .collect();
        if chosen
            .iter()
            .map(|&(c, p)| costs[c][p].max(1))
            .sum::<usize>()
            <= budget
        {
            best = best.max(value(candidates, weights, &chosen));
        }
    }
    best
}

/// Contributions and costs of the pieces of some candidates.
type Given = Vec<Vec<(f64, usize)>>;

fn given(instance: &Given) -> (Vec<Candidate>, Vec<Vec<usize>>) {
    let candidates = (0..).zip(instance).map(|(item, pieces)| {
        let contributions: Vec<f64> = pieces.iter().map(|piece| piece.0).collect();
        candidate(item, &contributions)
    });
    let costs = instance
        .iter()
        .map(|pieces| pieces.iter().map(|piece| piece.1).collect());
    (candidates.collect(), costs.collect())
}

fn check(instance: &Given, budget: usize) -> Selection {
    check_weighed(instance, &[], budget)
}

fn check_weighed(instance: &Given, weights: &[f64], budget: usize) -> Selection {
    let (candidates, costs) = given(instance);
    let selection = select_weighed(&candidates, &costs, weights, budget);
    let cost = |&(c, p): &(usize, usize)| costs[c][p].max(1);
    assert_eq!(
        selection.cost,
        selection.chosen.iter().map(cost).sum::<usize>()
    );
    assert!(selection.cost <= budget, "{} of {budget}", selection.cost);
    assert!(
        selection.chosen.windows(2).all(|w| w[0] < w[1]),
        "in order, each once"
    );
    let sum = value(&candidates, weights, &selection.chosen);
    assert!(
        (selection.value - sum).abs() < 1e-9,
        "{} is not {sum}",
        selection.value
    );
    assert!(selection.value <= selection.bound);
    selection
}

/// Contributions of all sizes, some of them against the candidate.
fn contribution() -> impl Strategy<Value = f64> {
    (-0.2..1.0f64, 1..4).prop_map(|(x, power)| x.powi(power))
}

proptest! {
    #[test]
    fn small_choices_are_the_best_there_are(
        instance in vec(vec((contribution(), 0..30usize), 0..4), 0..5),
        weights in vec(0.0..4.0f64, 0..6),
        budget in 0..150usize,
    ) {
        let selection = check_weighed(&instance, &weights, budget);
        let (candidates, costs) = given(&instance);
        let best = optimum(&candidates, (&costs, &weights), budget);
        prop_assert!((selection.value - best).abs() < 1e-9, "{} of {best}", selection.value);
        prop_assert!(selection.bound - best < 1e-9, "the bound is {}", selection.bound);
    }

    /// More pieces than the exact search takes.
    #[test]
    fn large_choices_keep_the_budget_and_half_of_the_bound(
        instance in vec(vec((contribution(), 1..30usize), 60..70), 1..4),
        weights in vec(0.0..4.0f64, 0..5),
        budget in 0..2000usize,
    ) {
        let mut instance: Given = instance;
        instance.push(vec![(0.5, 20); 65]);
        let selection = check_weighed(&instance, &weights, budget);
        prop_assert!(selection.value >= selection.bound * 0.5);
    }
}

#[test]
fn what_cannot_be_compared_is_not_chosen() {
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0] {
        let selection = check(&vec![vec![(odd, 5)], vec![(1.0, 5)]], 100);
        assert_eq!(selection.chosen, [(1, 0)], "{odd}");
    }
    assert_eq!(select(&[] as &[Candidate], &[], 100), Selection::default());
    let cheap = check(&vec![vec![(1.0, 0), (0.5, 0)]], 1);
    assert_eq!(
        (cheap.chosen, cheap.cost),
        (vec![(0, 0)], 1),
        "everything costs a token"
    );
    let huge = check(
        &vec![vec![(1.0, usize::MAX), (0.5, 3)], vec![(1.0, usize::MAX)]],
        10,
    );
    assert_eq!(huge.chosen, [(0, 1)]);
}

/// What a model does not know, and what it is asked for: rare items, and those that stand close together.
#[test]
fn rare_and_undecided_candidates_are_worth_more() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let mut items: Vec<u32> = graph.items().collect();
    items.sort_by_key(|&item| graph.met_by(item).len());
    let (rare, known) = (items[0], items[items.len() - 1]);
    assert!(graph.met_by(rare).len() < graph.met_by(known).len());
    let weights = gaps(
        graph,
        &[candidate(known, &[1.0]), candidate(rare, &[1.0])],
        &Known::default(),
    );
    assert_eq!(
        weights[0], 2.0,
        "it is known best, and its order is undecided"
    );
    assert!(weights[1] > 2.0 && weights[1] <= 4.0, "{weights:?}");
    let scores = [9.0, 5.0, 4.9, 1.0].map(|score| candidate(known, &[score]));
    let weights = gaps(graph, &scores, &Known::default());
    assert!(weights[1] == weights[2] && weights[1] > 1.9, "{weights:?}");
    assert!(weights[0] < 1.5 && weights[3] < 1.5, "{weights:?}");
    assert_eq!(
        gaps(graph, &[candidate(known, &[3.0])], &Known::default()),
        [2.0]
    );
    assert_eq!(
        gaps(graph, &[] as &[Candidate], &Known::default()),
        [] as [f64; 0]
    );
}

/// What a model said of an item counts, and how many people met it then does not.
#[test]
fn an_answer_goes_before_popularity() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let popular = graph.items().max_by_key(|&item| graph.met_by(item).len());
    let item = popular.unwrap();
    let weigh = |known: &Known| gaps(graph, &[candidate(item, &[1.0])], known)[0];
    assert_eq!(weigh(&Known::default()), 2.0);
    assert_eq!(weigh(&Known::from_iter([(item, 0.0)])), 4.0);
    assert_eq!(weigh(&Known::from_iter([(item, 0.25)])), 3.5);
    assert_eq!(weigh(&Known::from_iter([(item + 1, 0.0)])), 2.0);
}

/// A dense piece that fits beside nothing misled the choice by gain per token.
#[test]
fn a_dense_piece_does_not_block_a_better_choice() {
    let instance = vec![vec![(0.1, 1), (0.9, 10)]];
    let selection = check(&instance, 10);
    assert_eq!(selection.chosen, [(0, 1)]);
    assert_eq!(selection.value, selection.bound);
}
