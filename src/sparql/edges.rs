//! Virtual triples: interactions, links, and the reifiers of all edges.

use super::dataset::{GraphDataset, TermId};
use crate::graph::{Edge, Graph};
use crate::knowledge::PROVENANCE;
use crate::model::{EvidenceId, LinkKind};
use crate::vocabulary::{kenning, prov, rdf, xsd};
use oxigraph::model::{NamedNode, Term, Triple};
use spareval::InternalQuad;
use std::convert::Infallible;

/// The numbers of the terms that virtual triples are made of. Every snapshot has them.
pub(super) struct Virtual {
    interacted: u32,
    links: [u32; 4],
    runs: [u32; 4],
    reifies: u32,
    properties: Properties,
    interactions: u32,
    link_graph: u32,
    provenance: u32,
}

/// Predicates of reifiers.
struct Properties {
    derived_from: u32,
    generated_by: u32,
    at_time: u32,
    line: u32,
    confidence: u32,
    support: u32,
    score: u32,
}

impl Virtual {
    pub(super) fn new(graph: &Graph) -> Self {
        // A snapshot without the term has no such triples either: no pattern names an id beyond the last.
        let id = |iri: &str| graph.find_iri(iri).unwrap_or(u32::MAX);
        Self {
            interacted: id(kenning::INTERACTED),
            links: LinkKind::ALL.map(|kind| id(kind.predicate())),
            runs: LinkKind::ALL.map(|kind| id(&kind.run())),
            reifies: id(rdf::REIFIES),
            properties: Properties {
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
        }
    }

    /// The named graphs of virtual triples.
    pub(super) fn graphs(&self) -> [u32; 3] {
        [self.interactions, self.link_graph, self.provenance]
    }

    /// Whether a pattern with this predicate can match virtual triples.
    pub(super) fn concerns(&self, predicate: Option<TermId>) -> bool {
        let Some(predicate) = predicate else {
            return true;
        };
        matches!(predicate, TermId::Known(p) if p == self.interacted
            || self.links.contains(&p)
            || self.reifier_predicates().contains(&p))
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

    fn reifier_predicates(&self) -> [u32; 8] {
        let p = &self.properties;
        [
            self.reifies,
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

type Pattern = [Option<TermId>; 3];
type Found<'a> = Box<dyn Iterator<Item = [TermId; 3]> + 'a>;
type Quad = Result<InternalQuad<TermId>, Infallible>;

impl<'a> GraphDataset<'a> {
    /// Virtual triples that match, as quads of the wanted graph.
    pub(super) fn edges(
        &self,
        pattern: Pattern,
        graph_name: Option<Option<TermId>>,
    ) -> impl Iterator<Item = Quad> + use<'a> {
        let names = &self.names;
        let this = self.clone();
        // What a document states too is in the default graph already.
        let repeated = move |triple: &[TermId; 3]| {
            let [Some(s), Some(p), Some(o)] = triple.map(|id| this.number(id)) else {
                return false;
            };
            graph_name == Some(None) && stated(this.graph, [s, p, o]).is_some()
        };
        let kinds: [(u32, Found<'a>); 3] = [
            (names.interactions, self.interactions(pattern)),
            (names.link_graph, self.links(pattern)),
            (names.provenance, self.reifiers(pattern)),
        ];
        kinds.into_iter().flat_map(move |(graph, triples)| {
            let graph = TermId::Known(graph);
            let wanted = !matches!(graph_name, Some(Some(wanted)) if wanted != graph);
            let name = (graph_name != Some(None)).then_some(graph);
            let triples = wanted.then_some(triples).into_iter().flatten();
            let repeated = repeated.clone();
            let triples = triples.filter(move |triple| !repeated(triple));
            triples.map(move |[subject, predicate, object]| {
                Ok(InternalQuad {
                    subject,
                    predicate,
                    object,
                    graph_name: name,
                })
            })
        })
    }

    fn interactions(&self, [s, p, o]: Pattern) -> Found<'a> {
        let graph = self.graph;
        let predicate = TermId::Known(self.names.interacted);
        if p.is_some_and(|p| p != predicate) {
            return none();
        }
        let triple =
            move |user: u32, item: u32| [TermId::Known(user), predicate, TermId::Known(item)];
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

    fn links(&self, [s, p, o]: Pattern) -> Found<'a> {
        let graph = self.graph;
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
            kinds.filter(move |(_, predicate)| p.is_none_or(|p| p == TermId::Known(*predicate)));
        if let (End::Any, End::Is(item)) = (from, to) {
            return Box::new(kinds.flat_map(move |(kind, predicate)| {
                let links = graph.links_to(kind, item);
                links.map(move |(from, _)| [from, predicate, item].map(TermId::Known))
            }));
        }
        Box::new(kinds.flat_map(move |(kind, predicate)| {
            sources.clone().flat_map(move |source| {
                let targets = graph.links(kind, source).to.iter();
                let targets = targets.filter(move |&&item| to == End::Any || to == End::Is(item));
                targets.map(move |&item| [source, predicate, item].map(TermId::Known))
            })
        }))
    }

    /// What is said of the reifiers of edges.
    fn reifiers(&self, [s, p, o]: Pattern) -> Found<'a> {
        let this = self.clone();
        // Without these every edge would be asked in vain: nothing else is said of reifiers, and nobody is a value.
        let said = self.names.reifier_predicates();
        let can_be_said = |p| this.number(p).is_some_and(|p| said.contains(&p));
        let is_person_or_item = |o| matches!(o, TermId::Known(id) if id < this.graph.items().end);
        if !p.is_none_or(can_be_said) || o.is_some_and(is_person_or_item) {
            return none();
        }
        let edges = match (s, o) {
            (Some(TermId::Reifier(EvidenceId(edge))), _) => edge..edge + 1,
            (Some(_), _) => return none(),
            (None, Some(TermId::Triple(edge))) => return this.reifiers_of(edge, p),
            (None, _) => 0..this.graph.edge_count(),
        };
        let wanted = p.and_then(|p| this.number(p));
        Box::new(edges.flat_map(move |edge| {
            let edge = EvidenceId(edge);
            let properties = this.properties(edge, wanted);
            let wanted = properties
                .into_iter()
                .filter(move |(_, value)| o.is_none_or(|o| o == *value));
            wanted.map(move |(predicate, value)| {
                [TermId::Reifier(edge), TermId::Known(predicate), value]
            })
        }))
    }

    /// The reifiers of the triple of `edge`: one for each source that states it.
    fn reifiers_of(&self, edge: EvidenceId, p: Option<TermId>) -> Found<'a> {
        let reifies = TermId::Known(self.names.reifies);
        if p.is_some_and(|p| p != reifies) {
            return none();
        }
        let facts = match self.graph.edge(edge) {
            Some(Edge::Fact(fact)) => self.graph.facts(fact.triple),
            _ => 0..0,
        };
        let computed = self.triple(edge);
        let computed = computed.and_then(|triple| self.names.computed(self.graph, triple));
        let edges = facts.map(EvidenceId).chain(computed);
        Box::new(edges.map(move |each| [TermId::Reifier(each), reifies, TermId::Triple(edge)]))
    }

    /// What is said of one reifier, only under `wanted` if that is given.
    fn properties(&self, edge: EvidenceId, wanted: Option<u32>) -> Vec<(u32, TermId)> {
        let names = &self.names.properties;
        let mut said = Vec::with_capacity(4);
        let mut say = |predicate: u32, value: &dyn Fn() -> Option<TermId>| {
            if wanted.is_none_or(|w| w == predicate) {
                said.extend(value().map(|value| (predicate, value)));
            }
        };
        say(self.names.reifies, &|| {
            Some(TermId::Triple(self.first_edge(edge)))
        });
        match self.graph.edge(edge) {
            Some(Edge::Fact(fact)) => {
                let derived = fact.from.map(|from| TermId::Reifier(EvidenceId(from)));
                let source = TermId::Known(fact.graph);
                say(names.derived_from, &|| Some(derived.unwrap_or(source)));
                say(names.generated_by, &|| derived.map(|_| source));
                say(names.line, &|| Some(self.integer(fact.line?.into())));
                say(names.confidence, &|| Some(self.decimal(fact.confidence)));
                say(names.support, &|| Some(self.integer(fact.count.into())));
                say(names.at_time, &|| Some(self.time(fact.time?)));
            }
            Some(Edge::Interaction { user, item }) => {
                let events = || self.graph.events_between(user, item);
                say(names.support, &|| {
                    Some(self.integer(events().count() as u64))
                });
                say(names.at_time, &|| {
                    Some(self.time(events().filter_map(|e| e.time).max()?))
                });
            }
            Some(Edge::Link {
                kind,
                score,
                support,
                ..
            }) => {
                let run = self.names.runs[kind as usize];
                say(names.generated_by, &|| Some(TermId::Known(run)));
                say(names.score, &|| Some(self.decimal(score)));
                say(names.support, &|| Some(self.integer(support.into())));
            }
            None => {}
        }
        said
    }

    fn integer(&self, value: u64) -> TermId {
        self.literal(xsd::INTEGER, value, || value.to_string())
    }

    fn decimal(&self, value: f32) -> TermId {
        self.literal(xsd::DECIMAL, value.to_bits().into(), || {
            let text = format!("{value:.6}");
            let short = text.trim_end_matches('0');
            if short.ends_with('.') {
                format!("{short}0")
            } else {
                short.to_owned()
            }
        })
    }

    fn time(&self, seconds: i64) -> TermId {
        self.literal(xsd::DATE_TIME, seconds as u64, || {
            jiff::Timestamp::from_second(seconds)
                .map_or_else(|_| seconds.to_string(), |t| t.to_string())
        })
    }

    /// The edge that the triple of `edge` is called by.
    fn first_edge(&self, edge: EvidenceId) -> EvidenceId {
        let triple = self.triple(edge);
        let stated = triple.and_then(|triple| stated(self.graph, triple));
        stated.unwrap_or(edge)
    }

    fn triple(&self, edge: EvidenceId) -> Option<[u32; 3]> {
        Some(match self.graph.edge(edge)? {
            Edge::Fact(fact) => fact.triple,
            Edge::Interaction { user, item } => [user, self.names.interacted, item],
            Edge::Link { kind, from, to, .. } => [from, self.names.links[kind as usize], to],
        })
    }

    /// The triple of an edge as a term.
    pub(super) fn triple_term(&self, edge: EvidenceId) -> Term {
        let [s, p, o] = self.triple(edge).unwrap_or_default();
        let term = |id: u32| crate::model::term::decode(self.graph.term(id));
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

/// One end of an edge in a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Any,
    Is(u32),
    Never,
}

fn ends(term: Option<TermId>) -> End {
    match term {
        None => End::Any,
        Some(TermId::Known(id)) => End::Is(id),
        Some(_) => End::Never,
    }
}

fn none<'a>() -> Found<'a> {
    Box::new(std::iter::empty())
}
