//! The amounts of one item, until its paths are shown.

use super::{Evidence, Path, Route, Start, Step};
use crate::model::EvidenceId;
use crate::scoring::walk::Fact;

/// Amounts that add up to the score of an item. Of each a number is kept, and where to find the rest: a request has tens of
/// thousands of paths, and what is moved about is what costs.
#[derive(Default)]
pub(super) struct Summands<'a> {
    amounts: Vec<f64>,
    /// For each amount, the place of its group.
    group: Vec<u32>,
    /// With the place of the first amount of each.
    groups: Vec<(Ways<'a>, usize)>,
}

/// Where amounts come from.
pub(super) enum Ways<'a> {
    /// From starts to the item itself.
    Direct(&'a [Step]),
    /// From starts that have a fact's predicate and entity, and by the fact from there.
    Shared((u32, u32, Option<EvidenceId>), &'a [Fact]),
    /// From nowhere.
    Other(Vec<Path>),
}

impl<'a> Summands<'a> {
    pub(super) fn add(&mut self, ways: Ways<'a>, amounts: impl Iterator<Item = f64>) {
        let first = self.amounts.len();
        self.amounts.extend(amounts);
        let group = self.groups.len() as u32;
        self.group.resize(self.amounts.len(), group);
        self.groups.push((ways, first));
    }

    pub(super) fn add_others(&mut self, paths: Vec<Path>) {
        let amounts: Vec<f64> = paths.iter().map(|path| path.contribution).collect();
        self.add(Ways::Other(paths), amounts.into_iter());
    }

    /// The paths that add anything, the largest contribution first, equal ones as they were added.
    pub(super) fn paths(&self, starts: &[Start], to: u32) -> Vec<Path> {
        // A number for each: an amount but for its last bits, and in these the place.
        let bits = usize::BITS - self.amounts.len().leading_zeros();
        let adding = (0u64..)
            .zip(&self.amounts)
            .filter(|(_, amount)| **amount != 0.0);
        let number = |(place, amount): (u64, &f64)| descending(*amount) >> bits << bits | place;
        let mut order: Vec<u64> = adding.map(number).collect();
        order.sort_unstable();
        let place = |number: u64| (number & ((1 << bits) - 1)) as usize;
        for near in order.chunk_by_mut(|a, b| a >> bits == b >> bits) {
            near.sort_by_key(|&number| descending(self.amounts[place(number)]));
        }
        let path = |number| self.path(place(number), starts, to);
        order.into_iter().map(path).collect()
    }

    /// Where an amount stands: its group, and its place in it.
    fn find(&self, place: usize) -> (&Ways<'a>, usize) {
        let (ways, first) = &self.groups[self.group[place] as usize];
        (ways, place - first)
    }

    fn path(&self, place: usize, starts: &[Start], to: u32) -> Path {
        let (start, route, via, edges) = match self.find(place) {
            (Ways::Direct(steps), at) => {
                let step = &steps[at];
                (step.start, step.route, None, [step.edge, None])
            }
            (&Ways::Shared((predicate, entity, edge), had), at) => {
                let Fact { start, edge: first } = had[at];
                (start, Route::Shared(predicate), Some(entity), [first, edge])
            }
            (Ways::Other(paths), at) => return paths[at].clone(),
        };
        let Start { item, met } = starts[start as usize];
        Path {
            route,
            from: Some(item),
            via,
            to,
            contribution: self.amounts[place],
            evidence: Evidence::of([met, edges[0], edges[1]]),
        }
    }
}

/// A number that is the smaller the larger an amount is, as [`f64::total_cmp`] orders them.
fn descending(amount: f64) -> u64 {
    let bits = amount.to_bits();
    match amount.is_sign_negative() {
        true => bits,
        false => !bits & !(1 << 63),
    }
}
