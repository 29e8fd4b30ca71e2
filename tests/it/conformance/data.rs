//! Data of tests: files into quads.

use super::archive::Archive;
use super::manifest::Node;
use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::model::{Graph, GraphName, NamedNode, Quad};

/// Reads a file; what it says without a graph name goes into `graph`. Blank nodes of two readings are never the same.
pub fn quads(archive: &Archive, iri: &str, graph: GraphName) -> Result<Vec<Quad>, String> {
    parse(archive.bytes(iri)?, iri, graph)
}

/// Parses a document whose base and format are its IRI's.
pub fn parse(bytes: &[u8], iri: &str, graph: GraphName) -> Result<Vec<Quad>, String> {
    let format = iri
        .rsplit_once('.')
        .and_then(|(_, ending)| RdfFormat::from_extension(ending))
        .ok_or_else(|| format!("{iri}: no format that is known"))?;
    let parser = RdfParser::from_format(format)
        .with_base_iri(iri)
        .map_err(|e| format!("{iri}: {e}"))?
        .rename_blank_nodes()
        .with_default_graph(graph);
    let quads = parser.for_slice(bytes).collect::<Result<Vec<_>, _>>();
    quads.map_err(|e| format!("{iri}: {e}"))
}

/// A file as one graph.
pub fn graph(archive: &Archive, iri: &str) -> Result<Graph, String> {
    let quads = quads(archive, iri, GraphName::DefaultGraph)?;
    Ok(quads
        .into_iter()
        .map(oxigraph::model::Triple::from)
        .collect())
}

/// The dataset of an action or a result: `qt:data`, `qt:graphData`, or `ut:data`, `ut:graphData`.
pub fn dataset(archive: &Archive, node: &Node, prefix: &str) -> Result<Vec<Quad>, String> {
    let mut all = Vec::new();
    for file in node.values(&format!("{prefix}:data")) {
        all.extend(quads(archive, &file.name(), GraphName::DefaultGraph)?);
    }
    for file in node.values(&format!("{prefix}:graphData")) {
        let (file, name) = match file.text("ut:graph").or_else(|| file.text("qt:graph")) {
            Some(path) => (path, file.text("rdfs:label").unwrap_or_default()),
            None => (file.name(), file.name()),
        };
        let name = NamedNode::new(&name).map_err(|e| format!("{name}: {e}"))?;
        all.extend(quads(archive, &file, name.into())?);
    }
    Ok(all)
}
