//! A linear model of what goes with what, of behaviour and knowledge at once.
//!
//! Users, and the entities that items share by one relation, are rows over the items that somebody met; an item's column is
//! predicted from the columns of its nearest items by ridge regression in closed form: `w = (G_NN + Λ)⁻¹ G_Nc` with
//! `G = XᵀX` and `Λ_ii = ridge + dropout / (1 - dropout) · users(i)`. With all items in `N` that is EASE (Steck 2019,
//! "Embarrassingly shallow autoencoders for sparse data"); a neighbourhood chosen first (Ning & Karypis 2011, "SLIM") makes it
//! linear in the number of items. A user's items weigh as [`Taste`](crate::model::Taste) says, those of an entity of `n` items
//! `(shared · n^-½)^½` each, or as the weight of its property says; items `d` places from one another in a history add
//! `order / d` to their entry of `G`, so that what follows what is part of the model. What is said for an item that `d` met,
//! where items were met by `m` in the mean, is divided by `(d/m)^discount`.
//!
//! Histories hold nothing that nobody met, so such an item predicts nothing in the model. It is predicted, by what it
//! shares, and what it says if somebody meets it later is what it would have said as one regressor more.

mod gram;
mod solve;

use super::{Behaviour, LinkTable, Rows, Square};
use crate::config::LinkSettings;
use crate::knowledge::segment::NONE;
use crate::model::LinkKind;
use gram::Gram;
use rayon::prelude::*;

/// Items that nobody met whose columns are computed together.
const BATCH: usize = 256;

/// The links of the model: from each item to those that it speaks for, or, with a negative weight, against.
pub(super) fn table(behaviour: &Behaviour, histories: &Rows, settings: &LinkSettings) -> LinkTable {
    let gram = Gram::new(behaviour, histories, settings);
    let model = Model {
        gram: &gram,
        neighbours: settings.neighbours,
    };
    let size = behaviour.items;
    let met = gram.met.len();
    let columns = if settings.regressors >= met && met <= Square::LARGEST {
        model.on_all(size)
    } else {
        model.on_nearest(size)
    };
    let discounts = gram.discounts();
    let mut rows = vec![Vec::new(); size];
    let weights = columns.into_iter().flatten();
    for weight in weights.filter(|weight| weight.value != 0.0) {
        let value = weight.value * discounts[weight.to as usize];
        rows[weight.from as usize].push((weight.to, value, weight.support));
    }
    let most = settings.neighbours.max(settings.regressors.min(met));
    rows.par_iter_mut().for_each(|row| strongest(row, most));
    LinkTable {
        kind: LinkKind::GoesWith,
        first_item: behaviour.first_item,
        rows,
    }
}

/// Leaves the strongest of a row, for or against; the largest first.
fn strongest(row: &mut Vec<(u32, f32, u32)>, most: usize) {
    let order = |a: f32, b: f32, items: [u32; 2]| b.total_cmp(&a).then(items[0].cmp(&items[1]));
    if most < row.len() {
        row.select_nth_unstable_by(most, |a, b| order(a.1.abs(), b.1.abs(), [a.0, b.0]));
        row.truncate(most);
        row.shrink_to_fit();
    }
    row.sort_unstable_by(|a, b| order(a.1, b.1, [a.0, b.0]));
}

/// What an item says for another.
#[derive(Clone, Copy)]
struct Weight {
    from: u32,
    to: u32,
    value: f32,
    /// Users who met both.
    support: u32,
}

/// What an item that somebody met says for one that nobody met.
#[derive(Clone, Copy)]
struct Said {
    item: u32,
    /// Its entry of the Gram matrix.
    shares: f64,
    /// Its weight in the column.
    weight: f64,
    /// Its diagonal entry of the regressors' inverse.
    inverse: f64,
}

struct Model<'a> {
    gram: &'a Gram<'a>,
    /// Items at most that one that nobody met speaks for.
    neighbours: usize,
}

impl Model<'_> {
    /// All columns at once: every item that somebody met is a regressor, so one inverse tells all weights.
    fn on_all(&self, size: usize) -> Vec<Vec<Weight>> {
        let gram = self.gram;
        let inverse = gram.inverse();
        let known = gram.met.par_iter().enumerate().map_init(
            || vec![NONE; size],
            |place, (number, &item)| {
                let near = &gram.rows[item as usize];
                let row = inverse.row(number);
                let pivot = -f64::from(row[number]);
                let value = |near: &(u32, f32)| f64::from(row[gram.number(near.0)]) / pivot;
                let values: Vec<f64> = near.iter().map(value).collect();
                put(near, place);
                let column = self.of_met(item, (near, &values), place);
                near.iter().for_each(|n| place[n.0 as usize] = NONE);
                column
            },
        );
        let mut columns: Vec<Vec<Weight>> = known.collect();
        let unmet: Vec<u32> = (0..size as u32)
            .filter(|&item| !gram.is_met(item))
            .collect();
        for items in unmet.chunks(BATCH) {
            columns.extend(self.of_unmet(items, &inverse));
        }
        columns
    }

    /// The columns of items that nobody met: the inverse times what they share.
    fn of_unmet(&self, items: &[u32], inverse: &Square) -> Vec<Vec<Weight>> {
        let (gram, size) = (self.gram, inverse.size());
        let mut shares = vec![0.0; items.len() * size];
        for (&item, row) in items.iter().zip(shares.chunks_exact_mut(size)) {
            gram.fill(item, row);
        }
        let weights = inverse.times(&shares);
        let columns = items.par_iter().zip(weights.par_chunks_exact(size));
        let columns = columns.map(|(&item, weights)| {
            let said = gram.rows[item as usize].iter().map(|&(other, shares)| {
                let number = gram.number(other);
                Said {
                    item: other,
                    shares: f64::from(shares),
                    weight: f64::from(weights[number]),
                    inverse: f64::from(inverse.row(number)[number]),
                }
            });
            self.both_ways(item, &said.collect::<Vec<_>>())
        });
        columns.collect()
    }

    /// Each column by itself: a few items are its regressors.
    fn on_nearest(&self, size: usize) -> Vec<Vec<Weight>> {
        let columns = (0..size as u32).into_par_iter().map_init(
            || vec![NONE; size],
            |place, item| {
                let near = self.gram.nearest(item);
                put(&near, place);
                let mut matrix = self.gram.between(&near, place);
                let mut values: Vec<f64> = near.iter().map(|n| f64::from(n.1)).collect();
                solve::solve(&mut matrix, &mut values);
                let column = if self.gram.is_met(item) {
                    self.of_met(item, (&near, &values), place)
                } else {
                    let inverse = solve::inverse_diagonal(&matrix, near.len());
                    let said = near.iter().zip(&values).zip(&inverse);
                    let said = said.map(|((near, &weight), &inverse)| Said {
                        item: near.0,
                        shares: f64::from(near.1),
                        weight,
                        inverse,
                    });
                    self.both_ways(item, &said.collect::<Vec<_>>())
                };
                near.iter().for_each(|n| place[n.0 as usize] = NONE);
                column
            },
        );
        columns.collect()
    }

    /// The column of an item that somebody met, by its regressors, which have places, and their weights.
    fn of_met(
        &self,
        to: u32,
        (near, values): (&[(u32, f32)], &[f64]),
        place: &[u32],
    ) -> Vec<Weight> {
        let supports = self.gram.supports(to, near.len(), place);
        let weights = near.iter().zip(values).zip(supports);
        let weights = weights.map(|((near, &value), support)| Weight {
            from: near.0,
            to,
            value: value as f32,
            support,
        });
        weights.collect()
    }

    /// What others say for an item that nobody met, and what it would say for the strongest of them. Bordering the
    /// inverse `P` by one regressor more, `u`, gives its weights in closed form: `w_uc = w_cu / (s P_cc + w_cu²)` with
    /// `s = G_uu + Λ_uu - Σ_c G_cu w_cu`.
    fn both_ways(&self, item: u32, said: &[Said]) -> Vec<Weight> {
        let weight = |from, to, value: f64| Weight {
            from,
            to,
            value: value as f32,
            support: 0,
        };
        let own = self.gram.diagonal[item as usize];
        let explained: f64 = said.iter().map(|s| s.shares * s.weight).sum();
        let left = (own - explained).max(1e-3 * own);
        let mut says: Vec<Weight> = said
            .iter()
            .map(|s| s.weight / (left * s.inverse + s.weight * s.weight))
            .zip(said)
            .map(|(value, s)| weight(item, s.item, value))
            .collect();
        says.sort_unstable_by(|a, b| {
            let stronger = b.value.abs().total_cmp(&a.value.abs());
            stronger.then(a.to.cmp(&b.to))
        });
        says.truncate(self.neighbours);
        says.extend(said.iter().map(|s| weight(s.item, item, s.weight)));
        says
    }
}

/// Gives each of some items its place.
fn put(near: &[(u32, f32)], place: &mut [u32]) {
    for (number, &(other, _)) in (0..).zip(near) {
        place[other as usize] = number;
    }
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
        // One regressor each, so G_ij / (G_ii + λ).
        assert_eq!(rows[0], [(1, 0.5, 2)]);
        assert_eq!(rows[1], [(0, 0.5, 2)]);
        let near = |row: &[(u32, f32, u32)], to, weight: f32| {
            assert_eq!((row.len(), row[0].0, row[0].2), (1, to, 0));
            assert!((row[0].1 - weight).abs() < 1e-6, "{row:?} {weight}");
        };
        near(&rows[2], 3, 1.0 / (1.0 + 1.0 + 2.0));
        near(&rows[3], 2, 1.0 / (1.0 + 2.0));
    }

    /// Histories of four items, and entities that the last of them does not share; nobody met item 4.
    const HISTORIES: [&[u32]; 5] = [&[0, 1], &[0, 1, 2], &[1, 2], &[0, 3], &[0, 2, 3]];
    const ENTITIES: [&[u32]; 3] = [&[0, 1, 4], &[2, 4], &[0, 2, 4]];

    /// `G + Λ` of all items, with a ridge of 2 and a dropout of a half.
    fn matrix() -> [[f64; 5]; 5] {
        let mut matrix = [[0.0; 5]; 5];
        let mut add = |row: &[u32], weight: f64| {
            for (&i, &j) in row.iter().flat_map(|i| row.iter().map(move |j| (i, j))) {
                matrix[i as usize][j as usize] += weight;
            }
        };
        HISTORIES.iter().for_each(|row| add(row, 1.0));
        // Item 4 counts for nothing among those that share an entity.
        ENTITIES
            .iter()
            .for_each(|row| add(row, (row.len() as f64 - 1.0).powf(-0.5)));
        for (item, row) in matrix.iter_mut().enumerate() {
            let users = HISTORIES.iter().filter(|h| h.contains(&(item as u32)));
            row[item] += 2.0 + users.count() as f64;
        }
        matrix
    }

    /// What each of some items would say for one of them as its regressors.
    fn closed_form(to: usize, from: &[usize]) -> Vec<f64> {
        let matrix = matrix();
        let rows = from.iter().flat_map(|&i| from.iter().map(move |&j| (i, j)));
        let mut between: Vec<f64> = rows.map(|(i, j)| matrix[i][j]).collect();
        let mut values: Vec<f64> = from.iter().map(|&i| matrix[i][to]).collect();
        solve::solve(&mut between, &mut values);
        values
    }

    #[test]
    fn what_nobody_met_says_what_one_more_regressor_would() {
        let histories = (0..).zip(HISTORIES);
        let events: Vec<EventRow> = histories
            .flat_map(|(user, items)| items.iter().map(move |&item| (user, item)))
            .map(|(user, item)| EventRow {
                item: 5 + item,
                ..event(user, item)
            })
            .collect();
        let entities = (0..).zip(ENTITIES);
        let pairs = entities.flat_map(|(e, items)| items.iter().map(move |&item| (e, item)));
        let behaviour = Behaviour {
            events: &events,
            first_item: 5,
            items: 5,
            groups: 0,
            traits: shared(pairs.collect()),
        };
        // All four, and the three that share something with item 4.
        for regressors in [4, 3] {
            let settings = LinkSettings {
                regressors,
                ridge: 2.0,
                dropout: 0.5,
                order: 0.0,
                ..LinkSettings::default()
            };
            let mut tables = links(behaviour.clone(), &settings).into_iter();
            let rows = tables.find(|t| t.kind == LinkKind::GoesWith).unwrap().rows;
            let weight = |from: usize, to: u32| {
                let found = rows[from].iter().find(|w| w.0 == to);
                f64::from(found.map_or(0.0, |w| w.1))
            };
            let all: Vec<usize> = (0..regressors).collect();
            let said = closed_form(4, &all);
            for (&item, said) in all.iter().zip(&said).take(3) {
                let found = weight(item, 4);
                assert!(
                    (found - said).abs() < 1e-5,
                    "{item} of {regressors}: {found} {said}"
                );
                let mut others: Vec<usize> = all.iter().copied().filter(|&i| i != item).collect();
                others.push(4);
                let says = *closed_form(item, &others).last().unwrap();
                let found = weight(4, item as u32);
                assert!(
                    (found - says).abs() < 1e-5,
                    "{item} of {regressors}: {found} {says}"
                );
            }
            assert_eq!(
                (weight(3, 4), weight(4, 3)),
                (0.0, 0.0),
                "they share nothing"
            );
        }
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
}
