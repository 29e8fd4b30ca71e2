//! In which order the parts of a body are looked up.
//!
//! The next part is always the one that is expected to give the fewest rows. Since the counts are those of the tables at
//! hand, and the value of every constant is known, schema comes first by itself: for the new facts of a property,
//! `?p rdfs:domain ?c` is one look-up, and where it finds nothing the facts are not read at all.

use super::column::Column;
use super::compile::{Absent, Atom, Compiled, Condition, Place, Steps};
use super::facts::{Facts, Table};

/// Which facts a pattern is looked up in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    All,
    /// Those that came in the last round.
    New,
}

/// Where a value comes from when a pattern is looked up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Key {
    Is(u32),
    Bound(usize),
    /// It gets its value here.
    Free(usize),
    /// It got its value in this pattern.
    Same(usize),
}

/// A place of a pattern, whose variable is nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Idle {
    Subject,
    Object,
}

#[derive(Debug)]
pub(super) enum Step {
    Match {
        source: Source,
        keys: [Key; 3],
        /// Whether this is the scan that is shared out among threads.
        shared: bool,
        /// What nothing else asks for, if there is such a place: one value of it is enough.
        idle: Option<Idle>,
    },
    Walk {
        from: Key,
        to: Key,
        least: usize,
    },
    /// A part of the rule's body, or of the absent pattern.
    Test(usize),
    /// Two slots whose values differ, or the conclusion is a premise.
    Differ(usize, usize),
    /// Gives a slot its value by a part, or compares it, where the slot has one.
    Bind {
        slot: usize,
        part: usize,
        bound: bool,
    },
    Absent(usize, Plan),
}

/// The steps, in order.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// The rows of the scan that is shared out.
    pub(super) rows: usize,
}

/// The atom to be looked up in the new facts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trigger {
    pub(super) atom: usize,
    /// Its predicate.
    pub(super) predicate: u32,
}

/// Both kinds of facts.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) all: &'a Facts,
    pub(super) new: &'a Facts,
}

impl<'a> Sources<'a> {
    pub(super) fn of(&self, source: Source) -> &'a Facts {
        match source {
            Source::All => self.all,
            Source::New => self.new,
        }
    }
}

/// Plans a rule. `row` has the values of the slots that are known.
pub(super) fn rule(
    rule: &Compiled,
    trigger: Option<Trigger>,
    row: &[Option<u32>],
    sources: Sources<'_>,
) -> Plan {
    let mut planner = Planner::new(row, sources);
    for (n, atom) in rule.atoms.iter().enumerate() {
        let new = trigger.is_some_and(|trigger| trigger.atom == n);
        let source = if new { Source::New } else { Source::All };
        planner.atoms.push((*atom, source));
    }
    planner.walks.extend(&rule.walks);
    planner.tests.extend(&rule.tests);
    planner.binds.extend(&rule.binds);
    planner.absent.extend(&rule.absent);
    planner.differ.extend(&rule.differ);
    planner.idle = rule.idle.clone();
    planner.plan()
}

fn absent_pattern(absent: &Absent, bound: &[bool], sources: Sources<'_>) -> Plan {
    let row = vec![None; bound.len()];
    let mut planner = Planner::new(&row, sources);
    planner.bound = bound.to_vec();
    let atoms = absent.atoms.iter().map(|atom| (*atom, Source::All));
    planner.atoms.extend(atoms);
    planner.walks.extend(&absent.walks);
    planner.tests.extend(&absent.tests);
    planner.plan()
}

struct Planner<'a> {
    atoms: Vec<(Atom, Source)>,
    walks: Vec<&'a Steps>,
    tests: Vec<&'a Condition>,
    binds: Vec<&'a (usize, Condition)>,
    absent: Vec<&'a Absent>,
    differ: Vec<(usize, usize)>,
    /// Slots that are in one pattern only.
    idle: Vec<usize>,
    row: &'a [Option<u32>],
    bound: Vec<bool>,
    sources: Sources<'a>,
    plan: Plan,
}

impl<'a> Planner<'a> {
    fn new(row: &'a [Option<u32>], sources: Sources<'a>) -> Self {
        Self {
            atoms: Vec::new(),
            walks: Vec::new(),
            tests: Vec::new(),
            binds: Vec::new(),
            absent: Vec::new(),
            differ: Vec::new(),
            idle: Vec::new(),
            row,
            bound: row.iter().map(Option::is_some).collect(),
            sources,
            plan: Plan::default(),
        }
    }

    fn plan(mut self) -> Plan {
        let mut shared = None;
        loop {
            self.conditions();
            let costs = self
                .atoms
                .iter()
                .map(|(atom, source)| self.cost(atom, *source));
            let best = costs.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
            let walk = self.walks.iter().position(|walk| self.can_walk(walk));
            match (best, walk) {
                (Some((_, cost)), Some(walk)) if cost > 4.0 => self.walk(walk),
                (Some((atom, cost)), _) => {
                    if cost > self.plan.rows as f64 {
                        self.plan.rows = cost as usize;
                        shared = Some(self.plan.steps.len());
                    }
                    self.look_up(atom);
                }
                (None, Some(walk)) => self.walk(walk),
                (None, None) => break,
            }
        }
        if let Some(Step::Match { shared, .. }) = shared.and_then(|n| self.plan.steps.get_mut(n)) {
            *shared = true;
        }
        self.plan
    }

    /// Puts conditions as early as what they read is known.
    fn conditions(&mut self) {
        let known = |bound: &[bool], reads: &[usize]| reads.iter().all(|&slot| bound[slot]);
        while let Some(n) = self
            .binds
            .iter()
            .position(|b| known(&self.bound, &b.1.reads))
        {
            let (slot, condition) = self.binds.remove(n);
            self.plan.steps.push(Step::Bind {
                slot: *slot,
                part: condition.part,
                bound: self.bound[*slot],
            });
            self.bound[*slot] = true;
        }
        let bound = &self.bound;
        for (a, b) in self.differ.extract_if(.., |(a, b)| bound[*a] && bound[*b]) {
            self.plan.steps.push(Step::Differ(a, b));
        }
        while let Some(n) = self.tests.iter().position(|t| known(&self.bound, &t.reads)) {
            let test = self.tests.remove(n);
            self.plan.steps.push(Step::Test(test.part));
        }
        while let Some(n) = self
            .absent
            .iter()
            .position(|a| known(&self.bound, &a.reads))
        {
            let absent = self.absent.remove(n);
            // Slots that only the absent pattern has are free in it, even if a plan beside it has bound them.
            let mut bound = vec![false; self.bound.len()];
            absent.reads.iter().for_each(|&slot| bound[slot] = true);
            let inner = absent_pattern(absent, &bound, self.sources);
            self.plan.steps.push(Step::Absent(absent.part, inner));
        }
    }

    fn can_walk(&self, walk: &Steps) -> bool {
        [walk.from, walk.to]
            .into_iter()
            .any(|place| self.is_bound(place))
    }

    fn is_bound(&self, place: Place) -> bool {
        match place {
            Place::Is(_) => true,
            Place::Slot(slot) => self.bound[slot],
        }
    }

    fn value(&self, place: Place) -> Option<u32> {
        match place {
            Place::Is(term) => Some(term),
            Place::Slot(slot) => self.row[slot],
        }
    }

    /// How many rows a look-up is expected to give.
    fn cost(&self, atom: &Atom, source: Source) -> f64 {
        let facts = self.sources.of(source);
        let [s, p, o] = *atom;
        if let Some(predicate) = self.value(p) {
            return facts
                .table(predicate)
                .map_or(0.0, |table| self.cost_in(table, s, o));
        }
        // Which predicate it will be is not known; it comes after what tells.
        let sums = facts.sums();
        let mut rows = sums.len as f64;
        if self.is_bound(s) {
            rows /= sums.subjects.max(1) as f64;
        }
        if self.is_bound(o) {
            // How many objects there are is not counted for this alone: it is taken for as many as subjects.
            rows /= sums.subjects.max(1) as f64;
        }
        match self.is_bound(p) {
            true => rows.sqrt() + 1.0,
            false => rows + 2.0,
        }
    }

    fn cost_in(&self, table: &Table, s: Place, o: Place) -> f64 {
        match (self.is_bound(s), self.is_bound(o)) {
            (false, false) => table.len as f64,
            (true, false) => self.rows_of(&table.by_subject, s, table.len),
            (false, true) => self.rows_of(table.by_object(), o, table.len),
            (true, true) => self.rows_of(&table.by_subject, s, table.len).min(0.5),
        }
    }

    /// How many rows of a column, which has `len`, a term has: on average, if it is not known yet.
    fn rows_of(&self, column: &Column, term: Place, len: usize) -> f64 {
        match self.value(term) {
            Some(term) => column.count(term) as f64,
            None => len as f64 / column.keys().max(1) as f64,
        }
    }

    fn key(&mut self, place: Place) -> Key {
        match place {
            Place::Is(term) => Key::Is(term),
            Place::Slot(slot) if self.bound[slot] => Key::Bound(slot),
            Place::Slot(slot) => {
                self.bound[slot] = true;
                Key::Free(slot)
            }
        }
    }

    fn look_up(&mut self, n: usize) {
        let ([s, p, o], source) = self.atoms.remove(n);
        let predicate = self.key(p);
        let subject = self.key(s);
        let object = match (subject, o) {
            (Key::Free(slot), Place::Slot(same)) if slot == same => Key::Same(slot),
            _ => self.key(o),
        };
        let idle = |key| matches!(key, Key::Free(slot) if self.idle.contains(&slot));
        let idle = match (idle(subject), idle(object)) {
            (_, true) => Some(Idle::Object),
            (true, false) => Some(Idle::Subject),
            (false, false) => None,
        };
        self.plan.steps.push(Step::Match {
            source,
            keys: [subject, predicate, object],
            shared: false,
            idle,
        });
    }

    fn walk(&mut self, n: usize) {
        let walk = self.walks.remove(n);
        let (from, to) = (self.key(walk.from), self.key(walk.to));
        let least = walk.least;
        self.plan.steps.push(Step::Walk { from, to, least });
    }
}
