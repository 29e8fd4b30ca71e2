//! The graph as an RDF dataset: virtual triples agree with the rows they come from, and with oxigraph's own store.

mod edges;
mod limits;

use crate::shop::Shop;
use kenning::ErrorKind;
use kenning::graph::Graph;
use kenning::graph::changes::Changes;
use kenning::model::LinkKind;
use kenning::sparql::{Cancel, Dataset, Format, Limits, Query, Writer};
use oxigraph::model::Term;
use oxigraph::sparql::QueryResults;
use oxigraph::store::Store;
use std::time::Duration;

const LIMITS: Limits = Limits {
    time: Duration::from_secs(60),
    rows: 1_000_000,
    memory: 1 << 30,
};

fn row(values: &[Option<Term>]) -> String {
    let values = values
        .iter()
        .map(|v| v.as_ref().map_or("-".to_owned(), ToString::to_string));
    values.collect::<Vec<_>>().join(" ")
}

fn rows(results: QueryResults<'_>) -> Vec<String> {
    let QueryResults::Solutions(solutions) = results else {
        panic!("not a SELECT")
    };
    let mut rows: Vec<String> = solutions.map(|s| row(s.unwrap().values())).collect();
    rows.sort();
    rows
}

fn ask(graph: &Graph, text: &str) -> Vec<String> {
    let found = Dataset::new(graph, &Changes::none(graph)).ask(text, &LIMITS);
    let found = found.unwrap_or_else(|e| panic!("{text}: {e:?}"));
    let mut rows: Vec<String> = found.solutions.iter().map(|s| row(s)).collect();
    rows.sort();
    rows
}

fn count(graph: &Graph, pattern: &str) -> u64 {
    let rows = ask(
        graph,
        &format!("SELECT (COUNT(*) AS ?n) WHERE {{ {pattern} }}"),
    );
    rows[0].split('"').nth(1).unwrap().parse().unwrap()
}

/// What only the inner side binds must not keep the outer side from binding it.
#[test]
fn an_optional_in_an_optional_is_asked_for_each_row() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let text = "SELECT ?m ?u ?b { <https://example.org/shop/user/u3> kenning:interacted ?m
        OPTIONAL { ?u kenning:interacted ?m OPTIONAL { ?m schema:brand ?b } } }";
    let query = Query::parse(text, None).unwrap();
    let plan = query
        .explain(snapshot.dataset(), &LIMITS, &Cancel::default())
        .unwrap();
    assert!(!plan.to_string().contains("table"), "{plan}");
    let flat = "SELECT ?m ?u ?b { <https://example.org/shop/user/u3> kenning:interacted ?m . ?u kenning:interacted ?m . ?m schema:brand ?b }";
    let graph = snapshot.graph();
    assert_eq!(ask(graph, text), ask(graph, flat));
    let limit = "SELECT ?m { ?m schema:brand ?b } ORDER BY ?m LIMIT 9223372036854775808";
    assert_eq!(ask(graph, limit).len(), graph.items().len());
}

#[test]
fn every_usual_prefix_is_known() {
    for (prefix, namespace) in kenning::vocabulary::PREFIXES {
        let ask = |name: &str| Query::parse(&format!("ASK {{ ?s a {name} }}"), None).unwrap();
        let [short, long] =
            [format!("{prefix}:x"), format!("<{namespace}x>")].map(|n| format!("{:?}", ask(&n)));
        assert_eq!(short, long);
    }
}

#[test]
fn virtual_triples_are_the_rows_of_the_graph() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    assert_eq!(
        count(graph, "?u kenning:interacted ?i"),
        graph.interaction_count()
    );
    assert_eq!(
        count(graph, "?a kenning:boughtWith ?b"),
        graph.link_count(LinkKind::BoughtWith)
    );
    assert_eq!(count(graph, "?r rdf:reifies ?t"), graph.edge_count());
    let user = graph.find_user("u3").unwrap();
    let bound = "<https://example.org/shop/user/u3> kenning:interacted ?i";
    assert_eq!(count(graph, bound), graph.met(user).len() as u64);
    let item = graph.met(user)[0];
    let iri = kenning::model::term::as_iri(graph.term(item)).unwrap();
    assert_eq!(
        count(graph, &format!("?u kenning:interacted <{iri}>")),
        graph.met_by(item).len() as u64
    );
    assert_eq!(
        count(
            graph,
            &format!("<https://example.org/shop/user/u3> kenning:interacted <{iri}>")
        ),
        1
    );
    assert_eq!(count(graph, &format!("<{iri}> kenning:interacted ?x")), 0);
    assert_eq!(count(graph, "?s <https://example.org/never> ?o"), 0);
}

#[test]
fn sources_are_named_graphs_and_the_default_graph_is_their_union() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let graphs = ask(graph, "SELECT DISTINCT ?g WHERE { GRAPH ?g { ?s ?p ?o } }");
    let base = "<https://example.org/shop/source/products.csv>";
    for expected in [
        base,
        "<https://w3id.org/kenning>",
        "<https://w3id.org/kenning#interactions>",
        "<https://w3id.org/kenning#links>",
        "<https://w3id.org/kenning#provenance>",
        "<urn:kenning:run:text:shop>",
    ] {
        assert!(
            graphs.contains(&expected.to_owned()),
            "{expected} is not in {graphs:?}"
        );
    }
    assert!(count(graph, &format!("GRAPH {base} {{ ?p schema:brand ?b }}")) >= 80);
    assert_eq!(
        count(
            graph,
            &format!("GRAPH {base} {{ ?u kenning:interacted ?i }}")
        ),
        0
    );
    let named = count(
        graph,
        "SELECT DISTINCT ?s ?p ?o WHERE { GRAPH ?g { ?s ?p ?o } }",
    );
    assert_eq!(count(graph, "?s ?p ?o"), named);
}

#[test]
fn reifiers_tell_where_a_fact_comes_from() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let stated = ask(
        graph,
        "SELECT ?source ?line ?sure WHERE {
            <https://example.org/shop/item/p3> rdfs:label ?label
                {| prov:wasDerivedFrom ?source ; kenning:line ?line ; kenning:confidence ?sure |} }",
    );
    insta::assert_snapshot!(stated.join("\n"), @r#"<https://example.org/shop/source/products.csv> "5"^^<http://www.w3.org/2001/XMLSchema#integer> "1.0"^^<http://www.w3.org/2001/XMLSchema#decimal>"#);
    let derived = ask(
        graph,
        "SELECT DISTINCT ?run ?name ?line WHERE {
            << <https://example.org/shop/item/p3> kenning:productType ?type >> prov:wasGeneratedBy ?run ; prov:wasDerivedFrom ?fact .
            ?fact rdf:reifies ?triple ; kenning:line ?line . ?run rdfs:label ?name }",
    );
    insta::assert_snapshot!(derived.join("\n"), @r#"<urn:kenning:run:text:shop> "concepts of a vocabulary, found in texts" "5"^^<http://www.w3.org/2001/XMLSchema#integer>"#);
    let links = ask(
        graph,
        "SELECT (COUNT(*) AS ?n) WHERE { << ?a kenning:followedBy ?b >> kenning:score ?score ; kenning:support ?n1 ; prov:wasGeneratedBy ?run . ?run a kenning:Run }",
    );
    assert!(
        links[0].contains(&format!("\"{}\"", graph.link_count(LinkKind::FollowedBy))),
        "{links:?}"
    );
}

/// The same triples in oxigraph's own store answer the same.
#[test]
fn answers_agree_with_oxigraphs_store() {
    let shop = Shop::new(4);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let store = Store::new().unwrap();
    let all = "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }";
    for triple in snapshot.dataset().ask(all, &LIMITS).unwrap().triples {
        store
            .insert(&triple.in_graph(oxigraph::model::GraphName::DefaultGraph))
            .unwrap();
    }
    let prefixes = kenning::vocabulary::PREFIXES
        .iter()
        .map(|(p, n)| format!("PREFIX {p}: <{n}>\n"));
    let prefixes: String = prefixes.collect();
    for text in [
        "SELECT * WHERE { ?u kenning:interacted ?i . ?i schema:brand ?b } ",
        "SELECT ?b (COUNT(?u) AS ?n) WHERE { ?i schema:brand ?b . ?u kenning:interacted ?i } GROUP BY ?b",
        "SELECT DISTINCT ?k WHERE { <https://example.org/shop/user/u3> kenning:interacted/^kenning:interacted/kenning:interacted ?k }",
        "SELECT ?i WHERE { ?i kenning:motif ?m FILTER NOT EXISTS { ?u kenning:interacted ?i } }",
        "SELECT ?a ?b WHERE { ?a kenning:boughtWith ?b . ?b kenning:followedBy ?a }",
        "SELECT ?a WHERE { ?a kenning:boughtWith+ <https://example.org/shop/item/p3> }",
        "SELECT ?p (COUNT(*) AS ?n) WHERE { ?s ?p ?o } GROUP BY ?p",
        "SELECT ?i ?l WHERE { ?i rdfs:label ?l FILTER(CONTAINS(?l, 'owl')) OPTIONAL { ?i schema:keywords ?k } }",
        "SELECT ?s ?o WHERE { ?s (skos:broader|kenning:productType)* ?o . ?s schema:brand ?b }",
        "SELECT ?r ?c WHERE { ?r kenning:confidence ?c FILTER(?c < 1.0) }",
        "SELECT ?s ?x WHERE { ?s ?p ?x . ?x ?q ?s }",
    ] {
        let expected = oxigraph::sparql::SparqlEvaluator::new()
            .parse_query(&format!("{prefixes}{text}"))
            .unwrap()
            .on_store(&store)
            .execute()
            .unwrap();
        let (ours, theirs) = (ask(graph, text), rows(expected));
        assert!(
            ours == theirs,
            "{text}: {} rows, but the store has {}",
            ours.len(),
            theirs.len()
        );
        assert!(
            !theirs.is_empty() || text.contains("?x ?q"),
            "{text} should have rows"
        );
    }
}

#[test]
fn hostile_queries_are_bounded() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let short = Limits {
        rows: 1000,
        ..LIMITS
    };
    let run = |text: &str, limits| {
        let format = Format {
            solutions: oxigraph::sparql::results::QueryResultsFormat::Json,
            triples: oxigraph::io::RdfFormat::NTriples,
        };
        let mut writer = Writer::new(std::io::sink(), format);
        let query = Query::parse(text, None)?;
        query.run(snapshot.dataset(), &limits, &Cancel::default(), &mut writer)
    };
    let hasty = Limits {
        time: Duration::from_millis(1),
        ..LIMITS
    };
    let error = run("SELECT * WHERE { ?s ?p ?o . ?o ?q ?x }", hasty).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Budget, "{error}");
    assert!(error.message().contains("stopped after 0.001 s"), "{error}");
    let quick = Limits {
        time: Duration::from_millis(200),
        ..LIMITS
    };
    for endless in [
        "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
        "SELECT * WHERE { ?s (kenning:interacted|^kenning:interacted|schema:brand|^schema:brand)* ?o . ?x ?y ?z FILTER(?z = 1) }",
        "SELECT * WHERE { ?s !<urn:a> ?o . ?p !<urn:b> ?q FILTER(CONCAT(STR(?s), STR(?q)) = STR(?p)) }",
    ] {
        let error = run(endless, quick).unwrap_err();
        assert!(
            error.message().contains("stopped after 0.2 s"),
            "{endless}: {error}"
        );
    }
    let small = Limits {
        memory: 1 << 20,
        ..LIMITS
    };
    for greedy in [
        "SELECT * WHERE { ?a ?b ?c . ?d ?e ?f } ORDER BY ?f",
        "SELECT DISTINCT ?a ?f WHERE { ?a ?b ?c . ?d ?e ?f FILTER(?f = 1 || ?a != ?f) } ORDER BY ?a",
        "SELECT (GROUP_CONCAT(?l) AS ?all) WHERE { ?a rdfs:label ?l . ?d ?e ?f . ?g ?h ?i }",
        "SELECT * WHERE { { SELECT ?a ?f { ?a ?b ?c . ?d ?e ?f } LIMIT 1000000 } MINUS { ?f ?g ?a } } ORDER BY ?a",
    ] {
        let error = run(greedy, small).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Budget, "{greedy}: {error}");
        assert!(error.message().contains("memory"), "{greedy}: {error}");
    }
    let error = run("SELECT * WHERE { ?s ?p ?o }", short).unwrap_err();
    assert!(error.message().contains("more than 1000 rows"), "{error}");
    let error = run("SELECT * WHERE { ?s ?p }", LIMITS).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Input, "{error}");
    let error = run(
        "SELECT * WHERE { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }",
        LIMITS,
    )
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Input, "{error}");
}

/// Each pattern of a join is a step deeper in the evaluation, so their number is bounded: below the bound all fits.
#[test]
fn large_queries_are_answered_or_refused() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let item = "<https://example.org/shop/item/p3>";
    let repeated = |count: usize, part: &dyn Fn(usize) -> String| {
        let parts: Vec<String> = (0..count).map(part).collect();
        parts.join(" ")
    };
    let label = |n: usize| format!("{item} rdfs:label ?l{n} .");
    let optional = |n: usize| format!("OPTIONAL {{ {item} rdfs:label ?l{n} }}");
    let answered = [
        repeated(500, &label),
        format!("{item} rdfs:label ?l {}", repeated(100, &optional)),
        format!(
            "{{ {item} rdfs:label ?l }} {}",
            repeated(400, &|_| "UNION {}".into())
        ),
        format!("{}{item} rdfs:label ?l{}", "{".repeat(100), "}".repeat(100)),
        format!("{item} rdfs:label ?l FILTER({} BOUND(?l))", "!!".repeat(60)),
    ];
    for pattern in &answered {
        let rows = ask(graph, &format!("SELECT * WHERE {{ {pattern} }}")).len();
        assert!(rows > 0, "{}", &pattern[..60]);
    }
    let refused = [
        repeated(5000, &label),
        repeated(5000, &optional),
        format!(
            "{}{item} rdfs:label ?l{}",
            "{".repeat(9000),
            "}".repeat(9000)
        ),
        format!("{item} rdfs:label ?l FILTER({}?l)", "!".repeat(100_000)),
    ];
    for pattern in &refused {
        let asked = snapshot
            .dataset()
            .ask(&format!("SELECT * WHERE {{ {pattern} }}"), &LIMITS);
        let error = asked.unwrap_err();
        assert!(error.next_step().is_some(), "{error:?}");
    }
}
