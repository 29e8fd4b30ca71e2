//! The W3C's test suites of SPARQL, run on Kenning's own dataset and endpoint, and on oxigraph beside them.
//!
//! Each test of queries and updates runs on three layouts of its data (see [`host::Layout`]), which must all agree with
//! the suite. What oxigraph passes, Kenning must pass. `conformance/ignored.tsv` lists the tests that Kenning fails,
//! with the reason; one that passes must not stand there.

pub mod answer;
pub mod archive;
pub mod data;
pub mod host;
mod http;
pub mod manifest;
pub mod matching;
pub mod numbers;
mod run;

use archive::{Archive, HOME};
use host::{Kenning, Layout, Oxigraph};
use manifest::Case;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The manifests to begin at.
const MANIFESTS: [&str; 3] = [
    "sparql10/manifest.ttl",
    "sparql11/manifest-all.ttl",
    "sparql12/manifest.ttl",
];

/// The suites, unpacked.
struct Suites {
    archive: Archive,
    cases: Vec<Case>,
}

impl Suites {
    fn open() -> Option<Self> {
        let folder = crate::support::data("conformance")?;
        let file = folder.join("w3c-rdf-tests.tar.gz");
        let archive = Archive::open(&file, "w3c-rdf-tests/sparql/", HOME);
        let manifests = MANIFESTS.map(|path| manifest::read(&archive, &format!("{HOME}{path}")));
        let cases = manifests.into_iter().flatten().collect();
        Some(Self { archive, cases })
    }

    /// The tests that are over HTTP, or those that are not.
    fn cases(&self, place: Place) -> Vec<&Case> {
        let cases = self.cases.iter();
        cases.filter(|case| Place::of(case) == place).collect()
    }
}

/// Where a test is run.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Here,
    OverHttp,
}

impl Place {
    fn of(case: &Case) -> Self {
        match case.kind.as_str() {
            "ProtocolTest" | "GraphStoreProtocolTest" | "ServiceDescriptionTest" => Self::OverHttp,
            _ => Self::Here,
        }
    }
}

/// What came of one test; oxigraph has no server to compare with.
struct Outcome<'a> {
    case: &'a Case,
    kenning: Result<(), String>,
    oxigraph: Option<Result<(), String>>,
}

/// Reasons by test.
fn ignored() -> BTreeMap<&'static str, &'static str> {
    let lines = include_str!("conformance/ignored.tsv").lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pairs = lines.map(|line| line.split_once('\t').expect("a test, a tab and a reason"));
    pairs.collect()
}

fn on_kenning(archive: &Archive, case: &Case) -> Result<(), String> {
    for layout in Layout::ALL {
        run::run(archive, case, &Kenning(layout)).map_err(|e| format!("{layout:?}: {e}"))?;
        // Syntax does not depend on data.
        if case.kind.contains("Syntax") {
            break;
        }
    }
    Ok(())
}

#[test]
fn queries_and_updates_do_what_the_suites_say() {
    let Some(suites) = Suites::open() else {
        return;
    };
    let outcome = |case| Outcome {
        case,
        kenning: on_kenning(&suites.archive, case),
        oxigraph: Some(run::run(&suites.archive, case, &Oxigraph)),
    };
    // Most of the time goes into waiting until files are on the disk; so it is waited for many at once.
    let threads = rayon::ThreadPoolBuilder::new().num_threads(16).build();
    let cases = suites.cases(Place::Here);
    judge(
        &threads
            .unwrap()
            .install(|| cases.into_par_iter().map(outcome).collect::<Vec<_>>()),
    );
}

#[test]
fn the_server_does_what_the_suites_say() {
    let Some(suites) = Suites::open() else {
        return;
    };
    let site = http::Site::open();
    let outcome = |case| Outcome {
        case,
        kenning: site.run(&suites.archive, case),
        oxigraph: None,
    };
    let cases = suites.cases(Place::OverHttp).into_iter();
    judge(&cases.map(outcome).collect::<Vec<_>>());
}

#[test]
fn only_tests_of_the_suites_are_ignored() {
    let Some(suites) = Suites::open() else {
        return;
    };
    for test in ignored().keys() {
        let known = suites.cases.iter().any(|case| case.iri == *test);
        assert!(known, "no suite has {test}");
    }
}

/// Tells what came of tests, and fails if any came out as it must not.
fn judge(outcomes: &[Outcome<'_>]) {
    let ignored = ignored();
    println!("{}", report(outcomes, &ignored));
    let wrong = complaints(outcomes, &ignored);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One line for each suite.
fn report(outcomes: &[Outcome<'_>], ignored: &BTreeMap<&str, &str>) -> String {
    let mut suites: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for outcome in outcomes {
        let is_ignored = ignored.contains_key(outcome.case.iri.as_str());
        let passes = outcome.kenning.is_ok();
        let oxigraph = matches!(outcome.oxigraph, Some(Ok(())));
        let counts = [passes, !passes && !is_ignored, is_ignored, oxigraph];
        for suite in [outcome.case.suite.as_str(), "all"] {
            let sums = suites.entry(suite).or_default().iter_mut();
            sums.zip(counts)
                .for_each(|(sum, count)| *sum += usize::from(count));
        }
    }
    let mut text = String::from("suite: passed/failed/ignored (oxigraph passed)\n");
    for (suite, [passed, failed, ignored, oxigraph]) in suites {
        writeln!(text, "{suite}: {passed}/{failed}/{ignored} ({oxigraph})").unwrap();
    }
    text
}

/// What is wrong: failures that are not on the list, tests that need not be on it, and what only oxigraph passes.
fn complaints(outcomes: &[Outcome<'_>], ignored: &BTreeMap<&str, &str>) -> Vec<String> {
    let mut wrong = Vec::new();
    for outcome in outcomes {
        let Outcome { case, kenning, .. } = outcome;
        let iri = &case.iri;
        match (kenning, ignored.get(iri.as_str())) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => wrong.push(format!("{iri} passes; take it off the list")),
            (Err(error), None) => {
                let oxigraph = match &outcome.oxigraph {
                    Some(Ok(())) => "oxigraph passes",
                    Some(Err(error)) => error,
                    None => "oxigraph is not asked",
                };
                wrong.push(format!("{iri} in {}: {error} ({oxigraph})", case.suite));
            }
            (Err(error), Some(_)) if matches!(outcome.oxigraph, Some(Ok(()))) => {
                wrong.push(format!("{iri} is ignored, but oxigraph passes it: {error}"));
            }
            (Err(_), Some(_)) => {}
        }
    }
    wrong
}
