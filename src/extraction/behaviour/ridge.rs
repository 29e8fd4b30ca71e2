//! A linear model of what goes with what, of behaviour and knowledge at once.
//!
//! Users, and the entities that items share by one relation, are rows over the items; an item's column is predicted
//! from the columns of its nearest items by ridge regression in closed form: `w = (G_NN + λI)⁻¹ G_Nc` with `G = XᵀX`.
//! With all items in `N` that is EASE (Steck 2019, "Embarrassingly shallow autoencoders for sparse data"); a
//! neighbourhood chosen first (Ning & Karypis 2011, "SLIM") makes it linear in the number of items. A user weighs 1, an
//! entity of `n` items `n^-½`.

use super::{Behaviour, LinkTable, Rows, Ways};
use crate::config::LinkSettings;
use crate::model::LinkKind;
use crate::sections::row_starts;
use rayon::prelude::*;

/// Entities with more items tell nothing apart and cost the most.
const HUB: usize = 1000;
/// Entries kept of each row of the Gram matrix.
const WIDTH: usize = 500;
/// No number of an item.
const NONE: u32 = u32::MAX;

/// The links of the model: from each item to those that it speaks for.
pub(super) fn table(behaviour: &Behaviour, histories: &Rows, settings: &LinkSettings) -> LinkTable {
    let gram = Gram::new(behaviour, histories);
    let size = behaviour.items;
    let columns: Vec<Vec<Weight>> = (0..size as u32)
        .into_par_iter()
        .map_init(
            || vec![NONE; size],
            |place, item| gram.column(item, settings, place),
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
        let stronger = || b.value.total_cmp(&a.value);
        from.cmp(other).then_with(stronger).then(to.cmp(end))
    });
    let at = row_starts(&weights, size, |w| w.0 as usize);
    let row = |range: &[u64]| {
        let row = &weights[range[0] as usize..range[1] as usize];
        let strongest = row.iter().take(settings.neighbours);
        strongest
            .map(|&(_, to, w)| (to, w.value, w.support))
            .collect()
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

/// `XᵀX`, sparse: the strongest entries of each row, by item, and the diagonal.
struct Gram<'a> {
    histories: &'a Rows,
    users_of: Rows,
    rows: Vec<Vec<(u32, f32)>>,
    diagonal: Vec<f64>,
}

impl<'a> Gram<'a> {
    fn new(behaviour: &Behaviour, histories: &'a Rows) -> Self {
        let size = behaviour.items;
        let count = behaviour.traits.last().map_or(0, |t| t.0 as usize + 1);
        let traits = Rows {
            at: row_starts(&behaviour.traits, count, |t| t.0 as usize),
            items: behaviour.traits.iter().map(|t| t.1).collect(),
        };
        let (users_of, traits_of) = (histories.transpose(size), traits.transpose(size));
        let weight = |sharing: &[u32]| match sharing.len() {
            2..=HUB => (sharing.len() as f64).powf(-0.5),
            _ => 0.0,
        };
        let rows = (0..size).into_par_iter().map_init(
            || Ways::new(size),
            |ways, item| {
                let users = users_of
                    .row(item)
                    .iter()
                    .map(|&u| (histories.row(u as usize), 1.0));
                let sharing = traits_of.row(item).iter().map(|&t| traits.row(t as usize));
                let shared = sharing
                    .map(|row| (row, weight(row)))
                    .filter(|(_, w)| *w > 0.0);
                let mut own = 0.0;
                for (row, weight) in users.chain(shared) {
                    own += weight;
                    let others = row.iter().filter(|&&other| other as usize != item);
                    others.for_each(|&other| ways.add(other, weight));
                }
                let mut row = ways.drain(|_, way| way);
                row.truncate(WIDTH);
                row.sort_unstable_by_key(|r| r.0);
                // Into new memory: the row's own was large enough for all that was touched.
                (row.iter().map(|r| (r.0, r.1)).collect(), own)
            },
        );
        let (rows, diagonal) = rows.unzip();
        Self {
            histories,
            users_of,
            rows,
            diagonal,
        }
    }

    /// What speaks for an item. `place` is nowhere before and after.
    fn column(&self, item: u32, settings: &LinkSettings, place: &mut [u32]) -> Vec<Weight> {
        let mut near = self.rows[item as usize].clone();
        near.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        near.truncate(settings.regressors);
        for (number, &(other, _)) in (0..).zip(&near) {
            place[other as usize] = number;
        }
        let mut matrix = self.between(&near, f64::from(settings.ridge), place);
        let mut values: Vec<f64> = near.iter().map(|n| f64::from(n.1)).collect();
        solve(&mut matrix, &mut values);
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
        weights.filter(|w| w.value > 0.0).collect()
    }

    /// The lower half of the Gram matrix of some items, with the ridge on its diagonal.
    fn between(&self, near: &[(u32, f32)], ridge: f64, place: &[u32]) -> Vec<f64> {
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
            matrix[i * size + i] = self.diagonal[item as usize] + ridge;
        }
        matrix
    }

    /// How many users met the item and each of those that have a place.
    fn supports(&self, item: u32, size: usize, place: &[u32]) -> Vec<u32> {
        let mut supports = vec![0; size];
        for &user in self.users_of.row(item as usize) {
            for &other in self.histories.row(user as usize) {
                if let Some(support) = supports.get_mut(place[other as usize] as usize) {
                    *support += 1;
                }
            }
        }
        supports
    }
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
    use super::super::links;
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

    /// The model of two users who met items 0 and 1, a third who met 2, and an entity of 2 and 3, which nobody met.
    fn model(regressors: usize) -> Option<LinkTable> {
        let events = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2)].map(|(u, i)| event(u, i));
        let behaviour = Behaviour {
            events: &events,
            first_item: USERS,
            items: 4,
            groups: 0,
            traits: vec![(0, 2), (0, 3)],
        };
        let settings = LinkSettings {
            regressors,
            ridge: 2.0,
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
