//! Runs a plan: every row that the facts have for it.

use super::column::Pair;
use super::compile::Words;
use super::expression::Expr;
use super::facts::{Facts, Table};
use super::lists;
use super::made::{Depths, Made};
use super::plan::{Idle, Key, Plan, Sources, Step};
use super::rule::Part;
use super::terms::Terms;
use super::tested::Tested;
use super::watch::Watch;
use crate::{Error, Result};

/// Takes the rows.
pub(super) trait Sink {
    /// Whether it takes all rows; what ends with the first must not have all looked at before.
    const TAKES_ALL: bool = true;

    /// A row, which may have terms that the run made; and whether more are wanted.
    fn take(&mut self, row: &[u32], made: &Made) -> Result<bool>;
}

/// What plans run on.
#[derive(Clone, Copy)]
pub(super) struct World<'a> {
    pub(super) sources: Sources<'a>,
    pub(super) words: Words,
    pub(super) watch: &'a Watch,
    /// How many steps away from stated terms those are that `BIND` made.
    pub(super) depths: &'a Depths,
    pub(super) tested: &'a Tested,
}

/// How a pattern is looked up, and what comes then.
#[derive(Clone, Copy)]
struct Scan<'p> {
    shared: bool,
    idle: Option<Idle>,
    rest: &'p [Step],
}

/// One run of a plan.
pub(super) struct Join<'a, S> {
    world: World<'a>,
    terms: &'a dyn Terms,
    parts: &'a [Part],
    /// The part of the shared scan that is this run's: of so many parts, the which-th.
    share: (usize, usize),
    row: Vec<u32>,
    sink: S,
    made: Made,
    looked: u32,
    /// Whether all terms were tested.
    swept: bool,
}

impl<'a, S: Sink> Join<'a, S> {
    /// A run over the parts of a rule, from a row.
    pub(super) fn new(
        world: World<'a>,
        terms: &'a dyn Terms,
        parts: &'a [Part],
        row: Vec<u32>,
        sink: S,
    ) -> Self {
        Self {
            world,
            terms,
            parts,
            share: (1, 0),
            row,
            sink,
            made: Made::default(),
            looked: 0,
            swept: false,
        }
    }

    /// Restricts it to a share of the shared scan: of `shares`, number `which`.
    pub(super) fn share(mut self, shares: usize, which: usize) -> Self {
        self.share = (shares, which);
        self
    }

    /// Runs, and gives the sink back, with the terms that are new.
    pub(super) fn run(mut self, plan: &Plan) -> Result<(S, Made)> {
        self.from(&plan.steps)?;
        Ok((self.sink, self.made))
    }

    /// Whether more is wanted.
    fn from(&mut self, steps: &[Step]) -> Result<bool> {
        let Some((step, rest)) = steps.split_first() else {
            return self.sink.take(&self.row, &self.made);
        };
        self.looked = self.looked.wrapping_add(1);
        if self.looked.trailing_zeros() >= 14 {
            self.world.watch.check()?;
        }
        match step {
            Step::Match {
                source,
                keys,
                shared,
                idle,
            } => {
                let scan = Scan {
                    shared: *shared,
                    idle: *idle,
                    rest,
                };
                self.look_up(self.world.sources.of(*source), keys, scan)
            }
            Step::Walk { from, to, least } => self.walk(*from, *to, *least, rest),
            Step::Test(part) => match self.test(*part) {
                true => self.from(rest),
                false => Ok(true),
            },
            Step::Differ(a, b) => match self.row[*a] == self.row[*b] {
                true => Ok(true),
                false => self.from(rest),
            },
            Step::Bind { slot, part, bound } => match self.bind(*part)? {
                Some(number) if *bound && self.row[*slot] != number => Ok(true),
                Some(number) => {
                    self.row[*slot] = number;
                    self.from(rest)
                }
                // An error leaves the variable without a value, and a template with it is left out.
                None => Ok(true),
            },
            Step::Absent(part, plan) => match self.is_absent(*part, plan)? {
                true => self.from(rest),
                false => Ok(true),
            },
        }
    }

    fn value(&self, key: Key) -> Option<u32> {
        match key {
            Key::Is(term) => Some(term),
            Key::Bound(slot) => Some(self.row[slot]),
            Key::Free(_) | Key::Same(_) => None,
        }
    }

    fn look_up(&mut self, facts: &'a Facts, keys: &[Key; 3], scan: Scan<'_>) -> Result<bool> {
        let [subject, predicate, object] = *keys;
        if let Some(predicate) = self.value(predicate) {
            return match facts.table(predicate) {
                Some(table) => self.scan(table, subject, object, scan),
                None => Ok(true),
            };
        }
        for (name, table) in facts.tables() {
            self.set(predicate, name);
            if !self.scan(table, subject, object, scan)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn set(&mut self, key: Key, value: u32) {
        if let Key::Free(slot) = key {
            self.row[slot] = value;
        }
    }

    fn scan(
        &mut self,
        table: &'a Table,
        subject: Key,
        object: Key,
        scan: Scan<'_>,
    ) -> Result<bool> {
        let none = Key::Is(0);
        match (self.value(subject), self.value(object)) {
            (Some(s), Some(o)) => match table.contains(s, o) {
                true => self.from(scan.rest),
                false => Ok(true),
            },
            (Some(s), None) => self.pairs(table.by_subject.of(s), [none, object], scan),
            (None, Some(o)) => self.pairs(table.by_object().of(o), [none, subject], scan),
            (None, None) if scan.idle == Some(Idle::Subject) => {
                self.pairs(table.by_object().all(), [object, subject], scan)
            }
            (None, None) => self.pairs(table.by_subject.all(), [subject, object], scan),
        }
    }

    fn pairs(
        &mut self,
        pieces: impl Iterator<Item = &'a [Pair]>,
        keys: [Key; 2],
        scan: Scan<'_>,
    ) -> Result<bool> {
        for rows in pieces {
            let (shares, which) = if scan.shared { self.share } else { (1, 0) };
            let from = rows.len() * which / shares;
            let to = rows.len() * (which + 1) / shares;
            let rows = &rows[from..to];
            if S::TAKES_ALL && !self.may_pass(rows, keys[1], scan.rest)? {
                continue;
            }
            let mut last = None;
            for row in rows {
                // Of what nothing asks for, the first value makes the least premise.
                if scan.idle.is_some() && last.replace(row[0]) == Some(row[0]) {
                    continue;
                }
                self.set(keys[0], row[0]);
                self.set(keys[1], row[1]);
                if matches!(keys[1], Key::Same(slot) if self.row[slot] != row[1]) {
                    continue;
                }
                if !self.from(scan.rest)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Whether the next step, where it is a quick test of the values of rows and nothing else, lets any of them pass.
    fn may_pass(&mut self, rows: &[Pair], value: Key, steps: &[Step]) -> Result<bool> {
        let (Key::Free(slot), Some(Step::Test(part))) = (value, steps.first()) else {
            return Ok(true);
        };
        let expr = self.expression(*part);
        let expr = expr.filter(|expr| expr.is_quick() && expr.reads_only() == Some(slot));
        let Some((expr, marks)) = expr.and_then(|e| Some((e, self.world.tested.marks(e)?))) else {
            return Ok(true);
        };
        if !std::mem::replace(&mut self.swept, true) {
            let test = |term| expr.holds(&|_| Some(self.terms.text(term)));
            marks.sweep(self.share, test, self.world.watch)?;
        }
        Ok(rows.iter().any(|row| marks.may_pass(row[1])))
    }

    fn walk(&mut self, from: Key, to: Key, least: usize, rest: &[Step]) -> Result<bool> {
        let lists = lists::Lists::of(self.world);
        let (cells, end) = match (self.value(from), self.value(to)) {
            (Some(from), Some(to)) => {
                let found = lists.chain(from, to, least)?.is_some();
                return if found { self.from(rest) } else { Ok(true) };
            }
            (Some(from), None) => (lists.behind(from, least)?, to),
            (None, Some(to)) => (lists.before(to, least)?, from),
            (None, None) => (Vec::new(), to),
        };
        for cell in cells {
            self.set(end, cell);
            if !self.from(rest)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn expression(&self, part: usize) -> Option<&'a Expr> {
        match &self.parts[part] {
            Part::Test(expr) | Part::Bind(_, expr) => Some(expr),
            _ => None,
        }
    }

    fn text(&self, slot: usize) -> &str {
        self.made
            .text(self.row[slot])
            .unwrap_or_else(|| self.terms.text(self.row[slot]))
    }

    fn test(&self, part: usize) -> bool {
        let Some(expr) = self.expression(part) else {
            return false;
        };
        let test = || expr.holds(&|slot: usize| Some(self.text(slot)));
        let slot = expr.reads_only();
        match slot.zip(self.world.tested.marks(expr)) {
            Some((slot, marks)) => marks.passes(self.row[slot], test),
            None => test(),
        }
    }

    /// The number of the term that a `BIND` gives.
    fn bind(&mut self, part: usize) -> Result<Option<u32>> {
        let Some(expr) = self.expression(part) else {
            return Ok(None);
        };
        let Some(text) = expr.value(&|slot: usize| Some(self.text(slot))) else {
            return Ok(None);
        };
        if text.len() > super::LONGEST_TERM {
            return Err(Error::budget("a BIND makes a term of more than 1 MiB"));
        }
        if let Some(number) = self.terms.find(&text) {
            return Ok(Some(number));
        }
        let depth = |slot: usize| self.made.depth(self.row[slot], self.world.depths);
        let depth = 1 + expr.variables().map(depth).max().unwrap_or(0);
        let deepest = self.world.watch.limits.depth;
        if depth > deepest {
            let sample: String = text.chars().skip(1).take(60).collect();
            return Err(Error::budget(format!(
                "terms are made of terms that were made, {deepest} times in a row and on: `{sample}`"
            ))
            .hint("let the BIND read what no rule with a BIND derives"));
        }
        self.made.add(text, depth).map(Some)
    }

    fn is_absent(&self, part: usize, plan: &Plan) -> Result<bool> {
        let Part::Absent(parts) = &self.parts[part] else {
            return Ok(true);
        };
        let inner = Join::new(self.world, self.terms, parts, self.row.clone(), Any(false));
        Ok(!inner.run(plan)?.0.0)
    }
}

/// Whether there is any row.
pub(super) struct Any(pub(super) bool);

impl Sink for Any {
    const TAKES_ALL: bool = false;

    fn take(&mut self, _: &[u32], _: &Made) -> Result<bool> {
        self.0 = true;
        Ok(false)
    }
}
