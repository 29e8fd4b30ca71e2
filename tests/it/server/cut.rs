//! A result that is cut short is no document, in any format, and its transfer breaks off.

use super::formats::{solutions, triples};
use super::{Served, rdf_formats};
use oxigraph::sparql::results::QueryResultsFormat;

/// Enough for several parts.
const ROWS: &str = "5000";
const SELECT: &str = "SELECT ?a ?c ?f { ?a ?b ?c . ?d rdfs:label ?f }";
const CONSTRUCT: &str = "CONSTRUCT { ?a <urn:with> ?f } WHERE { ?a rdfs:label ?c . ?d rdfs:label ?f . ?d schema:brand ?e . ?a schema:brand ?h }";

/// What came of a query before its end.
fn cut(served: &Served, query: &str, media: &str) -> String {
    let reply = served.query(query, &[("accept", media)]);
    assert_eq!(reply.status, 200, "it had been sent already");
    let Err(sent) = reply.body else {
        panic!("{media}: the transfer looks complete");
    };
    assert!(sent.len() > 10_000, "{media}: only {} bytes", sent.len());
    sent
}

#[test]
fn solutions_that_are_cut_short_are_no_document() {
    let served = Served::new(&[("query.max_rows", ROWS)]);
    for (media, format) in [
        ("application/sparql-results+json", QueryResultsFormat::Json),
        ("application/sparql-results+xml", QueryResultsFormat::Xml),
        ("text/tab-separated-values", QueryResultsFormat::Tsv),
    ] {
        let sent = cut(&served, SELECT, media);
        assert!(
            solutions(format, &sent).is_err(),
            "{media} reads as a whole"
        );
    }
}

#[test]
fn csv_that_is_cut_short_has_a_line_that_does_not_fit() {
    let served = Served::new(&[("query.max_rows", ROWS)]);
    let sent = cut(&served, SELECT, "text/csv");
    let mut reader = csv::Reader::from_reader(sent.as_bytes());
    let last = reader.records().last().unwrap().unwrap_err();
    assert!(
        matches!(last.kind(), csv::ErrorKind::UnequalLengths { .. }),
        "{last}"
    );
    let line = sent.lines().last().unwrap();
    assert_eq!(line, ",,,\"cut short: the query has more than 5000 rows");
    let one = cut(
        &served,
        "SELECT ?f { ?a ?b ?c . ?d rdfs:label ?f }",
        "text/csv",
    );
    assert!(
        csv::Reader::from_reader(one.as_bytes())
            .records()
            .any(|row| row.is_err())
    );
}

#[test]
fn triples_that_are_cut_short_are_no_document() {
    let served = Served::new(&[("query.max_rows", ROWS)]);
    for (media, format) in rdf_formats() {
        let sent = cut(&served, CONSTRUCT, media);
        assert!(triples(format, &sent).is_err(), "{media} reads as a whole");
    }
}

#[test]
fn what_fails_before_anything_was_sent_is_told_by_its_status() {
    let served = Served::new(&[("query.max_rows", "20")]);
    for media in ["text/csv", "application/sparql-results+json"] {
        let detail = served.query(SELECT, &[("accept", media)]).problem(422);
        assert_eq!(detail, "the query has more than 20 rows");
    }
    served
        .query(CONSTRUCT, &[("accept", "text/turtle")])
        .problem(422);
}

#[test]
fn a_whole_result_of_many_parts_is_whole() {
    let served = Served::new(&[]);
    let query = format!("{SELECT} LIMIT 5000");
    let reply = served.query(&query, &[("accept", "text/tab-separated-values")]);
    assert_eq!(reply.header("transfer-encoding"), "chunked");
    assert_eq!(solutions(QueryResultsFormat::Tsv, reply.text()), Ok(5000));
}
