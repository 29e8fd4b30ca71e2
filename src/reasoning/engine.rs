//! Rounds to a fixpoint: each looks at what the last one brought.
//!
//! A round runs every rule on the facts as they were when it began, so what it finds, and the proof that is kept of each
//! find (the least rule, then the least premises), depends on no thread. Rules are run from each of their patterns that
//! new facts match, the others looked up in all facts; a rule that is new runs on all facts once.

use super::compile::{Atom, Compiled, Place, Words};
use super::detours::{self, Shortcuts};
use super::equality::{Equality, Numbers};
use super::every;
use super::facts::{Facts, SHARE, in_order};
use super::found::{Entry, Found, too_many};
use super::join::World;
use super::lists;
use super::made::{Depths, Made};
use super::plan::Sources;
use super::proofs::Proofs;
use super::round::{Round, Stage, Views, least};
use super::set::RuleSet;
use super::terms::Terms;
use super::tested::Tested;
use super::watch::{Limits, Watch};
use crate::model::Progress;
use crate::model::term::{self, Kind};
use crate::{Error, Result};
use rustc_hash::FxHashSet;
use std::sync::Arc;

/// Facts, rules and proofs.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) set: RuleSet,
    /// Rules without lists, then those that are each of one list.
    pub(super) rules: Vec<Compiled>,
    /// Rules that speak of every member of a list.
    listed: Vec<Compiled>,
    pub(super) facts: Facts,
    pub(super) proofs: Proofs,
    /// What contradictions say, as if it were facts.
    pub(super) clashes: Facts,
    pub(super) contradictions: Proofs,
    pub(super) depths: Depths,
    pub(super) words: Words,
    /// The short cut of equality, as long as it holds.
    pub(super) equality: Option<Equality>,
    pub(super) shortcuts: Shortcuts,
    tested: Tested,
}

impl Engine {
    /// Rules and stated facts, which are checked as far as the rules read lists.
    pub(super) fn new(set: &RuleSet, stated: Vec<[u32; 3]>, terms: &mut dyn Terms) -> Result<Self> {
        let numbers = Numbers::of(set.rules());
        let mut engine = Self {
            rules: Vec::new(),
            listed: Vec::new(),
            facts: Facts::default(),
            proofs: Proofs::default(),
            clashes: Facts::default(),
            contradictions: Proofs::default(),
            depths: Depths::default(),
            words: Words::of(terms)?,
            shortcuts: Shortcuts::default(),
            tested: Tested::new(
                set.rules().iter().map(Arc::as_ref),
                stated.iter().flatten().copied().max().unwrap_or(0),
            ),
            equality: numbers.map(Equality::new),
            set: set.clone(),
        };
        for (number, rule) in (0..).zip(set.rules()) {
            let compiled = Compiled::of(number, rule, terms)?;
            match rule.every {
                Some(_) => engine.listed.push(compiled),
                None => engine.rules.push(compiled),
            }
        }
        let shortcuts = || detours::shortcuts(&engine.rules, engine.words, numbers);
        engine.shortcuts = set.shortcuts(shortcuts).clone();
        engine.facts = Facts::of(&stated);
        engine.check_stated_lists(&engine.facts, terms)?;
        Ok(engine)
    }

    /// The predicates of triples that say where a list begins that a rule reads.
    fn anchors(&self) -> Vec<u32> {
        let mut anchors: Vec<u32> = self.listed.iter().flat_map(every::anchors).collect();
        anchors.extend(self.rules.iter().flat_map(walked_from));
        anchors.sort_unstable();
        anchors.dedup();
        anchors
    }

    /// Those, and the predicates of lists themselves.
    pub(super) fn read_by_lists(&self) -> Vec<u32> {
        let mut read = self.anchors();
        read.extend([self.words.first, self.words.rest]);
        read
    }

    /// Refuses stated lists that are none.
    pub(super) fn check_stated_lists(&self, stated: &Facts, terms: &dyn Terms) -> Result<()> {
        lists::check(stated, &self.anchors(), self.words, terms)
    }

    /// Runs to the fixpoint from nothing.
    pub(super) fn run(
        &mut self,
        terms: &mut dyn Terms,
        limits: &Limits,
        progress: &dyn Progress,
    ) -> Result<()> {
        let watch = Watch::new(limits);
        let same = self.facts.table(self.words.same_as);
        let pairs: Vec<[u32; 2]> = same
            .into_iter()
            .flat_map(|t| t.by_subject.all())
            .flatten()
            .copied()
            .collect();
        let new = self.equals(&pairs, terms, &watch)?;
        self.facts.add(&new);
        for level in 0..=self.set.top() {
            let mut fresh: Vec<bool> = self
                .rules
                .iter()
                .map(|rule| self.level(rule) == level)
                .collect();
            if level == 0 {
                self.close_schema(terms, &watch, progress)?;
                // What is closed already has to look at nothing but what is new.
                for (fresh, rule) in fresh.iter_mut().zip(&self.rules) {
                    *fresh &= !detours::is_schema(rule, self.words.is);
                }
                self.specialise(&mut fresh, terms, &watch)?;
            }
            self.rounds(
                Stage::Level(level),
                &mut Facts::default(),
                fresh,
                terms,
                &watch,
                progress,
            )?;
        }
        self.check_absence(terms, &watch)
    }

    /// Closes the schema by itself first, so that data meet all of it at once.
    fn close_schema(
        &mut self,
        terms: &mut dyn Terms,
        watch: &Watch,
        progress: &dyn Progress,
    ) -> Result<()> {
        let fresh = self
            .rules
            .iter()
            .map(|rule| detours::is_schema(rule, self.words.is));
        let fresh = fresh.collect();
        self.rounds(
            Stage::Schema,
            &mut Facts::default(),
            fresh,
            terms,
            watch,
            progress,
        )
    }

    /// Runs to the fixpoint from facts that are new, as if equality had no short cut.
    pub(super) fn run_from(
        &mut self,
        mut new: Facts,
        terms: &mut dyn Terms,
        limits: &Limits,
        progress: &dyn Progress,
    ) -> Result<()> {
        let watch = Watch::new(limits);
        self.equality = None;
        let fresh = vec![false; self.rules.len()];
        self.rounds(Stage::Level(0), &mut new, fresh, terms, &watch, progress)
    }

    pub(super) fn level(&self, rule: &Compiled) -> u32 {
        self.set.level(rule.number)
    }

    fn rounds(
        &mut self,
        stage: Stage,
        new: &mut Facts,
        mut fresh: Vec<bool>,
        terms: &mut dyn Terms,
        watch: &Watch,
        progress: &dyn Progress,
    ) -> Result<()> {
        progress.begin("reason", None, "facts");
        let mut from = self.proofs.len();
        // Of what is new at first the log tells nothing.
        let mut views = Views::default();
        loop {
            watch.check()?;
            if stage != Stage::Schema {
                self.notice_lists(new, &mut fresh, terms, watch)?;
            }
            let round = Round {
                new,
                views: &views,
                from,
                stage,
                watch,
            };
            let found = self.round(&round, &fresh, terms)?;
            fresh.iter_mut().for_each(|fresh| *fresh = false);
            from = self.proofs.len();
            let mut triples;
            (triples, *new) = self.settle(found, terms)?;
            let pairs = triples.iter().filter(|t| t[1] == self.words.same_as);
            let pairs: Vec<[u32; 2]> = pairs.map(|t| [t[0], t[2]]).collect();
            let had = self.equality.is_some();
            let more = self.equals(&pairs, terms, watch)?;
            if had && self.equality.is_none() {
                // From here on the rules of equality run as they are.
                fresh = self
                    .rules
                    .iter()
                    .map(|rule| self.set.is_of_equality(rule.number))
                    .collect();
            }
            if !more.is_empty() {
                self.facts.add(&more);
                triples.extend(more);
                in_order(&mut triples);
                *new = Facts::of(&triples);
            }
            progress.advance(triples.len() as u64, triples.len() as u64);
            if self.facts.len() + self.contradictions.len() > watch.limits.facts {
                return Err(self.too_many(watch));
            }
            if triples.is_empty() && !fresh.contains(&true) {
                break;
            }
            views = self.views();
        }
        progress.end();
        Ok(())
    }

    fn too_many(&self, watch: &Watch) -> Error {
        let error = too_many(watch.limits.facts);
        match self.proofs.busiest() {
            Some((rule, count)) => {
                let rule = &self.set.rules()[rule as usize];
                error.hint(format!("rule `{}` derived {count} of them", rule.name))
            }
            None => error,
        }
    }

    pub(super) fn world<'a>(&'a self, new: &'a Facts, watch: &'a Watch) -> World<'a> {
        let all = &self.facts;
        World {
            sources: Sources { all, new },
            words: self.words,
            watch,
            depths: &self.depths,
            tested: &self.tested,
        }
    }

    /// Closes equality over new pairs; where one of them is a literal, equality is left to its rules from here on.
    fn equals(
        &mut self,
        pairs: &[[u32; 2]],
        terms: &dyn Terms,
        watch: &Watch,
    ) -> Result<Vec<[u32; 3]>> {
        let Some(equality) = &mut self.equality else {
            return Ok(Vec::new());
        };
        let literal = |pair: &[u32; 2]| term::kind(terms.text(pair[1])) != Kind::Resource;
        if pairs.iter().any(literal) {
            self.equality = None;
            return Ok(Vec::new());
        }
        let mut new = equality.close(
            pairs,
            &self.facts,
            self.words,
            &watch.limits,
            &mut self.proofs,
        )?;
        in_order(&mut new);
        Ok(new)
    }

    /// Makes rules of lists again if new facts may have changed them.
    fn notice_lists(
        &mut self,
        new: &Facts,
        fresh: &mut Vec<bool>,
        terms: &dyn Terms,
        watch: &Watch,
    ) -> Result<()> {
        let cells = [self.words.first, self.words.rest];
        let mut read = self.listed.iter().flat_map(every::anchors).chain(cells);
        if !self.listed.is_empty() && read.any(|predicate| new.table(predicate).is_some()) {
            self.specialise(fresh, terms, watch)?;
        }
        Ok(())
    }

    fn specialise(
        &mut self,
        fresh: &mut Vec<bool>,
        terms: &dyn Terms,
        watch: &Watch,
    ) -> Result<()> {
        let key = |rule: &Compiled| (rule.number, rule.preset.clone(), rule.fixed.clone());
        let known = self.rules.iter().filter(|rule| !rule.fixed.is_empty());
        let mut known: FxHashSet<_> = known.map(key).collect();
        let nothing = Facts::default();
        let mut more = Vec::new();
        for base in &self.listed {
            more.extend(every::specialise(base, self.world(&nothing, watch), terms)?);
        }
        for special in more {
            if known.insert(key(&special)) {
                self.rules.push(special);
                fresh.push(true);
            }
        }
        Ok(())
    }

    /// Forgets the rules of lists, and makes those again that the facts have.
    pub(super) fn renew_lists(&mut self, terms: &dyn Terms, limits: &Limits) -> Result<()> {
        self.rules.retain(|rule| rule.rule.every.is_none());
        let watch = Watch::new(limits);
        self.specialise(&mut Vec::new(), terms, &watch)
    }

    /// Numbers the terms that were made, writes the conclusions down, and gives the new facts, in order and as tables.
    fn settle(
        &mut self,
        mut found: Vec<(Found, Made)>,
        terms: &mut dyn Terms,
    ) -> Result<(Vec<[u32; 3]>, Facts)> {
        let mut made: Vec<(&str, u8)> = found.iter().flat_map(|(_, made)| made.iter()).collect();
        made.sort_unstable();
        made.dedup_by_key(|(text, _)| *text);
        for (text, depth) in made {
            let number = terms.intern(text)?;
            self.depths.insert(number, depth);
        }
        for (found, made) in &mut found {
            if !made.is_empty() {
                let numbers = made
                    .iter()
                    .map(|(text, _)| terms.find(text).unwrap_or_default());
                found.settle(&numbers.collect::<Vec<_>>());
            }
        }
        let found: Vec<Found> = found.into_iter().map(|(found, _)| found).collect();
        let rules = self.set.rules().iter();
        let wrong: Vec<bool> = rules.map(|rule| rule.finds_contradictions()).collect();
        let contradicts = |entry: &Entry| wrong[entry.rule as usize];
        let clashes = least(&found, contradicts);
        let facts = least(&found, |entry| !contradicts(entry));
        self.contradictions
            .extend(clashes.iter().flatten().copied())?;
        self.clashes.add(&triples(&clashes));
        let triples = triples(&facts);
        let (proofs, store) = (&mut self.proofs, &mut self.facts);
        let mut write = || proofs.extend(facts.iter().flatten().copied());
        let (written, new) = match triples.len() > SHARE {
            true => rayon::join(write, || store.add(&triples)),
            false => (write(), store.add(&triples)),
        };
        written?;
        Ok((triples, new))
    }
}

fn triples(kept: &[Vec<(&Found, &Entry)>]) -> Vec<[u32; 3]> {
    let mut triples = Vec::with_capacity(kept.iter().map(Vec::len).sum());
    triples.extend(kept.iter().flatten().map(|(_, entry)| entry.triple));
    triples
}

/// The predicates from whose objects a rule walks along lists.
fn walked_from(rule: &Compiled) -> Vec<u32> {
    let starts: Vec<Place> = rule.walks.iter().map(|walk| walk.from).collect();
    let starting = |atom: &&Atom| starts.contains(&atom[2]);
    let predicates = rule.atoms.iter().filter(starting).map(|atom| atom[1]);
    predicates
        .filter_map(|place| match place {
            Place::Is(predicate) => Some(predicate),
            Place::Slot(_) => None,
        })
        .collect()
}
