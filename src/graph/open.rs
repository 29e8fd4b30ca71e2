//! Opens a snapshot, and proves that its tables fit together.

use super::draft::Ranges;
use super::layout::FORMAT;
use super::links::{self, Links};
use super::{Graph, Meta, row};
use crate::Result;
use crate::knowledge::segment::NONE;
use crate::sections::{Column, Sections};
use rayon::prelude::*;
use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;

impl Graph {
    /// Opens a snapshot. The first to open a file checks all of it and notes that beside it; so later opens take the same
    /// time for a file of any size. Where a note cannot be written, each open checks.
    ///
    /// # Errors
    ///
    /// `Corrupt` where the file is damaged, of another kind or of another version; `NotFound` and `Io` where it cannot
    /// be read.
    pub fn open(path: &Path) -> Result<Self> {
        let file = Sections::open(path, FORMAT).map_err(|e| e.hint("kenning build"))?;
        match file.is_vouched_for() {
            true => Self::read(&file),
            false => Self::checked(&file),
        }
    }

    /// Opens a snapshot and checks all of it, whatever was noted before.
    ///
    /// # Errors
    ///
    /// As [`Graph::open`].
    pub fn open_checked(path: &Path) -> Result<Self> {
        let file = Sections::open(path, FORMAT).map_err(|e| e.hint("kenning build"))?;
        Self::checked(&file)
    }

    fn checked(file: &Sections) -> Result<Self> {
        file.check()?;
        let graph = Self::read(file)?;
        graph.check().map_err(|what| file.damage(what.into()))?;
        file.vouch();
        Ok(graph)
    }

    /// Maps the tables, and proves that their sizes fit together.
    fn read(file: &Sections) -> Result<Self> {
        let meta: Column<u8> = file.column("meta")?;
        let meta: Meta = serde_json::from_slice(&meta)
            .map_err(|e| file.damage(format!("its description cannot be read: {e}")))?;
        let graph = Self {
            meta,
            id: file.id(),
            size: file.size(),
            terms: file.strings("term")?,
            out_at: file.column("out.at")?,
            out: file.column("out")?,
            in_at: file.column("in.at")?,
            ins: file.column("in")?,
            predicates: file.column("predicates")?,
            predicate_at: file.column("predicate.at")?,
            predicate: file.column("predicate")?,
            predicate_stats: file.column("predicate.stats")?,
            graphs: file.column("graphs")?,
            graph_facts_at: file.column("graph-facts.at")?,
            graph_facts: file.column("graph-facts")?,
            fact_graph: file.column("fact.graph")?,
            fact_line: file.column("fact.line")?,
            fact_confidence: file.column("fact.confidence")?,
            fact_count: file.column("fact.count")?,
            fact_time: file.column("fact.time")?,
            derived: file.column("derived")?,
            premise_at: file.column("premise.at")?,
            premises: file.column("premise")?,
            conclusions: OnceLock::new(),
            met_at: file.column("met.at")?,
            met: file.column("met")?,
            met_by_at: file.column("met-by.at")?,
            met_by: file.column("met-by")?,
            event_at: file.column("event.at")?,
            event_item: file.column("event.item")?,
            event_group: file.column("event.group")?,
            event_time: file.column("event.time")?,
            event_weight: file.column("event.weight")?,
            event_line: file.column("event.line")?,
            event_of_at: file.column("event-of.at")?,
            event_of: file.column("event-of")?,
            labels: file.column("label")?,
            links: links::open(file)?,
            events_in: OnceLock::new(),
            vector_nodes: file.column("vector.node")?,
            vectors: file.column("vector")?,
            kept: OnceLock::new(),
        };
        match graph.tables_fit() {
            true => Ok(graph),
            false => Err(file.damage("its tables do not fit together".into())),
        }
    }

    /// The checksums prove that the bytes are those that were written; this proves that the tables fit together,
    /// so that no accessor can step outside.
    fn check(&self) -> Result<(), &'static str> {
        if !self.rows_fit() {
            return Err("its tables do not fit together");
        }
        if !self.numbers_fit() {
            return Err("a number points outside its table");
        }
        match self.proofs_end() {
            true => Ok(()),
            false => Err("a fact is derived from itself"),
        }
    }

    fn tables_fit(&self) -> bool {
        let ranges = &self.meta.ranges;
        let items = ranges.items().len();
        let table = |at: &Column<u64>, rows: usize, values: usize| {
            let ends = (at.first(), at.last()) == (Some(&0), Some(&(values as u64)));
            ends && at.len() == rows + 1
        };
        let links = |l: &Links| {
            let rows = match l.at.is_empty() {
                true => l.to.is_empty() && l.by_at.is_empty(),
                false => table(&l.at, items, l.to.len()) && table(&l.by_at, items, l.to.len()),
            };
            rows && [l.score.len(), l.support.len(), l.by.len()] == [l.to.len(); 3]
        };
        let (facts, events) = (self.out.len(), self.event_item.len());
        let of_facts = [self.ins.len(), self.predicate.len()];
        let provenance = [
            self.fact_graph.is_steady_for(facts),
            self.fact_line.is_steady_for(facts),
            self.fact_confidence.is_steady_for(facts),
            self.fact_count.is_steady_for(facts),
            self.fact_time.is_steady_for(facts),
        ];
        let listed = if self.graphs.len() > 1 { facts } else { 0 };
        let of_events = [
            self.event_group.len(),
            self.event_time.len(),
            self.event_weight.len(),
            self.event_line.len(),
            self.event_of.len(),
        ];
        let vectors = self.vector_nodes.len().checked_mul(self.meta.dimensions);
        ranges.are_sound()
            && table(&self.out_at, ranges.nodes as usize, facts)
            && table(&self.in_at, ranges.terms as usize, facts)
            && table(&self.predicate_at, self.predicates.len(), facts)
            && self.predicate_stats.len() == self.predicates.len() + 1
            && table(&self.graph_facts_at, self.graphs.len(), facts)
            && of_facts == [facts; 2]
            && provenance == [true; 5]
            && table(&self.premise_at, self.derived.len(), self.premises.len())
            && self.graph_facts.len() == listed
            && table(&self.met_at, ranges.users as usize, self.met.len())
            && table(&self.met_by_at, items, self.met.len())
            && self.met_by.len() == self.met.len()
            && table(&self.event_at, ranges.users as usize + 1, events)
            && table(&self.event_of_at, items, events)
            && of_events == [events; 5]
            && self.labels.len() == ranges.nodes as usize
            && self.terms.len() == ranges.terms as usize
            && vectors == Some(self.vectors.len())
            && self.links.iter().all(links)
    }

    fn rows_fit(&self) -> bool {
        let of_links = self.links.iter().flat_map(|l| [&l.at, &l.by_at]);
        let tables = [
            &self.out_at,
            &self.in_at,
            &self.predicate_at,
            &self.graph_facts_at,
            &self.premise_at,
            &self.met_at,
            &self.met_by_at,
            &self.event_at,
            &self.event_of_at,
        ];
        self.terms.are_sound() && tables.into_iter().chain(of_links).all(|at| at.is_sorted())
    }

    fn numbers_fit(&self) -> bool {
        let Ranges { nodes, terms, .. } = self.meta.ranges;
        let (users, items) = (self.users(), self.items());
        let (facts, events) = (self.fact_count(), self.event_count());
        let pairs = |pairs: &[[u32; 2]], first: u32, second: u32| {
            pairs.par_iter().all(|&[a, b]| a < first && b < second)
        };
        let within = |numbers: &[u32], range: &Range<u32>| {
            numbers.par_iter().all(|number| range.contains(number))
        };
        let by = |links: &Links| {
            let inside = |&[item, place]: &[u32; 2]| {
                items.contains(&item) && (place as usize) < row(&links.at, item - items.start).len()
            };
            links.by.par_iter().all(inside)
        };
        let label = |&label: &u32| label < terms || label == NONE;
        pairs(&self.out, nodes, terms)
            && pairs(&self.ins, nodes, nodes)
            && pairs(&self.predicate, terms, nodes)
            && within(&self.predicates, &(0..nodes))
            && within(&self.fact_graph, &(0..nodes))
            && within(&self.graphs, &(0..nodes))
            && self.graph_facts.par_iter().all(|&fact| fact < facts)
            && self.derived.is_sorted_by(|a, b| a < b)
            && self.derived.last().is_none_or(|&fact| fact < facts)
            && self.premises.par_iter().all(|&fact| fact < facts)
            && within(&self.met, &items)
            && within(&self.met_by, &users)
            && within(&self.event_item, &items)
            && self.event_of.par_iter().all(|&event| event < events)
            && self.labels.par_iter().all(label)
            && within(&self.vector_nodes, &(0..nodes))
            && self
                .links
                .iter()
                .all(|links| within(&links.to, &items) && by(links))
    }
}
