//! PageRank: how likely a walk along the edges is to be at a node.
//!
//! The walk begins anywhere. At each step it follows one of the node's edges with the probability [`DAMPING`], each edge
//! with the same; else it jumps to any node. From a node without edges it always jumps. Edges are facts between nodes
//! (each distinct triple once) and interactions, from subject to object. Links between items are left out: they were
//! counted from the interactions, which would count twice.
//!
//! It is not part of the snapshot. Most projects never ask for it, and a build of 20 million events would wait for it;
//! whoever asks first waits instead, and can be stopped.

use super::Graph;
use crate::Result;
use rayon::prelude::*;

/// The probability of following an edge.
pub const DAMPING: f64 = 0.85;

/// Iteration ends when all ranks together change by less.
pub const TOLERANCE: f64 = 1e-9;

/// It ends after so many steps at the latest; the tolerance is reached before, since each step multiplies the change by
/// [`DAMPING`] at most.
const STEPS: usize = 200;

/// Ranks are added up in parts of this size, so that equal graphs give equal bits however many threads there are.
const PART: usize = 4096;

impl Graph {
    /// The rank of each node, in the order of their numbers; they add up to 1. `go_on` is asked before each step.
    ///
    /// # Errors
    /// That of `go_on`.
    pub fn page_rank(&self, go_on: &dyn Fn() -> Result<()>) -> Result<Vec<f64>> {
        let nodes = self.nodes().len();
        let degrees: Vec<u32> = self
            .nodes()
            .into_par_iter()
            .map(|n| self.leaving(n))
            .collect();
        let mut ranks = vec![1.0 / nodes.max(1) as f64; nodes];
        for _ in 0..STEPS {
            go_on()?;
            let next = self.step(&ranks, &degrees);
            let change = total(nodes, |n| (next[n] - ranks[n]).abs());
            ranks = next;
            if change < TOLERANCE {
                break;
            }
        }
        Ok(ranks)
    }

    fn step(&self, ranks: &[f64], degrees: &[u32]) -> Vec<f64> {
        let dangling = total(
            ranks.len(),
            |n| if degrees[n] == 0 { ranks[n] } else { 0.0 },
        );
        let jumps = (1.0 - DAMPING + DAMPING * dangling) / ranks.len() as f64;
        let given: Vec<f64> = ranks
            .par_iter()
            .zip(degrees)
            .map(|(rank, &degree)| DAMPING * rank / f64::from(degree.max(1)))
            .collect();
        let of = |node: u32| {
            let facts = distinct(self.incoming(node)).map(|[_, from]| from);
            let users = self.met_by(node).iter().copied();
            jumps
                + facts
                    .chain(users)
                    .map(|from| given[from as usize])
                    .sum::<f64>()
        };
        self.nodes().into_par_iter().map(of).collect()
    }

    /// Number of edges that leave a node.
    fn leaving(&self, node: u32) -> u32 {
        let facts = distinct(self.outgoing(node)).filter(|[_, to]| self.nodes().contains(to));
        (facts.count() + self.met(node).len()) as u32
    }
}

/// Each pair of a sorted run once.
fn distinct(pairs: &[[u32; 2]]) -> impl Iterator<Item = [u32; 2]> + '_ {
    pairs.chunk_by(|a, b| a == b).map(|run| run[0])
}

fn total(count: usize, value: impl Fn(usize) -> f64 + Sync) -> f64 {
    let parts = count.div_ceil(PART);
    let part = |p: usize| {
        (p * PART..count.min((p + 1) * PART))
            .map(&value)
            .sum::<f64>()
    };
    let sums: Vec<f64> = (0..parts).into_par_iter().map(part).collect();
    sums.iter().sum()
}
