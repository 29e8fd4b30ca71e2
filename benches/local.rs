//! Models in this process, beside llama.cpp and onnxruntime on the same files.
//!
//! `cargo bench --bench local` asks the language model that `kenning model pull` fetched: tokens a second of prompts of 512 and
//! 1,300 tokens, and of a reply of 64; and the embedder: texts a second, of 1,000 made-up titles and descriptions. With
//! `KENNING_PYTHON` set to a Python that has `llama-cpp-python`, `onnx` and `onnxruntime`, `benches/local.py` does the same
//! afterwards, and the ratios are printed; vectors have to be the same. Language models have one thread; embedders have two
//! workers of one thread each, which take batches of texts of one length from the longest on. `KENNING_BENCH_PARTS=prefill,decode,embedding`
//! says what is measured; each figure is the best of three.
//!
//! Set `CANDLE_NUM_THREADS=1 RAYON_NUM_THREADS=1`; on a busy machine both sides need priority:
//! `chrt -f 10 taskset -c 0 cargo bench --bench local`, with two cores for the embedders.

use kenning::embedding::Embedder;
use kenning::llm::settings::LocalSettings;
use kenning::llm::{LanguageModel, Message, Request, Settings, Usage, open};
use kenning::weights::{Manifest, Role, cache_dir, locate};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Instant;

/// As in the program.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 3;
const PROMPTS: [usize; 2] = [512, 1300];
const REPLY: usize = 64;
const TEXTS: usize = 1000;

fn main() {
    let parts = std::env::var("KENNING_BENCH_PARTS");
    let parts = parts.unwrap_or_else(|_| "prefill,decode,embedding".into());
    let has = |part: &str| parts.split(',').any(|named| named == part);
    let mut asked = json!({"runs": RUNS});
    let mut ours: Vec<(String, f64)> = Vec::new();
    if has("prefill") || has("decode") {
        let mut model = open(&Settings::Local(LocalSettings::default())).unwrap();
        asked["model"] = json!(file(Role::Language, "weights"));
        if has("prefill") {
            let prompts = PROMPTS.map(|tokens| prompts(model.as_ref(), tokens));
            for (tokens, prompts) in PROMPTS.iter().zip(&prompts) {
                ours.push((
                    format!("prompt of {tokens}"),
                    prefill(model.as_mut(), prompts),
                ));
            }
            asked["prompts"] = json!(prompts);
        }
        if has("decode") {
            asked["reply"] = json!(REPLY);
            ours.push((format!("reply of {REPLY}"), decode(model.as_mut())));
        }
    }
    if has("embedding") {
        let texts: Vec<String> = (0..TEXTS).map(text).collect();
        let embedder = Embedder::load(file(Role::Embedder, "folder").as_ref()).unwrap();
        let texts_of: Vec<&str> = texts.iter().map(String::as_str).collect();
        let best = best(|| drop(embedder.embed(&texts_of).unwrap()));
        ours.push(("texts".into(), TEXTS as f64 / best));
        asked["embedder"] = json!(file(Role::Embedder, "folder"));
        asked["vectors"] = json!(embedder.embed(&texts_of[..20]).unwrap());
        asked["texts"] = json!(texts);
    }
    let theirs = compare(&asked);
    println!("| a second | kenning | the other | ratio |\n|---|---|---|---|");
    for (name, rate) in ours {
        let other = theirs[&name].as_f64();
        let cell = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.2}"));
        let ratio = other.map(|other| rate / other);
        println!("| {name} | {rate:.2} | {} | {} |", cell(other), cell(ratio));
    }
}

fn file(role: Role, what: &str) -> String {
    let manifest = Manifest::shipped().unwrap();
    let files = locate(manifest.role(role).unwrap(), &cache_dir().unwrap());
    let files = files.expect("`kenning model pull` fetches the models");
    let path = if what == "folder" {
        files.folder
    } else {
        files.weights
    };
    path.display().to_string()
}

fn best(mut run: impl FnMut()) -> f64 {
    let seconds = (0..RUNS).map(|_| {
        let started = Instant::now();
        run();
        started.elapsed().as_secs_f64()
    });
    seconds.fold(f64::INFINITY, f64::min)
}

/// Prompts of so many tokens that begin otherwise, so that nothing of one is kept for the next.
fn prompts(model: &dyn LanguageModel, tokens: usize) -> Vec<String> {
    let prompt = |run: usize| {
        let mut prompt = format!("List {run}. Films that somebody liked:\n");
        let mut number = 0;
        while model.count_tokens(&prompt).unwrap() < tokens {
            prompt += &format!("- {}\n", text(number));
            number += 1;
        }
        prompt
    };
    (0..RUNS).map(prompt).collect()
}

/// Tokens of prompts a second.
fn prefill(model: &mut dyn LanguageModel, prompts: &[String]) -> f64 {
    let rate = |prompt: &String| {
        let request = Request::new(vec![Message::user(prompt)], 1);
        let mut usage = Usage::default();
        let started = Instant::now();
        model.score(&request, &["A".into()], &mut usage).unwrap();
        usage.prompt_tokens as f64 / started.elapsed().as_secs_f64()
    };
    prompts.iter().map(rate).fold(0.0, f64::max)
}

/// Tokens of a reply a second, without its prompt.
fn decode(model: &mut dyn LanguageModel) -> f64 {
    let mut rates = (0..RUNS).map(|_| {
        let mut time = |tokens: usize| {
            let asked = Message::user("Write a long story about a lighthouse.");
            let started = Instant::now();
            let reply = model.complete(&Request::new(vec![asked], tokens)).unwrap();
            (reply.completion_tokens, started.elapsed().as_secs_f64())
        };
        let (one, all) = (time(1), time(REPLY + 1));
        (all.0 - one.0) as f64 / (all.1 - one.1)
    });
    let first = rates.next().unwrap_or(0.0);
    rates.fold(first, f64::max)
}

/// A title, or a longer description.
fn text(number: usize) -> String {
    let what = [
        "First Night",
        "Second Letter",
        "Third House",
        "Fourth Song",
        "Fifth Road",
    ];
    let where_ = [
        "Garden", "Harbour", "Mountain", "City", "Island", "Desert", "Forest",
    ];
    let (what, place) = (what[number % 5], where_[number % 7]);
    let title = format!("The {what} of the {place} ({})", 1950 + number % 70);
    match number % 4 {
        0 => format!(
            "{title}: a drama of two people who meet again after {} years",
            2 + number % 90
        ),
        _ => title,
    }
}

/// What the others need for the same, by the names of the figures.
fn compare(asked: &Value) -> Value {
    let Some(python) = std::env::var_os("KENNING_PYTHON") else {
        println!("without `KENNING_PYTHON` nothing is compared\n");
        return Value::Null;
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), asked.to_string()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/local.py");
    let output = Command::new(python).arg(script).arg(file.path()).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"))
}
