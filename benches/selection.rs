//! How long it takes to choose the evidence for twenty candidates of Amazon Beauty and to write the prompt.
//!
//! `cargo bench --bench selection` prints quantiles over a thousand users drawn from a seed, each request alone on one
//! thread, tokens counted approximately, for several budgets: the choice alone by costs that are known, and the choice
//! with everything that goes before and after it (counting what each piece would cost, writing what was chosen).

mod beauty;
mod quantiles;

use beauty::Beauty;
use kenning::engine::Snapshot;
use kenning::llm::tokens;
use kenning::model::Unwatched;
use kenning::prompt::{Prompter, Recipe};
use kenning::scoring::{Profile, Scorer};
use kenning::selection::{Candidate, select};
use std::hint::black_box;
use std::time::Instant;

const REQUESTS: usize = 1000;
const WARM: usize = 100;
const CANDIDATES: usize = 20;
const BUDGETS: [usize; 3] = [512, 1024, 2048];
const SEED: u64 = 7;

fn main() {
    let Some(beauty) = Beauty::import() else {
        return;
    };
    beauty.engine.build(None, &Unwatched).unwrap();
    let snapshot = beauty.engine.snapshot().unwrap();
    let scorer = snapshot.scorer();
    let requests: Vec<(Profile, Vec<Candidate>)> = (0..WARM + REQUESTS)
        .map(|request| gathered(&snapshot, &scorer, request))
        .collect();
    println!(
        "| {CANDIDATES} candidates, {REQUESTS} users | p50 ms | p99 ms | largest |\n|---|---|---|---|"
    );
    measured(
        "choice within 400 tokens, costs known",
        &requests,
        |(_, candidates)| {
            let cost = |c: &Candidate| (0..c.pieces.len().min(16)).map(|p| 15 + p % 20).collect();
            let costs: Vec<Vec<usize>> = candidates.iter().map(cost).collect();
            black_box(select(candidates, &costs, 400));
        },
    );
    let recipe = Recipe::find("kenning", None).unwrap();
    for budget in BUDGETS {
        let graph = snapshot.graph();
        let prompter = Prompter::new(graph, tokens::approximate(), budget, &recipe).unwrap();
        let name = format!("choice and prompt of {budget} tokens");
        measured(&name, &requests, |(profile, candidates)| {
            black_box(prompter.write(profile, candidates).ok());
        });
    }
}

/// The best candidates of a user from the seed, with the evidence for them.
fn gathered(snapshot: &Snapshot, scorer: &Scorer<'_>, request: usize) -> (Profile, Vec<Candidate>) {
    let graph = snapshot.graph();
    let user = quantiles::drawn(SEED, request, graph.users().len());
    let profile = scorer.profile(user);
    let met = graph.met(user);
    let ranked = scorer.rank_among(&profile, CANDIDATES, |item| {
        met.binary_search(&item).is_err()
    });
    let candidates = Candidate::gather_all(&scorer.walk(&profile), &ranked);
    (profile, candidates)
}

fn measured<T>(name: &str, requests: &[T], work: impl Fn(&T)) {
    let time = |request| {
        let started = Instant::now();
        work(request);
        started.elapsed().as_secs_f64() * 1e3
    };
    quantiles::row(name, requests.iter().map(time).skip(WARM).collect());
}
