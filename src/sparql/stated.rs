//! What is stated, without anything virtual.

use super::Dataset;
use crate::graph::changes::Quad;
use crate::model::{change, term};
use rustc_hash::FxHashSet;

impl<'a> Dataset<'a> {
    /// The statements of the graphs that are `wanted` by their encoded names: facts of the frozen graph that still stand,
    /// sorted by triple, then what was added.
    pub fn stated<'b>(
        &'b self,
        wanted: &dyn Fn(&str) -> bool,
    ) -> impl Iterator<Item = Quad> + use<'a, 'b> {
        let (graph, changes) = (self.graph, self.changes);
        let all = (0..graph.fact_count()).map(|fact| graph.graph_of(fact));
        let added = changes.added([None; 3]).map(|quad| quad[3]);
        let mut names: FxHashSet<u32> = all.chain(added).collect();
        names.retain(|&name| wanted(self.term(name)));
        let facts = 0..graph.fact_count();
        let within = names.clone();
        let facts = facts.filter(move |&fact| within.contains(&graph.graph_of(fact)));
        let facts = facts.filter_map(|fact| {
            let fact = graph.fact(fact)?;
            let [s, p, o] = fact.triple;
            Some([s, p, o, fact.graph])
        });
        let facts = facts.filter(|&quad| !changes.is_removed(quad));
        let added = changes.added([None; 3]);
        facts.chain(added.filter(move |quad| names.contains(&quad[3])))
    }

    /// A statement as a quad; `None` if its terms do not make one.
    pub fn quad(&self, quad: Quad) -> Option<oxrdf::Quad> {
        let [s, p, o, g] = quad.map(|number| term::decode(self.term(number)));
        change::quad([s, p, o], g)
    }
}
