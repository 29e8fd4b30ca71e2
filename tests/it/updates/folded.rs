//! A build folds the changes in: the same answers before and after, and the same as oxigraph's store gives.

use super::{ALL, Bench, own, stated, update};
use crate::shop::Shop;
use kenning::engine::{Live, Snapshot};
use kenning::model::Unwatched;
use kenning::sparql::{Cancel, Update, View, no_loads};
use oxigraph::sparql::{QueryResults, SparqlEvaluator};
use oxigraph::store::Store;
use oxrdf::Term;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// The rows of a query on oxigraph's store, written as [`stated`] writes them.
fn store_rows(store: &Store, query: &str) -> Vec<String> {
    let text = format!("PREFIX : <http://example.org/> {query}");
    let results = SparqlEvaluator::new().parse_query(&text).unwrap();
    let QueryResults::Solutions(solutions) = results.on_store(store).execute().unwrap() else {
        panic!("not a SELECT")
    };
    let text = |value: &Option<Term>| value.as_ref().map_or("-".to_owned(), Term::to_string);
    let rows = solutions.map(|row| {
        row.unwrap()
            .values()
            .iter()
            .map(text)
            .collect::<Vec<_>>()
            .join(" ")
    });
    let mut rows: Vec<String> = rows.collect();
    rows.sort();
    rows
}

/// A store with all that is stated.
fn store(snapshot: &Snapshot) -> Store {
    let store = Store::new().unwrap();
    let dataset = snapshot.dataset();
    let quads = dataset
        .stated(&|_| true)
        .filter_map(|quad| dataset.quad(quad));
    store.extend(quads).unwrap();
    store
}

fn term() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..4u8).prop_map(|i| format!(":n{i}")),
        (0..3u8).prop_map(|i| i.to_string()),
        Just("'text'@en".to_owned()),
    ]
}

fn triple() -> impl Strategy<Value = String> {
    (0..4u8, 0..3u8, term()).prop_map(|(s, p, o)| format!(":n{s} :p{p} {o}"))
}

fn quads() -> impl Strategy<Value = String> {
    let place = prop_oneof![Just(None), (0..3u8).prop_map(Some)];
    let quad = (place, triple()).prop_map(|(graph, triple)| match graph {
        None => format!("{triple} ."),
        Some(graph) => format!("GRAPH :g{graph} {{ {triple} }}"),
    });
    prop::collection::vec(quad, 1..5).prop_map(|quads| quads.join(" "))
}

fn target() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..3u8).prop_map(|i| format!("GRAPH :g{i}")),
        Just("DEFAULT".to_owned()),
        Just("NAMED".to_owned()),
    ]
}

fn operation() -> impl Strategy<Value = String> {
    let modify = (0..3u8, 0..3u8, 0..3u8, 0..3u8);
    prop_oneof![
        4 => quads().prop_map(|quads| format!("INSERT DATA {{ {quads} }}")),
        3 => quads().prop_map(|quads| format!("DELETE DATA {{ {quads} }}")),
        2 => modify.clone().prop_map(|(p, q, g, h)| format!(
            "DELETE {{ GRAPH :g{g} {{ ?s :p{p} ?o }} }} INSERT {{ GRAPH :g{h} {{ ?s :p{q} ?o }} ?o :p{q} ?s }} WHERE {{ GRAPH ?g {{ ?s :p{p} ?o }} }}"
        )),
        2 => modify.clone().prop_map(|(p, q, ..)| format!("DELETE WHERE {{ ?s :p{p} ?o . ?o :p{q} ?x }}")),
        1 => modify.prop_map(|(p, q, g, h)| format!(
            "WITH :g{g} DELETE {{ ?s :p{p} ?o }} INSERT {{ ?s :p{q} ?o }} USING :g{h} WHERE {{ ?s :p{p} ?o }}"
        )),
        1 => target().prop_map(|target| format!("CLEAR SILENT {target}")),
        1 => (0..3u8, 0..3u8).prop_map(|(a, b)| format!("COPY SILENT :g{a} TO :g{b}")),
        1 => (0..3u8).prop_map(|a| format!("ADD SILENT :g{a} TO DEFAULT")),
        1 => (0..3u8).prop_map(|a| format!("MOVE SILENT DEFAULT TO :g{a}")),
    ]
}

/// An update in [`View::Stated`], kept and shown.
fn strictly(live: &Live, text: &str) {
    let text = format!("PREFIX : <http://example.org/> {text}");
    let current = live.current();
    let mut dataset = current.dataset();
    dataset.view = View::Stated;
    let parsed = Update::parse(&text, None).unwrap();
    let effect = parsed
        .run(dataset, &super::LIMITS, &Cancel::default(), &no_loads)
        .unwrap();
    live.change(&effect.log, &super::LIMITS, &Cancel::default())
        .unwrap();
}

const QUERIES: &[&str] = &[
    ALL,
    "SELECT ?s (COUNT(*) AS ?n) { ?s :p0 ?o } GROUP BY ?s",
    "SELECT ?a ?b { ?a :p0/:p1* ?b }",
    "SELECT ?s ?o { GRAPH :g1 { ?s :p1 ?o } FILTER NOT EXISTS { ?s :p2 ?x } }",
    "SELECT DISTINCT ?g { GRAPH ?g { :n1 ?p ?o } }",
];

fn compare(live: &Live, store: &Store, when: &str) {
    for query in QUERIES {
        let found = stated(&live.current(), query);
        assert_eq!(found, store_rows(store, query), "{when}: {query}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn before_and_after_a_build_as_in_another_store(updates in prop::collection::vec(operation(), 4..24)) {
        let bench = Bench::new();
        let live = bench.live();
        // Something to build, whatever the updates do.
        update(&live, "INSERT DATA { :n0 :p0 :n1 }");
        let store = store(&live.current());
        let (first, second) = updates.split_at(updates.len() / 2);
        for part in [first, second] {
            for text in part {
                strictly(&live, text);
                let update = format!("PREFIX : <http://example.org/> {text}");
                SparqlEvaluator::new().parse_update(&update).unwrap().on_store(&store).execute().unwrap();
            }
            compare(&live, &store, "before the build");
            let reopened = bench.live();
            compare(&reopened, &store, "reopened");
            live.engine().build(None, &Unwatched).unwrap();
            live.refresh().unwrap();
            prop_assert!(live.current().dataset().changes.is_empty());
            compare(&live, &store, "after the build");
        }
    }
}

#[test]
fn facts_keep_their_provenance_and_roles() {
    let shop = Shop::new(1);
    let live = Live::open(shop.engine).unwrap();
    let label = "<https://example.org/shop/item/p3> rdfs:label ?label";
    let sources = format!(
        "SELECT ?source ?line {{ {label} {{| prov:wasDerivedFrom ?source ; kenning:line ?line |}} }}"
    );
    let before = super::ask(live.current().dataset(), &sources);
    assert_eq!(before.len(), 1);
    let (users, items) = (
        live.current().graph().users(),
        live.current().graph().items(),
    );
    // Away and back: the fact of the dump stands again, with its line.
    let old = super::ask(
        live.current().dataset(),
        &format!("SELECT ?label {{ {label} }}"),
    );
    let graph = "<https://example.org/shop/source/products.csv>";
    let fact = format!(
        "GRAPH {graph} {{ <https://example.org/shop/item/p3> rdfs:label {} }}",
        old[0]
    );
    update(&live, &format!("DELETE DATA {{ {fact} }}"));
    assert!(super::ask(live.current().dataset(), &sources).is_empty());
    update(&live, &format!("INSERT DATA {{ {fact} }}"));
    update(
        &live,
        "DELETE WHERE { <https://example.org/shop/item/p4> rdfs:label ?label }",
    );
    update(
        &live,
        "INSERT DATA { :new a schema:Product ; rdfs:label 'new' }",
    );
    let rows = "SELECT ?s ?p ?o { ?s ?p ?o FILTER(?p IN (rdfs:label, schema:brand, kenning:productType, kenning:interacted)) }";
    let overlaid = super::ask(live.current().dataset(), rows);
    live.engine().build(None, &Unwatched).unwrap();
    live.refresh().unwrap();
    let folded = super::ask(live.current().dataset(), rows);
    assert!(
        folded == overlaid,
        "{} rows, then {}",
        overlaid.len(),
        folded.len()
    );
    assert_eq!(super::ask(live.current().dataset(), &sources), before);
    assert_eq!(live.current().graph().users(), users);
    assert_eq!(live.current().graph().items(), items);
}

#[test]
fn a_build_from_nothing_is_the_same_again() {
    let bench = Bench::new();
    let live = bench.live();
    update(
        &live,
        "INSERT DATA { :a :p 1, 2 . _:x :q :a } ; DELETE DATA { :a :p 1 }",
    );
    let engine = live.engine();
    let first = engine.build(None, &Unwatched).unwrap().snapshot;
    std::fs::remove_file(engine.project().snapshot_file()).unwrap();
    let second = engine.build(None, &Unwatched).unwrap().snapshot;
    assert_eq!(first.to_string(), second.to_string());
    live.refresh().unwrap();
    assert_eq!(own(&live.current()).len(), 2);
}
