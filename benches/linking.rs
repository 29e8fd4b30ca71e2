//! How linking grows with the number of labels.
//!
//! `cargo bench --bench linking -- 10000 100000 1000000` makes so many made-up titles of two to five words on either side,
//! each size in a process of its own. Words are skewed like those of a language. Of ten targets six are one of the items,
//! one of them with an article; one is an item's title with a letter missing; three are nobody. Then the same number of
//! titles that are all equal.

mod tables;

use kenning::linking::{Catalogue, Criteria, Linking, Selection, Table, TableBuilder, link};
use kenning::model::{Unwatched, term};
use kenning::vocabulary::rdf;
use std::time::Instant;
use tables::{Numbers, again, arguments, memory, processor};

const SIZES: [&str; 2] = ["10000", "100000"];

const SYLLABLES: [&str; 25] = [
    "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va",
    "we", "xi", "yo", "zu", "an", "er", "is", "ol", "un",
];

fn main() {
    let arguments = arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["step", titles, size] => step(titles, size.parse().unwrap()),
        _ => {
            let sizes = if arguments.is_empty() {
                &SIZES[..]
            } else {
                &arguments[..]
            };
            println!(
                "| titles | a side | read, s | index, s | link, s | of processor, s | linked | right | in doubt | cut short | peak MiB |"
            );
            println!("|---|---|---|---|---|---|---|---|---|---|---|");
            for size in sizes {
                for titles in ["made up", "all equal"] {
                    print!("{}", again(&["step", titles, size]));
                }
            }
        }
    }
}

fn step(titles: &str, size: usize) {
    let mut numbers = Numbers::new(42);
    let selection = Selection::default();
    let (mut items, mut targets) = (TableBuilder::new(&selection), TableBuilder::new(&selection));
    let started = Instant::now();
    for number in 0..size {
        let (item, target) = match titles {
            "all equal" => ("The Same".to_owned(), "The Same (film)".to_owned()),
            _ => pair(&mut numbers),
        };
        add(&mut items, &format!("http://a/{number}"), &item);
        add(&mut targets, &format!("http://b/{number}"), &target);
    }
    let (items, targets) = (items.finish(), targets.finish());
    let read = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let catalogue = Catalogue::new(&targets);
    let index = started.elapsed().as_secs_f64();
    let (started, before) = (Instant::now(), processor());
    let linking = link(&items, &catalogue, &Criteria::default(), &Unwatched);
    println!(
        "| {titles} | {size} | {read:.1} | {index:.1} | {:.1} | {:.1} | {} | {} | {} | {} | {:.0} |",
        started.elapsed().as_secs_f64(),
        processor() - before,
        linking.links(0.9).count(),
        right(&linking, &items, &targets),
        linking.doubtful(0.9).len(),
        linking.cut_short,
        memory("VmHWM"),
    );
}

fn add(builder: &mut TableBuilder, iri: &str, label: &str) {
    let triple = [term::iri(iri), term::iri(rdf::LABEL), term::string(label)];
    builder.add(triple.each_ref().map(String::as_str)).unwrap();
}

/// Links between things of one number.
fn right(linking: &Linking, items: &Table, targets: &Table) -> usize {
    let number = |iri: &str| iri.rsplit('/').next().map(str::to_owned);
    let is_right = |pair: &&kenning::linking::Pair| {
        let item = &items.things[pair.item as usize].iri;
        number(item) == number(&targets.things[pair.target as usize].iri)
    };
    linking.links(0.9).filter(is_right).count()
}

/// Labels of an item and of the target with its number.
fn pair(numbers: &mut Numbers) -> (String, String) {
    let item = title(numbers);
    let year = 1920 + numbers.below(100);
    let target = match numbers.below(10) {
        0..5 => item.clone(),
        5 => format!("The {item}"),
        6 => without_a_letter(&item, numbers),
        _ => title(numbers),
    };
    (
        format!("{item} ({year})"),
        format!("{target} ({year} film)"),
    )
}

fn title(numbers: &mut Numbers) -> String {
    let words = 2 + numbers.below(4);
    let words: Vec<String> = (0..words).map(|_| word(numbers)).collect();
    words.join(" ")
}

/// One of about 260,000 words; a product of two numbers makes some common and most rare.
fn word(numbers: &mut Numbers) -> String {
    let (a, b) = (numbers.below(1 << 20), numbers.below(1 << 20));
    let mut rank = (a * b) >> 22;
    let mut word = String::new();
    loop {
        word.push_str(SYLLABLES[rank % SYLLABLES.len()]);
        rank /= SYLLABLES.len();
        if rank == 0 {
            return word;
        }
    }
}

fn without_a_letter(title: &str, numbers: &mut Numbers) -> String {
    let gone = numbers.below(title.len());
    let letters = title.chars().enumerate().filter(|&(at, _)| at != gone);
    letters.map(|(_, letter)| letter).collect()
}
