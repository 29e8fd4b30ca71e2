//! What a scorer has to beat: the field's plain methods, over the distinct pairs that train.
//!
//! | name | score of item `c` for a user who met the items `H` |
//! |---|---|
//! | popularity | number of users of `c` |
//! | item-kNN | `Σ_h cos(h, c)` over binary columns, the 200 best `h` for each `c` (Sarwar et al. 2001) |
//! | user-kNN | sum of the cosines of the 100 most similar users who met `c` |
//! | RP3β | `Σ_h d(h)^-½ · d(c)^-0.3 · Σ_u d(u)^-½` over the users `u` of both (Paudel et al. 2017) |
//! | EASE | `Σ_h B[h, c]` with `B` the closed-form linear model (Steck 2019), see [`ease`] |

pub mod ease;

use crate::graph::Graph;
use rayon::prelude::*;

/// Scores all items for a user.
pub trait Ranker: Sync {
    /// What tables call it.
    fn name(&self) -> &str;

    /// For each item, from the graph's first, its score; more is better.
    fn scores(&self, user: u32) -> Vec<f64>;
}

/// Users met each item.
pub struct Popularity<'g>(pub &'g Graph);

impl Ranker for Popularity<'_> {
    fn name(&self) -> &str {
        "popularity"
    }

    fn scores(&self, _: u32) -> Vec<f64> {
        self.0
            .items()
            .map(|item| self.0.met_by(item).len() as f64)
            .collect()
    }
}

/// For each item others with weights: the score of `c` is the sum over the history.
pub struct Rows<'g> {
    graph: &'g Graph,
    name: &'static str,
    rows: Vec<Vec<(u32, f32)>>,
}

impl Ranker for Rows<'_> {
    fn name(&self) -> &str {
        self.name
    }

    fn scores(&self, user: u32) -> Vec<f64> {
        let first = self.graph.items().start;
        let mut scores = vec![0.0; self.rows.len()];
        for &item in self.graph.met(user) {
            for &(to, weight) in &self.rows[(item - first) as usize] {
                scores[to as usize] += f64::from(weight);
            }
        }
        scores
    }
}

/// Neighbours that a similarity keeps.
const NEIGHBOURS: usize = 200;

/// Items by the cosine of their users.
pub fn item_knn(graph: &Graph) -> Rows<'_> {
    let ways = |_: usize| 1.0;
    let weight = |ways: f64, from: f64, to: f64| ways / (from * to).sqrt();
    let columns = shared(graph, ways, weight, NEIGHBOURS);
    // The neighbours are those of the candidate: turn the rows around.
    let mut rows = vec![Vec::new(); columns.len()];
    for (to, column) in columns.iter().enumerate() {
        for &(from, weight) in column {
            rows[from as usize].push((to as u32, weight));
        }
    }
    Rows {
        graph,
        name: "item-kNN",
        rows,
    }
}

/// Three steps of a random walk, damped by popularity.
pub fn rp3b(graph: &Graph) -> Rows<'_> {
    let ways = |user: usize| (user as f64).powf(-0.5);
    let weight = |ways: f64, from: f64, to: f64| ways * from.powf(-0.5) * to.powf(-0.3);
    Rows {
        graph,
        name: "RP3β",
        rows: shared(graph, ways, weight, usize::MAX),
    }
}

/// For each item those that share users with it: `ways` tells what a user of so many items adds, `weight` makes the weight
/// of the sum and both items' numbers of users.
fn shared(
    graph: &Graph,
    ways: impl Fn(usize) -> f64 + Sync,
    weight: impl Fn(f64, f64, f64) -> f64 + Sync,
    most: usize,
) -> Vec<Vec<(u32, f32)>> {
    let items = graph.items();
    let degree = |item: u32| graph.met_by(item).len() as f64;
    let row = |sums: &mut Vec<f64>, from: u32| {
        let mut touched = Vec::new();
        for &user in graph.met_by(from) {
            let met = graph.met(user);
            let way = ways(met.len());
            for &to in met.iter().filter(|&&to| to != from) {
                let sum = &mut sums[(to - items.start) as usize];
                if *sum == 0.0 {
                    touched.push(to);
                }
                *sum += way;
            }
        }
        let mut row: Vec<(u32, f32)> = touched
            .into_iter()
            .map(|to| {
                let place = to - items.start;
                let sum = std::mem::take(&mut sums[place as usize]);
                (place, weight(sum, degree(from), degree(to)) as f32)
            })
            .collect();
        let best = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if row.len() > most {
            row.select_nth_unstable_by(most, best);
            row.truncate(most);
        }
        row.sort_unstable_by_key(|entry| entry.0);
        row
    };
    items
        .clone()
        .into_par_iter()
        .map_init(|| vec![0.0; items.len()], row)
        .collect()
}

/// Users by the cosine of their items.
pub struct UserKnn<'g>(pub &'g Graph);

/// Users that a score is made of.
const USERS: usize = 100;

impl Ranker for UserKnn<'_> {
    fn name(&self) -> &str {
        "user-kNN"
    }

    fn scores(&self, user: u32) -> Vec<f64> {
        let graph = self.0;
        let met = graph.met(user);
        let mut shared: Vec<u32> = met
            .iter()
            .flat_map(|&item| graph.met_by(item))
            .copied()
            .collect();
        shared.retain(|&other| other != user);
        shared.sort_unstable();
        let cosine = |same: &[u32]| {
            let others = graph.met(same[0]).len() as f64;
            (
                same[0],
                same.len() as f64 / (met.len() as f64 * others).sqrt(),
            )
        };
        let mut near: Vec<(u32, f64)> = shared.chunk_by(|a, b| a == b).map(cosine).collect();
        near.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut scores = vec![0.0; graph.items().len()];
        for (other, cosine) in near.into_iter().take(USERS) {
            for &item in graph.met(other) {
                scores[(item - graph.items().start) as usize] += cosine;
            }
        }
        scores
    }
}
