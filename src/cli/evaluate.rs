//! `kenning evaluate`: figures that anyone can make again.

mod linking;

use super::{Outcome, Session, Verb};
use crate::Result;

/// Measure how good answers are
#[derive(Debug, clap::Args)]
pub struct Evaluate {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Linking(linking::Linking),
}

impl Verb for Evaluate {
    fn run(self, session: &Session) -> Result<Outcome> {
        match self.what {
            What::Linking(verb) => verb.run(session),
        }
    }
}
