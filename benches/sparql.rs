//! Kenning's SPARQL against oxigraph's in-memory store: same process, same data, same queries, equal answers.
//!
//! `cargo bench --bench sparql` runs all; `-- bsbm` or `-- beauty` one data set; `-- bsbm PART` the queries whose names
//! hold PART.

mod analyst;
mod bsbm;
mod compare;
mod tables;

use compare::{Pair, Question};
use flate2::read::MultiGzDecoder;
use kenning::config::Project;
use kenning::engine::{Engine, Strictness};
use kenning::graph::Graph;
use kenning::graph::changes::Changes;
use kenning::intake::Mapping;
use kenning::model::{Unwatched, term};
use kenning::sparql::Dataset;
use kenning::vocabulary::kenning as own;
use oxigraph::io::RdfFormat;
use oxigraph::model::{GraphName, NamedNode, Quad, Term};
use oxigraph::store::Store;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tables::{again, arguments, memory, processor};

/// How often a query is drawn.
const DRAWS: usize = 3;

/// Data that both engines load.
struct Dump {
    name: &'static str,
    mapping: Mapping,
    folder: PathBuf,
    /// Its triples, as compressed N-Triples.
    triples: PathBuf,
}

fn main() {
    let arguments = arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["resident", "store", triples, snapshot] => resident(|| {
            let store = load(Path::new(triples));
            add_purchases(&store, &Graph::open(snapshot.as_ref()).unwrap());
            store
        }),
        ["resident", "opened", snapshot] => resident(|| Graph::open(snapshot.as_ref()).unwrap()),
        ["resident", "read", snapshot] => {
            resident(|| Graph::open_checked(snapshot.as_ref()).unwrap());
        }
        ["resident", "asked", snapshot, queries] => {
            resident(|| asked(Path::new(snapshot), Path::new(queries)));
        }
        _ => compare_all(&arguments),
    }
}

/// Where the test data are; `None`, with a printed reason, where they are absent.
fn data() -> Option<PathBuf> {
    let root = std::env::var_os("KENNING_TEST_DATA").map(PathBuf::from);
    let root =
        root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    if root.is_dir() {
        return Some(root);
    }
    eprintln!("skipped: there is no test data at {}", root.display());
    None
}

/// Prints how much memory `made` takes.
fn resident<T>(make: impl FnOnce() -> T) {
    let before = memory("VmRSS");
    let made = make();
    println!("{:.1}", memory("VmRSS") - before);
    drop(made);
}

/// A graph that was asked all the queries of a file, a JSON list.
fn asked(snapshot: &Path, queries: &Path) -> Graph {
    let graph = Graph::open(snapshot).unwrap();
    let queries = std::fs::read_to_string(queries).unwrap();
    let queries: Vec<String> = serde_json::from_str(&queries).unwrap();
    let changes = Changes::none(&graph);
    for query in &queries {
        let found = Dataset::new(&graph, &changes).ask(query, &compare::limits());
        found.unwrap();
    }
    graph
}

const VOCABULARY: &str = include_str!("../ontologies/kenning.ttl");

fn load(triples: &Path) -> Store {
    let mut text = Vec::new();
    let file = std::fs::File::open(triples).unwrap();
    MultiGzDecoder::new(file).read_to_end(&mut text).unwrap();
    let store = Store::new().unwrap();
    let mut loader = store.bulk_loader();
    loader
        .parallel_load_from_slice(RdfFormat::NTriples, &text)
        .unwrap();
    // Kenning's graph has its own vocabulary beside the dump, whose labels are found too.
    loader
        .parallel_load_from_slice(RdfFormat::Turtle, VOCABULARY.as_bytes())
        .unwrap();
    loader.commit().unwrap();
    store
}

fn compare_all(wanted: &[&str]) {
    let Some(root) = data() else { return };
    let set = wanted.first().copied().unwrap_or_default();
    let part = wanted.get(1).copied().unwrap_or_default();
    let mut sound = true;
    if "bsbm".contains(set) {
        let questions = |store: &Store, _: &Graph| bsbm::questions(&root, store, DRAWS);
        sound &= compare_on(&bsbm::dump(&root), part, questions);
    }
    if "beauty".contains(set) {
        let questions = |_: &Store, graph: &Graph| analyst::questions(graph, DRAWS);
        sound &= compare_on(&analyst::dump(&root), part, questions);
    }
    if !sound {
        std::process::exit(1);
    }
}

/// Loads a dump into both, asks both, and prints how they did. Whether all answers were equal.
fn compare_on(
    dump: &Dump,
    part: &str,
    questions: impl FnOnce(&Store, &Graph) -> Vec<Question>,
) -> bool {
    let watch = Watch::start();
    let store = load(&dump.triples);
    let (load_store, work_store) = watch.stop();
    let folder = tempfile::tempdir().unwrap();
    let project = Project::init(&folder.path().join(dump.name), dump.name).unwrap();
    let engine = Engine::open(project).unwrap();
    let watch = Watch::start();
    let strict = Strictness::Strict;
    let mapping = dump.mapping.clone();
    engine
        .import(mapping, &dump.folder, strict, &Unwatched)
        .unwrap();
    let (import, _) = watch.stop();
    let built = engine.build(None, &Unwatched).unwrap();
    let (load_kenning, work_kenning) = watch.stop();
    let started = Instant::now();
    let snapshot = engine.snapshot().unwrap();
    let open = started.elapsed().as_secs_f64();

    println!("\n## {}\n", dump.name);
    println!("| | store | kenning | ratio |\n|---|---|---|---|");
    println!(
        "| load, s | {load_store:.2} | {load_kenning:.2} (import {import:.2}) | {:.2} |",
        load_store / load_kenning
    );
    println!(
        "| load, s of processor | {work_store:.2} | {work_kenning:.2} | {:.2} |",
        work_store / work_kenning
    );
    println!("| open, ms | – | {:.2} | |", open * 1000.0);
    let path = engine.project().snapshot_file();
    let path = path.to_str().unwrap();
    let measured = |what: &[&str]| again(what).trim().parse::<f64>().unwrap();
    let in_store = measured(&["resident", "store", dump.triples.to_str().unwrap(), path]);
    let opened = measured(&["resident", "opened", path]);
    let read = measured(&["resident", "read", path]);
    println!(
        "| resident, MiB | {in_store:.0} | {opened:.1} opened | {:.1} |",
        in_store / opened
    );
    println!("| | | {read:.0} every page read | {:.1} |", in_store / read);
    let stages = built
        .stages
        .iter()
        .map(|(stage, seconds)| format!("{stage} {seconds:.2}"));
    println!("\nBuild: {} s.\n", stages.collect::<Vec<_>>().join(", "));

    add_purchases(&store, snapshot.graph());
    let mut questions = questions(&store, snapshot.graph());
    questions.retain(|q| q.name.contains(part));
    let texts: Vec<&String> = questions.iter().flat_map(|q| &q.texts).collect();
    let file = folder.path().join("queries.json");
    std::fs::write(&file, serde_json::to_string(&texts).unwrap()).unwrap();
    let asked = measured(&["resident", "asked", path, file.to_str().unwrap()]);
    println!(
        "Resident after all queries: {asked:.0} MiB, {:.1} times less.\n",
        in_store / asked
    );
    let pair = Pair {
        store: &store,
        snapshot: &snapshot,
    };
    report(&pair, &questions)
}

/// Measures time on the clock and of the processor: the machine may have other work.
struct Watch {
    started: Instant,
    processor: f64,
}

impl Watch {
    fn start() -> Self {
        Self {
            started: Instant::now(),
            processor: processor(),
        }
    }

    /// Seconds on the clock, and of the processor, since the start.
    fn stop(&self) -> (f64, f64) {
        let clock = self.started.elapsed().as_secs_f64();
        (clock, processor() - self.processor)
    }
}

/// In Kenning purchases are no facts, so the store gets a triple for each.
fn add_purchases(store: &Store, graph: &Graph) {
    let predicate = NamedNode::new(own::INTERACTED).unwrap();
    let node = |number| match term::decode(graph.term(number)) {
        Term::NamedNode(node) => node,
        other => panic!("{other} is no IRI"),
    };
    for user in graph.users() {
        for &item in graph.met(user) {
            let default = GraphName::DefaultGraph;
            let quad = Quad::new(node(user), predicate.clone(), node(item), default);
            store.insert(&quad).unwrap();
        }
    }
}

fn report(pair: &Pair, questions: &[Question]) -> bool {
    println!(
        "| query | rows | store, ms | kenning, ms | ratio | answers |\n|---|---|---|---|---|---|"
    );
    let mut ratios = Vec::new();
    let mut sound = true;
    for question in questions {
        let outcome = pair.ask(question);
        println!("| {} {outcome}", question.name);
        sound &= outcome.is_equal();
        ratios.push((outcome.ratio(), question.name.as_str()));
    }
    let logarithms: f64 = ratios.iter().map(|r| r.0.ln()).sum();
    let mean = (logarithms / ratios.len() as f64).exp();
    let worst = ratios.iter().min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    println!(
        "\nGeometric mean {mean:.2}, worst {:.2} ({}).",
        worst.0, worst.1
    );
    sound
}
