//! The frozen graph: its rows, its edges, petgraph on it, and files that it refuses.

mod projects;

use crate::shop::Shop;
use kenning::ErrorKind;
use kenning::graph::{Edge, Graph};
use kenning::model::{EvidenceId, LinkKind, Unwatched, term};
use petgraph::visit::{EdgeRef, IntoEdgeReferences, IntoEdgesDirected, NodeCount};
use std::collections::BTreeSet;

#[test]
fn equal_input_gives_an_equal_file() {
    let (one, two) = (Shop::new(1), Shop::new(1));
    let bytes = |shop: &Shop| std::fs::read(shop.engine.project().snapshot_file()).unwrap();
    assert_eq!(one.snapshot().graph().id(), two.snapshot().graph().id());
    assert_eq!(bytes(&one), bytes(&two));
    assert_ne!(
        one.snapshot().graph().id(),
        Shop::new(2).snapshot().graph().id()
    );
}

#[test]
fn every_term_is_found_under_its_number() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    for id in 0..graph.term_count() {
        assert_eq!(graph.find(graph.term(id)), Some(id), "{}", graph.term(id));
    }
    assert_eq!(graph.find("<https://example.org/nobody"), None);
    assert_eq!(
        graph.find_user("u7").map(|u| graph.term(u)),
        Some("<https://example.org/shop/user/u7")
    );
    assert!(graph.find_user("p7").is_none(), "a product is no user");
    assert!(
        graph
            .find_item("https://example.org/shop/item/p7")
            .is_some()
    );
}

#[test]
fn every_fact_is_in_all_three_indexes_with_its_provenance() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    for index in 0..graph.fact_count() {
        let fact = graph.fact(index).unwrap();
        let [s, p, o] = fact.triple;
        assert!(graph.facts(fact.triple).contains(&index));
        assert!(graph.outgoing(s).contains(&[p, o]));
        assert!(graph.incoming(o).contains(&[p, s]));
        assert!(graph.pairs(p).contains(&[o, s]));
        assert!(term::as_iri(graph.term(fact.graph)).is_some());
        assert!((0.0..=1.0).contains(&fact.confidence));
    }
    let label = graph
        .find_iri("http://www.w3.org/2000/01/rdf-schema#label")
        .unwrap();
    let product = graph.find_item("p3").unwrap();
    let [_, name] = graph.objects(product, label)[0];
    let fact = graph
        .fact(graph.facts([product, label, name]).start)
        .unwrap();
    assert_eq!(
        fact.line,
        Some(5),
        "p3 stands on the fifth line of the file"
    );
    assert_eq!(
        graph.term(fact.graph),
        "<https://example.org/shop/source/products.csv"
    );
}

#[test]
fn derived_facts_know_the_fact_that_they_were_read_off() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let facts = (0..graph.fact_count()).filter_map(|i| graph.fact(i));
    let derived: Vec<_> = facts
        .filter(|f| graph.premises(f.index).is_some())
        .collect();
    assert!(
        derived.len() > 100,
        "{} facts were read off the names",
        derived.len()
    );
    for fact in derived {
        let [premise] = graph.premises(fact.index).unwrap() else {
            panic!("a fact is read off one text");
        };
        let from = graph.fact(*premise).unwrap();
        assert_eq!(
            from.triple[0], fact.triple[0],
            "both speak of the same product"
        );
        assert!(from.line.is_some());
        assert!(term::lexical(graph.term(from.triple[2])).is_some());
    }
}

#[test]
fn every_evidence_id_stands_for_one_edge() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    for id in 0..graph.edge_count() {
        match graph.edge(EvidenceId(id)).unwrap() {
            Edge::Fact(fact) => assert_eq!(fact.index, id),
            Edge::Interaction { user, item } => {
                assert_eq!(graph.interaction(user, item), Some(EvidenceId(id)));
                assert!(graph.met_by(item).contains(&user));
                assert!(graph.events(user).any(|e| e.item == item));
            }
            Edge::Link {
                kind,
                from,
                to,
                score,
                ..
            } => {
                let row = graph.links(kind, from);
                let index = row.to.iter().position(|&t| t == to).unwrap();
                assert_eq!(row.first + index as u64, id);
                assert_eq!(row.score[index], score);
                assert!(
                    index == 0 || row.score[index - 1] >= score,
                    "strongest first"
                );
            }
        }
    }
    assert_eq!(graph.edge(EvidenceId(graph.edge_count())), None);
    assert!(graph.link_count(LinkKind::BoughtWith) > 0);
}

#[test]
fn petgraph_runs_on_it() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let ids: Vec<EvidenceId> = graph.edge_references().map(|e| e.id()).collect();
    assert_eq!(
        ids.len(),
        ids.iter().collect::<BTreeSet<_>>().len(),
        "each edge once"
    );
    for edge in graph.edge_references().take(500) {
        let entering = graph.edges_directed(edge.target(), petgraph::Incoming);
        assert!(
            entering.map(|e| e.id()).any(|id| id == edge.id()),
            "{edge:?} from its other end"
        );
    }
    let user = graph.find_user("u1").unwrap();
    let distances = petgraph::algo::dijkstra(graph, user, None, |_| 1u32);
    let item = graph.met(user)[0];
    assert_eq!((distances[&user], distances[&item]), (0, 1));
    let mut reached = 0;
    let mut walk = petgraph::visit::Bfs::new(graph, user);
    while walk.next(graph).is_some() {
        reached += 1;
    }
    assert_eq!(reached, distances.len());
    assert!(reached <= graph.node_count());
    assert!(!petgraph::algo::is_cyclic_directed(
        &petgraph::visit::EdgeFiltered::from_fn(graph, |e| {
            *e.weight() == kenning::graph::visit::Relation::Interacted
        })
    ));
}

#[test]
fn damaged_and_foreign_snapshots_are_refused() {
    let shop = Shop::new(1);
    let path = shop.engine.project().snapshot_file();
    let whole = std::fs::read(&path).unwrap();
    type Damage = fn(&mut Vec<u8>);
    let cases: [(&str, Damage, &str); 6] = [
        (
            "a bit flipped in the middle",
            |b| {
                let i = b.len() / 2;
                b[i] ^= 1
            },
            "checksum",
        ),
        ("another version", |b| b[8] = 9, "layout version 9"),
        ("another kind of file", |b| b[0] = b'X', "not a snapshot"),
        ("cut short", |b| b.truncate(b.len() - 100), "cut short"),
        ("empty", Vec::clear, "shorter than its header"),
        (
            "a table that points outside",
            |b| b[16..24].fill(0xff),
            "cut short",
        ),
    ];
    for (name, damage, message) in cases {
        let mut bytes = whole.clone();
        damage(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        let error = Graph::open(&path)
            .err()
            .unwrap_or_else(|| panic!("{name} was accepted"));
        let expected = if name == "empty" {
            ErrorKind::Io
        } else {
            ErrorKind::Corrupt
        };
        assert!(
            error.kind() == ErrorKind::Corrupt || error.kind() == expected,
            "{name}: {error}"
        );
        assert!(
            error.kind() != ErrorKind::Corrupt || error.message().contains(message),
            "{name}: {error}"
        );
        assert!(
            error
                .next_step()
                .is_some_and(|h| h.contains("kenning build")),
            "{name}: {error:?}"
        );
    }
    shop.engine.build(None, &Unwatched).unwrap();
    assert_eq!(
        std::fs::read(&path).unwrap(),
        whole,
        "a new build makes the same file again"
    );
}

/// Checksums say that a file is what was written, not that what was written is sound.
#[test]
fn numbers_outside_their_tables_are_refused() {
    let shop = Shop::new(1);
    let path = shop.engine.project().snapshot_file();
    let whole = std::fs::read(&path).unwrap();
    let table = |bytes: &[u8]| u64::from_le_bytes(bytes[16..24].try_into().unwrap()) as usize;
    let sections = u32::from_le_bytes(whole[12..16].try_into().unwrap()) as usize;
    let mut refused = Vec::new();
    for section in 0..sections {
        let entry = table(&whole) + section * 64;
        let number = |at: usize| u64::from_le_bytes(whole[at..at + 8].try_into().unwrap()) as usize;
        let (start, length) = (number(entry + 16), number(entry + 24));
        if length == 0 {
            continue;
        }
        let name = String::from_utf8_lossy(&whole[entry..entry + 16]);
        let name = name.trim_end_matches('\0').to_owned();
        for fill in [0xfe, 0x7f] {
            let mut bytes = whole.clone();
            bytes[start..start + 8.min(length)].fill(fill);
            let hash = *blake3::hash(&bytes[start..start + length]).as_bytes();
            bytes[entry + 32..entry + 64].copy_from_slice(&hash);
            let hash = *blake3::hash(&bytes[table(&whole)..]).as_bytes();
            bytes[32..64].copy_from_slice(&hash);
            std::fs::write(&path, bytes).unwrap();
            match Graph::open(&path) {
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error}");
                    refused.push(name.clone());
                }
                // What is left are values, not numbers of anything: they may be wrong, but must not break.
                Ok(graph) => {
                    for id in 0..graph.edge_count() {
                        graph.edge(EvidenceId(id));
                    }
                    for node in graph.nodes() {
                        graph.label(node);
                        graph.events(node).for_each(drop);
                    }
                }
            }
        }
    }
    refused.dedup();
    for name in [
        "meta",
        "term.at",
        "out.at",
        "out",
        "in.at",
        "in",
        "predicates",
        "predicate",
    ] {
        assert!(
            refused.iter().any(|r| r == name),
            "{name} is not in {refused:?}"
        );
    }
    for name in [
        "fact.graph",
        "derived",
        "premise.at",
        "premise",
        "met",
        "met-by",
        "event.item",
        "event-of",
        "label",
    ] {
        assert!(
            refused.iter().any(|r| r == name),
            "{name} is not in {refused:?}"
        );
    }
    for name in [
        "link0.at",
        "link0.to",
        "link1.to",
        "link2.to",
        "event.at",
        "predicate.at",
    ] {
        assert!(
            refused.iter().any(|r| r == name),
            "{name} is not in {refused:?}"
        );
    }
}
