//! How to rank, learnt on a validation part of what trains.
//!
//! Coordinate ascent: one setting after the other is tried at some values, and what raises the mean NDCG of a seeded
//! sample of users is kept, until a round changes nothing. The test part is taken away before anything is looked at.

use super::Method;
use super::random::Random;
use super::ranking::Gain;
use super::split::Split;
use super::trained::{Case, Trained, mean};
use crate::config::{LinkSettings, ScoringSettings};
use crate::engine::Engine;
use crate::graph::Graph;
use crate::model::{Progress, Unwatched};
use crate::scoring::Scorer;
use crate::vocabulary::rdf;
use crate::{Error, Result};

/// Rounds over all settings at most.
const ROUNDS: usize = 4;
/// What a weight is multiplied with.
const FACTORS: [f32; 4] = [0.0, 0.5, 2.0, 4.0];
/// A weight of nothing is tried at this.
const LEAST: f32 = 0.02;
const DECAYS: [f32; 5] = [1.0, 0.95, 0.9, 0.8, 0.6];
const PREFERENCES: [f32; 3] = [0.0, 0.25, 0.5];
const POPULARITIES: [f32; 5] = [0.0, 0.003, 0.01, 0.03, 0.1];
/// What the ridge of the linear model is multiplied with, and its other weights: links are costly to compute.
const RIDGES: [f32; 2] = [1.0 / 3.0, 3.0];
const PARTS: [f32; 4] = [0.0, 0.5, 2.0, 4.0];
/// Numbers of regressors; all items where these are few, as no neighbourhood is chosen then.
const REGRESSORS: [usize; 2] = [50, 400];
const FEW: usize = 2000;
const DAMPINGS: [f32; 4] = [0.3, 0.5, 0.7, 0.9];
const WINDOWS: [f32; 3] = [5.0, 10.0, 20.0];
/// A gain below this is noise.
const GAIN: f64 = 1e-5;

/// What is learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learns {
    /// How items are scored.
    Scoring,
    /// How they are linked, too: each try computes all links again.
    Links,
}

/// What is learnt, and from what.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// What is learnt.
    pub learns: Learns,
    /// Taken away first: the test part.
    pub test: Split,
    /// Taken from the rest: the validation part.
    pub validation: Split,
    /// Only users and items with so many partners count.
    pub core: usize,
    /// Users that are looked at.
    pub users: usize,
    /// Length of the lists.
    pub k: usize,
    /// What a held-out item gains.
    pub gain: Gain,
    /// Of the sample.
    pub seed: u64,
}

/// One setting that was changed, and what the validation part said.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Which setting.
    pub name: String,
    /// Its new value.
    pub value: f32,
    /// Mean NDCG since.
    pub ndcg: f64,
}

/// What was learnt.
#[derive(Clone, Debug)]
pub struct Learnt {
    /// The settings, with a weight for every way.
    pub method: Method,
    /// Mean NDCG of the settings before.
    pub before: f64,
    /// What raised it, in order.
    pub steps: Vec<Step>,
}

/// Learns the settings of a project.
///
/// # Errors
/// `Input` if nothing is held out for validation.
pub fn learn(engine: &Engine, lesson: &Lesson, progress: &dyn Progress) -> Result<Learnt> {
    let mut method = Method::of(engine);
    let class = class(engine, lesson, &method.links, progress)?;
    if class.cases.is_empty() {
        return Err(
            Error::input("nothing is left to validate on").hint("another split, or more events")
        );
    }
    let weights = Scorer::new(&class.graph, &method.scoring).weights();
    method.scoring.weights = weights
        .into_iter()
        .map(|(name, weight)| (name, weight as f32))
        .collect();
    let before = mean(&class.ndcg(&method.scoring, (lesson.k, lesson.gain)));
    let mut climb = Climb {
        engine,
        lesson,
        class,
        method,
        best: before,
        steps: Vec::new(),
    };
    for round in 1..=ROUNDS {
        let known = climb.steps.len();
        let tries = climb.method.scoring.weights.len() as u64 + 3;
        progress.begin(&format!("round {round}: scoring"), Some(tries), "settings");
        climb.scoring(progress);
        progress.end();
        if lesson.learns == Learns::Links {
            let tries = 7 + shared(&climb.class.graph).len() as u64;
            progress.begin(&format!("round {round}: links"), Some(tries), "settings");
            climb.links(progress)?;
            progress.end();
        }
        if climb.steps.len() == known {
            break;
        }
    }
    Ok(Learnt {
        method: climb.method,
        before,
        steps: climb.steps,
    })
}

/// The properties under which items share entities or values.
fn shared(graph: &Graph) -> Vec<String> {
    let items = graph.items();
    let of_item = |pair: &&[u32; 2]| items.contains(&pair[1]);
    let shares = |property: &u32| {
        let runs = graph.pairs(*property).chunk_by(|a, b| a[0] == b[0]);
        runs.into_iter()
            .any(|run| run.iter().filter(of_item).nth(1).is_some())
    };
    let iri = |property| graph.iri(property).map(str::to_owned);
    let properties = graph.predicates().iter().copied().filter(shares);
    let named = properties.filter_map(iri);
    named.filter(|property| property != rdf::TYPE).collect()
}

/// What is left to train on, and the users that are looked at.
fn class(
    engine: &Engine,
    lesson: &Lesson,
    links: &LinkSettings,
    progress: &dyn Progress,
) -> Result<Trained> {
    let splits = [&lesson.test, &lesson.validation];
    let mut class = Trained::of(engine, &splits, (lesson.core, links), progress)?;
    let drawn = |case: &Case| Random::of(lesson.seed, u64::from(case.0)).bits();
    class
        .cases
        .sort_unstable_by_key(|case| (drawn(case), case.0));
    class.cases.truncate(lesson.users);
    Ok(class)
}

/// The way up.
struct Climb<'a> {
    engine: &'a Engine,
    lesson: &'a Lesson,
    class: Trained,
    method: Method,
    best: f64,
    steps: Vec<Step>,
}

impl Climb<'_> {
    fn scoring(&mut self, progress: &dyn Progress) {
        self.score("decay", &DECAYS, |s, value| s.decay = value);
        progress.advance(1, 1);
        self.score("preference", &PREFERENCES, |s, value| s.preference = value);
        progress.advance(1, 1);
        self.score("popularity", &POPULARITIES, |s, value| s.popularity = value);
        progress.advance(1, 1);
        let weights = self.method.scoring.weights.clone();
        for (name, now) in weights {
            let now = if now > 0.0 { now } else { LEAST };
            let values = FACTORS.map(|factor| now * factor);
            self.score(&name, &values, |settings, value| {
                settings.weights.insert(name.clone(), value);
            });
            progress.advance(1, 1);
        }
    }

    fn links(&mut self, progress: &dyn Progress) -> Result<()> {
        let now = self.method.links.clone();
        let around = |value: f32, factors: &[f32]| -> Vec<f32> {
            factors.iter().map(|factor| value * factor).collect()
        };
        let items = self.class.graph.items().len();
        let all = (items <= FEW).then_some(items);
        let regressors = REGRESSORS.into_iter().chain(all).map(|count| count as f32);
        self.link("links.regressors", &Vec::from_iter(regressors), |l, v| {
            l.regressors = v as usize
        })?;
        progress.advance(1, 1);
        self.link("links.damping", &DAMPINGS, |l, v| l.damping = v)?;
        progress.advance(1, 1);
        self.link("links.window", &WINDOWS, |l, v| l.window = v as usize)?;
        progress.advance(1, 1);
        self.link("links.shared", &around(now.shared, &PARTS), |l, v| {
            l.shared = v
        })?;
        progress.advance(1, 1);
        self.link("links.ridge", &around(now.ridge, &RIDGES), |l, v| {
            l.ridge = v
        })?;
        progress.advance(1, 1);
        self.link("links.order", &around(now.order, &PARTS), |l, v| {
            l.order = v
        })?;
        progress.advance(1, 1);
        self.link("links.preference", &PREFERENCES, |l, v| l.preference = v)?;
        progress.advance(1, 1);
        for property in shared(&self.class.graph) {
            let weight = self.method.links.weights.get(&property);
            let weight = *weight.unwrap_or(&self.method.links.shared);
            self.link(
                &format!("links.weights.{property}"),
                &around(weight.max(LEAST), &PARTS),
                |links, value| {
                    links.weights.insert(property.clone(), value);
                },
            )?;
            progress.advance(1, 1);
        }
        Ok(())
    }

    /// Tries values in a place of the scorer's settings, and keeps the best if it is better than now.
    fn score(&mut self, name: &str, values: &[f32], set: impl Fn(&mut ScoringSettings, f32)) {
        let mut found = None;
        for &value in values {
            let mut settings = self.method.scoring.clone();
            set(&mut settings, value);
            if self.rises(mean(
                &self
                    .class
                    .ndcg(&settings, (self.lesson.k, self.lesson.gain)),
            )) {
                found = Some((settings, value));
            }
        }
        if let Some((settings, value)) = found {
            self.method.scoring = settings;
            self.step(name, value);
        }
    }

    /// The same for how items are linked.
    fn link(
        &mut self,
        name: &str,
        values: &[f32],
        set: impl Fn(&mut LinkSettings, f32),
    ) -> Result<()> {
        let mut found = None;
        for &value in values {
            let mut links = self.method.links.clone();
            set(&mut links, value);
            if links == self.method.links {
                continue;
            }
            let class = class(self.engine, self.lesson, &links, &Unwatched)?;
            if self.rises(mean(
                &class.ndcg(&self.method.scoring, (self.lesson.k, self.lesson.gain)),
            )) {
                found = Some((links, class, value));
            }
        }
        if let Some((links, class, value)) = found {
            (self.method.links, self.class) = (links, class);
            self.step(name, value);
        }
        Ok(())
    }

    fn rises(&mut self, ndcg: f64) -> bool {
        let rises = ndcg > self.best + GAIN;
        if rises {
            self.best = ndcg;
        }
        rises
    }

    fn step(&mut self, name: &str, value: f32) {
        self.steps.push(Step {
            name: name.to_owned(),
            value,
            ndcg: self.best,
        });
    }
}
