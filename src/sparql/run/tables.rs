//! Solutions that are worked out once and found by their keys.

use super::{Id, Row, Run, Sink};
use crate::sparql::meter::Held;
use crate::sparql::plan::Table;
use crate::sparql::scan::{Flow, Halt};
use rustc_hash::{FxHashMap, FxHasher};
use std::cell::RefCell;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

/// Solutions that are kept of one table, if they are for the values of seeds: every row may have others.
const KEPT: usize = 1 << 14;

/// Tables by their number, and by the values of their seeds.
#[derive(Default)]
pub(super) struct Tables<'m>(RefCell<FxHashMap<usize, Seeded<'m>>>);

/// The solutions of one table, by graph and seeds.
#[derive(Default)]
struct Seeded<'m> {
    rows: FxHashMap<Box<[Id]>, Rc<Rows<'m>>>,
    count: usize,
}

/// The solutions of a table, one after the other.
struct Rows<'m> {
    values: Vec<Id>,
    width: usize,
    count: usize,
    /// The first row of each key, by its hash.
    first: FxHashMap<u64, u32>,
    /// The row after each with the same hash; the last has itself.
    next: Vec<u32>,
    _held: Held<'m>,
}

impl Rows<'_> {
    fn row(&self, number: usize) -> &[Id] {
        &self.values[number * self.width..(number + 1) * self.width]
    }

    fn index(&mut self, keys: &[usize]) {
        self.next = (0..self.count as u32).collect();
        for number in (0..self.count).rev() {
            let hash = hash(keys.iter().map(|&column| self.row(number)[column]));
            if let Some(next) = self.first.insert(hash, number as u32) {
                self.next[number] = next;
            }
        }
    }

    /// The rows that may have this key.
    fn candidates(&self, hash: u64) -> impl Iterator<Item = usize> {
        let mut next = self.first.get(&hash).copied();
        std::iter::from_fn(move || {
            let number = next?;
            let after = self.next[number as usize];
            next = (after != number).then_some(after);
            Some(number as usize)
        })
    }
}

fn hash(key: impl Iterator<Item = Id>) -> u64 {
    let mut hasher = FxHasher::default();
    key.for_each(|id| id.hash(&mut hasher));
    hasher.finish()
}

impl<'r> Run<'r, '_> {
    /// Hands on the row joined with every solution of a table.
    pub(super) fn table(&self, table: &Table, row: &mut Row, sink: &mut Sink<'_>) -> Flow {
        let rows = self.rows(table, row)?;
        self.each_candidate(table, &rows, row, &mut |values, row| {
            self.joined(&table.columns, values, row, sink)
        })
    }

    /// Whether a solution of the table is compatible with the row and shares a variable with it.
    pub(super) fn has_match(&self, table: &Table, row: &mut Row) -> Flow<bool> {
        let rows = self.rows(table, row)?;
        let mut found = false;
        let flow = self.each_candidate(table, &rows, row, &mut |values, row| {
            let both = table.columns.iter().map(|&slot| row[slot]).zip(values);
            let mut both = both
                .filter(|(a, b)| a.is_bound() && b.is_bound())
                .peekable();
            found = both.peek().is_some() && both.all(|(a, b)| a == *b);
            if found { Err(Halt::Enough) } else { Ok(()) }
        });
        match flow {
            Err(Halt::Enough) if found => Ok(true),
            flow => flow.map(|()| false),
        }
    }

    fn each_candidate(
        &self,
        table: &Table,
        rows: &Rows,
        row: &mut Row,
        found: &mut dyn FnMut(&[Id], &mut Row) -> Flow,
    ) -> Flow {
        if table.keys.is_empty() {
            for number in 0..rows.count {
                self.meter.tick()?;
                found(rows.row(number), row)?;
            }
            return Ok(());
        }
        for number in rows.candidates(hash(table.keys.iter().map(|&slot| row[slot]))) {
            self.meter.tick()?;
            found(rows.row(number), row)?;
        }
        Ok(())
    }

    /// The solutions of a table, worked out when they are first asked for.
    fn rows(&self, table: &Table, row: &Row) -> Flow<Rc<Rows<'r>>> {
        let graph = || table.graph.iter().map(|&slot| (slot, slot));
        let taken = || graph().chain(table.seeds.iter().map(|seed| (seed.from, seed.to)));
        let seeds: Box<[Id]> = taken().map(|(from, _)| row[from]).collect();
        let known = self.tables.0.borrow();
        if let Some(rows) = known
            .get(&table.number)
            .and_then(|known| known.rows.get(&seeds))
        {
            return Ok(rows.clone());
        }
        drop(known);
        let mut rows = Rows {
            values: Vec::new(),
            width: table.columns.len(),
            count: 0,
            first: FxHashMap::default(),
            next: Vec::new(),
            _held: self.meter.held(),
        };
        let mut fresh = vec![Id::UNBOUND; row.len()];
        taken().for_each(|(from, to)| fresh[to] = row[from]);
        self.push(&table.inner, &mut fresh, &mut |row| {
            rows.count += 1;
            // The index takes about two numbers a row.
            rows._held.add((rows.width + 3) * size_of::<Id>())?;
            rows.values
                .extend(table.columns.iter().map(|&slot| row[slot]));
            Ok(())
        })?;
        if !table.keys.is_empty() {
            let column = |slot| table.columns.iter().position(|c| c == slot);
            let keys: Vec<usize> = table.keys.iter().filter_map(column).collect();
            rows.index(&keys);
        }
        let rows = Rc::new(rows);
        let mut known = self.tables.0.borrow_mut();
        let known = known.entry(table.number).or_default();
        // One without solutions takes memory too.
        known.count += 1 + rows.count;
        if !table.seeds.is_empty() && known.count > KEPT {
            known.rows.clear();
            known.count = 1 + rows.count;
        }
        known.rows.insert(seeds, rows.clone());
        Ok(rows)
    }
}
