//! A graph of what trains, and what was held out of its users.

use super::metrics::judge;
use super::ranking::{Gain, Judging, Ranked, Rankings, unmet};
use super::split::{Split, core};
use crate::config::{LinkSettings, ScoringSettings};
use crate::engine::Engine;
use crate::graph::Graph;
use crate::knowledge::Horizon;
use crate::model::Progress;
use crate::scoring::Scorer;
use crate::{Error, Result};
use rayon::prelude::*;
use tempfile::TempDir;

/// A user, and the items held out with the weights of their events.
pub type Case = (u32, Vec<(u32, f32)>);

/// A graph of what trains, and what was held out of its users.
pub struct Trained {
    /// The graph.
    pub graph: Graph,
    /// Users who also train, with what was held out of each; by number.
    pub cases: Vec<Case>,
    /// Users of whom something was held out and nothing trains.
    pub cold: usize,
    /// Properties under which items share entities or values, each with its pairs of these and items.
    pub shared: Vec<(String, usize)>,
    _folder: TempDir,
}

impl Trained {
    /// Takes away what each of the splits holds out, one after the other, and keeps what the last one does. Before that, only
    /// users and items with `least` partners stay. Items are linked as `links` says.
    ///
    /// # Errors
    /// Those of [`Split::take`] and of building a graph.
    pub fn of(
        engine: &Engine,
        splits: &[&Split],
        (least, links): (usize, &LinkSettings),
        progress: &dyn Progress,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()
            .map_err(|e| Error::io("create a folder in", &std::env::temp_dir(), e))?;
        let until = splits.iter().filter_map(|split| split.facts_until()).min();
        progress.begin("train", None, "graphs");
        let part = engine.build_part(
            until.map_or(Horizon::Open, Horizon::Facts),
            links,
            |draft, datasets| {
                if least > 1 {
                    core(&mut draft.events, least);
                }
                let each = splits.iter().map(|split| split.take(draft, datasets));
                let all: Vec<_> = each.collect::<Result<_>>()?;
                Ok(all.into_iter().next_back().unwrap_or_default())
            },
            &folder.path().join("train.kng"),
            progress,
        )?;
        progress.end();
        let (graph, shared) = (part.graph, part.shared);
        let mut cases: Vec<Case> = part.kept.into_iter().collect();
        cases.sort_unstable_by_key(|case| case.0);
        let all = cases.len();
        cases.retain(|(user, _)| !graph.met(*user).is_empty());
        Ok(Self {
            cold: all - cases.len(),
            graph,
            cases,
            shared,
            _folder: folder,
        })
    }

    /// The first `k` items of a user's ranking among those that the user did not meet, with their scores.
    pub fn list(&self, scorer: &Scorer, user: u32, k: usize) -> Vec<(u32, f64)> {
        unmet(&self.graph, user, &scorer.all(&scorer.profile(user)), k)
    }

    /// The NDCG of each ranking of each case.
    pub fn ndcg(&self, settings: &ScoringSettings, judging: &Judging) -> Vec<f64> {
        let Judging { k, gain, .. } = *judging;
        let scorer = Scorer::new(&self.graph, settings);
        let rankings = Rankings::new(&self.graph, judging.protocol, judging.seed);
        let of_case = |case: &Case| {
            let scores = scorer.all(&scorer.profile(case.0));
            let ranked = rankings.of(case, &scores, k).into_iter();
            let one = move |one: Ranked| ndcg(one.relevant, &one.list, (k, gain));
            ranked.map(one).collect::<Vec<f64>>()
        };
        // Collected: a sum in the order of threads would differ from run to run.
        self.cases.par_iter().flat_map_iter(of_case).collect()
    }
}

/// The NDCG of one list.
pub(super) fn ndcg(relevant: &[(u32, f32)], list: &[(u32, f64)], (k, gain): (usize, Gain)) -> f64 {
    let items: Vec<u32> = list.iter().map(|scored| scored.0).collect();
    let mut all: Vec<f64> = relevant.iter().map(|held| gain.of(held.1)).collect();
    all.sort_by(f64::total_cmp);
    let held = |item: u32| relevant.iter().find(|held| held.0 == item);
    let gained = |item: u32| held(item).map_or(0.0, |held| gain.of(held.1));
    judge(&items, gained, &all, k)[0]
}

/// The mean; 0 of nothing.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
