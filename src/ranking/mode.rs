//! Ways to rank with a model: to let it write a ranking, or to ask how likely it finds short answers.
//!
//! | mode | what is asked | cost |
//! |---|---|---|
//! | listwise | the ranking as JSON; a local model can only write a valid one | the prompt, and a token or three for each id |
//! | letters | the odds of each candidate's letter as the answer | the prompt once, for each shuffle |
//! | pointwise | the odds of `yes` against `no` for each candidate | the prompt once, and a few tokens a candidate |
//! | pairwise | the odds of both in pairs, each in both orders | the prompt once, and some twenty tokens a candidate |
//!
//! The last three never generate: their texts share the prompt, which is computed once (see [`LanguageModel::score`]). Letters
//! favour places over items; averaging over shuffles takes that away, as do both orders of a pair.

use crate::llm::{Ids, LanguageModel, Request, ScoreCalls, TokenCounter, Usage};
use crate::model::Cancel;
use crate::prompt::{Contract, Prompt, Recipe};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// How many of the candidates behind it in a circle each is compared with.
const COMPARED: usize = 2;

/// A way to rank with a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It writes the ranking.
    #[default]
    Listwise,
    /// The odds of letters.
    Letters,
    /// The odds of yes for each.
    Pointwise,
    /// The odds within pairs.
    Pairwise,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Listwise,
        Self::Letters,
        Self::Pointwise,
        Self::Pairwise,
    ];

    /// Its name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Listwise => "listwise",
            Self::Letters => "letters",
            Self::Pointwise => "pointwise",
            Self::Pairwise => "pairwise",
        }
    }

    /// The mode of a name.
    ///
    /// # Errors
    /// `Usage` if there is none.
    pub fn named(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.name() == name)
            .ok_or_else(|| {
                Error::usage(format!("there is no ranking mode `{name}`"))
                    .hint("listwise, letters, pointwise or pairwise")
            })
    }

    /// A recipe that asks for what this mode reads; in lists, with reasons or without as it says.
    pub fn asking(self, recipe: Recipe) -> Recipe {
        let contract = match (self, recipe.answer) {
            (Self::Letters, _) => Contract::Letter,
            (Self::Pointwise, _) => Contract::Verdict,
            (Self::Pairwise, _) => Contract::Pair,
            (Self::Listwise, list @ (Contract::Ranking | Contract::RankingBecause)) => list,
            (Self::Listwise, _) => Contract::Ranking,
        };
        recipe.asking(contract)
    }
}

/// What a model thinks of the candidates of some prompts, which have the same candidates in different orders: a score for each
/// candidate, in the order that the prompts were written for; more is better. All of that within `deadline`, and until `cancel`
/// says so; what it takes is added to `usage`, also where it fails in the middle.
///
/// # Errors
/// Those of [`LanguageModel::score`]; `Usage` if a prompt asks for something else than odds.
pub fn opinion(
    model: &mut dyn LanguageModel,
    prompts: &[Prompt],
    (deadline, cancel): (Option<Duration>, &Cancel),
    usage: &mut Usage,
) -> Result<Vec<f64>> {
    let mut all = Vec::new();
    let started = Instant::now();
    for prompt in prompts {
        let left = deadline.map(|deadline| deadline.saturating_sub(started.elapsed()));
        let one = of_prompt(model, prompt, (left, cancel), usage)?;
        all.resize(one.len(), 0.0);
        for (sum, score) in all.iter_mut().zip(one) {
            *sum += score / prompts.len() as f64;
        }
    }
    Ok(all)
}

/// What asking for an [`opinion`] of one prompt takes at most.
///
/// # Errors
/// Those of [`TokenCounter::count`].
pub fn usage(prompt: &Prompt, calls: ScoreCalls, counter: &dyn TokenCounter) -> Result<Usage> {
    calls.usage(prompt.tokens, &texts(prompt), counter)
}

fn of_prompt(
    model: &mut dyn LanguageModel,
    prompt: &Prompt,
    (deadline, cancel): (Option<Duration>, &Cancel),
    usage: &mut Usage,
) -> Result<Vec<f64>> {
    if matches!(
        prompt.contract,
        Contract::Ranking | Contract::RankingBecause
    ) {
        return Err(Error::usage("this prompt asks for a ranking, not for odds"));
    }
    let mut request = Request::new(prompt.messages.clone(), 1);
    request.deadline = deadline;
    request.cancel = cancel.clone();
    let likelihoods = model.score(&request, &texts(prompt), usage)?;
    let logs: Vec<f64> = likelihoods
        .iter()
        .map(|likelihood| likelihood.log)
        .collect();
    let count = prompt.candidates.len();
    let shown = match prompt.contract {
        Contract::Pair => pairs(count, &logs),
        Contract::Verdict => verdicts(&logs),
        _ => normalised(&logs),
    };
    if shown.len() != count {
        return Err(Error::unavailable(format!(
            "`{}` told the odds of {} candidates, not of {count}",
            model.id(),
            shown.len()
        )));
    }
    let mut scores = vec![0.0; count];
    for (score, &place) in shown.into_iter().zip(&prompt.places) {
        scores[place] = score;
    }
    Ok(scores)
}

/// The short answers whose odds are asked.
fn texts(prompt: &Prompt) -> Vec<String> {
    let count = prompt.candidates.len();
    let id = |index: usize| prompt.contract.id(index);
    match prompt.contract {
        Contract::Verdict => (0..count)
            .flat_map(|index| ["yes", "no"].map(|verdict| format!("{}: {verdict}", id(index))))
            .collect(),
        Contract::Pair => {
            let text = |a, b, best| format!("{} or {}: {}", id(a), id(b), id(best));
            compared(count)
                .into_iter()
                .flat_map(|(a, b)| [text(a, b, a), text(a, b, b)])
                .collect()
        }
        _ => (0..count).map(id).collect(),
    }
}

/// Log-probabilities among these alone, so that prompts weigh alike.
fn normalised(logs: &[f64]) -> Vec<f64> {
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let all = most + logs.iter().map(|log| (log - most).exp()).sum::<f64>().ln();
    logs.iter().map(|log| log - all).collect()
}

/// What both texts of a candidate begin with adds the same to both.
fn verdicts(logs: &[f64]) -> Vec<f64> {
    logs.chunks(2)
        .map(|pair| pair[0] - pair[pair.len() - 1])
        .collect()
}

/// Pairs of so many candidates that are compared, each in both orders.
fn compared(count: usize) -> Vec<(usize, usize)> {
    let nearest =
        |one: usize| (1..=COMPARED.min(count / 2)).map(move |step| (one, (one + step) % count));
    let mut compared: Vec<(usize, usize)> = (0..count)
        .flat_map(nearest)
        .flat_map(|(a, b)| [(a, b), (b, a)])
        .collect();
    compared.sort_unstable();
    compared.dedup();
    compared
}

fn pairs(count: usize, logs: &[f64]) -> Vec<f64> {
    let mut scores = vec![0.0; count];
    for (&(a, b), odds) in compared(count).iter().zip(logs.chunks(2)) {
        let won = odds[0] - odds[odds.len() - 1];
        scores[a] += won;
        scores[b] -= won;
    }
    scores
}

/// The request for a ranking that is written; the ids of the prompt are the only ones that it may hold.
pub fn listwise(prompt: &Prompt, max_tokens: usize) -> Request {
    let count = prompt.candidates.len();
    let about = |candidate: usize| {
        let item = prompt.candidates[candidate];
        let about = prompt
            .evidence
            .iter()
            .enumerate()
            .filter(|(_, piece)| piece.to == item);
        about
            .map(|(index, _)| format!("e{}", index + 1))
            .collect::<Vec<_>>()
    };
    let mut request = Request::new(prompt.messages.clone(), max_tokens);
    request.json = true;
    request.ids = Some(Ids {
        candidates: (0..count).map(|index| prompt.contract.id(index)).collect(),
        evidence: (prompt.contract == Contract::RankingBecause)
            .then(|| (0..count).map(about).collect()),
    });
    request
}

/// An order of candidates by a model's scores and those of the graph, the best first. `weight` is what the model's count, 0
/// to 1; both are standardised among the candidates first, so that the weight means the same for every model. Equals keep
/// their order.
pub fn fused(model: &[f64], graph: &[f64], weight: f64) -> Vec<usize> {
    let (model, graph) = (standardised(model), standardised(graph));
    let sums: Vec<f64> = model
        .iter()
        .zip(&graph)
        .map(|(m, g)| weight * m + (1.0 - weight) * g)
        .collect();
    let mut order: Vec<usize> = (0..sums.len()).collect();
    order.sort_by(|&a, &b| sums[b].total_cmp(&sums[a]));
    order
}

/// Scores that a ranking stands for: the higher the place, the more.
pub fn of_order(order: &[usize]) -> Vec<f64> {
    let mut scores = vec![0.0; order.len()];
    for (place, &index) in order.iter().enumerate() {
        scores[index] = -(place as f64);
    }
    scores
}

/// Mean 0 and deviation 1; zeros where all are equal or one is no number.
fn standardised(scores: &[f64]) -> Vec<f64> {
    let count = scores.len().max(1) as f64;
    let mean = scores.iter().sum::<f64>() / count;
    let deviation = (scores
        .iter()
        .map(|score| (score - mean).powi(2))
        .sum::<f64>()
        / count)
        .sqrt();
    match deviation.is_finite() && deviation > 0.0 {
        true => scores
            .iter()
            .map(|score| (score - mean) / deviation)
            .collect(),
        false => vec![0.0; scores.len()],
    }
}
