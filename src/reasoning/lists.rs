//! RDF lists, walked where they stand among the facts.
//!
//! A cell may have more than one `rdf:first` or `rdf:rest` once equal things were given each other's facts; so a walk
//! goes every way. What is *stated* has to be a list, or it is an error ([`check`]).

use super::compile::Words;
use super::facts::Facts;
use super::join::World;
use super::terms::Terms;
use crate::{Error, Result};
use rustc_hash::{FxHashMap, FxHashSet};

/// The ways a list can be read are at most so many.
const READINGS: usize = 64;

/// The lists among the facts.
pub(super) struct Lists<'a> {
    facts: &'a Facts,
    words: Words,
    longest: usize,
}

impl<'a> Lists<'a> {
    pub(super) fn of(world: World<'a>) -> Self {
        Self {
            facts: world.sources.all,
            words: world.words,
            longest: world.watch.limits.members,
        }
    }

    fn nexts(&self, cell: u32) -> Vec<u32> {
        let table = self.facts.table(self.words.rest);
        let rows = table
            .into_iter()
            .flat_map(|table| table.by_subject.of(cell));
        let mut nexts: Vec<u32> = rows.flatten().map(|row| row[1]).collect();
        nexts.sort_unstable();
        nexts
    }

    fn firsts(&self, cell: u32) -> Vec<u32> {
        let table = self.facts.table(self.words.first);
        let rows = table
            .into_iter()
            .flat_map(|table| table.by_subject.of(cell));
        let mut firsts: Vec<u32> = rows.flatten().map(|row| row[1]).collect();
        firsts.sort_unstable();
        firsts
    }

    fn previous(&self, cell: u32) -> Vec<u32> {
        let table = self.facts.table(self.words.rest);
        let rows = table
            .into_iter()
            .flat_map(|table| table.by_object().of(cell));
        let mut previous: Vec<u32> = rows.flatten().map(|row| row[1]).collect();
        previous.sort_unstable();
        previous
    }

    /// The cells at least so many steps on.
    pub(super) fn behind(&self, cell: u32, least: usize) -> Result<Vec<u32>> {
        self.reach(cell, least, |cell| self.nexts(cell))
    }

    /// The cells from which it is at least so many steps to a cell.
    pub(super) fn before(&self, cell: u32, least: usize) -> Result<Vec<u32>> {
        if cell == self.words.nil {
            // Every list ends there: they are not walked backwards from their common end.
            let heads = self.facts.table(self.words.rest);
            let rows = heads.into_iter().flat_map(|table| table.by_subject.all());
            let mut cells: Vec<u32> = rows.flatten().map(|row| row[0]).collect();
            cells.extend((least == 0).then_some(cell));
            return Ok(cells);
        }
        self.reach(cell, least, |cell| self.previous(cell))
    }

    fn reach(&self, cell: u32, least: usize, next: impl Fn(u32) -> Vec<u32>) -> Result<Vec<u32>> {
        let mut found = if least == 0 { vec![cell] } else { Vec::new() };
        let mut seen = FxHashSet::default();
        let mut edge = vec![cell];
        while let Some(cell) = edge.pop() {
            for next in next(cell) {
                if seen.insert(next) {
                    if !(least == 0 && found[0] == next) {
                        found.push(next);
                    }
                    edge.push(next);
                }
            }
            if seen.len() > self.longest.saturating_add(1) {
                return Err(too_long(self.longest));
            }
        }
        Ok(found)
    }

    /// The `rdf:rest` triples on the shortest way from a cell to another, of at least so many steps.
    pub(super) fn chain(&self, from: u32, to: u32, least: usize) -> Result<Option<Vec<[u32; 3]>>> {
        if from == to && least == 0 {
            return Ok(Some(Vec::new()));
        }
        let mut came: FxHashMap<u32, u32> = FxHashMap::default();
        let mut edge = vec![from];
        while !edge.is_empty() && !came.contains_key(&to) {
            let mut further = Vec::new();
            for cell in edge {
                for next in self.nexts(cell) {
                    came.entry(next).or_insert_with(|| {
                        further.push(next);
                        cell
                    });
                }
            }
            edge = further;
            if came.len() > self.longest.saturating_add(1) {
                return Err(too_long(self.longest));
            }
        }
        let mut chain = Vec::new();
        let mut cell = to;
        while let Some(&previous) = came.get(&cell) {
            chain.push([previous, self.words.rest, cell]);
            cell = previous;
            if cell == from {
                chain.reverse();
                return Ok(Some(chain));
            }
        }
        Ok(None)
    }

    /// The ways to read a list: members, and the triples that say them, cell after cell.
    pub(super) fn readings(&self, list: u32) -> Result<Vec<Reading>> {
        let mut whole = Vec::new();
        let mut partial = vec![(list, Reading::default())];
        while let Some((cell, reading)) = partial.pop() {
            if cell == self.words.nil {
                whole.push(reading);
            } else {
                // A way that comes back is none.
                let seen = |next: &u32| reading.triples.iter().any(|t| t[0] == *next);
                for next in self
                    .nexts(cell)
                    .into_iter()
                    .filter(|n| !seen(n) && *n != cell)
                {
                    for first in self.firsts(cell) {
                        let mut longer = reading.clone();
                        longer.members.push(first);
                        longer.triples.push([cell, self.words.first, first]);
                        longer.triples.push([cell, self.words.rest, next]);
                        partial.push((next, longer));
                    }
                }
                if reading.members.len() >= self.longest {
                    return Err(too_long(self.longest));
                }
            }
            if whole.len() + partial.len() > READINGS {
                return Err(Error::budget(format!(
                    "a list can be read in more than {READINGS} ways, for its cells are equal to others"
                )));
            }
        }
        whole.sort_by(|a, b| a.triples.cmp(&b.triples));
        Ok(whole)
    }
}

/// A list, read.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    pub(super) members: Vec<u32>,
    pub(super) triples: Vec<[u32; 3]>,
}

fn too_long(longest: usize) -> Error {
    Error::budget(format!("a list has more than {longest} members"))
        .hint("say it in several axioms, or raise the limit of members")
}

/// Refuses lists that are none: those that a rule reads must have, in each cell, one `rdf:first` and one `rdf:rest`, and
/// end.
pub(super) fn check(facts: &Facts, anchors: &[u32], words: Words, terms: &dyn Terms) -> Result<()> {
    let mut known = FxHashSet::default();
    for &anchor in anchors {
        let rows = facts
            .table(anchor)
            .into_iter()
            .flat_map(|t| t.by_object().all());
        for row in rows.flatten() {
            let mut path = FxHashSet::default();
            let mut cell = row[0];
            while cell != words.nil && !known.contains(&cell) {
                let next = well_formed(facts, cell, words);
                let complaint = match next {
                    _ if !path.insert(cell) => "comes back to itself",
                    Err(complaint) => complaint,
                    Ok(next) => {
                        cell = next;
                        continue;
                    }
                };
                return Err(wrong_list(complaint, *row, anchor, cell, terms));
            }
            known.extend(path);
        }
    }
    Ok(())
}

fn well_formed(facts: &Facts, cell: u32, words: Words) -> Result<u32, &'static str> {
    let count = |predicate| {
        facts
            .table(predicate)
            .map_or(0, |t| t.by_subject.count(cell))
    };
    match (count(words.first), count(words.rest)) {
        (1, 1) => {
            let rest = facts.table(words.rest).into_iter();
            let mut rows = rest.flat_map(|table| table.by_subject.of(cell)).flatten();
            rows.next().map(|row| row[1]).ok_or("does not end")
        }
        (0, 0) => Err("does not end in rdf:nil"),
        (0, _) => Err("has a cell without rdf:first"),
        (_, 0) => Err("has a cell without rdf:rest"),
        (1, _) => Err("has a cell with more than one rdf:rest"),
        _ => Err("has a cell with more than one rdf:first"),
    }
}

fn wrong_list(complaint: &str, row: [u32; 2], anchor: u32, cell: u32, terms: &dyn Terms) -> Error {
    let show = |term: u32| crate::model::term::decode(terms.text(term)).to_string();
    let [list, of] = row;
    Error::input(format!(
        "the list {} {complaint}, at {}",
        show(list),
        show(cell)
    ))
    .at(format!("{} {}", show(of), show(anchor)))
    .hint("a list is a chain of rdf:first and rdf:rest that ends in rdf:nil; Turtle writes it `( … )`")
}
