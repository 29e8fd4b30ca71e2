//! What filters of one variable said of terms.
//!
//! The same filter meets a term in fact after fact and round after round, and reading the term's text is what costs.

use super::expression::Expr;
use super::rule::{Part, Rule};
use rustc_hash::FxHashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What was tested, by the address of the filter: rules stay where they are as long as an engine has them.
#[derive(Debug, Default)]
pub(super) struct Tested(FxHashMap<usize, Marks>);

/// Two bits a term: whether it was tested, and whether it passed.
#[derive(Debug)]
pub(super) struct Marks(Box<[AtomicU64]>);

/// Terms whose bits one word holds.
const TERMS: usize = 32;

impl Tested {
    /// Nothing yet, for the filters of rules and terms up to a number; of later ones nothing is kept.
    pub(super) fn new<'a>(rules: impl Iterator<Item = &'a Rule>, last: u32) -> Self {
        let words = last as usize / TERMS + 1;
        let marks = || Marks((0..words).map(|_| AtomicU64::new(0)).collect());
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
                let bits = (1 | u64::from(passes) << 1) << shift(term);
                self.0[term as usize / TERMS].fetch_or(bits, Relaxed);
                passes
            }
            Some(bits) => bits == 3,
            None => test(),
        }
    }

    /// Whether a term that is kept was not tested yet.
    pub(super) fn is_new(&self, term: u32) -> bool {
        self.bits(term) == Some(0)
    }

    /// Whether a term is not known to fail.
    pub(super) fn may_pass(&self, term: u32) -> bool {
        self.bits(term) != Some(1)
    }

    fn bits(&self, term: u32) -> Option<u64> {
        let word = self.0.get(term as usize / TERMS)?;
        Some(word.load(Relaxed) >> shift(term) & 3)
    }
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
