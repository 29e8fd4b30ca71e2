//! The ontologies, and what the gazetteer reads off real descriptions with them.

use kenning::extraction::text::{self, Concept, Gazetteer, LabelKind};
use kenning::vocabulary::{self, kenning as terms};
use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::model::NamedNodeRef;
use oxigraph::store::Store;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;

const KENNING: &str = include_str!("../../ontologies/kenning.ttl");
const GIFT_SHOP: &str = include_str!("../../ontologies/gift-shop.ttl");
const MEASURES: &str = include_str!("../../ontologies/measures.ttl");
const FACTS: &str = include_str!("data/gift-shop-facts.tsv");
const UNSEEN: &str = include_str!("data/gift-shop-facts-unseen.tsv");
const HELD_OUT: &str = include_str!("data/gift-shop-facts-held-out.tsv");
const VOCABULARY: &str = include_str!("../../src/vocabulary.rs");
const EXCERPT: &str = "graphs/gift-shop/online-retail-excerpt.csv.gz";

/// The columns of the labelled sample after the description.
const PROPERTIES: [&str; 4] = ["productType", "material", "colour", "motif"];

fn store() -> Store {
    let store = Store::new().unwrap();
    for text in [KENNING, GIFT_SHOP, MEASURES] {
        let parser = RdfParser::from_format(RdfFormat::Turtle);
        store.load_from_slice(parser, text).unwrap();
    }
    store
}

/// Property → local names, as the gazetteer reads them.
fn facts(gazetteer: &Gazetteer, text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut facts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for found in gazetteer.find(text) {
        let concept = gazetteer.concept(found.concept);
        let local = |iri: &str| iri.rsplit('#').next().unwrap().to_owned();
        facts
            .entry(local(concept.property))
            .or_default()
            .insert(local(concept.iri));
    }
    facts
}

#[test]
fn every_term_of_the_vocabulary_is_defined_with_label_and_comment() {
    let store = store();
    let constants = VOCABULARY
        .lines()
        .filter_map(|line| line.split("\"https://w3id.org/kenning#\" \"").nth(1))
        .map(|rest| rest.split('"').next().unwrap());
    let mut count = 0;
    for name in constants {
        count += 1;
        let term = format!("{}{name}", vocabulary::KENNING);
        let term = NamedNodeRef::new(&term).unwrap();
        for predicate in ["label", "comment", "isDefinedBy"] {
            let predicate = format!("http://www.w3.org/2000/01/rdf-schema#{predicate}");
            let predicate = NamedNodeRef::new(&predicate).unwrap();
            let mut values =
                store.quads_for_pattern(Some(term.into()), Some(predicate), None, None);
            assert!(values.next().is_some(), "{term} has no {predicate}");
        }
    }
    assert!(count >= 19, "only {count} constants were read");
}

#[test]
fn every_term_of_a_vocabulary_that_is_used_is_defined() {
    let store = store();
    let label = NamedNodeRef::new(vocabulary::rdf::LABEL).unwrap();
    for quad in store.iter() {
        let quad = quad.unwrap();
        if quad.predicate.as_str().starts_with(vocabulary::KENNING) {
            let term = quad.predicate.as_ref().into();
            let mut labels = store.quads_for_pattern(Some(term), Some(label), None, None);
            assert!(labels.next().is_some(), "{} is not defined", quad.predicate);
        }
    }
}

#[test]
fn no_label_of_the_gift_shop_is_unusable_or_means_two_things_of_one_property() {
    let store = store();
    let (concepts, rules) = text::declared(&store).unwrap();
    let mut meanings: HashMap<(&str, String), &str> = HashMap::new();
    for concept in &concepts {
        assert!(concept.property.starts_with(vocabulary::KENNING));
        for (_, label) in &concept.labels {
            let key = (concept.property.as_str(), label.to_lowercase());
            let other = meanings.insert(key, &concept.iri);
            assert!(
                other.is_none_or(|other| other == concept.iri),
                "`{label}` names {} and {}",
                concept.iri,
                other.unwrap_or_default()
            );
        }
    }
    let gazetteer = Gazetteer::new(concepts, &rules).unwrap();
    assert_eq!(gazetteer.unusable_labels(), 0);
}

#[test]
fn broader_concepts_are_of_the_same_scheme() {
    let store = store();
    let node = |iri: &str| format!("http://www.w3.org/2004/02/skos/core#{iri}");
    let (broader, scheme) = (node("broader"), node("inScheme"));
    let scheme = NamedNodeRef::new(&scheme).unwrap();
    let broader = NamedNodeRef::new(&broader).unwrap();
    let scheme_of = |concept: oxigraph::model::NamedOrBlankNodeRef| {
        let quad = store
            .quads_for_pattern(Some(concept), Some(scheme), None, None)
            .next();
        quad.map(|quad| quad.unwrap().object)
    };
    for quad in store.quads_for_pattern(None, Some(broader), None, None) {
        let quad = quad.unwrap();
        let oxigraph::model::Term::NamedNode(above) = &quad.object else {
            panic!("{quad}");
        };
        let above = scheme_of(above.as_ref().into());
        assert!(above.is_some(), "{quad}");
        assert_eq!(scheme_of(quad.subject.as_ref()), above, "{quad}");
    }
}

/// Precision and recall over the hundred descriptions that the vocabulary was measured on while it grew.
#[test]
fn facts_of_the_labelled_descriptions_are_found() {
    let [precision, recall] = measure(FACTS);
    assert!(precision >= 0.95, "precision {precision}");
    assert!(recall >= 0.95, "recall {recall}");
}

/// The same over fifty that its errors were not mended on.
#[test]
fn facts_of_unseen_descriptions_are_found() {
    let [precision, recall] = measure(UNSEEN);
    assert!(precision >= 0.9, "precision {precision}");
    assert!(recall >= 0.9, "recall {recall}");
}

/// The same over a hundred and fifty that were labelled later, and over all three hundred.
#[test]
fn facts_of_held_out_descriptions_are_found() {
    let [precision, recall] = measure(HELD_OUT);
    assert!(precision >= 0.9, "precision {precision}");
    assert!(recall >= 0.85, "recall {recall}");
    // Measured when the held-out part was first looked at: .939 and .931 on all three hundred.
    let [precision, recall] = measure(&[FACTS, UNSEEN, HELD_OUT].concat());
    assert!(precision >= 0.93, "precision {precision}");
    assert!(recall >= 0.92, "recall {recall}");
}

/// Micro precision and recall over all properties; prints them for each, and every difference.
fn measure(labelled: &str) -> [f64; 2] {
    let gazetteer = Gazetteer::from_store(&store()).unwrap();
    // For each property: right, wrong, missed.
    let mut counts = [[0usize; 3]; 4];
    for line in labelled.lines().filter(|line| !line.starts_with('#')) {
        let cells: Vec<&str> = line.split('\t').collect();
        assert_eq!(cells.len(), 5, "{line}");
        let found = facts(&gazetteer, cells[0]);
        for (column, property) in PROPERTIES.into_iter().enumerate() {
            let expected: BTreeSet<String> = cells[column + 1]
                .split(';')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect();
            let found = found.get(property).cloned().unwrap_or_default();
            counts[column][0] += expected.intersection(&found).count();
            counts[column][1] += found.difference(&expected).count();
            counts[column][2] += expected.difference(&found).count();
            if expected != found {
                println!("{:40} {property}: {expected:?}, found {found:?}", cells[0]);
            }
        }
    }
    let mut all = [0; 3];
    for (property, count) in PROPERTIES.iter().zip(counts) {
        let [precision, recall] = rates(count);
        println!("{property:12} precision {precision:.3} recall {recall:.3} {count:?}");
        for (sum, n) in all.iter_mut().zip(count) {
            *sum += n;
        }
    }
    let [precision, recall] = rates(all);
    println!(
        "{:12} precision {precision:.3} recall {recall:.3} {all:?}",
        "all"
    );
    [precision, recall]
}

fn rates([right, wrong, missed]: [usize; 3]) -> [f64; 2] {
    let of = |n: usize| right as f64 / (right + n) as f64;
    [of(wrong), of(missed)]
}

/// How many of the sold items of the excerpt have a fact of each property.
#[test]
fn nearly_every_sold_item_has_a_type() {
    let mut csv = String::new();
    let file = std::fs::File::open(EXCERPT).unwrap();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut csv)
        .unwrap();
    let coverage = coverage(&csv);
    assert!(coverage["productType"] >= 0.95, "{coverage:?}");
}

fn coverage(csv: &str) -> BTreeMap<String, f64> {
    let gazetteer = Gazetteer::from_store(&store()).unwrap();
    let mut texts: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for record in csv::Reader::from_reader(csv.as_bytes()).records() {
        let record = record.unwrap();
        let sold = record[3].parse::<i64>().unwrap() > 0 && record[5].parse::<f64>().unwrap() > 0.0;
        if sold {
            let of_code = texts.entry(record[1].to_uppercase()).or_default();
            *of_code.entry(record[2].trim().to_owned()).or_default() += 1;
        }
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let list = std::env::var("KENNING_LIST_EXTRACTED").is_ok();
    for of_code in texts.values() {
        let text = of_code.iter().max_by_key(|(_, n)| **n).unwrap().0;
        let found = facts(&gazetteer, text);
        if list {
            let told: Vec<String> = found.iter().map(|(p, c)| format!("{p}={c:?}")).collect();
            println!("LIST\t{text}\t{}", told.join("\t"));
        }
        for property in found.into_keys() {
            *counts.entry(property).or_default() += 1;
        }
    }
    let rate = |n: usize| n as f64 / texts.len() as f64;
    let coverage = counts.into_iter().map(|(p, n)| (p, rate(n))).collect();
    println!("{} items, covered {coverage:.3?}", texts.len());
    coverage
}

/// The same over the whole year, where it is at hand.
#[test]
fn nearly_every_item_of_the_whole_year_has_a_type() {
    let folder = std::env::var("KENNING_TEST_DATA").unwrap_or_else(|_| "../shared/data".to_owned());
    let path = format!("{folder}/online-retail/online_retail_II_2009-2010.csv.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        assert!(std::env::var("CI").is_err(), "{path} is missing");
        println!("skipped: {path} is missing");
        return;
    };
    let mut csv = String::new();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut csv)
        .unwrap();
    let coverage = coverage(&csv);
    assert!(coverage["productType"] >= 0.95, "{coverage:?}");
}

#[test]
fn named_graphs_are_read_too() {
    let store = Store::new().unwrap();
    let graph = NamedNodeRef::new("http://example.org/graph").unwrap();
    let parser = RdfParser::from_format(RdfFormat::Turtle).with_default_graph(graph);
    store.load_from_slice(parser, GIFT_SHOP).unwrap();
    let gazetteer = Gazetteer::from_store(&store).unwrap();
    assert!(gazetteer.len() > 300);
    assert_eq!(
        facts(&gazetteer, "WHITE HANGING HEART T-LIGHT HOLDER"),
        BTreeMap::from([
            (
                "productType".to_owned(),
                BTreeSet::from(["t-light-holder".to_owned()])
            ),
            ("colour".to_owned(), BTreeSet::from(["white".to_owned()])),
            ("motif".to_owned(), BTreeSet::from(["heart".to_owned()])),
        ])
    );
    assert_eq!(terms::EXTRACTS, "https://w3id.org/kenning#extracts");
}

#[test]
fn a_million_equal_labels_name_none_and_hide_nothing() {
    let concept = |number: usize, label: &str| Concept {
        iri: format!("x:{number}"),
        property: "x:p".to_owned(),
        labels: vec![(LabelKind::Preferred, label.to_owned())],
    };
    let mut concepts: Vec<Concept> = (0..1_000_000).map(|n| concept(n, "same")).collect();
    concepts.push(concept(1_000_000, "mug"));
    let gazetteer = Gazetteer::new(concepts, &[]).unwrap();
    let text = "the same mug";
    let found = gazetteer.find(text);
    let found: Vec<&str> = found
        .iter()
        .map(|m| gazetteer.concept(m.concept).iri)
        .collect();
    assert_eq!(found, ["x:1000000"]);
    let crowds = gazetteer.crowds(text);
    assert_eq!((crowds.len(), crowds[0].concepts), (1, 1_000_000));
}
