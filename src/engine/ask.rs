//! A request is put to a model: by the recipe and the way to rank that the settings name, unless it answered the same before.

use super::answer::Reply;
use super::purse::Purse;
use super::writing::Writing;
use super::{Engine, Request, Snapshot};
use crate::config::Project;
use crate::journal;
use crate::llm::{Completion, Finish, LanguageModel, tokens};
use crate::prompt::Prompt;
use crate::prompt::recipe::{DEFAULT, Recipe};
use crate::ranking::mode::{self, Mode, Opinion};
use crate::ranking::{Faults, Ranking, Rung};
use crate::{Error, Result};
use serde::Serialize;
use std::path::PathBuf;

/// Orders of the candidates that a model is asked in at most.
const MOST_ORDERS: usize = 20;

/// The folder of a project's own recipes.
pub fn recipes_of(project: &Project) -> PathBuf {
    project.path("recipes".as_ref())
}

/// The calls of a model that an answer takes where nothing is in the cache.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calls {
    /// How many: none where there is no model, or where the purse refuses.
    pub calls: usize,
    /// Tokens of their prompts together.
    pub prompt_tokens: usize,
    /// Tokens of their replies at most.
    pub max_completion_tokens: usize,
    /// What that costs at most, where the settings have prices.
    pub max_cost: Option<f64>,
    /// Why no call would be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// What a model made of candidates.
pub(super) struct Answered {
    pub(super) ranking: Ranking,
    pub(super) reply: Reply,
    pub(super) rung: Rung,
    /// Under which key the journal keeps what it said.
    pub(super) key: String,
    /// What the reader should know.
    pub(super) note: Option<String>,
}

impl Engine {
    /// The calls of a model that a request would take, none without a model; none is made, and nothing is kept.
    ///
    /// # Errors
    /// Those of [`Engine::prompt`].
    pub fn calls(
        &self,
        snapshot: &Snapshot,
        request: &Request,
        model: Option<&dyn LanguageModel>,
    ) -> Result<Calls> {
        let counter = model.map_or_else(tokens::approximate, LanguageModel::counter);
        let prompt = self.prompt(snapshot, request, counter)?;
        let purse = self.purse(request)?;
        let none = |refused| Calls {
            calls: 0,
            prompt_tokens: 0,
            max_completion_tokens: 0,
            max_cost: self.project.settings().model.cost(0, 0),
            refused,
        };
        let Some(model) = model else {
            return Ok(none(Some("the settings name no model".into())));
        };
        let calls = self.orders(&prompt, &purse)?.0 * mode::prompts(model, &prompt);
        // In another order the same candidates take about the same tokens.
        let prompt_tokens = calls * prompt.tokens;
        if let Err(error) = purse.afford(prompt_tokens) {
            return Ok(none(Some(error.to_string())));
        }
        Ok(Calls {
            calls,
            prompt_tokens,
            max_completion_tokens: purse.reply,
            max_cost: self
                .project
                .settings()
                .model
                .cost(prompt_tokens, purse.reply),
            refused: None,
        })
    }

    /// What a request that came just now may spend.
    pub(super) fn purse<'a>(&'a self, request: &'a Request) -> Result<Purse<'a>> {
        let settings = self.project.settings();
        let reply = match Mode::named(&settings.ranking.mode)? {
            Mode::Listwise => settings.model.max_tokens,
            Mode::Letters | Mode::Pointwise | Mode::Pairwise => 0,
        };
        Ok(Purse::new(&settings.model, request, reply))
    }

    /// In how many orders a model is asked, and how many the settings want: fewer where the purse holds no more.
    fn orders(&self, prompt: &Prompt, purse: &Purse<'_>) -> Result<(usize, usize)> {
        let settings = &self.project.settings().ranking;
        let wanted = match Mode::named(&settings.mode)? {
            Mode::Letters => settings.shuffles.clamp(1, MOST_ORDERS),
            Mode::Listwise | Mode::Pointwise | Mode::Pairwise => 1,
        };
        let paid = purse
            .room()
            .map_or(wanted, |room| room / prompt.tokens.max(1));
        Ok((paid.clamp(1, wanted), wanted))
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

    /// What a model makes of the candidates, whose `scores` in the graph are given: by the project's way to rank, joined with
    /// these as its settings say. One that answered the same before is not asked again.
    pub(super) fn ask(
        &self,
        model: &mut dyn LanguageModel,
        (prompt, writing): (&Prompt, &Writing<'_>),
        purse: &Purse<'_>,
        scores: &[f64],
    ) -> Result<Answered> {
        let settings = &self.project.settings().ranking;
        let (mut answered, opinion) = match Mode::named(&settings.mode)? {
            Mode::Listwise => {
                let answered = self.ask_for_ranking(model, prompt, purse)?;
                let opinion = mode::of_order(&answered.ranking.order);
                (answered, opinion)
            }
            _ => {
                let (orders, wanted) = self.orders(prompt, purse)?;
                let others = shuffles(scores.len(), orders, settings.seed);
                let mut prompts = vec![prompt.clone()];
                prompts.extend(writing.in_orders(others)?);
                let mut asked = self.ask_for_odds(model, &prompts, purse)?;
                asked.0.note = (orders < wanted).then(|| {
                    format!("asked in {orders} orders instead of {wanted}: more may not be spent")
                });
                asked
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
        purse: &Purse<'_>,
    ) -> Result<(Answered, Vec<f64>)> {
        let settings = &self.project.settings().model;
        let ids: Vec<&str> = prompts.iter().map(|prompt| prompt.id.as_str()).collect();
        let key = format!("{}/odds/{}", model.id(), ids.join("/"));
        let kept = self.journal.reply(&key)?;
        let kept = kept.and_then(|r| serde_json::from_value::<Opinion>(r.reply).ok());
        let (opinion, rung) = match kept {
            Some(opinion) => (opinion, Rung::Cache),
            None => {
                let tokens = prompts.iter().map(|p| p.tokens * mode::prompts(model, p));
                purse.afford(tokens.sum())?;
                let opinion = mode::opinion(model, prompts, Some(purse.time()?))?;
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
            note: None,
        };
        Ok((answered, opinion.scores))
    }

    /// Lets the model write a ranking.
    fn ask_for_ranking(
        &self,
        model: &mut dyn LanguageModel,
        prompt: &Prompt,
        purse: &Purse<'_>,
    ) -> Result<Answered> {
        let settings = &self.project.settings().model;
        let key = format!("{}/{}/{}", model.id(), settings.max_tokens, prompt.id);
        let kept = self
            .journal
            .reply(&key)?
            .and_then(|r| serde_json::from_value::<Completion>(r.reply).ok());
        let (completion, rung) = match kept {
            Some(completion) => (completion, Rung::Cache),
            None => {
                purse.afford(prompt.tokens)?;
                let mut request = mode::listwise(prompt, settings.max_tokens);
                request.deadline = Some(purse.time()?);
                (model.complete(&request)?, Rung::Model)
            }
        };
        if completion.finish == Finish::Deadline {
            return Err(Error::unavailable(format!(
                "no complete reply in time: {} tokens",
                completion.completion_tokens
            ))
            .hint("more time with `model.timeout_s`, or a shorter prompt"));
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
            note: None,
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
