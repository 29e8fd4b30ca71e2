//! Models that are not there, or that say nonsense: there is an answer all the same, and it claims nothing untrue.

use crate::program::{Desk, RECOMMEND, without_circumstances};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn configure(desk: &Desk, kind: &str, path: &str) {
    desk.write(
        "shop/kenning.toml",
        format!("name = 'shop'\n[model]\nkind = '{kind}'\npath = '{path}'\n"),
    );
}

/// What a model that replies `text` to everything makes of the request.
fn replied(desk: &Desk, text: &str) -> Value {
    let completion =
        json!({"text": text, "prompt_tokens": 9, "completion_tokens": 5, "finish": "stop"});
    let line = json!({"key": "*", "completion": completion});
    desk.write("shop/replies.jsonl", format!("{line}\n"));
    configure(desk, "replay", "replies.jsonl");
    desk.json(&RECOMMEND)
}

fn items(answer: &Value) -> Vec<&str> {
    let items = answer["recommendations"].as_array().unwrap();
    items.iter().map(|i| i["item"].as_str().unwrap()).collect()
}

#[test]
fn model_files_that_are_none() {
    let desk = Desk::with_build();
    let before = desk.answer();
    desk.write("shop/model.gguf", "not a model");
    desk.write("shop/broken.jsonl", "{\"key\": \"*\"}\n");
    for (kind, path, message) in [
        ("local", "model.gguf", "[HERE]/shop/model.gguf: "),
        ("local", "missing.gguf", "[HERE]/shop/missing.gguf: "),
        (
            "replay",
            "missing.jsonl",
            "[HERE]/shop/missing.jsonl: cannot read the recorded replies",
        ),
        (
            "replay",
            "broken.jsonl",
            "[HERE]/shop/broken.jsonl:1: not a recorded reply",
        ),
    ] {
        configure(&desk, kind, path);
        let run = desk.done(&RECOMMEND);
        assert!(
            run.stderr.contains(message) && run.stderr.contains("answering from the graph"),
            "{}",
            run.stderr
        );
        let mut answer = without_circumstances(run.json());
        let notes = answer["notes"].take();
        let note = notes[0].as_str().unwrap();
        assert!(
            note.contains("the model could not be opened") && note.contains(message),
            "{note}"
        );
        answer["notes"] = json!([]);
        assert_eq!(answer, before);
        let without = desk.done(&[&RECOMMEND[..], &["--no-model"]].concat());
        assert_eq!(
            (
                without.stderr.as_str(),
                without_circumstances(without.json())
            ),
            ("", before.clone())
        );
    }
}

#[test]
fn weights_with_wrong_bytes_are_not_installed() {
    let desk = Desk::new();
    desk.write("weights/model.safetensors", "not weights");
    desk.write("weights.gguf", "not weights either");
    for (model, from) in [
        ("all-minilm-l6-v2", "weights"),
        ("qwen2.5-coder-0.5b-instruct", "weights.gguf"),
    ] {
        let run = desk.run(&["model", "pull", model, "--from", from]);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(2), ""),
            "{}",
            run.said()
        );
        assert!(
            run.stderr.contains("bytes that it should have") && run.stderr.contains("hint: "),
            "{}",
            run.stderr
        );
        let list = desk.json(&["model", "list", "--format", "json"]);
        let of = list["models"]
            .as_array()
            .unwrap()
            .iter()
            .find(|m| m["model"] == model)
            .unwrap();
        assert_eq!(of["here"], "no");
        let folder = desk.path().join("home/cache/kenning/models").join(model);
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    }
    let unknown = desk.run(&["model", "pull", "gpt-0", "--from", "weights"]);
    assert_eq!(unknown.code, Some(2), "{}", unknown.said());
}

#[test]
fn replies_that_are_no_ranking_are_not_used() {
    let desk = Desk::with_build();
    let before = desk.answer();
    for reply in [
        "I would buy the mug.",
        "",
        "{\"ranking\": [\"c1\"",
        "{\"ranking\": \"c1\"}",
        "{\"ranking\": [\"c1\"], \"commands\": [\"rm\"]}",
        "{\"ranking\": []}",
        "{\"ranking\": [\"c99\", \"red heart mug\", \"c01\", \"p1\"]}",
    ] {
        let answer = replied(&desk, reply);
        let note = answer["notes"][0].as_str().unwrap();
        assert!(
            note.starts_with("the model's answer was not used: "),
            "{note}"
        );
        assert_eq!(answer["rung"], "graph", "{reply}");
        assert_eq!(
            answer["recommendations"], before["recommendations"],
            "{reply}"
        );
        let decisions = desk.json(&["-C", "shop", "status", "decisions", "--format", "json"]);
        assert!(
            decisions["decisions"][0]["error"].is_string(),
            "{decisions}"
        );
    }
}

#[test]
fn replies_are_repaired_and_their_faults_counted() {
    let desk = Desk::with_build();
    let before = desk.answer();
    let answer = replied(
        &desk,
        r#"```json
        {"ranking": ["c3", "c3", "c99", "C1", "c1"], "because": {"c3": ["e999", "x1"], "c77": ["e1"]}}
    ```"#,
    );
    assert_eq!(answer["rung"], "model");
    let expected = json!({"unknown": 3, "repeated": 1, "omitted": 8, "unknown_evidence": 2});
    assert_eq!(answer["reply"]["faults"], expected);
    let scored = items(&before);
    assert_eq!(
        items(&answer),
        [scored[2], scored[0], scored[1], scored[3], scored[4]]
    );
    let again = desk.json(&RECOMMEND);
    assert_eq!(again["rung"], "cache");
    assert_eq!(again["recommendations"], answer["recommendations"]);
    assert_eq!(again["reply"], answer["reply"]);
}

/// A model that cites all there is for one item is believed only in what is about that item.
#[test]
fn evidence_of_another_item_is_no_reason() {
    let desk = Desk::with_build();
    let evidence = desk.answer()["prompt"]["evidence"].as_u64().unwrap();
    let all: Vec<String> = (1..=evidence).rev().map(|e| format!("e{e}")).collect();
    let ranking: Vec<String> = (1..=10).map(|c| format!("c{c}")).collect();
    let answer = replied(
        &desk,
        &json!({"ranking": ranking, "because": {"c1": all}}).to_string(),
    );
    assert_eq!(answer["rung"], "model");
    assert_eq!(answer["reply"]["faults"]["unknown_evidence"], 0);
    assert!(
        answer["claims"]["unsupported"].as_u64() > Some(0),
        "{}",
        answer["claims"]
    );
    let item = &answer["recommendations"][0];
    let explained = desk.json(&[
        "-C",
        "shop",
        "explain",
        items(&answer)[0],
        "-uu3",
        "--format",
        "json",
    ]);
    let paths = explained["paths"].as_array().unwrap();
    // Several paths may be one reason; but each of its edges is one of theirs.
    let edges = paths
        .iter()
        .flat_map(|p| p["evidence"].as_str().unwrap().split(' '));
    let true_edges: BTreeSet<&str> = edges.collect();
    let shown = item["reasons"].as_array().unwrap();
    assert!(!shown.is_empty());
    for reason in shown {
        let mut evidence = reason["evidence"].as_array().unwrap().iter();
        let is_own = |edge: &Value| true_edges.contains(edge.as_str().unwrap());
        assert!(evidence.all(is_own), "{reason}");
        assert!(
            ["verified", "aggregate", "inferred"].contains(&reason["verdict"].as_str().unwrap())
        );
    }
}
