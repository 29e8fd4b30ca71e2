//! How good rankings are: ours beside plain methods, on events that were held out.

mod lists;
mod negatives;
mod rankings;
mod trial;

pub(super) use negatives::Popular;
pub(super) use rankings::{Ranked, Rankings, unmet};

use super::Method;
use super::baselines::ease::{Ease, MOST_ITEMS};
use super::baselines::{Popularity, Ranker, UserKnn, item_knn, rp3b};
use super::metrics::{Difference, Estimate, compare};
use super::split::Split;
use super::trained::Trained;
use crate::config::ScoringSettings;
use crate::engine::Engine;
use crate::graph::Graph;
use crate::model::{LinkKind, Progress};
use crate::scoring::Scorer;
use crate::{Error, Result};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use trial::Trial;

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

impl Gain {
    /// Of an item that was rated so.
    pub(super) fn of(self, rating: f32) -> f64 {
        match self {
            Self::Binary => 1.0,
            Self::Graded => f64::from(rating).exp2() - 1.0,
        }
    }
}

/// How rankings are judged by one number, their NDCG.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judging {
    /// What is ranked.
    pub protocol: Protocol,
    /// Length of the lists.
    pub k: usize,
    /// What a held-out item gains.
    pub gain: Gain,
    /// Of the negatives.
    pub seed: u64,
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
    scorer: Scorer<'g>,
}

impl<'g> Ours<'g> {
    fn new(name: impl Into<String>, graph: &'g Graph, settings: &ScoringSettings) -> Self {
        Self {
            name: name.into(),
            scorer: Scorer::new(graph, settings),
        }
    }
}

impl Ranker for Ours<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn scores(&self, user: u32) -> Vec<f64> {
        self.scorer.all(&self.scorer.profile(user))
    }
}

/// The name of our scorer.
pub const OURS: &str = "kenning";

/// Ours without knowledge: on links of its own, for those of the linear model rest on knowledge too.
const BEHAVIOUR: &str = "behaviour alone";

/// Builds the graph of what trains, ranks with every scorer, and judges.
///
/// `method` is how ours links and scores. `lists` gets each user's ranked items and scores, a JSON object a line.
///
/// # Errors
/// `Input` if nothing is held out, or nothing of somebody who also trains.
pub fn run(
    engine: &Engine,
    plan: &Plan,
    method: &Method,
    mut lists: Option<&mut dyn Write>,
    progress: &dyn Progress,
) -> Result<Report> {
    let train =
        |method: &Method| Trained::of(engine, &[&plan.split], (plan.core, &method.links), progress);
    let trained = train(method)?;
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
        let behaviour = match name == BEHAVIOUR {
            true => Some(train(&method.of_behaviour())?.graph),
            false => None,
        };
        let graph = behaviour.as_ref().unwrap_or(graph);
        let Some(ranker) = ranker(graph, &name, &method.scoring, plan) else {
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
        BEHAVIOUR,
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
        BEHAVIOUR => {
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
