use super::text::one_line;
use super::{Outcome, Session, Verb};
use crate::Result;
use crate::engine::Snapshot;
use crate::graph::{FactRef, Ground, Proof, Step};
use crate::model::term;
use crate::sparql::{self, Dataset};
use crate::vocabulary::shorten;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Show why a statement stands, down to the lines of the dumps
#[derive(Debug, clap::Args)]
pub struct Prove {
    /// The statement, its terms as in SPARQL: `'<subject> rdf:type schema:Movie'`. Usual prefixes are known
    #[arg(required = true, value_name = "STATEMENT")]
    statement: Vec<String>,

    /// How the proof is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Format,
}

/// How a proof is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A tree for people
    #[default]
    Table,
    /// One JSON object: a list of steps, whose premises are places in the list
    Json,
}

impl Verb for Prove {
    fn run(self, session: &Session) -> Result<Outcome> {
        let triple = sparql::triple(&self.statement.join(" "))?;
        let snapshot = Snapshot::open(&session.project()?)?;
        let teller = Teller(snapshot.dataset());
        let Some(proof) = snapshot.prove(triple.each_ref().map(String::as_str)) else {
            session.printer.note(format_args!("nothing says {}", said(triple.each_ref().map(String::as_str))));
            session.printer.hint(
                "`kenning query 'SELECT * { <subject> ?p ?o }'` shows what is said; interactions and links are not derived \
                 by rules",
            );
            return Ok(Outcome::Negative);
        };
        match self.format {
            Format::Table => session.printer.data(teller.tree(&proof).trim_end())?,
            Format::Json => session.printer.json(&json!({ "steps": teller.steps(&proof) }))?,
        }
        Ok(Outcome::Done)
    }
}

/// Branches below this depth are told when asked for.
const DEPTH: usize = 16;

/// Sources of one statement that people are shown.
const SHOWN: usize = 3;

/// Tells proofs over a dataset.
struct Teller<'a>(Dataset<'a>);

impl Teller<'_> {
    /// Every step with its premises, as places in the list.
    fn steps(&self, proof: &Proof) -> Vec<Value> {
        let step = |(place, step): (usize, &Step)| {
            let [s, p, o] = step.triple.map(|number| term::decode(self.0.term(number)).to_string());
            let mut told = json!({ "step": place, "subject": s, "predicate": p, "object": o });
            let more = match &step.ground {
                Ground::Stated { facts, updates } => {
                    let facts = facts.iter().map(|fact| self.source(fact));
                    let updates = updates.iter().map(|&graph| json!({ "graph": self.iri(graph) }));
                    json!({ "ground": "stated", "sources": facts.chain(updates).collect::<Vec<_>>() })
                }
                Ground::Derived { fact, premises } => json!({
                    "ground": "derived",
                    "by": self.iri(fact.graph),
                    "label": self.0.graph.label(fact.graph),
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
            "file": self.0.graph.file_of(fact.graph),
            "line": fact.line,
            "count": fact.count,
            "confidence": confidence(fact),
        })
    }

    fn iri(&self, number: u32) -> String {
        let encoded = self.0.term(number);
        term::as_iri(encoded).map_or_else(|| term::decode(encoded).to_string(), str::to_owned)
    }

    /// The proof as a tree; what was proved before is not proved again.
    fn tree(&self, proof: &Proof) -> String {
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
                    let _ = writeln!(page, "{rest}  derived, too: `kenning prove` shows this statement's own proof");
                }
                Ground::Derived { fact, premises } => {
                    let _ = writeln!(page, "{rest}  {}", one_line(&self.maker(fact)));
                    for (index, &premise) in premises.iter().enumerate().rev() {
                        let last = index + 1 == premises.len();
                        let (branch, below) = if last { ("└ ", "  ") } else { ("├ ", "│ ") };
                        branches.push((premise, depth + 1, format!("{rest}  {branch}"), format!("{rest}  {below}")));
                    }
                }
            }
        }
        page
    }

    fn sources(&self, facts: &[FactRef], updates: &[u32]) -> Vec<String> {
        let fact = |fact: &FactRef| {
            let graph = || shorten(&self.iri(fact.graph));
            let file = self.0.graph.file_of(fact.graph).map_or_else(graph, str::to_owned);
            let line = fact.line.map_or(String::new(), |line| format!(":{line}"));
            let records = match fact.count {
                1 => String::new(),
                n => format!(", and {} more records", n - 1),
            };
            format!("{file}{line}{records}{}", doubt(fact))
        };
        let update = |&graph: &u32| format!("an update, in {}", shorten(&self.iri(graph)));
        let mut lines: Vec<String> = facts.iter().map(fact).chain(updates.iter().map(update)).collect();
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
        format!("by {}: {}{}", name.replace(':', " "), self.0.graph.label(fact.graph), doubt(fact))
    }
}

/// A statement for people.
fn said(triple: [&str; 3]) -> String {
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
