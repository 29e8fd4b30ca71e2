//! A decision answered again: on its snapshot, with the changes that it saw, the settings that counted and the reply that
//! the model gave.
//!
//! What is compared is the answer as the journal keeps it, byte for byte. The seconds that each stage took are no part of
//! it: they are kept beside it, in [`Trail::timings`](crate::journal::Trail::timings). An answer whose request asks for the
//! time of day by `NOW()`, draws by `RAND()`, or looks into the log of decisions, need not come again; nor one whose words
//! were compared by vectors where the embedder is another one now.

use super::decide::{Setup, json, timed};
use super::models::score_calls;
use super::recommend::Given;
use super::{Engine, Request, Snapshot, language_model, limits};
use crate::graph::Graph;
use crate::journal::{ChangeNumber, Decision, Time};
use crate::llm::{
    self, Completion, LanguageModel, Likelihood, ScoreCalls, TokenCounter, Usage, tokens,
};
use crate::sparql::Cancel;
use crate::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

/// A decision, and what it comes to now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Its id.
    pub decision: String,
    /// The answer that was given, as JSON.
    pub kept: String,
    /// The answer that its snapshot gives now.
    pub again: String,
}

impl Replayed {
    /// Whether the same was answered, byte for byte.
    pub fn is_equal(&self) -> bool {
        self.kept == self.again
    }
}

/// Answers decisions again. Those of one snapshot and setup that follow one another share what they rest on.
pub struct Replayer<'e> {
    engine: &'e Engine,
    stage: Option<Stage>,
    counters: Vec<Arc<dyn TokenCounter>>,
}

/// An answer of former times.
pub(super) struct Past {
    /// Under which key the journal keeps the model's reply.
    pub(super) reply: Option<String>,
    /// The model whose knowledge of items counted.
    pub(super) known_by: Option<String>,
    /// What was said later does not count.
    pub(super) started: Time,
}

/// What decisions of one snapshot and setup rest on.
struct Stage {
    setup: String,
    hash: String,
    engine: Engine,
    snapshot: Snapshot,
}

impl Engine {
    /// Answers decisions again.
    pub fn replayer(&self) -> Replayer<'_> {
        Replayer {
            engine: self,
            stage: None,
            counters: Vec::new(),
        }
    }

    /// The file of a snapshot: the present one, or one that was kept for decisions.
    fn snapshot_of(&self, hash: &str) -> Result<Graph> {
        let file = self.kept_snapshot(hash);
        if file.exists() {
            return Graph::open(&file);
        }
        let present = Graph::open(&self.project.snapshot_file());
        if let Ok(graph) = present
            && graph.id().to_string() == hash
        {
            return Ok(graph);
        }
        Err(Error::not_found(format!("the snapshot {hash} is gone"))
            .at(self.project.snapshots().display())
            .hint("`decisions.snapshots` says how many former ones are kept"))
    }

    pub(super) fn kept_snapshot(&self, hash: &str) -> PathBuf {
        self.project.snapshots().join(format!("{hash}.kng"))
    }
}

impl Replayer<'_> {
    /// Answers a decision again; nothing is kept of that.
    ///
    /// # Errors
    /// `NotFound` if there is no such decision, or what it rests on is gone: its snapshot, its setup, the model's reply, the
    /// tokenizer that counted; `Usage` if an older kenning kept it.
    pub fn replay(&mut self, id: &str) -> Result<Replayed> {
        self.again(id).map_err(|e| e.at(format!("decision {id}")))
    }

    fn again(&mut self, id: &str) -> Result<Replayed> {
        let decision = self.engine.journal.decision(id)?.record;
        let kept = self.engine.journal.answer_text(id)?;
        let (Some(setup), Some(last), Some(started)) =
            (&decision.setup, decision.last_change, &decision.started)
        else {
            return Err(Error::usage(
                "an older kenning kept it, without what it was made with",
            ));
        };
        let mut stand_in = self.stand_in(&decision)?;
        let stage = self.set(setup, &decision.snapshot_hash, last)?;
        stage.engine.past_answer = Some(Past {
            reply: decision.trail.reply.clone(),
            known_by: decision.trail.known_by.clone(),
            started: started.clone(),
        });
        if let Some(model) = &mut stand_in {
            model.score_calls = score_calls(&stage.engine.project.settings().model);
        }
        let request: Request = read("request", decision.request.clone())?;
        let mut request = timed(&stage.snapshot, &request, started);
        // The reply, or what went wrong, is known: how long it takes to get at it now says nothing.
        request.max_ms = None;
        let model = stand_in
            .as_mut()
            .map(|model| model as &mut dyn LanguageModel);
        let limits = limits(&stage.engine.project.settings().query);
        let bounds = (&limits, &Cancel::default());
        let mut given = stage
            .engine
            .respond(&stage.snapshot, &request, model, bounds)?;
        given.answer.rung = match (&decision.model, &given.answer.reply) {
            // The reply comes from the cache now, wherever it came from.
            (Some(_), Some(_)) => read("rung", Value::String(decision.rung.clone()))?,
            (Some(_), None) => return Err(gone(&given)),
            _ => given.answer.rung,
        };
        Ok(Replayed {
            decision: id.to_owned(),
            kept,
            again: given.answer()?.to_string(),
        })
    }

    /// Sets the stage for a decision.
    fn set(&mut self, setup: &str, hash: &str, last: ChangeNumber) -> Result<&mut Stage> {
        let engine = self.engine;
        let set = self.stage.take();
        let set = set.filter(|stage| stage.setup == setup && stage.hash == hash);
        let mut stage = match set.filter(|stage| stage.snapshot.last_change() <= last) {
            Some(stage) => stage,
            None => {
                let text = engine.journal.setup(setup)?;
                let text = text.ok_or_else(|| {
                    Error::not_found(format!("the journal has no setup {setup}"))
                        .at(engine.journal.path().display())
                })?;
                let with: Setup =
                    serde_json::from_str(&text).map_err(|e| unreadable("setup", e))?;
                let engine = Engine::again(engine, with)?;
                let graph = engine.snapshot_of(hash)?;
                let snapshot = Snapshot::up_to(graph, &engine.project, &engine.journal, last)?;
                Stage {
                    setup: setup.to_owned(),
                    hash: hash.to_owned(),
                    engine,
                    snapshot,
                }
            }
        };
        let after = stage.snapshot.last_change();
        if after < last {
            let changes = engine.journal.changes_between(after, last)?;
            stage.snapshot.replay(&changes);
        }
        Ok(self.stage.insert(stage))
    }

    /// What stands in for the model of a decision; nothing if none was asked.
    fn stand_in(&mut self, decision: &Decision) -> Result<Option<StandIn>> {
        if decision.model.is_none() && decision.error.is_none() {
            let exact = decision.trail.tokenizer.as_deref();
            return match exact.filter(|name| *name != tokens::approximate().name()) {
                None => Ok(None),
                // A model was there, and no prompt fitted.
                Some(name) => Ok(Some(StandIn::silent(self.counter(name)?, String::new()))),
            };
        }
        let name = decision.trail.tokenizer.as_deref();
        let counter = self.counter(name.unwrap_or(tokens::approximate().name()))?;
        let error = decision.error.clone().unwrap_or_default();
        Ok(Some(match &decision.model {
            Some(model) => StandIn {
                id: model.clone(),
                ..StandIn::silent(counter, error)
            },
            None => StandIn::silent(counter, error),
        }))
    }

    /// What counted tokens: the approximate one, or that of the project's model.
    fn counter(&mut self, name: &str) -> Result<Arc<dyn TokenCounter>> {
        let approximate = tokens::approximate();
        if name == approximate.name() {
            return Ok(approximate);
        }
        if let Some(counter) = self.counters.iter().find(|known| known.name() == name) {
            return Ok(Arc::clone(counter));
        }
        let model = language_model(&self.engine.project)?;
        let counter = model.map(|model| model.counter());
        let counter = counter.filter(|counter| counter.name() == name);
        let counter = counter.ok_or_else(|| {
            Error::not_found(format!(
                "the tokenizer `{name}` counted, and is not at hand"
            ))
            .hint("set `[model]` as it was")
        })?;
        self.counters.push(Arc::clone(&counter));
        Ok(counter)
    }
}

impl Given {
    /// The answer as the journal keeps it.
    pub(super) fn answer(&self) -> Result<Value> {
        let mut answer = self.answer.clone();
        answer.timings.clear();
        json(&answer)
    }
}

/// Says of a reply that did not come what is known.
fn gone(given: &Given) -> Error {
    let why = given.trouble.as_ref().map(|e| e.message());
    Error::new(
        ErrorKind::NotFound,
        format!(
            "the reply of the model is gone: {}",
            why.unwrap_or("there is no prompt")
        ),
    )
    .hint("the journal's table `replies` was emptied, or the prompt is another one")
}

fn read<T: DeserializeOwned>(what: &str, value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|e| unreadable(what, e))
}

fn unreadable(what: &str, error: serde_json::Error) -> Error {
    Error::corrupt(format!("its {what} cannot be read: {error}"))
        .hint("use the kenning that kept it")
        .because(error)
}

/// A model that was asked once. Its reply is in the journal's cache; whoever asks it anew is told what went wrong then.
struct StandIn {
    id: String,
    counter: Arc<dyn TokenCounter>,
    score_calls: ScoreCalls,
    error: String,
}

impl StandIn {
    fn silent(counter: Arc<dyn TokenCounter>, error: String) -> Self {
        Self {
            id: String::new(),
            counter,
            score_calls: ScoreCalls::default(),
            error,
        }
    }

    fn error(&self) -> Error {
        Error::unavailable(match self.error.as_str() {
            "" => "no reply is kept under its key",
            error => error,
        })
    }
}

impl LanguageModel for StandIn {
    fn id(&self) -> &str {
        &self.id
    }

    fn context_tokens(&self) -> usize {
        usize::MAX
    }

    fn counter(&self) -> Arc<dyn TokenCounter> {
        Arc::clone(&self.counter)
    }

    fn score_calls(&self) -> ScoreCalls {
        self.score_calls
    }

    fn complete(&mut self, _: &llm::Request) -> Result<Completion> {
        Err(self.error())
    }

    fn score(&mut self, _: &llm::Request, _: &[String], _: &mut Usage) -> Result<Vec<Likelihood>> {
        Err(self.error())
    }
}
