//! Whether the knowledge is as it should be: SHACL Core and SHACL-SPARQL (<https://www.w3.org/TR/shacl/>).
//!
//! ```text
//! documents ─ triples ─ parse ─► shapes ─ check (per focus node, in parallel) ─► findings ─ report ─► text, JSON, RDF
//! ```
//!
//! Shapes are parsed once into constraints over numbered terms. Checking walks the dataset that queries see by integer
//! ids ([`Walker`](crate::sparql::Walker)): what was frozen, what changed since, and what is virtual. Only constraints that
//! are about texts read them, and only what is reported is decoded.
//!
//! | | |
//! |---|---|
//! | shapes that ask themselves | are an error: SHACL leaves open what they mean (§3.4.3) |
//! | names of SHACL that there are not | are an error on shapes: a misspelt constraint would never fail |
//! | `owl:imports` | is read for the prefixes of queries only; nothing is fetched |
//! | targets, functions, rules and scripts of SHACL-AF and SHACL-JS | targets and expressions are an error, rules are not run |
//! | `sh:closed` | sees virtual triples too, as queries do |
//! | `rdfs:subClassOf` | of the data counts, as the standard says; nothing else is inferred |
//!
//! *Invariant:* the report is the same whatever the number of threads.

mod check;
mod describe;
mod inspect;
mod message;
mod parse;
mod path;
mod query;
mod report;
mod run;
mod shape;
mod shipped;
mod targets;
mod triples;

pub use describe::{Demand, Described};
pub use inspect::Inspector;
pub use report::{Finding, Group, Report, severity};
pub use run::{Bounds, validate};
pub use shipped::SHIPPED;
pub use triples::shown;

use crate::model::{Statement, term};
use crate::sparql::Document;
use crate::vocabulary::rdf;
use crate::{Error, Result};
use query::Reads;
use shape::{Constants, Constraint, Shape};
use triples::Triples;

/// The shapes of some documents.
pub struct Shapes {
    triples: Triples,
    constants: Constants,
    shapes: Vec<Shape>,
}

impl Shapes {
    /// Reads documents, each with the name that errors call it; together they are one graph of shapes.
    ///
    /// # Errors
    /// `Input` if a document is malformed or a shape ill-formed.
    pub fn parse(documents: &[(String, Document)]) -> Result<Self> {
        let mut triples = Triples::default();
        for (number, (name, document)) in documents.iter().enumerate() {
            // No dataset has such blank nodes: those of snapshots and of files have other prefixes.
            let statements = document.steady_statements(name, &format!("shapes{number}n"))?;
            triples.add(name, &statements);
        }
        let parsed = parse::parse(&triples)?;
        Ok(Self {
            triples,
            constants: parsed.constants,
            shapes: parsed.shapes,
        })
    }

    /// Number of shapes.
    pub fn len(&self) -> usize {
        self.shapes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.shapes.is_empty()
    }

    /// The nodes of the documents that are of a class, or of a kind of it, encoded; sorted.
    pub fn of_class(&self, class: &str) -> Vec<&str> {
        let class = term::iri(class);
        let typed = self
            .triples
            .saying(&term::iri(rdf::TYPE))
            .collect::<Vec<_>>();
        let mut nodes = typed;
        nodes.retain(|node| self.triples.classes(node).contains(class.as_str()));
        nodes
    }

    /// What the documents say of a node by a property, encoded; sorted.
    pub fn said(&self, node: &str, property: &str) -> &[String] {
        self.triples.values(node, &term::iri(property))
    }

    /// The properties that the documents say of a node, encoded.
    pub fn predicates(&self, node: &str) -> impl Iterator<Item = &str> {
        self.triples.predicates(node)
    }

    /// Whether a node is a shape.
    pub fn is_shape(&self, node: &str) -> bool {
        let mut shapes = self.shapes.iter();
        shapes.any(|shape| self.constants.text(shape.node) == node)
    }

    /// The shapes that have targets.
    pub fn targeted(&self) -> impl Iterator<Item = &str> {
        let shapes = self.shapes.iter();
        let targeted = shapes.filter(|shape| !shape.targets.is_empty());
        targeted.map(|shape| self.constants.text(shape.node))
    }

    /// An error in what the documents say of a node, with its document.
    pub fn wrong(&self, node: &str, message: impl std::fmt::Display) -> Error {
        self.triples.wrong(node, message)
    }

    /// Whether a query looks into the shapes.
    fn read_themselves(&self) -> bool {
        let mut constraints = self.shapes.iter().flat_map(|shape| &shape.constraints);
        constraints.any(|constraint| match constraint {
            Constraint::Query(rule) => rule.reads == Reads::DataAndShapes,
            _ => false,
        })
    }

    /// The triples of the documents, as statements of the graph `name`.
    fn statements(&self, name: &str) -> impl Iterator<Item = Statement> {
        let triples = self.triples.iter();
        triples.map(|[s, p, o]| [s, p, o, name].map(str::to_owned))
    }
}
