//! Folded labels and what they mean, in a few flat arrays, so that millions of them fit into memory.

use super::LabelKind;
use super::words::Words;
use crate::knowledge::segment::Texts;
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::hash::BuildHasher;
use std::ops::Range;

/// A concept that a folded label can mean.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::extraction) struct Sense {
    pub concept: u32,
    pub kind: LabelKind,
    /// Hash of the label's words before plurals were folded.
    pub surface: u64,
}

/// Takes labels in.
#[derive(Default)]
pub(in crate::extraction) struct LabelsBuilder {
    texts: Texts,
    /// Number of the label, and one of its senses.
    senses: Vec<(u32, Sense)>,
    longest: FxHashMap<u64, u8>,
}

impl LabelsBuilder {
    /// Adds a label of at most 255 words.
    pub fn add(&mut self, label: &Words, sense: Sense) {
        let number = self.texts.number(&label.folded);
        self.senses.push((number, sense));
        let first = hash(label.key(&label.words[0]));
        let longest = self.longest.entry(first).or_default();
        *longest = (*longest).max(label.words.len().try_into().unwrap_or(u8::MAX));
    }

    /// How many labels it has, counted for each concept.
    pub fn len(&self) -> usize {
        self.senses.len()
    }

    /// The labels, ready to be looked up.
    pub fn finish(mut self) -> Labels {
        self.senses.sort_unstable();
        let mut first_sense = vec![0; self.texts.len() + 1];
        for (number, _) in &self.senses {
            first_sense[*number as usize + 1] += 1;
        }
        for index in 1..first_sense.len() {
            first_sense[index] += first_sense[index - 1];
        }
        Labels {
            texts: self.texts,
            first_sense,
            senses: self.senses.into_iter().map(|(_, sense)| sense).collect(),
            longest: self.longest,
        }
    }
}

/// All labels of a gazetteer.
pub(in crate::extraction) struct Labels {
    texts: Texts,
    /// Label n has the senses from `first_sense[n]` to `first_sense[n + 1]`.
    first_sense: Vec<u32>,
    senses: Vec<Sense>,
    /// By the hash of a word, how many words the longest label has that begins with it.
    longest: FxHashMap<u64, u8>,
}

impl Labels {
    /// The longest label that begins at each word, from the left, without overlaps: which words it takes, and what it
    /// means, by concept.
    pub fn find<'a>(
        &'a self,
        text: &'a Words,
    ) -> impl Iterator<Item = (Range<usize>, &'a [Sense])> {
        self.find_in(text, 0..text.words.len())
    }

    /// The same among some of the words.
    pub fn find_in<'a>(
        &'a self,
        text: &'a Words,
        words: Range<usize>,
    ) -> impl Iterator<Item = (Range<usize>, &'a [Sense])> {
        let mut next = words.start;
        std::iter::from_fn(move || {
            while next < words.end {
                let start = next;
                let Some((end, senses)) = self.longest_at(text, start..words.end) else {
                    next += 1;
                    continue;
                };
                next = end;
                return Some((start..end, senses));
            }
            None
        })
    }

    fn longest_at(&self, text: &Words, words: Range<usize>) -> Option<(usize, &[Sense])> {
        let start = words.start;
        let first = &text.words[start];
        let most = usize::from(*self.longest.get(&hash(text.key(first)))?);
        let ends = start + 1..=(start + most).min(words.end);
        ends.rev().find_map(|end| {
            let folded = first.folded.start..text.words[end - 1].folded.end;
            let number = self.texts.find(&text.folded[folded])? as usize;
            let senses = self.first_sense[number] as usize..self.first_sense[number + 1] as usize;
            Some((end, &self.senses[senses]))
        })
    }
}

fn hash(key: &str) -> u64 {
    FxBuildHasher.hash_one(key)
}
