//! What the log of decisions costs: keeping, asking, answering again.
//!
//! The sample shop's customers are answered, and their decisions are kept again until there are `N` of them
//! (`cargo bench --bench decisions -- N`, 20,000 by default).

use kenning::config::{Layers, Project};
use kenning::engine::{Engine, Live, Request, Strictness, Told};
use kenning::intake::Mapping;
use kenning::llm::LanguageModel;
use kenning::llm::replay::Replay;
use kenning::llm::settings::ReplaySettings;
use kenning::model::Unwatched;
use kenning::sparql::{Cancel, Computed, Limits};
use std::path::Path;
use std::time::{Duration, Instant};

const LIMITS: Limits = Limits {
    time: Duration::from_secs(600),
    rows: 1_000_000,
    memory: 4 << 30,
};

const FACTS: &str = "SELECT ?property (COUNT(*) AS ?n) { ?e kenning:evidence <<( ?s ?property ?o )>> } GROUP BY ?property";

/// One reply to all prompts.
const REPLY: &str = r#"{"key":"*","completion":{"text":"{\"ranking\":[\"c3\",\"c1\"],\"because\":{\"c3\":[\"e1\",\"e2\"]}}","prompt_tokens":700,"completion_tokens":30,"finish":"stop"}}"#;

/// Answers of one measurement.
const AT_A_TIME: usize = 400;

const PLAIN: &str = "SELECT ?label { ?item rdfs:label ?label } LIMIT 1";

fn main() {
    let mut numbers = std::env::args().filter_map(|text| text.parse().ok());
    let most: usize = numbers.next_back().unwrap_or(20_000);
    let folder = tempfile::tempdir().unwrap();
    let engine = shop(folder.path(), most);
    let snapshot = engine.snapshot().unwrap();
    let graph = snapshot.graph();
    let users: Vec<String> = graph
        .users()
        .map(|user| graph.term(user)[1..].to_owned())
        .collect();
    let replies = folder.path().join("replies.jsonl");
    std::fs::write(&replies, REPLY).unwrap();
    let mut model = Replay::open(&ReplaySettings::new(&replies)).unwrap();
    let first = most.min(1_000);
    let started = Instant::now();
    let (mut answered, mut by_model) = (0.0, 0);
    for number in 0..first {
        let request = request(&users, number);
        let model: Option<&mut dyn LanguageModel> = match number % 2 {
            0 => None,
            _ => Some(&mut model),
        };
        let answer = engine.recommend(&snapshot, &request, model).unwrap();
        answered += answer.timings.values().sum::<f64>();
        by_model += usize::from(answer.reply.is_some());
    }
    let all = started.elapsed().as_secs_f64();
    println!(
        "{first} answers, {by_model} of them with a reply: {:.2} ms each, {:.2} of it to keep it",
        ms(all) / first as f64,
        ms(all - answered) / first as f64
    );
    for threads in [1, 8] {
        println!(
            "{threads} at a time: {:.0} answers a second",
            at_a_time(&engine, &users, threads)
        );
    }
    replay(&engine, first, "on their snapshot");
    let live = Live::open(Engine::open(Project::open(folder.path()).unwrap()).unwrap()).unwrap();
    let told = Told {
        user: users[0].clone(),
        item: graph.term(graph.items().start)[1..].to_owned(),
        time: None,
        weight: 1.0,
    };
    live.tell(&[told], &LIMITS, &Cancel::default()).unwrap();
    engine.build(None, &Unwatched).unwrap();
    replay(&engine, first, "after a build");

    let kept = engine.journal().decisions(first).unwrap();
    for number in first..most {
        engine
            .journal()
            .keep(kept[number % first].record.clone(), None)
            .unwrap();
    }
    let bytes: u64 = ["", "-wal"]
        .iter()
        .filter_map(|end| {
            std::fs::metadata(format!("{}{end}", engine.journal().path().display())).ok()
        })
        .map(|file| file.len())
        .sum();
    println!(
        "{most} decisions: {:.1} KB of the journal each",
        bytes as f64 / 1024.0 / most as f64
    );
    let snapshot = engine.snapshot().unwrap();
    let before = resident();
    let time = |what: &str, query: &str| {
        let started = Instant::now();
        let found = snapshot.dataset().ask(query, &LIMITS).unwrap();
        println!(
            "{what}: {:.1} ms, {} rows",
            ms(started.elapsed().as_secs_f64()),
            found.solutions.len()
        );
    };
    time("a query that names no decision", PLAIN);
    time("the first query over decisions", FACTS);
    let table = snapshot.decisions(&Cancel::default()).unwrap().unwrap();
    println!(
        "{} triples, {:.1} KB of memory a decision",
        table.len(),
        (resident() - before) as f64 / most as f64
    );
    drop(table);
    time("the second one", FACTS);
    engine
        .recommend(&snapshot, &Request::for_user(&users[0], 10), None)
        .unwrap();
    time("after one more decision", FACTS);
    time("a query that names no decision", PLAIN);
}

/// Answers a second, each kept, from so many threads.
fn at_a_time(engine: &Engine, users: &[String], threads: usize) -> f64 {
    let snapshot = engine.snapshot().unwrap();
    let answer = |thread: usize| {
        for number in 0..AT_A_TIME / threads {
            let request = Request::for_user(&users[(thread + number * threads) % users.len()], 10);
            engine.recommend(&snapshot, &request, None).unwrap();
        }
    };
    let started = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let answer = &answer;
            scope.spawn(move || answer(thread));
        }
    });
    AT_A_TIME as f64 / started.elapsed().as_secs_f64()
}

/// Requests of several kinds.
fn request(users: &[String], number: usize) -> Request {
    let mut request = Request::for_user(&users[number % users.len()], 10);
    match number % 5 {
        1 => request.likes = vec!["heart".into()],
        2 => request.wishes.sparql = Some("?item kenning:productType ?type".into()),
        3 => request.wishes.diversity = 0.3,
        4 => {
            request.user = None;
            request.text = Some("hot water bottle".into());
        }
        _ => {}
    }
    request
}

fn replay(engine: &Engine, first: usize, when: &str) {
    let started = Instant::now();
    let mut replayer = engine.replayer();
    let ids = engine.journal().last_decisions(first).unwrap();
    let is_equal = |id: &&String| replayer.replay(id).unwrap().is_equal();
    let equal = ids.iter().filter(is_equal).count();
    println!(
        "replayed {when}: {equal} of {first} equal, {:.2} ms each",
        ms(started.elapsed().as_secs_f64()) / first as f64
    );
}

fn ms(seconds: f64) -> f64 {
    seconds * 1e3
}

/// Kilobytes of memory that the process holds.
fn resident() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

fn shop(folder: &Path, most: usize) -> Engine {
    Project::init(folder, "gifts").unwrap();
    let layers = Layers::none()
        .flag("decisions.most", "bench", Some(most + 1))
        .flag("prompt.budget", "bench", Some(1500));
    let engine = Engine::open(Project::open_with(folder, &layers).unwrap()).unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("graphs/gift-shop");
    let mapping = std::fs::read_to_string(sample.join("mapping.toml")).unwrap();
    let mapping = Mapping::parse(&mapping, "mapping.toml").unwrap();
    engine
        .import(mapping, &sample, Strictness::Lenient, &Unwatched)
        .unwrap();
    engine.build(None, &Unwatched).unwrap();
    engine
}
