//! Terms as integers during one query.

use super::Dataset;
use super::edges::Virtual;
use super::meter::ENTRY;
use super::plain::Plain;
use crate::graph::Graph;
use crate::graph::changes::may_name_edge;
use crate::model::{EvidenceId, term};
use crate::vocabulary::{EDGE, EVENT};
use oxrdf::{NamedNode, NamedOrBlankNode, Term, Triple};
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

/// A term during one query. Equal terms have equal ids; what has no value is `Id::UNBOUND`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(u64);

/// What an id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A term of the graph or of its changes, unless it is one of the following.
    Known(u32),
    /// The reifier of an edge.
    Reifier(EvidenceId),
    /// The triple term of an edge; of a fact that several sources state, the first edge.
    Triple(EvidenceId),
    /// An event.
    Event(u64),
    /// A number or a time that no document writes: its value is the id.
    Plain(Plain),
    /// A term that only this query knows.
    Local(u32),
    /// No term.
    Unbound,
}

const KIND: u32 = 61;

impl Id {
    /// No term.
    pub(super) const UNBOUND: Self = Self(u64::MAX);

    /// A term of the graph or of its changes.
    pub(super) const fn known(number: u32) -> Self {
        Self(number as u64)
    }

    pub(super) const fn reifier(EvidenceId(edge): EvidenceId) -> Self {
        Self(1 << KIND | edge)
    }

    pub(super) const fn triple(EvidenceId(edge): EvidenceId) -> Self {
        Self(2 << KIND | edge)
    }

    const fn local(number: u32) -> Self {
        Self(3 << KIND | number as u64)
    }

    pub(super) const fn event(number: u64) -> Self {
        Self(4 << KIND | number)
    }

    /// `None` if the value does not fit.
    fn plain(plain: Plain) -> Option<Self> {
        Some(Self(5 << KIND | plain.pack()?))
    }

    pub(super) fn is_bound(self) -> bool {
        self != Self::UNBOUND
    }

    /// The id, unless it is unbound.
    pub(super) fn bound(self) -> Option<Self> {
        self.is_bound().then_some(self)
    }

    pub(super) fn named(self) -> Named {
        let value = self.0 & ((1 << KIND) - 1);
        match self.0 >> KIND {
            0 => Named::Known(value as u32),
            1 => Named::Reifier(EvidenceId(value)),
            2 => Named::Triple(EvidenceId(value)),
            3 => Named::Local(value as u32),
            4 => Named::Event(value),
            5 => Named::Plain(Plain::unpack(value)),
            _ => Named::Unbound,
        }
    }
}

impl std::fmt::Debug for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.named().fmt(f)
    }
}

/// Numbers whose literals are remembered.
const REMEMBERED: usize = 1 << 16;

/// Bytes of the terms that a query made, about; whoever holds it sees them grow.
#[derive(Clone, Default)]
pub(super) struct Made(Rc<Cell<usize>>);

impl Made {
    pub(super) fn bytes(&self) -> usize {
        self.0.get()
    }

    fn add(&self, bytes: usize) {
        self.0.set(self.0.get() + bytes);
    }
}

/// Terms that are not in the graph, and numbers already turned into literals.
#[derive(Default)]
struct Locals {
    terms: Vec<Term>,
    ids: HashMap<Term, u32, FxBuildHasher>,
    literals: FxHashMap<(&'static str, u64), Id>,
    written: FxHashMap<u64, Id>,
}

/// The terms of one query: those of the dataset, and those that the query makes.
pub(super) struct Terms<'a> {
    pub(super) dataset: Dataset<'a>,
    pub(super) names: &'a Virtual,
    locals: RefCell<Locals>,
    made: Made,
}

impl<'a> Terms<'a> {
    pub(super) fn new(dataset: Dataset<'a>) -> Self {
        Self {
            dataset,
            names: Virtual::of(dataset.graph),
            locals: RefCell::default(),
            made: Made::default(),
        }
    }

    /// The id of a term.
    pub(super) fn id(&self, term: &Term) -> Id {
        if let Some(id) = self.edge_term(term) {
            return id;
        }
        let text = term::encode(term);
        match self.dataset.find(&text) {
            Some(number) => Id::known(number),
            None => {
                let plain = Plain::of(&text).and_then(Id::plain);
                plain.unwrap_or_else(|| self.local(term))
            }
        }
    }

    /// The id of a number or a time: that of the same literal where a document writes it.
    pub(super) fn plain(&self, plain: Plain) -> Id {
        if self.names.writes[plain.kind()] || self.dataset.changes.term_count() > 0 {
            return self.written(plain);
        }
        match Id::plain(plain) {
            Some(id) => id,
            None => self.local(&term::decode(&plain.text())),
        }
    }

    /// The same, looked up; what was looked up before is remembered, up to a number that does no harm.
    fn written(&self, plain: Plain) -> Id {
        let look_up = || self.id(&term::decode(&plain.text()));
        let Some(packed) = plain.pack() else {
            return look_up();
        };
        if let Some(&id) = self.locals.borrow().written.get(&packed) {
            return id;
        }
        let id = look_up();
        let written = &mut self.locals.borrow_mut().written;
        if written.len() < REMEMBERED {
            written.insert(packed, id);
        }
        id
    }

    /// The term of an id; `None` if it is unbound.
    pub(super) fn term(&self, id: Id) -> Option<Term> {
        Some(match id.named() {
            Named::Known(number) => term::decode(self.dataset.term(number)),
            Named::Reifier(EvidenceId(edge)) => {
                NamedNode::new_unchecked(format!("{EDGE}{edge}")).into()
            }
            Named::Triple(edge) => self.triple_term(edge),
            Named::Event(event) => NamedNode::new_unchecked(format!("{EVENT}{event}")).into(),
            Named::Plain(plain) => term::decode(&plain.text()),
            Named::Local(number) => self.locals.borrow().terms[number as usize].clone(),
            Named::Unbound => return None,
        })
    }

    /// The encoded form of an id, without a copy where the dataset has it.
    pub(super) fn text(&self, id: Id) -> Option<std::borrow::Cow<'a, str>> {
        match id.named() {
            Named::Known(number) => Some(self.dataset.term(number).into()),
            Named::Plain(plain) => Some(plain.text().into()),
            _ => self.term(id).map(|term| term::encode(&term).into()),
        }
    }

    /// The id of a term of the dataset: documents may speak of edges too.
    pub(super) fn id_of(&self, number: u32) -> Id {
        let changes = self.dataset.changes;
        let new = changes.names_edges() && number >= self.dataset.graph.term_count();
        if !self.names.names_edges && !new {
            return Id::known(number);
        }
        let text = self.dataset.term(number);
        let id = may_name_edge(text).then(|| self.edge_term(&term::decode(text)));
        id.flatten().unwrap_or(Id::known(number))
    }

    /// A term's number in the dataset.
    pub(super) fn number(&self, id: Id) -> Option<u32> {
        match id.named() {
            Named::Known(number) => Some(number),
            Named::Reifier(_) | Named::Triple(_) | Named::Event(_)
                if self.names.names_edges || self.dataset.changes.names_edges() =>
            {
                self.dataset.find(&term::encode(&self.term(id)?))
            }
            _ => None,
        }
    }

    fn local(&self, term: &Term) -> Id {
        let mut locals = self.locals.borrow_mut();
        if let Some(&number) = locals.ids.get(term) {
            return Id::local(number);
        }
        let number = locals.terms.len() as u32;
        // Kept twice: by number and by name.
        let bytes = 2 * (size_of::<Term>() + text_length(term) + ENTRY) + ENTRY;
        self.made.add(bytes);
        locals.terms.push(term.clone());
        locals.ids.insert(term.clone(), number);
        Id::local(number)
    }

    /// The terms that only this query knows, encoded, in the order of their ids.
    pub(super) fn made(&self) -> Vec<String> {
        self.locals
            .borrow()
            .terms
            .iter()
            .map(term::encode)
            .collect()
    }

    /// Bytes of the terms that this query makes.
    pub(super) fn made_bytes(&self) -> Made {
        self.made.clone()
    }

    /// The id of a literal that is made from a number; `bits` tell numbers of one `datatype` apart.
    pub(super) fn literal(
        &self,
        datatype: &'static str,
        bits: u64,
        text: impl FnOnce() -> String,
    ) -> Id {
        if let Some(&id) = self.locals.borrow().literals.get(&(datatype, bits)) {
            return id;
        }
        let id = self.id(&term::decode(&term::typed(&text(), datatype)));
        let mut locals = self.locals.borrow_mut();
        self.made.add(size_of::<((&str, u64), Id)>() + ENTRY);
        locals.literals.insert((datatype, bits), id);
        id
    }

    /// The id of the triple term of three terms; `None` if there cannot be one.
    pub(super) fn triple_id(&self, parts: [Id; 3]) -> Option<Id> {
        if let Some(edge) = self.edge_of(parts) {
            return Some(Id::triple(edge));
        }
        let [s, p, o] = parts.map(|id| self.term(id));
        let subject: NamedOrBlankNode = match s? {
            Term::NamedNode(node) => node.into(),
            Term::BlankNode(node) => node.into(),
            _ => return None,
        };
        match p? {
            Term::NamedNode(predicate) => {
                Some(self.id(&Triple::new(subject, predicate, o?).into()))
            }
            _ => None,
        }
    }

    /// The three terms of a triple term; `None` if it is another term.
    pub(super) fn triple_parts(&self, id: Id) -> Option<[Id; 3]> {
        if let Named::Triple(edge) = id.named() {
            return self
                .triple(edge)
                .map(|triple| triple.map(|n| self.id_of(n)));
        }
        match self.term(id)? {
            Term::Triple(triple) => Some([
                self.id(&triple.subject.into()),
                self.id(&triple.predicate.into()),
                self.id(&triple.object),
            ]),
            _ => None,
        }
    }

    /// The edge that states three terms, the first if several sources do.
    pub(super) fn edge_of(&self, parts: [Id; 3]) -> Option<EvidenceId> {
        let [Some(s), Some(p), Some(o)] = parts.map(|id| self.number(id)) else {
            return None;
        };
        let graph = self.dataset.graph;
        let terms = graph.term_count();
        let frozen = s < graph.nodes().end && p < terms && o < terms;
        frozen
            .then(|| self.names.edge_of(graph, [s, p, o]))
            .flatten()
    }

    /// The id of a term that is the reifier or the triple of an edge, or an event.
    fn edge_term(&self, term: &Term) -> Option<Id> {
        let graph = self.dataset.graph;
        match term {
            Term::NamedNode(node) => {
                if let Some(event) = numbered(node.as_str(), EVENT) {
                    let is_there = self.names.events.is_some() && event < graph.event_count();
                    return is_there.then_some(Id::event(event));
                }
                let edge = numbered(node.as_str(), EDGE)?;
                (edge < graph.edge_count()).then_some(Id::reifier(EvidenceId(edge)))
            }
            Term::Triple(triple) => {
                let subject = graph.find(&term::encode(&triple.subject.clone().into()))?;
                let predicate = graph.find_iri(triple.predicate.as_str())?;
                let object = graph.find(&term::encode(&triple.object))?;
                let edge = self.names.edge_of(graph, [subject, predicate, object])?;
                Some(Id::triple(edge))
            }
            _ => None,
        }
    }
}

/// The number after a prefix, if it is written as kenning writes it.
fn numbered(iri: &str, prefix: &str) -> Option<u64> {
    let text = iri.strip_prefix(prefix)?;
    let number: u64 = text.parse().ok()?;
    (text == number.to_string()).then_some(number)
}

/// Whether a term of a sorted range begins like this.
pub(super) fn begins(graph: &Graph, mut terms: Range<u32>, prefix: &str) -> bool {
    while terms.len() > 1 {
        let middle = terms.start + terms.len() as u32 / 2;
        match *graph.term(middle - 1) >= *prefix {
            true => terms.end = middle,
            false => terms.start = middle,
        }
    }
    !terms.is_empty() && graph.term(terms.start).starts_with(prefix)
}

/// Bytes of the text of a term, about.
pub(super) fn text_length(term: &Term) -> usize {
    match term {
        Term::NamedNode(node) => node.as_str().len(),
        Term::BlankNode(node) => node.as_str().len(),
        Term::Literal(literal) => literal.value().len() + literal.datatype().as_str().len() + ENTRY,
        Term::Triple(_) => 256,
    }
}
