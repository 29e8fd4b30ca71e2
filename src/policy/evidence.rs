//! What policies say of evidence.

use super::{Case, Gate, Policies, Policy, Violation};
use crate::Result;
use crate::graph::{Edge, Graph};
use crate::model::{EvidenceId, LinkKind, term};
use crate::prompt::wording::support;
use crate::scoring::Route;
use crate::selection::Piece;
use crate::sparql::Dataset;
use crate::vocabulary::{kenning, rdf, shorten};
use rustc_hash::FxHashSet;

/// Premises of one piece of evidence that are followed at most; what rests on more is told nowhere.
const FOLLOWED: usize = 10_000;

impl Policies {
    /// For each piece of evidence what the policies of a gate find wrong with it.
    ///
    /// # Errors
    /// If a policy cannot be checked: whoever asks must not answer then.
    pub fn evidence(
        &self,
        gate: Gate,
        case: Case<'_>,
        pieces: &[&Piece],
    ) -> Result<Vec<Vec<Violation>>> {
        let mut found = self.shaped(gate, case, pieces)?;
        for policy in self.at(gate) {
            let sensitive = Sensitive::of(policy, case.dataset);
            for (piece, found) in pieces.iter().zip(&mut found) {
                let about = case.dataset.term(piece.to);
                let mut say = |message| found.push(policy.violation(gate, about, message));
                if let Some(property) = sensitive.told_by(case.dataset.graph, piece) {
                    let name = term::as_iri(case.dataset.term(property)).unwrap_or_default();
                    say(format!("it rests on {}, which is sensitive", shorten(name)));
                }
                if let Some(least) = policy.minimum
                    && let Some(people) = people(case.dataset.graph, piece)
                    && people < least
                {
                    say(format!(
                        "{people} people are behind it, and {least} are needed"
                    ));
                }
            }
        }
        Ok(found)
    }

    /// What the shapes of a gate find wrong with the nodes that evidence goes through.
    fn shaped(&self, gate: Gate, case: Case<'_>, pieces: &[&Piece]) -> Result<Vec<Vec<Violation>>> {
        let through = |piece: &Piece| piece.via.into_iter().chain(piece.from.clone());
        // At this gate shapes guard the items.
        if gate == Gate::Answer {
            return Ok(vec![Vec::new(); pieces.len()]);
        }
        let mut nodes: Vec<u32> = pieces.iter().flat_map(|piece| through(piece)).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let wrong = self.nodes(gate, case, &nodes)?;
        let of = |node: u32| {
            let text = case.dataset.term(node);
            wrong.iter().filter(move |violation| violation.node == text)
        };
        let each = pieces
            .iter()
            .map(|piece| through(piece).flat_map(of).cloned().collect());
        Ok(each.collect())
    }

    /// Whether one of some facts must not be told at a gate, for its property or for what it was concluded from.
    pub fn hides_facts(&self, gate: Gate, dataset: Dataset<'_>, facts: &[[u32; 3]]) -> bool {
        let graph = dataset.graph;
        self.at(gate).any(|policy| {
            let sensitive = Sensitive::of(policy, dataset);
            let rests = |index: u64| sensitive.in_fact(graph, index).is_some();
            !sensitive.properties.is_empty()
                && facts.iter().any(|fact| {
                    sensitive.properties.contains(&fact[1]) || graph.facts(*fact).any(rests)
                })
        })
    }

    /// Whether a property must not be told at a gate.
    pub fn hides(&self, gate: Gate, dataset: Dataset<'_>, property: &str) -> bool {
        let number = dataset.find(&term::iri(property));
        let mut policies = self.at(gate);
        policies.any(|policy| {
            policy.sensitive.contains(&term::iri(property))
                || number.is_some_and(|p| Sensitive::of(policy, dataset).properties.contains(&p))
        })
    }
}

/// The properties of a policy that must not be told, and their sub-properties.
struct Sensitive {
    properties: FxHashSet<u32>,
}

impl Sensitive {
    fn of(policy: &Policy, dataset: Dataset<'_>) -> Self {
        let mut open: Vec<u32> = policy
            .sensitive
            .iter()
            .filter_map(|property| dataset.find(property))
            .collect();
        let mut properties = FxHashSet::default();
        let below = dataset.find(&term::iri(rdf::SUB_PROPERTY_OF));
        while let Some(property) = open.pop() {
            if !properties.insert(property) {
                continue;
            }
            if let Some(below) = below {
                let frozen = dataset.graph.subjects(property, below).iter();
                open.extend(frozen.map(|pair| pair[1]));
                let added = dataset.changes.added([None, Some(below), Some(property)]);
                open.extend(added.map(|quad| quad[0]));
            }
        }
        Self { properties }
    }

    /// The first of them that a piece of evidence rests on.
    fn told_by(&self, graph: &Graph, piece: &Piece) -> Option<u32> {
        if self.properties.is_empty() {
            return None;
        }
        let is_one = |property: &u32| self.properties.contains(property);
        let named = |iri: &str| graph.find_iri(iri);
        let route = match piece.route {
            Route::Stated(p) | Route::Shared(p) | Route::Trend(p) | Route::Liked(p) => Some(p),
            Route::Link(kind) => named(kind.predicate()),
            Route::Described => None,
            Route::Popular => named(kenning::INTERACTED),
        };
        let edges = piece.evidence.iter();
        let mut edges = edges.filter_map(|&edge| self.in_edge(graph, edge));
        route.filter(is_one).or_else(|| edges.next())
    }

    fn in_edge(&self, graph: &Graph, edge: EvidenceId) -> Option<u32> {
        let is_one = |property: &u32| self.properties.contains(property);
        match graph.edge(edge)? {
            Edge::Fact(fact) => self.in_fact(graph, fact.index),
            Edge::Interaction { .. } => graph.find_iri(kenning::INTERACTED).filter(is_one),
            Edge::Link { kind, .. } => graph.find_iri(kind.predicate()).filter(is_one),
        }
    }

    /// Follows a fact to all that it was concluded from.
    fn in_fact(&self, graph: &Graph, first: u64) -> Option<u32> {
        let mut seen = FxHashSet::default();
        let mut open = vec![first];
        while let Some(index) = open.pop() {
            if !seen.insert(index) {
                continue;
            }
            let property = graph.fact(index)?.triple[1];
            // Of what rests on more than can be followed nobody knows that it is harmless.
            if self.properties.contains(&property) || seen.len() > FOLLOWED {
                return Some(property);
            }
            open.extend(graph.premises(index).unwrap_or_default());
        }
        None
    }
}

/// How many people are behind what a piece of evidence says of people; `None` if it says nothing of people.
fn people(graph: &Graph, piece: &Piece) -> Option<usize> {
    match piece.route {
        Route::Link(LinkKind::FollowedBy | LinkKind::CoOccursWith | LinkKind::BoughtWith) => {
            Some(support(graph, piece) as usize)
        }
        // Without a count nothing is said of people.
        Route::Link(LinkKind::GoesWith) => Some(support(graph, piece) as usize).filter(|n| *n > 0),
        Route::Popular => Some(graph.met_by(piece.to).len()),
        Route::Trend(property) => {
            let via = piece.via?;
            let items = graph.subjects(via, property).iter().map(|pair| pair[1]);
            let people: FxHashSet<u32> =
                items.flat_map(|item| graph.met_by(item)).copied().collect();
            Some(people.len())
        }
        Route::Link(LinkKind::SimilarTo)
        | Route::Stated(_)
        | Route::Shared(_)
        | Route::Liked(_)
        | Route::Described => None,
    }
}
