use super::{Outcome, Session, Shape, Table, Verb};
use crate::engine::{self, Asked, Engine, Estimate, Job};
use crate::extraction::run::{Extraction, PutAside};
use crate::extraction::DerivedFact;
use crate::llm::LanguageModel;
use crate::model::term;
use crate::vocabulary::shorten;
use crate::{Error, Result};
use serde_json::{json, Value};

/// Show what texts say, or have a language model read them
#[derive(Debug, clap::Args)]
pub struct Extract {
    /// Only these: gazetteer, patterns, aspects, model. Naming `model` asks it about texts that it has not read
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = ["gazetteer", "patterns", "aspects", "model"], hide_possible_values = true)]
    with: Vec<String>,

    /// Ask no model: show what it would take, and cost by `model.prices`
    #[arg(long)]
    dry_run: bool,

    /// Only the first N texts; of a model, those that it has not read
    #[arg(long, value_name = "N")]
    limit: Option<usize>,

    /// Show what was put aside, and why, instead of the facts
    #[arg(long)]
    aside: bool,

    #[command(flatten)]
    shape: Shape,
}

impl Verb for Extract {
    fn run(self, session: &Session) -> Result<Outcome> {
        let engine = Engine::open(session.project()?)?;
        let limit = self.limit.unwrap_or(usize::MAX);
        let names_model = self.with.iter().any(|name| name == "model");
        if self.dry_run && !names_model {
            return Err(Error::usage("only a model has a price").hint("kenning extract --with model --dry-run"));
        }
        let mut outcome = Outcome::Done;
        if names_model {
            let mut model = open_model(&engine)?;
            let job = engine.extraction_job(limit, model.counter(), model.context_tokens())?;
            if self.dry_run {
                session.printer.table(&estimate(job.estimate()), self.shape.format)?;
                return Ok(Outcome::Done);
            }
            outcome = self.ask(session, &engine, &job, model.as_mut())?;
        }
        // What a model has just read may stand anywhere among the texts.
        let texts = if names_model { usize::MAX } else { limit };
        let found = engine.extract(&self.with, texts, &session.bars())?;
        let table = if self.aside { aside(&found) } else { facts(&found) };
        session.printer.table(&table, self.shape.format)?;
        if !self.aside && !found.aside.is_empty() {
            session.printer.note(format_args!("{} put aside: `kenning extract --aside`", found.aside.len()));
        }
        Ok(outcome)
    }
}

impl Extract {
    fn ask(&self, session: &Session, engine: &Engine, job: &Job, model: &mut dyn LanguageModel) -> Result<Outcome> {
        let asked = engine.run_extraction(job, model, &session.bars())?;
        session.printer.note(summary(&asked));
        for refused in &asked.refused {
            session.printer.warn(refused);
        }
        let is_partly = !asked.refused.is_empty() || asked.trouble.is_some();
        match asked.trouble {
            Some(error) if asked.calls == 0 => Err(error),
            Some(error) => {
                session.printer.error(&error);
                Ok(Outcome::Partly)
            }
            None if is_partly => Ok(Outcome::Partly),
            None => Ok(Outcome::Done),
        }
    }
}

/// The project's language model, which has to be configured.
pub(super) fn open_model(engine: &Engine) -> Result<Box<dyn LanguageModel>> {
    engine::language_model(engine.project())?.ok_or_else(|| {
        Error::unavailable("no language model is configured")
            .at(engine.project().file().display())
            .hint("set `kind` of `[model]` to `local`, `remote` or `replay`")
    })
}

fn summary(asked: &Asked) -> String {
    let price = asked.price.map_or(String::new(), |price| format!(", price {price:.4}"));
    format!(
        "{} texts read in {} calls, {} of them remembered; {} + {} tokens{price}",
        asked.texts, asked.calls, asked.remembered, asked.prompt_tokens, asked.completion_tokens
    )
}

fn estimate(estimate: &Estimate) -> Table {
    let mut table = Table::new("estimate", ["what", "value"]);
    let mut row = |what: &str, value: Value| table.row([json!(what), value]);
    row("texts", json!(estimate.texts));
    row("texts read before", json!(estimate.kept));
    row("texts too long", json!(estimate.too_long));
    row("calls", json!(estimate.calls));
    row("prompt tokens", json!(estimate.prompt_tokens));
    row("completion tokens, at most", json!(estimate.completion_tokens));
    row("tokenizer", json!(estimate.tokenizer));
    row("counted exactly", json!(estimate.exact));
    row("price, at most", json!(estimate.price));
    table
}

fn facts(found: &Extraction) -> Table {
    let columns = ["subject", "property", "value", "confidence", "support", "run", "quote", "start", "end", "text"];
    let mut table = Table::new("facts", columns);
    for fact in &found.facts {
        table.row(row(fact));
    }
    table
}

fn row(fact: &DerivedFact) -> [Value; 10] {
    let [subject, property, value] = &fact.triple;
    let text = term::lexical(&fact.from[2]).unwrap_or_default();
    [
        json!(short(subject)),
        json!(short(property)),
        json!(short(value)),
        json!((f64::from(fact.confidence) * 1e4).round() / 1e4),
        json!(fact.support),
        json!(fact.run),
        json!(text.get(fact.span.clone())),
        json!(fact.span.start),
        json!(fact.span.end),
        json!(begin(text)),
    ]
}

fn aside(found: &Extraction) -> Table {
    let mut table = Table::new("aside", ["subject", "extractor", "what", "reason", "text"]);
    for PutAside { from, extractor, aside } in &found.aside {
        let text = term::lexical(&from[2]).unwrap_or_default();
        table.row([
            json!(short(&from[0])),
            json!(extractor),
            json!(aside.what),
            json!(aside.reason),
            json!(begin(text)),
        ]);
    }
    table
}

/// A term as it is shown: a short IRI, or the words of a literal.
fn short(encoded: &str) -> String {
    match term::as_iri(encoded) {
        Some(iri) => shorten(iri),
        None => term::lexical(encoded).unwrap_or(encoded).to_owned(),
    }
}

/// The begin of a text.
fn begin(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
