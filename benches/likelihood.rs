//! What it costs to score twenty continuations of one prompt, beside the prompt alone.
//!
//! `cargo bench --bench likelihood` asks the language model that `kenning model pull` fetched how likely one continuation of
//! a prompt of about 1,300 tokens is, and how likely twenty are, in turns, and prints the medians. Each prompt begins
//! otherwise, so that nothing of it is kept from the one before. Set `CANDLE_NUM_THREADS` to the cores that are free.

use kenning::llm::settings::LocalSettings;
use kenning::llm::{LanguageModel, Message, Request, Settings, open};
use std::time::Instant;

const RUNS: usize = 5;
const TITLES: usize = 20;
const TOKENS: usize = 1300;

fn main() {
    let mut model = match open(&Settings::Local(LocalSettings::default())) {
        Ok(model) => model,
        Err(error) => return println!("{error}: nothing is measured"),
    };
    let titles: Vec<String> = (0..TITLES)
        .map(|n| {
            format!(
                " The {} of the Winter Garden ({})",
                ORDINALS[n % ORDINALS.len()],
                1970 + n
            )
        })
        .collect();
    let (mut one, mut all, mut tokens) = (Vec::new(), Vec::new(), 0);
    for run in 0..RUNS {
        for (times, titles) in [(&mut one, &titles[..1]), (&mut all, &titles[..])] {
            let prompt = prompt(model.as_ref(), &format!("{run}-{}", titles.len()));
            tokens = model.count_tokens(&prompt).unwrap();
            let request = Request::new(vec![Message::user(prompt)], 1);
            let started = Instant::now();
            model.score(&request, titles).unwrap();
            times.push(started.elapsed().as_secs_f64());
        }
    }
    let (one, all) = (median(one), median(all));
    println!("| {tokens} tokens, {} | s |\n|---|---|", model.id());
    println!("| and one continuation | {one:.2} |");
    println!("| and {TITLES} continuations | {all:.2} |");
    println!("\n{:.1} % more", (all / one - 1.0) * 100.0);
}

const ORDINALS: [&str; 5] = [
    "First Night",
    "Second Letter",
    "Third House",
    "Fourth Song",
    "Fifth Road",
];

/// A prompt that begins with `mark`.
fn prompt(model: &dyn LanguageModel, mark: &str) -> String {
    let mut text = format!("List {mark}. Films that somebody liked:\n");
    let mut number = 0;
    while model.count_tokens(&text).unwrap() < TOKENS {
        number += 1;
        text += &format!(
            "- {} number {number}, a drama of {}\n",
            ORDINALS[number % 5],
            1950 + number % 70
        );
    }
    text + "Which film do they want to see next?"
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
