use super::{Outcome, Session, Verb};
use crate::{Result, ontology};

/// Describe an ontology or a rule set that comes along, as a page in Markdown
#[derive(Debug, clap::Args)]
pub struct Ontology {
    /// Which one; without it, their names
    name: Option<String>,
}

impl Verb for Ontology {
    fn run(self, session: &Session) -> Result<Outcome> {
        match self.name {
            Some(name) => session.printer.data(ontology::page(&name)?.trim_end())?,
            None => session.printer.data(&ontology::names().collect::<Vec<_>>().join("\n"))?,
        }
        Ok(Outcome::Done)
    }
}
