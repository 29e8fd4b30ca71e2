//! How likely texts are after one prompt: the prompt is computed once, and the texts in packs behind it.
//!
//! Texts are packed in the order in which they come, as many as fit [`PACK`], so that equal requests are grouped alike:
//! the grouping changes the last bits of a score.

use super::local::{Clock, Local, failed, too_long};
use super::{Likelihood, Request};
use crate::error::{Error, Result};

/// Tokens that are computed at once behind a prompt.
const PACK: usize = 256;
/// States whose scores of the whole vocabulary are held at once.
const ROWS: usize = 16;

/// The likelihoods of `continuations` behind the messages of `request`.
pub fn score(
    local: &mut Local,
    request: &Request,
    continuations: &[String],
) -> Result<Vec<Likelihood>> {
    let clock = Clock::start(request.deadline);
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
        let seconds = request.deadline.unwrap_or_default().as_secs_f64();
        Error::unavailable(format!("no scores within {seconds} s"))
    };
    let logits = local.prefill(&prompt, &clock)?.ok_or_else(late)?;
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
        add(local, &texts, &pack, &mut scores)?;
    }
    Ok(scores)
}

/// Indices of texts of more than one token, in packs of at most `room` tokens.
fn packs(texts: &[Vec<u32>], room: usize) -> Vec<Vec<usize>> {
    let mut packs: Vec<Vec<usize>> = Vec::new();
    let mut held = room;
    for (index, text) in texts.iter().enumerate().filter(|(_, text)| text.len() > 1) {
        // The last token of a text is not computed: nothing comes after it.
        let tokens = text.len() - 1;
        match packs.last_mut() {
            Some(pack) if held + tokens <= room => pack.push(index),
            _ => {
                packs.push(vec![index]);
                held = 0;
            }
        }
        held += tokens;
    }
    packs
}

/// Adds what the second and later tokens of a pack's texts say.
fn add(
    local: &mut Local,
    texts: &[Vec<u32>],
    pack: &[usize],
    scores: &mut [Likelihood],
) -> Result<()> {
    let branches: Vec<&[u32]> = pack
        .iter()
        .map(|&index| &texts[index][..texts[index].len() - 1])
        .collect();
    let hidden = local.model.branch(&branches).map_err(failed)?;
    let next = pack
        .iter()
        .flat_map(|&index| texts[index][1..].iter().map(move |&token| (index, token)));
    let next: Vec<(usize, u32)> = next.collect();
    for (at, rows) in next.chunks(ROWS).enumerate() {
        let states = hidden.narrow(0, at * ROWS, rows.len()).map_err(failed)?;
        let logits = local
            .model
            .logits(&states.contiguous().map_err(failed)?)
            .map_err(failed)?;
        for (row, &(index, token)) in logits.chunks(local.model.vocabulary()).zip(rows) {
            scores[index].log += Row::new(row).log(token);
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
