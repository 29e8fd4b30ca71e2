//! Random data and queries. Queries are made as text, part by part; so they shrink to what matters.
//!
//! Left out is what may differ between evaluators that are both right: `LIMIT` in a subquery, `SAMPLE`,
//! `GROUP_CONCAT`, which of two equal numbers is the smallest, numbers that are not written canonically, and functions
//! that make blank nodes or chance.

use oxigraph::model::{GraphName, NamedOrBlankNode, Quad, Term};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::str::FromStr;

const RESOURCES: [&str; 5] = [
    "<http://example.org/a>",
    "<http://example.org/b>",
    "<http://example.org/c>",
    "_:x",
    "_:y",
];
const PREDICATES: [&str; 3] = [
    "<http://example.org/p>",
    "<http://example.org/q>",
    "<http://example.org/r>",
];
const LITERALS: [&str; 12] = [
    "\"1\"^^<http://www.w3.org/2001/XMLSchema#integer>",
    "\"2\"^^<http://www.w3.org/2001/XMLSchema#integer>",
    "\"-3\"^^<http://www.w3.org/2001/XMLSchema#integer>",
    "\"1.5\"^^<http://www.w3.org/2001/XMLSchema#decimal>",
    "\"2.5\"^^<http://www.w3.org/2001/XMLSchema#double>",
    "\"true\"^^<http://www.w3.org/2001/XMLSchema#boolean>",
    "\"2020-02-29\"^^<http://www.w3.org/2001/XMLSchema#date>",
    "\"1\"",
    "\"x\"",
    "\"\"",
    "\"x\"@en",
    "\"y\"@fr",
];
const GRAPHS: [&str; 3] = ["", "<http://example.org/g>", "<http://example.org/h>"];
const VARIABLES: [&str; 5] = ["?x", "?y", "?z", "?v", "?w"];

type Text = BoxedStrategy<String>;

/// A few quads in the default graph and two named graphs.
pub fn data() -> impl Strategy<Value = Vec<Quad>> {
    let objects = prop_oneof![2 => select(&RESOURCES[..]), 1 => select(&LITERALS[..])];
    let quad = (
        select(&RESOURCES),
        select(&PREDICATES),
        objects,
        select(&GRAPHS),
    );
    let quad = quad.prop_map(|(subject, predicate, object, graph)| {
        let subject = match Term::from_str(subject).unwrap() {
            Term::BlankNode(node) => NamedOrBlankNode::from(node),
            Term::NamedNode(node) => node.into(),
            _ => unreachable!("a resource"),
        };
        let Term::NamedNode(predicate) = Term::from_str(predicate).unwrap() else {
            unreachable!("an IRI")
        };
        let graph = match Term::from_str(graph) {
            Ok(Term::NamedNode(graph)) => GraphName::NamedNode(graph),
            _ => GraphName::DefaultGraph,
        };
        Quad::new(subject, predicate, Term::from_str(object).unwrap(), graph)
    });
    vec(quad, 0..40)
}

/// A query of any form.
pub fn query() -> Text {
    let group = group();
    prop_oneof![
        6 => select_query(group.clone()),
        3 => aggregation(group.clone()).prop_map(|(head, group, tail)| format!("{head} WHERE {group} {tail}")),
        1 => group.clone().prop_map(|group| format!("ASK {group}")),
        1 => (triples(), group).prop_map(|(template, group)| format!("CONSTRUCT {{ {template} }} WHERE {group}")),
    ]
    .boxed()
}

fn text(choices: &'static [&'static str]) -> Text {
    select(choices).prop_map(str::to_owned).boxed()
}

fn variable() -> Text {
    text(&VARIABLES)
}

fn select_query(group: Text) -> Text {
    let from = text(&[
        "",
        "",
        "",
        "FROM <http://example.org/g>",
        "FROM <http://example.org/g> FROM <http://example.org/h>",
        "FROM NAMED <http://example.org/h>",
        "FROM <http://example.org/h> FROM NAMED <http://example.org/g>",
    ]);
    let head = prop_oneof![
        Just("*".to_owned()),
        vec(variable(), 1..4).prop_map(|names| distinct(names).join(" ")),
        (variable(), expression()).prop_map(|(name, value)| format!("{name} ({value} AS ?e)")),
    ];
    let order = option::of((text(&["", "ASC", "DESC"]), variable()));
    let slice = option::weighted(0.2, (0..3usize, 0..4usize));
    (text(&["", "", "DISTINCT"]), head, from, group, order, slice)
        .prop_map(|(distinct, head, from, group, order, slice)| {
            let order = order.map(|(way, name)| format!("ORDER BY {way}({name})"));
            let slice = slice.map(|(start, length)| format!("OFFSET {start} LIMIT {length}"));
            let (order, slice) = (order.unwrap_or_default(), slice.unwrap_or_default());
            format!("SELECT {distinct} {head} {from} WHERE {group} {order} {slice}")
        })
        .boxed()
}

/// Head, group and tail of a query with aggregates.
fn aggregation(group: Text) -> impl Strategy<Value = (String, String, String)> + Clone {
    let aggregate = prop_oneof![
        text(&["COUNT(*)", "COUNT(DISTINCT *)"]),
        (
            text(&["COUNT(", "COUNT(DISTINCT ", "SUM(", "SUM(DISTINCT ", "AVG("]),
            // Values that are errors are not counted; the general evaluator gives up on them.
            prop_oneof![
                variable(),
                expression().prop_map(|value| format!("COALESCE({value}, 0)"))
            ]
        )
            .prop_map(|(name, value)| format!("{name}{value})")),
        (text(&["MIN", "MAX"]), variable()).prop_map(|(name, value)| {
            format!("{name}(<http://www.w3.org/2001/XMLSchema#integer>(STR({value})))")
        }),
    ];
    let keys = vec(variable(), 0..3).prop_map(distinct);
    let having = option::weighted(0.3, text(&["COUNT(*) > 1", "SUM(?y) < 4", "COUNT(?z) = 0"]));
    (keys, vec(aggregate, 1..3), group, having).prop_map(|(keys, aggregates, group, having)| {
        let named = aggregates.iter().enumerate();
        let named = named.map(|(i, value)| format!("({value} AS ?a{i})"));
        let named = named.collect::<Vec<_>>().join(" ");
        let mut tail = String::new();
        if !keys.is_empty() {
            tail = format!("GROUP BY {}", keys.join(" "));
        }
        if let Some(having) = having {
            tail.push_str(&format!(" HAVING ({having})"));
        }
        let head = format!("SELECT {} {named}", keys.join(" "));
        // To the general evaluator blank nodes and the middles of paths are variables that tell solutions apart.
        let unnamed = [">/", ")/", "[]"].iter().any(|sign| group.contains(sign));
        let head = match unnamed {
            true => head.replace("COUNT(DISTINCT *)", "COUNT(*)"),
            false => head,
        };
        (head, group, tail)
    })
}

fn distinct(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names
}

/// A group graph pattern, with its braces.
fn group() -> Text {
    let simple = prop_oneof![4 => triples(), 1 => path(), 1 => values()];
    let leaf = vec(simple, 0..3).prop_map(|parts| braced(&parts));
    leaf.prop_recursive(4, 24, 4, |inner| {
        let graph = prop_oneof![
            2 => variable(),
            1 => text(&["<http://example.org/g>", "<http://example.org/none>"])
        ];
        let part = prop_oneof![
            5 => triples(),
            2 => path(),
            1 => values(),
            3 => inner.clone().prop_map(|group| format!("OPTIONAL {group}")),
            2 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} UNION {b}")),
            1 => inner.clone().prop_map(|group| format!("MINUS {group}")),
            // Where no triple is matched, the general evaluator does not look which graphs there are.
            2 => (graph, triples(), inner.clone())
                .prop_map(|(name, triples, group)| format!("GRAPH {name} {{ {triples} {group} }}")),
            3 => expression().prop_map(|condition| format!("FILTER({condition})")),
            2 => (text(&["", "NOT "]), inner.clone())
                .prop_map(|(not, group)| format!("FILTER {not}EXISTS {}", inside_exists(&group))),
            2 => (expression(), text(&["?w", "?b", "?c"]))
                .prop_map(|(value, name)| format!("BIND({value} AS {name})")),
            1 => subquery(inner.clone()),
            1 => inner,
        ];
        vec(part, 1..4).prop_map(|parts| braced(&parts))
    })
    .boxed()
}

/// Inside `EXISTS` the general evaluator takes the outer variables for shared ones of both sides of `MINUS`, and `BIND`
/// may not assign what the row around it has (SPARQL 1.2 forbids it).
fn inside_exists(group: &str) -> String {
    let mut group = group.replace("MINUS", "OPTIONAL").replace("?in", "?inn");
    for name in ["w", "b", "c"] {
        if group.contains(&format!(" AS ?{name})")) {
            group = group.replace(&format!("?{name}"), &format!("?in{name}"));
        }
    }
    group
}

fn braced(parts: &[String]) -> String {
    format!("{{ {} }}", parts.join(" "))
}

fn subquery(group: Text) -> Text {
    let plain = (
        text(&["", "DISTINCT"]),
        vec(variable(), 1..3),
        group.clone(),
    );
    let plain = plain.prop_map(|(how, names, group)| {
        format!(
            "{{ SELECT {how} {} WHERE {group} }}",
            distinct(names).join(" ")
        )
    });
    let aggregated = aggregation(group);
    let aggregated =
        aggregated.prop_map(|(head, group, tail)| format!("{{ {head} WHERE {group} {tail} }}"));
    prop_oneof![plain, aggregated].boxed()
}

fn end() -> Text {
    prop_oneof![
        12 => variable(),
        1 => text(&["<http://example.org/a>", "<http://example.org/b>", "<http://example.org/absent>", "[]"]),
    ]
    .boxed()
}

fn triples() -> Text {
    let predicate = prop_oneof![4 => text(&PREDICATES), 1 => variable()];
    let object = prop_oneof![8 => end(), 1 => text(&LITERALS)];
    let triple = (end(), predicate, object).prop_map(|(s, p, o)| format!("{s} {p} {o} ."));
    vec(triple, 1..3)
        .prop_map(|triples| triples.join(" "))
        .boxed()
}

fn path() -> Text {
    let step = prop_oneof![
        4 => text(&PREDICATES),
        1 => text(&[
            "!<http://example.org/p>",
            "!(<http://example.org/p>|<http://example.org/q>)",
            "!(^<http://example.org/r>)"
        ]),
    ];
    let path = step.prop_recursive(3, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}/{b})")),
            // By itself it finds a pair once for each alternative; the general evaluator finds it once.
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(({a}|{b})+)")),
            inner.clone().prop_map(|path| format!("(^{path})")),
            (inner, text(&["*", "+", "?"])).prop_map(|(path, often)| format!("({path}{often})")),
        ]
    });
    // From a constant that is no node of the graph, the general evaluator does not take the empty walk.
    (end(), variable(), path, variable(), end())
        .prop_map(
            |(from, x, path, y, to)| match path.contains("*)") || path.contains("?)") {
                true => format!("{x} {path} {y} ."),
                false => format!("{from} {path} {to} ."),
            },
        )
        .boxed()
}

fn values() -> Text {
    let value = prop_oneof![
        3 => text(&["<http://example.org/a>", "<http://example.org/b>", "<http://example.org/c>"]),
        2 => text(&LITERALS),
        1 => text(&["UNDEF"]),
    ];
    let one = (variable(), vec(value.clone(), 0..4))
        .prop_map(|(name, values)| format!("VALUES {name} {{ {} }}", values.join(" ")));
    let row = (value.clone(), value).prop_map(|(a, b)| format!("({a} {b})"));
    let two = vec(row, 0..4).prop_map(|rows| format!("VALUES (?x ?y) {{ {} }}", rows.join(" ")));
    prop_oneof![one, two].boxed()
}

fn expression() -> Text {
    let leaf = prop_oneof![
        6 => variable(),
        1 => text(&["?b", "?c"]),
        3 => text(&LITERALS),
        1 => text(&["<http://example.org/a>", "<http://example.org/b>"]),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        // The general evaluator does not know which of two booleans is less.
        let order = text(&["<", ">", "<=", ">="]);
        let sides = (
            inner.clone(),
            order,
            inner.clone(),
            text(&["", "STR", "0 +"]),
        );
        let comparison = sides.prop_map(|(a, order, b, kind)| match kind.as_str() {
            "" => format!("({a} {order} {})", LITERALS[6]),
            kind => format!("({kind}({a}) {order} {kind}({b}))"),
        });
        let operator = text(&["=", "!=", "&&", "||", "+", "-", "*", "/"]);
        let unary = text(&[
            "!",
            "-",
            "STR",
            "LANG",
            "DATATYPE",
            "isIRI",
            "isLiteral",
            "isNumeric",
            "isBlank",
            "STRLEN",
            "UCASE",
            "ABS",
            "<http://www.w3.org/2001/XMLSchema#integer>",
            "<http://www.w3.org/2001/XMLSchema#boolean>",
        ]);
        let binary = text(&[
            "sameTerm",
            "CONTAINS",
            "CONCAT",
            "COALESCE",
            "REGEX",
            "STRSTARTS",
            "STRBEFORE",
            "LANGMATCHES",
        ]);
        prop_oneof![
            5 => (operator, two.clone()).prop_map(|(op, (a, b))| format!("({a} {op} {b})")),
            2 => comparison,
            3 => (unary, inner.clone()).prop_map(|(name, a)| format!("{name}({a})")),
            2 => (binary, two.clone()).prop_map(|(name, (a, b))| format!("{name}({a}, {b})")),
            1 => variable().prop_map(|name| format!("BOUND({name})")),
            1 => (inner.clone(), two).prop_map(|(c, (a, b))| format!("IF({c}, {a}, {b})")),
            1 => (inner.clone(), text(&["IN", "NOT IN"]), vec(inner, 1..3))
                .prop_map(|(a, name, list)| format!("({a} {name} ({}))", list.join(", "))),
        ]
    })
    .boxed()
}
