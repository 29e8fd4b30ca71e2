//! The formula of the scores, as the crate's documentation gives it, over plain lists: slow, and short.

use crate::shop::Numbers;
use kenning::graph::Graph;
use kenning::model::{LinkKind, term};
use std::collections::{BTreeMap, BTreeSet};

const LINKS: [(LinkKind, f64); 5] = [
    (LinkKind::FollowedBy, 0.05),
    (LinkKind::BoughtWith, 0.05),
    (LinkKind::CoOccursWith, 0.15),
    (LinkKind::SimilarTo, 0.02),
    (LinkKind::GoesWith, 4.0),
];
const RELATION: f64 = 0.1;
// Settings have single precision.
const POPULARITY: f64 = 0.01_f32 as f64;
const DECAY: f64 = 0.9_f32 as f64;
const PREFERENCE: f64 = 0.25;

/// An item met, when, and how much.
type Event = (u32, i64, f32);

/// All that scores are made of.
#[derive(Clone)]
pub struct World {
    items: std::ops::Range<u32>,
    /// By user, oldest first.
    events: BTreeMap<u32, Vec<Event>>,
    /// Facts between items and resources, with how many sources state each.
    facts: BTreeMap<[u32; 3], usize>,
    /// By kind's weight: from, to, score.
    links: Vec<(f64, u32, u32, f64)>,
}

impl World {
    pub fn of(graph: &Graph) -> Self {
        let events = graph.users().map(|user| {
            let events = graph.events(user);
            let events = events.map(|e| (e.item, e.time.unwrap_or(i64::MIN), e.weight));
            (user, events.collect())
        });
        let mut facts = BTreeMap::new();
        let class = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
        for &predicate in graph.predicates() {
            let leads = |[object, subject]: &[u32; 2]| {
                graph.items().contains(subject) && graph.nodes().contains(object)
            };
            let used = graph.term(predicate) != class && graph.pairs(predicate).iter().any(leads);
            for [object, subject] in graph.pairs(predicate).iter().filter(|_| used) {
                *facts.entry([*subject, predicate, *object]).or_default() += 1;
            }
        }
        let links = LINKS.into_iter().flat_map(|(kind, weight)| {
            graph.items().flat_map(move |from| {
                let row = graph.links(kind, from);
                let links = row.to.iter().zip(row.score);
                links.map(move |(&to, &score)| (weight, from, to, f64::from(score)))
            })
        });
        Self {
            items: graph.items(),
            events: events.collect(),
            facts,
            links: links.collect(),
        }
    }

    /// The items that a user met, each once.
    pub fn met(&self, user: u32) -> Vec<u32> {
        let items: BTreeSet<u32> = self.events[&user].iter().map(|e| e.0).collect();
        items.into_iter().collect()
    }

    pub fn take(&mut self, user: u32, item: u32) {
        self.events.get_mut(&user).unwrap().retain(|e| e.0 != item);
    }

    pub fn tell(&mut self, user: u32, event: Event) {
        let events = self.events.get_mut(&user).unwrap();
        events.push(event);
        events.sort_by_key(|e| e.1);
    }

    pub fn state(&mut self, fact: [u32; 3]) {
        self.facts.insert(fact, 1);
    }

    pub fn retract(&mut self, fact: [u32; 3]) {
        self.facts.remove(&fact);
    }

    /// A fact that stands, or one that might; of an item, with an entity that others have. And whether it stands.
    pub fn drawn(&self, numbers: &mut Numbers, graph: &Graph) -> ([u32; 3], bool) {
        let facts: Vec<&[u32; 3]> = self.facts.keys().collect();
        let draw = |numbers: &mut Numbers| *facts[numbers.below(facts.len() as u64) as usize];
        loop {
            let (mut fact, stands) = (draw(numbers), numbers.below(2) == 0);
            if !stands {
                fact[0] = self.items.start + numbers.below(self.items.len() as u64) as u32;
            }
            let plain =
                self.items.contains(&fact[0]) && term::as_iri(graph.term(fact[2])).is_some();
            if plain && self.facts.contains_key(&fact) == stands {
                return (fact, stands);
            }
        }
    }

    fn counts(&self, user: u32) -> Vec<(u32, f64)> {
        let mean = |events: &[Event]| {
            events.iter().map(|e| f64::from(e.2)).sum::<f64>() / events.len().max(1) as f64
        };
        let (mut squares, mut all) = (0.0, 0);
        for events in self.events.values() {
            let middle = mean(events);
            squares += events
                .iter()
                .map(|e| (f64::from(e.2) - middle).powi(2))
                .sum::<f64>();
            all += events.len();
        }
        let deviation = (squares / all as f64).sqrt();
        let middle = mean(&self.events[&user]);
        let mut counts: Vec<(u32, f64)> = Vec::new();
        for &(item, _, weight) in self.events[&user].iter().rev() {
            if counts.iter().any(|known| known.0 == item) {
                continue;
            }
            let told = match deviation > 1e-6 {
                true => PREFERENCE * ((f64::from(weight) - middle) / deviation),
                false => 0.0,
            };
            let taste = 1.0 + told.clamp(-2.0 * PREFERENCE, 2.0 * PREFERENCE);
            counts.push((item, DECAY.powi(counts.len() as i32) * taste));
        }
        counts
    }

    /// The scores of all items for a user who met something.
    pub fn scores(&self, user: u32) -> BTreeMap<u32, f64> {
        let counts = self.counts(user);
        assert!(!counts.is_empty(), "the cold are scored otherwise");
        let met_by = |item: u32| {
            let users = self.events.values();
            users
                .filter(|events| events.iter().any(|e| e.0 == item))
                .count() as f64
        };
        let most = self.items.clone().map(met_by).fold(0.0, f64::max);
        let popular = |item| POPULARITY * (1.0 + met_by(item)).ln() / (1.0 + most).ln();
        let mut scores: BTreeMap<u32, f64> = self
            .items
            .clone()
            .map(|item| (item, popular(item)))
            .collect();
        let count: BTreeMap<u32, f64> = counts.iter().copied().collect();
        for &(weight, from, to, score) in &self.links {
            if let Some(count) = count.get(&from) {
                *scores.get_mut(&to).unwrap() += count * weight * score;
            }
        }
        // Degrees are counted once for all.
        let mut of_subject: BTreeMap<(u32, u32), f64> = BTreeMap::new();
        let mut of_object: BTreeMap<(u32, u32), f64> = BTreeMap::new();
        for (&[s, p, o], &n) in &self.facts {
            *of_subject.entry((s, p)).or_default() += n as f64;
            *of_object.entry((p, o)).or_default() += n as f64;
        }
        for &(h, count) in &counts {
            for &[_, p, e] in self
                .facts
                .range([h, 0, 0]..[h + 1, 0, 0])
                .map(|fact| fact.0)
            {
                let own = count * RELATION * of_subject[&(h, p)].powf(-0.5);
                if let Some(score) = scores.get_mut(&e) {
                    *score += own;
                }
                let sharing = of_object[&(p, e)];
                if !(2.0..=1000.0).contains(&sharing) {
                    continue;
                }
                for c in self.items.clone().filter(|&c| c != h) {
                    if self.facts.contains_key(&[c, p, e]) {
                        let damped = (sharing * of_subject[&(c, p)]).powf(-0.5);
                        *scores.get_mut(&c).unwrap() += own * damped;
                    }
                }
            }
        }
        scores
    }

    /// The best items, best first, equals by number.
    pub fn best(&self, user: u32, k: usize, wanted: impl Fn(u32) -> bool) -> Vec<(u32, f64)> {
        let scores = self.scores(user).into_iter().filter(|s| wanted(s.0));
        let mut scores: Vec<(u32, f64)> = scores.collect();
        scores.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        scores.truncate(k);
        scores
    }

    /// The place of an item among those that are wanted, from 1.
    pub fn rank(&self, user: u32, item: u32, wanted: impl Fn(u32) -> bool) -> usize {
        let all = self.best(user, usize::MAX, |other| other == item || wanted(other));
        1 + all.iter().position(|s| s.0 == item).unwrap()
    }
}
