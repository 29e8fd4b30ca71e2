//! Weights of the scorer, learnt on a validation part of what trains.
//!
//! Coordinate ascent: one weight after the other is tried at some multiples, and what raises the mean NDCG of a seeded
//! sample of users is kept, until a round changes nothing. The test part is taken away before anything is looked at.

use super::random::Random;
use super::split::Split;
use super::trained::{Case, Trained, mean};
use crate::config::ScoringSettings;
use crate::engine::Engine;
use crate::model::Progress;
use crate::scoring::Scorer;
use crate::{Error, Result};

/// Rounds over all weights at most.
const ROUNDS: usize = 4;
/// What a weight is multiplied with.
const FACTORS: [f32; 4] = [0.0, 0.5, 2.0, 4.0];
/// A weight of nothing is tried at this.
const LEAST: f32 = 0.02;
const DECAYS: [f32; 5] = [1.0, 0.95, 0.9, 0.8, 0.6];
const POPULARITIES: [f32; 5] = [0.0, 0.003, 0.01, 0.03, 0.1];
/// A gain below this is noise.
const GAIN: f64 = 1e-5;

/// What is learnt from.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
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
    /// Of the sample.
    pub seed: u64,
}

/// One weight that was changed, and what the validation part said.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Which weight.
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
    pub settings: ScoringSettings,
    /// Mean NDCG of the settings before.
    pub before: f64,
    /// What raised it, in order.
    pub steps: Vec<Step>,
}

/// Learns the weights of a project.
///
/// # Errors
/// `Input` if nothing is held out for validation.
pub fn learn(engine: &Engine, lesson: &Lesson, progress: &dyn Progress) -> Result<Learnt> {
    let splits = [&lesson.test, &lesson.validation];
    let mut class = Trained::of(engine, &splits, lesson.core, progress)?;
    sample(&mut class.cases, lesson);
    if class.cases.is_empty() {
        return Err(
            Error::input("nothing is left to validate on").hint("another split, or more events")
        );
    }
    let ndcg = |settings: &ScoringSettings| mean(&class.ndcg(settings, lesson.k));
    let mut settings = engine.project().settings().scoring.clone();
    let first = Scorer::new(&class.graph, &settings).weights();
    settings.weights = first
        .into_iter()
        .map(|(name, weight)| (name, weight as f32))
        .collect();
    let before = ndcg(&settings);
    let mut climb = Climb {
        ndcg,
        best: before,
        settings,
        steps: Vec::new(),
    };
    for round in 0..ROUNDS {
        let names: Vec<String> = climb.settings.weights.keys().cloned().collect();
        progress.begin(
            &format!("round {}", round + 1),
            Some(names.len() as u64 + 2),
            "weights",
        );
        let known = climb.steps.len();
        climb.try_each("decay", &DECAYS, |settings, value| settings.decay = value);
        progress.advance(1, 1);
        climb.try_each("popularity", &POPULARITIES, |settings, value| {
            settings.popularity = value
        });
        progress.advance(1, 1);
        for name in names {
            let now = climb.settings.weights[&name];
            let values = FACTORS.map(|factor| {
                if now > 0.0 {
                    now * factor
                } else {
                    LEAST * factor
                }
            });
            climb.try_each(&name, &values, |settings, value| {
                settings.weights.insert(name.clone(), value);
            });
            progress.advance(1, 1);
        }
        progress.end();
        if climb.steps.len() == known {
            break;
        }
    }
    Ok(Learnt {
        settings: climb.settings,
        before,
        steps: climb.steps,
    })
}

/// Leaves the users that are looked at.
fn sample(cases: &mut Vec<Case>, lesson: &Lesson) {
    cases.sort_unstable_by_key(|case| (Random::of(lesson.seed, u64::from(case.0)).bits(), case.0));
    cases.truncate(lesson.users);
}

struct Climb<N> {
    /// Mean NDCG under some settings.
    ndcg: N,
    settings: ScoringSettings,
    best: f64,
    steps: Vec<Step>,
}

impl<N: Fn(&ScoringSettings) -> f64> Climb<N> {
    /// Tries values in a place, and keeps the best if it is better than now.
    fn try_each(&mut self, name: &str, values: &[f32], set: impl Fn(&mut ScoringSettings, f32)) {
        let mut found = None;
        for &value in values {
            let mut settings = self.settings.clone();
            set(&mut settings, value);
            let ndcg = (self.ndcg)(&settings);
            if ndcg > self.best + GAIN {
                self.best = ndcg;
                found = Some((settings, value));
            }
        }
        if let Some((settings, value)) = found {
            self.settings = settings;
            self.steps.push(Step {
                name: name.to_owned(),
                value,
                ndcg: self.best,
            });
        }
    }
}
