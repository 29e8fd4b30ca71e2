//! The graph behind spareval's eyes: quads for a pattern, terms as integers.

use super::edges::Virtual;
use crate::graph::Graph;
use crate::model::{EvidenceId, term};
use oxigraph::model::Term;
use rustc_hash::{FxBuildHasher, FxHashMap};
use spareval::{InternalQuad, QueryableDataset};
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::rc::Rc;

/// A term during one query. Equal terms have equal ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TermId {
    /// A term of the graph.
    Known(u32),
    /// The reifier of an edge.
    Reifier(EvidenceId),
    /// The triple term of an edge; of a fact that several sources state, the first edge.
    Triple(EvidenceId),
    /// A term that only this query knows.
    Local(u32),
}

impl TermId {
    /// The term's number in the graph.
    pub(super) fn known(self) -> Option<u32> {
        match self {
            Self::Known(id) => Some(id),
            _ => None,
        }
    }
}

/// IRIs of reifiers, before the number of the edge.
pub(super) const EDGE: &str = "urn:kenning:edge:";

/// Terms that are not in the graph, and numbers already turned into literals.
#[derive(Default)]
pub(super) struct Locals {
    terms: Vec<Term>,
    ids: HashMap<Term, u32, FxBuildHasher>,
    literals: FxHashMap<(&'static str, u64), TermId>,
}

/// The frozen graph as a dataset for one query.
#[derive(Clone)]
pub struct GraphDataset<'a> {
    pub(super) graph: &'a Graph,
    pub(super) names: Rc<Virtual>,
    locals: Rc<RefCell<Locals>>,
    graphs: Rc<OnceCell<BTreeSet<u32>>>,
}

type Quad = Result<InternalQuad<TermId>, Infallible>;

impl<'a> GraphDataset<'a> {
    /// The dataset of `graph`.
    pub fn new(graph: &'a Graph) -> Self {
        Self {
            graph,
            names: Rc::new(Virtual::new(graph)),
            locals: Rc::default(),
            graphs: Rc::default(),
        }
    }

    /// The id of a term.
    pub(super) fn id(&self, term: Term) -> TermId {
        if let Term::NamedNode(node) = &term
            && let Some(number) = node.as_str().strip_prefix(EDGE)
            && let Ok(edge) = number.parse()
            && edge < self.graph.edge_count()
            && !(number.len() > 1 && number.starts_with('0'))
        {
            return TermId::Reifier(EvidenceId(edge));
        }
        if let Term::Triple(triple) = &term {
            let parts = [
                self.id(triple.subject.clone().into()),
                self.id(triple.predicate.clone().into()),
                self.id(triple.object.clone()),
            ];
            if let Some(edge) = self.edge_of(parts) {
                return TermId::Triple(edge);
            }
        }
        match self.graph.find(&term::encode(&term)) {
            Some(id) => TermId::Known(id),
            None => self.local(term),
        }
    }

    fn local(&self, term: Term) -> TermId {
        let mut locals = self.locals.borrow_mut();
        if let Some(&id) = locals.ids.get(&term) {
            return TermId::Local(id);
        }
        let id = locals.terms.len() as u32;
        locals.terms.push(term.clone());
        locals.ids.insert(term, id);
        TermId::Local(id)
    }

    /// The id of a literal that is made from a number; `bits` tell numbers of one `datatype` apart.
    pub(super) fn literal(
        &self,
        datatype: &'static str,
        bits: u64,
        text: impl FnOnce() -> String,
    ) -> TermId {
        if let Some(&id) = self.locals.borrow().literals.get(&(datatype, bits)) {
            return id;
        }
        let id = self.id(term::decode(&term::typed(&text(), datatype)));
        self.locals
            .borrow_mut()
            .literals
            .insert((datatype, bits), id);
        id
    }

    fn term(&self, id: TermId) -> Term {
        match id {
            TermId::Known(id) => term::decode(self.graph.term(id)),
            TermId::Reifier(EvidenceId(edge)) => {
                oxigraph::model::NamedNode::new_unchecked(format!("{EDGE}{edge}")).into()
            }
            TermId::Triple(edge) => self.triple_term(edge),
            TermId::Local(id) => self.locals.borrow().terms[id as usize].clone(),
        }
    }

    /// The named graphs of facts.
    fn fact_graphs(&self) -> &BTreeSet<u32> {
        self.graphs.get_or_init(|| {
            let facts = 0..self.graph.fact_count();
            facts.map(|fact| self.graph.graph_of(fact)).collect()
        })
    }

    /// Facts that match, as quads.
    fn facts(
        &self,
        pattern: [Option<u32>; 3],
        graph_name: Option<Option<u32>>,
    ) -> impl Iterator<Item = Quad> + use<'a> {
        let graph = self.graph;
        let triples = Triples::matching(graph, pattern);
        let (default, named) = match graph_name {
            Some(None) => (Some(triples), None),
            Some(Some(wanted)) => (None, Some((triples, Some(wanted)))),
            None => (None, Some((triples, None))),
        };
        let default = default
            .into_iter()
            .flatten()
            .map(|triple| quad(triple, None));
        let named = named.into_iter().flat_map(move |(triples, wanted)| {
            triples.flat_map(move |triple| {
                let graphs = graph.facts(triple).map(move |fact| graph.graph_of(fact));
                let wanted = graphs.filter(move |&g| wanted.is_none_or(|w| w == g));
                wanted.map(move |g| quad(triple, Some(g)))
            })
        });
        default.chain(named)
    }
}

fn quad([s, p, o]: [u32; 3], graph: Option<u32>) -> Quad {
    Ok(InternalQuad {
        subject: TermId::Known(s),
        predicate: TermId::Known(p),
        object: TermId::Known(o),
        graph_name: graph.map(TermId::Known),
    })
}

impl<'a> QueryableDataset<'a> for GraphDataset<'a> {
    type InternalTerm = TermId;
    type Error = Infallible;

    fn internal_quads_for_pattern(
        &self,
        subject: Option<&TermId>,
        predicate: Option<&TermId>,
        object: Option<&TermId>,
        graph_name: Option<Option<&TermId>>,
    ) -> impl Iterator<Item = Quad> + use<'a> {
        let pattern = [subject.copied(), predicate.copied(), object.copied()];
        let graph_name = graph_name.map(|g| g.copied());
        // A term that the graph does not know is in no fact.
        let known = pattern.map(|term| term.map(TermId::known));
        let named = graph_name.map(|g| g.map(TermId::known));
        let none = |term: &Option<Option<u32>>| *term == Some(None);
        let possible = !known.iter().any(none) && named != Some(Some(None));
        let facts =
            possible.then(|| self.facts(known.map(Option::flatten), named.map(Option::flatten)));
        let facts = facts.into_iter().flatten();
        let edges = self
            .names
            .concerns(pattern[1])
            .then(|| self.edges(pattern, graph_name));
        facts.chain(edges.into_iter().flatten())
    }

    fn internal_named_graphs(&self) -> impl Iterator<Item = Result<TermId, Infallible>> + use<'a> {
        let mut graphs = self.fact_graphs().clone();
        graphs.extend(self.names.graphs());
        graphs.into_iter().map(|graph| Ok(TermId::Known(graph)))
    }

    fn contains_internal_graph_name(&self, name: &TermId) -> Result<bool, Infallible> {
        Ok(name.known().is_some_and(|graph| {
            self.fact_graphs().contains(&graph) || self.names.graphs().contains(&graph)
        }))
    }

    fn internalize_term(&self, term: Term) -> Result<TermId, Infallible> {
        Ok(self.id(term))
    }

    fn externalize_term(&self, id: TermId) -> Result<Term, Infallible> {
        Ok(self.term(id))
    }
}

/// Distinct triples of facts that match a pattern: a run of sorted pairs beside one fixed part.
struct Triples<'a> {
    rows: Rows<'a>,
    pairs: &'a [[u32; 2]],
    fixed: u32,
    order: Order,
    second: Option<u32>,
}

/// Which rows follow when the present one is read.
enum Rows<'a> {
    None,
    AllFrom { graph: &'a Graph, next: u32 },
}

/// What the fixed part and the pairs are.
#[derive(Clone, Copy)]
enum Order {
    Subject,
    Predicate,
    Object,
}

impl<'a> Triples<'a> {
    fn matching(graph: &'a Graph, pattern: [Option<u32>; 3]) -> Self {
        let run = |fixed, order, pairs, second| Self {
            rows: Rows::None,
            pairs,
            fixed,
            order,
            second,
        };
        match pattern {
            [Some(s), Some(p), o] => run(s, Order::Subject, graph.objects(s, p), o),
            [Some(s), None, Some(o)] if graph.outgoing(s).len() > graph.incoming(o).len() => {
                run(o, Order::Object, graph.incoming(o), Some(s))
            }
            [Some(s), None, o] => run(s, Order::Subject, graph.outgoing(s), o),
            [None, Some(p), Some(o)] => run(o, Order::Object, graph.subjects(o, p), None),
            [None, Some(p), None] => run(p, Order::Predicate, graph.pairs(p), None),
            [None, None, Some(o)] => run(o, Order::Object, graph.incoming(o), None),
            [None, None, None] => Self {
                rows: Rows::AllFrom { graph, next: 0 },
                ..run(0, Order::Subject, &[], None)
            },
        }
    }
}

impl Iterator for Triples<'_> {
    type Item = [u32; 3];

    fn next(&mut self) -> Option<[u32; 3]> {
        loop {
            while let Some((&[a, b], rest)) = self.pairs.split_first() {
                self.pairs = rest;
                let repeated = rest.first() == Some(&[a, b]);
                if repeated || self.second.is_some_and(|wanted| wanted != b) {
                    continue;
                }
                return Some(match self.order {
                    Order::Subject => [self.fixed, a, b],
                    Order::Predicate => [b, self.fixed, a],
                    Order::Object => [b, a, self.fixed],
                });
            }
            let Rows::AllFrom { graph, next } = &mut self.rows else {
                return None;
            };
            if !graph.nodes().contains(next) {
                return None;
            }
            self.fixed = *next;
            self.pairs = graph.outgoing(*next);
            *next += 1;
        }
    }
}
