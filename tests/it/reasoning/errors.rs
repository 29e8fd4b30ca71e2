//! What is wrong is said, with the place and what to do.

use super::{close, facts, parse};
use kenning::model::Unwatched;
use kenning::reasoning::{Closure, Dictionary, Limits, RuleSet};
use std::time::Duration;

fn complaint(rules: &str) -> String {
    parse(rules).expect_err("the rules are wrong").to_string()
}

#[test]
fn rules_that_are_none_are_refused_with_their_line() {
    for (rules, expected) in [
        (
            "CONSTRUCT { ?x a ?y } WHERE { ?x a ?y }",
            "rules.rq: there is no rule",
        ),
        (
            "# rule: a\nSELECT * WHERE { ?x a ?y }",
            "rules.rq:2: rule `a`: a rule is a CONSTRUCT query",
        ),
        (
            "# rule: a\nCONSTRUCT { ?x a ?y } WHERE { ?x a ?y }\n\n# rule: b\nCONSTRUCT { ?x a :A } WHERE { ?x a ?y OPTIONAL { ?y a ?z } }",
            "rules.rq:5: rule `b`: OPTIONAL is not supported in rules",
        ),
        (
            "# rule: a\nCONSTRUCT { ?x a :A } WHERE { { ?x a :B } UNION { ?x a :C } }",
            "rules.rq:2: rule `a`: UNION is not supported in rules",
        ),
        (
            "# rule: a\nCONSTRUCT { ?x a :A } WHERE { ?x :p/:q* ?y }",
            "rules.rq:2: rule `a`: this property path is not supported in rules",
        ),
        (
            "# rule: a\nCONSTRUCT { ?x a :A } WHERE { ?x :p ?y FILTER(RAND() < 0.5) }",
            "rules.rq:2: rule `a`: `RAND` gives something else each time, so a rule may not ask for it",
        ),
        (
            "# rule: a\nCONSTRUCT { ?x :p [] } WHERE { ?x :p ?y }",
            "rules.rq:2: rule `a`: a blank node in the template would be another one each time",
        ),
        (
            "# rule: a\nCONSTRUCT { ?x a :A } WHERE { ?x kenning:contradicts ?y }",
            "rules.rq:2: rule `a`: kenning:contradicts can only be concluded, for contradictions are no facts",
        ),
        (
            "# rule: a\nCONSTRUCT { ?x kenning:contradicts ?y . ?x a :A } WHERE { ?x :p ?y }",
            "rules.rq:2: rule `a`: a rule either finds contradictions or concludes facts, not both",
        ),
        (
            "# rule: a b\nCONSTRUCT { ?x a :A } WHERE { ?x a :B }",
            "rules.rq:2: a rule's name is of letters, digits and `-_.`, but this is `a b`",
        ),
        (
            "# rule: a\nCONSTRUCT { ?x a :A } WHERE { ?x a :B }\n# rule: a\nCONSTRUCT { ?x a :A } WHERE { ?x a :C }",
            "rules.rq:4: there is a rule `a` already",
        ),
    ] {
        assert_eq!(complaint(rules), expected);
    }
    let syntax = complaint(
        "# rule: a\nCONSTRUCT { ?x a :A } WHERE { ?x a :B }\n# rule: b\nCONSTRUCT { ?x a }",
    );
    assert!(
        syntax.starts_with("rules.rq:4: rule `b`: error at 5:"),
        "{syntax}"
    );
}

#[test]
fn rules_that_are_not_safe_are_refused() {
    for (body, head, expected) in [
        (
            "?x a :A",
            "?x :p ?y",
            "`?y` is in the template, but nothing in the body gives it a value",
        ),
        (
            "?x a :A FILTER NOT EXISTS { ?x :q ?y }",
            "?x :p ?y",
            "`?y` is in the template, but nothing in the body gives it a value",
        ),
        (
            "?x a :A FILTER(?y > 3)",
            "?x :p 1",
            "`?y` is read by a FILTER, but never gets a value",
        ),
        (
            "?x a :A BIND(?y + 1 AS ?z)",
            "?x :p ?z",
            "`?y` is read by a BIND before it has a value",
        ),
        (
            "?x a :A . ?l rdf:rest* ?c",
            "?x :p ?x",
            "`?l` is an end of a path along a list, but in no triple",
        ),
        (
            "?x a :A . ?l kenning:every ?m . ?x a ?m",
            "?x :p ?x",
            "`?l` is a list by kenning:every, but in no triple that says which",
        ),
    ] {
        let rules = format!("# rule: r\nCONSTRUCT {{ {head} }} WHERE {{ {body} }}");
        assert_eq!(
            complaint(&rules),
            format!("rules.rq:2: rule `r`: not safe: {expected}")
        );
    }
}

#[test]
fn rules_that_cannot_be_stratified_name_their_circle() {
    let rules = "
# rule: win
CONSTRUCT { ?x a :Won } WHERE { ?x :plays ?y FILTER NOT EXISTS { ?y a :Happy } }
# rule: happy
CONSTRUCT { ?x a :Happy } WHERE { ?x a :Won }";
    let error = parse(rules).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("the rules cannot be stratified: `"), "{text}");
    assert!(
        text.contains("`win` → `happy`") || text.contains("`happy` → `win`"),
        "{text}"
    );
    assert!(error.next_step().is_some());
}

#[test]
fn what_follows_from_its_own_absence_is_an_error() {
    let own = parse("# rule: alone\nCONSTRUCT { ?x a :Alone } WHERE { ?x a :Person FILTER NOT EXISTS { ?x :knows ?y } }").unwrap();
    let rules = RuleSet::shipped("owl2-rl").unwrap().merge(own).unwrap();
    assert!(close(&rules, ":a a :Person . :b a :Person ; :knows :a .").is_ok());
    let circle =
        ":a a :Person . :Alone rdfs:subClassOf [ owl:onProperty :knows ; owl:hasValue :b ] .";
    let error = close(&rules, circle)
        .err()
        .expect("it contradicts itself")
        .to_string();
    assert!(
        error.contains("rule `alone` concluded") && error.contains("because something was absent"),
        "{error}"
    );
}

#[test]
fn terms_made_of_terms_without_end_are_an_error() {
    let rules = parse(
        "# rule: next\nCONSTRUCT { ?y a :Number } WHERE { ?x a :Number BIND(IRI(CONCAT(STR(?x), 'i')) AS ?y) }",
    );
    let error = close(&rules.unwrap(), ":n a :Number .")
        .err()
        .expect("it has no end")
        .to_string();
    assert!(
        error.contains("terms are made of terms that were made, 8 times in a row"),
        "{error}"
    );
    // A function that comes to rest is none of that.
    let rules = parse(
        "# rule: lower\nCONSTRUCT { ?x :name ?l } WHERE { ?x :name ?n BIND(LCASE(?n) AS ?l) }",
    );
    assert_eq!(
        close(&rules.unwrap(), ":n :name 'ABC' .")
            .unwrap()
            .closure
            .len(),
        1
    );
}

#[test]
fn lists_that_are_none_are_errors() {
    let rules = RuleSet::shipped("owl2-rl").unwrap();
    for (turtle, expected) in [
        (
            ":C owl:unionOf _:a . _:a rdf:first :A ; rdf:rest _:a .",
            "comes back to itself",
        ),
        (
            ":C owl:unionOf _:a . _:a rdf:first :A ; rdf:rest _:b . _:b rdf:first :B ; rdf:rest _:a .",
            "comes back to itself",
        ),
        (
            ":C owl:intersectionOf _:a . _:a rdf:first :A .",
            "has a cell without rdf:rest",
        ),
        (
            ":C owl:oneOf _:a . _:a rdf:rest () .",
            "has a cell without rdf:first",
        ),
        (
            ":C owl:hasKey _:a . _:a rdf:first :p , :q ; rdf:rest () .",
            "has a cell with more than one rdf:first",
        ),
        (
            ":p owl:propertyChainAxiom (:a) , [ rdf:first :b ; rdf:rest () , (:c) ] .",
            "has a cell with more than one rdf:rest",
        ),
        (
            "[] a owl:AllDifferent ; owl:members :nothing .",
            "does not end in rdf:nil",
        ),
    ] {
        let error = close(&rules, turtle)
            .err()
            .unwrap_or_else(|| panic!("{turtle}"));
        assert!(error.to_string().contains(expected), "{turtle}: {error}");
        assert!(error.place().is_some() && error.next_step().is_some());
    }
}

#[test]
fn limits_are_kept_and_named() {
    let rules = RuleSet::shipped("owl2-rl").unwrap();
    let run = |turtle: &str, limits: &Limits| {
        let mut terms = Dictionary::default();
        let facts = facts(turtle, &mut terms);
        let result = Closure::of(&rules, facts, &mut terms, limits, &Unwatched);
        result.expect_err("a limit is met")
    };
    let equal: String = (0..50)
        .map(|n| format!(":t0 owl:sameAs :t{n} . "))
        .collect();
    let few = Limits {
        equal: 20,
        ..Limits::default()
    };
    let error = run(&equal, &few).to_string();
    assert_eq!(
        error,
        "21 things are owl:sameAs each other, which makes 420 facts of that alone"
    );
    let few = Limits {
        facts: 300,
        ..Limits::default()
    };
    let chain: String = (0..40)
        .map(|n| format!(":t{n} :p :t{} . ", n + 1))
        .collect();
    let error = run(&format!(":p a owl:TransitiveProperty . {chain}"), &few);
    assert_eq!(error.to_string(), "the closure has more than 300 facts");
    assert!(error.next_step().unwrap().contains("prp-trp"), "{error:?}");
    let few = Limits {
        members: 5,
        ..Limits::default()
    };
    let error = run(":C owl:unionOf (:a :b :c :d :e :f :g :h) .", &few).to_string();
    assert_eq!(error, "a list has more than 5 members");
    let none = Limits {
        time: Duration::ZERO,
        ..Limits::default()
    };
    assert!(
        run(":a :p :b .", &none)
            .to_string()
            .contains("took longer than 0 s")
    );
}

#[test]
fn an_unknown_set_is_named_with_those_that_are_known() {
    let error = RuleSet::shipped("owl").unwrap_err();
    assert_eq!(error.to_string(), "there is no rule set `owl`");
    assert_eq!(error.next_step(), Some("the sets are: rdfs, owl2-rl"));
}

#[test]
fn brackets_without_end_do_no_harm() {
    let deep = "!".repeat(15_000);
    let rules =
        format!("# rule: deep\nCONSTRUCT {{ ?x a :A }} WHERE {{ ?x a ?y FILTER({deep} true) }}");
    assert!(
        complaint(&rules).contains("nested deeper than"),
        "{}",
        complaint(&rules)
    );
    let long = format!(
        "# rule: long\nCONSTRUCT {{ ?x a :A }} WHERE {{ ?x a \"{}\" }}",
        "x".repeat(20_000)
    );
    assert_eq!(
        complaint(&long),
        "rules.rq:2: rule `long`: a rule has at most 16 KiB"
    );
}
