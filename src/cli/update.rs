use super::{Outcome, Session, Verb};
use crate::Result;
use crate::config::Layers;
use crate::engine::{Engine, Live, limits};
use crate::sparql::{self, Cancel};
use std::path::PathBuf;

/// Change the graph in SPARQL
///
/// An acknowledged update is on the disk and seen by the next query. What rested on a statement that it deleted is gone at
/// once; what follows by rules from a statement that it inserted comes with the next `kenning build`.
#[derive(Debug, clap::Args)]
pub struct Update {
    /// The update; `-` reads it from standard input. Usual prefixes (kenning, schema, skos, prov, …) are known
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    update: Option<String>,

    /// Read the update from FILE
    #[arg(short, long)]
    file: Option<PathBuf>,

    /// Resolve relative IRIs against this one
    #[arg(long, value_name = "IRI")]
    base: Option<String>,

    /// Stop the update after SECONDS; nothing is changed then
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

impl Verb for Update {
    fn run(self, session: &Session) -> Result<Outcome> {
        let layers = Layers::from_environment().flag("query.timeout_s", "--timeout", self.timeout);
        let text = session.text("the update", self.update.as_deref(), self.file.as_deref())?;
        let project = session.project_with(layers)?;
        let limits = limits(&project.settings().query);
        let update = sparql::Update::parse_within(&text, self.base.as_deref(), limits.memory)?;
        let live = Live::open(Engine::open(project)?)?;
        let updated = live.update(&update, &limits, &Cancel::default())?;
        session.printer.note(format_args!(
            "{} statements inserted, {} deleted",
            updated.inserted, updated.deleted
        ));
        let has_rules = !live.engine().project().settings().reasoning.rules.is_empty();
        if updated.inserted > 0 && has_rules {
            session.printer.hint("what follows by the rules from what was inserted comes with `kenning build`");
        }
        Ok(Outcome::Done)
    }
}
