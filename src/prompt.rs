//! Evidence becomes text, within an exact number of tokens.
//!
//! A [`Recipe`] says what a prompt tells and what it asks for. Its minijinja template is filled with the history, the
//! candidates and what is told, each under a short id (`h1`, `c1`, `e1`). The model answers with ids only; what an id stands
//! for is kept here, so nothing that a title says can become one. The budget holds for the whole prompt, counted by the
//! tokenizer of the model that will read it.

mod canonical;
mod facts;
mod probe;
pub mod recipe;
mod serial;
mod sheet;
pub mod wording;

pub use probe::Probe;
pub use recipe::{Contract, Recipe, Serialisation};

use crate::graph::Graph;
use crate::llm::{Message, TokenCounter};
use crate::scoring::Profile;
use crate::selection::{Candidate, Known, Piece, Selection};
use crate::{Error, Result};
use minijinja::Environment;
use sheet::Sheet;
use std::sync::{Arc, OnceLock};

/// A prompt, and what its ids stand for.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Hash of [`Prompt::text`]: the same bytes have the same id.
    pub id: String,
    /// The name of its recipe.
    pub recipe: String,
    /// What is asked for.
    pub contract: Contract,
    /// What the model is given.
    pub messages: Vec<Message>,
    /// Tokens of the messages, the chat template included.
    pub tokens: usize,
    /// The most that was allowed.
    pub budget: usize,
    /// What counted.
    pub tokenizer: String,
    /// Candidates in the order of the prompt: the first is `c1`, or `A`.
    pub candidates: Vec<u32>,
    /// For each of them its place in the list that the prompt was written for.
    pub places: Vec<usize>,
    /// Evidence that was chosen: `e1` is the first, where lines can be cited.
    pub evidence: Vec<Piece>,
    /// The value of the evidence against the most that the budget could have bought.
    pub selection: Selection,
    /// What the id is made of beside the messages, a line each.
    head: String,
}

/// Writes prompts for one graph.
pub struct Prompter<'a> {
    graph: &'a Graph,
    counter: Arc<dyn TokenCounter>,
    budget: usize,
    recipe: &'a Recipe,
    environment: Environment<'a>,
    model: String,
    /// How well the model knows items, where that was found.
    known: Known,
    /// What the recipe tells of all items, counted by the first prompt that tells it.
    pairs: OnceLock<Vec<(u32, u32)>>,
}

impl<'a> Prompter<'a> {
    /// Prepares a recipe; `budget` holds where it names none.
    ///
    /// # Errors
    /// `Input` if the template cannot be read.
    pub fn new(
        graph: &'a Graph,
        counter: Arc<dyn TokenCounter>,
        budget: usize,
        recipe: &'a Recipe,
    ) -> Result<Self> {
        let mut environment = Environment::new();
        environment.set_fuel(Some(1_000_000));
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment
            .add_template("prompt", &recipe.source)
            .map_err(|error| template_error(&recipe.name, error))?;
        Ok(Self {
            graph,
            counter,
            budget: recipe.budget.unwrap_or(budget),
            recipe,
            environment,
            model: String::new(),
            known: Known::default(),
            pairs: OnceLock::new(),
        })
    }

    /// The same, for a model with these settings, which become part of the prompts' ids.
    #[must_use]
    pub fn for_model(mut self, settings: String) -> Self {
        self.model = settings;
        self
    }

    /// The same, for a model that knows items so well.
    #[must_use]
    pub fn knowing(mut self, known: Known) -> Self {
        self.known = known;
        self
    }

    /// The same with another budget, whatever the recipe says.
    #[must_use]
    pub fn within(mut self, budget: usize) -> Self {
        self.budget = budget;
        self
    }

    /// Writes the prompt that asks to rank `candidates`, the best first, for `profile`.
    ///
    /// # Errors
    /// `Budget` if not even the candidates fit, or if there are more than letters where letters name them.
    pub fn write(&self, profile: &Profile, candidates: &[Candidate]) -> Result<Prompt> {
        let places = self.recipe.order.places(candidates);
        self.write_in_order(profile, candidates, places)
    }

    /// The same with the candidates in an order of one's own: `places` holds the index of the first, the second and so on.
    pub fn write_in_order(
        &self,
        profile: &Profile,
        candidates: &[Candidate],
        places: Vec<usize>,
    ) -> Result<Prompt> {
        Sheet::new(self, profile, candidates, places)?.write()
    }

    fn count(&self, messages: &[Message]) -> Result<usize> {
        self.counter.count_messages(messages)
    }
}

impl Prompt {
    /// The whole prompt as text, byte for byte what its id is the hash of.
    pub fn text(&self) -> String {
        let mut text = self.head.clone();
        for message in &self.messages {
            text.push_str(&format!(
                "--- {}\n{}\n",
                message.role.name(),
                message.content
            ));
        }
        text
    }

    fn seal(mut self) -> Self {
        self.id = blake3::hash(self.text().as_bytes()).to_hex()[..32].to_owned();
        self
    }
}

fn template_error(recipe: &str, error: minijinja::Error) -> Error {
    Error::input(format!("the prompt template fails: {error}"))
        .at(format!("the template of the recipe `{recipe}`"))
        .hint("a template has the blocks `system` and `user`")
        .because(error)
}
