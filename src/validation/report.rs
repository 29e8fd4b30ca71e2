//! What a validation found (SHACL §3.6).

mod rdf;
mod text;

pub use text::severity;

use super::Shapes;
use super::check::{Fault, Said};
use super::message;
use super::path::shown_path;
use super::query::{filled, spoken};
use super::run::Count;
use super::shape::{Constant, Constraint, Shape, ShapeNumber};
use super::triples::{sh, shown};
use crate::model::term;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Whether a dataset conforms to shapes, and what is wrong if not.
pub struct Report<'a> {
    shapes: &'a Shapes,
    findings: Vec<Finding<'a>>,
    groups: Vec<Group>,
    focus_nodes: u64,
}

/// The findings of one constraint of one shape.
#[derive(Clone, Debug)]
pub struct Group {
    /// The shape, as people write it.
    pub shape: String,
    /// Where it looks; nothing if it looks at the node itself.
    pub path: Option<String>,
    /// What it says of it.
    pub message: String,
    /// What the constraint demands, in words of its own.
    pub demand: String,
    /// IRI of the component.
    pub component: String,
    /// IRI of the severity.
    pub severity: String,
    /// How many there are, those that were not kept included.
    pub total: u64,
    place: (ShapeNumber, usize),
}

/// One thing that is wrong.
pub struct Finding<'a> {
    shapes: &'a Shapes,
    shape: ShapeNumber,
    constraint: usize,
    focus: Cow<'a, str>,
    value: Option<Cow<'a, str>>,
    said: Option<Box<Said>>,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        shapes: &'a Shapes,
        findings: Vec<Finding<'a>>,
        counts: BTreeMap<(ShapeNumber, usize), Count>,
        focus_nodes: u64,
    ) -> Self {
        let group = |(place, count): (&(ShapeNumber, usize), &Count)| {
            let (shape, constraint) = *place;
            let about = &shapes.shapes[shape];
            let rule = &about.constraints[constraint];
            Group {
                shape: shown(shapes.constants.text(about.node)),
                path: message::subject(shapes, shape),
                message: general(shapes, about, rule),
                demand: message::demand(shapes, rule),
                component: component(shapes, rule),
                severity: shapes.constants.text(about.severity)[1..].to_owned(),
                total: count.total,
                place: *place,
            }
        };
        Self {
            groups: counts.iter().map(group).collect(),
            shapes,
            findings,
            focus_nodes,
        }
    }

    /// Whether nothing was found, of whatever severity.
    pub fn conforms(&self) -> bool {
        self.groups.is_empty()
    }

    /// Number of findings, those that were not kept included.
    pub fn total(&self) -> u64 {
        self.groups.iter().map(|group| group.total).sum()
    }

    /// Number of shapes.
    pub fn shapes(&self) -> usize {
        self.shapes.len()
    }

    /// Number of nodes that were checked, counted once for each shape with a target that names them.
    pub fn focus_nodes(&self) -> u64 {
        self.focus_nodes
    }

    /// What was found by constraint, in the order of the shapes.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The findings that were kept: by the shape whose target named the node, then by node.
    pub fn findings(&self) -> &[Finding<'a>] {
        &self.findings
    }

    /// The findings that were kept of one group.
    pub fn of(&self, group: &Group) -> impl Iterator<Item = &Finding<'a>> {
        let place = group.place;
        self.findings
            .iter()
            .filter(move |finding| finding.place() == place)
    }
}

impl<'a> Finding<'a> {
    pub(super) fn new(
        shapes: &'a Shapes,
        fault: Fault,
        focus: Cow<'a, str>,
        value: Option<Cow<'a, str>>,
    ) -> Self {
        Self {
            shapes,
            shape: fault.shape,
            constraint: fault.constraint,
            focus,
            value,
            said: fault.said,
        }
    }

    pub(super) fn place(&self) -> (ShapeNumber, usize) {
        (self.shape, self.constraint)
    }

    fn about(&self) -> &'a Shape {
        &self.shapes.shapes[self.shape]
    }

    fn rule(&self) -> &'a Constraint {
        &self.about().constraints[self.constraint]
    }

    fn said(&self) -> Option<&Said> {
        self.said.as_deref()
    }

    /// The node that it is wrong with, encoded as [`crate::model::term`] says.
    pub fn focus(&self) -> &str {
        &self.focus
    }

    /// The value that is wrong, if it is one, encoded.
    pub fn value(&self) -> Option<&str> {
        let said = self.said().and_then(|said| said.value.as_deref());
        said.or(self.value.as_deref())
    }

    /// Where the values are, as people write it; nothing if the shape looks at the node itself.
    pub fn path(&self) -> Option<String> {
        match self.said().and_then(|said| said.path.as_deref()) {
            Some(path) => Some(shown(path)),
            None => self.about().path.as_ref().map(shown_path),
        }
    }

    /// The shape, encoded.
    pub fn shape(&self) -> &'a str {
        self.shapes.constants.text(self.about().node)
    }

    /// IRI of the component.
    pub fn component(&self) -> String {
        component(self.shapes, self.rule())
    }

    /// IRI of the severity.
    pub fn severity(&self) -> &'a str {
        &self.shapes.constants.text(self.about().severity)[1..]
    }

    /// What is wrong, in words: encoded strings, of which the first is for people who read one.
    pub fn messages(&self) -> Vec<String> {
        if let Some(message) = self.said().and_then(|said| said.message.clone()) {
            return vec![message];
        }
        let templates = templates(self.about(), self.rule());
        if templates.is_empty() {
            return vec![term::string(&message::demand(self.shapes, self.rule()))];
        }
        let text = |template: &Constant| {
            let template = self.shapes.constants.text(*template);
            let lexical = term::lexical(template).unwrap_or_default();
            let head = &template[..template.len() - lexical.len()];
            format!("{head}{}", filled(lexical, &|name| self.variable(name)))
        };
        templates.iter().map(text).collect()
    }

    /// What a variable in a message stands for.
    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "this" => return Some(spoken(&self.focus)),
            "value" => return self.value().map(spoken),
            "path" | "PATH" => return self.path(),
            _ => {}
        }
        let said = self.said().into_iter().flat_map(|said| &said.variables);
        let mut said = said.filter(|(known, _)| known == name);
        if let Some((_, value)) = said.next() {
            return Some(spoken(value));
        }
        let Constraint::Query(rule) = self.rule() else {
            return None;
        };
        let mut values = rule.values.iter().filter(|(known, _)| known == name);
        values.next().map(|(_, value)| spoken(&term::encode(value)))
    }
}

/// The messages that shapes have for a constraint: those of the shape, else those of the query.
fn templates<'s>(about: &'s Shape, rule: &'s Constraint) -> &'s [Constant] {
    match rule {
        // A constraint of its own has a message of its own; a component's is the last resort.
        Constraint::Query(query) if query.component.is_none() && !query.messages.is_empty() => {
            &query.messages
        }
        Constraint::Query(query) if about.messages.is_empty() => &query.messages,
        _ => &about.messages,
    }
}

/// What is wrong with all nodes of a group, in words.
fn general(shapes: &Shapes, about: &Shape, rule: &Constraint) -> String {
    let template = templates(about, rule).first();
    let text = template.and_then(|template| term::lexical(shapes.constants.text(*template)));
    text.map_or_else(|| message::demand(shapes, rule), str::to_owned)
}

fn component(shapes: &Shapes, rule: &Constraint) -> String {
    match (rule.component(), rule) {
        (Some(name), _) => sh(name)[1..].to_owned(),
        (None, Constraint::Query(query)) => {
            let node = query.component.map(|node| shapes.constants.text(node));
            node.map_or_else(String::new, |node| node[1..].to_owned())
        }
        (None, _) => String::new(),
    }
}
