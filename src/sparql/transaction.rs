//! Statements inserted and deleted together: all of them, or none.

use super::computed::Search;
use super::{Bound, Cancel, Dataset, Limits, View, too_slow};
use crate::graph::changes::{Changes, Quad};
use crate::model::{Change, LinkKind, Statement, term};
use crate::vocabulary::{DECISION, EDGE, EVENT, kenning, shorten};
use crate::{Error, Result};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Bytes that one change takes, about: three trees of the overlay, and the list of changes.
const COST: usize = 512;

/// Changes between two looks at the clock.
const PATIENCE: usize = 1 << 10;

/// What a transaction did.
#[derive(Clone)]
pub struct Effect {
    /// The overlay with its changes.
    pub changes: Changes,
    /// What stands now and did not before, and what stood before and does no more: deletions first, each sorted by
    /// number of its terms.
    pub log: Vec<Change>,
}

/// Changes that are seen by nobody else until they are done. Dropping it undoes them.
///
/// Virtual triples cannot be changed: each method fails for a statement with such a predicate, in such a graph, or
/// about an edge. So do statements that are no RDF, when time is over, and when the changes need too much memory.
pub struct Transaction<'a> {
    dataset: Dataset<'a>,
    limits: &'a Limits,
    cancel: &'a Cancel,
    started: Instant,
    changes: Changes,
    inserted: BTreeSet<Quad>,
    deleted: BTreeSet<Quad>,
    steps: usize,
    bytes: usize,
}

impl<'a> Transaction<'a> {
    /// Begins on what `dataset` shows.
    pub fn begin(dataset: Dataset<'a>, limits: &'a Limits, cancel: &'a Cancel) -> Self {
        Self {
            dataset,
            limits,
            cancel,
            started: Instant::now(),
            changes: dataset.changes.clone(),
            inserted: BTreeSet::new(),
            deleted: BTreeSet::new(),
            steps: 0,
            bytes: 0,
        }
    }

    /// Makes a change.
    pub fn apply(&mut self, change: &Change) -> Result<()> {
        match change {
            Change::Insert(statement) => self.insert(statement),
            Change::Delete(statement) => self.delete(statement),
        }
    }

    /// The statement stands from now on.
    pub fn insert(&mut self, statement: &Statement) -> Result<()> {
        check(statement)?;
        let graph = self.dataset.graph;
        let known = self.changes.term_count();
        let parts = statement.each_ref();
        let quad = parts.map(|part| self.changes.number(graph, part));
        // A new term is kept twice, and names itself.
        if self.changes.term_count() > known {
            self.spend(parts.map(String::len).iter().sum::<usize>() * 2 + COST)?;
        }
        if self.changes.add(graph, quad) {
            if !self.deleted.remove(&quad) {
                self.inserted.insert(quad);
            }
            self.spend(COST)?;
        }
        self.step()
    }

    /// The statement stands no more; nothing happens if it does not.
    pub fn delete(&mut self, statement: &Statement) -> Result<()> {
        check(statement)?;
        let [s, p, o, g] = statement.each_ref().map(|part| self.find(part));
        if let (Some(s), Some(p), Some(o), Some(g)) = (s, p, o, g) {
            self.take([s, p, o, g])?;
        }
        self.step()
    }

    /// The triple is no more in the default graph. Where that is the union of all graphs, it leaves each of them.
    pub(super) fn delete_from_default(&mut self, [s, p, o]: [String; 3]) -> Result<()> {
        if self.dataset.view == View::Stated {
            return self.delete(&[s, p, o, term::iri(kenning::DEFAULT_GRAPH)]);
        }
        for graph in self.graphs_of([&s, &p, &o]) {
            let graph = self.term(graph).to_owned();
            self.delete(&[s.clone(), p.clone(), o.clone(), graph])?;
        }
        // Says so if it is virtual, in whatever graph.
        check(&[s, p, o, term::iri(kenning::DEFAULT_GRAPH)])
    }

    /// The graphs that state a triple.
    fn graphs_of(&self, triple: [&str; 3]) -> Vec<u32> {
        let [Some(s), Some(p), Some(o)] = triple.map(|part| self.find(part)) else {
            return Vec::new();
        };
        let graph = self.dataset.graph;
        let facts = graph.facts([s, p, o]).map(|fact| graph.graph_of(fact));
        let added = self.changes.added([Some(s), Some(p), Some(o)]);
        facts.chain(added.map(|quad| quad[3])).collect()
    }

    /// Deletes all that the graphs state which are `wanted` by their encoded names.
    pub fn clear(&mut self, wanted: &dyn Fn(&str) -> bool) -> Result<()> {
        let all: Vec<Quad> = self.dataset().stated(wanted).collect();
        for quad in all {
            self.take(quad)?;
            self.step()?;
        }
        Ok(())
    }

    /// Whether the graph of this encoded name states anything.
    pub fn has_graph(&self, name: &str) -> bool {
        self.dataset()
            .stated(&|graph| graph == name)
            .next()
            .is_some()
    }

    /// What the next operation of the sequence sees.
    pub(super) fn dataset(&self) -> Dataset<'_> {
        Dataset {
            changes: &self.changes,
            ..self.dataset
        }
    }

    /// What is left of the limits.
    pub(super) fn limits(&self) -> Limits {
        Limits {
            time: self.limits.time.saturating_sub(self.started.elapsed()),
            rows: usize::MAX,
            memory: self.limits.memory.saturating_sub(self.bytes),
        }
    }

    /// Stops the transaction from another thread.
    pub(super) fn cancel(&self) -> &'a Cancel {
        self.cancel
    }

    /// What was done. Nobody else sees it yet.
    pub fn finish(self) -> Effect {
        let statement = |&quad: &Quad| quad.map(|number| self.term(number).to_owned());
        let deleted = self.deleted.iter().map(statement).map(Change::Delete);
        let inserted = self.inserted.iter().map(statement).map(Change::Insert);
        let log = deleted.chain(inserted).collect();
        Effect {
            log,
            changes: self.changes,
        }
    }

    fn take(&mut self, quad: Quad) -> Result<()> {
        let removed = self.changes.removed_count();
        if self.changes.take(self.dataset.graph, quad) {
            if !self.inserted.remove(&quad) {
                self.deleted.insert(quad);
            }
            // What was derived from it falls with it.
            let fallen = self.changes.removed_count().saturating_sub(removed);
            self.spend(COST.saturating_mul(fallen.max(1)))?;
        }
        Ok(())
    }

    fn find(&self, encoded: &str) -> Option<u32> {
        self.dataset().find(encoded)
    }

    fn term(&self, number: u32) -> &str {
        match self.changes.term(number) {
            Some(term) => term,
            None => self.dataset.graph.term(number),
        }
    }

    /// Takes memory that is needed beside the changes; [`Transaction::release`] gives it back.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        match self.bytes > self.limits.memory {
            true => Err(too_large(self.limits.memory)),
            false => Ok(()),
        }
    }

    /// Gives back what was spent.
    pub(super) fn release(&mut self, bytes: usize) {
        self.bytes -= bytes;
    }

    fn step(&mut self) -> Result<()> {
        self.steps += 1;
        if !self.steps.is_multiple_of(PATIENCE) {
            return Ok(());
        }
        if self.cancel.is_cancelled() {
            return Err(Error::budget(
                "the update was cancelled: nothing was changed",
            ));
        }
        match self.started.elapsed() > self.limits.time {
            true => Err(stopped(self.limits.time)),
            false => Ok(()),
        }
    }
}

fn stopped(time: Duration) -> Error {
    Error::budget(format!(
        "the update was stopped after {} s: nothing was changed",
        time.as_secs_f64()
    ))
    .because(Bound::Time)
    .hint(too_slow(time).next_step().unwrap_or_default())
}

/// The error of changes that need more memory than is allowed.
pub(super) fn too_large(memory: usize) -> Error {
    Error::budget(format!(
        "the update changes more than {} MiB of memory hold: nothing was changed",
        memory >> 20
    ))
    .because(Bound::Memory)
    .hint("change less at once, `kenning import` large files, or set `query.memory_mb` higher")
}

/// That a statement is RDF, and nothing that is computed.
fn check(statement: &Statement) -> Result<()> {
    let [subject, predicate, _, graph] = statement.each_ref().map(String::as_str);
    let resource = |encoded| term::kind(encoded) == term::Kind::Resource;
    let Some(property) = term::as_iri(predicate) else {
        return Err(no_rdf("the predicate", "an IRI"));
    };
    if !resource(subject) || !resource(graph) {
        return Err(no_rdf("subject and graph", "IRIs or blank nodes"));
    }
    let numbered = |prefix| term::as_iri(subject).is_some_and(|iri| iri.starts_with(prefix));
    if numbered(EDGE) {
        let what = format!(
            "`{}` is an edge of the snapshot, which gets another number with each build",
            &subject[1..]
        );
        return Err(computed(
            what,
            "annotate the triple itself: `<s> <p> <o> {| <property> <value> |}`",
        ));
    }
    let graph = term::as_iri(graph).unwrap_or_default();
    let subject_iri = term::as_iri(subject).unwrap_or_default();
    if graph == kenning::DECISIONS || subject_iri.starts_with(DECISION) {
        return Err(computed(
            "decisions are read off the journal".into(),
            "tell what became of one with `kenning outcome`, or state it under a name of your own",
        ));
    }
    if property == kenning::INTERACTED || numbered(EVENT) || graph == kenning::INTERACTIONS {
        return Err(computed(
            "interactions are computed from imported events".into(),
            "bring in events with `kenning import`, then `kenning build`",
        ));
    }
    if LinkKind::ALL
        .iter()
        .any(|kind| property == kind.predicate())
        || graph == kenning::LINKS
    {
        return Err(computed(
            "links between items are computed from events and texts".into(),
            "`kenning build` computes them; state your own under a property of yours",
        ));
    }
    if Search::of(property).is_some() {
        let what = format!("`{}` is computed when it is asked for", shorten(property));
        return Err(computed(what, "state it under a property of your own"));
    }
    Ok(())
}

fn no_rdf(what: &str, expected: &str) -> Error {
    Error::input(format!(
        "this is no RDF statement: {what} must be {expected}"
    ))
}

fn computed(what: String, hint: &str) -> Error {
    Error::input(format!(
        "{what}: virtual triples can neither be inserted nor deleted"
    ))
    .hint(hint)
}
