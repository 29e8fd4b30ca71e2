//! Terms that a `BIND` made in the present round.
//!
//! Threads that run at a time cannot number them: each run numbers its own from the top, and when all are done, the new
//! terms are numbered in the order of their texts. So numbers do not depend on threads.

use crate::{Error, Result};
use rustc_hash::FxHashMap;

/// Numbers from here on are of a run.
const FLOOR: u32 = u32::MAX - (1 << 24);

/// How many steps away from stated terms those are that were made.
pub(super) type Depths = FxHashMap<u32, u8>;

/// The new terms of a run.
#[derive(Default)]
pub(super) struct Made {
    /// With the number of steps from stated terms.
    texts: Vec<(Box<str>, u8)>,
    numbers: FxHashMap<Box<str>, u32>,
}

impl Made {
    /// The text of a term, if it is one of these.
    pub(super) fn text(&self, number: u32) -> Option<&str> {
        let index = number.checked_sub(FLOOR)?;
        self.texts.get(index as usize).map(|(text, _)| &**text)
    }

    pub(super) fn depth(&self, number: u32, depths: &Depths) -> u8 {
        let own = number
            .checked_sub(FLOOR)
            .and_then(|n| self.texts.get(n as usize));
        match own {
            Some((_, depth)) => *depth,
            None => depths.get(&number).copied().unwrap_or(0),
        }
    }

    pub(super) fn add(&mut self, text: String, depth: u8) -> Result<u32> {
        if let Some(&number) = self.numbers.get(text.as_str()) {
            return Ok(number);
        }
        let index = self.texts.len() as u32;
        let number = FLOOR.checked_add(index).filter(|number| *number < u32::MAX);
        let number =
            number.ok_or_else(|| Error::budget("a round makes more than 16 million terms"))?;
        let text: Box<str> = text.into();
        self.texts.push((text.clone(), depth));
        self.numbers.insert(text, number);
        Ok(number)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The new terms, with their steps, as they are numbered.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, u8)> {
        self.texts.iter().map(|(text, depth)| (&**text, *depth))
    }

    /// What the number is once the new terms have theirs.
    pub(super) fn settled(number: u32, settled: &[u32]) -> u32 {
        let index = number.checked_sub(FLOOR);
        index
            .and_then(|n| settled.get(n as usize))
            .copied()
            .unwrap_or(number)
    }
}
