//! Facts come and go.

use super::{check_proofs, close, facts, parse};
use kenning::model::Unwatched;
use kenning::reasoning::{Limits, RuleSet};

/// Applies changes one after the other, and compares with the closure from the beginning each time.
fn follow(rules: &RuleSet, stated: &str, changes: &[(&str, &str)]) {
    let mut world = close(rules, stated).unwrap();
    let mut present = facts(stated, &mut world.terms);
    for (added, removed) in changes {
        let added = facts(added, &mut world.terms);
        let removed = facts(removed, &mut world.terms);
        world
            .closure
            .apply(
                &added,
                &removed,
                &mut world.terms,
                &Limits::default(),
                &Unwatched,
            )
            .unwrap();
        check_proofs(&world.closure, &world.terms);
        present.retain(|fact| !removed.contains(fact));
        present.extend(added);
        let whole = kenning::reasoning::Closure::of(
            rules,
            present.clone(),
            &mut world.terms,
            &Limits::default(),
            &Unwatched,
        )
        .unwrap();
        let triples = |closure: &kenning::reasoning::Closure| {
            let clashes: Vec<_> = closure.contradictions().iter().map(|c| c.what).collect();
            (
                closure.derived().map(|d| d.triple).collect::<Vec<_>>(),
                clashes,
            )
        };
        assert_eq!(triples(&world.closure), triples(&whole), "{changes:?}");
    }
}

#[test]
fn equality_comes_and_goes() {
    let rules = RuleSet::shipped("owl2-rl").unwrap();
    follow(
        &rules,
        ":a owl:sameAs :b . :b owl:sameAs :c . :a :p 1 . :c a :C . :p a owl:FunctionalProperty .",
        &[
            (":c owl:sameAs :d . :d :p 2 .", ""),
            ("", ":b owl:sameAs :c ."),
            (":a owl:differentFrom :b .", ":d :p 2 ."),
            (":b owl:sameAs :c .", ":a owl:sameAs :b ."),
        ],
    );
}

/// Of what is derived, rules go on from some only; of what is stated, from all.
#[test]
fn things_get_classes_and_lose_them() {
    let rules = RuleSet::shipped("owl2-rl").unwrap();
    let schema =
        ":A rdfs:subClassOf :B . :B rdfs:subClassOf :C . :p rdfs:domain :A ; rdfs:range :B ;
        rdfs:subPropertyOf :q . :q rdfs:domain :D .";
    follow(
        &rules,
        schema,
        &[
            (":x a :A . :y a :B .", ""),
            (":x :p :z . :C rdfs:subClassOf :E .", ":x a :A ."),
            (":q rdfs:subPropertyOf :r . :r rdfs:range :F .", ":y a :B ."),
            (":y a :C .", ":x :p :z ."),
        ],
    );
}

#[test]
fn axioms_of_lists_come_and_go() {
    let rules = RuleSet::shipped("owl2-rl").unwrap();
    let list = ":l1 rdf:first :A ; rdf:rest :l2 . :l2 rdf:first :B ; rdf:rest () .";
    follow(
        &rules,
        &format!(":C owl:intersectionOf :l1 . {list} :x a :A , :B . :y a :A ."),
        &[
            (":y a :B .", ":x a :B ."),
            ("", ":C owl:intersectionOf :l1 ."),
            (":C owl:unionOf :l1 .", ""),
            (":l2 rdf:first :D .", ":l2 rdf:first :B ."),
            (
                ":q owl:propertyChainAxiom (:r :s) . :x :r :y . :y :s :z .",
                "",
            ),
        ],
    );
}

#[test]
fn what_was_derived_may_be_stated_and_the_other_way_round() {
    let rules = parse(
        "# rule: up\nCONSTRUCT { ?x a :B } WHERE { ?x a :A }\n# rule: on\nCONSTRUCT { ?x a :C } WHERE { ?x a :B }",
    );
    follow(
        &rules.unwrap(),
        ":x a :A .",
        &[
            (":x a :B .", ""),
            ("", ":x a :A ."),
            (":x a :A .", ":x a :B ."),
            ("", ":x a :A ."),
        ],
    );
}

#[test]
fn what_is_absent_may_come() {
    let rules = parse(
        "# rule: alone\nCONSTRUCT { ?x a :Alone } WHERE { ?x a :P FILTER NOT EXISTS { ?x :knows ?y } }",
    );
    follow(
        &rules.unwrap(),
        ":x a :P . :y a :P .",
        &[(":x :knows :y .", ""), (":y :knows :x .", ":x :knows :y .")],
    );
}

#[test]
fn a_list_that_breaks_is_an_error_and_nothing_is_changed() {
    let rules = RuleSet::shipped("owl2-rl").unwrap();
    let mut world = close(&rules, ":C owl:unionOf (:A :B) . :x a :A .").unwrap();
    let broken = facts(":D owl:unionOf [ rdf:first :A ] .", &mut world.terms);
    let before = world.lines();
    let result = world.closure.apply(
        &broken,
        &[],
        &mut world.terms,
        &Limits::default(),
        &Unwatched,
    );
    assert!(result.unwrap_err().to_string().contains("without rdf:rest"));
    assert_eq!(world.lines(), before);
}
