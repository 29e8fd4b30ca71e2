//! The items that a request allows.

use super::Asked;
use super::available::Windows;
use super::values::{equation, having, property};
use crate::graph::Graph;
use crate::model::{UnixSeconds, term};
use crate::sparql::{Dataset, Query, Results};
use crate::vocabulary::expand;
use crate::{Error, Result};
use oxrdf::{Term, Triple, Variable};

/// A set of items.
pub(super) struct Allowed {
    first: u32,
    items: Vec<bool>,
}

impl Allowed {
    /// What the request's lists and filters leave; `notes` says what each filter left.
    pub(super) fn find(asked: &Asked<'_>, notes: &mut Vec<String>) -> Result<Self> {
        let graph = asked.dataset.graph;
        let mut allowed = Self::nothing(graph);
        for item in graph.items() {
            let named = asked.only.is_none_or(|only| only.contains(&item));
            allowed.put(item, named && !asked.never.contains(&item));
        }
        for attribute in &asked.wishes.attributes {
            let having = Self::with_attribute(asked.dataset, attribute)?;
            allowed.narrow(&having);
            notes.push(format!("`{attribute}` leaves {}", allowed.left(graph)));
        }
        if let Some(text) = &asked.wishes.sparql {
            let found = Self::by_sparql(asked, text, notes)?;
            allowed.narrow(&found);
            notes.push(format!("the SPARQL filter leaves {}", allowed.left(graph)));
        }
        allowed.keep_available(asked, notes);
        Ok(allowed)
    }

    /// Whether an item is in.
    pub(super) fn has(&self, item: u32) -> bool {
        let index = item.checked_sub(self.first);
        index.is_some_and(|index| self.items.get(index as usize).is_some_and(|is_in| *is_in))
    }

    /// How many are in.
    pub(super) fn count(&self) -> usize {
        self.items.iter().filter(|is_in| **is_in).count()
    }

    fn nothing(graph: &Graph) -> Self {
        Self {
            first: graph.items().start,
            items: vec![false; graph.items().len()],
        }
    }

    /// Nodes that are no items are passed over; whether it was one.
    fn put(&mut self, node: u32, is_in: bool) -> bool {
        let index = node.checked_sub(self.first).map(|index| index as usize);
        let place = index.and_then(|index| self.items.get_mut(index));
        place.map(|place| *place = is_in).is_some()
    }

    fn narrow(&mut self, other: &Self) {
        let both = self.items.iter_mut().zip(&other.items);
        both.for_each(|(is_in, other)| *is_in &= other);
    }

    fn left(&self, graph: &Graph) -> String {
        format!("{} of {} items", self.count(), graph.items().len())
    }

    pub(super) fn with_attribute(dataset: Dataset<'_>, attribute: &str) -> Result<Self> {
        let mut found = Self::nothing(dataset.graph);
        let (iri, wanted) = equation(attribute, "--where")?;
        let Some(property) = property(dataset, &iri) else {
            return Ok(found);
        };
        let as_iri = expand(wanted);
        let fits = |value: u32| {
            let encoded = dataset.term(value);
            let labelled = dataset.graph.nodes().contains(&value);
            term::lexical(encoded) == Some(wanted)
                || term::as_iri(encoded) == Some(as_iri.as_str())
                || labelled && dataset.graph.label(value) == wanted
        };
        having(dataset, property, &fits, &mut |node| {
            found.put(node, true);
        });
        Ok(found)
    }

    pub(super) fn by_sparql(
        asked: &Asked<'_>,
        text: &str,
        notes: &mut Vec<String>,
    ) -> Result<Self> {
        let dataset = asked.dataset;
        let (limits, cancel) = asked.bounds;
        let mut found = Found {
            graph: dataset.graph,
            items: Self::nothing(dataset.graph),
            others: 0,
        };
        let query = Query::parse_within(&query_of(text), None, limits.memory)?;
        query.run(dataset, limits, cancel, &mut found)?;
        if found.others > 0 {
            let others = found.others;
            notes.push(format!(
                "the SPARQL filter finds {others} things that are no items"
            ));
        }
        Ok(found.items)
    }

    /// All that is available at the time of the request.
    pub(super) fn available(asked: &Asked<'_>) -> Self {
        let mut all = Self::nothing(asked.dataset.graph);
        all.items.iter_mut().for_each(|is_in| *is_in = true);
        all.keep_available(asked, &mut Vec::new());
        all
    }

    fn keep_available(&mut self, asked: &Asked<'_>, notes: &mut Vec<String>) {
        let graph = asked.dataset.graph;
        let at = asked.wishes.at.or(graph.meta.as_of).unwrap_or_else(now);
        let Some(mut windows) = Windows::new(asked.dataset, at) else {
            return;
        };
        let before = self.count();
        for (index, is_in) in (0..).zip(&mut self.items) {
            *is_in = *is_in && windows.hold(self.first + index);
        }
        let gone = before - self.count();
        if gone > 0 {
            notes.push(format!(
                "{gone} of {before} items are not available at the time"
            ));
        }
        if windows.unread > 0 {
            notes.push(format!(
                "{} times of availability cannot be read",
                windows.unread
            ));
        }
    }
}

fn now() -> UnixSeconds {
    jiff::Timestamp::now().as_second()
}

/// A query as it is; a pattern as the query for its `?item`.
fn query_of(text: &str) -> String {
    let first = text.split_whitespace().next().unwrap_or_default();
    let begins = |word: &str| first.eq_ignore_ascii_case(word);
    match ["select", "prefix", "base", "ask", "construct", "describe"]
        .into_iter()
        .any(begins)
    {
        true => text.to_owned(),
        false => format!("SELECT DISTINCT ?item WHERE {{ {text} }}"),
    }
}

/// Marks the items that a query finds.
struct Found<'a> {
    graph: &'a Graph,
    items: Allowed,
    others: usize,
}

fn no_filter() -> Error {
    Error::input("the SPARQL filter does not select one variable")
        .hint("`--sparql 'SELECT ?item { ?item schema:brand ?brand }'`")
}

impl Results for Found<'_> {
    fn boolean(&mut self, _: bool) -> Result<()> {
        Err(no_filter())
    }

    fn variables(&mut self, variables: &[Variable]) -> Result<()> {
        match variables {
            [_] => Ok(()),
            _ => Err(no_filter()),
        }
    }

    fn solution(&mut self, values: &[Option<Term>]) -> Result<()> {
        if let [Some(value)] = values {
            let node = self.graph.find(&term::encode(value));
            let is_item = node.is_some_and(|node| self.items.put(node, true));
            self.others += usize::from(!is_item);
        }
        Ok(())
    }

    fn triples(&mut self) -> Result<()> {
        Err(no_filter())
    }

    fn triple(&mut self, _: &Triple) -> Result<()> {
        Err(no_filter())
    }
}
