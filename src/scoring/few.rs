//! Scores of those who reach few items: to walk the whole catalogue would take longer.

use super::relations::distinct;
use super::{Profile, Scored, Scorer};

/// Few is so small a part of the catalogue.
const PART: usize = 16;

impl Scorer<'_> {
    /// The items to which a profile's paths lead, in their order, with their scores; `None` if these are not few. Others have
    /// the score of their popularity.
    pub(super) fn few(&self, profile: &Profile) -> Option<Vec<Scored>> {
        if profile.is_cold() || !profile.likes.is_empty() || !self.leads_to_few(profile) {
            return None;
        }
        let mut amounts: Vec<(u32, f64)> = Vec::new();
        self.add_paths(profile, &mut |item, amount| amounts.push((item, amount)));
        let items = amounts.iter().map(|(item, _)| u64::from(*item) << 32);
        // With their places: what is added to an item is added in the order in which it came.
        let mut order: Vec<u64> = items.zip(0..).map(|(item, place)| item | place).collect();
        order.sort_unstable();
        let scored = order.chunk_by(|a, b| a >> 32 == b >> 32).map(|run| {
            let item = (run[0] >> 32) as u32;
            let amounts = run.iter().map(|key| amounts[*key as u32 as usize].1);
            Scored {
                item,
                score: amounts.fold(self.popularity(item), |sum, amount| sum + amount),
            }
        });
        Some(scored.collect())
    }

    /// Whether so few amounts will be added.
    fn leads_to_few(&self, profile: &Profile) -> bool {
        let most = self.graph.items().len() / PART;
        let starts = || profile.starts().map(|start| start.0);
        let links = starts().flat_map(|from| {
            let kinds = self.tables.links.iter();
            kinds.map(move |&(kind, _)| self.graph.links(kind, from).to.len())
        });
        let shared = self.tables.relations.iter().flat_map(|relation| {
            let entities = starts().flat_map(|from| distinct(relation.objects(self.graph, from)));
            entities.map(|entity| 2 + relation.sharing(self.graph, entity).map_or(0, <[_]>::len))
        });
        let mut counts = links.chain(shared).chain([profile.described.len()]);
        let left = counts.try_fold(most, |left, count| left.checked_sub(count));
        left.is_some()
    }
}
