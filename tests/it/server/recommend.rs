//! `POST /v1/recommend`.

use super::Served;

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

#[test]
fn requests_are_answered_as_json() {
    let served = Served::new(&[]);
    let post = |body: &str| served.send("POST", "/v1/recommend", &JSON, body);
    let answer = post(
        r#"{"user": "u1", "k": 3, "wishes": {"at_most": ["schema:brand=1"], "pinned": ["p7"]}}"#,
    );
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let answer = answer.json();
    assert_eq!(answer["schema_version"], 1);
    let items = answer["recommendations"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    assert!(items[0]["item"].as_str().unwrap().ends_with("/p7"));
    for verdict in ["verified", "aggregate", "unsupported"] {
        let count = &answer["claims"][verdict];
        let counter = format!("\nkenning_claims_total{{verdict=\"{verdict}\"}} {count}\n");
        assert!(
            served.get("/metrics").text().contains(&counter),
            "{counter}"
        );
    }
    for (body, status) in [
        ("{", 400),
        (r#"{"k": 3, "colour": "red"}"#, 400),
        (r#"{"k": 0}"#, 400),
        (r#"{"k": 3, "likes": ["nobody knows"]}"#, 404),
    ] {
        let reply = post(body);
        assert_eq!(reply.status, status, "{body}: {:?}", reply.body);
    }
    let slow = r#"{"k": 3, "wishes": {"sparql": "?item ?p ?o . ?a ?b ?c . ?d ?e ?f"}}"#;
    let slow = served.send("POST", "/v1/recommend?timeout=0.2", &JSON, slow);
    assert_eq!(slow.status, 504, "{:?}", slow.body);
    let plain = [("content-type", "text/plain")];
    assert_eq!(
        served.send("POST", "/v1/recommend", &plain, "{}").status,
        415
    );
    assert_eq!(served.get("/v1/recommend").status, 405);
}

#[test]
fn events_are_counted_by_the_next_answer() {
    let served = Served::new(&[]);
    let first = || {
        let answer = served.send("POST", "/v1/recommend", &JSON, r#"{"user": "u2", "k": 1}"#);
        answer.json()["recommendations"][0]["item"].clone()
    };
    let item = first();
    let event = serde_json::json!({ "events": [{ "user": "u2", "item": item }] });
    let kept = served.send("POST", "/v1/events", &JSON, &event.to_string());
    assert_eq!(kept.status, 200, "{:?}", kept.body);
    assert_eq!(kept.json()["events"], 1);
    assert_ne!(first(), item);
    let unknown = r#"{"events": [{"user": "u2", "item": "none"}]}"#;
    assert_eq!(
        served.send("POST", "/v1/events", &JSON, unknown).status,
        404
    );
    let closed = Served::of(&[]);
    let refused = closed.send("POST", "/v1/events", &JSON, &event.to_string());
    assert_eq!(refused.status, 403);
}

#[test]
fn questions_about_answers_are_answered() {
    let served = Served::new(&[]);
    let post = |path: &str, body: serde_json::Value| {
        let reply = served.send("POST", path, &JSON, &body.to_string());
        assert_eq!(reply.status, 200, "{path} {body}: {:?}", reply.body);
        reply.json()
    };
    let request = serde_json::json!({ "user": "u2", "k": 3 });
    let list = post("/v1/recommend", request.clone())["recommendations"].clone();
    let first = list[0]["item"].clone();
    let about = serde_json::json!({ "request": request, "item": first });
    let why = post("/v1/explain", about.clone());
    assert_eq!(
        (&why["rank"], &why["schema_version"]),
        (&1.into(), &1.into())
    );
    let change = &why["changes"][0];
    assert_eq!(change["kind"], "remove-events");
    // What it says is what happens.
    let events = change["events"].as_array().unwrap().iter();
    let gone: Vec<_> = events.map(|event| event["item"].clone()).collect();
    let supposed = serde_json::json!({ "request": request, "remove_events": gone });
    let supposed = post("/v1/what-if", supposed);
    assert_eq!(supposed["before"][0]["item"], first);
    let after = supposed["after"].as_array().unwrap();
    assert!(
        after.iter().all(|placed| placed["item"] != first),
        "{change}"
    );
    let missing =
        serde_json::json!({ "request": { "user": "u2", "k": 1 }, "item": list[2]["item"] });
    let why_not = post("/v1/why-not", missing);
    assert_eq!(why_not["rank"], 3);
    assert!(why_not["missing"].as_f64().unwrap() > 0.0);
    let text = about.to_string();
    for (path, body, status) in [
        ("/v1/why-not", text.as_str(), 400),
        (
            "/v1/explain",
            r#"{"request": {"k": 3}, "item": "p999"}"#,
            404,
        ),
        ("/v1/explain", r#"{"item": "p1"}"#, 400),
        ("/v1/what-if", r#"{"request": {"user": "u2", "k": 3}}"#, 400),
        ("/v1/what-if", r#"{"colour": "red"}"#, 400),
    ] {
        let reply = served.send("POST", path, &JSON, body);
        assert_eq!(reply.status, status, "{path} {body}: {:?}", reply.body);
    }
}

#[test]
fn outcomes_are_kept_and_asked_for() {
    let served = Served::new(&[]);
    let answer = served.send("POST", "/v1/recommend", &JSON, r#"{"user": "u2", "k": 2}"#);
    let answer = answer.json();
    let (decision, item) = (&answer["decision"], &answer["recommendations"][1]["item"]);
    let told = |item: &serde_json::Value, outcome: &str| {
        let told = serde_json::json!({ "outcomes": [{ "decision": decision, "item": item, "outcome": outcome }] });
        served.send("POST", "/v1/outcomes", &JSON, &told.to_string())
    };
    let kept = told(item, "rejected");
    assert_eq!(kept.status, 200, "{:?}", kept.body);
    assert_eq!(kept.json()["outcomes"], 1);
    let query = "/sparql?query=SELECT%20%3Frank%20%3Fo%20%7B%20%3Fe%20kenning%3Arank%20%3Frank%20%3B%20kenning%3Aoutcome%20%3Fo%20%7D";
    let found = served.send("GET", query, &[("accept", "text/csv")], "");
    assert_eq!(found.text(), "rank,o\r\n2,rejected\r\n");
    assert_eq!(told(&"p999".into(), "accepted").status, 404);
    assert_eq!(told(item, "perhaps").status, 400);
    let closed = Served::of(&[]);
    let refused = closed.send("POST", "/v1/outcomes", &JSON, r#"{"outcomes": []}"#);
    assert_eq!(refused.status, 403);
}
