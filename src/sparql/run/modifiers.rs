//! Groups, order, distinct rows and slices.

use super::{Id, Row, Run, Sink};
use crate::sparql::aggregate::{Accumulator, Aggregate};
use crate::sparql::expression::Expr;
use crate::sparql::meter::{ENTRY, Held};
use crate::sparql::pattern::Direction;
use crate::sparql::plan::Node;
use crate::sparql::scan::{Flow, Halt};
use crate::sparql::value::compare;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cmp::Ordering;

/// Rows sorted between two looks at the clock.
const RUN: usize = 1 << 13;

impl Run<'_, '_> {
    pub(super) fn group(
        &self,
        inner: &Node,
        keys: &[usize],
        aggregates: &[(usize, Aggregate)],
        row: &mut Row,
        sink: &mut Sink<'_>,
    ) -> Flow {
        let mut held = self.meter.held();
        let mut numbers: FxHashMap<Box<[Id]>, usize> = FxHashMap::default();
        let mut groups: Vec<(Box<[Id]>, Vec<Accumulator<'_>>)> = Vec::new();
        let new = || aggregates.iter().map(|(_, a)| a.start()).collect();
        // The key is kept twice, each time in an allocation of its own.
        let fixed = 4 * ENTRY + size_of::<(Box<[Id]>, Vec<Accumulator<'_>>)>();
        let group = fixed + aggregates.len() * size_of::<Accumulator<'_>>();
        if keys.is_empty() {
            groups.push((Box::default(), new()));
            numbers.insert(Box::default(), 0);
        }
        let mut key = Vec::with_capacity(keys.len());
        let mut last = 0;
        self.push(inner, row, &mut |row| {
            self.meter.tick()?;
            key.clear();
            key.extend(keys.iter().map(|&slot| row[slot]));
            // Rows of one group often follow one another: indexes are sorted.
            let known = match groups.get(last) {
                Some((same, _)) if **same == *key => Some(last),
                _ => numbers.get(key.as_slice()).copied(),
            };
            let number = match known {
                Some(number) => number,
                None => {
                    held.add(group + 2 * size_of_val(key.as_slice()))?;
                    numbers.insert(key.clone().into(), groups.len());
                    groups.push((key.clone().into(), new()));
                    groups.len() - 1
                }
            };
            last = number;
            for ((_, aggregate), state) in aggregates.iter().zip(&mut groups[number].1) {
                let before = aggregate.grows().then(|| state.size());
                state.add(row, self);
                if let Some(before) = before {
                    held.change(before, state.size())?;
                }
            }
            self.unhalted()
        })?;
        let computed = aggregates.iter().map(|(slot, _)| *slot);
        let slots: Vec<usize> = keys.iter().copied().chain(computed).collect();
        for (key, states) in groups {
            self.meter.tick()?;
            let mut values = key.into_vec();
            for state in states {
                // As a literal its text is there three times for a moment.
                self.meter.allow(3 * state.text())?;
                values.push(self.id(state.finish())?);
            }
            self.joined(&slots, &values, row, sink)?;
        }
        Ok(())
    }

    pub(super) fn distinct(
        &self,
        inner: &Node,
        columns: &[usize],
        row: &mut Row,
        sink: &mut Sink<'_>,
    ) -> Flow {
        let mut held = self.meter.held();
        let mut seen: FxHashSet<Box<[Id]>> = FxHashSet::default();
        let mut key = Vec::with_capacity(columns.len());
        self.push(inner, row, &mut |row| {
            self.meter.tick()?;
            key.clear();
            key.extend(columns.iter().map(|&slot| row[slot]));
            if seen.contains(key.as_slice()) {
                return Ok(());
            }
            held.add(size_of_val(key.as_slice()) + 2 * ENTRY)?;
            seen.insert(key.clone().into());
            sink(row)
        })
    }

    pub(super) fn slice(
        &self,
        inner: &Node,
        start: usize,
        length: Option<usize>,
        row: &mut Row,
        sink: &mut Sink<'_>,
    ) -> Flow {
        if length == Some(0) {
            return Ok(());
        }
        let end = length.map(|length| start.saturating_add(length));
        let (mut count, mut complete) = (0, false);
        let flow = self.push(inner, row, &mut |row| {
            count += 1;
            if count > start {
                sink(row)?;
            }
            complete = Some(count) == end;
            if complete { Err(Halt::Enough) } else { Ok(()) }
        });
        match flow {
            Err(Halt::Enough) if complete => Ok(()),
            flow => flow,
        }
    }

    pub(super) fn ordered(
        &self,
        inner: &Node,
        (keys, most): (&[(Expr, Direction)], Option<usize>),
        columns: &[usize],
        row: &mut Row,
        sink: &mut Sink<'_>,
    ) -> Flow {
        let mut sorter = Sorter {
            run: self,
            directions: keys.iter().map(|(_, direction)| *direction).collect(),
            rows: Vec::new(),
            held: self.meter.held(),
        };
        // Of many rows only the first are wanted: those beyond are dropped now and then.
        let enough = most.map(|most| (most, most.saturating_mul(2).saturating_add(RUN)));
        self.push(inner, row, &mut |row| {
            let mut values = Vec::with_capacity(keys.len() + columns.len());
            for (key, _) in keys {
                values.push(self.id(key.evaluate(row, self))?);
            }
            self.unhalted()?;
            values.extend(columns.iter().map(|&slot| row[slot]));
            sorter.take(values.into())?;
            match enough {
                Some((most, enough)) if sorter.rows.len() >= enough => sorter.keep(most),
                _ => Ok(()),
            }
        })?;
        sorter.sort()?;
        if let Some(most) = most {
            sorter.rows.truncate(most);
        }
        let before: Vec<Id> = columns.iter().map(|&slot| row[slot]).collect();
        let mut flow = Ok(());
        for values in &sorter.rows {
            for (slot, id) in columns.iter().zip(&values[keys.len()..]) {
                row[*slot] = *id;
            }
            flow = self.meter.tick().and_then(|()| sink(row));
            if flow.is_err() {
                break;
            }
        }
        for (slot, id) in columns.iter().zip(before) {
            row[*slot] = id;
        }
        flow
    }
}

/// Rows that begin with their keys.
struct Sorter<'s, 'r, 'a> {
    run: &'s Run<'r, 'a>,
    directions: Vec<Direction>,
    rows: Vec<Box<[Id]>>,
    held: Held<'s>,
}

impl Sorter<'_, '_, '_> {
    fn take(&mut self, row: Box<[Id]>) -> Flow {
        // Sorting takes as many pointers again.
        self.held
            .add(size_of_val(&*row) + 3 * size_of::<Box<[Id]>>())?;
        self.rows.push(row);
        Ok(())
    }

    fn keep(&mut self, most: usize) -> Flow {
        self.sort()?;
        self.rows.truncate(most);
        let rows = std::mem::take(&mut self.rows);
        self.held = self.run.meter.held();
        rows.into_iter().try_for_each(|row| self.take(row))
    }

    /// Sorts in runs and merges them, so that the clock is looked at in between. Equal rows stay in their order.
    fn sort(&mut self) -> Flow {
        let mut rows = std::mem::take(&mut self.rows);
        for run in rows.chunks_mut(RUN) {
            self.run.meter.look()?;
            run.sort_by(|a, b| self.compare(a, b));
        }
        let mut length = RUN;
        while length < rows.len() {
            rows = self.merge(rows, length)?;
            length *= 2;
        }
        self.rows = rows;
        Ok(())
    }

    fn merge(&self, rows: Vec<Box<[Id]>>, length: usize) -> Flow<Vec<Box<[Id]>>> {
        let mut merged = Vec::with_capacity(rows.len());
        let mut rows = rows.into_iter();
        loop {
            let left: Vec<_> = rows.by_ref().take(length).collect();
            let right: Vec<_> = rows.by_ref().take(length).collect();
            if left.is_empty() {
                return Ok(merged);
            }
            let mut left = left.into_iter().peekable();
            let mut right = right.into_iter().peekable();
            while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
                self.run.meter.tick()?;
                let next = match self.compare(a, b) {
                    Ordering::Greater => right.next(),
                    _ => left.next(),
                };
                merged.extend(next);
            }
            merged.extend(left);
            merged.extend(right);
        }
    }

    fn compare(&self, a: &[Id], b: &[Id]) -> Ordering {
        let keys = a.iter().zip(b).zip(&self.directions);
        for ((&a, &b), direction) in keys {
            let order = match a == b {
                true => Ordering::Equal,
                false => compare(a, b, self.run.terms()),
            };
            let order = match direction {
                Direction::Ascending => order,
                Direction::Descending => order.reverse(),
            };
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    }
}
