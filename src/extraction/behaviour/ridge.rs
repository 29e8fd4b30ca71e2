//! A linear model of what goes with what, of behaviour and knowledge at once.
//!
//! Users, and the entities that items share by one relation, are rows over the items; an item's column is predicted
//! from the columns of its nearest items by ridge regression in closed form: `w = (G_NN + λI)⁻¹ G_Nc` with `G = XᵀX`.
//! With all items in `N` that is EASE (Steck 2019, "Embarrassingly shallow autoencoders for sparse data"); a
//! neighbourhood chosen first (Ning & Karypis 2011, "SLIM") makes it linear in the number of items. A user's items weigh
//! as [`Taste`] says, those of an entity of `n` items `(shared · n^-½)^½` each, or as the weight of its property says; items `d` places from one another in a
//! history add `order / d` to their entry of `G`, so that what follows what is part of the model.

use super::shared::Shared;
use super::{Behaviour, LinkTable, Rows, Square, Ways};
use crate::config::LinkSettings;
use crate::knowledge::segment::NONE;
use crate::model::{LinkKind, Taste, taste};
use crate::sections::row_starts;
use rayon::prelude::*;

/// Entries kept of each row of the Gram matrix, for each regressor.
const WIDTH: usize = 5;

/// The links of the model: from each item to those that it speaks for, or, with a negative weight, against.
pub(super) fn table(behaviour: &Behaviour, histories: &Rows, settings: &LinkSettings) -> LinkTable {
    let gram = Gram::new(behaviour, histories, settings);
    let size = behaviour.items;
    let inverse = (settings.regressors >= size && size <= Square::LARGEST).then(|| gram.inverse());
    let columns: Vec<Vec<Weight>> = (0..size as u32)
        .into_par_iter()
        .map_init(
            || vec![NONE; size],
            |place, item| gram.column(item, inverse.as_ref(), place),
        )
        .collect();
    let mut weights: Vec<(u32, u32, Weight)> = (0..)
        .zip(columns)
        .flat_map(|(to, column)| {
            column
                .into_iter()
                .map(move |weight| (weight.from, to, weight))
        })
        .collect();
    weights.par_sort_unstable_by(|(from, to, a), (other, end, b)| {
        let stronger = || b.value.abs().total_cmp(&a.value.abs());
        from.cmp(other).then_with(stronger).then(to.cmp(end))
    });
    let at = row_starts(&weights, size, |w| w.0 as usize);
    let most = settings.neighbours.max(settings.regressors);
    let row = |range: &[u64]| {
        let row = &weights[range[0] as usize..range[1] as usize];
        let strongest = row.iter().take(most);
        let mut row: Vec<_> = strongest
            .map(|&(_, to, w)| (to, w.value, w.support))
            .collect();
        row.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        row
    };
    LinkTable {
        kind: LinkKind::GoesWith,
        first_item: behaviour.first_item,
        rows: at.windows(2).map(row).collect(),
    }
}

/// What an item says for another.
#[derive(Clone, Copy)]
struct Weight {
    from: u32,
    value: f32,
    /// Users who met both.
    support: u32,
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

/// `XᵀX`, sparse: the strongest entries of each row, by item, and the diagonal.
struct Gram<'a> {
    settings: &'a LinkSettings,
    histories: &'a Rows,
    /// Users of each item, with the place of the item among those of the histories.
    users_of: Vec<(u32, u32)>,
    users_at: Vec<u64>,
    rows: Vec<Vec<(u32, f32)>>,
    diagonal: Vec<f64>,
}

impl<'a> Gram<'a> {
    fn new(behaviour: &Behaviour, histories: &'a Rows, settings: &'a LinkSettings) -> Self {
        let size = behaviour.items;
        let (users_at, users_of) = users(histories, size);
        let mut gram = Self {
            settings,
            histories,
            users_of,
            users_at,
            rows: Vec::new(),
            diagonal: Vec::new(),
        };
        let counts = counts(behaviour, histories, settings.preference);
        let traits = Shared::of(behaviour, settings);
        let width = WIDTH.saturating_mul(settings.regressors.max(100));
        let rows = (0..size).into_par_iter().map_init(
            || Ways::new(size),
            |ways, item| {
                let own = gram.behaviour(item, &counts, ways) + traits.add(item, ways);
                let row = ways.drain(width, |_, way| way);
                row.sort_unstable_by_key(|r| r.0);
                (row.iter().map(|r| (r.0, r.1)).collect(), own)
            },
        );
        (gram.rows, gram.diagonal) = rows.unzip();
        gram
    }

    fn users_of(&self, item: usize) -> &[(u32, u32)] {
        &self.users_of[self.users_at[item] as usize..self.users_at[item + 1] as usize]
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

    /// The inverse of all of it with the ridge on its diagonal: where every item is a regressor, that gives all columns at
    /// once.
    fn inverse(&self) -> Square {
        let mut square = Square::zero(self.rows.len());
        for (item, row) in self.rows.iter().enumerate() {
            let values = square.row_mut(item);
            row.iter()
                .for_each(|&(other, value)| values[other as usize] = value);
            values[item] = self.diagonal[item] as f32 + self.settings.ridge;
        }
        square.invert(self.settings.ridge);
        square
    }

    /// What speaks for an item, of those that share something with it. `place` is nowhere before and after.
    fn column(&self, item: u32, inverse: Option<&Square>, place: &mut [u32]) -> Vec<Weight> {
        let near = match inverse {
            Some(_) => self.rows[item as usize].clone(),
            None => self.nearest(item),
        };
        for (number, &(other, _)) in (0..).zip(&near) {
            place[other as usize] = number;
        }
        let values = match inverse {
            Some(inverse) => of_inverse(inverse, item, &near),
            None => self.solved(&near, place),
        };
        let supports = self.supports(item, near.len(), place);
        near.iter().for_each(|n| place[n.0 as usize] = NONE);
        let weights = near
            .iter()
            .zip(values)
            .zip(supports)
            .map(|((near, value), support)| Weight {
                from: near.0,
                value: value as f32,
                support,
            });
        weights.filter(|w| w.value != 0.0).collect()
    }

    /// The weights of some items, which have places.
    fn solved(&self, near: &[(u32, f32)], place: &[u32]) -> Vec<f64> {
        let mut matrix = self.between(near, place);
        let mut values: Vec<f64> = near.iter().map(|n| f64::from(n.1)).collect();
        solve(&mut matrix, &mut values);
        values
    }

    /// The items that would say most for an item, each alone but for what damps them: `G_ij (G_jj + λ)^-½`.
    fn nearest(&self, item: u32) -> Vec<(u32, f32)> {
        let ridge = f64::from(self.settings.ridge);
        let alone = |&(other, value): &(u32, f32)| {
            f64::from(value) / (self.diagonal[other as usize] + ridge).sqrt()
        };
        let mut near: Vec<(f64, (u32, f32))> = self.rows[item as usize]
            .iter()
            .map(|n| (alone(n), *n))
            .collect();
        near.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.0.cmp(&b.1.0)));
        near.truncate(self.settings.regressors);
        near.into_iter().map(|n| n.1).collect()
    }

    /// The lower half of the Gram matrix of some items, with the ridge on its diagonal.
    fn between(&self, near: &[(u32, f32)], place: &[u32]) -> Vec<f64> {
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
            matrix[i * size + i] = self.diagonal[item as usize] + f64::from(self.settings.ridge);
        }
        matrix
    }

    /// How many users met the item and each of those that have a place.
    fn supports(&self, item: u32, size: usize, place: &[u32]) -> Vec<u32> {
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

/// The weights of other items for an item: a row of the inverse over its pivot.
fn of_inverse(inverse: &Square, item: u32, others: &[(u32, f32)]) -> Vec<f64> {
    let row = inverse.row(item as usize);
    let pivot = -f64::from(row[item as usize]);
    let weight = |other: &(u32, f32)| f64::from(row[other.0 as usize]) / pivot;
    others.iter().map(weight).collect()
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

/// Solves a symmetric system, given its lower half, by Cholesky's decomposition. What was cut off the rows may have made
/// it indefinite; then small pivots are held up.
fn solve(matrix: &mut [f64], values: &mut [f64]) {
    let size = values.len();
    for i in 0..size {
        let (above, rest) = matrix.split_at_mut(i * size);
        let row = &mut rest[..size];
        for j in 0..i {
            let other = &above[j * size..j * size + size];
            row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
        }
        let least = 1e-3 * row[i];
        row[i] = (row[i] - dot(&row[..i], &row[..i])).max(least).sqrt();
        values[i] = (values[i] - dot(&row[..i], &values[..i])) / row[i];
    }
    for i in (0..size).rev() {
        values[i] /= matrix[i * size + i];
        let value = values[i];
        let row = &matrix[i * size..i * size + i];
        values[..i]
            .iter_mut()
            .zip(row)
            .for_each(|(v, m)| *v -= m * value);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (mut sums, whole) = ([0.0; 4], a.len() / 4 * 4);
    for (a, b) in a[..whole].chunks_exact(4).zip(b[..whole].chunks_exact(4)) {
        (0..4).for_each(|i| sums[i] += a[i] * b[i]);
    }
    let rest = a[whole..].iter().zip(&b[whole..]).map(|(a, b)| a * b);
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::super::{Traits, links};
    use super::*;
    use crate::knowledge::segment::{EventRow, NO_TIME};

    const USERS: u32 = 3;

    fn event(user: u32, item: u32) -> EventRow {
        EventRow {
            user,
            item: USERS + item,
            group: NONE,
            weight: 1.0,
            time: NO_TIME,
            source: 0,
            line: 0,
        }
    }

    /// Items with one entity or value.
    fn shared(pairs: Vec<(u32, u32)>) -> Traits {
        Traits {
            pairs,
            properties: vec![("urn:p".to_owned(), 1)],
        }
    }

    /// The model of two users who met items 0 and 1, a third who met 2, and an entity of 2 and 3, which nobody met.
    fn model(regressors: usize) -> Option<LinkTable> {
        let events = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2)].map(|(u, i)| event(u, i));
        let behaviour = Behaviour {
            events: &events,
            first_item: USERS,
            items: 4,
            groups: 0,
            traits: shared(vec![(0, 2), (0, 3)]),
        };
        let settings = LinkSettings {
            regressors,
            ridge: 2.0,
            order: 0.0,
            ..LinkSettings::default()
        };
        let mut tables = links(behaviour, &settings).into_iter();
        tables.find(|t| t.kind == LinkKind::GoesWith)
    }

    #[test]
    fn weights_are_those_of_the_closed_form() {
        let rows = model(10).unwrap().rows;
        let half = 0.5f32.sqrt();
        // One regressor each, so G_ij / (G_ii + λ).
        assert_eq!(rows[0], [(1, 0.5, 2)]);
        assert_eq!(rows[1], [(0, 0.5, 2)]);
        let near = |row: &[(u32, f32, u32)], to, weight: f32| {
            assert_eq!((row.len(), row[0].0, row[0].2), (1, to, 0));
            assert!((row[0].1 - weight).abs() < 1e-6, "{row:?} {weight}");
        };
        near(&rows[2], 3, half / (1.0 + half + 2.0));
        near(&rows[3], 2, half / (half + 2.0));
    }

    #[test]
    fn what_keeps_apart_speaks_against() {
        // Who met 0 met 1 or 2, never both; 1 and 2 are never met together but by what they share with 0.
        let pairs = (0..40).flat_map(|user| [(user, 0), (user, 1 + user % 2)]);
        let events: Vec<EventRow> = pairs
            .map(|(user, item)| EventRow {
                item: 40 + item,
                ..event(user, item)
            })
            .collect();
        let behaviour = Behaviour {
            events: &events,
            first_item: 40,
            items: 3,
            groups: 0,
            traits: shared(vec![(0, 1), (0, 2)]),
        };
        let settings = LinkSettings {
            ridge: 1.0,
            ..LinkSettings::default()
        };
        let mut tables = links(behaviour, &settings).into_iter();
        let rows = tables.find(|t| t.kind == LinkKind::GoesWith).unwrap().rows;
        let weight = |from: usize, to| rows[from].iter().find(|w| w.0 == to).unwrap().1;
        assert!(weight(0, 1) > 0.0 && weight(1, 0) > 0.0, "{rows:?}");
        assert!(weight(1, 2) < 0.0 && weight(2, 1) < 0.0, "{rows:?}");
        assert!(rows[1][0].1 > rows[1][1].1, "the strongest stand first");
    }

    #[test]
    fn without_regressors_there_is_no_model() {
        assert!(model(0).is_none());
    }

    #[test]
    fn a_solution_solves() {
        for size in [1, 2, 5, 33] {
            let factor = |i: usize, k: usize| ((i * 7 + k * 3) % 11) as f64 - 4.0;
            let entry = |i: usize, j: usize| {
                let dot: f64 = (0..6).map(|k| factor(i, k) * factor(j, k)).sum();
                dot + if i == j { 3.0 } else { 0.0 }
            };
            let mut matrix: Vec<f64> = (0..size * size)
                .map(|n| entry(n / size, n % size))
                .collect();
            let wanted: Vec<f64> = (0..size).map(|i| i as f64 - 2.5).collect();
            let product = |i| (0..size).map(|j| entry(i, j) * wanted[j]).sum();
            let mut values: Vec<f64> = (0..size).map(product).collect();
            solve(&mut matrix, &mut values);
            for (value, wanted) in values.iter().zip(&wanted) {
                assert!((value - wanted).abs() < 1e-8, "{size}: {value} {wanted}");
            }
        }
    }
}
