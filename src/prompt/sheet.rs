//! One prompt while it is written: what is told so far, and what that costs.

use super::facts::{self, Fact, Known, Names};
use super::recipe::{Contract, Kind, LETTERS, Spend};
use super::wording::{self, quoted};
use super::{Prompt, Prompter, canonical, serial, template_error};
use crate::graph::Graph;
use crate::llm::Message;
use crate::scoring::Profile;
use crate::selection::{Candidate, Piece, Selection, gaps, select_weighed};
use crate::{Error, Result};
use minijinja::context;
use rustc_hash::FxHashMap;
use std::cell::RefCell;

/// Pieces of evidence about one candidate that are considered at most, the largest contributions first.
const PIECES: usize = 16;

/// How often more pieces are looked for where grouping them left room.
const ROUNDS: usize = 3;

/// A prompt that is being written.
pub(super) struct Sheet<'a> {
    prompter: &'a Prompter<'a>,
    /// In the order of the prompt.
    candidates: Vec<&'a Candidate>,
    /// What telling of each is worth; of all alike if there are none.
    weights: Vec<f64>,
    places: Vec<usize>,
    ids: Ids<'a>,
    /// What is told in fixed counts.
    told: Vec<Fact>,
}

/// A prompt with some evidence, as far as it is written.
struct Written {
    selection: Selection,
    messages: Vec<Message>,
    tokens: usize,
}

/// The ids of one prompt.
struct Ids<'a> {
    graph: &'a Graph,
    history: &'a [(u32, f64)],
    contract: Contract,
    /// Names by node: ids of items, and labels as they are asked for. Many pieces name the same few nodes.
    names: RefCell<FxHashMap<u32, String>>,
}

impl<'a> Ids<'a> {
    fn of(graph: &'a Graph, history: &'a [(u32, f64)], contract: Contract) -> Self {
        Self {
            graph,
            history,
            contract,
            names: RefCell::default(),
        }
    }

    /// Names the items of the history and these candidates, each by its first place.
    fn name_items(self, candidates: &[&Candidate]) -> Self {
        let history = self.history.iter().enumerate();
        let history = history.map(|(index, met)| (met.0, format!("h{}", index + 1)));
        let listed = candidates.iter().enumerate();
        let listed = listed.map(|(index, c)| (c.item, self.contract.id(index)));
        let mut names = FxHashMap::default();
        for (node, name) in history.chain(listed) {
            names.entry(node).or_insert(name);
        }
        Self {
            names: RefCell::new(names),
            ..self
        }
    }
}

impl Names for Ids<'_> {
    fn name(&self, node: u32) -> String {
        let mut names = self.names.borrow_mut();
        let name = names
            .entry(node)
            .or_insert_with(|| quoted(self.graph.label(node)));
        name.clone()
    }
}

/// A line of evidence.
struct Said {
    id: String,
    about: String,
    text: String,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(
        prompter: &'a Prompter<'a>,
        profile: &'a Profile,
        candidates: &'a [Candidate],
        places: Vec<usize>,
    ) -> Result<Self> {
        let count = candidates.len();
        if prompter.recipe.answer.has_letters() && count > LETTERS {
            return Err(Error::budget(format!(
                "{count} candidates are more than {LETTERS} letters"
            ))
            .hint("put fewer items to the model with `--candidates N`"));
        }
        let recipe = prompter.recipe;
        let candidates: Vec<&Candidate> = places
            .iter()
            .filter_map(|&place| candidates.get(place))
            .collect();
        let history = &profile.history[..profile.history.len().min(recipe.history)];
        let ids = Ids::of(prompter.graph, history, recipe.answer).name_items(&candidates);
        let weights = match recipe.spend {
            Spend::Evenly => Vec::new(),
            Spend::OnGaps => gaps(prompter.graph, &candidates, &prompter.known),
        };
        let mut sheet = Self {
            prompter,
            candidates,
            weights,
            places,
            ids,
            told: Vec::new(),
        };
        sheet.told = sheet.known();
        Ok(sheet)
    }

    /// Writes what fits.
    pub(super) fn write(self) -> Result<Prompt> {
        let budget = self.prompter.budget;
        let bare = self.written(Selection::default())?;
        if bare.tokens > budget {
            return Err(Error::budget(format!(
                "{} candidates alone take {} tokens, but the budget is {budget}",
                self.candidates.len(),
                bare.tokens
            ))
            .hint("allow more tokens with `--budget N`, or put fewer items to the model with `--candidates N`"));
        }
        if !self.prompter.recipe.knowledge.contains(&Kind::Paths) {
            return Ok(self.prompt(bare));
        }
        let costs = self.costs()?;
        let all = costs.iter().map(Vec::len).sum::<usize>();
        let mut room = budget - bare.tokens;
        let mut best = self.fitting(&costs, room)?;
        // Lines that are shared cost less together than alone: what is left buys more.
        let rounds = if self.prompter.recipe.cites() {
            0
        } else {
            ROUNDS
        };
        for _ in 0..rounds {
            let left = budget - best.tokens;
            if left * 20 < budget || best.selection.chosen.len() == all {
                break;
            }
            room += left;
            let more = self.fitting(&costs, room)?;
            if more.selection.value <= best.selection.value {
                break;
            }
            best = more;
        }
        Ok(self.prompt(best))
    }

    /// Chooses pieces of so many tokens, and leaves out the last ones until the whole fits the budget: tokens of lines can
    /// add up to a little less than the tokens of the whole.
    fn fitting(&self, costs: &[Vec<usize>], room: usize) -> Result<Written> {
        let chosen = select_weighed(&self.candidates, costs, &self.weights, room);
        let mut written = self.written(chosen)?;
        while written.tokens > self.prompter.budget && !written.selection.chosen.is_empty() {
            let chosen = &written.selection;
            let fewer = chosen.without_last(&self.candidates, costs, &self.weights);
            written = self.written(fewer)?;
        }
        Ok(written)
    }

    fn written(&self, selection: Selection) -> Result<Written> {
        let messages = self.render(&self.chosen(&selection))?;
        Ok(Written {
            tokens: self.prompter.count(&messages)?,
            selection,
            messages,
        })
    }

    fn prompt(self, written: Written) -> Prompt {
        let evidence: Vec<Piece> = self
            .chosen(&written.selection)
            .into_iter()
            .cloned()
            .collect();
        let prompter = self.prompter;
        let quads = canonical::quads(prompter.graph, &evidence, &self.told);
        let template = blake3::hash(prompter.recipe.source.as_bytes()).to_hex();
        let mut head = format!(
            "tokenizer: {}\nbudget: {}\nrecipe: {}\ntemplate: {}\nevidence: {}\n",
            prompter.counter.name(),
            prompter.budget,
            prompter.recipe.name,
            &template[..32],
            canonical::hash(&quads),
        );
        if !prompter.model.is_empty() {
            head.push_str(&format!("model: {}\n", wording::clean(&prompter.model)));
        }
        let prompt = Prompt {
            id: String::new(),
            recipe: prompter.recipe.name.clone(),
            contract: prompter.recipe.answer,
            tokens: written.tokens,
            messages: written.messages,
            budget: prompter.budget,
            tokenizer: prompter.counter.name().to_owned(),
            candidates: self.candidates.iter().map(|c| c.item).collect(),
            evidence,
            places: self.places,
            selection: written.selection,
            head,
        };
        prompt.seal()
    }

    /// What is told in fixed counts.
    fn known(&self) -> Vec<Fact> {
        let recipe = self.prompter.recipe;
        let known = Known {
            graph: self.prompter.graph,
            history: self.ids.history,
            candidates: &self.candidates,
            counts: recipe.counts,
            names: &self.ids,
            pairs: &self.prompter.pairs,
        };
        recipe
            .knowledge
            .iter()
            .flat_map(|&kind| known.facts(kind))
            .collect()
    }

    fn chosen(&self, selection: &Selection) -> Vec<&'a Piece> {
        let piece = |&(c, p): &(usize, usize)| &self.candidates[c].pieces[p];
        selection.chosen.iter().map(piece).collect()
    }

    fn costs(&self) -> Result<Vec<Vec<usize>>> {
        let prompter = self.prompter;
        let cost = |c: usize, piece: &Piece| {
            let text = match prompter.recipe.cites() {
                true => {
                    let said = self.said(99, c, piece);
                    format!("{} {}: {}\n", said.id, said.about, said.text)
                }
                false => {
                    let fact = facts::of_piece(prompter.graph, piece, &self.ids);
                    serial::text(&[fact], prompter.recipe.serialisation) + "\n"
                }
            };
            prompter.counter.count(&text)
        };
        let of_candidate = |(c, candidate): (usize, &&Candidate)| {
            candidate
                .pieces
                .iter()
                .take(PIECES)
                .map(|piece| cost(c, piece))
                .collect()
        };
        self.candidates
            .iter()
            .enumerate()
            .map(of_candidate)
            .collect()
    }

    fn said(&self, index: usize, c: usize, piece: &Piece) -> Said {
        Said {
            id: format!("e{index}"),
            about: self.ids.contract.id(c),
            text: serial::line(
                self.prompter.graph,
                piece,
                &self.ids,
                self.prompter.recipe.serialisation,
            ),
        }
    }

    fn render(&self, evidence: &[&Piece]) -> Result<Vec<Message>> {
        let (prompter, ids) = (self.prompter, &self.ids);
        let graph = prompter.graph;
        let named = |id: String, node: u32| context! { id, label => quoted(graph.label(node)) };
        let history = ids.history.iter().enumerate();
        let history: Vec<_> = history
            .map(|(i, (item, _))| named(format!("h{}", i + 1), *item))
            .collect();
        let listed = self.candidates.iter().enumerate();
        let listed: Vec<_> = listed
            .map(|(i, c)| named(ids.contract.id(i), c.item))
            .collect();
        let (cited, knowledge) = self.lines(evidence);
        let dataset = self
            .candidates
            .first()
            .and_then(|c| graph.dataset_of(c.item));
        let values = context! {
            noun => dataset.map_or("item", |d| d.noun.as_str()),
            verb => dataset.map_or("chose", |d| d.verb.as_str()),
            contract => ids.contract.said(),
            question => ids.contract.question(self.candidates.len()),
            history,
            candidates => listed,
            evidence => cited,
            knowledge,
        };
        let failed = |error| template_error(&prompter.recipe.name, error);
        let template = prompter
            .environment
            .get_template("prompt")
            .map_err(failed)?;
        let mut rendered = template.render_captured(values).map_err(failed)?;
        let mut block = |name: &str| {
            let text = rendered.with_state_mut(|state| state.render_block(name));
            Ok::<_, Error>(text.map_err(failed)?.trim().to_owned())
        };
        Ok(vec![
            Message::system(block("system")?),
            Message::user(block("user")?),
        ])
    }

    /// Lines that can be cited, and the rest as one text.
    fn lines(&self, evidence: &[&Piece]) -> (Vec<minijinja::Value>, String) {
        let prompter = self.prompter;
        let said = |(index, piece): (usize, &&Piece)| {
            let candidate = self
                .candidates
                .iter()
                .position(|c| c.item == piece.to)
                .unwrap_or(0);
            let Said { id, about, text } = self.said(index + 1, candidate, piece);
            context! { id, about, text }
        };
        if prompter.recipe.cites() {
            return (
                evidence.iter().enumerate().map(said).collect(),
                String::new(),
            );
        }
        let pieces = evidence
            .iter()
            .map(|piece| facts::of_piece(prompter.graph, piece, &self.ids));
        let all: Vec<Fact> = self.told.iter().cloned().chain(pieces).collect();
        let text = match all.is_empty() {
            true => String::new(),
            false => serial::text(&all, prompter.recipe.serialisation),
        };
        (Vec::new(), text)
    }
}
