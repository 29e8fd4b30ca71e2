//! petgraph's view of the frozen graph, so that its algorithms run on it.
//!
//! Nodes are users, items and other resources; edges are facts between nodes (each distinct triple once), interactions
//! and links, from subject to object.
//!
//! ```no_run
//! use petgraph::visit::{Bfs, Walker};
//! # fn main() -> kenning::Result<()> {
//! let graph = kenning::graph::Graph::open("films/.kenning/graph.kng".as_ref())?;
//! let reached = Bfs::new(&graph, 0).iter(&graph).count();
//! println!("{reached} nodes can be reached from the first user");
//! # Ok(())
//! # }
//! ```

use super::Graph;
use crate::model::{EvidenceId, LinkKind};
use petgraph::Direction;
use petgraph::visit::{
    Data, EdgeRef, GraphBase, GraphProp, GraphRef, IntoEdgeReferences, IntoEdges,
    IntoEdgesDirected, IntoNeighbors, IntoNeighborsDirected, IntoNodeIdentifiers,
    NodeCompactIndexable, NodeCount, NodeIndexable, VisitMap, Visitable,
};
use std::ops::Range;

/// What kind of edge it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// A fact, by the number of its predicate.
    Fact(u32),
    /// A user met an item.
    Interacted,
    /// A computed link.
    Link(LinkKind),
}

/// An edge of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeReference {
    source: u32,
    target: u32,
    id: EvidenceId,
    relation: Relation,
}

impl EdgeRef for EdgeReference {
    type NodeId = u32;
    type EdgeId = EvidenceId;
    type Weight = Relation;

    fn source(&self) -> u32 {
        self.source
    }

    fn target(&self) -> u32 {
        self.target
    }

    fn weight(&self) -> &Relation {
        &self.relation
    }

    fn id(&self) -> EvidenceId {
        self.id
    }
}

/// Visited nodes.
pub struct Visited(Vec<bool>);

impl VisitMap<u32> for Visited {
    fn visit(&mut self, node: u32) -> bool {
        !std::mem::replace(&mut self.0[node as usize], true)
    }

    fn is_visited(&self, node: &u32) -> bool {
        self.0[*node as usize]
    }

    fn unvisit(&mut self, node: u32) -> bool {
        std::mem::replace(&mut self.0[node as usize], false)
    }
}

impl Graph {
    /// All edges that leave a node.
    pub fn edges_from(&self, node: u32) -> impl Iterator<Item = EdgeReference> {
        let start = self.out_at.get(node as usize).copied().unwrap_or(0);
        let pairs = self.outgoing(node);
        let facts = pairs
            .iter()
            .enumerate()
            .filter_map(move |(i, &[predicate, target])| {
                let repeated = i > 0 && pairs[i - 1] == pairs[i];
                (self.nodes().contains(&target) && !repeated).then_some(EdgeReference {
                    source: node,
                    target,
                    id: EvidenceId(start + i as u64),
                    relation: Relation::Fact(predicate),
                })
            });
        let met = self
            .met(node)
            .iter()
            .filter_map(move |&item| self.meeting(node, item));
        let links = LinkKind::ALL.into_iter().flat_map(move |kind| {
            let row = self.links(kind, node);
            row.to
                .iter()
                .zip(row.first..)
                .map(move |(&target, id)| EdgeReference {
                    source: node,
                    target,
                    id: EvidenceId(id),
                    relation: Relation::Link(kind),
                })
        });
        facts.chain(met).chain(links)
    }

    /// All edges that enter a node.
    pub fn edges_to(&self, node: u32) -> impl Iterator<Item = EdgeReference> {
        let pairs = self.incoming(node);
        let facts = pairs
            .iter()
            .enumerate()
            .filter_map(move |(i, &[predicate, source])| {
                let repeated = i > 0 && pairs[i - 1] == pairs[i];
                (!repeated).then(|| EdgeReference {
                    source,
                    target: node,
                    id: EvidenceId(self.facts([source, predicate, node]).start),
                    relation: Relation::Fact(predicate),
                })
            });
        let met = self
            .met_by(node)
            .iter()
            .filter_map(move |&user| self.meeting(user, node));
        let links = LinkKind::ALL.into_iter().flat_map(move |kind| {
            let links = self.links_to(kind, node);
            links.map(move |(source, id)| EdgeReference {
                source,
                target: node,
                id,
                relation: Relation::Link(kind),
            })
        });
        facts.chain(met).chain(links)
    }

    fn meeting(&self, user: u32, item: u32) -> Option<EdgeReference> {
        Some(EdgeReference {
            source: user,
            target: item,
            id: self.interaction(user, item)?,
            relation: Relation::Interacted,
        })
    }
}

impl GraphBase for Graph {
    type NodeId = u32;
    type EdgeId = EvidenceId;
}

impl Data for Graph {
    type NodeWeight = ();
    type EdgeWeight = Relation;
}

impl GraphProp for Graph {
    type EdgeType = petgraph::Directed;
}

impl NodeCount for Graph {
    fn node_count(&self) -> usize {
        self.nodes().len()
    }
}

impl NodeIndexable for Graph {
    fn node_bound(&self) -> usize {
        self.nodes().len()
    }

    fn to_index(&self, node: u32) -> usize {
        node as usize
    }

    fn from_index(&self, index: usize) -> u32 {
        index as u32
    }
}

impl NodeCompactIndexable for Graph {}

impl Visitable for Graph {
    type Map = Visited;

    fn visit_map(&self) -> Visited {
        Visited(vec![false; self.node_count()])
    }

    fn reset_map(&self, map: &mut Visited) {
        map.0.clear();
        map.0.resize(self.node_count(), false);
    }
}

impl IntoNodeIdentifiers for &Graph {
    type NodeIdentifiers = Range<u32>;

    fn node_identifiers(self) -> Range<u32> {
        self.nodes()
    }
}

/// Edges, in the order of the stages that made them.
pub type Edges<'a> = Box<dyn Iterator<Item = EdgeReference> + 'a>;

/// Neighbouring nodes.
pub type Neighbors<'a> = Box<dyn Iterator<Item = u32> + 'a>;

impl<'a> IntoNeighbors for &'a Graph {
    type Neighbors = Neighbors<'a>;

    fn neighbors(self, node: u32) -> Neighbors<'a> {
        Box::new(self.edges_from(node).map(|e| e.target))
    }
}

impl<'a> IntoNeighborsDirected for &'a Graph {
    type NeighborsDirected = Neighbors<'a>;

    fn neighbors_directed(self, node: u32, direction: Direction) -> Neighbors<'a> {
        match direction {
            Direction::Outgoing => self.neighbors(node),
            Direction::Incoming => Box::new(self.edges_to(node).map(|e| e.source)),
        }
    }
}

impl<'a> IntoEdgeReferences for &'a Graph {
    type EdgeRef = EdgeReference;
    type EdgeReferences = Edges<'a>;

    fn edge_references(self) -> Edges<'a> {
        Box::new(self.nodes().flat_map(|node| self.edges_from(node)))
    }
}

impl<'a> IntoEdges for &'a Graph {
    type Edges = Edges<'a>;

    fn edges(self, node: u32) -> Edges<'a> {
        Box::new(self.edges_from(node))
    }
}

impl<'a> IntoEdgesDirected for &'a Graph {
    type EdgesDirected = Edges<'a>;

    fn edges_directed(self, node: u32, direction: Direction) -> Edges<'a> {
        match direction {
            Direction::Outgoing => self.edges(node),
            Direction::Incoming => Box::new(self.edges_to(node)),
        }
    }
}

const _: fn() = || {
    fn graph_ref<G: GraphRef>() {}
    graph_ref::<&Graph>();
};
