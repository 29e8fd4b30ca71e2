//! `kenning evaluate`: figures that anyone can make again.

mod among;
mod completions;
mod explanations;
mod held_out;
mod linking;
mod prompts;
mod ranking;
mod selection;
mod weights;

pub(super) use among::Among;
pub(super) use held_out::HeldOut;
pub(super) use weights::Weights;

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
    Ranking(Box<ranking::Ranking>),
    Selection(selection::Selection),
    Linking(linking::Linking),
    Explanations(explanations::Explanations),
    Completions(completions::Completions),
    Prompts(Box<prompts::Prompts>),
}

impl Verb for Evaluate {
    fn run(self, session: &Session) -> Result<Outcome> {
        match self.what {
            What::Ranking(verb) => verb.run(session),
            What::Selection(verb) => verb.run(session),
            What::Linking(verb) => verb.run(session),
            What::Explanations(verb) => verb.run(session),
            What::Completions(verb) => verb.run(session),
            What::Prompts(verb) => verb.run(session),
        }
    }
}
