//! What is ranked for a user, as a protocol says, and in which order.

use super::negatives::Popular;
use super::{Draw, Protocol};
use crate::evaluation::random::Random;
use crate::evaluation::trained::Case;
use crate::graph::Graph;
use rustc_hash::FxHashSet;
use std::cmp::Ordering;

/// One ranking: whose, what is relevant in it, and the first items with scores.
pub(in crate::evaluation) struct Ranked<'c> {
    pub(in crate::evaluation) user: u32,
    pub(in crate::evaluation) relevant: &'c [(u32, f32)],
    pub(in crate::evaluation) list: Vec<(u32, f64)>,
}

/// Makes the rankings of the users of one graph.
pub(in crate::evaluation) struct Rankings<'g> {
    graph: &'g Graph,
    protocol: Protocol,
    /// Of the negatives.
    seed: u64,
    popular: Popular,
}

impl<'g> Rankings<'g> {
    /// Prepares to draw negatives of what the graph knows: nothing that was held out.
    pub(in crate::evaluation) fn new(graph: &'g Graph, protocol: Protocol, seed: u64) -> Self {
        Self {
            graph,
            protocol,
            seed,
            popular: Popular::of(graph),
        }
    }

    /// The first `k` of each ranking of a user, by the scores of all items.
    pub(in crate::evaluation) fn of<'c>(
        &self,
        (user, relevant): &'c Case,
        scores: &[f64],
        k: usize,
    ) -> Vec<Ranked<'c>> {
        let user = *user;
        let (negatives, draw) = match self.protocol {
            Protocol::Full => {
                let list = unmet(self.graph, user, scores, k);
                return vec![Ranked {
                    user,
                    relevant,
                    list,
                }];
            }
            Protocol::OnePlus { negatives, draw } => (negatives, draw),
        };
        let first = self.graph.items().start;
        let scored = |item: u32| (item, scores[(item - first) as usize]);
        let met = self.graph.met(user).iter().copied();
        let known: FxHashSet<u32> = met.chain(relevant.iter().map(|held| held.0)).collect();
        let each = relevant.chunks(1).map(|target| {
            let items = self.among(user, target[0].0, (negatives, draw), &known);
            Ranked {
                user,
                relevant: target,
                list: best(items.into_iter().map(scored).collect(), k),
            }
        });
        each.collect()
    }

    /// One item held out, and what it is ranked among.
    fn among(
        &self,
        user: u32,
        target: u32,
        (negatives, draw): (usize, Draw),
        known: &FxHashSet<u32>,
    ) -> Vec<u32> {
        let mut random = Random::of(self.seed, u64::from(user) << 32 | u64::from(target));
        let mut items = self.popular.draw(negatives, draw, known, &mut random);
        items.push(target);
        items
    }
}

/// The best `k` items that a user did not meet, by the scores of all.
pub(in crate::evaluation) fn unmet(
    graph: &Graph,
    user: u32,
    scores: &[f64],
    k: usize,
) -> Vec<(u32, f64)> {
    let met = graph.met(user);
    let items = graph.items().zip(scores.iter().copied());
    let open = items.filter(|(item, _)| met.binary_search(item).is_err());
    best(open.collect(), k)
}

/// The best `k`, equal scores by number; what is not a number is worst.
fn best(mut scored: Vec<(u32, f64)>, k: usize) -> Vec<(u32, f64)> {
    let key = |score: f64| {
        if score.is_nan() {
            f64::NEG_INFINITY
        } else {
            score
        }
    };
    let order = |a: &(u32, f64), b: &(u32, f64)| -> Ordering {
        key(b.1).total_cmp(&key(a.1)).then(a.0.cmp(&b.0))
    };
    if k < scored.len() && k > 0 {
        scored.select_nth_unstable_by(k - 1, order);
    }
    scored.truncate(k);
    // Or each list would go on holding the place of the whole catalogue.
    scored.shrink_to_fit();
    scored.sort_unstable_by(order);
    scored
}
