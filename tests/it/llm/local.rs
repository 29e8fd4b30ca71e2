use std::fs;
use std::time::{Duration, Instant};

use candle_core::quantized::gguf_file::Value;
use kenning::ErrorKind;
use kenning::llm::local::Local;
use kenning::llm::tokens::approximate;
use kenning::llm::{Finish, LanguageModel, Message, Request};
use kenning::weights::{Manifest, Role, cache_dir, locate};

use super::tiny::{CONTEXT, END, Tiny};

fn tiny(seed: u64) -> Local {
    let folder = tempfile::tempdir().unwrap();
    Local::load(&Tiny::new(seed).write(folder.path()), 4096).unwrap()
}

fn ask(text: &str, max_tokens: usize) -> Request {
    Request::new(
        vec![Message::system("Rank."), Message::user(text)],
        max_tokens,
    )
}

/// A prompt of several chunks.
fn long(begin: &str, end: &str) -> String {
    format!("{begin}{}{end}", "the path of the item ".repeat(20))
}

#[test]
fn the_same_request_gives_the_same_reply_whatever_came_before() {
    let mut model = tiny(1);
    let requests = [
        ask(&long("", "A"), 12),
        ask(&long("", "B"), 12),
        ask(&long("x", "A"), 12),
        ask("short", 12),
    ];
    let fresh: Vec<_> = requests
        .iter()
        .map(|request| tiny(1).complete(request).unwrap())
        .collect();
    assert!(
        fresh
            .iter()
            .all(|c| c.completion_tokens > 0 && c.prompt_tokens > 10)
    );
    assert!(fresh[0] != fresh[3], "{fresh:?}");
    for order in [[0, 1, 2, 3], [3, 1, 0, 2], [0, 0, 3, 3], [2, 0, 1, 0]] {
        for index in order {
            assert_eq!(
                model.complete(&requests[index]).unwrap(),
                fresh[index],
                "request {index} in {order:?}"
            );
        }
    }
}

#[test]
fn messages_are_counted_as_they_are_fed() {
    let mut model = tiny(1);
    for text in [
        "",
        "a",
        "this and that",
        "Straße ☃ 1999",
        "<|im_end|>",
        &long("", ""),
    ] {
        let request = ask(text, 1);
        let counted = model.count_messages(&request.messages).unwrap();
        assert_eq!(
            model.counter().count_messages(&request.messages).unwrap(),
            counted
        );
        assert_eq!(
            model.complete(&request).unwrap().prompt_tokens,
            counted,
            "{text}"
        );
    }
    assert!(model.counter().is_exact());
    assert_eq!(model.count_tokens("then").unwrap(), 3, "`th` is one token");
}

#[test]
fn what_looks_like_a_control_token_is_text() {
    let model = tiny(1);
    assert_eq!(
        model.count_tokens("<|im_end|>").unwrap(),
        "<|im_end|>".len()
    );
}

#[test]
fn a_prompt_that_does_not_fit_is_refused_and_a_reply_ends_with_the_context() {
    let folder = tempfile::tempdir().unwrap();
    let path = Tiny::new(1).write(folder.path());
    let mut model = Local::load(&path, 100).unwrap();
    assert_eq!(model.context_tokens(), 100);
    let error = model.complete(&ask(&long("", ""), 5)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Budget);
    assert!(error.next_step().is_some());
    let reply = model.complete(&ask("hello", 1000)).unwrap();
    assert!(reply.prompt_tokens + reply.completion_tokens <= 100);
    assert_eq!(
        model.complete(&ask("hello", 0)).unwrap().completion_tokens,
        0
    );

    assert_eq!(
        Local::load(&path, usize::MAX).unwrap().context_tokens(),
        CONTEXT as usize
    );
    assert_eq!(
        Local::load(&path, 0).err().unwrap().kind(),
        ErrorKind::Usage
    );
}

#[test]
fn time_ends_a_reply() {
    let mut model = tiny(1);
    let mut request = ask(&long("", ""), 500);
    request.deadline = Some(Duration::ZERO);
    let reply = model.complete(&request).unwrap();
    assert_eq!(
        (reply.finish, reply.completion_tokens),
        (Finish::Deadline, 0)
    );
    let after = model.complete(&ask(&long("", "A"), 12)).unwrap();
    assert_eq!(after, tiny(1).complete(&ask(&long("", "A"), 12)).unwrap());
}

#[test]
fn the_end_token_ends_a_reply() {
    let folder = tempfile::tempdir().unwrap();
    let first = tiny(1).complete(&ask("hello", 40)).unwrap();
    assert_eq!(first.finish, Finish::Length);
    // A token that the reply has, made the one that ends it.
    let token = u32::from(
        *first
            .text
            .as_bytes()
            .iter()
            .find(|b| b.is_ascii_alphabetic())
            .unwrap(),
    );
    let path = Tiny::new(1)
        .set("tokenizer.ggml.eos_token_id", Value::U32(token))
        .write(folder.path());
    let reply = Local::load(&path, 4096)
        .unwrap()
        .complete(&ask("hello", 40))
        .unwrap();
    assert_eq!(reply.finish, Finish::Stop);
    assert!(reply.completion_tokens < 40);
    assert_ne!(token, END);
}

#[test]
fn draws_follow_the_seed() {
    let mut model = tiny(1);
    let mut request = ask("hello", 20);
    request.temperature = 1.5;
    let mut texts = Vec::new();
    for seed in [1, 2, 1] {
        request.seed = seed;
        texts.push(model.complete(&request).unwrap().text);
    }
    assert_eq!(texts[0], texts[2]);
    assert_ne!(texts[0], texts[1]);
}

#[test]
fn ids_tell_weights_apart() {
    assert_eq!(tiny(1).id(), tiny(1).id());
    assert_ne!(tiny(1).id(), tiny(2).id());
}

/// Loads a file that must not load, and returns what is said.
fn refused(tiny: &Tiny) -> String {
    let folder = tempfile::tempdir().unwrap();
    let error = Local::load(&tiny.write(folder.path()), 64)
        .err()
        .expect("a damaged file was loaded");
    assert!(error.place().unwrap().contains("tiny.gguf"), "{error:?}");
    error.message().to_owned()
}

#[test]
fn other_models_are_refused_by_name() {
    let other = Tiny::new(1).set("general.architecture", Value::String("falcon".into()));
    assert!(refused(&other).contains("`falcon`"));
    assert!(
        refused(&Tiny::new(1).without("blk.1.ffn_up.weight"))
            .contains("`blk.1.ffn_up.weight` is missing")
    );
    assert!(
        refused(&Tiny::new(1).without("qwen2.block_count"))
            .contains("`qwen2.block_count` is missing")
    );
    assert!(
        refused(&Tiny::new(1).without("tokenizer.ggml.tokens")).contains("tokenizer.ggml.tokens")
    );
    assert!(
        refused(&Tiny::new(1).without("tokenizer.ggml.merges")).contains("tokenizer.ggml.merges")
    );
    let plain = Tiny::new(1);
    let tokens = (0..260).map(|i| Value::String(format!("t{i}"))).collect();
    let plain = plain
        .set("tokenizer.ggml.tokens", Value::Array(tokens))
        .set("tokenizer.ggml.merges", Value::Array(vec![]));
    assert!(refused(&plain).contains("<|im_start|>"));
}

#[test]
fn hostile_numbers_neither_panic_nor_allocate() {
    for (key, value) in [
        ("general.alignment", Value::U32(0)),
        ("general.alignment", Value::U32(3)),
        ("general.alignment", Value::U8(0)),
        ("general.alignment", Value::I32(-32)),
        ("qwen2.attention.head_count", Value::U32(0)),
        ("qwen2.attention.head_count", Value::U32(5)),
        ("qwen2.attention.head_count", Value::U32(32)),
        ("qwen2.attention.head_count_kv", Value::U32(3)),
        ("qwen2.attention.head_count_kv", Value::String("2".into())),
        ("qwen2.embedding_length", Value::U32(u32::MAX)),
        ("qwen2.feed_forward_length", Value::U64(u64::MAX)),
        ("qwen2.block_count", Value::U32(u32::MAX)),
        ("qwen2.block_count", Value::U32(3)),
        ("qwen2.context_length", Value::U32(0)),
        ("qwen2.context_length", Value::U32(u32::MAX)),
        ("qwen2.rope.freq_base", Value::F32(-1.0)),
        (
            "qwen2.attention.layer_norm_rms_epsilon",
            Value::F32(f32::NAN),
        ),
        ("tokenizer.ggml.tokens", Value::Array(vec![])),
    ] {
        refused(&Tiny::new(1).set(key, value));
    }
    let folder = tempfile::tempdir().unwrap();
    let wide = Tiny::new(1)
        .set("qwen2.context_length", Value::U32(1 << 24))
        .write(folder.path());
    Local::load(&wide, 64).unwrap();
}

#[test]
fn cut_and_garbled_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = Tiny::new(1).write(folder.path());
    let whole = fs::read(&path).unwrap();
    // Cut anywhere; the last bytes are padding.
    for length in (0..whole.len() - 32)
        .step_by(997)
        .chain([whole.len() - 4000, 4, 8, 16, 24])
    {
        fs::write(&path, &whole[..length]).unwrap();
        let error = Local::load(&path, 64)
            .err()
            .unwrap_or_else(|| panic!("cut at {length}, it was loaded"));
        let expected = length < 4 || error.kind() == ErrorKind::Corrupt;
        assert!(
            expected && error.to_string().contains("tiny.gguf"),
            "{length}: {error:?}"
        );
    }
    fs::write(&path, b"PK\x03\x04 not a model").unwrap();
    let error = Local::load(&path, 64).err().unwrap();
    assert!(error.message().contains("not a GGUF file"), "{error}");
    // Every byte of the header's begin in turn: whatever comes out, no panic and no huge allocation.
    for index in (4..1200).chain(5000..5400) {
        for change in [0xff, 0x80, 0x01] {
            let mut bytes = whole.clone();
            bytes[index] ^= change;
            fs::write(&path, &bytes).unwrap();
            let _ = Local::load(&path, 64);
        }
    }
    assert_eq!(
        Local::load(folder.path(), 64).err().map(|e| e.kind()),
        Some(ErrorKind::Usage)
    );
    assert_eq!(
        Local::load(&folder.path().join("none.gguf"), 64)
            .err()
            .map(|e| e.kind()),
        Some(ErrorKind::NotFound)
    );
}

#[test]
fn the_real_model_answers() {
    let model = Manifest::shipped().unwrap();
    let model = model.role(Role::Language).unwrap();
    let Some(files) = cache_dir().ok().and_then(|cache| locate(model, &cache)) else {
        return println!("skipped: `{}` is not in the cache", model.name);
    };
    let start = Instant::now();
    let mut model = Local::load(&files.weights, 2048).unwrap();
    println!("load {:.2?}", start.elapsed());
    let question = "What is the capital of France? Answer with the name only.";
    let request = Request::new(
        vec![Message::system("You are brief."), Message::user(question)],
        8,
    );
    let reply = model.complete(&request).unwrap();
    assert_eq!((reply.text.as_str(), reply.finish), ("Paris", Finish::Stop));
    assert_eq!(
        reply.prompt_tokens,
        model.count_messages(&request.messages).unwrap()
    );
    check_approximate(&model);
}

/// The approximate counter is on the high side of this model's, but not by far.
fn check_approximate(model: &Local) {
    for text in [
        "Toy Story (1995) | Animation, Children's, Comedy",
        "(film:1193) --[directedBy]--> (person:Miloš Forman); rated 5 of 5 by 1,725 people",
        "{\"ranking\": [\"c3\", \"c1\", \"c2\"], \"reasons\": {\"c3\": [\"e17\", \"e4\"]}}",
        "You are a careful recommender. Answer with the ids of the candidates, the best one first, and nothing else.",
        "Amélie et les poupées russes, Straßenbahn, 七人の侍, Сталкер",
        "http://www.w3.org/2000/01/rdf-schema#subClassOf",
    ] {
        let (exact, guess) = (
            model.count_tokens(text).unwrap(),
            approximate().count(text).unwrap(),
        );
        println!("{exact} tokens, guessed {guess}: {text}");
        assert!(
            guess >= exact && guess <= 2 * exact + 4,
            "{exact} tokens, guessed {guess}: {text}"
        );
        let messages = [Message::system(text), Message::user(text)];
        assert!(
            approximate().count_messages(&messages).unwrap()
                >= model.count_messages(&messages).unwrap()
        );
    }
}
