//! The triples of shapes documents, by subject.

use crate::model::{Statement, term};
use crate::vocabulary::{SHACL, rdf, shorten};
use crate::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// Members of the longest list that is read.
const LONGEST: usize = 1 << 20;

/// Triples over encoded terms, sorted.
#[derive(Default)]
pub(super) struct Triples {
    subjects: BTreeMap<String, Subject>,
    documents: Vec<String>,
}

#[derive(Default)]
struct Subject {
    /// Index of the first document that speaks of it.
    document: usize,
    values: BTreeMap<String, Vec<String>>,
}

/// `sh:name`, encoded.
pub(super) fn sh(name: &str) -> String {
    ["<", SHACL, name].concat()
}

impl Triples {
    /// Adds a document; `name` is what errors call it.
    pub(super) fn add(&mut self, name: &str, statements: &[Statement]) {
        let document = self.documents.len();
        self.documents.push(name.to_owned());
        for [subject, predicate, object, _] in statements {
            let entry = self.subjects.entry(subject.clone());
            let subject = entry.or_insert_with(|| Subject {
                document,
                ..Subject::default()
            });
            let values = subject.values.entry(predicate.clone()).or_default();
            if let Err(place) = values.binary_search(object) {
                values.insert(place, object.clone());
            }
        }
    }

    /// All triples.
    pub(super) fn iter(&self) -> impl Iterator<Item = [&str; 3]> {
        let subjects = self.subjects.iter();
        let pairs = subjects.flat_map(|(subject, about)| {
            let values = about.values.iter();
            values.map(move |(predicate, values)| (subject, predicate, values))
        });
        pairs.flat_map(|(subject, predicate, values)| {
            let values = values.iter();
            values.map(move |value| [subject, predicate, value].map(String::as_str))
        })
    }

    /// The predicates that a subject has.
    pub(super) fn predicates(&self, subject: &str) -> impl Iterator<Item = &str> {
        let about = self.subjects.get(subject).into_iter();
        about.flat_map(|about| about.values.keys().map(String::as_str))
    }

    /// The values of an encoded predicate, sorted.
    pub(super) fn values(&self, subject: &str, predicate: &str) -> &[String] {
        let about = self.subjects.get(subject);
        about
            .and_then(|about| about.values.get(predicate))
            .map_or(&[], Vec::as_slice)
    }

    /// The values of `sh:name`.
    pub(super) fn sh(&self, subject: &str, name: &str) -> &[String] {
        self.values(subject, &sh(name))
    }

    /// The one value of `sh:name`, if there is one.
    pub(super) fn one(&self, subject: &str, name: &str) -> Result<Option<&str>> {
        match self.sh(subject, name) {
            [] => Ok(None),
            [value] => Ok(Some(value)),
            values => Err(self.wrong(
                subject,
                format!("has {} values of sh:{name}, and may have one", values.len()),
            )),
        }
    }

    /// The nodes that are of a class of SHACL, or of a kind of it.
    pub(super) fn instances(&self, class: &str) -> impl Iterator<Item = &str> {
        let class = sh(class);
        let typed = self.saying(&term::iri(rdf::TYPE)).collect::<Vec<_>>();
        let instances = typed.into_iter();
        instances.filter(move |node| self.classes(node).contains(class.as_str()))
    }

    /// Subjects with this value of a predicate.
    pub(super) fn having(&self, predicate: &str, value: &str) -> impl Iterator<Item = &str> {
        let subjects = self.subjects.iter();
        let having = subjects.filter(move |(_, about)| {
            let values = about.values.get(predicate);
            values.is_some_and(|values| values.iter().any(|known| known == value))
        });
        having.map(|(subject, _)| subject.as_str())
    }

    /// Subjects that have the predicate.
    pub(super) fn saying(&self, predicate: &str) -> impl Iterator<Item = &str> {
        let subjects = self.subjects.iter();
        let saying = subjects.filter(move |(_, about)| about.values.contains_key(predicate));
        saying.map(|(subject, _)| subject.as_str())
    }

    /// The classes of a node, and what they are kinds of.
    pub(super) fn classes(&self, node: &str) -> BTreeSet<&str> {
        let mut classes = BTreeSet::new();
        let mut open: Vec<&String> = self.values(node, &term::iri(rdf::TYPE)).iter().collect();
        while let Some(class) = open.pop() {
            if classes.insert(class.as_str()) {
                open.extend(self.values(class, &term::iri(rdf::SUB_CLASS_OF)));
            }
        }
        classes
    }

    /// The members of the list that is a value of `subject`'s `sh:name`.
    ///
    /// # Errors
    /// If it is no list, does not end, or goes in a circle.
    pub(super) fn list(&self, subject: &str, name: &str, head: &str) -> Result<Vec<&str>> {
        let [first, rest, nil] = [rdf::FIRST, rdf::REST, rdf::NIL].map(term::iri);
        let wrong = |message: &str| {
            self.wrong(subject, format!("the list of sh:{name} {message}"))
                .hint("write it as `( a b c )`")
        };
        let mut members = Vec::new();
        let mut seen = BTreeSet::new();
        let mut cell = head;
        while cell != nil {
            if !seen.insert(cell) {
                return Err(wrong("goes in a circle"));
            }
            if seen.len() > LONGEST {
                return Err(wrong(&format!("has more than {LONGEST} members")));
            }
            match (self.values(cell, &first), self.values(cell, &rest)) {
                ([member], [next]) => {
                    members.push(member.as_str());
                    cell = next;
                }
                ([], []) => return Err(wrong(&format!("has no rdf:first at {}", shown(cell)))),
                _ => {
                    return Err(wrong(&format!(
                        "needs one rdf:first and one rdf:rest at {}",
                        shown(cell)
                    )));
                }
            }
        }
        Ok(members)
    }

    /// An error in what the documents say of a node.
    pub(super) fn wrong(&self, node: &str, message: impl std::fmt::Display) -> Error {
        let about = self.subjects.get(node);
        let document = about.and_then(|about| self.documents.get(about.document));
        let place = match document {
            Some(document) => format!("{document}, {}", shown(node)),
            None => shown(node),
        };
        Error::input(message.to_string()).at(place)
    }
}

/// A term for people, short.
pub fn shown(encoded: &str) -> String {
    const LONGEST: usize = 120;
    let text = match term::as_iri(encoded) {
        Some(iri) => shorten(iri),
        None => match encoded.strip_prefix('_') {
            Some(label) => format!("_:{label}"),
            None => match term::lexical(encoded) {
                Some(lexical) => {
                    let (cut, end) = cut(lexical, LONGEST);
                    match term::language(encoded) {
                        Some(language) => format!("\"{cut}{end}\"@{language}"),
                        None => format!("\"{cut}{end}\""),
                    }
                }
                None => encoded.to_owned(),
            },
        },
    };
    let (cut, end) = cut(&text, 4 * LONGEST);
    format!("{cut}{end}")
}

/// The beginning of a text, and how it ends where it was cut.
pub(super) fn cut(text: &str, longest: usize) -> (&str, String) {
    match text.char_indices().nth(longest) {
        Some((at, _)) => (&text[..at], format!("… ({} bytes)", text.len())),
        None => (text, String::new()),
    }
}

/// A property of SHACL's vocabulary by its local name, with what its value makes.
pub(super) type Maker<Value, Made> = (&'static str, fn(Value) -> Made);
