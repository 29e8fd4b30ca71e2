//! Kinds of computed item-item links.

use crate::vocabulary::kenning;
use serde::{Deserialize, Serialize};

/// Texts at least this close (cosine of their vectors) may be called alike.
pub const ALIKE: f32 = 0.5;

/// Kinds of computed item-item links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkKind {
    /// The second follows the first within a window of one user's events.
    FollowedBy,
    /// Both were in one basket.
    BoughtWith,
    /// The same users met both.
    CoOccursWith,
    /// Their texts are close.
    SimilarTo,
    /// The first speaks for the second, or with a negative score against it, all else of a history being equal.
    GoesWith,
}

impl LinkKind {
    /// Every kind, in the order of their edges.
    pub const ALL: [Self; 5] = [
        Self::FollowedBy,
        Self::BoughtWith,
        Self::CoOccursWith,
        Self::SimilarTo,
        Self::GoesWith,
    ];

    /// The predicate of the kind's virtual triples.
    pub fn predicate(self) -> &'static str {
        match self {
            Self::FollowedBy => kenning::FOLLOWED_BY,
            Self::BoughtWith => kenning::BOUGHT_WITH,
            Self::CoOccursWith => kenning::CO_OCCURS_WITH,
            Self::SimilarTo => kenning::SIMILAR_TO,
            Self::GoesWith => kenning::GOES_WITH,
        }
    }

    /// Short name, as settings and file sections use it.
    pub fn name(self) -> &'static str {
        match self {
            Self::FollowedBy => "followed-by",
            Self::BoughtWith => "bought-with",
            Self::CoOccursWith => "co-occurs-with",
            Self::SimilarTo => "similar-to",
            Self::GoesWith => "goes-with",
        }
    }

    /// IRI of the computation that made the links.
    pub fn run(self) -> String {
        format!("urn:kenning:run:{}", self.name())
    }
}
