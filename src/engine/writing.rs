//! What prompts of one request are written from, in as many orders of the candidates as are asked.

use super::purse::Purse;
use super::{Engine, Snapshot};
use crate::llm::{LanguageModel, ScoreCalls, TokenCounter, Usage, tokens};
use crate::prompt::{Prompt, Prompter, Recipe};
use crate::ranking::mode::{self, Mode};
use crate::scoring::Profile;
use crate::selection::{Candidate, Known};
use crate::{ErrorKind, Result};
use std::sync::Arc;

/// Orders of the candidates that a model is asked in at most.
const MOST_ORDERS: usize = 20;

/// A prompt can be written, now or later.
pub(super) struct Writing<'a> {
    snapshot: &'a Snapshot,
    counter: Arc<dyn TokenCounter>,
    score_calls: ScoreCalls,
    recipe: Recipe,
    mode: Mode,
    /// What the prompts' ids say of the model.
    settings: String,
    /// Tokens of one prompt.
    budget: usize,
    /// Tokens that a written ranking may have.
    reply: usize,
    /// The orders beside their own that candidates are asked in.
    orders: Vec<Vec<usize>>,
    profile: Profile,
    candidates: Vec<Candidate>,
    /// How well the model knows them, where that matters and was found, and what it is called.
    known: Known,
    known_by: Option<String>,
}

/// What a model is asked: one prompt, or several that tell the same in different orders.
pub(super) struct Asked {
    pub(super) prompts: Vec<Prompt>,
    /// What that takes at most.
    pub(super) usage: Usage,
    /// What the reader should know.
    pub(super) note: Option<String>,
}

impl Engine {
    /// Prepares to write of somebody and of candidates what a prompt may tell a model.
    pub(super) fn writing<'a>(
        &self,
        snapshot: &'a Snapshot,
        model: Option<&dyn LanguageModel>,
        (profile, candidates): (Profile, Vec<Candidate>),
    ) -> Result<Writing<'a>> {
        let settings = self.project.settings();
        let ranking = &settings.ranking;
        let recipe = self.recipe()?;
        let mode = Mode::named(&ranking.mode)?;
        let orders = match mode {
            Mode::Letters => ranking.shuffles,
            Mode::Listwise | Mode::Pointwise | Mode::Pairwise => 1,
        };
        let known_by = self.known_by(&recipe, model.map(LanguageModel::id));
        let known = self.known(snapshot.graph(), known_by.as_deref(), &candidates)?;
        Ok(Writing {
            known,
            known_by,
            snapshot,
            counter: model.map_or_else(tokens::approximate, LanguageModel::counter),
            score_calls: model.map(LanguageModel::score_calls).unwrap_or_default(),
            mode,
            settings: format!(
                "max_tokens {}, {} x {}, seed {}",
                settings.model.max_tokens, ranking.mode, ranking.shuffles, ranking.seed
            ),
            budget: recipe.budget.unwrap_or(settings.prompt.budget),
            reply: settings.model.max_tokens,
            orders: shuffles(candidates.len(), orders, ranking.seed),
            recipe,
            profile,
            candidates,
        })
    }
}

impl Writing<'_> {
    /// The name of what counts tokens.
    pub(super) fn tokenizer(&self) -> &str {
        self.counter.name()
    }

    /// The model whose knowledge of items counts.
    pub(super) fn known_by(&self) -> Option<&str> {
        self.known_by.as_deref()
    }

    /// The prompt, shorter if the purse wants that and the candidates fit; and what there is to say about it. There is none
    /// where the candidates do not fit the budget.
    pub(super) fn prompt(&mut self, purse: &Purse<'_>) -> Result<(Option<Prompt>, Option<String>)> {
        if self.candidates.is_empty() {
            return Ok((None, None));
        }
        let whole = match self.write() {
            Err(error) if error.kind() == ErrorKind::Budget => {
                return Ok((None, Some(format!("no prompt: {error}"))));
            }
            written => written?,
        };
        let Some(less) = self.less(&whole, purse)? else {
            return Ok((Some(whole), None));
        };
        let most = std::mem::replace(&mut self.budget, less);
        match self.write() {
            Ok(shorter) => {
                let note = format!(
                    "the prompt may have {less} tokens instead of {most}: more may not be spent"
                );
                Ok((Some(shorter), Some(note)))
            }
            // No call will be made; the prompt shows what it would have been.
            Err(error) if error.kind() == ErrorKind::Budget => {
                self.budget = most;
                Ok((Some(whole), None))
            }
            Err(error) => Err(error),
        }
    }

    /// The tokens that a prompt may have so that the purse can pay for sending it in one order, if those are less.
    fn less(&self, prompt: &Prompt, purse: &Purse<'_>) -> Result<Option<usize>> {
        let usage = self.usage(prompt)?;
        let room = purse.room(usage.completion_tokens);
        let missing = room.map_or(0, |room| usage.prompt_tokens.saturating_sub(room));
        let each = missing.div_ceil(usage.calls.max(1));
        Ok((missing > 0).then(|| prompt.tokens.saturating_sub(each)))
    }

    /// What asking a model with a prompt takes at most.
    fn usage(&self, prompt: &Prompt) -> Result<Usage> {
        match self.mode {
            Mode::Listwise => Ok(Usage {
                calls: 1,
                prompt_tokens: prompt.tokens,
                completion_tokens: self.reply,
            }),
            Mode::Letters | Mode::Pointwise | Mode::Pairwise => {
                mode::usage(prompt, self.score_calls, self.counter.as_ref())
            }
        }
    }

    /// The prompt, and the same with the candidates in other orders: as many as the settings want and the purse can pay for,
    /// one at least.
    pub(super) fn in_orders(&self, prompt: &Prompt, purse: &Purse<'_>) -> Result<Asked> {
        let mut asked = Asked {
            prompts: vec![prompt.clone()],
            usage: self.usage(prompt)?,
            note: None,
        };
        let prompter = self.prompter()?;
        for places in &self.orders {
            let other = prompter.write_in_order(&self.profile, &self.candidates, places.clone())?;
            let mut usage = asked.usage;
            usage += self.usage(&other)?;
            if purse.afford(usage).is_err() {
                let (orders, wanted) = (asked.prompts.len(), self.orders.len() + 1);
                asked.note = Some(format!(
                    "asked in {orders} orders instead of {wanted}: more may not be spent"
                ));
                break;
            }
            asked.usage = usage;
            asked.prompts.push(other);
        }
        Ok(asked)
    }

    fn write(&self) -> Result<Prompt> {
        self.prompter()?.write(&self.profile, &self.candidates)
    }

    fn prompter(&self) -> Result<Prompter<'_>> {
        let counter = Arc::clone(&self.counter);
        let prompter = Prompter::new(self.snapshot.graph(), counter, self.budget, &self.recipe)?;
        Ok(prompter
            .for_model(self.settings.clone())
            .knowing(self.known.clone())
            .within(self.budget))
    }
}

/// Orders of so many candidates beside their own, drawn with a seed.
fn shuffles(count: usize, orders: usize, seed: u64) -> Vec<Vec<usize>> {
    let key = |order: usize, index: usize| {
        let parts = [seed, order as u64, index as u64].map(u64::to_le_bytes);
        *blake3::hash(parts.as_flattened()).as_bytes()
    };
    let shuffled = |order: usize| {
        let mut places: Vec<usize> = (0..count).collect();
        places.sort_by_cached_key(|&index| key(order, index));
        places
    };
    (1..orders.min(MOST_ORDERS)).map(shuffled).collect()
}
