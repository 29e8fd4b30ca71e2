//! Graphs of small projects made for one question each.

use crate::shop::Shop;
use kenning::ErrorKind;
use kenning::config::{Project, ScoringSettings};
use kenning::engine::{Engine, Snapshot, Strictness};

use kenning::intake::Mapping;
use kenning::knowledge::segment::{Segment, SegmentBuilder};
use kenning::model::{EvidenceId, Fact, Interaction, LinkKind, Place, Record, Unwatched, term};
use kenning::scoring::Scorer;
use petgraph::visit::{EdgeRef, IntoEdgeReferences};
use std::collections::BTreeSet;

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
