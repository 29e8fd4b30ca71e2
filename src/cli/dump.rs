use super::load::iri;
use super::printer::written;
use super::rdf::Syntax;
use super::{Outcome, Session, Verb};
use crate::engine::Snapshot;
use crate::model::{change, term};
use crate::sparql::{Cancel, Dataset, Limits, Query, Results};
use crate::vocabulary::{PREFIXES, kenning, serializer};
use crate::{Error, Result};
use oxigraph::io::WriterQuadSerializer;
use oxrdf::{GraphName, NamedNode, Quad, Term, Triple, Variable};
use std::io::Write;
use std::time::Duration;

/// Write out all that is stated, as RDF
#[derive(Debug, clap::Args)]
pub struct Dump {
    /// How it is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "nquads")]
    format: Syntax,

    /// Only this graph, without its name; `default` is what was stated without a graph name
    #[arg(long, value_name = "IRI")]
    graph: Option<String>,

    /// Virtual triples too: interactions, links, and what is known of each edge
    #[arg(long)]
    all: bool,
}

impl Verb for Dump {
    fn run(self, session: &Session) -> Result<Outcome> {
        let format = self.format.format();
        if self.graph.is_none() && !format.supports_datasets() {
            return Err(Error::usage(format!("{} has no named graphs", format.name()))
                .hint("choose one with `--graph IRI`, or write `--format nquads`, `trig` or `jsonld`"));
        }
        let snapshot = Snapshot::open(&session.project()?)?;
        let mut out = session.printer.stdout();
        let mut quads = Quads {
            serializer: serializer(format, PREFIXES).for_writer(&mut out),
            only: self.only()?,
        };
        match self.all {
            true => quads.all(&snapshot.dataset())?,
            false => quads.stated(&snapshot.dataset())?,
        }
        written(quads.serializer.finish())?;
        written(out.flush())?;
        Ok(Outcome::Done)
    }
}

impl Dump {
    fn only(&self) -> Result<Option<NamedNode>> {
        match self.graph.as_deref() {
            Some("default") => iri(kenning::DEFAULT_GRAPH).map(Some),
            graph => graph.map(iri).transpose(),
        }
    }
}

/// Where quads go. Those of the `only` graph lose its name.
struct Quads<W: Write> {
    serializer: WriterQuadSerializer<W>,
    only: Option<NamedNode>,
}

impl<W: Write> Quads<W> {
    fn stated(&mut self, dataset: &Dataset<'_>) -> Result<()> {
        let only = self.only.as_ref().map(|graph| term::iri(graph.as_str()));
        for quad in dataset.stated(&|graph| only.as_deref().is_none_or(|only| graph == only)) {
            if let Some(quad) = dataset.quad(quad) {
                self.write(quad)?;
            }
        }
        Ok(())
    }

    /// The query finds virtual triples too.
    fn all(&mut self, dataset: &Dataset<'_>) -> Result<()> {
        let pattern = match &self.only {
            Some(graph) => format!("BIND({graph} AS ?g) GRAPH {graph} {{ ?s ?p ?o }}"),
            None => "GRAPH ?g { ?s ?p ?o }".to_owned(),
        };
        let query = Query::parse(&format!("SELECT ?s ?p ?o ?g {{ {pattern} }}"), None)?;
        let unlimited = Limits {
            time: Duration::MAX,
            rows: usize::MAX,
            memory: usize::MAX,
        };
        query.run(*dataset, &unlimited, &Cancel::default(), self)
    }

    fn write(&mut self, mut quad: Quad) -> Result<()> {
        if self.only.is_some() {
            quad.graph_name = GraphName::DefaultGraph;
        }
        written(self.serializer.serialize_quad(&quad))
    }
}

impl<W: Write> Results for Quads<W> {
    fn variables(&mut self, _: &[Variable]) -> Result<()> {
        Ok(())
    }

    fn solution(&mut self, values: &[Option<Term>]) -> Result<()> {
        let [Some(s), Some(p), Some(o), Some(g)] = values else {
            return Ok(());
        };
        match change::quad([s.clone(), p.clone(), o.clone()], g.clone()) {
            Some(quad) => self.write(quad),
            None => Ok(()),
        }
    }

    fn boolean(&mut self, _: bool) -> Result<()> {
        Ok(())
    }

    fn triples(&mut self) -> Result<()> {
        Ok(())
    }

    fn triple(&mut self, _: &Triple) -> Result<()> {
        Ok(())
    }
}
