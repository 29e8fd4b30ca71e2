//! Updates: seen at once, kept for ever, folded by the next build, and the same as in oxigraph's store.

mod durable;
mod folded;
mod loads;
mod program;

use crate::shop::Shop;
use kenning::config::Project;
use kenning::engine::{Engine, Live, Snapshot, Updated};
use kenning::model::change::statement;
use kenning::model::{Change, EvidenceId, Unwatched};
use kenning::sparql::{Cancel, Dataset, Document, Limits, Update, View, no_loads};
use kenning::{Error, ErrorKind};
use oxigraph::io::RdfFormat;
use oxrdf::{GraphName, Literal, NamedNode, Quad, Term};
use std::time::Duration;
use tempfile::TempDir;

const LIMITS: Limits = Limits {
    time: Duration::from_secs(60),
    rows: 1_000_000,
    memory: 1 << 28,
};

/// A project in a temporary folder, with nothing but Kenning's ontology.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Project::init(folder.path(), "updates").unwrap();
        Self { folder }
    }

    fn engine(&self) -> Engine {
        Engine::open(Project::open(self.folder.path()).unwrap()).unwrap()
    }

    fn live(&self) -> Live {
        Live::open(self.engine()).unwrap()
    }
}

fn try_update(live: &Live, text: &str) -> Result<Updated, Error> {
    let text = format!("PREFIX : <http://example.org/> {text}");
    live.update(&Update::parse(&text, None)?, &LIMITS, &Cancel::default())
}

fn update(live: &Live, text: &str) -> Updated {
    try_update(live, text).unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

fn ask(dataset: Dataset<'_>, query: &str) -> Vec<String> {
    let text = format!("PREFIX : <http://example.org/> {query}");
    let found = dataset.ask(&text, &LIMITS);
    let found = found.unwrap_or_else(|e| panic!("{query}: {e:?}"));
    let text = |value: &Option<Term>| value.as_ref().map_or("-".to_owned(), Term::to_string);
    let row = |row: &Vec<Option<Term>>| row.iter().map(text).collect::<Vec<_>>().join(" ");
    let mut rows: Vec<String> = found.solutions.iter().map(row).collect();
    rows.sort();
    rows
}

/// What a query finds in what is stated.
fn stated(snapshot: &Snapshot, query: &str) -> Vec<String> {
    let dataset = Dataset {
        view: View::Stated,
        ..snapshot.dataset()
    };
    ask(dataset, query)
}

const ALL: &str = "SELECT ?s ?p ?o ?g { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }";

/// All that is stated, but for Kenning's own documents.
fn own(snapshot: &Snapshot) -> Vec<String> {
    let mut all = stated(snapshot, ALL);
    all.retain(|row| !row.contains("<https://w3id.org/kenning"));
    all
}

#[test]
fn an_update_is_seen_together_with_the_snapshot() {
    let shop = Shop::new(1);
    let Shop { engine, folder } = shop;
    let live = Live::open(engine).unwrap();
    let before = live.current();
    let label = "SELECT ?label { <https://example.org/shop/item/p3> rdfs:label ?label }";
    let old = ask(before.dataset(), label);
    assert_eq!(old.len(), 1);
    let done = update(
        &live,
        "DELETE { ?item rdfs:label ?old } INSERT { ?item rdfs:label 'a new name' ; :checked true }
         WHERE { BIND(<https://example.org/shop/item/p3> AS ?item) ?item rdfs:label ?old }",
    );
    assert_eq!((done.inserted, done.deleted), (2, 1));
    let after = live.current();
    assert_eq!(ask(after.dataset(), label), ["\"a new name\""]);
    // What was taken before the update stays as it was.
    assert_eq!(ask(before.dataset(), label), old);
    // New facts and virtual triples meet in one query.
    let buyers = "SELECT ?user { ?user kenning:interacted ?item . ?item :checked true }";
    let item = before.graph().find_item("p3").unwrap();
    let met = before.graph().met_by(item).len();
    assert!(met > 0);
    assert_eq!(ask(after.dataset(), buyers).len(), met);
    // Whoever opens the project sees the same.
    drop(live);
    let project = Project::open(&folder.path().join("shop")).unwrap();
    let reopened = Snapshot::open(&project).unwrap();
    assert_eq!(ask(reopened.dataset(), label), ["\"a new name\""]);
    assert_eq!(reopened.last_change(), after.last_change());
}

#[test]
fn each_operation_sees_what_the_former_ones_did() {
    let bench = Bench::new();
    let live = bench.live();
    update(
        &live,
        "INSERT DATA { :a :p 1, 2 . GRAPH :g { :b :p 3 } } ;
         INSERT { GRAPH :h { ?s :q ?o } } WHERE { { ?s :p ?o } UNION { GRAPH :g { ?s :p ?o } } } ;
         DELETE { :a :p ?o } INSERT { :a :p ?next } WHERE { :a :p ?o BIND(?o + 1 AS ?next) } ;
         DELETE WHERE { GRAPH :g { ?s ?p ?o } }",
    );
    let integer = "^^<http://www.w3.org/2001/XMLSchema#integer>";
    let rows = own(&live.current()).join("\n").replace(integer, "");
    // 2 is deleted before it is inserted.
    insta::assert_snapshot!(rows.replace("http://example.org/", ":"), @r#"
    <:a> <:p> "2" -
    <:a> <:p> "3" -
    <:a> <:q> "1" <:h>
    <:a> <:q> "2" <:h>
    <:b> <:q> "3" <:h>
    "#);
}

#[test]
fn each_solution_gets_its_own_blank_nodes_and_what_is_no_triple_is_left_out() {
    let bench = Bench::new();
    let live = bench.live();
    let done = update(
        &live,
        "INSERT DATA { :a :p 1, 2, :b . _:x :knows _:x } ;
         INSERT { _:n :value ?o ; :of _:n . ?o :is :object . :s ?unbound ?o } WHERE { :a :p ?o }",
    );
    assert_eq!(done.inserted, 4 + 2 * 3 + 1);
    let current = live.current();
    let nodes = stated(
        &current,
        "SELECT DISTINCT ?n { ?n :value ?o ; :of ?n FILTER(isBlank(?n)) }",
    );
    assert_eq!(nodes.len(), 3);
    // The same labels again are other nodes.
    update(&live, "INSERT DATA { _:x :knows _:x }");
    assert_eq!(
        stated(&live.current(), "SELECT ?x { ?x :knows ?x }").len(),
        2
    );
}

#[test]
fn with_and_using_say_where_to_look() {
    let bench = Bench::new();
    let live = bench.live();
    update(
        &live,
        "INSERT DATA { GRAPH :g { :a :p 1 } GRAPH :h { :a :p 2 } }",
    );
    update(
        &live,
        "WITH :g DELETE { ?s :p ?o } INSERT { ?s :q ?o } WHERE { ?s :p ?o }",
    );
    update(
        &live,
        "INSERT { GRAPH :i { ?s :r ?o } } USING :h WHERE { ?s :p ?o }",
    );
    let rows = own(&live.current())
        .join("\n")
        .replace("^^<http://www.w3.org/2001/XMLSchema#integer>", "");
    insta::assert_snapshot!(rows.replace("http://example.org/", ":"), @r#"
    <:a> <:p> "2" <:h>
    <:a> <:q> "1" <:g>
    <:a> <:r> "2" <:i>
    "#);
    let iri = |name: &str| NamedNode::new(format!("http://example.org/{name}")).unwrap();
    let text = "PREFIX : <http://example.org/> INSERT { :x :found ?o } WHERE { ?s :q ?o }";
    let parsed = Update::parse(text, None).unwrap();
    let elsewhere = parsed.clone().with_dataset(vec![iri("h")], vec![]).unwrap();
    assert_eq!(
        live.update(&elsewhere, &LIMITS, &Cancel::default())
            .unwrap()
            .inserted,
        0
    );
    let there = parsed.with_dataset(vec![iri("g")], vec![]).unwrap();
    assert_eq!(
        live.update(&there, &LIMITS, &Cancel::default())
            .unwrap()
            .inserted,
        1
    );
    let text = "PREFIX : <http://example.org/> WITH :g DELETE { ?s :q ?o } WHERE { ?s :q ?o }";
    let both = Update::parse(text, None)
        .unwrap()
        .with_dataset(vec![iri("h")], vec![]);
    assert_eq!(both.unwrap_err().kind(), ErrorKind::Usage);
}

#[test]
fn the_default_graph_is_what_the_view_says() {
    let bench = Bench::new();
    let live = bench.live();
    update(&live, "INSERT DATA { :a :p 1 . GRAPH :g { :a :p 1, 2 } }");
    assert_eq!(stated(&live.current(), "SELECT ?o { :a :p ?o }").len(), 1);
    assert_eq!(
        ask(live.current().dataset(), "SELECT ?o { :a :p ?o }").len(),
        2
    );
    let current = live.current();
    let strict = Dataset {
        view: View::Stated,
        ..current.dataset()
    };
    let delete = Update::parse(
        "PREFIX : <http://example.org/> DELETE DATA { :a :p 1, 2 }",
        None,
    )
    .unwrap();
    let run = |dataset| {
        delete
            .run(dataset, &LIMITS, &Cancel::default(), &no_loads)
            .unwrap()
            .log
            .len()
    };
    assert_eq!(run(strict), 1);
    assert_eq!(run(current.dataset()), 3);
    update(&live, "CLEAR DEFAULT");
    assert_eq!(own(&live.current()).len(), 2);
    update(&live, "COPY :g TO DEFAULT ; DROP GRAPH :g");
    assert_eq!(stated(&live.current(), "SELECT ?o { :a :p ?o }").len(), 2);
    update(&live, "DROP ALL");
    assert!(stated(&live.current(), ALL).is_empty());
}

#[test]
fn an_update_that_fails_leaves_nothing() {
    let bench = Bench::new();
    let live = bench.live();
    update(&live, "INSERT DATA { GRAPH :g { :a :p 1 } }");
    let before = live.current().last_change();
    for failing in [
        "INSERT DATA { :a :p 2 } ; CREATE GRAPH :g",
        "INSERT DATA { :a :p 2 } ; LOAD <file:///etc/hostname>",
        "INSERT DATA { :a :p 2 } ; LOAD <http://127.0.0.1:9/x.ttl> INTO GRAPH :h",
        "INSERT DATA { :a :p 2 } ; INSERT DATA { :u kenning:interacted :i }",
    ] {
        let error = try_update(&live, failing).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input, "{failing}");
        assert!(error.next_step().is_some(), "{failing}");
        assert_eq!(live.current().last_change(), before, "{failing}");
        assert_eq!(own(&live.current()).len(), 1, "{failing}");
    }
    update(
        &live,
        "CREATE SILENT GRAPH :g ; CREATE GRAPH :new ; LOAD SILENT <file:///etc/hostname> ; INSERT DATA { :a :p 2 }",
    );
    assert_eq!(own(&live.current()).len(), 2);
    let again = bench.engine().snapshot().unwrap();
    assert_eq!(own(&again), own(&live.current()));
}

#[test]
fn time_and_memory_of_an_update_are_bounded() {
    let bench = Bench::new();
    let live = bench.live();
    let data: String = (0..2000).map(|i| format!(":a :p {i} .")).collect();
    update(&live, &format!("INSERT DATA {{ {data} }}"));
    let square = "PREFIX : <http://example.org/> INSERT { :b :p ?z } WHERE { ?s :p ?x . ?t :p ?y BIND(CONCAT(STR(?x), '-', STR(?y)) AS ?z) }";
    let square = Update::parse(square, None).unwrap();
    for limits in [
        Limits {
            memory: 1 << 20,
            ..LIMITS
        },
        Limits {
            time: Duration::from_millis(50),
            ..LIMITS
        },
    ] {
        let error = live
            .update(&square, &limits, &Cancel::default())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Budget, "{error}");
    }
    let cancel = Cancel::default();
    cancel.cancel();
    let error = live.update(&square, &LIMITS, &cancel).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Budget, "{error}");
    assert_eq!(own(&live.current()).len(), 2000);
}

#[test]
fn documents_come_in_by_what_load_is_allowed_to_fetch() {
    let bench = Bench::new();
    let live = bench.live();
    let current = live.current();
    let text = "LOAD <http://example.org/doc> ; LOAD <http://example.org/doc> INTO GRAPH <http://example.org/g>";
    let fetch = |iri: &str| {
        Ok(Document {
            bytes: b"_:a <#knows> _:b ; <#name> 'A' .".to_vec(),
            format: RdfFormat::Turtle,
            base: Some(iri.to_owned()),
        })
    };
    let parsed = Update::parse(text, None).unwrap();
    let effect = parsed
        .run(current.dataset(), &LIMITS, &Cancel::default(), &fetch)
        .unwrap();
    // Blank nodes of two fetches are different ones.
    assert_eq!(effect.log.len(), 4);
    let graphs = effect
        .log
        .iter()
        .map(|change| change.statement()[3].as_str());
    let mut graphs: Vec<_> = graphs.collect();
    graphs.sort_unstable();
    graphs.dedup();
    assert_eq!(
        graphs,
        ["<http://example.org/g", "<urn:kenning:graph:default"]
    );
    let broken = |_: &str| {
        Ok(Document {
            bytes: b"<a> <b>".to_vec(),
            format: RdfFormat::Turtle,
            base: None,
        })
    };
    let error = parsed
        .run(current.dataset(), &LIMITS, &Cancel::default(), &broken)
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Input);
    assert!(
        error
            .place()
            .unwrap()
            .starts_with("http://example.org/doc:1:"),
        "{error}"
    );
}

#[test]
fn virtual_triples_cannot_be_changed() {
    let shop = Shop::new(1);
    let live = Live::open(shop.engine).unwrap();
    let p3 = "<https://example.org/shop/item/p3>";
    let mut said = String::new();
    for text in [
        "INSERT DATA { :u kenning:interacted :i }".to_owned(),
        format!("DELETE WHERE {{ ?u kenning:interacted {p3} }}"),
        "INSERT DATA { :a kenning:boughtWith :b }".into(),
        "DELETE DATA { GRAPH kenning:links { :a kenning:followedBy :b } }".into(),
        "INSERT DATA { GRAPH kenning:interactions { :a :p :b } }".into(),
        "CLEAR GRAPH kenning:links".into(),
        "INSERT DATA { :a kenning:nearest :b }".into(),
        "INSERT DATA { :a kenning:recommends :b . }".into(),
        "INSERT DATA { :a kenning:matches 'b' }".into(),
        "INSERT DATA { <urn:kenning:edge:3> kenning:confidence 0.5 }".into(),
        format!(
            "DELETE {{ ?r ?p ?o }} WHERE {{ ?r rdf:reifies ?t ; ?p ?o . {p3} rdfs:label ?l ~ ?r }}"
        ),
    ] {
        let error = try_update(&live, &text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input, "{text}");
        said += &format!("{}\n  {}\n", error.message(), error.next_step().unwrap());
    }
    insta::with_settings!({filters => [(r"edge:\d+", "edge:[N]")]}, {
        insta::assert_snapshot!(said);
    });
    assert_eq!(live.current().last_change(), 0);
    // What stands beside them can be deleted.
    let cleared = update(&live, "CLEAR ALL");
    assert_eq!(cleared.deleted as u64, live.current().graph().fact_count());
    let interacted = ask(
        live.current().dataset(),
        "SELECT ?u { ?u kenning:interacted ?i }",
    );
    assert_eq!(
        interacted.len() as u64,
        live.current().graph().interaction_count()
    );
}

#[test]
fn facts_say_where_they_come_from_after_an_update() {
    let shop = Shop::new(1);
    let live = Live::open(shop.engine).unwrap();
    update(
        &live,
        "INSERT DATA { <https://example.org/shop/item/p3> :checked true {| :by :me |} }",
    );
    let by = ask(
        live.current().dataset(),
        "SELECT ?who { ?item :checked true {| :by ?who |} }",
    );
    assert_eq!(by, ["<http://example.org/me>"]);
    let edge = live.current().graph().edge(EvidenceId(0));
    assert!(edge.is_some());
}

#[test]
fn changes_without_sparql_are_the_same() {
    let bench = Bench::new();
    let live = bench.live();
    let node = |name: &str| NamedNode::new(format!("http://example.org/{name}")).unwrap();
    let quad = |graph: GraphName| Quad::new(node("a"), node("p"), Literal::from(1), graph);
    let default = statement(&quad(GraphName::DefaultGraph));
    let named = statement(&quad(node("g").into()));
    let change = |changes: &[Change]| live.change(changes, &LIMITS, &Cancel::default()).unwrap();
    let done = change(&[
        Change::Insert(default.clone()),
        Change::Insert(named.clone()),
        Change::Insert(named.clone()),
        Change::Delete(default.clone()),
    ]);
    assert_eq!(
        done,
        Updated {
            inserted: 1,
            deleted: 0
        }
    );
    assert_eq!(change(&[Change::Insert(named.clone())]), Updated::default());
    assert_eq!(live.current().last_change(), 1);
    let [_, p, o, g] = named;
    for bad in [
        ["\"text".into(), p.clone(), o.clone(), g.clone()],
        [
            "<http://example.org/a".into(),
            "_b".into(),
            o.clone(),
            g.clone(),
        ],
        ["<http://example.org/a".into(), p, o, "\"text".into()],
    ] {
        let refused = live.change(&[Change::Insert(bad)], &LIMITS, &Cancel::default());
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Input);
    }
}

#[test]
fn the_log_keeps_every_term_as_it_is() {
    let bench = Bench::new();
    let live = bench.live();
    update(
        &live,
        r#"INSERT DATA { :a :p "plain", "with \"quotes\" and\nlines", "chat"@fr, "shalom"@he--rtl, 1.50, "x"^^:type, "",
           <<( :s :p "o"@en )>>, "nul\u0000byte" . <http://example.org/ä> :p "日本" }"#,
    );
    let expected = own(&live.current());
    assert_eq!(expected.len(), 10);
    assert_eq!(own(&bench.engine().snapshot().unwrap()), expected);
    live.engine().build(None, &Unwatched).unwrap();
    assert!(live.refresh().unwrap());
    assert_eq!(own(&live.current()), expected);
}
