//! Items that a user never met, drawn to rank a held-out one among.

use super::Draw;
use crate::evaluation::random::Random;
use crate::graph::Graph;
use rustc_hash::FxHashSet;

/// Items with how often each was met so far, to draw from.
pub(in crate::evaluation) struct Popular {
    first: u32,
    /// Interactions with all items up to each.
    upto: Vec<usize>,
}

impl Popular {
    pub(in crate::evaluation) fn of(graph: &Graph) -> Self {
        let mut all = 0;
        let upto = graph.items().map(|item| {
            all += graph.met_by(item).len();
            all
        });
        Self {
            first: graph.items().start,
            upto: upto.collect(),
        }
    }

    /// So many distinct items that are not `taken`; fewer where there are no more.
    pub(in crate::evaluation) fn draw(
        &self,
        count: usize,
        draw: Draw,
        taken: &FxHashSet<u32>,
        random: &mut Random,
    ) -> Vec<u32> {
        let mut drawn: Vec<u32> = Vec::with_capacity(count + 1);
        let all = self.upto.last().copied().unwrap_or(0);
        // Where nearly all is taken, drawing on would never end.
        for _ in 0..count * 1000 {
            if drawn.len() == count {
                break;
            }
            let index = match draw {
                Draw::Popularity => {
                    let at = random.below(all);
                    self.upto.partition_point(|&upto| upto <= at)
                }
                Draw::Uniform => random.below(self.upto.len()),
            };
            let item = self.first + index as u32;
            if !taken.contains(&item) && !drawn.contains(&item) {
                drawn.push(item);
            }
        }
        drawn
    }
}
