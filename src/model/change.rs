//! What updates do to the stated facts.

use super::term;
use crate::vocabulary::kenning;
use oxrdf::{GraphName, NamedOrBlankNode, Quad, Term};
use serde::{Deserialize, Serialize};

/// Subject, predicate, object, named graph, encoded as [`term`] says.
pub type Statement = [String; 4];

/// One step of an update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// The statement stands from now on.
    Insert(Statement),
    /// The statement stands no more.
    Delete(Statement),
}

impl Change {
    /// What is inserted or deleted.
    pub fn statement(&self) -> &Statement {
        match self {
            Self::Insert(statement) | Self::Delete(statement) => statement,
        }
    }
}

/// A quad as a statement. Without a graph name it belongs to [`kenning::DEFAULT_GRAPH`].
pub fn statement(quad: &Quad) -> Statement {
    let graph = match &quad.graph_name {
        GraphName::NamedNode(graph) => term::iri(graph.as_str()),
        GraphName::BlankNode(graph) => term::encode(&graph.clone().into()),
        GraphName::DefaultGraph => term::iri(kenning::DEFAULT_GRAPH),
    };
    [
        term::encode(&quad.subject.clone().into()),
        term::iri(quad.predicate.as_str()),
        term::encode(&quad.object),
        graph,
    ]
}

/// Terms as a quad, the contrary of [`statement`]; `None` if they do not make one.
pub fn quad([subject, predicate, object]: [Term; 3], graph: Term) -> Option<Quad> {
    let Term::NamedNode(predicate) = predicate else {
        return None;
    };
    let graph = match resource(graph)? {
        NamedOrBlankNode::NamedNode(graph) if graph.as_str() == kenning::DEFAULT_GRAPH => {
            GraphName::DefaultGraph
        }
        graph => graph.into(),
    };
    Some(Quad::new(resource(subject)?, predicate, object, graph))
}

/// The term as what a subject or a graph can be.
pub fn resource(term: Term) -> Option<NamedOrBlankNode> {
    match term {
        Term::NamedNode(node) => Some(node.into()),
        Term::BlankNode(node) => Some(node.into()),
        _ => None,
    }
}
