//! The frozen graph: its rows, its edges, petgraph on it, and files that it refuses.

use crate::shop::Shop;
use kenning::ErrorKind;
use kenning::config::{Project, ScoringSettings};
use kenning::engine::{Engine, Snapshot, Strictness};
use kenning::graph::{Edge, Graph};
use kenning::intake::Mapping;
use kenning::knowledge::segment::{Segment, SegmentBuilder};
use kenning::model::{EvidenceId, Fact, Interaction, LinkKind, Place, Record, Unwatched, term};
use kenning::scoring::Scorer;
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

/// A project with one file `name`, imported and built.
fn small(mapping: &str, files: &[(&str, &str)]) -> kenning::Result<Snapshot> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let project = Project::init(&folder.path().join("small"), "small")?;
    let engine = Engine::open(project)?;
    let mapping = Mapping::parse(mapping, "mapping.toml")?;
    engine.import(mapping, folder.path(), Strictness::Strict, &Unwatched)?;
    engine.build(None, &Unwatched)?;
    engine.snapshot()
}

const DATASET: &str = "[dataset]\nname = \"small\"\nbase = \"https://example.org/\"\n";
const EVENTS: &str = "[[file]]\npath = \"events.csv\"\n[file.event]\nuser = \"user\"\nitem = \"item\"\nanonymous = true\n";

#[test]
fn a_dataset_may_lack_users_items_facts_or_everything() {
    let facts = "[[file]]\npath = \"facts.nt\"\n";
    let users = "[[file]]\npath = \"users.csv\"\n[file.user]\nid = \"id\"\n";
    let classes = "user_class = \"kenning:User\"\nitem_class = \"kenning:Item\"\n";
    let items = "[[file]]\npath = \"items.csv\"\n[file.item]\nid = \"id\"\n";
    for (name, tables, file, text, counts) in [
        (
            "only facts",
            facts,
            "facts.nt",
            "<urn:a> <urn:b> <urn:c> .\n",
            (0, 0, 0),
        ),
        ("only users", users, "users.csv", "id\na\nb\n", (2, 0, 0)),
        ("only items", items, "items.csv", "id\na\nb\n", (0, 2, 0)),
        (
            "nobody known",
            EVENTS,
            "events.csv",
            "user,item\n,a\n,b\n",
            (0, 2, 2),
        ),
        (
            "one event",
            EVENTS,
            "events.csv",
            "user,item\nu,a\n",
            (1, 1, 1),
        ),
    ] {
        let mapping = format!("{DATASET}{classes}{tables}");
        let snapshot = small(&mapping, &[(file, text)]).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        let graph = snapshot.graph();
        let found = (
            graph.users().len(),
            graph.items().len(),
            graph.event_count(),
        );
        assert_eq!(found, counts, "{name}");
        for id in 0..graph.edge_count() {
            assert!(graph.edge(EvidenceId(id)).is_some(), "{name}");
        }
        let settings = ScoringSettings::default();
        let scorer = Scorer::new(graph, &settings);
        let profile = scorer.session(&[]);
        let ranked = scorer.rank(&profile, 10, &Default::default());
        assert_eq!(ranked.len(), graph.items().len(), "{name}");
        assert!(ranked.iter().all(|s| s.score.is_finite()), "{name}");
        assert_eq!(
            graph.edge_references().count(),
            graph
                .edge_references()
                .map(|e| e.id())
                .collect::<BTreeSet<_>>()
                .len()
        );
    }
}

#[test]
fn events_without_time_keep_the_order_of_their_records() {
    let text = "user,item\nu,c\nu,a\nv,a\nu,b\nu,a\n";
    let snapshot = small(&format!("{DATASET}{EVENTS}"), &[("events.csv", text)]).unwrap();
    let graph = snapshot.graph();
    let events: Vec<_> = graph.events(graph.find_user("u").unwrap()).collect();
    let names: Vec<_> = events.iter().map(|e| graph.label(e.item)).collect();
    assert_eq!(names, ["c", "a", "b", "a"]);
    assert!(events.iter().all(|e| e.time.is_none()));
    assert_eq!(
        events.iter().map(|e| e.line).collect::<Vec<_>>(),
        [2, 3, 5, 6]
    );
}

#[test]
fn who_is_a_user_cannot_be_an_item() {
    let iris = "[iris]\nuser = \"https://example.org/people/{}\"\nitem = \"https://example.org/people/{}\"\n";
    let text = "user,item\nanna,ben\nben,carl\n";
    let error = small(&format!("{DATASET}{iris}{EVENTS}"), &[("events.csv", text)])
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Input);
    assert_eq!(
        error.message(),
        "`https://example.org/people/ben` is a user and an item"
    );
    assert_eq!(error.place(), Some("events.csv:2"));
    assert!(error.next_step().unwrap().contains("[iris]"));
}

#[test]
fn names_of_all_scripts_are_found() {
    let text = "user,item\nÉlan Vital,東京\na/b,..\n";
    let snapshot = small(&format!("{DATASET}{EVENTS}"), &[("events.csv", text)]).unwrap();
    for (user, item) in [("Élan Vital", "東京"), ("a/b", "..")] {
        let user = snapshot.graph().find_user(user).unwrap();
        assert_eq!(
            snapshot.graph().met(user),
            [snapshot.graph().find_item(item).unwrap()]
        );
    }
    let iris = "[iris]\nuser = \"{}\"\nitem = \"{}\"\n";
    let text = "user,item\nurn:u:1,https://example.org/i?1\n";
    let snapshot = small(&format!("{DATASET}{iris}{EVENTS}"), &[("events.csv", text)]).unwrap();
    assert!(
        snapshot.graph().find_user("urn:u:1").is_some(),
        "the ids are IRIs themselves"
    );
    let text = "user,item\nnobody,https://example.org/i?1\n";
    let error = small(&format!("{DATASET}{iris}{EVENTS}"), &[("events.csv", text)])
        .err()
        .unwrap();
    assert!(
        error.message().contains("`user` is not an IRI: `nobody`"),
        "{error}"
    );
}

#[test]
fn the_label_is_what_most_records_say_in_english_if_there_is_one() {
    let label = "<http://www.w3.org/2000/01/rdf-schema#label>";
    let one = format!(
        "<urn:a> {label} \"ancient\"@enm .\n<urn:a> {label} \"british\"@en-GB .\n<urn:b> {label} \"beta\" .\n<urn:b> {label} \"alpha\" .\n<urn:c> {label} \"only\"@fr .\n"
    );
    let two = format!("<urn:b> {label} \"beta\" .\n");
    let files = [("one.nt", &*one), ("two.nt", &*two)];
    let mapping = format!("{DATASET}[[file]]\npath = \"one.nt\"\n[[file]]\npath = \"two.nt\"\n");
    let snapshot = small(&mapping, &files).unwrap();
    let graph = snapshot.graph();
    let label = |iri: &str| graph.label(graph.find_iri(iri).unwrap());
    assert_eq!(
        ["urn:a", "urn:b", "urn:c"].map(label),
        ["british", "beta", "only"]
    );
}

/// Nodes without a name are the same inside triple terms and out, and the same in every build.
#[test]
fn blank_nodes_are_named_by_their_order() {
    let document = r#"
        PREFIX x: <https://example.org/x/>
        x:g { _:a x:says "one" ; x:means [ x:says "two" ] . x:who x:doubts <<( _:a x:says "one" )>> . }
        _:h { _:h x:says "three" . }
        GRAPH [] { x:who x:says "four" . }
    "#;
    let shop = Shop::new(1);
    let folder = shop.engine.project().root().join("ontologies");
    std::fs::create_dir_all(&folder).unwrap();
    let build = || {
        for name in ["one.trig", "two.trig"] {
            std::fs::write(folder.join(name), document).unwrap();
        }
        shop.engine.build(None, &Unwatched).unwrap();
        shop.snapshot()
    };
    let (first, second) = (build(), build());
    assert_eq!(first.graph().id(), second.graph().id());
    let graph = first.graph();
    let says = graph.find_iri("https://example.org/x/says").unwrap();
    let doubts = graph.find_iri("https://example.org/x/doubts").unwrap();
    let who = graph.find_iri("https://example.org/x/who").unwrap();
    let doubted = graph.objects(who, doubts);
    assert_eq!(doubted.len(), 2, "each document has its own node");
    for &[_, triple] in doubted {
        let oxigraph::model::Term::Triple(triple) = term::decode(graph.term(triple)) else {
            panic!("not a triple term")
        };
        let node = graph.find(&term::encode(&triple.subject.into())).unwrap();
        assert_eq!(graph.objects(node, says).len(), 1, "the node that says it");
    }
    let graphs: BTreeSet<u32> = (0..graph.fact_count())
        .filter(|&fact| graph.fact(fact).unwrap().triple[1] == says)
        .map(|fact| graph.graph_of(fact))
        .collect();
    assert_eq!(
        graphs.len(),
        5,
        "`x:g` is one for both, the others are two each"
    );
}

#[test]
fn a_fact_of_several_sources_stands_once_for_each() {
    let label = "<http://www.w3.org/2000/01/rdf-schema#label>";
    let mapping = format!("{DATASET}[[file]]\npath = \"one.nt\"\n[[file]]\npath = \"two.nt\"\n");
    let text = format!("<urn:a> {label} \"a\" .\n<urn:a> {label} \"a\" .\n");
    let snapshot = small(&mapping, &[("one.nt", &text), ("two.nt", &text)]).unwrap();
    let graph = snapshot.graph();
    let node = graph.find_iri("urn:a").unwrap();
    let [[predicate, object], _] = graph.outgoing(node) else {
        panic!("not two facts")
    };
    let facts = graph.facts([node, *predicate, *object]);
    let facts: Vec<_> = facts.map(|index| graph.fact(index).unwrap()).collect();
    assert_eq!(
        facts.iter().map(|f| f.line).collect::<Vec<_>>(),
        [Some(1), Some(1)]
    );
    assert_ne!(facts[0].graph, facts[1].graph);
    assert_eq!(facts.iter().map(|f| f.count).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn one_user_may_have_a_hundred_thousand_events() {
    let mut text = String::from("user,item\nother,i1\n");
    for event in 0..100_000 {
        text.push_str(&format!("u,i{}\n", event % 3000));
    }
    let snapshot = small(&format!("{DATASET}{EVENTS}"), &[("events.csv", &text)]).unwrap();
    let graph = snapshot.graph();
    let user = graph.find_user("u").unwrap();
    assert_eq!(
        (graph.events(user).len(), graph.met(user).len()),
        (100_000, 3000)
    );
    for &item in graph.met(user) {
        assert!((33..=34).contains(&graph.events_between(user, item).count()));
    }
    let most = graph
        .items()
        .map(|i| graph.links(LinkKind::CoOccursWith, i).to.len())
        .max();
    assert_eq!(most, Some(100), "the best of each, equals by their numbers");
}

#[test]
fn imports_that_make_no_graph_are_refused() {
    let shop = Shop::new(1);
    let path = shop.folder.path().join("odd.seg");
    let template = Segment::open(&shop.engine.project().imports().join("shop.seg")).unwrap();
    let place = Place { source: 0, line: 1 };
    let fact = |subject: &str, predicate: &str| {
        Record::Fact(Fact {
            subject: subject.into(),
            predicate: predicate.into(),
            object: term::string("o"),
            confidence: 1.0,
            time: None,
            place,
        })
    };
    let event = |user: &str, item: &str| {
        Record::Interaction(Interaction {
            user: Some(user.into()),
            item: item.into(),
            group: None,
            time: None,
            weight: 1.0,
            place,
        })
    };
    for (record, sound) in [
        (fact("<urn:s", "<urn:p"), true),
        (fact("\"s", "<urn:p"), false),
        (fact("<urn:s", "\"p"), false),
        (event("<urn:u", "<urn:i"), true),
        (event("\"u", "<urn:i"), false),
        (event("<urn:u", "^d\0i"), false),
    ] {
        let mut segment = SegmentBuilder::default();
        let name = format!("{record:?}");
        segment.add(record).unwrap();
        segment.write(&template.dataset, &path).unwrap();
        assert_eq!(Segment::open(&path).is_ok(), sound, "{name}");
    }
}
