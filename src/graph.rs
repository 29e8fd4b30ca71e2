//! The frozen user–item–knowledge graph: one immutable, memory-mapped file.
//!
//! Nodes are users, items and all other resources of the knowledge; edges are facts, interactions and computed
//! item-item links, each with an [`EvidenceId`]. Everything after the build borrows this graph, and SPARQL sees it
//! as one dataset ([`crate::sparql`]). petgraph's algorithms run on it through [`visit`].
//!
//! *Invariant:* equal input gives an equal file, byte for byte; so [`Graph::id`] names what an answer relied on.

pub mod changes;
pub mod draft;
mod events;
mod fold;
pub mod freeze;
pub mod layout;
mod links;
mod names;
mod open;
mod proof;
mod rank;
mod statistics;
pub mod visit;

pub use events::Event;
pub use links::LinkRow;
pub use proof::{Ground, Proof, Step};
pub use statistics::PredicateStats;

use crate::knowledge::segment::NO_TIME;
use crate::model::{Dataset, EvidenceId, LinkKind, UnixSeconds};
use crate::sections::{Column, Id, Strings};
use draft::Ranges;
use links::Links;
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

/// What a snapshot says about itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Meta {
    /// Which numbers are which terms.
    pub ranges: Ranges,
    /// The datasets inside.
    pub datasets: Vec<Dataset>,
    /// How a property is said between an item and a value.
    pub phrases: BTreeMap<String, String>,
    /// How each kind of link was computed.
    pub methods: BTreeMap<String, String>,
    /// Properties that have at most one value.
    pub functional: Vec<String>,
    /// The embedder of the vectors, if there are any.
    pub embedder: Option<String>,
    /// Numbers in one vector.
    pub dimensions: usize,
    /// Number of baskets.
    pub groups: u32,
    /// Steps of a history within which one item follows another.
    pub window: usize,
    /// Up to where the log of changes is part of it, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folded: Option<Folded>,
    /// When it was all that was known; unset: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<UnixSeconds>,
}

/// A place in a log of changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folded {
    /// Which log.
    pub log: String,
    /// Number of the last change.
    pub change: i64,
}

/// One fact with its provenance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FactRef {
    /// Index of the fact; also its evidence id.
    pub index: u64,
    /// Subject, predicate, object.
    pub triple: [u32; 3],
    /// Term number of the named graph, which is its source.
    pub graph: u32,
    /// Line in the source, if the format has lines.
    pub line: Option<u32>,
    /// 0 to 1.
    pub confidence: f32,
    /// How many records say it.
    pub count: u32,
    /// When it was said.
    pub time: Option<UnixSeconds>,
}

/// What an evidence id stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Edge {
    /// A fact of the knowledge.
    Fact(FactRef),
    /// A user met an item, however often.
    Interaction {
        /// Who.
        user: u32,
        /// What.
        item: u32,
    },
    /// A computed link.
    Link {
        /// Which kind.
        kind: LinkKind,
        /// From which item.
        from: u32,
        /// To which item.
        to: u32,
        /// How strong.
        score: f32,
        /// Carried by how many users or baskets.
        support: u32,
    },
}

/// The frozen graph.
pub struct Graph {
    /// What the snapshot says about itself.
    pub meta: Meta,
    id: Id,
    size: u64,
    terms: Strings,
    out_at: Column<u64>,
    out: Column<[u32; 2]>,
    in_at: Column<u64>,
    ins: Column<[u32; 2]>,
    predicates: Column<u32>,
    predicate_at: Column<u64>,
    predicate: Column<[u32; 2]>,
    predicate_stats: Column<[u64; 3]>,
    graphs: Column<u32>,
    graph_facts_at: Column<u64>,
    graph_facts: Column<u64>,
    fact_graph: Column<u32>,
    fact_line: Column<u32>,
    fact_confidence: Column<f32>,
    fact_count: Column<u32>,
    fact_time: Column<i64>,
    derived: Column<u64>,
    premise_at: Column<u64>,
    premises: Column<u64>,
    /// Pairs of a premise and what was concluded from it, sorted.
    conclusions: OnceLock<Vec<[u64; 2]>>,
    met_at: Column<u64>,
    met: Column<u32>,
    met_by_at: Column<u64>,
    met_by: Column<u32>,
    event_at: Column<u64>,
    event_item: Column<u32>,
    event_group: Column<u32>,
    event_time: Column<i64>,
    event_weight: Column<f32>,
    event_line: Column<u32>,
    event_of_at: Column<u64>,
    event_of: Column<u64>,
    labels: Column<u32>,
    links: [Links; LinkKind::ALL.len()],
    /// Row starts and event numbers, by basket.
    events_in: OnceLock<(Vec<u64>, Vec<u64>)>,
    vector_nodes: Column<u32>,
    vectors: Column<f32>,
    kept: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Graph {
    /// The identity of the content: equal graphs have equal ids.
    pub fn id(&self) -> Id {
        self.id
    }

    /// Size of the file in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The numbers of the users.
    pub fn users(&self) -> Range<u32> {
        self.meta.ranges.users()
    }

    /// The numbers of the items.
    pub fn items(&self) -> Range<u32> {
        self.meta.ranges.items()
    }

    /// The numbers of all nodes.
    pub fn nodes(&self) -> Range<u32> {
        self.meta.ranges.nodes()
    }

    /// The numbers of the triple terms.
    pub fn triples(&self) -> Range<u32> {
        self.meta.ranges.literals..self.meta.ranges.terms
    }

    /// Number of terms of all kinds.
    pub fn term_count(&self) -> u32 {
        self.meta.ranges.terms
    }

    /// Number of facts, counted once for each source that says them.
    pub fn fact_count(&self) -> u64 {
        self.out.len() as u64
    }

    /// Number of distinct (user, item) pairs.
    pub fn interaction_count(&self) -> u64 {
        self.met.len() as u64
    }

    /// Number of events, those of unknown users included.
    pub fn event_count(&self) -> u64 {
        self.event_item.len() as u64
    }

    /// Number of edges: facts, interactions, links; evidence ids are below it.
    pub fn edge_count(&self) -> u64 {
        let links = LinkKind::ALL.map(|kind| self.link_count(kind));
        self.first_link(LinkKind::ALL[0]) + links.iter().sum::<u64>()
    }

    /// Term number `id`, encoded as [`crate::model::term`] says.
    pub fn term(&self, id: u32) -> &str {
        self.terms.get(id as usize)
    }

    /// The facts with this subject, as sorted (predicate, object) pairs; a pair that two sources state stands twice.
    pub fn outgoing(&self, subject: u32) -> &[[u32; 2]] {
        cut(&self.out, &self.out_at, subject)
    }

    /// The facts with this object, as sorted (predicate, subject) pairs.
    pub fn incoming(&self, object: u32) -> &[[u32; 2]] {
        cut(&self.ins, &self.in_at, object)
    }

    /// The objects of `subject` under `predicate`.
    pub fn objects(&self, subject: u32, predicate: u32) -> &[[u32; 2]] {
        prefix(self.outgoing(subject), predicate).1
    }

    /// The same, with the number of the first of these facts; the others follow.
    pub fn facts_under(&self, subject: u32, predicate: u32) -> (u64, &[[u32; 2]]) {
        let (low, pairs) = prefix(self.outgoing(subject), predicate);
        let start = self.out_at.get(subject as usize).copied().unwrap_or(0);
        (start + low as u64, pairs)
    }

    /// The subjects of `object` under `predicate`.
    pub fn subjects(&self, object: u32, predicate: u32) -> &[[u32; 2]] {
        prefix(self.incoming(object), predicate).1
    }

    /// The predicates of facts, sorted.
    pub fn predicates(&self) -> &[u32] {
        &self.predicates
    }

    /// The facts under `predicate`, as sorted (object, subject) pairs.
    pub fn pairs(&self, predicate: u32) -> &[[u32; 2]] {
        match self.predicates.binary_search(&predicate) {
            Ok(index) => cut(&self.predicate, &self.predicate_at, index as u32),
            Err(_) => &[],
        }
    }

    /// The facts that state a triple, one for each source.
    pub fn facts(&self, [s, p, o]: [u32; 3]) -> Range<u64> {
        let start = self.out_at.get(s as usize).copied().unwrap_or(0);
        let pairs = self.outgoing(s);
        let low = pairs.partition_point(|pair| *pair < [p, o]);
        let high = pairs.partition_point(|pair| *pair <= [p, o]);
        start + low as u64..start + high as u64
    }

    /// Fact number `index`.
    pub fn fact(&self, index: u64) -> Option<FactRef> {
        let i = index as usize;
        let [predicate, object] = *self.out.get(i)?;
        let subject = self.out_at.partition_point(|&at| at <= index) as u32 - 1;
        Some(FactRef {
            index,
            triple: [subject, predicate, object],
            graph: self.fact_graph.steady(i),
            line: Some(self.fact_line.steady(i)).filter(|&line| line > 0),
            confidence: self.fact_confidence.steady(i),
            count: self.fact_count.steady(i),
            time: Some(self.fact_time.steady(i)).filter(|&time| time != NO_TIME),
        })
    }

    /// The named graph of fact number `index`.
    pub fn graph_of(&self, index: u64) -> u32 {
        self.fact_graph.steady(index as usize)
    }

    /// The named graphs of facts, sorted.
    pub fn graphs(&self) -> &[u32] {
        &self.graphs
    }

    /// The numbers of the facts in a named graph, sorted.
    pub fn facts_in(&self, graph: u32) -> impl ExactSizeIterator<Item = u64> {
        let listed = match self.graphs.binary_search(&graph) {
            Ok(index) => row(&self.graph_facts_at, index as u32),
            Err(_) => 0..0,
        };
        // Of a single graph nothing is listed: it has every fact.
        listed.map(|place| match self.graphs.len() {
            1 => place as u64,
            _ => self.graph_facts[place],
        })
    }

    /// What the room of queries works out of the graph, once, and keeps with it.
    ///
    /// # Panics
    ///
    /// If two types are kept: there is one place for one.
    pub(crate) fn kept<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> &T {
        let kept = self.kept.get_or_init(|| Box::new(make()));
        kept.downcast_ref().expect("one type is kept")
    }

    /// What an evidence id stands for.
    pub fn edge(&self, EvidenceId(id): EvidenceId) -> Option<Edge> {
        if id < self.fact_count() {
            return self.fact(id).map(Edge::Fact);
        }
        let pair = id - self.fact_count();
        if let Some(&item) = self.met.get(pair as usize) {
            let user = self.met_at.partition_point(|&at| at <= pair) as u32 - 1;
            return Some(Edge::Interaction { user, item });
        }
        let kind = LinkKind::ALL
            .into_iter()
            .rfind(|&k| self.first_link(k) <= id && id - self.first_link(k) < self.link_count(k))?;
        let links = &self.links[kind as usize];
        let index = id - self.first_link(kind);
        let from = links.at.partition_point(|&at| at <= index) as u32 - 1 + self.meta.ranges.users;
        let i = index as usize;
        Some(Edge::Link {
            kind,
            from,
            to: links.to[i],
            score: links.score[i],
            support: links.support[i],
        })
    }

    /// The vector of a node's text, of length [`Meta::dimensions`], if it has one.
    pub fn vector(&self, node: u32) -> Option<&[f32]> {
        let index = self.vector_nodes.binary_search(&node).ok()?;
        let dimensions = self.meta.dimensions;
        Some(&self.vectors[index * dimensions..(index + 1) * dimensions])
    }

    /// All nodes with vectors, sorted, and their vectors, one after the other.
    pub fn vectors(&self) -> (&[u32], &[f32]) {
        (&self.vector_nodes, &self.vectors)
    }

    /// Number of nodes with vectors.
    pub fn vector_count(&self) -> usize {
        self.vector_nodes.len()
    }
}

fn row(at: &[u64], index: u32) -> Range<usize> {
    match (at.get(index as usize), at.get(index as usize + 1)) {
        (Some(&from), Some(&to)) => from as usize..to as usize,
        _ => 0..0,
    }
}

/// Row number `index` of `values`; empty where there is none.
fn cut<'a, T>(values: &'a [T], at: &[u64], index: u32) -> &'a [T] {
    values.get(row(at, index)).unwrap_or_default()
}

/// The pairs with a first part, and where they begin.
fn prefix(pairs: &[[u32; 2]], first: u32) -> (usize, &[[u32; 2]]) {
    let low = pairs.partition_point(|pair| pair[0] < first);
    let length = pairs[low..].partition_point(|pair| pair[0] == first);
    (low, &pairs[low..low + length])
}
