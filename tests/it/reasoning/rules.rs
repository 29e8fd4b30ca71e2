//! What each kind of rule does.

use super::{close, facts, parse};
use insta::assert_snapshot;
use kenning::model::Unwatched;
use kenning::reasoning::{Closure, Dictionary, Limits, RuleSet};

fn derived(rules: &str, turtle: &str) -> String {
    close(&parse(rules).unwrap(), turtle).unwrap().lines()
}

/// What the shipped OWL rules find to be wrong.
fn clashes(turtle: &str) -> String {
    let rules = RuleSet::shipped("owl2-rl").unwrap();
    close(&rules, turtle).unwrap().clashes()
}

#[test]
fn a_rule_concludes_every_triple_of_its_template() {
    let rules = "# rule: siblings\n# Children of one parent.\n\
        CONSTRUCT { ?a :sibling ?b . ?b :sibling ?a } WHERE { ?p :child ?a , ?b FILTER(!sameTerm(?a, ?b)) }";
    assert_snapshot!(derived(rules, ":p :child :a , :b . :q :child :c ."), @r"
    :a :sibling :b  [siblings]
    :b :sibling :a  [siblings]
    ");
}

#[test]
fn filters_and_binds_are_those_of_sparql() {
    let rules = "
# rule: long
CONSTRUCT { ?x a :Long } WHERE { ?x :pages ?n FILTER(?n * 2 >= 1000 && !REGEX(STR(?x), 'draft')) }
# rule: named
CONSTRUCT { ?y :of ?x ; :name ?name }
WHERE { ?x :pages ?n BIND(IRI(CONCAT(STR(?x), '/edition')) AS ?y) BIND(UCASE(STRAFTER(STR(?x), 'org/')) AS ?name) }
# rule: listed
CONSTRUCT { ?x a :Listed } WHERE { ?x :pages ?n FILTER(?x IN (:a, :c)) }";
    assert_snapshot!(derived(rules, ":a :pages 500 . :draft :pages 900 . :b :pages 499 ."), @r#"
    :a rdf:type :Listed  [listed]
    :a rdf:type :Long  [long]
    :a/edition :name "A"  [named]
    :a/edition :of :a  [named]
    :b/edition :name "B"  [named]
    :b/edition :of :b  [named]
    :draft/edition :name "DRAFT"  [named]
    :draft/edition :of :draft  [named]
    "#);
}

#[test]
fn what_is_absent_is_what_does_not_follow() {
    let rules = "
# rule: knows
CONSTRUCT { ?x :knows ?y } WHERE { ?x :met ?y }
# rule: lonely
CONSTRUCT { ?x a :Lonely } WHERE { ?x a :Person FILTER NOT EXISTS { ?x :knows ?y FILTER(?y != :nobody) } }
# rule: sad
CONSTRUCT { ?x a :Sad } WHERE { ?x a :Lonely }";
    assert_snapshot!(derived(rules, ":a a :Person ; :met :b . :b a :Person ; :knows :nobody ."), @r"
    :a :knows :b  [knows]
    :b rdf:type :Lonely  [lonely]
    :b rdf:type :Sad  [sad]
    ");
}

#[test]
fn a_predicate_may_be_a_variable() {
    let rules = "# rule: copies\nCONSTRUCT { ?y ?p ?o } WHERE { ?x :copiedTo ?y . ?x ?p ?o FILTER(?p != :copiedTo) }";
    assert_snapshot!(derived(rules, ":a :copiedTo :b ; :p 1 ; :q :c . :b :copiedTo :d ."), @r#"
    :b :p "1"^^<xsd:integer>  [copies]
    :b :q :c  [copies]
    :d :p "1"^^<xsd:integer>  [copies]
    :d :q :c  [copies]
    "#);
}

#[test]
fn what_is_no_rdf_is_left_out() {
    let rules = "# rule: turned\nCONSTRUCT { ?y :of ?x } WHERE { ?x :has ?y }";
    assert_snapshot!(derived(rules, ":a :has :b , 'text' ."), @":b :of :a  [turned]");
}

#[test]
fn lists_are_read_by_member_by_pair_and_as_a_whole() {
    let rules = "
# rule: member
CONSTRUCT { ?x :member ?m } WHERE { ?x :list ?l . ?l rdf:rest*/rdf:first ?m }
# rule: pair
CONSTRUCT { ?a :before ?b } WHERE { ?x :list ?l . ?l rdf:rest* ?c . ?c rdf:first ?a . ?c rdf:rest+ ?d . ?d rdf:first ?b }
# rule: all
CONSTRUCT { ?y :likesAll ?x } WHERE { ?x :list ?l . ?l kenning:every ?m . ?y :likes ?m }
# rule: way
CONSTRUCT { ?from :way ?to } WHERE { ?x :list ?l . ?l kenning:every ?m . ?from ?m ?to . ?to kenning:next ?from }";
    let facts = ":x :list (:a :b :c) . :y :likes :a , :b , :c . :z :likes :a , :b . :1 :a :2 . :2 :b :3 . :3 :c :4 .";
    assert_snapshot!(derived(rules, facts), @r"
    :1 :way :4  [way]
    :a :before :b  [pair]
    :a :before :c  [pair]
    :b :before :c  [pair]
    :x :member :a  [member]
    :x :member :b  [member]
    :x :member :c  [member]
    :y :likesAll :x  [all]
    ");
}

#[test]
fn lists_that_come_to_be_known_later_are_read() {
    let rules = RuleSet::shipped("owl2-rl").unwrap();
    let facts = "
        :C owl:equivalentClass :D . :D owl:sameAs :E . :E owl:intersectionOf (:A :B) . :x a :A , :B .
        :p :q :r . :key rdfs:subPropertyOf owl:hasKey . :K :key (:n :m) .
        :a a :K ; :n 1 ; :m 2 . :b a :K ; :n 1 ; :m 2 . :c a :K ; :n 1 ; :m 3 .";
    let mut world = close(&rules, facts).unwrap();
    for (triple, holds) in [
        (":x a :E .", true),
        (":x a :D .", true),
        (":x a :C .", true),
        (":a owl:sameAs :b .", true),
        (":b :m 2 .", true),
        (":a owl:sameAs :c .", false),
    ] {
        assert_eq!(world.has(triple), holds, "{triple}");
    }
}

#[test]
fn contradictions_are_reported_and_are_no_facts() {
    for (turtle, expected) in [
        (
            ":x a :A , :B . :A owl:disjointWith :B .",
            ":x kenning:contradicts :B  [cax-dw]",
        ),
        (
            ":age a owl:FunctionalProperty . :x :age 18 , 19 .",
            ":x kenning:contradicts :age  [prp-fp-literal]",
        ),
        (":age a owl:FunctionalProperty . :x :age 18 , 18.0 .", ""),
        (
            ":age rdfs:range xsd:integer . :x :age 'old' .",
            ":x kenning:contradicts \"old\"  [prp-rng-literal]",
        ),
        (
            ":x a owl:Nothing .",
            ":x kenning:contradicts owl:Nothing  [cls-nothing2]",
        ),
        (
            ":x owl:sameAs :y . :y owl:differentFrom :x .",
            ":x kenning:contradicts :x  [eq-diff1-self]\n:x kenning:contradicts :y  [eq-diff1]\n\
             :y kenning:contradicts :x  [eq-diff1]\n:y kenning:contradicts :y  [eq-diff1-self]",
        ),
        (
            "[] a owl:AllDifferent ; owl:members (:a :b :a) .",
            ":a kenning:contradicts :a  [eq-diff2-self]",
        ),
        (
            "[] a owl:AllDisjointClasses ; owl:members (:A :B :C) . :x a :A , :C .",
            ":x kenning:contradicts :C  [cax-adc]",
        ),
        (
            "[] owl:sourceIndividual :a ; owl:assertionProperty :p ; owl:targetIndividual :b . :q rdfs:subPropertyOf :p . :a :q :b .",
            ":a kenning:contradicts :b  [prp-npa1]",
        ),
        (
            ":p a owl:AsymmetricProperty , owl:TransitiveProperty . :a :p :b . :b :p :a .",
            ":a kenning:contradicts :a  [prp-asyp]\n:a kenning:contradicts :b  [prp-asyp]\n:b kenning:contradicts :a  [prp-asyp]\n:b kenning:contradicts :b  [prp-asyp]",
        ),
    ] {
        assert_eq!(clashes(turtle), expected, "{turtle}");
    }
}

#[test]
fn ill_typed_literals_are_found() {
    let found = |literals: &str| {
        let found = clashes(&format!(":x :p {literals} ."));
        found.lines().count()
    };
    assert_eq!(
        found(
            "'1'^^xsd:integer , '+01'^^xsd:int , '-1'^^xsd:byte , 'NaN'^^xsd:float , '2020-02-29T00:00:00'^^xsd:dateTime"
        ),
        0
    );
    assert_eq!(
        found("'a'^^xsd:integer , '1.0'^^xsd:integer , '300'^^xsd:byte , '-1'^^xsd:unsignedInt"),
        4
    );
    assert_eq!(
        found(
            "'2021-02-29T00:00:00'^^xsd:dateTime , 'yes'^^xsd:boolean , 'abc'^^xsd:hexBinary , 'x'^^xsd:base64Binary"
        ),
        4
    );
    assert_eq!(found("'what'^^:unknown , 'a b'^^xsd:token , 'a'@en"), 0);
    assert_eq!(
        found("' a'^^xsd:token , 'a:b'^^xsd:NCName , 'a\\tb'^^xsd:normalizedString"),
        3
    );
}

#[test]
fn the_rdfs_rules_do_not_say_what_holds_of_everything() {
    let rules = RuleSet::shipped("rdfs").unwrap();
    let world = close(
        &rules,
        ":p rdfs:domain :A . :q rdfs:subPropertyOf :p . :A rdfs:subClassOf :B . :x :q 'y' .",
    );
    assert_snapshot!(world.unwrap().lines(), @r#"
    :x :p "y"  [rdfs7]
    :x rdf:type :A  [rdfs2]
    :x rdf:type :B  [rdfs9]
    "#);
}

#[test]
fn a_hundred_equal_things_share_their_facts_without_a_detour() {
    let rules = RuleSet::shipped("owl2-rl").unwrap();
    let chain: String = (0..99)
        .map(|n| format!(":t{n} owl:sameAs :t{} . ", n + 1))
        .collect();
    let mut world = close(&rules, &format!("{chain} :t0 :p :t50 .")).unwrap();
    let same = "http://www.w3.org/2002/07/owl#sameAs";
    let lines = world.lines();
    assert_eq!(
        lines
            .lines()
            .filter(|line| line.contains("owl:sameAs"))
            .count(),
        100 * 99 - 99,
        "{same}"
    );
    assert_eq!(
        lines.lines().filter(|line| line.contains(" :p ")).count(),
        100 * 100 - 1
    );
    assert!(world.has(":t99 :p :t99 ."));
}

#[test]
fn what_equality_makes_of_one_fact_meets_the_fact() {
    let rules = RuleSet::shipped("owl2-rl").unwrap();
    let mut world = close(&rules, ":p owl:sameAs :q . :q rdfs:subPropertyOf :p .").unwrap();
    for triple in [
        ":p rdfs:subPropertyOf :q .",
        ":p owl:equivalentProperty :q .",
    ] {
        assert!(world.has(triple), "{triple}");
    }
}

#[test]
fn rules_say_what_they_are() {
    let rules = RuleSet::shipped("owl2-rl").unwrap();
    let dom = rules
        .rules()
        .iter()
        .find(|rule| rule.name == "prp-dom")
        .unwrap();
    assert_eq!(dom.iri, "urn:kenning:rule:owl2-rl:prp-dom");
    assert_eq!(
        dom.label,
        "What has a property is in the property's domain."
    );
    assert_eq!(
        dom.source,
        "CONSTRUCT { ?x a ?c } WHERE { ?p rdfs:domain ?c . ?x ?p ?y }"
    );
    assert!(dom.place.starts_with("ontologies/rules/owl2-rl.rq:"));
    for name in RuleSet::names() {
        for rule in RuleSet::shipped(name).unwrap().rules() {
            assert!(!rule.label.is_empty(), "{} says nothing", rule.iri);
        }
    }
}

#[test]
fn a_step_that_is_none_is_not_taken_for_one() {
    let rules = RuleSet::shipped("owl2-rl").unwrap();
    let rule = |name: &str| rules.rules().iter().find(|rule| rule.name == name).unwrap();
    const TYPE: &str = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
    const SUB: &str = "<http://www.w3.org/2000/01/rdf-schema#subClassOf";
    let premises = [["<A", SUB, "<B"], ["<x", TYPE, "<A"]];
    assert!(rule("cax-sco").is_instance(&premises, ["<x", TYPE, "<B"]));
    assert!(!rule("cax-sco").is_instance(&premises, ["<x", TYPE, "<A"]));
    assert!(!rule("cax-sco").is_instance(&premises[..1], ["<x", TYPE, "<B"]));
    assert!(!rule("cax-eqc1").is_instance(&premises, ["<x", TYPE, "<B"]));
    let same = "<http://www.w3.org/2002/07/owl#sameAs";
    let circle = [["<a", same, "<b"], ["<b", same, "<a"]];
    assert!(!rule("eq-trans").is_instance(&circle, ["<a", same, "<a"]));
}

#[test]
fn sets_are_merged_and_their_rules_numbered_on() {
    let own = parse("# rule: own\nCONSTRUCT { ?x :likes ?y } WHERE { ?x :p ?y }").unwrap();
    let all = RuleSet::shipped("rdfs")
        .unwrap()
        .merge(own.clone())
        .unwrap();
    assert_eq!(all.rules().last().unwrap().name, "own");
    let error = all.merge(own).unwrap_err();
    assert_eq!(
        error.to_string(),
        "rules.rq:2: there is a rule urn:kenning:rule:rules:own already"
    );
}

#[test]
fn terms_are_made_in_the_same_order_whatever_the_threads() {
    let rules = parse(
        "# rule: name\nCONSTRUCT { ?x :name ?n } WHERE { ?x :p ?y BIND(CONCAT(STR(?x), STR(?y)) AS ?n) }\n\
         # rule: code\nCONSTRUCT { ?x :code ?n } WHERE { ?x :p ?y BIND(STRLEN(STR(?y)) AS ?n) }",
    )
    .unwrap();
    let many: String = (0..500)
        .map(|n| format!(":s{n} :p 'o{}' . ", n * n))
        .collect();
    let close = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let mut terms = Dictionary::default();
            let facts = facts(&many, &mut terms);
            let closure =
                Closure::of(&rules, facts, &mut terms, &Limits::default(), &Unwatched).unwrap();
            closure
                .derived()
                .map(|d| (d.triple, d.rule, d.premises.to_vec()))
                .collect::<Vec<_>>()
        })
    };
    let one = close(1);
    assert_eq!(one.len(), 1000);
    assert_eq!(one, close(4));
}
