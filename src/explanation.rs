//! Every stated reason is checked against the graph before anyone sees it.
//!
//! A reason is a [`Piece`] of evidence. It is taken apart into [`Statement`]s, each of which the graph can confirm or
//! deny without believing what was computed before: facts are looked up, counts are counted again from the events.
//! A reason is as good as its weakest statement, and carries them all as [`Claim`]s: data that anyone can ask the graph
//! for in SPARQL. Reasons that are unsupported or contradicted are never shown.
//!
//! Links of one kind from several items are one reason ([`Explainer::reason_of`]): three of the items are named, each with
//! what its link rests on, and the others are counted, which is a claim too. Sentences are templates in several languages
//! and tones ([`Voice`]).

mod check;
mod claims;
mod said;
mod themes;
mod voice;

pub use check::{Statement, check};
pub use claims::{Claim, ClaimKind};
pub use themes::{Theme, way};
pub use voice::{Tone, Voice, languages};

use crate::graph::Graph;
use crate::model::EvidenceId;
use crate::prompt::wording;
use crate::scoring::Profile;
use crate::selection::Piece;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How far a claim is borne out by the graph, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A source states every fact of it, in a column or literally in a text.
    Verified,
    /// A count over the events bears it out.
    Aggregate,
    /// A computation concluded it from what sources state.
    Inferred,
    /// Nothing in the graph says so.
    Unsupported,
    /// The graph says otherwise.
    Contradicted,
}

impl Verdict {
    /// Whether people may be shown it as a reason.
    pub fn holds(self) -> bool {
        self <= Self::Inferred
    }

    /// Its name, as answers give it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Aggregate => "aggregate",
            Self::Inferred => "inferred",
            Self::Unsupported => "unsupported",
            Self::Contradicted => "contradicted",
        }
    }
}

/// A reason, said in a sentence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// The sentence.
    pub text: String,
    /// How far the graph bears it out.
    pub verdict: Verdict,
    /// IRIs of the edges that it rests on; SPARQL knows them as reifiers.
    pub evidence: Vec<String>,
    /// Labels of the rules that concluded what it says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// What it claims, one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
    /// What it adds to the item's score.
    pub contribution: f64,
}

/// Explains items to one person.
pub struct Explainer<'a> {
    graph: &'a Graph,
    profile: &'a Profile,
    voice: Voice,
}

impl<'a> Explainer<'a> {
    /// Explains what `profile` is offered, in plain English.
    pub fn new(graph: &'a Graph, profile: &'a Profile) -> Self {
        Self {
            graph,
            profile,
            voice: Voice::default(),
        }
    }

    /// The same in another language or tone.
    #[must_use]
    pub fn speaking(mut self, voice: &Voice) -> Self {
        self.voice = voice.clone();
        self
    }

    /// Checks a piece of evidence as a claim about `item`.
    pub fn verdict(&self, item: u32, piece: &Piece) -> Verdict {
        self.verdict_of(item, &[piece], &self.claims(item, &[piece]))
    }

    fn verdict_of(&self, item: u32, group: &[&Piece], claims: &[Claim]) -> Verdict {
        if group.iter().any(|piece| piece.to != item) {
            return Verdict::Unsupported;
        }
        let verdicts = claims.iter().map(|claim| claim.verdict);
        verdicts.max().unwrap_or(Verdict::Unsupported)
    }

    /// Says a piece of evidence, with its verdict.
    pub fn reason(&self, item: u32, piece: &Piece) -> Reason {
        self.reason_of(item, &[piece])
    }

    /// Says some pieces of one way together, such as [`crate::selection::together`] finds them.
    pub fn reason_of(&self, item: u32, group: &[&Piece]) -> Reason {
        let rules = self.rules(group);
        let claims = self.claims(item, group);
        Reason {
            text: self.cited(self.said(group), &rules),
            verdict: self.verdict_of(item, group, &claims),
            evidence: Self::evidence(group),
            rules,
            claims,
            contribution: group.iter().map(|piece| piece.contribution).sum(),
        }
    }

    /// The labels of the rules that concluded facts of some pieces which nothing else says, each once.
    fn rules(&self, group: &[&Piece]) -> Vec<String> {
        let graph = self.graph;
        if graph.derived().is_empty() {
            return Vec::new();
        }
        let concluded_by = |statement: &Statement| {
            let Statement::Fact(triple) = *statement else {
                return None;
            };
            let facts = graph.facts(triple).filter_map(|fact| graph.fact(fact));
            let rules: Option<Vec<u32>> = facts.map(|fact| graph.rule_of(&fact)).collect();
            rules?.first().copied()
        };
        let statements = group.iter().flat_map(|piece| self.statements(piece));
        let rules: BTreeSet<u32> = statements.filter_map(|s| concluded_by(&s)).collect();
        let label = |&rule: &u32| wording::clean(self.voice.label(graph, rule));
        rules.iter().map(label).collect()
    }
}

/// The IRI by which SPARQL knows an edge.
pub fn iri(edge: &EvidenceId) -> String {
    format!("urn:kenning:edge:{}", edge.0)
}
