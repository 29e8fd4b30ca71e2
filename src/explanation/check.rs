//! Statements that the graph can confirm or deny.

use super::Verdict;
use crate::extraction::behaviour::steps;
use crate::graph::changes::Changes;
use crate::graph::{Event, FactRef, Graph};
use crate::model::LinkKind;
use crate::model::link::ALIKE;
use rustc_hash::FxHashSet;

/// One thing that a reason claims.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Statement {
    /// A source states this triple, or a computation derived it.
    Fact([u32; 3]),
    /// The user met the item.
    Met {
        /// Who.
        user: u32,
        /// What.
        item: u32,
    },
    /// At least so many users or baskets link two items.
    Together {
        /// In which way.
        kind: LinkKind,
        /// The first item.
        from: u32,
        /// The second item.
        to: u32,
        /// How many.
        count: u32,
    },
    /// At least so many users met the item.
    MetBy {
        /// What.
        item: u32,
        /// How many.
        count: u32,
    },
    /// More than one item has the entity, and users met them.
    InDemand {
        /// Under which predicate.
        predicate: u32,
        /// The entity.
        entity: u32,
    },
    /// A model links two items.
    Linked {
        /// In which way.
        kind: LinkKind,
        /// The first item.
        from: u32,
        /// The second item.
        to: u32,
    },
    /// The user met at least so many items that have the entity.
    Having {
        /// Who.
        user: u32,
        /// Under which predicate.
        predicate: u32,
        /// The entity.
        entity: u32,
        /// How many.
        count: u32,
    },
    /// The user met at least so many items whose links speak for another.
    LinkedFrom {
        /// Who.
        user: u32,
        /// In which way.
        kind: LinkKind,
        /// The other item.
        to: u32,
        /// How many.
        count: u32,
    },
    /// The texts of two items are close.
    Similar {
        /// The first item.
        from: u32,
        /// The second item.
        to: u32,
    },
}

/// Asks the graph.
pub fn check(graph: &Graph, statement: &Statement) -> Verdict {
    let counted = |found: usize, claimed: u32| match (found, claimed) {
        (0, _) | (_, 0) => Verdict::Unsupported,
        (found, claimed) if found >= claimed as usize => Verdict::Aggregate,
        _ => Verdict::Contradicted,
    };
    match *statement {
        Statement::Fact(triple) => fact(graph, triple),
        Statement::Met { user, item } => match graph.interaction(user, item) {
            Some(_) => Verdict::Verified,
            None => Verdict::Unsupported,
        },
        Statement::Together {
            kind,
            from,
            to,
            count,
        } => counted(together(graph, kind, from, to), count),
        Statement::MetBy { item, count } => counted(graph.met_by(item).len(), count),
        Statement::InDemand { predicate, entity } => {
            let items = graph.subjects(entity, predicate).iter().map(|pair| pair[1]);
            counted(
                items.filter(|&item| !graph.met_by(item).is_empty()).count(),
                1,
            )
        }
        Statement::Linked { kind, from, to } => match graph.links(kind, from).to.contains(&to) {
            true => Verdict::Inferred,
            false => Verdict::Unsupported,
        },
        Statement::Having {
            user,
            predicate,
            entity,
            count,
        } => {
            let met = graph.met(user).iter();
            let having = met.filter(|&&item| !graph.facts([item, predicate, entity]).is_empty());
            counted(having.count(), count)
        }
        Statement::LinkedFrom {
            user,
            kind,
            to,
            count,
        } => {
            let speaks = |from: u32| {
                let row = graph.links(kind, from);
                let mut links = row.to.iter().zip(row.score);
                links.any(|(&other, &score)| other == to && score > 0.0)
            };
            let linked = graph.links_to(kind, to).map(|link| link.0);
            let linked = linked.filter(|&from| graph.interaction(user, from).is_some());
            counted(linked.filter(|&from| speaks(from)).count(), count)
        }
        Statement::Similar { from, to } => match cosine(graph, from, to) {
            Some(cosine) if cosine >= ALIKE => Verdict::Inferred,
            _ => Verdict::Unsupported,
        },
    }
}

/// Words found in a text at least this surely are what the text says.
const LITERAL: f32 = 0.9;

/// A triple that no source states is inferred if its proof holds, and contradicted if its predicate allows one value and has another.
fn fact(graph: &Graph, triple: [u32; 3]) -> Verdict {
    let [subject, predicate, _] = triple;
    let mut stated = graph
        .facts(triple)
        .filter_map(|index| graph.fact(index))
        .peekable();
    if stated.peek().is_some() {
        let literal = |fact: &FactRef| graph.rule_of(fact).is_none() && fact.confidence >= LITERAL;
        let surely = |fact: FactRef| graph.premises(fact.index).is_none() || literal(&fact);
        return match stated.any(surely) {
            true => Verdict::Verified,
            false if graph.proof(&Changes::none(graph), triple).is_some() => Verdict::Inferred,
            false => Verdict::Unsupported,
        };
    }
    let iri = graph.iri(predicate).unwrap_or_default();
    let functional = graph.meta.functional.iter().any(|f| f == iri);
    match functional && !graph.objects(subject, predicate).is_empty() {
        true => Verdict::Contradicted,
        false => Verdict::Unsupported,
    }
}

/// How many users or baskets link two items, counted from the events.
fn together(graph: &Graph, kind: LinkKind, from: u32, to: u32) -> usize {
    match kind {
        LinkKind::CoOccursWith => {
            let others = graph.met_by(to);
            let both = graph
                .met_by(from)
                .iter()
                .filter(|user| others.binary_search(user).is_ok());
            both.count()
        }
        LinkKind::BoughtWith => {
            let baskets = |item| {
                let events = graph.events_of(item).iter();
                events
                    .filter_map(|&e| graph.event_at(e)?.group)
                    .collect::<FxHashSet<u32>>()
            };
            baskets(from).intersection(&baskets(to)).count()
        }
        LinkKind::FollowedBy => {
            let window = graph.meta.window;
            let users = graph.met_by(from).iter();
            users
                .filter(|&&user| follows(graph, user, from, to, window))
                .count()
        }
        LinkKind::SimilarTo | LinkKind::GoesWith => 0,
    }
}

fn follows(graph: &Graph, user: u32, from: u32, to: u32, window: usize) -> bool {
    let events: Vec<Event> = graph.events(user).collect();
    let steps: Vec<&[Event]> = steps(&events, |e| e.group).collect();
    let holds = |step: &[Event], item: u32| step.iter().any(|e| e.item == item);
    steps.iter().enumerate().any(|(i, step)| {
        holds(step, from)
            && steps[i + 1..]
                .iter()
                .take(window)
                .any(|later| holds(later, to))
    })
}

fn cosine(graph: &Graph, from: u32, to: u32) -> Option<f32> {
    let (a, b) = (graph.vector(from)?, graph.vector(to)?);
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    Some(dot(a, b) / (dot(a, a) * dot(b, b)).sqrt())
}
