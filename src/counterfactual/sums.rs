//! Scores of all items as sums over the history, for any part of it.

use super::Case;
use crate::graph::changes::NewEvent;
use crate::model::taste::Spread;
use rustc_hash::{FxHashMap, FxHashSet};

/// What each item of the history tells of all items, apart.
pub(super) struct Sums<'c, 'a, 'g> {
    pub(super) case: &'c Case<'a, 'g>,
    /// Distinct items met, the latest first; removals are named by their places here.
    pub(super) items: Vec<u32>,
    /// By place: what it adds to items if it counts 1.
    pub(super) told: Vec<Vec<(u32, f64)>>,
    /// What is added to each item whatever was met.
    pub(super) beside: Vec<f64>,
    /// Of the weights of all others' events.
    pub(super) others: Spread,
    /// How many users met the item that most met, and how many items so many met.
    most: (u32, usize),
}

impl<'c, 'a, 'g> Sums<'c, 'a, 'g> {
    /// Follows the ways from the latest `most` items.
    pub(super) fn new(case: &'c Case<'a, 'g>, most: usize) -> Self {
        let mut seen = FxHashSet::default();
        let latest = case.events.iter().rev().map(|event| event.item);
        let items: Vec<u32> = latest
            .filter(|item| seen.insert(*item))
            .take(most)
            .collect();
        let (_, met_by) = case.scorer.popular();
        let most = met_by.iter().copied().max().unwrap_or(0);
        Self {
            most: (most, met_by.iter().filter(|&&met| met == most).count()),
            told: case.scorer.told(&items),
            items,
            beside: case.scorer.beside(case.profile, case.own()),
            others: match case.profile.user {
                Some(_) => case.scorer.spread_without(&case.events),
                None => Spread::default(),
            },
            case,
        }
    }

    /// What each place counts in a history that ends with `more` and lacks those that are gone.
    pub(super) fn counts(&self, gone: &[usize], more: &[NewEvent]) -> Vec<f64> {
        let gone: Vec<u32> = gone.iter().map(|&place| self.items[place]).collect();
        let left = self.case.events.iter().chain(more);
        let left = left.filter(|event| !gone.contains(&event.item)).copied();
        let left: Vec<NewEvent> = left.collect();
        let history = self.case.scorer.history(&left, self.others);
        let counts: FxHashMap<u32, f64> = history.into_iter().collect();
        let count = |item| counts.get(item).copied().unwrap_or(0.0);
        let more = more.iter().map(|event| &event.item);
        self.items.iter().chain(more).map(count).collect()
    }

    /// What popularity adds to an item, by its place among all, without the events that are gone.
    pub(super) fn popular(&self, gone: &[usize]) -> impl Fn(usize) -> f64 + '_ {
        let scorer = self.case.scorer;
        let (popular, met_by) = scorer.popular();
        let first = scorer.graph().items().start;
        let gone = match self.case.profile.user {
            Some(_) => gone,
            None => &[],
        };
        let places = gone.iter().map(|&g| (self.items[g] - first) as usize);
        let places: Vec<usize> = places.collect();
        let (most, mostly) = self.most;
        let lost = places.iter().filter(|&&place| met_by[place] == most);
        let most_left = most - u32::from(mostly > 0 && lost.count() == mostly);
        move |index| match places.contains(&index) {
            true => scorer.popular_if(met_by[index].saturating_sub(1), most_left),
            false if most_left == most => popular[index],
            false => scorer.popular_if(met_by[index], most_left),
        }
    }

    /// The scores of all items without the events that are gone; exact but for rounding, unless nothing is left at all.
    pub(super) fn scores(&self, gone: &[usize]) -> Vec<f64> {
        let popular = self.popular(gone);
        let first = self.case.scorer.graph().items().start;
        let apart = self.beside.iter().enumerate();
        let mut scores: Vec<f64> = apart
            .map(|(index, beside)| popular(index) + beside)
            .collect();
        for (count, told) in self.counts(gone, &[]).into_iter().zip(&self.told) {
            if count != 0.0 {
                for &(item, amount) in told {
                    scores[(item - first) as usize] += count * amount;
                }
            }
        }
        scores
    }

    /// What a place tells of an item.
    pub(super) fn tells(&self, place: usize, item: u32) -> f64 {
        let told = &self.told[place];
        let found = told.binary_search_by_key(&item, |entry| entry.0);
        found.map_or(0.0, |index| told[index].1)
    }
}
