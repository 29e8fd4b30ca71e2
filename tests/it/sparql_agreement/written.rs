//! Queries that were answered wrongly once.

use super::{Answer, check, expect, find};
use crate::conformance::host::Layout;
use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::model::Quad;
use spargebra::SparqlParser;

const PREFIX: &str = "PREFIX : <http://example.org/> ";

const DATA: &str = "@prefix : <http://example.org/> .
    :a :p :x1, :x2 . :b :p :x1 . :c :p :x3 .
    :x1 :q :w1, :w2 . :x2 :q :w2 ; :r :y . :x3 :q :w1 .
    :a :n 1 . :x1 :n 1 . :x2 :n 2 .
    :w1 :p :w2 . :w2 :p :w1 .";

fn data() -> Vec<Quad> {
    let parser = RdfParser::from_format(RdfFormat::Turtle);
    let quads = parser.for_slice(DATA.as_bytes());
    quads.map(|quad| quad.unwrap()).collect()
}

fn rows(pattern: &str) -> Vec<Vec<Option<oxrdf::Term>>> {
    let text = format!("{PREFIX}{pattern}");
    match find(&text, &data(), Layout::ALL[0]) {
        Ok(Answer::Rows(_, rows, _)) => rows,
        Ok(_) => panic!("{pattern}: not a SELECT"),
        Err(error) => panic!("{pattern}: {error}"),
    }
}

/// What stands in `EXISTS` sees the values of the row around it, however it is evaluated.
#[test]
fn exists_sees_the_row_around_it_everywhere() {
    for (inner, count) in [
        (
            "?x :q ?w . { ?x :q ?y FILTER(?s = :a) } UNION { ?x :r ?y }",
            2,
        ),
        (
            "?x :q ?w . { ?x :q ?y FILTER(?s = :b) } UNION { ?x :r ?y }",
            2,
        ),
        ("?x :q ?w MINUS { ?x :q ?y FILTER(?s = :a) }", 2),
        (
            "?x :q ?w . { SELECT ?x ?s { ?x :q ?y FILTER(?s = :a) } ORDER BY ?y }",
            2,
        ),
        (
            "?x :q ?w . { { ?x :q ?y } UNION { ?x :r ?y } FILTER EXISTS { ?x :q ?z FILTER(?s = :c) } }",
            1,
        ),
    ] {
        let found = rows(&format!(
            "SELECT ?s ?x {{ ?s :p ?x FILTER EXISTS {{ {inner} }} }}"
        ));
        assert_eq!(found.len(), count, "{inner}: {found:?}");
    }
    let optional = "SELECT ?s ?n { ?s :p ?x OPTIONAL { ?s :n ?n }
        FILTER EXISTS { ?x :q ?w . { ?x :q ?y FILTER(?n = 1) } UNION { ?x :z ?y } } }";
    assert_eq!(rows(optional).len(), 2);
}

/// Blank nodes and the middles of paths are no variables: they tell no solutions apart.
#[test]
fn distinct_solutions_are_told_apart_by_their_variables() {
    for (pattern, count) in [
        ("?s :p ?x . ?x :q []", 4),
        ("?s :p/:q ?w", 5),
        ("?s :p ?x . ?x :q ?w", 6),
    ] {
        let found = rows(&format!("SELECT (COUNT(DISTINCT *) AS ?n) {{ {pattern} }}"));
        let value = found[0][0].as_ref().unwrap().to_string();
        assert!(
            value.starts_with(&format!("\"{count}\"")),
            "{pattern}: {value}"
        );
    }
}

#[test]
fn written_queries_find_what_the_general_evaluator_finds() {
    for text in [
        "SELECT * { ?s :p ?x OPTIONAL { ?y :q ?w FILTER(?y = ?x) } }",
        "SELECT * { ?s :p ?x OPTIONAL { ?y :n ?m FILTER(?m = ?x) } }",
        "SELECT * { ?s :n ?x OPTIONAL { ?y :n ?m FILTER(?m = ?x) } }",
        "SELECT * { ?s :n ?x OPTIONAL { ?x :n ?m FILTER(?m = ?x) } }",
        "SELECT * { ?s :n ?x OPTIONAL { ?y :n ?m . ?m :p ?o FILTER(?y = ?s && ?m = ?x) } }",
        "SELECT * { ?s :p ?x FILTER EXISTS { ?y :r ?z FILTER(?y = ?x) } }",
        "SELECT * { ?s :p ?x FILTER NOT EXISTS { ?y :r ?z FILTER(?x = ?y) } }",
        "SELECT * { ?s :p ?x MINUS { ?a :q ?b } }",
        "SELECT * { ?s :p ?x MINUS { ?a :q ?b FILTER(?s = ?a) } }",
        "SELECT * { ?s :p ?x MINUS { ?x :q ?b . ?c :r ?d } }",
        "SELECT * { ?s :p+ ?o }",
        "SELECT * { ?s ^:p+ ?o }",
        "SELECT * { ?s (:p/:q)+ ?o }",
        "SELECT * { ?s (:r?/:p)+ ?o }",
        "SELECT * { ?s (:p|^:q)+ ?o }",
        "SELECT * { ?s (!:p)+ ?o }",
        "SELECT * { ?s (^(:p/:q))+ ?o }",
        "SELECT * { ?s :p* ?o . ?s :n ?n }",
        "SELECT * { ?s :p ?x . ?x :q ?w . ?s (:p|:q)+ ?w }",
        "SELECT * { ?s :p ?x . ?x :q ?w . ?s (:p|:q)* ?w }",
        "SELECT * { ?s :p ?x . ?x :q ?w . ?s !:n ?x }",
        "SELECT * { ?s :p ?x LATERAL { SELECT ?x ?w { ?x :q ?w } ORDER BY ?w LIMIT 1 } }",
        "SELECT * { ?s :p ?x LATERAL { SELECT ?x (COUNT(?w) AS ?n) { ?x :q ?w } GROUP BY ?x } }",
        "SELECT * { ?s :p ?x LATERAL { { ?x :q ?w FILTER(?s = :a) } UNION { ?x :r ?w } } }",
        "SELECT * { ?s :p ?x LATERAL { ?x :q ?w FILTER EXISTS { ?s :n ?n } } }",
        "SELECT * { ?s :p ?x OPTIONAL { ?s :n ?n }
            LATERAL { ?y :n ?n OPTIONAL { ?x :q ?v OPTIONAL { ?x :q ?w FILTER(?n = 1) } } } }",
    ] {
        assert_agreement(text);
    }
}

/// A pattern of `EXISTS` for the rows `?s :p ?x`, some of which have `?n`.
#[test]
fn patterns_of_exists_find_what_the_general_evaluator_finds() {
    for (inner, count) in [
        // Nothing of the row.
        ("?a :r ?b", 4),
        ("?a :absent ?b", 0),
        ("SELECT (COUNT(*) AS ?many) { ?a :absent ?b }", 4),
        // A test of what the row has, in a part of the pattern.
        ("{ ?x :q ?w } UNION { ?x :r ?w } FILTER(?s = :a)", 2),
        (
            "?x :q ?w . { ?a ?b ?w FILTER(?s = :a) } UNION { ?w ?b :absent }",
            2,
        ),
        (
            "?a :q ?w . { ?x :q ?w FILTER(?a = ?x && ?s = :c) } UNION { ?x :absent ?w }",
            0,
        ),
        (
            "?x :q ?w OPTIONAL { ?x :q ?v FILTER(?s = :a) } FILTER(BOUND(?v))",
            2,
        ),
        (
            "?x :q ?w OPTIONAL { ?a :p ?x . ?a :n ?b FILTER(?s != ?a) } FILTER(BOUND(?a))",
            1,
        ),
        ("?y :q ?w FILTER(?y = ?x) ?s :p ?y", 4),
        // What the row may have, and what stands beside may bind.
        (
            "?y :n ?n . { ?x :q ?w FILTER(?n = 1) } UNION { ?x :absent ?w }",
            2,
        ),
        (
            "?y :n ?n . { ?x :q ?w FILTER(!BOUND(?n)) } UNION { ?x :absent ?w }",
            2,
        ),
        (
            "?y :n ?n . { { ?x :q ?w OPTIONAL { ?x :r ?v FILTER(?n = 1) } } UNION { ?x :absent ?w } FILTER(!BOUND(?n)) }",
            2,
        ),
        (
            "?y :n ?n OPTIONAL { ?x :q ?v OPTIONAL { ?x :q ?w FILTER(?n = 1) } } FILTER(BOUND(?w))",
            2,
        ),
        (
            "?y :n ?n . { ?y :n ?m OPTIONAL { ?y :n ?n } FILTER(?m = ?n) } UNION { ?y :absent ?m }",
            4,
        ),
        // Patterns in patterns.
        ("?x :q ?w FILTER NOT EXISTS { ?x :r ?v FILTER(?s = :a) }", 3),
        (
            "?a :p ?y FILTER NOT EXISTS { ?y :q ?w FILTER NOT EXISTS { ?x :q ?w } }",
            4,
        ),
        (
            "?a :p ?y . ?y :q ?v FILTER(?a != ?s) FILTER NOT EXISTS { ?y :q ?w FILTER NOT EXISTS { ?x :q ?w } }",
            2,
        ),
        // Modifiers are of what the row leaves.
        ("SELECT DISTINCT ?x { ?x :r ?w }", 1),
        ("SELECT DISTINCT ?w { ?a :q ?w FILTER(?w = :w1) }", 4),
        ("SELECT ?x { ?x :r ?w } LIMIT 1", 1),
        ("SELECT ?x { ?x :q ?w } OFFSET 1", 2),
        (
            "?a :n ?b { SELECT ?x { ?x :q ?w } ORDER BY ?w OFFSET 1 LIMIT 1 }",
            2,
        ),
        (
            "?a :n ?b { SELECT ?x ?s { ?s :p ?x FILTER(?s = :c) } LIMIT 1 }",
            1,
        ),
        ("SELECT ?x ?n { ?x :q ?w FILTER(?n = 1) } LIMIT 1", 2),
        (
            "SELECT ?x (COUNT(*) AS ?many) { ?x :q ?w } GROUP BY ?x HAVING(COUNT(*) > 1)",
            2,
        ),
        ("SELECT (COUNT(*) AS ?n) { ?a :r ?b }", 4),
        ("SELECT (COUNT(*) AS ?n) { ?a :q ?b }", 2),
        ("SELECT (MAX(?m) AS ?n) { ?a :n ?m }", 2),
    ] {
        let group = format!(
            "?s :p ?x OPTIONAL {{ ?s :n ?n }} FILTER(?s IN (:a, :b, :c)) FILTER EXISTS {{ {inner} }}"
        );
        assert_agreement(&format!("SELECT ?s ?x ?n {{ {group} }}"));
        assert_agreement(&format!("SELECT ?s ?x ?n {{ {group} ?x :q ?more }}"));
        let found = rows(&format!("SELECT ?s ?x ?n {{ {group} }}"));
        assert_eq!(found.len(), count, "{inner}: {found:?}");
    }
}

fn assert_agreement(text: &str) {
    let text = format!("{PREFIX}{text}");
    let query = SparqlParser::new().parse_query(&text).unwrap();
    let expected = expect(&query, &data()).unwrap();
    for layout in Layout::ALL {
        let outcome = find(&text, &data(), layout).and_then(|found| check(&expected, found));
        outcome.unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}
