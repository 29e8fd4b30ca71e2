//! In which language and tone reasons are said. Sentences are templates (`en.toml`, `de.toml` beside this file); what
//! they speak of has its label in that language where the graph has one.

use crate::graph::Graph;
use crate::model::term;
use crate::vocabulary::LABELS;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::OnceLock;

const SOURCES: [(&str, &str); 2] = [
    ("en", include_str!("en.toml")),
    ("de", include_str!("de.toml")),
];

/// How a reader wants to be spoken to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Voice {
    /// Languages of labels, the preferred first, as BCP 47 tags; the first that there are sentences in is that of the
    /// sentences, or English.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// The tone of the sentences.
    pub tone: Tone,
}

/// The tone of sentences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tone {
    /// What is so.
    #[default]
    Plain,
    /// The same, to somebody.
    Friendly,
}

/// The templates of one language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    grammar: BTreeMap<String, String>,
    verbs: BTreeMap<String, [String; 2]>,
    plain: BTreeMap<String, String>,
    friendly: BTreeMap<String, String>,
}

/// All templates, by language; those that come along are read without fault, which a test checks.
fn all() -> &'static BTreeMap<&'static str, Words> {
    static WORDS: OnceLock<BTreeMap<&'static str, Words>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let read = |(language, text)| Some((language, toml::from_str(text).ok()?));
        SOURCES.into_iter().filter_map(read).collect()
    })
}

/// The languages that there are sentences in.
pub fn languages() -> Vec<&'static str> {
    all().keys().copied().collect()
}

impl Voice {
    /// Most languages that are looked for.
    const MOST: usize = 10;

    /// Checks what a request asks for.
    ///
    /// # Errors
    /// `Usage` if a language is no tag, or there are more than ten.
    pub fn check(&self) -> Result<()> {
        if self.languages.len() > Self::MOST {
            let count = self.languages.len();
            return Err(Error::usage(format!(
                "there are {count} languages, and ten are the most"
            )));
        }
        let is_tag = |tag: &&String| {
            let part = |part: &str| {
                (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
            };
            tag.split('-').all(part)
        };
        match self.languages.iter().find(|tag| !is_tag(tag)) {
            None => Ok(()),
            Some(tag) => {
                Err(Error::usage(format!("`{tag}` is no language tag")).hint("such as `de`"))
            }
        }
    }

    /// The sentences; there are some in any case.
    pub(super) fn words(&self) -> Option<&'static Words> {
        let all = all();
        let main = |tag: &String| tag.split('-').next().unwrap_or_default().to_lowercase();
        let wished = self
            .languages
            .iter()
            .find_map(|tag| all.get(main(tag).as_str()));
        wished.or_else(|| all.get("en"))
    }

    /// The name of a node: its label in the first of the languages that it has one in, else its best label.
    pub fn label<'g>(&self, graph: &'g Graph, node: u32) -> &'g str {
        let found = self
            .languages
            .iter()
            .find_map(|tag| labelled(graph, node, tag));
        found.unwrap_or_else(|| graph.label(node))
    }
}

/// The label of a node in a language or a variety of it.
fn labelled<'g>(graph: &'g Graph, node: u32, tag: &str) -> Option<&'g str> {
    if !graph.nodes().contains(&node) {
        return None;
    }
    let is_of = |language: &str| {
        let start = language.get(..tag.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(tag))
            && matches!(language.as_bytes().get(tag.len()), None | Some(b'-'))
    };
    LABELS.iter().find_map(|property| {
        let property = graph.find_iri(property)?;
        let mut labels = graph
            .objects(node, property)
            .iter()
            .map(|pair| graph.term(pair[1]));
        let label = labels.find(|text| term::language(text).is_some_and(is_of))?;
        term::lexical(label)
    })
}

impl Words {
    /// A part of sentences, filled.
    pub(super) fn part(&self, name: &str, values: &[(&str, &str)]) -> String {
        let template = self.grammar.get(name).map_or("", String::as_str);
        fill(template, values)
    }

    /// A sentence, filled, with a capital first.
    pub(super) fn sentence(&self, tone: Tone, name: &str, values: &[(&str, &str)]) -> String {
        let toned = match tone {
            Tone::Plain => None,
            Tone::Friendly => self.friendly.get(name),
        };
        let template = toned.or_else(|| self.plain.get(name));
        capital(&fill(template.map_or("", String::as_str), values))
    }

    /// The past tense and the participle of what people did, as the data say it.
    pub(super) fn verb<'v>(&'v self, verb: &'v str) -> [&'v str; 2] {
        match self.verbs.get(verb) {
            Some([past, participle]) => [past, participle],
            // What a mapping says of its own is English.
            None => [verb, verb],
        }
    }

    /// Some names, as one enumeration.
    pub(super) fn list(&self, names: &[String], more: usize) -> String {
        let n = more.to_string();
        match (names, more) {
            (names, 1..) => self.part("more", &[("items", &names.join(", ")), ("n", &n)]),
            ([rest @ .., last], _) if !rest.is_empty() => {
                self.part("and", &[("first", &rest.join(", ")), ("last", last)])
            }
            (names, _) => names.join(", "),
        }
    }

    pub(super) fn people(&self, n: u32) -> String {
        self.numbered(n, ["person", "people"])
    }

    pub(super) fn times(&self, n: u32) -> String {
        self.numbered(n, ["once", "times"])
    }

    fn numbered(&self, n: u32, [one, many]: [&str; 2]) -> String {
        let name = if n == 1 { one } else { many };
        self.part(name, &[("n", &n.to_string())])
    }
}

/// Puts values in the place of their names in braces; what a value says is never looked into.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        let found = values.iter().find(|value| value.0 == name);
        filled.push_str(found.map_or("", |value| value.1));
        rest = tail;
    }
    filled + rest
}

/// The same with a capital first.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().collect::<String>());
    first.unwrap_or_default() + chars.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_everything() {
        assert_eq!(languages(), ["de", "en"]);
        let english = &all()["en"];
        for words in all().values() {
            assert!(words.plain.keys().eq(english.plain.keys()));
            assert!(words.grammar.keys().eq(english.grammar.keys()));
            assert!(words.verbs.keys().eq(english.verbs.keys()));
            let known = |name: &String| words.plain.contains_key(name);
            assert!(words.friendly.keys().all(known));
        }
    }

    #[test]
    fn values_are_not_looked_into() {
        let filled = fill("{a}, {b} and {c", &[("a", "{b}"), ("b", "x")]);
        assert_eq!(filled, "{b}, x and {c");
    }
}
