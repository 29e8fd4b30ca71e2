//! What is stated, without anything virtual.

use super::Dataset;
use crate::graph::changes::Quad;
use crate::model::{change, term};

impl<'a> Dataset<'a> {
    /// The statements of the graphs that are `wanted` by their encoded names: facts of the frozen graph that still stand,
    /// by graph and triple, then what was added.
    pub fn stated<'w>(
        self,
        wanted: &'w dyn Fn(&str) -> bool,
    ) -> impl Iterator<Item = Quad> + use<'a, 'w> {
        let (graph, changes) = (self.graph, self.changes);
        let names = graph.graphs().iter().copied();
        let names = names.filter(move |&name| wanted(graph.term(name)));
        let facts = names.flat_map(|name| graph.facts_in(name));
        let facts = facts.filter_map(|fact| {
            let fact = graph.fact(fact)?;
            let [s, p, o] = fact.triple;
            Some([s, p, o, fact.graph])
        });
        let facts = facts.filter(|&quad| !changes.is_removed(quad));
        let added = changes.added([None; 3]);
        facts.chain(added.filter(move |quad| wanted(self.term(quad[3]))))
    }

    /// A statement as a quad; `None` if its terms do not make one.
    pub fn quad(&self, quad: Quad) -> Option<oxrdf::Quad> {
        let [s, p, o, g] = quad.map(|number| term::decode(self.term(number)));
        change::quad([s, p, o], g)
    }
}
