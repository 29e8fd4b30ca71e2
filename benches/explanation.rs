//! Explanations on real data: how long they take, how faithful they are, and whether every claim holds.
//!
//! `cargo bench --bench explanation` asks on Amazon Beauty, for each of a thousand users drawn from a seed, why one of the
//! first ten is there, why one of the next ninety is not, and what would be without the latest event and without a fact of
//! the first item, and prints the quantiles. Then, on the gift shop, Online Retail, MovieLens latest-small and Beauty, it measures the
//! fidelity of reasons with the last event of each user held out, and has a server answer a thousand users: every claim
//! that it shows is asked for in plain SPARQL over HTTP, and those that do not hold are printed. `KENNING_BENCH_USERS` sets
//! another number of users, `KENNING_BENCH_PARTS` names the parts (`times`, `fidelity`,
//! `claims`), and `KENNING_BENCH_DATA` the data.

#[path = "../tests/it/claims/asked.rs"]
mod asked;
mod quantiles;

use asked::{Asker, Endpoint};
use kenning::config::{Layers, Project};
use kenning::engine::{
    About, ChangeKind, Engine, Live, Request, Snapshot, Strictness, WhatIf, limits,
};
use kenning::evaluation::{Method, explanations, split::Split};
use kenning::intake::{Mapping, preset};
use kenning::model::Unwatched;
use kenning::server::Server;
use kenning::sparql::Cancel;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;
use tempfile::TempDir;
use ureq::Agent;

const REQUESTS: usize = 1000;
const WARM: usize = 50;
const SEED: u64 = 11;

/// Mappings and folders; the sample comes along.
const DATA: [(&str, &str); 4] = [
    ("gift-shop", "gift-shop"),
    ("amazon-beauty", "amazon-beauty"),
    ("online-retail", "online-retail"),
    ("movielens", "ml-latest-small"),
];

fn main() {
    for (preset, data) in DATA {
        if !names("KENNING_BENCH_DATA", data) {
            continue;
        }
        let Some((engine, _folder)) = built(preset, data) else {
            continue;
        };
        println!("\n## {data}\n");
        if data == "amazon-beauty" && is_wanted("times") {
            times(&engine);
        }
        if is_wanted("fidelity") {
            fidelity(&engine);
        }
        if is_wanted("claims") {
            claims(engine);
        }
    }
}

fn is_wanted(part: &str) -> bool {
    names("KENNING_BENCH_PARTS", part)
}

/// Whether a variable names something, or is not set.
fn names(variable: &str, name: &str) -> bool {
    let names = std::env::var(variable);
    names.map_or(true, |names| names.split(',').any(|named| named == name))
}

/// How many users are asked for.
fn users() -> usize {
    let users = std::env::var("KENNING_BENCH_USERS").ok();
    users
        .and_then(|users| users.parse().ok())
        .unwrap_or(REQUESTS)
}

/// A built project; `None`, with a printed reason, where the data are absent.
fn built(of: &str, data: &str) -> Option<(Engine, TempDir)> {
    let home = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let root = std::env::var_os("KENNING_TEST_DATA").map(PathBuf::from);
    let root = root.unwrap_or_else(|| home.join("../shared/data"));
    let sample = home.join("graphs").join(data);
    let dump = match sample.is_dir() {
        true => sample,
        false => root.join(data),
    };
    if !dump.is_dir() {
        eprintln!("skipped: there is no test data at {}", dump.display());
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let project = Project::init(&folder.path().join("project"), "bench").unwrap();
    let engine = Engine::open(project).unwrap();
    let mapping = match std::fs::read_to_string(dump.join("mapping.toml")) {
        Ok(text) => Mapping::parse(&text, "mapping.toml").unwrap(),
        Err(_) => preset(of).unwrap(),
    };
    engine
        .import(mapping, &dump, Strictness::Lenient, &Unwatched)
        .unwrap();
    engine.build(None, &Unwatched).unwrap();
    Some((engine, folder))
}

/// Prints how long answers take.
fn times(engine: &Engine) {
    let snapshot = engine.snapshot().unwrap();
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut found: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for request in 0..WARM + users() {
        let mut one = |question: &'static str, work: &mut dyn FnMut()| {
            let started = Instant::now();
            work();
            if request >= WARM {
                let spent = started.elapsed().as_secs_f64() * 1e3;
                times.entry(question).or_default().push(spent);
            }
        };
        ask(engine, &snapshot, request, &mut one, &mut found);
    }
    println!(
        "| question, {} users | p50 ms | p99 ms | largest |\n|---|---|---|---|",
        users()
    );
    for (question, times) in times {
        quantiles::row(question, times);
    }
    println!("\n| change | found | smallest for certain |\n|---|---|---|");
    for (kind, [all, minimal]) in found {
        println!("| {kind} | {all} | {minimal} |");
    }
}

/// Prints how faithful reasons are.
fn fidelity(engine: &Engine) {
    let plan = explanations::Plan {
        split: Split::LastOut,
        core: 0,
        k: 10,
        least: 0.5,
        asked: 0,
        seed: SEED,
    };
    let method = Method::of(engine);
    let report = explanations::run(engine, (&plan, &method), None, &Unwatched).unwrap();
    let found = &report.fidelity;
    let curve = |shares: &[f64]| {
        let shares: Vec<String> = shares.iter().map(|share| format!("{share:.3}")).collect();
        shares.join(" ")
    };
    println!(
        "\n| fidelity, {} users, {} items | |\n|---|---|",
        report.users, found.items
    );
    println!(
        "| fall in rank without their reasons | {:.4} |",
        found.falls
    );
    println!(
        "| stay in the list with nothing else | {:.4} |",
        found.suffices
    );
    println!("| share that the reasons shown carry | {:.4} |", found.told);
    println!(
        "| share that the first 1 to 5 reasons carry | {} |",
        curve(&found.carried)
    );
    println!(
        "| items of which they carry 0.8 | {} |",
        curve(&found.mostly)
    );
    println!(
        "| share that the first 1 to 5 paths carry | {} |",
        curve(&found.carried_by_paths)
    );
}

/// A server that is asked in SPARQL.
struct Served {
    server: Server,
    agent: Agent,
}

impl Served {
    fn post(&self, path: &str, media: &str, body: &str) -> Value {
        let sent = self
            .agent
            .post(format!("http://{}{path}", self.server.address()))
            .header("content-type", media)
            .header(
                "accept",
                "application/sparql-results+json, application/json",
            )
            .send(body);
        let text = sent
            .unwrap()
            .body_mut()
            .with_config()
            .limit(1 << 30)
            .read_to_string();
        serde_json::from_str(&text.unwrap()).unwrap()
    }
}

impl Endpoint for Served {
    fn query(&self, text: &str) -> Value {
        self.post("/sparql", "application/sparql-query", text)
    }
}

/// Prints how many claims were shown and how many of them do not hold.
fn claims(engine: Engine) {
    let root = engine.project().root().to_owned();
    let names: Vec<String> = {
        let snapshot = engine.snapshot().unwrap();
        let graph = snapshot.graph();
        let count = graph.users().len();
        let step = count.div_ceil(users()).max(1);
        let name = |user| graph.iri(user).unwrap().to_owned();
        graph.users().step_by(step).map(name).collect()
    };
    drop(engine);
    let layers = Layers::none().flag("serve.bind", "--bind", Some("127.0.0.1:0"));
    let project = Project::open_with(&root, &layers).unwrap();
    let live = Live::open(Engine::open(project).unwrap()).unwrap();
    let asker = Asker::new(Served {
        server: Server::start(live).unwrap(),
        agent: Agent::new_with_defaults(),
    });
    let mut wrong = 0;
    for user in &names {
        let request = json!({ "user": user, "k": 10 }).to_string();
        let answer = asker
            .oracle
            .post("/v1/recommend", "application/json", &request);
        for said in asker.wrong(&answer) {
            wrong += 1;
            println!("wrong: {said}");
        }
    }
    let seen = asker.seen.borrow();
    let all: usize = seen.values().sum();
    println!("\n| claims to {} users | {all} |\n|---|---|", names.len());
    seen.iter()
        .for_each(|(kind, count)| println!("| {kind} | {count} |"));
    println!("| that do not hold | {wrong} |");
}

fn ask(
    engine: &Engine,
    snapshot: &Snapshot,
    request: usize,
    one: &mut dyn FnMut(&'static str, &mut dyn FnMut()),
    found: &mut BTreeMap<String, [usize; 2]>,
) {
    let limits = limits(&engine.project().settings().query);
    let bounds = (&limits, &Cancel::default());
    let graph = snapshot.graph();
    let user = quantiles::drawn(SEED, request, graph.users().len());
    let scorer = snapshot.scorer();
    let ranked = scorer.rank(&scorer.profile(user), 100, &scorer.met(user));
    let name = |node: u32| graph.iri(node).unwrap().to_owned();
    let place = quantiles::drawn(SEED, request + 7, 10) as usize;
    let far = 10 + quantiles::drawn(SEED, request + 13, 90) as usize;
    let about = |place: usize| About {
        request: Request::for_user(&name(user), 10),
        item: name(ranked[place].item),
        ..About::default()
    };
    let (inside, outside) = (about(place), about(far));
    one("why", &mut || {
        let why = engine.why(snapshot, &inside, bounds).unwrap();
        count(
            found,
            "why",
            why.changes.iter().map(|c| (c.kind, c.minimal)),
        );
    });
    one("why-not", &mut || {
        let why_not = engine.why_not(snapshot, &outside, bounds).unwrap();
        count(
            found,
            "why-not",
            why_not.changes.iter().map(|c| (c.kind, c.minimal)),
        );
    });
    let last = graph.events(user).next_back().unwrap().item;
    let mut asked = WhatIf {
        request: inside.request.clone(),
        remove_events: vec![name(last)],
        ..WhatIf::default()
    };
    one("what-if, an event less", &mut || {
        engine.what_if(snapshot, &asked, bounds).unwrap();
    });
    let item = ranked[0].item;
    let facts = graph.outgoing(item).iter();
    let fact = facts.rev().find(|fact| graph.nodes().contains(&fact[1]));
    if let Some(&[property, object]) = fact {
        asked.remove_events.clear();
        asked.remove_facts = vec![[item, property, object].map(name)];
        one("what-if, a fact less", &mut || {
            engine.what_if(snapshot, &asked, bounds).unwrap();
        });
    }
}

fn count(
    found: &mut BTreeMap<String, [usize; 2]>,
    question: &str,
    changes: impl Iterator<Item = (ChangeKind, bool)>,
) {
    for (kind, minimal) in changes {
        let entry = found.entry(format!("{question}: {kind:?}")).or_default();
        entry[0] += 1;
        entry[1] += usize::from(minimal);
    }
}
