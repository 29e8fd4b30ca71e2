//! What a snapshot knows of itself, and who is believed that it is sound.

use crate::shop::Shop;
use kenning::ErrorKind;
use kenning::graph::{FactRef, Graph, PredicateStats};
use kenning::sparql::Limits;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn facts(graph: &Graph) -> Vec<FactRef> {
    let facts = (0..graph.fact_count()).map(|index| graph.fact(index));
    facts.collect::<Option<_>>().unwrap()
}

fn counted<'a>(facts: impl Iterator<Item = &'a FactRef> + Clone) -> PredicateStats {
    let distinct = |part: fn(&FactRef) -> Vec<u32>| {
        let parts = facts.clone().map(part);
        parts.collect::<BTreeSet<_>>().len() as u64
    };
    PredicateStats {
        facts: distinct(|f| f.triple.to_vec()),
        subjects: distinct(|f| vec![f.triple[0]]),
        objects: distinct(|f| vec![f.triple[2]]),
    }
}

#[test]
fn predicates_know_how_much_they_are_used() {
    let snapshot = Shop::new(1).snapshot();
    let graph = snapshot.graph();
    let facts = facts(graph);
    assert_eq!(graph.stats(), counted(facts.iter()));
    for &predicate in graph.predicates() {
        let uses = facts.iter().filter(|f| f.triple[1] == predicate);
        assert_eq!(graph.predicate_stats(predicate), Some(counted(uses)));
    }
    let user = graph.users().start;
    assert_eq!(graph.predicate_stats(user), None, "a user is no predicate");
}

#[test]
fn named_graphs_know_their_facts() {
    let snapshot = Shop::new(1).snapshot();
    let graph = snapshot.graph();
    let facts = facts(graph);
    assert!(graph.graphs().len() > 2, "{} graphs", graph.graphs().len());
    for &name in graph.graphs() {
        let inside = facts.iter().filter(|f| f.graph == name).map(|f| f.index);
        assert!(graph.facts_in(name).eq(inside));
    }
    let all: usize = graph
        .graphs()
        .iter()
        .map(|&g| graph.facts_in(g).len())
        .sum();
    assert_eq!(all, facts.len());
    assert_eq!(graph.facts_in(graph.users().start).len(), 0);
}

/// The note beside a snapshot.
fn note(path: &Path) -> PathBuf {
    path.with_file_name("graph.kng.verified")
}

/// Changes a byte of the terms' text, the way a program would.
fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let words = b"<https://example.org/shop/item/";
    let at = bytes.windows(words.len()).position(|w| w == words).unwrap();
    bytes[at] = 0xff;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn what_a_build_wrote_is_vouched_for_until_it_changes() {
    let shop = Shop::new(1);
    let path = shop.engine.project().snapshot_file();
    let built = std::fs::read_to_string(note(&path)).unwrap();
    let id = Graph::open(&path).unwrap().id().to_string();
    assert!(built.starts_with(&id), "{built}");

    damage(&path);
    let error = Graph::open(&path).err().expect("a changed byte shows");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(std::fs::read_to_string(note(&path)).unwrap(), built);
}

#[test]
fn who_checks_a_file_notes_it_for_the_next() {
    let shop = Shop::new(1);
    let path = shop.engine.project().snapshot_file();
    let built = std::fs::read_to_string(note(&path)).unwrap();
    for stale in ["", "nonsense", &built.replace(' ', "  ")] {
        std::fs::write(note(&path), stale).unwrap();
        Graph::open(&path).unwrap();
        assert_eq!(std::fs::read_to_string(note(&path)).unwrap(), built);
    }
    std::fs::remove_file(note(&path)).unwrap();
    std::fs::create_dir(note(&path)).unwrap();
    Graph::open(&path).expect("a note that cannot be written harms nobody");
}

/// A disk that loses a bit leaves the file's times as they were, here by a note that was written afterwards.
#[test]
fn silent_damage_is_found_by_a_check_and_breaks_nothing_before() {
    let shop = Shop::new(1);
    let path = shop.engine.project().snapshot_file();
    damage(&path);
    let built = std::fs::read_to_string(note(&path)).unwrap();
    let [id, size, .., program] = built.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("{built}")
    };
    let file = std::fs::metadata(&path).unwrap();
    let nanoseconds = |seconds: i64, rest: i64| seconds * 1_000_000_000 + rest;
    let modified = nanoseconds(file.mtime(), file.mtime_nsec());
    let changed = nanoseconds(file.ctime(), file.ctime_nsec());
    let forged = format!(
        "{id} {size} {} {modified} {changed} {program}\n",
        file.ino()
    );
    std::fs::write(note(&path), forged).unwrap();

    let graph = Graph::open(&path).expect("nothing shows the damage");
    assert!((0..graph.term_count()).any(|term| graph.term(term).is_empty()));
    for node in graph.nodes() {
        graph.label(node);
    }
    let error = Graph::open_checked(&path).err().unwrap();
    assert!(error.message().contains("checksum"), "{error}");
}

#[test]
fn a_file_that_goes_on_behind_its_end_is_refused() {
    let shop = Shop::new(1);
    let path = shop.engine.project().snapshot_file();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.push(0);
    std::fs::write(&path, bytes).unwrap();
    let error = Graph::open(&path).err().unwrap();
    assert!(error.message().contains("behind its end"), "{error}");
}

/// What is said of reifiers is found from its values as it is from the reifiers.
#[test]
fn provenance_is_found_from_either_end() {
    let snapshot = Shop::new(1).snapshot();
    let ask = |query: &str| {
        let limits = Limits {
            time: Duration::from_secs(60),
            rows: usize::MAX,
            memory: 1 << 30,
        };
        snapshot.dataset().ask(query, &limits).unwrap().solutions
    };
    let mut said = BTreeMap::<String, BTreeSet<Vec<String>>>::new();
    for row in ask("SELECT ?r ?p ?o { GRAPH kenning:provenance { ?r ?p ?o } }") {
        let mut row: Vec<String> = row.into_iter().map(|t| t.unwrap().to_string()).collect();
        let value = row.pop().unwrap();
        said.entry(value).or_default().insert(row);
    }
    let (resources, others): (Vec<_>, Vec<_>) =
        said.iter().partition(|(value, _)| value.starts_with('<'));
    let simple = |value: &&(&String, &BTreeSet<_>)| !value.0.starts_with("<<(");
    let resources = resources.iter().filter(simple);
    let mut widely_used = 0;
    for (value, expected) in resources.step_by(7).chain(others.iter().step_by(20)) {
        let query = format!("SELECT ?r ?p {{ GRAPH kenning:provenance {{ ?r ?p {value} }} }}");
        let found = ask(&query).into_iter();
        let found = found.map(|row| row.into_iter().map(|t| t.unwrap().to_string()).collect());
        assert_eq!(
            found.collect::<BTreeSet<Vec<String>>>(),
            **expected,
            "{value}"
        );
        widely_used += usize::from(expected.len() > 100);
    }
    assert!(widely_used > 0, "no source is among the values");
}
