//! Shapes in words, for pages about them.

use super::Shapes;
use super::message::demand;
use super::path::shown_path;
use super::shape::{Constraint, Shape, ShapeNumber, State, Target};
use super::triples::{sh, shown};
use crate::model::term;

/// A shape with targets.
pub struct Described {
    /// The shape, as people write it.
    pub shape: String,
    /// Which nodes it is for.
    pub targets: Vec<String>,
    /// What it demands.
    pub demands: Vec<Demand>,
}

/// What a shape demands of the values of a path.
pub struct Demand {
    /// The path; nothing if it is about the node itself.
    pub path: Option<String>,
    /// What must be.
    pub all: Vec<String>,
    /// The severity, where it is none of the usual `violation`.
    pub severity: Option<String>,
}

impl Shapes {
    /// The active shapes that have targets, in the order of their names.
    pub fn described(&self) -> Vec<Described> {
        let shapes = self.shapes.iter();
        let aimed = shapes.filter(|s| s.state == State::Active && !s.targets.is_empty());
        aimed.map(|shape| self.describe(shape)).collect()
    }

    fn describe(&self, shape: &Shape) -> Described {
        let term = |constant| shown(self.constants.text(constant));
        let target = |target: &Target| match target {
            Target::Node(node) => term(*node),
            Target::Class(class) => format!("instances of {}", term(*class)),
            Target::SubjectsOf(property) => format!("subjects of {}", term(*property)),
            Target::ObjectsOf(property) => format!("objects of {}", term(*property)),
        };
        let mut demands = Vec::new();
        self.demands(shape, None, &mut demands);
        Described {
            shape: term(shape.node),
            targets: shape.targets.iter().map(target).collect(),
            demands,
        }
    }

    /// What a shape demands, then what its properties do; shapes do not go in circles.
    fn demands(&self, shape: &Shape, before: Option<&str>, demands: &mut Vec<Demand>) {
        let own = shape.path.as_ref().map(shown_path);
        let path = match (before, own) {
            (Some(before), Some(own)) => Some(format!("{before} / {own}")),
            (before, own) => own.or(before.map(str::to_owned)),
        };
        let mut properties: Vec<ShapeNumber> = Vec::new();
        let mut all = Vec::new();
        for constraint in &shape.constraints {
            match constraint {
                Constraint::Property(number) => properties.push(*number),
                Constraint::Query(rule) if !rule.messages.is_empty() => {
                    let message = self.constants.text(rule.messages[0]);
                    all.push(format!(
                        "never: {}",
                        term::lexical(message).unwrap_or_default()
                    ));
                }
                other => all.push(demand(self, other)),
            }
        }
        if !all.is_empty() {
            let severity = self.constants.text(shape.severity);
            let unusual = (severity != sh("Violation")).then(|| shown(severity));
            demands.push(Demand {
                path: path.clone(),
                all,
                severity: unusual,
            });
        }
        for number in properties {
            self.demands(&self.shapes[number], path.as_deref(), demands);
        }
    }
}
