//! The report in lines that people read.

use super::{Finding, Group, Report};
use crate::model::term;
use crate::validation::shown;
use crate::vocabulary::{SHACL, shorten};
use std::collections::BTreeMap;
use std::fmt::Write as _;

impl Report<'_> {
    /// The whole report in a line.
    pub fn summary(&self) -> String {
        let of = format!("{} nodes, {} shapes", self.focus_nodes(), self.shapes());
        if self.conforms() {
            return format!("conforms: {of}");
        }
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for group in self.groups() {
            *counts.entry(severity(&group.severity)).or_default() += group.total;
        }
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        let counts = counts.iter().rev();
        let counts = counts.map(|(severity, n)| format!("{n} {severity}{}", plural(*n)));
        let counts = counts.collect::<Vec<_>>().join(", ");
        format!("does not conform: {counts} ({of})")
    }

    /// One finding of each of the first constraints, in a line each.
    pub fn first(&self, most: usize) -> Vec<String> {
        let line = |group: &Group| {
            let path = group.path.as_ref();
            let path = path.map_or_else(String::new, |path| format!(" {path}"));
            let node = self.of(group).next().map(|finding| finding.line(group));
            let (message, node) = (&group.message, node.unwrap_or_default());
            format!("{}{path}: {message}: {node}", severity(&group.severity))
        };
        self.groups().iter().take(most).map(line).collect()
    }
}

impl Finding<'_> {
    /// It in a line: the node, the value, and its own message where that says more than the group's.
    pub fn line(&self, group: &Group) -> String {
        let mut line = shown(self.focus());
        // Writing to a string cannot fail.
        if let Some(path) = self.path().filter(|path| Some(path) != group.path.as_ref()) {
            let _ = write!(line, "  {path}");
        }
        if let Some(value) = self.value().filter(|value| *value != self.focus()) {
            let _ = write!(line, "  {}", shown(value));
        }
        let message = self.messages().into_iter().next();
        let message = message.as_deref().and_then(term::lexical);
        if let Some(message) = message.filter(|message| *message != group.message) {
            let _ = write!(line, "  — {message}");
        }
        line
    }
}

/// The last part of the IRI of a severity.
pub fn severity(iri: &str) -> String {
    match iri.strip_prefix(SHACL) {
        Some(name) => name.to_lowercase(),
        None => shorten(iri),
    }
}
