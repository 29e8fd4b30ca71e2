//! Columns, text and co-behaviour become facts with provenance and confidence.

pub mod behaviour;

/// A fact that a computation derived from a stated one. Terms are encoded as [`crate::model::term`] says.
#[derive(Clone, Debug, PartialEq)]
pub struct DerivedFact {
    /// Subject, predicate, object.
    pub triple: [String; 3],
    /// How sure the computation is, 0 to 1.
    pub confidence: f32,
    /// The stated triple that it was read off.
    pub from: [String; 3],
    /// IRI of the computation; also its facts' named graph.
    pub run: String,
}
