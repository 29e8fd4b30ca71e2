use super::query::Question;
use super::{Format, Outcome, Session, Verb};
use crate::Result;
use crate::config::Layers;
use crate::engine::{Snapshot, limits};
use crate::sparql::Cancel;

/// Tell how a query is answered: its plan, with the rows expected and the rows found
#[derive(Debug, clap::Args)]
pub struct ExplainQuery {
    #[command(flatten)]
    question: Question,

    /// How the plan is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Format,
}

impl Verb for ExplainQuery {
    fn run(self, session: &Session) -> Result<Outcome> {
        let project = session.project_with(self.question.layers(Layers::from_environment()))?;
        let snapshot = Snapshot::open(&project)?;
        let settings = &project.settings().query;
        let limits = limits(settings);
        let query = self.question.query(session, settings)?;
        let plan = query.explain(snapshot.dataset(), &limits, &Cancel::default())?;
        match self.format {
            Format::Json | Format::Jsonl => session.printer.json(&serde_json::json!({
                "schema_version": 1,
                "plan": plan,
            }))?,
            _ => session.printer.data(plan.to_string().trim_end())?,
        }
        Ok(Outcome::Done)
    }
}
