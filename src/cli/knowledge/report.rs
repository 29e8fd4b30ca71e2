use crate::Result;
use crate::cli::evaluate::{HeldOut, Weights};
use crate::cli::{Format, Outcome, Session, Shape, Table, Verb};
use crate::engine::Engine;
use crate::evaluation::knowledge::{self, Plan, Way};
use serde_json::{Value, json};

/// What each relation and kind of links holds, and what it adds to rankings
///
/// What the flags hold out for testing is taken away first. Of the rest a quarter of each user's events, or the last
/// event, is held out to judge by: with all ways from item to item, and with all but one. So what harms can be given the
/// weight 0 without a look at the test part.
#[derive(Debug, clap::Args)]
pub struct Report {
    #[command(flatten)]
    held_out: HeldOut,

    /// Judge by the last event of each user that is left, not by a quarter of the events
    #[arg(long)]
    validate_last: bool,

    #[command(flatten)]
    weights: Weights,

    /// Length of the lists
    #[arg(short, default_value_t = 10)]
    k: usize,

    #[command(flatten)]
    shape: Shape,
}

impl Verb for Report {
    fn run(self, session: &Session) -> Result<Outcome> {
        let engine = Engine::open(session.project()?)?;
        let plan = Plan {
            test: self.held_out.split(session)?,
            validation: self.held_out.validation(self.validate_last),
            core: self.held_out.core,
            k: self.k.max(1),
            seed: self.held_out.seed,
        };
        let settings = self.weights.method(session, &engine)?;
        let report = knowledge::run(&engine, &plan, &settings, &session.bars())?;
        if self.shape.format == Format::Json {
            session.printer.json(&report)?;
            return Ok(Outcome::Done);
        }
        session.printer.note(format_args!(
            "judged by {} after {} was taken away: {} users, {} items, ndcg@{} {:.4} with all ways",
            report.validation, report.test, report.users, report.items, report.k, report.ndcg.mean
        ));
        session.printer.table(&table(&report.ways), self.shape.format)?;
        Ok(Outcome::Done)
    }
}

fn table(ways: &[Way]) -> Table {
    let columns = [
        "way", "weight", "triples", "coverage", "entities", "bits", "hubs", "adds", "low", "high", "p",
    ];
    let mut table = Table::new("ways", columns);
    let short = |value: f64| -> Value { json!((value * 1e4).round() / 1e4) };
    for way in ways {
        table.row([
            json!(way.name),
            short(way.weight),
            json!(way.triples),
            short(way.coverage),
            json!(way.entities),
            way.specificity.map_or(Value::Null, short),
            json!(way.hubs),
            short(way.gain.mean),
            short(way.gain.low),
            short(way.gain.high),
            short(way.gain.p),
        ]);
    }
    table
}
