//! A gazetteer of two million labels: how fast it is built and reads, and what it holds in memory, beside an automaton
//! over the same labels; labels that are all equal; one long text.

#[expect(dead_code, reason = "other benches need the rest")]
mod tables;

use aho_corasick::{AhoCorasick, MatchKind};
use kenning::extraction;
use kenning::extraction::aspects::Aspects;
use kenning::extraction::patterns::Patterns;
use kenning::extraction::text::{Concept, Gazetteer, LabelKind};
use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::store::Store;
use std::time::Instant;
use tables::{Numbers, memory};

const LABELS: usize = 2_000_000;
const WORDS: usize = 200_000;

fn main() {
    let mut numbers = Numbers::new(7);
    let labels: Vec<String> = (0..LABELS).map(|_| label(&mut numbers)).collect();
    let bytes: usize = labels.iter().map(String::len).sum();
    println!("{LABELS} labels of {:.1} MB", mega(bytes));

    let before = resident();
    let (gazetteer, seconds) =
        timed(|| Gazetteer::new(labels.iter().enumerate().map(concept), &[]).unwrap());
    println!(
        "gazetteer: built in {seconds:.2} s, {:.0} MiB resident",
        (resident() - before)
    );

    let text: Vec<String> = (0..400_000)
        .map(|n| match n % 3 {
            0 => labels[numbers.below(LABELS)].clone(),
            _ => word(numbers.below(WORDS)),
        })
        .collect();
    let texts: Vec<String> = text.chunks(12).map(|words| words.join(" ")).collect();
    let bytes: usize = texts.iter().map(String::len).sum();
    let (found, seconds) = timed(|| {
        texts
            .iter()
            .map(|text| gazetteer.find(text).len())
            .sum::<usize>()
    });
    println!(
        "gazetteer: reads {:.1} MB/s, one thread, {found} matches",
        mega(bytes) / seconds
    );

    let long = texts.join(". ").repeat(1 + 100_000_000 / bytes);
    let before = resident();
    let (reading, seconds) = timed(|| extraction::read(&gazetteer, &long));
    println!(
        "gazetteer: one text of {:.0} MB in {seconds:.1} s, {:.1} MB/s, {} concepts, {:.0} MiB more resident",
        mega(long.len()),
        mega(long.len()) / seconds,
        reading.findings.len(),
        (resident() - before)
    );
    drop((gazetteer, reading));

    let store = Store::new().unwrap();
    for text in [
        include_str!("../ontologies/measures.ttl"),
        include_str!("../ontologies/opinions.ttl"),
        include_str!("../ontologies/film-aspects.ttl"),
    ] {
        store
            .load_from_slice(RdfParser::from_format(RdfFormat::Turtle), text)
            .unwrap();
    }
    let some = &long[..long.floor_char_boundary(2_000_000)];
    for extractor in [
        &Patterns::from_store(&store).unwrap() as &dyn extraction::Extractor,
        &Aspects::from_store(&store).unwrap(),
    ] {
        let (_, seconds) = timed(|| extraction::read(extractor, some));
        println!(
            "{}: reads {:.1} MB/s, one thread",
            extractor.name(),
            mega(some.len()) / seconds
        );
    }

    let equal = (0..1_000_000).map(|n| Concept {
        iri: format!("https://example.org/c{n}"),
        property: "https://example.org/p".into(),
        labels: vec![(LabelKind::Preferred, "the same label".into())],
    });
    let before = resident();
    let (gazetteer, seconds) = timed(|| Gazetteer::new(equal, &[]).unwrap());
    println!(
        "1,000,000 equal labels: built in {seconds:.2} s, {:.0} MiB resident",
        (resident() - before)
    );
    let (reading, seconds) = timed(|| extraction::read(&gazetteer, "is it the same label?"));
    println!(
        "1,000,000 equal labels: {:.1} ms, put aside: {:?}",
        seconds * 1e3,
        reading.aside[0].reason
    );
    drop(gazetteer);

    let before = resident();
    let folded: Vec<String> = labels
        .iter()
        .map(|label| format!(" {} ", label.replace(' ', "  ")))
        .collect();
    let (automaton, seconds) = timed(|| {
        AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&folded)
            .unwrap()
    });
    println!(
        "automaton: built in {seconds:.2} s, {:.0} MB of its own, {:.0} MiB resident with its labels",
        mega(automaton.memory_usage()),
        (resident() - before)
    );
    let (found, seconds) = timed(|| {
        texts
            .iter()
            .map(|text| {
                let folded = format!(" {} ", text.replace(' ', "  "));
                automaton.find_iter(&folded).count()
            })
            .sum::<usize>()
    });
    println!(
        "automaton: reads {:.1} MB/s, one thread, {found} matches",
        mega(bytes) / seconds
    );
}

fn concept((number, label): (usize, &String)) -> Concept {
    Concept {
        iri: format!("https://example.org/concept/{number}"),
        property: "https://example.org/about".into(),
        labels: vec![(LabelKind::Preferred, label.clone())],
    }
}

/// Two to four words.
fn label(numbers: &mut Numbers) -> String {
    let words: Vec<String> = (0..2 + numbers.below(3))
        .map(|_| word(numbers.below(WORDS)))
        .collect();
    words.join(" ")
}

/// A word of its own for each number, short ones for small numbers.
fn word(mut number: usize) -> String {
    let mut word = String::new();
    loop {
        word.push_str(["ba", "do", "ki", "lu", "me", "na", "po", "ri", "ta", "ve"][number % 10]);
        number /= 10;
        if number == 0 {
            return word;
        }
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed().as_secs_f64())
}

/// MiB of memory in use.
fn resident() -> f64 {
    memory("VmRSS")
}

fn mega(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
