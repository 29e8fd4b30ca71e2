//! What one answer may spend on a model: tokens, money and time, by its request and by the settings. The less of both counts.
//!
//! Tokens and money are those of all calls together, and looked at before the first one. What is too much is asked shorter:
//! with less evidence in the prompt, or in fewer orders. If that is too much still, no call is made, and the graph answers.
//! The time ends a call that was made. A call that a server refused, and that was tried again, counts once: what it asks for
//! a refusal is not known.

use super::Request;
use crate::config::ModelSettings;
use crate::llm::Usage;
use crate::sparql::Cancel;
use crate::{Error, Result};
use std::time::{Duration, Instant};

/// What is left for one answer.
pub(super) struct Purse<'a> {
    settings: &'a ModelSettings,
    request: &'a Request,
    /// Has calls given up.
    pub(super) cancel: &'a Cancel,
    started: Instant,
    /// What the calls took that were made, whether they led to an answer or not.
    pub(super) spent: Usage,
}

impl<'a> Purse<'a> {
    /// Of a request that came just now.
    pub(super) fn new(
        settings: &'a ModelSettings,
        request: &'a Request,
        cancel: &'a Cancel,
    ) -> Self {
        Self {
            settings,
            request,
            cancel,
            started: Instant::now(),
            spent: Usage::default(),
        }
    }

    /// What calls may cost at most, and what says so.
    fn most(&self) -> Option<(f64, &'static str)> {
        let own = Some(self.settings.max_cost).filter(|&most| most > 0.0);
        let own = own.map(|most| (most, "model.max_cost"));
        let asked = self.request.max_cost.map(|most| (most, "max_cost"));
        let both = own.into_iter().chain(asked);
        both.min_by(|a, b| a.0.total_cmp(&b.0))
    }

    /// Tokens that prompts may have together beside replies of so many; none if any number.
    pub(super) fn room(&self, reply: usize) -> Option<usize> {
        let by_tokens = self
            .request
            .max_tokens
            .map(|most| most.saturating_sub(reply));
        let by_cost = self.most().and_then(|(most, _)| {
            let left = most - self.settings.cost(0, reply)?;
            let each = self.settings.cost(1, 0)?;
            // As many as any prompt could have where they cost nothing.
            (each > 0.0 || left < 0.0)
                .then(|| (left.max(0.0) / each.max(f64::MIN_POSITIVE)) as usize)
        });
        by_tokens.into_iter().chain(by_cost).min()
    }

    /// Refuses calls that may take more than may be spent.
    ///
    /// # Errors
    /// `Budget` if they may.
    pub(super) fn afford(&self, usage: Usage) -> Result<()> {
        let (prompts, reply) = (usage.prompt_tokens, usage.completion_tokens);
        let tokens = prompts.saturating_add(reply);
        if let Some(most) = self.request.max_tokens.filter(|&most| tokens > most) {
            return Err(Error::budget(format!(
                "prompts of {prompts} tokens and replies of {reply} may take {tokens}, and `max_tokens` is {most}"
            ))
            .hint("allow more tokens, or a shorter reply with `model.max_tokens`"));
        }
        let Some((most, name)) = self.most() else {
            return Ok(());
        };
        match self.settings.cost(prompts, reply) {
            Some(cost) if cost > most => Err(Error::budget(format!(
                "prompts of {prompts} tokens and replies of {reply} may cost {cost:.6}, and `{name}` is {most}"
            ))
            .hint(format!("a smaller `--budget`, or a larger `{name}`"))),
            None => Err(Error::budget(format!(
                "`{name}` is set, and `model.prices` does not say what tokens cost"
            ))
            .hint("prices = { prompt = 0.15, completion = 0.6 }")),
            Some(_) => Ok(()),
        }
    }

    /// The time that a call may take now.
    ///
    /// # Errors
    /// `Budget` if there is none left.
    pub(super) fn time(&self) -> Result<Duration> {
        let own = Duration::from_secs(self.settings.timeout_s);
        let Some(most) = self.request.max_ms else {
            return Ok(own);
        };
        let left = Duration::from_millis(most).saturating_sub(self.started.elapsed());
        match left.is_zero() {
            false => Ok(left.min(own)),
            true => Err(Error::budget(format!(
                "`max_ms` is {most}, and was over before a model could be asked"
            ))
            .hint("allow more time")),
        }
    }
}
