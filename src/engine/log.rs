//! The log of decisions as queries see it: what the journal keeps, as triples.

use crate::config::{DecisionSettings, Project};
use crate::journal::{Decision, Entry, Journal, Outcome, Trail};
use crate::model::term;
use crate::sparql::{Cancel, Decisions, fact_term};
use crate::vocabulary::{DECISION, EDGE, PROMPT, SNAPSHOT, kenning, prov, rdf, sh, xsd};
use crate::{Error, Result};
use oxrdf::NamedNode;
use rustc_hash::FxHashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Decisions read at once; between two pages the query may be cancelled.
const PAGE: usize = 256;

/// Facts whose terms are remembered while decisions are read.
const REMEMBERED: usize = 1 << 16;

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

    /// Reads what is new; false if what was read before does not hold any more. What was read when the query was
    /// cancelled is there for the next one.
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
        let (outcomes, last) = self.journal.outcomes_after(self.outcome)?;
        if let Some(start) = start {
            self.place = start;
            self.read(&since, snapshot, cancel)?;
        }
        if !fresh && self.count > settings.most + settings.most / SLACK {
            return Ok(false);
        }
        if !self.decisions.is_settled() || !outcomes.is_empty() {
            let decisions = Arc::make_mut(&mut self.decisions);
            decisions.settle();
            Writer::new(decisions).outcomes(&outcomes);
            decisions.settle();
        }
        self.outcome = last;
        Ok(true)
    }

    /// Reads all decisions after the place that was reached, a page at a time.
    fn read(&mut self, since: &str, snapshot: &str, cancel: &Cancel) -> Result<()> {
        let mut writer = Writer::new(Arc::make_mut(&mut self.decisions));
        loop {
            let page = self.journal.outlines(self.place, since, PAGE)?;
            if page.decisions.is_empty() {
                return Ok(());
            }
            if cancel.is_cancelled() {
                return Err(Error::budget("the query was cancelled"));
            }
            for entry in &page.decisions {
                writer.decision(entry, snapshot);
            }
            self.count += page.decisions.len();
            self.place = page.last;
        }
    }
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

/// Writes decisions as triples.
struct Writer<'d> {
    decisions: &'d mut Decisions,
    /// Facts are evidence again and again, and dear to write as terms.
    facts: FxHashMap<[String; 3], Option<u32>>,
    encoded: String,
}

impl<'d> Writer<'d> {
    fn new(decisions: &'d mut Decisions) -> Self {
        Self {
            decisions,
            facts: FxHashMap::default(),
            encoded: String::new(),
        }
    }

    /// The number of an IRI.
    fn iri(&mut self, iri: &str) -> u32 {
        self.encoded.clear();
        self.encoded.push('<');
        self.encoded.push_str(iri);
        self.decisions.number(&self.encoded)
    }

    /// The number of an IRI that somebody else gave, if it is one.
    fn given_iri(&mut self, text: &str) -> Option<u32> {
        let node = NamedNode::new(text).ok()?;
        Some(self.iri(node.as_str()))
    }

    fn fact(&mut self, fact: &[String; 3]) -> Option<u32> {
        if let Some(&number) = self.facts.get(fact) {
            return number;
        }
        let number = fact_term(fact).map(|term| self.decisions.number(&term));
        if self.facts.len() == REMEMBERED {
            self.facts.clear();
        }
        self.facts.insert(fact.clone(), number);
        number
    }

    fn say(&mut self, subject: u32, predicate: &str, object: u32) {
        let predicate = self.iri(predicate);
        self.decisions.add([subject, predicate, object]);
    }

    /// Says it of an IRI.
    fn link(&mut self, subject: u32, predicate: &str, object: &str) {
        let object = self.iri(object);
        self.say(subject, predicate, object);
    }

    /// Says it of a term, encoded.
    fn tell(&mut self, subject: u32, predicate: &str, object: &str) {
        let object = self.decisions.number(object);
        self.say(subject, predicate, object);
    }

    fn maybe(&mut self, subject: u32, predicate: &str, object: Option<String>) {
        if let Some(object) = object {
            self.tell(subject, predicate, &object);
        }
    }

    fn decision(&mut self, entry: &Entry<Decision, String>, snapshot: &str) {
        let Entry { id, record } = entry;
        let this = self.iri(&decision(id));
        let text = |text: &String| term::string(text);
        self.link(this, rdf::TYPE, kenning::DECISION);
        self.link(this, rdf::TYPE, prov::ACTIVITY);
        self.tell(this, prov::ENDED_AT_TIME, &time(&record.at));
        let started = record.started.as_deref().map(time);
        self.maybe(this, prov::STARTED_AT_TIME, started);
        if let Some(user) = record.user.as_deref().and_then(|user| self.given_iri(user)) {
            self.say(this, prov::WAS_ASSOCIATED_WITH, user);
        }
        let used = format!("{SNAPSHOT}{}", record.snapshot_hash);
        self.link(this, prov::USED, &used);
        if let Some(prompt) = &record.prompt_id {
            self.link(this, kenning::PROMPT, &format!("{PROMPT}{prompt}"));
        }
        let request = term::string(&record.request.to_string());
        self.tell(this, kenning::REQUEST, &request);
        self.tell(this, kenning::RUNG, &text(&record.rung));
        self.maybe(this, kenning::MODEL, record.model.as_ref().map(text));
        self.maybe(
            this,
            kenning::PROMPT_TOKENS,
            record.prompt_tokens.map(integer),
        );
        let completion = record.completion_tokens.map(integer);
        self.maybe(this, kenning::COMPLETION_TOKENS, completion);
        self.maybe(this, kenning::COST, record.cost.map(decimal));
        self.maybe(this, kenning::FAILURE, record.error.as_ref().map(text));
        let claims = [
            kenning::CLAIMS_VERIFIED,
            kenning::CLAIMS_AGGREGATE,
            kenning::CLAIMS_INFERRED,
            kenning::CLAIMS_UNSUPPORTED,
            kenning::CLAIMS_CONTRADICTED,
        ];
        for (predicate, number) in claims.into_iter().zip(record.trail.claims) {
            self.tell(this, predicate, &integer(number as u64));
        }
        self.told(this, &record.trail);
        self.shown((id, this), &record.trail, record.snapshot_hash == snapshot);
        self.violations((id, this), &record.trail);
    }

    fn told(&mut self, this: u32, trail: &Trail) {
        for item in &trail.candidates {
            if let Some(item) = self.given_iri(item) {
                self.say(this, kenning::CANDIDATE, item);
            }
        }
        self.evidence((this, kenning::PROMPT_EVIDENCE), trail, &trail.told);
    }

    fn evidence(&mut self, (subject, predicate): (u32, &str), trail: &Trail, facts: &[usize]) {
        for fact in facts.iter().filter_map(|index| trail.facts.get(*index)) {
            if let Some(fact) = self.fact(fact) {
                self.say(subject, predicate, fact);
            }
        }
    }

    /// Edges are named by the numbers that they have on the decision's snapshot: only if that is the one asked.
    fn shown(&mut self, (id, this): (&str, u32), trail: &Trail, with_edges: bool) {
        for (rank, shown) in (1..).zip(&trail.shown) {
            let exposure = self.iri(&exposure(id, rank));
            self.say(this, kenning::EXPOSED, exposure);
            self.link(exposure, rdf::TYPE, kenning::EXPOSURE);
            if let Some(item) = self.given_iri(&shown.item) {
                self.say(exposure, kenning::EVENT_ITEM, item);
            }
            self.tell(exposure, kenning::RANK, &integer(rank as u64));
            self.tell(exposure, kenning::SCORE, &decimal(shown.score));
            self.evidence((exposure, kenning::EVIDENCE), trail, &shown.facts);
            for edge in shown.edges.iter().filter(|_| with_edges) {
                self.link(exposure, prov::USED, &format!("{EDGE}{edge}"));
            }
        }
    }

    fn violations(&mut self, (id, this): (&str, u32), trail: &Trail) {
        for (number, violation) in (1..).zip(&trail.violations) {
            let name = self.iri(&format!("{DECISION}{id}:violation:{number}"));
            self.say(this, kenning::VIOLATED, name);
            self.link(name, rdf::TYPE, kenning::VIOLATION);
            self.link(name, kenning::GATE, &violation.gate);
            self.tell(name, sh::SOURCE_SHAPE, &violation.policy);
            self.tell(name, sh::FOCUS_NODE, &violation.node);
            self.tell(name, sh::RESULT_MESSAGE, &term::string(&violation.message));
        }
    }

    /// What became of items, in place of what was said of them before. Of a decision before the window nothing is said.
    fn outcomes(&mut self, outcomes: &[Outcome]) {
        let (said, exposed) = (self.iri(kenning::OUTCOME), self.iri(kenning::EXPOSED));
        let at = self.iri(kenning::OUTCOME_AT);
        let exposure_of = |writer: &Self, outcome: &Outcome| {
            let find = |iri: String| writer.decisions.find(&term::iri(&iri));
            let exposure = find(exposure(&outcome.decision, outcome.rank))?;
            let triple = [find(decision(&outcome.decision))?, exposed, exposure];
            writer.decisions.has(triple).then_some(exposure)
        };
        let known: Vec<(u32, &Outcome)> = outcomes
            .iter()
            .filter_map(|outcome| Some((exposure_of(self, outcome)?, outcome)))
            .collect();
        let before = known.iter().flat_map(|&(e, _)| [[e, said], [e, at]]);
        self.decisions.take_out(&before.collect());
        for (exposure, outcome) in known {
            self.tell(exposure, kenning::OUTCOME, &term::string(&outcome.outcome));
            self.tell(exposure, kenning::OUTCOME_AT, &time(&outcome.at));
        }
    }
}

fn integer(number: u64) -> String {
    term::typed(&number.to_string(), xsd::INTEGER)
}

fn time(text: &str) -> String {
    term::typed(text, xsd::DATE_TIME)
}

fn decimal(number: f64) -> String {
    let text = format!("{number:.6}");
    let text = text.trim_end_matches('0');
    let end = if text.ends_with('.') { "0" } else { "" };
    term::typed(&format!("{text}{end}"), xsd::DECIMAL)
}
