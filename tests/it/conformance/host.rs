//! The engines that the tests run on: Kenning, with the data laid out in several ways, and oxigraph's store.

use super::answer::row;
use super::matching::Row;
use kenning::graph::Graph;
use kenning::graph::changes::Changes;
use kenning::graph::freeze::freeze_quads;
use kenning::model::term;
use kenning::sparql::{
    Cancel, Collected, Dataset, Format, Limits, Query, Update, View, Writer, no_loads,
};
use kenning::vocabulary::kenning as names;
use oxigraph::io::RdfSerializer;
use oxigraph::model::{GraphName, Quad};
use oxigraph::sparql::results::QueryResultsSerializer;
use oxigraph::sparql::{PreparedSparqlQuery, PreparedSparqlUpdate, QueryResults, SparqlEvaluator};
use oxigraph::store::Store;
use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const LIMITS: Limits = Limits {
    time: Duration::from_secs(20),
    rows: 1_000_000,
    memory: 1 << 28,
};

/// All that is stated, with its graph.
const ALL: &str = "SELECT ?s ?p ?o ?g { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }";

/// A query or an update, and what its relative IRIs are resolved against.
pub struct Request<'a> {
    /// SPARQL.
    pub text: &'a str,
    /// An IRI.
    pub base: String,
}

/// What can run tests.
pub trait Host {
    /// Whether it takes the query for one.
    fn check_query(&self, query: &Request<'_>) -> Result<(), String>;
    /// Whether it takes the update for one.
    fn check_update(&self, update: &Request<'_>) -> Result<(), String>;
    /// The results over `data`, as a document.
    fn query(&self, data: &[Quad], query: &Request<'_>, format: Format) -> Result<Vec<u8>, String>;
    /// The quads that are there after the update of `data`.
    fn update(&self, data: &[Quad], update: &Request<'_>) -> Result<Vec<Row>, String>;
}

/// Where Kenning has the data.
#[derive(Clone, Copy, Debug)]
pub enum Layout {
    /// All of it in the frozen graph.
    Frozen,
    /// All of it among the changes to an empty graph.
    Changed,
    /// Every other quad in the graph, the rest among the changes, which also remove what was never in the data.
    Mixed,
}

impl Layout {
    /// All layouts.
    pub const ALL: [Self; 3] = [Self::Frozen, Self::Changed, Self::Mixed];
}

/// Kenning, in the strict view.
pub struct Kenning(pub Layout);

impl Kenning {
    /// The data as a graph and its changes.
    pub fn load(&self, data: &[Quad]) -> Result<(Arc<Graph>, Changes), String> {
        let data: Vec<[String; 4]> = data.iter().map(encode).collect();
        let decoy = |[s, p, o, _]: &[String; 4]| {
            let (s, p, o) = (s.clone(), p.clone(), o.clone());
            [s, p, o, term::iri("urn:x-test:decoy")]
        };
        let decoys: Vec<[String; 4]> = match self.0 {
            Layout::Mixed => data.iter().map(decoy).collect(),
            _ => Vec::new(),
        };
        let (frozen, added): (Vec<_>, Vec<_>) = match self.0 {
            Layout::Frozen => (data, Vec::new()),
            Layout::Changed => (Vec::new(), data),
            Layout::Mixed => {
                let mut number = 0;
                data.into_iter().partition(|_| {
                    number += 1;
                    number % 2 == 0
                })
            }
        };
        let graph = match self.0 {
            Layout::Changed => empty(),
            _ => freeze(frozen.iter().chain(&decoys)).map_err(|e| format!("{e:?}"))?,
        };
        let mut changes = Changes::none(&graph);
        for quad in &added {
            changes.insert(&graph, quad.each_ref().map(String::as_str));
        }
        for quad in &decoys {
            changes.remove(&graph, quad.each_ref().map(String::as_str));
        }
        Ok((graph, changes))
    }
}

fn freeze<'a>(quads: impl Iterator<Item = &'a [String; 4]>) -> kenning::Result<Arc<Graph>> {
    let quads = quads.cloned().map(|[s, p, o, g]| ([s, p, o], g));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("graph");
    freeze_quads(&quads.collect::<Vec<_>>(), &file)?;
    Graph::open(&file).map(Arc::new)
}

fn empty() -> Arc<Graph> {
    static EMPTY: OnceLock<Arc<Graph>> = OnceLock::new();
    EMPTY.get_or_init(|| freeze([].iter()).unwrap()).clone()
}

fn encode(quad: &Quad) -> [String; 4] {
    let graph = match &quad.graph_name {
        GraphName::NamedNode(node) => term::iri(node.as_str()),
        GraphName::BlankNode(node) => term::encode(&node.clone().into()),
        GraphName::DefaultGraph => term::iri(names::DEFAULT_GRAPH),
    };
    let subject = term::encode(&quad.subject.clone().into());
    let predicate = term::iri(quad.predicate.as_str());
    [subject, predicate, term::encode(&quad.object), graph]
}

/// The strict view of a graph and its changes.
pub fn stated<'a>(graph: &'a Graph, changes: &'a Changes) -> Dataset<'a> {
    Dataset {
        computed: None,
        graph,
        changes,
        view: View::Stated,
    }
}

impl Host for Kenning {
    fn check_query(&self, query: &Request<'_>) -> Result<(), String> {
        let parsed = Query::parse(query.text, Some(&query.base));
        parsed.map(drop).map_err(|e| format!("{e:?}"))
    }

    fn check_update(&self, update: &Request<'_>) -> Result<(), String> {
        let parsed = Update::parse(update.text, Some(&update.base));
        parsed.map(drop).map_err(|e| format!("{e:?}"))
    }

    fn query(&self, data: &[Quad], query: &Request<'_>, format: Format) -> Result<Vec<u8>, String> {
        let (graph, changes) = self.load(data)?;
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, format);
        Query::parse(query.text, Some(&query.base))
            .and_then(|query| {
                let dataset = stated(&graph, &changes);
                query.run(dataset, &LIMITS, &Cancel::default(), &mut writer)
            })
            .and_then(|()| writer.finish())
            .map_err(|e| format!("{e:?}"))?;
        Ok(out)
    }

    fn update(&self, data: &[Quad], update: &Request<'_>) -> Result<Vec<Row>, String> {
        let (graph, changes) = self.load(data)?;
        let mut after = Collected::default();
        Update::parse(update.text, Some(&update.base))
            .and_then(|update| {
                let dataset = stated(&graph, &changes);
                update.run(dataset, &LIMITS, &Cancel::default(), &no_loads)
            })
            .and_then(|effect| {
                let dataset = stated(&graph, &effect.changes);
                let all = Query::parse(ALL, None)?;
                all.run(dataset, &LIMITS, &Cancel::default(), &mut after)
            })
            .map_err(|e| format!("{e:?}"))?;
        Ok(after.solutions)
    }
}

fn write(results: QueryResults<'_>, format: Format) -> Result<Vec<u8>, Box<dyn Error>> {
    let serializer = QueryResultsSerializer::from_format(format.solutions);
    match results {
        QueryResults::Boolean(value) => {
            Ok(serializer.serialize_boolean_to_writer(Vec::new(), value)?)
        }
        QueryResults::Solutions(solutions) => {
            let variables = solutions.variables().to_vec();
            let mut writer = serializer.serialize_solutions_to_writer(Vec::new(), variables)?;
            for solution in solutions {
                writer.serialize(solution?.iter())?;
            }
            Ok(writer.finish()?)
        }
        QueryResults::Graph(triples) => {
            let mut writer = RdfSerializer::from_format(format.triples).for_writer(Vec::new());
            for triple in triples {
                writer.serialize_triple(&triple?)?;
            }
            Ok(writer.finish()?)
        }
    }
}

/// oxigraph's store in memory.
pub struct Oxigraph;

impl Oxigraph {
    fn load(data: &[Quad]) -> Result<Store, String> {
        let store = Store::new().map_err(|e| e.to_string())?;
        store.extend(data.to_vec()).map_err(|e| e.to_string())?;
        Ok(store)
    }

    fn evaluator(request: &Request<'_>) -> Result<SparqlEvaluator, String> {
        let evaluator = SparqlEvaluator::new().with_base_iri(&request.base);
        evaluator.map_err(|e| e.to_string())
    }

    fn prepare(query: &Request<'_>) -> Result<PreparedSparqlQuery, String> {
        let parsed = Self::evaluator(query)?.parse_query(query.text);
        parsed.map_err(|e| e.to_string())
    }

    fn prepare_update(update: &Request<'_>) -> Result<PreparedSparqlUpdate, String> {
        let parsed = Self::evaluator(update)?.parse_update(update.text);
        parsed.map_err(|e| e.to_string())
    }
}

impl Host for Oxigraph {
    fn check_query(&self, query: &Request<'_>) -> Result<(), String> {
        Self::prepare(query).map(drop)
    }

    fn check_update(&self, update: &Request<'_>) -> Result<(), String> {
        Self::prepare_update(update).map(drop)
    }

    fn query(&self, data: &[Quad], query: &Request<'_>, format: Format) -> Result<Vec<u8>, String> {
        let store = Self::load(data)?;
        let results = Self::prepare(query)?.on_store(&store).execute();
        let results = results.map_err(|e| e.to_string())?;
        write(results, format).map_err(|e| e.to_string())
    }

    fn update(&self, data: &[Quad], update: &Request<'_>) -> Result<Vec<Row>, String> {
        let store = Self::load(data)?;
        let done = Self::prepare_update(update)?.on_store(&store).execute();
        done.map_err(|e| e.to_string())?;
        let quads: Result<Vec<Quad>, _> = store.iter().collect();
        Ok(quads.map_err(|e| e.to_string())?.iter().map(row).collect())
    }
}
