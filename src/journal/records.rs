//! What the journal keeps.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A point in time: RFC 3339, UTC, with microseconds (`2026-11-23T19:26:35.000001Z`), so that text order is time
/// order.
pub type Time = String;

/// A record with the number that the journal gave it: 1, 2, … for imports and builds, text for decisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry<T, I = i64> {
    /// The number.
    pub id: I,
    /// The record.
    #[serde(flatten)]
    pub record: T,
}

/// One file that an import read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Path relative to the folder of the dump.
    pub file: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// One import of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Name of the dataset.
    pub dataset: String,
    /// When it began.
    pub started: Time,
    /// When it was done.
    pub finished: Time,
    /// Hash of the mapping that it was read by.
    pub mapping_hash: String,
    /// The files that were read.
    pub inputs: Vec<Input>,
    /// Records taken.
    pub records: u64,
    /// Records refused.
    pub rejected: u64,
    /// Hash of what was written.
    pub segment_hash: String,
}

/// How long one stage of a build took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Name of the stage.
    pub stage: String,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// One build of the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Build {
    /// When it began.
    pub started: Time,
    /// When it was done.
    pub finished: Time,
    /// Hash of the snapshot.
    pub snapshot_hash: String,
    /// How many of what: nodes, edges, facts …
    pub counts: BTreeMap<String, u64>,
    /// Its stages, in order.
    pub stages: Vec<Stage>,
}

/// One answered request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// When it was asked; unknown of old decisions.
    pub started: Option<Time>,
    /// When it was answered.
    pub at: Time,
    /// For whom, if known.
    pub user: Option<String>,
    /// The request, whole.
    pub request: Value,
    /// Hash of the snapshot that answered.
    pub snapshot_hash: String,
    /// The prompt, if a model was asked; see [`super::Journal::prompt`].
    pub prompt_id: Option<String>,
    /// Tokens of the prompt.
    pub prompt_tokens: Option<u64>,
    /// Tokens of the reply.
    pub completion_tokens: Option<u64>,
    /// The model that was asked.
    pub model: Option<String>,
    /// Which rung of the fallback ladder answered.
    pub rung: String,
    /// The ranking with the verdicts on its reasons.
    pub answer: Value,
    /// What went wrong on the way, if anything.
    pub error: Option<String>,
    /// The number of the last change that the snapshot showed; unknown of old decisions.
    pub last_change: Option<i64>,
    /// The settings, template and policies that it was made with; see [`super::Journal::setup`].
    pub setup: Option<String>,
    /// What the tokens cost, by the prices of the settings.
    pub cost: Option<f64>,
    /// What it rested on.
    pub trail: Trail,
}

/// What a decision rested on and what was shown, in terms that mean the same on every snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trail {
    /// IRIs of the items that were ranked, the best score first.
    pub candidates: Vec<String>,
    /// The facts behind evidence, encoded, each once.
    pub facts: Vec<[String; 3]>,
    /// Which of the facts the prompt told.
    pub told: Vec<usize>,
    /// The items of the answer, best first.
    pub shown: Vec<Shown>,
    /// How many claims were verified, aggregate, inferred, unsupported, contradicted.
    pub claims: [usize; 5],
    /// What policies took out.
    pub violations: Vec<Violation>,
    /// What counts the tokens of prompts.
    pub tokenizer: Option<String>,
    /// The model that the prompt was written for, where it tells rather what that does not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_by: Option<String>,
    /// Seconds of each stage.
    pub timings: BTreeMap<String, f64>,
    /// Under which key the model's reply is kept, if one counted.
    pub reply: Option<String>,
}

/// An item of an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// Its IRI.
    pub item: String,
    /// Its score.
    pub score: f64,
    /// Which of the facts its reasons rest on.
    pub facts: Vec<usize>,
    /// The edges that these are on the snapshot.
    pub edges: Vec<u64>,
}

/// What a policy took out of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Violation {
    /// Where it was found.
    pub gate: String,
    /// IRI of the policy, or its blank node, encoded.
    pub policy: String,
    /// What it is about, encoded.
    pub node: String,
    /// What is wrong.
    pub message: String,
}

/// What became of an item that was shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Id of the decision.
    pub decision: String,
    /// The item's place in the answer, from 1.
    pub rank: usize,
    /// Its IRI.
    pub item: String,
    /// `accepted` or `rejected`.
    pub outcome: String,
    /// When that happened.
    pub at: Time,
}

/// What a model once replied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The model.
    pub model: String,
    /// Its reply, whole.
    pub reply: Value,
    /// When.
    pub at: Time,
}
