//! What goes into the linear model: how often items are met together, or share something.

use super::super::shared::Shared;
use super::super::{Behaviour, Rows, Square, Ways};
use crate::config::LinkSettings;
use crate::knowledge::segment::NONE;
use crate::model::{Taste, taste};
use crate::sections::row_starts;
use rayon::prelude::*;

/// Entries kept of each row of the Gram matrix, for each regressor.
const WIDTH: usize = 5;

/// `XᵀX`, sparse: of each item the strongest entries with items that somebody met, by item, and the diagonal.
pub(super) struct Gram<'a> {
    settings: &'a LinkSettings,
    histories: &'a Rows,
    /// Users of each item, with the place of the item among those of the histories.
    users_of: Vec<(u32, u32)>,
    users_at: Vec<u64>,
    /// The items that somebody met, and the place of each item among them.
    pub(super) met: Vec<u32>,
    places: Vec<u32>,
    pub(super) rows: Vec<Vec<(u32, f32)>>,
    /// With the ridge.
    pub(super) diagonal: Vec<f64>,
}

impl<'a> Gram<'a> {
    pub(super) fn new(
        behaviour: &Behaviour,
        histories: &'a Rows,
        settings: &'a LinkSettings,
    ) -> Self {
        let size = behaviour.items;
        let (users_at, users_of) = users(histories, size);
        let met = |item: &u32| users_at[*item as usize] < users_at[*item as usize + 1];
        let met: Vec<u32> = (0..size as u32).filter(met).collect();
        let mut places = vec![NONE; size];
        (0..)
            .zip(&met)
            .for_each(|(place, &item)| places[item as usize] = place);
        let mut gram = Self {
            settings,
            histories,
            met,
            places,
            users_of,
            users_at,
            rows: Vec::new(),
            diagonal: Vec::new(),
        };
        let counts = counts(behaviour, histories, settings.preference);
        let traits = Shared::of(behaviour, settings, |item| gram.is_met(item));
        let width = WIDTH.saturating_mul(settings.regressors.max(100));
        // Without a share of each history the rest of it must do: Steck 2020, "Autoencoders that don't overfit towards
        // the identity".
        let dropout = f64::from(settings.dropout);
        let without = dropout / (1.0 - dropout);
        let rows = (0..size).into_par_iter().map_init(
            || Ways::new(size),
            |ways, item| {
                let own = gram.behaviour(item, &counts, ways);
                let own = own + traits.add(item, ways) + own * without;
                let row = ways.drain(width, |_, way| way);
                row.sort_unstable_by_key(|r| r.0);
                let row = row.iter().map(|r| (r.0, r.1)).collect();
                (row, own + f64::from(settings.ridge))
            },
        );
        (gram.rows, gram.diagonal) = rows.unzip();
        gram
    }

    pub(super) fn is_met(&self, item: u32) -> bool {
        self.places[item as usize] != NONE
    }

    fn users_of(&self, item: usize) -> &[(u32, u32)] {
        &self.users_of[self.users_at[item] as usize..self.users_at[item + 1] as usize]
    }

    /// What the weights of each column are multiplied with, as its item was met by more or fewer than the mean.
    pub(super) fn discounts(&self) -> Vec<f32> {
        let mean = self.users_of.len() as f64 / self.met.len().max(1) as f64;
        let power = -f64::from(self.settings.discount);
        let count = |item: usize| self.users_of(item).len().max(1) as f64;
        let items = 0..self.places.len();
        items
            .map(|item| (count(item) / mean.max(1.0)).powf(power) as f32)
            .collect()
    }

    /// Adds what users say of an item beside others; returns what they say of it alone.
    fn behaviour(&self, item: usize, counts: &[f32], ways: &mut Ways) -> f64 {
        let LinkSettings { order, window, .. } = *self.settings;
        let mut own = 0.0;
        for &(user, place) in self.users_of(item) {
            let count = f64::from(counts[place as usize]);
            own += count * count;
            let start = self.histories.at[user as usize] as usize;
            for (other, at) in self.histories.row(user as usize).iter().zip(start..) {
                let distance = at.abs_diff(place as usize);
                if distance == 0 {
                    continue;
                }
                let near = if distance <= window {
                    f64::from(order) / distance as f64
                } else {
                    0.0
                };
                ways.add(*other, count * f64::from(counts[at]) + near);
            }
        }
        own
    }

    /// The inverse over all items that somebody met.
    pub(super) fn inverse(&self) -> Square {
        let mut square = Square::zero(self.met.len());
        for (number, &item) in self.met.iter().enumerate() {
            self.fill(item, square.row_mut(number));
            square.row_mut(number)[number] = self.diagonal[item as usize] as f32;
        }
        square.invert(self.settings.ridge);
        square
    }

    /// Writes an item's row to where the items that somebody met have their places.
    pub(super) fn fill(&self, item: u32, values: &mut [f32]) {
        for &(other, value) in &self.rows[item as usize] {
            values[self.number(other)] = value;
        }
    }

    /// The place of an item among those that somebody met.
    pub(super) fn number(&self, met: u32) -> usize {
        self.places[met as usize] as usize
    }

    /// The items that would say most for an item, each alone but for what damps them: `G_ij (G_jj + λ)^-½`.
    pub(super) fn nearest(&self, item: u32) -> Vec<(u32, f32)> {
        let alone =
            |&(other, value): &(u32, f32)| f64::from(value) / self.diagonal[other as usize].sqrt();
        let mut near: Vec<(f64, (u32, f32))> = self.rows[item as usize]
            .iter()
            .map(|n| (alone(n), *n))
            .collect();
        near.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.0.cmp(&b.1.0)));
        near.truncate(self.settings.regressors);
        near.into_iter().map(|n| n.1).collect()
    }

    /// The lower half of the Gram matrix of some items, which have places, with the ridge on its diagonal.
    pub(super) fn between(&self, near: &[(u32, f32)], place: &[u32]) -> Vec<f64> {
        let size = near.len();
        let mut matrix = vec![0.0; size * size];
        for (i, &(item, _)) in near.iter().enumerate() {
            for &(other, value) in &self.rows[item as usize] {
                let j = place[other as usize] as usize;
                if j < size {
                    // One of the two rows may be cut shorter.
                    matrix[i.max(j) * size + i.min(j)] = f64::from(value);
                }
            }
            matrix[i * size + i] = self.diagonal[item as usize];
        }
        matrix
    }

    /// How many users met the item and each of those that have a place.
    pub(super) fn supports(&self, item: u32, size: usize, place: &[u32]) -> Vec<u32> {
        let mut supports = vec![0; size];
        for &(user, _) in self.users_of(item as usize) {
            for &other in self.histories.row(user as usize) {
                if let Some(support) = supports.get_mut(place[other as usize] as usize) {
                    *support += 1;
                }
            }
        }
        supports
    }
}

/// What each event of the histories counts, in their order.
fn counts(behaviour: &Behaviour, histories: &Rows, preference: f32) -> Vec<f32> {
    let users = || behaviour.events.chunk_by(|a, b| a.user == b.user);
    let taste = Taste::of(
        preference,
        users().map(|events| events.iter().map(|e| e.weight)),
    );
    let mut middle = vec![0.0; histories.len()];
    for events in users().filter(|events| events[0].user != NONE) {
        middle[events[0].user as usize] = taste::mean(events.iter().map(|e| e.weight));
    }
    let events = histories
        .events
        .iter()
        .map(|&event| &behaviour.events[event as usize]);
    events
        .map(|event| taste.count(event.weight, middle[event.user as usize]) as f32)
        .collect()
}

/// By item: its users, with its place among all items of the histories.
fn users(histories: &Rows, items: usize) -> (Vec<u64>, Vec<(u32, u32)>) {
    let places = (0..histories.len() as u32).flat_map(|user| {
        let row = histories.at[user as usize] as u32..histories.at[user as usize + 1] as u32;
        row.map(move |place| (user, place))
    });
    let mut users: Vec<(u32, u32)> = places.collect();
    let item = |&(_, place): &(u32, u32)| histories.items[place as usize];
    users.par_sort_unstable_by_key(|met| (item(met), *met));
    let at = row_starts(&users, items, |met| item(met) as usize);
    (at, users)
}
