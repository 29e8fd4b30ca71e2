//! Scores without a language model: each is the sum of its paths.
//!
//! `score(u, c) = Σ_h decay^age(h) · taste(h) · Σ_m w_m · W_m[h, c] + w_popular · popularity(c)` over the latest distinct
//! items `h` of the user's history, with what their ratings tell of the user's [`Taste`], and the ways `m` from one item
//! to another: computed links, facts between items, and facts that both share. So "why" is not a story told afterwards: [`Scorer::paths`] returns the summands, each with the
//! evidence that it rests on, and they add up to [`Scorer::score`]. [`quality`] says how good they are to look at.
//!
//! A shared fact weighs `(d(h) · d(e) · d(c))^-½`, where `d` counts facts of the relation: what everything shares says
//! little. Entities with more than [`HUB`] items are passed over.

mod alike;
mod liking;
mod paths;
pub mod quality;
mod rank;
mod relations;
mod supposing;
mod walk;

pub use alike::Outline;
pub use paths::{Evidence, Path, Route};
pub use supposing::{Facts, Supposed};
pub use walk::Walk;

use crate::config::ScoringSettings;
use crate::graph::Graph;
use crate::graph::changes::{Changes, NewEvent};
use crate::model::taste::Spread;
use crate::model::{LinkKind, Taste};
use crate::vocabulary::weight_of;
use relations::{Relation, Trend};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::{Arc, OnceLock};

/// Entities that more items than this share tell nothing apart, and cost the most.
pub const HUB: usize = 1000;

/// Weights of the ways between items where the settings name none: set by hand between those that a search liked best on
/// held-out parts of Amazon Beauty, MovieLens and Online Retail, which differ widely. `kenning learn` finds those of a
/// project; `[scoring.weights]` overrides these.
const LINK_WEIGHTS: [(LinkKind, f64); 5] = [
    (LinkKind::FollowedBy, 0.05),
    (LinkKind::BoughtWith, 0.05),
    (LinkKind::CoOccursWith, 0.15),
    (LinkKind::SimilarTo, 0.02),
    (LinkKind::GoesWith, 4.0),
];
const RELATION_WEIGHT: f64 = 0.1;

/// What is known of the one who asks: items met, the latest first, each with its weight.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// The user's node, if the graph knows them.
    pub user: Option<u32>,
    /// Distinct items, the latest first, with what each counts: by its age, and by what its event says of taste.
    pub history: Vec<(u32, f64)>,
    /// Items that they met since the graph was frozen: no edge says so yet.
    pub news: Vec<u32>,
    /// Entities that they like, with what each counts.
    pub likes: Vec<(u32, f64)>,
    /// Items that fit what they describe in words, with how well, from 0 to 1.
    pub described: Vec<(u32, f64)>,
    /// Items that stand for what is liked or described, with what each counts: paths start from them as from the history,
    /// but nobody says that they were met.
    pub seeds: Vec<(u32, f64)>,
}

impl Profile {
    /// Nothing is known: answers come from popularity and from what popular items have in common.
    pub fn is_cold(&self) -> bool {
        self.history.is_empty() && self.likes.is_empty() && self.described.is_empty()
    }

    /// The items that paths start from, with what each counts.
    fn starts(&self) -> impl Iterator<Item = (u32, f64)> + '_ {
        self.history.iter().chain(&self.seeds).copied()
    }
}

/// An item and its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The item's node.
    pub item: u32,
    /// The sum of its paths.
    pub score: f64,
}

/// What a scorer works out of a graph once, and may keep as long as that graph.
pub struct Tables {
    settings: ScoringSettings,
    links: Vec<(LinkKind, f64)>,
    relations: Vec<Arc<Relation>>,
    /// How many more facts each item is supposed to have.
    more_facts: FxHashMap<u32, isize>,
    spread: Spread,
    taste: Taste,
    /// By user, oldest first: events that the graph does not hold.
    news: FxHashMap<u32, Arc<Vec<NewEvent>>>,
    /// Pairs of a user and an item that are supposed never to have met.
    unmet: FxHashSet<(u32, u32)>,
    /// How many users met each item, in the order of their nodes; and all of these together.
    met_by: (Vec<u32>, u64),
    /// What popularity adds to each item.
    popularity: Vec<f64>,
    trends: OnceLock<Vec<Trend>>,
    /// What trends add to each item.
    trending: OnceLock<Vec<f64>>,
    /// Items by what popularity adds to them, the best first.
    popular: OnceLock<Vec<u32>>,
}

/// Scores items of one graph.
pub struct Scorer<'g> {
    graph: &'g Graph,
    tables: Arc<Tables>,
}

impl Tables {
    /// Looks at every fact of a graph once. Settings that are no numbers count as if they were not set.
    pub fn new(graph: &Graph, settings: &ScoringSettings) -> Self {
        let settings = &sound(settings);
        let weight = |name: &str| settings.weights.get(name).map(|&w| f64::from(w));
        let links = LINK_WEIGHTS.map(|(kind, usual)| (kind, weight(kind.name()).unwrap_or(usual)));
        let relations = Relation::find(graph, |iri| {
            weight_of(&settings.weights, iri).map(f64::from)
        });
        let met_by = met_by(graph);
        let spreads = graph.users().map(|user| Spread::of(weights(graph, user)));
        let spread = spreads.fold(Spread::default(), Spread::with);
        Self {
            settings: settings.clone(),
            links: links.into_iter().filter(|(_, w)| *w != 0.0).collect(),
            relations: relations.into_iter().map(Arc::new).collect(),
            more_facts: FxHashMap::default(),
            news: FxHashMap::default(),
            unmet: FxHashSet::default(),
            taste: Taste::by(settings.preference, spread),
            spread,
            popularity: popularity(&met_by.0, settings),
            met_by,
            trends: OnceLock::new(),
            trending: OnceLock::new(),
            popular: OnceLock::new(),
        }
    }

    /// The tables of the same graph with all events of `changes`: what a build with these events would make of them, but for
    /// the links between items, which stay as they are until then.
    pub fn with_news(&self, graph: &Graph, changes: &Changes) -> Self {
        let events = changes.events(graph);
        let supposed = Supposed {
            events,
            ..Supposed::default()
        };
        self.supposing(graph, &supposed)
    }
}

/// Settings whose numbers are finite. A project's file is checked when it is read; a library's caller may write anything.
fn sound(settings: &ScoringSettings) -> ScoringSettings {
    let usual = ScoringSettings::default();
    let number = |given: f32, usual: f32| if given.is_finite() { given } else { usual };
    let weights = settings
        .weights
        .iter()
        .filter(|weight| weight.1.is_finite());
    ScoringSettings {
        history: settings.history,
        decay: number(settings.decay, usual.decay),
        preference: number(settings.preference, usual.preference),
        popularity: number(settings.popularity, usual.popularity),
        weights: weights
            .map(|(name, &weight)| (name.clone(), weight))
            .collect(),
    }
}

/// How many users met each item, and all of these together.
fn met_by(graph: &Graph) -> (Vec<u32>, u64) {
    let met_by = graph.items().map(|item| graph.met_by(item).len() as u32);
    let met_by: Vec<u32> = met_by.collect();
    let sum = met_by.iter().map(|&count| u64::from(count)).sum();
    (met_by, sum)
}

/// The logarithm of the users who met each item, in parts of the largest.
fn popularity(met_by: &[u32], settings: &ScoringSettings) -> Vec<f64> {
    let weight = f64::from(settings.popularity);
    let log = |met_by: u32| (1.0 + f64::from(met_by)).ln();
    let most = log(met_by.iter().copied().max().unwrap_or(0));
    let share = |&met_by: &u32| match most > 0.0 {
        true => weight * log(met_by) / most,
        false => 0.0,
    };
    met_by.iter().map(share).collect()
}

impl<'g> Scorer<'g> {
    /// Prepares to score; looks at every fact once.
    pub fn new(graph: &'g Graph, settings: &ScoringSettings) -> Self {
        Self::with(graph, Arc::new(Tables::new(graph, settings)))
    }

    /// A scorer by tables that were made of this very graph.
    pub fn with(graph: &'g Graph, tables: Arc<Tables>) -> Self {
        Self { graph, tables }
    }

    /// The ways from item to item that weigh anything: link kinds and properties by name, with their weights.
    pub fn weights(&self) -> Vec<(String, f64)> {
        let links = self
            .tables
            .links
            .iter()
            .map(|&(kind, weight)| (kind.name().to_owned(), weight));
        let relations = self.tables.relations.iter().map(|relation| {
            let iri = self.graph.iri(relation.predicate).unwrap_or_default();
            (iri.to_owned(), relation.weight)
        });
        links.chain(relations).collect()
    }

    /// What the graph knows of a user, and what happened since.
    pub fn profile(&self, user: u32) -> Profile {
        let events = self.events(user);
        let new = self.tables.news.get(&user).into_iter();
        let new = new.flat_map(|new| new.iter().map(|event| event.item));
        let is_new = |item: &u32| self.graph.interaction(user, *item).is_none();
        Profile {
            user: Some(user),
            history: self.history_by(&events, self.tables.taste),
            news: new.filter(is_new).collect(),
            ..Profile::default()
        }
    }

    /// All items that a user met.
    pub fn met(&self, user: u32) -> FxHashSet<u32> {
        let news = self.tables.news.get(&user).into_iter();
        let new = news.flat_map(|new| new.iter().map(|event| event.item));
        let all = self.graph.met(user).iter().copied().chain(new);
        all.filter(|item| !self.tables.unmet.contains(&(user, *item)))
            .collect()
    }

    /// Whether something happened with a user since the graph was frozen.
    pub fn has_news(&self, user: u32) -> bool {
        self.tables.news.contains_key(&user)
    }

    /// A profile of items met, the latest first: a session, or a user whom the graph does not know.
    pub fn session(&self, items: &[u32]) -> Profile {
        Profile {
            history: self.decayed(items.iter().map(|&item| (item, 1.0))),
            ..Profile::default()
        }
    }

    fn decayed(&self, items: impl Iterator<Item = (u32, f64)>) -> Vec<(u32, f64)> {
        let mut seen = FxHashSet::default();
        let distinct = items
            .filter(|&(item, _)| seen.insert(item))
            .take(self.tables.settings.history);
        let decay = f64::from(self.tables.settings.decay);
        let aged = (0..).zip(distinct);
        aged.map(|(age, (item, count))| (item, decay.powi(age) * count))
            .collect()
    }

    /// The score of one item: the sum of its [`Scorer::paths`].
    pub fn score(&self, profile: &Profile, item: u32) -> f64 {
        self.paths(profile, item)
            .iter()
            .map(|p| p.contribution)
            .sum()
    }

    /// The scores of all items, in the order of their nodes.
    pub fn all(&self, profile: &Profile) -> Vec<f64> {
        self.walk(profile).scores()
    }

    /// A fact between an item and another.
    fn stated(&self, relation: &Relation, from: u32) -> f64 {
        relation.weight * relation.damping(self.graph, from)
    }

    /// A fact that an item shares with others, as many as `sharing`; each of them damps it once more.
    fn shared(&self, relation: &Relation, from: u32, sharing: usize) -> f64 {
        relation.weight * relation.damping(self.graph, from) * rarity(sharing)
    }

    fn popularity(&self, item: u32) -> f64 {
        self.of_item(&self.tables.popularity, item)
    }

    /// What a list in the order of the items says of one; 0 of other nodes.
    fn of_item(&self, list: &[f64], item: u32) -> f64 {
        let index = item.checked_sub(self.graph.items().start);
        let known = index.and_then(|index| list.get(index as usize));
        known.copied().unwrap_or(0.0)
    }
}

/// What a fact says that so many share, or that an item has beside so many: the more there are, the less.
fn rarity(count: usize) -> f64 {
    (count.max(1) as f64).sqrt().recip()
}

/// Of the events of a user, oldest first.
fn weights(graph: &Graph, user: u32) -> impl Iterator<Item = f32> + Clone + '_ {
    graph.events(user).map(|event| event.weight)
}
