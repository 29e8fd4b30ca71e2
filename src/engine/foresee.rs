//! What answers to somebody will rely on, before any is given.

use super::compare::WITHHELD;
use super::gates::Gates;
use super::request::within_reason;
use super::suppose::iri;
use super::{Engine, ItemNamed, Person, Request, Snapshot};
use crate::Result;
use crate::explanation::way;
use crate::graph::Graph;
use crate::model::LinkKind;
use crate::policy::Gate;
use crate::scoring::{Profile, Route, Scored, Scorer, Walk};
use crate::selection::{Candidate, Piece};
use crate::sparql::{Cancel, Limits};
use crate::vocabulary::kenning;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Events, and things of each property, that are listed at most; all are counted.
const LISTED: usize = 10;

/// What is known of somebody, and how far answers will rely on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProfileAnswer {
    /// Version of this shape.
    pub schema_version: u32,
    /// Who.
    pub user: Person,
    /// The items of their history that count the most, and how much.
    pub events: Vec<Counting>,
    /// What the items of their history have in common, by property: what they lean towards.
    pub leanings: Vec<Leaning>,
    /// What the scores of their best items are made of, by way, the largest share first.
    pub relies_on: Vec<Reliance>,
    /// What is missing, and what it would change.
    pub missing: Vec<String>,
    /// What the reader should know.
    pub notes: Vec<String>,
    /// The identity of the graph that answered.
    pub snapshot: String,
}

/// An item of the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counting {
    /// Its IRI.
    pub item: String,
    /// Its name.
    pub label: String,
    /// What it counts, by its age and by taste; the latest event of no told taste counts 1.
    pub count: f64,
}

/// What somebody leans towards under one property.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leaning {
    /// The property's IRI.
    pub property: String,
    /// Its name.
    pub label: String,
    /// What a shared fact of it weighs beside other ways.
    pub weight: f64,
    /// Share of the history, by what counts, that has anything under it.
    pub known: f64,
    /// What the most of it has.
    pub things: Vec<Thing>,
}

/// What items of a history have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thing {
    /// Its IRI.
    pub iri: String,
    /// Its name.
    pub label: String,
    /// Share of the history, by what counts, that has it.
    pub share: f64,
    /// Share of the catalogue that has it.
    pub usual: f64,
}

/// What a way adds to the scores of the best items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reliance {
    /// The kind of link, the property, or popularity; `withheld` for all that policies let nobody be told.
    pub way: String,
    /// Its share of all that speaks for these items.
    pub share: f64,
}

impl Engine {
    /// What answers to a request will rely on: the events that count, what they have in common, and what the scores of
    /// the first `k` items are made of.
    ///
    /// # Errors
    /// Those of [`Engine::recommend`].
    pub fn foresee(
        &self,
        snapshot: &Snapshot,
        request: &Request,
        bounds: (&Limits, &Cancel),
    ) -> Result<ProfileAnswer> {
        within_reason(request, &self.project.settings().query)?;
        let scorer = snapshot.scorer();
        let asker = self.asker(snapshot, &scorer, request)?;
        let profile = &asker.profile;
        let walk = scorer.walk(profile);
        let gates = self.gates(snapshot, &asker.person.id, bounds)?;
        let (first, more) = self.listed(&gates, &walk, request, bounds)?;
        let graph = snapshot.graph();
        let mut counting = profile.history.clone();
        counting.sort_by(|a, b| b.1.total_cmp(&a.1));
        let event = |&(item, count): &(u32, f64)| Counting {
            item: iri(snapshot, item),
            label: request.voice.label(graph, item).to_owned(),
            count,
        };
        let met = !gates.hides(Gate::Explanation, kenning::INTERACTED);
        let mut notes = [asker.notes, more].concat();
        let leanings = match met {
            true => leanings(&gates, &scorer, (profile, request), &mut notes)?,
            false => Vec::new(),
        };
        if !met {
            notes.push("policies withhold what was met".into());
        }
        Ok(ProfileAnswer {
            schema_version: 1,
            events: counting
                .iter()
                .take(LISTED)
                .filter(|_| met)
                .map(event)
                .collect(),
            missing: missing(graph, profile, &leanings),
            leanings,
            relies_on: relies_on(&gates, &walk, &first)?,
            user: asker.person,
            notes,
            snapshot: graph.id().to_string(),
        })
    }
}

fn leanings(
    gates: &Gates<'_>,
    scorer: &Scorer<'_>,
    (profile, request): (&Profile, &Request),
    notes: &mut Vec<String>,
) -> Result<Vec<Leaning>> {
    let snapshot = gates.snapshot();
    let graph = snapshot.graph();
    let mut withheld = 0;
    let whole: f64 = profile.history.iter().map(|h| h.1).sum();
    let catalogue = graph.items().len().max(1) as f64;
    let mut leanings = Vec::new();
    for (name, weight) in scorer.weights() {
        let Some(property) = graph.find_iri(&name).filter(|_| whole > 0.0) else {
            continue;
        };
        let (mut known, mut things) = (0.0, BTreeMap::<u32, f64>::new());
        for &(item, count) in &profile.history {
            let facts = graph.objects(item, property).chunk_by(|a, b| a == b);
            let entities = facts
                .map(|run| run[0][1])
                .filter(|e| graph.nodes().contains(e));
            let entities: Vec<u32> = entities.collect();
            known += if entities.is_empty() { 0.0 } else { count };
            entities
                .iter()
                .for_each(|&e| *things.entry(e).or_default() += count);
        }
        if gates.hides(Gate::Explanation, &name) {
            withheld += things.len();
            continue;
        }
        let mut open = Vec::new();
        for (entity, count) in things {
            let items = profile.history.iter().map(|met| [met.0, property, entity]);
            let facts = items.filter(|fact| graph.facts(*fact).next().is_some());
            match gates.may_tell(&facts.collect::<Vec<_>>())? {
                true => open.push((entity, count)),
                false => withheld += 1,
            }
        }
        let mut things = open;
        things.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let thing = |&(entity, count): &(u32, f64)| {
            let ItemNamed { item, label, .. } = named(snapshot, request, entity);
            Thing {
                iri: item,
                label,
                share: count / whole,
                usual: graph.subjects(entity, property).len() as f64 / catalogue,
            }
        };
        if known > 0.0 {
            leanings.push(Leaning {
                property: name,
                label: request.voice.label(graph, property).to_owned(),
                weight,
                known: known / whole,
                things: things.iter().take(LISTED).map(thing).collect(),
            });
        }
    }
    if withheld > 0 {
        notes.push(format!(
            "policies withhold {withheld} things that the history has"
        ));
    }
    Ok(leanings)
}

fn named(snapshot: &Snapshot, request: &Request, node: u32) -> ItemNamed {
    let graph = snapshot.graph();
    ItemNamed {
        item: graph.name(node).to_owned(),
        label: request.voice.label(graph, node).to_owned(),
        weight: None,
    }
}

/// Shares of what speaks for the items, by way.
fn relies_on(gates: &Gates<'_>, walk: &Walk<'_>, items: &[Scored]) -> Result<Vec<Reliance>> {
    let graph = gates.snapshot().graph();
    let candidates = Candidate::gather_all(walk, items);
    let pieces: Vec<&Piece> = candidates.iter().flat_map(|c| &c.pieces).collect();
    let open = gates.open(Gate::Explanation, &pieces)?;
    let mut sums: BTreeMap<Option<Route>, f64> = BTreeMap::new();
    for (piece, open) in pieces.into_iter().zip(open) {
        let route = open.then_some(piece.route);
        *sums.entry(route).or_default() += piece.contribution.max(0.0);
    }
    let whole: f64 = sums.values().sum();
    let reliance = |(route, sum): (Option<Route>, f64)| Reliance {
        way: route.map_or_else(|| WITHHELD.to_owned(), |route| way(graph, route)),
        share: sum / whole,
    };
    let mut ways: Vec<Reliance> = sums.into_iter().map(reliance).collect();
    ways.retain(|way| way.share > 0.0);
    ways.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.way.cmp(&b.way)));
    Ok(ways)
}

fn missing(graph: &Graph, profile: &Profile, leanings: &[Leaning]) -> Vec<String> {
    let mut missing = Vec::new();
    match profile.history.len() {
        0 => missing
            .push("nothing was met: what they like, or words, would say something of them".into()),
        n @ 1..5 => missing.push(format!("only {n} items were met: each more changes much")),
        _ => {}
    }
    let silent = |(item, _): &&(u32, f64)| {
        LinkKind::ALL
            .iter()
            .all(|&kind| graph.links(kind, *item).to.is_empty())
    };
    let silent = profile.history.iter().filter(silent).count();
    if silent > 0 {
        missing.push(format!(
            "from {silent} items of the history no link leads on"
        ));
    }
    for leaning in leanings.iter().filter(|leaning| leaning.known < 0.5) {
        missing.push(format!(
            "{:.0} % of the history have no {}",
            (1.0 - leaning.known) * 100.0,
            leaning.label
        ));
    }
    if graph.vector_count() == 0 {
        missing.push(
            "there are no vectors of texts: nothing is compared by what descriptions say".into(),
        );
    }
    missing
}
