//! Terms by name and names of nodes.

use super::Graph;
use crate::Error;
use crate::knowledge::PROVENANCE;
use crate::knowledge::segment::NONE;
use crate::model::{Dataset, term};
use std::ops::Range;

impl Graph {
    /// The number of an encoded term.
    pub fn find(&self, encoded: &str) -> Option<u32> {
        self.meta.ranges.find(encoded, |number| self.term(number))
    }

    /// The number of an IRI.
    pub fn find_iri(&self, iri: &str) -> Option<u32> {
        self.find(&term::iri(iri))
    }

    /// A user by IRI or by the id that the dumps use.
    pub fn find_user(&self, name: &str) -> Option<u32> {
        self.find_named(name, |d| &d.user_iri, self.users())
    }

    /// An item by IRI or by the id that the dumps use.
    pub fn find_item(&self, name: &str) -> Option<u32> {
        self.find_named(name, |d| &d.item_iri, self.items())
    }

    fn find_named(
        &self,
        name: &str,
        template: fn(&Dataset) -> &String,
        range: Range<u32>,
    ) -> Option<u32> {
        let mut names = Dataset::iris(&self.meta.datasets, name, template);
        names.find_map(|iri| self.find_iri(&iri).filter(|id| range.contains(id)))
    }

    /// The IRI of a node or a property; none of a blank node or a literal.
    pub fn iri(&self, number: u32) -> Option<&str> {
        term::as_iri(self.term(number))
    }

    /// The IRI of a node or a property; of a blank node or a literal how it is encoded.
    pub fn name(&self, number: u32) -> &str {
        self.iri(number).unwrap_or_else(|| self.term(number))
    }

    /// The name of a node: its best label, else the last part of its IRI.
    pub fn label(&self, node: u32) -> &str {
        match self.labels.get(node as usize) {
            Some(&label) if label != NONE => term::lexical(self.term(label)).unwrap_or_default(),
            _ => local_name(self.term(node)),
        }
    }

    /// What is known of a source or a computation under a property: its first text there.
    pub fn described(&self, node: u32, property: &str) -> Option<&str> {
        let (property, provenance) = (self.find_iri(property)?, self.find_iri(PROVENANCE)?);
        // Others may speak of it too.
        let said = |pair: &&[u32; 2]| {
            let mut facts = self.facts([node, property, pair[1]]);
            facts.any(|fact| self.graph_of(fact) == provenance)
        };
        let [_, text] = self.objects(node, property).iter().find(said)?;
        term::lexical(self.term(*text))
    }

    /// The dataset that an item or user belongs to: the one whose names it has the longest start in common with, else
    /// the first.
    pub fn dataset_of(&self, node: u32) -> Option<&Dataset> {
        let iri = self.iri(node).unwrap_or_default();
        let stem = |template: &'_ str| template.find("{}").unwrap_or(template.len());
        let shared = |d: &Dataset| {
            let (user, item) = (&d.user_iri, &d.item_iri);
            let stems = [&user[..stem(user)], &item[..stem(item)], &d.base];
            let fitting = stems.into_iter().filter(|stem| iri.starts_with(stem));
            fitting.map(str::len).max().unwrap_or(0)
        };
        // Of equals, the last is the largest.
        self.meta.datasets.iter().rev().max_by_key(|d| shared(d))
    }

    /// An error that says that a user or an item is unknown.
    pub fn unknown(&self, what: &str, name: &str) -> Error {
        Error::not_found(format!("there is no {what} `{name}` in the graph"))
            .hint("`kenning query 'SELECT * { ?s ?p ?o } LIMIT 10'` shows the names of things")
    }
}

/// The last part of an IRI, for nodes without a label.
fn local_name(encoded: &str) -> &str {
    let iri = term::as_iri(encoded)
        .or(encoded.strip_prefix('_'))
        .unwrap_or(encoded);
    let name = iri.trim_end_matches(['/', '#']);
    name.rsplit(['/', '#', ':'])
        .next()
        .filter(|n| !n.is_empty())
        .unwrap_or(iri)
}
