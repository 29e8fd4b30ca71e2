//! How each derived fact was derived first.

use super::facts::SHARE;
use super::found::{Entry, Found};
use super::order;
use crate::{Error, Result};
use rayon::prelude::*;

#[derive(Clone, Copy, Debug)]
struct Proof {
    triple: [u32; 3],
    rule: u32,
    at: u32,
}

/// Conclusions in the order in which they were drawn: whatever is a premise stands before what follows from it.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    log: Vec<Proof>,
    premises: Vec<[u32; 3]>,
    /// Indexes into the log, by triple.
    sorted: Vec<u32>,
}

impl Proofs {
    pub(super) fn len(&self) -> usize {
        self.log.len()
    }

    /// Triple, rule and premises of a place in the log.
    pub(super) fn at(&self, place: usize) -> ([u32; 3], u32, &[[u32; 3]]) {
        let proof = &self.log[place];
        let end = self.log.get(place + 1).map(|next| next.at as usize);
        let premises = &self.premises[proof.at as usize..end.unwrap_or(self.premises.len())];
        (proof.triple, proof.rule, premises)
    }

    /// Triples and rules of the log from a place on.
    pub(super) fn since(&self, place: usize) -> impl Iterator<Item = ([u32; 3], u32)> {
        let log = self.log[place..].iter();
        log.map(|proof| (proof.triple, proof.rule))
    }

    /// Places in the log, by triple; once [`Proofs::sort`] was called.
    pub(super) fn sorted(&self) -> &[u32] {
        &self.sorted
    }

    /// The place of a triple; once [`Proofs::sort`] was called.
    pub(super) fn find(&self, triple: [u32; 3]) -> Option<usize> {
        let by = |place: &u32| self.log[*place as usize].triple;
        let found = self.sorted.binary_search_by_key(&triple, by).ok()?;
        Some(self.sorted[found] as usize)
    }

    /// Writes down a conclusion.
    pub(super) fn push(
        &mut self,
        triple: [u32; 3],
        rule: u32,
        premises: &[[u32; 3]],
    ) -> Result<()> {
        let at = u32::try_from(self.premises.len())
            .map_err(|_| Error::budget("the proofs have more than 4,294,967,295 premises"))?;
        self.premises.extend_from_slice(premises);
        self.log.push(Proof { triple, rule, at });
        Ok(())
    }

    /// Writes down what was found, in this order.
    pub(super) fn extend<'a>(
        &mut self,
        found: impl Iterator<Item = (&'a Found, &'a Entry)> + Clone,
    ) -> Result<()> {
        let premises = found
            .clone()
            .map(|(from, entry)| from.premises(entry).len());
        let (count, premises) = premises.fold((0, 0), |(n, sum), len| (n + 1, sum + len));
        self.log.reserve(count);
        self.premises.reserve(premises);
        for (from, entry) in found {
            self.push(entry.triple, entry.rule, from.premises(entry))?;
        }
        Ok(())
    }

    /// Writes down all of another log.
    pub(super) fn append(&mut self, other: &Self) -> Result<()> {
        for place in 0..other.len() {
            let (triple, rule, premises) = other.at(place);
            self.push(triple, rule, premises)?;
        }
        Ok(())
    }

    /// Takes out the conclusions for which `gone` says so, in the order of the log.
    pub(super) fn remove(&mut self, mut gone: impl FnMut([u32; 3], &[[u32; 3]]) -> bool) {
        let mut kept = Self::default();
        for place in 0..self.log.len() {
            let (triple, rule, premises) = self.at(place);
            if !gone(triple, premises) {
                let at = kept.premises.len() as u32;
                kept.premises.extend_from_slice(premises);
                kept.log.push(Proof { triple, rule, at });
            }
        }
        *self = kept;
    }

    /// Makes the conclusions findable.
    pub(super) fn sort(&mut self) {
        // With their triples, for to look these up in the log would be to jump about in it.
        let mut sorted: Vec<([u32; 3], u32)> =
            self.log.iter().map(|proof| proof.triple).zip(0..).collect();
        order::sort(&mut sorted, |(triple, _)| u64::from(triple[0]));
        let same_subject = |a: &([u32; 3], u32), b: &([u32; 3], u32)| a.0[0] == b.0[0];
        let sort = |same: &mut [([u32; 3], u32)]| same.sort_unstable();
        match sorted.len() > SHARE {
            true => sorted.par_chunk_by_mut(same_subject).for_each(sort),
            false => sorted.chunk_by_mut(same_subject).for_each(sort),
        }
        self.sorted = sorted.into_iter().map(|(_, place)| place).collect();
        self.premises.shrink_to_fit();
    }

    /// The rule that drew the most conclusions, and how many.
    pub(super) fn busiest(&self) -> Option<(u32, usize)> {
        let mut counts = std::collections::BTreeMap::new();
        for proof in &self.log {
            *counts.entry(proof.rule).or_insert(0usize) += 1;
        }
        counts
            .into_iter()
            .max_by_key(|&(rule, count)| (count, std::cmp::Reverse(rule)))
    }
}
