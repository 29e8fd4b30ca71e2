//! Who met what: pairs of users and items, and the events behind them.

use super::{Graph, cut, row};
use crate::knowledge::segment::{NO_TIME, NONE};
use crate::model::{EvidenceId, UnixSeconds};
use crate::sections::row_starts;
use rayon::prelude::*;
use std::ops::Range;

/// A user's event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// What.
    pub item: u32,
    /// Basket, if known.
    pub group: Option<u32>,
    /// When, if known.
    pub time: Option<UnixSeconds>,
    /// Rating, quantity.
    pub weight: f32,
    /// Line in its source.
    pub line: u32,
}

impl Graph {
    /// The distinct items that a user met, sorted.
    pub fn met(&self, user: u32) -> &[u32] {
        match self.users().contains(&user) {
            true => cut(&self.met, &self.met_at, user),
            false => &[],
        }
    }

    /// The distinct users who met an item, sorted.
    pub fn met_by(&self, item: u32) -> &[u32] {
        match self.items().contains(&item) {
            true => cut(&self.met_by, &self.met_by_at, item - self.meta.ranges.users),
            false => &[],
        }
    }

    /// The evidence of a user having met an item.
    pub fn interaction(&self, user: u32, item: u32) -> Option<EvidenceId> {
        let index = self.met(user).binary_search(&item).ok()? as u64;
        let start = self.met_at[user as usize];
        Some(EvidenceId(self.fact_count() + start + index))
    }

    /// The events of a user, oldest first.
    pub fn events(
        &self,
        user: u32,
    ) -> impl DoubleEndedIterator<Item = Event> + ExactSizeIterator + Clone {
        self.rows_of(user).map(|index| self.event(index))
    }

    /// The numbers of the events of an item, for [`Graph::event_at`] and [`Graph::event_user`].
    pub fn events_of(&self, item: u32) -> &[u64] {
        match self.items().contains(&item) {
            true => cut(
                &self.event_of,
                &self.event_of_at,
                item - self.meta.ranges.users,
            ),
            false => &[],
        }
    }

    /// The numbers of the events of a user, oldest first.
    pub fn events_by(&self, user: u32) -> Range<u64> {
        let rows = self.rows_of(user);
        rows.start as u64..rows.end as u64
    }

    /// The numbers of the events in a basket, in their order. The index is not in the file: the first call makes it.
    pub fn events_in(&self, group: u32) -> &[u64] {
        let (at, events) = self.events_in.get_or_init(|| self.index_baskets());
        &events[row(at, group)]
    }

    fn index_baskets(&self) -> (Vec<u64>, Vec<u64>) {
        let groups = self.event_group.iter().copied().zip(0..);
        let mut events: Vec<(u32, u64)> = groups.filter(|&(g, _)| g < self.meta.groups).collect();
        events.par_sort_unstable();
        let at = row_starts(&events, self.meta.groups as usize, |e| e.0 as usize);
        (at, events.into_iter().map(|e| e.1).collect())
    }

    /// Event number `index`.
    pub fn event_at(&self, index: u64) -> Option<Event> {
        ((index as usize) < self.event_item.len()).then(|| self.event(index as usize))
    }

    /// The user of event number `index`, if known.
    pub fn event_user(&self, index: u64) -> Option<u32> {
        let user = self.event_at.partition_point(|&at| at <= index) as u32 - 1;
        self.users().contains(&user).then_some(user)
    }

    /// The events of a user with an item, oldest first.
    pub fn events_between(&self, user: u32, item: u32) -> impl Iterator<Item = Event> {
        let range = self.rows_of(user);
        let events = self.events_of(item);
        let low = events.partition_point(|&event| event < range.start as u64);
        let events = events[low..].iter().map(|&event| event as usize);
        events
            .take_while(move |&event| event < range.end)
            .map(|event| self.event(event))
    }

    fn event(&self, index: usize) -> Event {
        Event {
            item: self.event_item[index],
            group: Some(self.event_group[index]).filter(|&group| group != NONE),
            time: Some(self.event_time[index]).filter(|&time| time != NO_TIME),
            weight: self.event_weight[index],
            line: self.event_line[index],
        }
    }

    fn rows_of(&self, user: u32) -> Range<usize> {
        match self.users().contains(&user) {
            true => row(&self.event_at, user),
            false => 0..0,
        }
    }
}
