//! What is known of the one who asks, and what the request says of items.

use super::{Engine, Person, Request, Snapshot};
use crate::embedding;
use crate::model::{Dataset, term};
use crate::scoring::{Profile, Scorer};
use crate::sparql::Computed;
use crate::vocabulary::expand;
use crate::{Error, ErrorKind, Result};
use rustc_hash::FxHashMap;
use std::cmp::Ordering;

/// What a text may find at most: items that fit it, and entities that it names.
const FITTING: usize = 100;
const NAMED: usize = 10;

/// Places of a list count `1 / (60 + place)` (Cormack, Clarke & Büttcher 2009: reciprocal rank fusion).
const STEADY: f64 = 60.0;

/// Who asks.
pub(super) struct Asker {
    pub(super) profile: Profile,
    pub(super) person: Person,
    pub(super) notes: Vec<String>,
}

impl Engine {
    /// The profile of a request, and what there is to say about it.
    pub(super) fn asker(
        &self,
        snapshot: &Snapshot,
        scorer: &Scorer<'_>,
        request: &Request,
    ) -> Result<Asker> {
        let mut notes = Vec::new();
        let name = request.user.as_deref();
        let user = name.and_then(|name| user(snapshot, scorer, name));
        let session = items(snapshot, &request.session)?;
        let mut profile = match user {
            Some(user) => scorer.profile(user),
            None => scorer.session(&session),
        };
        if user.is_some() && !session.is_empty() {
            notes.push(
                "the user is known: what they met is in the graph, and the items given are not used"
                    .into(),
            );
        }
        if let (None, Some(name)) = (user, &request.user) {
            notes.push(format!("the graph does not know the user `{name}`"));
        }
        let history = profile.history.len();
        like(snapshot, scorer, (&mut profile, &mut notes), &request.likes)?;
        if let Some(text) = &request.text {
            self.describe(snapshot, scorer, (&mut profile, &mut notes), text)?;
        }
        if profile.is_cold() {
            notes.push("nothing is known of the user: answered from popularity and from what popular items have in common".into());
        }
        let known = user.and_then(|u| term::as_iri(snapshot.dataset().term(u)));
        let person = Person {
            id: known.or(name).unwrap_or("anonymous").to_owned(),
            known: user.is_some(),
            history,
        };
        Ok(Asker {
            profile,
            person,
            notes,
        })
    }

    /// Adds what fits a text: by its words, and by its vector where there are vectors.
    fn describe(
        &self,
        snapshot: &Snapshot,
        scorer: &Scorer<'_>,
        (profile, notes): (&mut Profile, &mut Vec<String>),
        text: &str,
    ) -> Result<()> {
        let graph = snapshot.graph();
        let named = by_words(snapshot, text)?;
        let near = self.by_vector(snapshot, text, notes)?;
        let fitting = fused(&[&named, &near]);
        let fitting = fitting
            .into_iter()
            .filter(|hit| graph.items().contains(&hit.0));
        let mut fitting: Vec<(u32, f64)> = fitting.take(FITTING).collect();
        let most = fitting.first().map_or(1.0, |best| best.1);
        fitting.iter_mut().for_each(|hit| hit.1 /= most);
        let entities = named.iter().filter(|node| !graph.items().contains(node));
        let entities: Vec<u32> = entities.copied().take(NAMED).collect();
        scorer.describe(profile, &fitting);
        let idle = scorer.like(profile, &entities).len();
        let entities = entities.len() - idle;
        notes.push(format!(
            "the words fit {} items and {entities} entities of items",
            fitting.len()
        ));
        Ok(())
    }

    fn by_vector(
        &self,
        snapshot: &Snapshot,
        text: &str,
        notes: &mut Vec<String>,
    ) -> Result<Vec<u32>> {
        let graph = snapshot.graph();
        if graph.vector_count() == 0 {
            return Ok(Vec::new());
        }
        let embedder = match self.embedder() {
            Ok(embedder) => embedder,
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                notes.push(format!("only words were compared: {error}"));
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        let same = |e: &&embedding::Embedder| graph.meta.embedder.as_deref() == Some(e.id());
        let Some(embedder) = embedder.filter(same) else {
            notes.push("only words were compared: the vectors are of another embedder".into());
            return Ok(Vec::new());
        };
        let vectors = embedder.embed(&[text])?;
        let (nodes, all) = graph.vectors();
        let query = vectors.first().map_or(&[][..], Vec::as_slice);
        let near = embedding::nearest(all, query, FITTING);
        Ok(near.iter().map(|hit| nodes[hit.0 as usize]).collect())
    }
}

/// A user of the graph, or one of whom something is known since it was frozen.
pub(super) fn user(snapshot: &Snapshot, scorer: &Scorer<'_>, name: &str) -> Option<u32> {
    let graph = snapshot.graph();
    let mut names = Dataset::iris(&graph.meta.datasets, name, |d| &d.user_iri);
    let new = || {
        let found = names.find_map(|iri| snapshot.dataset().find(&term::iri(&iri)));
        found.filter(|&user| scorer.has_news(user))
    };
    graph.find_user(name).or_else(new)
}

/// Adds entities, by IRI or label; items that are liked count as met last.
fn like(
    snapshot: &Snapshot,
    scorer: &Scorer<'_>,
    (profile, notes): (&mut Profile, &mut Vec<String>),
    names: &[String],
) -> Result<()> {
    let graph = snapshot.graph();
    for name in names {
        let entities = entities(snapshot, name);
        if entities.is_empty() {
            return Err(graph.unknown("entity", name));
        }
        let (items, entities): (Vec<u32>, Vec<u32>) = entities
            .into_iter()
            .partition(|e| graph.items().contains(e));
        profile
            .history
            .extend(items.iter().map(|&item| (item, 1.0)));
        for idle in scorer.like(profile, &entities) {
            let label = graph.label(idle);
            notes.push(format!(
                "no item has `{label}` under a property that counts"
            ));
        }
    }
    Ok(())
}

/// An item by its id, any node by IRI; else all nodes with that label.
fn entities(snapshot: &Snapshot, name: &str) -> Vec<u32> {
    let graph = snapshot.graph();
    let node = graph
        .find_item(name)
        .or_else(|| graph.find_iri(&expand(name)));
    match node.filter(|node| graph.nodes().contains(node)) {
        Some(node) => vec![node],
        None => graph
            .nodes()
            .filter(|&node| graph.label(node) == name)
            .collect(),
    }
}

/// The nodes that have all words; if none has, those that have the most of them.
fn by_words(snapshot: &Snapshot, text: &str) -> Result<Vec<u32>> {
    let nodes = |words: &str| -> Result<Vec<u32>> {
        let found = snapshot.search(words)?.into_iter();
        let known = found.filter(|hit| snapshot.graph().nodes().contains(&hit.0));
        Ok(known.map(|hit| hit.0).collect())
    };
    let all = nodes(text)?;
    if !all.is_empty() {
        return Ok(all);
    }
    let words = text.split_whitespace().map(nodes);
    let lists = words.collect::<Result<Vec<_>>>()?;
    let lists: Vec<&Vec<u32>> = lists.iter().collect();
    Ok(fused(&lists).into_iter().map(|hit| hit.0).collect())
}

/// What stands in ranked lists, the best first, equals by node.
fn fused(lists: &[&Vec<u32>]) -> Vec<(u32, f64)> {
    let mut sums: FxHashMap<u32, f64> = FxHashMap::default();
    for list in lists {
        for (place, &node) in list.iter().enumerate() {
            *sums.entry(node).or_default() += 1.0 / (STEADY + place as f64 + 1.0);
        }
    }
    let mut fused: Vec<(u32, f64)> = sums.into_iter().collect();
    fused.sort_unstable_by(|a, b| match b.1.total_cmp(&a.1) {
        Ordering::Equal => a.0.cmp(&b.0),
        order => order,
    });
    fused
}

/// Items by their names.
pub(super) fn items(snapshot: &Snapshot, names: &[String]) -> Result<Vec<u32>> {
    let graph = snapshot.graph();
    let find = |name: &String| -> Result<u32, Error> {
        graph
            .find_item(name)
            .ok_or_else(|| graph.unknown("item", name))
    };
    names.iter().map(find).collect()
}
