//! How many triples the dataset has. Queries count them, so that what is described is what queries find: virtual triples
//! and changes included, and a statement of two graphs once.

use crate::engine::{Mark, Snapshot};
use crate::server::Host;
use crate::server::answer;
use crate::server::pool::{Job, Kind, crowded};
use crate::server::problem::Problem;
use crate::sparql::{Cancel, Collected, Dataset, Limits, Query};
use crate::{Error, Result};
use oxrdf::Term;
use std::cmp::Reverse;
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::time::timeout;

const PROPERTIES: &str = "SELECT ?x (COUNT(*) AS ?n) { ?s ?x ?o } GROUP BY ?x";
const GRAPHS: &str = "SELECT ?x (COUNT(*) AS ?n) { GRAPH ?x { ?s ?p ?o } } GROUP BY ?x";

/// The counts of one snapshot.
pub struct Counts {
    /// Triples of each property of the default graph, the most frequent first.
    pub properties: Vec<(String, u64)>,
    /// Triples of each named graph, the largest first.
    pub graphs: Vec<(String, u64)>,
}

impl Counts {
    /// Triples of the default graph.
    pub fn triples(&self) -> u64 {
        self.properties.iter().map(|(_, count)| count).sum()
    }

    fn of(dataset: Dataset<'_>, limits: &Limits, cancel: &Cancel) -> Result<Self> {
        Ok(Self {
            properties: counted(PROPERTIES, dataset, limits, cancel)?,
            graphs: counted(GRAPHS, dataset, limits, cancel)?,
        })
    }
}

fn counted(
    text: &str,
    dataset: Dataset<'_>,
    limits: &Limits,
    cancel: &Cancel,
) -> Result<Vec<(String, u64)>> {
    let mut found = Collected::default();
    Query::parse(text, None)?.run(dataset, limits, cancel, &mut found)?;
    let pairs = found.solutions.into_iter().map(|row| match &row[..] {
        [Some(Term::NamedNode(name)), Some(Term::Literal(count))] => {
            let count = count.value().parse().map_err(|_| uncounted())?;
            Ok((name.as_str().to_owned(), count))
        }
        _ => Err(uncounted()),
    });
    let mut pairs = pairs.collect::<Result<Vec<_>>>()?;
    pairs.sort_unstable_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
    Ok(pairs)
}

fn uncounted() -> Error {
    Error::corrupt("a count of triples is no number of an IRI")
}

/// The counts of the newest snapshot that was asked for: they look at every triple.
#[derive(Default)]
pub struct Counted(Mutex<Option<(Mark, Arc<Counts>)>>);

impl Counted {
    /// The counts of what is there now, worked out as a job of the pool unless they are known.
    pub async fn now(&self, host: &Arc<Host>) -> Result<Arc<Counts>, Problem> {
        let limits = Limits {
            rows: usize::MAX,
            ..host.bounds.limits
        };
        // Who comes while somebody counts waits for the same counts.
        let Ok(mut known) = timeout(limits.time, self.0.lock()).await else {
            return Err(crowded("others wait for the same description"));
        };
        let snapshot = host.live.current();
        let mark = snapshot.mark();
        if let Some((last, counts)) = &*known
            && *last == mark
        {
            return Ok(Arc::clone(counts));
        }
        let text = format!("{PROPERTIES}\n{GRAPHS}");
        let work = move |host: &Host, limits: &Limits, job: &Job| {
            let shown: &Snapshot = &snapshot;
            Counts::of(host.live.dataset(shown), limits, &job.cancel)
        };
        let counts = answer::job(Arc::clone(host), (Kind::Query, &text), limits, work).await?;
        let counts = Arc::new(counts);
        *known = Some((mark, Arc::clone(&counts)));
        Ok(counts)
    }
}
