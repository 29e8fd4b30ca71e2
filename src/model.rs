//! The words that every room shares: terms, facts, interactions, evidence ids, progress. No I/O.

mod blanks;
mod cancel;
pub mod change;
pub mod dataset;
mod heard;
pub mod link;
pub mod taste;
pub mod term;

pub use blanks::BlankNodes;
pub use cancel::Cancel;
pub use change::{Change, Statement};
pub use dataset::Dataset;
pub use heard::Heard;
pub use link::LinkKind;
pub use taste::Taste;

use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01T00:00:00Z.
pub type UnixSeconds = i64;

/// Where a record stood: an index into the sources of its dataset, and a line counted from 1
/// (0 where the format has no lines that can be told, as in Turtle).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// Index into the dataset's list of [`Source`]s.
    pub source: u32,
    /// Line in that source, from 1; 0 when unknown.
    pub line: u32,
}

/// A place that facts come from: one file of a dump (or one named graph in it) is one named graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// IRI of the named graph that holds the source's facts.
    pub graph: String,
    /// The file, as a path relative to the folder of the dump, with `/` between its parts.
    pub file: String,
}

/// One statement with its provenance. Terms are encoded as [`term`] says.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// Subject: an IRI or a blank node.
    pub subject: String,
    /// Predicate: an IRI.
    pub predicate: String,
    /// Object: any term.
    pub object: String,
    /// How sure the source is, in 0..=1.
    pub confidence: f32,
    /// When it was said, if known.
    pub time: Option<UnixSeconds>,
    /// Where it was said.
    pub place: Place,
}

/// One event: a user met an item. Terms are encoded as [`term`] says.
#[derive(Clone, Debug, PartialEq)]
pub struct Interaction {
    /// Who, if known; an anonymous event still counts for its `group`.
    pub user: Option<String>,
    /// What.
    pub item: String,
    /// What was done together: a basket, an invoice, a session.
    pub group: Option<String>,
    /// When, if known. Events of one user without time keep the order of their records.
    pub time: Option<UnixSeconds>,
    /// How much: a rating, a quantity; 1 where the dump does not say.
    pub weight: f32,
    /// Where it was said.
    pub place: Place,
}

/// What a record of a dump turns into.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A statement of knowledge.
    Fact(Fact),
    /// An event of behaviour.
    Interaction(Interaction),
}

/// An edge of the frozen graph, by its number there. It is given when the graph is frozen; every later
/// stage carries it by value, so that a stated reason can be looked up instead of trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EvidenceId(pub u64);

/// Receives the progress of long work. All methods may be called from any thread.
pub trait Progress: Sync {
    /// A stage of work begins; `total` is in `unit`s ("bytes", "texts", "items"), if known.
    fn begin(&self, stage: &str, total: Option<u64>, unit: &'static str);
    /// `amount` more units are done, which held `records` records.
    fn advance(&self, amount: u64, records: u64);
    /// The stage is over.
    fn end(&self);
}

/// Progress that nobody watches.
pub struct Unwatched;

impl Progress for Unwatched {
    fn begin(&self, _: &str, _: Option<u64>, _: &'static str) {}
    fn advance(&self, _: u64, _: u64) {}
    fn end(&self) {}
}
