//! Users, their rankings, and what these are worth.

use super::rankings::{Ranked, Rankings};
use super::{Draw, Figures, Plan, Protocol, Report};
use crate::evaluation::baselines::Ranker;
use crate::evaluation::metrics::{METRICS, estimate, judge};
use crate::evaluation::trained::Case;
use crate::graph::Graph;
use crate::model::Progress;
use crate::{Error, Result};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::io::Write;

pub(super) struct Trial<'a> {
    pub(super) graph: &'a Graph,
    pub(super) plan: &'a Plan,
    pub(super) cases: &'a [Case],
}

impl Trial<'_> {
    pub(super) fn report(&self, cold_users: usize) -> Report {
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

    pub(super) fn rank(&self, ranker: &dyn Ranker, progress: &dyn Progress) -> Vec<Ranked<'_>> {
        let plan = self.plan;
        let rankings = Rankings::new(self.graph, plan.protocol, plan.seed);
        let each = self.cases.par_iter().flat_map_iter(|case| {
            progress.advance(1, 1);
            rankings.of(case, &ranker.scores(case.0), plan.longest())
        });
        each.collect()
    }

    /// The figures, and each user's NDCG.
    pub(super) fn judge(&self, ranked: &[Ranked]) -> (Figures, Vec<f64>) {
        let one = |one: &Ranked| -> Vec<[f64; METRICS.len()]> {
            let gains: FxHashMap<u32, f64> = one
                .relevant
                .iter()
                .map(|&(item, rating)| (item, self.plan.gain.of(rating)))
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

    pub(super) fn write(&self, name: &str, ranked: &[Ranked], lists: &mut dyn Write) -> Result<()> {
        let iri = |number: u32| self.graph.iri(number).unwrap_or_default();
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
