//! A model is asked by a recipe, question by question.

use super::Plan;
use super::questions::Question;
use crate::engine::{self, Claims};
use crate::explanation::Explainer;
use crate::graph::Graph;
use crate::journal::{self, Journal};
use crate::llm::{LanguageModel, Usage};
use crate::model::{Cancel, Progress};
use crate::prompt::recipe::{Kind, Order, Spend};
use crate::prompt::{Contract, Prompt, Prompter, Recipe};
use crate::ranking::mode::{listwise, of_order, opinion};
use crate::ranking::{Faults, Mode, Ranking};
use crate::selection::Known;
use crate::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// What a model is asked by.
pub struct Job {
    /// What its row is called.
    pub name: String,
    /// What it is told.
    pub recipe: Recipe,
    /// How much of that.
    pub room: Room,
}

/// How much a prompt may tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Room {
    /// Titles alone: what the others tell beyond that is what they spend.
    Bare,
    /// As its recipe says.
    Free,
    /// So much of the most that those before it spend.
    Share(f64),
}

/// A model, and what to ask it about.
pub struct Asking<'a> {
    pub graph: &'a Graph,
    pub plan: &'a Plan,
    pub model: &'a mut dyn LanguageModel,
    /// Keeps what the model said, so that an evaluation that was cut short goes on, and one of more users too.
    pub journal: &'a Journal,
}

/// What a model said to one prompt.
#[derive(Default, Serialize, Deserialize)]
struct Said {
    /// Scores of the candidates; more is better.
    opinion: Vec<f64>,
    /// Whether it was no ranking, or had to be repaired.
    is_invalid: bool,
    /// How long that took when it was asked.
    seconds: f64,
    /// For each candidate the evidence that it cites, where it was asked to.
    #[serde(default)]
    cited: Option<Vec<Vec<usize>>>,
}

/// What a model said to the questions, in their order.
#[derive(Default)]
pub struct Answers {
    /// Scores of the candidates; more is better.
    pub opinions: Vec<Vec<f64>>,
    /// The order that each prompt gives away.
    pub hints: Vec<Vec<usize>>,
    /// Tokens of each prompt.
    pub tokens: Vec<usize>,
    /// Seconds of all answers.
    pub seconds: f64,
    /// Answers that were no ranking or had to be repaired.
    pub invalid: usize,
    /// What became of the evidence that they cite when it was checked; none where none was asked for.
    pub claims: Option<Claims>,
}

impl Asking<'_> {
    /// Asks all questions by all jobs; question by question, as prompts of one user begin alike and a local model computes
    /// what they share once. A job whose prompts do not fit the model is left out, with the reason.
    pub fn all(
        &mut self,
        jobs: &[Job],
        questions: &[Question],
        progress: &dyn Progress,
    ) -> Result<Vec<Result<Answers, String>>> {
        let mut all: Vec<Result<Answers, String>> =
            jobs.iter().map(|_| Ok(Answers::default())).collect();
        progress.begin("asked", Some(questions.len() as u64), "users");
        for question in questions {
            let (mut bare, mut spent) = (0, 0);
            for (job, found) in jobs.iter().zip(&mut all) {
                let Ok(answers) = found else { continue };
                match self.one(job, question, spent, answers) {
                    Ok(tokens) if job.room == Room::Bare => bare = tokens,
                    Ok(tokens) if job.room == Room::Free => {
                        spent = spent.max(tokens.saturating_sub(bare))
                    }
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::Budget => {
                        *found = Err(error.to_string())
                    }
                    Err(error) => return Err(error),
                }
            }
            progress.advance(1, 1);
        }
        progress.end();
        Ok(all)
    }

    /// Asks one question by one job; the tokens of its prompt.
    fn one(
        &mut self,
        job: &Job,
        question: &Question,
        spent: usize,
        answers: &mut Answers,
    ) -> Result<usize> {
        let recipe = self.plan.mode.asking(job.recipe.clone());
        let more = match job.room {
            Room::Share(share) => Some((spent as f64 * share).round() as usize),
            Room::Bare | Room::Free => None,
        };
        let prompt = self.prompt(&recipe, question, more)?;
        let said = self.said(&prompt)?;
        answers.seconds += said.seconds;
        answers.hints.push(hint(&recipe, &prompt));
        answers.tokens.push(prompt.tokens);
        answers.invalid += usize::from(said.is_invalid);
        if let Some(cited) = &said.cited {
            let claims = answers.claims.get_or_insert_default();
            self.check(question, (&prompt, cited), claims);
        }
        answers.opinions.push(said.opinion);
        Ok(prompt.tokens)
    }

    /// Checks what was cited for each candidate, as answers do.
    fn check(
        &self,
        question: &Question,
        (prompt, cited): (&Prompt, &[Vec<usize>]),
        claims: &mut Claims,
    ) {
        let explainer = Explainer::new(self.graph, &question.profile);
        for (item, cited) in question.items().zip(cited) {
            let pieces = cited.iter().filter_map(|&at| prompt.evidence.get(at));
            pieces.for_each(|piece| claims.add(explainer.verdict(item, piece)));
        }
    }

    /// What the model says to a prompt, or said to the same one before.
    fn said(&mut self, prompt: &Prompt) -> Result<Said> {
        let (mode, most) = (self.plan.mode.name(), self.plan.max_tokens);
        let key = format!("evaluation/{}/{mode}/{most}/{}", self.model.id(), prompt.id);
        let kept = self.journal.reply(&key)?;
        let kept = kept.and_then(|reply| serde_json::from_value::<Said>(reply.reply).ok());
        if let Some(said) = kept.filter(|said| said.opinion.len() == prompt.candidates.len()) {
            return Ok(said);
        }
        let started = Instant::now();
        let mut said = self.ask(prompt)?;
        said.seconds = started.elapsed().as_secs_f64();
        let reply = serde_json::to_value(&said)
            .map_err(|e| Error::input(format!("cannot keep the reply: {e}")).because(e))?;
        let (model, at) = (self.model.id().to_owned(), journal::now());
        self.journal
            .save_reply(&key, &journal::Reply { model, reply, at })?;
        Ok(said)
    }

    fn prompt(&self, recipe: &Recipe, question: &Question, more: Option<usize>) -> Result<Prompt> {
        let most = self.model.context_tokens();
        let known = match recipe.spend {
            Spend::Evenly => Known::default(),
            Spend::OnGaps => {
                let asked = (self.graph, question.candidates.as_slice());
                engine::known(self.journal, asked, self.model.id(), None)?
            }
        };
        let prompter = |recipe| {
            let prompter = Prompter::new(self.graph, self.model.counter(), most, recipe)?;
            Ok::<_, Error>(prompter.knowing(known.clone()))
        };
        let Some(more) = more else {
            let budget = recipe.budget.unwrap_or(most).min(most);
            return prompter(recipe)?
                .within(budget)
                .write(&question.profile, &question.candidates);
        };
        let bare = Recipe {
            knowledge: Vec::new(),
            ..recipe.clone()
        };
        let bare = prompter(&bare)?
            .within(most)
            .write(&question.profile, &question.candidates)?;
        let budget = (bare.tokens + more).min(most);
        prompter(recipe)?
            .within(budget)
            .write(&question.profile, &question.candidates)
    }

    /// The model's opinion. What is no ranking at all counts as the order of the prompt.
    fn ask(&mut self, prompt: &Prompt) -> Result<Said> {
        let mut said = Said::default();
        if self.plan.mode != Mode::Listwise {
            let prompts = std::slice::from_ref(prompt);
            said.opinion = opinion(
                self.model,
                prompts,
                (None, &Cancel::default()),
                &mut Usage::default(),
            )?;
            return Ok(said);
        }
        let reply = self
            .model
            .complete(&listwise(prompt, self.plan.max_tokens))?;
        // Parsing fails on what is no ranking, and on nothing else.
        match Ranking::parse(&reply.text, prompt) {
            Ok(ranking) => {
                said.opinion = of_order(&ranking.order);
                said.is_invalid = ranking.faults != Faults::default();
                said.cited = (prompt.contract == Contract::RankingBecause).then_some(ranking.cited);
            }
            Err(_) => {
                said.opinion = of_order(&prompt.places);
                said.is_invalid = true;
            }
        }
        Ok(said)
    }
}

/// The order that a prompt gives away: that of its candidates, or that of the scores where it tells them.
fn hint(recipe: &Recipe, prompt: &Prompt) -> Vec<usize> {
    let told = recipe.order == Order::Scores || recipe.knowledge.contains(&Kind::UserItems);
    match told {
        true => (0..prompt.places.len()).collect(),
        false => prompt.places.clone(),
    }
}
