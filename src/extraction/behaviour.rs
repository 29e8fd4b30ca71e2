//! Behaviour becomes item-item links: what the same users met, what one basket held, what follows what.
//!
//! All three count ways from one item to another and damp frequent ends, as RP3β does (Paudel et al. 2017, "Updatable,
//! accurate, diverse, and scalable recommendations"):
//! `score(h, c) = degree(h)^-½ · degree(c)^-damping · Σ ways`. A way through a user or a basket of `n` items weighs `n^-½`;
//! a way from one step of a history to the `d`-th step after it weighs `1/d`; where items `d` places from one another are
//! `near`, the way through their user or basket weighs `near/d` more. The support of a link is the number of
//! users or baskets that carry it: [`crate::explanation`] counts it again when a reason cites it.

mod ridge;
mod shared;
mod square;

pub(crate) use square::Square;

use crate::config::LinkSettings;
use crate::knowledge::segment::{EventRow, NONE};
use crate::model::LinkKind;
use crate::model::link::ALIKE;
use crate::sections::{row_starts, starts};
use rayon::prelude::*;
use std::cmp::Ordering;

/// Of a user or basket with more items than this, the last ones count: no single one may dominate, and the work
/// grows with its square.
const LONGEST: usize = 1000;

/// Item-item links of one kind: for each item (counted from the first item) its strongest partners.
pub struct LinkTable {
    /// Which kind.
    pub kind: LinkKind,
    /// Number of the first item.
    pub first_item: u32,
    /// Rows of (item counted from the first item, score, support), by item, strongest first.
    pub rows: Vec<Vec<(u32, f32, u32)>>,
}

/// Events over numbered users and items; unknown users come last.
#[derive(Clone)]
pub struct Behaviour<'a> {
    /// Events by user, oldest first.
    pub events: &'a [EventRow],
    /// Number of the first item; users are below it.
    pub first_item: u32,
    /// How many items there are.
    pub items: usize,
    /// How many baskets there are.
    pub groups: u32,
    /// What items share.
    pub traits: Traits,
}

/// What items share: entities and values.
#[derive(Clone, Default)]
pub struct Traits {
    /// Pairs of a number, for a property with an entity or a value, and an item counted from the first; sorted. Numbers of
    /// one property lie together.
    pub pairs: Vec<(u32, u32)>,
    /// The properties, each with the end of its numbers, in their order.
    pub properties: Vec<(String, u32)>,
}

impl Traits {
    /// The properties, each with its pairs.
    pub fn counts(&self) -> Vec<(String, usize)> {
        let end = |number: u32| self.pairs.partition_point(|pair| pair.0 < number);
        let mut start = 0;
        let counts = self.properties.iter().map(|(property, number)| {
            let pairs = end(*number).saturating_sub(start);
            start += pairs;
            (property.clone(), pairs)
        });
        counts.collect()
    }
}

/// Computes the links of every kind that the events allow.
pub fn links(behaviour: Behaviour, settings: &LinkSettings) -> Vec<LinkTable> {
    let events = Events {
        events: behaviour.events,
        first: behaviour.first_item,
        items: behaviour.items,
        settings,
    };
    let mut tables = Vec::new();
    if behaviour.events.iter().any(|e| e.user != NONE) {
        let histories = events.histories();
        let users = histories.transpose(events.items);
        if settings.window > 0 {
            tables.push(events.followed_by(&users));
        }
        if settings.regressors > 0 {
            tables.push(ridge::table(&behaviour, &histories, settings));
        }
        tables.push(events.together(LinkKind::CoOccursWith, &histories, &users));
    }
    if behaviour.groups > 0 {
        let baskets = events.baskets(behaviour.groups);
        let of_item = baskets.transpose(events.items);
        tables.push(events.together(LinkKind::BoughtWith, &baskets, &of_item));
    }
    tables
}

/// How links of a kind are computed, for people.
pub fn method(kind: LinkKind, settings: &LinkSettings) -> String {
    let LinkSettings {
        window,
        neighbours,
        damping,
        near,
        discount,
        regressors,
        ridge,
        dropout,
        shared,
        order,
        preference,
        weights,
    } = settings;
    let near = match *near > 0.0 {
        true => format!(", and {near}/d more for items d places from one another, up to {window}"),
        false => String::new(),
    };
    let how = match kind {
        LinkKind::FollowedBy => {
            format!(
                "within {window} steps of a history, a basket or an event each; d steps later weighs 1/d"
            )
        }
        LinkKind::BoughtWith => {
            format!("both in one basket; a way through a basket of n items weighs n^-1/2{near}")
        }
        LinkKind::CoOccursWith => {
            format!("the same users met both; a way through a user of n items weighs n^-1/2{near}")
        }
        LinkKind::GoesWith => {
            let others = weights
                .iter()
                .map(|(property, w)| format!(", of {property} {w} n^-1/2"));
            let others: String = others.collect();
            let discount = match *discount > 0.0 {
                true => {
                    format!(", divided by the degree of the second in parts of the mean^{discount}")
                }
                false => String::new(),
            };
            return format!(
                "ridge regression ({ridge}, dropout {dropout}) of each item on the {regressors} that share most users and entities with it (an entity of n items: {shared} n^-1/2{others}; neighbours in a history: {order} more; preference {preference}){discount}; the strongest {} of each",
                neighbours.max(regressors)
            );
        }
        LinkKind::SimilarTo => return format!("cosine of text vectors, at least {ALIKE}"),
    };
    format!(
        "{how}; divided by degree^1/2 of the first and degree^{damping} of the second; the best {neighbours} of each"
    )
}

/// Items of containers (users, baskets), as rows.
struct Rows {
    at: Vec<u64>,
    items: Vec<u32>,
    /// The event that each item stands for: the last one.
    events: Vec<u32>,
}

impl Rows {
    fn row(&self, index: usize) -> &[u32] {
        &self.items[self.at[index] as usize..self.at[index + 1] as usize]
    }

    fn len(&self) -> usize {
        self.at.len() - 1
    }

    /// The items of events, by container: of each item in a container the last event, the last [`LONGEST`] of these, the last
    /// first.
    fn collect(of_event: impl Iterator<Item = Event> + Clone, sizes: [usize; 2]) -> Self {
        let [containers, items] = sizes;
        let dealt = of_event.map(|event| (event.container, (event.item, event.order)));
        let (at, all) = deal(dealt, containers);
        let mut rows = Self {
            at: vec![0],
            items: Vec::with_capacity(all.len()),
            events: Vec::with_capacity(all.len()),
        };
        // The last container that each item was seen in.
        let mut seen = vec![NONE; items];
        for (container, ends) in (0..).zip(at.windows(2)) {
            let events = all[ends[0] as usize..ends[1] as usize].iter().rev();
            let is_last = |(item, _): &&(u32, u32)| {
                std::mem::replace(&mut seen[*item as usize], container) != container
            };
            for &(item, order) in events.filter(is_last).take(LONGEST) {
                rows.items.push(item);
                rows.events.push(order);
            }
            rows.at.push(rows.items.len() as u64);
        }
        rows
    }

    /// Containers by item.
    fn transpose(&self, items: usize) -> Self {
        let of_container = |c: usize| self.row(c).iter().map(move |&item| (item, c as u32));
        let (at, containers) = deal((0..self.len()).flat_map(of_container), items);
        Self {
            at,
            items: containers,
            events: Vec::new(),
        }
    }
}

/// An item stands in a container; events are numbered in order.
struct Event {
    container: u32,
    item: u32,
    order: u32,
}

/// Values by their numbers, those of one number as they came, and where each number's begin.
fn deal<T: Copy + Default>(
    values: impl Iterator<Item = (u32, T)> + Clone,
    numbers: usize,
) -> (Vec<u64>, Vec<T>) {
    let at = starts(values.clone().map(|value| value.0 as usize), numbers);
    let mut next = at.clone();
    let mut dealt = vec![T::default(); at[numbers] as usize];
    for (number, value) in values {
        let place = &mut next[number as usize];
        dealt[*place as usize] = value;
        *place += 1;
    }
    (at, dealt)
}

/// One user went from one item to another, at their shortest distance in steps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Follow {
    from: u32,
    to: u32,
    user: u32,
    distance: u32,
}

struct Events<'a> {
    events: &'a [EventRow],
    first: u32,
    items: usize,
    settings: &'a LinkSettings,
}

impl Events<'_> {
    fn histories(&self) -> Rows {
        self.rows_by(|event| event.user, self.first)
    }

    fn baskets(&self, groups: u32) -> Rows {
        self.rows_by(|event| event.group, groups)
    }

    /// Items by what holds their events, if anything does.
    fn rows_by(&self, container: impl Fn(&EventRow) -> u32 + Clone, containers: u32) -> Rows {
        let events = (0..).zip(self.events).map(move |(order, event)| Event {
            container: container(event),
            item: event.item - self.first,
            order,
        });
        let held = events.filter(|event| event.container != NONE);
        Rows::collect(held, [containers as usize, self.items])
    }

    /// Items that stand in the same containers, which are those of each item, turned round.
    fn together(&self, kind: LinkKind, containers: &Rows, of_item: &Rows) -> LinkTable {
        let degree = |item: u32| of_item.row(item as usize).len();
        let rows = self.rows(degree, |item, ways| {
            for &container in of_item.row(item as usize) {
                let others = containers.row(container as usize);
                let weight = (others.len() as f64).sqrt().recip();
                let Some(at) = others.iter().position(|&other| other == item) else {
                    continue;
                };
                for (place, &other) in others.iter().enumerate() {
                    match at.abs_diff(place) {
                        0 => {}
                        distance => ways.add(other, weight + self.near(distance)),
                    }
                }
            }
        });
        self.table(kind, rows)
    }

    /// What items add to a way that are so many places from one another.
    fn near(&self, distance: usize) -> f64 {
        match distance <= self.settings.window {
            true => f64::from(self.settings.near) / distance as f64,
            false => 0.0,
        }
    }

    /// Steps of a history are its baskets; without baskets every event is a step of its own.
    fn followed_by(&self, of_item: &Rows) -> LinkTable {
        let mut follows = Vec::new();
        for history in self
            .events
            .chunk_by(|a, b| a.user == b.user)
            .filter(|h| h[0].user != NONE)
        {
            let recent = &history[history.len().saturating_sub(LONGEST)..];
            self.follow(recent, &mut follows);
        }
        follows.par_sort_unstable();
        follows.dedup_by_key(|f| (f.from, f.to, f.user));
        let at = row_starts(&follows, self.items, |f| f.from as usize);
        let degree = |item: u32| of_item.row(item as usize).len();
        let rows = self.rows(degree, |item, ways| {
            let item = item as usize;
            for follow in &follows[at[item] as usize..at[item + 1] as usize] {
                ways.add(follow.to, 1.0 / f64::from(follow.distance));
            }
        });
        self.table(LinkKind::FollowedBy, rows)
    }

    fn follow(&self, history: &[EventRow], follows: &mut Vec<Follow>) {
        let steps: Vec<_> = steps(history, |e| (e.group != NONE).then_some(e.group)).collect();
        for (i, step) in steps.iter().enumerate() {
            for (distance, later) in (1..).zip(steps[i + 1..].iter().take(self.settings.window)) {
                for from in *step {
                    let others = later.iter().filter(|to| to.item != from.item);
                    follows.extend(others.map(|to| Follow {
                        from: from.item - self.first,
                        to: to.item - self.first,
                        user: from.user,
                        distance,
                    }));
                }
            }
        }
    }

    fn rows(
        &self,
        degree: impl Fn(u32) -> usize + Sync,
        walk: impl Fn(u32, &mut Ways) + Sync,
    ) -> Vec<Vec<(u32, f32, u32)>> {
        let damp = |item: u32, exponent: f64| (degree(item) as f64).powf(-exponent);
        let damping = f64::from(self.settings.damping);
        let damped = (0..self.items as u32).map(|item| damp(item, damping));
        let damped: Vec<f64> = damped.collect();
        (0..self.items as u32)
            .into_par_iter()
            .map_init(
                || Ways::new(self.items),
                |ways, item| {
                    walk(item, ways);
                    let own = damp(item, 0.5);
                    let score = |other: u32, way| own * damped[other as usize] * way;
                    let row = ways.drain(self.settings.neighbours, score);
                    row.sort_unstable_by(stronger);
                    row.to_vec()
                },
            )
            .collect()
    }

    fn table(&self, kind: LinkKind, rows: Vec<Vec<(u32, f32, u32)>>) -> LinkTable {
        LinkTable {
            kind,
            first_item: self.first,
            rows,
        }
    }
}

/// Cuts a history into steps: events of one basket are one step, an event without a basket is a step of its own.
pub(crate) fn steps<E>(
    history: &[E],
    basket: impl Fn(&E) -> Option<u32>,
) -> impl Iterator<Item = &[E]> {
    history.chunk_by(move |a, b| basket(a).is_some() && basket(a) == basket(b))
}

/// Sums of ways from one item to all others; reused from row to row.
struct Ways {
    weight: Vec<f64>,
    support: Vec<u32>,
    touched: Vec<u32>,
    row: Vec<Way>,
}

/// The other item, the score, how many ways there are.
type Way = (u32, f32, u32);

fn stronger(a: &Way, b: &Way) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

impl Ways {
    fn new(items: usize) -> Self {
        Self {
            weight: vec![0.0; items],
            support: vec![0; items],
            touched: Vec::new(),
            row: Vec::new(),
        }
    }

    fn add(&mut self, item: u32, weight: f64) {
        let support = &mut self.support[item as usize];
        if *support == 0 {
            self.touched.push(item);
        }
        *support += 1;
        self.weight[item as usize] += weight;
    }

    /// The `most` strongest of the row, in no order; leaves the sums empty.
    fn drain(&mut self, most: usize, score: impl Fn(u32, f64) -> f64) -> &mut [Way] {
        self.row.clear();
        for item in self.touched.drain(..) {
            let weight = std::mem::take(&mut self.weight[item as usize]);
            let support = std::mem::take(&mut self.support[item as usize]);
            self.row.push((item, score(item, weight) as f32, support));
        }
        if most < self.row.len() {
            self.row.select_nth_unstable_by(most, stronger);
            self.row.truncate(most);
        }
        &mut self.row
    }
}
