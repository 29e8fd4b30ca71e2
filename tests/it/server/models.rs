//! Recommendations by a language model over HTTP.

use super::Served;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// A model that puts the second candidate first, as soon as it may. Its threads end with the process, at the latest.
struct Held {
    url: String,
    most: Arc<AtomicUsize>,
    may_answer: Arc<AtomicBool>,
}

impl Held {
    fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let held = Self {
            url,
            most: Arc::default(),
            may_answer: Arc::default(),
        };
        let (now, most) = (Arc::<AtomicUsize>::default(), Arc::clone(&held.most));
        let may_answer = Arc::clone(&held.may_answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (now, most, may_answer) = (now.clone(), most.clone(), may_answer.clone());
                std::thread::spawn(move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    // A client that goes away is part of the game.
                    let _ = reply(stream.unwrap(), &may_answer);
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        held
    }

    fn let_go(&self) {
        self.may_answer.store(true, Ordering::SeqCst);
    }

    fn served(&self, settings: &[(&'static str, &str)]) -> Served {
        let model = [
            ("model.kind", "remote"),
            ("model.name", "held"),
            ("model.url", self.url.as_str()),
        ];
        Served::new(&[&model, settings].concat())
    }
}

fn reply(mut stream: TcpStream, may_answer: &AtomicBool) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?);
    let (mut line, mut length) = (String::new(), 0);
    while lines.read_line(&mut line)? > 2 {
        let header = line.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    lines.read_exact(&mut vec![0; length])?;
    wait_until(|| may_answer.load(Ordering::SeqCst));
    let ranking = r#"{\"ranking\":[\"c2\",\"c1\"],\"because\":{\"c2\":[\"e2\"]}}"#;
    let body = format!(
        r#"{{"choices":[{{"message":{{"content":"{ranking}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":9,"completion_tokens":9}}}}"#
    );
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn wait_until(holds: impl Fn() -> bool) {
    while !holds() {
        std::thread::sleep(Duration::from_millis(5));
    }
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
    let model = Held::new();
    model.let_go();
    let served = model.served(&[]);
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
    let model = Held::new();
    let served = model.served(&[("serve.model_calls", "3"), ("serve.concurrency", "1")]);
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..7)
            .map(|user| {
                let served = &served;
                scope.spawn(move || ask(served, &format!(r#"{{"user": "u{user}", "k": 3}}"#)))
            })
            .collect();
        let answered = || asked.iter().filter(|one| one.is_finished()).count();
        wait_until(|| answered() == 4);
        // Whoever asks for something else does not wait for the model.
        assert_eq!(served.get("/sparql?query=ASK%7B%7D").status, 200);
        assert_eq!(answered(), 4);
        model.let_go();
        asked.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let (by_model, by_graph): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer["rung"] == "model");
    assert_eq!(model.most.load(Ordering::SeqCst), 3);
    assert_eq!((by_model.len(), by_graph.len()), (3, 4), "{answers:?}");
    for busy in by_graph {
        assert!(busy["notes"].to_string().contains("busy"), "{busy}");
    }
}

#[test]
fn what_a_request_allows_bounds_the_model() {
    // Held for good.
    let model = Held::new();
    let served = model.served(&[]);
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
