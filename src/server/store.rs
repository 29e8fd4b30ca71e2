//! The SPARQL 1.1 Graph Store HTTP Protocol (<https://www.w3.org/TR/sparql11-http-rdf-update/>).
//!
//! A graph is named by `?graph=IRI`, by `?default`, or by its own address below `/store/`. `?default` is the graph of
//! what was stated without a name, `urn:kenning:graph:default`, whatever the default graph of queries holds: so what was
//! put is what is got. There are no empty graphs: one that is emptied is gone.

use super::Host;
use super::access::Right;
use super::answer::{self, Asked};
use super::multipart::documents;
use super::negotiate::Accept;
use super::problem::Problem;
use super::request::{self, Parameters, Taken};
use crate::Result as Fallible;
use crate::model::{Change, Statement, term};
use crate::sparql::{Document, Limits};
use crate::vocabulary::kenning;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use oxigraph::io::RdfFormat;
use oxrdf::NamedNode;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

type Answer = Result<Response<Body>, Problem>;
type Documents = Vec<(RdfFormat, Vec<u8>)>;

/// `GET` and `HEAD`: the triples of a graph. All of them: the limit of rows is one of queries.
pub async fn get(State(host): State<Arc<Host>>, request: Request) -> Answer {
    let (parts, _) = request.into_parts();
    host.access.check(&parts.headers, Right::Read)?;
    let parameters = Parameters::of(&parts.uri);
    let graph = named(&parts, &parameters)?.ok_or_else(nameless)?;
    let all = Limits {
        rows: usize::MAX,
        ..host.bounds.limits
    };
    let asked = Asked {
        text: "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }".to_owned(),
        base: None,
        // Not by `GRAPH`: where queries see only what was stated, `urn:kenning:graph:default` is no named graph.
        graphs: [vec![graph.clone()], Vec::new()],
        limits: parameters.lower(&all)?,
        accept: Accept::of(&parts.headers),
        // The default graph is always there.
        nothing: (graph.as_str() != kenning::DEFAULT_GRAPH).then_some(absent),
    };
    answer::query(host, asked).await
}

/// `PUT`: the graph holds what the body says, and nothing else.
pub async fn put(State(host): State<Arc<Host>>, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    host.access.check(&parts.headers, Right::Write)?;
    let parameters = Parameters::of(&parts.uri);
    let graph = named(&parts, &parameters)?.ok_or_else(nameless)?;
    let limits = parameters.lower(&host.bounds.limits)?;
    let documents = received(&host, &parts, body).await?;
    let existed = replace(host, Some(documents), graph, limits).await?;
    Ok(match existed {
        true => StatusCode::NO_CONTENT.into_response(),
        false => StatusCode::CREATED.into_response(),
    })
}

/// `DELETE`: the graph is gone.
pub async fn delete(State(host): State<Arc<Host>>, request: Request) -> Answer {
    let (parts, _) = request.into_parts();
    host.access.check(&parts.headers, Right::Write)?;
    let parameters = Parameters::of(&parts.uri);
    let graph = named(&parts, &parameters)?.ok_or_else(nameless)?;
    let default = graph.as_str() == kenning::DEFAULT_GRAPH;
    let limits = parameters.lower(&host.bounds.limits)?;
    let existed = replace(host, None, graph, limits).await?;
    match existed || default {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(absent()),
    }
}

/// `POST`: the graph holds what the body says too. Without a name, a new graph does, whose name the response says.
pub async fn post(State(host): State<Arc<Host>>, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    host.access.check(&parts.headers, Right::Write)?;
    let parameters = Parameters::of(&parts.uri);
    let given = named(&parts, &parameters)?;
    let limits = parameters.lower(&host.bounds.limits)?;
    let documents = received(&host, &parts, body).await?;
    let fresh = given.is_none();
    let graph = match given {
        Some(graph) => graph,
        None => fresh_name(&parts)?,
    };
    let target = graph.clone();
    let text = format!("POST {graph}");
    let updated = answer::change(host, &text, limits, move |host, limits, cancel| {
        let Taken { body, room: _room } = documents;
        let (statements, left) = read(body, &target, limits)?;
        let changes: Vec<Change> = statements.into_iter().map(Change::Insert).collect();
        host.live.change(&changes, &left, cancel)
    });
    updated.await?;
    if !fresh {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let mut response = StatusCode::CREATED.into_response();
    if let Ok(place) = HeaderValue::from_str(graph.as_str()) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

/// Empties a graph and fills it from documents, if there are any, all in one; whether the graph was there before.
async fn replace(
    host: Arc<Host>,
    documents: Option<Taken<Documents>>,
    graph: NamedNode,
    limits: Limits,
) -> Result<bool, Problem> {
    let verb = documents.as_ref().map_or("DELETE", |_| "PUT");
    let text = format!("{verb} {graph}");
    let (tell, told) = std::sync::mpsc::channel();
    let changed = answer::change(host, &text, limits, move |host, limits, cancel| {
        // The room stays taken until all is done.
        let (documents, _room) =
            documents.map_or_else(Default::default, |sent| (sent.body, sent.room));
        let (statements, left) = read(documents, &graph, limits)?;
        let name = term::iri(graph.as_str());
        let existed = Cell::new(false);
        let updated = host.live.transact(&left, cancel, &|work| {
            existed.set(work.has_graph(&name));
            work.clear(&|graph| graph == name)?;
            statements
                .iter()
                .try_for_each(|statement| work.insert(statement))
        })?;
        // The other end is there as long as this is waited for.
        let _ = tell.send(existed.get());
        Ok(updated)
    });
    changed.await?;
    Ok(told.try_recv().unwrap_or(false))
}

async fn received(host: &Host, parts: &Parts, body: Body) -> Result<Taken<Documents>, Problem> {
    let sent = request::bytes(host, &parts.headers, body).await?;
    sent.map(|bytes| documents(&parts.headers, bytes))
}

/// The statements of documents, and what they leave of the limits.
fn read(
    documents: Documents,
    graph: &NamedNode,
    limits: &Limits,
) -> Fallible<(Vec<Statement>, Limits)> {
    let mut statements = Vec::new();
    let mut left = *limits;
    for (format, bytes) in documents {
        let document = Document {
            bytes,
            format,
            base: Some(graph.as_str().to_owned()),
        };
        statements.extend(document.statements("the body", Some(graph), &mut left.memory)?);
    }
    Ok((statements, left))
}

/// The graph that a request names; none for `/store` itself.
fn named(parts: &Parts, parameters: &Parameters) -> Result<Option<NamedNode>, Problem> {
    let graph = parameters.one("graph")?;
    match (graph, parameters.has("default")) {
        (Some(_), true) => Err(Problem::bad(
            "the request names a graph and the default graph",
        )),
        (Some(text), false) => request::iri("graph", text).map(Some),
        (None, true) => Ok(Some(NamedNode::new_unchecked(kenning::DEFAULT_GRAPH))),
        (None, false) if parts.uri.path() == "/store" => Ok(None),
        (None, false) => Ok(Some(request::address(parts, parts.uri.path())?)),
    }
}

/// An address that no graph has yet.
fn fresh_name(parts: &Parts) -> Result<NamedNode, Problem> {
    // Tells requests of one moment apart.
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let salt = format!("{} {count}", now.unwrap_or_default().as_nanos());
    let name = blake3::hash(salt.as_bytes()).to_hex();
    request::address(parts, &format!("/store/{}", &name[..20]))
}

fn nameless() -> Problem {
    Problem::bad("the request names no graph").hint("`?default` or `?graph=IRI`")
}

fn absent() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no such graph")
        .hint("`SELECT DISTINCT ?g { GRAPH ?g { } }` lists the graphs that there are")
}
