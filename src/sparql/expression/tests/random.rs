//! Random expressions, beside the general evaluator.

use super::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Any expression of a few levels whose value is no boolean: how booleans are ordered is where opinions differ.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("?a".to_owned()),
        Just("?b".to_owned()),
        Just("?c".to_owned()),
        prop::sample::select(vec![
            "7",
            "2.25",
            "\"10\"^^xsd:double",
            "\"abc\"",
            "\"b\"@en",
            "<http://example.org/a>"
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        let operator = prop::sample::select(vec!["+", "-", "*"]);
        let one = prop::sample::select(vec![
            "-",
            "STR",
            "LANG",
            "STRLEN",
            "UCASE",
            "ABS",
            "CEIL",
            "YEAR",
            "xsd:integer",
            "xsd:string",
            "xsd:decimal",
            "MD5",
            "DATATYPE",
            "COALESCE",
        ]);
        let two = prop::sample::select(vec![
            "CONCAT",
            "COALESCE",
            "STRBEFORE",
            "STRAFTER",
            "SUBSTR",
        ]);
        prop_oneof![
            (pair.clone(), operator).prop_map(|((a, b), o)| format!("({a} {o} {b})")),
            (inner.clone(), one).prop_map(|(a, f)| format!("{f}({a})")),
            (pair.clone(), two).prop_map(|((a, b), f)| format!("{f}({a}, {b})")),
            (truth(inner.clone()), pair).prop_map(|(t, (a, b))| format!("IF({t}, {a}, {b})")),
        ]
    })
}

/// Conditions over such values.
fn truth(value: impl Strategy<Value = String> + Clone + 'static) -> impl Strategy<Value = String> {
    let pair = (value.clone(), value.clone());
    let relation = prop::sample::select(vec!["=", "!=", "<", ">"]);
    let one = prop::sample::select(vec!["isIRI", "isLITERAL", "isNUMERIC", "xsd:boolean", "!"]);
    let two = prop::sample::select(vec!["CONTAINS", "STRSTARTS", "STRENDS", "sameTerm"]);
    let leaf = prop_oneof![
        (pair.clone(), relation).prop_map(|((a, b), r)| format!("({a} {r} {b})")),
        (value.clone(), one).prop_map(|(a, f)| format!("{f}({a})")),
        (pair.clone(), two).prop_map(|((a, b), f)| format!("{f}({a}, {b})")),
        (pair, value).prop_map(|((a, b), c)| format!("({a} IN ({b}, {c}))")),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        (inner.clone(), inner, prop::sample::select(vec!["||", "&&"]))
            .prop_map(|(a, b, o)| format!("({a} {o} {b})"))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn random_expressions_agree_with_the_general_evaluator(
        text in prop_oneof![value().boxed(), truth(value().boxed()).boxed()],
        row in prop::collection::vec(prop::sample::select(SAMPLES), 3),
    ) {
        check(&text, &["a", "b", "c"], &[row]);
    }
}
