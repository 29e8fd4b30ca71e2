//! What prompts of one request are written from, in as many orders of the candidates as are asked.

use super::purse::Purse;
use super::{Engine, Snapshot};
use crate::llm::TokenCounter;
use crate::prompt::{Prompt, Prompter, Recipe};
use crate::scoring::Profile;
use crate::selection::Candidate;
use crate::{ErrorKind, Result};
use std::sync::Arc;

/// A prompt can be written, now or later.
pub(super) struct Writing<'a> {
    snapshot: &'a Snapshot,
    counter: Arc<dyn TokenCounter>,
    recipe: Recipe,
    /// What the prompts' ids say of the model.
    settings: String,
    /// Tokens of one prompt.
    budget: usize,
    profile: Profile,
    candidates: Vec<Candidate>,
}

impl Engine {
    /// Prepares to write of somebody and of candidates what a prompt may tell.
    pub(super) fn writing<'a>(
        &self,
        snapshot: &'a Snapshot,
        counter: Arc<dyn TokenCounter>,
        (profile, candidates): (Profile, Vec<Candidate>),
    ) -> Result<Writing<'a>> {
        let settings = self.project.settings();
        let recipe = self.recipe()?;
        Ok(Writing {
            snapshot,
            counter,
            settings: format!(
                "max_tokens {}, {} x {}, seed {}",
                settings.model.max_tokens,
                settings.ranking.mode,
                settings.ranking.shuffles,
                settings.ranking.seed
            ),
            budget: recipe.budget.unwrap_or(settings.prompt.budget),
            recipe,
            profile,
            candidates,
        })
    }
}

impl Writing<'_> {
    /// The prompt, shorter if the purse wants that and the candidates fit; and what there is to say about it. There is none
    /// where the candidates do not fit the budget.
    pub(super) fn prompt(&mut self, purse: &Purse<'_>) -> Result<(Option<Prompt>, Option<String>)> {
        if self.candidates.is_empty() {
            return Ok((None, None));
        }
        let whole = self.budget;
        let room = purse.room().filter(|&room| room < whole);
        for budget in room.into_iter().chain([whole]) {
            self.budget = budget;
            let written = self
                .prompter()
                .and_then(|p| p.write(&self.profile, &self.candidates));
            match written {
                Ok(prompt) => {
                    let less = (budget < whole).then(|| {
                        format!("the prompt may have {budget} tokens instead of {whole}: more may not be spent")
                    });
                    return Ok((Some(prompt), less));
                }
                Err(error) if error.kind() != ErrorKind::Budget => return Err(error),
                Err(error) if budget == whole => {
                    return Ok((None, Some(format!("no prompt: {error}"))));
                }
                Err(_) => {}
            }
        }
        Ok((None, None))
    }

    /// The same prompt with the candidates in other orders.
    pub(super) fn in_orders(&self, orders: Vec<Vec<usize>>) -> Result<Vec<Prompt>> {
        let prompter = self.prompter()?;
        let written = orders
            .into_iter()
            .map(|places| prompter.write_in_order(&self.profile, &self.candidates, places));
        written.collect()
    }

    fn prompter(&self) -> Result<Prompter<'_>> {
        let counter = Arc::clone(&self.counter);
        let prompter = Prompter::new(self.snapshot.graph(), counter, self.budget, &self.recipe)?;
        Ok(prompter
            .for_model(self.settings.clone())
            .within(self.budget))
    }
}
