//! Aggregates, beside the general evaluator.

use super::*;
use crate::sparql::aggregate::Aggregate;

#[test]
fn aggregates_agree_with_the_general_evaluator() {
    let groups = [
        vec![],
        vec!["5"],
        vec!["5", "5", "-3"],
        vec!["5", "2.5", "\"5\"^^xsd:decimal"],
        vec!["5", "\"2.5\"^^xsd:double"],
        vec!["\"abc\"", "\"b\"", "\"abc\""],
        vec!["\"b\"@fr", "\"b\"@fr"],
        vec!["\"b\"@fr", "\"b\""],
        vec!["5", "\"abc\"", "UNDEF"],
        vec!["UNDEF", "5"],
        vec!["9223372036854775807", "5"],
        vec!["<http://example.org/b>", "<http://example.org/a>"],
    ];
    let calls = [
        "COUNT(*)",
        "COUNT(DISTINCT *)",
        "COUNT(?a)",
        "COUNT(DISTINCT ?a)",
        "SUM(?a)",
        "SUM(DISTINCT ?a)",
        "AVG(?a)",
        "AVG(DISTINCT ?a)",
        "MIN(?a)",
        "MAX(?a)",
        "SAMPLE(?a)",
        "GROUP_CONCAT(STR(?a))",
        "GROUP_CONCAT(DISTINCT STR(?a); SEPARATOR=\"|\")",
        "MAX(STRLEN(?a))",
    ];
    let changes = Changes::none(graph());
    let context = Fixed::new(&changes);
    for call in calls {
        for group in &groups {
            let query = format!(
                "SELECT ({call} AS ?x) {{ VALUES ?a {{ {} }} }}",
                group.join(" ")
            );
            let expected = solutions(&query).remove(0);
            let aggregate = aggregate(&query);
            let aggregate = Aggregate::compile(&aggregate, &[0], &mut slots(&["a"])).unwrap();
            let mut accumulator = aggregate.start();
            for id in context.row(group) {
                accumulator.add(&[id], &context);
            }
            assert!(accumulator.size() > 0);
            let found = accumulator.finish().map(|v| v.into_id(&context.terms));
            let found = found.and_then(|id| context.terms.term(id));
            assert_eq!(found, expected, "{call} of {group:?}");
        }
    }
}

#[test]
fn count_passes_over_errors() {
    let changes = Changes::none(graph());
    let context = Fixed::new(&changes);
    let count = aggregate("SELECT (COUNT(?a + 1) AS ?x) { }");
    let count = Aggregate::compile(&count, &[], &mut slots(&["a"])).unwrap();
    let mut accumulator = count.start();
    for id in context.row(&["\"abc\"", "5", "UNDEF"]) {
        accumulator.add(&[id], &context);
    }
    let one = context.row(&["1"])[0];
    let found = accumulator.finish().map(|v| v.into_id(&context.terms));
    assert_eq!(found, Some(one));
}

fn aggregate(query: &str) -> spargebra::algebra::AggregateExpression {
    let Query::Select { mut pattern, .. } = parse(query) else {
        panic!("not a SELECT")
    };
    loop {
        pattern = match pattern {
            GraphPattern::Project { inner, .. } | GraphPattern::Extend { inner, .. } => *inner,
            GraphPattern::Group { mut aggregates, .. } => return aggregates.remove(0).1,
            other => panic!("no aggregate in {other}"),
        };
    }
}
