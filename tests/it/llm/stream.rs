//! Replies that come as a stream, and the odds that a server tells.

use crate::endpoint::{Act, Endpoint, ask, http, replied, said};
use crate::server::until;
use kenning::config::Transfer;
use kenning::llm::remote::Remote;
use kenning::llm::settings::RemoteSettings;
use kenning::llm::{Finish, LanguageModel, Request, ScoreCalls, Usage};
use kenning::{Error, ErrorKind};
use serde_json::json;
use std::time::Duration;

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

fn event(value: &serde_json::Value) -> String {
    format!("data: {value}\n\n")
}

fn part(text: &str) -> String {
    event(&json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]}))
}

fn end() -> String {
    event(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
        + &event(&json!({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 2}}))
        + "data: [DONE]\n\n"
}

fn stream(events: &[String]) -> Act {
    Act::Say(format!("{HEAD}{}", events.concat()).into())
}

fn open(server: &Endpoint) -> Remote {
    let settings = RemoteSettings {
        transfer: Transfer::Stream,
        retries: 1,
        ..server.settings()
    };
    Remote::open(&settings).unwrap()
}

fn error(acts: Vec<Act>) -> Error {
    let server = Endpoint::new(acts);
    let error = open(&server).complete(&ask()).unwrap_err();
    server.join();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    error
}

#[test]
fn a_stream_is_put_together() {
    let server = Endpoint::new(vec![
        stream(&[part("H"), part("i."), end()]),
        said("Whole."),
    ]);
    let mut model = open(&server);
    let reply = model.complete(&ask()).unwrap();
    assert_eq!((reply.text.as_str(), reply.finish), ("Hi.", Finish::Stop));
    assert_eq!((reply.prompt_tokens, reply.completion_tokens), (11, 2));
    let whole = model.complete(&ask()).unwrap();
    assert_eq!(whole.text, "Whole.", "a server that streams nothing");
    let asked = server.join();
    assert_eq!(asked[0].1["stream"], true);
    assert_eq!(asked[0].1["stream_options"], json!({"include_usage": true}));
}

#[test]
fn a_stream_that_breaks_off_is_asked_again() {
    let server = Endpoint::new(vec![stream(&[part("H")]), stream(&[part("Hi."), end()])]);
    assert_eq!(open(&server).complete(&ask()).unwrap().text, "Hi.");
    server.join();
}

#[test]
fn garbage_in_a_stream_is_an_error() {
    for (garbage, why) in [
        ("<html>\n\n".to_owned(), "not a stream of events"),
        (
            "data: {\"choices\": [{\"delta\": 7}]}\n\n".to_owned(),
            "not a part of a chat completion",
        ),
        (
            event(&json!({"error": {"message": "overloaded"}})),
            "overloaded",
        ),
        ("data: ".to_owned() + &"x".repeat(2 << 20), "has no end"),
    ] {
        let error = error(vec![stream(&[part("H"), garbage, end()])]);
        assert!(
            error.message().contains(why) && error.message().contains("tries: 1"),
            "{error}"
        );
    }
    let endless: Vec<String> = (0..5000).map(|_| part(&"x".repeat(1000))).collect();
    assert!(error(vec![stream(&endless)]).message().len() < 1000);
}

#[test]
fn a_deadline_ends_a_stream_with_what_was_said() {
    let begun = format!("{HEAD}{}", part("Hi"));
    let server = Endpoint::new(vec![Act::Hang(begun.into()), Act::Hang(HEAD.into())]);
    let mut model = open(&server);
    let request = Request {
        deadline: Some(Duration::from_secs(2)),
        ..ask()
    };
    let reply = model.complete(&request).unwrap();
    assert_eq!(
        (reply.text.as_str(), reply.finish),
        ("Hi", Finish::Deadline)
    );
    let error = model.complete(&request).unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Unavailable,
        "nothing was said: {error}"
    );
    server.join();
}

/// Whatever the server does by then; the next call is another one.
#[test]
fn a_call_is_given_up_by_who_waits_for_it() {
    let begun = format!("{HEAD}{}", part("Hi"));
    let busy = http("503 Service Unavailable", "retry-after: 60\r\n", "");
    for act in [Act::Hang(Vec::new()), Act::Hang(begun.into()), busy] {
        let server = Endpoint::new(vec![act, said("Hello.")]);
        let mut model = open(&server);
        let request = ask();
        let cancel = request.cancel.clone();
        let error = std::thread::scope(|scope| {
            let call = scope.spawn(|| model.complete(&request).unwrap_err());
            until("it is asked", || server.calls() == 1);
            cancel.cancel();
            call.join().unwrap()
        });
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().contains("given up"), "{error}");
        assert_eq!(model.complete(&ask()).unwrap().text, "Hello.");
        let error = model.complete(&request).unwrap_err();
        assert!(error.message().contains("given up"), "it asks nobody");
        assert_eq!(server.join().len(), 2);
    }
}

/// A reply that tells the likeliest first tokens.
fn odds(tokens: &[(&str, f64)]) -> Act {
    let top: Vec<_> = tokens
        .iter()
        .map(|(token, odds)| json!({"token": token, "logprob": odds.ln(), "bytes": null}))
        .collect();
    let content = json!([{"token": "x", "logprob": -1.0, "top_logprobs": top}]);
    let body = json!({
        "choices": [{"message": {"content": "x"}, "logprobs": {"content": content}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 1},
    });
    replied(&body)
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn odds_of_letters_take_one_call() {
    let server = Endpoint::new(vec![odds(&[("B", 0.5), ("A", 0.25), ("the", 0.125)])]);
    let mut model = open(&server);
    let letters = texts(&["A", "B", "C"]);
    let mut usage = Usage::default();
    let scores = model.score(&ask(), &letters, &mut usage).unwrap();
    assert_eq!(usage.calls, 1);
    let odds: Vec<f64> = scores.iter().map(|score| score.log.exp()).collect();
    for (told, expected) in odds.iter().zip([0.25, 0.5, 0.125]) {
        assert!((told - expected).abs() < 1e-9, "{odds:?}");
    }
    let asked = &server.join()[0].1;
    assert_eq!(
        (
            &asked["logprobs"],
            &asked["top_logprobs"],
            &asked["max_tokens"],
            &asked["stream"]
        ),
        (&json!(true), &json!(20), &json!(1), &json!(false))
    );
    assert_eq!(asked["messages"].as_array().unwrap().len(), 2);
}

#[test]
fn odds_of_verdicts_take_a_call_for_each_candidate() {
    let server = Endpoint::new(vec![
        odds(&[("yes", 0.5), ("No", 0.25)]),
        odds(&[(" no", 0.75), ("?", 0.1)]),
        odds(&[("yes", 0.5), ("No", 0.25)]),
        http("400 Bad Request", "", "enough"),
    ]);
    let mut model = open(&server);
    let verdicts = texts(&["c1: yes", "c1: no", "c2: yes", "c2: no"]);
    let mut usage = Usage::default();
    let scores = model.score(&ask(), &verdicts, &mut usage).unwrap();
    let told = Usage {
        calls: 2,
        prompt_tokens: 20,
        completion_tokens: 2,
    };
    assert_eq!(usage, told);
    let messages = model.count_messages(&ask().messages).unwrap();
    let foreseen = model.score_calls();
    assert_eq!(foreseen, ScoreCalls::ByLastWord);
    let foreseen = foreseen.usage(messages, &verdicts, model.counter().as_ref());
    let foreseen = foreseen.unwrap();
    assert_eq!((foreseen.calls, foreseen.completion_tokens), (2, 2));
    assert!(
        foreseen.prompt_tokens > 2 * messages,
        "the messages are sent twice, each with a question"
    );
    model.score(&ask(), &verdicts, &mut usage).unwrap_err();
    assert_eq!(
        (usage.calls, usage.prompt_tokens),
        (3, 30),
        "the first of two calls was made"
    );
    let odds: Vec<f64> = scores.iter().map(|score| score.log.exp()).collect();
    for (told, expected) in odds.iter().zip([0.5, 0.25, 0.1, 0.75]) {
        assert!((told - expected).abs() < 1e-9, "{odds:?}");
    }
    let asked = server.join();
    let last = asked[1].1["messages"][2]["content"].as_str().unwrap();
    assert!(last.contains("`c2:`"), "{last}");
}

#[test]
fn a_server_without_odds_says_so() {
    for (act, why) in [
        (said("A"), "does not tell how likely words are"),
        (
            odds(&[("the", 0.9), ("a", 0.05)]),
            "none of the answers is among the 2 likeliest words",
        ),
        (
            http("400 Bad Request", "", "logprobs is not supported"),
            "logprobs is not supported",
        ),
    ] {
        let server = Endpoint::new(vec![act]);
        let error = open(&server)
            .score(&ask(), &texts(&["A", "B"]), &mut Usage::default())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().contains(why), "{error}");
        server.join();
    }
}
