use super::recommend::Asked;
use super::{Format, Outcome, Session, Shape, Table, Verb};
use crate::Result;
use crate::engine::{About, Alternative, Engine, limits};
use crate::sparql::Cancel;
use serde_json::json;

/// Show why an item is not recommended, and what would bring it in
#[derive(Debug, clap::Args)]
pub struct WhyNot {
    /// The item: the id that the dump uses, or an IRI
    item: String,

    #[command(flatten)]
    asked: Asked,

    #[command(flatten)]
    shape: Shape,
}

impl Verb for WhyNot {
    fn run(self, session: &Session) -> Result<Outcome> {
        let engine = Engine::open(session.project_with(self.asked.layers())?)?;
        let about = About {
            request: self.asked.request()?,
            item: self.item,
            against: None,
        };
        let limits = limits(&engine.project().settings().query);
        let bounds = (&limits, &Cancel::default());
        let answer = engine.why_not(&engine.snapshot()?, &about, bounds)?;
        if self.shape.format == Format::Json {
            session.printer.json(&answer)?;
            return Ok(Outcome::Done);
        }
        session.printer.note(match answer.rank {
            Some(rank) => format!(
                "{} <{}> is at place {rank}, its score {:.6}: {:.6} less than place {}",
                answer.label, answer.item, answer.score, answer.missing, answer.k
            ),
            None => format!("{} <{}> is kept out", answer.label, answer.item),
        });
        for bar in &answer.barred {
            session.printer.note(format_args!("it {}", bar.said()));
        }
        session.printer.table(&changes(&answer.changes), self.shape.format)?;
        for note in &answer.notes {
            session.printer.note(note);
        }
        Ok(Outcome::Done)
    }
}

/// A row for each change, with where the item stands then.
pub(super) fn changes(changes: &[Alternative]) -> Table {
    let mut table = Table::new("changes", ["change", "place", "score", "smallest"]);
    for change in changes {
        table.row([
            json!(change.said()),
            json!(change.rank),
            json!(change.score),
            json!(if change.minimal { "yes" } else { "perhaps" }),
        ]);
    }
    table
}
