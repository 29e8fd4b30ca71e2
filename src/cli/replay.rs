use super::{Format, Outcome, Session, Shape, Table, Verb};
use crate::engine::{Engine, Replayed};
use crate::{Error, Result};
use serde_json::json;

/// Answer a decision again, and compare byte for byte
#[derive(Debug, clap::Args)]
pub struct Replay {
    /// The decision, as the answer and `kenning status decisions` name it; its answer is written out
    #[arg(required_unless_present_any = ["last", "all"], conflicts_with_all = ["last", "all"])]
    decision: Option<String>,

    /// Compare the last N decisions
    #[arg(long, value_name = "N", conflicts_with = "all")]
    last: Option<usize>,

    /// Compare all decisions
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    shape: Shape,
}

/// What came of the decisions that were answered again.
#[derive(Default)]
struct Tally {
    equal: usize,
    different: Vec<(String, String)>,
    failed: Vec<(String, Error)>,
}

impl Verb for Replay {
    fn run(self, session: &Session) -> Result<Outcome> {
        let engine = Engine::open(session.project()?)?;
        match &self.decision {
            Some(id) => one(session, &engine, id),
            None => self.many(session, &engine),
        }
    }
}

fn one(session: &Session, engine: &Engine, id: &str) -> Result<Outcome> {
    let id = id.strip_prefix(crate::vocabulary::DECISION).unwrap_or(id);
    let replayed = engine.replayer().replay(id)?;
    session.printer.data(&replayed.again)?;
    if replayed.is_equal() {
        session.printer.note("this is what was answered, byte for byte");
        return Ok(Outcome::Done);
    }
    session.printer.warn(format_args!("something else was answered: {}", difference(&replayed)));
    Ok(Outcome::Negative)
}

impl Replay {
    fn many(&self, session: &Session, engine: &Engine) -> Result<Outcome> {
        let most = self.last.unwrap_or(usize::MAX);
        let mut replayer = engine.replayer();
        let mut tally = Tally::default();
        for id in engine.journal().last_decisions(most)? {
            match replayer.replay(&id) {
                Ok(replayed) if replayed.is_equal() => tally.equal += 1,
                Ok(replayed) => tally.different.push((id, difference(&replayed))),
                Err(error) => tally.failed.push((id, error)),
            }
        }
        tally.show(session, self.shape.format)?;
        Ok(match (tally.different.is_empty(), tally.failed.is_empty()) {
            (false, _) => Outcome::Negative,
            (true, false) => Outcome::Partly,
            (true, true) => Outcome::Done,
        })
    }
}

impl Tally {
    fn show(&self, session: &Session, format: Format) -> Result<()> {
        let mut table = Table::new("decisions", ["decision", "result", "why"]);
        for (id, why) in &self.different {
            table.row([json!(id), json!("different"), json!(why)]);
        }
        for (id, error) in &self.failed {
            table.row([json!(id), json!("not replayed"), json!(error.message())]);
        }
        if !table.is_empty() || format != Format::Table {
            session.printer.table(&table, format)?;
        }
        session.printer.note(format_args!(
            "{} equal, {} different, {} not replayed",
            self.equal,
            self.different.len(),
            self.failed.len()
        ));
        Ok(())
    }
}

/// Where two answers part.
fn difference(replayed: &Replayed) -> String {
    const AROUND: usize = 40;
    let (kept, again) = (replayed.kept.as_bytes(), replayed.again.as_bytes());
    let at = kept.iter().zip(again).take_while(|(a, b)| a == b).count();
    let part = |bytes: &[u8]| {
        let from = at.saturating_sub(AROUND / 2);
        let until = (at + AROUND).min(bytes.len());
        String::from_utf8_lossy(&bytes[from.min(until)..until]).into_owned()
    };
    format!("byte {at}: was `{}`, is `{}`", part(kept), part(again))
}
