//! Scores on Amazon Beauty: one request, and the best hundred items for every user.
//!
//! `cargo bench --bench scoring` prints the quantiles of one request over a thousand users drawn from a seed (profile, the
//! whole catalogue scored, the best hundred new items, the paths to each of these), and the seconds of training and of the
//! best hundred for all users: with all links and all knowledge, and by one kind of link alone, which is item-kNN. With
//! `KENNING_PYTHON` set to a Python that has `implicit`, `benches/scoring.py` does the latter on the same matrix afterwards.
//! How a build grows with the number of interactions, `cargo bench --bench scale` measures.

mod beauty;
mod quantiles;

use beauty::Beauty;
use flate2::read::GzDecoder;
use kenning::config::ScoringSettings;
use kenning::graph::Graph;
use kenning::model::Unwatched;
use kenning::scoring::{Scored, Scorer};
use rayon::prelude::*;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// As in the program.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

const REQUESTS: usize = 1000;
const WARM: usize = 100;
const BEST: usize = 100;
const SEED: u64 = 7;
const RUNS: usize = 5;
const NEIGHBOURS: [usize; 3] = [20, 50, 200];

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
    println!();
    neighbours(&beauty::dump().unwrap());
}

/// Prints the quantiles of one request.
fn requests(graph: &Graph, scorer: &Scorer<'_>) {
    let mut stages: [Vec<f64>; 3] = Default::default();
    let mut paths = 0;
    for request in 0..WARM + REQUESTS {
        let user = quantiles::drawn(SEED, request, graph.users().len());
        let started = Instant::now();
        let profile = scorer.profile(user);
        let walk = scorer.walk(&profile);
        let met = graph.met(user);
        let ranked = walk.rank(BEST, |item| met.binary_search(&item).is_err());
        let scored = started.elapsed().as_secs_f64();
        let items: Vec<u32> = ranked.iter().map(|scored| scored.item).collect();
        let listed = walk.paths_to(&items);
        paths += listed.map(|paths| black_box(paths).len()).sum::<usize>();
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

/// Item-kNN: one kind of links, no knowledge. What CAFE's split trains with is learnt from, the rest is to be found.
fn neighbours(dump: &Path) {
    let split = Split::read(dump);
    let folder = tempfile::tempdir().unwrap();
    split.write(folder.path());
    println!(
        "| item-kNN, neighbours | links, s | best {BEST}, s | together, s | NDCG@10 |\n|---|---|---|---|---|"
    );
    for most in NEIGHBOURS {
        let beauty = Beauty::of(folder.path(), |settings| {
            settings.links.neighbours = most;
            (settings.links.window, settings.links.regressors) = (0, 0);
        });
        let runs = (0..RUNS).map(|_| split.run(&beauty));
        let mut runs: Vec<[f64; 3]> = runs.collect();
        runs.sort_by(|a, b| (a[0] + a[1]).total_cmp(&(b[0] + b[1])));
        let [links, recommend, ndcg] = runs[RUNS / 2];
        let sum = links + recommend;
        println!("| Kenning, {most} | {links:.3} | {recommend:.3} | {sum:.3} | {ndcg:.4} |");
    }
    let Some(python) = std::env::var_os("KENNING_PYTHON") else {
        return println!("\nwithout `KENNING_PYTHON` nothing is compared");
    };
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/scoring.py"));
    command
        .arg(dump.join("interactions.csv.gz"))
        .arg(RUNS.to_string());
    command.args(NEIGHBOURS.map(|most| most.to_string()));
    assert!(command.status().unwrap().success());
}

/// CAFE's split: pairs of a user and an item.
struct Split {
    train: Vec<[String; 2]>,
    test: Vec<[String; 2]>,
}

impl Split {
    fn read(dump: &Path) -> Self {
        let file = File::open(dump.join("interactions.csv.gz")).unwrap();
        let lines = BufReader::new(GzDecoder::new(file)).lines().skip(1);
        let (mut train, mut test) = (Vec::new(), Vec::new());
        for line in lines {
            let line = line.unwrap();
            let fields: Vec<&str> = line.split(',').collect();
            let to = if fields[3] == "train" {
                &mut train
            } else {
                &mut test
            };
            to.push([fields[0].to_owned(), fields[1].to_owned()]);
        }
        Self { train, test }
    }

    /// Writes what may be learnt from as a dump.
    fn write(&self, folder: &Path) {
        let mut csv = String::from("user,item,position\n");
        for (position, [user, item]) in self.train.iter().enumerate() {
            csv.push_str(&format!("{user},{item},{position}\n"));
        }
        std::fs::write(folder.join("interactions.csv"), csv).unwrap();
        std::fs::write(folder.join("knowledge.nt"), "").unwrap();
    }

    /// Seconds of computing links and of ranking, and the quality.
    fn run(&self, beauty: &Beauty) -> [f64; 3] {
        let built = beauty.engine.build(None, &Unwatched).unwrap();
        let links = built.stages.iter().find(|s| s.0 == "links from behaviour");
        let snapshot = beauty.engine.snapshot().unwrap();
        let graph = snapshot.graph();
        let started = Instant::now();
        let scorer = Scorer::new(graph, &ScoringSettings::default());
        let users: Vec<u32> = graph.users().collect();
        let ranked = users.par_iter().map(|&user| best(graph, &scorer, user));
        let ranked: Vec<Vec<Scored>> = ranked.collect();
        let recommend = started.elapsed().as_secs_f64();
        [links.unwrap().1, recommend, self.ndcg(graph, &ranked)]
    }

    /// NDCG@10 over the users who have something to be found.
    fn ndcg(&self, graph: &Graph, ranked: &[Vec<Scored>]) -> f64 {
        let gain = |place: usize| 1.0 / ((place + 2) as f64).log2();
        let mut users = 0.0;
        let mut sum = 0.0;
        for of_one in self.test.chunk_by(|a, b| a[0] == b[0]) {
            users += 1.0;
            let Some(user) = graph.find_user(&of_one[0][0]) else {
                continue;
            };
            let wanted = of_one.iter().filter_map(|pair| graph.find_item(&pair[1]));
            let wanted: Vec<u32> = wanted.collect();
            let top = ranked[user as usize].iter().take(10).enumerate();
            let found = top.filter(|(_, scored)| wanted.contains(&scored.item));
            let found: f64 = found.map(|(place, _)| gain(place)).sum();
            let ideal: f64 = (0..of_one.len().min(10)).map(gain).sum();
            sum += found / ideal;
        }
        sum / users
    }
}
