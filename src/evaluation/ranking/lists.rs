//! What lists are like beside being right, and for whom and of what they are right.

use super::Figures;
use super::rankings::Ranked;
use super::trial::Trial;
use crate::evaluation::metrics::gini;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

impl Trial<'_> {
    /// What lists are like beside being right.
    pub(super) fn describe(&self, ranked: &[Ranked], ndcg: &[f64], figures: &mut Figures) {
        let (first, k) = (self.graph.items().start, self.plan.k());
        let mut counts = vec![0usize; self.graph.items().len()];
        let (mut bits, mut places) = (0.0, 0usize);
        let all = self.graph.interaction_count() as f64;
        for &(item, _) in ranked.iter().flat_map(|one| one.list.iter().take(k)) {
            counts[(item - first) as usize] += 1;
            bits -= ((self.graph.met_by(item).len().max(1)) as f64 / all.max(1.0)).log2();
            places += 1;
        }
        figures.coverage =
            counts.iter().filter(|&&count| count > 0).count() as f64 / counts.len().max(1) as f64;
        figures.novelty = bits / places.max(1) as f64;
        figures.gini = gini(&counts);
        figures.users = self.by_users(ranked, ndcg);
        figures.items = self.by_items(ranked);
    }

    fn by_users(&self, ranked: &[Ranked], ndcg: &[f64]) -> BTreeMap<&'static str, f64> {
        let mut order: Vec<(usize, f64)> = ranked
            .iter()
            .map(|one| self.graph.met(one.user).len())
            .zip(ndcg.iter().copied())
            .collect();
        order.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let third = |number: usize| {
            let part = &order[order.len() * number / 3..order.len() * (number + 1) / 3];
            part.iter().map(|one| one.1).sum::<f64>() / part.len().max(1) as f64
        };
        BTreeMap::from([
            ("fewest", third(0)),
            ("middle", third(1)),
            ("most", third(2)),
        ])
    }

    fn by_items(&self, ranked: &[Ranked]) -> BTreeMap<&'static str, f64> {
        let mut items: Vec<u32> = self.graph.items().collect();
        items.sort_by_key(|&item| (std::cmp::Reverse(self.graph.met_by(item).len()), item));
        let (all, k) = (self.graph.interaction_count() as f64, self.plan.k());
        let mut seen = 0.0;
        let mut group: FxHashMap<u32, &'static str> = FxHashMap::default();
        for item in items {
            let name = if seen < 0.2 * all {
                "head"
            } else if seen < 0.8 * all {
                "middle"
            } else {
                "tail"
            };
            group.insert(item, name);
            seen += self.graph.met_by(item).len() as f64;
        }
        let mut found: BTreeMap<&'static str, (f64, f64)> = ["head", "middle", "tail"]
            .map(|name| (name, (0.0, 0.0)))
            .into();
        for one in ranked {
            for (item, _) in one.relevant {
                let (hits, of) = found.entry(group[item]).or_default();
                *of += 1.0;
                *hits += if one.list.iter().take(k).any(|scored| scored.0 == *item) {
                    1.0
                } else {
                    0.0
                };
            }
        }
        found
            .into_iter()
            .map(|(name, (hits, of))| (name, if of > 0.0 { hits / of } else { 0.0 }))
            .collect()
    }
}
