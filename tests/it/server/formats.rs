//! Formats are negotiated, and the service and its dataset describe themselves.

use super::{Served, rdf_formats};
use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::model::Quad;
use oxigraph::sparql::results::{
    QueryResultsFormat, QueryResultsParser, SliceQueryResultsParserOutput,
};
use oxigraph::store::Store;

const SELECT: &str = "SELECT ?i ?name { ?i rdfs:label ?name } ORDER BY ?i LIMIT 3";
const CONSTRUCT: &str =
    "CONSTRUCT { ?i rdfs:label ?name } WHERE { ?i rdfs:label ?name . ?i schema:brand ?b }";

/// The number of solutions in a document.
pub fn solutions(format: QueryResultsFormat, text: &str) -> Result<usize, String> {
    let parser = QueryResultsParser::from_format(format);
    let parsed = parser
        .for_slice(text.as_bytes())
        .map_err(|e| e.to_string())?;
    let SliceQueryResultsParserOutput::Solutions(rows) = parsed else {
        return Err("a boolean".into());
    };
    let mut count = 0;
    for row in rows {
        row.map_err(|e| e.to_string())?;
        count += 1;
    }
    Ok(count)
}

pub fn triples(format: RdfFormat, text: &str) -> Result<Vec<Quad>, String> {
    let quads = RdfParser::from_format(format).for_slice(text.as_bytes());
    quads.map(|quad| quad.map_err(|e| e.to_string())).collect()
}

#[test]
fn solutions_come_in_every_format() {
    let served = Served::new(&[]);
    for (accept, media, format) in [
        (
            "*/*",
            "application/sparql-results+json",
            QueryResultsFormat::Json,
        ),
        (
            "application/sparql-results+xml",
            "application/sparql-results+xml",
            QueryResultsFormat::Xml,
        ),
        (
            "application/json",
            "application/json",
            QueryResultsFormat::Json,
        ),
        (
            "text/csv;q=0.5, text/tab-separated-values",
            "text/tab-separated-values",
            QueryResultsFormat::Tsv,
        ),
        (
            "application/xml;q=0.9, text/html",
            "application/xml",
            QueryResultsFormat::Xml,
        ),
    ] {
        let reply = served.query(SELECT, &[("accept", accept)]);
        assert_eq!(reply.header("content-type"), media);
        assert_eq!(solutions(format, reply.text()), Ok(3), "{accept}");
    }
    let reply = served.query(SELECT, &[("accept", "text/csv")]);
    assert_eq!(reply.header("content-type"), "text/csv");
    let mut csv = csv::Reader::from_reader(reply.text().as_bytes());
    assert_eq!(csv.headers().unwrap(), vec!["i", "name"]);
    assert_eq!(csv.records().map(Result::unwrap).count(), 3);
}

#[test]
fn triples_come_in_every_format() {
    let served = Served::new(&[]);
    for (media, format) in rdf_formats() {
        let reply = served.query(CONSTRUCT, &[("accept", media)]);
        assert_eq!(reply.header("content-type"), media);
        assert_eq!(triples(format, reply.text()).unwrap().len(), 80, "{media}");
    }
    served
        .query(CONSTRUCT, &[("accept", "text/csv")])
        .problem(406);
    served
        .query(SELECT, &[("accept", "text/turtle")])
        .problem(406);
}

#[test]
fn the_service_describes_itself() {
    let served = Served::new(&[]);
    let check = |path: &str, pattern: &str| {
        let text = served.get(path);
        assert_eq!(text.header("content-type"), "text/turtle");
        let store = Store::new().unwrap();
        store
            .load_from_slice(RdfFormat::Turtle, text.text().as_bytes())
            .unwrap();
        let query = format!(
            "PREFIX sd: <http://www.w3.org/ns/sparql-service-description#> PREFIX void: <http://rdfs.org/ns/void#>
             ASK {{ {pattern} }}"
        );
        match oxigraph::sparql::SparqlEvaluator::new()
            .parse_query(&query)
            .unwrap()
            .on_store(&store)
            .execute()
        {
            Ok(oxigraph::sparql::QueryResults::Boolean(true)) => {}
            _ => panic!("{pattern} is not in\n{}", text.text()),
        }
    };
    let endpoint = served.url("/sparql");
    check(
        "/sparql",
        &format!("?s a sd:Service ; sd:endpoint <{endpoint}> ; sd:feature sd:UnionDefaultGraph"),
    );
    check(
        "/sparql",
        "?s sd:supportedLanguage sd:SPARQL11Query, sd:SPARQL11Update",
    );
    check(
        "/sparql",
        "?s sd:resultFormat <http://www.w3.org/ns/formats/SPARQL_Results_JSON>",
    );
    check(
        "/sparql",
        "?s sd:defaultDataset/sd:namedGraph/sd:name <https://w3id.org/kenning#links>",
    );
    let met = served.count("?u kenning:interacted ?i");
    check(
        "/.well-known/void",
        &format!(
            "?d void:propertyPartition [ void:property <https://w3id.org/kenning#interacted> ; void:triples {met} ]"
        ),
    );
    let brands = served.count("?u schema:brand ?i");
    check(
        "/.well-known/void",
        &format!(
            "?d void:propertyPartition [ void:property <https://schema.org/brand> ; void:triples {brands} ]"
        ),
    );
    let xml = served.send("GET", "/sparql", &[("accept", "application/rdf+xml")], "");
    assert!(triples(RdfFormat::RdfXml, xml.text()).unwrap().len() > 20);
}

#[test]
fn the_page_needs_nobody_else() {
    let served = Served::new(&[]);
    let page = served.get("/");
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(
        page.header("content-security-policy")
            .contains("default-src 'none'")
    );
    assert!(page.text().contains("<textarea"));
    assert!(!page.text().contains("http://") && !page.text().contains("https://"));
}
