//! How to rank, learnt on validation parts of what trains.
//!
//! Coordinate ascent: one setting after the other is tried at some values, and what raises the mean NDCG of a seeded
//! sample of users, ranked as a protocol says, is kept, until a round changes nothing. Where there are fewer users than are
//! asked for, several validation parts are drawn (up to [`PARTS`]) and averaged, as one of a few hundred rankings would teach
//! its own noise. A try whose first parts are worse, or the same, is not made on the others. The test part is taken away before
//! anything is looked at, negatives included: they are drawn by what trains beside a validation part.

mod dials;

use super::Method;
use super::random::Random;
use super::ranking::{Judging, Protocol};
use super::split::Split;
use super::trained::{Case, Trained, mean};
use crate::engine::Engine;
use crate::model::{Progress, Unwatched};
use crate::scoring::Scorer;
use crate::vocabulary::{expand, shorten, weight_of};
use crate::{Error, Result};
use dials::{Catalogue, Dial};
use std::collections::BTreeMap;

/// Rounds over all settings at most.
const ROUNDS: usize = 4;
/// Validation parts at most.
const PARTS: usize = 5;
/// A gain below this is noise.
const GAIN: f64 = 1e-5;
/// Standard errors below what is known at which a try is given up.
const CLEARLY: f64 = 1.0;
/// Properties that fewer pairs of an item and what it shares stand under, for each item, cannot matter.
const SHARING: f64 = 0.01;

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
    /// Taken from the rest: the validation part. Of a share that is drawn, several are drawn where there are few users.
    pub validation: Split,
    /// Only users and items with so many partners count.
    pub core: usize,
    /// Users whose rankings are looked at: so many, or the same ones in several validation parts.
    pub users: usize,
    /// How they are judged; its seed is that of the sample, too.
    pub judging: Judging,
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

/// What is told while it is learnt.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// Where it starts.
    Start {
        /// Mean NDCG of the settings as they are.
        ndcg: f64,
        /// Validation parts that were drawn.
        parts: usize,
    },
    /// What raised it.
    Step(Step),
}

/// Learns the settings of a project, with a weight for every way. `told` hears of each step when it is made.
///
/// # Errors
/// `Input` if nothing is held out for validation.
pub fn learn(
    engine: &Engine,
    lesson: &Lesson,
    progress: &dyn Progress,
    told: &dyn Fn(News),
) -> Result<Method> {
    let mut method = Method::of(engine);
    let first = part(engine, lesson, (0, &method), progress)?;
    if first.cases.is_empty() {
        return Err(
            Error::input("nothing is left to validate on").hint("another split, or more events")
        );
    }
    method.scoring.weights = weights(&first, &method);
    let mut parts = vec![first];
    for number in 1..lesson.parts(parts[0].cases.len()) {
        parts.push(part(engine, lesson, (number, &method), progress)?);
    }
    let known: Vec<f64> = parts
        .iter()
        .flat_map(|part| ndcg(part, &method, lesson))
        .collect();
    told(News::Start {
        ndcg: mean(&known),
        parts: parts.len(),
    });
    let mut climb = Climb {
        engine,
        lesson,
        told,
        parts,
        method,
        known,
        steps: 0,
    };
    for round in 0..ROUNDS {
        let known = climb.steps;
        climb.round(round, progress)?;
        if climb.steps == known {
            break;
        }
    }
    Ok(climb.method)
}

impl Lesson {
    /// How many validation parts are drawn, where one has rankings of so many users.
    fn parts(&self, users: usize) -> usize {
        match self.validation {
            Split::Holdout { .. } => self.users.div_ceil(users).clamp(1, PARTS),
            _ => 1,
        }
    }

    /// One of the validation parts.
    fn validation(&self, number: usize) -> Split {
        match self.validation {
            Split::Holdout { share, seed } => Split::Holdout {
                share,
                seed: seed.wrapping_add(number as u64),
            },
            ref one => one.clone(),
        }
    }
}

/// What is left to train on beside one of the validation parts, and the users that are looked at.
fn part(
    engine: &Engine,
    lesson: &Lesson,
    (number, method): (usize, &Method),
    progress: &dyn Progress,
) -> Result<Trained> {
    let splits = [&lesson.test, &lesson.validation(number)];
    let mut part = Trained::of(engine, &splits, (lesson.core, &method.links), progress)?;
    let drawn = |case: &Case| Random::of(lesson.judging.seed, u64::from(case.0)).bits();
    part.cases
        .sort_unstable_by_key(|case| (drawn(case), case.0));
    part.cases.truncate(lesson.users);
    Ok(part)
}

fn ndcg(part: &Trained, method: &Method, lesson: &Lesson) -> Vec<f64> {
    part.ndcg(&method.scoring, &lesson.judging)
}

/// A weight for every way of the scorer, those that say nothing included, by their short names.
fn weights(part: &Trained, method: &Method) -> BTreeMap<String, f32> {
    let scorer = Scorer::new(&part.graph, &method.scoring);
    let used = scorer.weights().into_iter();
    let used = used.map(|(name, weight)| (shorten(&name), weight as f32));
    let set = &method.scoring.weights;
    let set_so = set.keys().map(|name| {
        let weight = weight_of(set, &expand(name));
        (shorten(&expand(name)), weight.unwrap_or_default())
    });
    used.chain(set_so).collect()
}

/// The way up.
struct Climb<'a> {
    engine: &'a Engine,
    lesson: &'a Lesson,
    told: &'a dyn Fn(News),
    parts: Vec<Trained>,
    method: Method,
    /// The NDCG of each ranking of each part.
    known: Vec<f64>,
    steps: usize,
}

/// A method, with its NDCG as [`Climb`] has it, and the parts if items are linked otherwise.
struct Tried {
    method: Method,
    ndcg: Vec<f64>,
    parts: Option<Vec<Trained>>,
}

impl Climb<'_> {
    fn round(&mut self, round: usize, progress: &dyn Progress) -> Result<()> {
        let dials = dials::scoring(&self.method);
        self.turn(dials, &format!("round {}: scoring", round + 1), progress)?;
        if self.lesson.learns == Learns::Links && round < dials::ROUNDS {
            let graph = &self.parts[0].graph;
            let items = graph.items();
            let mut dials = dials::links(&self.method, round, Catalogue::of(graph));
            if let Protocol::OnePlus { .. } = self.lesson.judging.protocol {
                dials.extend(dials::few(round));
            }
            self.turn(dials, &format!("round {}: links", round + 1), progress)?;
            let shared = self.parts[0].shared.iter();
            let least = SHARING * items.len() as f64;
            let shared = shared.filter(|(_, pairs)| *pairs as f64 >= least);
            let properties: Vec<String> = shared.map(|(property, _)| property.clone()).collect();
            let dials = dials::traits(&self.method, round, &properties);
            self.turn(dials, &format!("round {}: properties", round + 1), progress)?;
        }
        Ok(())
    }

    fn turn(&mut self, dials: Vec<Dial>, what: &str, progress: &dyn Progress) -> Result<()> {
        progress.begin(what, Some(dials.len() as u64), "settings");
        for dial in dials {
            self.climb(&dial)?;
            progress.advance(1, 1);
        }
        progress.end();
        Ok(())
    }

    /// Tries the values of a setting, and keeps the best if it is better than now.
    fn climb(&mut self, dial: &Dial) -> Result<()> {
        let (mut best, mut found) = (mean(&self.known), None);
        for &value in &dial.values {
            let method = dial.turned(&self.method, value);
            if method == self.method {
                continue;
            }
            let Some(tried) = self.tried(method)? else {
                continue;
            };
            let ndcg = mean(&tried.ndcg);
            if ndcg > best + GAIN {
                (best, found) = (ndcg, Some((tried, value)));
            }
        }
        if let Some((tried, value)) = found {
            (self.method, self.known) = (tried.method, tried.ndcg);
            if let Some(parts) = tried.parts {
                self.parts = parts;
            }
            self.steps += 1;
            (self.told)(News::Step(Step {
                name: dial.name.clone(),
                value,
                ndcg: best,
            }));
        }
        Ok(())
    }

    /// What a method comes to; nothing if it is clearly worse than what is known.
    fn tried(&self, method: Method) -> Result<Option<Tried>> {
        if method.links == self.method.links {
            let each = self.parts.iter();
            let ndcg = each.flat_map(|part| ndcg(part, &method, self.lesson));
            return Ok(Some(Tried {
                ndcg: ndcg.collect(),
                method,
                parts: None,
            }));
        }
        let (mut values, mut parts) = (Vec::new(), Vec::new());
        for number in 0..self.parts.len() {
            let part = part(self.engine, self.lesson, (number, &method), &Unwatched)?;
            values.extend(ndcg(&part, &method, self.lesson));
            if is_hopeless(&values, &self.known) {
                return Ok(None);
            }
            parts.push(part);
        }
        Ok(Some(Tried {
            method,
            ndcg: values,
            parts: Some(parts),
        }))
    }
}

/// Whether values lie below the first of those that are known by more than the noise of their differences, or are the same.
fn is_hopeless(values: &[f64], known: &[f64]) -> bool {
    let differences = values.iter().zip(known).map(|(value, known)| value - known);
    let differences: Vec<f64> = differences.collect();
    let middle = mean(&differences);
    let squares: Vec<f64> = differences.iter().map(|d| (d - middle).powi(2)).collect();
    let error = (mean(&squares) / differences.len().max(1) as f64).sqrt();
    middle <= -CLEARLY * error
}
