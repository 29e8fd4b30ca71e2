//! The number of a term tells its kind.

use crate::model::term::{self, Kind};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::ops::Range;

/// Which numbers are which kind of term.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranges {
    /// Terms below this number are users.
    pub users: u32,
    /// Terms from there to below this number are items.
    pub items: u32,
    /// Terms from there to below this number are other resources; all below are nodes.
    pub nodes: u32,
    /// Terms from there to below this number are literals.
    pub literals: u32,
    /// Terms from there to below this number are triple terms.
    pub terms: u32,
}

impl Ranges {
    /// The numbers of the users.
    pub fn users(&self) -> Range<u32> {
        0..self.users
    }

    /// The numbers of the items.
    pub fn items(&self) -> Range<u32> {
        self.users..self.items
    }

    /// The numbers of all nodes: users, items and other resources.
    pub fn nodes(&self) -> Range<u32> {
        0..self.nodes
    }

    /// The number of an encoded term, where `text` tells the terms by number.
    pub(in crate::graph) fn find<'a>(
        &self,
        encoded: &str,
        text: impl Fn(u32) -> &'a str,
    ) -> Option<u32> {
        // Each of these is sorted by text.
        let classes = [
            self.users(),
            self.items(),
            self.items..self.nodes,
            self.nodes..self.literals,
            self.literals..self.terms,
        ];
        let classes = match term::kind(encoded) {
            Kind::Resource => &classes[..3],
            Kind::Literal => &classes[3..4],
            Kind::Triple => &classes[4..],
        };
        let mut classes = classes.iter().cloned();
        classes.find_map(|class| find_in(class, encoded, &text))
    }

    pub(super) fn from_ends([users, items, nodes, literals, terms]: [u32; 5]) -> Self {
        Self {
            users,
            items,
            nodes,
            literals,
            terms,
        }
    }

    /// Whether the kinds stand in their order.
    pub(in crate::graph) fn are_sound(&self) -> bool {
        let ends = [self.users, self.items, self.nodes, self.literals];
        ends.is_sorted() && self.literals <= self.terms
    }
}

fn find_in<'a>(
    Range { start, end }: Range<u32>,
    encoded: &str,
    text: impl Fn(u32) -> &'a str,
) -> Option<u32> {
    let (mut low, mut high) = (start, end);
    while low < high {
        let middle = low + (high - low) / 2;
        match text(middle).cmp(encoded) {
            Ordering::Equal => return Some(middle),
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
        }
    }
    None
}
