//! Evidence as RDF in its canonical form, which names it whatever the order of its parts.
//!
//! Every node has an IRI here, the pieces by a hash of what they say, blank nodes of the data by their labels, which are the same
//! in equal graphs. A dataset without blank nodes is canonical under [RDFC-1.0](https://www.w3.org/TR/rdf-canon/) when its
//! N-Quads are sorted.

use super::facts::Fact;
use crate::graph::{Edge, Graph};
use crate::model::term;
use crate::scoring::Route;
use crate::selection::Piece;
use oxrdf::{GraphName, Literal, NamedNode, NamedOrBlankNode, Quad, Term};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

const VOCABULARY: &str = "urn:kenning:prompt:";

/// The canonical N-Quads of some evidence: what pieces rest on, and what is told beside them.
pub fn quads(graph: &Graph, evidence: &[Piece], told: &[Fact]) -> String {
    let mut lines = BTreeSet::new();
    for piece in evidence {
        of_piece(graph, piece, &mut lines);
    }
    for fact in told {
        let node = node("told", &fact.sentence);
        lines.insert(line(
            node,
            "says",
            Literal::from(fact.sentence.as_str()).into(),
            GraphName::DefaultGraph,
        ));
    }
    lines.into_iter().collect()
}

/// Their SHA-256, as RDFC-1.0 hashes.
pub fn hash(quads: &str) -> String {
    Sha256::digest(quads)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn of_piece(graph: &Graph, piece: &Piece, lines: &mut BTreeSet<String>) {
    let mut said: Vec<(&str, Term)> = vec![
        ("about", named(graph.term(piece.to))),
        ("route", Literal::from(route(graph, piece.route)).into()),
        ("more", Literal::from(piece.more as u64).into()),
    ];
    said.extend(piece.via.map(|via| ("via", named(graph.term(via)))));
    said.extend(
        piece
            .from
            .iter()
            .map(|&from| ("from", named(graph.term(from)))),
    );
    for edge in piece.evidence.iter().filter_map(|&id| graph.edge(id)) {
        let [s, p, o, g] = match edge {
            Edge::Fact(fact) => {
                let [s, p, o] = fact.triple.map(|number| named(graph.term(number)));
                [s, p, o, named(graph.term(fact.graph))]
            }
            Edge::Interaction { user, item } => relation(graph, user, "met", item),
            Edge::Link {
                kind,
                from,
                to,
                support,
                ..
            } => {
                said.push(("support", Literal::from(u64::from(support)).into()));
                relation(graph, from, kind.name(), to)
            }
        };
        if let (Term::NamedNode(s), Term::NamedNode(p), Term::NamedNode(g)) = (s, p, g) {
            lines.insert(format!(
                "{} .\n",
                Quad::new(s, p, o, GraphName::NamedNode(g))
            ));
        }
    }
    let key: Vec<String> = said
        .iter()
        .map(|(property, value)| format!("{property} {value}"))
        .collect();
    let piece = node("evidence", &key.join("\n"));
    for (property, value) in said {
        lines.insert(line(
            piece.clone(),
            property,
            value,
            GraphName::DefaultGraph,
        ));
    }
}

fn relation(graph: &Graph, from: u32, name: &str, to: u32) -> [Term; 4] {
    [
        named(graph.term(from)),
        iri(name).into(),
        named(graph.term(to)),
        iri("computed").into(),
    ]
}

fn route(graph: &Graph, route: Route) -> String {
    match route {
        Route::Link(kind) => kind.name().to_owned(),
        Route::Stated(p) => format!("stated {}", graph.term(p)),
        Route::Shared(p) => format!("shared {}", graph.term(p)),
        Route::Trend(p) => format!("trend {}", graph.term(p)),
        Route::Liked(p) => format!("liked {}", graph.term(p)),
        Route::Described => "described".into(),
        Route::Popular => "popular".into(),
    }
}

/// A term with an IRI in place of a blank node's label.
fn named(encoded: &str) -> Term {
    match term::decode(encoded) {
        Term::BlankNode(blank) => iri(&format!("blank:{}", blank.as_str())).into(),
        other => other,
    }
}

fn node(kind: &str, text: &str) -> NamedNode {
    iri(&format!(
        "{kind}:{}",
        &blake3::hash(text.as_bytes()).to_hex()[..32]
    ))
}

fn iri(name: &str) -> NamedNode {
    NamedNode::new_unchecked(format!("{VOCABULARY}{name}"))
}

fn line(subject: NamedNode, property: &str, value: Term, graph: GraphName) -> String {
    let subject = NamedOrBlankNode::NamedNode(subject);
    format!("{} .\n", Quad::new(subject, iri(property), value, graph))
}
