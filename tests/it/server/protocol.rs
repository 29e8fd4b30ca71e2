//! SPARQL 1.1 Protocol, case by case.

use super::{Served, encoded};

const ASK: &str = "ASK { ?u kenning:interacted ?i }";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[test]
fn a_query_can_be_asked_in_three_ways() {
    let served = Served::new(&[]);
    let query = encoded(ASK);
    let replies = [
        served.get(&format!("/sparql?query={query}")),
        served.send("POST", "/sparql", &[FORM], &format!("query={query}")),
        served.query(ASK, &[]),
        served.query(
            ASK,
            &[("content-type", "application/sparql-query; charset=UTF-8")],
        ),
    ];
    for reply in replies {
        assert_eq!(reply.status, 200);
        assert_eq!(reply.json()["boolean"], true);
        assert_eq!(
            reply.header("content-type"),
            "application/sparql-results+json"
        );
        assert_eq!(reply.header("vary"), "accept");
    }
}

#[test]
fn an_update_can_be_sent_in_two_ways_to_both_addresses() {
    let served = Served::new(&[]);
    for (number, address) in ["/update", "/sparql"].into_iter().enumerate() {
        let text = |n: usize| format!("INSERT DATA {{ <urn:a{number}> <urn:p> {n} }}");
        let direct = [("content-type", "application/sparql-update")];
        let reply = served.send("POST", address, &direct, &text(1));
        assert_eq!(
            reply.json(),
            serde_json::json!({ "inserted": 1, "deleted": 0 })
        );
        let form = format!("update={}", encoded(&text(2)));
        assert_eq!(served.send("POST", address, &[FORM], &form).status, 200);
        assert_eq!(served.count(&format!("<urn:a{number}> <urn:p> ?n")), 2);
    }
}

#[test]
fn an_update_is_seen_by_the_next_query_with_the_snapshot() {
    let served = Served::new(&[]);
    let before = served.count("?i schema:brand ?b");
    let name =
        "DELETE { ?i schema:brand ?b } INSERT { ?i <urn:was> ?b } WHERE { ?i schema:brand ?b }";
    let counts = served.update(name).json();
    assert_eq!(counts["inserted"], before);
    assert_eq!(served.count("?i schema:brand ?b"), 0);
    assert_eq!(served.count("?i <urn:was> ?b"), before);
    let mixed = "?u kenning:interacted ?i . ?i <urn:was> ?b";
    assert_eq!(
        served.count(mixed),
        served.count("?u kenning:interacted ?i")
    );
}

#[test]
fn parameters_name_the_dataset() {
    let served = Served::new(&[]);
    served.update(
        "INSERT DATA { GRAPH <urn:g1> { <urn:s> <urn:p> 1 } GRAPH <urn:g2> { <urn:s> <urn:p> 2 } }",
    );
    let found = |parameters: &str, query: &str| {
        let path = format!("/sparql?query={}&{parameters}", encoded(query));
        served.get(&path).json()["results"]["bindings"]
            .as_array()
            .unwrap()
            .len()
    };
    let all = "SELECT * { ?s <urn:p> ?o }";
    assert_eq!(found("", all), 2);
    assert_eq!(found("default-graph-uri=urn:g1", all), 1);
    assert_eq!(
        found("default-graph-uri=urn:g1&default-graph-uri=urn:g2", all),
        2
    );
    assert_eq!(found("named-graph-uri=urn:g1", all), 0);
    let named = "SELECT * { GRAPH ?g { ?s <urn:p> ?o } }";
    assert_eq!(found("named-graph-uri=urn:g2", named), 1);
    assert_eq!(found("default-graph-uri=urn:g1", named), 0);
    // The parameters win against the query (protocol §2.1.4).
    assert_eq!(
        found(
            "default-graph-uri=urn:g1",
            "SELECT * FROM <urn:g2> { ?s <urn:p> ?o FILTER(?o = 1) }"
        ),
        1
    );
    let path = format!("/sparql?query={}&default-graph-uri=here", encoded(all));
    served.get(&path).problem(400);
}

#[test]
fn parameters_name_what_an_update_uses() {
    let served = Served::new(&[]);
    served.update(
        "INSERT DATA { GRAPH <urn:g1> { <urn:s> <urn:p> 1 } GRAPH <urn:g2> { <urn:s> <urn:p> 2 } }",
    );
    let kind = [("content-type", "application/sparql-update")];
    let copy = "INSERT { GRAPH <urn:to> { ?s <urn:p> ?o } } WHERE { ?s <urn:p> ?o }";
    let path = "/update?using-graph-uri=urn:g2";
    assert_eq!(served.send("POST", path, &kind, copy).json()["inserted"], 1);
    assert_eq!(served.count("GRAPH <urn:to> { ?s <urn:p> 2 }"), 1);
    let both = "INSERT { ?s <urn:q> ?o } USING <urn:g1> WHERE { ?s <urn:p> ?o }";
    let detail = served.send("POST", path, &kind, both).problem(400);
    assert!(detail.contains("dataset"), "{detail}");
}

#[test]
fn what_is_malformed_is_refused_with_a_reason() {
    let served = Served::new(&[]);
    let query = encoded(ASK);
    let direct = [("content-type", "application/sparql-query")];
    let text = [("content-type", "text/plain")];
    let utf16 = [("content-type", "application/sparql-query; charset=UTF-16")];
    for (status, reply) in [
        (400, served.query("ASK { ?s ?p", &[])),
        (
            400,
            served.get(&format!("/sparql?query={query}&query={query}")),
        ),
        (
            400,
            served.get(&format!("/sparql?update={}", encoded("CLEAR ALL"))),
        ),
        (400, served.send("POST", "/sparql", &[FORM], "quary=x")),
        (
            400,
            served.send(
                "POST",
                "/sparql",
                &[FORM],
                &format!("query={query}&update=x"),
            ),
        ),
        (400, served.update("INSERT DATA { ?s ?p ?o }")),
        (400, served.update("LOAD <http://127.0.0.1:1/x>")),
        (
            400,
            served.update("INSERT DATA { <urn:a> kenning:interacted <urn:b> }"),
        ),
        (415, served.send("POST", "/sparql", &text, ASK)),
        (415, served.send("POST", "/sparql", &utf16, ASK)),
        (406, served.query(ASK, &[("accept", "text/html")])),
        (405, served.send("PUT", "/sparql", &direct, ASK)),
        (405, served.get("/update")),
        (404, served.get("/sparq")),
        (
            400,
            served.get(&format!("/sparql?query={query}&timeout=soon")),
        ),
        (
            400,
            served.get(&format!("/sparql?query={query}&timeout=-1")),
        ),
        (
            400,
            served.get(&format!("/sparql?query={query}&max-rows=few")),
        ),
    ] {
        assert!(!reply.problem(status).is_empty());
    }
    let reply = served.query(
        "SELECT * { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }",
        &[],
    );
    reply.problem(400);
    let hint = served.query("ASK {", &[]).json()["hint"].clone();
    assert!(hint.as_str().is_some_and(|hint| !hint.is_empty()));
}

#[test]
fn odd_bytes_are_refused_too() {
    let served = Served::new(&[]);
    let answer = |head: &str, body: &str| {
        let length = body.len();
        let request = format!(
            "{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        served.raw(&request)
    };
    // Without a media type.
    let said = answer("POST /sparql HTTP/1.1", ASK);
    assert!(said.starts_with("HTTP/1.1 415 "), "{said}");
    let said = answer("NONSENSE", "");
    assert!(said.starts_with("HTTP/1.1 400 "), "{said}");
    let said = answer(
        "POST /sparql HTTP/1.1\r\nContent-Type: application/sparql-query",
        ASK,
    );
    assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let served = Served::new(&[("serve.max_body_mb", "1")]);
    let long = format!("ASK {{ ?s ?p \"{}\" }}", "x".repeat(1 << 20));
    let detail = served.query(&long, &[]).problem(413);
    assert!(detail.contains("1 MB"), "{detail}");
}

#[test]
fn limits_stop_a_query_and_requests_may_only_lower_them() {
    let served = Served::new(&[("query.timeout_s", "2"), ("query.max_rows", "50")]);
    let many = encoded("SELECT * { ?s ?p ?o }");
    served.get(&format!("/sparql?query={many}")).problem(422);
    served
        .get(&format!("/sparql?query={many}&max-rows=1000000"))
        .problem(422);
    let few = encoded("SELECT * { ?s ?p ?o } LIMIT 10");
    assert_eq!(served.get(&format!("/sparql?query={few}")).status, 200);
    served
        .get(&format!("/sparql?query={few}&max-rows=9"))
        .problem(422);
    let endless = encoded(super::ENDLESS);
    served
        .get(&format!("/sparql?query={endless}&timeout=0.2"))
        .problem(504);
    served
        .get(&format!("/sparql?query={endless}&timeout=1000"))
        .problem(504);
}

#[test]
fn deep_queries_and_long_ones_do_not_end_the_server() {
    let served = Served::new(&[]);
    let depth = 200_000;
    let deep = format!(
        "ASK {{ FILTER({}1{}) }}",
        "(".repeat(depth),
        ")".repeat(depth)
    );
    let groups = format!("ASK {}{}", "{".repeat(depth), "}".repeat(depth));
    let sums = format!("ASK {{ FILTER(1{}) }}", "+1".repeat(depth));
    let path = format!("ASK {{ ?s <urn:p>{} ?o }}", "/<urn:p>".repeat(depth / 10));
    let nots = format!("ASK {{ FILTER({}1) }}", "!".repeat(depth));
    for text in [deep, groups, sums, path, nots] {
        let status = served.query(&text, &[]).status;
        assert!([200, 400, 422, 504].contains(&status), "{status}");
        assert_eq!(served.get("/health").status, 200);
    }
}

#[test]
fn a_query_is_explained() {
    let served = Served::new(&[]);
    let query = encoded("SELECT * { ?i schema:brand ?b }");
    let plan = served.get(&format!("/sparql?explain&query={query}")).json();
    assert_eq!(plan["plan"]["rows"], served.count("?i schema:brand ?b"));
    served.get("/sparql?explain&query=ASK").problem(400);
}
