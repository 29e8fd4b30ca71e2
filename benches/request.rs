//! One recommendation, stage by stage.

mod beauty;

use beauty::Beauty;
use criterion::{Criterion, criterion_group, criterion_main};
use kenning::llm::tokens;
use kenning::model::Unwatched;
use kenning::prompt::{Prompter, Recipe};
use kenning::scoring::{Profile, Scored, Scorer};
use kenning::selection::{Candidate, select};
use rustc_hash::FxHashSet;
use std::hint::black_box;

/// Users are taken in turn, so that no one's history is all that is measured.
const EVERY: usize = 97;

fn request(criterion: &mut Criterion) {
    let Some(beauty) = Beauty::import() else {
        return;
    };
    beauty.engine.build(None, &Unwatched).unwrap();
    let snapshot = beauty.engine.snapshot().unwrap();
    let graph = snapshot.graph();
    let settings = beauty.engine.project().settings();
    let scorer = Scorer::new(graph, &settings.scoring);
    let recipe = Recipe::find("kenning", None).unwrap();
    let prompter = Prompter::new(graph, tokens::approximate(), 768, &recipe).unwrap();
    let mut group = criterion.benchmark_group("request");
    group.sample_size(20);

    let profiles: Vec<Profile> = graph
        .users()
        .step_by(EVERY)
        .map(|user| scorer.profile(user))
        .collect();
    let ranked: Vec<Vec<Scored>> = profiles.iter().map(|p| top(&scorer, p)).collect();
    let gathered: Vec<Vec<Candidate>> = profiles
        .iter()
        .zip(&ranked)
        .map(|(profile, ranked)| gather(&scorer, profile, ranked))
        .collect();

    let mut users = profiles.iter().cycle();
    group.bench_function("scores of the catalogue", |b| {
        b.iter(|| top(&scorer, black_box(users.next().unwrap())));
    });
    let mut users = profiles.iter().zip(&ranked).cycle();
    group.bench_function("paths of the best ten", |b| {
        b.iter(|| {
            let (profile, ranked) = users.next().unwrap();
            gather(&scorer, profile, black_box(ranked))
        });
    });
    let mut users = gathered.iter().cycle();
    group.bench_function("selection of evidence", |b| {
        b.iter(|| {
            let candidates: &Vec<Candidate> = users.next().unwrap();
            let cost = |c: &Candidate| (0..c.pieces.len().min(16)).map(|p| 15 + p % 20).collect();
            let costs: Vec<Vec<usize>> = candidates.iter().map(cost).collect();
            select(black_box(candidates), &costs, 400)
        });
    });
    let mut users = profiles.iter().zip(&gathered).cycle();
    group.bench_function("prompt with its selection", |b| {
        b.iter(|| {
            let (profile, candidates) = users.next().unwrap();
            prompter.write(profile, black_box(candidates)).unwrap()
        });
    });
    let mut users = graph.users().step_by(EVERY).cycle();
    group.bench_function("all of it", |b| {
        b.iter(|| {
            let profile = scorer.profile(users.next().unwrap());
            let ranked = top(&scorer, &profile);
            let candidates = gather(&scorer, &profile, &ranked);
            prompter.write(&profile, &candidates).unwrap()
        });
    });
    group.finish();
}

fn top(scorer: &Scorer, profile: &Profile) -> Vec<Scored> {
    let met: FxHashSet<u32> = profile.history.iter().map(|h| h.0).collect();
    scorer.rank(profile, 10, &met)
}

fn gather(scorer: &Scorer, profile: &Profile, ranked: &[Scored]) -> Vec<Candidate> {
    Candidate::gather_all(&scorer.walk(profile), ranked)
}

criterion_group!(benches, request);
criterion_main!(benches);
