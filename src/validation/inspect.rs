//! Single nodes checked against single shapes: for those who ask about what they have in hand, not about a dataset.

use super::Shapes;
use super::check::{Checker, Fault, value_of};
use super::report::Finding;
use super::run::Prepared;
use super::shape::{ShapeNumber, State, Target};
use crate::model::term;
use crate::sparql::{Cancel, Dataset, Flow, Halt, Id, Limits, Walker};
use crate::{Error, Result};
use oxrdf::Term;

/// Checks nodes of one dataset, one after the other, on one thread.
pub struct Inspector<'c, 'a> {
    shapes: &'a Shapes,
    checker: Checker<'c, 'a>,
}

impl Shapes {
    /// Lends `work` something that checks nodes of `dataset`. Queries of constraints see `values` beside `$this`: `$user`,
    /// say.
    ///
    /// # Errors
    /// Those of `work`, and `Budget` if the dataset takes more than `limits` to look at.
    pub fn inspect<'a>(
        &'a self,
        (dataset, values): (Dataset<'a>, &[(String, Term)]),
        (limits, cancel): (&Limits, &Cancel),
        work: &mut dyn FnMut(&Inspector<'_, 'a>) -> Result<()>,
    ) -> Result<()> {
        let walker = Walker::new(dataset, limits, cancel);
        let prepared = Prepared::new(dataset, self, &walker)?;
        work(&Inspector {
            shapes: self,
            checker: Checker {
                prepared: &prepared,
                walker,
                limits: *limits,
                cancel: cancel.clone(),
                values: values.to_vec(),
            },
        })
    }
}

impl Inspector<'_, '_> {
    /// What a shape finds wrong with a node, in words; nothing if the node conforms, or if the shape has targets and the
    /// node is none of them. Terms are encoded as [`term`] says.
    ///
    /// # Errors
    /// `NotFound` if there is no such shape; `Budget` if it takes too long or somebody cancels; errors of queries that are
    /// constraints.
    pub fn check(&self, shape: &str, node: &str) -> Result<Vec<String>> {
        let shapes = &self.shapes.shapes;
        let number = shapes
            .iter()
            .position(|known| self.shapes.constants.text(known.node) == shape);
        let number = number.ok_or_else(|| {
            Error::not_found(format!("there is no shape {}", super::shown(shape)))
        })?;
        let node = self.checker.walker.id(node);
        let mut messages = Vec::new();
        let flow = match self.is_for(number, node) {
            Ok(true) => self.checker.check(number, node, &mut |fault| {
                messages.push(self.message(fault));
                Ok(())
            }),
            Ok(false) => Ok(()),
            Err(halt) => Err(halt),
        };
        match flow {
            Ok(()) | Err(Halt::Enough) => Ok(messages),
            Err(Halt::Failed(error)) => Err(error),
        }
    }

    /// Whether a node is among the targets of a shape; every node is where it has none.
    fn is_for(&self, shape: ShapeNumber, node: Id) -> Flow<bool> {
        let about = &self.shapes.shapes[shape];
        let Checker {
            prepared, walker, ..
        } = &self.checker;
        if about.state == State::Deactivated {
            return Ok(false);
        }
        for target in &about.targets {
            let is_one = match *target {
                Target::Node(one) => prepared.ids[one.0] == node,
                Target::Class(class) => prepared.classes.has(class, node, walker)?,
                Target::SubjectsOf(property) => {
                    self.is_there([Some(node), Some(prepared.ids[property.0]), None])?
                }
                Target::ObjectsOf(property) => {
                    self.is_there([None, Some(prepared.ids[property.0]), Some(node)])?
                }
            };
            if is_one {
                return Ok(true);
            }
        }
        Ok(about.targets.is_empty())
    }

    fn is_there(&self, pattern: [Option<Id>; 3]) -> Flow<bool> {
        let walker = &self.checker.walker;
        match walker.each(pattern, &mut |_| Err(Halt::Enough)) {
            Ok(()) => Ok(false),
            Err(Halt::Enough) => Ok(true),
            Err(halt) => Err(halt),
        }
    }

    fn message(&self, fault: Fault) -> String {
        let walker = &self.checker.walker;
        let value = value_of(&fault).map(|value| walker.text(value));
        let focus = walker.text(fault.focus);
        let finding = Finding::new(self.shapes, fault, focus, value);
        let messages = finding.messages();
        let first = messages.first().and_then(|text| term::lexical(text));
        first.unwrap_or_default().to_owned()
    }
}
