//! A generated university: departments with people, courses and papers, under a small ontology with subclasses,
//! subproperties, domains, ranges, an inverse, a symmetric and a transitive property.

use crate::tables::memory;
use kenning::model::{Unwatched, term};
use kenning::reasoning::{Closure, Dictionary, Limits, RuleSet, Terms};
use std::time::Instant;

const SCHEMA: [[&str; 3]; 22] = [
    ["Person", "rdfs:subClassOf", "Agent"],
    ["Student", "rdfs:subClassOf", "Person"],
    ["Staff", "rdfs:subClassOf", "Person"],
    ["Teacher", "rdfs:subClassOf", "Staff"],
    ["Professor", "rdfs:subClassOf", "Teacher"],
    ["Department", "rdfs:subClassOf", "Organisation"],
    ["Paper", "rdfs:subClassOf", "Work"],
    ["Course", "rdfs:subClassOf", "Work"],
    ["headOf", "rdfs:subPropertyOf", "worksFor"],
    ["worksFor", "rdfs:subPropertyOf", "memberOf"],
    ["studiesAt", "rdfs:subPropertyOf", "memberOf"],
    ["teaches", "rdfs:domain", "Teacher"],
    ["teaches", "rdfs:range", "Course"],
    ["takes", "rdfs:domain", "Student"],
    ["takes", "rdfs:range", "Course"],
    ["advises", "owl:inverseOf", "advisedBy"],
    ["partOf", "rdf:type", "owl:TransitiveProperty"],
    ["worksWith", "rdf:type", "owl:SymmetricProperty"],
    ["author", "rdfs:range", "Person"],
    ["author", "rdfs:domain", "Paper"],
    ["headOf", "rdfs:range", "Department"],
    ["Student", "owl:disjointWith", "Course"],
];

/// Departments have so many people.
const PEOPLE: u32 = 200;

struct Writer<'a> {
    terms: &'a mut Dictionary,
    facts: Vec<[u32; 3]>,
}

impl Writer<'_> {
    fn name(&mut self, name: &str) -> u32 {
        let iri = match name.contains(':') {
            true => kenning::vocabulary::expand(name),
            false => format!("http://example.org/university#{name}"),
        };
        self.terms.intern(&term::iri(&iri)).unwrap()
    }

    fn fact(&mut self, s: u32, p: u32, o: u32) {
        self.facts.push([s, p, o]);
    }
}

/// About so many triples.
fn generate(count: usize, terms: &mut Dictionary) -> Vec<[u32; 3]> {
    let mut w = Writer {
        terms,
        facts: Vec::with_capacity(count + 2000),
    };
    for [s, p, o] in SCHEMA {
        let (s, p, o) = (w.name(s), w.name(p), w.name(o));
        w.fact(s, p, o);
    }
    const WORDS: [&str; 14] = [
        "rdf:type",
        "Student",
        "Professor",
        "studiesAt",
        "worksFor",
        "headOf",
        "teaches",
        "takes",
        "advises",
        "author",
        "worksWith",
        "partOf",
        "Department",
        "rdfs:label",
    ];
    let [
        is,
        student,
        professor,
        studies,
        works,
        heads,
        teaches,
        takes,
        advises,
        author,
        with,
        part,
        department,
        label,
    ] = WORDS.map(|word| w.name(word));
    let mut d = 0u32;
    while w.facts.len() < count {
        let unit = w.name(&format!("department/{d}"));
        let above = w.name(&format!("department/{}", d / 8));
        w.fact(unit, is, department);
        if d > 0 {
            w.fact(unit, part, above);
        }
        let people: Vec<u32> = (0..PEOPLE)
            .map(|n| w.name(&format!("person/{d}/{n}")))
            .collect();
        let courses: Vec<u32> = (0..20)
            .map(|n| w.name(&format!("course/{d}/{n}")))
            .collect();
        for (n, &person) in people.iter().enumerate() {
            let text = w
                .terms
                .intern(&term::string(&format!("Person {n} of {d}")))
                .unwrap();
            w.fact(person, label, text);
            if n < 20 {
                w.fact(person, is, professor);
                w.fact(person, if n == 0 { heads } else { works }, unit);
                w.fact(person, teaches, courses[n]);
                w.fact(person, with, people[(n + 1) % 20]);
                for paper in 0..5 {
                    let paper = w.name(&format!("paper/{d}/{n}/{paper}"));
                    w.fact(paper, author, person);
                    w.fact(paper, author, people[20 + n]);
                }
            } else {
                w.fact(person, is, student);
                w.fact(person, studies, unit);
                w.fact(people[n % 20], advises, person);
                for course in 0..4 {
                    w.fact(person, takes, courses[(n + 5 * course) % 20]);
                }
            }
        }
        d += 1;
    }
    w.facts
}

/// Closes about so many generated triples, and prints time and memory.
pub fn close(count: usize) {
    let mut terms = Dictionary::default();
    let facts = generate(count, &mut terms);
    let rules = RuleSet::shipped("owl2-rl").unwrap();
    let (given, before) = (facts.len(), memory("VmRSS"));
    let begun = Instant::now();
    let closure = Closure::of(&rules, facts, &mut terms, &Limits::default(), &Unwatched).unwrap();
    println!(
        "{given} triples, {} terms: {} derived in {:.1} s; resident {before:.0} MiB before, {:.0} MiB at most",
        terms.len(),
        closure.len(),
        begun.elapsed().as_secs_f64(),
        memory("VmHWM"),
    );
}
