//! Whether a model's ranking rests on the reasons that are shown for it.
//!
//! The model ranks a user's candidates as in an answer, then twice more. *Deletion*: without the evidence behind the reasons of
//! the item that it placed first, which are those it cited, or all that the prompt tells of the item where it is asked for odds.
//! *Sufficiency*: with no other evidence of that item, where it cited some. All else is told as before, in the same order: what was taken away is
//! not replaced.

use super::Plan;
use crate::engine::Engine;
use crate::evaluation::random::Random;
use crate::evaluation::trained::Trained;
use crate::llm::{LanguageModel, Usage};
use crate::model::{Cancel, Progress};
use crate::prompt::{Prompt, Prompter, Recipe};
use crate::ranking::mode::{listwise, opinion};
use crate::ranking::{Mode, Ranking};
use crate::scoring::{Profile, Scored, Scorer};
use crate::selection::{Candidate, Piece};
use crate::{ErrorKind, Result};
use serde::Serialize;

/// How faithful reasons are to a model's rankings.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ModelFidelity {
    /// The model asked.
    pub model: String,
    /// How.
    pub mode: Mode,
    /// Users whose candidates it ranked.
    pub users: usize,
    /// Of them, those whose first item has a reason with evidence.
    pub items: usize,
    /// Users whose candidates fit no prompt, or whose reply was no ranking; nothing else counts them.
    pub invalid: usize,
    /// Share of these items that fall without the evidence.
    pub falls: f64,
    /// Places that they fall, on average.
    pub places: f64,
    /// Share of these items that stay first with no other evidence; unknown where the model cites none.
    pub suffices: Option<f64>,
}

/// A model, and what it is asked with.
pub(super) struct Asking<'a> {
    trained: &'a Trained,
    scorer: &'a Scorer<'a>,
    model: &'a mut dyn LanguageModel,
    recipe: Recipe,
    mode: Mode,
    /// Candidates of a prompt, its tokens, and those of a reply.
    candidates: usize,
    budget: usize,
    max_tokens: usize,
}

/// A ranking of candidates: which they are, best first, and the evidence of the reasons of the first.
struct Ranked {
    order: Vec<usize>,
    prompt: Prompt,
    reasons: Vec<Piece>,
}

impl<'a> Asking<'a> {
    /// As the project's settings say.
    pub(super) fn new(
        engine: &Engine,
        (trained, scorer): (&'a Trained, &'a Scorer<'a>),
        model: &'a mut dyn LanguageModel,
    ) -> Result<Self> {
        let settings = engine.project().settings();
        Ok(Self {
            trained,
            scorer,
            model,
            recipe: engine.recipe()?,
            mode: Mode::named(&settings.ranking.mode)?,
            candidates: settings.prompt.candidates,
            budget: settings.prompt.budget,
            max_tokens: settings.model.max_tokens,
        })
    }

    /// Asks about users drawn by the seed.
    pub(super) fn fidelity(
        &mut self,
        plan: &Plan,
        progress: &dyn Progress,
    ) -> Result<ModelFidelity> {
        let mut users: Vec<u32> = self.trained.cases.iter().map(|case| case.0).collect();
        users.sort_by_cached_key(|&user| Random::of(plan.seed, u64::from(user)).bits());
        users.truncate(plan.asked);
        let mut found = ModelFidelity {
            model: self.model.id().to_owned(),
            mode: self.mode,
            suffices: (self.mode == Mode::Listwise).then_some(0.0),
            users: users.len(),
            ..ModelFidelity::default()
        };
        progress.begin("asked", Some(users.len() as u64), "users");
        for user in users {
            self.one(user, &mut found)?;
            progress.advance(1, 1);
        }
        progress.end();
        let count = found.items.max(1) as f64;
        let sums = [&mut found.falls, &mut found.places];
        for sum in sums.into_iter().chain(&mut found.suffices) {
            *sum /= count;
        }
        Ok(found)
    }

    fn one(&mut self, user: u32, found: &mut ModelFidelity) -> Result<()> {
        let profile = self.scorer.profile(user);
        let list = self.trained.list(self.scorer, user, self.candidates);
        let scored = list.iter().map(|&(item, score)| Scored { item, score });
        let scored: Vec<Scored> = scored.collect();
        let candidates = Candidate::gather_all(&self.scorer.walk(&profile), &scored);
        let Some(before) = self.rank(&profile, &candidates)? else {
            found.invalid += 1;
            return Ok(());
        };
        let Some(&first) = before.order.first().filter(|_| !before.reasons.is_empty()) else {
            return Ok(());
        };
        let told = |keep: &dyn Fn(&Piece) -> bool| -> Vec<Candidate> {
            let among = |piece: &&Piece| before.prompt.evidence.contains(piece);
            let one = |(index, candidate): (usize, &Candidate)| Candidate {
                pieces: (candidate.pieces.iter().filter(among))
                    .filter(|piece| index != first || keep(piece))
                    .cloned()
                    .collect(),
                ..candidate.clone()
            };
            candidates.iter().enumerate().map(one).collect()
        };
        let without = told(&|piece| !before.reasons.contains(piece));
        let only = told(&|piece| before.reasons.contains(piece));
        let place = |ranked: Ranked| ranked.order.iter().position(|&index| index == first);
        let Some(without) = self.rank(&profile, &without)?.and_then(place) else {
            found.invalid += 1;
            return Ok(());
        };
        if let Some(suffices) = &mut found.suffices {
            let Some(only) = self.rank(&profile, &only)?.and_then(place) else {
                found.invalid += 1;
                return Ok(());
            };
            *suffices += f64::from(u8::from(only == 0));
        }
        found.items += 1;
        found.falls += f64::from(u8::from(without > 0));
        found.places += without as f64;
        Ok(())
    }

    /// The model's ranking; none if its reply is no ranking, or there is no prompt.
    fn rank(&mut self, profile: &Profile, candidates: &[Candidate]) -> Result<Option<Ranked>> {
        let graph = &self.trained.graph;
        let prompter = Prompter::new(graph, self.model.counter(), self.budget, &self.recipe)?;
        let prompt = match prompter.write(profile, candidates) {
            Err(error) if error.kind() == ErrorKind::Budget => return Ok(None),
            written => written?,
        };
        if self.mode != Mode::Listwise {
            let prompts = std::slice::from_ref(&prompt);
            let scores = opinion(
                self.model,
                prompts,
                (None, &Cancel::default()),
                &mut Usage::default(),
            )?;
            let mut order: Vec<usize> = (0..scores.len()).collect();
            order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
            let about = order.first().map(|&index| candidates[index].item);
            let reasons = prompt
                .evidence
                .iter()
                .filter(|piece| about == Some(piece.to));
            let reasons = reasons.cloned().collect();
            return Ok(Some(Ranked {
                order,
                prompt,
                reasons,
            }));
        }
        let reply = self.model.complete(&listwise(&prompt, self.max_tokens))?;
        // Parsing fails on what is no ranking, and on nothing else.
        let Ok(ranking) = Ranking::parse(&reply.text, &prompt) else {
            return Ok(None);
        };
        let first = ranking.order.first();
        let cited = first.into_iter().flat_map(|&index| &ranking.cited[index]);
        let cited = cited.filter_map(|&index| prompt.evidence.get(index));
        let about = first.map(|&index| candidates[index].item);
        let reasons = cited
            .filter(|piece| about == Some(piece.to))
            .cloned()
            .collect();
        Ok(Some(Ranked {
            order: ranking.order,
            prompt,
            reasons,
        }))
    }
}
