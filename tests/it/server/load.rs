//! Many clients at once, and some that mean no good.

use super::{ENDLESS, MANY, Served, encoded, until};
use std::io::{Read, Write};
use std::net::Shutdown;

fn request(served: &Served, query: &str) -> std::net::TcpStream {
    let mut stream = served.connect();
    let path = format!("/sparql?query={}", encoded(query));
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    stream
}

/// The body was not read, so what comes next on the connection would be lost.
#[test]
fn a_refusal_that_has_not_read_the_body_parts() {
    let served = Served::new(&[]);
    let mut stream = served.connect();
    let head = "POST /v1/recommend HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 2";
    write!(stream, "{head}\r\n\r\n").unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 415 "), "{said}");
    assert!(said.contains("\r\nconnection: close\r\n"), "{said}");
}

#[test]
fn a_client_that_goes_away_cancels_its_query() {
    let served = Served::new(&[
        ("query.timeout_s", "3600"),
        ("query.max_rows", "1000000000"),
    ]);
    // One that has got nothing yet, and one in the middle of its results.
    for query in [ENDLESS, MANY] {
        let mut stream = request(&served, query);
        until("the query runs", || served.server.running() == 1);
        if query == MANY {
            let mut part = [0; 1000];
            stream.read_exact(&mut part).unwrap();
        }
        stream.shutdown(Shutdown::Both).unwrap();
        drop(stream);
        until("the query has ended", || served.server.running() == 0);
    }
    until("that is counted", || {
        let metrics = served.get("/metrics");
        metrics
            .text()
            .contains("kenning_jobs_total{kind=\"query\",outcome=\"stopped\"} 2")
    });
}

#[test]
fn a_client_that_does_not_read_waits_alone_and_is_cut_off() {
    let served = Served::new(&[("query.timeout_s", "2"), ("query.max_rows", "1000000000")]);
    let mut stream = request(&served, MANY);
    until("the query runs", || served.server.running() == 1);
    assert!(served.count("?u kenning:interacted ?i") > 0);
    until("its time is over", || served.server.running() == 0);
    let mut got = Vec::new();
    // The connection may also be reset.
    let _ = stream.read_to_end(&mut got);
    assert!(!got.ends_with(b"0\r\n\r\n"));
}

#[test]
fn running_queries_are_listed_and_killed() {
    let served = Served::new(&[("query.timeout_s", "3600")]);
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| served.query(ENDLESS, &[]));
        until("the query runs", || served.server.running() == 1);
        let list = served.get("/queries").json();
        let query = &list["queries"][0];
        assert_eq!(query["text"], ENDLESS);
        assert_eq!(query["kind"], "query");
        assert!(query["seconds"].as_f64().unwrap() >= 0.0);
        let path = format!("/queries/{}", query["id"]);
        assert_eq!(served.send("DELETE", &path, &[], "").status, 204);
        let detail = asked.join().unwrap().problem(503);
        assert!(detail.contains("stopped"), "{detail}");
        until("it is gone", || {
            served.get("/queries").json()["queries"] == serde_json::json!([])
        });
        served.send("DELETE", &path, &[], "").problem(404);
        served.send("DELETE", "/queries/x", &[], "").problem(404);
    });
}

#[test]
fn too_many_are_sent_away_and_told_to_come_again() {
    let settings = [
        ("serve.concurrency", "1"),
        ("serve.queue", "0"),
        ("query.timeout_s", "3600"),
    ];
    let served = Served::new(&settings);
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| served.query(ENDLESS, &[]));
        until("the query runs", || served.server.running() == 1);
        let refused = served.query("ASK {}", &[]);
        assert_eq!(refused.header("retry-after"), "1");
        refused.problem(503);
        assert_eq!(served.get("/health").status, 200);
        let list = served.get("/queries").json();
        served.send(
            "DELETE",
            &format!("/queries/{}", list["queries"][0]["id"]),
            &[],
            "",
        );
        asked.join().unwrap().problem(503);
    });
    assert_eq!(served.query("ASK {}", &[]).status, 200);
}

#[test]
fn updates_that_wait_for_one_another_leave_room_for_queries() {
    let settings = [("serve.concurrency", "2"), ("query.timeout_s", "3600")];
    let served = Served::new(&settings);
    let body = ENDLESS.trim_start_matches("SELECT (COUNT(*) AS ?n)");
    let endless = format!("INSERT {{ <urn:a> <urn:p> ?a }} WHERE {body}");
    std::thread::scope(|scope| {
        let long = scope.spawn(|| served.update(&endless));
        until("the update runs", || served.server.running() == 1);
        let short = scope.spawn(|| served.update("INSERT DATA { <urn:a> <urn:p> 1 }"));
        until("the other waits", || {
            let metrics = served.get("/metrics");
            metrics.text().contains("\nkenning_waiting 1\n")
        });
        assert_eq!(served.query("ASK {}", &[]).json()["boolean"], true);
        let list = served.get("/queries").json();
        assert_eq!(list["queries"][0]["kind"], "update");
        let path = format!("/queries/{}", list["queries"][0]["id"]);
        served.send("DELETE", &path, &[], "");
        long.join().unwrap().problem(503);
        assert_eq!(short.join().unwrap().json()["inserted"], 1);
    });
    assert_eq!(served.count("<urn:a> <urn:p> ?o"), 1);
}

#[test]
fn hostile_queries_do_not_keep_others_out() {
    let settings = [("serve.concurrency", "4"), ("query.timeout_s", "3600")];
    let served = Served::new(&settings);
    let hostile = [
        ENDLESS,
        "SELECT (COUNT(*) AS ?n) { ?a (!<urn:x>|^!<urn:x>)* ?b . ?c (!<urn:x>|^!<urn:x>)* ?d }",
        "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY ?c ?f ?i",
        ENDLESS,
    ];
    std::thread::scope(|scope| {
        let asked = hostile.map(|query| scope.spawn(|| served.query(query, &[])));
        // All slots are taken; then half of them are made free for those who wait.
        until("they run", || served.server.running() >= 2);
        for _ in 0..20 {
            let reply = served.query("SELECT ?b { ?i schema:brand ?b } LIMIT 5", &[]);
            assert_eq!(reply.status, 200);
        }
        served.update("INSERT DATA { <urn:a> <urn:p> 1 }").text();
        assert_eq!(served.count("<urn:a> <urn:p> ?n"), 1);
        let list = served.get("/queries").json();
        for query in list["queries"].as_array().unwrap() {
            served.send("DELETE", &format!("/queries/{}", query["id"]), &[], "");
        }
        for reply in asked {
            let status = reply.join().unwrap().status;
            assert!([422, 503].contains(&status), "{status}");
        }
    });
}

#[test]
fn a_stopped_server_ends_its_queries_and_frees_the_project() {
    let served = Served::new(&[("query.timeout_s", "3600")]);
    let address = served.server.address();
    let mut stream = request(&served, ENDLESS);
    until("the query runs", || served.server.running() == 1);
    // Far sooner than the hour that the query may take.
    served.server.stop();
    let mut said = String::new();
    let _ = stream.read_to_string(&mut said);
    assert!(
        said.is_empty() || said.starts_with("HTTP/1.1 503 "),
        "{said}"
    );
    assert!(std::net::TcpStream::connect(address).is_err());
    let server = super::start(&served.root, &[]).unwrap();
    server.stop();
}

#[test]
fn a_build_of_another_process_is_seen() {
    let served = Served::new(&[]);
    served.update("INSERT DATA { <urn:a> <urn:p> 1 }");
    let project = kenning::config::Project::open(&served.root).unwrap();
    let engine = kenning::engine::Engine::open(project).unwrap();
    engine.build(None, &kenning::model::Unwatched).unwrap();
    until("the new snapshot is shown", || {
        let metrics = served.get("/metrics");
        metrics.text().contains("\nkenning_added 0\n")
    });
    assert_eq!(served.count("<urn:a> <urn:p> 1"), 1);
}
