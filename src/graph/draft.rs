//! The graph before it is frozen: everything merged over one numbering of terms.
//!
//! Terms are numbered by what they are, then by their text: users, items, other resources, literals, triple
//! terms. So a number tells the kind of its term, and equal input gives equal numbers.

use crate::extraction::DerivedFact;
use crate::extraction::behaviour::Behaviour;
use crate::knowledge::Knowledge;
use crate::knowledge::segment::{EventRow, NO_TIME, NONE, Segment};
use crate::model::term::{self, Kind};
use crate::model::{Change, LinkKind};
use crate::vocabulary::{kenning, prov, rdf};
use crate::{Error, Result};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::ops::Range;

/// Which numbers are which kind of term.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranges {
    /// Terms below this number are users.
    pub users: u32,
    /// Terms from there to below this number are items.
    pub items: u32,
    /// Terms from there to below this number are other resources; all below are nodes.
    pub nodes: u32,
    /// Terms from there to below this number are literals.
    pub literals: u32,
    /// Terms from there to below this number are triple terms.
    pub terms: u32,
}

impl Ranges {
    /// The numbers of the users.
    pub fn users(&self) -> Range<u32> {
        0..self.users
    }

    /// The numbers of the items.
    pub fn items(&self) -> Range<u32> {
        self.users..self.items
    }

    /// The numbers of all nodes: users, items and other resources.
    pub fn nodes(&self) -> Range<u32> {
        0..self.nodes
    }

    /// Whether the kinds stand in their order.
    pub(super) fn are_sound(&self) -> bool {
        let ends = [self.users, self.items, self.nodes, self.literals];
        ends.is_sorted() && self.literals <= self.terms
    }
}

/// A fact of the draft.
#[derive(Clone, Copy, Debug)]
pub struct DraftFact {
    /// Subject, predicate, object.
    pub triple: [u32; 3],
    /// Term number of the named graph.
    pub graph: u32,
    /// Line in the source; 0 when unknown.
    pub line: u32,
    /// 0 to 1.
    pub confidence: f32,
    /// How many records say it.
    pub count: u32,
    /// Seconds since 1970, or [`NO_TIME`].
    pub time: i64,
    /// For a derived fact, the triple and graph of the fact that it was derived from.
    pub from: Option<([u32; 3], u32)>,
}

/// Everything that a snapshot holds but links and vectors.
pub struct Draft {
    /// All terms, in the order of their numbers.
    pub terms: Vec<String>,
    /// Which numbers are which.
    pub ranges: Ranges,
    /// Facts, sorted by triple, then graph.
    pub facts: Vec<DraftFact>,
    /// Events over term numbers, by user (unknown users last), time, record.
    pub events: Vec<EventRow>,
    /// Number of baskets.
    pub groups: u32,
    ids: FxHashMap<String, u32>,
}

impl Draft {
    /// Merges documents, dumps and derived facts.
    pub fn merge(knowledge: &Knowledge, derived: &[DerivedFact]) -> Result<Self> {
        let documents = knowledge.documents()?;
        let roles = Roles::find(&knowledge.segments);
        let (terms, ranges) = number_terms(knowledge, &documents, derived, &roles)?;
        let ids = terms.iter().cloned().zip(0u32..).collect();
        let mut draft = Self {
            terms,
            ranges,
            facts: Vec::new(),
            events: Vec::new(),
            groups: 0,
            ids,
        };
        for segment in &knowledge.segments {
            draft.add_segment(segment)?;
        }
        draft.add_documents(&documents);
        draft.add_derived(derived);
        draft.order();
        draft.fold(&knowledge.changes);
        draft.forget_order_numbers(&knowledge.segments);
        Ok(draft)
    }

    /// Number of a term.
    pub fn id(&self, term: &str) -> Option<u32> {
        self.ids.get(term).copied()
    }

    /// The events, as behaviour is counted from.
    pub fn behaviour(&self) -> Behaviour<'_> {
        Behaviour {
            events: &self.events,
            first_item: self.ranges.users,
            items: self.ranges.items().len(),
            groups: self.groups,
        }
    }

    /// The number of a term that is known to be there.
    fn of(&self, term: &str) -> u32 {
        self.id(term).unwrap_or(NONE)
    }

    fn add_segment(&mut self, segment: &Segment) -> Result<()> {
        let ids: Vec<u32> = segment.terms.iter().map(|t| self.of(t)).collect();
        let graph = |source: &crate::model::Source| self.of(&term::iri(&source.graph));
        let graphs: Vec<u32> = segment.dataset.sources.iter().map(graph).collect();
        self.facts.extend(segment.facts.iter().map(|f| DraftFact {
            triple: f.triple.map(|id| ids[id as usize]),
            graph: graphs[f.source as usize],
            line: f.line,
            confidence: f.confidence,
            count: f.count,
            time: f.time,
            from: None,
        }));
        if let Some(event) = segment
            .events
            .iter()
            .find(|e| !self.ranges.items().contains(&ids[e.item as usize]))
        {
            return Err(both(segment, event));
        }
        let user = |id: u32| ids.get(id as usize).copied().unwrap_or(NONE);
        let first_group = self.groups;
        let group = |id: u32| if id == NONE { NONE } else { first_group + id };
        let groups = segment
            .events
            .iter()
            .filter(|e| e.group != NONE)
            .map(|e| e.group + 1);
        self.groups += groups.max().unwrap_or(0);
        self.events.extend(segment.events.iter().map(|e| EventRow {
            user: user(e.user),
            item: ids[e.item as usize],
            group: group(e.group),
            source: graphs[e.source as usize],
            ..*e
        }));
        Ok(())
    }

    fn add_documents(&mut self, documents: &[([String; 3], String)]) {
        for (triple, graph) in documents {
            let [s, p, o] = triple.each_ref().map(|t| self.of(t));
            let graph = self.of(graph);
            self.facts.push(stated([s, p, o], graph));
        }
    }

    fn add_derived(&mut self, derived: &[DerivedFact]) {
        for fact in derived {
            let ids = fact.triple.each_ref().map(|t| self.of(t));
            self.facts.push(DraftFact {
                confidence: fact.confidence,
                from: Some((
                    fact.from.each_ref().map(|t| self.of(t)),
                    self.of(&term::iri(&fact.source)),
                )),
                ..stated(ids, self.of(&term::iri(&fact.run)))
            });
        }
    }

    /// Where a dump's times only tell before from after, they have done their work once the events are in order.
    fn forget_order_numbers(&mut self, segments: &[Segment]) {
        let datasets = segments.iter().map(|s| &s.dataset).filter(|d| !d.clock);
        let graphs = datasets
            .flat_map(|d| &d.sources)
            .map(|s| self.of(&term::iri(&s.graph)));
        let clockless: FxHashSet<u32> = graphs.collect();
        for event in self
            .events
            .iter_mut()
            .filter(|e| clockless.contains(&e.source))
        {
            event.time = NO_TIME;
        }
    }

    fn order(&mut self) {
        // Confidences are not negative, so their bits are in their order: of several, the surest fact stays.
        let sure = |f: &DraftFact| Reverse(f.confidence.to_bits());
        self.facts
            .par_sort_unstable_by_key(|f| (f.triple, f.graph, sure(f), f.line, f.from));
        self.facts.dedup_by_key(|f| (f.triple, f.graph));
        // Stable: events of one user and one time keep the order of their records.
        self.events.par_sort_by_key(|e| (e.user, e.time));
    }
}

/// A user's number must not be an item's, so nothing can be both.
fn both(segment: &Segment, event: &EventRow) -> Error {
    let item = segment.terms.get(event.item as usize);
    let item = term::as_iri(item).unwrap_or(item);
    let source = &segment.dataset.sources[event.source as usize];
    Error::input(format!("`{item}` is a user and an item"))
        .at(format!("{}:{}", source.file, event.line))
        .hint("give users and items IRIs of their own, under `[iris]` of the mapping, and import again")
}

pub(super) fn stated(triple: [u32; 3], graph: u32) -> DraftFact {
    DraftFact {
        triple,
        graph,
        line: 0,
        confidence: 1.0,
        count: 1,
        time: NO_TIME,
        from: None,
    }
}

/// Who is a user and what is an item: by behaviour, else by the classes that the datasets name.
struct Roles<'a> {
    users: FxHashSet<&'a str>,
    items: FxHashSet<&'a str>,
}

impl<'a> Roles<'a> {
    fn find(segments: &'a [Segment]) -> Self {
        let mut roles = Self {
            users: FxHashSet::default(),
            items: FxHashSet::default(),
        };
        for segment in segments {
            let term = |id: u32| segment.terms.get(id as usize);
            for event in segment.events.iter() {
                if event.user != NONE {
                    roles.users.insert(term(event.user));
                }
                roles.items.insert(term(event.item));
            }
            roles.add_instances(segment);
        }
        // A user's number must not be an item's: who acts is a user, even where others rate them.
        roles.items.retain(|item| !roles.users.contains(item));
        roles
    }

    fn add_instances(&mut self, segment: &'a Segment) {
        let encoded = |class: &Option<String>| class.as_deref().map(term::iri);
        let find = |wanted: Option<String>| {
            let wanted = wanted?;
            segment.terms.iter().position(|t| t == wanted)
        };
        let rdf_type = find(Some(term::iri(rdf::TYPE)));
        let user_class = find(encoded(&segment.dataset.user_class));
        let item_class = find(encoded(&segment.dataset.item_class));
        for fact in segment.facts.iter() {
            let [subject, predicate, object] = fact.triple.map(|id| id as usize);
            if Some(predicate) != rdf_type {
                continue;
            }
            let subject = segment.terms.get(subject);
            if Some(object) == user_class {
                self.users.insert(subject);
            } else if Some(object) == item_class {
                self.items.insert(subject);
            }
        }
    }
}

/// Terms that every snapshot has, so that virtual triples can name them.
fn fixed_terms() -> impl Iterator<Item = String> {
    let names = [
        kenning::INTERACTED,
        kenning::INTERACTIONS,
        kenning::LINKS,
        kenning::CONFIDENCE,
        kenning::LINE,
        kenning::SUPPORT,
        kenning::SCORE,
        kenning::EVENT,
        kenning::EVENT_USER,
        kenning::EVENT_ITEM,
        kenning::WEIGHT,
        kenning::BASKET,
        crate::knowledge::PROVENANCE,
        rdf::REIFIES,
        rdf::TYPE,
        prov::WAS_DERIVED_FROM,
        prov::WAS_GENERATED_BY,
        prov::GENERATED_AT_TIME,
        prov::AT_TIME,
    ];
    let links = LinkKind::ALL
        .into_iter()
        .flat_map(|k| [k.predicate().to_owned(), k.run()]);
    names
        .into_iter()
        .map(term::iri)
        .chain(links.map(|l| term::iri(&l)))
}

fn number_terms(
    knowledge: &Knowledge,
    documents: &[([String; 3], String)],
    derived: &[DerivedFact],
    roles: &Roles,
) -> Result<(Vec<String>, Ranges)> {
    let mut all: FxHashSet<String> = fixed_terms().collect();
    for segment in &knowledge.segments {
        for term in segment
            .terms
            .iter()
            .filter(|t| !all.contains(*t))
            .collect::<Vec<_>>()
        {
            all.insert(term.to_owned());
        }
        all.extend(segment.dataset.sources.iter().map(|s| term::iri(&s.graph)));
    }
    for (triple, graph) in documents {
        all.extend(triple.iter().chain([graph]).cloned());
    }
    for fact in derived {
        all.extend(fact.triple.iter().cloned());
        all.insert(term::iri(&fact.run));
    }
    for change in &knowledge.changes {
        if let Change::Insert(statement) = change {
            all.extend(statement.iter().cloned());
        }
    }
    if all.len() >= NONE as usize {
        return Err(Error::budget("a graph holds at most 4,294,967,294 terms"));
    }
    let class = |term: &str| match term::kind(term) {
        Kind::Resource if roles.users.contains(term) => 0,
        Kind::Resource if roles.items.contains(term) => 1,
        Kind::Resource => 2,
        Kind::Literal => 3,
        Kind::Triple => 4,
    };
    let mut terms: Vec<(u8, String)> = all.into_iter().map(|t| (class(&t), t)).collect();
    terms.par_sort_unstable();
    let end = |class: u8| terms.partition_point(|(c, _)| *c <= class) as u32;
    let ranges = Ranges {
        users: end(0),
        items: end(1),
        nodes: end(2),
        literals: end(3),
        terms: end(4),
    };
    Ok((terms.into_iter().map(|(_, term)| term).collect(), ranges))
}
