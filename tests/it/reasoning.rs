//! Rules, closures and proofs, by what they say to who uses them.

mod changes;
mod conformance;
mod errors;
mod naive;
mod random;
mod rules;

use kenning::model::{Unwatched, term};
use kenning::reasoning::{Closure, Dictionary, Limits, RuleSet, Terms};
use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::model::Term;

const PREFIXES: &str = "
@prefix : <http://example.org/> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix kenning: <https://w3id.org/kenning#> .
";

/// Facts, and what follows.
pub struct World {
    pub terms: Dictionary,
    pub closure: Closure,
}

/// Numbers the triples of a Turtle document that may use the usual prefixes.
pub fn facts(turtle: &str, terms: &mut Dictionary) -> Vec<[u32; 3]> {
    let text = format!("{PREFIXES}{turtle}");
    let parser = RdfParser::from_format(RdfFormat::Turtle).for_slice(text.as_bytes());
    let quads = parser.map(|quad| quad.unwrap_or_else(|e| panic!("{turtle}: {e}")));
    quads
        .map(|q| [Term::from(q.subject), q.predicate.into(), q.object])
        .map(|triple| number(triple, terms))
        .collect()
}

/// Numbers a triple.
pub fn number(triple: [Term; 3], terms: &mut Dictionary) -> [u32; 3] {
    triple.map(|term| terms.intern(&term::encode(&term)).unwrap())
}

/// Parses rules with the prefix `:` and the usual ones.
pub fn parse(rules: &str) -> kenning::Result<RuleSet> {
    RuleSet::parse(
        "rules.rq",
        &format!("PREFIX : <http://example.org/>\n{rules}"),
    )
}

/// The closure of Turtle under rules.
pub fn close(rules: &RuleSet, turtle: &str) -> kenning::Result<World> {
    let mut terms = Dictionary::default();
    let facts = facts(turtle, &mut terms);
    let closure = Closure::of(rules, facts, &mut terms, &Limits::default(), &Unwatched)?;
    check_proofs(&closure, &terms);
    Ok(World { terms, closure })
}

/// Every step of every proof is an instance of its rule, and ends at what is stated.
pub fn check_proofs(closure: &Closure, terms: &dyn Terms) {
    let text = |triple: [u32; 3]| triple.map(|number| terms.text(number));
    let contradictions = closure.contradictions().iter();
    let contradictions = contradictions.map(|c| (c.what, c.rule, &c.premises[..]));
    let derived = closure.derived().map(|d| (d.triple, d.rule, d.premises));
    for (triple, rule, premises) in derived.chain(contradictions) {
        let rule = &closure.rules().rules()[rule as usize];
        let texts: Vec<_> = premises.iter().map(|premise| text(*premise)).collect();
        assert!(
            rule.is_instance(&texts, text(triple)),
            "not an instance of {rule}: {texts:?} ⊢ {:?}",
            text(triple)
        );
    }
    // Proofs that go in a circle would never be counted down.
    let mut open: std::collections::BTreeMap<[u32; 3], usize> = Default::default();
    let mut waiting: std::collections::BTreeMap<[u32; 3], Vec<[u32; 3]>> = Default::default();
    let mut ready = Vec::new();
    for derived in closure.derived() {
        let mut count = 0;
        for premise in derived.premises {
            assert!(closure.contains(*premise), "a premise is no fact");
            if !closure.is_stated(*premise) {
                count += 1;
                waiting.entry(*premise).or_default().push(derived.triple);
            }
        }
        open.insert(derived.triple, count);
        if count == 0 {
            ready.push(derived.triple);
        }
    }
    let mut proved = 0;
    while let Some(triple) = ready.pop() {
        proved += 1;
        for next in waiting.remove(&triple).unwrap_or_default() {
            let count = open.get_mut(&next).unwrap();
            *count -= 1;
            if *count == 0 {
                ready.push(next);
            }
        }
    }
    assert_eq!(proved, closure.len(), "a proof goes in a circle");
}

impl World {
    /// A triple in Turtle, `None` if a term of it is new.
    fn triple(&mut self, turtle: &str) -> [u32; 3] {
        facts(turtle, &mut self.terms)[0]
    }

    /// Whether a triple is a fact.
    pub fn has(&mut self, turtle: &str) -> bool {
        let triple = self.triple(turtle);
        self.closure.contains(triple)
    }

    /// What was derived, one line a triple with its rule, shortened and sorted.
    pub fn lines(&self) -> String {
        let derived = self.closure.derived().map(|d| (d.triple, d.rule));
        self.show(derived)
    }

    /// The contradictions, likewise.
    pub fn clashes(&self) -> String {
        let clashes = self.closure.contradictions().iter();
        self.show(clashes.map(|c| (c.what, c.rule)))
    }

    fn show(&self, all: impl Iterator<Item = ([u32; 3], u32)>) -> String {
        let rules = self.closure.rules().rules();
        let lines = all.map(|(triple, rule)| {
            let [s, p, o] = triple.map(|number| short(self.terms.text(number)));
            format!("{s} {p} {o}  [{}]", rules[rule as usize].name)
        });
        let mut lines: Vec<String> = lines.collect();
        lines.sort_unstable();
        lines.join("\n")
    }
}

fn short(encoded: &str) -> String {
    let Some(iri) = term::as_iri(encoded) else {
        return term::decode(encoded)
            .to_string()
            .replace("http://www.w3.org/2001/XMLSchema#", "xsd:");
    };
    match iri.strip_prefix("http://example.org/") {
        Some(name) => format!(":{name}"),
        None => kenning::vocabulary::shorten(iri),
    }
}
