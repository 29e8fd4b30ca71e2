//! Texts numbered in the order in which they first come, in one piece of memory.

use rustc_hash::{FxBuildHasher, FxHashMap};
use std::collections::hash_map::Entry;
use std::hash::BuildHasher;

/// Distinct texts and their numbers. Millions of small strings of their own would cost a multiple.
#[derive(Clone, Default)]
pub(crate) struct Texts {
    text: String,
    ends: Vec<u64>,
    /// By their hashes, the first that has each.
    numbers: FxHashMap<u64, u32>,
    /// Texts whose hash an earlier one has.
    others: FxHashMap<String, u32>,
}

impl Texts {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The number of a text; a new one gets the next.
    pub(crate) fn number(&mut self, text: &str) -> u32 {
        let next = self.ends.len() as u32;
        let number = match self.numbers.entry(FxBuildHasher.hash_one(text)) {
            Entry::Vacant(entry) => *entry.insert(next),
            Entry::Occupied(entry) => {
                let number = *entry.get();
                if self.get(number) == text {
                    return number;
                }
                *self.others.entry(text.to_owned()).or_insert(next)
            }
        };
        if number == next {
            self.text.push_str(text);
            self.ends.push(self.text.len() as u64);
        }
        number
    }

    /// The number of a text that is among them.
    pub(crate) fn find(&self, text: &str) -> Option<u32> {
        let number = *self.numbers.get(&FxBuildHasher.hash_one(text))?;
        match self.get(number) == text {
            true => Some(number),
            false => self.others.get(text).copied(),
        }
    }

    /// The text of a number that was given.
    pub(crate) fn get(&self, number: u32) -> &str {
        let index = number as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[index] as usize]
    }

    /// Where each begins in the text of all, and where the last ends; and that text.
    pub(crate) fn columns(&self) -> (Vec<u64>, &[u8]) {
        let at = std::iter::once(0).chain(self.ends.iter().copied());
        (at.collect(), self.text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_one_number_even_where_hashes_meet() {
        let mut texts = Texts::default();
        let numbers = ["a", "", "b", "a", ""].map(|text| texts.number(text));
        assert_eq!(numbers, [0, 1, 2, 0, 1]);
        // As if another text had the same hash as "a".
        let hash = FxBuildHasher.hash_one("c");
        texts.numbers.insert(hash, 0);
        let numbers = ["c", "a", "c", "d"].map(|text| texts.number(text));
        assert_eq!(numbers, [3, 0, 3, 4]);
        let (at, text) = texts.columns();
        assert_eq!((&at[..], text), (&[0, 1, 1, 2, 3, 4][..], &b"abcd"[..]));
    }
}
