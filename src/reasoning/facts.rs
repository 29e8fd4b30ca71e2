//! Triples by predicate, each predicate's pairs sorted both ways.
//!
//! A column is a few sorted runs whose lengths fall geometrically: what a round adds becomes a run, and small runs are
//! merged. So no round copies everything, a look-up asks few runs, and a long run has a directory that leads to a key
//! in two steps.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// A key and a value.
pub(super) type Pair = [u32; 2];

/// Runs of fewer rows than this are searched without a directory.
const SMALL: usize = 64;

/// Sorted rows.
#[derive(Debug, Default)]
struct Run {
    rows: Vec<Pair>,
    /// Where the rows of each block of keys begin; a key's block is its number shifted.
    blocks: Vec<u32>,
    shift: u32,
    keys: usize,
}

impl Run {
    fn new(rows: Vec<Pair>) -> Self {
        let keys = rows.chunk_by(|a, b| a[0] == b[0]).count();
        let mut run = Self {
            rows,
            blocks: Vec::new(),
            shift: 0,
            keys,
        };
        run.index();
        run
    }

    fn index(&mut self) {
        let (Some(last), true) = (self.rows.last(), self.rows.len() >= SMALL) else {
            return;
        };
        let wanted = (self.rows.len() / 4).max(1) as u32;
        while (last[0] >> self.shift) >= wanted {
            self.shift += 1;
        }
        let count = (last[0] >> self.shift) as usize + 1;
        self.blocks = Vec::with_capacity(count + 1);
        for (at, row) in (0..).zip(&self.rows) {
            while self.blocks.len() <= (row[0] >> self.shift) as usize {
                self.blocks.push(at);
            }
        }
        self.blocks.push(self.rows.len() as u32);
    }

    fn of(&self, key: u32) -> &[Pair] {
        let rows = if self.blocks.is_empty() {
            &self.rows[..]
        } else {
            let block = (key >> self.shift) as usize;
            match (self.blocks.get(block), self.blocks.get(block + 1)) {
                (Some(&from), Some(&to)) => &self.rows[from as usize..to as usize],
                _ => return &[],
            }
        };
        let from = rows.partition_point(|row| row[0] < key);
        let rows = &rows[from..];
        // Most keys have few rows.
        match rows.get(4) {
            Some(row) if row[0] == key => &rows[..rows.partition_point(|row| row[0] == key)],
            _ => {
                let few = rows.iter().take(4);
                &rows[..few.take_while(|row| row[0] == key).count()]
            }
        }
    }
}

/// Pairs by their key.
#[derive(Debug, Default)]
pub(super) struct Column {
    runs: Vec<Run>,
}

impl Column {
    /// All rows, in pieces, each sorted.
    pub(super) fn all(&self) -> impl Iterator<Item = &[Pair]> {
        self.runs.iter().map(|run| &run.rows[..])
    }

    /// The rows of a key, in pieces, each sorted.
    pub(super) fn of(&self, key: u32) -> impl Iterator<Item = &[Pair]> {
        self.runs.iter().map(move |run| run.of(key))
    }

    /// How many rows a key has.
    pub(super) fn count(&self, key: u32) -> usize {
        self.of(key).map(<[Pair]>::len).sum()
    }

    /// How many keys there are, at most.
    pub(super) fn keys(&self) -> usize {
        self.runs.iter().map(|run| run.keys).sum()
    }

    fn contains(&self, pair: Pair) -> bool {
        self.of(pair[0])
            .any(|rows| rows.binary_search(&pair).is_ok())
    }

    /// Adds sorted rows that are not there yet.
    fn add(&mut self, mut rows: Vec<Pair>) {
        while let Some(last) = self.runs.last() {
            if last.rows.len() > 2 * rows.len() {
                break;
            }
            let last = self.runs.pop().unwrap_or_default();
            rows = merge(&last.rows, &rows);
        }
        self.runs.push(Run::new(rows));
    }

    fn retain(&mut self, keep: impl Fn(Pair) -> bool) {
        let mut rows = Vec::new();
        for run in std::mem::take(&mut self.runs) {
            let kept = run.rows.into_iter().filter(|&row| keep(row)).collect();
            rows = if rows.is_empty() {
                kept
            } else {
                merge(&rows, &kept)
            };
        }
        if !rows.is_empty() {
            self.runs.push(Run::new(rows));
        }
    }
}

fn merge(a: &[Pair], b: &[Pair]) -> Vec<Pair> {
    let mut merged = Vec::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i] < b[j] {
            merged.push(a[i]);
            i += 1;
        } else {
            merged.push(b[j]);
            j += 1;
        }
    }
    merged.extend_from_slice(&a[i..]);
    merged.extend_from_slice(&b[j..]);
    merged
}

/// The triples of one predicate.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Objects by subject.
    pub(super) by_subject: Column,
    /// Subjects by object.
    pub(super) by_object: Column,
    /// How many there are.
    pub(super) len: usize,
}

impl Table {
    /// Whether the pair of subject and object is there.
    pub(super) fn contains(&self, subject: u32, object: u32) -> bool {
        self.by_subject.contains([subject, object])
    }

    /// Adds sorted pairs, and the same turned round and sorted.
    fn add(&mut self, rows: Vec<Pair>, turned: Vec<Pair>) {
        self.len += rows.len();
        self.by_object.add(turned);
        self.by_subject.add(rows);
    }
}

/// The pairs turned round, sorted.
fn turned(rows: &[Pair]) -> Vec<Pair> {
    let mut turned: Vec<Pair> = rows.iter().map(|&[s, o]| [o, s]).collect();
    // One number compares faster than two.
    let key = |&[a, b]: &Pair| u64::from(a) << 32 | u64::from(b);
    match turned.len() > 1 << 14 {
        true => turned.par_sort_unstable_by_key(key),
        false => turned.sort_unstable_by_key(key),
    }
    turned
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
    /// Objects of each predicate, at most.
    pub(super) objects: usize,
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

    /// The facts that triples are, which are sorted by predicate, subject and object.
    pub(super) fn of(triples: &[[u32; 3]]) -> Self {
        let mut facts = Self::default();
        for same in triples.chunk_by(|a, b| a[1] == b[1]) {
            let rows: Vec<Pair> = same.iter().map(|&[s, _, o]| [s, o]).collect();
            let turned = turned(&rows);
            facts.table_mut(same[0][1]).add(rows, turned);
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
            objects: tables().map(|table| table.by_object.keys()).sum(),
        };
    }

    /// Adds triples that are sorted by predicate, subject and object, none of which is there yet; gives them as facts
    /// of their own.
    pub(super) fn add(&mut self, triples: &[[u32; 3]]) -> Self {
        let mut new = Self::default();
        for same in triples.chunk_by(|a, b| a[1] == b[1]) {
            let rows: Vec<Pair> = same.iter().map(|&[s, _, o]| [s, o]).collect();
            let turned = turned(&rows);
            self.table_mut(same[0][1]).add(rows.clone(), turned.clone());
            new.table_mut(same[0][1]).add(rows, turned);
        }
        self.sum_up();
        new.sum_up();
        new
    }

    fn table_mut(&mut self, predicate: u32) -> &mut Table {
        let next = self.tables.len();
        let place = *self.places.entry(predicate).or_insert(next);
        if place == next {
            self.tables.push((predicate, Table::default()));
        }
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
            table.by_object.retain(|[o, s]| !gone(s, o));
            table.len -= same.len();
        }
        self.sum_up();
    }
}

/// Sorts triples as [`Facts::add`] wants them, without repeats.
pub(super) fn in_order(triples: &mut Vec<[u32; 3]>) {
    triples.par_sort_unstable_by_key(|triple| order(*triple));
    triples.dedup();
}

/// A number that orders triples by predicate, subject and object.
pub(super) fn order([s, p, o]: [u32; 3]) -> u128 {
    u128::from(p) << 64 | u128::from(s) << 32 | u128::from(o)
}
