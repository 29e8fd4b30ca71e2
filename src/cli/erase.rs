use super::{Outcome, Session, Shape, Table, Verb};
use crate::Result;
use crate::engine::{Engine, Erased};
use serde_json::json;

/// Erase a user from the project, or prove that they are gone
#[derive(Debug, clap::Args)]
pub struct Erase {
    /// Erase this user, by the id that the dump uses or by IRI; the graph is built anew
    #[arg(short, long, required_unless_present = "check")]
    user: Option<String>,

    /// List every file of the project's state that names USER; exits with 1 if one does
    #[arg(long, value_name = "USER", conflicts_with = "user")]
    check: Option<String>,

    #[command(flatten)]
    shape: Shape,
}

impl Verb for Erase {
    fn run(self, session: &Session) -> Result<Outcome> {
        let engine = Engine::open(session.project()?)?;
        if let Some(user) = &self.user {
            let erased = engine.erase(user, &session.bars())?;
            tell(session, &erased);
        }
        match self.user.as_ref().or(self.check.as_ref()) {
            Some(user) => self.prove(session, &engine, user),
            None => Ok(Outcome::Done),
        }
    }
}

impl Erase {
    fn prove(&self, session: &Session, engine: &Engine, user: &str) -> Result<Outcome> {
        let traces = engine.traces(user)?;
        if traces.is_empty() {
            session.printer.note("no file of the project's state names them");
            return Ok(Outcome::Done);
        }
        let mut table = Table::new("traces", ["file", "count", "at"]);
        for trace in &traces {
            let file = trace.file.to_string_lossy();
            table.row([json!(file), json!(trace.count), json!(trace.at)]);
        }
        session.printer.table(&table, self.shape.format)?;
        Ok(Outcome::Negative)
    }
}

fn tell(session: &Session, erased: &Erased) {
    let rows = &erased.journal;
    session.printer.note(format_args!(
        "erased: {} events and {} facts of imports, {} changes, {} decisions, {} prompts, {} replies, {} lines, {} snapshots",
        erased.imported.events,
        erased.imported.facts,
        rows.changes,
        rows.decisions,
        rows.prompts,
        rows.replies,
        erased.lines,
        erased.snapshots
    ));
    if !erased.sources.is_empty() {
        session.printer.hint(&format!(
            "these files are not the project's, and still hold what they held: {}",
            erased.sources.join(", ")
        ));
    }
}
