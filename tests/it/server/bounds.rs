//! What is too long, too slow or too much, and what its client is told.

use super::{ENDLESS, MANY, Served, encoded, until};
use std::io::{ErrorKind, Read, Write};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const TURTLE: (&str, &str) = ("content-type", "text/turtle");

/// `1,1,1…`: the shortest tokens that there are.
fn ones(count: usize) -> String {
    format!("<a:b> <a:b> 1{}", ",1".repeat(count))
}

fn hint(reply: &super::Reply) -> String {
    reply.json()["hint"].as_str().unwrap().to_owned()
}

#[test]
fn what_takes_too_much_memory_to_parse_is_not_parsed() {
    let served = Served::new(&[("query.memory_mb", "16"), ("query.max_text_kb", "100")]);
    let many = ones(40_000);
    let reply = served.query(&format!("ASK {{ {many} }}"), &[]);
    assert!(reply.problem(422).contains("16 MB"));
    assert!(hint(&reply).contains("`query.memory_mb`"));
    let explain = format!("query={}&explain", encoded(&format!("ASK {{ {many} }}")));
    served
        .send("POST", "/sparql", &[FORM], &explain)
        .problem(422);
    let reply = served.update(&format!("INSERT DATA {{ {many} }}"));
    assert!(reply.problem(422).contains("16 MB"));
    let reply = served.send(
        "PUT",
        "/store?graph=urn:g",
        &[TURTLE],
        &(ones(120_000) + " ."),
    );
    assert!(reply.problem(422).contains("16 MiB"));
    let few = ones(100);
    assert_eq!(
        served.query(&format!("ASK {{ {few} }}"), &[]).json()["boolean"],
        false
    );
    assert_eq!(
        served.update(&format!("INSERT DATA {{ {few} }}")).status,
        200
    );
    let few = served.send("PUT", "/store?graph=urn:g", &[TURTLE], &(few + " ."));
    assert_eq!(few.status, 201);
}

#[test]
fn the_text_of_a_query_is_bounded_and_that_of_an_update_is_not() {
    let served = Served::new(&[("query.max_text_kb", "4")]);
    let long = format!("ASK {{}} # {}", "x".repeat(4096));
    let reply = served.query(&long, &[]);
    assert!(reply.problem(422).contains("4 KB"));
    assert!(hint(&reply).contains("`query.max_text_kb`"));
    let update = long.replace("ASK {}", "INSERT DATA { <urn:a> <urn:p> 1 }");
    assert_eq!(served.update(&update).json()["inserted"], 1);
    let form = "a=1&".repeat(2000) + "query=ASK%20%7B%7D";
    let detail = served.send("POST", "/sparql", &[FORM], &form).problem(400);
    assert!(detail.contains("1000"), "{detail}");
}

#[test]
fn hints_name_what_binds_and_nothing_that_a_client_cannot_do() {
    let sorted = "SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY ?f ?c";
    let settings = [
        ("serve.memory_mb", "2"),
        ("serve.concurrency", "2"),
        ("query.timeout_s", "2"),
        ("query.max_rows", "50"),
    ];
    let served = Served::new(&settings);
    let cases = [
        (sorted, 422, "`serve.memory_mb`"),
        ("SELECT * { ?a ?b ?c }", 422, "`query.max_rows`"),
        (ENDLESS, 504, "`query.timeout_s`"),
    ];
    for (query, status, setting) in cases {
        let reply = served.query(query, &[]);
        reply.problem(status);
        let hint = hint(&reply);
        assert!(hint.contains(setting) && !hint.contains("--"), "{hint}");
    }
}

#[test]
fn updates_that_wait_take_no_place_of_a_query() {
    let settings = [
        ("serve.concurrency", "2"),
        ("serve.queue", "1"),
        ("query.timeout_s", "3600"),
    ];
    let served = Served::new(&settings);
    let body = ENDLESS.trim_start_matches("SELECT (COUNT(*) AS ?n)");
    let endless = format!("INSERT {{ <urn:a> <urn:p> ?a }} WHERE {body}");
    std::thread::scope(|scope| {
        let long = scope.spawn(|| served.update(&endless));
        until("the update runs", || served.server.running() == 1);
        let one = |n: usize| format!("INSERT DATA {{ <urn:a> <urn:p> {n} }}");
        let short: Vec<_> = (0..2)
            .map(|n| {
                let served = &served;
                scope.spawn(move || served.update(&one(n)))
            })
            .collect();
        until("the others wait", || {
            let metrics = served.get("/metrics");
            metrics.text().contains("\nkenning_waiting 2\n")
        });
        let detail = served.update(&one(3)).problem(503);
        assert!(detail.contains("updates"), "{detail}");
        for _ in 0..3 {
            assert_eq!(served.query("ASK {}", &[]).json()["boolean"], true);
        }
        let list = served.get("/queries").json();
        let path = format!("/queries/{}", list["queries"][0]["id"]);
        served.send("DELETE", &path, &[], "");
        long.join().unwrap().problem(503);
        for update in short {
            assert_eq!(update.join().unwrap().json()["inserted"], 1);
        }
    });
}

#[test]
fn a_client_that_never_reads_is_given_up() {
    let settings = [
        ("serve.idle_s", "1"),
        ("query.timeout_s", "3600"),
        ("query.max_rows", "1000000000"),
    ];
    let served = Served::new(&settings);
    let mut stream = served.connect();
    let path = format!("/sparql?query={}", encoded(MANY));
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    until("the query runs", || served.server.running() == 1);
    until("it is given up", || served.server.running() == 0);
    drop(stream);
}

fn begin(served: &Served, sent: usize) -> std::net::TcpStream {
    let mut stream = served.connect();
    let head =
        "POST /sparql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sparql-query\r\n";
    write!(stream, "{head}Content-Length: 900000\r\n\r\n").unwrap();
    stream.write_all("#".repeat(sent).as_bytes()).unwrap();
    stream
}

#[test]
fn bodies_that_stand_still_keep_no_other_body_out() {
    let served = Served::new(&[("serve.max_body_mb", "1")]);
    let slow: Vec<_> = (0..8).map(|_| begin(&served, 150_000)).collect();
    let long = format!("ASK {{}} # {}", "x".repeat(900_000));
    for _ in 0..3 {
        assert_eq!(served.query(&long, &[]).json()["boolean"], true);
    }
    // Nor were those given up to make room.
    for mut stream in slow {
        stream.set_nonblocking(true).unwrap();
        let said = stream.read(&mut [0; 100]).map_err(|e| e.kind());
        assert_eq!(said, Err(ErrorKind::WouldBlock));
    }
}

#[test]
fn a_body_that_stands_still_is_given_up() {
    let served = Served::new(&[("serve.idle_s", "1")]);
    let mut said = String::new();
    let _ = begin(&served, 10).read_to_string(&mut said);
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    assert!(said.contains("stands still"), "{said}");
}

#[test]
fn a_compressed_body_is_refused() {
    let served = Served::new(&[]);
    let reply = served.query("ASK {}", &[("content-encoding", "gzip")]);
    reply.problem(415);
    assert_eq!(reply.header("accept-encoding"), "identity");
    let plain = served.query("ASK {}", &[("content-encoding", "identity")]);
    assert_eq!(plain.status, 200);
    let put = [TURTLE, ("content-encoding", "gzip")];
    served
        .send("PUT", "/store?graph=urn:g", &put, "<a:a> <a:a> 1 .")
        .problem(415);
}

#[test]
fn what_needs_vectors_says_so_where_there_are_none() {
    let served = Served::new(&[]);
    let reply = served.query("SELECT * { ?i a schema:Product ; kenning:nearest ?j }", &[]);
    assert!(reply.problem(501).contains("no vectors"));
    assert!(hint(&reply).contains("kenning build"));
}

#[test]
fn the_default_graph_is_no_source_where_it_is_the_union() {
    let copies = ["COPY", "MOVE SILENT", "ADD"].map(|verb| format!("{verb} DEFAULT TO <urn:to>"));
    let union = Served::new(&[]);
    let before = union.count("?s ?p ?o");
    for copy in &copies {
        let reply = union.update(copy);
        assert!(reply.problem(400).contains("union"));
        assert!(hint(&reply).contains("urn:kenning:graph:default"));
    }
    assert_eq!(union.count("?s ?p ?o"), before);
    let stated = Served::new(&[("serve.default_graph", "stated")]);
    stated.update("INSERT DATA { <urn:a> <urn:p> 1 }");
    for copy in &copies[..2] {
        assert_eq!(stated.update(copy).status, 200);
        assert_eq!(stated.count("GRAPH <urn:to> { ?s ?p ?o }"), 1);
    }
}

#[test]
fn who_asks_again_at_once_finds_a_place() {
    let served = Served::new(&[("serve.concurrency", "1"), ("serve.queue", "0")]);
    for n in 0..200 {
        let reply = served.query("SELECT * { ?i schema:brand ?b }", &[]);
        assert_eq!(reply.status, 200, "the {n}th");
    }
}

#[test]
fn the_description_counts_what_queries_find() {
    let served = Served::new(&[]);
    let described = |property: &str| {
        let page = served.send(
            "GET",
            "/.well-known/void",
            &[("accept", "application/n-triples")],
            "",
        );
        let wanted = format!("/.well-known/void> <http://rdfs.org/ns/void#{property}> \"");
        let text = page.text();
        let at = text.find(&wanted).unwrap_or_else(|| panic!("{text}")) + wanted.len();
        text[at..]
            .split('"')
            .next()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    let all = served.count("?s ?p ?o");
    assert_eq!(described("triples"), all);
    served.update("INSERT DATA { <urn:a> <urn:new> 1 . GRAPH <urn:g> { <urn:a> <urn:new> 1, 2 } }");
    let properties = described("properties");
    assert_eq!(described("triples"), all + 2);
    served.update("DELETE WHERE { ?s <urn:new> ?o }");
    assert_eq!(described("properties"), properties - 1);
    assert_eq!(described("triples"), all);
}

#[test]
fn the_pages_of_ontologies_are_served() {
    let served = Served::of(&[]);
    let page = served.get("/ontology/kenning");
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/markdown"));
    assert!(page.text().contains("nearest"));
    served.get("/ontology/nothing").problem(404);
}
