//! A model is asked by a recipe, question by question.

use super::Plan;
use super::questions::Question;
use crate::graph::Graph;
use crate::llm::LanguageModel;
use crate::model::Progress;
use crate::prompt::recipe::{Kind, Order};
use crate::prompt::{Prompt, Prompter, Recipe};
use crate::ranking::mode::{listwise, of_order, opinion};
use crate::ranking::{Faults, Mode, Ranking};
use crate::{Error, ErrorKind, Result};
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
    graph: &'a Graph,
    plan: &'a Plan,
    model: &'a mut dyn LanguageModel,
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
}

impl<'a> Asking<'a> {
    pub fn new(graph: &'a Graph, plan: &'a Plan, model: &'a mut dyn LanguageModel) -> Self {
        Self { graph, plan, model }
    }

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
        let started = Instant::now();
        let (opinion, invalid) = self.ask(&prompt)?;
        answers.seconds += started.elapsed().as_secs_f64();
        answers.hints.push(hint(&recipe, &prompt));
        answers.tokens.push(prompt.tokens);
        answers.invalid += usize::from(invalid);
        answers.opinions.push(opinion);
        Ok(prompt.tokens)
    }

    fn prompt(&self, recipe: &Recipe, question: &Question, more: Option<usize>) -> Result<Prompt> {
        let most = self.model.context_tokens();
        let prompter = |recipe| Prompter::new(self.graph, self.model.counter(), most, recipe);
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

    /// The model's opinion, and whether its answer was invalid. What is no ranking at all counts as the order of the prompt.
    fn ask(&mut self, prompt: &Prompt) -> Result<(Vec<f64>, bool)> {
        if self.plan.mode != Mode::Listwise {
            let opinion = opinion(self.model, std::slice::from_ref(prompt), None)?;
            return Ok((opinion.scores, false));
        }
        let reply = self
            .model
            .complete(&listwise(prompt, self.plan.max_tokens))?;
        match Ranking::parse(&reply.text, prompt) {
            Ok(ranking) => Ok((
                of_order(&ranking.order),
                ranking.faults != Faults::default(),
            )),
            Err(error) if error.kind() == ErrorKind::Input => Ok((of_order(&prompt.places), true)),
            Err(error) => Err(Error::unavailable(format!(
                "the model's reply cannot be read: {error}"
            ))
            .because(error)),
        }
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
