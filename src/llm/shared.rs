//! A model that computes what its prompts begin with alike once, and texts behind a prompt in packs: in each pack what several of
//! them begin with once.
//!
//! Prompts are computed in chunks that begin at multiples of [`CHUNK`], and only whole chunks are kept for the next
//! prompt that begins alike. So a kept prefix was computed in exactly the pieces in which it would be computed again,
//! and a reply does not depend on what was asked before; the grouping of tokens changes the last bits of a score.
//! Texts are packed in the order in which they come, as many as fit [`PACK`], so that equal requests are grouped alike.

use super::decode::Clock;
use super::local::failed;
use super::qwen::Qwen;
use super::runner::{Rest, Row, Runner};
use super::tree::Tree;
use crate::error::{Error, Result};

/// Tokens of a prompt that are computed at once.
const CHUNK: usize = 128;
/// Tokens that are computed at once behind a prompt.
const PACK: usize = 256;
/// States whose scores of the whole vocabulary are held at once.
const ROWS: usize = 64;

/// A model and the begin of its last prompt.
pub struct Shared {
    model: Qwen,
    /// The tokens of whole chunks at the begin of the model's cache.
    kept: Vec<u32>,
}

impl Shared {
    /// Takes a model and runs it once: the first pass of each kind rearranges the weights, which takes seconds that no deadline
    /// foresees.
    pub fn new(mut model: Qwen) -> Result<Self> {
        model.forward(&[0, 0]).map_err(failed)?;
        let hidden = model.forward(&[0]).map_err(failed)?;
        let logits = model.logits(&hidden).map_err(failed)?;
        model.cut(0);
        match logits.iter().any(|x| x.is_finite()) {
            true => Ok(Self {
                model,
                kept: Vec::new(),
            }),
            false => Err(Error::corrupt("the weights give no finite numbers")),
        }
    }

    /// Adds what the second and later tokens of a pack's texts say.
    fn add(&mut self, pack: &Pack, logs: &mut [f64]) -> candle_core::Result<()> {
        let hidden = self.model.branch(&pack.tree)?;
        for (at, next) in pack.next.chunks(ROWS).enumerate() {
            let states = hidden.narrow(0, at * ROWS, next.len())?.contiguous()?;
            let logits = self.model.logits(&states)?;
            for (row, next) in logits.chunks(self.model.vocabulary()).zip(next) {
                let row = Row::new(row);
                for &(index, token) in next {
                    logs[index] += row.log(token);
                }
            }
        }
        Ok(())
    }
}

impl Runner for Shared {
    fn begin(&mut self, prompt: &[u32], clock: &Clock<'_>) -> Result<Option<Vec<f32>>> {
        let both = self.kept.iter().zip(prompt);
        let common = both.take_while(|(a, b)| a == b).count();
        let common = common.min(prompt.len() - 1) / CHUNK * CHUNK;
        self.kept.truncate(common);
        self.model.cut(common);
        let mut hidden = None;
        for chunk in prompt[common..].chunks(CHUNK) {
            if clock.is_over() {
                return Ok(None);
            }
            hidden = Some(self.model.forward(chunk).map_err(failed)?);
            if chunk.len() == CHUNK {
                self.kept.extend(chunk);
            }
        }
        let logits = hidden.map(|hidden| self.model.logits(&hidden).map_err(failed));
        logits.transpose()
    }

    fn step(&mut self, token: u32) -> Result<Vec<f32>> {
        let hidden = self.model.forward(&[token]).map_err(failed)?;
        self.model.logits(&hidden).map_err(failed)
    }

    fn rest(&mut self, texts: &[Vec<u32>], room: usize, clock: &Clock<'_>) -> Result<Option<Rest>> {
        let mut rest = Rest {
            logs: vec![0.0; texts.len()],
            computed: 0,
        };
        let longest = texts.iter().map(Vec::len).max().unwrap_or(0);
        for pack in packs(texts, room.min(PACK).max(longest)) {
            if clock.is_over() {
                return Ok(None);
            }
            rest.computed += pack.tree.tokens().len();
            self.add(&pack, &mut rest.logs).map_err(failed)?;
        }
        Ok(Some(rest))
    }
}

/// Texts that are computed together.
#[derive(Default)]
struct Pack {
    tree: Tree,
    /// For each token of the tree, which token comes behind it in which text.
    next: Vec<Vec<(usize, u32)>>,
}

impl Pack {
    fn add(&mut self, index: usize, text: &[u32]) {
        // The last token of a text is not computed: nothing comes after it.
        let places = self.tree.add(&text[..text.len() - 1]);
        self.next.resize(self.tree.tokens().len(), Vec::new());
        for (place, &token) in places.into_iter().zip(&text[1..]) {
            self.next[place].push((index, token));
        }
    }
}

/// Texts of more than one token, in packs of at most `room` tokens.
fn packs(texts: &[Vec<u32>], room: usize) -> Vec<Pack> {
    let mut packs: Vec<Pack> = Vec::new();
    for (index, text) in texts.iter().enumerate().filter(|(_, text)| text.len() > 1) {
        let fits = |pack: &&mut Pack| {
            let missing = pack.tree.missing(&text[..text.len() - 1]);
            pack.tree.tokens().len() + missing <= room
        };
        match packs.last_mut().filter(fits) {
            Some(pack) => pack.add(index, text),
            None => {
                let mut pack = Pack::default();
                pack.add(index, text);
                packs.push(pack);
            }
        }
    }
    packs
}
