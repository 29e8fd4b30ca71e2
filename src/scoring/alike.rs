//! How alike two items are, by what the ways of a scorer lead to from each.

use super::relations::distinct;
use super::{Scorer, rarity};
use std::cmp::Ordering;

/// What the ways lead to from an item: entities by facts, items by links; each list sorted, and of length 1 as a vector.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    parts: [Vec<((u32, u32), f64)>; 2],
}

impl Scorer<'_> {
    /// The outline of an item: for each of its facts the way's weight over the root of how many share it, for each of its
    /// links the way's weight times the link's score. What speaks against an item is left out.
    pub fn outline(&self, item: u32) -> Outline {
        let facts = self.tables.relations.iter().flat_map(|relation| {
            let predicate = relation.predicate;
            distinct(relation.objects(self.graph, item)).map(move |entity| {
                let sharing = relation.subjects(self.graph, entity).len();
                let rare = rarity(sharing);
                ((predicate, entity), relation.weight * rare)
            })
        });
        let links = self.tables.links.iter().flat_map(|&(kind, weight)| {
            let row = self.graph.links(kind, item);
            let links = row.to.iter().zip(row.score);
            links.map(move |(&to, &score)| ((kind as u32, to), weight * f64::from(score)))
        });
        Outline {
            parts: [scaled(facts.collect()), scaled(links.collect())],
        }
    }
}

impl Outline {
    /// 0 to 1: the mean cosine of the facts and of the links, of what both items have.
    pub fn likeness(&self, other: &Self) -> f64 {
        let pairs = self.parts.iter().zip(&other.parts);
        let pairs = pairs.filter(|(a, b)| !a.is_empty() && !b.is_empty());
        let (sum, count) = pairs.fold((0.0, 0), |(sum, n), (a, b)| (sum + product(a, b), n + 1));
        sum / f64::from(count.max(1))
    }
}

fn scaled(mut part: Vec<((u32, u32), f64)>) -> Vec<((u32, u32), f64)> {
    part.retain(|entry| entry.1 > 0.0 && entry.1.is_finite());
    part.sort_unstable_by_key(|entry| entry.0);
    let length = part.iter().map(|entry| entry.1.powi(2)).sum::<f64>().sqrt();
    part.iter_mut().for_each(|entry| entry.1 /= length);
    part
}

fn product(mut a: &[((u32, u32), f64)], mut b: &[((u32, u32), f64)]) -> f64 {
    let mut sum = 0.0;
    while let ([first, a_rest @ ..], [second, b_rest @ ..]) = (a, b) {
        match first.0.cmp(&second.0) {
            Ordering::Less => a = a_rest,
            Ordering::Greater => b = b_rest,
            Ordering::Equal => {
                sum += first.1 * second.1;
                (a, b) = (a_rest, b_rest);
            }
        }
    }
    sum.min(1.0)
}
