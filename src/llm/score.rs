//! How likely texts are after one prompt: the prompt is computed once, and the texts in packs behind it, in each pack what
//! several of them begin with once.
//!
//! Texts are packed in the order in which they come, as many as fit [`PACK`], so that equal requests are grouped alike:
//! the grouping changes the last bits of a score.

use super::local::{Clock, Local, failed, too_long};
use super::tree::Tree;
use super::{Likelihood, Request, Usage, given_up};
use crate::error::{Error, Result};

/// Tokens that are computed at once behind a prompt.
const PACK: usize = 256;
/// States whose scores of the whole vocabulary are held at once.
const ROWS: usize = 16;

/// The likelihoods of `continuations` behind the messages of `request`; the tokens computed for them are added to `usage`.
pub fn score(
    local: &mut Local,
    request: &Request,
    continuations: &[String],
    usage: &mut Usage,
) -> Result<Vec<Likelihood>> {
    let clock = Clock::start(request);
    let prompt = local.tokenizer.encode_messages(&request.messages)?;
    let texts = continuations
        .iter()
        .map(|text| local.tokenizer.encode(text));
    let texts = texts.collect::<Result<Vec<_>>>()?;
    let longest = texts.iter().map(Vec::len).max().unwrap_or(0);
    if prompt.len() + longest.max(1) > local.context {
        return Err(too_long(prompt.len() + longest, local.context, &local.id));
    }
    let late = || {
        if request.cancel.is_cancelled() {
            return given_up();
        }
        let seconds = request.deadline.unwrap_or_default().as_secs_f64();
        Error::unavailable(format!("no scores within {seconds} s"))
    };
    let logits = local.prefill(&prompt, &clock)?.ok_or_else(late)?;
    usage.calls += 1;
    usage.prompt_tokens += prompt.len();
    let first = Row::new(&logits);
    let mut scores: Vec<Likelihood> = texts
        .iter()
        .map(|text| Likelihood {
            log: text.first().map_or(0.0, |&token| first.log(token)),
            tokens: text.len(),
        })
        .collect();
    let room = (local.context - prompt.len()).min(PACK).max(longest);
    for pack in packs(&texts, room) {
        if clock.is_over() {
            return Err(late());
        }
        usage.prompt_tokens += pack.tree.tokens().len();
        add(local, &pack, &mut scores)?;
    }
    Ok(scores)
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

/// Adds what the second and later tokens of a pack's texts say.
fn add(local: &mut Local, pack: &Pack, scores: &mut [Likelihood]) -> Result<()> {
    let hidden = local.model.branch(&pack.tree).map_err(failed)?;
    for (at, next) in pack.next.chunks(ROWS).enumerate() {
        let states = hidden.narrow(0, at * ROWS, next.len()).map_err(failed)?;
        let logits = local
            .model
            .logits(&states.contiguous().map_err(failed)?)
            .map_err(failed)?;
        for (row, next) in logits.chunks(local.model.vocabulary()).zip(next) {
            let row = Row::new(row);
            for &(index, token) in next {
                scores[index].log += row.log(token);
            }
        }
    }
    Ok(())
}

/// The scores of all tokens as the next one.
struct Row<'a> {
    logits: &'a [f32],
    /// The logarithm of the sum of their exponentials.
    all: f64,
}

impl<'a> Row<'a> {
    fn new(logits: &'a [f32]) -> Self {
        let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = logits.iter().map(|x| f64::from(x - most).exp()).sum();
        Self {
            logits,
            all: f64::from(most) + sum.ln(),
        }
    }

    fn log(&self, token: u32) -> f64 {
        let logit = self
            .logits
            .get(token as usize)
            .copied()
            .unwrap_or(f32::NEG_INFINITY);
        f64::from(logit) - self.all
    }
}
