//! The OWL 2 test cases of the RL profile, and the entailment tests of RDF 1.1.
//!
//! `conformance/owl2-rl.tsv` and `conformance/rdf-mt.tsv` list the tests that fail, with the reason; one that passes must
//! not stand there.

mod archive;
mod entailment;
mod functional;
mod owl;
mod rdf;

use std::collections::BTreeMap;

/// What came of the tests of a suite.
pub struct Outcome {
    /// The test.
    pub name: String,
    /// What went wrong, or whether it took a hypothesis to show.
    pub result: Result<bool, String>,
}

/// Prints what came of tests, and fails if any came out as it must not.
fn judge(suite: &str, outcomes: &[Outcome], ignored: &str) {
    let lines = ignored.lines().filter(|line| !line.starts_with('#'));
    let ignored = lines.filter_map(|line| line.split_once('\t'));
    let ignored: BTreeMap<&str, &str> = ignored.collect();
    let mut wrong = Vec::new();
    let (mut passed, mut supposed, mut failed) = (0, 0, 0);
    for Outcome { name, result } in outcomes {
        match (result, ignored.get(name.as_str())) {
            (Ok(by_hypothesis), None) => {
                passed += 1;
                supposed += usize::from(*by_hypothesis);
            }
            (Ok(_), Some(_)) => wrong.push(format!("{name} passes; take it off the list")),
            (Err(error), None) => {
                failed += 1;
                wrong.push(format!("{name}: {error}"));
            }
            (Err(_), Some(_)) => {}
        }
    }
    for name in ignored.keys() {
        if !outcomes.iter().any(|outcome| outcome.name == *name) {
            wrong.push(format!("the suite has no {name}"));
        }
    }
    println!(
        "{suite}: passed {passed} ({supposed} of them by a hypothesis), failed {failed}, ignored {}",
        ignored.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
