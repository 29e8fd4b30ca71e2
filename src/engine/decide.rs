//! An answer becomes a decision of the journal: with what it rested on, and what it was made with.

use super::gates::Texts;
use super::recommend::Given;
use super::{Answer, Engine, Request, Snapshot};
use crate::config::Settings;
use crate::graph::{Edge, Graph};
use crate::journal::{self, Decision, Shown, Time, Trail};
use crate::model::{EvidenceId, term};
use crate::prompt::{Prompt, Recipe};
use crate::vocabulary::{EDGE, kenning};
use crate::{Error, Result};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::sync::PoisonError;

/// What answers are made with, beside a snapshot: all that has to be the same for the same answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Setup {
    pub(super) settings: Settings,
    /// What prompts tell and ask for, but for its name and the text of its template.
    recipe: Recipe,
    name: String,
    template: String,
    /// The documents of policies.
    #[serde(default)]
    pub(super) policies: Texts,
}

impl Setup {
    /// What prompts tell and ask for.
    pub(super) fn recipe(&self) -> Recipe {
        Recipe {
            name: self.name.clone(),
            source: self.template.clone(),
            ..self.recipe.clone()
        }
    }
}

/// A setup that the journal keeps, and its name there.
pub(super) struct KeptSetup {
    setup: Setup,
    id: String,
}

/// The request as it is understood at a time: what does not say when items have to be available means then, on a snapshot
/// of the present.
pub(super) fn timed(snapshot: &Snapshot, request: &Request, started: &Time) -> Request {
    let mut timed = request.clone();
    let now = started.parse::<jiff::Timestamp>().ok();
    if snapshot.graph().meta.as_of.is_none() {
        timed.wishes.at = timed.wishes.at.or(now.map(|now| now.as_second()));
    }
    timed
}

impl Engine {
    /// Keeps an answer; returns it with the name of the decision.
    pub(super) fn keep(
        &self,
        snapshot: &Snapshot,
        request: &Request,
        given: Given,
        started: Time,
    ) -> Result<Answer> {
        let decision = self.decision(snapshot, request, &given, started)?;
        let prompt = given.prompt.as_ref().map(Prompt::text);
        let mut answer = given.answer;
        answer.decision = Some(self.journal.keep(decision, prompt)?);
        Ok(answer)
    }

    fn decision(
        &self,
        snapshot: &Snapshot,
        request: &Request,
        given: &Given,
        started: Time,
    ) -> Result<Decision> {
        let answer = &given.answer;
        let reply = answer.reply.as_ref();
        let spent = given.spent;
        // A reply that did not count was paid for, too.
        let tokens = match reply {
            Some(reply) => Some((reply.prompt_tokens, reply.completion_tokens)),
            None => (spent.calls > 0).then_some((spent.prompt_tokens, spent.completion_tokens)),
        };
        Ok(Decision {
            started: Some(started),
            at: journal::now(),
            user: Some(answer.user.id.clone()),
            request: json(request)?,
            snapshot_hash: answer.snapshot.clone(),
            prompt_id: answer.prompt.as_ref().map(|p| p.id.clone()),
            prompt_tokens: tokens.map(|tokens| tokens.0 as u64),
            completion_tokens: tokens.map(|tokens| tokens.1 as u64),
            model: reply.map(|r| r.model.clone()),
            rung: answer.rung.name().to_owned(),
            answer: given.answer()?,
            error: given.trouble.as_ref().map(|e| e.to_string()),
            last_change: Some(snapshot.last_change()),
            setup: Some(self.keep_setup()?),
            // A reply from the cache costs nothing anew.
            cost: tokens
                .filter(|_| spent.calls > 0)
                .and_then(|(prompt, reply)| self.project.settings().model.cost(prompt, reply)),
            trail: self.trail(snapshot.graph(), given),
        })
    }

    fn trail(&self, graph: &Graph, given: &Given) -> Trail {
        let answer = &given.answer;
        let mut facts = Facts::default();
        let evidence = given.prompt.iter().flat_map(|prompt| &prompt.evidence);
        let told = evidence.flat_map(|piece| &piece.evidence);
        let told = facts.numbers(graph, told.copied());
        let shown = answer.recommendations.iter().map(|item| {
            let edges = item.reasons.iter().flat_map(|reason| &reason.evidence);
            let mut edges: Vec<u64> = edges.filter_map(|iri| edge(iri)).collect();
            edges.sort_unstable();
            edges.dedup();
            Shown {
                item: item.item.clone(),
                score: item.score,
                facts: facts.numbers(graph, edges.iter().copied().map(EvidenceId)),
                edges,
            }
        });
        let shown = shown.collect();
        Trail {
            candidates: given
                .candidates
                .iter()
                .map(|&item| graph.name(item).to_owned())
                .collect(),
            told,
            shown,
            facts: facts.texts,
            claims: answer.claims.each().map(|(_, count)| count),
            violations: given.violations.clone(),
            tokenizer: Some(given.tokenizer.clone()),
            known_by: given.known_by.clone(),
            timings: answer.timings.clone(),
            reply: given.reply_key.clone(),
        }
    }

    /// Keeps what answers are made with, unless it is what the last one was made with.
    fn keep_setup(&self) -> Result<String> {
        let setup = self.setup()?;
        let mut kept = self
            .kept_setup
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept.as_ref().filter(|kept| kept.setup == setup) {
            return Ok(kept.id.clone());
        }
        let text = serde_json::to_string(&setup).map_err(unwritable)?;
        let id = self.journal.save_setup(&text)?;
        *kept = Some(KeptSetup {
            setup,
            id: id.clone(),
        });
        Ok(id)
    }

    /// What answers are made with: now, or then.
    fn setup(&self) -> Result<Setup> {
        if let Some(past) = &self.past {
            return Ok(past.clone());
        }
        let recipe = self.recipe()?;
        Ok(Setup {
            settings: self.project.settings().clone(),
            name: recipe.name.clone(),
            template: recipe.source.clone(),
            recipe,
            policies: self.policy_texts()?,
        })
    }
}

/// Facts of evidence, each once.
#[derive(Default)]
struct Facts {
    texts: Vec<[String; 3]>,
    numbers: FxHashMap<EvidenceId, usize>,
}

impl Facts {
    /// The numbers of the facts that edges are, each once.
    fn numbers(&mut self, graph: &Graph, edges: impl Iterator<Item = EvidenceId>) -> Vec<usize> {
        let mut numbers: Vec<usize> = edges.filter_map(|edge| self.number(graph, edge)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    fn number(&mut self, graph: &Graph, edge: EvidenceId) -> Option<usize> {
        if let Some(&number) = self.numbers.get(&edge) {
            return Some(number);
        }
        let fact = fact(graph, edge)?;
        // Several sources may state one triple.
        let known = self.texts.iter().position(|text| *text == fact);
        let number = known.unwrap_or_else(|| {
            self.texts.push(fact);
            self.texts.len() - 1
        });
        self.numbers.insert(edge, number);
        Some(number)
    }
}

/// The triple of an edge, encoded.
fn fact(graph: &Graph, edge: EvidenceId) -> Option<[String; 3]> {
    let text = |number: u32| graph.term(number).to_owned();
    Some(match graph.edge(edge)? {
        Edge::Fact(fact) => fact.triple.map(text),
        Edge::Interaction { user, item } => {
            [text(user), term::iri(kenning::INTERACTED), text(item)]
        }
        Edge::Link { kind, from, to, .. } => [text(from), term::iri(kind.predicate()), text(to)],
    })
}

/// The number of the edge that an IRI names.
fn edge(iri: &str) -> Option<u64> {
    iri.strip_prefix(EDGE)?.parse().ok()
}

pub(super) fn json(value: &impl Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(value).map_err(unwritable)
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::input(format!("cannot keep the decision: {error}")).because(error)
}
