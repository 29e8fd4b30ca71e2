//! The dataset walked without a query, node by node: for those who ask the same of many nodes.

use super::ids::{Id, Named, Terms};
use super::meter::Meter;
use super::paths::{Path, Way};
use super::run::Run;
use super::scan::{Flow, Halt, Place, Source};
use super::value::{self, Meaning};
use super::{Cancel, Dataset, Limits};
use crate::model::term::{self, Kind};
use oxrdf::NamedNode;
use spargebra::algebra::PropertyPathExpression;
use std::borrow::Cow;
use std::cmp::Ordering;

/// Walks the default graph of a dataset, within the time and the memory of one query. It is for one thread. Ids mean the
/// same to all walkers of a dataset, but for those of terms that a walker [made](Walker::made).
pub struct Walker<'a> {
    source: Source<'a>,
    meter: Meter,
}

impl<'a> Walker<'a> {
    /// A walker whose time begins now.
    pub fn new(dataset: Dataset<'a>, limits: &Limits, cancel: &Cancel) -> Self {
        let terms = Terms::new(dataset);
        Self {
            meter: Meter::start(limits, cancel, terms.made_bytes()),
            source: Source::new(terms, None),
        }
    }

    /// Lets the walker know terms that another one made, so that both have the same ids for them; before it makes any.
    pub fn learn(&self, made: &[String]) {
        for text in made {
            self.id(text);
        }
    }

    /// The terms that this walker made, because the dataset has them under no id.
    pub fn made(&self) -> Vec<String> {
        self.source.terms.made()
    }

    /// The id of an encoded term, whether or not the dataset has it.
    pub fn id(&self, encoded: &str) -> Id {
        self.source.terms.id(&term::decode(encoded))
    }

    /// The encoded term of an id, without a copy where the dataset has it.
    pub fn text(&self, id: Id) -> Cow<'a, str> {
        self.source.terms.text(id).unwrap_or_default()
    }

    /// Whether the term is a literal.
    pub fn is_literal(&self, id: Id) -> bool {
        match id.named() {
            Named::Reifier(_) | Named::Event(_) => false,
            Named::Plain(_) => true,
            _ => term::kind(&self.text(id)) == Kind::Literal,
        }
    }

    /// A path over ids.
    pub fn path(&self, path: &PropertyPathExpression) -> Path {
        Path::new(path, &self.source.terms)
    }

    /// Calls `found` with every triple that matches, each once.
    pub fn each(&self, pattern: [Option<Id>; 3], found: &mut dyn FnMut([Id; 3]) -> Flow) -> Flow {
        self.source
            .matching(pattern, Place::Default, &mut |triple, _| {
                self.meter.tick()?;
                found(triple)
            })
    }

    /// Whether there is this triple.
    pub fn has(&self, triple: [Id; 3]) -> Flow<bool> {
        match self.each(triple.map(Some), &mut |_| Err(Halt::Enough)) {
            Ok(()) => Ok(false),
            Err(Halt::Enough) => Ok(true),
            Err(halt) => Err(halt),
        }
    }

    /// The distinct nodes that a path leads to from a node.
    pub fn ends(&self, path: &Path, from: Id) -> Flow<Vec<Id>> {
        let mut ends = Vec::new();
        let mut held = self.meter.held();
        let mut keep = |id| {
            ends.push(id);
            held.add(size_of::<Id>())
        };
        if let Path::Step(predicate) = path {
            let pattern = [Some(from), Some(*predicate), None];
            self.each(pattern, &mut |[_, _, to]| keep(to))?;
            return Ok(ends);
        }
        let run = Run::new(&self.source, &self.meter, None, &[]);
        run.walk(path, from, Way::Forwards, Place::Default, &mut keep)?;
        ends.sort_unstable();
        ends.dedup();
        Ok(ends)
    }

    /// The order of the `<` operators of SPARQL between two literals; `None` if there is none.
    pub fn order(&self, a: Id, b: Id) -> Option<Ordering> {
        if !self.is_literal(a) || !self.is_literal(b) {
            return None;
        }
        value::order(Meaning::of(&self.text(a)), Meaning::of(&self.text(b)))
    }

    /// Counts a step: fails when the time is over or somebody cancelled.
    pub fn tick(&self) -> Flow {
        self.meter.tick()
    }

    /// The named graphs that hold something and have an IRI, those of virtual triples included.
    pub fn graphs(&self) -> Vec<NamedNode> {
        let names = self.source.graphs().into_iter();
        let iris = names.filter_map(|name| term::as_iri(self.source.terms.dataset.term(name)));
        iris.map(NamedNode::new_unchecked).collect()
    }
}
