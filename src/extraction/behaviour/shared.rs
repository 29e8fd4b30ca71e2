//! What items share, as rows of the linear model.

use super::{Behaviour, Rows, Ways};
use crate::config::LinkSettings;
use crate::sections::row_starts;
use crate::vocabulary;

/// Entities with more items tell nothing apart and cost the most: with 5000, Beauty's links took three times as long for
/// the same rankings.
const HUB: usize = 1000;

/// What items share, both ways.
pub(super) struct Shared {
    items: Rows,
    of: Rows,
    /// What each entity or value weighs.
    weights: Vec<f64>,
}

impl Shared {
    pub(super) fn of(behaviour: &Behaviour, settings: &LinkSettings) -> Self {
        let count = behaviour
            .traits
            .pairs
            .last()
            .map_or(0, |t| t.0 as usize + 1);
        let items = Rows {
            at: row_starts(&behaviour.traits.pairs, count, |t| t.0 as usize),
            items: behaviour.traits.pairs.iter().map(|t| t.1).collect(),
            events: Vec::new(),
        };
        let mut weights = Vec::with_capacity(count);
        for (property, end) in &behaviour.traits.properties {
            let own = settings.weights.get(property);
            let own = own.or_else(|| settings.weights.get(&vocabulary::shorten(property)));
            weights.resize(*end as usize, f64::from(*own.unwrap_or(&settings.shared)));
        }
        Self {
            of: items.transpose(behaviour.items),
            items,
            weights,
        }
    }

    /// Adds what shared entities say of an item beside others; returns what they say of it alone.
    pub(super) fn add(&self, item: usize, ways: &mut Ways) -> f64 {
        let mut own = 0.0;
        for &entity in self.of.row(item) {
            let sharing = self.items.row(entity as usize);
            let weight = self.weights[entity as usize];
            if weight <= 0.0 || !(2..=HUB).contains(&sharing.len()) {
                continue;
            }
            let weight = weight * (sharing.len() as f64).powf(-0.5);
            own += weight;
            let others = sharing.iter().filter(|&&other| other as usize != item);
            others.for_each(|&other| ways.add(other, weight));
        }
        own
    }
}
