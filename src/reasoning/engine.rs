//! Rounds to a fixpoint: each looks at what the last one brought.
//!
//! A round runs every rule on the facts as they were when it began, so what it finds, and the proof that is kept of each
//! find (the least rule, then the least premises), depends on no thread. Rules are run from each of their patterns that
//! new facts match, the others looked up in all facts; a rule that is new runs on all facts once.

use super::compile::{Atom, Compiled, Place, Words};
use super::detours::{self, Detours};
use super::equality::{Equality, Numbers};
use super::every;
use super::facts::{Facts, in_order, order};
use super::found::{Conclude, Entry, Found, too_many};
use super::join::{Join, World};
use super::lists;
use super::made::{Depths, Made};
use super::plan::{self, Plan, Sources, Trigger};
use super::proofs::Proofs;
use super::set::RuleSet;
use super::terms::Terms;
use super::watch::{Limits, Watch};
use crate::model::Progress;
use crate::model::term::{self, Kind};
use crate::{Error, Result};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

/// A scan of more rows than this is shared out.
const SHARE: usize = 1 << 14;

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
    equality: Option<Equality>,
    detours: Detours,
}

/// What a round is run on.
struct Round<'a> {
    new: &'a Facts,
    /// The new facts without those that some rules concluded.
    views: &'a Views,
    /// Where the round's facts begin in the log.
    from: usize,
    stage: Stage,
    watch: &'a Watch,
}

/// Which rules are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Those of the schema.
    Schema,
    /// Those that ask for absence so many times at most.
    Level(u32),
}

/// New facts without the conclusions of some rules, where there are any of them.
type Views = FxHashMap<Vec<u32>, Facts>;

/// A rule's plan, and how many threads may share it.
struct Job<'a> {
    rule: &'a Compiled,
    new: &'a Facts,
    plan: Plan,
    row: Vec<u32>,
    shares: usize,
}

impl Engine {
    /// Rules and stated facts, which are checked as far as the rules read lists.
    pub(super) fn new(set: &RuleSet, mut stated: Vec<[u32; 3]>, terms: &mut dyn Terms) -> Result<Self> {
        let mut engine = Self {
            rules: Vec::new(),
            listed: Vec::new(),
            facts: Facts::default(),
            proofs: Proofs::default(),
            clashes: Facts::default(),
            contradictions: Proofs::default(),
            depths: Depths::default(),
            words: Words::of(terms)?,
            detours: Detours::default(),
            equality: Numbers::of(set.rules()).map(Equality::new),
            set: set.clone(),
        };
        for (number, rule) in (0..).zip(set.rules()) {
            let compiled = Compiled::of(number, rule, terms)?;
            match rule.every {
                Some(_) => engine.listed.push(compiled),
                None => engine.rules.push(compiled),
            }
        }
        engine.detours = detours::find(&engine.rules, engine.words.is);
        in_order(&mut stated);
        engine.facts.add(&stated);
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
    pub(super) fn run(&mut self, terms: &mut dyn Terms, limits: &Limits, progress: &dyn Progress) -> Result<()> {
        let watch = Watch::new(limits);
        let same = self.facts.table(self.words.same_as);
        let pairs: Vec<[u32; 2]> = same.into_iter().flat_map(|t| t.by_subject.all()).flatten().copied().collect();
        let new = self.equals(&pairs, terms, &watch)?;
        self.facts.add(&new);
        for level in 0..=self.set.top() {
            let mut fresh: Vec<bool> = self.rules.iter().map(|rule| self.level(rule) == level).collect();
            if level == 0 {
                self.close_schema(terms, &watch, progress)?;
                self.specialise(&mut fresh, terms, &watch)?;
            }
            self.rounds(Stage::Level(level), &mut Facts::default(), fresh, terms, &watch, progress)?;
        }
        self.check_absence(terms, &watch)
    }

    /// Closes the schema by itself first, so that data meet all of it at once.
    fn close_schema(&mut self, terms: &mut dyn Terms, watch: &Watch, progress: &dyn Progress) -> Result<()> {
        let fresh = self.rules.iter().map(|rule| detours::is_schema(rule, self.words.is));
        let fresh = fresh.collect();
        self.rounds(Stage::Schema, &mut Facts::default(), fresh, terms, watch, progress)
    }

    /// Runs to the fixpoint from facts that are new, as if equality had no short cut.
    pub(super) fn run_from(&mut self, mut new: Facts, terms: &mut dyn Terms, limits: &Limits, progress: &dyn Progress) -> Result<()> {
        let watch = Watch::new(limits);
        self.equality = None;
        let fresh = vec![false; self.rules.len()];
        self.rounds(Stage::Level(0), &mut new, fresh, terms, &watch, progress)
    }

    fn level(&self, rule: &Compiled) -> u32 {
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
        let mut views = Views::default();
        loop {
            watch.check()?;
            if stage != Stage::Schema {
                self.notice_lists(new, &mut fresh, terms, watch)?;
            }
            let views_now = std::mem::take(&mut views);
            let round = Round { new, views: &views_now, from, stage, watch };
            let found = self.round(&round, &fresh, terms)?;
            fresh.iter_mut().for_each(|fresh| *fresh = false);
            from = self.proofs.len();
            let mut triples = self.settle(found, terms)?;
            *new = self.facts.add(&triples);
            let pairs = triples.iter().filter(|t| t[1] == self.words.same_as);
            let pairs: Vec<[u32; 2]> = pairs.map(|t| [t[0], t[2]]).collect();
            let had = self.equality.is_some();
            let more = self.equals(&pairs, terms, watch)?;
            if had && self.equality.is_none() {
                // From here on the rules of equality run as they are.
                fresh = self.rules.iter().map(|rule| self.set.is_of_equality(rule.number)).collect();
            }
            if !more.is_empty() {
                self.facts.add(&more);
                triples.extend(more);
                in_order(&mut triples);
                *new = Facts::default().add(&triples);
            }
            progress.advance(triples.len() as u64, triples.len() as u64);
            if self.facts.len() + self.contradictions.len() > watch.limits.facts {
                return Err(self.too_many(watch));
            }
            if triples.is_empty() && !fresh.contains(&true) {
                break;
            }
            views = self.views(new, from);
        }
        progress.end();
        Ok(())
    }

    /// The new facts as they are for rules that need not read all of them.
    fn views(&self, new: &Facts, from: usize) -> Views {
        let mut views = Views::default();
        for left_out in self.detours.values() {
            if views.contains_key(left_out) {
                continue;
            }
            let log = (from..self.proofs.len()).map(|place| self.proofs.at(place));
            let out = log.filter(|(_, rule, _)| left_out.contains(rule));
            let out: FxHashSet<[u32; 3]> = out.map(|(triple, ..)| triple).collect();
            if !out.is_empty() {
                let view = new.without(|triple| out.contains(&triple));
                views.insert(left_out.clone(), view);
            }
        }
        views
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

    fn world<'a>(&'a self, new: &'a Facts, watch: &'a Watch) -> World<'a> {
        let all = &self.facts;
        World {
            sources: Sources { all, new },
            words: self.words,
            watch,
            depths: &self.depths,
        }
    }

    /// Closes equality over new pairs; where one of them is a literal, equality is left to its rules from here on.
    fn equals(&mut self, pairs: &[[u32; 2]], terms: &dyn Terms, watch: &Watch) -> Result<Vec<[u32; 3]>> {
        let Some(equality) = &mut self.equality else {
            return Ok(Vec::new());
        };
        let literal = |pair: &[u32; 2]| term::kind(terms.text(pair[1])) != Kind::Resource;
        if pairs.iter().any(literal) {
            self.equality = None;
            return Ok(Vec::new());
        }
        let mut new = equality.close(pairs, &self.facts, self.words, &watch.limits, &mut self.proofs)?;
        in_order(&mut new);
        Ok(new)
    }

    /// Makes rules of lists again if new facts may have changed them.
    fn notice_lists(&mut self, new: &Facts, fresh: &mut Vec<bool>, terms: &dyn Terms, watch: &Watch) -> Result<()> {
        let cells = [self.words.first, self.words.rest];
        let mut read = self.listed.iter().flat_map(every::anchors).chain(cells);
        if !self.listed.is_empty() && read.any(|predicate| new.table(predicate).is_some()) {
            self.specialise(fresh, terms, watch)?;
        }
        Ok(())
    }

    fn specialise(&mut self, fresh: &mut Vec<bool>, terms: &dyn Terms, watch: &Watch) -> Result<()> {
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

    fn round(&self, round: &Round<'_>, fresh: &[bool], terms: &dyn Terms) -> Result<Vec<(Found, Made)>> {
        let rules = self.rules.par_iter().zip(fresh);
        let active = rules.filter(|(rule, _)| self.is_run(rule, round.stage) && self.may_fire(rule));
        let jobs: Vec<Job<'_>> = active
            .flat_map_iter(|(rule, fresh)| self.jobs(rule, *fresh, round))
            .collect();
        let shares = jobs.iter().flat_map(|job| (0..job.shares).map(move |which| (job, which)));
        let shares: Vec<_> = shares.collect();
        let runs = shares.into_par_iter().map(|(job, which)| {
            let world = self.world(job.new, round.watch);
            let known = if job.rule.contradicts { &self.clashes } else { &self.facts };
            let sink = Conclude::new(job.rule, world, terms, known);
            let join = Join::new(world, terms, &job.rule.rule.body, job.row.clone(), sink);
            let (sink, made) = join.share(job.shares, which).run(&job.plan)?;
            Ok((sink.found, made))
        });
        let mut found = runs.collect::<Result<Vec<_>>>()?;
        if let Some(equality) = &self.equality {
            let replaced = equality.replace(&self.proofs, round.from, &self.facts, self.words, terms)?;
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
        let closed = self.equality.as_ref().is_some_and(|e| e.numbers.closes(rule.number));
        !closed && rule.atoms.iter().all(|atom| match atom[1] {
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
        let replaces = self.equality.as_ref().is_some_and(|e| e.numbers.replaces(rule.number));
        let mut jobs = Vec::new();
        for (atom, [_, predicate, _]) in rule.atoms.iter().enumerate() {
            let left_out = self.detours.get(&(rule.number, atom));
            let view = left_out.and_then(|out| round.views.get(out));
            let new = view.unwrap_or(round.new);
            match *predicate {
                Place::Is(predicate) if new.table(predicate).is_some() => {
                    jobs.push(self.job(rule, Some(Trigger { atom, predicate }), new, round));
                }
                Place::Is(_) => {}
                Place::Slot(_) if replaces => {}
                Place::Slot(_) => {
                    let triggers = new.tables().map(|(predicate, _)| Trigger { atom, predicate });
                    jobs.extend(triggers.map(|trigger| self.job(rule, Some(trigger), new, round)));
                }
            }
        }
        jobs
    }

    fn job<'a>(&self, rule: &'a Compiled, trigger: Option<Trigger>, new: &'a Facts, round: &Round<'_>) -> Job<'a> {
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

    /// Numbers the terms that were made, writes the conclusions down, and gives the new facts, in order.
    fn settle(&mut self, mut found: Vec<(Found, Made)>, terms: &mut dyn Terms) -> Result<Vec<[u32; 3]>> {
        let mut made: Vec<(&str, u8)> = found.iter().flat_map(|(_, made)| made.iter()).collect();
        made.sort_unstable();
        made.dedup_by_key(|(text, _)| *text);
        for (text, depth) in made {
            let number = terms.intern(text)?;
            self.depths.insert(number, depth);
        }
        for (found, made) in &mut found {
            if !made.is_empty() {
                let numbers = made.iter().map(|(text, _)| terms.find(text).unwrap_or_default());
                found.settle(&numbers.collect::<Vec<_>>());
            }
        }
        let found: Vec<Found> = found.into_iter().map(|(found, _)| found).collect();
        let contradicts = |entry: &Entry| self.set.rules()[entry.rule as usize].finds_contradictions();
        let clashes = least(&found, contradicts);
        let facts = least(&found, |entry| !contradicts(entry));
        self.contradictions.extend(clashes.iter().copied())?;
        self.proofs.extend(facts.iter().copied())?;
        let triples = |kept: &[(&Found, &Entry)]| kept.iter().map(|(_, entry)| entry.triple).collect::<Vec<_>>();
        self.clashes.add(&triples(&clashes));
        Ok(triples(&facts))
    }

    /// Whether what had to be absent still is: rules that derive it later would make the order of rules matter.
    fn check_absence(&self, terms: &dyn Terms, watch: &Watch) -> Result<()> {
        if self.set.top() == 0 {
            return Ok(());
        }
        let nothing = Facts::default();
        for proofs in [&self.proofs, &self.contradictions] {
            for place in 0..proofs.len() {
                let (triple, rule, premises) = proofs.at(place);
                if !self.set.rules()[rule as usize].negates() {
                    continue;
                }
                let compiled = self.rules.iter().find(|compiled| compiled.number == rule);
                let holds = compiled.is_none_or(|compiled| {
                    self.is_derivable(compiled, triple, Some(premises), self.world(&nothing, watch), terms)
                        .is_ok_and(|found| found.is_some())
                });
                if !holds {
                    return Err(self.not_stratified(rule, triple, terms));
                }
            }
        }
        Ok(())
    }

    fn not_stratified(&self, rule: u32, triple: [u32; 3], terms: &dyn Terms) -> Error {
        let rule = &self.set.rules()[rule as usize];
        let [s, p, o] = triple.map(|term| term::decode(terms.text(term)).to_string());
        Error::input(format!(
            "rule `{}` concluded {s} {p} {o} because something was absent, which other rules then derived from it",
            rule.name
        ))
        .at(&rule.place)
        .hint("let its NOT EXISTS ask for something that does not follow from what it concludes")
    }

    /// Premises from which a rule concludes a triple now, if there are; `given` ones, or any.
    pub(super) fn is_derivable(
        &self,
        rule: &Compiled,
        triple: [u32; 3],
        given: Option<&[[u32; 3]]>,
        world: World<'_>,
        terms: &dyn Terms,
    ) -> Result<Option<Found>> {
        for head in &rule.heads {
            let mut known = vec![None; rule.slots];
            let preset = rule.preset.iter().map(|&(slot, term)| (Place::Slot(slot), term));
            let heads = head.iter().copied().zip(triple);
            let given = given.unwrap_or_default().iter().zip(&rule.atoms);
            let given = given.flat_map(|(triple, atom)| atom.iter().copied().zip(*triple));
            let given: Vec<_> = if rule.walks.is_empty() { given.collect() } else { Vec::new() };
            if !preset.chain(heads).chain(given).all(|(place, term)| fits(&mut known, place, term)) {
                continue;
            }
            let plan = plan::rule(rule, None, &known, world.sources);
            let nothing = Facts::default();
            let sink = First(Conclude::new(rule, world, terms, &nothing), triple);
            let row = known.into_iter().map(Option::unwrap_or_default).collect();
            let (sink, _) = Join::new(world, terms, &rule.rule.body, row, sink).run(&plan)?;
            if !sink.0.found.entries.is_empty() {
                return Ok(Some(sink.0.found));
            }
        }
        Ok(None)
    }
}

/// Gives a place its term, unless it has another.
fn fits(known: &mut [Option<u32>], place: Place, term: u32) -> bool {
    match place {
        Place::Is(constant) => constant == term,
        Place::Slot(slot) => *known[slot].get_or_insert(term) == term,
    }
}

/// The first conclusion that is the triple.
struct First<'a>(Conclude<'a>, [u32; 3]);

impl super::join::Sink for First<'_> {
    fn take(&mut self, row: &[u32], made: &Made) -> Result<bool> {
        self.0.take(row, made)?;
        let wanted = self.1;
        self.0.found.entries.retain(|entry| entry.triple == wanted);
        Ok(self.0.found.entries.is_empty())
    }
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

/// Of the conclusions that are wanted, the least of each triple, in order.
fn least<'a>(found: &'a [Found], wanted: impl Fn(&Entry) -> bool) -> Vec<(&'a Found, &'a Entry)> {
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
    all.into_iter().map(|(_, from, at)| entry(from, at)).collect()
}
