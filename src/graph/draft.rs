//! The graph before it is frozen: everything merged over one numbering of terms.
//!
//! Terms are numbered by what they are, then by their text: users, items, other resources, literals, triple
//! terms. So a number tells the kind of its term, and equal input gives equal numbers.

mod proofs;
mod ranges;
mod roles;
mod terms;

pub(super) use proofs::Premise;
pub use proofs::{Inference, Inferred};
pub use ranges::Ranges;
pub use terms::Terms;

use super::FactRef;
use crate::extraction::DerivedFact;
use crate::extraction::behaviour::{Behaviour, Traits};
use crate::knowledge::Knowledge;
use crate::knowledge::segment::{EventRow, NO_TIME, NONE, Segment};
use crate::model::term;
use crate::model::{Change, Heard, LinkKind};
use crate::vocabulary::{kenning, prov, rdf};
use crate::{Error, Result};
use proofs::Proofs;
use rayon::prelude::*;
use roles::Roles;
use rustc_hash::FxHashSet;
use std::cmp::Reverse;

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
    /// Of a derived fact where its premises are kept, or [`NONE`].
    pub proof: u32,
}

impl DraftFact {
    /// The fact as that of a graph, where its number is `index`.
    fn at(&self, index: u64) -> FactRef {
        FactRef {
            index,
            triple: self.triple,
            graph: self.graph,
            line: Some(self.line).filter(|&line| line > 0),
            confidence: self.confidence,
            count: self.count,
            time: Some(self.time).filter(|&time| time != NO_TIME),
        }
    }
}

/// Everything that a snapshot holds but links and vectors.
pub struct Draft {
    /// All terms, by their numbers.
    pub terms: Terms,
    /// Which numbers are which.
    pub ranges: Ranges,
    /// Facts, sorted by triple, then graph.
    pub facts: Vec<DraftFact>,
    /// Events over term numbers, by user (unknown users last), time, record.
    pub events: Vec<EventRow>,
    /// Number of baskets.
    pub groups: u32,
    /// What derived facts were derived from.
    pub(in crate::graph) proofs: Proofs,
}

/// What a draft is made of.
#[derive(Clone, Copy, Default)]
struct Parts<'a> {
    segments: &'a [Segment],
    documents: &'a [([String; 3], String)],
    derived: &'a [DerivedFact],
    changes: &'a [Change],
    heard: &'a [Heard],
}

impl Draft {
    /// Merges documents, dumps, derived facts and changes.
    pub fn merge(knowledge: &Knowledge, derived: &[DerivedFact]) -> Result<Self> {
        let (heard, changes) = Heard::take(&knowledge.changes);
        Self::join(&Parts {
            segments: &knowledge.segments,
            documents: &knowledge.documents()?,
            derived,
            changes: &changes,
            heard: &heard,
        })
    }

    /// A draft of nothing but stated quads: encoded subject, predicate and object, and named graph.
    pub fn of_quads(quads: &[([String; 3], String)]) -> Result<Self> {
        Self::join(&Parts {
            documents: quads,
            ..Parts::default()
        })
    }

    fn join(parts: &Parts<'_>) -> Result<Self> {
        let roles: Vec<Roles> = parts.segments.iter().map(Roles::find).collect();
        let named = named_terms(parts);
        let documented = parts
            .documents
            .iter()
            .flat_map(|(triple, graph)| [&triple[..], std::slice::from_ref(graph)]);
        let inserted = parts.changes.iter().filter_map(|change| match change {
            Change::Insert(statement) => Some(&statement[..]),
            Change::Delete(_) => None,
        });
        let others = documented
            .chain(parts.derived.iter().map(|f| &f.triple[..]))
            .chain(inserted)
            .chain([&named[..]]);
        let others = others.flatten().map(|text| (text.as_str(), 0));
        let heard = parts.heard.iter();
        let heard = heard.flat_map(|event| {
            let (user, item) = (event.user.as_str(), event.item.as_str());
            [(user, Roles::USER), (item, Roles::ITEM)]
        });
        let others = others.chain(heard);
        let (terms, numbers) = terms::number(parts.segments, &roles, others)?;
        let mut draft = Self {
            ranges: terms.ranges().clone(),
            terms,
            facts: Vec::new(),
            events: Vec::new(),
            groups: 0,
            proofs: Proofs::default(),
        };
        for (segment, numbers) in parts.segments.iter().zip(&numbers) {
            draft.add_segment(segment, numbers)?;
        }
        draft.add_documents(parts.documents);
        draft.add_derived(parts.derived)?;
        draft.add_heard(parts.heard);
        draft.order();
        draft.fold(parts.changes);
        draft.forget_order_numbers(parts.segments);
        Ok(draft)
    }

    /// Number of a term.
    pub fn id(&self, term: &str) -> Option<u32> {
        self.terms.find(term)
    }

    /// What is known of a source or a computation under a property: its first text there.
    pub fn described(&self, node: u32, property: &str) -> Option<&str> {
        let property = self.id(&term::iri(property))?;
        let provenance = self.id(&term::iri(crate::knowledge::PROVENANCE))?;
        let low = self
            .facts
            .partition_point(|f| f.triple < [node, property, 0]);
        let mut facts = self.facts[low..]
            .iter()
            .take_while(|f| f.triple[..2] == [node, property]);
        let fact = facts.find(|fact| fact.graph == provenance)?;
        term::lexical(self.terms.get(fact.triple[2]))
    }

    /// The events, as behaviour is counted from.
    pub fn behaviour(&self) -> Behaviour<'_> {
        Behaviour {
            events: &self.events,
            first_item: self.ranges.users,
            items: self.ranges.items().len(),
            groups: self.groups,
            traits: self.traits(),
        }
    }

    /// What is said of several items: entities and values. Not the class, which all share, nor what only rules say.
    fn traits(&self) -> Traits {
        let class = self.id(&term::iri(rdf::TYPE));
        let items = self.ranges.items();
        let shared = self.facts.iter().filter(|f| {
            let [subject, predicate, _] = f.triple;
            f.proof == NONE && items.contains(&subject) && Some(predicate) != class
        });
        let mut shared: Vec<[u32; 3]> = shared.map(|f| f.triple).collect();
        shared.par_sort_unstable_by_key(|&[s, p, o]| (p, o, s));
        shared.dedup();
        let (mut traits, mut number) = (Traits::default(), 0);
        for facts in shared.chunk_by(|a, b| a[1] == b[1]) {
            let runs = facts.chunk_by(|a, b| a[2] == b[2]);
            for run in runs.filter(|run| run.len() > 1) {
                traits
                    .pairs
                    .extend(run.iter().map(|t| (number, t[0] - items.start)));
                number += 1;
            }
            let iri = term::as_iri(self.terms.get(facts[0][1])).unwrap_or_default();
            traits.properties.push((iri.to_owned(), number));
        }
        traits
    }

    /// The number of a term that is known to be there.
    fn of(&self, term: &str) -> u32 {
        self.id(term).unwrap_or(NONE)
    }

    fn add_segment(&mut self, segment: &Segment, ids: &[u32]) -> Result<()> {
        let graph = |source: &crate::model::Source| self.of(&term::iri(&source.graph));
        let graphs: Vec<u32> = segment.dataset.sources.iter().map(graph).collect();
        self.facts.extend(segment.facts.iter().map(|f| DraftFact {
            triple: f.triple.map(|id| ids[id as usize]),
            graph: graphs[f.source as usize],
            line: f.line,
            confidence: f.confidence,
            count: f.count,
            time: f.time,
            proof: NONE,
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

    /// Events that updates stated; one whose item is a user is none.
    fn add_heard(&mut self, heard: &[Heard]) {
        let source = self.of(&term::iri(kenning::DEFAULT_GRAPH));
        for event in heard {
            let (user, item) = (self.of(&event.user), self.of(&event.item));
            if self.ranges.items().contains(&item) {
                self.events.push(EventRow {
                    user,
                    item,
                    group: NONE,
                    weight: event.weight,
                    time: event.time.unwrap_or(NO_TIME),
                    source,
                    line: 0,
                });
            }
        }
    }

    fn add_documents(&mut self, documents: &[([String; 3], String)]) {
        for (triple, graph) in documents {
            let [s, p, o] = triple.each_ref().map(|t| self.of(t));
            let graph = self.of(graph);
            self.facts.push(stated([s, p, o], graph));
        }
    }

    fn add_derived(&mut self, derived: &[DerivedFact]) -> Result<()> {
        for fact in derived {
            let ids = fact.triple.each_ref().map(|t| self.of(t));
            let from = fact.from.each_ref().map(|t| self.of(t));
            let source = self.of(&term::iri(&fact.source));
            self.facts.push(DraftFact {
                confidence: fact.confidence,
                count: fact.support,
                proof: self.proofs.add([(from, source)])?,
                ..stated(ids, self.of(&term::iri(&fact.run)))
            });
        }
        Ok(())
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
            .par_sort_unstable_by_key(|f| (f.triple, f.graph, sure(f), f.line, f.proof));
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
        proof: NONE,
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
        kenning::DERIVED_BY,
        kenning::REASONING,
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

/// Terms that neither records nor documents need mention.
fn named_terms(parts: &Parts<'_>) -> Vec<String> {
    let sources = parts.segments.iter().flat_map(|s| &s.dataset.sources);
    let mut runs: Vec<&str> = parts.derived.iter().map(|f| f.run.as_str()).collect();
    runs.sort_unstable();
    runs.dedup();
    let named = sources.map(|s| s.graph.as_str()).chain(runs);
    fixed_terms().chain(named.map(term::iri)).collect()
}
