//! Opinions in texts: of which aspect, and how good.

use crate::program::Desk;
use crate::support;
use kenning::extraction::aspects::Aspects;
use kenning::extraction::{self, Reading};
use kenning::vocabulary::kenning as terms;
use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::store::Store;
use std::collections::{BTreeMap, BTreeSet};

const OPINIONS: &str = include_str!("../../ontologies/opinions.ttl");
const FILMS: &str = include_str!("../../ontologies/film-aspects.ttl");
const PRODUCTS: &str = include_str!("../../ontologies/product-aspects.ttl");
const SENTENCES: &str = include_str!("data/opinions.tsv");
const TAGS: &str = include_str!("data/movielens-tag-opinions.tsv");

fn aspects(profile: &str) -> Aspects {
    let store = Store::new().unwrap();
    for text in [OPINIONS, profile] {
        let parser = RdfParser::from_format(RdfFormat::Turtle);
        store.load_from_slice(parser, text).unwrap();
    }
    Aspects::from_store(&store).unwrap()
}

/// `acting+`, `plot-`.
fn told(reading: &Reading) -> BTreeSet<String> {
    let sign = |property: &str| match property {
        terms::PRAISED_FOR => '+',
        terms::CRITICISED_FOR => '-',
        other => panic!("{other}"),
    };
    let findings = reading.findings.iter();
    findings
        .map(|f| {
            let aspect = f.object.rsplit('#').next().unwrap();
            format!("{aspect}{}", sign(&f.property))
        })
        .collect()
}

/// Right, wrong and missed; prints every difference.
#[derive(Default, Debug)]
struct Count([usize; 3]);

impl Count {
    fn add(&mut self, text: &str, expected: &BTreeSet<String>, found: &BTreeSet<String>) {
        self.0[0] += expected.intersection(found).count();
        self.0[1] += found.difference(expected).count();
        self.0[2] += expected.difference(found).count();
        if expected != found {
            println!("{text:60} {expected:?}, found {found:?}");
        }
    }

    fn rates(&self, what: &str) -> [f64; 2] {
        let [right, wrong, missed] = self.0.map(|n| n as f64);
        let rates = [right / (right + wrong), right / (right + missed)];
        println!(
            "{what}: precision {:.3} recall {:.3} {:?}",
            rates[0], rates[1], self.0
        );
        rates
    }
}

#[test]
fn opinions_of_the_labelled_sentences_are_found() {
    let profiles = BTreeMap::from([("film", aspects(FILMS)), ("product", aspects(PRODUCTS))]);
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    let mut all = Count::default();
    for line in SENTENCES.lines().filter(|line| !line.starts_with('#')) {
        let cells: Vec<&str> = line.split('\t').collect();
        assert_eq!(cells.len(), 3, "{line}");
        let expected: BTreeSet<String> = cells[2].split_whitespace().map(str::to_owned).collect();
        let found = told(&extraction::read(&profiles[cells[0]], cells[1]));
        counts
            .entry(cells[0])
            .or_default()
            .add("", &expected, &found);
        all.add(cells[1], &expected, &found);
    }
    for (profile, count) in &counts {
        count.rates(profile);
    }
    let [precision, recall] = all.rates("all");
    assert!(precision >= 0.9, "precision {precision}");
    assert!(recall >= 0.85, "recall {recall}");
}

/// The same over the tags of others, which are not ours to copy.
#[test]
fn opinions_of_labelled_tags_are_found() {
    let Some(folder) = support::data("ml-latest-small") else {
        return;
    };
    let mut tags: BTreeMap<String, String> = BTreeMap::new();
    for record in csv::Reader::from_path(folder.join("tags.csv"))
        .unwrap()
        .records()
    {
        let tag = record.unwrap()[2].to_owned();
        tags.insert(md5(format!("kenning:{tag}").as_bytes()), tag);
    }
    let labelled = TAGS.lines().filter(|line| !line.starts_with('#'));
    let labels: BTreeMap<&str, &str> = labelled
        .map(|line| line.split_once('\t').unwrap())
        .collect();
    let aspects = aspects(FILMS);
    let mut count = Count::default();
    for (hash, tag) in tags.iter().take(240) {
        let label = labels.get(&hash[..16]).map(|label| (*label).to_owned());
        let found = told(&extraction::read(&aspects, tag));
        count.add(tag, &label.into_iter().collect(), &found);
    }
    assert_eq!(count.0[0] + count.0[2], labels.len());
    let [precision, recall] = count.rates("tags");
    assert!(precision >= 0.6, "precision {precision}");
    assert!(recall >= 0.7, "recall {recall}");
}

#[test]
fn a_finding_quotes_opinion_and_aspect() {
    let text = "Well. I think the acting, sadly, was not very convincing at all.";
    let found = extraction::read(&aspects(FILMS), text).findings;
    let told: Vec<(&str, &str)> = found
        .iter()
        .map(|f| (&text[f.span.clone()], f.by_author.unwrap()))
        .collect();
    assert_eq!(
        told,
        [("acting, sadly, was not very convincing", terms::CRITICISES)]
    );
    assert!(
        found[0].confidence > 0.4 && found[0].confidence < 0.8,
        "{}",
        found[0].confidence
    );
}

#[test]
fn odd_texts_are_read() {
    let aspects = aspects(FILMS);
    let long = "not ".repeat(50_000) + "good acting";
    for text in [
        "",
        "?",
        "...",
        "+++",
        "but but but than",
        "\u{202e}good\u{202c} acting",
        long.as_str(),
        "&&good&&",
        "than good",
    ] {
        let reading = extraction::read(&aspects, text);
        assert!(
            reading
                .findings
                .iter()
                .all(|f| text.get(f.span.clone()).is_some()),
            "{text:.20}"
        );
    }
}

const MAPPING: &str = r#"
[dataset]
name = "reviews"
base = "https://example.org/films/"
item = "film"
verb = "rated"
vocabularies = ["opinions", "film-aspects"]

[[file]]
path = "reviews.csv"
[file.item]
id = "review"
[[file.item.attribute]]
column = "text"
property = "schema:reviewBody"
text = true
[[file.item.attribute]]
column = "film"
property = "schema:itemReviewed"
entity = "film"
[[file.item.attribute]]
column = "author"
property = "schema:author"
entity = "person"
"#;

/// Reviews speak of what they review, and of whoever wrote them; what several say is said once, with how many.
#[test]
fn opinions_are_gathered_by_thing_and_by_author() {
    let desk = Desk::new();
    desk.write("mapping.toml", MAPPING);
    let reviews = "review,film,author,text\n1,Heat,Ann,Great acting.\n2,Heat,Bob,The acting is superb but the plot is weak.\n\
                   3,Heat,Ann,Weak plot!\n4,Ran,Ann,Terrible acting.\n";
    desk.write("dump/reviews.csv", reviews);
    desk.done(&["init", "shop"]);
    desk.done(&["-C", "shop", "import", "--mapping", "mapping.toml", "dump"]);
    let said = desk.json(&[
        "-C", "shop", "extract", "--with", "aspects", "--format", "json",
    ]);
    let short = |value: &serde_json::Value| {
        value
            .as_str()
            .unwrap()
            .rsplit(['/', '#', ':'])
            .next()
            .unwrap()
            .to_owned()
    };
    let facts = said["facts"].as_array().unwrap().iter();
    let told: Vec<String> = facts
        .map(|f| {
            format!(
                "{} {} {} {}",
                short(&f["subject"]),
                short(&f["property"]),
                short(&f["value"]),
                f["support"]
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    Heat criticisedFor plot 2
    Heat praisedFor acting 2
    Ran criticisedFor acting 1
    Ann criticises acting 1
    Ann criticises plot 1
    Ann praises acting 1
    Bob criticises plot 1
    Bob praises acting 1
    ");
    desk.done(&["-C", "shop", "build", "--no-vectors"]);
    let rows = desk.rows(
        "shop",
        "SELECT ?film ?support { ?film kenning:praisedFor ?aspect {| kenning:support ?support |} . ?aspect skos:prefLabel 'acting'@en }",
    );
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(
        rows[0][0].ends_with("Heat") && rows[0][1] == "2",
        "{rows:?}"
    );
}

/// MD5, as the order of the tags needs it: RFC 1321.
fn md5(message: &[u8]) -> String {
    let shifts = [
        [7, 12, 17, 22],
        [5, 9, 14, 20],
        [4, 11, 16, 23],
        [6, 10, 15, 21],
    ];
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64), 0);
    if message.len() % 64 >= 56 {
        padded.resize(padded.len() + 64, 0);
    }
    let end = padded.len();
    padded[end - 8..].copy_from_slice(&(8 * message.len() as u64).to_le_bytes());
    for block in padded.chunks(64) {
        let word =
            |index: usize| u32::from_le_bytes(block[4 * index..4 * index + 4].try_into().unwrap());
        let [mut a, mut b, mut c, mut d] = state;
        for i in 0..64 {
            let (f, g) = match i / 16 {
                0 => ((b & c) | (!b & d), i),
                1 => ((d & b) | (!d & c), (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), (7 * i) % 16),
            };
            let constant = (((i + 1) as f64).sin().abs() * 4_294_967_296.0) as u32;
            let sum = a
                .wrapping_add(f)
                .wrapping_add(constant)
                .wrapping_add(word(g));
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(shifts[i / 16][i % 4]));
        }
        for (sum, part) in state.iter_mut().zip([a, b, c, d]) {
            *sum = sum.wrapping_add(part);
        }
    }
    state
        .iter()
        .flat_map(|part| part.to_le_bytes())
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
