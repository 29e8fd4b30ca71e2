//! RDF → facts, as it is.
//!
//! N-Triples and N-Quads are read line by line, in parallel. Turtle, TriG and RDF/XML depend on what stood before and
//! are read by one thread; their facts have no line. Blank nodes are named after the file, so that those of different
//! files never meet.

use super::cut::{Chunk, LONGEST};
use super::find::{Found, Syntax};
use super::open::{Bytes, Opened};
use super::parsed::Parsed;
use crate::model::{Place, term};
use crate::{Error, Result};
use oxigraph::io::{RdfFormat, RdfParseError, RdfParser, RdfSyntaxError};
use oxrdf::{BlankNode, GraphName, NamedNodeRef, NamedOrBlankNode, Quad, Term, Triple};
use rustc_hash::{FxHashMap, FxHashSet};
use std::io::{self, BufRead, Read};

/// How deep triple terms may lie in each other; terms are dropped and written by recursion.
const DEEPEST: usize = 64;

/// What names the graphs and blank nodes of a file.
#[derive(Clone, Debug)]
pub struct Names {
    /// The file's graph.
    pub graph: String,
    /// The file's number.
    pub file: usize,
}

impl Names {
    fn blank(&self, label: &str) -> BlankNode {
        BlankNode::new_unchecked(format!("f{}_{label}", self.file))
    }

    /// The graph of a quad, by number within the chunk.
    fn place(&self, graph: GraphName, line: u32, parsed: &mut Parsed) -> Place {
        let iri = match graph {
            GraphName::DefaultGraph => return Place { source: 0, line },
            GraphName::NamedNode(node) => node.into_string(),
            GraphName::BlankNode(node) => {
                format!(
                    "{}#{}",
                    self.graph,
                    crate::vocabulary::percent_encode(node.as_str())
                )
            }
        };
        let source = parsed.graph(iri);
        Place { source, line }
    }
}

fn format(syntax: Syntax) -> RdfFormat {
    match syntax {
        Syntax::NQuads => RdfFormat::NQuads,
        Syntax::Turtle => RdfFormat::Turtle,
        Syntax::TriG => RdfFormat::TriG,
        Syntax::RdfXml => RdfFormat::RdfXml,
        _ => RdfFormat::NTriples,
    }
}

/// Reads lines of N-Triples or N-Quads.
pub fn parse_lines(chunk: &Chunk, syntax: Syntax, names: &Names) -> Parsed {
    let mut parsed = Parsed::default();
    let mut known = Known::default();
    for (index, start) in chunk.starts.iter().enumerate() {
        let raw = chunk.record(index);
        if start.too_long {
            parsed.read += 1;
            let message = format!("the line is longer than {} MiB", LONGEST >> 20);
            parsed.reject(start.line, message, raw);
        } else if let Some(terms) = std::str::from_utf8(raw)
            .ok()
            .and_then(|line| simple(line, &mut known))
        {
            parsed.read += 1;
            parsed.fact(
                terms,
                None,
                Place {
                    source: 0,
                    line: start.line,
                },
            );
        } else {
            parse_line(raw, (start.line, syntax), names, &mut parsed);
        }
    }
    parsed
}

/// The terms of a triple without escapes and blank nodes: most triples, ten times faster than by the
/// parser, which gets all that is not certain.
fn simple<'a>(line: &'a str, known: &mut Known<'a>) -> Option<[String; 3]> {
    let rest = line.trim_end_matches(['\r', '\n']).strip_suffix(" .")?;
    let (subject, rest) = rest.strip_prefix('<')?.split_once("> <")?;
    let (predicate, object) = rest.split_once("> ")?;
    let object = match object.strip_prefix('<') {
        Some(object) => known.iri(object.strip_suffix('>')?)?,
        None => simple_literal(object, known)?,
    };
    Some([known.iri(subject)?, known.iri(predicate)?, object])
}

fn simple_literal<'a>(literal: &'a str, known: &mut Known<'a>) -> Option<String> {
    let (text, kind) = literal.strip_prefix('"')?.rsplit_once('"')?;
    if text
        .bytes()
        .any(|b| matches!(b, b'"' | b'\\' | b'\r' | b'\n'))
    {
        return None;
    }
    if kind.is_empty() {
        return Some(term::string(text));
    }
    if let Some(tag) = kind.strip_prefix('@') {
        // A language alone, such as `en`; what else a tag may hold, the parser knows.
        let plain = (2..=3).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphabetic());
        return plain.then(|| term::tagged(text, tag));
    }
    let datatype = kind.strip_prefix("^^<")?.strip_suffix('>')?;
    // Those of RDF itself mean more than their name.
    let plain = !datatype.starts_with(RDF) && known.is_valid(datatype);
    plain.then(|| term::typed(text, datatype))
}

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";

/// IRIs of a chunk that are known to be valid: most come again, and a look-up costs less than a proof.
#[derive(Default)]
struct Known<'a>(FxHashSet<&'a str>);

impl<'a> Known<'a> {
    fn is_valid(&mut self, iri: &'a str) -> bool {
        self.0.contains(iri) || (NamedNodeRef::new(iri).is_ok() && self.0.insert(iri))
    }

    fn iri(&mut self, iri: &'a str) -> Option<String> {
        self.is_valid(iri).then(|| term::iri(iri))
    }
}

fn parse_line(raw: &[u8], (line, syntax): (u32, Syntax), names: &Names, parsed: &mut Parsed) {
    if depth(raw) > DEEPEST {
        parsed.read += 1;
        return parsed.reject(
            line,
            format!("triple terms lie more than {DEEPEST} deep in each other"),
            raw,
        );
    }
    let before = parsed.records.len();
    let mut rename = |node: &BlankNode| names.blank(node.as_str());
    for quad in RdfParser::from_format(format(syntax)).for_slice(raw) {
        match quad {
            Ok(quad) => push(renamed(quad, &mut rename), line, names, parsed),
            Err(error) => {
                parsed.records.truncate(before);
                parsed.read += 1;
                return parsed.reject(line, in_line(&error), raw);
            }
        }
    }
    // A comment is no record.
    parsed.read += u64::from(parsed.records.len() > before);
}

fn in_line(error: &RdfSyntaxError) -> String {
    // The parser sees what is missing only behind the line's end.
    let column = error.location().filter(|at| at.start.line == 0);
    let column = column.map(|at| format!("column {}: ", at.start.column + 1));
    format!("{}{}", column.unwrap_or_default(), bare(error))
}

/// The parser's message without the position that it begins with.
fn bare(error: &RdfSyntaxError) -> String {
    let message = error.to_string();
    match message
        .strip_prefix("Parser error")
        .and_then(|rest| rest.split_once(": "))
    {
        Some((_, bare)) => bare.to_owned(),
        None => message,
    }
}

fn push(quad: Quad, line: u32, names: &Names, parsed: &mut Parsed) {
    let place = names.place(quad.graph_name, line, parsed);
    let terms = [
        term::encode(&quad.subject.into()),
        term::encode(&quad.predicate.into()),
        term::encode(&quad.object),
    ];
    parsed.fact(terms, None, place);
}

fn renamed(quad: Quad, rename: &mut impl FnMut(&BlankNode) -> BlankNode) -> Quad {
    Quad {
        subject: renamed_subject(quad.subject, rename),
        predicate: quad.predicate,
        object: renamed_term(quad.object, rename),
        graph_name: match quad.graph_name {
            GraphName::BlankNode(node) => GraphName::BlankNode(rename(&node)),
            other => other,
        },
    }
}

fn renamed_subject(
    subject: NamedOrBlankNode,
    rename: &mut impl FnMut(&BlankNode) -> BlankNode,
) -> NamedOrBlankNode {
    match subject {
        NamedOrBlankNode::BlankNode(node) => rename(&node).into(),
        other => other,
    }
}

fn renamed_term(term: Term, rename: &mut impl FnMut(&BlankNode) -> BlankNode) -> Term {
    match term {
        Term::BlankNode(node) => rename(&node).into(),
        Term::Triple(triple) => {
            let triple = *triple;
            Term::Triple(Box::new(Triple {
                subject: renamed_subject(triple.subject, rename),
                predicate: triple.predicate,
                object: renamed_term(triple.object, rename),
            }))
        }
        other => other,
    }
}

/// How deep triple terms lie in each other, at most.
fn depth(bytes: &[u8]) -> usize {
    let mut guard = Depth::default();
    guard.read(bytes);
    guard.deepest
}

/// Counts the brackets of triple terms. Those in strings count too: a limit that is far off may be rough.
#[derive(Default)]
struct Depth {
    now: usize,
    deepest: usize,
    last: [u8; 2],
}

impl Depth {
    fn read(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match (self.last, byte) {
                ([b'<', b'<'], b'(') => self.now += 1,
                ([b')', b'>'], b'>') => self.now = self.now.saturating_sub(1),
                _ => {}
            }
            self.deepest = self.deepest.max(self.now);
            self.last = [self.last[1], byte];
        }
    }
}

/// Lets bytes through until triple terms lie too deep in each other.
struct Guarded {
    bytes: Bytes,
    depth: Depth,
}

impl Read for Guarded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.bytes.fill_buf()?;
        let read = available.len().min(buffer.len());
        buffer[..read].copy_from_slice(&available[..read]);
        self.bytes.consume(read);
        self.depth.read(&buffer[..read]);
        if self.depth.deepest > DEEPEST {
            let message = format!("triple terms lie more than {DEEPEST} deep in each other");
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        }
        Ok(read)
    }
}

/// Reads a document of Turtle, TriG or RDF/XML, and gives its quads to `sink`, some at a time.
pub fn parse_document(
    (bytes, opened): (Bytes, &Opened),
    found: &Found<'_>,
    names: &Names,
    mut sink: impl FnMut(Vec<Quad>) -> Result<()>,
) -> Result<()> {
    const SOME: usize = 4096;
    let bytes = Guarded {
        bytes,
        depth: Depth::default(),
    };
    let parser = RdfParser::from_format(format(found.syntax)).with_base_iri(&names.graph);
    let parser = parser.map_err(|e| Error::usage(format!("the dataset's base is no IRI: {e}")))?;
    // Nodes without label get a random one from the parser: they are numbered as they come.
    let mut numbers: FxHashMap<String, usize> = FxHashMap::default();
    let mut rename = |node: &BlankNode| {
        let next = numbers.len();
        let number = *numbers.entry(node.as_str().to_owned()).or_insert(next);
        names.blank(&format!("b{number}"))
    };
    let mut quads = Vec::new();
    for quad in parser.for_reader(bytes) {
        let quad = quad.map_err(|error| broken(error, opened))?;
        quads.push(renamed(quad, &mut rename));
        if quads.len() >= SOME {
            sink(std::mem::take(&mut quads))?;
        }
    }
    sink(quads)
}

fn broken(error: RdfParseError, opened: &Opened) -> Error {
    let error = match error {
        RdfParseError::Io(error) => return opened.failed(error),
        RdfParseError::Syntax(error) => error,
    };
    let place = match error.location() {
        Some(at) => format!(
            "{}:{}:{}",
            opened.name(),
            at.start.line + 1,
            at.start.column + 1
        ),
        None => opened.name().to_owned(),
    };
    Error::input(bare(&error))
        .at(place)
        .hint("a document cannot be read past an error: correct it")
}

/// The facts of quads that have no line.
pub fn parse_quads(quads: Vec<Quad>, names: &Names) -> Parsed {
    let mut parsed = Parsed {
        read: quads.len() as u64,
        ..Parsed::default()
    };
    for quad in quads {
        push(quad, 0, names, &mut parsed);
    }
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The short way gives what the parser gives, or leaves the line to it.
    #[test]
    fn simple_triples_are_what_the_parser_reads() {
        let names = Names {
            graph: String::new(),
            file: 0,
        };
        for (object, short) in [
            ("<urn:o>", true),
            ("\"text\"", true),
            ("\"\"", true),
            ("\"Text, größer\"@EN", true),
            ("\"text\"@de-AT", false),
            ("\"text\"@x1", false),
            ("\"shalom\"@he--rtl", false),
            ("\"12\"^^<http://www.w3.org/2001/XMLSchema#integer>", true),
            ("\"12\"^^<http://www.w3.org/2001/XMLSchema#string>", true),
            ("\"x\"^^<urn:a b>", false),
            ("\"x\"^^<no-scheme>", false),
            (
                "\"x\"^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#langString>",
                false,
            ),
            ("\"a\\\"b\"", false),
            ("\"a\" \"b\"", false),
            ("_:b", false),
        ] {
            let line = format!("<urn:s> <urn:p> {object} .\n");
            let Some(terms) = simple(&line, &mut Known::default()) else {
                assert!(!short, "{object} is simple");
                continue;
            };
            assert!(short, "{object} is not simple");
            let mut parsed = Parsed::default();
            parse_line(line.as_bytes(), (1, Syntax::NTriples), &names, &mut parsed);
            let mut expected = Parsed::default();
            expected.fact(terms, None, Place { source: 0, line: 1 });
            assert_eq!(
                format!("{:?}", parsed.records),
                format!("{:?}", expected.records)
            );
        }
    }
}
