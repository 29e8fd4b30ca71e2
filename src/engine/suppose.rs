//! What a request would be answered with if events and facts were others; nothing is written.
//!
//! What is supposed goes the way of what is told: into a copy of the changes that the snapshot shows, which only this
//! answer sees. So filters and scores see what they would see if it had really been told.

use super::hear::heard;
use super::request::within_reason;
use super::{Engine, Person, Request, Snapshot, Told};
use crate::explanation::Voice;
use crate::graph::changes::{Changes, Quad};
use crate::model::term;
use crate::scoring::{Facts, Scorer, Supposed};
use crate::sparql::{Cancel, Limits};
use crate::vocabulary::{expand, kenning};
use crate::{Error, Result};
use oxrdf::NamedNode;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Events and facts that may be supposed at once, each.
const MOST: usize = 100;

/// Events and facts that are supposed for one request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WhatIf {
    /// Who asks for what.
    pub request: Request,
    /// Events beside those known; of those without a time, the latest last.
    pub add_events: Vec<Met>,
    /// Items whose events are taken away, by IRI or id. They stay out of the answer, unless `order` lets what was met
    /// come again.
    pub remove_events: Vec<String>,
    /// Facts beside those known: subject, predicate, object. A subject or object is an item's id, an IRI, a prefixed
    /// name, or the label of one thing; an object in double quotes is a text.
    pub add_facts: Vec<[String; 3]>,
    /// Facts that are taken away, whoever states them, with what was derived from them.
    pub remove_facts: Vec<[String; 3]>,
}

/// An item met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Met {
    /// Which, by IRI or id.
    pub item: String,
    /// When; unset: now.
    #[serde(default)]
    pub time: Option<i64>,
    /// How much: a rating, a quantity.
    #[serde(default = "one")]
    pub weight: f32,
}

fn one() -> f32 {
    1.0
}

/// What would be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WhatIfAnswer {
    /// Version of this shape.
    pub schema_version: u32,
    /// For whom.
    pub user: Person,
    /// The answer as things are.
    pub before: Vec<Placed>,
    /// The answer as things would be.
    pub after: Vec<Placed>,
    /// Items of either list that stand elsewhere in the other, by their places after.
    pub moved: Vec<Moved>,
    /// What the reader should know.
    pub notes: Vec<String>,
    /// The identity of the graph that answered.
    pub snapshot: String,
}

/// An item at its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// From 1.
    pub rank: usize,
    /// Its IRI.
    pub item: String,
    /// Its name.
    pub label: String,
    /// The sum of its paths.
    pub score: f64,
}

/// An item that moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// Its IRI.
    pub item: String,
    /// Its name.
    pub label: String,
    /// Its place before; none if it was not in the list.
    pub before: Option<usize>,
    /// Its place after; none if it is not in the list.
    pub after: Option<usize>,
    /// Its score before.
    pub score_before: f64,
    /// Its score after.
    pub score_after: f64,
}

/// Lists and scores of one side.
struct Side {
    person: Person,
    notes: Vec<String>,
    list: Vec<Placed>,
    items: Vec<u32>,
    scores: Vec<f64>,
}

impl Engine {
    /// Answers a request twice, by the graph: as things are, and as they would be.
    ///
    /// # Errors
    /// `NotFound` for what nobody knows, `Usage` for what cannot be supposed, and those of [`Engine::recommend`].
    pub fn what_if(
        &self,
        snapshot: &Snapshot,
        asked: &WhatIf,
        bounds: (&Limits, &Cancel),
    ) -> Result<WhatIfAnswer> {
        within_reason(&asked.request, &self.project.settings().query)?;
        within_limits(asked)?;
        let mut notes = Vec::new();
        let before = self.side(snapshot, &asked.request, bounds)?;
        let (supposed, request) = self.suppose(snapshot, asked, &mut notes)?;
        let after = self.side(&supposed, &request, bounds)?;
        let news = after
            .notes
            .iter()
            .filter(|note| !before.notes.contains(note));
        notes.splice(0..0, before.notes.iter().chain(news).cloned());
        Ok(WhatIfAnswer {
            schema_version: 1,
            user: before.person.clone(),
            moved: moved(snapshot, &asked.request.voice, [&before, &after]),
            before: before.list,
            after: after.list,
            notes,
            snapshot: snapshot.graph().id().to_string(),
        })
    }

    fn side(
        &self,
        snapshot: &Snapshot,
        request: &Request,
        bounds: (&Limits, &Cancel),
    ) -> Result<Side> {
        let scorer = snapshot.scorer();
        let asker = self.asker(snapshot, &scorer, request)?;
        let gates = self.gates(snapshot, &asker.person.id, bounds)?;
        let walk = scorer.walk(&asker.profile);
        let (shown, more) = self.listed(&gates, &walk, request, bounds)?;
        let list = shown.iter().zip(1..).map(|(scored, rank)| Placed {
            rank,
            item: iri(snapshot, scored.item),
            label: request
                .voice
                .label(snapshot.graph(), scored.item)
                .to_owned(),
            score: scored.score,
        });
        let mut notes = asker.notes;
        notes.extend(more);
        Ok(Side {
            person: asker.person,
            notes,
            list: list.collect(),
            items: shown.iter().map(|scored| scored.item).collect(),
            scores: walk.scores(),
        })
    }

    /// The snapshot as it would be, and the request that is put to it.
    fn suppose(
        &self,
        snapshot: &Snapshot,
        asked: &WhatIf,
        notes: &mut Vec<String>,
    ) -> Result<(Snapshot, Request)> {
        let graph = snapshot.graph();
        let mut request = asked.request.clone();
        let mut changes = snapshot.changes.clone();
        let mut supposed = Supposed::default();
        let gone = super::asker::items(snapshot, &asked.remove_events)?;
        let added: Vec<String> = asked
            .add_events
            .iter()
            .map(|met| met.item.clone())
            .collect();
        let added = super::asker::items(snapshot, &added)?;
        // One item may have two names.
        if let Some(both) = added.iter().position(|item| gone.contains(item)) {
            let name = &asked.add_events[both].item;
            return Err(Error::usage(format!("`{name}` is both met and not met"))
                .hint("suppose one of the two"));
        }
        let scorer = snapshot.scorer();
        let name = request.user.as_deref();
        let user = name.and_then(|name| super::asker::user(snapshot, &scorer, name));
        // Somebody new is somebody known once they met something.
        match user.is_some() || name.is_some() && request.session.is_empty() {
            true => {
                supposed.unmet = unmet(snapshot, (&scorer, user), &gone)?;
                add_events(snapshot, asked, &mut changes, notes)?;
            }
            false => session(snapshot, asked, &gone, &mut request)?,
        }
        supposed.facts = facts(snapshot, asked, &mut changes, notes)?;
        request.exclude.extend(match request.order {
            super::Order::New => gone.iter().map(|&item| iri(snapshot, item)).collect(),
            super::Order::Any => Vec::new(),
        });
        say_what_stays(asked, graph.derived().is_empty(), notes);
        let last = snapshot.last_change;
        let insight = snapshot
            .insight
            .supposing(graph, (&changes, last), &supposed);
        let supposed = Snapshot {
            insight: Arc::new(insight),
            changes,
            ..snapshot.clone()
        };
        Ok((supposed, request))
    }
}

fn add_events(
    snapshot: &Snapshot,
    asked: &WhatIf,
    changes: &mut Changes,
    notes: &mut Vec<String>,
) -> Result<()> {
    let now = jiff::Timestamp::now().as_second();
    let user = asked.request.user.clone().unwrap_or_default();
    for (met, order) in asked.add_events.iter().zip(0..) {
        let told = Told {
            user: user.clone(),
            item: met.item.clone(),
            time: met.time.or(Some(now + order)),
            weight: met.weight,
        };
        let mut is_new = false;
        for statement in heard(snapshot, &told, now)?.statements() {
            is_new |= changes.insert(snapshot.graph(), statement.each_ref().map(String::as_str));
        }
        if !is_new {
            notes.push(format!("that `{}` was met then is known already", met.item));
        }
    }
    Ok(())
}

fn within_limits(asked: &WhatIf) -> Result<()> {
    let lists = [
        (asked.add_events.len(), "events to add"),
        (asked.remove_events.len(), "events to take away"),
        (asked.add_facts.len(), "facts to add"),
        (asked.remove_facts.len(), "facts to take away"),
    ];
    if lists.iter().all(|list| list.0 == 0) {
        return Err(Error::usage("nothing is supposed").hint(
            "`--add-event`, `--remove-event`, `--add-fact` and `--remove-fact` suppose something",
        ));
    }
    match lists.into_iter().find(|list| list.0 > MOST) {
        None => Ok(()),
        Some((count, what)) => Err(Error::usage(format!(
            "there are {count} {what}, and one question may have {MOST}"
        ))
        .hint("ask in parts")),
    }
}

/// The pairs that never met; each has to have met.
fn unmet(
    snapshot: &Snapshot,
    (scorer, user): (&Scorer<'_>, Option<u32>),
    gone: &[u32],
) -> Result<FxHashSet<(u32, u32)>> {
    let met = user.map(|user| scorer.met(user)).unwrap_or_default();
    let pair = |&item: &u32| match user.filter(|_| met.contains(&item)) {
        Some(user) => Ok((user, item)),
        None => Err(never_met(snapshot, item)),
    };
    gone.iter().map(pair).collect()
}

fn never_met(snapshot: &Snapshot, item: u32) -> Error {
    Error::not_found(format!(
        "`{}` was never met, so it cannot be taken away",
        snapshot.graph().label(item)
    ))
    .hint("`kenning explain --user …` lists what was met")
}

/// Changes the items of a session; the latest stands first there.
fn session(snapshot: &Snapshot, asked: &WhatIf, gone: &[u32], request: &mut Request) -> Result<()> {
    let met = super::asker::items(snapshot, &request.session)?;
    if let Some(&item) = gone.iter().find(|item| !met.contains(item)) {
        return Err(never_met(snapshot, item));
    }
    let left = met.iter().filter(|item| !gone.contains(item));
    let added = asked.add_events.iter().rev().map(|met| met.item.clone());
    request.session = added.chain(left.map(|&item| iri(snapshot, item))).collect();
    Ok(())
}

/// Makes the changes of facts, and tells which facts of the graph they concern.
fn facts(
    snapshot: &Snapshot,
    asked: &WhatIf,
    changes: &mut Changes,
    notes: &mut Vec<String>,
) -> Result<Facts> {
    let graph = snapshot.graph();
    let mut facts = Facts::default();
    let before: BTreeSet<Quad> = changes.removed().collect();
    for names in &asked.remove_facts {
        let [s, p, o] = encoded(snapshot, names)?.map(|t| snapshot.dataset().find(&t));
        let mut stood = false;
        if let (Some(s), Some(p), Some(o)) = (s, p, o) {
            let mut quads: Vec<Quad> = changes.added([Some(s), Some(p), Some(o)]).collect();
            quads.extend(graph.facts([s, p, o]).map(|f| [s, p, o, graph.graph_of(f)]));
            for quad in quads {
                stood |= changes.take(graph, quad);
            }
        }
        if !stood {
            return Err(
                Error::not_found(format!("nothing states `{}`", names.join(" ")))
                    .hint("`kenning query 'SELECT * { <ITEM> ?p ?o }'` shows what is stated"),
            );
        }
    }
    let removed = changes.removed().filter(|quad| !before.contains(quad));
    facts.removed = removed.collect();
    facts.removed.sort_unstable();
    for names in &asked.add_facts {
        let terms = encoded(snapshot, names)?;
        let [s, p, o] = terms.each_ref().map(|term| changes.number(graph, term));
        let stated = graph
            .facts([s, p, o])
            .any(|fact| !changes.is_removed([s, p, o, graph.graph_of(fact)]));
        let default = term::iri(kenning::DEFAULT_GRAPH);
        let [s_text, p_text, o_text] = terms.each_ref().map(String::as_str);
        if stated || !changes.insert(graph, [s_text, p_text, o_text, &default]) {
            notes.push(format!("`{}` is stated already", names.join(" ")));
            continue;
        }
        if !graph.items().contains(&s) {
            notes.push(format!(
                "`{}` is no item: what is said of it counts for filters only",
                names[0]
            ));
        }
        for number in [s, p, o] {
            let new = changes.term(number).map(|text| (number, text.to_owned()));
            facts.terms.extend(new);
        }
        facts.added.push([s, p, o, 0]);
    }
    Ok(facts)
}

/// Three names as terms.
fn encoded(snapshot: &Snapshot, names: &[String; 3]) -> Result<[String; 3]> {
    let [subject, predicate, object] = names;
    let text = object.strip_prefix('"').and_then(|o| o.strip_suffix('"'));
    Ok([
        resource(snapshot, subject)?,
        new_iri(&expand(bare(predicate)))?,
        match text {
            Some(text) => format!("\"{text}"),
            None => resource(snapshot, object)?,
        },
    ])
}

fn bare(name: &str) -> &str {
    let inner = name.strip_prefix('<').and_then(|n| n.strip_suffix('>'));
    inner.unwrap_or(name)
}

fn new_iri(iri: &str) -> Result<String> {
    let wrong = |e| Error::usage(format!("`{iri}` names nothing: {e}"));
    NamedNode::new(iri).map_err(wrong)?;
    Ok(term::iri(iri))
}

/// An item by its id, a thing by IRI, prefixed name or label, or a new IRI.
fn resource(snapshot: &Snapshot, name: &str) -> Result<String> {
    let graph = snapshot.graph();
    let name = bare(name);
    let known = graph.find_item(name);
    let known = known.or_else(|| graph.find_iri(&expand(name)));
    if let Some(node) = known {
        return Ok(graph.term(node).to_owned());
    }
    let mut labelled = graph.nodes().filter(|&node| graph.label(node) == name);
    match (labelled.next(), labelled.next()) {
        (Some(node), None) => Ok(graph.term(node).to_owned()),
        (Some(_), Some(_)) => {
            Err(Error::usage(format!("several things are called `{name}`"))
                .hint("name one by its IRI"))
        }
        (None, _) if name.contains(':') => new_iri(&expand(name)),
        (None, _) => Err(graph.unknown("thing", name)),
    }
}

fn say_what_stays(asked: &WhatIf, ruled_by_nothing: bool, notes: &mut Vec<String>) {
    let facts = !(asked.add_facts.is_empty() && asked.remove_facts.is_empty());
    notes.push(match facts {
        true => "links between items stay as they were built: a build would fit the linear model (`goes-with`) to the facts too".into(),
        false => "links between items stay as they were built: a build would count the events in them too".into(),
    });
    if !asked.add_facts.is_empty() && !ruled_by_nothing {
        notes.push("what rules conclude from added facts waits for a build".into());
    }
}

fn moved(snapshot: &Snapshot, voice: &Voice, [before, after]: [&Side; 2]) -> Vec<Moved> {
    let graph = snapshot.graph();
    let places =
        |side: &Side| -> FxHashMap<u32, usize> { side.items.iter().copied().zip(1..).collect() };
    let (old, new) = (places(before), places(after));
    let all = after.items.iter().chain(&before.items);
    let mut seen = FxHashSet::default();
    let all = all.filter(|&&item| seen.insert(item) && old.get(&item) != new.get(&item));
    let score = |side: &Side, item: u32| side.scores[(item - graph.items().start) as usize];
    all.map(|&item| Moved {
        item: iri(snapshot, item),
        label: voice.label(graph, item).to_owned(),
        before: old.get(&item).copied(),
        after: new.get(&item).copied(),
        score_before: score(before, item),
        score_after: score(after, item),
    })
    .collect()
}

/// The IRI of an item.
pub(super) fn iri(snapshot: &Snapshot, item: u32) -> String {
    snapshot.graph().name(item).to_owned()
}
