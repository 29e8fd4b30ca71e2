//! Likelihoods, and replies that can only be valid, on a tiny random model.

use super::tiny::Tiny;
use kenning::llm::local::Local;
use kenning::llm::replay::{Recording, Replay};
use kenning::llm::settings::ReplaySettings;
use kenning::llm::{Finish, Ids, LanguageModel, Likelihood, Message, Request, ScoreCalls, Usage};
use kenning::{ErrorKind, Result};
use serde_json::Value;
use std::time::Duration;

fn tiny(seed: u64) -> Local {
    let folder = tempfile::tempdir().unwrap();
    Local::load(&Tiny::new(seed).write(folder.path()), 4096).unwrap()
}

fn asked(text: &str) -> Request {
    Request::new(vec![Message::system("Rank."), Message::user(text)], 400)
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|&text| text.to_owned()).collect()
}

fn likely(
    model: &mut dyn LanguageModel,
    request: &Request,
    texts: &[String],
) -> Result<Vec<Likelihood>> {
    model.score(request, texts, &mut Usage::default())
}

/// What texts begin with alike is computed once, their last tokens are not, and all that is computed is counted.
#[test]
fn the_tokens_of_scores_are_counted() {
    let mut model = tiny(1);
    let request = asked("a question");
    let messages = model.count_messages(&request.messages).unwrap();
    let mut usage = Usage::default();
    for (list, more) in [(&["A", "B"][..], 0), (&["abcx", "abcy", "abd"], 3)] {
        let texts = texts(list);
        let most = model.score_calls();
        assert_eq!(most, ScoreCalls::One);
        let most = most.usage(messages, &texts, model.counter().as_ref());
        let most = most.unwrap().prompt_tokens;
        let before = usage;
        model.score(&request, &texts, &mut usage).unwrap();
        let taken = usage.prompt_tokens - before.prompt_tokens;
        assert_eq!(
            (usage.calls, usage.completion_tokens),
            (before.calls + 1, 0)
        );
        assert_eq!(taken, messages + more, "{list:?}");
        assert!(taken <= most, "{taken} {most}");
    }
}

/// Packed behind one prompt or each by itself: the same likelihoods, within what grouping changes.
#[test]
fn packed_equals_one_by_one() {
    let mut model = tiny(1);
    let long = "the path of the item ".repeat(20);
    let many: Vec<String> = (0..40)
        .map(|i| format!("title number {i}{}", "!".repeat(i % 7)))
        .collect();
    for prompt in ["short", long.as_str()] {
        let request = asked(prompt);
        let packed = likely(&mut model, &request, &many).unwrap();
        assert_eq!(
            packed,
            likely(&mut model, &request, &many).unwrap(),
            "equal requests give equal scores"
        );
        for (text, packed) in many.iter().zip(&packed) {
            let alone = likely(&mut model, &request, std::slice::from_ref(text)).unwrap()[0];
            assert_eq!(alone.tokens, packed.tokens);
            assert!(
                (alone.log - packed.log).abs() < 1e-3,
                "{text}: {alone:?} {packed:?}"
            );
        }
    }
}

/// A text's likelihood is the product of what each of its tokens has behind those before it.
#[test]
fn likelihoods_follow_the_chain_rule_and_add_up() {
    let mut model = tiny(2);
    let request = asked("a question");
    let whole = likely(&mut model, &request, &texts(&["abc"])).unwrap()[0];
    let begun = |begin: &str| {
        let mut request = request.clone();
        request.messages.push(Message::assistant(begin));
        request
    };
    let mut sum = 0.0;
    for (begin, next) in [("", "a"), ("a", "b"), ("ab", "c")] {
        sum += likely(&mut model, &begun(begin), &texts(&[next])).unwrap()[0].log;
    }
    assert!((whole.log - sum).abs() < 1e-3, "{} {sum}", whole.log);
    assert_eq!(whole.tokens, 3);
    // Every token of the vocabulary that is one byte of ASCII: together less than everything.
    let bytes: Vec<String> = (32u8..127).map(|b| char::from(b).to_string()).collect();
    let all: f64 = likely(&mut model, &request, &bytes)
        .unwrap()
        .iter()
        .map(|l| l.log.exp())
        .sum();
    assert!(all > 0.0 && all < 1.0, "{all}");
    let nothing = likely(&mut model, &request, &texts(&[""])).unwrap();
    assert_eq!(
        nothing,
        [Likelihood {
            log: 0.0,
            tokens: 0
        }]
    );
}

#[test]
fn scoring_leaves_no_trace_and_keeps_its_limits() {
    let mut model = tiny(3);
    let request = asked("a question");
    let before = tiny(3).complete(&request).unwrap();
    likely(&mut model, &request, &texts(&["one", "two", "three"])).unwrap();
    assert_eq!(model.complete(&request).unwrap(), before);
    let long = likely(&mut model, &request, &texts(&[&"x".repeat(5000)])).unwrap_err();
    assert_eq!(long.kind(), ErrorKind::Budget);
    let mut late = request.clone();
    late.deadline = Some(Duration::ZERO);
    let error = likely(&mut model, &late, &texts(&["one"])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    request.cancel.cancel();
    for error in [
        likely(&mut model, &request, &texts(&["one"])).unwrap_err(),
        model.complete(&request).unwrap_err(),
    ] {
        assert!(error.message().contains("given up"), "{error}");
    }
}

fn ids(count: usize, evidence: Option<Vec<Vec<String>>>) -> Ids {
    Ids {
        candidates: (1..=count).map(|i| format!("c{i}")).collect(),
        evidence,
    }
}

/// Random weights write nonsense; held to the contract they write a ranking.
#[test]
fn an_invalid_answer_cannot_be_written() {
    for seed in 1..6 {
        let mut model = tiny(seed);
        for count in [1, 2, 12] {
            let about: Vec<Vec<String>> = (0..count)
                .map(|c| (0..c % 4).map(|e| format!("e{}", c * 3 + e)).collect())
                .collect();
            for evidence in [None, Some(about.clone())] {
                let mut request = asked("rank");
                request.ids = Some(ids(count, evidence.clone()));
                let reply = model.complete(&request).unwrap();
                assert_eq!(reply.finish, Finish::Stop, "{}", reply.text);
                let value: Value = serde_json::from_str(&reply.text)
                    .unwrap_or_else(|e| panic!("{e}: {}", reply.text));
                let mut ranked: Vec<&str> = value["ranking"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|id| id.as_str().unwrap())
                    .collect();
                ranked.sort_unstable();
                ranked.dedup();
                assert_eq!(ranked.len(), count, "{}", reply.text);
                let Some(evidence) = evidence else {
                    assert!(value.get("because").is_none());
                    continue;
                };
                let because = value["because"].as_object().unwrap();
                assert_eq!(because.len(), count);
                for (index, about) in evidence.iter().enumerate() {
                    let cited = because[&format!("c{}", index + 1)].as_array().unwrap();
                    assert!(
                        cited.len() <= 2
                            && cited
                                .iter()
                                .all(|id| about.contains(&id.as_str().unwrap().to_owned())),
                        "{}",
                        reply.text
                    );
                }
            }
        }
    }
}

#[test]
fn a_guided_reply_that_is_cut_off_says_so() {
    let mut model = tiny(1);
    let mut request = asked("rank");
    request.ids = Some(ids(12, None));
    request.max_tokens = 20;
    assert_eq!(model.complete(&request).unwrap().finish, Finish::Length);
}

#[test]
fn likelihoods_are_recorded_and_said_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replies.jsonl");
    let request = asked("a question");
    let options = texts(&["A", "B"]);
    let mut recording = Recording::new(tiny(4), &path).unwrap();
    let scores = likely(&mut recording, &request, &options).unwrap();
    let reply = recording.complete(&request).unwrap();
    let mut replay = Replay::open(&ReplaySettings::new(&path)).unwrap();
    assert_eq!(likely(&mut replay, &request, &options).unwrap(), scores);
    assert_eq!(replay.complete(&request).unwrap(), reply);
    let other = likely(&mut replay, &request, &texts(&["A"])).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Unavailable);
    std::fs::write(&path, "{\"key\": \"*\"}\n").unwrap();
    assert_eq!(
        Replay::open(&ReplaySettings::new(&path))
            .err()
            .unwrap()
            .kind(),
        ErrorKind::Input
    );
}
