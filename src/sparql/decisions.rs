//! Virtual triples of decisions: what was answered to whom, on what evidence, and what became of it.
//!
//! They come from the journal, not from the graph, as a table that whoever runs queries keeps ([`Computed::decisions`]).
//! All are in the named graph `kenning:decisions`, and they are part of what a query sees that names one of their terms,
//! their graph or a decision: no other query loads the table, or finds them by `?s ?p ?o`. Updates neither see nor change
//! them.
//!
//! A triple takes 24 bytes in two orders, and each text is kept once: an answer of ten items with three reasons each has
//! about 185 triples, 8 KB with its texts.
//!
//! [`Computed::decisions`]: super::Computed::decisions

use super::Cancel;
use super::ids::{Id, Terms};
use super::scan::{Flow, Found, Place};
use crate::Result;
use crate::knowledge::segment::Texts;
use crate::model::term;
use crate::vocabulary::{DECISION, KENNING, PROMPT, SNAPSHOT, kenning};
use oxrdf::Term;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::RefCell;
use std::sync::Arc;

/// Ids whose terms one query remembers: any may be looked for.
const REMEMBERED: usize = 1 << 16;

/// Terms that only decisions have.
const TERMS: [&str; 27] = [
    kenning::DECISIONS,
    kenning::DECISION,
    kenning::EXPOSURE,
    kenning::VIOLATION,
    kenning::EXPOSED,
    kenning::CANDIDATE,
    kenning::REQUEST,
    kenning::RUNG,
    kenning::MODEL,
    kenning::PROMPT,
    kenning::PROMPT_TOKENS,
    kenning::COMPLETION_TOKENS,
    kenning::COST,
    kenning::FAILURE,
    kenning::EVIDENCE,
    kenning::PROMPT_EVIDENCE,
    kenning::CLAIMS_VERIFIED,
    kenning::CLAIMS_AGGREGATE,
    kenning::CLAIMS_INFERRED,
    kenning::CLAIMS_UNSUPPORTED,
    kenning::CLAIMS_CONTRADICTED,
    kenning::OUTCOME,
    kenning::OUTCOME_AT,
    kenning::VIOLATED,
    kenning::GATE,
    PROMPT,
    SNAPSHOT,
];

/// Whether an IRI is that of a decision or of something that only decisions have.
pub(super) fn is_of_decisions(iri: &str) -> bool {
    let numbered = [DECISION, PROMPT, SNAPSHOT]
        .iter()
        .any(|prefix| iri.starts_with(prefix));
    numbered || TERMS.contains(&iri)
}

/// Whether a query speaks of decisions. Its text is read as the parser understood it, with all prefixes written out.
pub(super) fn are_asked_for(query: &spargebra::Query) -> bool {
    let text = query.to_string();
    let mut iris = text.split('<').filter_map(|part| part.split_once('>'));
    iris.any(|(iri, _)| {
        (iri.starts_with(KENNING) || iri.starts_with("urn:kenning:")) && is_of_decisions(iri)
    })
}

/// The triples of decisions, over texts of their own. Terms are encoded as [`term`] says.
#[derive(Clone, Default)]
pub struct Decisions {
    texts: Texts,
    /// Subject, predicate, object, sorted.
    by_subject: Vec<[u32; 3]>,
    /// Predicate, object, subject, sorted.
    by_predicate: Vec<[u32; 3]>,
    has_loose: bool,
}

impl Decisions {
    /// The number of a term, by which triples name it.
    pub fn number(&mut self, term: &str) -> u32 {
        self.texts.number(term)
    }

    /// The number of a term that has one.
    pub fn find(&self, term: &str) -> Option<u32> {
        self.texts.find(term)
    }

    /// Adds a triple; one that is there already changes nothing. It is found once [`Decisions::settle`] was called.
    pub fn add(&mut self, [s, p, o]: [u32; 3]) {
        self.has_loose = true;
        self.by_subject.push([s, p, o]);
        self.by_predicate.push([p, o, s]);
    }

    /// Takes out all triples of these subjects and predicates.
    pub fn take_out(&mut self, of: &FxHashSet<[u32; 2]>) {
        if !of.is_empty() {
            self.by_subject.retain(|&[s, p, _]| !of.contains(&[s, p]));
            self.by_predicate.retain(|&[p, _, s]| !of.contains(&[s, p]));
        }
    }

    /// Whether all that was added is in its place.
    pub fn is_settled(&self) -> bool {
        !self.has_loose
    }

    /// Puts what was added in its place.
    pub fn settle(&mut self) {
        if !std::mem::take(&mut self.has_loose) {
            return;
        }
        for rows in [&mut self.by_subject, &mut self.by_predicate] {
            // What was sorted before is one run, which this sort merges.
            rows.sort();
            rows.dedup();
        }
    }

    /// Number of triples.
    pub fn len(&self) -> usize {
        self.by_subject.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_subject.is_empty()
    }

    /// Whether there is this triple.
    pub fn has(&self, triple: [u32; 3]) -> bool {
        self.by_subject.binary_search(&triple).is_ok()
    }

    /// The rows that a pattern can match, and the places of subject, predicate and object in them.
    fn rows(&self, [s, p, o]: [Option<u32>; 3]) -> (&[[u32; 3]], [usize; 3]) {
        match (s, p) {
            (Some(s), Some(p)) => (cut(&self.by_subject, &[s, p]), [0, 1, 2]),
            (Some(s), None) => (cut(&self.by_subject, &[s]), [0, 1, 2]),
            (None, Some(p)) => {
                let key = [Some(p), o];
                let key: Vec<u32> = key.into_iter().flatten().collect();
                (cut(&self.by_predicate, &key), [2, 0, 1])
            }
            (None, None) => (&self.by_subject, [0, 1, 2]),
        }
    }
}

/// The sorted rows that begin like this.
fn cut<'r>(rows: &'r [[u32; 3]], start: &[u32]) -> &'r [[u32; 3]] {
    let low = rows.partition_point(|row| row[..start.len()] < *start);
    let length = rows[low..].partition_point(|row| row[..start.len()] == *start);
    &rows[low..low + length]
}

/// Decisions as one query sees them.
pub(super) struct Log {
    decisions: Arc<Decisions>,
    graph: Id,
    in_default: bool,
    has_name: bool,
    ids: RefCell<FxHashMap<u32, Id>>,
    numbers: RefCell<FxHashMap<Id, Option<u32>>>,
}

impl Log {
    /// The decisions, if the dataset keeps some and the query's own (`FROM`, `FROM NAMED`) has them.
    pub(super) fn open(
        terms: &Terms<'_>,
        named: Option<&spargebra::algebra::QueryDataset>,
        cancel: &Cancel,
    ) -> Result<Option<Self>> {
        let Some(computed) = terms.dataset.computed else {
            return Ok(None);
        };
        let Some(decisions) = computed.decisions(cancel)? else {
            return Ok(None);
        };
        let is_graph = |name: &oxrdf::NamedNode| name.as_str() == kenning::DECISIONS;
        Ok(Some(Self {
            decisions,
            graph: terms.id(&term::decode(&term::iri(kenning::DECISIONS))),
            in_default: named.is_none_or(|d| d.default.iter().any(is_graph)),
            has_name: named
                .and_then(|dataset| dataset.named.as_ref())
                .is_none_or(|named| named.iter().any(is_graph)),
            ids: RefCell::default(),
            numbers: RefCell::default(),
        }))
    }

    /// Whether `GRAPH ?g` finds them.
    pub(super) fn has_name(&self) -> bool {
        self.has_name && !self.decisions.is_empty()
    }

    /// Calls `found` with every triple that matches.
    pub(super) fn matching(
        &self,
        terms: &Terms<'_>,
        pattern: [Option<Id>; 3],
        place: Place,
        found: &mut Found<'_>,
    ) -> Flow {
        let graph = match place {
            Place::Default if self.in_default => Id::UNBOUND,
            Place::Named(name) if self.has_name && name == self.graph => name,
            Place::EveryNamed if self.has_name => self.graph,
            _ => return Ok(()),
        };
        let Some(known) = self.known(terms, pattern) else {
            return Ok(());
        };
        let (rows, places) = self.decisions.rows(known);
        for row in rows {
            let triple = places.map(|place| row[place]);
            let fits = known.iter().zip(triple);
            if fits
                .clone()
                .all(|(known, part)| known.is_none_or(|k| k == part))
            {
                found(triple.map(|number| self.id(terms, number)), graph)?;
            }
        }
        Ok(())
    }

    /// How many triples match at most.
    pub(super) fn count(&self, terms: &Terms<'_>, pattern: [Option<Id>; 3]) -> u64 {
        let known = self.known(terms, pattern);
        known.map_or(0, |known| self.decisions.rows(known).0.len() as u64)
    }

    /// The numbers of a pattern; `None` if one of its terms is in no decision.
    fn known(&self, terms: &Terms<'_>, pattern: [Option<Id>; 3]) -> Option<[Option<u32>; 3]> {
        let mut known = [None; 3];
        for (known, id) in known.iter_mut().zip(pattern) {
            if let Some(id) = id {
                *known = Some(self.number(terms, id)?);
            }
        }
        Some(known)
    }

    fn number(&self, terms: &Terms<'_>, id: Id) -> Option<u32> {
        if let Some(&number) = self.numbers.borrow().get(&id) {
            return number;
        }
        let number = terms
            .text(id)
            .and_then(|text| self.decisions.texts.find(&text));
        let mut numbers = self.numbers.borrow_mut();
        if numbers.len() < REMEMBERED {
            numbers.insert(id, number);
        }
        number
    }

    fn id(&self, terms: &Terms<'_>, number: u32) -> Id {
        if let Some(&id) = self.ids.borrow().get(&number) {
            return id;
        }
        let id = terms.id(&term::decode(self.decisions.texts.get(number)));
        // No more than there are texts.
        self.ids.borrow_mut().insert(number, id);
        id
    }
}

/// A fact as the object of a decision's triple: an encoded triple term. `None` if it is none.
pub fn fact_term([s, p, o]: &[String; 3]) -> Option<String> {
    let subject = crate::model::change::resource(term::decode(s))?;
    let Term::NamedNode(predicate) = term::decode(p) else {
        return None;
    };
    let triple = oxrdf::Triple::new(subject, predicate, term::decode(o));
    Some(term::encode(&Term::Triple(Box::new(triple))))
}
