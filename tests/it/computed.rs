//! What queries compute: against the graph, the scorer, and plain recomputation. Here searches.

mod nodes;

use crate::embedding;
use crate::shop::Shop;
use kenning::ErrorKind;
use kenning::embedding::Embedder;
use kenning::engine::{Live, Snapshot};
use kenning::graph::Graph;
use kenning::graph::changes::Changes;
use kenning::model::{Unwatched, term};
use kenning::sparql::{Cancel, Dataset, Limits, NEAREST, RECOMMENDED, Update, View};
use kenning::{Error, search};
use oxrdf::Term;
use std::collections::BTreeSet;
use std::time::Duration;

const LIMITS: Limits = Limits {
    time: Duration::from_secs(60),
    rows: 1_000_000,
    memory: 1 << 28,
};

const U3: &str = "<https://example.org/shop/user/u3>";

fn try_rows(dataset: Dataset<'_>, query: &str) -> Result<Vec<Vec<String>>, Error> {
    let text = |value: &Option<Term>| match value {
        Some(Term::Literal(literal)) => literal.value().to_owned(),
        Some(term) => term.to_string(),
        None => "-".into(),
    };
    let found = dataset.ask(query, &LIMITS)?.solutions;
    Ok(found
        .iter()
        .map(|row| row.iter().map(text).collect())
        .collect())
}

fn rows(snapshot: &Snapshot, query: &str) -> Vec<Vec<String>> {
    try_rows(snapshot.dataset(), query).unwrap_or_else(|e| panic!("{query}: {e:?}"))
}

fn error(snapshot: &Snapshot, query: &str) -> Error {
    try_rows(snapshot.dataset(), query).expect_err(query)
}

fn name(graph: &Graph, number: u32) -> String {
    term::decode(graph.term(number)).to_string()
}

fn recommended(snapshot: &Snapshot, user: &str) -> Vec<Vec<String>> {
    let graph = snapshot.graph();
    let scorer = snapshot.scorer();
    let user = graph.find_user(user).unwrap();
    let met = graph.met(user).iter().copied().collect();
    let ranked = scorer.rank(&scorer.profile(user), RECOMMENDED, &met);
    let rank = 1..;
    let row = |(scored, rank): (&kenning::scoring::Scored, i32)| {
        vec![
            name(graph, scored.item),
            scored.score.to_string(),
            rank.to_string(),
        ]
    };
    ranked.iter().zip(rank).map(row).collect()
}

#[test]
fn recommendations_are_those_of_the_scorer() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let expected = recommended(&snapshot, "u3");
    assert!(expected.len() > 10);
    let as_numbers = |rows: Vec<Vec<String>>| -> Vec<(String, f64, u32)> {
        let number = |row: Vec<String>| {
            (
                row[0].clone(),
                row[1].parse().unwrap(),
                row[2].parse().unwrap(),
            )
        };
        rows.into_iter().map(number).collect()
    };
    for pattern in [
        format!("{U3} kenning:recommends ?i {{| kenning:score ?s ; kenning:rank ?r |}}"),
        format!("<< {U3} kenning:recommends ?i >> kenning:score ?s ; kenning:rank ?r"),
        format!(
            "?x rdf:reifies <<( {U3} kenning:recommends ?i )>> ; kenning:rank ?r ; kenning:score ?s"
        ),
        format!(
            "?u kenning:recommends ?i {{| kenning:rank ?r ; kenning:score ?s |}} . VALUES ?u {{ {U3} }}"
        ),
        format!(
            "?u kenning:recommends ?i {{| kenning:rank ?r ; kenning:score ?s |}} . BIND({U3} AS ?v) FILTER(?u = ?v) VALUES ?u {{ {U3} }}"
        ),
    ] {
        let found = rows(
            &snapshot,
            &format!("SELECT ?i ?s ?r WHERE {{ {pattern} }} ORDER BY ?r"),
        );
        assert_eq!(as_numbers(found), as_numbers(expected.clone()), "{pattern}");
    }
    let plain = rows(
        &snapshot,
        &format!("SELECT ?i WHERE {{ {U3} kenning:recommends ?i }}"),
    );
    assert_eq!(plain.len(), expected.len());
    let met = rows(
        &snapshot,
        &format!("SELECT ?i WHERE {{ {U3} kenning:recommends ?i ; kenning:interacted ?i }}"),
    );
    assert!(met.is_empty(), "{met:?}");
    let (first, other) = (&expected[0][0], &expected[1][0]);
    let both = format!(
        "SELECT ?r WHERE {{ {U3} kenning:recommends {first}, {other} . {U3} kenning:recommends {first} {{| kenning:rank ?r |}} }}"
    );
    assert_eq!(rows(&snapshot, &both), [["1"]]);
    let few = format!(
        "SELECT ?i WHERE {{ {U3} kenning:recommends ?i {{| kenning:rank ?r |}} FILTER(?r <= 3) }}"
    );
    assert_eq!(rows(&snapshot, &few).len(), 3);
    let nobody = "SELECT ?i WHERE { <https://example.org/nobody> kenning:recommends ?i }";
    assert!(rows(&snapshot, nobody).is_empty());
}

#[test]
fn a_search_waits_for_what_binds_its_input() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let users = snapshot.graph().users().len();
    // Written first, and joined with two parts that are not connected with one another.
    let joined = "SELECT ?u ?i ?b WHERE { ?u kenning:recommends ?i {| kenning:rank ?r |} . ?i schema:brand ?b .
        ?b rdfs:label \"Brand 1\" . ?u a kenning:User }";
    let of_brand = rows(&snapshot, joined);
    let all = rows(
        &snapshot,
        "SELECT DISTINCT ?u WHERE { ?u kenning:interacted ?x }",
    );
    assert_eq!(all.len(), users);
    let each: usize = all
        .iter()
        .map(|u| {
            let query = format!("SELECT ?i WHERE {{ {} kenning:recommends ?i . ?i schema:brand/rdfs:label \"Brand 1\" }}", u[0]);
            rows(&snapshot, &query).len()
        })
        .sum();
    let joined = "SELECT ?u ?i WHERE { ?u kenning:recommends ?i . ?i schema:brand ?b . ?b rdfs:label \"Brand 1\" . ?u kenning:interacted ?x } GROUP BY ?u ?i";
    assert_eq!(rows(&snapshot, joined).len(), each);
    assert!(each > 0 && of_brand.len() <= each);
    let optional = format!(
        "SELECT ?u ?i WHERE {{ VALUES ?u {{ {U3} }} OPTIONAL {{ ?u kenning:recommends ?i {{| kenning:rank 1 |}} }} }}"
    );
    assert_eq!(rows(&snapshot, &optional).len(), 1);
    for (query, side) in [
        ("SELECT * WHERE { ?u kenning:recommends ?i }", "subject"),
        (
            "SELECT * WHERE { ?u kenning:recommends <https://example.org/shop/item/p3> }",
            "subject",
        ),
        (
            "SELECT * WHERE { ?a kenning:nearest ?b }",
            "subject or object",
        ),
        ("SELECT * WHERE { ?n kenning:matches ?words }", "object"),
        (
            "SELECT * WHERE { ?u kenning:interacted ?i MINUS { ?u kenning:recommends ?i } }",
            "subject",
        ),
    ] {
        let error = error(&snapshot, query);
        assert_eq!(error.kind(), ErrorKind::Input, "{query}: {error}");
        assert!(
            error.message().contains(&format!("the {side} of")),
            "{query}: {error}"
        );
        assert!(error.next_step().is_some());
    }
    let more = error(
        &snapshot,
        &format!(
            "SELECT * WHERE {{ {U3} kenning:recommends ?i {{| prov:wasGeneratedBy ?run |}} }}"
        ),
    );
    assert!(more.message().contains("score and rank"), "{more}");
}

#[test]
fn searches_are_virtual_and_only_in_the_default_graph() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let inside = format!("SELECT * WHERE {{ GRAPH ?g {{ {U3} kenning:recommends ?i }} }}");
    assert!(rows(&snapshot, &inside).is_empty());
    let from = format!("SELECT * FROM kenning:links WHERE {{ {U3} kenning:recommends ?i }}");
    assert!(rows(&snapshot, &from).is_empty());
    let stated = Dataset {
        view: View::Stated,
        ..snapshot.dataset()
    };
    let query = format!("SELECT * WHERE {{ {U3} kenning:recommends ?i }}");
    assert!(try_rows(stated, &query).unwrap().is_empty());
    let graph = snapshot.graph();
    let none = Changes::none(graph);
    let error = try_rows(Dataset::new(graph, &none), &query).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    let error = self::error(
        &snapshot,
        "SELECT * WHERE { <https://example.org/shop/item/p3> kenning:nearest ?i }",
    );
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[test]
fn nearest_is_by_cosine_from_either_side() {
    let shop = Shop::new(1);
    let model = tempfile::tempdir().unwrap();
    embedding::tiny(model.path());
    let embedder = Embedder::load(model.path()).unwrap();
    shop.engine.build(Some(&embedder), &Unwatched).unwrap();
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let item = graph.find_item("p3").unwrap();
    let own = graph.vector(item).unwrap();
    let cosine = |other: &[f32]| -> f64 {
        let dot = |a: &[f32], b: &[f32]| {
            a.iter()
                .zip(b)
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum::<f64>()
        };
        dot(own, other) / (dot(own, own) * dot(other, other)).sqrt()
    };
    let others = graph.nodes().filter(|&node| node != item);
    let mut expected: Vec<f64> = others.filter_map(|n| graph.vector(n)).map(cosine).collect();
    expected.sort_by(|a, b| b.total_cmp(a));
    expected.truncate(NEAREST);
    for pattern in [
        "<https://example.org/shop/item/p3> kenning:nearest ?n",
        "?n kenning:nearest <https://example.org/shop/item/p3>",
    ] {
        let query = format!(
            "SELECT ?n ?s WHERE {{ {pattern} {{| kenning:rank ?r ; kenning:score ?s |}} }} ORDER BY ?r"
        );
        let found = rows(&snapshot, &query);
        assert_eq!(found.len(), expected.len(), "{pattern}");
        for (row, expected) in found.iter().zip(&expected) {
            let score: f64 = row[1].parse().unwrap();
            assert!(
                (score - expected).abs() < 1e-6,
                "{pattern}: {row:?}, not {expected}"
            );
            assert_ne!(row[0], name(graph, item));
        }
    }
}

#[test]
fn words_are_found_in_labels_and_descriptions() {
    let shop = Shop::new(1);
    let folder = shop.engine.project().root().join("ontologies");
    std::fs::create_dir_all(&folder).unwrap();
    let document = r#"
PREFIX x: <https://example.org/x/>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
x:cafe rdfs:label "Café Müller"@de ; rdfs:comment "where okapis drink" .
x:zoo skos:altLabel "okapi enclosure" .
x:or rdfs:label "this OR that" .
"#;
    std::fs::write(folder.join("words.ttl"), document).unwrap();
    shop.engine.build(None, &Unwatched).unwrap();
    let snapshot = shop.snapshot();
    let found = |words: &str| -> Vec<String> {
        let query = format!(
            "SELECT ?n WHERE {{ ?n kenning:matches {words} {{| kenning:rank ?r |}} }} ORDER BY ?r"
        );
        rows(&snapshot, &query)
            .into_iter()
            .map(|row| row[0].clone())
            .collect()
    };
    let x = |local: &str| format!("<https://example.org/x/{local}>");
    assert_eq!(found("\"cafe muller\""), [x("cafe")], "without diacritics");
    assert_eq!(
        found("'okapi*'"),
        [x("zoo"), x("cafe")],
        "labels come first"
    );
    assert_eq!(found("'OKAPI'"), [x("zoo")], "a word is not its plural");
    assert_eq!(found("'this OR that'"), [x("or")], "an operator is a word");
    assert!(found("'okapi OR cafe'").is_empty());
    assert!(found("'label:okapi'").is_empty());
    assert!(found("'NEAR(okapi enclosure) \"'").is_empty());
    assert!(found("'* \" ('").is_empty());
    assert!(
        found("<https://example.org/okapi>").is_empty(),
        "only literals are words"
    );
    assert!(
        !found("'mug'@en").is_empty(),
        "whatever the literal's language"
    );
    let mugs = rows(
        &snapshot,
        "SELECT ?n WHERE { ?n rdfs:label ?l FILTER(REGEX(?l, '\\\\bmug\\\\b', 'i')) }",
    );
    let items: BTreeSet<_> = mugs.into_iter().map(|row| row[0].clone()).collect();
    let matched: BTreeSet<_> = found("'mug'").into_iter().collect();
    assert!(items.is_subset(&matched), "{items:?} {matched:?}");
    let long = error(
        &snapshot,
        &format!(
            "SELECT * WHERE {{ ?n kenning:matches '{}' }}",
            "a ".repeat(65)
        ),
    );
    assert_eq!(long.kind(), ErrorKind::Usage);
    let scores = rows(
        &snapshot,
        "SELECT ?s WHERE { ?n kenning:matches 'red*' {| kenning:score ?s ; kenning:rank ?r |} } ORDER BY ?r",
    );
    let scores: Vec<f64> = scores.iter().map(|row| row[0].parse().unwrap()).collect();
    assert!(
        scores.len() > 3 && scores.is_sorted_by(|a, b| a >= b),
        "{scores:?}"
    );
}

#[test]
fn a_search_sees_updates_and_never_a_stale_index() {
    let shop = Shop::new(1);
    let state = shop.engine.project().state();
    let indexes = || -> Vec<std::path::PathBuf> {
        let files = std::fs::read_dir(&state)
            .unwrap()
            .map(|e| e.unwrap().path());
        let name = |p: &std::path::PathBuf| {
            p.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("text-")
        };
        files.filter(name).collect()
    };
    let first = indexes();
    assert_eq!(
        first,
        [search::Index::path(shop.snapshot().graph(), &state)]
    );
    let Shop {
        engine,
        folder: _folder,
    } = shop;
    let live = Live::open(engine).unwrap();
    let update = |text: &str| {
        let text = format!(
            "PREFIX i: <https://example.org/shop/item/> PREFIX x: <https://example.org/x/> {text}"
        );
        live.update(
            &Update::parse(&text, None).unwrap(),
            &LIMITS,
            &Cancel::default(),
        )
        .unwrap();
    };
    let found = |words: &str| {
        let query = format!(
            "SELECT ?n ?s WHERE {{ ?n kenning:matches '{words}' {{| kenning:rank ?r ; kenning:score ?s |}} }} ORDER BY ?r"
        );
        rows(&live.current(), &query)
    };
    let before = found("mug");
    update(
        "INSERT DATA { x:new rdfs:label 'a okapi mug' } ; INSERT DATA { i:p3 rdfs:comment 'quagga' }",
    );
    let okapi = found("okapi");
    assert_eq!(okapi.len(), 1);
    assert_eq!(okapi[0][0], "<https://example.org/x/new>");
    assert_eq!(okapi[0][1].parse::<f64>().unwrap(), 0.0);
    assert_eq!(found("quagga").len(), 1);
    let p3 = |rows: &[Vec<String>]| {
        rows.iter()
            .any(|r| r[0] == "<https://example.org/shop/item/p3>")
    };
    let more = found("mug");
    assert_eq!(more.len(), before.len() + 1);
    assert_eq!(p3(&more), p3(&before), "its label stands");
    update(
        "DELETE { ?i rdfs:label ?l } WHERE { ?i rdfs:label ?l FILTER(CONTAINS(LCASE(STR(?l)), 'mug')) }",
    );
    let left = found("mug");
    assert!(left.len() < before.len(), "{left:?}");
    assert!(
        left.iter().all(|row| !row[0].contains("/shop/item/")),
        "{left:?}"
    );

    // Each state finds its own, in whatever order they are asked.
    let states: Vec<Snapshot> = (0..5)
        .map(|n| {
            update(&format!("INSERT DATA {{ x:tapir{n} rdfs:label 'tapir' }}"));
            live.current()
        })
        .collect();
    for n in [0, 1, 0, 1, 2, 3, 4, 0, 4, 2, 2, 0] {
        let tapirs = rows(&states[n], "SELECT * { ?n kenning:matches 'tapir' }");
        assert_eq!(tapirs.len(), n + 1, "in state {n}");
    }
    drop(states);
    drop(live);

    // Missing, damaged, or of another snapshot: made again.
    let project = kenning::config::Project::open(state.parent().unwrap()).unwrap();
    for damage in [None, Some("no database".as_bytes().to_vec())] {
        match damage {
            None => std::fs::remove_file(&first[0]).unwrap(),
            Some(bytes) => std::fs::write(&first[0], bytes).unwrap(),
        }
        let snapshot = Snapshot::open(&project).unwrap();
        assert!(!rows(&snapshot, "SELECT * WHERE { ?n kenning:matches 'brand' }").is_empty());
    }
    let engine = kenning::engine::Engine::open(project).unwrap();
    engine.build(None, &Unwatched).unwrap();
    let snapshot = engine.snapshot().unwrap();
    assert_eq!(indexes(), [search::Index::path(snapshot.graph(), &state)]);
    assert_ne!(indexes(), first, "the updates made another snapshot");
    let quagga = rows(
        &snapshot,
        "SELECT ?s WHERE { ?n kenning:matches 'quagga' {| kenning:score ?s |} }",
    );
    assert!(quagga[0][0].parse::<f64>().unwrap() > 0.0);
}
