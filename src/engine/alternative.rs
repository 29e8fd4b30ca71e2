//! Changes that alter a ranking, as questions about answers tell them.

use crate::prompt::wording::clean;
use serde::{Deserialize, Serialize};

/// A change of the events or facts that does what was asked: it was scored again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// What is changed.
    pub kind: ChangeKind,
    /// Whose events are taken away or added, each with the weight of an added one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<ItemNamed>,
    /// The facts taken away or added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<FactNamed>,
    /// Whether nothing smaller of this kind does it.
    pub minimal: bool,
    /// The item's place then.
    pub rank: usize,
    /// Its score then.
    pub score: f64,
}

/// What a change changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// Events are taken away.
    RemoveEvents,
    /// Events are added.
    AddEvents,
    /// Facts are taken away.
    RemoveFacts,
    /// Facts are added.
    AddFacts,
}

/// An item of a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemNamed {
    /// Its IRI.
    pub item: String,
    /// Its name.
    pub label: String,
    /// The weight of the event, if it is added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f32>,
}

/// A fact of a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FactNamed {
    /// IRIs of subject, predicate and object.
    pub fact: [String; 3],
    /// Their names.
    pub labels: [String; 3],
}

impl Alternative {
    /// In words: "without A and B", "with C".
    pub fn said(&self) -> String {
        let word = match self.kind {
            ChangeKind::RemoveEvents | ChangeKind::RemoveFacts => "without",
            ChangeKind::AddEvents | ChangeKind::AddFacts => "with",
        };
        let events = self.events.iter().map(|e| format!("“{}”", clean(&e.label)));
        let fact = |f: &FactNamed| f.labels.each_ref().map(|label| clean(label)).join(" ");
        let facts = self.facts.iter().map(|f| format!("the fact “{}”", fact(f)));
        let parts: Vec<String> = events.chain(facts).collect();
        let parts = match parts.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => parts.join(", "),
        };
        format!("{word} {parts}")
    }
}
