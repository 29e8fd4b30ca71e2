//! Runs what was asked on a thread of the pool.

use super::Host;
use super::metrics::Outcome;
use super::negotiate::{Accept, SOLUTIONS, TRIPLES};
use super::pool::{Job, Kind, Ticket};
use super::problem::Problem;
use super::stream::{Document, Pipe, broken, mark, pipe};
use crate::Result as Fallible;
use crate::engine::Updated;
use crate::sparql::{Cancel, Format, Limits, Query, Results, Writer};
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use oxrdf::{NamedNode, Term, Triple, Variable};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A query with its circumstances.
pub struct Asked {
    /// The query.
    pub text: String,
    /// What its relative IRIs are resolved against.
    pub base: Option<String>,
    /// The dataset that replaces the query's own, unless both are empty: default graphs, named graphs.
    pub graphs: [Vec<NamedNode>; 2],
    /// How much it may take.
    pub limits: Limits,
    /// How results may be written.
    pub accept: Accept,
    /// What is wrong if nothing is found, if that is wrong.
    pub nothing: Option<fn() -> Problem>,
}

/// Answers a query.
pub async fn query(host: Arc<Host>, asked: Asked) -> Result<Response<Body>, Problem> {
    let slot = host.pool.enter(Kind::Query, asked.limits.time).await?;
    let ticket = host.pool.begin(slot, &asked.text);
    let (pipe, outlet) = pipe(&ticket, asked.limits.time);
    tokio::task::spawn_blocking(move || find(&host, &asked, ticket, pipe));
    outlet.response().await
}

fn find(host: &Host, asked: &Asked, mut ticket: Ticket, mut pipe: Pipe) {
    let job = Arc::clone(&ticket.job);
    let mut document = None;
    match evaluate(host, asked, &job, &mut pipe, &mut document) {
        Ok(()) => {
            ticket.outcome = Outcome::Done;
            pipe.end(ticket);
        }
        Err(problem) => {
            ticket.outcome = outcome(&problem);
            let mark = document.map(|document| mark(document, problem.detail()));
            pipe.fail(problem, &mark.unwrap_or_default(), ticket);
        }
    }
}

fn evaluate(
    host: &Host,
    asked: &Asked,
    job: &Job,
    pipe: &mut Pipe,
    document: &mut Option<Document>,
) -> Result<(), Problem> {
    let failed = |error| job.problem(error, &host.bounds);
    let query = prepared(asked).map_err(failed)?;
    let mut format = Format {
        solutions: SOLUTIONS[0].1,
        triples: TRIPLES[0].1,
    };
    if query.gives_triples() {
        let (media, triples) = asked.accept.choose(TRIPLES)?;
        format.triples = triples;
        pipe.announce(media);
    } else {
        let (media, solutions) = asked.accept.choose(SOLUTIONS)?;
        format.solutions = solutions;
        pipe.announce(media);
    }
    let mut sink = Sink {
        writer: Writer::new(pipe, format),
        format,
        job,
        document,
    };
    let snapshot = host.live.current();
    let dataset = host.live.dataset(&snapshot);
    let done = query.run(dataset, &asked.limits, &job.cancel, &mut sink);
    let nothing = asked
        .nothing
        .filter(|_| job.rows.load(Ordering::Relaxed) == 0);
    match (done, nothing) {
        (Err(error), _) => Err(failed(error)),
        (Ok(()), Some(nothing)) => Err(nothing()),
        (Ok(()), None) => {
            let finished = sink.writer.finish();
            finished.map_err(failed)
        }
    }
}

/// Writes results, counts them, and remembers what is being written.
struct Sink<'a> {
    writer: Writer<&'a mut Pipe>,
    format: Format,
    job: &'a Job,
    document: &'a mut Option<Document>,
}

impl Sink<'_> {
    fn count(&self) {
        self.job.rows.fetch_add(1, Ordering::Relaxed);
    }
}

impl Results for Sink<'_> {
    fn boolean(&mut self, value: bool) -> Fallible<()> {
        self.count();
        self.writer.boolean(value)
    }

    fn variables(&mut self, variables: &[Variable]) -> Fallible<()> {
        *self.document = Some(Document::Solutions(self.format.solutions, variables.len()));
        self.writer.variables(variables)
    }

    fn solution(&mut self, values: &[Option<Term>]) -> Fallible<()> {
        self.count();
        self.writer.solution(values)
    }

    fn triples(&mut self) -> Fallible<()> {
        *self.document = Some(Document::Triples(self.format.triples));
        self.writer.triples()
    }

    fn triple(&mut self, triple: &Triple) -> Fallible<()> {
        self.count();
        self.writer.triple(triple)
    }
}

/// Tells how a query is done, instead of what it finds.
pub async fn explain(host: Arc<Host>, asked: Asked) -> Result<Response<Body>, Problem> {
    let (text, limits) = (asked.text.clone(), asked.limits);
    let work = move |host: &Host, limits: &Limits, job: &Job| {
        let snapshot = host.live.current();
        let dataset = host.live.dataset(&snapshot);
        prepared(&asked)?.explain(dataset, limits, &job.cancel)
    };
    let plan = job(host, (Kind::Query, &text), limits, work).await?;
    Ok(json(&serde_json::json!({ "plan": plan })))
}

/// Makes a change. When this returns, it is on the disk and the next query sees it.
pub async fn change<W>(
    host: Arc<Host>,
    text: &str,
    limits: Limits,
    work: W,
) -> Result<Updated, Problem>
where
    W: FnOnce(&Host, &Limits, &Cancel) -> Fallible<Updated> + Send + 'static,
{
    let work = move |host: &Host, limits: &_, job: &Job| work(host, limits, &job.cancel);
    job(host, (Kind::Update, text), limits, work).await
}

/// Does work within the limits, on a thread of the pool.
pub async fn job<T, W>(
    host: Arc<Host>,
    (kind, text): (Kind, &str),
    limits: Limits,
    work: W,
) -> Result<T, Problem>
where
    W: FnOnce(&Host, &Limits, &Job) -> Fallible<T> + Send + 'static,
    T: Send + 'static,
{
    let slot = host.pool.enter(kind, limits.time).await?;
    let ticket = host.pool.begin(slot, text);
    let _watch = ticket.watch();
    let done = tokio::task::spawn_blocking(move || {
        let mut ticket = ticket;
        let done = work(&host, &limits, &ticket.job);
        let done = done.map_err(|error| ticket.job.problem(error, &host.bounds));
        ticket.outcome = match &done {
            Ok(_) => Outcome::Done,
            Err(problem) => outcome(problem),
        };
        done
    });
    done.await.unwrap_or_else(|_| Err(broken()))
}

fn prepared(asked: &Asked) -> Fallible<Query> {
    let query = Query::parse_within(&asked.text, asked.base.as_deref(), asked.limits.memory)?;
    let [default, named] = &asked.graphs;
    match default.is_empty() && named.is_empty() {
        true => Ok(query),
        false => Ok(query.with_dataset(default.clone(), named.clone())),
    }
}

/// A response of JSON.
pub fn json(value: &serde_json::Value) -> Response<Body> {
    let media = [(CONTENT_TYPE, "application/json")];
    (media, value.to_string()).into_response()
}

fn outcome(problem: &Problem) -> Outcome {
    match problem.status {
        StatusCode::GATEWAY_TIMEOUT | StatusCode::UNPROCESSABLE_ENTITY => Outcome::Limited,
        _ => Outcome::Failed,
    }
}
