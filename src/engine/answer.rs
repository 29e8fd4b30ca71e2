//! What a recommendation request is answered with; the same shape whichever rung answers.

use crate::explanation::{Reason, Theme, Verdict};
use crate::ranking::{Faults, Rung};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An answer. As JSON it has `schema_version` 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Version of this shape.
    pub schema_version: u32,
    /// Name of the decision in the journal, once it is kept there.
    pub decision: Option<String>,
    /// For whom.
    pub user: Person,
    /// Which step of the ladder answered.
    pub rung: Rung,
    /// What the reader should know: an unknown user, a model that failed.
    pub notes: Vec<String>,
    /// The items, best first.
    pub recommendations: Vec<Recommendation>,
    /// What several items have in common: one explanation for the list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub themes: Vec<Theme>,
    /// The prompt that holds the evidence, whether or not a model was asked.
    pub prompt: Option<PromptUse>,
    /// The model's reply, if one was asked and answered.
    pub reply: Option<Reply>,
    /// How many claims got which verdict, those that are not shown included.
    pub claims: Claims,
    /// The identity of the graph that answered.
    pub snapshot: String,
    /// Seconds of each stage.
    pub timings: BTreeMap<String, f64>,
}

/// For whom an answer is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// IRI, or the name that was asked for.
    pub id: String,
    /// Whether the graph knows them.
    pub known: bool,
    /// Distinct items of their history that count.
    pub history: usize,
}

/// One recommended item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// Its IRI.
    pub item: String,
    /// Its name.
    pub label: String,
    /// The sum of its paths in the graph.
    pub score: f64,
    /// From 1.
    pub rank: usize,
    /// Why, each checked.
    pub reasons: Vec<Reason>,
}

/// The prompt, by its size and what it spent it on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromptUse {
    /// Hash of what the model is given; the journal keeps the text under it.
    pub id: String,
    /// Its tokens.
    pub tokens: usize,
    /// The most that was allowed.
    pub budget: usize,
    /// What counted; `approximate` where no model's tokenizer is at hand.
    pub tokenizer: String,
    /// Lines of evidence.
    pub evidence: usize,
    /// Value of the evidence chosen.
    pub value: f64,
    /// No choice within the budget can be worth more.
    pub bound: f64,
}

/// What a model replied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// Which model.
    pub model: String,
    /// Tokens that it was fed.
    pub prompt_tokens: usize,
    /// Tokens that it said.
    pub completion_tokens: usize,
    /// What they cost, where the settings have prices; one from the cache cost that before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// What had to be repaired.
    pub faults: Faults,
}

/// How many claims got which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// A source states them.
    pub verified: usize,
    /// Counts bear them out.
    pub aggregate: usize,
    /// A computation derived them.
    pub inferred: usize,
    /// Nothing says so; not shown.
    pub unsupported: usize,
    /// The graph says otherwise; not shown.
    pub contradicted: usize,
}

impl Claims {
    /// Counts one more.
    pub fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Verified => &mut self.verified,
            Verdict::Aggregate => &mut self.aggregate,
            Verdict::Inferred => &mut self.inferred,
            Verdict::Unsupported => &mut self.unsupported,
            Verdict::Contradicted => &mut self.contradicted,
        } += 1;
    }

    /// How many have each verdict.
    pub fn each(&self) -> [(Verdict, usize); 5] {
        [
            (Verdict::Verified, self.verified),
            (Verdict::Aggregate, self.aggregate),
            (Verdict::Inferred, self.inferred),
            (Verdict::Unsupported, self.unsupported),
            (Verdict::Contradicted, self.contradicted),
        ]
    }

    /// Share of them that hold; 1 where there are none.
    pub fn hold(&self) -> f64 {
        let refused = self.unsupported + self.contradicted;
        match self.all() {
            0 => 1.0,
            all => (all - refused) as f64 / all as f64,
        }
    }

    /// How many there are.
    pub fn all(&self) -> usize {
        self.each().iter().map(|(_, count)| count).sum()
    }
}
