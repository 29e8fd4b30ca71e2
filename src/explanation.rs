//! Every stated reason is checked against the graph before anyone sees it.
//!
//! A reason is a [`Piece`] of evidence. It is taken apart into [`Statement`]s, each of which the graph can confirm or
//! deny without believing what was computed before: facts are looked up, counts are counted again from the events.
//! A reason is as good as its weakest statement. Reasons that are unsupported or contradicted are never shown.

mod check;

pub use check::{Statement, check};

use crate::graph::Graph;
use crate::model::{EvidenceId, LinkKind};
use crate::prompt::wording;
use crate::scoring::{Profile, Route};
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
    /// What it adds to the item's score.
    pub contribution: f64,
}

/// Explains items to one person.
pub struct Explainer<'a> {
    graph: &'a Graph,
    profile: &'a Profile,
}

impl<'a> Explainer<'a> {
    /// Explains what `profile` is offered.
    pub fn new(graph: &'a Graph, profile: &'a Profile) -> Self {
        Self { graph, profile }
    }

    /// Checks a piece of evidence as a claim about `item`.
    pub fn verdict(&self, item: u32, piece: &Piece) -> Verdict {
        if piece.to != item {
            return Verdict::Unsupported;
        }
        if piece.route == Route::Described {
            // What was found by words stands in no edge: the search concluded it.
            let found = self.profile.described.iter().any(|found| found.0 == item);
            return match found {
                true => Verdict::Inferred,
                false => Verdict::Unsupported,
            };
        }
        let statements = self.statements(piece);
        let verdicts = statements.iter().map(|s| check(self.graph, s));
        verdicts.max().unwrap_or(Verdict::Unsupported)
    }

    /// Says a piece of evidence, with its verdict.
    pub fn reason(&self, item: u32, piece: &Piece) -> Reason {
        let name = |node: u32| {
            let label = wording::clean(self.graph.label(node));
            let is_item = self.graph.items().contains(&node);
            if is_item {
                format!("“{label}”")
            } else {
                label
            }
        };
        let said = wording::say(self.graph, piece, &name);
        let rules = self.rules(piece);
        Reason {
            text: sentence(piece.route, &said) + &cited(&rules),
            verdict: self.verdict(item, piece),
            evidence: piece.evidence.iter().map(iri).collect(),
            rules,
            contribution: piece.contribution,
        }
    }

    /// The labels of the rules that concluded facts of a piece which nothing else says, each once.
    fn rules(&self, piece: &Piece) -> Vec<String> {
        let graph = self.graph;
        let concluded_by = |statement: &Statement| {
            let Statement::Fact(triple) = *statement else {
                return None;
            };
            let facts = graph.facts(triple).filter_map(|fact| graph.fact(fact));
            let rules: Option<Vec<u32>> = facts.map(|fact| graph.rule_of(&fact)).collect();
            rules?.first().copied()
        };
        let statements = self.statements(piece);
        let rules: BTreeSet<u32> = statements.iter().filter_map(concluded_by).collect();
        let label = |&rule: &u32| wording::clean(graph.label(rule));
        rules.iter().map(label).collect()
    }

    /// How many users or baskets link the items, as a piece claims.
    fn counted(&self, piece: &Piece, kind: LinkKind) -> impl Iterator<Item = Statement> {
        let (to, count) = (piece.to, wording::support(self.graph, piece));
        piece.from.iter().map(move |&from| Statement::Together {
            kind,
            from,
            to,
            count,
        })
    }

    /// What a piece claims, statement by statement.
    fn statements(&self, piece: &Piece) -> Vec<Statement> {
        let mut statements = Vec::new();
        if let Some(user) = self.profile.user {
            // What was met since the graph was frozen was looked up in the changes, and stands in no edge.
            let old = piece
                .from
                .iter()
                .filter(|item| !self.profile.news.contains(item));
            statements.extend(old.map(|&item| Statement::Met { user, item }));
        }
        let to = piece.to;
        match piece.route {
            Route::Link(LinkKind::SimilarTo) => {
                statements.extend(
                    piece
                        .from
                        .iter()
                        .map(|&from| Statement::Similar { from, to }),
                );
            }
            Route::Link(kind @ LinkKind::GoesWith) => {
                let linked = |&from: &u32| Statement::Linked { kind, from, to };
                statements.extend(piece.from.iter().map(linked));
                if wording::support(self.graph, piece) > 0 {
                    statements.extend(self.counted(piece, LinkKind::CoOccursWith));
                }
            }
            Route::Link(kind) => statements.extend(self.counted(piece, kind)),
            Route::Stated(p) => {
                statements.extend(
                    piece
                        .from
                        .iter()
                        .map(|&from| Statement::Fact([from, p, to])),
                );
            }
            Route::Shared(p) => {
                let all = piece.from.iter().copied().chain([to]);
                statements.extend(
                    piece.via.into_iter().flat_map(|via| {
                        all.clone().map(move |item| Statement::Fact([item, p, via]))
                    }),
                );
            }
            Route::Trend(p) => {
                let fact = piece.via.map(|via| Statement::Fact([to, p, via]));
                statements.extend(fact);
                statements.extend(piece.via.map(|via| Statement::InDemand {
                    predicate: p,
                    entity: via,
                }));
            }
            Route::Liked(p) => {
                let liked = |via: &u32| self.profile.likes.iter().any(|like| like.0 == *via);
                let via = piece.via.filter(liked);
                statements.extend(via.map(|via| Statement::Fact([to, p, via])));
            }
            Route::Described => {}
            Route::Popular => statements.push(Statement::MetBy {
                item: to,
                count: self.graph.met_by(to).len() as u32,
            }),
        }
        statements
    }
}

/// Which rules concluded what a sentence says, after it.
fn cited(rules: &[String]) -> String {
    let rules: Vec<&str> = rules
        .iter()
        .map(|rule| rule.trim_end_matches('.'))
        .collect();
    match &rules[..] {
        [] => String::new(),
        [rule] => format!(" (By the rule “{rule}”.)"),
        rules => format!(" (By the rules “{}”.)", rules.join("”, “")),
    }
}

/// The IRI by which SPARQL knows an edge.
pub fn iri(edge: &EvidenceId) -> String {
    format!("urn:kenning:edge:{}", edge.0)
}

/// Makes a sentence of what is said of "it".
fn sentence(route: Route, said: &str) -> String {
    let capital = |text: &str| {
        let mut chars = text.chars();
        chars
            .next()
            .map_or(String::new(), |c| c.to_uppercase().chain(chars).collect())
    };
    match route {
        Route::Shared(_)
        | Route::Trend(_)
        | Route::Liked(_)
        | Route::Described
        | Route::Link(LinkKind::SimilarTo | LinkKind::GoesWith) => {
            format!("It {said}.")
        }
        _ => format!("{}.", capital(said)),
    }
    .replace("It described", "It is described")
    .replace("It bought together", "Bought together")
}
