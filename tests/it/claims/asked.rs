//! Claims of reasons, asked for one by one in plain SPARQL.

use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// Anything that answers queries.
pub trait Oracle {
    /// An `ASK`.
    fn holds(&self, query: &str) -> bool;
    /// A `SELECT ?n` of one number.
    fn number(&self, query: &str) -> u64;
    /// A `SELECT ?l` of texts.
    fn texts(&self, query: &str) -> Vec<String>;
}

/// What answers in SPARQL's JSON.
pub trait Endpoint {
    fn query(&self, text: &str) -> Value;
}

impl<E: Endpoint> Oracle for E {
    fn holds(&self, query: &str) -> bool {
        self.query(query)["boolean"].as_bool().unwrap()
    }

    fn number(&self, query: &str) -> u64 {
        let found = self.query(query);
        let number = found["results"]["bindings"][0]["n"]["value"].as_str();
        number.unwrap().parse().unwrap()
    }

    fn texts(&self, query: &str) -> Vec<String> {
        let found = self.query(query);
        let rows = found["results"]["bindings"].as_array().unwrap().iter();
        rows.map(|row| row["l"]["value"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// Checks claims, and remembers what was counted.
pub struct Asker<O> {
    pub oracle: O,
    counted: RefCell<BTreeMap<String, u64>>,
    held: RefCell<BTreeMap<String, bool>>,
    labels: RefCell<BTreeMap<String, Vec<String>>>,
    /// Claims looked at, by kind.
    pub seen: RefCell<BTreeMap<String, usize>>,
}

fn text<'v>(claim: &'v Value, key: &str) -> &'v str {
    claim[key]
        .as_str()
        .unwrap_or_else(|| panic!("no {key} in {claim}"))
}

impl<O: Oracle> Asker<O> {
    pub fn new(oracle: O) -> Self {
        Self {
            oracle,
            counted: RefCell::default(),
            held: RefCell::default(),
            labels: RefCell::default(),
            seen: RefCell::default(),
        }
    }

    fn holds(&self, patterns: &str) -> bool {
        let known = self.held.borrow().get(patterns).copied();
        let holds = known.unwrap_or_else(|| self.oracle.holds(&format!("ASK {{ {patterns} }}")));
        self.held.borrow_mut().insert(patterns.to_owned(), holds);
        holds
    }

    fn labels(&self, query: &str) -> Vec<String> {
        let known = self.labels.borrow().get(query).cloned();
        let labels = known.unwrap_or_else(|| self.oracle.texts(query));
        let kept = labels.clone();
        self.labels.borrow_mut().insert(query.to_owned(), kept);
        labels
    }

    /// Checks every claim of every reason of an answer; what does not hold comes back, said.
    pub fn wrong(&self, answer: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        for item in answer["recommendations"].as_array().unwrap() {
            for reason in item["reasons"].as_array().unwrap() {
                let claims = reason["claims"].as_array().cloned().unwrap_or_default();
                if claims.is_empty() {
                    wrong.push(format!("claims nothing: {reason}"));
                }
                let subject = text(item, "item");
                let ends = claims
                    .iter()
                    .flat_map(|claim| [&claim["subject"], &claim["object"]]);
                if !ends.into_iter().any(|end| end == subject) {
                    wrong.push(format!("is not about {subject}: {reason}"));
                }
                self.check(&claims, &mut wrong);
                self.named(reason, &claims, &mut wrong);
            }
        }
        wrong
    }

    fn check(&self, claims: &[Value], wrong: &mut Vec<String>) {
        for claim in claims {
            let kind = text(claim, "kind").to_owned();
            *self.seen.borrow_mut().entry(kind).or_default() += 1;
        }
        // Triples are asked for together; only if that fails, one by one.
        let triples: Vec<String> = claims.iter().filter_map(pattern).collect();
        let whole: BTreeSet<&String> = triples.iter().collect();
        let whole: Vec<&str> = whole.into_iter().map(String::as_str).collect();
        let all = whole.is_empty() || self.holds(&whole.join(" . "));
        for claim in claims {
            let holds = match pattern(claim) {
                Some(triple) => all || self.holds(&triple),
                None => self.counts(claim),
            };
            let verdict = text(claim, "verdict");
            if !holds || !["verified", "aggregate", "inferred"].contains(&verdict) {
                wrong.push(format!("does not hold: {claim}"));
            }
        }
    }

    /// Whether at least as many are counted as are claimed.
    fn counts(&self, claim: &Value) -> bool {
        let claimed = claim["count"]
            .as_u64()
            .unwrap_or_else(|| panic!("no count: {claim}"));
        let (subject, object) = (
            text(claim, "subject"),
            claim["object"].as_str().unwrap_or(""),
        );
        let predicate = claim["predicate"].as_str().unwrap_or_default();
        let way = predicate.rsplit('#').next().unwrap_or_default();
        let (what, body) = match (text(claim, "kind"), way) {
            ("met-by", _) => ("?u", format!("?u kenning:interacted <{subject}>")),
            ("together", "coOccursWith") => (
                "?u",
                format!("?u kenning:interacted <{subject}>, <{object}>"),
            ),
            ("together", "boughtWith") => (
                "?b",
                format!(
                    "?e kenning:item <{subject}> ; kenning:basket ?b .
                     ?f kenning:item <{object}> ; kenning:basket ?b"
                ),
            ),
            // How many steps lie between is not asked: only that one came after the other. Where no times are known, events
            // are numbered in their order.
            ("together", "followedBy") => (
                "?u",
                format!(
                    "?e kenning:item <{subject}> ; kenning:user ?u . ?f kenning:item <{object}> ; kenning:user ?u
                     OPTIONAL {{ ?e prov:atTime ?first }} OPTIONAL {{ ?f prov:atTime ?then }}
                     BIND(xsd:integer(STRAFTER(STR(?e), 'event:')) AS ?n) BIND(xsd:integer(STRAFTER(STR(?f), 'event:')) AS ?m)
                     FILTER(?e != ?f && COALESCE(?first <= ?then, ?n < ?m))"
                ),
            ),
            ("having", _) => (
                "?i",
                format!("<{subject}> kenning:interacted ?i . ?i <{predicate}> <{object}>"),
            ),
            ("linked-from", _) => (
                "?i",
                format!("<{subject}> kenning:interacted ?i . ?i <{predicate}> <{object}>"),
            ),
            other => panic!("nobody can ask for {other:?}: {claim}"),
        };
        let query = format!("SELECT (COUNT(DISTINCT {what}) AS ?n) {{ {body} }}");
        let known = self.counted.borrow().get(&query).copied();
        let found = known.unwrap_or_else(|| self.oracle.number(&query));
        self.counted.borrow_mut().insert(query, found);
        claimed > 0 && found >= claimed
    }

    /// Whatever a sentence puts in quotes is the name of something that is claimed of.
    fn named(&self, reason: &Value, claims: &[Value], wrong: &mut Vec<String>) {
        let said = text(reason, "text")
            .split(" (By the rule")
            .next()
            .unwrap_or_default();
        let quoted: Vec<&str> = said
            .split('“')
            .skip(1)
            .filter_map(|q| q.split('”').next())
            .collect();
        if quoted.is_empty() {
            return;
        }
        let ends = claims
            .iter()
            .flat_map(|claim| [&claim["subject"], &claim["object"]]);
        let ends: BTreeSet<String> = ends
            .filter_map(|end| Some(format!("<{}>", end.as_str()?)))
            .collect();
        let ends: Vec<String> = ends.into_iter().collect();
        let query = format!(
            "SELECT ?l {{ VALUES ?x {{ {} }} ?x rdfs:label|skos:prefLabel|foaf:name|schema:name ?l }}",
            ends.join(" ")
        );
        let labels = self.labels(&query);
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        for name in quoted {
            let shown = name.trim_end_matches('…');
            // What has no label goes by the end of its IRI.
            let by_iri = |end: &String| end.trim_end_matches('>').ends_with(&format!("/{name}"));
            let by_label = |label: &String| words(label).starts_with(shown);
            if !(labels.iter().any(by_label) || ends.iter().any(by_iri)) {
                wrong.push(format!("speaks of {name}, which nothing claims: {reason}"));
            }
        }
    }
}

/// The triple pattern of a claim that is one.
fn pattern(claim: &Value) -> Option<String> {
    let subject = text(claim, "subject");
    let predicate = claim["predicate"].as_str().unwrap_or_default();
    match text(claim, "kind") {
        "fact" | "met" | "linked" | "similar" => Some(format!(
            "<{subject}> <{predicate}> <{}>",
            text(claim, "object")
        )),
        "in-demand" => Some(format!(
            "?item <{predicate}> <{subject}> . ?somebody kenning:interacted ?item"
        )),
        _ => None,
    }
}
