use super::{Outcome, Session, Table, Verb, printer};
use crate::config::{Layers, QuerySettings};
use crate::engine::{self, Snapshot, limits};
use crate::sparql::{self, Cancel, Collected};
use crate::vocabulary::shorten;
use crate::Result;
use oxigraph::io::RdfFormat;
use oxigraph::model::Term;
use oxigraph::sparql::results::QueryResultsFormat;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

/// Ask the graph in SPARQL
#[derive(Debug, clap::Args)]
pub struct Query {
    #[command(flatten)]
    question: Question,

    /// How the results are written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Format,
}

/// A query as it is typed, and its limits.
#[derive(Debug, clap::Args)]
pub(super) struct Question {
    /// The query; `-` reads it from standard input. Usual prefixes (kenning, schema, skos, prov, …) are known
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    query: Option<String>,

    /// Read the query from FILE
    #[arg(short, long)]
    file: Option<PathBuf>,

    /// Stop the query after SECONDS
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,

    /// Fail when the results have more rows than N
    #[arg(long, value_name = "N")]
    max_rows: Option<usize>,
}

/// Result formats: `table` for people, the others as their standards say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Columns for people; triples as N-Triples
    #[default]
    Table,
    /// SPARQL 1.1 Query Results JSON; triples as JSON-LD
    Json,
    /// SPARQL 1.1 Query Results CSV; triples as N-Triples
    Csv,
    /// SPARQL 1.1 Query Results TSV; triples as N-Triples
    Tsv,
    /// SPARQL Query Results XML; triples as RDF/XML
    Xml,
    /// Triples as Turtle; rows as TSV
    Turtle,
    /// Triples as N-Triples; rows as TSV
    Ntriples,
}

impl Format {
    fn standard(self) -> sparql::Format {
        let (solutions, triples) = match self {
            Self::Json => (QueryResultsFormat::Json, RdfFormat::JsonLd { profile: Default::default() }),
            Self::Csv => (QueryResultsFormat::Csv, RdfFormat::NTriples),
            Self::Tsv | Self::Table | Self::Ntriples => (QueryResultsFormat::Tsv, RdfFormat::NTriples),
            Self::Xml => (QueryResultsFormat::Xml, RdfFormat::RdfXml),
            Self::Turtle => (QueryResultsFormat::Tsv, RdfFormat::Turtle),
        };
        sparql::Format { solutions, triples }
    }
}

impl Verb for Query {
    fn run(self, session: &Session) -> Result<Outcome> {
        let project = session.project_with(self.question.layers(Layers::from_environment()))?;
        let snapshot = Snapshot::open(&project)?;
        let settings = &project.settings().query;
        let limits = limits(settings);
        let query = self.question.query(session, settings)?;
        let cancel = Cancel::default();
        let dataset = snapshot.dataset();
        if self.format == Format::Table && !query.gives_triples() {
            let mut found = Collected::default();
            query.run(dataset, &limits, &cancel, &mut found)?;
            show(session, found)?;
        } else {
            let mut out = session.printer.stdout();
            let mut writer = sparql::Writer::new(&mut out, self.format.standard());
            let found = query.run(dataset, &limits, &cancel, &mut writer);
            found.and_then(|()| writer.finish()).map_err(printer::told)?;
            printer::written(out.flush())?;
        }
        Ok(Outcome::Done)
    }
}

fn show(session: &Session, found: Collected) -> Result<()> {
    if let Some(answer) = found.boolean {
        return session.printer.data(if answer { "yes" } else { "no" });
    }
    let names = found.variables.iter().map(|v| v.as_str().to_owned());
    let mut table = Table::new("rows", names.collect::<Vec<_>>());
    for solution in &found.solutions {
        table.row(solution.iter().map(cell).collect::<Vec<_>>());
    }
    session.printer.table(&table, super::Format::Table)
}

impl Question {
    /// The limits that were typed, over the settings.
    pub(super) fn layers(&self, layers: Layers) -> Layers {
        layers
            .flag("query.timeout_s", "--timeout", self.timeout)
            .flag("query.max_rows", "--max-rows", self.max_rows)
    }

    /// The parsed query.
    pub(super) fn query(&self, session: &Session, settings: &QuerySettings) -> Result<sparql::Query> {
        let text = session.text("the query", self.query.as_deref(), self.file.as_deref())?;
        engine::parse_query(&text, settings)
    }
}

/// A term for people: IRIs with prefixes, strings without quotes, numbers as numbers.
fn cell(term: &Option<Term>) -> Value {
    match term {
        None => Value::Null,
        Some(Term::NamedNode(node)) => json!(shorten(node.as_str())),
        Some(Term::Literal(literal)) => {
            let number = literal.value().parse::<serde_json::Number>().ok();
            let numeric = literal.datatype().as_str().starts_with("http://www.w3.org/2001/XMLSchema#");
            match number.filter(|_| numeric && literal.datatype() != oxrdf::vocab::xsd::STRING) {
                Some(number) => Value::Number(number),
                None => json!(literal.value()),
            }
        }
        Some(other) => json!(other.to_string()),
    }
}
