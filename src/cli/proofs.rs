//! Proofs as they are printed.

use super::text::one_line;
use crate::graph::draft::Draft;
use crate::graph::{FactRef, Ground, Proof, Step};
use crate::model::term;
use crate::sparql::Dataset;
use crate::vocabulary::{dcterms, rdf, shorten};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Branches below this depth are told when asked for.
const DEPTH: usize = 16;

/// Sources of one statement that people are shown.
const SHOWN: usize = 3;

/// What proofs are over.
pub(super) trait Words {
    /// The encoded term of a number.
    fn term(&self, number: u32) -> &str;

    /// What is known of a source or a computation under a property.
    fn described(&self, node: u32, property: &str) -> Option<&str>;
}

impl Words for Dataset<'_> {
    fn term(&self, number: u32) -> &str {
        Dataset::term(self, number)
    }

    fn described(&self, node: u32, property: &str) -> Option<&str> {
        self.graph.described(node, property)
    }
}

impl Words for Draft {
    fn term(&self, number: u32) -> &str {
        self.terms.get(number)
    }

    fn described(&self, node: u32, property: &str) -> Option<&str> {
        Draft::described(self, node, property)
    }
}

/// Tells proofs.
pub(super) struct Teller<'a>(pub &'a dyn Words);

impl Teller<'_> {
    /// Every step with its premises, as places in the list.
    pub(super) fn steps(&self, proof: &Proof) -> Vec<Value> {
        let step = |(place, step): (usize, &Step)| {
            let [s, p, o] = step
                .triple
                .map(|number| term::decode(self.0.term(number)).to_string());
            let mut told = json!({ "step": place, "subject": s, "predicate": p, "object": o });
            let more = match &step.ground {
                Ground::Stated { facts, updates } => {
                    let facts = facts.iter().map(|fact| self.source(fact));
                    let updates = updates
                        .iter()
                        .map(|&graph| json!({ "graph": self.iri(graph) }));
                    json!({ "ground": "stated", "sources": facts.chain(updates).collect::<Vec<_>>() })
                }
                Ground::Derived { fact, premises } => json!({
                    "ground": "derived",
                    "by": self.iri(fact.graph),
                    "label": self.label(fact.graph),
                    "confidence": confidence(fact),
                    "premises": premises,
                }),
            };
            if let (Value::Object(told), Value::Object(more)) = (&mut told, more) {
                told.extend(more);
            }
            told
        };
        proof.steps.iter().enumerate().map(step).collect()
    }

    fn source(&self, fact: &FactRef) -> Value {
        json!({
            "graph": self.iri(fact.graph),
            "file": self.file(fact.graph),
            "line": fact.line,
            "count": fact.count,
            "confidence": confidence(fact),
        })
    }

    fn file(&self, graph: u32) -> Option<&str> {
        self.0.described(graph, dcterms::TITLE)
    }

    fn label(&self, maker: u32) -> &str {
        self.0.described(maker, rdf::LABEL).unwrap_or_default()
    }

    fn iri(&self, number: u32) -> String {
        let encoded = self.0.term(number);
        term::as_iri(encoded).map_or_else(|| term::decode(encoded).to_string(), str::to_owned)
    }

    /// The proof as a tree; what was proved before is not proved again.
    pub(super) fn tree(&self, proof: &Proof) -> String {
        let mut page = String::new();
        let mut told = BTreeSet::new();
        // Branches to tell, the next one last: place, depth, what stands before its lines, and what stands before the
        // lines below.
        let mut branches = vec![(0, 0, String::new(), String::new())];
        while let Some((place, depth, first, rest)) = branches.pop() {
            let step = &proof.steps[place];
            let statement = said(step.triple.map(|number| self.0.term(number)));
            // Writing to a string cannot fail.
            let _ = writeln!(page, "{first}{}", one_line(&statement));
            match &step.ground {
                Ground::Stated { facts, updates } => {
                    for line in self.sources(facts, updates) {
                        let _ = writeln!(page, "{rest}  {}", one_line(&line));
                    }
                }
                Ground::Derived { .. } if !told.insert(place) => {
                    let _ = writeln!(page, "{rest}  as proved above");
                }
                Ground::Derived { .. } if depth == DEPTH => {
                    let _ = writeln!(
                        page,
                        "{rest}  derived, too: `kenning prove` shows this statement's own proof"
                    );
                }
                Ground::Derived { fact, premises } => {
                    let _ = writeln!(page, "{rest}  {}", one_line(&self.maker(fact)));
                    for (index, &premise) in premises.iter().enumerate().rev() {
                        let last = index + 1 == premises.len();
                        let (branch, below) = if last {
                            ("└ ", "  ")
                        } else {
                            ("├ ", "│ ")
                        };
                        branches.push((
                            premise,
                            depth + 1,
                            format!("{rest}  {branch}"),
                            format!("{rest}  {below}"),
                        ));
                    }
                }
            }
        }
        page
    }

    fn sources(&self, facts: &[FactRef], updates: &[u32]) -> Vec<String> {
        let fact = |fact: &FactRef| {
            let graph = || shorten(&self.iri(fact.graph));
            let file = self.file(fact.graph).map_or_else(graph, str::to_owned);
            let line = fact.line.map_or(String::new(), |line| format!(":{line}"));
            let records = match fact.count {
                1 => String::new(),
                n => format!(", and {} more records", n - 1),
            };
            format!("{file}{line}{records}{}", doubt(fact))
        };
        let update = |&graph: &u32| format!("an update, in {}", shorten(&self.iri(graph)));
        let mut lines: Vec<String> = facts
            .iter()
            .map(fact)
            .chain(updates.iter().map(update))
            .collect();
        if lines.len() > SHOWN {
            let more = lines.len() - SHOWN;
            lines.truncate(SHOWN);
            lines.push(format!("and {more} more sources"));
        }
        lines
    }

    /// What derived a fact, and what that says.
    fn maker(&self, fact: &FactRef) -> String {
        let iri = self.iri(fact.graph);
        let name = iri.strip_prefix("urn:kenning:").unwrap_or(&iri);
        format!(
            "by {}: {}{}",
            name.replace(':', " "),
            self.label(fact.graph),
            doubt(fact)
        )
    }
}

/// A statement for people.
pub(super) fn said(triple: [&str; 3]) -> String {
    let name = |encoded: &str| match term::as_iri(encoded) {
        Some(iri) if shorten(iri) != iri => shorten(iri),
        _ => term::decode(encoded).to_string(),
    };
    triple.map(name).join(" ")
}

/// How sure a fact is, where it is not quite.
fn doubt(fact: &FactRef) -> String {
    match fact.confidence < 1.0 {
        true => format!(" (confidence {})", confidence(fact)),
        false => String::new(),
    }
}

/// The confidence in as many digits as tell it.
fn confidence(fact: &FactRef) -> f64 {
    (f64::from(fact.confidence) * 1e6).round() / 1e6
}
