//! What items share, as rows of the linear model.

use super::{Behaviour, Rows, Ways};
use crate::config::LinkSettings;
use crate::sections::row_starts;
use crate::vocabulary::weight_of;

/// Entities with more items that somebody met tell nothing apart and cost the most: with 5000, Beauty's links took three times
/// as long for the same rankings.
const HUB: usize = 1000;

/// What items share, both ways.
pub(super) struct Shared {
    /// Of each entity or value, the items that somebody met.
    items: Rows,
    of: Rows,
    /// What each entity or value weighs.
    weights: Vec<f64>,
}

impl Shared {
    pub(super) fn of(
        behaviour: &Behaviour,
        settings: &LinkSettings,
        met: impl Fn(u32) -> bool,
    ) -> Self {
        let pairs = &behaviour.traits.pairs;
        let count = pairs.last().map_or(0, |t| t.0 as usize + 1);
        let all = rows(pairs, count);
        let known: Vec<(u32, u32)> = pairs.iter().copied().filter(|t| met(t.1)).collect();
        let items = rows(&known, count);
        let mut weights = Vec::with_capacity(count);
        for (property, end) in &behaviour.traits.properties {
            let own = weight_of(&settings.weights, property);
            let end = (*end as usize).min(count);
            weights.resize(end, f64::from(own.unwrap_or(settings.shared)));
        }
        // What stands under no property.
        weights.resize(count, f64::from(settings.shared));
        for (entity, weight) in weights.iter_mut().enumerate() {
            *weight *= match items.row(entity).len() {
                size @ 1..=HUB => (size as f64).powf(-0.5),
                _ => 0.0,
            };
        }
        Self {
            of: all.transpose(behaviour.items),
            items,
            weights,
        }
    }

    /// Adds what shared entities say of an item beside others; returns what they say of it alone.
    pub(super) fn add(&self, item: usize, ways: &mut Ways) -> f64 {
        let mut own = 0.0;
        for &entity in self.of.row(item) {
            let weight = self.weights[entity as usize];
            if weight <= 0.0 {
                continue;
            }
            own += weight;
            let sharing = self.items.row(entity as usize).iter();
            let others = sharing.filter(|&&other| other as usize != item);
            others.for_each(|&other| ways.add(other, weight));
        }
        own
    }
}

fn rows(pairs: &[(u32, u32)], count: usize) -> Rows {
    Rows {
        at: row_starts(pairs, count, |t| t.0 as usize),
        items: pairs.iter().map(|t| t.1).collect(),
        events: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Traits;
    use super::*;

    #[test]
    fn sizes_are_of_what_was_met_and_no_property_is_needed() {
        let behaviour = Behaviour {
            events: &[],
            first_item: 0,
            items: 5,
            groups: 0,
            traits: Traits {
                pairs: vec![(0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (1, 3), (1, 4)],
                properties: Vec::new(),
            },
        };
        let settings = LinkSettings {
            shared: 3.0,
            ..LinkSettings::default()
        };
        let shared = Shared::of(&behaviour, &settings, |item| item < 4);
        assert_eq!(shared.weights, [1.5, 3.0]);
        let mut ways = Ways::new(5);
        // Nobody met item 4; it is beside four others by one entity, and beside one of them by another.
        assert_eq!(shared.add(4, &mut ways), 4.5);
        let mut row = ways.drain(10, |_, way| way).to_vec();
        row.sort_unstable_by_key(|way| way.0);
        assert_eq!(row, [(0, 1.5, 1), (1, 1.5, 1), (2, 1.5, 1), (3, 4.5, 2)]);
    }
}
