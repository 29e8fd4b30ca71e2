//! How good one ranked list is, and how a list of users' figures varies.
//!
//! With `r_i` the gain of the item at rank `i` (1 or 0, or `2^rating - 1`), `k` the length of the list and `n` the number of
//! relevant items:
//!
//! | metric | |
//! |---|---|
//! | HR | 1 if any of the first `k` is relevant |
//! | recall | relevant ones among the first `k`, divided by `n` |
//! | precision | the same, divided by `k` |
//! | NDCG | `Σ r_i / log2(i + 1)` over the first `k`, divided by that of the best order (Järvelin & Kekäläinen 2002) |
//! | MRR | one over the rank of the first relevant one, 0 if it is not among the first `k` |
//! | MAP | mean precision at the ranks of the relevant ones, divided by `min(n, k)` |

use super::random::Random;
use rayon::prelude::*;
use serde::Serialize;

/// The names of the metrics of [`judge`], in its order.
pub const METRICS: [&str; 6] = ["ndcg", "hr", "recall", "precision", "mrr", "map"];

/// The metrics of a ranked list's first `k`; `gain` tells an item's gain, and `gains` are those of all relevant items.
pub fn judge(
    ranked: &[u32],
    gain: impl Fn(u32) -> f64,
    gains: &[f64],
    k: usize,
) -> [f64; METRICS.len()] {
    let discount = |rank: usize| ((rank + 2) as f64).log2();
    let (mut dcg, mut hits, mut first, mut precisions) = (0.0, 0usize, None, 0.0);
    for (rank, &item) in ranked.iter().take(k).enumerate() {
        let gain = gain(item);
        if gain > 0.0 {
            hits += 1;
            dcg += gain / discount(rank);
            first.get_or_insert(rank);
            precisions += hits as f64 / (rank + 1) as f64;
        }
    }
    let mut best = gains.to_vec();
    best.sort_by(|a, b| b.total_cmp(a));
    let ideal: f64 = best
        .iter()
        .take(k)
        .enumerate()
        .map(|(rank, gain)| gain / discount(rank))
        .sum();
    let over = |value: f64, by: f64| if by > 0.0 { value / by } else { 0.0 };
    [
        over(dcg, ideal),
        if hits > 0 { 1.0 } else { 0.0 },
        over(hits as f64, gains.len() as f64),
        over(hits as f64, k as f64),
        first.map_or(0.0, |rank| 1.0 / (rank + 1) as f64),
        over(precisions, gains.len().min(k) as f64),
    ]
}

/// A mean with its 95 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// 2.5 % of the resamples are below.
    pub low: f64,
    /// 2.5 % of the resamples are above.
    pub high: f64,
}

/// How two scorers differ over the same users.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The mean difference.
    pub mean: f64,
    /// 2.5 % of the resamples are below.
    pub low: f64,
    /// 2.5 % of the resamples are above.
    pub high: f64,
    /// Two-sided: how often resamples lie on the other side of 0, twice; at least one over the number of resamples.
    pub p: f64,
}

/// Resamples of the bootstrap.
const RESAMPLES: u64 = 1000;

/// The mean of values with the percentile bootstrap's interval (Efron 1979). Equal seeds and numbers of values draw the
/// same resamples.
pub fn estimate(values: &[f64], seed: u64) -> Estimate {
    let (mean, means) = resampled(values, seed);
    interval(mean, &means)
}

/// The interval that sorted means of resamples give.
fn interval(mean: f64, means: &[f64]) -> Estimate {
    let at = |share: f64| means[((means.len() - 1) as f64 * share).round() as usize];
    Estimate {
        mean,
        low: at(0.025),
        high: at(0.975),
    }
}

/// The paired bootstrap of differences.
pub fn compare(values: &[f64], others: &[f64], seed: u64) -> Difference {
    let differences: Vec<f64> = values.iter().zip(others).map(|(a, b)| a - b).collect();
    let (mean, means) = resampled(&differences, seed);
    let Estimate { mean, low, high } = interval(mean, &means);
    let below = means.iter().filter(|&&mean| mean <= 0.0).count();
    let above = means.iter().filter(|&&mean| mean >= 0.0).count();
    let p = 2.0 * below.min(above).max(1) as f64 / means.len() as f64;
    Difference {
        mean,
        low,
        high,
        p: p.min(1.0),
    }
}

/// The mean, and the sorted means of the resamples.
fn resampled(values: &[f64], seed: u64) -> (f64, Vec<f64>) {
    let count = values.len();
    let mean = values.iter().sum::<f64>() / count.max(1) as f64;
    let draw = |number: u64| {
        let mut random = Random::of(seed, number);
        let sum: f64 = (0..count).map(|_| values[random.below(count)]).sum();
        sum / count.max(1) as f64
    };
    let mut means: Vec<f64> = (0..RESAMPLES).into_par_iter().map(draw).collect();
    means.sort_by(f64::total_cmp);
    (mean, means)
}

/// The Gini coefficient of how often items are recommended: 0 if all equally often, near 1 if few take all.
pub fn gini(counts: &[usize]) -> f64 {
    let mut sorted = counts.to_vec();
    sorted.sort_unstable();
    let (n, all) = (sorted.len() as f64, sorted.iter().sum::<usize>() as f64);
    if n == 0.0 || all == 0.0 {
        return 0.0;
    }
    let ranked: f64 = sorted
        .iter()
        .enumerate()
        .map(|(rank, &count)| (rank + 1) as f64 * count as f64)
        .sum();
    (2.0 * ranked / (n * all) - (n + 1.0) / n).max(0.0)
}
