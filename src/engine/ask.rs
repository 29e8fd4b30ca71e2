//! A request is put to a model: by the recipe and the way to rank that the settings name, unless it answered the same before.

use super::answer::Reply;
use super::{Engine, Request, Snapshot};
use crate::config::Project;
use crate::journal;
use crate::llm::{Completion, Finish, LanguageModel, TokenCounter};
use crate::prompt::Prompt;
use crate::prompt::recipe::{DEFAULT, Recipe};
use crate::ranking::mode::{self, Mode, Opinion};
use crate::ranking::{Faults, Ranking, Rung};
use crate::{Error, Result};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Orders of the candidates that a model is asked in at most.
const MOST_ORDERS: usize = 20;

/// The folder of a project's own recipes.
pub fn recipes_of(project: &Project) -> PathBuf {
    project.path("recipes".as_ref())
}

/// The calls of a model that an answer takes where nothing is in the cache.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calls {
    /// How many.
    pub calls: usize,
    /// Tokens of their prompts together.
    pub prompt_tokens: usize,
    /// Tokens of their replies at most.
    pub max_completion_tokens: usize,
    /// What that costs at most, where the settings have prices.
    pub max_cost: Option<f64>,
}

/// What a model made of candidates.
pub(super) struct Answered {
    pub(super) ranking: Ranking,
    pub(super) reply: Reply,
    pub(super) rung: Rung,
    /// Under which key the journal keeps what it said.
    pub(super) key: String,
}

impl Engine {
    /// The calls that a request would take; no model is asked, and nothing is kept.
    ///
    /// # Errors
    /// Those of [`Engine::prompt`].
    pub fn calls(
        &self,
        snapshot: &Snapshot,
        request: &Request,
        counter: Arc<dyn TokenCounter>,
    ) -> Result<Calls> {
        let settings = self.project.settings();
        let tokens = self.prompt(snapshot, request, counter)?.tokens;
        // In another order the same candidates take about the same tokens.
        let (calls, reply) = match Mode::named(&settings.ranking.mode)? {
            Mode::Listwise => (1, settings.model.max_tokens),
            Mode::Letters => (settings.ranking.shuffles.clamp(1, MOST_ORDERS), 0),
            Mode::Pointwise | Mode::Pairwise => (1, 0),
        };
        Ok(Calls {
            calls,
            prompt_tokens: calls * tokens,
            max_completion_tokens: reply,
            max_cost: settings.model.cost(calls * tokens, reply),
        })
    }

    /// The recipe of the project's prompts, asking for what the way to rank needs.
    ///
    /// # Errors
    /// Those of [`Recipe::find`]; `Io` if a template cannot be read.
    pub fn recipe(&self) -> Result<Recipe> {
        if let Some(past) = &self.past {
            return Ok(past.recipe());
        }
        let settings = &self.project.settings().prompt;
        let own = settings
            .template
            .as_ref()
            .filter(|_| settings.recipe == DEFAULT);
        let recipe = match own {
            None => Recipe::find(&settings.recipe, Some(&recipes_of(&self.project)))?,
            Some(path) => {
                let path = self.project.path(path);
                let text = std::fs::read_to_string(&path)
                    .map_err(|e| Error::io("read the prompt template", &path, e))?;
                Recipe::with_template(text)?
            }
        };
        let mode = Mode::named(&self.project.settings().ranking.mode)?;
        Ok(mode.asking(recipe))
    }

    /// Refuses what would cost more than one answer may.
    ///
    /// # Errors
    /// `Budget` if it would.
    fn afford(&self, prompts: &[Prompt], reply: usize) -> Result<()> {
        let settings = &self.project.settings().model;
        let tokens: usize = prompts.iter().map(|prompt| prompt.tokens).sum();
        match settings.cost(tokens, reply) {
            Some(cost) if settings.max_cost > 0.0 && cost > settings.max_cost => Err(Error::budget(format!(
                "{tokens} tokens and a reply of {reply} may cost {cost:.6}, and `model.max_cost` is {}",
                settings.max_cost
            ))
            .hint("a smaller `--budget`, or a larger `model.max_cost`")),
            None if settings.max_cost > 0.0 => Err(Error::budget(
                "`model.max_cost` is set, and `model.prices` does not say what tokens cost",
            )
            .hint("prices = { prompt = 0.15, completion = 0.6 }")),
            _ => Ok(()),
        }
    }

    /// What a model makes of the candidates, whose `scores` in the graph are given: by the project's way to rank, joined with
    /// these as its settings say. One that answered the same before is not asked again.
    pub(super) fn ask(
        &self,
        model: &mut dyn LanguageModel,
        (prompt, shuffled): (&Prompt, &[Prompt]),
        scores: &[f64],
    ) -> Result<Answered> {
        let settings = &self.project.settings().ranking;
        let (mut answered, opinion) = match Mode::named(&settings.mode)? {
            Mode::Listwise => {
                let answered = self.ask_for_ranking(model, prompt)?;
                let opinion = mode::of_order(&answered.ranking.order);
                (answered, opinion)
            }
            _ => {
                let prompts = std::iter::once(prompt).chain(shuffled);
                self.ask_for_odds(model, &prompts.cloned().collect::<Vec<_>>())?
            }
        };
        if opinion.len() != scores.len() {
            return Err(Error::unavailable(
                "the model's opinion is not about these candidates",
            ));
        }
        answered.ranking.order = mode::fused(&opinion, scores, f64::from(settings.weight));
        Ok(answered)
    }

    /// Asks how likely short answers are, in all orders of the candidates.
    fn ask_for_odds(
        &self,
        model: &mut dyn LanguageModel,
        prompts: &[Prompt],
    ) -> Result<(Answered, Vec<f64>)> {
        let settings = &self.project.settings().model;
        let ids: Vec<&str> = prompts.iter().map(|prompt| prompt.id.as_str()).collect();
        let key = format!("{}/odds/{}", model.id(), ids.join("/"));
        let kept = self.journal.reply(&key)?;
        let kept = kept.and_then(|r| serde_json::from_value::<Opinion>(r.reply).ok());
        let (opinion, rung) = match kept {
            Some(opinion) => (opinion, Rung::Cache),
            None => {
                self.afford(prompts, 0)?;
                let deadline = Duration::from_secs(settings.timeout_s);
                let opinion = mode::opinion(model, prompts, Some(deadline))?;
                self.keep_reply(&key, model.id(), &opinion)?;
                (opinion, Rung::Model)
            }
        };
        let reply = Reply {
            model: model.id().to_owned(),
            prompt_tokens: opinion.prompt_tokens,
            completion_tokens: 0,
            cost: settings.cost(opinion.prompt_tokens, 0),
            faults: Faults::default(),
        };
        let ranking = Ranking::as_scored(opinion.scores.len());
        let answered = Answered {
            ranking,
            reply,
            rung,
            key,
        };
        Ok((answered, opinion.scores))
    }

    /// Lets the model write a ranking.
    fn ask_for_ranking(&self, model: &mut dyn LanguageModel, prompt: &Prompt) -> Result<Answered> {
        let settings = &self.project.settings().model;
        let key = format!("{}/{}/{}", model.id(), settings.max_tokens, prompt.id);
        let kept = self
            .journal
            .reply(&key)?
            .and_then(|r| serde_json::from_value::<Completion>(r.reply).ok());
        let (completion, rung) = match kept {
            Some(completion) => (completion, Rung::Cache),
            None => {
                self.afford(std::slice::from_ref(prompt), settings.max_tokens)?;
                let mut request = mode::listwise(prompt, settings.max_tokens);
                request.deadline = Some(Duration::from_secs(settings.timeout_s));
                (model.complete(&request)?, Rung::Model)
            }
        };
        if completion.finish == Finish::Deadline {
            return Err(Error::unavailable(format!(
                "no complete reply within {} s",
                settings.timeout_s
            )));
        }
        let ranking = Ranking::parse(&completion.text, prompt)?;
        if rung == Rung::Model {
            self.keep_reply(&key, model.id(), &completion)?;
        }
        let reply = Reply {
            model: model.id().to_owned(),
            prompt_tokens: completion.prompt_tokens,
            completion_tokens: completion.completion_tokens,
            cost: settings.cost(completion.prompt_tokens, completion.completion_tokens),
            faults: ranking.faults,
        };
        Ok(Answered {
            ranking,
            reply,
            rung,
            key,
        })
    }

    /// Keeps what a model said, to be said again.
    fn keep_reply(&self, key: &str, model: &str, said: &impl Serialize) -> Result<()> {
        let reply = serde_json::to_value(said)
            .map_err(|e| Error::input(format!("cannot keep the reply: {e}")).because(e))?;
        let (model, at) = (model.to_owned(), journal::now());
        self.journal
            .save_reply(key, &journal::Reply { model, reply, at })
    }
}

/// Orders of so many candidates beside their own, drawn with a seed.
pub(super) fn shuffles(count: usize, orders: usize, seed: u64) -> Vec<Vec<usize>> {
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
