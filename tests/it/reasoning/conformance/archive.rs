//! Archives of suites, and documents in them.

use crate::conformance::archive::unpack;
use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::model::{Graph, Triple};
use std::collections::BTreeMap;
use std::path::Path;

/// The files below a folder of an archive, by their path there.
pub fn files(archive: &Path, folder: &str) -> BTreeMap<String, String> {
    let files = unpack(archive, folder).into_iter();
    // What is no text is no test.
    files
        .filter_map(|(name, bytes)| Some((name, String::from_utf8(bytes).ok()?)))
        .collect()
}

/// Parses a document.
pub fn parse(text: &str, format: RdfFormat, base: &str) -> Result<Graph, String> {
    let parser = RdfParser::from_format(format).with_base_iri(base);
    let parser = parser.map_err(|e| e.to_string())?;
    let quads = parser.rename_blank_nodes().for_slice(text.as_bytes());
    let triples = quads.map(|quad| quad.map(Triple::from));
    triples.collect::<Result<_, _>>().map_err(|e| e.to_string())
}
