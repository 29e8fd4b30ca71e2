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

/// New facts without the conclusions of some rules, where there are any of them.
pub(super) type Views = FxHashMap<ViewKey, Facts>;

/// The rules that are left out, and the one predicate that is wanted.
type ViewKey = (Vec<u32>, Option<u32>);

fn view_key(left_out: &[u32], [_, predicate, _]: &Atom) -> ViewKey {
    let predicate = match predicate {
        Place::Is(predicate) => Some(*predicate),
        Place::Slot(_) => None,
    };
    (left_out.to_vec(), predicate)
}

/// A rule's plan, and how many threads may share it.
struct Job<'a> {
    rule: &'a Compiled,
    new: &'a Facts,
    plan: Plan,
    row: Vec<u32>,
    shares: usize,
}

impl Engine {
    /// What the log has from a place on, as it is for patterns that need not read all of it.
    pub(super) fn views(&self, from: usize, new: &Facts) -> Views {
        let mut views = Views::default();
        for rule in self.rules.iter().filter(|rule| self.may_fire(rule)) {
            for (at, atom) in rule.atoms.iter().enumerate() {
                let Some(left_out) = self.shortcuts.detours.get(&(rule.number, at)) else {
                    continue;
                };
                let key = view_key(left_out, atom);
                let is_new = key.1.is_none_or(|predicate| new.table(predicate).is_some());
                if is_new && !views.contains_key(&key) {
                    let view = self.view(from, &key);
                    views.insert(key, view);
                }
            }
        }
        views
    }

    fn view(&self, from: usize, (left_out, predicate): &ViewKey) -> Facts {
        let log = self.proofs.since(from);
        let log = log.filter(|(triple, _)| predicate.is_none_or(|p| triple[1] == p));
        let kept = log.filter(|(_, rule)| !left_out.contains(rule));
        Facts::of(&kept.map(|(triple, _)| triple).collect::<Vec<_>>())
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
        let jobs: Vec<Job<'_>> = active
            .flat_map(|(rule, fresh)| self.jobs(rule, *fresh, round))
            .collect();
        let shares = jobs
            .iter()
            .flat_map(|job| (0..job.shares).map(move |which| (job, which)));
        let shares: Vec<_> = shares.collect();
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
        let rows: usize = jobs.iter().map(|job| job.plan.rows).sum();
        let mut found: Vec<_> = match rows > FEW {
            true => shares.into_par_iter().map(run).collect::<Result<_>>()?,
            false => shares.into_iter().map(run).collect::<Result<_>>()?,
        };
        if let Some(equality) = &self.equality {
            let world = self.world(round.new, round.watch);
            let mut rules = self.rules.iter().zip(fresh);
            let first = rules.any(|(rule, fresh)| *fresh && equality.numbers.replaces(rule.number));
            let replaced = match first {
                true => equality.replace_all(world, terms)?,
                false => vec![equality.replace((&self.proofs, round.from), world, terms)?],
            };
            found.extend(replaced.into_iter().map(|found| (found, Made::default())));
        }
        Ok(found)
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
            return vec![self.job(rule, None, round.new, round)];
        }
        let mut jobs = Vec::new();
        for (atom, [_, predicate, _]) in rule.atoms.iter().enumerate() {
            let left_out = self.shortcuts.detours.get(&(rule.number, atom));
            let key = left_out.map(|out| view_key(out, &rule.atoms[atom]));
            let view = key.and_then(|key| round.views.get(&key));
            let new = view.unwrap_or(round.new);
            match *predicate {
                Place::Is(predicate) if new.table(predicate).is_some() => {
                    jobs.push(self.job(rule, Some(Trigger { atom, predicate }), new, round));
                }
                Place::Is(_) => {}
                Place::Slot(_) if replaces => {}
                Place::Slot(_) => {
                    let triggers = new
                        .tables()
                        .map(|(predicate, _)| Trigger { atom, predicate });
                    jobs.extend(triggers.map(|trigger| self.job(rule, Some(trigger), new, round)));
                }
            }
        }
        jobs
    }

    fn job<'a>(
        &self,
        rule: &'a Compiled,
        trigger: Option<Trigger>,
        new: &'a Facts,
        round: &Round<'_>,
    ) -> Job<'a> {
        let mut known = vec![None; rule.slots];
        for &(slot, term) in &rule.preset {
            known[slot] = Some(term);
        }
        if let Some(Trigger { atom, predicate }) = trigger
            && let Place::Slot(slot) = rule.atoms[atom][1]
        {
            known[slot] = Some(predicate);
        }
        let sources = self.world(new, round.watch).sources;
        let plan = plan::rule(rule, trigger, &known, sources);
        Job {
            shares: (plan.rows / SHARE + 1).min(4 * rayon::current_num_threads()),
            row: known.into_iter().map(Option::unwrap_or_default).collect(),
            plan,
            rule,
            new,
        }
    }
}

/// Of the conclusions that are wanted, the least of each triple, in order.
pub(super) fn least(
    found: &[Found],
    wanted: impl Fn(&Entry) -> bool + Sync,
) -> Vec<(&Found, &Entry)> {
    let mut by: FxHashMap<u32, Vec<(Pair, u32, u32)>> = FxHashMap::default();
    for (from, found) in (0..).zip(found) {
        let mut at = 0;
        for same in found.entries.chunk_by(|a, b| a.triple[1] == b.triple[1]) {
            let entries = (at..).zip(same).filter(|(_, entry)| wanted(entry));
            let rows = entries.map(|(at, entry)| ([entry.triple[0], entry.triple[2]], from, at));
            by.entry(same[0].triple[1]).or_default().extend(rows);
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
        let same = rows.chunk_by(|a, b| a.0 == b.0);
        let least = same.map(|same| match same {
            [one] => Some(entry(one)),
            _ => same.iter().map(entry).min_by(|a, b| Found::compare(*a, *b)),
        });
        least.flatten().collect::<Vec<_>>()
    };
    let count: usize = by.iter().map(|(_, rows)| rows.len()).sum();
    let all: Vec<Vec<_>> = match count > SHARE {
        true => by.into_par_iter().map(|(_, rows)| least(rows)).collect(),
        false => by.into_iter().map(|(_, rows)| least(rows)).collect(),
    };
    all.concat()
}
