//! One pattern, compiled.

use super::value::{self, Kind};
use super::{Lexicon, Pattern};
use crate::extraction::Finding;
use crate::model::term;
use crate::{Error, Result, vocabulary};
use regex::{Regex, RegexBuilder};
use std::collections::BTreeMap;
use std::ops::Range;

/// The scheme whose labels are numbers.
const NUMERALS: &str = "numeral";

/// Bytes that a compiled pattern may take.
const MOST_MEMORY: usize = 16 << 20;

/// A pattern with its placeholders resolved.
#[derive(Debug)]
pub(super) struct Template {
    regex: Regex,
    /// What each group of the expression stands for.
    slots: Vec<Slot>,
    confidence: f32,
}

/// What a group stands for.
#[derive(Debug)]
struct Slot {
    /// Number of the group.
    group: usize,
    kind: SlotKind,
    /// IRI of the property that its value is of.
    property: Option<String>,
}

#[derive(Debug)]
enum SlotKind {
    Number(Kind),
    /// Numbers by folded word.
    Count(BTreeMap<String, String>),
    /// Codes by folded label.
    Words(BTreeMap<String, String>),
}

impl Template {
    pub fn new(pattern: &Pattern, lexicon: &Lexicon) -> Result<Self> {
        let wrong = |what: String| {
            Error::input(what)
                .at(format!("kenning:pattern \"{}\"", pattern.text))
                .hint("see the table of placeholders in `ontologies/measures.ttl`")
        };
        let mut expression = String::from(r"\b{start-half}(?:");
        let mut slots = Vec::new();
        let mut rest = pattern.text.as_str();
        let mut ends_with_words = false;
        while let Some((before, inside, after)) = next_placeholder(rest) {
            push_spaced(&mut expression, before);
            let slot = read_slot(inside, lexicon).map_err(wrong)?;
            expression.push_str(&group(&slot.kind));
            ends_with_words = matches!(slot.kind, SlotKind::Words(_)) && after.is_empty();
            slots.push(slot);
            rest = after;
        }
        push_spaced(&mut expression, rest);
        expression.push(')');
        if !ends_with_words {
            expression.push_str(r"\b{end-half}");
        }
        let regex = RegexBuilder::new(&expression)
            .case_insensitive(true)
            .size_limit(MOST_MEMORY)
            .build()
            .map_err(|e| wrong(format!("this is not a pattern: {e}")))?;
        // Authors may write groups of their own only if they take no number.
        if regex.captures_len() != slots.len() + 1 {
            return Err(wrong("a group of a pattern must be written `(?:…)`".into()));
        }
        for (index, slot) in slots.iter_mut().enumerate() {
            slot.group = index + 1;
        }
        Ok(Self {
            regex,
            slots,
            confidence: pattern.confidence,
        })
    }

    /// Its matches, with what they say.
    pub fn find<'a>(
        &'a self,
        text: &'a str,
    ) -> impl Iterator<Item = (Range<usize>, Vec<Finding>)> + 'a {
        let read = |found: regex::Captures<'a>| {
            let whole = found.get(0)?.range();
            Some((whole.clone(), self.findings(&found, &whole)?))
        };
        self.regex.captures_iter(text).filter_map(read)
    }

    /// What a match says; nothing if a number is out of bounds.
    fn findings(&self, found: &regex::Captures<'_>, whole: &Range<usize>) -> Option<Vec<Finding>> {
        let mut findings = Vec::new();
        let mut unit: Option<&str> = None;
        // From the end, so that a unit is known when its numbers come.
        for slot in self.slots.iter().rev() {
            let Some(group) = found.get(slot.group) else {
                continue;
            };
            let object = match &slot.kind {
                SlotKind::Words(codes) => {
                    let code = codes.get(&fold(group.as_str()))?.as_str();
                    if slot.property.is_none() {
                        unit = Some(code);
                    }
                    term::string(code)
                }
                SlotKind::Count(words) => value::count(group.as_str(), words)?,
                SlotKind::Number(kind) => value::read(*kind, group.as_str(), unit)?,
            };
            findings.extend(slot.property.iter().map(|property| Finding {
                property: property.clone(),
                object: object.clone(),
                span: whole.clone(),
                confidence: self.confidence,
                by_author: None,
            }));
        }
        findings.reverse();
        Some(findings)
    }
}

/// What stands before the next placeholder, in it, and after it. Braces around digits repeat something.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let start = from + text[from..].find('{')?;
        let end = start + text[start..].find('}')?;
        let inside = &text[start + 1..end];
        if inside.starts_with(|c: char| c.is_ascii_lowercase()) && !text[..start].ends_with("\\b") {
            return Some((&text[..start], inside, &text[end + 1..]));
        }
        from = end;
    }
}

fn read_slot(inside: &str, lexicon: &Lexicon) -> Result<Slot, String> {
    let (name, property) = match inside.split_once(' ') {
        Some((name, property)) => (name, Some(vocabulary::expand(property.trim()))),
        None => (inside, None),
    };
    if let Some(property) = &property
        && !property.contains("://")
    {
        return Err(format!("`{property}` is not the name of a property"));
    }
    let words = |name: &str| -> BTreeMap<String, String> {
        let words = lexicon.get(name).into_iter().flatten();
        words
            .map(|(label, code)| (fold(label), code.clone()))
            .collect()
    };
    let kind = match (name, Kind::of_name(name)) {
        ("count", _) => SlotKind::Count(words(NUMERALS)),
        (_, Some(kind)) => SlotKind::Number(kind),
        _ => SlotKind::Words(words(name)),
    };
    if matches!(&kind, SlotKind::Words(words) if words.is_empty()) {
        return Err(format!("there are no words for `{{{name}}}`"));
    }
    Ok(Slot {
        group: 0,
        kind,
        property,
    })
}

/// The expression of a group.
fn group(kind: &SlotKind) -> String {
    match kind {
        SlotKind::Number(kind) => format!("({})", kind.expression()),
        SlotKind::Count(words) if words.is_empty() => r"(\d{1,9})".into(),
        SlotKind::Count(words) => format!(r"(\d{{1,9}}|{})", choice(words)),
        SlotKind::Words(words) => format!("({})", choice(words)),
    }
}

/// Any of the words, the longest first. One that ends with a letter or digit ends there.
fn choice(words: &BTreeMap<String, String>) -> String {
    let mut words: Vec<&String> = words.keys().collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let word = |word: &String| {
        let end = if word.ends_with(char::is_alphanumeric) {
            r"\b{end-half}"
        } else {
            ""
        };
        format!("{}{end}", regex::escape(word).replace(' ', r"\s+"))
    };
    words.into_iter().map(word).collect::<Vec<_>>().join("|")
}

/// Adds what stands between placeholders; spaces stand for any white space.
fn push_spaced(expression: &mut String, between: &str) {
    expression.push_str(&between.replace(" ?", r"[\s\-]*").replace(' ', r"\s+"));
}

/// Lower case, with single spaces.
fn fold(label: &str) -> String {
    let lower = label.to_lowercase();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}
