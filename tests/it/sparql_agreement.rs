//! Random queries over random data: Kenning must find what the general evaluator of oxigraph finds, without optimising,
//! over the same quads.

mod queries;
mod written;

use crate::conformance::answer::{Answer, row};
use crate::conformance::host::{Host, Kenning, Layout, Request};
use crate::conformance::matching::{Row, isomorphic};
use crate::conformance::numbers::Computed;
use crate::conformance::{answer, matching};
use oxigraph::model::{Quad, Term};
use oxrdf::{Dataset, GraphName, Triple};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use spareval::{QueryEvaluator, QueryResults};
use spargebra::algebra::{GraphPattern, OrderExpression};
use spargebra::{Query, SparqlParser};

/// What a query must find, and what of it may be left out or come in which order.
struct Expectation {
    answer: Answer,
    /// Numbers that count by their value.
    computed: Computed,
    /// First row, and number of rows, of all that `answer` has.
    slice: Option<(usize, Option<usize>)>,
    /// The variable that rows are sorted by.
    key: Option<String>,
}

fn expect(query: &Query, data: &[Quad]) -> Result<Expectation, String> {
    let mut query = query.clone();
    let (mut slice, mut key) = (None, None);
    if let Query::Select { pattern, .. } = &mut query {
        if let GraphPattern::Slice {
            inner,
            start,
            length,
        } = pattern
        {
            slice = Some((*start, *length));
            *pattern = (**inner).clone();
        }
        key = sort_key(pattern);
    }
    let dataset = seen_by(&mut query, data);
    let evaluator = QueryEvaluator::new().without_optimizations();
    let results = evaluator
        .prepare(&query)
        .execute(&dataset)
        .map_err(|e| e.to_string())?;
    let mut answer = collect(results)?;
    let computed = Computed::new(&query, &answer, data);
    computed.write_one_way(&mut answer);
    Ok(Expectation {
        answer,
        computed,
        slice,
        key,
    })
}

/// The quads that `FROM` and `FROM NAMED` leave, which the query then need not say.
fn seen_by(query: &mut Query, data: &[Quad]) -> Dataset {
    let (Query::Select { dataset, .. }
    | Query::Construct { dataset, .. }
    | Query::Describe { dataset, .. }
    | Query::Ask { dataset, .. }) = query;
    let Some(clauses) = dataset.take() else {
        return data.iter().cloned().collect();
    };
    let graph = |name: &oxrdf::NamedNode| {
        let name = GraphName::from(name.clone());
        data.iter().filter(move |quad| quad.graph_name == name)
    };
    let merged = clauses.default.iter().flat_map(graph).cloned();
    let merged = merged.map(|quad| Triple::from(quad).in_graph(GraphName::DefaultGraph));
    let named = clauses.named.iter().flatten().flat_map(graph).cloned();
    merged.chain(named).collect()
}

fn sort_key(pattern: &GraphPattern) -> Option<String> {
    match pattern {
        GraphPattern::Project { inner, variables } => {
            let key = sort_key(inner)?;
            variables.iter().any(|v| v.as_str() == key).then_some(key)
        }
        GraphPattern::Distinct { inner } => sort_key(inner),
        GraphPattern::OrderBy { expression, .. } => match expression.first()? {
            OrderExpression::Asc(spargebra::algebra::Expression::Variable(key))
            | OrderExpression::Desc(spargebra::algebra::Expression::Variable(key)) => {
                Some(key.as_str().to_owned())
            }
            _ => None,
        },
        _ => None,
    }
}

fn collect(results: QueryResults<'_>) -> Result<Answer, String> {
    match results {
        QueryResults::Boolean(value) => Ok(Answer::Boolean(value)),
        QueryResults::Solutions(solutions) => {
            let names = solutions.variables().iter();
            let names = names.map(|v| v.as_str().to_owned()).collect();
            let rows: Result<Vec<Row>, _> =
                solutions.map(|s| s.map(|s| s.values().to_vec())).collect();
            Ok(Answer::Rows(names, rows.map_err(|e| e.to_string())?, false))
        }
        QueryResults::Graph(triples) => {
            let quad = |triple: Triple| row(&triple.in_graph(GraphName::DefaultGraph));
            let rows: Result<Vec<Row>, _> = triples.map(|t| t.map(quad)).collect();
            Ok(Answer::Graph(rows.map_err(|e| e.to_string())?))
        }
    }
}

fn find(query: &str, data: &[Quad], layout: Layout) -> Result<Answer, String> {
    let request = Request {
        text: query,
        base: "http://example.org/".to_owned(),
    };
    let format = answer::format("any.srj");
    let found = Kenning(layout).query(data, &request, format)?;
    let ending = match found.first() {
        Some(b'{') => "srj",
        _ => "nt",
    };
    answer::read(&found, ending, "http://example.org/found.nt")
}

fn check(expected: &Expectation, mut found: Answer) -> Result<(), String> {
    expected.computed.write_one_way(&mut found);
    let (Answer::Rows(names, all, _), Answer::Rows(columns, rows, _)) = (&expected.answer, &found)
    else {
        return answer::compare(&expected.answer, &found, answer::Cardinality::Strict);
    };
    let rows = answer::arrange(rows, columns, names)?;
    if let Some(key) = &expected.key {
        let column = names.iter().position(|name| name == key);
        same_order(
            all,
            &rows,
            column.ok_or("the key is no column")?,
            expected.slice,
        )?;
    }
    match expected.slice {
        None => {
            let same = isomorphic(all, &rows);
            same.then_some(()).ok_or_else(|| answer::differ(all, &rows))
        }
        Some((start, length)) => {
            let left = all.len().saturating_sub(start);
            let count = length.map_or(left, |length| length.min(left));
            let among = rows.len() == count && matching::is_part(&rows, all);
            among
                .then_some(())
                .ok_or_else(|| answer::differ(all, &rows))
        }
    }
}

/// Compares the keys in their order, where the standard says which it is: not among blank nodes, nor among literals of
/// different kinds.
fn same_order(
    all: &[Row],
    rows: &[Row],
    column: usize,
    slice: Option<(usize, Option<usize>)>,
) -> Result<(), String> {
    let keys = |rows: &[Row]| -> Vec<String> { rows.iter().map(|r| place(&r[column])).collect() };
    let (start, length) = slice.unwrap_or_default();
    let all: Vec<String> = keys(all)
        .into_iter()
        .skip(start)
        .take(length.unwrap_or(usize::MAX))
        .collect();
    let found = keys(rows);
    let same = all == found;
    same.then_some(())
        .ok_or_else(|| format!("in the order {found:?} instead of {all:?}"))
}

fn place(key: &Option<Term>) -> String {
    match key {
        None => "unbound".to_owned(),
        Some(Term::BlankNode(_)) => "blank".to_owned(),
        Some(Term::NamedNode(node)) => node.as_str().to_owned(),
        Some(_) => "literal".to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn kenning_finds_what_the_general_evaluator_finds(
        data in queries::data(),
        text in queries::query(),
        layout in proptest::sample::select(Layout::ALL.to_vec()),
    ) {
        // Some of what the generator writes breaks rules of scope; that is no query.
        if let Ok(query) = SparqlParser::new().parse_query(&text) {
            let expected = expect(&query, &data).map_err(TestCaseError::fail)?;
            let outcome = find(&text, &data, layout).and_then(|found| check(&expected, found));
            if let Err(error) = outcome {
                let quads: Vec<String> = data.iter().map(ToString::to_string).collect();
                prop_assert!(false, "{error}\n{text}\n{}", quads.join("\n"));
            }
        }
    }
}

#[test]
fn the_generator_writes_sparql_that_finds_something() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut valid, mut fruitful) = (0, 0);
    for _ in 0..400 {
        let cases = (queries::data(), queries::query());
        let (data, text) = cases.new_tree(&mut runner).unwrap().current();
        if let Ok(query) = SparqlParser::new().parse_query(&text) {
            valid += 1;
            fruitful += u32::from(match expect(&query, &data).unwrap().answer {
                Answer::Boolean(value) => value,
                Answer::Rows(_, rows, _) | Answer::Graph(rows) => !rows.is_empty(),
            });
        }
    }
    println!("{valid} of 400 are valid, {fruitful} find something");
    assert!(
        valid > 300 && fruitful > 120,
        "{valid} are valid, {fruitful} find something"
    );
}
