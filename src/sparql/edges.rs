//! Virtual triples: interactions, links, and the reifiers of all edges.

mod reifiers;

use super::events::EventNames;
use super::ids::{Id, Named, Terms, begins};
use super::plain::Plain;
use crate::graph::{Edge, Graph};
use crate::knowledge::PROVENANCE;
use crate::model::{EvidenceId, LinkKind, term};
use crate::vocabulary::{EDGE, EVENT, kenning, prov, rdf, xsd};
use oxrdf::{NamedNode, Term, Triple};

/// The numbers of the terms that virtual triples are made of. Every snapshot has them.
pub(super) struct Virtual {
    interacted: u32,
    links: [u32; LinkKind::ALL.len()],
    runs: [u32; LinkKind::ALL.len()],
    /// The computation that applies rules.
    reasoning: u32,
    reifies: u32,
    properties: Properties,
    interactions: u32,
    link_graph: u32,
    provenance: u32,
    pub(super) events: Option<EventNames>,
    /// Named graph of what was stated without one.
    pub(super) unnamed: Option<u32>,
    /// Whether a document speaks of triples or of reifiers of edges.
    pub(super) names_edges: bool,
    /// Of which of [`Plain::TYPES`] documents write literals.
    pub(super) writes: [bool; 3],
}

/// Predicates of reifiers.
struct Properties {
    derived_by: u32,
    derived_from: u32,
    generated_by: u32,
    at_time: u32,
    line: u32,
    confidence: u32,
    support: u32,
    score: u32,
}

impl Virtual {
    /// The numbers in `graph`: looked up once, for every query needs them.
    pub(super) fn of(graph: &Graph) -> &Self {
        graph.kept(|| Self::find(graph))
    }

    fn find(graph: &Graph) -> Self {
        // A snapshot without the term has no such triples either: no pattern names an id beyond the last.
        let id = |iri: &str| graph.find_iri(iri).unwrap_or(u32::MAX);
        Self {
            interacted: id(kenning::INTERACTED),
            links: LinkKind::ALL.map(|kind| id(kind.predicate())),
            runs: LinkKind::ALL.map(|kind| id(&kind.run())),
            reasoning: id(kenning::REASONING),
            reifies: id(rdf::REIFIES),
            properties: Properties {
                derived_by: id(kenning::DERIVED_BY),
                derived_from: id(prov::WAS_DERIVED_FROM),
                generated_by: id(prov::WAS_GENERATED_BY),
                at_time: id(prov::GENERATED_AT_TIME),
                line: id(kenning::LINE),
                confidence: id(kenning::CONFIDENCE),
                support: id(kenning::SUPPORT),
                score: id(kenning::SCORE),
            },
            interactions: id(kenning::INTERACTIONS),
            link_graph: id(kenning::LINKS),
            provenance: id(PROVENANCE),
            events: EventNames::find(graph),
            unnamed: graph.find_iri(kenning::DEFAULT_GRAPH),
            names_edges: names_edges(graph),
            writes: Plain::TYPES.map(|datatype| writes(graph, datatype)),
        }
    }

    /// The named graphs of virtual triples.
    pub(super) fn graphs(&self) -> [u32; 3] {
        [self.interactions, self.link_graph, self.provenance]
    }

    /// Whether this is `rdf:reifies`.
    pub(super) fn is_reifies(&self, predicate: Option<Id>) -> bool {
        predicate == Some(Id::known(self.reifies))
    }

    /// Whether a pattern with this predicate can match virtual triples.
    pub(super) fn concerns(&self, predicate: Option<Id>) -> bool {
        let Some(predicate) = predicate else {
            return true;
        };
        matches!(predicate.named(), Named::Known(p) if p == self.interacted
            || self.links.contains(&p)
            || self.reifier_predicates().contains(&p)
            || self.events.as_ref().is_some_and(|events| events.concerns(p)))
    }

    /// Whether a pattern can match virtual triples. Of what has a number only interactions and links are said.
    pub(super) fn can_match(&self, [s, p, _]: Pattern) -> bool {
        match p.map(Id::named) {
            None => true,
            Some(Named::Known(p)) if p == self.interacted || self.links.contains(&p) => true,
            Some(_) => !matches!(s.map(Id::named), Some(Named::Known(_))) && self.concerns(p),
        }
    }

    /// The edge that states these three terms, the first if several sources do.
    pub(super) fn edge_of(&self, graph: &Graph, triple: [u32; 3]) -> Option<EvidenceId> {
        let stated = stated(graph, triple);
        stated.or_else(|| self.computed(graph, triple))
    }

    /// The edge of these three terms that is no fact.
    fn computed(&self, graph: &Graph, [s, p, o]: [u32; 3]) -> Option<EvidenceId> {
        if p == self.interacted {
            return graph.interaction(s, o);
        }
        let mut kinds = LinkKind::ALL.into_iter().zip(self.links);
        let (kind, _) = kinds.find(|&(_, predicate)| predicate == p)?;
        let row = graph.links(kind, s);
        let index = row.to.iter().position(|&to| to == o)?;
        Some(EvidenceId(row.first + index as u64))
    }

    /// About how many virtual triples match a pattern with this predicate.
    pub(super) fn count(&self, graph: &Graph, s: Option<u32>, p: u32, o: Option<u32>) -> u64 {
        if p == self.interacted {
            return match (s, o) {
                (Some(_), Some(_)) => 1,
                (Some(user), None) => graph.met(user).len() as u64,
                (None, Some(item)) => graph.met_by(item).len() as u64,
                (None, None) => graph.interaction_count(),
            };
        }
        let mut kinds = LinkKind::ALL.into_iter().zip(self.links);
        if let Some((kind, _)) = kinds.find(|&(_, predicate)| predicate == p) {
            let items = graph.items().len().max(1) as u64;
            return match (s, o) {
                (Some(_), Some(_)) => 1,
                (Some(item), None) => graph.links(kind, item).to.len() as u64,
                (None, Some(_)) => graph.link_count(kind) / items + 1,
                (None, None) => graph.link_count(kind),
            };
        }
        if let Some(events) = self.events.as_ref().filter(|events| events.concerns(p)) {
            return match s {
                Some(_) => 0,
                None => events.count(graph, p, o),
            };
        }
        match (s, o) {
            (None, None) => self.said(graph, p),
            (None, Some(_)) => (self.said(graph, p) as f64 / self.values(graph, p)) as u64 + 1,
            _ => 1,
        }
    }

    /// About how often reifiers say something under a predicate.
    fn said(&self, graph: &Graph, p: u32) -> u64 {
        match p {
            p if p == self.properties.derived_by => graph.derived().len() as u64,
            p if p == self.properties.derived_from => graph.edge_count() + graph.premise_count(),
            _ => graph.edge_count(),
        }
    }

    /// About how many values reifiers have under a predicate.
    fn values(&self, graph: &Graph, p: u32) -> f64 {
        let edges = self.said(graph, p).max(1) as f64;
        match p {
            p if p == self.reifies => edges,
            // Few runs make many edges.
            p if p == self.properties.generated_by => self.runs.len() as f64 + 1.0,
            p if p == self.properties.derived_by => graph.graphs().len() as f64,
            _ => edges.sqrt(),
        }
    }

    /// About how many subjects and objects the virtual triples of this predicate have, if there are any.
    pub(super) fn distinct(&self, graph: &Graph, p: u32) -> Option<(f64, f64)> {
        let items = graph.items().len() as f64;
        if p == self.interacted {
            return Some((graph.users().len() as f64, items));
        }
        if self.links.contains(&p) {
            return Some((items, items));
        }
        if let Some(events) = self.events.as_ref().filter(|events| events.concerns(p)) {
            return events.distinct(graph, p);
        }
        let edges = graph.edge_count() as f64;
        self.reifier_predicates()
            .contains(&p)
            .then(|| (edges, self.values(graph, p)))
    }

    fn reifier_predicates(&self) -> [u32; 9] {
        let p = &self.properties;
        [
            self.reifies,
            p.derived_by,
            p.derived_from,
            p.generated_by,
            p.at_time,
            p.line,
            p.confidence,
            p.support,
            p.score,
        ]
    }
}

/// The first fact of a triple.
fn stated(graph: &Graph, triple: [u32; 3]) -> Option<EvidenceId> {
    let facts = graph.facts(triple);
    (!facts.is_empty()).then_some(EvidenceId(facts.start))
}

type Pattern = [Option<Id>; 3];
pub(super) type Found<'t> = Box<dyn Iterator<Item = [Id; 3]> + 't>;

impl Terms<'_> {
    /// Virtual triples that match, each kind with the number of its graph.
    pub(super) fn edges(&self, pattern: Pattern) -> Vec<(u32, Found<'_>)> {
        let names = self.names;
        let wants = |predicates: &[u32]| match pattern[1].map(Id::named) {
            None => true,
            Some(Named::Known(p)) => predicates.contains(&p),
            Some(_) => false,
        };
        let mut kinds: Vec<(u32, Found<'_>)> = Vec::with_capacity(1);
        if wants(&[names.interacted]) {
            kinds.push((names.interactions, self.interactions(pattern)));
        }
        if names
            .events
            .as_ref()
            .is_some_and(|e| wants(&e.predicates()))
        {
            kinds.push((names.interactions, self.events(pattern)));
        }
        if wants(&names.links) {
            kinds.push((names.link_graph, self.links(pattern)));
        }
        if wants(&names.reifier_predicates()) {
            kinds.push((names.provenance, self.reifiers(pattern)));
        }
        kinds
    }

    /// Whether a virtual triple is stated too, so that it is in the default graph already.
    pub(super) fn is_stated(&self, triple: &[Id; 3]) -> bool {
        let [Some(s), Some(p), Some(o)] = triple.map(|id| self.number(id)) else {
            return false;
        };
        stated(self.dataset.graph, [s, p, o]).is_some()
    }

    fn interactions(&self, [s, p, o]: Pattern) -> Found<'_> {
        let graph = self.dataset.graph;
        let predicate = Id::known(self.names.interacted);
        if p.is_some_and(|p| p != predicate) {
            return none();
        }
        let triple = move |user: u32, item: u32| [Id::known(user), predicate, Id::known(item)];
        match (ends(s), ends(o)) {
            (End::Never, _) | (_, End::Never) => none(),
            (End::Is(user), End::Is(item)) => Box::new(
                graph
                    .interaction(user, item)
                    .map(|_| triple(user, item))
                    .into_iter(),
            ),
            (End::Is(user), End::Any) => {
                Box::new(graph.met(user).iter().map(move |&i| triple(user, i)))
            }
            (End::Any, End::Is(item)) => {
                Box::new(graph.met_by(item).iter().map(move |&u| triple(u, item)))
            }
            (End::Any, End::Any) => {
                Box::new(graph.users().flat_map(move |user| {
                    graph.met(user).iter().map(move |&item| triple(user, item))
                }))
            }
        }
    }

    fn links(&self, [s, p, o]: Pattern) -> Found<'_> {
        let graph = self.dataset.graph;
        let (from, to) = (ends(s), ends(o));
        if from == End::Never || to == End::Never {
            return none();
        }
        let sources = match from {
            End::Is(item) => item..item.saturating_add(1),
            _ => graph.items(),
        };
        let predicates = self.names.links;
        let kinds = LinkKind::ALL.into_iter().zip(predicates);
        let kinds =
            kinds.filter(move |(_, predicate)| p.is_none_or(|p| p == Id::known(*predicate)));
        if let (End::Any, End::Is(item)) = (from, to) {
            return Box::new(kinds.flat_map(move |(kind, predicate)| {
                let links = graph.links_to(kind, item);
                links.map(move |(from, _)| [from, predicate, item].map(Id::known))
            }));
        }
        Box::new(kinds.flat_map(move |(kind, predicate)| {
            sources.clone().flat_map(move |source| {
                let targets = graph.links(kind, source).to.iter();
                let targets = targets.filter(move |&&item| to == End::Any || to == End::Is(item));
                targets.map(move |&item| [source, predicate, item].map(Id::known))
            })
        }))
    }

    /// The id of an integer.
    pub(super) fn integer(&self, value: u64) -> Id {
        self.plain(Plain::Integer(value))
    }

    pub(super) fn decimal(&self, value: f32) -> Id {
        match Plain::decimal(value) {
            Some(plain) => self.plain(plain),
            None => self.literal(xsd::DECIMAL, value.to_bits().into(), || value.to_string()),
        }
    }

    pub(super) fn time(&self, seconds: i64) -> Id {
        self.plain(Plain::Time(seconds))
    }

    /// The edge that the triple of `edge` is called by.
    fn first_edge(&self, edge: EvidenceId) -> EvidenceId {
        let triple = self.triple(edge);
        let stated = triple.and_then(|triple| stated(self.dataset.graph, triple));
        stated.unwrap_or(edge)
    }

    /// The three terms of an edge.
    pub(super) fn triple(&self, edge: EvidenceId) -> Option<[u32; 3]> {
        Some(match self.dataset.graph.edge(edge)? {
            Edge::Fact(fact) => fact.triple,
            Edge::Interaction { user, item } => [user, self.names.interacted, item],
            Edge::Link { kind, from, to, .. } => [from, self.names.links[kind as usize], to],
        })
    }

    /// The triple of an edge as a term.
    pub(super) fn triple_term(&self, edge: EvidenceId) -> Term {
        let [s, p, o] = self.triple(edge).unwrap_or_default();
        let term = |id: u32| crate::model::term::decode(self.dataset.graph.term(id));
        let predicate = match term(p) {
            Term::NamedNode(node) => node,
            other => NamedNode::new_unchecked(other.to_string()),
        };
        match term(s) {
            Term::NamedNode(subject) => Triple::new(subject, predicate, term(o)).into(),
            Term::BlankNode(subject) => Triple::new(subject, predicate, term(o)).into(),
            other => other,
        }
    }
}

/// Whether a document speaks of triples, of reifiers of edges, or of events.
fn names_edges(graph: &Graph) -> bool {
    if !graph.triples().is_empty() {
        return true;
    }
    let resources = graph.items().end..graph.nodes().end;
    [EDGE, EVENT]
        .iter()
        .any(|prefix| begins(graph, resources.clone(), &term::iri(prefix)))
}

/// Whether the graph has literals of a datatype.
fn writes(graph: &Graph, datatype: &str) -> bool {
    let prefix = term::typed("", datatype);
    let ranges = &graph.meta.ranges;
    begins(graph, ranges.nodes..ranges.literals, &prefix)
}

/// One end of an edge in a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Any,
    Is(u32),
    Never,
}

pub(super) fn ends(term: Option<Id>) -> End {
    match term.map(Id::named) {
        None => End::Any,
        Some(Named::Known(id)) => End::Is(id),
        Some(_) => End::Never,
    }
}

pub(super) fn none<'t>() -> Found<'t> {
    Box::new(std::iter::empty())
}
