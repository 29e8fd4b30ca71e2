//! Random rules on random facts: the closure is that of the definition, whatever the threads, and however it was reached.

use super::{check_proofs, naive};
use kenning::model::{Unwatched, term};
use kenning::reasoning::{Closure, Dictionary, Limits, RuleSet, Terms};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeSet;
use std::fmt::Write;

const TERMS: u32 = 7;
const PREDICATES: u32 = 4;
const VARIABLES: usize = 4;

/// A place of a pattern.
#[derive(Clone, Copy, Debug)]
pub enum Spot {
    Term(u32),
    Variable(usize),
}

/// A part of a body.
#[derive(Clone, Debug)]
pub enum Body {
    Triple([Spot; 3]),
    Differ(usize, usize),
    Absent([Spot; 3]),
}

/// A rule; those with absence conclude a predicate that rules of a lower level do not read.
#[derive(Clone, Debug)]
pub struct RandomRule {
    pub head: Vec<[Spot; 3]>,
    pub body: Vec<Body>,
    pub level: u32,
}

fn spot(terms: std::ops::Range<u32>) -> impl Strategy<Value = Spot> {
    prop_oneof![
        1 => terms.prop_map(Spot::Term),
        3 => (0..VARIABLES).prop_map(Spot::Variable),
    ]
}

fn pattern(predicates: std::ops::Range<u32>) -> impl Strategy<Value = [Spot; 3]> {
    let predicate = prop_oneof![
        4 => predicates.prop_map(Spot::Term),
        1 => (0..VARIABLES).prop_map(Spot::Variable),
    ];
    (spot(0..TERMS), predicate, spot(0..TERMS)).prop_map(|(s, p, o)| [s, p, o])
}

fn rule() -> impl Strategy<Value = RandomRule> {
    let body = prop::collection::vec(pattern(0..PREDICATES), 1..4);
    let head = prop::collection::vec(pattern(0..PREDICATES), 1..3);
    let differ = prop::option::of((0..VARIABLES, 0..VARIABLES));
    (body, head, differ).prop_map(|(body, mut head, differ)| {
        let bound: Vec<usize> = body.iter().flatten().filter_map(variable).collect();
        for place in head.iter_mut().flatten() {
            // What the body does not give is a term: the rule is safe.
            if variable(place).is_some_and(|v| !bound.contains(&v)) {
                *place = Spot::Term(1);
            }
        }
        let mut body: Vec<Body> = body.into_iter().map(Body::Triple).collect();
        if let Some((a, b)) = differ.filter(|(a, b)| bound.contains(a) && bound.contains(b)) {
            body.push(Body::Differ(a, b));
        }
        let level = 0;
        RandomRule { head, body, level }
    })
}

/// A rule that asks for absence, and concludes predicate number [`PREDICATES`].
fn absence() -> impl Strategy<Value = RandomRule> {
    let absent = (spot(0..TERMS), 0..PREDICATES, spot(0..TERMS));
    (rule(), absent).prop_map(|(mut rule, (subject, predicate, object))| {
        let absent = [subject, Spot::Term(predicate), object];
        for head in &mut rule.head {
            head[1] = Spot::Term(PREDICATES);
        }
        rule.body.push(Body::Absent(absent));
        rule.level = 1;
        rule
    })
}

fn variable(spot: &Spot) -> Option<usize> {
    match spot {
        Spot::Variable(variable) => Some(*variable),
        Spot::Term(_) => None,
    }
}

/// `:t3`.
fn name(term: u32) -> String {
    format!("<http://example.org/t{term}>")
}

fn text(rules: &[RandomRule]) -> String {
    let show = |pattern: &[Spot; 3]| {
        let places = pattern.map(|spot| match spot {
            Spot::Term(term) => name(term),
            Spot::Variable(variable) => format!("?v{variable}"),
        });
        format!("{} . ", places.join(" "))
    };
    let mut text = String::new();
    for (n, rule) in rules.iter().enumerate() {
        let head: String = rule.head.iter().map(show).collect();
        let body = rule.body.iter().map(|part| match part {
            Body::Triple(pattern) => show(pattern),
            Body::Differ(a, b) => format!("FILTER(!sameTerm(?v{a}, ?v{b})) "),
            Body::Absent(pattern) => format!("FILTER NOT EXISTS {{ {} }} ", show(pattern)),
        });
        let body: String = body.collect();
        writeln!(
            text,
            "# rule: r{n}\nCONSTRUCT {{ {head} }} WHERE {{ {body} }}"
        )
        .unwrap();
    }
    text
}

/// Terms whose numbers are those of the tests.
fn dictionary() -> Dictionary {
    let mut terms = Dictionary::default();
    for number in 0..=TERMS.max(PREDICATES) {
        terms
            .intern(&term::iri(name(number).trim_matches(['<', '>'])))
            .unwrap();
    }
    terms
}

fn fact() -> impl Strategy<Value = [u32; 3]> {
    (0..TERMS, 0..PREDICATES, 0..TERMS).prop_map(|(s, p, o)| [s, p, o])
}

fn facts(most: usize) -> impl Strategy<Value = BTreeSet<[u32; 3]>> {
    prop::collection::btree_set(fact(), 0..most)
}

fn close(rules: &RuleSet, facts: &BTreeSet<[u32; 3]>, terms: &mut Dictionary) -> Closure {
    let facts = facts.iter().copied().collect();
    Closure::of(rules, facts, terms, &Limits::default(), &Unwatched).unwrap()
}

fn all(closure: &Closure, stated: &BTreeSet<[u32; 3]>) -> BTreeSet<[u32; 3]> {
    let derived = closure.derived().map(|derived| derived.triple);
    derived.chain(stated.iter().copied()).collect()
}

fn runner(cases: u32) -> TestRunner {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]))
}

#[test]
fn a_closure_is_that_of_the_definition() {
    let rules = (
        prop::collection::vec(rule(), 1..5),
        prop::collection::vec(absence(), 0..2),
    );
    let given = (rules, facts(14));
    let run = |((mut rules, absent), facts): ((Vec<RandomRule>, Vec<RandomRule>), _)| {
        rules.extend(absent);
        let set = RuleSet::parse("random", &text(&rules)).unwrap();
        let mut terms = dictionary();
        let result = Closure::of(
            &set,
            BTreeSet::iter(&facts).copied().collect(),
            &mut terms,
            &Limits::default(),
            &Unwatched,
        );
        let closure = match result {
            Ok(closure) => closure,
            // A predicate that is a variable can lead back to what was absent.
            Err(error) => {
                prop_assert!(error.to_string().contains("was absent"), "{error}");
                return Ok(());
            }
        };
        check_proofs(&closure, &terms);
        let expected = naive::closure(&rules, &facts);
        let derived = closure.derived().map(|derived| derived.triple);
        prop_assert!(
            derived.eq(expected.difference(&facts).copied()),
            "{}",
            text(&rules)
        );
        Ok(())
    };
    runner(150).run(&given, run).unwrap();
}

#[test]
fn a_changed_closure_is_that_from_the_beginning() {
    let changes = prop::collection::vec((facts(4), facts(6)), 1..4);
    let given = (prop::collection::vec(rule(), 1..5), facts(14), changes);
    let run = |(rules, mut stated, changes): (Vec<RandomRule>, BTreeSet<[u32; 3]>, Vec<_>)| {
        let set = RuleSet::parse("random", &text(&rules)).unwrap();
        let mut terms = dictionary();
        let mut closure = close(&set, &stated, &mut terms);
        for (added, removed) in changes {
            let (added, removed): (BTreeSet<[u32; 3]>, BTreeSet<[u32; 3]>) = (added, removed);
            let before = all(&closure, &BTreeSet::new());
            let gone: Vec<_> = removed.iter().copied().collect();
            let new: Vec<_> = added.iter().copied().collect();
            let changed = closure
                .apply(&new, &gone, &mut terms, &Limits::default(), &Unwatched)
                .unwrap();
            stated.retain(|fact| !removed.contains(fact));
            stated.extend(added);
            check_proofs(&closure, &terms);
            let whole = close(&set, &stated, &mut terms);
            let triples = |closure: &Closure| all(closure, &BTreeSet::new());
            prop_assert_eq!(triples(&closure), triples(&whole), "{}", text(&rules));
            let after = triples(&closure);
            prop_assert!(changed.derived.iter().eq(after.difference(&before)));
            prop_assert!(changed.withdrawn.iter().eq(before.difference(&after)));
        }
        Ok(())
    };
    runner(100).run(&given, run).unwrap();
}

#[test]
fn threads_change_neither_facts_nor_proofs() {
    let given = (prop::collection::vec(rule(), 1..5), facts(20));
    let run = |(rules, stated): (Vec<RandomRule>, BTreeSet<[u32; 3]>)| {
        let set = RuleSet::parse("random", &text(&rules)).unwrap();
        let proofs = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let closure = pool.install(|| close(&set, &stated, &mut dictionary()));
            let steps = closure
                .derived()
                .map(|d| (d.triple, d.rule, d.premises.to_vec()));
            steps.collect::<Vec<_>>()
        };
        prop_assert_eq!(proofs(1), proofs(3));
        Ok(())
    };
    runner(60).run(&given, run).unwrap();
}

/// The equality of the shipped rules has a short cut; with other names, the same rules run as they are.
#[test]
fn equality_is_what_its_rules_say() {
    let text = include_str!("../../../ontologies/rules/owl2-rl.rq");
    let plain = RuleSet::parse("plain.rq", text).unwrap();
    let shipped = RuleSet::shipped("owl2-rl").unwrap();
    const NAMES: [&str; 3] = [
        "http://www.w3.org/2002/07/owl#sameAs",
        "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
        "http://www.w3.org/2000/01/rdf-schema#subPropertyOf",
    ];
    let given = prop::collection::vec((0..6u32, 0..6usize, 0..6u32), 1..14);
    let run = |facts: Vec<(u32, usize, u32)>| {
        let mut terms = dictionary();
        let names = NAMES.map(|name| terms.intern(&term::iri(name)).unwrap());
        let predicate = |p: usize| names.get(p).copied().unwrap_or(p as u32);
        let facts: BTreeSet<_> = facts
            .iter()
            .map(|&(s, p, o)| [s, predicate(p), o])
            .collect();
        let fast = close(&shipped, &facts, &mut terms);
        check_proofs(&fast, &terms);
        let slow = close(&plain, &facts, &mut terms);
        prop_assert_eq!(all(&fast, &facts), all(&slow, &facts));
        Ok(())
    };
    runner(120).run(&given, run).unwrap();
}
