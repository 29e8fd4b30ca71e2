//! What would have to be otherwise for a ranking to be otherwise: why an item is in a list, why one is not.
//!
//! A [`Case`] is a request as the path scorer answered it, with one item in view. Its events can be taken away and others
//! added, and facts too, as [`crate::scoring::Supposed`] says: what the person did counts as it would if it had been so,
//! links between items stay as they were built. Items whose events are taken away stay out of the list: the question is
//! what they say of others, not whether they come back.
//!
//! | question | answer |
//! |---|---|
//! | [`Case::removal`] | the fewest events without which the item leaves, or enters, the first `k` |
//! | [`Case::addition`] | an event, or two, with which it enters them |
//! | [`Case::unstated`] | the fewest facts without which it leaves them |
//! | [`Case::stated`] | a fact with which it enters them |
//!
//! A score is a sum over the history, so most sets are judged by sums; but decay, taste and the window move with every
//! event that goes, and so do the competitors. Each bound therefore holds for all that they can become, and *every answer
//! was scored again from the changed events and facts* before it is given.

mod additions;
mod bounds;
mod facts;
mod removals;
mod sums;

use crate::graph::changes::NewEvent;
use crate::scoring::{Facts, Profile, Scorer, Supposed};
use rustc_hash::FxHashSet;

/// A request with one item in view.
pub struct Case<'a, 'g> {
    /// What scored.
    pub scorer: &'a Scorer<'g>,
    /// For whom, with what they like and look for.
    pub profile: &'a Profile,
    /// What they did, oldest first; of a session the items met.
    pub events: Vec<NewEvent>,
    /// Whether each item may be in the list, in the order of their nodes.
    pub eligible: Vec<bool>,
    /// Whether what is met from now on may still be in the list.
    pub again: bool,
    /// The item in view.
    pub item: u32,
    /// Length of the list.
    pub k: usize,
}

/// Which way the item shall go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Out of the list.
    Out,
    /// Into it.
    In,
}

/// Where an item stands among all that may be in the list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// From 1.
    pub rank: usize,
    /// Its score.
    pub score: f64,
}

/// A change that does what was asked, scored again.
#[derive(Clone, Debug, PartialEq)]
pub struct Change<T> {
    /// What is taken away or added.
    pub parts: Vec<T>,
    /// Whether nothing smaller of its kind does it.
    pub minimal: bool,
    /// Where the item stands then.
    pub standing: Standing,
}

/// A change of the events or facts.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    /// Items that were never met.
    pub without: Vec<u32>,
    /// Events, the latest last.
    pub with: Vec<NewEvent>,
    /// Facts.
    pub facts: Facts,
}

impl<'g> Case<'_, 'g> {
    /// Where the item stands as things are.
    pub fn standing(&self) -> Standing {
        self.place(&self.scorer.all(self.profile), &[])
    }

    /// What its score lacks to that of the last of the first `k`; 0 or less if it is among them. `None` if there are fewer
    /// others.
    pub fn missing(&self) -> Option<f64> {
        let scores = self.scorer.all(self.profile);
        let place = (self.item - self.scorer.graph().items().start) as usize;
        Some(scores[self.rival(&scores)?] - scores[place])
    }

    /// Where the item would stand, scored from the changed events and facts.
    pub fn judge(&self, difference: &Difference) -> Standing {
        let (scorer, profile) = self.supposing(difference);
        let met: Vec<u32> = difference.with.iter().map(|event| event.item).collect();
        self.place(&scorer.all(&profile), &met)
    }

    /// The scorer and the profile with the change made.
    pub fn supposing(&self, difference: &Difference) -> (Scorer<'g>, Profile) {
        let mut supposed = Supposed {
            facts: difference.facts.clone(),
            ..Supposed::default()
        };
        if let Some(user) = self.profile.user {
            supposed.unmet = difference
                .without
                .iter()
                .map(|&item| (user, item))
                .collect();
            supposed.events = difference.with.clone();
        }
        let scorer = self.scorer.supposing(&supposed);
        let own = match self.profile.user {
            Some(user) => scorer.profile(user),
            None => {
                let gone: FxHashSet<u32> = difference.without.iter().copied().collect();
                let all = self.events.iter().chain(&difference.with);
                let latest = all.rev().map(|event| event.item);
                let left: Vec<u32> = latest.filter(|item| !gone.contains(item)).collect();
                scorer.session(&left)
            }
        };
        let mut profile = Profile {
            history: own.history,
            news: own.news,
            ..self.profile.clone()
        };
        let liked = self.profile.history.iter().skip(self.own());
        profile.history.extend(liked);
        (scorer, profile)
    }

    /// How many entries of the profile's history are events; what was added to it as liked follows them.
    fn own(&self) -> usize {
        let distinct: FxHashSet<u32> = self.events.iter().map(|event| event.item).collect();
        distinct.len().min(self.scorer.window().1)
    }

    /// Reads a place off scores of all items; those met now are out of the list, unless they may come again.
    fn place(&self, scores: &[f64], met: &[u32]) -> Standing {
        let first = self.scorer.graph().items().start;
        let place = (self.item - first) as usize;
        let score = scores[place];
        let is_in = |index: usize| {
            self.eligible[index] && (self.again || !met.contains(&(first + index as u32)))
        };
        let better = scores.iter().enumerate().filter(|&(index, &other)| {
            (other > score || other == score && index < place) && is_in(index)
        });
        Standing {
            rank: 1 + better.filter(|&(index, _)| index != place).count(),
            score,
        }
    }

    fn reaches(&self, goal: Goal, standing: Standing) -> bool {
        self.reaches_rank(goal, standing.rank)
    }

    fn reaches_rank(&self, goal: Goal, rank: usize) -> bool {
        match goal {
            Goal::Out => rank > self.k,
            Goal::In => rank <= self.k,
        }
    }

    /// The item that stands at place `k` of the others, if there are so many: who is better is in the list whatever
    /// becomes of the item in view.
    fn rival(&self, scores: &[f64]) -> Option<usize> {
        let first = self.scorer.graph().items().start;
        let place = (self.item - first) as usize;
        let others = (0..scores.len()).filter(|&index| self.eligible[index] && index != place);
        let mut others: Vec<usize> = others.collect();
        let k = self.k.checked_sub(1).filter(|&k| k < others.len())?;
        let order = |a: &usize, b: &usize| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b));
        let (_, rival, _) = others.select_nth_unstable_by(k, order);
        Some(*rival)
    }
}
