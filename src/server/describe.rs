//! What the server and its dataset are, in RDF: SPARQL 1.1 Service Description and VoID.

mod counts;

pub use counts::Counted;

use super::Host;
use super::negotiate::{Accept, SOLUTIONS, TRIPLES};
use super::problem::Problem;
use crate::sparql::View;
use crate::vocabulary::serializer;
use crate::vocabulary::{rdf, xsd};
use crate::{Error, ErrorKind};
use axum::body::Body;
use axum::http::Response;
use axum::http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue, VARY};
use counts::Counts;
use oxrdf::{BlankNode, Literal, NamedNode, NamedOrBlankNode, Term, Triple};
use std::sync::Arc;

const SD: &str = "http://www.w3.org/ns/sparql-service-description#";
const VOID: &str = "http://rdfs.org/ns/void#";

/// Properties and graphs that are counted one by one; a dataset with more has only its largest described.
const PARTS: usize = 500;

/// The service, and the dataset behind it.
pub async fn service(host: &Arc<Host>, headers: &HeaderMap) -> Result<Response<Body>, Problem> {
    let mut page = Page::default();
    let root = root(headers);
    let endpoint = node(&format!("{root}/sparql"));
    page.iri(&endpoint, rdf::TYPE, &format!("{SD}Service"));
    page.iri(
        &endpoint,
        &format!("{SD}endpoint"),
        &format!("{root}/sparql"),
    );
    for language in ["SPARQL10Query", "SPARQL11Query", "SPARQL11Update"] {
        page.iri(
            &endpoint,
            &format!("{SD}supportedLanguage"),
            &format!("{SD}{language}"),
        );
    }
    if host.live.view() == View::Union {
        page.iri(
            &endpoint,
            &format!("{SD}feature"),
            &format!("{SD}UnionDefaultGraph"),
        );
    }
    let mut formats: Vec<&str> = SOLUTIONS.iter().map(|offer| offer.1.iri()).collect();
    formats.extend(TRIPLES.iter().map(|offer| offer.1.iri()));
    formats.sort_unstable();
    formats.dedup();
    for format in formats {
        page.iri(&endpoint, &format!("{SD}resultFormat"), format);
    }
    for format in TRIPLES {
        page.iri(&endpoint, &format!("{SD}inputFormat"), format.1.iri());
    }
    let counts = host.counted.now(host).await?;
    let dataset = dataset(&mut page, host, &counts, &root);
    page.add(&endpoint, &format!("{SD}defaultDataset"), dataset);
    page.written(headers)
}

/// The dataset alone, for `/.well-known/void`.
pub async fn void(host: &Arc<Host>, headers: &HeaderMap) -> Result<Response<Body>, Problem> {
    let mut page = Page::default();
    let counts = host.counted.now(host).await?;
    dataset(&mut page, host, &counts, &root(headers));
    page.written(headers)
}

/// Adds the dataset with its counts.
fn dataset(page: &mut Page, host: &Host, counts: &Counts, root: &str) -> NamedOrBlankNode {
    let snapshot = host.live.current();
    let dataset = node(&format!("{root}/.well-known/void"));
    for class in [format!("{VOID}Dataset"), format!("{SD}Dataset")] {
        page.iri(&dataset, rdf::TYPE, &class);
    }
    page.iri(
        &dataset,
        &format!("{VOID}sparqlEndpoint"),
        &format!("{root}/sparql"),
    );
    let name = Literal::new_simple_literal(host.live.engine().project().name());
    page.add(&dataset, "http://purl.org/dc/terms/title", name);
    let default = BlankNode::new_unchecked("default").into();
    page.add(
        &dataset,
        &format!("{SD}defaultGraph"),
        NamedOrBlankNode::clone(&default),
    );
    page.iri(&default, rdf::TYPE, &format!("{SD}Graph"));
    for whole in [&dataset, &default] {
        page.count(whole, "triples", counts.triples());
    }
    page.count(&dataset, "properties", counts.properties.len() as u64);
    page.count(&dataset, "entities", snapshot.graph().nodes().len() as u64);
    for (index, (property, count)) in counts.properties.iter().take(PARTS).enumerate() {
        let part = BlankNode::new_unchecked(format!("property{index}")).into();
        page.add(
            &dataset,
            &format!("{VOID}propertyPartition"),
            NamedOrBlankNode::clone(&part),
        );
        page.iri(&part, &format!("{VOID}property"), property);
        page.count(&part, "triples", *count);
    }
    for (index, (name, count)) in counts.graphs.iter().take(PARTS).enumerate() {
        let named = BlankNode::new_unchecked(format!("named{index}")).into();
        let inside = BlankNode::new_unchecked(format!("graph{index}")).into();
        page.add(
            &dataset,
            &format!("{SD}namedGraph"),
            NamedOrBlankNode::clone(&named),
        );
        page.iri(&named, rdf::TYPE, &format!("{SD}NamedGraph"));
        page.iri(&named, &format!("{SD}name"), name);
        page.add(
            &named,
            &format!("{SD}graph"),
            NamedOrBlankNode::clone(&inside),
        );
        page.iri(&inside, rdf::TYPE, &format!("{SD}Graph"));
        page.count(&inside, "triples", *count);
    }
    dataset
}

/// Where the client reached this server.
fn root(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let root = format!("http://{}", host.unwrap_or("localhost"));
    match NamedNode::new(&root) {
        Ok(_) => root,
        Err(_) => "http://localhost".into(),
    }
}

fn node(iri: &str) -> NamedOrBlankNode {
    NamedNode::new_unchecked(iri).into()
}

/// Triples to be written.
#[derive(Default)]
struct Page(Vec<Triple>);

impl Page {
    fn add(&mut self, subject: &NamedOrBlankNode, property: &str, object: impl Into<Term>) {
        let property = NamedNode::new_unchecked(property);
        self.0.push(Triple::new(subject.clone(), property, object));
    }

    fn iri(&mut self, subject: &NamedOrBlankNode, property: &str, object: &str) {
        self.add(subject, property, NamedNode::new_unchecked(object));
    }

    fn count(&mut self, subject: &NamedOrBlankNode, property: &str, count: u64) {
        let integer = NamedNode::new_unchecked(xsd::INTEGER);
        let count = Literal::new_typed_literal(count.to_string(), integer);
        self.add(subject, &format!("{VOID}{property}"), count);
    }

    fn written(&self, headers: &HeaderMap) -> Result<Response<Body>, Problem> {
        let (media, format) = Accept::of(headers).choose(TRIPLES)?;
        let prefixes = [("sd", SD), ("void", VOID)];
        let mut writer = serializer(format, &prefixes).for_writer(Vec::new());
        let written = self
            .0
            .iter()
            .try_for_each(|triple| writer.serialize_triple(triple));
        let bytes = written.and_then(|()| writer.finish()).map_err(|e| {
            Problem::from(Error::new(
                ErrorKind::Io,
                format!("cannot write the description: {e}"),
            ))
        })?;
        let mut response = Response::new(Body::from(bytes));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
        headers.insert(VARY, HeaderValue::from_static("accept"));
        Ok(response)
    }
}
