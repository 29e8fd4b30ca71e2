//! What an analyst asks of a shop: Beauty's knowledge and its purchases.

use crate::Dump;
use crate::bsbm::pick;
use crate::compare::Question;
use crate::tables::Numbers;
use kenning::graph::Graph;
use kenning::intake::preset;
use kenning::model::term;
use std::path::Path;

/// The data.
pub fn dump(root: &Path) -> Dump {
    Dump {
        name: "beauty",
        mapping: preset("amazon-beauty").unwrap(),
        folder: root.join("amazon-beauty"),
        triples: root.join("amazon-beauty/knowledge.nt.gz"),
    }
}

const QUESTIONS: &[(&str, &str)] = &[
    (
        "largest brands",
        "SELECT ?brand (COUNT(?p) AS ?n) { ?p a:produced_by ?brand } GROUP BY ?brand ORDER BY DESC(?n) ?brand LIMIT 20",
    ),
    (
        "best-selling brands",
        "SELECT ?brand (COUNT(*) AS ?n) { ?u kenning:interacted ?p . ?p a:produced_by ?brand } GROUP BY ?brand ORDER BY DESC(?n) ?brand LIMIT 20",
    ),
    (
        "buyers by category",
        "SELECT ?c (COUNT(DISTINCT ?u) AS ?n) { ?p a:belongs_to ?c . ?u kenning:interacted ?p } GROUP BY ?c ORDER BY DESC(?n) ?c LIMIT 20",
    ),
    (
        "all purchases",
        "SELECT (COUNT(*) AS ?n) { ?u kenning:interacted ?p }",
    ),
    (
        "statements by property",
        "SELECT ?property (COUNT(*) AS ?n) { VALUES ?property { a:also_bought a:also_viewed a:belongs_to a:produced_by } ?s ?property ?o } GROUP BY ?property",
    ),
    (
        "loyal customers",
        "SELECT ?u ?brand (COUNT(?p) AS ?n) { ?u kenning:interacted ?p . ?p a:produced_by ?brand } GROUP BY ?u ?brand HAVING (COUNT(?p) >= 8)",
    ),
    (
        "bought by the same people",
        "SELECT ?other (COUNT(?u) AS ?n) { ?u kenning:interacted %item% , ?other FILTER(?other != %item%) } GROUP BY ?other ORDER BY DESC(?n) ?other LIMIT 20",
    ),
    (
        "what a user might buy",
        "SELECT ?next (COUNT(?p) AS ?n) { %user% kenning:interacted ?p . ?p a:also_bought ?next FILTER NOT EXISTS { %user% kenning:interacted ?next } } GROUP BY ?next ORDER BY DESC(?n) ?next LIMIT 20",
    ),
    (
        "same brand, not bought",
        "SELECT DISTINCT ?next { %user% kenning:interacted ?p . ?p a:produced_by ?brand . ?next a:produced_by ?brand MINUS { %user% kenning:interacted ?next } }",
    ),
    (
        "a user's purchases described",
        "SELECT ?p ?brand ?category { %user% kenning:interacted ?p OPTIONAL { ?p a:produced_by ?b . ?b rdfs:label ?brand } OPTIONAL { ?p a:belongs_to ?c . ?c rdfs:label ?category } }",
    ),
    (
        "what was never bought",
        "SELECT (COUNT(?p) AS ?n) { ?p rdf:type a:Product FILTER NOT EXISTS { ?u kenning:interacted ?p } }",
    ),
    (
        "products without a brand",
        "SELECT (COUNT(?p) AS ?n) { ?p rdf:type a:Product FILTER NOT EXISTS { ?p a:produced_by ?b } }",
    ),
    (
        "mutual also-bought",
        "SELECT (COUNT(*) AS ?n) { ?a a:also_bought ?b . ?b a:also_bought ?a }",
    ),
    (
        "most referred to",
        "SELECT ?p (COUNT(?from) AS ?n) { ?from a:also_bought ?p } GROUP BY ?p ORDER BY DESC(?n) ?p LIMIT 20",
    ),
    (
        "reached by bundles",
        "SELECT ?p { %item% a:bought_together+ ?p }",
    ),
    (
        "around a product",
        "SELECT ?kind ?p { { %item% a:also_bought ?p BIND(\"bought\" AS ?kind) } UNION { %item% a:also_viewed ?p BIND(\"viewed\" AS ?kind) } UNION { ?p a:bought_together %item% BIND(\"bundle\" AS ?kind) } }",
    ),
    (
        "brands by name",
        "SELECT ?brand ?name { ?brand rdfs:label ?name FILTER(CONTAINS(LCASE(?name), \"nat\")) }",
    ),
    (
        "sales of a product, by brand",
        "SELECT ?brand (AVG(?n) AS ?mean) { { SELECT ?p (COUNT(?u) AS ?n) { ?u kenning:interacted ?p } GROUP BY ?p } ?p a:produced_by ?brand } GROUP BY ?brand ORDER BY DESC(?mean) ?brand LIMIT 20",
    ),
    (
        "brands viewed with a brand",
        "SELECT ?other (COUNT(*) AS ?n) { %item% a:produced_by ?brand . ?p a:produced_by ?brand . ?p a:also_viewed ?q . ?q a:produced_by ?other } GROUP BY ?other ORDER BY DESC(?n) ?other LIMIT 10",
    ),
];

/// The queries, `draws` of each that speaks of a user or an item.
pub fn questions(graph: &Graph, draws: usize) -> Vec<Question> {
    let mut numbers = Numbers::new(1996);
    let name = |node: u32| term::decode(graph.term(node)).to_string();
    let users: Vec<u32> = graph
        .users()
        .filter(|&u| graph.met(u).len() >= 10)
        .collect();
    let branded = |&item: &u32| graph.met_by(item).len() >= 10;
    let items: Vec<u32> = graph.items().filter(branded).collect();
    let mut draw = |text: &str| {
        let text = text.replace("%user%", &name(*pick(&mut numbers, &users)));
        let text = text.replace("%item%", &name(*pick(&mut numbers, &items)));
        format!("PREFIX a: <http://example.org/amazon/> {text}")
    };
    let mut questions = Vec::new();
    for (name, text) in QUESTIONS {
        let draws = if text.contains('%') { draws } else { 1 };
        questions.push(Question {
            name: (*name).to_owned(),
            texts: (0..draws).map(|_| draw(text)).collect(),
        });
    }
    questions
}
