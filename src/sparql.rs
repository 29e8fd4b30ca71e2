//! The frozen graph as one RDF dataset that SPARQL can ask.
//!
//! | named graph | holds |
//! |---|---|
//! | one for each source file or document | its facts, as stated |
//! | `urn:kenning:run:…` | facts that a computation derived |
//! | `urn:kenning:rule:SET:RULE` | what a rule concluded |
//! | `kenning:interactions` | `?user kenning:interacted ?item`, one for each distinct pair; events with user, item, time, weight, basket |
//! | `kenning:links` | `?item kenning:followedBy ?item` and its sisters |
//! | `kenning:provenance` | sources, and a reifier for every edge: RDF 1.2 `rdf:reifies`, PROV-O, confidence, line |
//! | `kenning:decisions` | what was answered to whom, on what evidence, and what became of it; for queries that name it |
//!
//! The default graph is the union of all. Only facts are stored as triples; the rest is *virtual*: computed from the
//! graph's rows when a pattern asks for it. The reifier of edge `n` is `urn:kenning:edge:n`, where `n` is its
//! [`EvidenceId`](crate::model::EvidenceId); so what an answer cites can be asked for.
//!
//! What has to be computed for a query is in no named graph: `kenning:nearest`, `kenning:recommends` and `kenning:matches`
//! ([`Computed`]), and the functions `kenning:degree` and `kenning:pageRank`. The [`cookbook`] shows all of it at work.
//!
//! ```sparql
//! SELECT ?film ?source ?line WHERE { ?film schema:genre ?genre {| prov:wasDerivedFrom ?source ; kenning:line ?line |} }
//! ```
//!
//! An [`Update`] changes what is stated, never what is computed:
//!
//! | what is said without `GRAPH` | in [`View::Union`] | in [`View::Stated`] |
//! |---|---|---|
//! | `INSERT` | goes into `urn:kenning:graph:default` | the same |
//! | `DELETE` | the triple leaves every graph, for the default graph shows them all | leaves `urn:kenning:graph:default` |
//! | `CLEAR DEFAULT`, `DROP DEFAULT`, `COPY … TO DEFAULT` | empties `urn:kenning:graph:default` | the same |
//! | `COPY DEFAULT TO …`, `MOVE DEFAULT`, `ADD DEFAULT` | is refused: it would copy all graphs, virtual triples included | reads `urn:kenning:graph:default` |
//!
//! What was derived stands no longer than what its kept proof rests on: it leaves with a premise that no graph states any
//! more, and comes back with it. Rules and extractions are applied to what was inserted by the next build.
//!
//! There are no empty graphs: `CREATE` only fails if the graph states something already, and `DROP` is `CLEAR`.
//! Virtual triples can neither be inserted nor deleted; `CLEAR ALL` clears what is stated.
//!
//! # How is a query answered?
//!
//! ```text
//! text ─ guard ─► parser (spargebra) ─► syntax tree ─ translate ─► pattern over slots ─ plan ─► nodes ─ run ─► rows ─ answer ─► results
//!                                                                        ▲ estimate            ▲ scan, edges, events, paths
//! ```
//!
//! - `guard` refuses what would nest too deep for a stack, or take more memory than allowed once it is parsed; `translate` gives each variable a slot of a row and each
//!   constant its number; `pattern` knows which variables a part always binds, and where it may see the bindings of others
//!   (SPARQL is evaluated from the inside out).
//! - `plan` orders joins by the exact counts and the statistics of the frozen graph (`estimate`), tests as early as can be,
//!   makes one variable of two that a filter says are equal (`alias`), and keeps what must be evaluated by itself in tables.
//! - `run` pushes one row through the nodes: each binds what is free, hands the row on and unbinds it. So nothing is
//!   copied but what is kept on purpose, and `meter` counts what is kept: every step may end the query, by time, memory or
//!   cancellation.
//!
//! # Why an evaluator of our own?
//!
//! The general one (spareval) evaluates expressions here, where they are rare, and was the first evaluator of this room.
//! It knows no statistics, so an unlucky order of joins costs a thousandfold; it cannot be stopped inside a product or
//! an unbounded path, nor told how much memory it may take, so one query could stop a server; and searches that need one
//! side bound need a planner that knows. What it answers is the measure all the same: the W3C's suites and random queries
//! are run on both. `benches/README.md` has the figures.

mod aggregate;
mod alias;
mod answer;
mod computed;
pub mod cookbook;
mod decisions;
mod edges;
mod estimate;
mod events;
mod explain;
mod expression;
mod functions;
mod guard;
mod ids;
mod meter;
mod paths;
mod pattern;
mod plain;
mod plan;
mod results;
mod run;
mod scan;
mod stated;
mod template;
mod transaction;
mod translate;
mod triple;
mod update;
mod value;
mod walk;

pub use crate::model::Cancel;
pub use computed::{Computed, Hit, MATCHES, NEAREST, RECOMMENDED};
pub use decisions::{Decisions, fact_term};
pub use explain::Explanation;
pub use functions::Pattern as TextPattern;
pub use ids::Id;
pub use paths::Path;
pub use results::{Collected, Format, Results, Writer, too_many};
pub use scan::{Flow, Halt};
pub use transaction::{Effect, Transaction};
pub use triple::triple;
pub use update::{Document, Update, no_loads};
pub use value::is_well_formed;
pub use walk::Walker;

use crate::graph::Graph;
use crate::graph::changes::Changes;
use crate::vocabulary::PREFIXES;
use crate::{Error, Result};
use oxrdf::Term;
use spargebra::SparqlParser;
use std::sync::LazyLock;
use std::time::Duration;

/// What a query sees: a frozen graph, what changed since, and which of it is in the default graph.
#[derive(Clone, Copy)]
pub struct Dataset<'a> {
    /// The frozen graph.
    pub graph: &'a Graph,
    /// What changed since.
    pub changes: &'a Changes,
    /// What the default graph holds.
    pub view: View,
    /// What is computed from beyond the graph's rows; without it, queries that search fail.
    pub computed: Option<&'a dyn Computed>,
}

/// What the default graph holds, and whether virtual triples exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// The default graph is the union of all graphs, those of virtual triples included.
    #[default]
    Union,
    /// Exactly what was stated: the default graph holds what was stated without a graph name, and nothing is virtual.
    Stated,
}

impl<'a> Dataset<'a> {
    /// All of `graph` and its changes.
    pub fn new(graph: &'a Graph, changes: &'a Changes) -> Self {
        Self {
            graph,
            changes,
            view: View::Union,
            computed: None,
        }
    }

    /// The encoded term of a number.
    pub fn term(&self, number: u32) -> &'a str {
        match self.changes.term(number) {
            Some(term) => term,
            None => self.graph.term(number),
        }
    }

    /// The number of an encoded term.
    pub fn find(&self, encoded: &str) -> Option<u32> {
        let number = self.graph.find(encoded);
        number.or_else(|| self.changes.find(encoded))
    }
}

/// Bounds of one query.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// It is stopped after this time.
    pub time: Duration,
    /// It fails when it has more rows or triples than this.
    pub rows: usize,
    /// It fails when what it has to remember takes more bytes than this.
    pub memory: usize,
}

/// Which bound was met: the source of a `Budget` error, for those who know better than it what can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// [`Limits::time`].
    Time,
    /// [`Limits::rows`].
    Rows,
    /// [`Limits::memory`].
    Memory,
    /// The length of a text.
    Text,
}

impl Bound {
    /// The bound that an error tells of.
    pub fn of(error: &Error) -> Option<Self> {
        std::error::Error::source(error)?.downcast_ref().copied()
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Time => "its time is over",
            Self::Rows => "it has too many rows",
            Self::Memory => "it needs too much memory",
            Self::Text => "its text is too long",
        })
    }
}

impl std::error::Error for Bound {}

/// A parsed query.
#[derive(Clone, Debug)]
pub struct Query {
    pub(crate) algebra: spargebra::Query,
    /// Whether it names decisions, or what only they have.
    asks_for_decisions: bool,
}

impl Query {
    /// Parses a query. The prefixes of [`PREFIXES`] are known; relative IRIs are resolved against `base`.
    ///
    /// # Errors
    /// `Input` if it is not SPARQL.
    pub fn parse(text: &str, base: Option<&str>) -> Result<Self> {
        Self::parse_within(text, base, usize::MAX)
    }

    /// Parses a query that nobody vouches for: the tree of it may take so many bytes of `memory`.
    ///
    /// # Errors
    /// Those of [`Query::parse`], and `Budget` if it has too many tokens for that.
    pub fn parse_within(text: &str, base: Option<&str>, memory: usize) -> Result<Self> {
        guard::check(text, memory)?;
        let algebra = parser(base)?.parse_query(text).map_err(|e| {
            Error::input(format!(
                "this is not a SPARQL query: {}",
                brief(&e.to_string())
            ))
            .hint("`kenning query 'SELECT * { ?s ?p ?o } LIMIT 10'`")
        })?;
        Ok(Self {
            asks_for_decisions: decisions::are_asked_for(&algebra),
            algebra,
        })
    }

    /// The query of an update: it sees no decisions, so that none is copied into what is stated.
    fn of_update(algebra: spargebra::Query) -> Self {
        Self {
            algebra,
            asks_for_decisions: false,
        }
    }

    /// Replaces the dataset that the query names (`FROM`), as the protocol's `default-graph-uri` and `named-graph-uri` do.
    pub fn with_dataset(
        mut self,
        default: Vec<oxrdf::NamedNode>,
        named: Vec<oxrdf::NamedNode>,
    ) -> Self {
        use spargebra::Query::{Ask, Construct, Describe, Select};
        let (Select { dataset, .. }
        | Construct { dataset, .. }
        | Describe { dataset, .. }
        | Ask { dataset, .. }) = &mut self.algebra;
        *dataset = Some(spargebra::algebra::QueryDataset {
            default,
            named: Some(named),
        });
        self
    }

    /// Whether the results are triples: `CONSTRUCT` or `DESCRIBE`.
    pub fn gives_triples(&self) -> bool {
        matches!(
            self.algebra,
            spargebra::Query::Construct { .. } | spargebra::Query::Describe { .. }
        )
    }

    /// Evaluates the query and hands what it finds to `results`.
    pub fn run(
        &self,
        dataset: Dataset<'_>,
        limits: &Limits,
        cancel: &Cancel,
        results: &mut dyn Results,
    ) -> Result<()> {
        self.bind(&[]).run(dataset, limits, cancel, results)
    }

    /// The same query with values for some of its variables: each stands for its term wherever it is read, in subqueries
    /// too (as SHACL §5.1 pre-binds variables).
    pub fn bind<'q>(&'q self, values: &'q [(String, Term)]) -> BoundQuery<'q> {
        BoundQuery {
            query: self,
            values,
        }
    }

    /// Evaluates the query, drops what it finds, and tells how it was done.
    pub fn explain(
        &self,
        dataset: Dataset<'_>,
        limits: &Limits,
        cancel: &Cancel,
    ) -> Result<Explanation> {
        answer::explained(self, dataset, (limits, cancel))
    }
}

/// A query some of whose variables have values already.
#[derive(Clone, Copy, Debug)]
pub struct BoundQuery<'q> {
    query: &'q Query,
    values: &'q [(String, Term)],
}

impl BoundQuery<'_> {
    /// Evaluates the query and hands what it finds to `results`; a bound variable that it selects has no value there.
    pub fn run(
        &self,
        dataset: Dataset<'_>,
        limits: &Limits,
        cancel: &Cancel,
        results: &mut dyn Results,
    ) -> Result<()> {
        answer::answer(
            (self.query, self.values),
            dataset,
            (limits, cancel),
            results,
        )
    }
}

impl Dataset<'_> {
    /// Parses and evaluates a query, and keeps all that it finds.
    pub fn ask(&self, query: &str, limits: &Limits) -> Result<Collected> {
        let mut found = Collected::default();
        let query = Query::parse(query, None)?;
        query.run(*self, limits, &Cancel::default(), &mut found)?;
        Ok(found)
    }
}

/// A parser that knows the usual prefixes.
pub(crate) fn parser(base: Option<&str>) -> Result<SparqlParser> {
    // None of the prefixes is malformed: a test parses each.
    static PREFIXED: LazyLock<SparqlParser> = LazyLock::new(|| {
        let parser = |parser: SparqlParser, &(prefix, namespace): &(&str, &str)| {
            parser.with_prefix(prefix, namespace).unwrap_or_default()
        };
        PREFIXES.iter().fold(SparqlParser::new(), parser)
    });
    let parser = PREFIXED.clone();
    let Some(base) = base else {
        return Ok(parser);
    };
    let bad = |e| Error::usage(format!("`{base}` is not a base IRI: {e}"));
    parser.with_base_iri(base).map_err(bad)
}

/// What a parser says, without the list of all that it would have taken: that is long, and in another order each time.
pub(crate) fn brief(message: &str) -> &str {
    message
        .split_once(": expected ")
        .map_or(message, |(place, _)| place)
}

/// The error of a query that took more than its time.
pub fn too_slow(time: Duration) -> Error {
    Error::budget(format!(
        "the query was stopped after {} s",
        time.as_secs_f64()
    ))
    .because(Bound::Time)
    .hint("ask for less, or give it more time with `--timeout SECONDS`")
}
