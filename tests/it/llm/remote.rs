use crate::endpoint::{Act, Endpoint, ask, http, said};
use kenning::config::Format;
use kenning::llm::remote::Remote;
use kenning::llm::settings::RemoteSettings;
use kenning::llm::{Finish, Ids, LanguageModel, Request};
use kenning::{Error, ErrorKind};
use serde_json::json;
use std::time::Duration;

const KEY: &str = "sk-very-secret";

/// The error of a client without tries left.
fn error(acts: Vec<Act>) -> Error {
    let server = Endpoint::new(acts);
    let mut model = Remote::open(&RemoteSettings {
        retries: 0,
        ..server.settings()
    })
    .unwrap();
    let error = model.complete(&ask()).unwrap_err();
    server.join();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.place().unwrap().ends_with("/v1/chat/completions"));
    error
}

#[test]
fn a_server_is_asked_in_its_language() {
    let server = Endpoint::new(vec![said("Hi."), said("{}")]);
    let folder = tempfile::tempdir().unwrap();
    let key_file = folder.path().join("key");
    std::fs::write(&key_file, format!("{KEY}\n")).unwrap();
    let mut model = Remote::open(&RemoteSettings {
        key_file: Some(key_file),
        format: Format::JsonObject,
        ..server.settings()
    })
    .unwrap();
    let reply = model.complete(&ask()).unwrap();
    assert_eq!((reply.text.as_str(), reply.finish), ("Hi.", Finish::Stop));
    assert_eq!((reply.prompt_tokens, reply.completion_tokens), (11, 2));
    model
        .complete(&Request {
            json: true,
            ..ask()
        })
        .unwrap();
    assert!(!format!("{model:?}{}", model.id()).contains(KEY));

    let asked = server.join();
    let (head, body) = &asked[0];
    assert!(
        head.starts_with("post /v1/chat/completions http/1.1"),
        "{head}"
    );
    assert!(head.contains(&format!("authorization: bearer {KEY}")));
    assert_eq!(body["model"], "test-model");
    assert_eq!(
        body["messages"][1],
        json!({"role": "user", "content": "Hello?"})
    );
    assert_eq!(
        (&body["max_tokens"], &body["temperature"]),
        (&json!(16), &json!(0.0))
    );
    assert!(body.get("response_format").is_none());
    assert_eq!(
        asked[1].1["response_format"],
        json!({"type": "json_object"})
    );
}

#[test]
fn refusals_that_pass_are_tried_again() {
    let busy = http("429 Too Many Requests", "retry-after: 0\r\n", "busy");
    let down = http("503 Service Unavailable", "retry-after: 0\r\n", "");
    let server = Endpoint::new(vec![busy, down, Act::Close, said("At last.")]);
    let mut model = Remote::open(&server.settings()).unwrap();
    assert_eq!(model.complete(&ask()).unwrap().text, "At last.");
    assert_eq!(server.join().len(), 4);
}

#[test]
fn tries_are_counted() {
    let busy = || http("429 Too Many Requests", "retry-after: 0\r\n", "slow down");
    let server = Endpoint::new(vec![busy(), busy()]);
    let mut model = Remote::open(&RemoteSettings {
        retries: 1,
        ..server.settings()
    })
    .unwrap();
    let error = model.complete(&ask()).unwrap_err();
    assert!(
        error.message().contains("429") && error.message().contains("slow down"),
        "{error}"
    );
    assert!(error.message().contains("tries: 2"), "{error}");
    server.join();
}

#[test]
fn a_pause_beyond_the_deadline_is_not_waited_for() {
    let server = Endpoint::new(vec![http(
        "429 Too Many Requests",
        "retry-after: 3600\r\n",
        "",
    )]);
    let mut model = Remote::open(&server.settings()).unwrap();
    let request = Request {
        deadline: Some(Duration::from_secs(3)),
        ..ask()
    };
    assert_eq!(
        model.complete(&request).unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    server.join();
}

#[test]
fn a_slow_server_is_left_at_the_deadline() {
    let server = Endpoint::new(vec![Act::Hang(Vec::new())]);
    let mut model = Remote::open(&server.settings()).unwrap();
    let request = Request {
        deadline: Some(Duration::from_millis(200)),
        ..ask()
    };
    let error = model.complete(&request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(
        error.message().contains("timeout: global (tries: 1)"),
        "{error}"
    );
    server.join();
}

#[test]
fn what_is_no_completion_is_an_error_with_a_quote() {
    for (body, part) in [
        ("<html>a proxy</html>", "a proxy"),
        ("{\"choices\": [{\"message\": {\"cont", "EOF"),
        ("{\"answer\": 42}", "choices"),
        ("{\"choices\": []}", "without choices"),
        ("[1, 2]", "not a chat completion"),
    ] {
        let error = error(vec![http("200 OK", "", body)]);
        assert!(error.message().contains(part), "{error}");
    }
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"choices\":".to_vec();
    assert!(error(vec![Act::Say(cut)]).message().contains("no answer"));
    error(vec![Act::Say(b"\x00\xffgarbage\r\n\r\n".to_vec())]);
    let huge = "x".repeat(5 << 20);
    assert!(error(vec![http("200 OK", "", &huge)]).message().len() < 1000);
    assert!(
        error(vec![http("400 Bad Request", "", &huge)])
            .message()
            .len()
            < 1000
    );
    let elsewhere = http("302 Found", "location: http://127.0.0.1:1/\r\n", "");
    assert!(error(vec![elsewhere]).message().contains("302"));
}

#[test]
fn the_key_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let key_file = folder.path().join("key");
    std::fs::write(&key_file, KEY).unwrap();
    let body = format!("wrong key {KEY}");
    let server = Endpoint::new(vec![http("401 Unauthorized", "", &body)]);
    let mut model = Remote::open(&RemoteSettings {
        key_file: Some(key_file),
        ..server.settings()
    })
    .unwrap();
    let error = model.complete(&ask()).unwrap_err();
    assert!(error.message().contains("wrong key ***"), "{error}");
    assert!(!format!("{error:?}").contains(KEY));
    server.join();
}

#[test]
fn nobody_there_is_an_error() {
    let settings = RemoteSettings {
        retries: 0,
        ..RemoteSettings::new("http://127.0.0.1:1", "m")
    };
    let error = Remote::open(&settings)
        .unwrap()
        .complete(&ask())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[test]
fn the_ids_that_a_reply_may_hold_are_in_the_schema() {
    let server = Endpoint::new(vec![said("{}")]);
    let mut model = Remote::open(&RemoteSettings {
        format: Format::JsonSchema,
        ..server.settings()
    })
    .unwrap();
    let ids = Ids {
        candidates: vec!["c1".into(), "c2".into()],
        evidence: Some(vec![vec!["e1".into()], vec![]]),
    };
    let request = Request {
        json: true,
        ids: Some(ids),
        ..ask()
    };
    model.complete(&request).unwrap();
    let asked = server.join();
    let format = &asked[0].1["response_format"];
    assert_eq!(format["type"], "json_schema");
    let schema = &format["json_schema"]["schema"];
    let ranking = &schema["properties"]["ranking"];
    assert_eq!(ranking["items"]["enum"], json!(["c1", "c2"]));
    assert_eq!(
        (&ranking["minItems"], &ranking["maxItems"]),
        (&json!(2), &json!(2))
    );
    let because = &schema["properties"]["because"]["properties"];
    assert_eq!(because["c1"]["items"]["enum"], json!(["e1"]));
    assert_eq!(because["c2"]["maxItems"], 0);
    assert_eq!(schema["additionalProperties"], false);
}

/// Nothing is sent that the limits of a minute have no room for before the deadline.
#[test]
fn limits_of_a_minute_hold() {
    let server = Endpoint::new(vec![said("Hi.")]);
    let mut model = Remote::open(&RemoteSettings {
        requests_per_minute: Some(1),
        tokens_per_minute: Some(500),
        failures: 1,
        ..server.settings()
    })
    .unwrap();
    model.complete(&ask()).unwrap();
    let soon = Request {
        deadline: Some(Duration::from_secs(1)),
        ..ask()
    };
    // What is not sent is no failure of the server.
    for _ in 0..2 {
        let error = model.complete(&soon).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let why = "the limits of a minute leave no room";
        assert!(error.message().contains(why), "{error}");
    }
    let error = model
        .complete(&Request {
            max_tokens: 500,
            ..ask()
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Budget, "{error}");
    assert_eq!(server.join().len(), 1, "one request was sent");
}

#[test]
fn a_server_that_keeps_failing_is_left_alone() {
    let failing = || http("500 Internal Server Error", "", "no");
    let server = Endpoint::new(vec![failing(), failing(), said("Hi.")]);
    let mut model = Remote::open(&RemoteSettings {
        retries: 0,
        failures: 2,
        rest_seconds: 3600.0,
        ..server.settings()
    })
    .unwrap();
    for _ in 0..2 {
        assert!(
            model
                .complete(&ask())
                .unwrap_err()
                .message()
                .contains("status 500")
        );
    }
    let error = model.complete(&ask()).unwrap_err();
    assert!(
        error
            .message()
            .contains("it failed 2 times in a row, and rests"),
        "{error}"
    );
    // Another client is not bound by that: the server is still there.
    let mut other = Remote::open(&server.settings()).unwrap();
    assert_eq!(other.complete(&ask()).unwrap().text, "Hi.");
    assert_eq!(server.join().len(), 3);
}

#[test]
fn a_date_to_come_back_at_is_understood() {
    let busy = http(
        "429 Too Many Requests",
        "retry-after: Fri, 01 Jan 2100 00:00:00 GMT\r\n",
        "",
    );
    let server = Endpoint::new(vec![busy]);
    let mut model = Remote::open(&server.settings()).unwrap();
    let request = Request {
        deadline: Some(Duration::from_secs(2)),
        ..ask()
    };
    let error = model.complete(&request).unwrap_err();
    assert!(
        error.message().contains("status 429") && error.message().contains("tries: 1"),
        "{error}"
    );
    let past = http(
        "429 Too Many Requests",
        "retry-after: Sat, 01 Jan 2000 00:00:00 GMT\r\n",
        "",
    );
    let server = Endpoint::new(vec![past, said("Hi.")]);
    let mut model = Remote::open(&server.settings()).unwrap();
    assert_eq!(model.complete(&ask()).unwrap().text, "Hi.");
}
