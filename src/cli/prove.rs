use super::proofs::{Teller, said};
use super::{Outcome, Session, Verb};
use crate::Result;
use crate::engine::Snapshot;
use crate::sparql;
use serde_json::json;

/// Show why a statement stands, down to the lines of the dumps
#[derive(Debug, clap::Args)]
pub struct Prove {
    /// The statement, its terms as in SPARQL: `'<subject> rdf:type schema:Movie'`. Usual prefixes are known
    #[arg(required = true, value_name = "STATEMENT")]
    statement: Vec<String>,

    /// How the proof is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Format,
}

/// How a proof is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A tree for people
    #[default]
    Table,
    /// One JSON object: a list of steps, whose premises are places in the list
    Json,
}

impl Verb for Prove {
    fn run(self, session: &Session) -> Result<Outcome> {
        let triple = sparql::triple(&self.statement.join(" "))?;
        let snapshot = Snapshot::open(&session.project()?)?;
        let dataset = snapshot.dataset();
        let teller = Teller(&dataset);
        let Some(proof) = snapshot.prove(triple.each_ref().map(String::as_str)) else {
            session.printer.note(format_args!("nothing says {}", said(triple.each_ref().map(String::as_str))));
            session.printer.hint(
                "`kenning query 'SELECT * { <subject> ?p ?o }'` shows what is said; interactions and links are not derived \
                 by rules",
            );
            return Ok(Outcome::Negative);
        };
        match self.format {
            Format::Table => session.printer.data(teller.tree(&proof).trim_end())?,
            Format::Json => session.printer.json(&json!({ "steps": teller.steps(&proof) }))?,
        }
        Ok(Outcome::Done)
    }
}
