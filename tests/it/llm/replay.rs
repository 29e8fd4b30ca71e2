use std::fs;

use kenning::ErrorKind;
use kenning::llm::replay::{Recording, Replay, key};
use kenning::llm::settings::ReplaySettings;
use kenning::llm::{Completion, Finish, LanguageModel, Message, Request};

fn settings(path: &std::path::Path) -> ReplaySettings {
    ReplaySettings {
        path: path.to_owned(),
        context_tokens: 100,
        tokenizer: None,
    }
}

fn reply(text: &str) -> Completion {
    Completion {
        text: text.into(),
        prompt_tokens: 3,
        completion_tokens: 1,
        finish: Finish::Stop,
    }
}

fn line(key: &str, text: &str) -> String {
    format!(
        "{}\n",
        serde_json::json!({"key": key, "completion": reply(text)})
    )
}

fn ask(text: &str) -> Request {
    Request::new(vec![Message::user(text)], 10)
}

#[test]
fn replies_are_found_by_their_messages() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replies.jsonl");
    let known = ask("known");
    fs::write(
        &path,
        line(&key(&known.messages), "old") + &line(&key(&known.messages), "new"),
    )
    .unwrap();
    let mut model = Replay::open(&settings(&path)).unwrap();
    assert_eq!(model.complete(&known).unwrap(), reply("new"));
    let error = model.complete(&ask("unknown")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains(&key(&ask("unknown").messages)));

    fs::write(
        &path,
        line("*", "any") + "\n" + &line(&key(&known.messages), "new"),
    )
    .unwrap();
    let mut model = Replay::open(&settings(&path)).unwrap();
    assert_eq!(model.complete(&ask("unknown")).unwrap(), reply("any"));
    assert_eq!(model.complete(&known).unwrap(), reply("new"));
    assert!(!model.counter().is_exact());
}

#[test]
fn a_recording_replays() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (
        folder.path().join("from.jsonl"),
        folder.path().join("to.jsonl"),
    );
    fs::write(&from, line("*", "said")).unwrap();
    let model: Box<dyn LanguageModel> = Box::new(Replay::open(&settings(&from)).unwrap());
    let mut recording = Recording::new(model, &to).unwrap();
    recording.complete(&ask("first")).unwrap();
    recording.complete(&ask("second")).unwrap();
    let mut again = Replay::open(&settings(&to)).unwrap();
    assert_eq!(again.complete(&ask("second")).unwrap(), reply("said"));
    assert!(again.complete(&ask("third")).is_err());
}

#[test]
fn a_line_that_is_no_reply_is_pointed_at() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replies.jsonl");
    fs::write(&path, line("*", "any") + "{\"key\": \"*\", \"compl").unwrap();
    let error = Replay::open(&settings(&path)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Input);
    assert!(error.place().unwrap().ends_with("replies.jsonl:2"));
    let none = Replay::open(&settings(&folder.path().join("none")))
        .err()
        .unwrap();
    assert_eq!(none.kind(), ErrorKind::NotFound);
}

#[test]
fn keys_tell_roles_and_borders_apart() {
    let conversations = [
        vec![Message::user("ab"), Message::user("c")],
        vec![Message::user("a"), Message::user("bc")],
        vec![Message::user("abc")],
        vec![Message::system("abc")],
        vec![],
    ];
    let mut keys: Vec<_> = conversations.iter().map(|messages| key(messages)).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), conversations.len());
}
