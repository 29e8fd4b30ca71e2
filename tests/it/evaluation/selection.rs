//! Evidence for questions in words.

use crate::program::Desk;
use crate::support;
use kenning::evaluation::selection::{Evaluation, knowledge, questions};
use kenning::llm::tokens;
use kenning::model::Unwatched;
use kenning::selection::selectors::{self, Task};
use kenning::selection::{Evidence, Lexicon, evidence, line, names};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::BTreeSet;
use std::path::Path;

const KNOWLEDGE: &str = "\
Alien|directed_by|Ridley Scott
Alien|starred_actors|Sigourney Weaver
Alien|release_year|1979
Gladiator|directed_by|Ridley Scott
Gladiator|starred_actors|Russell Crowe
Gladiator|written_by|David Franzoni
Gladiator|release_year|2000
Avatar|starred_actors|Sigourney Weaver
Avatar|release_year|2009
";

fn graph(folder: &Path, text: &str) -> kenning::graph::Graph {
    let path = folder.join("kb.txt");
    std::fs::write(&path, text).unwrap();
    knowledge(&path).unwrap()
}

fn ask(graph: &kenning::graph::Graph, question: &str, budget: usize) -> Evidence {
    let lexicon = Lexicon::of(graph);
    let question = lexicon.read(question).unwrap();
    let counter = tokens::approximate();
    evidence(
        graph,
        &lexicon,
        &question,
        &|fact| counter.count(&line(graph, fact)),
        budget,
    )
    .unwrap()
}

#[test]
fn the_first_facts_are_those_that_answer() {
    let folder = tempfile::tempdir().unwrap();
    let graph = graph(folder.path(), KNOWLEDGE);
    for (question, budget, expected) in [
        ("who directed [Alien]", 15, "Alien directed_by Ridley Scott"),
        (
            "in which year was Gladiator released",
            15,
            "Gladiator release_year 2000",
        ),
        (
            "who starred in the films directed by [Ridley Scott]",
            60,
            "Gladiator starred_actors Russell Crowe",
        ),
        (
            "the actors of [Alien] also appear in which films",
            60,
            "Avatar starred_actors Sigourney Weaver",
        ),
        (
            "who wrote the movies of the director of [Alien]",
            60,
            "Gladiator written_by David Franzoni",
        ),
    ] {
        let found = ask(&graph, question, budget);
        let told: Vec<String> = found
            .facts
            .iter()
            .map(|&fact| names(&graph, fact).join(" "))
            .collect();
        assert!(
            told.iter().any(|fact| fact == expected),
            "{question}: {told:?}"
        );
    }
    let lexicon = Lexicon::of(&graph);
    for unknown in ["who directed [Jaws]", "what is it", "[]", "["] {
        assert!(lexicon.read(unknown).is_err(), "{unknown}");
    }
    // A question that speaks of no relation gets what stands around its topic.
    assert!(!ask(&graph, "tell me about [Alien]", 200).facts.is_empty());
    assert!(ask(&graph, "who directed [Alien]", 3).facts.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::with_cases(24) })]

    #[test]
    fn a_choice_keeps_to_its_budget_and_below_its_bound(
        edges in proptest::collection::vec((0u8..12, 0usize..3, 0u8..12), 1..60),
        budget in 0usize..200,
    ) {
        let relations = ["directed_by", "starred_actors", "release_year"];
        let text: String = edges.iter().map(|(s, r, o)| format!("thing{s}|{}|thing{o}\n", relations[*r])).collect();
        let folder = tempfile::tempdir().unwrap();
        let graph = graph(folder.path(), &text);
        let topic = edges[0].0;
        let mut before = Evidence::default();
        for budget in [budget, budget + 40, 100_000] {
            let found = ask(&graph, &format!("who starred in films directed by [thing{topic}]"), budget);
            prop_assert!(found.cost <= budget);
            prop_assert!(found.value <= found.bound + 1e-9);
            let mut distinct = found.facts.clone();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(distinct.len(), found.facts.len());
            // What more tokens reach does not fall below what fewer could reach at most.
            prop_assert!(before.value <= found.bound + 1e-9);
            before = found;
        }
    }
}

/// The fact that is closest to the question lies two steps from what it names.
#[test]
fn every_selector_keeps_to_its_budget_and_finds_what_it_promises() {
    let folder = tempfile::tempdir().unwrap();
    let graph = graph(folder.path(), KNOWLEDGE);
    let lexicon = Lexicon::of(&graph);
    let question = lexicon
        .read("who wrote the movies of the director of [Alien]")
        .unwrap();
    let counter = tokens::approximate();
    let cost = |fact: u64| counter.count(&line(&graph, fact)).unwrap();
    let told = |fact: u64| names(&graph, fact).join(" ");
    let find = |text: &str| {
        (0..graph.fact_count())
            .find(|&fact| told(fact) == text)
            .unwrap()
    };
    let wrote = find("Gladiator written_by David Franzoni");
    let close = [(wrote, 0.9), (find("Avatar release_year 2009"), 0.2)];
    let task = Task {
        graph: &graph,
        lexicon: &lexicon,
        question: &question,
        cost: &cost,
        close: &close,
    };
    for selector in selectors::all() {
        for budget in [0, 12, 40, 1000] {
            let chosen = selector.select(&task, budget);
            let distinct: BTreeSet<u64> = chosen.iter().copied().collect();
            assert_eq!(distinct.len(), chosen.len(), "{}", selector.name());
            assert!(
                chosen.iter().map(|&fact| cost(fact)).sum::<usize>() <= budget,
                "{}",
                selector.name()
            );
        }
        let chosen: Vec<String> = selector.select(&task, 1000).into_iter().map(told).collect();
        assert!(
            chosen.contains(&told(wrote)),
            "{}: {chosen:?}",
            selector.name()
        );
        let way = [
            "Alien directed_by Ridley Scott",
            "Gladiator directed_by Ridley Scott",
        ];
        let walks = selector.name() != "dense triples";
        assert_eq!(
            way.iter().all(|fact| chosen.contains(&(*fact).to_owned())),
            walks,
            "{}: {chosen:?}",
            selector.name()
        );
    }
}

#[test]
fn most_answers_of_metaqa_lie_within_few_tokens() {
    let Some(folder) = support::data("metaqa") else {
        return;
    };
    let graph = knowledge(&folder.join("kb.txt.gz")).unwrap();
    for (hops, least) in [("2hop", 0.95), ("3hop", 0.85)] {
        let asked = questions(&folder.join(format!("{hops}_dev_goldpaths.jsonl.gz"))).unwrap();
        let asked: Vec<_> = asked.into_iter().step_by(600).collect();
        let counter = tokens::approximate();
        let evaluation = Evaluation {
            graph: &graph,
            counter: counter.as_ref(),
            vectors: None,
        };
        let report = evaluation.run(&asked, &[128, 512], &Unwatched).unwrap();
        let [ours_few, ours, others @ ..] = &report.rows[..] else {
            panic!("{report:?}");
        };
        assert!(ours.answer_recall >= least, "{hops}: {ours:?}");
        assert!(
            report
                .rows
                .iter()
                .all(|row| row.tokens <= row.budget as f64)
        );
        for other in others {
            let same = if other.budget == 128 { ours_few } else { ours };
            assert!(
                same.answer_recall > other.answer_recall
                    && same.triple_recall > other.triple_recall,
                "{other:?}"
            );
        }
    }
}

#[test]
fn the_program_selects_and_evaluates() {
    let desk = Desk::with_build();
    let label = &desk.rows(
        "shop",
        "SELECT ?l { ?p schema:brand ?b ; rdfs:label ?l } ORDER BY ?l LIMIT 1",
    )[0][0];
    let question = format!("which brand is [{label}]");
    let chosen = desk.json(&[
        "-C", "shop", "select", &question, "--budget", "60", "--format", "json",
    ]);
    assert!(chosen["tokens"].as_u64().unwrap() <= 60);
    let none = desk.run(&["-C", "shop", "select", "who is [nobody]"]);
    assert_eq!(none.code, Some(2), "{}", none.said());

    desk.write("kb.txt", KNOWLEDGE);
    let question = r#"{"q": "who directed [Alien]", "answers": ["Ridley Scott"], "gold_triples": [["Alien", "directed_by", "Ridley Scott"]]}"#;
    desk.write("q.jsonl", format!("{question}\n"));
    let files = ["--questions", "q.jsonl", "--knowledge", "kb.txt"];
    let report = desk.json(
        &[
            &["evaluate", "selection"],
            &files[..],
            &["--budgets", "20", "--format", "json"],
        ]
        .concat(),
    );
    let row = &report["rows"][0];
    assert_eq!(
        (row["selector"].as_str(), row["answer_recall"].as_f64()),
        (Some("kenning"), Some(1.0))
    );
    desk.write("q.jsonl", "{\"q\": 3}\n");
    let bad = desk.run(&[&["evaluate", "selection"], &files[..]].concat());
    assert!(
        bad.code == Some(2) && bad.stderr.contains("q.jsonl:1"),
        "{}",
        bad.said()
    );
    desk.write("kb.txt", "a|b\n");
    let bad = desk.run(&[&["evaluate", "selection"], &files[..]].concat());
    assert!(bad.stderr.contains("kb.txt:1"), "{}", bad.said());
}
