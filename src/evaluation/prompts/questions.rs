//! Whom to ask about what: a held-out item among popular ones, in the order of the path score.

use super::Plan;
use crate::Result;
use crate::embedding::Embedder;
use crate::evaluation::random::Random;
use crate::evaluation::ranking::{Draw, Popular};
use crate::evaluation::trained::{Case, Trained};
use crate::graph::Graph;
use crate::scoring::{Profile, Scored, Scorer};
use crate::selection::Candidate;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

/// Items of a history whose texts are compared.
const COMPARED: usize = 10;

/// One user with items to rank.
pub struct Question {
    pub user: u32,
    pub target: u32,
    pub profile: Profile,
    /// The target among the negatives, the best score first.
    pub candidates: Vec<Candidate>,
}

impl Question {
    pub fn items(&self) -> impl Iterator<Item = u32> + '_ {
        self.candidates.iter().map(|candidate| candidate.item)
    }

    /// The path scores.
    pub fn scores(&self) -> Vec<f64> {
        self.candidates
            .iter()
            .map(|candidate| candidate.score)
            .collect()
    }

    /// The order that some scores give; equals by their numbers, which say nothing of the path score.
    pub fn by(&self, scores: &[f64]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        let item = |index: usize| self.candidates[index].item;
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(item(a).cmp(&item(b))));
        order
    }
}

/// Questions of so many users, drawn by the seed, in the order of their numbers.
pub fn draw(trained: &Trained, scorer: &Scorer<'_>, plan: &Plan) -> Vec<Question> {
    let key = |case: &&Case| Random::of(plan.seed, u64::from(case.0)).bits();
    let mut cases: Vec<&Case> = trained.cases.iter().collect();
    cases.sort_by_cached_key(key);
    cases.truncate(plan.users);
    cases.sort_unstable_by_key(|case| case.0);
    let popular = Popular::of(&trained.graph);
    let one = |case: &&Case| question(&trained.graph, scorer, &popular, case, plan);
    cases.par_iter().filter_map(one).collect()
}

fn question(
    graph: &Graph,
    scorer: &Scorer<'_>,
    popular: &Popular,
    (user, held): &Case,
    plan: &Plan,
) -> Option<Question> {
    let target = held.first()?.0;
    let met = graph.met(*user).iter().copied();
    let known: FxHashSet<u32> = met.chain(held.iter().map(|held| held.0)).collect();
    let mut random = Random::of(plan.seed, u64::from(*user) << 32 | u64::from(target));
    let mut items = popular.draw(plan.negatives, Draw::Popularity, &known, &mut random);
    items.push(target);
    let profile = scorer.profile(*user);
    let walk = scorer.walk(&profile);
    let gather = |item| {
        Candidate::gather(
            &walk,
            Scored {
                item,
                score: scorer.score(&profile, item),
            },
        )
    };
    let mut candidates: Vec<Candidate> = items.into_iter().map(gather).collect();
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
    Some(Question {
        user: *user,
        target,
        profile,
        candidates,
    })
}

/// Orders by how close the candidates' labels are to those of the latest items of the history.
pub fn by_text(
    graph: &Graph,
    embedder: &Embedder,
    questions: &[Question],
) -> Result<Vec<Vec<usize>>> {
    let recent = |question: &Question| -> Vec<u32> {
        question
            .profile
            .history
            .iter()
            .take(COMPARED)
            .map(|h| h.0)
            .collect()
    };
    let mut items: Vec<u32> = questions
        .iter()
        .flat_map(|q| recent(q).into_iter().chain(q.items()))
        .collect();
    items.sort_unstable();
    items.dedup();
    let labels: Vec<&str> = items.iter().map(|&item| graph.label(item)).collect();
    let vectors: FxHashMap<u32, Vec<f32>> = items
        .iter()
        .copied()
        .zip(embedder.embed(&labels)?)
        .collect();
    // Vectors have length 1, so that their product is their cosine.
    let cosine = |a: u32, b: u32| -> f64 {
        let pairs = vectors[&a].iter().zip(&vectors[&b]);
        pairs.map(|(a, b)| f64::from(a * b)).sum()
    };
    let one = |question: &Question| {
        let recent = recent(question);
        let score = |item: u32| recent.iter().map(|&met| cosine(item, met)).sum::<f64>();
        question.by(&question.items().map(score).collect::<Vec<_>>())
    };
    Ok(questions.iter().map(one).collect())
}
