//! How good rankings are: ours beside plain methods, on events that were held out.

mod lists;
mod negatives;

use super::baselines::ease::{Ease, MOST_ITEMS};
use super::baselines::{Popularity, Ranker, UserKnn, item_knn, rp3b};
use super::metrics::{Difference, Estimate, METRICS, compare, estimate, judge};
use super::random::Random;
use super::split::Split;
use super::trained::{Case, Trained};
use crate::config::ScoringSettings;
use crate::engine::Engine;
use crate::graph::Graph;
use crate::model::{LinkKind, Progress};
use crate::scoring::Scorer;
use crate::{Error, Result};
use negatives::Popular;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io::Write;

/// What is ranked for a user.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Protocol {
    /// All items that the user did not meet in training.
    Full,
    /// Each item held out, among so many that the user never met.
    OnePlus {
        /// How many.
        negatives: usize,
        /// How they are drawn, without replacement.
        draw: Draw,
    },
}

/// How negatives are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// By the number of users that met an item in training.
    Popularity,
    /// All items alike.
    Uniform,
}

/// What a relevant item gains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gain {
    /// 1.
    Binary,
    /// `2^rating - 1`.
    Graded,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// How events are split.
    pub split: Split,
    /// What is ranked.
    pub protocol: Protocol,
    /// Lengths of the lists; the first is that of groups, coverage and the like.
    pub ks: Vec<usize>,
    /// What a relevant item gains.
    pub gain: Gain,
    /// Only users and items with so many partners count; 0 or 1: all.
    pub core: usize,
    /// The ridge of EASE.
    pub lambda: f32,
    /// Of negatives and of the bootstrap.
    pub seed: u64,
    /// Names of scorers left out.
    pub without: Vec<String>,
    /// Link kinds and properties left out, each in a scorer of its own.
    pub ablations: Vec<String>,
}

impl Plan {
    fn k(&self) -> usize {
        self.ks.first().copied().unwrap_or(1)
    }

    fn longest(&self) -> usize {
        self.ks.iter().copied().max().unwrap_or(1)
    }
}

/// One scorer's figures.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures {
    /// Metrics at k with their intervals, such as `ndcg@10`.
    #[serde(flatten)]
    pub metrics: BTreeMap<String, Estimate>,
    /// Share of the items that somebody's list has.
    pub coverage: f64,
    /// Mean self-information of the items in lists, in bits: how unpopular they are.
    pub novelty: f64,
    /// How unevenly items are recommended: 0 to 1.
    pub gini: f64,
    /// NDCG by group of users: those with the fewest training items, the middle third, the most.
    pub users: BTreeMap<&'static str, f64>,
    /// Recall by group of items: those with the first 20 % of training interactions by popularity, the next 60, the last.
    pub items: BTreeMap<&'static str, f64>,
    /// Ours minus this one, NDCG.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kenning_gain: Option<Difference>,
    /// Seconds to fit and to rank.
    pub seconds: f64,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Of this shape.
    pub schema_version: u32,
    /// What was ranked.
    pub protocol: String,
    /// How events were split.
    pub split: String,
    /// Users judged: with something in training and something held out.
    pub users: usize,
    /// Users with something held out but nothing in training: not judged.
    pub cold_users: usize,
    /// Items that may be ranked.
    pub items: usize,
    /// Distinct pairs that train.
    pub train: u64,
    /// Pairs held out, of the users judged.
    pub test: usize,
    /// Length of the lists.
    pub k: usize,
    /// Of negatives and of the bootstrap.
    pub seed: u64,
    /// Scorers left out, with the reason.
    pub left_out: BTreeMap<String, String>,
    /// By name.
    pub scorers: BTreeMap<String, Figures>,
}

/// Our scorer under a name.
struct Ours<'g> {
    name: String,
    graph: &'g Graph,
    scorer: Scorer<'g>,
}

impl<'g> Ours<'g> {
    fn new(name: impl Into<String>, graph: &'g Graph, settings: &ScoringSettings) -> Self {
        Self {
            name: name.into(),
            graph,
            scorer: Scorer::new(graph, settings),
        }
    }
}

impl Ranker for Ours<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn scores(&self, user: u32) -> Vec<f64> {
        debug_assert!(self.graph.users().contains(&user));
        self.scorer.all(&self.scorer.profile(user))
    }
}

/// The name of our scorer.
pub const OURS: &str = "kenning";

/// Builds the graph of what trains, ranks with every scorer, and judges.
///
/// `settings` are those of our scorer. `lists` gets each user's ranked items and scores, a JSON object a line.
///
/// # Errors
/// `Input` if nothing is held out, or nothing of somebody who also trains.
pub fn run(
    engine: &Engine,
    plan: &Plan,
    settings: &ScoringSettings,
    mut lists: Option<&mut dyn Write>,
    progress: &dyn Progress,
) -> Result<Report> {
    let trained = Trained::of(engine, &[&plan.split], plan.core, progress)?;
    let (graph, cases) = (&trained.graph, &trained.cases);
    if cases.is_empty() {
        return Err(
            Error::input("nothing was held out of any user who also trains")
                .hint("another split: `--last-out`, `--holdout 0.2`, or `--test FILE`"),
        );
    }
    let trial = Trial { graph, plan, cases };
    let mut report = trial.report(trained.cold);
    let mut ndcg: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for name in names(plan) {
        let started = std::time::Instant::now();
        let Some(ranker) = ranker(graph, &name, settings, plan) else {
            let why = format!("EASE takes at most {MOST_ITEMS} items");
            report.left_out.insert(name, why);
            continue;
        };
        progress.begin(&name, Some(cases.len() as u64), "users");
        let ranked = trial.rank(ranker.as_ref(), progress);
        progress.end();
        if let Some(lists) = lists.as_deref_mut() {
            trial.write(&name, &ranked, lists)?;
        }
        let (mut figures, per_user) = trial.judge(&ranked);
        figures.seconds = started.elapsed().as_secs_f64();
        ndcg.insert(name.clone(), per_user);
        report.scorers.insert(name, figures);
    }
    for (name, figures) in &mut report.scorers {
        let others = ndcg.get(OURS).filter(|_| name != OURS);
        figures.kenning_gain = others.map(|ours| compare(ours, &ndcg[name], plan.seed));
    }
    Ok(report)
}

/// The scorers of a run.
fn names(plan: &Plan) -> Vec<String> {
    let plain = [
        OURS,
        "knowledge alone",
        "behaviour alone",
        "popularity",
        "item-kNN",
        "user-kNN",
        "RP3β",
        "EASE",
    ];
    let ablations = plan
        .ablations
        .iter()
        .map(|part| format!("{OURS} without {part}"));
    let names = plain.into_iter().map(str::to_owned).chain(ablations);
    names.filter(|name| !plan.without.contains(name)).collect()
}

fn ranker<'g>(
    graph: &'g Graph,
    name: &str,
    settings: &ScoringSettings,
    plan: &Plan,
) -> Option<Box<dyn Ranker + 'g>> {
    let ours = |settings: &ScoringSettings| Box::new(Ours::new(name, graph, settings));
    Some(match name {
        "popularity" => Box::new(Popularity(graph)),
        "item-kNN" => Box::new(item_knn(graph)),
        "user-kNN" => Box::new(UserKnn(graph)),
        "RP3β" => Box::new(rp3b(graph)),
        "EASE" => Box::new(Ease::fit(graph, plan.lambda)?),
        "knowledge alone" => ours(&without(settings, LinkKind::ALL.map(LinkKind::name))),
        "behaviour alone" => {
            let relations = graph
                .predicates()
                .iter()
                .map(|&p| graph.term(p).trim_matches(['<', '>']));
            ours(&without(settings, relations))
        }
        _ => match name.strip_prefix("kenning without ") {
            Some(part) => ours(&without(settings, [part])),
            None => ours(settings),
        },
    })
}

/// Settings in which some link kinds or properties weigh nothing.
pub(super) fn without<'p>(
    settings: &ScoringSettings,
    parts: impl IntoIterator<Item = &'p str>,
) -> ScoringSettings {
    let mut settings = settings.clone();
    let names = |part: &str| {
        [
            part.to_owned(),
            crate::vocabulary::expand(part),
            crate::vocabulary::shorten(part),
        ]
    };
    settings
        .weights
        .extend(parts.into_iter().flat_map(names).map(|name| (name, 0.0)));
    settings
}

/// One ranking: whose, what is relevant in it, and the first items with scores.
struct Ranked<'c> {
    user: u32,
    relevant: &'c [(u32, f32)],
    list: Vec<(u32, f64)>,
}

struct Trial<'a> {
    graph: &'a Graph,
    plan: &'a Plan,
    cases: &'a [Case],
}

impl Trial<'_> {
    fn report(&self, cold_users: usize) -> Report {
        Report {
            schema_version: 1,
            protocol: match self.plan.protocol {
                Protocol::Full => "full".into(),
                Protocol::OnePlus {
                    negatives,
                    draw: Draw::Popularity,
                } => format!("1+{negatives} popularity"),
                Protocol::OnePlus {
                    negatives,
                    draw: Draw::Uniform,
                } => format!("1+{negatives} uniform"),
            },
            split: self.plan.split.name(),
            users: self.cases.len(),
            cold_users,
            items: self.graph.items().len(),
            train: self.graph.interaction_count(),
            test: self.cases.iter().map(|case| case.1.len()).sum(),
            k: self.plan.k(),
            seed: self.plan.seed,
            left_out: BTreeMap::new(),
            scorers: BTreeMap::new(),
        }
    }

    fn rank(&self, ranker: &dyn Ranker, progress: &dyn Progress) -> Vec<Ranked<'_>> {
        let popular = Popular::of(self.graph);
        let each = self.cases.par_iter().flat_map_iter(|case| {
            progress.advance(1, 1);
            self.rank_for(case, ranker, &popular)
        });
        each.collect()
    }

    fn rank_for<'c>(
        &self,
        (user, relevant): &'c Case,
        ranker: &dyn Ranker,
        popular: &Popular,
    ) -> Vec<Ranked<'c>> {
        let user = *user;
        let first = self.graph.items().start;
        let scores = ranker.scores(user);
        let scored = |item: u32| (item, scores[(item - first) as usize]);
        let met = self.graph.met(user);
        match self.plan.protocol {
            Protocol::Full => {
                let items = self
                    .graph
                    .items()
                    .filter(|item| met.binary_search(item).is_err());
                let list = best(items.map(scored).collect(), self.plan.longest());
                vec![Ranked {
                    user,
                    relevant,
                    list,
                }]
            }
            Protocol::OnePlus { negatives, draw } => {
                let known = met.iter().copied().chain(relevant.iter().map(|r| r.0));
                let known: FxHashSet<u32> = known.collect();
                let each = relevant.chunks(1).map(|target| {
                    let mut random = Random::of(
                        self.plan.seed,
                        u64::from(user) << 32 | u64::from(target[0].0),
                    );
                    let mut items = popular.draw(negatives, draw, &known, &mut random);
                    items.push(target[0].0);
                    let list = best(items.into_iter().map(scored).collect(), self.plan.longest());
                    Ranked {
                        user,
                        relevant: target,
                        list,
                    }
                });
                each.collect()
            }
        }
    }

    fn gain(&self, rating: f32) -> f64 {
        match self.plan.gain {
            Gain::Binary => 1.0,
            Gain::Graded => f64::from(rating).exp2() - 1.0,
        }
    }

    /// The figures, and each user's NDCG.
    fn judge(&self, ranked: &[Ranked]) -> (Figures, Vec<f64>) {
        let one = |one: &Ranked| -> Vec<[f64; METRICS.len()]> {
            let gains: FxHashMap<u32, f64> = one
                .relevant
                .iter()
                .map(|&(item, rating)| (item, self.gain(rating)))
                .collect();
            let mut all: Vec<f64> = gains.values().copied().collect();
            all.sort_by(f64::total_cmp);
            let items: Vec<u32> = one.list.iter().map(|scored| scored.0).collect();
            let gain = |item: u32| gains.get(&item).copied().unwrap_or(0.0);
            let ks = self.plan.ks.iter();
            ks.map(|&k| judge(&items, gain, &all, k)).collect()
        };
        let judged: Vec<Vec<[f64; METRICS.len()]>> = ranked.par_iter().map(one).collect();
        let mut figures = Figures::default();
        for (place, k) in self.plan.ks.iter().enumerate() {
            for (index, metric) in METRICS.iter().enumerate() {
                let values = judged.iter().map(|metrics| metrics[place][index]);
                let found = estimate(&values.collect::<Vec<_>>(), self.plan.seed);
                figures.metrics.insert(format!("{metric}@{k}"), found);
            }
        }
        let ndcg: Vec<f64> = judged.iter().map(|metrics| metrics[0][0]).collect();
        self.describe(ranked, &ndcg, &mut figures);
        (figures, ndcg)
    }

    fn write(&self, name: &str, ranked: &[Ranked], lists: &mut dyn Write) -> Result<()> {
        let iri =
            |number: u32| crate::model::term::as_iri(self.graph.term(number)).unwrap_or_default();
        for one in ranked {
            let row = serde_json::json!({
                "scorer": name,
                "user": iri(one.user),
                "relevant": one.relevant.iter().map(|r| iri(r.0)).collect::<Vec<_>>(),
                "items": one.list.iter().map(|scored| iri(scored.0)).collect::<Vec<_>>(),
                "scores": one.list.iter().map(|scored| scored.1).collect::<Vec<_>>(),
            });
            writeln!(lists, "{row}").map_err(|e| Error::io("write", "the lists".as_ref(), e))?;
        }
        Ok(())
    }
}

/// The best `k`, equal scores by number; what is not a number is worst.
pub(super) fn best(mut scored: Vec<(u32, f64)>, k: usize) -> Vec<(u32, f64)> {
    let key = |score: f64| {
        if score.is_nan() {
            f64::NEG_INFINITY
        } else {
            score
        }
    };
    let order = |a: &(u32, f64), b: &(u32, f64)| -> Ordering {
        key(b.1).total_cmp(&key(a.1)).then(a.0.cmp(&b.0))
    };
    if k < scored.len() && k > 0 {
        scored.select_nth_unstable_by(k - 1, order);
    }
    scored.truncate(k);
    // Or each list would go on holding the place of the whole catalogue.
    scored.shrink_to_fit();
    scored.sort_unstable_by(order);
    scored
}
