//! The events with which an item enters the list.

use super::sums::Sums;
use super::{Case, Change, Difference, Goal, Standing};
use crate::graph::changes::NewEvent;

/// Items that are tried one by one at most, those that tell most for the item first.
const SINGLE: usize = 100;

/// Of the items that tell most so many are tried in pairs.
const PAIRED: usize = 16;

/// The latest items of the history that count at most.
const PLACES: usize = 1100;

/// No event is an event of this item.
const NOBODY: u32 = u32::MAX;

/// Scores of all with events added that tell nothing yet.
struct Ready {
    scores: Vec<f64>,
    /// Of those that may be in the list, but for the item in view; the best first.
    ranked: Vec<f64>,
    /// What each of the events added counts, the oldest first.
    counts: Vec<f64>,
}

impl Case<'_, '_> {
    /// One more event, or two, with which the item enters the list: of items from which paths lead to it, those that tell
    /// most for it first. An event counts as the mean of the person's.
    pub fn addition(&self) -> Option<Change<NewEvent>> {
        if self.reaches(Goal::In, self.standing()) {
            return None;
        }
        let tellers = self.strongest();
        let told = tellers.iter().take(SINGLE).map(|teller| teller.0);
        let told: Vec<u32> = told.collect();
        let rows = self.scorer.told(&told[..told.len().min(PAIRED)]);
        let sums = Sums::new(self, PLACES);
        let ready = self.ready(&sums, 1);
        for (index, &item) in told.iter().enumerate() {
            let own;
            let row = match rows.get(index) {
                Some(row) => row,
                None => {
                    own = self.scorer.told(&[item]);
                    &own[0]
                }
            };
            if let Some(change) = self.entered(&ready, &[(item, row)]) {
                return Some(Change {
                    minimal: true,
                    ..change
                });
            }
        }
        self.pair(&sums, &told[..rows.len()], &rows)
    }

    fn pair(
        &self,
        sums: &Sums<'_, '_, '_>,
        told: &[u32],
        rows: &[Vec<(u32, f64)>],
    ) -> Option<Change<NewEvent>> {
        let ready = self.ready(sums, 2);
        let count = told.len();
        let mut pairs: Vec<(usize, usize)> = (0..count)
            .flat_map(|a| (a + 1..count).map(move |b| (a, b)))
            .collect();
        pairs.sort_by_key(|&(a, b)| (a + b, a));
        // The one that tells more comes last: the latest counts most.
        pairs
            .into_iter()
            .find_map(|(a, b)| self.entered(&ready, &[(told[b], &rows[b]), (told[a], &rows[a])]))
    }

    /// Items that were not met and tell for the item, those that tell most first.
    fn strongest(&self) -> Vec<(u32, f64)> {
        let is_new =
            |item: u32| item != self.item && self.events.iter().all(|event| event.item != item);
        let mut tellers = self.scorer.tellers(self.item);
        tellers.retain(|&(item, amount)| amount > 0.0 && is_new(item));
        tellers.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        tellers
    }

    /// An event of an item after all others, with the mean weight.
    fn event(&self, item: u32) -> NewEvent {
        let weights = self.events.iter().map(|event| event.weight);
        let mean = match self.events.is_empty() {
            true => 1.0,
            false => crate::model::taste::mean(weights) as f32,
        };
        NewEvent {
            user: self.profile.user.unwrap_or(NOBODY),
            item,
            time: self.events.last().and_then(|event| event.time),
            weight: mean,
        }
    }

    fn ready(&self, sums: &Sums<'_, '_, '_>, more: u32) -> Ready {
        let blank: Vec<NewEvent> = (0..more).map(|n| self.event(NOBODY - n)).collect();
        let counts = sums.counts(&[], &blank);
        let first = self.scorer.graph().items().start;
        let popular = sums.popular(&[]);
        let apart = sums.beside.iter().enumerate();
        let mut scores: Vec<f64> = apart
            .map(|(index, beside)| popular(index) + beside)
            .collect();
        for (count, told) in counts.iter().zip(&sums.told) {
            for &(item, amount) in told.iter().filter(|_| *count != 0.0) {
                scores[(item - first) as usize] += count * amount;
            }
        }
        let own = (self.item - first) as usize;
        let others = (0..scores.len()).filter(|&index| index != own && self.eligible[index]);
        let mut ranked: Vec<f64> = others.map(|index| scores[index]).collect();
        ranked.sort_unstable_by(|a, b| b.total_cmp(a));
        Ready {
            scores,
            ranked,
            counts: counts[sums.items.len()..].to_vec(),
        }
    }

    /// The events of some items, the oldest first, if with them the item is in the list: by sums, and scored again.
    fn entered(
        &self,
        ready: &Ready,
        items: &[(u32, &Vec<(u32, f64)>)],
    ) -> Option<Change<NewEvent>> {
        if self.rank_with(ready, items) > self.k {
            return None;
        }
        let events: Vec<NewEvent> = items.iter().map(|entry| self.event(entry.0)).collect();
        let difference = Difference {
            with: events.clone(),
            ..Difference::default()
        };
        let standing: Standing = self.judge(&difference);
        self.reaches(Goal::In, standing).then_some(Change {
            parts: events,
            minimal: false,
            standing,
        })
    }

    fn rank_with(&self, ready: &Ready, items: &[(u32, &Vec<(u32, f64)>)]) -> usize {
        let first = self.scorer.graph().items().start;
        let mut told: Vec<(u32, f64)> = Vec::new();
        for ((met, row), count) in items.iter().zip(&ready.counts) {
            told.push((*met, 0.0));
            told.extend(row.iter().map(|&(item, amount)| (item, count * amount)));
        }
        // Runs of each item's row are sorted already.
        told.sort_by_key(|entry| entry.0);
        told.dedup_by(|next, first| {
            let same = next.0 == first.0;
            first.1 += if same { next.1 } else { 0.0 };
            same
        });
        let own = told.binary_search_by_key(&self.item, |entry| entry.0);
        let own = own.map_or(0.0, |place| told[place].1);
        let score = ready.scores[(self.item - first) as usize] + own;
        let mut better = ready.ranked.partition_point(|&other| other > score);
        let is_met = |item: u32| !self.again && items.iter().any(|entry| entry.0 == item);
        for &(item, amount) in &told {
            let index = (item - first) as usize;
            if item == self.item || !self.eligible[index] {
                continue;
            }
            let before = ready.scores[index] > score;
            let after = !is_met(item) && ready.scores[index] + amount > score;
            better = better + usize::from(after) - usize::from(before);
        }
        better + 1
    }
}
