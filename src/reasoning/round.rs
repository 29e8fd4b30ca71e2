//! One round: every rule on the facts as they were when it began.

use super::column::Pair;
use super::compile::{Atom, Compiled, Place};
use super::detours;
use super::engine::Engine;
use super::facts::{Facts, SHARE};
use super::found::{Conclude, Entry, Found};
use super::join::Join;
use super::made::Made;
use super::order;
use super::plan::{self, Plan, Trigger};
use super::terms::Terms;
use super::watch::Watch;
use crate::Result;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::sync::OnceLock;

/// Driving rows of a round for which a second thread is not worth its start.
const FEW: usize = 256;

/// What a round is run on.
pub(super) struct Round<'a> {
    pub(super) new: &'a Facts,
    /// The new facts without those that some rules concluded.
    pub(super) views: &'a Views,
    /// Where the round's facts begin in the log.
    pub(super) from: usize,
    pub(super) stage: Stage,
    pub(super) watch: &'a Watch,
}

/// Which rules are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Those of the schema.
    Schema,
    /// Those that ask for absence so many times at most.
    Level(u32),
}

/// New facts without the conclusions of some rules, made when they are first asked for.
pub(super) type Views = FxHashMap<ViewKey, OnceLock<Facts>>;

/// The rules that are left out, and the one predicate that is wanted.
type ViewKey = (Vec<u32>, Option<u32>);

/// A rule's plan, and how many threads may share it.
struct Job<'a> {
    rule: &'a Compiled,
    new: &'a Facts,
    plan: Plan,
    row: Vec<u32>,
    shares: usize,
}

impl Engine {
    /// The views of new facts for patterns that need not read all of them.
    pub(super) fn views(&self) -> Views {
        let patterns = self.rules.iter().flat_map(|rule| {
            let atoms = rule.atoms.iter().enumerate();
            atoms.filter_map(|(at, atom)| self.view_key(rule, at, atom))
        });
        patterns.map(|key| (key, OnceLock::new())).collect()
    }

    fn view_key(&self, rule: &Compiled, at: usize, [_, predicate, _]: &Atom) -> Option<ViewKey> {
        let left_out = self.shortcuts.detours.get(&(rule.number, at))?;
        let predicate = match predicate {
            Place::Is(predicate) => Some(*predicate),
            Place::Slot(_) => None,
        };
        Some((left_out.clone(), predicate))
    }

    /// The new facts that a pattern of a rule has to be matched with.
    fn new_for<'a>(&self, rule: &Compiled, at: usize, round: &Round<'a>) -> &'a Facts {
        let key = self.view_key(rule, at, &rule.atoms[at]);
        let view = key.and_then(|key| round.views.get_key_value(&key));
        view.map_or(round.new, |(key, view)| {
            // Made outside of the cell: who waits for others in there may be given work that asks for the same view.
            let made = view.get().is_none().then(|| self.view(round.from, key));
            view.get_or_init(|| made.unwrap_or_default())
        })
    }

    /// What the log has from a place on.
    fn view(&self, from: usize, (left_out, predicate): &ViewKey) -> Facts {
        let log = self.proofs.since(from);
        let log = log.filter(|(triple, _)| predicate.is_none_or(|p| triple[1] == p));
        let kept = log.filter(|(_, rule)| !left_out.contains(rule));
        let mut triples = Vec::with_capacity(self.proofs.len() - from);
        triples.extend(kept.map(|(triple, _)| triple));
        Facts::of(&triples)
    }

    /// What the rules conclude in a round.
    pub(super) fn round(
        &self,
        round: &Round<'_>,
        fresh: &[bool],
        terms: &dyn Terms,
    ) -> Result<Vec<(Found, Made)>> {
        let rules = self.rules.iter().zip(fresh);
        let active =
            rules.filter(|(rule, _)| self.is_run(rule, round.stage) && self.may_fire(rule));
        let active: Vec<_> = active.collect();
        // Plans make the tables that they need, which takes longer the more is new.
        let jobs: Vec<Job<'_>> = match round.new.len() > SHARE {
            true => active
                .into_par_iter()
                .flat_map_iter(|(rule, fresh)| self.jobs(rule, *fresh, round))
                .collect(),
            false => active
                .into_iter()
                .flat_map(|(rule, fresh)| self.jobs(rule, *fresh, round))
                .collect(),
        };
        let rows: usize = jobs.iter().map(|job| job.plan.rows).sum();
        let run = || self.run_jobs(&jobs, round, terms);
        let replace = || self.replace_equals(round, fresh, terms);
        let (found, replaced) = match rows > FEW {
            true => rayon::join(run, replace),
            false => (run(), replace()),
        };
        let mut found = found?;
        found.extend(replaced?.into_iter().map(|found| (found, Made::default())));
        Ok(found)
    }

    fn run_jobs(
        &self,
        jobs: &[Job<'_>],
        round: &Round<'_>,
        terms: &dyn Terms,
    ) -> Result<Vec<(Found, Made)>> {
        let run = |(job, which): (&Job<'_>, usize)| {
            let world = self.world(job.new, round.watch);
            let known = if job.rule.contradicts {
                &self.clashes
            } else {
                &self.facts
            };
            let sink = Conclude::new(job.rule, world, terms, known);
            let join = Join::new(world, terms, &job.rule.rule.body, job.row.clone(), sink);
            let (sink, made) = join.share(job.shares, which).run(&job.plan)?;
            Ok((sink.found, made))
        };
        let shares = jobs
            .iter()
            .flat_map(|job| (0..job.shares).map(move |which| (job, which)));
        let shares: Vec<_> = shares.collect();
        let rows: usize = jobs.iter().map(|job| job.plan.rows).sum();
        match rows > FEW {
            true => shares.into_par_iter().map(run).collect(),
            false => shares.into_iter().map(run).collect(),
        }
    }

    /// What follows by putting equals for equals, as far as that is not left to the rules.
    fn replace_equals(
        &self,
        round: &Round<'_>,
        fresh: &[bool],
        terms: &dyn Terms,
    ) -> Result<Vec<Found>> {
        let Some(equality) = &self.equality else {
            return Ok(Vec::new());
        };
        let world = self.world(round.new, round.watch);
        let mut rules = self.rules.iter().zip(fresh);
        match rules.any(|(rule, fresh)| *fresh && equality.numbers.replaces(rule.number)) {
            true => equality.replace_all(world, terms),
            false => equality.replace((&self.proofs, round.from), world, terms),
        }
    }

    fn is_run(&self, rule: &Compiled, stage: Stage) -> bool {
        match stage {
            Stage::Schema => detours::is_schema(rule, self.words.is),
            Stage::Level(level) => self.level(rule) <= level,
        }
    }

    /// Whether there is something for each pattern.
    fn may_fire(&self, rule: &Compiled) -> bool {
        let closed = self
            .equality
            .as_ref()
            .is_some_and(|e| e.numbers.closes(rule.number));
        !closed
            && !self.shortcuts.spared.contains(&rule.number)
            && rule.atoms.iter().all(|atom| match atom[1] {
                Place::Is(predicate) => self.facts.table(predicate).is_some(),
                Place::Slot(_) => true,
            })
    }

    /// The runs of a rule: one over all facts, or one for each pattern that new facts match.
    fn jobs<'a>(&self, rule: &'a Compiled, fresh: bool, round: &Round<'a>) -> Vec<Job<'a>> {
        let walks = !rule.walks.is_empty() && round.new.table(self.words.rest).is_some();
        let replaces = self
            .equality
            .as_ref()
            .is_some_and(|e| e.numbers.replaces(rule.number));
        if fresh && replaces {
            return Vec::new();
        }
        if fresh || walks {
            let job = self.job(rule, None, round);
            return job.into_iter().collect();
        }
        let mut jobs = Vec::new();
        for (atom, [_, predicate, _]) in rule.atoms.iter().enumerate() {
            let job = |predicate| self.job(rule, Some(Trigger { atom, predicate }), round);
            match *predicate {
                Place::Is(predicate) => jobs.extend(job(predicate)),
                Place::Slot(_) if replaces => {}
                Place::Slot(_) => jobs.extend(round.new.tables().filter_map(|(name, _)| job(name))),
            }
        }
        jobs
    }

    /// A run of a rule, unless nothing is new for it, or a pattern of which all is known is no fact.
    fn job<'a>(
        &self,
        rule: &'a Compiled,
        trigger: Option<Trigger>,
        round: &Round<'a>,
    ) -> Option<Job<'a>> {
        let mut known = vec![None; rule.slots];
        for &(slot, term) in &rule.preset {
            known[slot] = Some(term);
        }
        if let Some(Trigger { atom, predicate }) = trigger
            && let Place::Slot(slot) = rule.atoms[atom][1]
        {
            known[slot] = Some(predicate);
        }
        let value = |place: Place| match place {
            Place::Is(term) => Some(term),
            Place::Slot(slot) => known[slot],
        };
        let is_no_fact = |[s, p, o]: &Atom| match (value(*s), value(*p), value(*o)) {
            (Some(s), Some(p), Some(o)) => !self.facts.contains([s, p, o]),
            _ => false,
        };
        if rule.atoms.iter().any(is_no_fact) {
            return None;
        }
        let new = match trigger {
            Some(Trigger { atom, predicate }) => {
                round.new.table(predicate)?;
                let new = self.new_for(rule, atom, round);
                new.table(predicate).map(|_| new)?
            }
            None => round.new,
        };
        let sources = self.world(new, round.watch).sources;
        let plan = plan::rule(rule, trigger, &known, sources);
        Some(Job {
            shares: (plan.rows / SHARE + 1).min(4 * rayon::current_num_threads()),
            row: known.into_iter().map(Option::unwrap_or_default).collect(),
            plan,
            rule,
            new,
        })
    }
}

/// Of the conclusions that are wanted, the least of each triple, in order, by predicate.
pub(super) fn least(
    found: &[Found],
    wanted: impl Fn(&Entry) -> bool + Sync,
) -> Vec<Vec<(&Found, &Entry)>> {
    // Counted first, for memory that is asked for again and again has to be brought in each time.
    let mut counts: FxHashMap<u32, usize> = FxHashMap::default();
    for same in found.iter().flat_map(of_one_predicate) {
        *counts.entry(same[0].triple[1]).or_default() += same.len();
    }
    let mut by: FxHashMap<u32, Vec<(Pair, u32, u32)>> = FxHashMap::default();
    for (from, found) in (0..).zip(found) {
        let mut at = 0;
        for same in of_one_predicate(found) {
            let predicate = same[0].triple[1];
            let rows = by
                .entry(predicate)
                .or_insert_with(|| Vec::with_capacity(counts[&predicate]));
            let entries = (at..).zip(same).filter(|(_, entry)| wanted(entry));
            rows.extend(entries.map(|(at, entry)| ([entry.triple[0], entry.triple[2]], from, at)));
            at += same.len() as u32;
        }
    }
    let mut by: Vec<_> = by.into_iter().collect();
    by.sort_unstable_by_key(|(predicate, _)| *predicate);
    let entry = |(_, from, at): &(Pair, u32, u32)| {
        let found = &found[*from as usize];
        (found, &found.entries[*at as usize])
    };
    let least = |mut rows: Vec<(Pair, u32, u32)>| {
        order::sort(&mut rows, |(row, ..)| order::pair(*row));
        let mut kept = Vec::with_capacity(rows.len());
        for same in rows.chunk_by(|a, b| a.0 == b.0) {
            kept.extend(match same {
                [one] => Some(entry(one)),
                _ => same.iter().map(entry).min_by(|a, b| Found::compare(*a, *b)),
            });
        }
        kept
    };
    let count: usize = by.iter().map(|(_, rows)| rows.len()).sum();
    match count > SHARE {
        true => by.into_par_iter().map(|(_, rows)| least(rows)).collect(),
        false => by.into_iter().map(|(_, rows)| least(rows)).collect(),
    }
}

fn of_one_predicate(found: &Found) -> impl Iterator<Item = &[Entry]> {
    let entries = &found.entries;
    entries.chunk_by(|a, b| a.triple[1] == b.triple[1])
}
