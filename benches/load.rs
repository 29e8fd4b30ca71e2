//! A minute of a server's life: 59 clients that mean well, 5 that do not, and a `kill -9` at its end.
//!
//!     cargo bench --bench load
//!     KENNING_LOAD_SECONDS=10 KENNING_LOAD_HOSTILE=0 cargo bench --bench load
//!
//! The program is run as it is shipped, with its default limits, on Amazon Beauty. It is fine when no request of the
//! well-behaved fails, each update is seen by the next query of its client, and every update that was acknowledged is
//! there after the server was killed in the middle of its work. Otherwise this ends with an error.

mod beauty;

use beauty::Beauty;
use kenning::engine::Engine;
use kenning::model::Unwatched;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use ureq::Agent;
use ureq::http::Request;

const WELL_BEHAVED: u64 = 59;

/// Parts of the time whose memory is told.
const COURSE: u32 = 10;

/// Cross products, paths over everything, a sort of far too much, a search without an index, results nobody reads.
const HOSTILE: [&str; 5] = [
    "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . FILTER(?a != ?d) }",
    "SELECT (COUNT(*) AS ?n) { ?a (!<urn:x>|^!<urn:x>)* ?b }",
    "SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY DESC(?c) ?f ?e ?a ?b ?d",
    "SELECT DISTINCT ?a ?f { ?a ?b ?c . ?d ?e ?f . FILTER(REGEX(STR(?c), '(a+)+$') && REGEX(STR(?f), '.*x.*y.*z')) }",
    "SELECT ?a ?b ?c ?g ?h ?i { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
];

/// What a client of the well-behaved asks, with a user `U` and an item `I`.
const QUERIES: [(&str, &str); 7] = [
    (
        "items of a user",
        "SELECT ?i ?name { U kenning:interacted ?i OPTIONAL { ?i rdfs:label ?name } }",
    ),
    (
        "met by the same",
        "SELECT ?j (COUNT(*) AS ?n) { ?u kenning:interacted I, ?j } GROUP BY ?j ORDER BY DESC(?n) LIMIT 10",
    ),
    ("facts of an item", "SELECT ?p ?o { I ?p ?o }"),
    (
        "links of an item",
        "SELECT ?j { I kenning:followedBy|kenning:coOccursWith ?j } LIMIT 20",
    ),
    (
        "items of the same kind",
        "SELECT ?j { I ?p ?o . ?j ?p ?o FILTER(?p != rdf:type) } LIMIT 20",
    ),
    (
        "triples of an item",
        "CONSTRUCT { I ?p ?o } WHERE { I ?p ?o }",
    ),
    (
        "number of interactions",
        "SELECT (COUNT(*) AS ?n) { ?u kenning:interacted ?i }",
    ),
];

/// What everybody writes down.
#[derive(Default)]
struct Notes {
    over: AtomicBool,
    times: Mutex<BTreeMap<&'static str, Vec<Duration>>>,
    failures: Mutex<Vec<String>>,
    hostile: Mutex<BTreeMap<String, u64>>,
    /// For each client, how many of its updates were acknowledged.
    acknowledged: Vec<AtomicU64>,
}

fn main() -> ExitCode {
    let Some(beauty) = Beauty::import() else {
        return ExitCode::SUCCESS;
    };
    beauty.engine.build(None, &Unwatched).unwrap();
    let engine: &Engine = &beauty.engine;
    let root = engine.project().root();
    let seconds = number("KENNING_LOAD_SECONDS").unwrap_or(60);
    let hostile = number("KENNING_LOAD_HOSTILE").unwrap_or(HOSTILE.len() as u64);

    let (mut server, address) = serve(root);
    let pairs = pairs(&address);
    println!("{WELL_BEHAVED} clients that mean well, {hostile} that do not, {seconds} s");
    let notes = Notes {
        acknowledged: (0..WELL_BEHAVED).map(|_| AtomicU64::new(0)).collect(),
        ..Notes::default()
    };
    let used = std::thread::scope(|scope| {
        for client in 0..WELL_BEHAVED {
            let (notes, pairs, address) = (&notes, &pairs, &address);
            scope.spawn(move || behave(client, address, pairs, notes));
        }
        for query in HOSTILE.into_iter().take(hostile as usize) {
            let (notes, address) = (&notes, &address);
            scope.spawn(move || misbehave(query, address, notes));
        }
        let mut course = Vec::new();
        for _ in 0..COURSE {
            let end = Instant::now() + Duration::from_secs(seconds) / COURSE;
            let mut most = 0;
            while Instant::now() < end {
                std::thread::sleep(Duration::from_millis(50));
                most = most.max(memory(server.id(), "RssAnon:"));
            }
            course.push(most);
        }
        let resident = memory(server.id(), "VmHWM:");
        // First the note: what fails from now on fails for that.
        notes.over.store(true, Ordering::SeqCst);
        server.kill().unwrap();
        server.wait().unwrap();
        (course, resident)
    });
    report(&notes, seconds, used);
    let lost = lost(root, &notes);
    println!("acknowledged updates that are lost after kill -9: {lost}");
    match lost == 0 && notes.failures.lock().unwrap().is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}

/// Starts the program on the project; its process and its address.
fn serve(root: &Path) -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kenning"));
    command
        .arg("-C")
        .arg(root)
        .args(["serve", "--bind", "127.0.0.1:0", "--allow-updates"]);
    let mut server = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (server, line.trim().to_owned())
}

fn agent(patience: Duration) -> Agent {
    let config = Agent::config_builder().http_status_as_error(false);
    config.timeout_global(Some(patience)).build().into()
}

/// Sends a query or an update; the status and the body.
fn send(agent: &Agent, address: &str, kind: &str, text: &str) -> Result<(u16, String), String> {
    let request = Request::post(format!("{address}sparql"))
        .header("content-type", format!("application/sparql-{kind}"))
        .body(text.to_owned());
    let sent = agent.run(request.unwrap());
    let mut response = sent.map_err(|e| e.to_string())?;
    let body = response.body_mut().read_to_string();
    Ok((response.status().as_u16(), body.map_err(|e| e.to_string())?))
}

fn bindings(body: &str) -> Vec<Value> {
    let results: Value = serde_json::from_str(body).unwrap();
    results["results"]["bindings"].as_array().unwrap().clone()
}

/// Users with items that they met.
fn pairs(address: &str) -> Vec<[String; 2]> {
    let query = "SELECT ?u ?i { ?u kenning:interacted ?i } LIMIT 50000";
    let (_, body) = send(&agent(Duration::from_secs(60)), address, "query", query).unwrap();
    let iri = |row: &Value, name: &str| format!("<{}>", row[name]["value"].as_str().unwrap());
    bindings(&body)
        .iter()
        .map(|row| [iri(row, "u"), iri(row, "i")])
        .collect()
}

/// Four queries, an update, and a look whether it is seen; and so on.
fn behave(client: u64, address: &str, pairs: &[[String; 2]], notes: &Notes) {
    let agent = agent(Duration::from_secs(60));
    let ask = |name: &'static str, kind: &str, text: &str| {
        let start = Instant::now();
        let sent = send(&agent, address, kind, text);
        let took = start.elapsed();
        match sent {
            Ok((200, body)) => {
                notes
                    .times
                    .lock()
                    .unwrap()
                    .entry(name)
                    .or_default()
                    .push(took);
                Some(body)
            }
            // The server was killed.
            _ if notes.over.load(Ordering::SeqCst) => None,
            other => {
                notes
                    .failures
                    .lock()
                    .unwrap()
                    .push(format!("{name}: {other:?}"));
                None
            }
        }
    };
    let mut turn = client as usize;
    while !notes.over.load(Ordering::SeqCst) {
        for _ in 0..4 {
            turn += 1;
            let [user, item] = &pairs[(turn * 7919 + client as usize * 101) % pairs.len()];
            let (name, query) = QUERIES[turn % QUERIES.len()];
            let query = query
                .replace("U ", &format!("{user} "))
                .replace("I ", &format!("{item} "));
            ask(name, "query", &query.replace("I,", &format!("{item},")));
        }
        let number = notes.acknowledged[client as usize].load(Ordering::SeqCst);
        let fact = format!("<urn:load:client:{client}> <urn:load:saw> {number}");
        if ask("update", "update", &format!("INSERT DATA {{ {fact} }}")).is_none() {
            continue;
        }
        notes.acknowledged[client as usize].store(number + 1, Ordering::SeqCst);
        let seen = ask("look at an update", "query", &format!("ASK {{ {fact} }}"));
        if seen.is_some_and(|body| !body.contains("true")) {
            notes
                .failures
                .lock()
                .unwrap()
                .push(format!("{fact} is not seen"));
        }
    }
}

/// The same hostile query, again and again.
fn misbehave(query: &str, address: &str, notes: &Notes) {
    let agent = agent(Duration::from_secs(120));
    while !notes.over.load(Ordering::SeqCst) {
        let said = match send(&agent, address, "query", query) {
            Ok((status, _)) => status.to_string(),
            Err(_) if notes.over.load(Ordering::SeqCst) => return,
            Err(_) => "cut short".into(),
        };
        *notes.hostile.lock().unwrap().entry(said).or_default() += 1;
        // Whoever is refused comes again, but not a thousand times a second.
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Megabytes that the system counts for a process.
fn memory(process: u32, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() >> 10
}

fn report(notes: &Notes, seconds: u64, (course, resident): (Vec<u64>, u64)) {
    let mut times = notes.times.lock().unwrap();
    let mut all: Vec<Duration> = times.values().flatten().copied().collect();
    println!(
        "{:<26} {:>8} {:>8} {:>8} {:>8}  ms",
        "", "count", "p50", "p99", "most"
    );
    for (name, times) in times.iter_mut() {
        row(name, times);
    }
    row("all", &mut all);
    println!(
        "requests a second: {:.0}",
        all.len() as f64 / seconds as f64
    );
    println!(
        "answers to the hostile: {:?}",
        notes.hostile.lock().unwrap()
    );
    println!("memory of the server, the most in each tenth of the time: {course:?} MB");
    println!("with the pages of the snapshot at most {resident} MB");
    let failures = notes.failures.lock().unwrap();
    println!("failures of the well-behaved: {}", failures.len());
    for failure in failures.iter().take(10) {
        println!("  {failure}");
    }
}

fn row(name: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: f64| {
        let index = (times.len().saturating_sub(1) as f64 * share) as usize;
        times
            .get(index)
            .map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    println!(
        "{name:<26} {:>8} {:>8.1} {:>8.1} {:>8.1}",
        times.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

/// Starts the server again, and counts acknowledged updates that it does not know.
fn lost(root: &Path, notes: &Notes) -> u64 {
    let start = Instant::now();
    let (mut server, address) = serve(root);
    println!(
        "the server is back after {} ms",
        start.elapsed().as_millis()
    );
    let agent = agent(Duration::from_secs(60));
    let mut lost = 0;
    let mut told = 0;
    for (client, count) in notes.acknowledged.iter().enumerate() {
        let query = format!("SELECT ?n {{ <urn:load:client:{client}> <urn:load:saw> ?n }}");
        let (_, body) = send(&agent, &address, "query", &query).unwrap();
        let found: std::collections::BTreeSet<u64> = bindings(&body)
            .iter()
            .map(|row| row["n"]["value"].as_str().unwrap().parse().unwrap())
            .collect();
        told += count.load(Ordering::SeqCst);
        lost += (0..count.load(Ordering::SeqCst))
            .filter(|n| !found.contains(n))
            .count() as u64;
    }
    println!("acknowledged updates: {told}");
    server.kill().unwrap();
    server.wait().unwrap();
    lost
}
