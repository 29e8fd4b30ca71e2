//! Every query of the cookbook answers, on the sample that it is written for.

use crate::decisions::Scripted;
use crate::embedding;
use kenning::config::{Layers, Project};
use kenning::embedding::Embedder;
use kenning::engine::{Became, Engine, Request, Snapshot, Strictness, TellOutcome};
use kenning::intake::Mapping;
use kenning::llm::LanguageModel;
use kenning::model::Unwatched;
use kenning::sparql::Limits;
use kenning::vocabulary::shorten;
use oxrdf::Term;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const COOKBOOK: &str = include_str!("../../src/sparql/cookbook.md");

const LIMITS: Limits = Limits {
    time: Duration::from_secs(300),
    rows: 100_000,
    memory: 1 << 30,
};

/// The gift shop, with vectors by a tiny model that knows next to nothing: nearest by chance, but nearest.
fn gift_shop() -> (TempDir, Snapshot) {
    let folder = tempfile::tempdir().unwrap();
    Project::init(folder.path(), "gifts").unwrap();
    let layers = Layers::none()
        .flag("reasoning.rules", "as in the demo", Some("rdfs"))
        .flag("model.prices", "of nobody", Some("prompt=0.5,completion=2"))
        .flag("prompt.budget", "for long titles", Some("2000"))
        .flag("prompt.candidates", "more than are shown", Some("12"));
    let project = Project::open_with(folder.path(), &layers).unwrap();
    let engine = Engine::open(project).unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("graphs/gift-shop");
    let mapping = std::fs::read_to_string(sample.join("mapping.toml")).unwrap();
    let mapping = Mapping::parse(&mapping, "mapping.toml").unwrap();
    engine
        .import(mapping, &sample, Strictness::Lenient, &Unwatched)
        .unwrap();
    let model = tempfile::tempdir().unwrap();
    embedding::tiny(model.path());
    let embedder = Embedder::load(model.path()).unwrap();
    engine.build(Some(&embedder), &Unwatched).unwrap();
    let snapshot = engine.snapshot().unwrap();
    decide(&engine, &snapshot);
    (folder, snapshot)
}

/// Some customers are answered, by the graph and by a model; they take what comes first, and turn down what comes third.
fn decide(engine: &Engine, snapshot: &Snapshot) {
    let mut model = Scripted(0);
    for user in ["13020", "14156", "15311", "16782", "15005"] {
        let request = Request::for_user(user, 5);
        let asked: [Option<&mut dyn LanguageModel>; 2] = [None, Some(&mut model)];
        for model in asked {
            let answer = engine.recommend(snapshot, &request, model).unwrap();
            for (place, outcome) in [(0, Became::Accepted), (2, Became::Rejected)] {
                let told = TellOutcome {
                    decision: answer.decision.clone().unwrap(),
                    item: answer.recommendations[place].item.clone(),
                    outcome,
                    time: None,
                };
                engine.tell_outcome(snapshot, &told).unwrap();
            }
        }
    }
}

/// What stands in fenced blocks of a kind, each with the last heading before it.
fn blocks(kind: &str) -> Vec<(&'static str, String)> {
    let (mut title, mut open, mut found) = ("", false, Vec::new());
    for line in COOKBOOK.lines() {
        match line {
            "```" => open = false,
            _ if open => {
                let (_, text): &mut (&str, String) = found.last_mut().unwrap();
                writeln!(text, "{line}").unwrap();
            }
            _ if line.strip_prefix("```") == Some(kind) => {
                open = true;
                found.push((title, String::new()));
            }
            _ => title = line.strip_prefix("## ").unwrap_or(title),
        }
    }
    found
}

/// A term in few letters; of a fraction only what does not depend on the machine.
fn brief(term: &Option<Term>) -> String {
    match term {
        None => "-".into(),
        Some(Term::NamedNode(node)) => {
            shorten(node.as_str()).replace("https://example.org/online-retail/", "")
        }
        Some(Term::Literal(literal)) => match literal.value().parse::<f64>() {
            Ok(number) if literal.value().contains('.') => format!("{number:.4}"),
            _ => literal.value().to_owned(),
        },
        Some(other) => other.to_string(),
    }
}

#[test]
fn every_query_of_the_cookbook_answers() {
    let (_folder, snapshot) = gift_shop();
    let prefixes = &blocks("text")[0].1;
    let queries = blocks("sparql");
    assert!(queries.len() >= 36, "{} queries", queries.len());
    let mut told = String::new();
    for (title, query) in queries {
        let found = snapshot
            .dataset()
            .ask(&format!("{prefixes}{query}"), &LIMITS);
        let found = found.unwrap_or_else(|e| panic!("{title}: {e:?}"));
        assert!(!found.solutions.is_empty(), "{title}: no rows");
        writeln!(told, "## {title}").unwrap();
        // What is nearest by chance, another machine's rounding may change.
        if query.contains("kenning:nearest") {
            writeln!(told, "({} rows)", found.solutions.len()).unwrap();
            continue;
        }
        for row in &found.solutions {
            let row: Vec<String> = row.iter().map(brief).collect();
            writeln!(told, "{}", row.join(" | ")).unwrap();
        }
    }
    insta::assert_snapshot!(told);
}
