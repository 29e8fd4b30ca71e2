//! A request is put to a model: by the recipe and the way to rank that the settings name, unless it answered the same before.

use super::answer::Reply;
use super::purse::Purse;
use super::writing::{Asked, Writing};
use super::{Engine, Request, Snapshot};
use crate::config::Project;
use crate::journal;
use crate::llm::{Completion, Finish, LanguageModel, Usage};
use crate::prompt::Prompt;
use crate::prompt::recipe::{DEFAULT, Recipe};
use crate::ranking::mode::{self, Mode};
use crate::ranking::{Faults, Ranking, Rung};
use crate::sparql::Cancel;
use crate::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The folder of a project's own recipes.
pub fn recipes_of(project: &Project) -> PathBuf {
    project.path("recipes".as_ref())
}

/// The calls of a model that an answer takes where nothing is in the cache.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calls {
    /// How many: none where there is no model, or where the purse refuses.
    pub calls: usize,
    /// Tokens of their prompts together, at most.
    pub prompt_tokens: usize,
    /// Tokens of their replies at most.
    pub max_completion_tokens: usize,
    /// What that costs at most, where the settings have prices.
    pub max_cost: Option<f64>,
    /// Why no call would be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// What a model thinks of candidates, as the journal keeps it.
#[derive(Serialize, Deserialize)]
struct Opinion {
    /// For each candidate; more is better.
    scores: Vec<f64>,
    /// Tokens of all prompts.
    prompt_tokens: usize,
    /// Tokens of all replies.
    #[serde(default)]
    completion_tokens: usize,
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
        let settings = &self.project.settings().model;
        let cancel = Cancel::default();
        let purse = Purse::new(settings, request, &cancel);
        let (prompt, writing) = self.rehearse(snapshot, (request, &purse), model)?;
        let of = |usage: Usage, refused| Calls {
            calls: usage.calls,
            prompt_tokens: usage.prompt_tokens,
            max_completion_tokens: usage.completion_tokens,
            max_cost: settings.cost(usage.prompt_tokens, usage.completion_tokens),
            refused,
        };
        if model.is_none() {
            let why = "the settings name no model".to_owned();
            return Ok(of(Usage::default(), Some(why)));
        }
        let usage = writing.in_orders(&prompt, &purse)?.usage;
        Ok(match purse.afford(usage) {
            Ok(()) => of(usage, None),
            Err(error) => of(Usage::default(), Some(error.to_string())),
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

    /// What a model makes of the candidates, whose `scores` in the graph are given: by the project's way to rank, joined with
    /// these as its settings say. One that answered the same before is not asked again. What is asked comes out of the purse.
    pub(super) fn ask(
        &self,
        model: &mut dyn LanguageModel,
        (prompt, writing): (&Prompt, &Writing<'_>),
        purse: &mut Purse<'_>,
        scores: &[f64],
    ) -> Result<Answered> {
        let settings = &self.project.settings().ranking;
        let asked = writing.in_orders(prompt, purse)?;
        let (mut answered, opinion) = match Mode::named(&settings.mode)? {
            Mode::Listwise => {
                let answered = self.ask_for_ranking(model, (prompt, asked.usage), purse)?;
                let opinion = mode::of_order(&answered.ranking.order);
                (answered, opinion)
            }
            _ => self.ask_for_odds(model, &asked, purse)?,
        };
        answered.note = answered.note.or(asked.note);
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
        asked: &Asked,
        purse: &mut Purse<'_>,
    ) -> Result<(Answered, Vec<f64>)> {
        let settings = &self.project.settings().model;
        let prompts = &asked.prompts;
        let ids: Vec<&str> = prompts.iter().map(|prompt| prompt.id.as_str()).collect();
        let key = format!("{}/odds/{}", model.id(), ids.join("/"));
        let (opinion, rung) = match self.kept(&key)? {
            Some(opinion) => (opinion, Rung::Cache),
            None => {
                purse.afford(asked.usage)?;
                let bounds = (Some(purse.time()?), purse.cancel);
                let scores = mode::opinion(model, prompts, bounds, &mut purse.spent)?;
                let opinion = Opinion {
                    scores,
                    prompt_tokens: purse.spent.prompt_tokens,
                    completion_tokens: purse.spent.completion_tokens,
                };
                self.keep_reply(&key, model.id(), &opinion)?;
                (opinion, Rung::Model)
            }
        };
        let reply = Reply {
            model: model.id().to_owned(),
            prompt_tokens: opinion.prompt_tokens,
            completion_tokens: opinion.completion_tokens,
            cost: settings.cost(opinion.prompt_tokens, opinion.completion_tokens),
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
        (prompt, usage): (&Prompt, Usage),
        purse: &mut Purse<'_>,
    ) -> Result<Answered> {
        let settings = &self.project.settings().model;
        let mut key = format!("{}/{}/{}", model.id(), settings.max_tokens, prompt.id);
        let (completion, rung) = match self.kept(&key)? {
            Some(completion) => (completion, Rung::Cache),
            None => {
                purse.afford(usage)?;
                let mut request = mode::listwise(prompt, settings.max_tokens);
                request.deadline = Some(purse.time()?);
                request.cancel = purse.cancel.clone();
                let completion = model.complete(&request)?;
                purse.spent += Usage {
                    calls: 1,
                    prompt_tokens: completion.prompt_tokens,
                    completion_tokens: completion.completion_tokens,
                };
                (completion, Rung::Model)
            }
        };
        let (ranking, note) = read(&completion, prompt)?;
        if rung == Rung::Model {
            if completion.finish == Finish::Deadline {
                // Kept for this answer only: the next one may have more time.
                let text = blake3::hash(completion.text.as_bytes()).to_hex();
                key = format!("{key}/{text}");
            }
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
            note,
        })
    }

    /// What a model said to the same before; to a past answer, what it said then. What another version kept in a shape that
    /// this one cannot read is asked for again.
    fn kept<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let past = self.past_answer.as_ref();
        let key = past.and_then(|past| past.reply.as_deref()).unwrap_or(key);
        let kept = self.journal.reply(key)?;
        Ok(kept.and_then(|reply| serde_json::from_value(reply.reply).ok()))
    }

    /// Keeps what a model said, to be said again.
    pub(super) fn keep_reply(&self, key: &str, model: &str, said: &impl Serialize) -> Result<()> {
        let reply = serde_json::to_value(said)
            .map_err(|e| Error::input(format!("cannot keep the reply: {e}")).because(e))?;
        let (model, at) = (model.to_owned(), journal::now());
        self.journal
            .save_reply(key, &journal::Reply { model, reply, at })
    }
}

/// The ranking of a reply, and what there is to say about it: of one that was cut off, as far as it goes.
fn read(completion: &Completion, prompt: &Prompt) -> Result<(Ranking, Option<String>)> {
    let whole = Ranking::parse(&completion.text, prompt);
    let (why, hint) = match completion.finish {
        Finish::Deadline => ("no time was left", "more time with `model.timeout_s`"),
        Finish::Length => ("it has so many tokens", "more with `model.max_tokens`"),
        Finish::Stop | Finish::Other => return Ok((whole?, None)),
    };
    if let Ok(ranking) = whole {
        return Ok((ranking, None));
    }
    let cut = format!(
        "the model's reply was cut off after {} tokens, as {why}",
        completion.completion_tokens
    );
    let ranking = Ranking::begun(&completion.text, prompt)
        .map_err(|error| Error::unavailable(format!("{cut}: {error}")).hint(hint))?;
    let candidates = ranking.order.len();
    let named = candidates - ranking.faults.omitted;
    let note = format!(
        "{cut}: it ranks {named} of {candidates} candidates, the others follow by their scores"
    );
    Ok((ranking, Some(note)))
}
