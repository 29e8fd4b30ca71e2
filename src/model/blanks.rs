//! Blank nodes of one document under other names.

use oxrdf::{BlankNode, GraphName, NamedOrBlankNode, Quad, Term, Triple};
use rustc_hash::FxHashMap;

/// Gives each blank node of a document a new name; the same label gets the same.
pub struct BlankNodes<F> {
    names: FxHashMap<BlankNode, BlankNode>,
    new: F,
}

impl<F: Fn(usize) -> BlankNode> BlankNodes<F> {
    /// The blank nodes of a document, none yet; `new` makes the name of the one that is so many others after the first.
    pub fn new(new: F) -> Self {
        Self {
            names: FxHashMap::default(),
            new,
        }
    }

    /// The quad, with its blank nodes renamed, those in triple terms too.
    pub fn rename(&mut self, quad: Quad) -> Quad {
        Quad {
            subject: self.resource(quad.subject),
            predicate: quad.predicate,
            object: self.term(quad.object),
            graph_name: match quad.graph_name {
                GraphName::BlankNode(node) => self.name(node).into(),
                named => named,
            },
        }
    }

    fn resource(&mut self, node: NamedOrBlankNode) -> NamedOrBlankNode {
        match node {
            NamedOrBlankNode::BlankNode(node) => self.name(node).into(),
            named => named,
        }
    }

    fn term(&mut self, term: Term) -> Term {
        match term {
            Term::BlankNode(node) => self.name(node).into(),
            Term::Triple(triple) => {
                let subject = self.resource(triple.subject);
                Triple::new(subject, triple.predicate, self.term(triple.object)).into()
            }
            other => other,
        }
    }

    fn name(&mut self, node: BlankNode) -> BlankNode {
        let number = self.names.len();
        let name = self.names.entry(node);
        name.or_insert_with(|| (self.new)(number)).clone()
    }
}
