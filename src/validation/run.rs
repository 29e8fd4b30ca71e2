//! Validates a dataset: finds the nodes that shapes are for, checks them in parallel, and gathers what is wrong.

use super::Shapes;
use super::check::{Checker, Fault, SHAPES_GRAPH, value_of};
use super::report::{Finding, Report};
use super::shape::{Constant, Shape, ShapeNumber, State};
use super::targets::Classes;
use crate::graph::changes::Changes;
use crate::model::term;
use crate::sparql::{Cancel, Dataset, Id, Limits, Path, View, Walker};
use crate::{ErrorKind, Result};
use oxrdf::NamedNode;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::time::Instant;

/// Nodes that one thread checks before it looks for more.
const CHUNK: usize = 512;

/// Chunks between two moments in which what was found is put together.
const WAVE: usize = 256;

/// What a validation may use.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Time of all of it, and rows and memory of each query that is a constraint.
    pub limits: Limits,
    /// Findings of each constraint that are kept; all are counted.
    pub kept: usize,
}

/// Validates what queries see of `dataset` against `shapes`.
///
/// # Errors
/// `Budget` if it takes longer than `bounds` say or `cancel` stops it; errors of queries that are constraints.
pub fn validate<'a>(
    dataset: Dataset<'a>,
    shapes: &'a Shapes,
    bounds: &Bounds,
    cancel: &Cancel,
) -> Result<Report<'a>> {
    let began = Instant::now();
    let walker = Walker::new(dataset, &bounds.limits, cancel);
    let mut prepared = Prepared::new(dataset, shapes, &walker)?;
    let mut work = Vec::new();
    for (number, shape) in shapes.shapes.iter().enumerate() {
        if shape.state == State::Active && !shape.targets.is_empty() {
            let nodes = prepared.classes.focus(shape, &prepared.ids, &walker)?;
            work.push((number, nodes));
        }
    }
    prepared.made = walker.made();
    let checker = || {
        let mut limits = bounds.limits;
        limits.time = limits.time.saturating_sub(began.elapsed());
        let walker = Walker::new(dataset, &limits, cancel);
        walker.learn(&prepared.made);
        Checker {
            prepared: &prepared,
            walker,
            limits,
            cancel: cancel.clone(),
            values: Vec::new(),
        }
    };
    let chunks: Vec<(ShapeNumber, &[Id])> = work
        .iter()
        .flat_map(|(shape, nodes)| nodes.chunks(CHUNK).map(|chunk| (*shape, chunk)))
        .collect();
    let mut gathered = Gathered::new(shapes, bounds.kept);
    for wave in chunks.chunks(WAVE) {
        let parts = wave
            .par_iter()
            .map_init(checker, |checker, (shape, nodes)| {
                let mut part = Gathered::new(shapes, bounds.kept);
                for &node in *nodes {
                    checker.check(*shape, node, &mut |fault| {
                        part.add(fault, &checker.walker);
                        Ok(())
                    })?;
                }
                Ok(part)
            });
        let parts = parts
            .collect::<Result<Vec<_>>>()
            .map_err(|error| match error.kind() {
                ErrorKind::Budget => error.at("validation"),
                _ => error,
            })?;
        parts.into_iter().for_each(|part| gathered.join(part));
    }
    let nodes = work.iter().map(|(_, nodes)| nodes.len() as u64).sum();
    Ok(Report::new(
        shapes,
        gathered.findings,
        gathered.counts,
        nodes,
    ))
}

/// What all threads share.
pub(super) struct Prepared<'a> {
    pub(super) dataset: Dataset<'a>,
    pub(super) shapes: &'a [Shape],
    shown: &'a Shapes,
    /// The ids of the constants.
    pub(super) ids: Vec<Id>,
    /// The path of each shape that has one.
    pub(super) paths: Vec<Option<Path>>,
    pub(super) classes: Classes,
    pub(super) with_shapes: WithShapes,
    /// Terms that the dataset has not, in the order in which every walker has to learn them.
    made: Vec<String>,
}

/// The dataset with the shapes as one more graph.
pub(super) struct WithShapes {
    pub(super) changes: Changes,
    /// The graphs of the default graph and those with names, where the new graph must not be part of the default graph.
    pub(super) graphs: Option<(Vec<NamedNode>, Vec<NamedNode>)>,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(
        dataset: Dataset<'a>,
        shapes: &'a Shapes,
        walker: &Walker<'a>,
    ) -> Result<Self> {
        let ids: Vec<Id> = shapes
            .constants
            .iter()
            .map(|text| walker.id(text))
            .collect();
        let path = |shape: &Shape| shape.path.as_ref().map(|path| walker.path(path));
        Ok(Self {
            dataset,
            shapes: &shapes.shapes,
            shown: shapes,
            paths: shapes.shapes.iter().map(path).collect(),
            classes: Classes::of(&shapes.shapes, &ids, walker)?,
            with_shapes: WithShapes::of(dataset, shapes, walker),
            ids,
            made: Vec::new(),
        })
    }

    /// The encoded term of a constant.
    pub(super) fn text(&self, constant: Constant) -> &'a str {
        self.shown.constants.text(constant)
    }
}

impl WithShapes {
    fn of(dataset: Dataset<'_>, shapes: &Shapes, walker: &Walker<'_>) -> Self {
        let mut changes = dataset.changes.clone();
        if !shapes.read_themselves() {
            return Self {
                changes,
                graphs: None,
            };
        }
        for statement in shapes.statements(&term::iri(SHAPES_GRAPH)) {
            changes.insert(dataset.graph, statement.each_ref().map(String::as_str));
        }
        let graphs = (dataset.view == View::Union).then(|| {
            let default = walker.graphs();
            let mut named = default.clone();
            named.push(NamedNode::new_unchecked(SHAPES_GRAPH));
            (default, named)
        });
        Self { changes, graphs }
    }
}

/// What was found by one thread, or by all.
struct Gathered<'a> {
    shapes: &'a Shapes,
    kept: usize,
    findings: Vec<Finding<'a>>,
    counts: BTreeMap<(ShapeNumber, usize), Count>,
}

/// Faults of one constraint.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    pub(super) total: u64,
    kept: usize,
}

impl<'a> Gathered<'a> {
    fn new(shapes: &'a Shapes, kept: usize) -> Self {
        Self {
            shapes,
            kept,
            findings: Vec::new(),
            counts: BTreeMap::new(),
        }
    }

    fn add(&mut self, fault: Fault, walker: &Walker<'a>) {
        let count = self
            .counts
            .entry((fault.shape, fault.constraint))
            .or_default();
        count.total += 1;
        if count.kept < self.kept {
            count.kept += 1;
            let value = value_of(&fault).map(|value| walker.text(value));
            let focus = walker.text(fault.focus);
            self.findings
                .push(Finding::new(self.shapes, fault, focus, value));
        }
    }

    fn join(&mut self, part: Self) {
        for (place, count) in part.counts {
            self.counts.entry(place).or_default().total += count.total;
        }
        for finding in part.findings {
            let count = self.counts.entry(finding.place()).or_default();
            if count.kept < self.kept {
                count.kept += 1;
                self.findings.push(finding);
            }
        }
    }
}
