//! `owl:sameAs`, closed without the detours that its rules would take.
//!
//! With the rules `eq-sym`, `eq-trans` and `eq-rep-*` of the shipped set as they are, n equal things cost n³ joins, and a
//! fact of theirs n². Here classes of equal things are merged, which draws each conclusion once; and a fact that was made
//! by putting an equal subject is not put through that again, nor one with an equal object through anything: for each
//! fact there is a way from one that was made otherwise, by subject, predicate and object in this order. The conclusions
//! are the rules' own, each with a premise or two as the rule wants.

use super::column::Column;
use super::compile::Words;
use super::facts::{Facts, SHARE, Table};
use super::found::Found;
use super::join::World;
use super::proofs::Proofs;
use super::rule::Rule;
use super::terms::Terms;
use super::watch::{Limits, Watch};
use crate::{Error, Result};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// The numbers of the rules that say what equality is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    symmetric: u32,
    transitive: u32,
    /// By subject, predicate, object.
    replace: [u32; 3],
}

impl Numbers {
    /// Finds the rules, if a set has all of them as they are shipped.
    pub(super) fn of(rules: &[Arc<Rule>]) -> Option<Self> {
        let number = |name: &str| {
            let iri = format!("{}owl2-rl:{name}", super::RULE);
            let place = rules.iter().position(|rule| rule.iri == iri)?;
            let shipped = super::set::shipped_rule(&iri)?;
            (rules[place].source == shipped.source).then_some(place as u32)
        };
        Some(Self {
            symmetric: number("eq-sym")?,
            transitive: number("eq-trans")?,
            replace: [
                number("eq-rep-s")?,
                number("eq-rep-p")?,
                number("eq-rep-o")?,
            ],
        })
    }

    /// Whether merging classes does what the rule does.
    pub(super) fn closes(&self, rule: u32) -> bool {
        rule == self.symmetric || rule == self.transitive
    }

    /// The rules that put an equal subject or an equal object, as far as each is asked for.
    pub(super) fn made_at(&self, [subject, object]: [bool; 2]) -> Vec<u32> {
        let asked = [(subject, self.replace[0]), (object, self.replace[2])];
        let asked = asked.into_iter().filter(|(asked, _)| *asked);
        asked.map(|(_, rule)| rule).collect()
    }

    /// Whether the rule puts equals for equals.
    pub(super) fn replaces(&self, rule: u32) -> bool {
        self.replace.contains(&rule)
    }
}

/// Classes of equal things.
#[derive(Debug)]
pub(super) struct Equality {
    pub(super) numbers: Numbers,
    class: FxHashMap<u32, usize>,
    members: Vec<Vec<u32>>,
}

impl Equality {
    pub(super) fn new(numbers: Numbers) -> Self {
        Self {
            numbers,
            class: FxHashMap::default(),
            members: Vec::new(),
        }
    }

    fn class(&mut self, term: u32) -> usize {
        *self.class.entry(term).or_insert_with(|| {
            self.members.push(vec![term]);
            self.members.len() - 1
        })
    }

    /// Takes new pairs, which are facts already, and writes down what follows from them; returns the triples.
    pub(super) fn close(
        &mut self,
        pairs: &[[u32; 2]],
        facts: &Facts,
        words: Words,
        limits: &Limits,
        proofs: &mut Proofs,
    ) -> Result<Vec<[u32; 3]>> {
        let mut new = Vec::new();
        for &[a, b] in pairs {
            let (left, right) = (self.class(a), self.class(b));
            if left == right {
                continue;
            }
            let size = self.members[left].len() + self.members[right].len();
            if size > limits.equal {
                return Err(too_many(size));
            }
            let merge = Merge {
                a,
                b,
                left: &self.members[left],
                right: &self.members[right],
                numbers: self.numbers,
                same: words.same_as,
                facts,
            };
            merge.conclude(proofs, &mut new)?;
            let moved = std::mem::take(&mut self.members[right]);
            self.class.extend(moved.iter().map(|&term| (term, left)));
            self.members[left].extend(moved);
        }
        Ok(new)
    }

    /// What follows from new facts by putting equals for equals; the facts are those of the log from a place on.
    pub(super) fn replace(
        &self,
        log: Log<'_>,
        world: World<'_>,
        terms: &dyn Terms,
    ) -> Result<Vec<Found>> {
        let Some(equals) = Equals::of(self.numbers, world, terms) else {
            return Ok(Vec::new());
        };
        let (proofs, from) = log;
        let places: Vec<usize> = (from..proofs.len()).collect();
        let found = places.par_chunks(SHARE).map(|places| {
            let mut found = Found::default();
            for &place in places {
                let (triple, rule, _) = proofs.at(place);
                if !equals.may_replace(triple) {
                    continue;
                }
                let made_by = self.numbers.replace.iter().position(|&r| r == rule);
                for at in made_by.map_or(0, |by| by + 1)..3 {
                    equals.replace(triple, at, &mut found)?;
                }
            }
            Ok(found)
        });
        found.collect()
    }

    /// What follows from all facts by putting equals for equals, once.
    pub(super) fn replace_all(&self, world: World<'_>, terms: &dyn Terms) -> Result<Vec<Found>> {
        let Some(equals) = Equals::of(self.numbers, world, terms) else {
            return Ok(Vec::new());
        };
        let tables: Vec<_> = world.sources.all.tables().collect();
        let found = tables.into_par_iter().map(|(predicate, table)| {
            let mut found = Found::default();
            equals.replace_subjects(predicate, table, &mut found)?;
            let is_equal = equals.is_equal(predicate);
            for &[subject, object] in table.by_subject.all().flatten() {
                let triple = [subject, predicate, object];
                if is_equal {
                    equals.replace(triple, 1, &mut found)?;
                }
                if equals.is_equal(object) {
                    equals.replace(triple, 2, &mut found)?;
                }
            }
            Ok(found)
        });
        found.collect()
    }
}

/// The facts that a log has from a place on.
pub(super) type Log<'a> = (&'a Proofs, usize);

/// What is equal to what.
struct Equals<'a> {
    rules: [u32; 3],
    same_as: u32,
    pairs: &'a Column,
    /// For each term, whether it is equal to another: most are not, and need no look-up.
    any: Vec<bool>,
    facts: &'a Facts,
    terms: &'a dyn Terms,
    watch: &'a Watch,
    /// Conclusions of all threads, about.
    found: AtomicUsize,
}

impl<'a> Equals<'a> {
    fn of(numbers: Numbers, world: World<'a>, terms: &'a dyn Terms) -> Option<Self> {
        let (facts, same_as) = (world.sources.all, world.words.same_as);
        let pairs = &facts.table(same_as)?.by_subject;
        let last = pairs.all().filter_map(|rows| rows.last()).map(|row| row[0]);
        let mut any = vec![false; last.max()? as usize + 1];
        for row in pairs.all().flatten() {
            any[row[0] as usize] = true;
        }
        Some(Self {
            rules: numbers.replace,
            same_as,
            pairs,
            any,
            facts,
            terms,
            watch: world.watch,
            found: AtomicUsize::new(0),
        })
    }

    fn is_equal(&self, term: u32) -> bool {
        self.any.get(term as usize) == Some(&true)
    }

    fn may_replace(&self, triple: [u32; 3]) -> bool {
        triple.into_iter().any(|term| self.is_equal(term))
    }

    /// What all facts of a predicate say with equals as subjects. Whether they say anything of an equal is asked once for
    /// all facts of a subject: mostly they do not.
    fn replace_subjects(&self, predicate: u32, table: &Table, found: &mut Found) -> Result<()> {
        if predicate == self.same_as {
            return Ok(());
        }
        let rows = table.by_subject.all();
        for of_one in rows.flat_map(|rows| rows.chunk_by(|a, b| a[0] == b[0])) {
            let subject = of_one[0][0];
            if !self.is_equal(subject) {
                continue;
            }
            for &[_, equal] in self.pairs.of(subject).flatten() {
                let is_new = table.by_subject.count(equal) == 0;
                let equation = [subject, self.same_as, equal];
                for &[_, object] in of_one {
                    if is_new || !table.contains(equal, object) {
                        let premises = [equation, [subject, predicate, object]];
                        found.push([equal, predicate, object], self.rules[0], premises)?;
                        found.bound(&self.found, self.watch)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// What a fact says with equals at one of its places.
    fn replace(&self, triple: [u32; 3], at: usize, found: &mut Found) -> Result<()> {
        let term = triple[at];
        let is_equality = at != 1 && triple[1] == self.same_as;
        if is_equality || !self.is_equal(term) {
            return Ok(());
        }
        for &[_, equal] in self.pairs.of(term).flatten() {
            let mut other = triple;
            other[at] = equal;
            // What is equal to a property need not be one that RDF lets stand there.
            let is_rdf = at != 1 || self.terms.text(equal).starts_with('<');
            if is_rdf && !self.facts.contains(other) {
                let equation = [term, self.same_as, equal];
                found.push(other, self.rules[at], [equation, triple])?;
                found.bound(&self.found, self.watch)?;
            }
        }
        Ok(())
    }
}

fn too_many(size: usize) -> Error {
    Error::budget(format!(
        "{size} things are owl:sameAs each other, which makes {} facts of that alone",
        size * (size - 1)
    ))
    .hint("mostly one wrong link joins them; raise the limit of equal things if they are all one")
}

/// Two classes that become one because `a` is `b`.
struct Merge<'a> {
    a: u32,
    b: u32,
    left: &'a [u32],
    right: &'a [u32],
    numbers: Numbers,
    same: u32,
    facts: &'a Facts,
}

impl Merge<'_> {
    /// Every conclusion's premises are facts, or were concluded before it.
    fn conclude(&self, proofs: &mut Proofs, new: &mut Vec<[u32; 3]>) -> Result<()> {
        let Numbers {
            transitive,
            symmetric,
            ..
        } = self.numbers;
        let same = |x: u32, y: u32| [x, self.same, y];
        let mut draw = |triple: [u32; 3], rule: u32, premises: &[[u32; 3]]| {
            if self.facts.contains(triple) {
                return Ok(());
            }
            new.push(triple);
            proofs.push(triple, rule, premises)
        };
        let (a, b) = (self.a, self.b);
        for &y in self.right.iter().filter(|y| **y != b) {
            draw(same(a, y), transitive, &[same(a, b), same(b, y)])?;
        }
        for &x in self.left.iter().filter(|x| **x != a) {
            for &y in self.right {
                draw(same(x, y), transitive, &[same(x, a), same(a, y)])?;
            }
        }
        for &x in self.left {
            for &y in self.right {
                draw(same(y, x), symmetric, &[same(x, y)])?;
            }
        }
        Ok(())
    }
}
