//! Facts as text, grouped so that nothing is said twice.

use super::facts::{self, Fact, Names};
use super::recipe::Serialisation;
use super::wording;
use crate::graph::Graph;
use crate::selection::Piece;
use std::fmt::Write;

/// All facts as lines of text, without a line break at the end.
pub fn text(facts: &[Fact], how: Serialisation) -> String {
    match how {
        Serialisation::Sentences => unique(facts.iter().map(|fact| fact.sentence.clone())),
        Serialisation::Triples => unique(facts.iter().flat_map(triples)),
        Serialisation::PathLines => unique(facts.iter().map(path)),
        Serialisation::Table => table(facts),
        Serialisation::Turtle => turtle(facts),
    }
}

/// A piece of evidence as a line behind what it is about.
pub fn line(graph: &Graph, piece: &Piece, names: &dyn Names, how: Serialisation) -> String {
    match how {
        Serialisation::PathLines => path(&facts::of_piece(graph, piece, names)),
        _ => wording::say(graph, piece, &|node| names.name(node)),
    }
}

fn triples(fact: &Fact) -> Vec<String> {
    let of = |subject: &String| {
        let subject = subject.clone();
        let support = fact
            .support
            .map_or(String::new(), |support| format!(" | {support} people"));
        fact.objects
            .iter()
            .map(move |object| format!("{subject} | {} | {object}{support}", fact.relation))
    };
    std::iter::once(&fact.subject)
        .chain(&fact.like)
        .flat_map(of)
        .collect()
}

fn path(fact: &Fact) -> String {
    let support = fact
        .support
        .map_or(String::new(), |support| format!(" ({support} people)"));
    let (relation, objects) = (
        format!("{}{support}", fact.relation),
        fact.objects.join(", "),
    );
    match fact.like.is_empty() {
        true => format!("{} -{relation}-> {objects}", fact.subject),
        false => format!(
            "{} -{relation}-> {objects} <-{relation}- {}",
            fact.like.join(", "),
            fact.subject
        ),
    }
}

/// Lines, each once, in the order of their first appearance.
fn unique(lines: impl IntoIterator<Item = String>) -> String {
    let mut kept: Vec<String> = Vec::new();
    for line in lines {
        if !kept.contains(&line) {
            kept.push(line);
        }
    }
    kept.join("\n")
}

/// Groups pairs by their first part, each second part once; both in the order of their first appearance.
fn grouped<V: PartialEq>(pairs: impl IntoIterator<Item = (String, V)>) -> Vec<(String, Vec<V>)> {
    let mut groups: Vec<(String, Vec<V>)> = Vec::new();
    for (key, value) in pairs {
        match groups.iter_mut().find(|group| group.0 == key) {
            Some((_, values)) if values.contains(&value) => {}
            Some((_, values)) => values.push(value),
            None => groups.push((key, vec![value])),
        }
    }
    groups
}

/// Each pair of a subject and an object that a fact states.
fn stated(fact: &Fact) -> impl Iterator<Item = (&String, &String)> {
    let subjects = std::iter::once(&fact.subject).chain(&fact.like);
    subjects.flat_map(|subject| fact.objects.iter().map(move |object| (subject, object)))
}

fn table(facts: &[Fact]) -> String {
    let by_relation = grouped(facts.iter().flat_map(|fact| {
        let support = fact
            .support
            .map_or(String::new(), |support| format!(" ({support})"));
        stated(fact).map(move |(subject, object)| {
            (
                fact.relation.clone(),
                (object.clone(), format!("{subject}{support}")),
            )
        })
    }));
    let mut text = String::new();
    for (relation, pairs) in by_relation {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{relation}:");
        for (object, subjects) in grouped(pairs) {
            let _ = writeln!(text, "  {object}: {}", subjects.join(", "));
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// Turtle: ids of the prompt are names, labels get one each.
fn turtle(facts: &[Fact]) -> String {
    let mut values: Vec<String> = Vec::new();
    let mut name = |text: &str| {
        if is_id(text) {
            return format!(":{text}");
        }
        let at = values
            .iter()
            .position(|known| known == text)
            .unwrap_or_else(|| {
                values.push(text.to_owned());
                values.len() - 1
            });
        format!(":x{}", at + 1)
    };
    let mut stating: Vec<(String, (String, String))> = Vec::new();
    for fact in facts {
        for (subject, object) in stated(fact) {
            stating.push((name(subject), (property(&fact.relation), name(object))));
        }
    }
    let mut text = String::from("@prefix : <urn:kenning:prompt:> .\n");
    for (subject, pairs) in grouped(stating) {
        let said = grouped(pairs)
            .into_iter()
            .map(|(property, objects)| format!(":{property} {}", objects.join(" , ")));
        let _ = writeln!(text, "{subject} {} .", said.collect::<Vec<_>>().join(" ; "));
    }
    for (index, value) in values.iter().enumerate() {
        let label = value.trim_matches('"').replace('\\', "/").replace('"', "'");
        let _ = writeln!(text, ":x{} :label \"{label}\" .", index + 1);
    }
    text.truncate(text.trim_end().len());
    text
}

/// Whether a name is an id of the prompt: `h1`, `c12`, or a letter.
fn is_id(name: &str) -> bool {
    let mut chars = name.chars();
    match (chars.next(), chars.as_str()) {
        (Some('h' | 'c'), digits) if !digits.is_empty() => {
            digits.bytes().all(|b| b.is_ascii_digit())
        }
        (Some(letter), "") => letter.is_ascii_uppercase(),
        _ => false,
    }
}

/// Whether a character may stand in the local part of a name of Turtle: `PN_CHARS_BASE` and digits. `²` and `½`, which are
/// alphanumeric to Unicode, may not.
fn is_in_names(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}'
            | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}'
            | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

/// A phrase as the local part of a name.
fn property(phrase: &str) -> String {
    let plain = phrase.chars().map(|c| if is_in_names(c) { c } else { '_' });
    let plain: String = plain.collect();
    let parts: Vec<&str> = plain.split('_').filter(|part| !part.is_empty()).collect();
    match parts.is_empty() {
        true => "is".into(),
        false => parts.join("_"),
    }
}

#[cfg(test)]
mod tests {
    use super::property;

    #[test]
    fn phrases_become_names_that_turtle_has() {
        assert_eq!(property("is made by"), "is_made_by");
        assert_eq!(property("größer als 10 m² / ½"), "größer_als_10_m");
        assert_eq!(property("²"), "is");
    }
}
