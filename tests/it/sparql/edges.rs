//! Edges by their names: documents and changes may speak of them, and pay for it only if they do.

use super::ask;
use crate::shop::Shop;
use kenning::graph::changes::Changes;
use kenning::model::term::encode;
use kenning::model::{EvidenceId, LinkKind, Unwatched};
use oxigraph::model::Term;
use std::str::FromStr;

#[test]
fn any_edge_can_be_asked_for_by_its_iri() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    for id in (0..graph.edge_count()).step_by(97) {
        let told = ask(
            graph,
            &format!("SELECT ?t WHERE {{ <urn:kenning:edge:{id}> rdf:reifies ?t }}"),
        );
        assert_eq!(told.len(), 1, "edge {id}");
        let back = ask(
            graph,
            &format!("SELECT ?r WHERE {{ ?r rdf:reifies {} }}", told[0]),
        );
        assert!(
            back.contains(&format!("<urn:kenning:edge:{id}>")),
            "edge {id}: {told:?} gives {back:?}"
        );
        assert!(graph.edge(EvidenceId(id)).is_some());
    }
}

/// Whether a term may be an edge is looked at once, when it comes: other changes leave every id as quick as without.
#[test]
fn only_changes_that_name_edges_are_searched_for_them() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    for (object, names) in [
        ("<https://example.org/x/new>", false),
        ("<urn:kenning:edges:1>", false),
        ("_:x", false),
        ("\"urn:kenning:edge:1\"", false),
        ("\"urn:kenning:edge:1\"@en", false),
        ("\"1\"^^<http://www.w3.org/2001/XMLSchema#integer>", false),
        ("<urn:kenning:edge:1>", true),
        ("<urn:kenning:event:1>", true),
        ("<<( <urn:x:a> <urn:x:b> <urn:x:c> )>>", true),
    ] {
        let mut changes = Changes::none(graph);
        let quad = ["<urn:x:s>", "<urn:x:p>", object, "<urn:x:g>"];
        let quad = quad.map(|text| encode(&Term::from_str(text).unwrap()));
        changes.insert(graph, quad.each_ref().map(String::as_str));
        assert_eq!(changes.names_edges(), names, "{object}");
    }
}

/// Documents of one's own may speak of triples and edges that the graph has: a term is the same wherever it stands.
#[test]
fn documents_may_speak_of_edges() {
    let shop = Shop::new(1);
    let folder = shop.engine.project().root().join("ontologies");
    std::fs::create_dir_all(&folder).unwrap();
    let document = r#"
PREFIX s: <https://example.org/shop/item/>
PREFIX x: <https://example.org/x/>
PREFIX schema: <https://schema.org/>
PREFIX kenning: <https://w3id.org/kenning#>
x:a x:doubts <<( s:p3 schema:brand <https://example.org/shop/brand/MADE> )>> .
x:b x:doubts <<( x:c x:never x:d )>> .
x:c x:doubts <<( x:b x:doubts <<( x:c x:never x:d )>> )>> .
x:a x:sees <urn:kenning:edge:7>, <urn:kenning:edge:+7>, <urn:kenning:edge:07> .
<urn:kenning:edge:8> x:likes x:a .
USER kenning:interacted ITEM .
"#;
    let before = shop.snapshot();
    let graph = before.graph();
    let name = |id: u32| kenning::model::term::decode(graph.term(id)).to_string();
    let brand = graph.find_iri("https://schema.org/brand").unwrap();
    let [_, made] = graph.objects(graph.find_item("p3").unwrap(), brand)[0];
    let user = graph.find_user("u3").unwrap();
    let document = document
        .replace("<https://example.org/shop/brand/MADE>", &name(made))
        .replace("USER", &name(user))
        .replace("ITEM", &name(graph.met(user)[0]));
    std::fs::write(folder.join("doubts.ttl"), document).unwrap();
    shop.engine.build(None, &Unwatched).unwrap();
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let x = "PREFIX x: <https://example.org/x/>";
    let n = |pattern: &str| ask(graph, &format!("{x} SELECT * WHERE {{ {pattern} }}")).len();
    assert_eq!(
        n("x:a x:doubts ?t . ?r rdf:reifies ?t ; prov:wasDerivedFrom ?source"),
        1
    );
    assert_eq!(
        n("?r rdf:reifies ?t . ?who x:doubts ?t"),
        2,
        "also a triple about a triple"
    );
    assert_eq!(n("?who x:doubts <<( x:c x:never x:d )>>"), 1);
    assert_eq!(
        n("?who x:doubts <<( <https://example.org/shop/item/p3> schema:brand ?b )>>"),
        1
    );
    assert_eq!(n("x:a x:sees ?e"), 3, "only one of the three is an edge");
    assert_eq!(n("x:a x:sees ?e . ?e rdf:reifies ?t"), 1);
    assert_eq!(n("?e rdf:reifies ?t . x:a x:sees ?e"), 1);
    assert_eq!(n("?e x:likes x:a . ?e rdf:reifies ?t"), 1);
    assert_eq!(n("<urn:kenning:edge:8> x:likes ?x"), 1);
    let met = graph.met(user).len();
    assert_eq!(
        n("<https://example.org/shop/user/u3> kenning:interacted ?i"),
        met
    );
    assert_eq!(
        n("?r rdf:reifies <<( ?u kenning:interacted ?i )>>") as u64,
        graph.interaction_count() + 1,
        "one pair is also stated"
    );
    assert_eq!(
        n(
            "<https://example.org/shop/user/u3> kenning:interacted ?i . ?r rdf:reifies <<( <https://example.org/shop/user/u3> kenning:interacted ?i )>>"
        ),
        met + 1
    );
}

#[test]
fn links_are_found_from_their_ends() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    for kind in LinkKind::ALL {
        let mut from = Vec::new();
        for item in graph.items() {
            for (source, id) in graph.links_to(kind, item) {
                let row = graph.links(kind, source);
                assert_eq!(row.to[(id.0 - row.first) as usize], item);
                from.push(id);
            }
        }
        assert_eq!(from.len() as u64, graph.link_count(kind), "each once");
        assert_eq!(graph.links_to(kind, graph.users().start).len(), 0);
    }
    for user in graph.users() {
        for &item in graph.met(user) {
            let between: Vec<_> = graph.events_between(user, item).collect();
            let all = graph.events(user).filter(|e| e.item == item);
            assert_eq!(between, all.collect::<Vec<_>>());
        }
    }
    assert_eq!(
        graph.events_between(u32::MAX, graph.items().start).count(),
        0
    );
}
