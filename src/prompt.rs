//! Evidence becomes text, within an exact number of tokens.
//!
//! A prompt is a minijinja template filled with the history, the candidates and the chosen evidence, each under a short
//! id (`h1`, `c1`, `e1`). The model answers with ids only; what an id stands for is kept here, so nothing that a title
//! says can become one. The budget holds for the whole prompt, counted by the tokenizer of the model that will read it.

pub mod wording;

use crate::graph::Graph;
use crate::llm::{Message, TokenCounter};
use crate::scoring::Profile;
use crate::selection::{Candidate, Piece, Selection, select};
use crate::{Error, Result};
use minijinja::{Environment, context};
use std::sync::Arc;

/// The template that comes with Kenning.
pub const TEMPLATE: &str = include_str!("prompt/rank.jinja");

/// Items of the history that a prompt names at most.
const HISTORY: usize = 12;

/// Pieces of evidence about one candidate that are considered at most, the largest contributions first.
const PIECES: usize = 16;

/// A prompt, and what its ids stand for.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Hash of [`Prompt::text`]: the same bytes have the same id.
    pub id: String,
    /// What the model is given.
    pub messages: Vec<Message>,
    /// Tokens of the messages, the chat template included.
    pub tokens: usize,
    /// The most that was allowed.
    pub budget: usize,
    /// What counted.
    pub tokenizer: String,
    /// Candidates by id: `c1` is the first.
    pub candidates: Vec<u32>,
    /// Evidence by id: `e1` is the first.
    pub evidence: Vec<Piece>,
    /// The value of the evidence against the most that the budget could have bought.
    pub selection: Selection,
}

/// Writes prompts for one graph.
pub struct Prompter<'a> {
    graph: &'a Graph,
    counter: Arc<dyn TokenCounter>,
    budget: usize,
    environment: Environment<'a>,
}

/// A line of evidence.
struct Said {
    id: String,
    about: String,
    text: String,
}

impl<'a> Prompter<'a> {
    /// Prepares `template` (blocks `system` and `user`; [`TEMPLATE`] unless you have your own).
    pub fn new(
        graph: &'a Graph,
        counter: Arc<dyn TokenCounter>,
        budget: usize,
        template: &'a str,
    ) -> Result<Self> {
        let mut environment = Environment::new();
        environment.set_fuel(Some(1_000_000));
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment
            .add_template("prompt", template)
            .map_err(template_error)?;
        Ok(Self {
            graph,
            counter,
            budget,
            environment,
        })
    }

    /// Writes the prompt that asks to rank `candidates` for `profile`. Fails when not even the candidates fit.
    pub fn write(&self, profile: &Profile, candidates: &[Candidate]) -> Result<Prompt> {
        let bare = self.count(&self.render(profile, candidates, &[])?)?;
        if bare > self.budget {
            return Err(Error::budget(format!(
                "{} candidates alone take {bare} tokens, but the budget is {}",
                candidates.len(),
                self.budget
            ))
            .hint("allow more tokens with `--budget N`, or put fewer items to the model with `--candidates N`"));
        }
        let costs = self.costs(profile, candidates)?;
        let mut selection = select(candidates, &costs, self.budget - bare);
        loop {
            let evidence: Vec<Piece> = self.chosen(candidates, &selection);
            let messages = self.render(profile, candidates, &evidence)?;
            let tokens = self.count(&messages)?;
            // Tokens of lines can add up to a little less than the tokens of the whole; then the last line goes.
            if tokens > self.budget && selection.chosen.pop().is_some() {
                continue;
            }
            let prompt = Prompt {
                id: String::new(),
                messages,
                tokens,
                budget: self.budget,
                tokenizer: self.counter.name().to_owned(),
                candidates: candidates.iter().map(|c| c.item).collect(),
                evidence,
                selection,
            };
            return Ok(prompt.seal());
        }
    }

    fn chosen(&self, candidates: &[Candidate], selection: &Selection) -> Vec<Piece> {
        let piece = |&(c, p): &(usize, usize)| candidates[c].pieces[p].clone();
        selection.chosen.iter().map(piece).collect()
    }

    fn costs(&self, profile: &Profile, candidates: &[Candidate]) -> Result<Vec<Vec<usize>>> {
        let cost = |c: usize, piece: &Piece| {
            let said = self.said(profile, candidates, 99, c, piece);
            self.counter
                .count(&format!("{} {}: {}\n", said.id, said.about, said.text))
        };
        let of_candidate = |(c, candidate): (usize, &Candidate)| {
            candidate
                .pieces
                .iter()
                .take(PIECES)
                .map(|piece| cost(c, piece))
                .collect()
        };
        candidates.iter().enumerate().map(of_candidate).collect()
    }

    fn said(
        &self,
        profile: &Profile,
        candidates: &[Candidate],
        index: usize,
        c: usize,
        piece: &Piece,
    ) -> Said {
        let name = |node: u32| {
            let met = profile
                .history
                .iter()
                .take(HISTORY)
                .position(|(item, _)| *item == node);
            let candidate = candidates.iter().position(|c| c.item == node);
            match (met, candidate) {
                (Some(index), _) => format!("h{}", index + 1),
                (_, Some(index)) => format!("c{}", index + 1),
                _ => quoted(self.graph.label(node)),
            }
        };
        Said {
            id: format!("e{index}"),
            about: format!("c{}", c + 1),
            text: wording::say(self.graph, piece, &name),
        }
    }

    fn render(
        &self,
        profile: &Profile,
        candidates: &[Candidate],
        evidence: &[Piece],
    ) -> Result<Vec<Message>> {
        let named = |prefix: &str, index: usize, node: u32| {
            context! { id => format!("{prefix}{}", index + 1), label => quoted(self.graph.label(node)) }
        };
        let history = profile.history.iter().take(HISTORY).enumerate();
        let history: Vec<_> = history.map(|(i, (item, _))| named("h", i, *item)).collect();
        let listed: Vec<_> = candidates
            .iter()
            .enumerate()
            .map(|(i, c)| named("c", i, c.item))
            .collect();
        let said = |(index, piece): (usize, &Piece)| {
            let candidate = candidates
                .iter()
                .position(|c| c.item == piece.to)
                .unwrap_or(0);
            let Said { id, about, text } =
                self.said(profile, candidates, index + 1, candidate, piece);
            context! { id, about, text }
        };
        let evidence: Vec<_> = evidence.iter().enumerate().map(said).collect();
        let dataset = candidates
            .first()
            .and_then(|c| self.graph.dataset_of(c.item));
        let values = context! {
            noun => dataset.map_or("item", |d| d.noun.as_str()),
            verb => dataset.map_or("chose", |d| d.verb.as_str()),
            history,
            candidates => listed,
            evidence,
        };
        let template = self
            .environment
            .get_template("prompt")
            .map_err(template_error)?;
        let mut rendered = template.render_captured(values).map_err(template_error)?;
        let mut block = |name: &str| {
            let text = rendered.with_state_mut(|state| state.render_block(name));
            Ok::<_, Error>(text.map_err(template_error)?.trim().to_owned())
        };
        Ok(vec![
            Message::system(block("system")?),
            Message::user(block("user")?),
        ])
    }

    fn count(&self, messages: &[Message]) -> Result<usize> {
        self.counter.count_messages(messages)
    }
}

impl Prompt {
    /// The whole prompt as text, byte for byte what its id is the hash of.
    pub fn text(&self) -> String {
        let mut text = format!("tokenizer: {}\nbudget: {}\n", self.tokenizer, self.budget);
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

/// A label in quotes that nothing in it can close.
fn quoted(label: &str) -> String {
    format!("\"{}\"", wording::clean(label).replace(['"', '\\'], "'"))
}

fn template_error(error: minijinja::Error) -> Error {
    Error::input(format!("the prompt template fails: {error}"))
        .at("prompt template")
        .hint("a template has the blocks `system` and `user`")
        .because(error)
}
