//! Answers of queries as documents, and whether two of them say the same.

use super::data;
use super::manifest::{Node, expand};
use super::matching::{Row, isomorphic, same_in_order};
use kenning::sparql::Format;
use oxigraph::io::RdfFormat;
use oxigraph::model::vocab::rdf;
use oxigraph::model::{BlankNode, Graph, GraphName, Literal, Quad, Term};
use oxigraph::sparql::results::{
    QueryResultsFormat, QueryResultsParser, SliceQueryResultsParserOutput,
};
use std::sync::Arc;

/// What a query finds.
pub enum Answer {
    /// Of `ASK`.
    Boolean(bool),
    /// Of `SELECT`: names of variables; rows; whether their order counts.
    Rows(Vec<String>, Vec<Row>, bool),
    /// Of `CONSTRUCT` and `DESCRIBE`: quads.
    Graph(Vec<Row>),
}

/// How exactly the rows must be the expected ones.
#[derive(Clone, Copy)]
pub enum Cardinality {
    /// As often as expected.
    Strict,
    /// At least once, and at most as often as expected: `REDUCED`.
    Lax,
}

/// In which format an engine shall answer so that the answer is compared with this file.
pub fn format(expected: &str) -> Format {
    let ending = expected.rsplit_once('.').map_or("", |(_, ending)| ending);
    let solutions = QueryResultsFormat::from_extension(ending);
    Format {
        solutions: solutions.unwrap_or(QueryResultsFormat::Json),
        triples: RdfFormat::NTriples,
    }
}

/// Reads a document of results; `ending` is that of its file name.
pub fn read(bytes: &[u8], ending: &str, iri: &str) -> Result<Answer, String> {
    let format = match ending {
        "srx" => QueryResultsFormat::Xml,
        "srj" => QueryResultsFormat::Json,
        "tsv" => QueryResultsFormat::Tsv,
        "csv" => return read_csv(bytes),
        _ => return read_graph(data::parse(bytes, iri, GraphName::DefaultGraph)?),
    };
    let parser = QueryResultsParser::from_format(format);
    let found = parser.for_slice(bytes).map_err(|e| format!("{iri}: {e}"))?;
    let solutions = match found {
        SliceQueryResultsParserOutput::Boolean(value) => return Ok(Answer::Boolean(value)),
        SliceQueryResultsParserOutput::Solutions(solutions) => solutions,
    };
    let variables = solutions.variables().iter();
    let variables = variables.map(|v| v.as_str().to_owned()).collect();
    let rows: Result<Vec<Row>, _> = solutions.map(|s| s.map(|s| s.values().to_vec())).collect();
    let rows = rows.map_err(|e| format!("{iri}: {e}"))?;
    Ok(Answer::Rows(variables, rows, false))
}

// The format does not tell what a value was; but it tells blank nodes.
fn read_csv(bytes: &[u8]) -> Result<Answer, String> {
    let mut reader = csv::Reader::from_reader(bytes);
    let headers = reader.headers().map_err(|e| e.to_string())?;
    let variables = headers.iter().map(str::to_owned).collect();
    let term = |cell: &str| match cell.strip_prefix("_:") {
        Some(label) => Some(BlankNode::new(label).ok()?.into()),
        None => Some(Literal::new_simple_literal(cell).into()),
    };
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| e.to_string())?;
        rows.push(record.iter().map(term).collect());
    }
    Ok(Answer::Rows(variables, rows, false))
}

fn read_graph(quads: Vec<Quad>) -> Result<Answer, String> {
    let results = expand("rs:ResultSet");
    let is_results = |q: &Quad| q.predicate == rdf::TYPE && q.object == Term::from(results.clone());
    if !quads.iter().any(is_results) {
        return Ok(Answer::Graph(quads.iter().map(row).collect()));
    }
    let graph: Graph = quads
        .into_iter()
        .map(oxigraph::model::Triple::from)
        .collect();
    let node = Node::all(&Arc::new(graph), "rs:ResultSet").remove(0);
    if let Some(boolean) = node.text("rs:boolean") {
        return Ok(Answer::Boolean(boolean == "true"));
    }
    let variables = node.values("rs:resultVariable");
    let variables: Vec<String> = variables.iter().map(Node::name).collect();
    let mut rows: Vec<(u32, Row)> = Vec::new();
    for solution in node.values("rs:solution") {
        let index = solution.text("rs:index").and_then(|i| i.parse().ok());
        let bindings = solution.values("rs:binding");
        let value = |variable: &String| {
            let mut found = bindings.iter();
            let binding = found.find(|b| b.text("rs:variable").as_ref() == Some(variable))?;
            Some(binding.value("rs:value")?.term)
        };
        rows.push((index.unwrap_or(0), variables.iter().map(value).collect()));
    }
    let ordered = rows.iter().any(|(index, _)| *index > 0);
    rows.sort_by_key(|(index, _)| *index);
    let rows = rows.into_iter().map(|(_, row)| row).collect();
    Ok(Answer::Rows(variables, rows, ordered))
}

/// A quad as a row; the default graph is unbound.
pub fn row(quad: &Quad) -> Row {
    let graph = match &quad.graph_name {
        GraphName::NamedNode(node) => Some(node.clone().into()),
        GraphName::BlankNode(node) => Some(node.clone().into()),
        GraphName::DefaultGraph => None,
    };
    let subject = Some(quad.subject.clone().into());
    let predicate = Some(quad.predicate.clone().into());
    vec![subject, predicate, Some(quad.object.clone()), graph]
}

/// Whether what was found is what was expected.
pub fn compare(expected: &Answer, found: &Answer, how: Cardinality) -> Result<(), String> {
    match (expected, found) {
        (Answer::Boolean(expected), Answer::Boolean(found)) if expected == found => Ok(()),
        (Answer::Boolean(_), Answer::Boolean(found)) => Err(format!("it says {found}")),
        (Answer::Graph(expected), Answer::Graph(found)) => same_quads(expected, found),
        (Answer::Rows(names, expected, ordered), Answer::Rows(columns, found, _)) => {
            let found = arrange(found, columns, names)?;
            let same = match (how, ordered) {
                (Cardinality::Lax, _) => same_lax(expected, &found),
                (Cardinality::Strict, true) => same_in_order(expected, &found),
                (Cardinality::Strict, false) => isomorphic(expected, &found),
            };
            same.then_some(()).ok_or_else(|| differ(expected, &found))
        }
        _ => Err("another form of answer was expected".to_owned()),
    }
}

/// Whether two sets of quads are the same but for the labels of blank nodes.
pub fn same_quads(expected: &[Row], found: &[Row]) -> Result<(), String> {
    let (expected, found) = (distinct(expected), distinct(found));
    let same = isomorphic(&expected, &found);
    same.then_some(()).ok_or_else(|| differ(&expected, &found))
}

/// Rows in another order of columns.
pub fn arrange(rows: &[Row], columns: &[String], names: &[String]) -> Result<Vec<Row>, String> {
    let (mut left, mut right) = (columns.to_vec(), names.to_vec());
    left.sort();
    right.sort();
    if left != right {
        return Err(format!("variables {left:?} instead of {right:?}"));
    }
    let position = |name| columns.iter().position(|column| column == name);
    let order: Vec<usize> = names.iter().filter_map(position).collect();
    let arranged = |row: &Row| order.iter().map(|&i| row[i].clone()).collect();
    Ok(rows.iter().map(arranged).collect())
}

fn same_lax(expected: &[Row], found: &[Row]) -> bool {
    found.len() <= expected.len() && isomorphic(&distinct(expected), &distinct(found))
}

fn distinct(rows: &[Row]) -> Vec<Row> {
    let mut rows = rows.to_vec();
    rows.sort_by_cached_key(show);
    rows.dedup();
    rows
}

fn show(row: &Row) -> String {
    let values = row
        .iter()
        .map(|v| v.as_ref().map_or("-".to_owned(), ToString::to_string));
    values.collect::<Vec<_>>().join(" ")
}

/// What is only in one of the two, as far as a person wants to read.
pub fn differ(expected: &[Row], found: &[Row]) -> String {
    let missing: Vec<String> = expected
        .iter()
        .filter(|r| !found.contains(r))
        .map(show)
        .collect();
    let surplus: Vec<String> = found
        .iter()
        .filter(|r| !expected.contains(r))
        .map(show)
        .collect();
    let list = |rows: &[String]| rows.iter().take(3).cloned().collect::<Vec<_>>().join(" | ");
    format!(
        "{} rows instead of {}; missing: {}; surplus: {}",
        found.len(),
        expected.len(),
        list(&missing),
        list(&surplus)
    )
}
