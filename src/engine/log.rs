//! The log of decisions as queries see it: what the journal keeps, as triples.

use crate::config::{DecisionSettings, Project};
use crate::journal::{Decision, Entry, Journal, Outcome, Trail};
use crate::model::term;
use crate::sparql::{Cancel, Decisions, fact_term};
use crate::vocabulary::{DECISION, EDGE, PROMPT, SNAPSHOT, kenning, prov, rdf, sh, xsd};
use crate::{Error, Result};
use oxrdf::NamedNode;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Decisions read at once; between two pages the query may be cancelled.
const PAGE: usize = 256;

/// How far more decisions than allowed may gather before the oldest are let go.
const SLACK: usize = 4;

/// The decisions of one graph, read when a query first asks for them, and then only what is new.
pub(super) struct Log {
    journal: PathBuf,
    settings: DecisionSettings,
    read: Mutex<Option<Read>>,
}

/// What was read.
struct Read {
    journal: Journal,
    decisions: Arc<Decisions>,
    count: usize,
    /// Where to go on: place in the log, number of the outcome, number of the erasure.
    place: i64,
    outcome: i64,
    erasure: i64,
}

impl Log {
    pub(super) fn new(project: &Project) -> Self {
        Self {
            journal: project.journal_file(),
            settings: project.settings().decisions.clone(),
            read: Mutex::default(),
        }
    }

    /// All decisions within the window, as triples. `snapshot` is the hash of the graph whose edges may be named.
    pub(super) fn decisions(
        &self,
        snapshot: &str,
        cancel: &Cancel,
    ) -> Result<Option<Arc<Decisions>>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.is_none() {
            if !self.journal.exists() {
                return Ok(None);
            }
            *read = Some(Read::nothing(Journal::open(&self.journal)?));
        }
        let Some(read) = read.as_mut() else {
            return Ok(None);
        };
        if !read.go_on(&self.settings, snapshot, cancel)? {
            read.forget();
            read.go_on(&self.settings, snapshot, cancel)?;
        }
        Ok(Some(Arc::clone(&read.decisions)))
    }
}

impl Read {
    fn nothing(journal: Journal) -> Self {
        Self {
            journal,
            decisions: Arc::default(),
            count: 0,
            place: 0,
            outcome: 0,
            erasure: 0,
        }
    }

    fn forget(&mut self) {
        self.decisions = Arc::default();
        (self.count, self.place, self.outcome) = (0, 0, 0);
    }

    /// Reads what is new; false if what was read before does not hold any more.
    fn go_on(
        &mut self,
        settings: &DecisionSettings,
        snapshot: &str,
        cancel: &Cancel,
    ) -> Result<bool> {
        let erasure = self.journal.last_erasure()?;
        let fresh = self.place == 0 && self.outcome == 0;
        if erasure != std::mem::replace(&mut self.erasure, erasure) && !fresh {
            return Ok(false);
        }
        let since = days_ago(settings.window_days);
        let start = self
            .journal
            .place_of_last(self.place, &since, settings.most)?;
        let (outcomes, outcome) = self.journal.outcomes_after(self.outcome)?;
        if start.is_none() && outcomes.is_empty() {
            return Ok(true);
        }
        let mut decisions = (*self.decisions).clone();
        let (mut place, mut count) = (start.unwrap_or(self.place), self.count);
        loop {
            // A page at a time: as texts, triples take twenty times as much memory.
            let page = self.journal.outlines(place, &since, PAGE)?;
            if page.decisions.is_empty() {
                break;
            }
            if cancel.is_cancelled() {
                return Err(Error::budget("the query was cancelled"));
            }
            count += page.decisions.len();
            place = page.last;
            let mut triples = Triples::default();
            for entry in &page.decisions {
                triples.decision(entry, snapshot);
            }
            decisions.add(triples.0.iter());
        }
        if !fresh && count > settings.most + settings.most / SLACK {
            return Ok(false);
        }
        decisions.settle();
        let mut triples = Triples::default();
        for outcome in &outcomes {
            let exposure = exposure(&outcome.decision, outcome.rank);
            // Of a decision before the window nothing is shown.
            if decisions.has(&[
                term::iri(&decision(&outcome.decision)),
                term::iri(kenning::EXPOSED),
                term::iri(&exposure),
            ]) {
                triples.outcome(&exposure, outcome);
            }
        }
        if !fresh && outcomes.iter().any(|outcome| other(&decisions, outcome)) {
            return Ok(false);
        }
        decisions.add(triples.0.iter());
        decisions.settle();
        self.decisions = Arc::new(decisions);
        (self.place, self.outcome, self.count) = (place, outcome, count);
        Ok(true)
    }
}

/// Whether something else was said before of what became of an item.
fn other(decisions: &Decisions, outcome: &Outcome) -> bool {
    let exposure = term::iri(&exposure(&outcome.decision, outcome.rank));
    ["accepted", "rejected"].iter().any(|said| {
        decisions.has(&[
            exposure.clone(),
            term::iri(kenning::OUTCOME),
            term::string(said),
        ])
    })
}

/// The IRI of a decision.
pub(super) fn decision(id: &str) -> String {
    format!("{DECISION}{id}")
}

fn exposure(id: &str, rank: usize) -> String {
    format!("{DECISION}{id}:{rank}")
}

/// So many days ago, as the journal writes times.
pub(super) fn days_ago(days: u64) -> String {
    let hours = i64::try_from(days.saturating_mul(24)).unwrap_or(i64::MAX);
    let ago = jiff::SignedDuration::try_from_hours(hours);
    let time = ago.and_then(|ago| jiff::Timestamp::now().checked_sub(ago).ok());
    time.map_or_else(String::new, |time| format!("{time:.6}"))
}

/// Triples of decisions, encoded.
#[derive(Default)]
struct Triples(Vec<[String; 3]>);

impl Triples {
    fn say(&mut self, subject: &str, predicate: &str, object: String) {
        self.0
            .push([term::iri(subject), term::iri(predicate), object]);
    }

    fn maybe(&mut self, subject: &str, predicate: &str, object: Option<String>) {
        if let Some(object) = object {
            self.say(subject, predicate, object);
        }
    }

    fn decision(&mut self, entry: &Entry<Decision, String>, snapshot: &str) {
        let Entry { id, record } = entry;
        let this = decision(id);
        let count = |count: u64| term::typed(&count.to_string(), xsd::INTEGER);
        let text = |text: &String| term::string(text);
        self.say(&this, rdf::TYPE, term::iri(kenning::DECISION));
        self.say(&this, rdf::TYPE, term::iri(prov::ACTIVITY));
        self.say(&this, prov::ENDED_AT_TIME, time(&record.at));
        self.maybe(
            &this,
            prov::STARTED_AT_TIME,
            record.started.as_deref().map(time),
        );
        let user = record.user.as_deref().and_then(iri);
        self.maybe(&this, prov::WAS_ASSOCIATED_WITH, user);
        let used = format!("{SNAPSHOT}{}", record.snapshot_hash);
        self.say(&this, prov::USED, term::iri(&used));
        let prompt = record.prompt_id.as_ref();
        self.maybe(
            &this,
            kenning::PROMPT,
            prompt.map(|id| term::iri(&format!("{PROMPT}{id}"))),
        );
        self.say(
            &this,
            kenning::REQUEST,
            term::string(&record.request.to_string()),
        );
        self.say(&this, kenning::RUNG, text(&record.rung));
        self.maybe(&this, kenning::MODEL, record.model.as_ref().map(text));
        self.maybe(
            &this,
            kenning::PROMPT_TOKENS,
            record.prompt_tokens.map(count),
        );
        self.maybe(
            &this,
            kenning::COMPLETION_TOKENS,
            record.completion_tokens.map(count),
        );
        self.maybe(&this, kenning::COST, record.cost.map(decimal));
        self.maybe(&this, kenning::FAILURE, record.error.as_ref().map(text));
        let claims = [
            kenning::CLAIMS_VERIFIED,
            kenning::CLAIMS_AGGREGATE,
            kenning::CLAIMS_INFERRED,
            kenning::CLAIMS_UNSUPPORTED,
            kenning::CLAIMS_CONTRADICTED,
        ];
        for (predicate, number) in claims.into_iter().zip(record.trail.claims) {
            self.say(&this, predicate, count(number as u64));
        }
        self.trail((id, &this), &record.trail);
        if record.snapshot_hash == snapshot {
            self.edges(id, &record.trail);
        }
    }

    /// The edges of the evidence, by the numbers that they have on the snapshot that is asked.
    fn edges(&mut self, id: &str, trail: &Trail) {
        for (rank, shown) in (1..).zip(&trail.shown) {
            let exposure = exposure(id, rank);
            for edge in &shown.edges {
                self.say(&exposure, prov::USED, term::iri(&format!("{EDGE}{edge}")));
            }
        }
    }

    fn trail(&mut self, (id, this): (&str, &str), trail: &Trail) {
        for item in &trail.candidates {
            self.maybe(this, kenning::CANDIDATE, iri(item));
        }
        let facts: Vec<Option<String>> = trail.facts.iter().map(fact_term).collect();
        let fact = |index: &usize| facts.get(*index).cloned().flatten();
        for told in &trail.told {
            self.maybe(this, kenning::PROMPT_EVIDENCE, fact(told));
        }
        for (rank, shown) in (1..).zip(&trail.shown) {
            let exposure = exposure(id, rank);
            self.say(this, kenning::EXPOSED, term::iri(&exposure));
            self.say(&exposure, rdf::TYPE, term::iri(kenning::EXPOSURE));
            self.maybe(&exposure, kenning::EVENT_ITEM, iri(&shown.item));
            let rank = term::typed(&rank.to_string(), xsd::INTEGER);
            self.say(&exposure, kenning::RANK, rank);
            self.say(&exposure, kenning::SCORE, decimal(shown.score));
            for index in &shown.facts {
                self.maybe(&exposure, kenning::EVIDENCE, fact(index));
            }
        }
        for (number, violation) in (1..).zip(&trail.violations) {
            let name = format!("{DECISION}{id}:violation:{number}");
            self.say(this, kenning::VIOLATED, term::iri(&name));
            self.say(&name, rdf::TYPE, term::iri(kenning::VIOLATION));
            self.say(&name, kenning::GATE, term::iri(&violation.gate));
            self.say(&name, sh::SOURCE_SHAPE, violation.policy.clone());
            self.say(&name, sh::FOCUS_NODE, violation.node.clone());
            self.say(&name, sh::RESULT_MESSAGE, term::string(&violation.message));
        }
    }

    fn outcome(&mut self, exposure: &str, outcome: &Outcome) {
        self.say(exposure, kenning::OUTCOME, term::string(&outcome.outcome));
        self.say(exposure, kenning::OUTCOME_AT, time(&outcome.at));
    }
}

fn time(text: &str) -> String {
    term::typed(text, xsd::DATE_TIME)
}

/// The encoded IRI, if the text is one.
fn iri(text: &str) -> Option<String> {
    NamedNode::new(text)
        .ok()
        .map(|node| term::iri(node.as_str()))
}

fn decimal(number: f64) -> String {
    let text = format!("{number:.6}");
    let text = text.trim_end_matches('0');
    let end = if text.ends_with('.') { "0" } else { "" };
    term::typed(&format!("{text}{end}"), xsd::DECIMAL)
}
