//! Users, their rankings, and what these are worth.

use super::negatives::Popular;
use super::{Draw, Figures, Plan, Protocol, Report};
use crate::evaluation::baselines::Ranker;
use crate::evaluation::metrics::{METRICS, estimate, judge};
use crate::evaluation::random::Random;
use crate::evaluation::trained::Case;
use crate::graph::Graph;
use crate::model::Progress;
use crate::{Error, Result};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io::Write;

/// One ranking: whose, what is relevant in it, and the first items with scores.
pub(super) struct Ranked<'c> {
    pub(super) user: u32,
    pub(super) relevant: &'c [(u32, f32)],
    pub(super) list: Vec<(u32, f64)>,
}

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

/// The best `k`, equal scores by number; what is not a number is worst.
pub(in crate::evaluation) fn best(mut scored: Vec<(u32, f64)>, k: usize) -> Vec<(u32, f64)> {
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
