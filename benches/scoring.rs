//! Scores on Amazon Beauty: one request, and the best hundred items for every user.
//!
//! `cargo bench --bench scoring` prints the quantiles of one request over a thousand users drawn from a seed (profile, the
//! whole catalogue scored, the best hundred new items, the paths to each of these), and the seconds of training and of the
//! best hundred for all users. With `KENNING_PYTHON` set to a Python that has `implicit`, `benches/scoring.py` does the
//! same by item-kNN on the same matrix afterwards, and the ratio is printed. How a build grows with the number of
//! interactions, `cargo bench --bench scale` measures.

mod beauty;
mod quantiles;

use beauty::Beauty;
use kenning::graph::Graph;
use kenning::model::Unwatched;
use kenning::scoring::{Scored, Scorer};
use rayon::prelude::*;
use std::hint::black_box;
use std::io::Write;
use std::process::Command;
use std::time::Instant;

/// As in the program.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

const REQUESTS: usize = 1000;
const WARM: usize = 100;
const BEST: usize = 100;
const SEED: u64 = 7;

fn main() {
    let Some(beauty) = Beauty::import() else {
        return;
    };
    let built = beauty.engine.build(None, &Unwatched).unwrap();
    let stages: f64 = built.stages.iter().map(|stage| stage.1).sum();
    let links = built.stages.iter().find(|s| s.0 == "links from behaviour");
    let links = links.map_or(0.0, |stage| stage.1);
    let snapshot = beauty.engine.snapshot().unwrap();
    let graph = snapshot.graph();
    let settings = &beauty.engine.project().settings().scoring;
    let started = Instant::now();
    let scorer = Scorer::new(graph, settings);
    let tables = started.elapsed().as_secs_f64();

    requests(graph, &scorer);

    let started = Instant::now();
    let users: Vec<u32> = graph.users().collect();
    let all = users
        .par_iter()
        .map(|&user| best(graph, &scorer, user).len());
    let ranked: usize = all.sum();
    let recommend = started.elapsed().as_secs_f64();
    println!("\n| all {} users | s |\n|---|---|", users.len());
    println!("| the whole build, import read and snapshot written | {stages:.2} |");
    println!("| of that, links of all kinds | {links:.2} |");
    println!("| tables of the scorer | {tables:.3} |");
    println!("| best {BEST} of every user ({ranked} items) | {recommend:.2} |");
    println!(
        "| links, tables and the best of all | {:.2} |",
        links + tables + recommend
    );
    compare(graph, links + tables + recommend);
}

/// Prints the quantiles of one request.
fn requests(graph: &Graph, scorer: &Scorer<'_>) {
    let mut stages: [Vec<f64>; 3] = Default::default();
    let mut paths = 0;
    for request in 0..WARM + REQUESTS {
        let user = quantiles::drawn(SEED, request, graph.users().len());
        let started = Instant::now();
        let ranked = best(graph, scorer, user);
        let scored = started.elapsed().as_secs_f64();
        let profile = scorer.profile(user);
        let walk = scorer.walk(&profile);
        let items: Vec<u32> = ranked.iter().map(|scored| scored.item).collect();
        let listed = black_box(walk.paths_to(&items));
        paths += listed.iter().map(Vec::len).sum::<usize>();
        let whole = started.elapsed().as_secs_f64();
        if request >= WARM {
            let times = [scored, whole - scored, whole];
            stages
                .iter_mut()
                .zip(times)
                .for_each(|(all, time)| all.push(time * 1e3));
        }
    }
    println!("| one request, {REQUESTS} users | p50 ms | p99 ms | largest |\n|---|---|---|---|");
    let names = [
        "profile, all items scored, best hundred",
        "paths to each of these",
        "all of it",
    ];
    for (name, times) in names.into_iter().zip(stages) {
        quantiles::row(name, times);
    }
    println!("\n{} paths a request", paths / (WARM + REQUESTS));
}

fn best(graph: &Graph, scorer: &Scorer<'_>, user: u32) -> Vec<Scored> {
    let profile = scorer.profile(user);
    let met = graph.met(user);
    scorer.rank_among(&profile, BEST, |item| met.binary_search(&item).is_err())
}

/// Runs the other program on the same pairs of user and item.
fn compare(graph: &Graph, ours: f64) {
    let Some(python) = std::env::var_os("KENNING_PYTHON") else {
        println!("\nwithout `KENNING_PYTHON` nothing is compared");
        return;
    };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for user in graph.users() {
        for item in graph.met(user) {
            writeln!(file, "{user} {}", item - graph.items().start).unwrap();
        }
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/scoring.py");
    let output = Command::new(python)
        .arg(script)
        .arg(file.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    println!("\n{said}");
    let theirs = said.lines().find_map(|line| line.strip_prefix("sum "));
    let theirs: f64 = theirs.and_then(|text| text.trim().parse().ok()).unwrap();
    println!("ratio: {:.2}", theirs / ours);
}
