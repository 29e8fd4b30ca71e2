//! Checks one node against one shape.

mod queries;
mod values;

pub(super) use queries::{SHAPES_GRAPH, value_of};

use super::run::Prepared;
use super::shape::{Constraint, Qualified, ShapeNumber, State};
use crate::sparql::{Cancel, Flow, Halt, Id, Limits, Walker};
use oxrdf::Term;

/// Something that is wrong: of which node, and by which constraint.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) shape: ShapeNumber,
    /// Index among the constraints of the shape.
    pub(super) constraint: usize,
    pub(super) focus: Id,
    pub(super) value: Option<Id>,
    /// What a query says beyond that.
    pub(super) said: Option<Box<Said>>,
}

/// What a query, or a closed shape, says of a fault: encoded terms.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Instead of the path of the shape.
    pub(super) path: Option<String>,
    /// Instead of [`Fault::value`].
    pub(super) value: Option<String>,
    pub(super) message: Option<String>,
    /// The other variables that it selects, for messages.
    pub(super) variables: Vec<(String, String)>,
}

/// Takes every fault.
pub(super) type Found<'f> = dyn FnMut(Fault) -> Flow + 'f;

/// Checks nodes, on one thread.
pub(super) struct Checker<'c, 'a> {
    pub(super) prepared: &'c Prepared<'a>,
    pub(super) walker: Walker<'a>,
    pub(super) limits: Limits,
    pub(super) cancel: Cancel,
    /// What variables of queries stand for, beside those of SHACL.
    pub(super) values: Vec<(String, Term)>,
}

/// A node that is checked against a constraint, and the values that its shape looks at.
pub(super) struct Case<'v> {
    shape: ShapeNumber,
    constraint: usize,
    focus: Id,
    values: &'v [Id],
}

impl Case<'_> {
    fn fault(&self, value: Option<Id>) -> Fault {
        Fault {
            shape: self.shape,
            constraint: self.constraint,
            focus: self.focus,
            value,
            said: None,
        }
    }
}

impl Checker<'_, '_> {
    /// Calls `found` with all that a shape finds wrong with a node.
    pub(super) fn check(&self, shape: ShapeNumber, focus: Id, found: &mut Found<'_>) -> Flow {
        self.walker.tick()?;
        let about = &self.prepared.shapes[shape];
        if about.state == State::Deactivated {
            return Ok(());
        }
        let walked;
        let values: &[Id] = match &self.prepared.paths[shape] {
            Some(path) => {
                walked = self.walker.ends(path, focus)?;
                &walked
            }
            None => &[focus],
        };
        for (index, constraint) in about.constraints.iter().enumerate() {
            let case = Case {
                shape,
                constraint: index,
                focus,
                values,
            };
            self.constraint(constraint, &case, found)?;
        }
        Ok(())
    }

    /// Whether a shape finds nothing wrong with a node.
    fn conforms(&self, shape: ShapeNumber, node: Id) -> Flow<bool> {
        match self.check(shape, node, &mut |_| Err(Halt::Enough)) {
            Ok(()) => Ok(true),
            Err(Halt::Enough) => Ok(false),
            Err(halt) => Err(halt),
        }
    }

    fn constraint(&self, constraint: &Constraint, case: &Case<'_>, found: &mut Found<'_>) -> Flow {
        match constraint {
            Constraint::MinCount(least) => {
                self.demand(case.values.len() as u64 >= *least, case, found)
            }
            Constraint::MaxCount(most) => {
                self.demand(case.values.len() as u64 <= *most, case, found)
            }
            Constraint::HasValue(value) => {
                let wanted = self.prepared.ids[value.0];
                self.demand(case.values.contains(&wanted), case, found)
            }
            Constraint::QualifiedMinCount(qualified, least) => {
                let count = self.qualified(qualified, case)?;
                self.demand(count >= *least, case, found)
            }
            Constraint::QualifiedMaxCount(qualified, most) => {
                let count = self.qualified(qualified, case)?;
                self.demand(count <= *most, case, found)
            }
            Constraint::Property(shape) => {
                let mut values = case.values.iter();
                values.try_for_each(|value| self.check(*shape, *value, found))
            }
            Constraint::UniqueLang => self.unique_languages(case, found),
            Constraint::Pair(pair, property) => self.pair(*pair, *property, case, found),
            Constraint::Closed(allowed) => self.closed(allowed, case, found),
            Constraint::Query(rule) => self.query(rule, case, found),
            each => {
                for &value in case.values {
                    if !self.holds(each, value)? {
                        found(case.fault(Some(value)))?;
                    }
                }
                Ok(())
            }
        }
    }

    /// A fault without a value, unless what was demanded is so.
    fn demand(&self, is_so: bool, case: &Case<'_>, found: &mut Found<'_>) -> Flow {
        match is_so {
            true => Ok(()),
            false => found(case.fault(None)),
        }
    }

    fn all_conform(&self, shapes: &[ShapeNumber], node: Id) -> Flow<bool> {
        for &shape in shapes {
            if !self.conforms(shape, node)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How many of the shapes a node conforms to; no more than `most` are counted.
    fn conforming(&self, shapes: &[ShapeNumber], node: Id, most: usize) -> Flow<usize> {
        let mut count = 0;
        for &shape in shapes {
            count += usize::from(self.conforms(shape, node)?);
            if count == most {
                break;
            }
        }
        Ok(count)
    }

    fn qualified(&self, qualified: &Qualified, case: &Case<'_>) -> Flow<u64> {
        let mut count = 0;
        for &value in case.values {
            let counts = self.conforms(qualified.shape, value)?
                && self.conforming(&qualified.siblings, value, 1)? == 0;
            count += u64::from(counts);
        }
        Ok(count)
    }
}
