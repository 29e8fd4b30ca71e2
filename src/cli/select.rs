use super::{Format, Outcome, Session, Shape, Table, Verb};
use crate::Result;
use crate::engine::Snapshot;
use crate::llm::tokens;
use crate::selection::{Lexicon, evidence, line, names};
use serde_json::json;
use std::path::PathBuf;

/// Choose the facts that speak for a question, within a budget of tokens
#[derive(Debug, clap::Args)]
pub struct Select {
    /// The question; what it is about stands in brackets, or is the longest name in it: "who directed [Jumanji (1995)]"
    question: String,

    /// Tokens that the facts may have
    #[arg(long, value_name = "N", default_value_t = 512)]
    budget: usize,

    /// Count with this `tokenizer.json`, not approximately
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,

    #[command(flatten)]
    shape: Shape,
}

impl Verb for Select {
    fn run(self, session: &Session) -> Result<Outcome> {
        let snapshot = Snapshot::open(&session.project()?)?;
        let graph = snapshot.graph();
        let counter = match &self.tokenizer {
            Some(file) => tokens::from_file(&session.path(file))?,
            None => tokens::approximate(),
        };
        let lexicon = Lexicon::of(graph);
        let question = lexicon.read(&self.question)?;
        let cost = |fact: u64| counter.count(&line(graph, fact));
        let found = evidence(graph, &lexicon, &question, &cost, self.budget)?;
        let mut table = Table::new("facts", ["subject", "relation", "object"]);
        for &fact in &found.facts {
            table.row(names(graph, fact).map(|name| json!(name)));
        }
        match self.shape.format {
            Format::Json => session.printer.json(&json!({
                "schema_version": 1,
                "topics": question.topics.iter().map(|&node| graph.term(node)).collect::<Vec<_>>(),
                "tokenizer": counter.name(),
                "budget": self.budget,
                "tokens": found.cost,
                "value": found.value,
                "bound": found.bound,
                "facts": table.objects(),
            }))?,
            format => session.printer.table(&table, format)?,
        }
        session.printer.note(format_args!("{} of {} tokens ({})", found.cost, self.budget, counter.name()));
        Ok(if found.facts.is_empty() { Outcome::Negative } else { Outcome::Done })
    }
}
