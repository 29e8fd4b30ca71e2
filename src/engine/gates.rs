//! The gates that a request passes: what policies refuse is left out, and noted.

use super::{Engine, Request, Snapshot, limits};
use crate::journal;
use crate::model::term;
use crate::policy::{Case, Gate, NOBODY, Policies, Policy, Violation};
use crate::scoring::Profile;
use crate::selection::{Candidate, Piece};
use crate::sparql::{Cancel, Document, Limits};
use crate::vocabulary::kenning;
use crate::{Error, Result};
use oxigraph::io::RdfFormat;
use oxrdf::NamedNode;
use rustc_hash::FxHashSet;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, PoisonError};

/// Violations that a decision keeps; more are counted in its notes.
const KEPT: usize = 1_000;

/// Files of the folder that are no policies.
const OTHERS: [&str; 2] = ["md", "txt"];

/// Names and texts of the documents of policies.
pub(super) type Texts = Vec<(String, String)>;

/// Items of an answer that policies are tried on.
const ASKED: usize = 10;

/// What policies refuse.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyCheck {
    /// The policies.
    pub policies: Vec<Policy>,
    /// What they refuse of all items.
    pub catalogue: Vec<Violation>,
    /// What they took out of an answer.
    pub answer: Vec<journal::Violation>,
}

/// Policies as they were read.
pub(super) struct Read {
    texts: Texts,
    policies: Arc<Policies>,
}

/// The gates of one request.
pub(super) struct Gates<'a> {
    policies: Option<Arc<Policies>>,
    snapshot: &'a Snapshot,
    user: String,
    limits: Limits,
    cancel: Cancel,
    found: RefCell<BTreeSet<Violation>>,
}

impl Engine {
    /// The documents of the project's folder `policies`; none if there is no folder. One that names the texts of a past
    /// answer has those.
    pub(super) fn policy_texts(&self) -> Result<Texts> {
        if let Some(past) = &self.past {
            return Ok(past.policies.clone());
        }
        let folder = self.project.policies();
        let failed = |e| Error::io("read the policies", &folder, e);
        let entries = match std::fs::read_dir(&folder) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut texts = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            if let Some(name) = document(&path)? {
                let text = std::fs::read_to_string(&path);
                let text = text.map_err(|e| Error::io("read the policy", &path, e))?;
                texts.push((name, text));
            }
        }
        texts.sort();
        Ok(texts)
    }

    /// The policies of the project; `None` if it has none.
    ///
    /// # Errors
    /// Those of [`Policies::parse`], and `Io` if a file cannot be read: nothing may be answered then.
    pub fn policies(&self) -> Result<Option<Arc<Policies>>> {
        let texts = self.policy_texts()?;
        if texts.is_empty() {
            return Ok(None);
        }
        let mut read = self
            .read_policies
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = read.as_ref().filter(|read| read.texts == texts) {
            return Ok(Some(Arc::clone(&read.policies)));
        }
        let documents: Vec<(String, Document)> = texts.iter().map(parsed).collect();
        let policies = Policies::parse(&documents).map_err(unreadable)?;
        let policies = Arc::new(policies);
        *read = Some(Read {
            texts,
            policies: Arc::clone(&policies),
        });
        Ok(Some(policies))
    }

    /// What the policies refuse of the whole catalogue, for somebody if one is named, and what of an answer to them, of
    /// which nothing is kept.
    ///
    /// # Errors
    /// Those of [`Engine::policies`] and of [`Policies::nodes`], and those of a request.
    pub fn check_policies(&self, snapshot: &Snapshot, user: Option<&str>) -> Result<PolicyCheck> {
        let Some(policies) = self.policies()? else {
            return Ok(PolicyCheck::default());
        };
        let graph = snapshot.graph();
        let known = user.and_then(|name| graph.find_user(name));
        let known = known.and_then(|user| graph.iri(user));
        let limits = limits(&self.project.settings().query);
        let bounds = (&limits, &Cancel::default());
        let gates = self.gates(snapshot, known.or(user).unwrap_or(NOBODY), bounds)?;
        let items: Vec<u32> = graph.items().collect();
        for gate in [Gate::Candidates, Gate::Answer] {
            gates.refused(gate, &items)?;
        }
        let catalogue = gates.found.take();
        let answer = match user {
            None => Vec::new(),
            Some(user) => {
                let request = Request::for_user(user, ASKED);
                let given = self.respond(snapshot, &request, None, bounds)?;
                given.violations
            }
        };
        Ok(PolicyCheck {
            policies: policies.list().to_vec(),
            catalogue: catalogue.into_iter().collect(),
            answer,
        })
    }

    /// The gates of a request by somebody, by IRI or by a name that the graph does not know.
    pub(super) fn gates<'a>(
        &self,
        snapshot: &'a Snapshot,
        person: &str,
        (limits, cancel): (&Limits, &Cancel),
    ) -> Result<Gates<'a>> {
        let known = NamedNode::new(person).ok();
        let user = known.as_ref().map_or(NOBODY, |node| node.as_str());
        Ok(Gates {
            policies: self.policies()?,
            snapshot,
            user: term::iri(user),
            limits: *limits,
            cancel: cancel.clone(),
            found: RefCell::default(),
        })
    }
}

/// The name of a document of policies; `None` for a file that is none.
///
/// # Errors
/// `Input` for a file that might be meant as one.
fn document(path: &Path) -> Result<Option<String>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    if name.starts_with('.') || OTHERS.contains(&ending.as_ref()) {
        return Ok(None);
    }
    match RdfFormat::from_extension(&ending) {
        Some(_) => Ok(Some(format!("policies/{name}"))),
        None => Err(
            Error::input("its name does not tell which RDF syntax this policy is in")
                .at(path.display())
                .hint("call it `NAME.ttl`, or keep it elsewhere"),
        ),
    }
}

/// Whoever asks has done nothing wrong: it is the project's own files that cannot be read.
fn unreadable(error: Error) -> Error {
    let message = format!(
        "a policy cannot be read, so nothing is answered: {}",
        error.message()
    );
    let mut closed = Error::corrupt(message);
    if let Some(place) = error.place() {
        closed = closed.at(place);
    }
    if let Some(hint) = error.next_step() {
        closed = closed.hint(hint);
    }
    closed.because(error)
}

fn parsed((name, text): &(String, String)) -> (String, Document) {
    let ending = name.rsplit('.').next().unwrap_or_default();
    let document = Document {
        bytes: text.as_bytes().to_vec(),
        format: RdfFormat::from_extension(ending).unwrap_or(RdfFormat::Turtle),
        base: None,
    };
    (name.clone(), document)
}

impl Gates<'_> {
    pub(super) fn snapshot(&self) -> &Snapshot {
        self.snapshot
    }

    fn case(&self) -> Case<'_> {
        Case {
            dataset: self.snapshot.dataset(),
            user: &self.user,
            bounds: (&self.limits, &self.cancel),
        }
    }

    fn note(&self, violations: impl IntoIterator<Item = Violation>) {
        self.found.borrow_mut().extend(violations);
    }

    /// Those of the items that a gate refuses, which is noted.
    pub(super) fn refused(&self, gate: Gate, items: &[u32]) -> Result<FxHashSet<u32>> {
        let violations = self.wrong(gate, items)?;
        let refused = self.nodes(&violations);
        self.note(violations);
        Ok(refused)
    }

    /// Those of the nodes that a gate would refuse; nothing is noted.
    pub(super) fn would_refuse(&self, gate: Gate, nodes: &[u32]) -> Result<FxHashSet<u32>> {
        Ok(self.nodes(&self.wrong(gate, nodes)?))
    }

    fn wrong(&self, gate: Gate, nodes: &[u32]) -> Result<Vec<Violation>> {
        match &self.policies {
            Some(policies) => policies.nodes(gate, self.case(), nodes),
            None => Ok(Vec::new()),
        }
    }

    fn nodes(&self, violations: &[Violation]) -> FxHashSet<u32> {
        let dataset = self.snapshot.dataset();
        let nodes = violations.iter();
        nodes
            .filter_map(|wrong| dataset.find(&wrong.node))
            .collect()
    }

    /// Those of the items that either gate of items refuses.
    pub(super) fn kept_out(&self, items: &[u32]) -> Result<FxHashSet<u32>> {
        let mut refused = self.refused(Gate::Candidates, items)?;
        refused.extend(self.refused(Gate::Answer, items)?);
        Ok(refused)
    }

    /// For each piece of evidence whether a gate lets it through.
    pub(super) fn open(&self, gate: Gate, pieces: &[&Piece]) -> Result<Vec<bool>> {
        let Some(policies) = &self.policies else {
            return Ok(vec![true; pieces.len()]);
        };
        let found = policies.evidence(gate, self.case(), pieces)?;
        let open = found.iter().map(Vec::is_empty).collect();
        self.note(found.into_iter().flatten());
        Ok(open)
    }

    /// Candidates with the evidence that a gate lets through.
    pub(super) fn through<'c>(
        &self,
        gate: Gate,
        candidates: &'c [Candidate],
    ) -> Result<Cow<'c, [Candidate]>> {
        if self.policies.is_none() {
            return Ok(Cow::Borrowed(candidates));
        }
        let pieces = candidates.iter().flat_map(|candidate| &candidate.pieces);
        let pieces: Vec<&Piece> = pieces.collect();
        let mut open = self.open(gate, &pieces)?.into_iter();
        let kept = candidates.iter().map(|candidate| {
            let pieces = candidate.pieces.iter();
            let kept = pieces.filter(|_| open.next().unwrap_or(false));
            Candidate {
                item: candidate.item,
                score: candidate.score,
                pieces: kept.cloned().collect(),
            }
        });
        Ok(Cow::Owned(kept.collect()))
    }

    /// Whether a gate lets nothing be told that a property says.
    pub(super) fn hides(&self, gate: Gate, property: &str) -> bool {
        let dataset = self.snapshot.dataset();
        let policies = self.policies.as_ref();
        policies.is_some_and(|policies| policies.hides(gate, dataset, property))
    }

    /// Whether the gate of explanations lets facts be told: for what they are about, and, of those of the graph, with all
    /// that they were concluded from.
    pub(super) fn may_tell(&self, facts: &[[u32; 3]]) -> Result<bool> {
        let dataset = self.snapshot.dataset();
        let Some(policies) = &self.policies else {
            return Ok(true);
        };
        let objects: Vec<u32> = facts.iter().map(|fact| fact[2]).collect();
        Ok(!policies.hides_facts(Gate::Explanation, dataset, facts)
            && self.would_refuse(Gate::Explanation, &objects)?.is_empty())
    }

    /// What a prompt may tell of somebody: without their history where that they met items is sensitive.
    pub(super) fn profile<'p>(&self, profile: &'p Profile) -> Cow<'p, Profile> {
        if !self.hides(Gate::Prompt, kenning::INTERACTED) {
            return Cow::Borrowed(profile);
        }
        let mut bare = profile.clone();
        bare.history.clear();
        Cow::Owned(bare)
    }

    /// What was refused, as the journal keeps it, and what to say of it in an answer.
    pub(super) fn violations(&self) -> (Vec<journal::Violation>, Option<String>) {
        let found = self.found.borrow();
        let kept = found.iter().take(KEPT).map(|wrong| journal::Violation {
            gate: wrong.gate.iri(),
            policy: wrong.policy.clone(),
            node: wrong.node.clone(),
            message: wrong.message.clone(),
        });
        let counts = Gate::ALL.map(|gate| {
            let count = found.iter().filter(|wrong| wrong.gate == gate).count();
            (count > 0).then(|| format!("{count} at the gate `{}`", gate.name()))
        });
        let counts: Vec<String> = counts.into_iter().flatten().collect();
        let note = (!counts.is_empty()).then(|| format!("policies refused {}", counts.join(", ")));
        (kept.collect(), note)
    }
}
