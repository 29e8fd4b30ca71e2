use super::recommend::Asked;
use super::{Format, Outcome, Session, Shape, Table, Verb};
use crate::engine::{Engine, Met, WhatIf as Supposed, WhatIfAnswer, limits};
use crate::sparql::Cancel;
use crate::{Error, Result};
use serde_json::json;

/// Show what would be recommended if events or facts were others
#[derive(Debug, clap::Args)]
pub struct WhatIf {
    #[command(flatten)]
    asked: Asked,

    #[command(flatten)]
    supposed: Flags,

    #[command(flatten)]
    shape: Shape,
}

/// The flags that say what is supposed.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What is supposed")]
struct Flags {
    /// They met this item, just now
    #[arg(long, value_name = "ITEM")]
    add_event: Vec<String>,

    /// How much the events added count: a rating, a quantity
    #[arg(long, value_name = "NUMBER", default_value_t = 1.0, allow_hyphen_values = true)]
    weight: f32,

    /// They never met this item; it stays out of the answer, unless `--again`
    #[arg(long, value_name = "ITEM")]
    remove_event: Vec<String>,

    /// This fact holds, in three words: an item's id or an IRI, a property, a thing or a "text"
    #[arg(long, value_name = "FACT")]
    add_fact: Vec<String>,

    /// This fact does not hold, and nothing that was derived from it
    #[arg(long, value_name = "FACT")]
    remove_fact: Vec<String>,
}

impl Verb for WhatIf {
    fn run(self, session: &Session) -> Result<Outcome> {
        let met = |item: &String| Met {
            item: item.clone(),
            time: None,
            weight: self.supposed.weight,
        };
        let supposed = Supposed {
            request: self.asked.request()?,
            add_events: self.supposed.add_event.iter().map(met).collect(),
            remove_events: self.supposed.remove_event.clone(),
            add_facts: facts(&self.supposed.add_fact)?,
            remove_facts: facts(&self.supposed.remove_fact)?,
        };
        let engine = Engine::open(session.project_with(self.asked.layers())?)?;
        let limits = limits(&engine.project().settings().query);
        let bounds = (&limits, &Cancel::default());
        let answer = engine.what_if(&engine.snapshot()?, &supposed, bounds)?;
        match self.shape.format {
            Format::Json => session.printer.json(&answer)?,
            other => session.printer.table(&table(&answer), other)?,
        }
        for note in answer.notes.iter().filter(|_| self.shape.format != Format::Json) {
            session.printer.note(note);
        }
        Ok(Outcome::Done)
    }
}

/// `SUBJECT PREDICATE OBJECT`; only the last may have spaces.
fn facts(texts: &[String]) -> Result<Vec<[String; 3]>> {
    let fact = |text: &String| {
        let mut parts = text.trim().splitn(3, char::is_whitespace).map(str::trim);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(s), Some(p), Some(o)) if !o.is_empty() => Ok([s, p, o].map(str::to_owned)),
            _ => Err(Error::usage(format!("`{text}` is no fact"))
                .hint("`--add-fact 'ITEM schema:brand <https://example.org/brand>'`")),
        }
    };
    texts.iter().map(fact).collect()
}

/// Both lists in one: the items after, then those that left.
fn table(answer: &WhatIfAnswer) -> Table {
    let mut table = Table::new("items", ["after", "before", "item", "label", "score_after", "score_before"]);
    for placed in &answer.after {
        let moved = answer.moved.iter().find(|moved| moved.item == placed.item);
        let before = answer.before.iter().find(|before| before.item == placed.item);
        table.row([
            json!(placed.rank),
            json!(before.map(|before| before.rank)),
            json!(placed.item),
            json!(placed.label),
            json!(placed.score),
            json!(before.map(|before| before.score).or(moved.map(|moved| moved.score_before))),
        ]);
    }
    for moved in answer.moved.iter().filter(|moved| moved.after.is_none()) {
        table.row([
            json!(null),
            json!(moved.before),
            json!(moved.item),
            json!(moved.label),
            json!(moved.score_after),
            json!(moved.score_before),
        ]);
    }
    table
}
