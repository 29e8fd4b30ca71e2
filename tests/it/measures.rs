//! Numbers, quantities and years that patterns read off texts.

use kenning::extraction::patterns::{Lexicon, Pattern, Patterns};
use kenning::extraction::{self, Extractor};
use kenning::model::term;
use kenning::vocabulary;
use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::store::Store;
use std::collections::{BTreeMap, BTreeSet};

const MEASURES: &str = include_str!("../../ontologies/measures.ttl");
const NUMBERS: &str = include_str!("data/gift-shop-numbers.tsv");

/// The columns of the labelled sample after the description.
const PROPERTIES: [&str; 6] = [
    "kenning:pieces",
    "schema:size",
    "schema:width",
    "schema:height",
    "schema:weight",
    "schema:temporalCoverage",
];

fn patterns() -> Patterns {
    let store = Store::new().unwrap();
    let parser = RdfParser::from_format(RdfFormat::Turtle);
    store.load_from_slice(parser, MEASURES).unwrap();
    Patterns::from_store(&store).unwrap()
}

/// Property → lexical forms.
fn facts(patterns: &Patterns, text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut facts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for finding in extraction::read(patterns, text).findings {
        assert!(!text[finding.span.clone()].is_empty(), "{text}");
        let value = term::lexical(&finding.object).unwrap().to_owned();
        let property = vocabulary::shorten(&finding.property);
        facts.entry(property).or_default().insert(value);
    }
    facts
}

fn told(patterns: &Patterns, text: &str) -> String {
    let facts = facts(patterns, text);
    let told = facts.iter().flat_map(|(property, values)| {
        let property = property.rsplit([':', '#']).next().unwrap();
        values
            .iter()
            .map(move |value| format!("{property} {value}"))
    });
    told.collect::<Vec<_>>().join("; ")
}

#[test]
fn numbers_become_typed_facts() {
    let patterns = patterns();
    for (text, expect) in [
        ("SET OF 6 T-LIGHTS", "pieces 6"),
        ("SET/6 T-LIGHTS", "pieces 6"),
        ("S/4 CANDLES", "pieces 4"),
        ("set of three mugs", "pieces 3"),
        ("PACK 12 TISSUES", "pieces 12"),
        ("12 PENCILS IN A TUBE", "pieces 12"),
        ("TEA SET CERAMIC 11 PC", "pieces 11"),
        ("box of 9 candles", "pieces 9"),
        ("GREEN 3 TIER CAKE STAND", ""),
        ("3 TIER CAKE STAND", ""),
        ("3D STICKERS", ""),
        ("STRING OF 20 LIGHTS", ""),
        ("HOUSE SIGN, No 7", ""),
        ("NECKLACE 42\"", "size 42 [in_i]"),
        ("NECKL.36\"BLACK", "size 36 [in_i]"),
        ("TREE 60CM", "size 60 cm"),
        ("rope, 1.5 m", "size 1.5 m"),
        ("rope, 1,5 m", "size 1.5 m"),
        ("rope of 1,500 mm", "size 1500 mm"),
        ("a 1/2 inch nail", "size 0.5 [in_i]"),
        ("BAG 34X20CM", "height 20 cm; width 34 cm"),
        (
            "box 10 cm x 20 cm x 5 cm",
            "depth 5 cm; height 20 cm; width 10 cm",
        ),
        ("GHOST, 5CM H", "height 5 cm"),
        ("vase 30cm tall", "height 30 cm"),
        ("BAG 250g MARBLES", "weight 250 g"),
        ("2 kg of sweets", "weight 2 kg"),
        ("flour 8 oz", "weight 8 [oz_av]"),
        ("bottle 750ML", "size 750 mL"),
        ("lamp 12V 40W", "power 40 W; voltage 12 V"),
        ("now £2.50 each", "price 2.5; priceCurrency GBP"),
        ("12,50 €", "price 12.5; priceCurrency EUR"),
        ("Heat (1995)", "datePublished 1995"),
        ("PAPER CHAIN 50'S", "temporalCoverage 195X"),
        ("songs of the 1990s", "temporalCoverage 199X"),
        ("from the 00s", "temporalCoverage 200X"),
        ("MODEL A7", ""),
        ("12345678901234567890 cm", ""),
        ("0 pieces", ""),
        ("x".repeat(10).as_str(), ""),
    ] {
        assert_eq!(told(&patterns, text), expect, "{text}");
    }
}

#[test]
fn a_finding_says_where_the_text_says_so_and_how_it_is_typed() {
    let text = "Éclair SET OF 6, 12 CM";
    let found = extraction::read(&patterns(), text).findings;
    let told: Vec<(&str, &str)> = found
        .iter()
        .map(|f| (&text[f.span.clone()], f.object.as_str()))
        .collect();
    let integer = "^http://www.w3.org/2001/XMLSchema#integer\u{0}6";
    let quantity = "^https://w3id.org/cdt/ucum\u{0}12 cm";
    assert_eq!(told, [("SET OF 6", integer), ("12 CM", quantity)]);
}

/// Precision and recall over 130 descriptions that were labelled before the patterns were written.
#[test]
fn numbers_of_the_labelled_descriptions_are_found() {
    let patterns = patterns();
    // Right, wrong, missed.
    let mut counts = [[0usize; 3]; PROPERTIES.len()];
    for line in NUMBERS.lines().filter(|line| !line.starts_with('#')) {
        let cells: Vec<&str> = line.split('\t').collect();
        assert_eq!(cells.len(), 1 + PROPERTIES.len(), "{line}");
        let mut found = facts(&patterns, cells[0]);
        for (column, property) in PROPERTIES.into_iter().enumerate() {
            let expected = cells[column + 1]
                .split(';')
                .filter(|value| !value.is_empty());
            let expected: BTreeSet<String> = expected.map(str::to_owned).collect();
            let found = found.remove(property).unwrap_or_default();
            counts[column][0] += expected.intersection(&found).count();
            counts[column][1] += found.difference(&expected).count();
            counts[column][2] += expected.difference(&found).count();
            if expected != found {
                println!("{:40} {property}: {expected:?}, found {found:?}", cells[0]);
            }
        }
        assert!(found.is_empty(), "{}: {found:?}", cells[0]);
    }
    let mut all = [0; 3];
    for (property, count) in PROPERTIES.iter().zip(counts) {
        println!("{property:24} {count:?}");
        for (sum, n) in all.iter_mut().zip(count) {
            *sum += n;
        }
    }
    let [right, wrong, missed] = all.map(|n| n as f64);
    let (precision, recall) = (right / (right + wrong), right / (right + missed));
    println!("precision {precision:.3} recall {recall:.3} {all:?}");
    assert!(precision >= 0.95, "precision {precision}");
    assert!(recall >= 0.95, "recall {recall}");
}

#[test]
fn bad_patterns_are_told() {
    for (text, expect) in [
        ("{count kenning:pieces} (", "not a pattern"),
        ("{length}", "no words for `{length}`"),
        ("{number nowhere}", "not the name of a property"),
        ("(a) {count kenning:pieces}", "must be written `(?:…)`"),
    ] {
        let pattern = Pattern {
            text: text.into(),
            confidence: 1.0,
        };
        let error = Patterns::new(&[pattern], &Lexicon::new()).unwrap_err();
        assert!(error.to_string().contains(expect), "{error}");
    }
}

#[test]
fn a_long_text_is_read_whole_and_in_bounded_pieces() {
    let mut text = "no numbers here; ".repeat(20_000);
    text.push_str("SET OF 6");
    let found = extraction::read(&patterns(), &text).findings;
    assert_eq!(found.len(), 1);
    assert_eq!(&text[found[0].span.clone()], "SET OF 6");
    assert_eq!(patterns().name(), "patterns");
}
