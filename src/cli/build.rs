use super::time::seconds;
use super::{Outcome, Session, Shape, Table, Verb};
use crate::config::Layers;
use crate::engine::{self, Engine};
use crate::{ErrorKind, Result};
use serde_json::json;

/// Build the graph of everything imported
#[derive(Debug, clap::Args)]
pub struct Build {
    /// No vectors of texts: much faster, but no links by similar text
    #[arg(long)]
    no_vectors: bool,

    /// Build the graph of what was known at TIME: events and facts that came later are kept out, and what is computed of them
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,

    #[command(flatten)]
    shape: Shape,
}

impl Verb for Build {
    fn run(self, session: &Session) -> Result<Outcome> {
        let as_of = self.as_of.as_deref().map(|time| seconds("--as-of", time)).transpose()?;
        let off = self.no_vectors.then_some(false);
        let layers = Layers::from_environment().flag("embedding.enabled", "--no-vectors", off);
        let engine = Engine::open(session.project_with(layers)?)?;
        let embedder = match engine::embedder(engine.project()) {
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                session.printer.warn(format_args!("{error}; building without vectors"));
                session.printer.hint(error.next_step().unwrap_or_default());
                None
            }
            other => other?,
        };
        let built = match as_of {
            Some(time) => engine.build_as_of(time, embedder.as_ref(), &session.bars())?,
            None => engine.build(embedder.as_ref(), &session.bars())?,
        };
        let mut table = Table::new("build", ["what", "value"]);
        table.row([json!("snapshot"), json!(built.snapshot.to_string())]);
        for (what, count) in &built.counts {
            table.row([json!(what), json!(count)]);
        }
        for (stage, seconds) in &built.stages {
            let milliseconds = (seconds * 1e3).round() / 1e3;
            table.row([json!(format!("seconds: {stage}")), json!(milliseconds)]);
        }
        session.printer.table(&table, self.shape.format)?;
        let contradictions = built.contradictions.count;
        if contradictions > 0 {
            session.printer.warn(format_args!("{contradictions} contradictions follow from what is stated"));
            session.printer.hint("`kenning reason` shows the first with their proofs");
        }
        if let Some(verdict) = built.verdict.filter(|verdict| !verdict.conforms) {
            session.printer.warn(format_args!("the graph {}", verdict.summary));
            verdict.first.iter().for_each(|line| session.printer.warn(line));
            let report = verdict.report.display();
            session.printer.hint(&format!("`kenning validate` shows all of it; {report} is the whole report"));
        }
        Ok(Outcome::Done)
    }
}
