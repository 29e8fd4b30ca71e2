//! All terms of the input get their numbers.
//!
//! Terms are sorted once, each with the places that it came from; so a segment's terms are numbered without a look-up,
//! and no text is kept twice.

use super::{Ranges, Roles};
use crate::knowledge::segment::{NONE, Segment};
use crate::model::term::{self, Kind};
use crate::{Error, Result};
use rayon::prelude::*;

/// Terms by number, in one piece of memory.
pub struct Terms {
    text: String,
    at: Vec<u64>,
    ranges: Ranges,
}

impl Terms {
    /// Which numbers are which kind of term.
    pub fn ranges(&self) -> &Ranges {
        &self.ranges
    }

    /// Term number `number`; empty where there is none.
    pub fn get(&self, number: u32) -> &str {
        let index = number as usize;
        match (self.at.get(index), self.at.get(index + 1)) {
            (Some(&from), Some(&to)) => &self.text[from as usize..to as usize],
            _ => "",
        }
    }

    /// The number of an encoded term.
    pub fn find(&self, encoded: &str) -> Option<u32> {
        self.ranges.find(encoded, |number| self.get(number))
    }

    /// Gives numbers to more terms. Returns what each number is now: those of before, and following them those of `new`, in
    /// their order; nothing if nothing changed. Numbers of before keep their order.
    pub(super) fn admit(&mut self, new: &[String]) -> Result<Vec<u32>> {
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let (old, all) = (self.ranges.terms as usize, self.at.len() - 1 + new.len());
        if all >= NONE as usize {
            return Err(Error::budget("a graph holds at most 4,294,967,294 terms"));
        }
        let ranges = &self.ranges;
        let classes = [ranges.users, ranges.items, ranges.nodes, ranges.literals];
        let before = |number| classes.iter().filter(|&&end| number >= end).count() as u8;
        let key = |number: u32| match new.get((number as usize).wrapping_sub(old)) {
            Some(text) => (class_of(0, text), text.as_str()),
            None => (before(number), self.get(number)),
        };
        let mut order: Vec<u32> = (0..all as u32).collect();
        // Merged rather than sorted: but for the last, they are in order.
        order.par_sort_by_key(|&number| key(number));
        let mut ends = [0u32; CLASSES];
        let mut numbers = vec![NONE; all];
        let mut texts = Vec::with_capacity(all);
        for (number, &old) in (0..).zip(&order) {
            let (class, text) = key(old);
            ends[class as usize] = number + 1;
            numbers[old as usize] = number;
            texts.push(text);
        }
        for class in 1..CLASSES {
            ends[class] = ends[class].max(ends[class - 1]);
        }
        let terms = join(&texts, Ranges::from_ends(ends));
        *self = terms;
        Ok(numbers)
    }

    /// Where each term ends in the text of all, after a zero; and that text.
    pub(in crate::graph) fn columns(&self) -> (&[u64], &[u8]) {
        (&self.at, self.text.as_bytes())
    }
}

/// The numbers of each segment's terms.
pub(super) type Numbers = Vec<Vec<u32>>;

/// A term and where it came from.
struct Origin<'a> {
    text: &'a str,
    role: u8,
    /// Index of the segment, or [`NONE`].
    segment: u32,
    /// Index among the segment's terms.
    index: u32,
}

/// Numbers the terms of the segments and `others`, which come with their roles.
pub(super) fn number<'a>(
    segments: &'a [Segment],
    roles: &[Roles],
    others: impl Iterator<Item = (&'a str, u8)>,
) -> Result<(Terms, Numbers)> {
    let mut origins = sorted_origins(segments, roles, others);
    let count = origins.chunk_by(|a, b| a.text == b.text).count();
    if count >= NONE as usize {
        return Err(Error::budget("a graph holds at most 4,294,967,294 terms"));
    }
    let mut ends = [0u32; CLASSES];
    for same in origins.chunk_by_mut(|a, b| a.text == b.text) {
        let class = class(same);
        same[0].role = class;
        ends[class as usize] += 1;
    }
    for class in 1..CLASSES {
        ends[class] += ends[class - 1];
    }
    let ranges = Ranges::from_ends(ends);
    let mut next = [0, ends[0], ends[1], ends[2], ends[3]];
    let mut texts = vec![""; count];
    let mut numbers: Numbers = segments.iter().map(|s| vec![NONE; s.terms.len()]).collect();
    for same in origins.chunk_by(|a, b| a.text == b.text) {
        let next = &mut next[same[0].role as usize];
        texts[*next as usize] = same[0].text;
        for origin in same.iter().filter(|o| o.segment != NONE) {
            numbers[origin.segment as usize][origin.index as usize] = *next;
        }
        *next += 1;
    }
    Ok((join(&texts, ranges), numbers))
}

fn sorted_origins<'a>(
    segments: &'a [Segment],
    roles: &[Roles],
    others: impl Iterator<Item = (&'a str, u8)>,
) -> Vec<Origin<'a>> {
    let mut origins: Vec<Origin> = others
        .map(|(text, role)| Origin {
            text,
            role,
            segment: NONE,
            index: 0,
        })
        .collect();
    for (number, (segment, roles)) in (0..).zip(segments.iter().zip(roles)) {
        let terms = (0..).zip(segment.terms.iter());
        origins.extend(terms.map(|(index, text)| Origin {
            text,
            role: roles.of(index),
            segment: number,
            index,
        }));
    }
    origins.par_sort_unstable_by(|a, b| a.text.cmp(b.text));
    origins
}

const CLASSES: usize = 5;

/// Users, items, other resources, literals, triple terms. A user's number must not be an item's: who acts is a user,
/// even where others rate them.
fn class(same: &[Origin]) -> u8 {
    let role = same.iter().fold(0, |role, origin| role | origin.role);
    class_of(role, same[0].text)
}

fn class_of(role: u8, text: &str) -> u8 {
    match term::kind(text) {
        Kind::Resource if role & Roles::USER != 0 => 0,
        Kind::Resource if role & Roles::ITEM != 0 => 1,
        Kind::Resource => 2,
        Kind::Literal => 3,
        Kind::Triple => 4,
    }
}

fn join(texts: &[&str], ranges: Ranges) -> Terms {
    let mut text = String::with_capacity(texts.iter().map(|t| t.len()).sum());
    let mut at = Vec::with_capacity(texts.len() + 1);
    at.push(0);
    for term in texts {
        text.push_str(term);
        at.push(text.len() as u64);
    }
    Terms { text, at, ranges }
}
