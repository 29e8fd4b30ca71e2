//! What is said of the reifiers of edges: provenance, premises, confidence, support.

use super::{Found, Pattern, none};
use crate::graph::Edge;
use crate::model::{EvidenceId, LinkKind, term};
use crate::sparql::Dataset;
use crate::sparql::ids::{Id, Named, Terms};
use crate::sparql::plain::Plain;

impl Terms<'_> {
    /// What is said of the reifiers of edges.
    pub(super) fn reifiers(&self, [s, p, o]: Pattern) -> Found<'_> {
        // Without these every edge would be asked in vain: nothing else is said of reifiers, and nobody is a value.
        let said = self.names.reifier_predicates();
        let can_be_said = |p| self.number(p).is_some_and(|p| said.contains(&p));
        let people_and_items = self.dataset.graph.items().end;
        let is_person_or_item =
            |o: Id| matches!(o.named(), Named::Known(id) if id < people_and_items);
        if !p.is_none_or(can_be_said) || o.is_some_and(is_person_or_item) {
            return none();
        }
        let edges: Box<dyn Iterator<Item = u64>> = match (s.map(Id::named), o.map(Id::named)) {
            (Some(Named::Reifier(EvidenceId(edge))), _) => Box::new(edge..edge + 1),
            (Some(_), _) => return none(),
            (None, Some(Named::Triple(edge))) => return self.reifiers_of(edge, p),
            (None, Some(Named::Reifier(EvidenceId(edge)))) => {
                Box::new(self.dataset.graph.conclusions(edge))
            }
            (None, Some(Named::Known(value))) if self.is_resource(value) => self.edges_from(value),
            (None, Some(_)) if !o.is_some_and(|o| self.is_said_of_edges(o)) => return none(),
            (None, _) => Box::new(0..self.dataset.graph.edge_count()),
        };
        let wanted = p.and_then(|p| self.number(p));
        Box::new(edges.map(EvidenceId).flat_map(move |edge| {
            let properties = self.properties(edge, wanted);
            let wanted = properties
                .into_iter()
                .filter(move |(_, value)| o.is_none_or(|o| o == *value));
            wanted.map(move |(predicate, value)| [Id::reifier(edge), Id::known(predicate), value])
        }))
    }

    fn is_resource(&self, number: u32) -> bool {
        term::kind(self.dataset.term(number)) == term::Kind::Resource
    }

    /// The edges that come from a source or a computation.
    fn edges_from(&self, source: u32) -> Box<dyn Iterator<Item = u64> + '_> {
        let graph = self.dataset.graph;
        let run = LinkKind::ALL.into_iter().zip(self.names.runs);
        let run = run.into_iter().find(|&(_, run)| run == source);
        let links = run.into_iter().flat_map(|(kind, _)| graph.edges_of(kind));
        let reasoned = match source == self.names.reasoning {
            true => graph.derived(),
            false => &[],
        };
        let facts = graph.facts_in(source).chain(reasoned.iter().copied());
        Box::new(facts.chain(links))
    }

    /// Whether a term is of a kind that numbers and times of edges are.
    fn is_said_of_edges(&self, value: Id) -> bool {
        self.text(value).is_some_and(|text| {
            let datatype = text.strip_prefix('^').and_then(|t| t.split_once('\0'));
            datatype.is_some_and(|(datatype, _)| Plain::TYPES.contains(&datatype))
        })
    }

    /// The reifiers of the triple of `edge`: one for each source that states it.
    pub(in crate::sparql) fn reifiers_of(&self, edge: EvidenceId, p: Option<Id>) -> Found<'_> {
        let reifies = Id::known(self.names.reifies);
        if p.is_some_and(|p| p != reifies) {
            return none();
        }
        let facts = match self.dataset.graph.edge(edge) {
            Some(Edge::Fact(fact)) => self.dataset.graph.facts(fact.triple),
            _ => 0..0,
        };
        let computed = self.triple(edge);
        let computed = computed.and_then(|triple| self.names.computed(self.dataset.graph, triple));
        let edges = facts.map(EvidenceId).chain(computed);
        let edges = edges.filter(|&edge| self.stands(edge));
        Box::new(edges.map(move |each| [Id::reifier(each), reifies, Id::triple(edge)]))
    }

    /// What is said of one reifier, only under `wanted` if that is given.
    fn properties(&self, edge: EvidenceId, wanted: Option<u32>) -> Vec<(u32, Id)> {
        if !self.stands(edge) {
            return Vec::new();
        }
        let names = &self.names.properties;
        let mut said = Vec::with_capacity(4);
        let mut say = |predicate: u32, value: &dyn Fn() -> Option<Id>| {
            if wanted.is_none_or(|w| w == predicate) {
                said.extend(value().map(|value| (predicate, value)));
            }
        };
        say(self.names.reifies, &|| {
            Some(Id::triple(self.first_edge(edge)))
        });
        match self.dataset.graph.edge(edge) {
            Some(Edge::Fact(fact)) => {
                let graph = self.dataset.graph;
                let source = Id::known(fact.graph);
                let premises = graph.premises(fact.index);
                let rule = premises.and_then(|_| graph.rule_of(&fact));
                let run =
                    premises.map(|_| rule.map_or(source, |_| Id::known(self.names.reasoning)));
                match premises {
                    None => say(names.derived_from, &|| Some(source)),
                    Some(premises) => premises.iter().for_each(|&premise| {
                        say(names.derived_from, &|| {
                            Some(Id::reifier(EvidenceId(premise)))
                        });
                    }),
                }
                say(names.derived_by, &|| rule.map(Id::known));
                say(names.generated_by, &|| run);
                say(names.line, &|| Some(self.integer(fact.line?.into())));
                say(names.confidence, &|| Some(self.decimal(fact.confidence)));
                say(names.support, &|| Some(self.integer(fact.count.into())));
                say(names.at_time, &|| Some(self.time(fact.time?)));
            }
            Some(Edge::Interaction { user, item }) => {
                let events = || self.dataset.graph.events_between(user, item);
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
                say(names.generated_by, &|| Some(Id::known(run)));
                say(names.score, &|| Some(self.decimal(score)));
                say(names.support, &|| Some(self.integer(support.into())));
            }
            None => {}
        }
        said
    }

    /// Whether an edge was not removed since the graph was frozen.
    fn stands(&self, edge: EvidenceId) -> bool {
        let Dataset { graph, changes, .. } = self.dataset;
        if changes.removed_count() == 0 {
            return true;
        }
        let fact = graph.fact(edge.0);
        fact.is_none_or(|fact| {
            let [s, p, o] = fact.triple;
            !changes.is_removed([s, p, o, fact.graph])
        })
    }
}
