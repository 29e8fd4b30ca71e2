//! What properties say of items, with what updates changed.

use crate::model::term;
use crate::sparql::Dataset;
use crate::vocabulary::expand;
use crate::{Error, Result};

/// Takes `PROPERTY=VALUE` apart, at the first sign that no IRI in angle brackets holds.
///
/// # Errors
/// `Usage` without a property or a sign.
pub(super) fn equation<'t>(text: &'t str, flag: &str) -> Result<(String, &'t str)> {
    let wrong = || {
        Error::usage(format!("`{text}` is not of the form PROPERTY=VALUE"))
            .hint(format!("`{flag} 'schema:brand=…'`"))
    };
    let (property, value) = match text.strip_prefix('<') {
        Some(rest) => rest.split_once(">=").ok_or_else(wrong)?,
        None => text.split_once('=').ok_or_else(wrong)?,
    };
    let (property, value) = (property.trim(), value.trim());
    match property.is_empty() {
        true => Err(wrong()),
        false => Ok((expand(property), value)),
    }
}

/// The number of a property, if anything states it or may.
pub(super) fn property(dataset: Dataset<'_>, iri: &str) -> Option<u32> {
    dataset.find(&term::iri(iri))
}

/// The values of a property of a node, each once and sorted.
pub(super) fn values(dataset: Dataset<'_>, node: u32, property: u32) -> Vec<u32> {
    let (graph, changes) = (dataset.graph, dataset.changes);
    let mut values = Vec::new();
    // Nodes that updates added have no facts.
    if graph.nodes().contains(&node) {
        let stated = graph.objects(node, property).iter().map(|pair| pair[1]);
        values.extend(stated.filter(|&value| stands(dataset, [node, property, value])));
    }
    let added = changes.added([Some(node), Some(property), None]);
    values.extend(added.map(|quad| quad[2]));
    values.sort_unstable();
    values.dedup();
    values
}

/// The nodes with a property whose value `fits`; a node may come again.
pub(super) fn having(
    dataset: Dataset<'_>,
    property: u32,
    fits: &dyn Fn(u32) -> bool,
    found: &mut dyn FnMut(u32),
) {
    let same_value = dataset.graph.pairs(property).chunk_by(|a, b| a[0] == b[0]);
    for pairs in same_value.filter(|pairs| fits(pairs[0][0])) {
        let stated = pairs.iter().map(|&[value, node]| [node, property, value]);
        let stated = stated.filter(|&triple| stands(dataset, triple));
        stated.for_each(|triple| found(triple[0]));
    }
    let added = dataset.changes.added([None, Some(property), None]);
    added
        .filter(|quad| fits(quad[2]))
        .for_each(|quad| found(quad[0]));
}

/// Whether any source still states a triple of the graph.
fn stands(dataset: Dataset<'_>, triple: [u32; 3]) -> bool {
    if dataset.changes.removed_count() == 0 {
        return true;
    }
    let [s, p, o] = triple;
    let mut facts = dataset.graph.facts(triple);
    facts.any(|fact| {
        let quad = [s, p, o, dataset.graph.graph_of(fact)];
        !dataset.changes.is_removed(quad)
    })
}
