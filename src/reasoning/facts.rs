//! Triples by predicate, each predicate's pairs sorted both ways.
//!
//! The second way is made when it is first asked for: of most properties of most data, nothing is looked up by the object.

use super::column::{Column, Pair, Run};
use super::order;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::sync::{Arc, OnceLock};

/// More rows than this are shared out among threads: to wake one for little, and wait for it, takes longer than to do it.
pub(super) const SHARE: usize = 1 << 14;

/// The triples of one predicate.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Objects by subject.
    pub(super) by_subject: Column,
    by_object: OnceLock<Column>,
    /// How many there are.
    pub(super) len: usize,
}

impl Table {
    /// Subjects by object.
    pub(super) fn by_object(&self) -> &Column {
        self.by_object.get_or_init(|| self.by_subject.turned())
    }

    /// Whether the pair of subject and object is there.
    pub(super) fn contains(&self, subject: u32, object: u32) -> bool {
        self.by_subject.contains([subject, object])
    }

    fn add(&mut self, run: Arc<Run>) {
        self.len += run.len();
        if let Some(by_object) = self.by_object.get_mut() {
            by_object.add(Arc::new(run.turned()));
        }
        self.by_subject.add(run);
    }
}

/// Triples, as tables by predicate.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// In the order in which predicates came.
    tables: Vec<(u32, Table)>,
    places: FxHashMap<u32, usize>,
    sums: Sums,
}

/// Counts over all tables.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    /// Triples.
    pub(super) len: usize,
    /// Subjects of each predicate, at most.
    pub(super) subjects: usize,
}

impl Facts {
    /// The table of a predicate.
    pub(super) fn table(&self, predicate: u32) -> Option<&Table> {
        let place = self.places.get(&predicate)?;
        Some(&self.tables[*place].1).filter(|table| table.len > 0)
    }

    /// Predicates with their tables, in an order that depends on nothing but what was added.
    pub(super) fn tables(&self) -> impl Iterator<Item = (u32, &Table)> {
        let tables = self.tables.iter().filter(|(_, table)| table.len > 0);
        tables.map(|(predicate, table)| (*predicate, table))
    }

    /// The facts that triples are, which come in any order and more than once.
    pub(super) fn of(triples: &[[u32; 3]]) -> Self {
        let mut pairs: FxHashMap<u32, Vec<Pair>> = FxHashMap::default();
        for same in triples.chunk_by(|a, b| a[1] == b[1]) {
            let rows = same.iter().map(|&[s, _, o]| [s, o]);
            pairs.entry(same[0][1]).or_default().extend(rows);
        }
        let mut pairs: Vec<(u32, Vec<Pair>)> = pairs.into_iter().collect();
        pairs.sort_unstable_by_key(|(predicate, _)| *predicate);
        let run = |(predicate, mut rows): (u32, Vec<Pair>)| {
            order::sort(&mut rows, |&row| order::pair(row));
            rows.dedup();
            (predicate, Arc::new(Run::new(rows)))
        };
        let runs: Vec<_> = match triples.len() > SHARE {
            true => pairs.into_par_iter().map(run).collect(),
            false => pairs.into_iter().map(run).collect(),
        };
        let mut facts = Self::default();
        for (predicate, run) in runs {
            facts.table_mut(predicate).add(run);
        }
        facts.sum_up();
        facts
    }

    /// Whether a triple is there.
    pub(super) fn contains(&self, [s, p, o]: [u32; 3]) -> bool {
        self.table(p).is_some_and(|table| table.contains(s, o))
    }

    /// How many triples there are.
    pub(super) fn len(&self) -> usize {
        self.sums.len
    }

    /// Counts over all tables.
    pub(super) fn sums(&self) -> Sums {
        self.sums
    }

    fn sum_up(&mut self) {
        let tables = || self.tables.iter().map(|(_, table)| table);
        self.sums = Sums {
            len: tables().map(|table| table.len).sum(),
            subjects: tables().map(|table| table.by_subject.keys()).sum(),
        };
    }

    /// Adds triples that are sorted by predicate, subject and object, none of which is there yet; gives them as facts
    /// of their own.
    pub(super) fn add(&mut self, triples: &[[u32; 3]]) -> Self {
        let mut new = Self::default();
        let mut added: FxHashMap<usize, &[[u32; 3]]> = FxHashMap::default();
        for same in triples.chunk_by(|a, b| a[1] == b[1]) {
            let place = self.place(same[0][1]);
            added.insert(place, same);
        }
        let add = |(place, (predicate, table)): (usize, &mut (u32, Table))| {
            let rows = added.get(&place)?.iter().map(|&[s, _, o]| [s, o]);
            let run = Arc::new(Run::new(rows.collect()));
            table.add(run.clone());
            Some((*predicate, run))
        };
        let runs: Vec<_> = match triples.len() > SHARE {
            true => self
                .tables
                .par_iter_mut()
                .enumerate()
                .filter_map(add)
                .collect(),
            false => self.tables.iter_mut().enumerate().filter_map(add).collect(),
        };
        for (predicate, run) in runs {
            new.table_mut(predicate).add(run);
        }
        self.sum_up();
        new.sum_up();
        new
    }

    /// The place of a predicate's table, which is made if there is none.
    fn place(&mut self, predicate: u32) -> usize {
        let next = self.tables.len();
        let place = *self.places.entry(predicate).or_insert(next);
        if place == next {
            self.tables.push((predicate, Table::default()));
        }
        place
    }

    fn table_mut(&mut self, predicate: u32) -> &mut Table {
        let place = self.place(predicate);
        &mut self.tables[place].1
    }

    /// Takes triples out, sorted by predicate, subject and object, all of which are there.
    pub(super) fn remove(&mut self, triples: &[[u32; 3]]) {
        for same in triples.chunk_by(|a, b| a[1] == b[1]) {
            let Some(&place) = self.places.get(&same[0][1]) else {
                continue;
            };
            let gone = |s, o| same.binary_search_by_key(&(s, o), |t| (t[0], t[2])).is_ok();
            let table = &mut self.tables[place].1;
            table.by_subject.retain(|[s, o]| !gone(s, o));
            table.by_object = OnceLock::new();
            table.len -= same.len();
        }
        self.sum_up();
    }
}

/// Sorts triples as [`Facts::add`] wants them, without repeats.
pub(super) fn in_order(triples: &mut Vec<[u32; 3]>) {
    order::by_predicate(triples);
    triples.dedup();
}
