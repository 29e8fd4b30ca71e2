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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
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
