//! Every way to keep much, or to take long, ends at the limits of the query.

use super::{LIMITS, ask, count};
use crate::shop::Shop;
use kenning::sparql::{Cancel, Explanation, Limits, Query};
use std::time::Duration;

/// 4000 rows.
const ROWS: &str = "{ SELECT ?a ?b ?c ?d { ?a ?b ?c . ?d kenning:interacted ?f } LIMIT 4000 }";

/// A text of 160 kB.
const LONG: &str = "VALUES ?x { 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' }
    BIND(CONCAT(?x, ?x, ?x, ?x, ?x, ?x, ?x, ?x, ?x, ?x, ?x, ?x, ?x, ?x, ?x, ?x) AS ?y)
    BIND(CONCAT(?y, ?y, ?y, ?y, ?y, ?y, ?y, ?y, ?y, ?y, ?y, ?y, ?y, ?y, ?y, ?y) AS ?z)
    BIND(CONCAT(?z, ?z, ?z, ?z, ?z, ?z, ?z, ?z, ?z, ?z, ?z, ?z, ?z, ?z, ?z, ?z) AS ?long)";

#[test]
fn what_a_query_makes_counts_as_its_memory() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let long = "CONCAT(STR(?a), STR(?b), STR(?c), STR(?d), 'and a little more so that it is long')";
    let pattern = LONG;
    for (megabytes, greedy) in [
        (
            1,
            format!("SELECT (COUNT(DISTINCT {long}) AS ?n) {{ {ROWS} }}"),
        ),
        (
            2,
            format!(
                "SELECT ?a ?b ?c ?d (COUNT(*) AS ?n) (SUM(?x) AS ?m) (COUNT(?x) AS ?o) (AVG(?x) AS ?p) {{ {ROWS} BIND(1 AS ?x) }} GROUP BY ?a ?b ?c ?d"
            ),
        ),
        (
            2,
            format!(
                "SELECT (COUNT(*) AS ?n) {{ {pattern} FILTER(STRLEN(REPLACE(?x, 'a', ?long)) > 0) }}"
            ),
        ),
        (
            1,
            format!(
                "SELECT (COUNT(*) AS ?n) {{ {pattern} FILTER(STRLEN(CONCAT(?long, ?long, ?long, ?long, ?long, ?long, ?long, ?long)) > 0) }}"
            ),
        ),
    ] {
        let limits = Limits {
            memory: megabytes << 20,
            ..LIMITS
        };
        let outcome = snapshot.dataset().ask(&greedy, &limits).map(drop);
        let error = outcome.expect_err(&greedy);
        assert!(error.message().contains("memory"), "{greedy}: {error}");
        snapshot.dataset().ask(&greedy, &LIMITS).unwrap();
    }
}

/// A function that takes long is one step of the evaluation, and is stopped all the same.
#[test]
fn functions_are_stopped_when_time_is_over() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let quick = Limits {
        time: Duration::from_millis(10),
        ..LIMITS
    };
    for slow in [
        "BIND(CONCAT(?long, ?long, ?long, ?long, ?long, ?long) AS ?longer) FILTER(STRLEN(REPLACE(?longer, 'a', 'b')) > 0)",
        "BIND(CONCAT(?long, ?long, ?long, ?long, ?long, ?long) AS ?longer) FILTER(REPLACE(?longer, CONCAT('a', 'a?'), 'b') = '')",
    ] {
        let text = format!("SELECT (COUNT(*) AS ?n) {{ {LONG} {slow} }}");
        let outcome = snapshot.dataset().ask(&text, &quick).map(drop);
        let error = outcome.expect_err(slow);
        assert!(error.message().contains("stopped after 0.01 s"), "{error}");
    }
}

/// Memory counts the nodes that a walk keeps, and so tells which ones it came to.
#[test]
fn walks_visit_no_more_than_they_must() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let user = "<https://example.org/shop/user/u3>";
    let item = ask(
        snapshot.graph(),
        &format!("SELECT ?i {{ {user} kenning:interacted ?i }}"),
    );
    for (bytes, text) in [
        (
            8 << 10,
            "SELECT * { ?a owl:equivalentClass+ ?b }".to_owned(),
        ),
        (
            1 << 10,
            format!(
                "ASK {{ {user} (kenning:interacted|^kenning:interacted)+ {} }}",
                item[0]
            ),
        ),
    ] {
        let limits = Limits {
            memory: bytes,
            ..LIMITS
        };
        let outcome = snapshot.dataset().ask(&text, &limits);
        outcome.unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

/// The plan has no step that compares everything with everything.
#[test]
fn joins_by_a_filter_and_needless_differences_are_planned_away() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    for (text, absent) in [
        (
            "SELECT * { ?m schema:brand ?b OPTIONAL { ?n schema:keywords ?k FILTER(?n = ?m) } }",
            "FILTER",
        ),
        (
            "SELECT * { ?m schema:brand ?b MINUS { ?x kenning:interacted ?y } }",
            "MINUS",
        ),
        // A variable of the same name that is not seen outside is no shared one.
        (
            "SELECT * { ?m schema:brand ?b MINUS { SELECT ?x { ?x kenning:interacted ?m } } }",
            "MINUS",
        ),
    ] {
        let query = Query::parse(text, None).unwrap();
        let cancel = Cancel::default();
        let plan = query.explain(snapshot.dataset(), &LIMITS, &cancel).unwrap();
        println!("{plan}");
        assert!(!plan.to_string().contains(absent), "{text}\n{plan}");
    }
}

/// Rows that all steps of a plan handed on.
fn work(plan: &Explanation) -> u64 {
    plan.rows + plan.steps.iter().map(work).sum::<u64>()
}

fn explained(shop: &Shop, text: &str) -> Explanation {
    let snapshot = shop.snapshot();
    let query = Query::parse(text, None).unwrap();
    let plan = query.explain(snapshot.dataset(), &LIMITS, &Cancel::default());
    plan.unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What stands in `EXISTS` begins at the row around it, also where it must be evaluated by itself: the work grows with the
/// rows, and not with rows times graph.
#[test]
fn exists_does_not_go_over_the_graph_for_each_row() {
    let shop = Shop::new(1);
    let rows = "SELECT ?u ?i { ?u kenning:interacted ?i FILTER EXISTS { ?i schema:brand ?b .";
    let graph = count(shop.snapshot().graph(), "?s ?p ?o");
    for inner in [
        // A test of what is bound around it makes no table.
        "{ ?i ?p ?v FILTER(?u = ?v) } UNION { ?i ?p ?v FILTER(?u != ?v) }",
        // One of what stands beside it does; the table is for the row.
        "{ ?i ?p ?v OPTIONAL { ?v schema:brand ?b } FILTER(?u = ?v) } UNION { ?i ?p ?v FILTER(?u != ?b) }",
        "{ SELECT DISTINCT ?i ?v ?u { ?i ?p ?v FILTER(?u != ?v) } }",
        "{ SELECT ?i ?v { ?i ?p ?v } ORDER BY ?v LIMIT 1 }",
    ] {
        let plan = explained(&shop, &format!("{rows} {inner} }} }} LIMIT 300"));
        let work = work(&plan);
        println!("{work} rows in a graph of {graph} for {inner}");
        assert!(work < 4 * graph, "{inner}\n{plan}");
    }
    // To be equal to a resource of the row is to be it: it is looked up.
    let equal =
        "SELECT * { ?m schema:brand ?b FILTER EXISTS { ?n schema:keywords ?k FILTER(?n = ?m) } }";
    let plan = explained(&shop, equal);
    assert!(work(&plan) < 10 * plan.rows, "{plan}");
}

/// What reads nothing of the row is worked out once.
#[test]
fn exists_without_the_row_around_it_is_asked_once() {
    let shop = Shop::new(1);
    for inner in [
        "?a ?b ?c",
        "SELECT ?b (COUNT(*) AS ?n) { ?a schema:brand ?b } GROUP BY ?b",
        "SELECT DISTINCT ?b { ?a schema:brand ?b } ORDER BY ?b LIMIT 1",
    ] {
        let all = "SELECT * { ?u kenning:interacted ?i }";
        let plain = work(&explained(&shop, all));
        let text = format!("SELECT * {{ ?u kenning:interacted ?i FILTER EXISTS {{ {inner} }} }}");
        let plan = explained(&shop, &text);
        assert!(work(&plan) < 6 * plain, "{inner}\n{plan}");
        let pattern = plan.steps.last().unwrap();
        let once = &pattern.steps[0].steps[0];
        assert_eq!(once.rows, 1, "{inner}\n{plan}");
    }
}
