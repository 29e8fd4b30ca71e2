//! The frozen graph as one RDF dataset that SPARQL can ask.
//!
//! | named graph | holds |
//! |---|---|
//! | one for each source file or document | its facts, as stated |
//! | `urn:kenning:run:…` | facts that a computation derived |
//! | `kenning:interactions` | `?user kenning:interacted ?item`, one for each distinct pair |
//! | `kenning:links` | `?item kenning:followedBy ?item` and its sisters |
//! | `kenning:provenance` | sources, and a reifier for every edge: RDF 1.2 `rdf:reifies`, PROV-O, confidence, line |
//!
//! The default graph is the union of all. Only facts are stored as triples; the rest is *virtual*: computed from the
//! graph's rows when a pattern asks for it. The reifier of edge `n` is `urn:kenning:edge:n`, where `n` is its
//! [`EvidenceId`](crate::model::EvidenceId); so what an answer cites can be asked for:
//!
//! ```sparql
//! SELECT ?film ?source ?line WHERE { ?film schema:genre ?genre {| prov:wasDerivedFrom ?source ; kenning:line ?line |} }
//! ```

mod dataset;
mod edges;
mod output;

pub use dataset::GraphDataset;
pub use output::{Format, too_many, write};

use crate::graph::Graph;
use crate::vocabulary::PREFIXES;
use crate::{Error, Result};
use oxigraph::sparql::{CancellationToken, QueryResults, SparqlEvaluator};
use std::time::Duration;

/// Bounds of one query.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// It is cancelled after this time.
    pub time: Duration,
    /// It fails when it has more rows or triples than this.
    pub rows: usize,
}

/// What a parser says, without the list of all that it would have taken: that is long, and in another order each time.
fn brief(message: &str) -> &str {
    message
        .split_once(": expected ")
        .map_or(message, |(place, _)| place)
}

/// Evaluates a query and hands its results to `consume`. The prefixes of [`PREFIXES`] are known.
///
/// `SERVICE` is refused: nothing leaves this machine because of a query.
///
/// The time limit is heeded wherever the evaluator reads the graph. A product of patterns that share no variable is
/// worked off in memory without reading, so such a query can outlast its limit; the command line then ends the program.
pub fn query<T>(
    graph: &Graph,
    text: &str,
    limits: Limits,
    consume: impl FnOnce(QueryResults<'_>) -> Result<T>,
) -> Result<T> {
    let token = CancellationToken::new();
    let mut evaluator = SparqlEvaluator::new().with_cancellation_token(token.clone());
    for (prefix, namespace) in PREFIXES {
        evaluator = evaluator
            .with_prefix(*prefix, *namespace)
            .map_err(|e| Error::usage(format!("the prefix `{prefix}` is not an IRI: {e}")))?;
    }
    let prepared = evaluator.parse_query(text).map_err(|e| {
        Error::input(format!(
            "this is not a SPARQL query: {}",
            brief(&e.to_string())
        ))
        .hint("`kenning query 'SELECT * { ?s ?p ?o } LIMIT 10'`")
    })?;
    let watch = Watch::start(limits.time, token.clone());
    let results = prepared
        .on_queryable_dataset(GraphDataset::cancellable(graph, token.clone()))
        .execute()
        .map_err(|e| Error::input(format!("the query failed: {e}")));
    let outcome = results.and_then(consume);
    watch.stop();
    match outcome {
        Err(error) if token.is_cancelled() => Err(too_slow(limits.time).because(error)),
        outcome => outcome,
    }
}

/// The error of a query that took more than its time.
pub fn too_slow(time: Duration) -> Error {
    Error::budget(format!(
        "the query was stopped after {} s",
        time.as_secs_f64()
    ))
    .hint("ask for less, or give it more time with `--timeout SECONDS`")
}

/// Cancels a query when its time is over; a thread that sleeps until then or until the query is done.
struct Watch {
    done: std::sync::mpsc::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl Watch {
    fn start(time: Duration, token: CancellationToken) -> Self {
        let (done, finished) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let timeout = std::sync::mpsc::RecvTimeoutError::Timeout;
            if finished.recv_timeout(time) == Err(timeout) {
                token.cancel();
            }
        });
        Self { done, thread }
    }

    fn stop(self) {
        drop(self.done);
        self.thread.join().ok();
    }
}
