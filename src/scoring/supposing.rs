//! What scores would be if events and facts were others than those that the graph holds.
//!
//! Supposed events count as those do that were told since the graph was frozen: as history, as taste, as met, and in what
//! is popular; links between items stay. Supposed facts count as if the graph had been frozen with them, or without those
//! taken away: how rare an entity is and how many facts damp one another change with them; links stay here too.

use super::relations::{Relation, distinct};
use super::{HUB, Profile, Route, Scorer, Tables, popularity, rarity};
use crate::graph::Graph;
use crate::graph::changes::{NewEvent, Quad};
use crate::model::taste::Spread;
use crate::model::{Taste, term};
use crate::vocabulary::weight_of;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// What is supposed, beside what is known.
#[derive(Clone, Debug, Default)]
pub struct Supposed {
    /// Pairs of a user and an item that never met.
    pub unmet: FxHashSet<(u32, u32)>,
    /// Events, in the order in which those of one user at one time count.
    pub events: Vec<NewEvent>,
    /// Facts that stand, or do not.
    pub facts: Facts,
}

/// Facts that are supposed to stand, or not to.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Those beside the facts of the graph.
    pub added: Vec<Quad>,
    /// Those of the graph that do not stand.
    pub removed: Vec<Quad>,
    /// Terms that the graph does not have, by number.
    pub terms: BTreeMap<u32, String>,
}

/// How the facts of one predicate differ from those of the graph: whole rows of the subjects and objects concerned.
#[derive(Clone, Debug, Default)]
pub(super) struct Patch {
    by_subject: FxHashMap<u32, Vec<[u32; 2]>>,
    by_object: FxHashMap<u32, Vec<[u32; 2]>>,
    added: Vec<[u32; 2]>,
    new: FxHashSet<u32>,
}

impl Patch {
    fn of(graph: &Graph, predicate: u32, facts: &Facts) -> Self {
        let mut patch = Self::default();
        let under = |quads: &[Quad]| -> Vec<[u32; 2]> {
            let under = quads.iter().filter(|quad| quad[1] == predicate);
            under.map(|quad| [quad[0], quad[2]]).collect()
        };
        let is_resource = |term: &&String| term::kind(term) == term::Kind::Resource;
        let new = facts.terms.iter().filter(|entry| is_resource(&entry.1));
        patch.new = new.map(|entry| *entry.0).collect();
        for [s, o] in under(&facts.removed) {
            // Of several sources that state it, one less does.
            let take = |row: &mut Vec<[u32; 2]>, end: u32| {
                if let Ok(place) = row.binary_search(&[predicate, end]) {
                    row.remove(place);
                }
            };
            take(patch.row_of_subject(graph, predicate, s), o);
            take(patch.row_of_object(graph, predicate, o), s);
        }
        for [s, o] in under(&facts.added) {
            let put = |row: &mut Vec<[u32; 2]>, end: u32| {
                let place = row.partition_point(|pair| *pair < [predicate, end]);
                row.insert(place, [predicate, end]);
            };
            put(patch.row_of_subject(graph, predicate, s), o);
            put(patch.row_of_object(graph, predicate, o), s);
            patch.added.push([s, o]);
        }
        patch
    }

    fn row_of_subject(
        &mut self,
        graph: &Graph,
        predicate: u32,
        subject: u32,
    ) -> &mut Vec<[u32; 2]> {
        let known = || graph.objects(subject, predicate).to_vec();
        self.by_subject.entry(subject).or_insert_with(known)
    }

    fn row_of_object(&mut self, graph: &Graph, predicate: u32, object: u32) -> &mut Vec<[u32; 2]> {
        let known = || graph.subjects(object, predicate).to_vec();
        self.by_object.entry(object).or_insert_with(known)
    }

    pub(super) fn is_none(&self) -> bool {
        self.by_subject.is_empty()
    }

    pub(super) fn objects(&self, subject: u32) -> Option<&[[u32; 2]]> {
        match self.is_none() {
            true => None,
            false => self.by_subject.get(&subject).map(Vec::as_slice),
        }
    }

    pub(super) fn subjects(&self, object: u32) -> Option<&[[u32; 2]]> {
        match self.is_none() {
            true => None,
            false => self.by_object.get(&object).map(Vec::as_slice),
        }
    }

    /// Subjects and objects of the facts beside those of the graph.
    pub(super) fn added(&self) -> impl Iterator<Item = [u32; 2]> + '_ {
        self.added.iter().copied()
    }

    pub(super) fn is_new_resource(&self, term: u32) -> bool {
        !self.is_none() && self.new.contains(&term)
    }
}

impl Tables {
    /// The tables of the same graph if things were as supposed, beside what these tables know.
    pub fn supposing(&self, graph: &Graph, supposed: &Supposed) -> Self {
        let mut tables = Self {
            settings: self.settings.clone(),
            links: self.links.clone(),
            relations: self.relations.clone(),
            more_facts: self.more_facts.clone(),
            spread: self.spread,
            taste: self.taste,
            news: self.news.clone(),
            unmet: self.unmet.clone(),
            met_by: self.met_by.clone(),
            popularity: Vec::new(),
            trends: OnceLock::new(),
            trending: OnceLock::new(),
            popular: OnceLock::new(),
        };
        tables.suppose_events(graph, supposed);
        tables.popularity = match self.most() == tables.most() {
            true => self.popularity.clone(),
            false => popularity(&tables.met_by.0, &tables.settings),
        };
        if self.most() == tables.most() {
            let changed = (0..).zip(self.met_by.0.iter().zip(&tables.met_by.0));
            let changed: Vec<usize> = changed.filter(|(_, (a, b))| a != b).map(|c| c.0).collect();
            for place in changed {
                let met_by = [tables.met_by.0[place], tables.most()];
                tables.popularity[place] = popularity(&met_by, &tables.settings)[0];
            }
        }
        if !(supposed.facts.added.is_empty() && supposed.facts.removed.is_empty()) {
            tables.suppose_facts(graph, &supposed.facts);
        }
        tables
    }

    /// How many users met the item that most met.
    fn most(&self) -> u32 {
        self.met_by.0.iter().copied().max().unwrap_or(0)
    }

    fn suppose_events(&mut self, graph: &Graph, supposed: &Supposed) {
        let mut users: Vec<u32> = supposed.unmet.iter().map(|pair| pair.0).collect();
        users.extend(supposed.events.iter().map(|event| event.user));
        users.sort_unstable();
        users.dedup();
        let before: Vec<Vec<NewEvent>> = users.iter().map(|&u| self.events(graph, u)).collect();
        self.unmet.extend(&supposed.unmet);
        for event in &supposed.events {
            let news = self.news.entry(event.user).or_default();
            Arc::make_mut(news).push(*event);
            self.unmet.remove(&(event.user, event.item));
        }
        for user in &users {
            if let Some(news) = self.news.get_mut(user) {
                Arc::make_mut(news).sort_by_key(|event| event.time);
            }
        }
        for (&user, before) in users.iter().zip(before) {
            let after = self.events(graph, user);
            self.spread = self.spread.without(spread(&before)).with(spread(&after));
            self.count(graph, &before, &after);
        }
        self.taste = Taste::by(self.settings.preference, self.spread);
    }

    /// Counts who met what anew, of one user whose events were those before.
    fn count(&mut self, graph: &Graph, before: &[NewEvent], after: &[NewEvent]) {
        let items = |events: &[NewEvent]| -> FxHashSet<u32> {
            events.iter().map(|event| event.item).collect()
        };
        let (before, after) = (items(before), items(after));
        let first = graph.items().start;
        for item in before.difference(&after) {
            self.met_by.0[(item - first) as usize] -= 1;
            self.met_by.1 -= 1;
        }
        for item in after.difference(&before) {
            self.met_by.0[(item - first) as usize] += 1;
            self.met_by.1 += 1;
        }
    }

    fn suppose_facts(&mut self, graph: &Graph, facts: &Facts) {
        let quads = || facts.added.iter().chain(&facts.removed);
        for [subject, ..] in &facts.added {
            *self.more_facts.entry(*subject).or_default() += 1;
        }
        for [subject, ..] in &facts.removed {
            *self.more_facts.entry(*subject).or_default() -= 1;
        }
        let mut predicates: Vec<u32> = quads().map(|quad| quad[1]).collect();
        predicates.sort_unstable();
        predicates.dedup();
        for predicate in predicates {
            let known = facts.terms.get(&predicate).map(String::as_str);
            let iri = term::as_iri(known.unwrap_or_else(|| graph.term(predicate)));
            let is_it = |relation: &mut Arc<Relation>| relation.predicate == predicate;
            let known = self.relations.extract_if(.., is_it).next();
            let weights = &self.settings.weights;
            let weight = |iri: &str| weight_of(weights, iri).map(f64::from);
            let patch = Patch::of(graph, predicate, facts);
            let relation = iri
                .and_then(|iri| Relation::under(graph, (predicate, iri), weight, patch))
                .map(|relation| Arc::new(relation.beside(known.as_deref(), graph)));
            self.relations.extend(relation);
        }
        self.relations.sort_by_key(|relation| relation.predicate);
    }

    /// What a user did, oldest first, of equal times as a build orders them.
    pub(super) fn events(&self, graph: &Graph, user: u32) -> Vec<NewEvent> {
        let old = graph.events(user).map(|event| NewEvent {
            user,
            item: event.item,
            time: event.time,
            weight: event.weight,
        });
        let mut all: Vec<NewEvent> = old
            .filter(|event| !self.is_unmet(user, event.item))
            .collect();
        if let Some(new) = self.news.get(&user) {
            let new = new.iter().filter(|event| !self.is_unmet(user, event.item));
            all.extend(new);
            all.sort_by_key(|event| event.time);
        }
        all
    }

    fn is_unmet(&self, user: u32, item: u32) -> bool {
        !self.unmet.is_empty() && self.unmet.contains(&(user, item))
    }
}

/// How far the weights of events lie from their mean.
pub fn spread(events: &[NewEvent]) -> Spread {
    Spread::of(events.iter().map(|event| event.weight))
}

impl<'g> Scorer<'g> {
    /// A scorer of the same graph if things were as supposed.
    pub fn supposing(&self, supposed: &Supposed) -> Self {
        let tables = self.tables.supposing(self.graph, supposed);
        Self::with(self.graph, Arc::new(tables))
    }

    /// The graph that it scores.
    pub fn graph(&self) -> &'g Graph {
        self.graph
    }

    /// What a user did, oldest first, with what happened since the graph was frozen.
    pub fn events(&self, user: u32) -> Vec<NewEvent> {
        self.tables.events(self.graph, user)
    }

    /// How the weights of all users' events are spread, but for those of one who did this.
    pub fn spread_without(&self, events: &[NewEvent]) -> Spread {
        self.tables.spread.without(spread(events))
    }

    /// The history of a user who did this, the oldest first, where `others` is the spread of all others' events.
    pub fn history(&self, events: &[NewEvent], others: Spread) -> Vec<(u32, f64)> {
        let spread = others.with(spread(events));
        let taste = Taste::by(self.tables.settings.preference, spread);
        self.history_by(events, taste)
    }

    pub(super) fn history_by(&self, events: &[NewEvent], taste: Taste) -> Vec<(u32, f64)> {
        let middle = crate::model::taste::mean(events.iter().map(|event| event.weight));
        let latest = events.iter().rev();
        self.decayed(latest.map(|event| (event.item, taste.count(event.weight, middle))))
    }

    /// What each of some items adds to the scores of others if it counts 1 in a history, sorted by item.
    pub fn told(&self, items: &[u32]) -> Vec<Vec<(u32, f64)>> {
        let first = self.graph.items().start;
        let mut sums = vec![0.0; self.graph.items().len()];
        let mut touched: Vec<u32> = Vec::new();
        let mut told = Vec::with_capacity(items.len());
        for &item in items {
            self.add_starts(&[(item, 1.0)], &mut |to, amount| {
                sums[(to - first) as usize] += amount;
                touched.push(to);
            });
            touched.sort_unstable();
            touched.dedup();
            let take = |to: u32| (to, std::mem::take(&mut sums[(to - first) as usize]));
            let row = touched.drain(..).map(take);
            told.push(row.filter(|entry| entry.1 != 0.0).collect());
        }
        told
    }

    /// What each item that paths lead from to `item` adds to its score if it counts 1 in a history, sorted by item.
    pub fn tellers(&self, item: u32) -> Vec<(u32, f64)> {
        let graph = self.graph;
        let mut sums: FxHashMap<u32, f64> = FxHashMap::default();
        for &(kind, weight) in &self.tables.links {
            for (from, link) in graph.links_to(kind, item) {
                let row = graph.links(kind, from);
                let score = row.score.get((link.0 - row.first) as usize);
                *sums.entry(from).or_default() += weight * f64::from(score.copied().unwrap_or(0.0));
            }
        }
        for relation in self.tables.relations.iter() {
            for from in distinct(relation.subjects(graph, item)) {
                *sums.entry(from).or_default() += self.stated(relation, from);
            }
            for entity in distinct(relation.objects(graph, item)) {
                let Some(sharing) = relation.sharing(graph, entity) else {
                    continue;
                };
                let damping = relation.damping(graph, item);
                for from in distinct(sharing).filter(|from| *from != item) {
                    let shared = self.shared(relation, from, sharing.len());
                    *sums.entry(from).or_default() += shared * damping;
                }
            }
        }
        let mut tellers: Vec<(u32, f64)> = sums.into_iter().collect();
        tellers.retain(|entry| graph.items().contains(&entry.0));
        tellers.sort_unstable_by_key(|entry| entry.0);
        tellers
    }

    /// What is added to all items by what does not follow from the events of a user: likes, words, and what stands in the
    /// history of a profile beyond its first `own`.
    pub fn beside(&self, profile: &Profile, own: usize) -> Vec<f64> {
        let mut scores = vec![0.0; self.graph.items().len()];
        let first = self.graph.items().start;
        let mut add = |item: u32, amount: f64| scores[(item - first) as usize] += amount;
        let others = profile.history.iter().skip(own);
        let starts: Vec<(u32, f64)> = others.chain(&profile.seeds).copied().collect();
        self.add_starts(&starts, &mut add);
        self.wished(profile, &mut add);
        scores
    }

    /// What popularity adds to each item, and how many users met it, in the order of their nodes.
    pub fn popular(&self) -> (&[f64], &[u32]) {
        (&self.tables.popularity, &self.tables.met_by.0)
    }

    /// What popularity adds to an item that so many met, where so many met the one that most met.
    pub fn popular_if(&self, met_by: u32, most: u32) -> f64 {
        popularity(&[met_by, most], &self.tables.settings)[0]
    }

    /// How much taste counts, as the settings say.
    pub fn preference(&self) -> f32 {
        self.tables.settings.preference
    }

    /// What each fact would add to an item's score that it shares with the starts of a profile and does not have: the
    /// predicate, the entity, and the sum; the largest first. That its other facts of the predicate count less then is in
    /// it.
    pub fn wanting(&self, profile: &Profile, item: u32) -> Vec<(u32, u32, f64)> {
        let graph = self.graph;
        let paths = self.paths(profile, item);
        let mut wanting = Vec::new();
        for relation in self.tables.relations.iter() {
            let predicate = relation.predicate;
            let had = relation.objects(graph, item).len() as f64;
            let told = paths.iter().filter(|path| match path.route {
                Route::Shared(p) | Route::Liked(p) => p == predicate,
                _ => false,
            });
            let told: f64 = told.map(|path| path.contribution).sum();
            let lost = told * (1.0 - (had / (had + 1.0)).sqrt());
            let mut sums: FxHashMap<u32, f64> = FxHashMap::default();
            for (from, count) in profile.starts() {
                let stated = count * self.stated(relation, from);
                let entities = distinct(relation.objects(graph, from));
                for entity in entities.filter(|&entity| relation.is_entity(graph, entity)) {
                    *sums.entry(entity).or_default() += stated;
                }
            }
            for (entity, sum) in sums {
                let sharing = relation.subjects(graph, entity).len() + 1;
                if relation.has(graph, item, entity) || !(2..=HUB).contains(&sharing) {
                    continue;
                }
                let gain = sum * rarity(sharing) * (had + 1.0).sqrt().recip();
                wanting.push((predicate, entity, gain - lost));
            }
        }
        wanting.sort_unstable_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
        wanting
    }

    /// By how much other items can gain at most if a fact that they share goes: the entity tells more of those left.
    pub fn freed(&self, profile: &Profile, [_, predicate, entity]: [u32; 3]) -> f64 {
        let mut relations = self.tables.relations.iter();
        let Some(relation) = relations.find(|relation| relation.predicate == predicate) else {
            return 0.0;
        };
        let sharing = relation.subjects(self.graph, entity).len();
        let rare = |sharing: usize| match (2..=HUB).contains(&sharing) {
            true => rarity(sharing),
            false => 0.0,
        };
        let having = profile
            .starts()
            .filter(|start| relation.has(self.graph, start.0, entity));
        let sum: f64 = having
            .map(|(from, count)| (count * self.stated(relation, from)).abs())
            .sum();
        sum * (rare(sharing.saturating_sub(1)) - rare(sharing)).max(0.0)
    }

    /// How much each event of a history counts against the one after it, and how many of them count.
    pub fn window(&self) -> (f64, usize) {
        let settings = &self.tables.settings;
        (f64::from(settings.decay), settings.history)
    }
}
