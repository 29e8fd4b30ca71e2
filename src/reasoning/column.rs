//! Sorted pairs.
//!
//! A column is a few sorted runs whose lengths fall geometrically: what a round adds becomes a run, and small runs are
//! merged. So no round copies everything, a look-up asks few runs, and a long run has a directory that leads to a key
//! in two steps. A run is shared by all facts and those of the round that brought it.

use super::order;
use std::sync::Arc;

/// A key and a value.
pub(super) type Pair = [u32; 2];

/// Runs of fewer rows than this are searched without a directory.
const SMALL: usize = 64;

/// Sorted rows.
#[derive(Debug, Default)]
pub(super) struct Run {
    rows: Vec<Pair>,
    /// Where the rows of each block of keys begin; a key's block is its number shifted.
    blocks: Vec<u32>,
    shift: u32,
    keys: usize,
}

impl Run {
    pub(super) fn new(rows: Vec<Pair>) -> Self {
        let changes = rows.windows(2).filter(|pair| pair[0][0] != pair[1][0]);
        let keys = changes.count() + usize::from(!rows.is_empty());
        let mut run = Self {
            rows,
            blocks: Vec::new(),
            shift: 0,
            keys,
        };
        run.index();
        run
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn turned(&self) -> Self {
        let mut turned: Vec<Pair> = self.rows.iter().map(|&[a, b]| [b, a]).collect();
        // The values come in order for each key, and stay so.
        order::sort_alone(&mut turned, |row| row[0].into());
        Self::new(turned)
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
    runs: Vec<Arc<Run>>,
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

    pub(super) fn contains(&self, pair: Pair) -> bool {
        self.of(pair[0])
            .any(|rows| rows.binary_search(&pair).is_ok())
    }

    /// The same pairs turned round.
    pub(super) fn turned(&self) -> Self {
        let runs = self.runs.iter();
        Self {
            runs: runs.map(|run| Arc::new(run.turned())).collect(),
        }
    }

    /// Adds rows that are not there yet.
    pub(super) fn add(&mut self, run: Arc<Run>) {
        let mut run = run;
        while let Some(last) = self
            .runs
            .pop_if(|last| last.rows.len() <= 2 * run.rows.len())
        {
            run = Arc::new(Run::new(merge(&last.rows, &run.rows)));
        }
        self.runs.push(run);
    }

    pub(super) fn retain(&mut self, keep: impl Fn(Pair) -> bool) {
        let mut rows = Vec::new();
        for run in std::mem::take(&mut self.runs) {
            let kept = run.rows.iter().copied().filter(|&row| keep(row)).collect();
            rows = if rows.is_empty() {
                kept
            } else {
                merge(&rows, &kept)
            };
        }
        if !rows.is_empty() {
            self.runs.push(Arc::new(Run::new(rows)));
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
