//! What an answer must not do: policies in Turtle, checked at four gates.
//!
//! ```text
//! candidates ─ gate ─► evidence ─ gate ─► prompt ─► model's answer ─ gate ─► explanation ─ gate ─► what is shown
//! ```
//!
//! A policy is a `kenning:Policy` in a file of the project's folder `policies`. It demands one thing or several:
//!
//! | it says | it demands | holds, unless `kenning:gate` says otherwise, at |
//! |---|---|---|
//! | it is a `sh:NodeShape` (SHACL Core or SHACL-SPARQL) | items conform to it; queries know the `$user` beside `$this` | candidates, answer |
//! | `kenning:sensitive <property>` | nothing is told that rests on statements with the property, its sub-properties, or what was concluded from them | prompt, answer, explanation |
//! | `kenning:minimumSupport k` | what is said of people is true of at least `k` of them | prompt, answer, explanation |
//!
//! ```turtle
//! @prefix : <https://example.org/policy/> .
//! @prefix kenning: <https://w3id.org/kenning#> .
//! @prefix sh: <http://www.w3.org/ns/shacl#> .
//! @prefix schema: <https://schema.org/> .
//!
//! :adults a kenning:Policy, sh:NodeShape ;
//!     sh:message "only for adults" ;
//!     sh:sparql [ sh:select """SELECT $this WHERE {
//!         $this schema:contentRating "R"
//!         FILTER NOT EXISTS { $user schema:age ?age FILTER(?age >= 18) } }""" ] .
//! :private a kenning:Policy ; kenning:sensitive schema:gender .
//! :crowd a kenning:Policy ; kenning:minimumSupport 5 .
//! ```
//!
//! At the gates of candidates and answer a shape is asked about items; at those of prompt and explanation, if it says
//! that it holds there, about the entities and items that evidence goes through. A shape with targets holds for these
//! alone.
//!
//! Gates are for answers, and for what is said of answers: why, why not, what if, what they will rely on. What is withheld
//! there is counted as such. Queries, searches such as `kenning:recommends` and proofs are for those who run the project,
//! and pass none.
//!
//! *Invariants:* it fails closed. A file that cannot be read, a policy that demands nothing, a term that is misspelt, a shape
//! that takes too long: all are errors, and nothing is answered. Whoever asks for nobody is `urn:kenning:nobody`.

mod evidence;

use crate::model::term;
use crate::sparql::{Cancel, Dataset, Document, Limits};
use crate::validation::{Shapes, shown};
use crate::vocabulary::{KENNING, SHACL, kenning, sh};
use crate::{Error, ErrorKind, Result};

/// Who asks where nobody is named.
pub const NOBODY: &str = "urn:kenning:nobody";

/// What may be said of a policy that is no shape, of SHACL's vocabulary.
const PLAIN: [&str; 1] = ["message"];

/// Where policies are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gate {
    /// Which items are ranked.
    Candidates,
    /// Which evidence enters a prompt.
    Prompt,
    /// Which items an answer has, and which evidence a reply may cite.
    Answer,
    /// Which reasons are shown.
    Explanation,
}

impl Gate {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [
        Self::Candidates,
        Self::Prompt,
        Self::Answer,
        Self::Explanation,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Candidates => "candidates",
            Self::Prompt => "prompt",
            Self::Answer => "answer",
            Self::Explanation => "explanation",
        }
    }

    /// Its IRI.
    pub fn iri(self) -> String {
        let name = match self {
            Self::Prompt => "promptGate",
            other => other.name(),
        };
        format!("{KENNING}{name}")
    }
}

/// One policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its IRI or blank node, encoded.
    pub node: String,
    /// Where it holds.
    pub gates: Vec<Gate>,
    /// Whether it is a shape.
    pub is_shape: bool,
    /// Encoded properties that must not be told.
    pub sensitive: Vec<String>,
    /// How many people a statement about people needs.
    pub minimum: Option<usize>,
    /// What to say of a violation.
    pub message: Option<String>,
}

/// What a policy finds wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Where.
    pub gate: Gate,
    /// The policy, encoded.
    pub policy: String,
    /// What it is about, encoded.
    pub node: String,
    /// What is wrong.
    pub message: String,
}

/// The policies of a project.
pub struct Policies {
    shapes: Shapes,
    policies: Vec<Policy>,
}

/// For whom and on what policies are checked.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// The graph and its changes.
    pub dataset: Dataset<'a>,
    /// Who asks: an encoded IRI.
    pub user: &'a str,
    /// What checking one gate may take.
    pub bounds: (&'a Limits, &'a Cancel),
}

impl Policies {
    /// Reads documents, each with the name that errors call it.
    ///
    /// # Errors
    /// `Input` for a malformed document, an ill-formed shape, or a policy that demands nothing or says what nobody
    /// understands.
    pub fn parse(documents: &[(String, Document)]) -> Result<Self> {
        let shapes = Shapes::parse(documents)?;
        let nodes = shapes.of_class(kenning::POLICY);
        if let Some(stray) = shapes.targeted().find(|node| !nodes.contains(node)) {
            return Err(shapes
                .wrong(
                    stray,
                    "has targets, and is no kenning:Policy: nobody would check it",
                )
                .hint("write `a kenning:Policy, sh:NodeShape`"));
        }
        if nodes.is_empty() {
            return Err(
                Error::input("the folder has documents, and no kenning:Policy in them")
                    .hint("write `a kenning:Policy`, or delete the files"),
            );
        }
        let policies = nodes.iter().map(|node| Policy::read(&shapes, node));
        let policies = policies.collect::<Result<_>>()?;
        Ok(Self { shapes, policies })
    }

    /// Each policy, by its name.
    pub fn list(&self) -> &[Policy] {
        &self.policies
    }

    fn at(&self, gate: Gate) -> impl Iterator<Item = &Policy> {
        let policies = self.policies.iter();
        policies.filter(move |policy| policy.gates.contains(&gate))
    }

    /// What the shapes of a gate find wrong with nodes, in their order.
    ///
    /// # Errors
    /// If a shape cannot be checked: whoever asks must not answer then.
    pub fn nodes(&self, gate: Gate, case: Case<'_>, nodes: &[u32]) -> Result<Vec<Violation>> {
        let mut violations = Vec::new();
        let shapes: Vec<&Policy> = self.at(gate).filter(|policy| policy.is_shape).collect();
        if shapes.is_empty() || nodes.is_empty() {
            return Ok(violations);
        }
        let user = [("user".to_owned(), term::decode(case.user))];
        let work = &mut |inspector: &crate::validation::Inspector<'_, '_>| {
            for &node in nodes {
                let node = case.dataset.term(node);
                for policy in &shapes {
                    let messages = inspector.check(&policy.node, node)?;
                    violations.extend(messages.into_iter().map(|message| Violation {
                        gate,
                        policy: policy.node.clone(),
                        node: node.to_owned(),
                        message,
                    }));
                }
            }
            Ok(())
        };
        self.shapes
            .inspect((case.dataset, &user), case.bounds, work)
            .map_err(|e| closed(gate, e))?;
        Ok(violations)
    }
}

impl Policy {
    fn read(shapes: &Shapes, node: &str) -> Result<Self> {
        let is_shape = shapes.is_shape(node);
        for predicate in shapes.predicates(node) {
            let iri = term::as_iri(predicate).unwrap_or_default();
            let known = [kenning::GATE, kenning::SENSITIVE, kenning::MINIMUM_SUPPORT];
            let misspelt = iri.starts_with(KENNING) && !known.contains(&iri);
            let shaped = iri
                .strip_prefix(SHACL)
                .is_some_and(|name| !PLAIN.contains(&name));
            if misspelt || shaped && !is_shape {
                let message = format!("says {}, which no policy understands", shown(predicate));
                return Err(shapes.wrong(node, message).hint(match shaped {
                    true => "write `a kenning:Policy, sh:NodeShape`",
                    false => "kenning:gate, kenning:sensitive, kenning:minimumSupport",
                }));
            }
        }
        let sensitive = shapes.said(node, kenning::SENSITIVE).to_vec();
        if let Some(bad) = sensitive.iter().find(|p| term::as_iri(p).is_none()) {
            return Err(shapes.wrong(node, format!("has {} as kenning:sensitive", shown(bad))));
        }
        let minimum = minimum(shapes, node)?;
        if !is_shape && sensitive.is_empty() && minimum.is_none() {
            return Err(shapes.wrong(node, "is a policy that demands nothing").hint(
                "make it a sh:NodeShape, or say kenning:sensitive or kenning:minimumSupport",
            ));
        }
        let message = shapes.said(node, sh::MESSAGE).first();
        let mut policy = Self {
            node: node.to_owned(),
            gates: Vec::new(),
            is_shape,
            sensitive,
            minimum,
            message: message
                .and_then(|text| term::lexical(text))
                .map(str::to_owned),
        };
        policy.gates = policy.read_gates(shapes)?;
        Ok(policy)
    }

    fn read_gates(&self, shapes: &Shapes) -> Result<Vec<Gate>> {
        let said = shapes.said(&self.node, kenning::GATE);
        let named = said.iter().map(|value| {
            let gate = Gate::ALL
                .into_iter()
                .find(|gate| term::iri(&gate.iri()) == *value);
            gate.ok_or_else(|| {
                let gates = Gate::ALL
                    .map(|gate| shown(&term::iri(&gate.iri())))
                    .join(", ");
                shapes
                    .wrong(&self.node, format!("has {} as kenning:gate", shown(value)))
                    .hint(gates)
            })
        });
        let mut gates = named.collect::<Result<Vec<_>>>()?;
        if gates.is_empty() {
            let of_items = self.is_shape.then_some([Gate::Candidates, Gate::Answer]);
            let tells = !self.sensitive.is_empty() || self.minimum.is_some();
            let of_evidence = tells.then_some([Gate::Prompt, Gate::Answer, Gate::Explanation]);
            gates.extend(of_items.into_iter().flatten());
            gates.extend(of_evidence.into_iter().flatten());
        }
        gates.sort_unstable();
        gates.dedup();
        Ok(gates)
    }

    /// A violation of it.
    fn violation(&self, gate: Gate, node: &str, message: String) -> Violation {
        Violation {
            gate,
            policy: self.node.clone(),
            node: node.to_owned(),
            message: match &self.message {
                Some(own) => format!("{own}: {message}"),
                None => message,
            },
        }
    }
}

fn minimum(shapes: &Shapes, node: &str) -> Result<Option<usize>> {
    match shapes.said(node, kenning::MINIMUM_SUPPORT) {
        [] => Ok(None),
        [value] => match term::lexical(value).and_then(|text| text.parse().ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(shapes
                .wrong(
                    node,
                    format!("has {} as kenning:minimumSupport", shown(value)),
                )
                .hint("a whole number of people: `kenning:minimumSupport 5`")),
        },
        _ => Err(shapes.wrong(node, "has several values of kenning:minimumSupport")),
    }
}

/// The error of a policy that cannot be checked.
fn closed(gate: Gate, error: Error) -> Error {
    let message = format!(
        "a policy cannot be checked at the gate `{}`, so nothing is answered: {}",
        gate.name(),
        error.message()
    );
    let kind = match error.kind() {
        ErrorKind::Budget => ErrorKind::Budget,
        // Whoever asks has done nothing wrong.
        _ => ErrorKind::Corrupt,
    };
    let closed = Error::new(kind, message).hint("kenning policy check");
    match error.place().map(str::to_owned) {
        Some(place) => closed.at(place).because(error),
        None => closed.because(error),
    }
}
