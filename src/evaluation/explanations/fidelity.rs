//! Whether reasons are what the ranking rests on.
//!
//! *Deletion*: the paths that the reasons of an item tell are taken away; its rank among all items has to fall. *Sufficiency*:
//! only these paths are kept; it should stay in the list. Everybody else's scores stay. The *curve* is the share of the score
//! that the first reasons carry, of what speaks for the item: what speaks against it makes no share larger.

use crate::engine::Claims;
use crate::explanation::{Explainer, Verdict};
use crate::graph::Graph;
use crate::scoring::{Path, Profile, Scored, Scorer};
use crate::selection::{Candidate, Piece, said, together};
use serde::Serialize;

/// Reasons that an answer shows with an item.
const REASONS: usize = 3;

/// The curve has so many places.
const CURVE: usize = 5;

/// A reason carries most of a score if it carries so much.
const MOSTLY: f64 = 0.8;

/// How faithful reasons are, over the items of all lists.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Fidelity {
    /// Reasons shown with an item at most.
    pub reasons: usize,
    /// Items looked at.
    pub items: usize,
    /// Share of the items whose rank falls without the paths of their reasons.
    pub falls: f64,
    /// Share of the items that stay in the list with nothing but these paths.
    pub suffices: f64,
    /// Mean share of the score that the reasons shown carry.
    pub told: f64,
    /// Mean share of the score that the first 1, 2, … reasons carry.
    pub carried: Vec<f64>,
    /// Share of the items of whose score the first 1, 2, … reasons carry 80 % or more.
    pub mostly: Vec<f64>,
    /// Mean share of the score that the first 1, 2, … single paths carry.
    pub carried_by_paths: Vec<f64>,
    /// What became of the reasons when they were checked.
    pub claims: Claims,
    /// Share of them that hold.
    pub hold: f64,
}

/// What was found of one item.
pub(super) struct Told {
    falls: bool,
    suffices: bool,
    told: f64,
    carried: [f64; CURVE],
    by_paths: [f64; CURVE],
    verdicts: Vec<Verdict>,
}

impl Fidelity {
    pub(super) fn of<'t>(told: impl Iterator<Item = &'t Told>) -> Self {
        let mut found = Self {
            reasons: REASONS,
            carried: vec![0.0; CURVE],
            mostly: vec![0.0; CURVE],
            carried_by_paths: vec![0.0; CURVE],
            ..Self::default()
        };
        for one in told {
            found.items += 1;
            found.falls += f64::from(u8::from(one.falls));
            found.suffices += f64::from(u8::from(one.suffices));
            found.told += one.told;
            one.verdicts
                .iter()
                .for_each(|verdict| found.claims.add(*verdict));
            for place in 0..CURVE {
                found.carried[place] += one.carried[place];
                found.carried_by_paths[place] += one.by_paths[place];
                let mostly = one.carried[place] >= MOSTLY;
                found.mostly[place] += f64::from(u8::from(mostly));
            }
        }
        found.hold = found.claims.hold();
        let count = found.items.max(1) as f64;
        let sums = [&mut found.falls, &mut found.suffices, &mut found.told];
        sums.into_iter().for_each(|sum| *sum /= count);
        let curves = [
            &mut found.carried,
            &mut found.mostly,
            &mut found.carried_by_paths,
        ];
        curves.into_iter().flatten().for_each(|sum| *sum /= count);
        found
    }
}

/// Looks at each item of a user's list, which are those with the best scores that the user did not meet.
pub(super) fn told(
    (graph, scorer): (&Graph, &Scorer<'_>),
    (user, profile): (u32, &Profile),
    list: &[(u32, f64)],
) -> Vec<Told> {
    let scores = scorer.all(profile);
    let met = graph.met(user);
    let open = graph.items().zip(&scores);
    let open = open.filter(|(item, _)| met.binary_search(item).is_err());
    let mut ranked: Vec<f64> = open.map(|(_, &score)| score).collect();
    ranked.sort_unstable_by(|a, b| b.total_cmp(a));
    let scored: Vec<Scored> = list
        .iter()
        .map(|&(item, score)| Scored { item, score })
        .collect();
    let walk = scorer.walk(profile);
    let candidates = Candidate::gather_all(&walk, &scored);
    let items: Vec<u32> = scored.iter().map(|one| one.item).collect();
    let explainer = Explainer::new(graph, profile);
    let one = |(place, (candidate, paths)): (usize, (&Candidate, Vec<Path>))| {
        let score = candidate.score;
        let sum = |group: &Vec<&Piece>| group.iter().map(|piece| piece.contribution).sum::<f64>();
        let said = said(&candidate.pieces, REASONS);
        let verdict = |group: &Vec<&Piece>| explainer.reason_of(candidate.item, group).verdict;
        let shown: f64 = said.iter().map(sum).sum();
        let groups: Vec<f64> = together(&candidate.pieces).iter().map(sum).collect();
        let paths: Vec<f64> = paths.iter().map(|path| path.contribution).collect();
        // The item itself stands among all at its own score.
        let better = |changed: f64| {
            let all = ranked.partition_point(|&other| other > changed);
            all - usize::from(score > changed)
        };
        let whole: f64 = paths.iter().map(|path| path.max(0.0)).sum();
        Told {
            falls: better(score - shown) > place,
            suffices: better(shown) < list.len(),
            told: share(shown, whole),
            carried: curve(&groups, whole),
            by_paths: curve(&paths, whole),
            verdicts: said.iter().map(verdict).collect(),
        }
    };
    let each = candidates.iter().zip(walk.paths_to(&items));
    each.enumerate().map(one).collect()
}

/// The shares of a score that the first 1, 2, … of some parts carry.
fn curve(parts: &[f64], score: f64) -> [f64; CURVE] {
    let mut sum = 0.0;
    let mut curve = [0.0; CURVE];
    for (place, carried) in curve.iter_mut().enumerate() {
        sum += parts.get(place).copied().unwrap_or(0.0);
        *carried = share(sum, score);
    }
    curve
}

fn share(part: f64, score: f64) -> f64 {
    let share = part / score;
    if share.is_finite() { share } else { 0.0 }
}
