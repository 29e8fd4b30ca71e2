//! `kenning knowledge`: what is known, and what it is good for.

mod report;

use super::{Outcome, Session, Verb};
use crate::Result;

/// Show what is known, and what it is good for
#[derive(Debug, clap::Args)]
pub struct Knowledge {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Report(report::Report),
}

impl Verb for Knowledge {
    fn run(self, session: &Session) -> Result<Outcome> {
        match self.what {
            What::Report(verb) => verb.run(session),
        }
    }
}
