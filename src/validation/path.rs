//! Paths: from their descriptions in RDF (SHACL §2.3.1), and back.

use super::triples::{Maker, Triples, sh, shown};
use crate::model::term;
use crate::vocabulary::{rdf, shorten};
use crate::{Error, Result};
use oxrdf::{BlankNode, NamedNode, Term, Triple};
use spargebra::algebra::PropertyPathExpression as Path;

/// How deep paths may be nested.
const DEEPEST: usize = 64;

/// Steps that one path may have.
const STEPS: usize = 1024;

/// The path of a property shape.
pub(super) fn read(triples: &Triples, shape: &str, node: &str) -> Result<Path> {
    let mut reader = Reader {
        triples,
        shape,
        steps: 0,
    };
    reader.path(node, 0)
}

struct Reader<'t> {
    triples: &'t Triples,
    shape: &'t str,
    steps: usize,
}

impl Reader<'_> {
    fn path(&mut self, node: &str, depth: usize) -> Result<Path> {
        self.steps += 1;
        if depth > DEEPEST || self.steps > STEPS {
            return Err(self.wrong(format!(
                "has a path that goes in a circle, is nested more than {DEEPEST} levels deep, or has more than {STEPS} steps"
            )));
        }
        if let Some(iri) = term::as_iri(node) {
            return Ok(Path::NamedNode(NamedNode::new_unchecked(iri)));
        }
        // Of a node that is several paths at once the first form counts.
        if !self.triples.values(node, &term::iri(rdf::FIRST)).is_empty() {
            let steps = self.triples.list(self.shape, "path", node)?;
            return self.chain(steps, depth, Path::Sequence);
        }
        let several = self.triples.sh(node, "alternativePath");
        if let Some(head) = several.first() {
            let ways = self.triples.list(self.shape, "alternativePath", head)?;
            return self.chain(ways, depth, Path::Alternative);
        }
        let forms: [Maker<Box<Path>, Path>; 4] = [
            ("inversePath", Path::Reverse),
            ("zeroOrMorePath", Path::ZeroOrMore),
            ("oneOrMorePath", Path::OneOrMore),
            ("zeroOrOnePath", Path::ZeroOrOne),
        ];
        for (name, form) in forms {
            if let Some(inner) = self.triples.one(node, name)? {
                return Ok(form(self.path(inner, depth + 1)?.into()));
            }
        }
        Err(self.wrong(format!("{} is no path", shown(node))))
    }

    fn chain(
        &mut self,
        nodes: Vec<&str>,
        depth: usize,
        join: fn(Box<Path>, Box<Path>) -> Path,
    ) -> Result<Path> {
        let mut paths = Vec::with_capacity(nodes.len());
        for node in &nodes {
            paths.push(self.path(node, depth + 1)?);
        }
        let mut paths = paths.into_iter().rev();
        match (paths.next(), nodes.len()) {
            (Some(last), 2..) => Ok(paths.fold(last, |rest, path| join(path.into(), rest.into()))),
            _ => Err(self.wrong("has a path of fewer than two parts")),
        }
    }

    fn wrong(&self, message: impl std::fmt::Display) -> Error {
        self.triples.wrong(self.shape, message).hint(
            "a path is an IRI, a list of two or more paths, or one of `[ sh:inversePath … ]`, `[ sh:alternativePath ( … ) ]`, `[ sh:zeroOrMorePath … ]`, `[ sh:oneOrMorePath … ]`, `[ sh:zeroOrOnePath … ]`",
        )
    }
}

/// A path for people, in the syntax of SPARQL with the usual prefixes.
pub(super) fn shown_path(path: &Path) -> String {
    let inner = |path: &Path| match path {
        Path::NamedNode(_) => shown_path(path),
        _ => format!("({})", shown_path(path)),
    };
    match path {
        Path::NamedNode(node) => match shorten(node.as_str()) {
            short if short == node.as_str() => node.to_string(),
            short => short,
        },
        Path::Reverse(path) => format!("^{}", inner(path)),
        Path::Sequence(a, b) => format!("{}/{}", inner(a), tail(b, "/", inner(b))),
        Path::Alternative(a, b) => format!("{}|{}", inner(a), tail(b, "|", inner(b))),
        Path::ZeroOrMore(path) => format!("{}*", inner(path)),
        Path::OneOrMore(path) => format!("{}+", inner(path)),
        Path::ZeroOrOne(path) => format!("{}?", inner(path)),
        Path::NegatedPropertySet(_) => path.to_string(),
    }
}

/// The rest of a chain needs no brackets.
fn tail(path: &Path, sign: &str, bracketed: String) -> String {
    match (path, sign) {
        (Path::Sequence(..), "/") | (Path::Alternative(..), "|") => shown_path(path),
        _ => bracketed,
    }
}

/// Describes a path in RDF; blank nodes come from `blank`.
pub(super) fn describe(
    path: &Path,
    blank: &mut dyn FnMut() -> BlankNode,
    triples: &mut Vec<Triple>,
) -> Term {
    let unary = |name: &str,
                 inner: &Path,
                 blank: &mut dyn FnMut() -> BlankNode,
                 triples: &mut Vec<Triple>| {
        let node = blank();
        let value = describe(inner, blank, triples);
        triples.push(Triple::new(node.clone(), shacl(name), value));
        Term::from(node)
    };
    match path {
        Path::NamedNode(node) => node.clone().into(),
        Path::Reverse(inner) => unary("inversePath", inner, blank, triples),
        Path::ZeroOrMore(inner) => unary("zeroOrMorePath", inner, blank, triples),
        Path::OneOrMore(inner) => unary("oneOrMorePath", inner, blank, triples),
        Path::ZeroOrOne(inner) => unary("zeroOrOnePath", inner, blank, triples),
        Path::Sequence(..) => describe_list(&links(path), blank, triples),
        Path::Alternative(..) => {
            let node = blank();
            let list = describe_list(&links(path), blank, triples);
            triples.push(Triple::new(node.clone(), shacl("alternativePath"), list));
            node.into()
        }
        // SHACL has none of these.
        Path::NegatedPropertySet(_) => blank().into(),
    }
}

/// The parts of a chain.
fn links(path: &Path) -> Vec<&Path> {
    let mut links = Vec::new();
    let mut rest = path;
    loop {
        match (path, rest) {
            (Path::Sequence(..), Path::Sequence(first, then))
            | (Path::Alternative(..), Path::Alternative(first, then)) => {
                links.push(&**first);
                rest = then;
            }
            _ => {
                links.push(rest);
                return links;
            }
        }
    }
}

fn describe_list(
    members: &[&Path],
    blank: &mut dyn FnMut() -> BlankNode,
    triples: &mut Vec<Triple>,
) -> Term {
    let iri = |text: &str| NamedNode::new_unchecked(text);
    let cells: Vec<BlankNode> = members.iter().map(|_| blank()).collect();
    for (index, member) in members.iter().enumerate() {
        let value = describe(member, blank, triples);
        let next = match cells.get(index + 1) {
            Some(next) => next.clone().into(),
            None => Term::from(iri(rdf::NIL)),
        };
        triples.push(Triple::new(cells[index].clone(), iri(rdf::FIRST), value));
        triples.push(Triple::new(cells[index].clone(), iri(rdf::REST), next));
    }
    match cells.first() {
        Some(first) => first.clone().into(),
        None => iri(rdf::NIL).into(),
    }
}

/// `sh:name` as a node.
pub(super) fn shacl(name: &str) -> NamedNode {
    NamedNode::new_unchecked(&sh(name)[1..])
}
