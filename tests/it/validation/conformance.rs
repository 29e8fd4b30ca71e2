//! The W3C's test suite of SHACL, run through the library.
//!
//! Each test runs on the layouts of its data that the suites of SPARQL run on. `ignored.tsv` lists the tests that fail,
//! with the reason; one that passes must not stand there.

use crate::conformance::archive::Archive;
use crate::conformance::data;
use crate::conformance::host::{Kenning, Layout, stated};
use crate::conformance::manifest::{self, Case, Node, expand};
use crate::conformance::matching::{Row, isomorphic};
use kenning::sparql::{Cancel, Document, Limits};
use kenning::validation::{Bounds, Shapes, validate};
use oxigraph::io::RdfFormat;
use oxigraph::model::{GraphName, Literal, Term, Triple};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Where the suite says that it is published.
const HOME: &str = "https://w3c.github.io/data-shapes/data-shapes-test-suite/tests/";
const FOLDER: &str = "w3c-data-shapes/data-shapes-test-suite/tests/";

const BOUNDS: Bounds = Bounds {
    limits: Limits {
        time: Duration::from_secs(20),
        rows: 1_000_000,
        memory: 1 << 28,
    },
    kept: 1_000,
};

/// What two reports have to agree on; also on messages where the suite has some.
const SAID: [&str; 7] = [
    "sh:focusNode",
    "sh:resultPath",
    "sh:value",
    "sh:sourceConstraintComponent",
    "sh:sourceConstraint",
    "sh:sourceShape",
    "sh:resultSeverity",
];

#[test]
fn reports_are_those_of_the_suite() {
    let Some(folder) = crate::support::data("conformance") else {
        return;
    };
    let archive = Archive::open(&folder.join("w3c-data-shapes.tar.gz"), FOLDER, HOME);
    let cases = manifest::read(&archive, &format!("{HOME}manifest.ttl"));
    let ignored = ignored();
    let run = |case: &Case| {
        Layout::ALL
            .iter()
            .try_for_each(|layout| run(&archive, case, *layout))
    };
    // Most of the time goes into waiting until files are on the disk; so it is waited for many at once.
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(16)
        .build()
        .unwrap();
    let outcomes: Vec<(&Case, Result<(), String>)> =
        threads.install(|| cases.par_iter().map(|case| (case, run(case))).collect());
    let mut counts: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (case, outcome) in &outcomes {
        let reason = ignored.get(case.iri.as_str());
        let place = match (outcome, reason) {
            (Ok(()), None) => 0,
            (Ok(()), Some(_)) => {
                wrong.push(format!("{} passes; take it off the list", case.iri));
                0
            }
            (Err(error), None) => {
                wrong.push(format!("{}: {error}", case.iri));
                1
            }
            (Err(_), Some(_)) => 2,
        };
        for suite in [case.suite.as_str(), "all"] {
            counts.entry(suite).or_default()[place] += 1;
        }
    }
    println!("suite: passed/failed/ignored");
    for (suite, [passed, failed, ignored]) in &counts {
        println!("{suite}: {passed}/{failed}/{ignored}");
    }
    for test in ignored.keys() {
        assert!(
            cases.iter().any(|case| case.iri == *test),
            "the suite has no {test}"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(counts["all"][0] >= 115, "{counts:?}");
}

/// Reasons by test.
fn ignored() -> BTreeMap<&'static str, &'static str> {
    let lines = include_str!("ignored.tsv").lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pairs = lines.map(|line| line.split_once('\t').expect("a test, a tab and a reason"));
    pairs.collect()
}

fn run(archive: &Archive, case: &Case, layout: Layout) -> Result<(), String> {
    let result = case.node.value("mf:result").ok_or("no result")?;
    let fails = result.term == Term::from(expand("sht:Failure"));
    match (found(archive, case, layout), fails) {
        (Err(_), true) => Ok(()),
        (Ok(_), true) => Err(format!("{layout:?}: a failure was expected")),
        (Err(error), false) => Err(format!("{layout:?}: {error}")),
        (Ok(triples), false) => {
            let graph = Arc::new(triples.into_iter().collect());
            let report = Node::all(&graph, "sh:ValidationReport").remove(0);
            let with_messages = result
                .values("sh:result")
                .iter()
                .any(|result| result.value("sh:resultMessage").is_some());
            let (expected, found) = (rows(&result, with_messages), rows(&report, with_messages));
            match isomorphic(&expected, &found) {
                true => Ok(()),
                false => Err(format!(
                    "{layout:?}: expected\n{}found\n{}",
                    written(&expected),
                    written(&found)
                )),
            }
        }
    }
}

fn found(archive: &Archive, case: &Case, layout: Layout) -> Result<Vec<Triple>, String> {
    let action = case.node.value("mf:action").ok_or("no action")?;
    let file = |property| action.text(property).ok_or(format!("no {property}"));
    let (data, shapes) = (file("sht:dataGraph")?, file("sht:shapesGraph")?);
    let quads = data::quads(archive, &data, GraphName::DefaultGraph)?;
    let (graph, changes) = Kenning(layout).load(&quads)?;
    let document = Document {
        bytes: archive.bytes(&shapes)?.to_vec(),
        format: RdfFormat::Turtle,
        base: Some(shapes.clone()),
    };
    let told = |e: kenning::Error| e.to_string();
    let shapes = Shapes::parse(&[(shapes, document)]).map_err(told)?;
    let report = validate(
        stated(&graph, &changes),
        &shapes,
        &BOUNDS,
        &Cancel::default(),
    );
    let mut triples = Vec::new();
    let mut take = |triple| {
        triples.push(triple);
        Ok(())
    };
    let written = report.map_err(told)?.triples(&mut take);
    written.map_err(|e| e.to_string())?;
    Ok(triples)
}

/// What a report says: whether all is well, and a row for each result.
fn rows(report: &Node, with_messages: bool) -> Vec<Row> {
    let mut rows = vec![vec![report.value("sh:conforms").map(|node| node.term)]];
    for result in report.values("sh:result") {
        let value = |property| match result.value(property) {
            Some(path) if property == "sh:resultPath" => {
                Some(Literal::new_simple_literal(path_text(&path)).into())
            }
            value => value.map(|node| node.term),
        };
        let mut row: Row = SAID.iter().map(|property| value(property)).collect();
        if with_messages {
            row.push(value("sh:resultMessage"));
        }
        rows.push(row);
    }
    rows
}

/// A path as text: equal paths have equal texts.
fn path_text(node: &Node) -> String {
    let mut parts: Vec<String> = node
        .all_values()
        .iter()
        .map(|(property, value)| format!("{property} {}", path_text(value)))
        .collect();
    parts.sort();
    match parts.is_empty() {
        true => node.term.to_string(),
        false => format!("[{}]", parts.join("; ")),
    }
}

fn written(rows: &[Row]) -> String {
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let terms = row.iter().flatten().map(ToString::to_string);
            format!("  {}\n", terms.collect::<Vec<_>>().join(" "))
        })
        .collect();
    lines.sort();
    lines.concat()
}
