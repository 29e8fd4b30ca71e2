//! What was added to a graph and taken from it since it was frozen: a small overlay that queries read with it.
//!
//! Terms that the graph does not have are numbered on from its last; so one `u32` names a term of either.
//! Cloning is cheap, for the tables share what did not change: a query keeps the overlay that it began with.

mod events;

pub use events::NewEvent;

use super::{FactRef, Graph};
use crate::model::term;
use crate::vocabulary::{EDGE, EVENT};
use rpds::{HashTrieMapSync, HashTrieSetSync, RedBlackTreeSetSync, VectorSync};
use std::ops::RangeInclusive;

/// A statement over term numbers: subject, predicate, object, named graph.
pub type Quad = [u32; 4];

/// Quads that were added, and facts of the graph that were removed.
#[derive(Clone)]
pub struct Changes {
    first: u32,
    terms: VectorSync<String>,
    numbers: HashTrieMapSync<String, u32>,
    by_subject: RedBlackTreeSetSync<[u32; 4]>,
    by_predicate: RedBlackTreeSetSync<[u32; 4]>,
    by_object: RedBlackTreeSetSync<[u32; 4]>,
    names_edges: bool,
    removed: HashTrieSetSync<Quad>,
    /// Those of the removed that nobody took away: what they were derived from does not stand.
    fallen: HashTrieSetSync<Quad>,
}

impl Changes {
    /// No changes to `graph`.
    pub fn none(graph: &Graph) -> Self {
        Self {
            first: graph.term_count(),
            terms: VectorSync::new_sync(),
            numbers: HashTrieMapSync::new_sync(),
            by_subject: RedBlackTreeSetSync::new_sync(),
            by_predicate: RedBlackTreeSetSync::new_sync(),
            by_object: RedBlackTreeSetSync::new_sync(),
            names_edges: false,
            removed: HashTrieSetSync::new_sync(),
            fallen: HashTrieSetSync::new_sync(),
        }
    }

    /// Whether the graph is as it was frozen.
    pub fn is_empty(&self) -> bool {
        self.by_subject.is_empty() && self.removed.is_empty()
    }

    /// Number of quads added.
    pub fn added_count(&self) -> usize {
        self.by_subject.size()
    }

    /// Number of facts removed.
    pub fn removed_count(&self) -> usize {
        self.removed.size()
    }

    /// Number of terms that the graph does not have.
    pub fn term_count(&self) -> usize {
        self.terms.len()
    }

    /// Whether one of those terms is a triple, or the IRI of an edge or an event.
    pub fn names_edges(&self) -> bool {
        self.names_edges
    }

    /// The encoded term of a number from [`Graph::term_count`] on.
    pub fn term(&self, number: u32) -> Option<&str> {
        let index = number.checked_sub(self.first)?;
        Some(self.terms.get(index as usize)?)
    }

    /// The number of an encoded term that the graph does not have.
    pub fn find(&self, encoded: &str) -> Option<u32> {
        self.numbers.get(encoded).copied()
    }

    /// Whether a fact of the graph was removed.
    pub fn is_removed(&self, quad: Quad) -> bool {
        !self.removed.is_empty() && self.removed.contains(&quad)
    }

    /// Whether a fact of the graph was not removed.
    pub fn shows(&self, fact: &FactRef) -> bool {
        let [s, p, o] = fact.triple;
        !self.is_removed([s, p, o, fact.graph])
    }

    /// The facts of the graph that were removed, in no order.
    pub fn removed(&self) -> impl Iterator<Item = Quad> + '_ {
        self.removed.iter().copied()
    }

    /// The quads added whose subject, predicate and object are as given.
    pub fn added(&self, [s, p, o]: [Option<u32>; 3]) -> Box<dyn Iterator<Item = Quad> + '_> {
        let wanted = move |quad: &Quad| {
            let fits = |part: Option<u32>, value: u32| part.is_none_or(|part| part == value);
            fits(s, quad[0]) && fits(p, quad[1]) && fits(o, quad[2])
        };
        match (s, p, o) {
            (Some(s), p, _) => {
                let found = self.by_subject.range(prefix(s, p));
                Box::new(found.copied().filter(wanted))
            }
            (None, p, Some(o)) => {
                let found = self.by_object.range(prefix(o, p));
                let quads = found.map(|&[o, p, s, g]| [s, p, o, g]);
                Box::new(quads.filter(wanted))
            }
            (None, Some(p), None) => {
                let found = self.by_predicate.range(prefix(p, None));
                Box::new(found.map(|&[p, o, s, g]| [s, p, o, g]))
            }
            (None, None, None) => Box::new(self.by_subject.iter().copied()),
        }
    }

    /// Adds a quad of encoded terms; false if it stands already.
    pub fn insert(&mut self, graph: &Graph, quad: [&str; 4]) -> bool {
        let quad = quad.map(|text| self.number(graph, text));
        self.add(graph, quad)
    }

    /// Adds a quad; false if it stands already.
    pub fn add(&mut self, graph: &Graph, quad: Quad) -> bool {
        if self.is_fact(graph, quad) {
            return self.bring_back(graph, quad);
        }
        if self.by_subject.contains(&quad) {
            return false;
        }
        let [s, p, o, g] = quad;
        self.by_subject.insert_mut([s, p, o, g]);
        self.by_predicate.insert_mut([p, o, s, g]);
        self.by_object.insert_mut([o, p, s, g]);
        self.rise(graph, [s, p, o]);
        true
    }

    /// What was derived comes back only with all that it was derived from.
    fn bring_back(&mut self, graph: &Graph, quad: Quad) -> bool {
        if !self.removed.contains(&quad) || self.fallen.contains(&quad) {
            return false;
        }
        let mut facts = graph.facts(triple(quad));
        match facts.any(|fact| graph.graph_of(fact) == quad[3] && !self.holds(graph, fact)) {
            true => self.fallen.insert_mut(quad),
            false => {
                self.removed.remove_mut(&quad);
                self.rise(graph, triple(quad));
            }
        }
        true
    }

    /// Removes a quad of encoded terms; false if it does not stand.
    pub fn remove(&mut self, graph: &Graph, quad: [&str; 4]) -> bool {
        let found = quad.map(|text| graph.find(text).or_else(|| self.find(text)));
        let [Some(s), Some(p), Some(o), Some(g)] = found else {
            return false;
        };
        self.take(graph, [s, p, o, g])
    }

    /// Removes a quad; false if it does not stand. What was derived from its triple falls with it, unless another source
    /// states that too; it comes back with its premises, unless it was removed itself.
    pub fn take(&mut self, graph: &Graph, quad: Quad) -> bool {
        let [s, p, o, g] = quad;
        if self.is_fact(graph, quad) {
            // What had fallen only does not come back by itself any more.
            let stood = !self.removed.contains(&quad) || self.fallen.remove_mut(&quad);
            self.removed.insert_mut(quad);
            if stood {
                self.fall(graph, [s, p, o]);
            }
            return stood;
        }
        self.by_predicate.remove_mut(&[p, o, s, g]);
        self.by_object.remove_mut(&[o, p, s, g]);
        let stood = self.by_subject.remove_mut(&quad);
        if stood {
            self.fall(graph, [s, p, o]);
        }
        stood
    }

    /// Facts whose kept proofs rest on a triple that stands no more are removed too.
    fn fall(&mut self, graph: &Graph, first: [u32; 3]) {
        let mut lost = vec![first];
        while let Some(triple) = lost.pop() {
            if self.states(graph, triple) {
                continue;
            }
            for conclusion in conclusions(graph, triple) {
                if !self.removed.contains(&conclusion.quad) {
                    self.removed.insert_mut(conclusion.quad);
                    self.fallen.insert_mut(conclusion.quad);
                    lost.push(conclusion.triple());
                }
            }
        }
    }

    /// Facts that fell with a triple that stands again stand again too, if all their premises do.
    fn rise(&mut self, graph: &Graph, first: [u32; 3]) {
        let mut regained = vec![first];
        while let Some(triple) = regained.pop() {
            if self.fallen.is_empty() {
                return;
            }
            for conclusion in conclusions(graph, triple) {
                if self.fallen.contains(&conclusion.quad) && self.holds(graph, conclusion.fact) {
                    self.removed.remove_mut(&conclusion.quad);
                    self.fallen.remove_mut(&conclusion.quad);
                    regained.push(conclusion.triple());
                }
            }
        }
    }

    /// Whether all that a fact was derived from stands.
    fn holds(&self, graph: &Graph, fact: u64) -> bool {
        let mut premises = graph.premises(fact).unwrap_or_default().iter();
        premises.all(|&premise| {
            let premise = graph.fact(premise);
            premise.is_some_and(|premise| self.states(graph, premise.triple))
        })
    }

    /// Whether a triple stands in any graph.
    fn states(&self, graph: &Graph, triple: [u32; 3]) -> bool {
        let [s, p, o] = triple;
        let mut facts = graph.facts(triple);
        facts.any(|fact| !self.removed.contains(&[s, p, o, graph.graph_of(fact)]))
            || self.added(triple.map(Some)).next().is_some()
    }

    fn is_fact(&self, graph: &Graph, [s, p, o, g]: Quad) -> bool {
        let mut facts = graph.facts([s, p, o]);
        facts.any(|fact| graph.graph_of(fact) == g)
    }

    /// The number of an encoded term, which gets one if neither the graph nor the overlay has it.
    pub fn number(&mut self, graph: &Graph, encoded: &str) -> u32 {
        if let Some(number) = graph.find(encoded).or_else(|| self.find(encoded)) {
            return number;
        }
        let number = self.first + self.terms.len() as u32;
        self.names_edges |= may_name_edge(encoded);
        self.terms.push_back_mut(encoded.to_owned());
        self.numbers.insert_mut(encoded.to_owned(), number);
        number
    }

    /// What kind of term a number from [`Graph::term_count`] on stands for.
    pub fn kind(&self, number: u32) -> Option<term::Kind> {
        self.term(number).map(term::kind)
    }
}

/// Whether an encoded term has the form of one that stands for an edge or an event.
pub fn may_name_edge(encoded: &str) -> bool {
    let numbered = |iri: &str| iri.starts_with(EDGE) || iri.starts_with(EVENT);
    encoded.starts_with('(') || encoded.strip_prefix('<').is_some_and(numbered)
}

/// A derived fact.
struct Conclusion {
    fact: u64,
    quad: Quad,
}

impl Conclusion {
    fn triple(&self) -> [u32; 3] {
        triple(self.quad)
    }
}

/// The facts that were derived from a triple.
fn conclusions(graph: &Graph, triple: [u32; 3]) -> impl Iterator<Item = Conclusion> {
    // Without derived facts there is no need of the index.
    let facts = graph.facts(triple).filter(|_| !graph.derived().is_empty());
    let conclusions = facts.flat_map(|fact| graph.conclusions(fact));
    conclusions.filter_map(|fact| {
        let FactRef { triple, graph, .. } = graph.fact(fact)?;
        let [s, p, o] = triple;
        Some(Conclusion {
            fact,
            quad: [s, p, o, graph],
        })
    })
}

fn triple([s, p, o, _]: Quad) -> [u32; 3] {
    [s, p, o]
}

fn prefix(first: u32, second: Option<u32>) -> RangeInclusive<[u32; 4]> {
    let (low, high) = second.map_or((0, u32::MAX), |second| (second, second));
    [first, low, 0, 0]..=[first, high, u32::MAX, u32::MAX]
}
