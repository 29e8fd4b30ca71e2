//! What it costs to score continuations of one prompt, beside the prompt alone.
//!
//! `cargo bench --bench likelihood` asks the language model that `kenning model pull` fetched how likely one letter is behind
//! a prompt of about 1,300 tokens, and how likely several texts are: letters and verdicts, as rankings ask for them, titles
//! of films, and made-up titles that share words. All in turns; it prints medians of the processor's time, which counts
//! threads that wait: set `CANDLE_NUM_THREADS=1 RAYON_NUM_THREADS=1`. Each prompt begins otherwise, so that nothing of it is
//! kept from the one before. `KENNING_BENCH_RUNS` says how often, three times without it.

#[expect(dead_code, reason = "other benches need the rest")]
mod tables;

use kenning::llm::settings::LocalSettings;
use kenning::llm::{LanguageModel, Message, Request, Settings, Usage, open};
use tables::processor;

const TITLES: usize = 20;
const TOKENS: usize = 1300;

fn main() {
    let mut model = match open(&Settings::Local(LocalSettings::default())) {
        Ok(model) => model,
        Err(error) => return println!("{error}: nothing is measured"),
    };
    let runs = std::env::var("KENNING_BENCH_RUNS").ok();
    let runs: usize = runs.map_or(3, |runs| runs.parse().unwrap());
    let kinds = kinds();
    let mut times = vec![Vec::new(); kinds.len()];
    let mut tokens = 0;
    for run in 0..runs {
        for (place, (_, texts)) in kinds.iter().enumerate() {
            let prompt = prompt(model.as_ref(), &format!("{run}-{place}"));
            tokens = model.count_tokens(&prompt).unwrap();
            let request = Request::new(vec![Message::user(prompt)], 1);
            let started = processor();
            model.score(&request, texts, &mut Usage::default()).unwrap();
            times[place].push(processor() - started);
        }
    }
    println!(
        "| {tokens} tokens, {} | tokens of the texts | s | more |\n|---|---|---|---|",
        model.id()
    );
    let medians: Vec<f64> = times.into_iter().map(median).collect();
    for ((name, texts), time) in kinds.iter().zip(&medians) {
        let tokens = texts.iter().map(|text| model.count_tokens(text).unwrap());
        let (tokens, more) = (tokens.sum::<usize>(), (time / medians[0] - 1.0) * 100.0);
        println!("| and {name} | {tokens} | {time:.2} | {more:.1} % |");
    }
}

/// What is scored, the least first.
fn kinds() -> Vec<(&'static str, Vec<String>)> {
    let letters: Vec<String> = ('A'..='T').map(String::from).collect();
    let verdict = |n| ["yes", "no"].map(|word| format!("c{n}: {word}"));
    let shared = |n: usize| {
        let ordinal = ORDINALS[n % ORDINALS.len()];
        format!(" The {ordinal} of the Winter Garden ({})", 1970 + n)
    };
    vec![
        ("one letter", letters[..1].to_vec()),
        ("20 letters", letters),
        (
            "20 verdicts, yes or no",
            (1..=TITLES).flat_map(verdict).collect(),
        ),
        (
            "20 titles of films without their years",
            FILMS
                .map(|title| format!(" {}", title.split(" (").next().unwrap_or_default()))
                .into(),
        ),
        (
            "20 titles of films",
            FILMS.map(|title| format!(" {title}")).into(),
        ),
        (
            "20 titles that share words",
            (0..TITLES).map(shared).collect(),
        ),
    ]
}

const FILMS: [&str; TITLES] = [
    "Toy Story (1995)",
    "Grumpier Old Men (1995)",
    "Twelve Monkeys (a.k.a. 12 Monkeys) (1995)",
    "Seven (a.k.a. Se7en) (1995)",
    "The Usual Suspects (1995)",
    "Braveheart (1995)",
    "Rob Roy (1995)",
    "Clerks (1994)",
    "Star Wars: Episode IV - A New Hope (1977)",
    "Pulp Fiction (1994)",
    "The Shawshank Redemption (1994)",
    "Forrest Gump (1994)",
    "The Lion King (1994)",
    "Blade Runner (1982)",
    "Dances with Wolves (1990)",
    "The Silence of the Lambs (1991)",
    "Fargo (1996)",
    "Monty Python and the Holy Grail (1975)",
    "Raiders of the Lost Ark (1981)",
    "The Terminator (1984)",
];

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
