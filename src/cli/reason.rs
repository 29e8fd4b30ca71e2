use super::proofs::Teller;
use super::{Format, Outcome, Session, Shape, Table, Verb};
use crate::engine::{Applied, Engine, Reasoned, rule_set};
use crate::vocabulary::kenning;
use crate::{Error, Result};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Show what the project's rules conclude, without a build
#[derive(Debug, clap::Args)]
pub struct Reason {
    /// Apply these rules instead of the project's: `rdfs`, `owl2-rl` or a file; can be given several times
    #[arg(short, long, value_name = "RULES")]
    rules: Vec<String>,

    #[command(flatten)]
    shape: Shape,
}

/// Contradictions whose proofs people are shown.
const SHOWN: usize = 3;

impl Verb for Reason {
    fn run(self, session: &Session) -> Result<Outcome> {
        let engine = Engine::open(session.project()?)?;
        let rules = match self.rules.is_empty() {
            true => engine.rules()?,
            false => rule_set(&self.rules, Path::new(""))?,
        };
        if rules.rules().is_empty() {
            return Err(Error::usage("the project has no rules")
                .at(engine.project().file().display())
                .hint("`kenning reason --rules rdfs` tries some; `rules = [\"rdfs\"]` under `[reasoning]` keeps them"));
        }
        let reasoned = engine.reason(&rules, &session.bars())?;
        match self.shape.format {
            Format::Json => session.printer.json(&document(&reasoned))?,
            other => session.printer.table(&table(&reasoned), other)?,
        }
        report(session, &reasoned, self.shape.format);
        match reasoned.contradictions.count {
            0 => Ok(Outcome::Done),
            _ => Ok(Outcome::Negative),
        }
    }
}

/// Rules that concluded something.
fn table(reasoned: &Reasoned) -> Table {
    let mut table = Table::new("rules", ["rule", "facts", "label"]);
    for rule in reasoned.rules.iter().filter(|rule| rule.facts > 0) {
        table.row([json!(name(&rule.iri)), json!(rule.facts), json!(rule.label)]);
    }
    table
}

/// The set and the name of a rule.
fn name(iri: &str) -> &str {
    iri.strip_prefix(kenning::RULES).unwrap_or(iri)
}

/// The same with all rules, contradictions and times.
fn document(reasoned: &Reasoned) -> Map<String, Value> {
    let rule = |rule: &Applied| json!({ "rule": rule.iri, "facts": rule.facts, "label": rule.label });
    let teller = Teller(&reasoned.draft);
    let proofs = reasoned.contradictions.first.iter().filter_map(|&triple| reasoned.draft.proof(triple));
    let proofs: Vec<Value> = proofs.map(|proof| json!({ "steps": teller.steps(&proof) })).collect();
    let seconds: Map<String, Value> =
        reasoned.stages.iter().map(|(stage, seconds)| ((*stage).to_owned(), json!(seconds))).collect();
    Map::from_iter([
        ("rules".to_owned(), reasoned.rules.iter().map(rule).collect()),
        ("facts".to_owned(), json!(reasoned.facts())),
        ("contradictions".to_owned(), json!({ "count": reasoned.contradictions.count, "first": proofs })),
        ("seconds".to_owned(), Value::Object(seconds)),
    ])
}

/// What people are told beside the table.
fn report(session: &Session, reasoned: &Reasoned, format: Format) {
    let printer = &session.printer;
    let seconds: f64 = reasoned.stages.iter().filter(|(stage, _)| *stage == "rules").map(|(_, s)| s).sum();
    let facts = reasoned.facts();
    printer.note(format_args!("{facts} facts follow, in {seconds:.2} s of reasoning"));
    if reasoned.contradictions.count == 0 {
        return;
    }
    printer.warn(format_args!("{} contradictions", reasoned.contradictions.count));
    let teller = Teller(&reasoned.draft);
    // JSON has them already.
    let shown = if format == Format::Json { 0 } else { SHOWN };
    for &triple in reasoned.contradictions.first.iter().take(shown) {
        if let Some(proof) = reasoned.draft.proof(triple) {
            printer.warn(teller.tree(&proof).trim_end());
        }
    }
}
