//! Users, their rankings, and what these are worth.

use super::negatives::Popular;
use super::{Case, Cases, Draw, Figures, Gain, Plan, Protocol, Report};
use crate::evaluation::baselines::Ranker;
use crate::evaluation::metrics::{METRICS, estimate, gini, judge};
use crate::evaluation::random::Random;
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
    user: u32,
    relevant: &'c [(u32, f32)],
    list: Vec<(u32, f64)>,
}

pub(super) struct Trial<'a> {
    pub(super) graph: &'a Graph,
    pub(super) plan: &'a Plan,
    pub(super) cases: &'a Cases,
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
            k: self.plan.k,
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
                let list = best(items.map(scored).collect(), self.plan.k);
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
                    let list = best(items.into_iter().map(scored).collect(), self.plan.k);
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
    pub(super) fn judge(&self, ranked: &[Ranked]) -> (Figures, Vec<f64>) {
        let k = self.plan.k;
        let one = |one: &Ranked| {
            let gains: FxHashMap<u32, f64> = one
                .relevant
                .iter()
                .map(|&(item, rating)| (item, self.gain(rating)))
                .collect();
            let mut all: Vec<f64> = gains.values().copied().collect();
            all.sort_by(f64::total_cmp);
            let items: Vec<u32> = one.list.iter().map(|scored| scored.0).collect();
            judge(
                &items,
                |item| gains.get(&item).copied().unwrap_or(0.0),
                &all,
                k,
            )
        };
        let judged: Vec<[f64; METRICS.len()]> = ranked.par_iter().map(one).collect();
        let mut figures = Figures::default();
        for (index, metric) in METRICS.iter().enumerate() {
            let values: Vec<f64> = judged.iter().map(|metrics| metrics[index]).collect();
            figures
                .metrics
                .insert(format!("{metric}@{k}"), estimate(&values, self.plan.seed));
        }
        let ndcg: Vec<f64> = judged.iter().map(|metrics| metrics[0]).collect();
        self.describe(ranked, &ndcg, &mut figures);
        (figures, ndcg)
    }

    /// What lists are like beside being right.
    fn describe(&self, ranked: &[Ranked], ndcg: &[f64], figures: &mut Figures) {
        let first = self.graph.items().start;
        let mut counts = vec![0usize; self.graph.items().len()];
        let (mut bits, mut places) = (0.0, 0usize);
        let all = self.graph.interaction_count() as f64;
        for &(item, _) in ranked.iter().flat_map(|one| &one.list) {
            counts[(item - first) as usize] += 1;
            bits -= ((self.graph.met_by(item).len().max(1)) as f64 / all.max(1.0)).log2();
            places += 1;
        }
        figures.coverage =
            counts.iter().filter(|&&count| count > 0).count() as f64 / counts.len().max(1) as f64;
        figures.novelty = bits / places.max(1) as f64;
        figures.gini = gini(&counts);
        figures.users = self.by_users(ranked, ndcg);
        figures.items = self.by_items(ranked);
    }

    fn by_users(&self, ranked: &[Ranked], ndcg: &[f64]) -> BTreeMap<&'static str, f64> {
        let mut order: Vec<(usize, f64)> = ranked
            .iter()
            .map(|one| self.graph.met(one.user).len())
            .zip(ndcg.iter().copied())
            .collect();
        order.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let third = |number: usize| {
            let part = &order[order.len() * number / 3..order.len() * (number + 1) / 3];
            part.iter().map(|one| one.1).sum::<f64>() / part.len().max(1) as f64
        };
        BTreeMap::from([
            ("fewest", third(0)),
            ("middle", third(1)),
            ("most", third(2)),
        ])
    }

    fn by_items(&self, ranked: &[Ranked]) -> BTreeMap<&'static str, f64> {
        let mut items: Vec<u32> = self.graph.items().collect();
        items.sort_by_key(|&item| (std::cmp::Reverse(self.graph.met_by(item).len()), item));
        let all = self.graph.interaction_count() as f64;
        let mut seen = 0.0;
        let mut group: FxHashMap<u32, &'static str> = FxHashMap::default();
        for item in items {
            let name = if seen < 0.2 * all {
                "head"
            } else if seen < 0.8 * all {
                "middle"
            } else {
                "tail"
            };
            group.insert(item, name);
            seen += self.graph.met_by(item).len() as f64;
        }
        let mut found: BTreeMap<&'static str, (f64, f64)> = ["head", "middle", "tail"]
            .map(|name| (name, (0.0, 0.0)))
            .into();
        for one in ranked {
            for (item, _) in one.relevant {
                let (hits, of) = found.entry(group[item]).or_default();
                *of += 1.0;
                *hits += if one.list.iter().any(|scored| scored.0 == *item) {
                    1.0
                } else {
                    0.0
                };
            }
        }
        found
            .into_iter()
            .map(|(name, (hits, of))| (name, if of > 0.0 { hits / of } else { 0.0 }))
            .collect()
    }

    pub(super) fn write(&self, name: &str, ranked: &[Ranked], lists: &mut dyn Write) -> Result<()> {
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
    scored.sort_unstable_by(order);
    scored
}
