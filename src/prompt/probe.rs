//! What a model knows of an item, found by asking it.
//!
//! The model judges statements: some facts of the item, each beside the same with a value of another item. How sure it is that
//! one holds are its odds of `yes` against `no` (P(True), Kadavath et al. 2022, arXiv 2207.05221). Where it gives a fact no
//! better odds than a corrupted one (as in triple classification, Socher et al. 2013), it knows nothing of it, however readily
//! it says yes. The other value is that of a fact drawn from all facts of the property, so that a frequent value comes as
//! often where it is true as where it is not. What an item's own name tells is not asked.
//!
//! A probe has a key that follows from its words, so that what a model said to it once is said again.

use super::facts::values_of;
use super::wording::{self, quoted};
use crate::graph::Graph;
use crate::llm::{LanguageModel, Likelihood, Message, Request, Usage};
use crate::{Error, Result};

/// Facts of an item that are asked about at most.
const FACTS: usize = 4;

/// Statements about one item: pairs of one that holds and one that does not.
pub struct Probe {
    request: Request,
    /// Each statement with `yes`, then with `no`.
    texts: Vec<String>,
}

impl Probe {
    /// What there is to ask about an item; nothing where it has no facts, or no other item has others.
    pub fn of(graph: &Graph, item: u32) -> Option<Self> {
        let label = quoted(graph.label(item));
        let say = |predicate: u32, value: u32| {
            let phrase = wording::phrase(graph, predicate);
            let statement = format!("{label} {phrase} {}", quoted(graph.label(value)));
            ["yes", "no"].map(|verdict| format!("{statement}: {verdict}"))
        };
        // "Toy Story (1995)" tells by itself when it came out.
        let is_told = |value: u32| graph.label(item).contains(graph.label(value));
        let mut facts: Vec<(u64, [u32; 2])> = values_of(graph, item)
            .filter(|fact| !is_told(fact[1]))
            .map(|[predicate, value]| (draw(graph, [item, predicate, value]), [predicate, value]))
            .collect();
        facts.sort_unstable();
        facts.dedup();
        let pairs = facts.into_iter().filter_map(|(drawn, fact)| {
            let other = other(graph, (item, fact), drawn)?;
            Some([say(fact[0], fact[1]), say(fact[0], other)])
        });
        let texts: Vec<String> = pairs.take(FACTS).flatten().flatten().collect();
        let noun = graph.dataset_of(item).map_or("item", |d| d.noun.as_str());
        let asked = Message::user(format!(
            "Write a statement about one {noun}, a colon, and \"yes\" if it is true or \"no\" if it is not."
        ));
        (!texts.is_empty()).then(|| Self {
            request: Request::new(vec![asked], 1),
            texts,
        })
    }

    /// Under which key the answer of a model is kept.
    pub fn key(&self, model: &str) -> String {
        let mut hash = blake3::Hasher::new();
        let words = self.request.messages.iter().map(|message| &message.content);
        for text in words.chain(&self.texts) {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        format!("probe/{model}/{}", &hash.finalize().to_hex()[..32])
    }

    /// How likely the model finds yes and no after each statement; what that takes is added to `usage`.
    ///
    /// # Errors
    /// Those of [`LanguageModel::score`].
    pub fn ask(&self, model: &mut dyn LanguageModel, usage: &mut Usage) -> Result<Vec<Likelihood>> {
        let said = model.score(&self.request, &self.texts, usage)?;
        match said.len() == self.texts.len() {
            true => Ok(said),
            false => Err(Error::unavailable(format!(
                "`{}` judged {} statements, not {}",
                model.id(),
                said.len() / 2,
                self.texts.len() / 2
            ))),
        }
    }

    /// How well a model that said so knows the item, from 0 to 1: how likely it tells a fact from a corrupted one, by their odds
    /// alone, above chance. None if that is no answer to this.
    pub fn known(&self, said: &[Likelihood]) -> Option<f64> {
        let odds: Vec<f64> = said
            .chunks(2)
            .map(|pair| pair[0].log - pair[pair.len() - 1].log)
            .collect();
        let tells = odds
            .chunks(2)
            .map(|pair| 1.0 / (1.0 + (pair[pair.len() - 1] - pair[0]).exp()));
        let mean = tells.sum::<f64>() / (self.texts.len() / 4) as f64;
        let is_answer = said.len() == self.texts.len() && mean.is_finite();
        is_answer.then(|| (2.0 * mean - 1.0).clamp(0.0, 1.0))
    }
}

/// A value that another item has under the property and this one does not, of a fact that was drawn.
fn other(graph: &Graph, (item, [predicate, _]): (u32, [u32; 2]), drawn: u64) -> Option<u32> {
    let pairs = graph.pairs(predicate);
    let own = graph.objects(item, predicate);
    // A hash turned bit by bit gives one number after the other.
    let draws = (0..u64::BITS).map(|turn| drawn.rotate_left(turn) % pairs.len() as u64);
    let mut values = draws.map(|place| pairs[place as usize][0]);
    values.find(|&value| graph.nodes().contains(&value) && !own.contains(&[predicate, value]))
}

/// A number that follows from the names of a fact, and from nothing else.
fn draw(graph: &Graph, fact: [u32; 3]) -> u64 {
    let names = fact.map(|term| graph.name(term)).join(" ");
    let hash = blake3::hash(names.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(first)
}
