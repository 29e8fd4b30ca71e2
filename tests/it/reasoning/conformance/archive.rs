//! Archives of suites, and documents in them.

use flate2::read::GzDecoder;
use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::model::{Graph, Triple};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The files below a folder of an archive, by their path there.
pub fn files(archive: &Path, folder: &str) -> BTreeMap<String, String> {
    let packed = File::open(archive).unwrap_or_else(|e| panic!("{}: {e}", archive.display()));
    let mut archive = tar::Archive::new(GzDecoder::new(packed));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        if let Some(name) = path.strip_prefix(folder) {
            let mut text = String::new();
            // What is no text is no test.
            if entry.read_to_string(&mut text).is_ok() {
                files.insert(name.to_owned(), text);
            }
        }
    }
    files
}

/// Parses a document.
pub fn parse(text: &str, format: RdfFormat, base: &str) -> Result<Graph, String> {
    let parser = RdfParser::from_format(format).with_base_iri(base);
    let parser = parser.map_err(|e| e.to_string())?;
    let quads = parser.rename_blank_nodes().for_slice(text.as_bytes());
    let triples = quads.map(|quad| quad.map(Triple::from));
    triples.collect::<Result<_, _>>().map_err(|e| e.to_string())
}
