//! The W3C's test suites of SPARQL, run on Kenning's own dataset and endpoint, and on oxigraph beside them.
//!
//! Each test of queries and updates runs on three layouts of its data (see [`host::Layout`]), which must all agree with
//! the suite. What oxigraph passes, Kenning must pass. `conformance/ignored.tsv` lists the tests that Kenning fails,
//! with the reason; one that passes must not stand there.

pub mod answer;
mod archive;
mod data;
pub mod host;
mod manifest;
pub mod matching;
pub mod numbers;
mod run;

use archive::{Archive, HOME};
use host::{Kenning, Layout, Oxigraph};
use manifest::Case;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The manifests to begin at.
const MANIFESTS: [&str; 3] = [
    "sparql10/manifest.ttl",
    "sparql11/manifest-all.ttl",
    "sparql12/manifest.ttl",
];

/// What came of one test.
struct Outcome<'a> {
    case: &'a Case,
    kenning: Result<(), String>,
    oxigraph: Result<(), String>,
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

/// Tests that are run here; those over HTTP are run by the tests of the endpoint.
fn is_local(case: &Case) -> bool {
    case.kind.contains("Syntax") || case.kind.contains("Evaluation") || case.kind.starts_with("CSV")
}

#[test]
fn kenning_passes_what_the_suites_ask() {
    let Some(folder) = crate::support::data("conformance") else {
        return;
    };
    let archive = Archive::open(&folder.join("w3c-rdf-tests.tar.gz"));
    let manifests = MANIFESTS.map(|path| manifest::read(&archive, &format!("{HOME}{path}")));
    let cases: Vec<Case> = manifests.into_iter().flatten().filter(is_local).collect();
    let outcomes: Vec<Outcome<'_>> = cases
        .iter()
        .map(|case| Outcome {
            case,
            kenning: on_kenning(&archive, case),
            oxigraph: run::run(&archive, case, &Oxigraph),
        })
        .collect();
    let ignored = ignored();
    println!("{}", report(&outcomes, &ignored));
    let wrong = complaints(&outcomes, &ignored);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One line for each suite.
fn report(outcomes: &[Outcome<'_>], ignored: &BTreeMap<&str, &str>) -> String {
    let mut suites: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for Outcome {
        case,
        kenning,
        oxigraph,
    } in outcomes
    {
        let is_ignored = ignored.contains_key(case.iri.as_str());
        let counts = [
            kenning.is_ok(),
            kenning.is_err() && !is_ignored,
            is_ignored,
            oxigraph.is_ok(),
        ];
        for suite in [case.suite.as_str(), "all"] {
            let sums = suites.entry(suite).or_default();
            sums.iter_mut()
                .zip(counts)
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
    for Outcome {
        case,
        kenning,
        oxigraph,
    } in outcomes
    {
        let iri = &case.iri;
        match (kenning, ignored.get(iri.as_str())) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => wrong.push(format!("{iri} passes; take it off the list")),
            (Err(error), None) => wrong.push(format!(
                "{iri} in {}: {error} (oxigraph: {})",
                case.suite,
                oxigraph.as_ref().map_or_else(String::as_str, |()| "passes"),
            )),
            (Err(error), Some(_)) if oxigraph.is_ok() => {
                wrong.push(format!("{iri} is ignored, but oxigraph passes it: {error}"));
            }
            (Err(_), Some(_)) => {}
        }
    }
    let known = |iri: &str| outcomes.iter().any(|o| o.case.iri == iri);
    let unknown = ignored.keys().filter(|iri| !known(iri));
    wrong.extend(unknown.map(|iri| format!("{iri} is ignored, but no suite has it")));
    wrong
}
