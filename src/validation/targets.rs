//! Which nodes a shape is for (SHACL §2.1.3), and which classes are kinds of a class.

use super::shape::{Constant, Constraint, Shape, Target};
use crate::model::term;
use crate::sparql::{Flow, Id, Walker};
use crate::vocabulary::rdf;
use rustc_hash::{FxHashMap, FxHashSet};

/// The classes that shapes name, each with all that are kinds of it in the data.
pub(super) struct Classes {
    pub(super) rdf_type: Id,
    kinds: FxHashMap<Constant, FxHashSet<Id>>,
}

impl Classes {
    pub(super) fn of(shapes: &[Shape], ids: &[Id], walker: &Walker<'_>) -> Flow<Self> {
        let mut classes = Self {
            rdf_type: walker.id(&term::iri(rdf::TYPE)),
            kinds: FxHashMap::default(),
        };
        let sub_class_of = walker.id(&term::iri(rdf::SUB_CLASS_OF));
        for class in shapes.iter().flat_map(named) {
            if classes.kinds.contains_key(&class) {
                continue;
            }
            let mut kinds = FxHashSet::default();
            let mut open = vec![ids[class.0]];
            while let Some(next) = open.pop() {
                if kinds.insert(next) {
                    let pattern = [None, Some(sub_class_of), Some(next)];
                    walker.each(pattern, &mut |[kind, ..]| {
                        open.push(kind);
                        Ok(())
                    })?;
                }
            }
            classes.kinds.insert(class, kinds);
        }
        Ok(classes)
    }

    /// Whether a node is of a class, or of a kind of it.
    pub(super) fn has(&self, class: Constant, node: Id, walker: &Walker<'_>) -> Flow<bool> {
        let Some(kinds) = self.kinds.get(&class) else {
            return Ok(false);
        };
        // Few kinds are asked for one by one; a node may have more classes than that.
        if kinds.len() <= 2 {
            for &kind in kinds {
                if walker.has([node, self.rdf_type, kind])? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        let mut found = false;
        walker.each([Some(node), Some(self.rdf_type), None], &mut |[
            _,
            _,
            kind,
        ]| {
            found |= kinds.contains(&kind);
            Ok(())
        })?;
        Ok(found)
    }

    /// The nodes that the targets of a shape name, sorted.
    pub(super) fn focus(&self, shape: &Shape, ids: &[Id], walker: &Walker<'_>) -> Flow<Vec<Id>> {
        let mut nodes = Vec::new();
        for target in &shape.targets {
            match target {
                Target::Node(node) => nodes.push(ids[node.0]),
                Target::Class(class) => {
                    for &kind in self.kinds.get(class).into_iter().flatten() {
                        let pattern = [None, Some(self.rdf_type), Some(kind)];
                        walker.each(pattern, &mut |[node, ..]| {
                            nodes.push(node);
                            Ok(())
                        })?;
                    }
                }
                Target::SubjectsOf(property) => {
                    let pattern = [None, Some(ids[property.0]), None];
                    walker.each(pattern, &mut |[node, ..]| {
                        keep(&mut nodes, node);
                        Ok(())
                    })?;
                }
                Target::ObjectsOf(property) => {
                    let pattern = [None, Some(ids[property.0]), None];
                    walker.each(pattern, &mut |[_, _, node]| {
                        keep(&mut nodes, node);
                        Ok(())
                    })?;
                }
            }
        }
        nodes.sort_unstable();
        nodes.dedup();
        Ok(nodes)
    }
}

/// Keeps a node; of many triples that lead to few nodes no more is remembered than twice the nodes.
fn keep(nodes: &mut Vec<Id>, node: Id) {
    if nodes.last() == Some(&node) {
        return;
    }
    if nodes.len() == nodes.capacity() {
        nodes.sort_unstable();
        nodes.dedup();
        nodes.reserve(nodes.len().max(1 << 16));
    }
    nodes.push(node);
}

/// The classes that a shape names.
fn named(shape: &Shape) -> impl Iterator<Item = Constant> {
    let targets = shape.targets.iter().filter_map(|target| match target {
        Target::Class(class) => Some(*class),
        _ => None,
    });
    let constraints = shape
        .constraints
        .iter()
        .filter_map(|constraint| match constraint {
            Constraint::Class(class) => Some(*class),
            _ => None,
        });
    targets.chain(constraints)
}
