//! What a run of a rule concludes, each conclusion with its least premises.

use super::column::Pair;
use super::compile::{Compiled, Place, Premise, instance};
use super::facts::Facts;
use super::join::{Sink, World};
use super::lists::Lists;
use super::made::Made;
use super::terms::Terms;
use super::watch::Watch;
use crate::model::term::{self, Kind};
use crate::{Error, Result};
use std::cmp::Ordering;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Conclusions are thinned out once there are so many.
const MANY: usize = 1 << 20;

/// Conclusions between two looks at the limits.
const LOOK: usize = 1 << 12;

/// A conclusion; its premises are a piece of [`Found::premises`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) triple: [u32; 3],
    pub(super) rule: u32,
    at: u32,
    len: u32,
}

/// Conclusions.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    premises: Vec<[u32; 3]>,
}

impl Found {
    pub(super) fn premises(&self, entry: &Entry) -> &[[u32; 3]] {
        &self.premises[entry.at as usize..][..entry.len as usize]
    }

    /// Adds a conclusion.
    pub(super) fn push(
        &mut self,
        triple: [u32; 3],
        rule: u32,
        premises: impl IntoIterator<Item = [u32; 3]>,
    ) -> Result<()> {
        let at = self.premises.len();
        self.premises.extend(premises);
        self.conclude(triple, rule, at)
    }

    /// An error if that is enough; looked at now and then. `all` counts what runs beside each other have found.
    pub(super) fn bound(&self, all: &AtomicUsize, watch: &Watch) -> Result<()> {
        if !self.entries.len().is_multiple_of(LOOK) {
            return Ok(());
        }
        watch.check()?;
        match all.fetch_add(LOOK, Relaxed) + LOOK > watch.limits.facts {
            true => Err(too_many(watch.limits.facts)),
            false => Ok(()),
        }
    }

    /// Adds a conclusion whose premises are the last, from `at` on.
    fn conclude(&mut self, triple: [u32; 3], rule: u32, at: usize) -> Result<()> {
        let (Ok(at), Ok(len)) = (u32::try_from(at), u32::try_from(self.premises.len() - at)) else {
            return Err(Error::budget("a rule concludes too much at a time"));
        };
        self.entries.push(Entry {
            triple,
            rule,
            at,
            len,
        });
        Ok(())
    }

    /// The order in which, of the same triple, the first is kept.
    pub(super) fn compare(a: (&Self, &Entry), b: (&Self, &Entry)) -> Ordering {
        let key = |entry: &Entry| {
            (
                entry.triple[1],
                entry.triple[0],
                entry.triple[2],
                entry.rule,
            )
        };
        let order = key(a.1).cmp(&key(b.1));
        order.then_with(|| a.0.premises(a.1).cmp(b.0.premises(b.1)))
    }

    /// Keeps the least of each triple.
    fn thin_out(&mut self) {
        let mut entries = std::mem::take(&mut self.entries);
        entries.sort_unstable_by(|a, b| Self::compare((self, a), (self, b)));
        entries.dedup_by_key(|entry| entry.triple);
        let mut premises = Vec::with_capacity(entries.len() * 2);
        for entry in &mut entries {
            let from = premises.len() as u32;
            premises.extend_from_slice(self.premises(entry));
            entry.at = from;
        }
        self.entries = entries;
        self.premises = premises;
    }

    /// Gives terms that a run made their numbers.
    pub(super) fn settle(&mut self, settled: &[u32]) {
        let settle = |term: &mut u32| *term = Made::settled(*term, settled);
        for entry in &mut self.entries {
            entry.triple.iter_mut().for_each(settle);
        }
    }
}

/// Facts of one subject and predicate, which several conclusions in a row have.
struct Near<'a> {
    facts: &'a Facts,
    of: Option<[u32; 2]>,
    rows: Vec<&'a [Pair]>,
}

impl<'a> Near<'a> {
    fn new(facts: &'a Facts) -> Self {
        Self {
            facts,
            of: None,
            rows: Vec::new(),
        }
    }

    fn contains(&mut self, [subject, predicate, object]: [u32; 3]) -> bool {
        if self.of.replace([subject, predicate]) != Some([subject, predicate]) {
            self.rows.clear();
            let table = self.facts.table(predicate);
            let rows = table
                .into_iter()
                .flat_map(|table| table.by_subject.of(subject));
            self.rows.extend(rows.filter(|rows| !rows.is_empty()));
        }
        self.rows
            .iter()
            .any(|rows| rows.binary_search(&[subject, object]).is_ok())
    }
}

/// Turns rows of a rule into conclusions that are not known yet.
pub(super) struct Conclude<'a> {
    rule: &'a Compiled,
    world: World<'a>,
    terms: &'a dyn Terms,
    /// Triples that are concluded already: facts, or contradictions.
    known: &'a Facts,
    /// For each head, whether its subject and its predicate have to be looked at.
    looks: Vec<[bool; 2]>,
    near: Near<'a>,
    pub(super) found: Found,
    many: usize,
}

impl<'a> Conclude<'a> {
    pub(super) fn new(
        rule: &'a Compiled,
        world: World<'a>,
        terms: &'a dyn Terms,
        known: &'a Facts,
    ) -> Self {
        let stands = |place: Place, at: &[usize]| match place {
            Place::Is(_) => true,
            place => rule
                .atoms
                .iter()
                .any(|atom| at.iter().any(|&n| atom[n] == place)),
        };
        let looks = |[s, p, _]: &[Place; 3]| [!stands(*s, &[0, 1]), !stands(*p, &[1])];
        Self {
            looks: rule.heads.iter().map(looks).collect(),
            rule,
            world,
            terms,
            near: Near::new(known),
            known,
            found: Found::default(),
            many: MANY,
        }
    }

    /// `CONSTRUCT` leaves out what is no RDF: a literal as a subject, or a predicate that is no IRI.
    fn is_rdf(&self, head: usize, [s, p, _]: [u32; 3], made: &Made) -> bool {
        let [subject, predicate] = self.looks[head];
        let text = |number| made.text(number).unwrap_or_else(|| self.terms.text(number));
        let resource = |number| term::kind(text(number)) == Kind::Resource;
        let iri = |number| text(number).starts_with('<');
        (!subject || resource(s)) && (!predicate || iri(p))
    }

    fn conclude(&mut self, triple: [u32; 3], row: &[u32]) -> Result<()> {
        let premises = &mut self.found.premises;
        let at = premises.len();
        for (n, premise) in self.rule.premises.iter().enumerate() {
            if n == self.rule.before {
                premises.extend_from_slice(&self.rule.fixed);
            }
            match premise {
                Premise::Atom(n) => premises.push(instance(&self.rule.atoms[*n], row)),
                Premise::Walk(n) => {
                    let lists = Lists::of(self.world);
                    let walk = &self.rule.walks[*n];
                    let [from, _, to] = instance(&[walk.from, walk.from, walk.to], row);
                    premises.extend(lists.chain(from, to, walk.least)?.unwrap_or_default());
                }
            }
        }
        if self.rule.before == self.rule.premises.len() {
            premises.extend_from_slice(&self.rule.fixed);
        }
        self.found.conclude(triple, self.rule.number, at)
    }

    fn thin_out(&mut self) -> Result<()> {
        self.found.thin_out();
        let limit = self.world.watch.limits.facts;
        if self.found.entries.len() + self.known.len() > limit {
            let rule = &self.rule.rule;
            return Err(too_many(limit).hint(format!(
                "rule `{}` ({}) derives the most at this point",
                rule.name, rule.place
            )));
        }
        self.many = MANY.max(self.found.entries.len() * 2);
        Ok(())
    }
}

/// The closure does not fit.
pub(super) fn too_many(limit: usize) -> Error {
    Error::budget(format!("the closure has more than {limit} facts"))
}

impl Sink for Conclude<'_> {
    fn take(&mut self, row: &[u32], made: &Made) -> Result<bool> {
        for n in 0..self.rule.heads.len() {
            let triple = instance(&self.rule.heads[n], row);
            if !self.near.contains(triple) && self.is_rdf(n, triple, made) {
                self.conclude(triple, row)?;
            }
        }
        if self.found.entries.len() >= self.many {
            self.thin_out()?;
        }
        Ok(true)
    }
}
