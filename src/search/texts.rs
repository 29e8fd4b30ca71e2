//! The labels and descriptions of nodes.

use crate::graph::Graph;
use crate::graph::changes::Changes;
use crate::model::term;
use crate::vocabulary::{DESCRIPTIONS, LABELS, skos};
use rustc_hash::FxHashSet;

/// What a node is called and how it is described.
pub(super) struct Text {
    pub(super) node: u32,
    pub(super) label: String,
    pub(super) description: String,
}

/// Which column of the index a property belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Label,
    Description,
}

fn properties() -> impl Iterator<Item = (&'static str, Column)> {
    let labels = LABELS.iter().chain(&[skos::ALT_LABEL, skos::HIDDEN_LABEL]);
    let labels = labels.map(|&iri| (iri, Column::Label));
    labels.chain(DESCRIPTIONS.iter().map(|&iri| (iri, Column::Description)))
}

/// The texts of all nodes that have some, by node.
pub(super) fn of_graph(graph: &Graph) -> Vec<Text> {
    let mut said = Vec::new();
    for (iri, column) in properties() {
        let pairs = graph.find_iri(iri).map_or(&[][..], |p| graph.pairs(p));
        said.extend(pairs.iter().map(|&[value, node]| (node, column, value)));
    }
    joined(said, &|value| graph.term(value))
}

/// The nodes whose texts were added to or taken from since the graph was frozen.
pub(super) fn changed(graph: &Graph, changes: &Changes) -> FxHashSet<u32> {
    let mut nodes = FxHashSet::default();
    let removed: Vec<_> = changes.removed().collect();
    for (iri, _) in properties() {
        let Some(property) = number(graph, changes, iri) else {
            continue;
        };
        let added = changes.added([None, Some(property), None]);
        let removed = removed.iter().copied().filter(|quad| quad[1] == property);
        nodes.extend(added.chain(removed).map(|quad| quad[0]));
    }
    nodes
}

/// The texts that `nodes` have with all changes, by node.
pub(super) fn now(graph: &Graph, changes: &Changes, nodes: &FxHashSet<u32>) -> Vec<Text> {
    let mut said = Vec::new();
    for (iri, column) in properties() {
        let Some(property) = number(graph, changes, iri) else {
            continue;
        };
        for &node in nodes {
            let added = changes.added([Some(node), Some(property), None]);
            said.extend(added.map(|quad| (node, column, quad[2])));
            for &[_, value] in graph.objects(node, property) {
                let mut facts = graph.facts([node, property, value]);
                let stands = |fact| {
                    let source = graph.graph_of(fact);
                    !changes.is_removed([node, property, value, source])
                };
                if facts.any(stands) {
                    said.push((node, column, value));
                }
            }
        }
    }
    joined(said, &|value| {
        changes.term(value).unwrap_or_else(|| graph.term(value))
    })
}

fn number(graph: &Graph, changes: &Changes, iri: &str) -> Option<u32> {
    let encoded = term::iri(iri);
    graph.find(&encoded).or_else(|| changes.find(&encoded))
}

fn joined<'t>(mut said: Vec<(u32, Column, u32)>, term: &dyn Fn(u32) -> &'t str) -> Vec<Text> {
    said.sort_unstable();
    said.dedup();
    let of_node = said.chunk_by(|a, b| a.0 == b.0);
    let text = |said: &[(u32, Column, u32)], column| {
        let values = said.iter().filter(|s| s.1 == column);
        let values = values.filter_map(|s| term::lexical(term(s.2)));
        values.collect::<Vec<_>>().join("\n")
    };
    let texts = of_node.map(|said| Text {
        node: said[0].0,
        label: text(said, Column::Label),
        description: text(said, Column::Description),
    });
    texts.collect()
}
