//! The graph behind spareval's eyes: quads for a pattern, terms as integers.

use super::edges::Virtual;
use crate::graph::Graph;
use crate::model::{EvidenceId, term};
use oxigraph::model::Term;
use oxigraph::sparql::CancellationToken;
use rustc_hash::{FxBuildHasher, FxHashMap};
use spareval::{InternalQuad, QueryableDataset};
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::rc::Rc;

/// A term during one query. Equal terms have equal ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TermId {
    /// A term of the graph, unless it is one of the following.
    Known(u32),
    /// The reifier of an edge.
    Reifier(EvidenceId),
    /// The triple term of an edge; of a fact that several sources state, the first edge.
    Triple(EvidenceId),
    /// A term that only this query knows.
    Local(u32),
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

/// Whether a document speaks of reifiers of edges.
fn names_edges(graph: &Graph) -> bool {
    let prefix = term::iri(EDGE);
    let mut resources = graph.items().end..graph.nodes().end;
    while resources.len() > 1 {
        let middle = resources.start + resources.len() as u32 / 2;
        match *graph.term(middle - 1) >= *prefix {
            true => resources.end = middle,
            false => resources.start = middle,
        }
    }
    graph.term(resources.start).starts_with(&prefix)
}

/// The id of a term that is the reifier or the triple of an edge.
fn edge_term(graph: &Graph, names: &Virtual, term: &Term) -> Option<TermId> {
    match term {
        Term::NamedNode(node) => {
            let number = node.as_str().strip_prefix(EDGE)?;
            let edge: u64 = number.parse().ok()?;
            let written_so = number == edge.to_string();
            (written_so && edge < graph.edge_count()).then_some(TermId::Reifier(EvidenceId(edge)))
        }
        Term::Triple(triple) => {
            let subject = graph.find(&term::encode(&triple.subject.clone().into()))?;
            let predicate = graph.find_iri(triple.predicate.as_str())?;
            let object = graph.find(&term::encode(&triple.object))?;
            let edge = names.edge_of(graph, [subject, predicate, object])?;
            Some(TermId::Triple(edge))
        }
        _ => None,
    }
}

/// The frozen graph as a dataset for one query.
#[derive(Clone)]
pub struct GraphDataset<'a> {
    pub(super) graph: &'a Graph,
    pub(super) names: Rc<Virtual>,
    locals: Rc<RefCell<Locals>>,
    graphs: Rc<OnceCell<BTreeSet<u32>>>,
    names_edges: bool,
    token: CancellationToken,
}

type Quad = Result<InternalQuad<TermId>, Infallible>;

impl<'a> GraphDataset<'a> {
    /// The dataset of `graph`.
    pub fn new(graph: &'a Graph) -> Self {
        Self::cancellable(graph, CancellationToken::new())
    }

    /// The dataset of `graph`, read no further once `token` is cancelled; give the same token to the evaluator.
    pub fn cancellable(graph: &'a Graph, token: CancellationToken) -> Self {
        Self {
            token,
            graph,
            names_edges: names_edges(graph),
            names: Rc::new(Virtual::new(graph)),
            locals: Rc::default(),
            graphs: Rc::default(),
        }
    }

    /// The id of a term.
    pub(super) fn id(&self, term: Term) -> TermId {
        if let Some(id) = edge_term(self.graph, &self.names, &term) {
            return id;
        }
        match self.graph.find(&term::encode(&term)) {
            Some(id) => TermId::Known(id),
            None => self.local(term),
        }
    }

    /// The id of a term of the graph: documents may speak of edges too.
    fn id_of(&self, number: u32) -> TermId {
        let graph = self.graph;
        let triple = graph.triples().contains(&number);
        let edge = self.names_edges
            && graph
                .term(number)
                .get(1..)
                .is_some_and(|iri| iri.starts_with(EDGE));
        let id = (triple || edge)
            .then(|| edge_term(graph, &self.names, &term::decode(graph.term(number))));
        id.flatten().unwrap_or(TermId::Known(number))
    }

    /// A term's number in the graph.
    pub(super) fn number(&self, id: TermId) -> Option<u32> {
        match id {
            TermId::Known(number) => Some(number),
            TermId::Reifier(_) if self.names_edges => {
                self.graph.find(&term::encode(&self.term(id)))
            }
            TermId::Triple(_) if !self.graph.triples().is_empty() => {
                self.graph.find(&term::encode(&self.term(id)))
            }
            _ => None,
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
        let this = self.clone();
        let quad = move |triple: [u32; 3], graph: Option<u32>| {
            let [subject, predicate, object] = triple.map(|number| this.id_of(number));
            Ok(InternalQuad {
                subject,
                predicate,
                object,
                graph_name: graph.map(|graph| this.id_of(graph)),
            })
        };
        let triples = Triples::matching(graph, pattern);
        let (default, named) = match graph_name {
            Some(None) => (Some(triples), None),
            Some(Some(wanted)) => (None, Some((triples, Some(wanted)))),
            None => (None, Some((triples, None))),
        };
        let default = default.into_iter().flatten();
        let default = default.map(|triple| (triple, None));
        let named = named.into_iter().flat_map(move |(triples, wanted)| {
            triples.flat_map(move |triple| {
                let graphs = graph.facts(triple).map(move |fact| graph.graph_of(fact));
                let wanted = graphs.filter(move |&g| wanted.is_none_or(|w| w == g));
                wanted.map(move |g| (triple, Some(g)))
            })
        });
        default
            .chain(named)
            .map(move |(triple, graph)| quad(triple, graph))
    }
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
        let known = pattern.map(|term| term.map(|id| self.number(id)));
        let named = graph_name.map(|g| g.map(|id| self.number(id)));
        let none = |term: &Option<Option<u32>>| *term == Some(None);
        let possible = !known.iter().any(none) && named != Some(Some(None));
        let facts =
            possible.then(|| self.facts(known.map(Option::flatten), named.map(Option::flatten)));
        let facts = facts.into_iter().flatten();
        let edges = self
            .names
            .concerns(pattern[1])
            .then(|| self.edges(pattern, graph_name));
        UntilCancelled {
            quads: facts.chain(edges.into_iter().flatten()),
            token: self.token.clone(),
            ended: false,
        }
    }

    fn internal_named_graphs(&self) -> impl Iterator<Item = Result<TermId, Infallible>> + use<'a> {
        let mut graphs = self.fact_graphs().clone();
        graphs.extend(self.names.graphs());
        let this = self.clone();
        graphs.into_iter().map(move |graph| Ok(this.id_of(graph)))
    }

    fn contains_internal_graph_name(&self, name: &TermId) -> Result<bool, Infallible> {
        Ok(self.number(*name).is_some_and(|graph| {
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

/// Quads until the query is cancelled, and then one more: the evaluator makes an error of it. Without an end here it
/// would make one of every quad that is left.
struct UntilCancelled<I> {
    quads: I,
    token: CancellationToken,
    ended: bool,
}

impl<I: Iterator> Iterator for UntilCancelled<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        if self.ended {
            return None;
        }
        self.ended = self.token.is_cancelled();
        self.quads.next()
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
