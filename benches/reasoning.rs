//! The closure under OWL 2 RL: real data against the crate `reasonable`, and generated data for time and memory.
//!
//! `cargo bench --bench reasoning` compares; `cargo bench --bench reasoning -- --grow 10000000` closes so many generated
//! triples.

// Not every program of the benches measures in every way.
#[allow(dead_code)]
mod tables;
mod university;

use flate2::read::GzDecoder;
use kenning::model::{Unwatched, term};
use kenning::reasoning::{Closure, Dictionary, Limits, RuleSet, Terms};
use oxigraph::io::{RdfFormat, RdfParser};
use oxrdf::{NamedNode, Term, Triple};
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 5;

fn main() {
    let arguments = tables::arguments();
    if let Some(at) = arguments.iter().position(|a| a == "--grow") {
        let count = arguments.get(at + 1).and_then(|n| n.parse().ok());
        return university::close(count.unwrap_or(1_000_000));
    }
    let root = std::env::var_os("KENNING_TEST_DATA").map(PathBuf::from);
    let root = root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    if !root.is_dir() {
        return println!("no data at {}: nothing is measured", root.display());
    }
    let schema = "vocabularies/schemaorg-30.0-all-https.nt.gz";
    let films = "dbpedia-films/ml100k-dbpedia.nt.gz";
    let cases: [(&str, &[&str]); 3] = [
        ("films, schema.org", &[films, schema]),
        (
            "films, DBpedia ontology, schema.org",
            &[films, "vocabularies/dbo.nq.gz", schema],
        ),
        ("bsbm, schema.org", &["bsbm/bsbm-2848.nt.gz", schema]),
    ];
    println!("| data | triples | derived | | reasonable, s | Kenning, s | ratio |");
    println!("|---|---|---|---|---|---|---|");
    let mut notes = Vec::new();
    for (name, files) in cases {
        notes.push(compare(name, &read(&root, files)));
    }
    println!("\n{}", notes.join("\n"));
}

/// The triples of files, as a set, in the order in which they come.
fn read(root: &Path, files: &[&str]) -> Vec<Triple> {
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for file in files {
        let path = root.join(file);
        let format = match file.ends_with(".nq.gz") {
            true => RdfFormat::NQuads,
            false => RdfFormat::NTriples,
        };
        let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let reader = BufReader::new(GzDecoder::new(file));
        for quad in RdfParser::from_format(format).lenient().for_reader(reader) {
            let triple = Triple::from(quad.unwrap_or_else(|e| panic!("{}: {e}", path.display())));
            if seen.insert(triple.clone()) {
                all.push(triple);
            }
        }
    }
    all
}

/// What a run took, numbering of terms included and for the rules alone, and what it derived.
struct Run {
    all: Time,
    rules: Time,
    derived: HashSet<Triple>,
}

/// Seconds on the clock, and of the processor: the machine may have other work.
#[derive(Clone, Copy)]
struct Time {
    clock: f64,
    processor: f64,
}

struct Since(Instant, f64);

impl Since {
    fn now() -> Self {
        Self(Instant::now(), tables::processor())
    }

    fn time(&self) -> Time {
        Time {
            clock: self.0.elapsed().as_secs_f64(),
            processor: tables::processor() - self.1,
        }
    }
}

fn kenning(triples: &[Triple]) -> Run {
    let begun = Since::now();
    let mut terms = Dictionary::default();
    let mut number = |term: Term| terms.intern(&term::encode(&term)).unwrap();
    let facts = triples.iter().map(|t| {
        [
            number(t.subject.clone().into()),
            number(t.predicate.clone().into()),
            number(t.object.clone()),
        ]
    });
    let facts = facts.collect();
    let rules = RuleSet::shipped("owl2-rl").unwrap();
    let numbered = Since::now();
    let closure = Closure::of(&rules, facts, &mut terms, &Limits::default(), &Unwatched).unwrap();
    let (all, rules) = (begun.time(), numbered.time());
    let decode = |number| term::decode(terms.text(number));
    let derived = closure.derived().map(|derived| {
        let [s, p, o] = derived.triple.map(decode);
        match (s, p) {
            (Term::NamedNode(s), Term::NamedNode(p)) => Triple::new(s, p, o),
            (Term::BlankNode(s), Term::NamedNode(p)) => Triple::new(s, p, o),
            other => panic!("no RDF: {other:?}"),
        }
    });
    Run {
        derived: derived.collect(),
        all,
        rules,
    }
}

fn reasonable(triples: &[Triple], stated: &HashSet<Triple>) -> Run {
    let given = triples.to_vec();
    let begun = Since::now();
    let mut reasoner = reasonable::reasoner::Reasoner::new();
    reasoner.load_triples(given);
    let loaded = Since::now();
    reasoner.reason();
    let (all, rules) = (begun.time(), loaded.time());
    let derived = reasoner.view_output().iter();
    Run {
        derived: derived.filter(|t| !stated.contains(*t)).cloned().collect(),
        all,
        rules,
    }
}

/// Some seconds of a run.
type Seconds = fn(&Run) -> f64;

fn median(runs: &[Run], of: Seconds) -> f64 {
    let mut times: Vec<f64> = runs.iter().map(of).collect();
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Prints lines, and gives what the results differ by.
fn compare(name: &str, triples: &[Triple]) -> String {
    let stated: HashSet<Triple> = triples.iter().cloned().collect();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // In turns, so that what else the machine does meets both.
    for _ in 0..RUNS {
        ours.push(kenning(triples));
        theirs.push(reasonable(triples, &stated));
    }
    println!(
        "| {name} | {} | {} | | | | |",
        triples.len(),
        ours[0].derived.len()
    );
    let ways: [(&str, Seconds); 4] = [
        ("rules, on the clock", |run| run.rules.clock),
        ("rules, of the processor", |run| run.rules.processor),
        ("with numbering, on the clock", |run| run.all.clock),
        ("with numbering, of the processor", |run| run.all.processor),
    ];
    for (way, of) in ways {
        let (ours, theirs) = (median(&ours, of), median(&theirs, of));
        println!(
            "| | | | {way} | {theirs:.3} | {ours:.3} | {:.1} |",
            theirs / ours
        );
    }
    let mut note = format!("{name}:");
    for (who, one, other) in [
        ("only Kenning", &ours[0].derived, &theirs[0].derived),
        ("only reasonable", &theirs[0].derived, &ours[0].derived),
    ] {
        let mut by: BTreeMap<String, (usize, String)> = BTreeMap::new();
        for triple in one.difference(other) {
            let predicate: &NamedNode = &triple.predicate;
            let entry = by
                .entry(kenning::vocabulary::shorten(predicate.as_str()))
                .or_default();
            entry.0 += 1;
            let shown = triple.to_string();
            if entry.1.is_empty() || shown < entry.1 {
                entry.1 = shown;
            }
        }
        note.push_str(&format!("\n  {who}: {}", one.difference(other).count()));
        for (predicate, (count, least)) in by.iter().take(8) {
            note.push_str(&format!("\n    {predicate} {count}, as {least}"));
        }
    }
    note
}
