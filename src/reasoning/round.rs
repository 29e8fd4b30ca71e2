//! One round: every rule on the facts as they were when it began.

use super::compile::{Atom, Compiled, Place};
use super::detours;
use super::engine::Engine;
use super::facts::{Facts, order};
use super::found::{Conclude, Entry, Found};
use super::join::Join;
use super::made::Made;
use super::plan::{self, Plan, Trigger};
use super::terms::Terms;
use super::watch::Watch;
use crate::Result;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// A scan of more rows than this is shared out.
const SHARE: usize = 1 << 14;

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
                let Some(left_out) = self.detours.get(&(rule.number, at)) else {
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
        let log = (from..self.proofs.len()).map(|place| self.proofs.at(place));
        let log = log.filter(|(triple, ..)| predicate.is_none_or(|p| triple[1] == p));
        let kept = log.filter(|(_, rule, _)| !left_out.contains(rule));
        let mut kept: Vec<[u32; 3]> = kept.map(|(triple, ..)| triple).collect();
        // Mostly it is in order already.
        kept.sort_by_key(|triple| order(*triple));
        Facts::of(&kept)
    }

    /// What the rules conclude in a round.
    pub(super) fn round(
        &self,
        round: &Round<'_>,
        fresh: &[bool],
        terms: &dyn Terms,
    ) -> Result<Vec<(Found, Made)>> {
        let rules = self.rules.par_iter().zip(fresh);
        let active =
            rules.filter(|(rule, _)| self.is_run(rule, round.stage) && self.may_fire(rule));
        let jobs: Vec<Job<'_>> = active
            .flat_map_iter(|(rule, fresh)| self.jobs(rule, *fresh, round))
            .collect();
        let shares = jobs
            .iter()
            .flat_map(|job| (0..job.shares).map(move |which| (job, which)));
        let shares: Vec<_> = shares.collect();
        let runs = shares.into_par_iter().map(|(job, which)| {
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
        });
        let mut found = runs.collect::<Result<Vec<_>>>()?;
        if let Some(equality) = &self.equality {
            let replaced =
                equality.replace(&self.proofs, round.from, &self.facts, self.words, terms)?;
            found.push((replaced, Made::default()));
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
            && rule.atoms.iter().all(|atom| match atom[1] {
                Place::Is(predicate) => self.facts.table(predicate).is_some(),
                Place::Slot(_) => true,
            })
    }

    /// The runs of a rule: one over all facts, or one for each pattern that new facts match.
    fn jobs<'a>(&self, rule: &'a Compiled, fresh: bool, round: &Round<'a>) -> Vec<Job<'a>> {
        let walks = !rule.walks.is_empty() && round.new.table(self.words.rest).is_some();
        if fresh || walks {
            return vec![self.job(rule, None, round.new, round)];
        }
        let replaces = self
            .equality
            .as_ref()
            .is_some_and(|e| e.numbers.replaces(rule.number));
        let mut jobs = Vec::new();
        for (atom, [_, predicate, _]) in rule.atoms.iter().enumerate() {
            let left_out = self.detours.get(&(rule.number, atom));
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
pub(super) fn least(found: &[Found], wanted: impl Fn(&Entry) -> bool) -> Vec<(&Found, &Entry)> {
    // The key beside the reference: sorting asks for the rest only where triple and rule are the same.
    let mut all: Vec<(u128, u32, u32)> = Vec::new();
    for (from, found) in (0..).zip(found) {
        let entries = (0..).zip(&found.entries).filter(|(_, entry)| wanted(entry));
        all.extend(entries.map(|(at, entry)| {
            let key = order(entry.triple) << 32 | u128::from(entry.rule);
            (key, from, at)
        }));
    }
    let entry = |from: u32, at: u32| {
        let found = &found[from as usize];
        (found, &found.entries[at as usize])
    };
    all.par_sort_unstable_by(|a, b| {
        let order = a.0.cmp(&b.0);
        order.then_with(|| Found::compare(entry(a.1, a.2), entry(b.1, b.2)))
    });
    all.dedup_by_key(|(key, ..)| *key >> 32);
    all.into_iter()
        .map(|(_, from, at)| entry(from, at))
        .collect()
}
