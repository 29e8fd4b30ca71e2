//! How good the paths are that explain rankings, shown by their contributions and by other wishes; and how faithful the
//! reasons shown are to the ranking.
//!
//! The ranking is the same throughout: only which path of an item is shown first differs.

mod fidelity;
mod model;

pub use fidelity::Fidelity;
pub use model::ModelFidelity;

use super::Method;
use super::metrics::{Estimate, estimate};
use super::ranking::Gain;
use super::split::Split;
use super::trained::{Case, Trained, mean, ndcg};
use crate::engine::Engine;
use crate::llm::LanguageModel;
use crate::model::Progress;
use crate::scoring::quality::{Figures, Preference, Quality};
use crate::scoring::{Path, Scorer};
use crate::{Error, Result};
use model::Asking;
use rayon::prelude::*;
use serde::Serialize;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// How events are split.
    pub split: Split,
    /// Only users and items with so many partners count; 0 or 1: all.
    pub core: usize,
    /// Length of the lists.
    pub k: usize,
    /// A path may be shown that adds at least this share of what the item's largest adds.
    pub least: f64,
    /// Users whose candidates a model ranks at most.
    pub asked: usize,
    /// Of the bootstrap, and of these users.
    pub seed: u64,
}

/// What one wish comes to.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What the first path is chosen for.
    pub preference: Preference,
    /// Recency of the interactions that paths start from.
    pub lir: Estimate,
    /// Popularity of the entities shared, over the lists that share any.
    pub sep: Estimate,
    /// Diversity of the types of paths.
    pub ptd: Estimate,
    /// One less their concentration.
    pub ptc: Estimate,
    /// Mean share of an item's score that the path shown adds.
    pub told: f64,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Of this shape.
    pub schema_version: u32,
    /// How events were split.
    pub split: String,
    /// Users with a list.
    pub users: usize,
    /// Length of the lists.
    pub k: usize,
    /// A path may be shown that adds at least this share of what the item's largest adds.
    pub least: f64,
    /// Of the bootstrap.
    pub seed: u64,
    /// Of the rankings, which no wish changes.
    pub ndcg: Estimate,
    /// Share of the items in lists to which a path leads from the history.
    pub explained: f64,
    /// By wish.
    pub rows: Vec<Row>,
    /// How faithful the reasons are that an answer shows.
    pub fidelity: Fidelity,
    /// How faithful they are to a model's rankings, if one was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelFidelity>,
}

/// What the lists of one user come to, by wish.
struct Judged {
    ndcg: f64,
    explained: f64,
    wishes: Vec<Option<(Figures, f64)>>,
    faithful: Vec<fidelity::Told>,
}

/// Ranks for the users of whom something was held out, and judges the paths; and the rankings of a model, if there is one.
///
/// # Errors
/// `Input` if nothing is held out of anybody who also trains; those of the model.
pub fn run(
    engine: &Engine,
    (plan, method): (&Plan, &Method),
    model: Option<&mut dyn LanguageModel>,
    progress: &dyn Progress,
) -> Result<Report> {
    let trained = Trained::of(engine, &[&plan.split], (plan.core, &method.links), progress)?;
    if trained.cases.is_empty() {
        return Err(
            Error::input("nothing was held out of any user who also trains")
                .hint("another split: `--last-out`, `--holdout 0.2`, or `--test FILE`"),
        );
    }
    let scorer = Scorer::new(&trained.graph, &method.scoring);
    let quality = Quality::new(&scorer);
    progress.begin("paths", Some(trained.cases.len() as u64), "users");
    let judged: Vec<Judged> = trained
        .cases
        .par_iter()
        .map(|case| {
            progress.advance(1, 1);
            judge(&trained, &scorer, &quality, case, plan)
        })
        .collect();
    progress.end();
    let all = |value: fn(&Judged) -> f64| -> Vec<f64> { judged.iter().map(value).collect() };
    let rows = (0..).zip(Preference::ALL).map(|(place, preference)| {
        let found = judged.iter().filter_map(|one| one.wishes[place]);
        let found: Vec<(Figures, f64)> = found.collect();
        let of = |value: fn(&Figures) -> Option<f64>| {
            let values: Vec<f64> = found.iter().filter_map(|(f, _)| value(f)).collect();
            estimate(&values, plan.seed)
        };
        let told: Vec<f64> = found.iter().map(|one| one.1).collect();
        Row {
            preference,
            lir: of(|f| Some(f.lir)),
            sep: of(|f| f.sep),
            ptd: of(|f| Some(f.ptd)),
            ptc: of(|f| Some(f.ptc)),
            told: mean(&told),
        }
    });
    let model = match model {
        Some(model) => {
            let mut asking = Asking::new(engine, (&trained, &scorer), model)?;
            Some(asking.fidelity(plan, progress)?)
        }
        None => None,
    };
    Ok(Report {
        schema_version: 1,
        split: plan.split.name(),
        users: judged.len(),
        k: plan.k,
        least: plan.least,
        seed: plan.seed,
        ndcg: estimate(&all(|one| one.ndcg), plan.seed),
        explained: mean(&all(|one| one.explained)),
        rows: rows.collect(),
        fidelity: Fidelity::of(judged.iter().flat_map(|one| &one.faithful)),
        model,
    })
}

fn judge(
    trained: &Trained,
    scorer: &Scorer,
    quality: &Quality,
    case: &Case,
    plan: &Plan,
) -> Judged {
    let list = trained.list(scorer, case.0, plan.k);
    let (profile, recency) = (scorer.profile(case.0), quality.recency(case.0));
    let items: Vec<u32> = list.iter().map(|&(item, _)| item).collect();
    let paths: Vec<Vec<Path>> = scorer.walk(&profile).paths_to(&items).collect();
    let wish = |preference| {
        let shown = quality.shown(&paths, &recency, (preference, plan.least));
        let figures = quality.figures(&shown, &recency)?;
        let told = shown.iter().zip(&list).filter_map(|(path, &(_, score))| {
            let share = path.as_ref()?.contribution / score;
            share.is_finite().then_some(share)
        });
        Some((figures, mean(&told.collect::<Vec<_>>())))
    };
    let leads = |paths: &&Vec<Path>| paths.iter().any(|path| path.from.is_some());
    Judged {
        ndcg: ndcg(&case.1, &list, (plan.k, Gain::Binary)),
        explained: paths.iter().filter(leads).count() as f64 / paths.len().max(1) as f64,
        wishes: Preference::ALL.map(wish).to_vec(),
        faithful: fidelity::told((&trained.graph, scorer), (case.0, &profile), &list),
    }
}
