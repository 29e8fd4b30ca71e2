//! What filters of one variable said of terms.
//!
//! The same filter meets a term in fact after fact and round after round, and reading the term's text is what costs.

use super::expression::Expr;
use super::rule::{Part, Rule};
use super::watch::Watch;
use crate::Result;
use rustc_hash::FxHashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What was tested, by the address of the filter: rules stay where they are as long as an engine has them.
#[derive(Debug, Default)]
pub(super) struct Tested(FxHashMap<usize, Marks>);

/// Two bits a term: whether it was tested, and whether it passed.
#[derive(Debug)]
pub(super) struct Marks {
    words: Box<[AtomicU64]>,
    /// The last term that has bits.
    last: u32,
}

/// Terms whose bits one word holds.
const TERMS: usize = 32;

/// A word whose terms are all tested.
const ALL_TESTED: u64 = u64::MAX / 3;

/// Words between two looks at the time.
const BETWEEN_LOOKS: usize = 8;

impl Tested {
    /// Nothing yet, for the filters of rules and terms up to a number; of later ones nothing is kept.
    pub(super) fn new<'a>(rules: impl Iterator<Item = &'a Rule>, last: u32) -> Self {
        let words = 0..=last as usize / TERMS;
        let marks = || Marks {
            words: words.clone().map(|_| AtomicU64::new(0)).collect(),
            last,
        };
        let tests = rules.flat_map(|rule| tests(&rule.body));
        Self(tests.map(|test| (address(test), marks())).collect())
    }

    /// What a filter said.
    pub(super) fn marks(&self, expr: &Expr) -> Option<&Marks> {
        self.0.get(&address(expr))
    }
}

impl Marks {
    /// Whether a term passes, tested if it was not yet.
    pub(super) fn passes(&self, term: u32, test: impl FnOnce() -> bool) -> bool {
        match self.bits(term) {
            Some(0) => {
                let passes = test();
                self.words[term as usize / TERMS].fetch_or(mark(term, passes), Relaxed);
                passes
            }
            Some(bits) => bits == 3,
            None => test(),
        }
    }

    /// Tests all terms in the order in which their texts lie: where a rule looks at all facts, each term would be met in any
    /// order, and to bring in its text is what costs. Each of `shares` begins elsewhere, so that they do not all do the same.
    pub(super) fn sweep(
        &self,
        (shares, which): (usize, usize),
        test: impl Fn(u32) -> bool,
        watch: &Watch,
    ) -> Result<()> {
        let begin = self.words.len() * which / shares;
        for at in (begin..self.words.len()).chain(0..begin) {
            if at.is_multiple_of(BETWEEN_LOOKS) {
                watch.check()?;
            }
            let first = (at * TERMS) as u32;
            let known = self.words[at].load(Relaxed);
            if known & ALL_TESTED == ALL_TESTED {
                continue;
            }
            let terms = first..=self.last.min(first + TERMS as u32 - 1);
            let new = terms.filter(|&term| known >> shift(term) & 1 == 0);
            let bits = new.fold(0, |bits, term| bits | mark(term, test(term)));
            self.words[at].fetch_or(bits, Relaxed);
        }
        Ok(())
    }

    /// Whether a term is not known to fail.
    pub(super) fn may_pass(&self, term: u32) -> bool {
        self.bits(term) != Some(1)
    }

    fn bits(&self, term: u32) -> Option<u64> {
        let word = self.words.get(term as usize / TERMS)?;
        Some(word.load(Relaxed) >> shift(term) & 3)
    }
}

/// The bits of a term that was tested.
fn mark(term: u32, passes: bool) -> u64 {
    (1 | u64::from(passes) << 1) << shift(term)
}

/// Where the bits of a term lie in their word.
fn shift(term: u32) -> usize {
    term as usize % TERMS * 2
}

fn address(expr: &Expr) -> usize {
    std::ptr::from_ref(expr).addr()
}

/// The filters of one variable.
fn tests(parts: &[Part]) -> Vec<&Expr> {
    let tests = parts.iter().flat_map(|part| match part {
        Part::Test(expr) if expr.reads_only().is_some() => vec![expr],
        Part::Absent(parts) => tests(parts),
        _ => Vec::new(),
    });
    tests.collect()
}
