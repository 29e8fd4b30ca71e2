//! What calls of a model take: counted before they are made, and told by the model afterwards.

use super::TokenCounter;
use super::remote::odds;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// Calls of a model, and the tokens that they take together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Calls.
    pub calls: usize,
    /// Tokens that the model is fed.
    pub prompt_tokens: usize,
    /// Tokens that it says.
    pub completion_tokens: usize,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, more: Self) {
        self.calls = self.calls.saturating_add(more.calls);
        self.prompt_tokens = self.prompt_tokens.saturating_add(more.prompt_tokens);
        self.completion_tokens = self
            .completion_tokens
            .saturating_add(more.completion_tokens);
    }
}

/// In how many calls a model tells how likely texts are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScoreCalls {
    /// In one for all texts: the messages are computed once, and the texts behind them.
    #[default]
    One,
    /// In one for all texts that differ by their last word only: the messages are sent, and paid for, each time.
    ByLastWord,
}

impl ScoreCalls {
    /// What it takes at most to score `texts` behind messages of so many tokens.
    ///
    /// # Errors
    /// Those of [`TokenCounter::count`].
    pub fn usage(
        self,
        messages: usize,
        texts: &[String],
        counter: &dyn TokenCounter,
    ) -> Result<Usage> {
        let mut usage = Usage::default();
        match self {
            Self::One => {
                let texts = texts.iter().map(|text| counter.count(text));
                usage += Usage {
                    calls: 1,
                    prompt_tokens: messages + texts.sum::<Result<usize>>()?,
                    completion_tokens: 0,
                };
            }
            Self::ByLastWord => {
                for question in odds::questions(texts) {
                    let more = question
                        .message()
                        .map(|more| counter.count_messages(&[more]));
                    usage += Usage {
                        calls: 1,
                        prompt_tokens: messages + more.transpose()?.unwrap_or(0),
                        completion_tokens: 1,
                    };
                }
            }
        }
        Ok(usage)
    }
}
