//! The best items.
//!
//! Where paths lead to few items, to walk the whole catalogue would take longer than all else: these are summed up by
//! themselves, and all others have the score of their popularity.

use super::{Profile, Scored, Scorer, Walk};
use rustc_hash::FxHashSet;
use std::cmp::Ordering;

/// Few is so small a part of the catalogue.
const PART: usize = 16;

impl Scorer<'_> {
    /// The `k` best items, best first, equal scores by node; those that `excluded` names never appear.
    pub fn rank(&self, profile: &Profile, k: usize, excluded: &FxHashSet<u32>) -> Vec<Scored> {
        self.rank_among(profile, k, |item| !excluded.contains(&item))
    }

    /// The `k` best of the items that are `wanted`, best first, equal scores by node.
    pub fn rank_among(
        &self,
        profile: &Profile,
        k: usize,
        wanted: impl Fn(u32) -> bool,
    ) -> Vec<Scored> {
        self.walk(profile).rank(k, wanted)
    }

    /// Items by what popularity adds to them, the best first.
    fn most_popular(&self) -> &[u32] {
        self.tables.popular.get_or_init(|| {
            let mut popular: Vec<u32> = self.graph.items().collect();
            popular.sort_by(|&a, &b| self.popularity(b).total_cmp(&self.popularity(a)));
            popular
        })
    }
}

impl Walk<'_> {
    /// The `k` best of the items that are `wanted`, best first, equal scores by node.
    pub fn rank(&self, k: usize, wanted: impl Fn(u32) -> bool) -> Vec<Scored> {
        if k == 0 {
            return Vec::new();
        }
        let scorer = self.scorer;
        let scored = |(item, score)| Scored { item, score };
        let Some(reached) = self.few() else {
            let all = scorer.graph.items().zip(self.scores());
            return best(all.map(scored), k, wanted);
        };
        let is_reached = |item: u32| reached.binary_search_by_key(&item, |s| s.item).is_ok();
        let others = scorer.most_popular().iter().copied();
        let others = others.filter(|&item| !is_reached(item) && wanted(item));
        let others = others.map(|item| scored((item, scorer.popularity(item))));
        let reached = best(reached.iter().copied(), k, &wanted);
        merged(reached.into_iter(), others).take(k).collect()
    }

    /// The items to which paths lead, in their order, with their scores; `None` if these are not few. Others have the score
    /// of their popularity.
    fn few(&self) -> Option<Vec<Scored>> {
        let profile = self.profile;
        if profile.is_cold() || !profile.likes.is_empty() || !self.leads_to_few() {
            return None;
        }
        let mut amounts: Vec<(u32, f64)> = Vec::new();
        self.add_paths(&mut |item, amount| amounts.push((item, amount)));
        let items = amounts.iter().map(|(item, _)| u64::from(*item) << 32);
        // With their places: what is added to an item is added in the order in which it came.
        let mut order: Vec<u64> = items.zip(0..).map(|(item, place)| item | place).collect();
        order.sort_unstable();
        let scored = order.chunk_by(|a, b| a >> 32 == b >> 32).map(|run| {
            let item = (run[0] >> 32) as u32;
            let amounts = run.iter().map(|key| amounts[*key as u32 as usize].1);
            Scored {
                item,
                score: amounts.fold(self.scorer.popularity(item), |sum, amount| sum + amount),
            }
        });
        Some(scored.collect())
    }

    /// Whether so few amounts will be added.
    fn leads_to_few(&self) -> bool {
        let graph = self.scorer.graph;
        let links = self.starts.iter().flat_map(|start| {
            let kinds = self.scorer.tables.links.iter();
            kinds.map(|&(kind, _)| graph.links(kind, start.0).to.len())
        });
        let entities = self.gathered.iter().flat_map(|g| &g.entities);
        let shared = entities.map(|entity| 1 + entity.facts.len() + entity.sharing.len());
        let mut counts = links.chain(shared).chain([self.profile.described.len()]);
        let most = graph.items().len() / PART;
        let left = counts.try_fold(most, |left, count| left.checked_sub(count));
        left.is_some()
    }
}

/// The `k` best of those that are `wanted`, best first.
fn best(all: impl Iterator<Item = Scored>, k: usize, wanted: impl Fn(u32) -> bool) -> Vec<Scored> {
    let mut best: Vec<Scored> = Vec::new();
    // The worst of the best so far: what is no better need not be looked at.
    let mut bar: Option<Scored> = None;
    for scored in all {
        let is_behind = bar.is_some_and(|bar| best_first(&bar, &scored).is_lt());
        if is_behind || !wanted(scored.item) {
            continue;
        }
        best.push(scored);
        if best.len() >= k.saturating_mul(2) {
            best.select_nth_unstable_by(k - 1, best_first);
            best.truncate(k);
            bar = best.last().copied();
        }
    }
    best.sort_unstable_by(best_first);
    best.truncate(k);
    best
}

/// Two lists, each best first, as one.
fn merged(
    a: impl Iterator<Item = Scored>,
    b: impl Iterator<Item = Scored>,
) -> impl Iterator<Item = Scored> {
    let (mut a, mut b) = (a.peekable(), b.peekable());
    std::iter::from_fn(move || match (a.peek(), b.peek()) {
        (Some(first), Some(second)) if best_first(second, first).is_lt() => b.next(),
        (None, _) => b.next(),
        _ => a.next(),
    })
}

fn best_first(a: &Scored, b: &Scored) -> Ordering {
    b.score.total_cmp(&a.score).then(a.item.cmp(&b.item))
}
