use super::recommend::{Asked, open_model};
use super::{Outcome, Session, Verb};
use crate::Result;
use crate::engine::Engine;
use crate::llm::tokens;

/// Write the prompt of a request, or show a past one
#[derive(Debug, clap::Args)]
pub struct Prompt {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Write the prompt that a request would be put to the model with; no model is asked
    Write(Box<Asked>),
    /// Show a past prompt, byte for byte, by the id that its answer gave
    Show {
        /// The prompt's id
        id: String,
    },
}

impl Verb for Prompt {
    fn run(self, session: &Session) -> Result<Outcome> {
        match self.action {
            Action::Write(asked) => {
                let engine = Engine::open(session.project_with(asked.layers())?)?;
                let (model, _) = open_model(session, &engine);
                let counter = model.map_or_else(tokens::approximate, |m| m.counter());
                let prompt = engine.prompt(&engine.snapshot()?, &asked.request()?, counter)?;
                session.printer.note(format_args!(
                    "prompt {}: {} of {} tokens, counted by {}",
                    prompt.id, prompt.tokens, prompt.budget, prompt.tokenizer
                ));
                session.printer.bytes(&prompt.text())?;
            }
            Action::Show { id } => {
                let project = session.project()?;
                session.printer.bytes(&session.journal(&project)?.prompt(&id)?)?;
            }
        }
        Ok(Outcome::Done)
    }
}
