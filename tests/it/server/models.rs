//! Recommendations by a language model over HTTP.

use super::{Served, until};
use crate::endpoint::{Endpoint, replied};
use serde_json::{Value, json};
use std::io::Write;
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// A model that puts the second candidate first, as soon as it may.
fn held() -> Endpoint {
    let ranking = r#"{"ranking":["c2","c1"],"because":{"c2":["e2"]}}"#;
    Endpoint::held(replied(&json!({
        "choices": [{"message": {"content": ranking}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 9},
    })))
}

fn served(model: &Endpoint, settings: &[(&'static str, &str)]) -> Served {
    let model = [
        ("model.kind", "remote"),
        ("model.name", "held"),
        ("model.url", &model.url()),
    ];
    Served::new(&[&model, settings].concat())
}

fn ask(served: &Served, body: &str) -> Value {
    let reply = served.send("POST", "/v1/recommend", &JSON, body);
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    reply.json()
}

fn first(answer: &Value) -> &str {
    answer["recommendations"][0]["item"].as_str().unwrap()
}

#[test]
fn the_project_s_model_ranks() {
    let model = held();
    model.let_go();
    let served = served(&model, &[]);
    let answer = ask(&served, r#"{"user": "u2", "k": 3}"#);
    assert_eq!(answer["rung"], "model", "{answer}");
    let by_graph = Served::new(&[]);
    let graph = ask(&by_graph, r#"{"user": "u2", "k": 3}"#);
    assert_eq!(graph["rung"], "graph");
    assert_eq!(first(&answer), graph["recommendations"][1]["item"]);
    let metrics = served.get("/metrics").body.unwrap();
    let counted = r#"kenning_jobs_total{kind="model",outcome="done"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
}

#[test]
fn calls_run_beside_each_other_and_the_graph_answers_whom_the_model_does_not() {
    let model = held();
    let served = served(
        &model,
        &[("serve.model_calls", "3"), ("serve.concurrency", "1")],
    );
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..7)
            .map(|user| {
                let served = &served;
                scope.spawn(move || ask(served, &format!(r#"{{"user": "u{user}", "k": 3}}"#)))
            })
            .collect();
        let answered = || asked.iter().filter(|one| one.is_finished()).count();
        until("the graph has answered whom it can", || answered() == 4);
        // Whoever asks for something else does not wait for the model.
        assert_eq!(served.get("/sparql?query=ASK%7B%7D").status, 200);
        assert_eq!(answered(), 4);
        model.let_go();
        asked.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let (by_model, by_graph): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer["rung"] == "model");
    assert_eq!(model.most(), 3);
    assert_eq!((by_model.len(), by_graph.len()), (3, 4), "{answers:?}");
    for busy in by_graph {
        assert!(busy["notes"].to_string().contains("busy"), "{busy}");
    }
}

#[test]
fn what_a_request_allows_bounds_the_model() {
    // Held for good.
    let model = held();
    let served = served(&model, &[]);
    let answer = ask(&served, r#"{"user": "u2", "k": 3, "max_ms": 500}"#);
    assert_eq!(answer["rung"], "graph", "{answer}");
    let bounded = served.send(
        "POST",
        "/v1/recommend?timeout=3",
        &JSON,
        r#"{"user": "u2", "k": 3}"#,
    );
    assert_eq!(bounded.json()["rung"], "graph", "{:?}", bounded.body);
}

/// What is stopped, or asked for by nobody any more, asks no model, and its handle is free for others.
#[test]
fn who_gives_up_a_request_gives_up_the_call() {
    let model = held();
    let served = served(
        &model,
        &[("serve.model_calls", "1"), ("serve.allow_updates", "true")],
    );
    let body = r#"{"user": "u2", "k": 3}"#;
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| served.send("POST", "/v1/recommend", &JSON, body));
        until("the model is asked", || model.calls() == 1);
        let running = served.get("/queries").json();
        let id = running["queries"][0]["id"].as_u64().unwrap();
        let killed = served.send("DELETE", &format!("/queries/{id}"), &[], "");
        assert!(killed.status < 300, "{:?}", killed.body);
        let told = asked.join().unwrap().problem(503);
        assert!(told.contains("somebody stopped this"), "{told}");
    });
    let length = body.len();
    let mut client = served.connect();
    write!(
        client,
        "POST /v1/recommend HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    until("the model is asked again", || model.calls() == 2);
    drop(client);
    until("the call is given up", || served.server.running() == 0);
    model.let_go();
    assert_eq!(ask(&served, body)["rung"], "model");
}

/// SPARQL needs no model.
#[test]
fn a_model_that_cannot_be_opened_leaves_the_graph_to_recommend() {
    let served = Served::new(&[("model.kind", "local"), ("model.path", "nowhere.gguf")]);
    let error = served.server.without_model().unwrap();
    assert!(error.to_string().contains("nowhere.gguf"), "{error}");
    assert_eq!(served.get("/sparql?query=ASK%7B%7D").status, 200);
    assert_eq!(ask(&served, r#"{"user": "u2", "k": 3}"#)["rung"], "graph");
    let sound = Served::new(&[]);
    assert!(sound.server.without_model().is_none());
}
