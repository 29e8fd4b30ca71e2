//! A gazetteer: which concepts of a vocabulary a text names. It knows no words itself; the vocabulary brings them,
//! and says how they are looked up (`kenning:extracts` and its neighbours in `ontologies/kenning.ttl`).
//!
//! **Looking up.** Text and labels are folded the same way: lower case; everything between letters and digits is one
//! gap; `&` and `+` are the word "and"; apostrophes and direction marks vanish; regular English plurals meet their
//! singulars. Labels match whole words, the longest from the left, and matches do not overlap. So "hanging heart" hides
//! "heart"; a label that should count for two concepts is given to both.
//!
//! **Which of the matches are meant:**
//! - Of a property with [`Rule::head`], a text has one concept, its head: the last match outside of modifier phrases.
//!   A modifier phrase runs from a word of [`Rule::openers`], or from a `+` behind a head, to the next punctuation
//!   mark. Where nothing stands outside, the last match inside is taken. What is followed by "of", or opens the text and is followed by a number,
//!   is a container ("box of 9 candles", "SET/6 mugs") and counts as if it stood inside.
//! - A weak label counts only where the text has no stronger one of the same property; for a head, a weak label
//!   outside of modifier phrases is preferred to a strong one inside, and of weak ones the last that names nothing of
//!   another property ("hanging wood heart": hearts are motifs as well).
//! - A label shared with a concept of the property that this one yields to ([`Rule::yields_to`]) counts here only if
//!   it is neither the head nor in a modifier phrase. Labels shared otherwise name all of their concepts, but one that
//!   more than [`MOST_CONCEPTS`] share tells nothing: such are put aside ([`Gazetteer::crowds`]).
//!
//! **Confidence** is a product:
//!
//! | by | factor |
//! |---|---|
//! | the label | 1 preferred, .95 alternative, .6 weak |
//! | its form | 1 as written, .9 another number (boxes for box) |
//! | a label of concepts of several properties | .9 |
//! | a label of several concepts of one property | .5 |
//! | a head from a modifier phrase or a container | .7 |
//!
//! **Work** is linear in the text (times the longest label that begins with the same word, at most [`LONGEST_LABEL`]
//! bytes) and in the vocabulary. The labels are a hash table over one piece of text, not an automaton: whole words make
//! runs of words the only candidates, and an automaton over millions of labels costs ten times the memory.

mod extractor;
mod find;
pub(super) mod labels;
mod store;
pub(super) mod words;

use crate::{Error, Result};
use labels::{Labels, LabelsBuilder, Sense};
use rustc_hash::{FxHashMap, FxHashSet};
use std::ops::Range;
use words::Words;

pub use store::declared;
pub(super) use store::select;

/// Folded labels over this many bytes are left out; see [`Gazetteer::unusable_labels`].
pub const LONGEST_LABEL: usize = 256;

/// A label that more concepts share than this names none of them.
pub const MOST_CONCEPTS: usize = 32;

/// How firmly a label names its concept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LabelKind {
    /// `skos:prefLabel`.
    Preferred,
    /// `skos:altLabel`.
    Alternative,
    /// `kenning:weakLabel`.
    Weak,
}

impl LabelKind {
    fn confidence(self) -> f32 {
        match self {
            Self::Preferred => 1.0,
            Self::Alternative => 0.95,
            Self::Weak => 0.6,
        }
    }
}

/// Something that a text can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concept {
    /// Its IRI.
    pub iri: String,
    /// IRI of the property that an item has it by.
    pub property: String,
    /// Its labels in any order.
    pub labels: Vec<(LabelKind, String)>,
}

/// How concepts of one property are looked up. A property without a rule takes every match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// IRI of the property.
    pub property: String,
    /// Whether a text has at most one concept of it, its head.
    pub head: bool,
    /// IRI of the property that shared labels are left to.
    pub yields_to: Option<String>,
    /// Words that open a modifier phrase; those of all rules hold together.
    pub openers: Vec<String>,
}

/// A concept that a text names.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// Number of the concept; see [`Gazetteer::concept`].
    pub concept: usize,
    /// Where the text names it, in bytes.
    pub span: Range<usize>,
    /// How sure that is, in 0..=1.
    pub confidence: f32,
}

/// Finds the concepts of a vocabulary in texts. Read-only once built; share it among threads.
///
/// ```
/// use kenning::extraction::text::{Concept, Gazetteer, LabelKind, Rule};
/// let concept = |iri: &str, property: &str, label: &str| Concept {
///     iri: iri.into(),
///     property: property.into(),
///     labels: vec![(LabelKind::Preferred, label.into())],
/// };
/// let concepts = vec![
///     concept("ex:mug", "ex:type", "mug"),
///     concept("ex:box", "ex:type", "box"),
///     concept("ex:owl", "ex:motif", "owl"),
/// ];
/// let rule = Rule { property: "ex:type".into(), head: true, openers: vec!["in".into()], ..Rule::default() };
/// let gazetteer = Gazetteer::new(concepts, &[rule])?;
/// let found = gazetteer.find("OWLS MUG IN BOX");
/// let iris: Vec<&str> = found.iter().map(|m| gazetteer.concept(m.concept).iri).collect();
/// assert_eq!(iris, ["ex:owl", "ex:mug"]);
/// # Ok::<(), kenning::Error>(())
/// ```
pub struct Gazetteer {
    /// The IRIs of all concepts, one after the other, and where each ends.
    iris: (String, Vec<u64>),
    /// For each concept, its property as an index into `properties`.
    property_of: Vec<u32>,
    properties: Vec<Property>,
    /// Keys of the words that open a modifier phrase.
    openers: FxHashSet<String>,
    labels: Labels,
    unusable: usize,
}

#[derive(Clone, Default)]
struct Property {
    iri: String,
    head: bool,
    yields_to: Option<u32>,
}

/// A concept of a gazetteer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// Its IRI.
    pub iri: &'a str,
    /// IRI of the property that an item has it by.
    pub property: &'a str,
}

/// A place of a text that names more concepts than [`MOST_CONCEPTS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crowd {
    /// Where, in bytes.
    pub span: Range<usize>,
    /// How many concepts have that label.
    pub concepts: usize,
}

impl Gazetteer {
    /// Builds a gazetteer over `concepts`, which are numbered in their order.
    ///
    /// # Errors
    /// `Budget` if there are 2³² concepts or labels.
    pub fn new(concepts: impl IntoIterator<Item = Concept>, rules: &[Rule]) -> Result<Self> {
        let (mut properties, openers) = rule_book(rules);
        let mut numbers: FxHashMap<String, u32> = (0..)
            .zip(&properties)
            .map(|(number, property)| (property.iri.clone(), number))
            .collect();
        let mut iris = (String::new(), Vec::new());
        let mut property_of = Vec::new();
        let mut labels = LabelsBuilder::default();
        let mut unusable = 0;
        for concept in concepts {
            let number = property_of.len() as u32;
            iris.0.push_str(&concept.iri);
            iris.1.push(iris.0.len() as u64);
            property_of.push(*numbers.entry(concept.property).or_insert_with_key(|iri| {
                properties.push(Property {
                    iri: iri.clone(),
                    ..Property::default()
                });
                properties.len() as u32 - 1
            }));
            for (kind, label) in &concept.labels {
                unusable += usize::from(!add_label(&mut labels, label, *kind, number));
            }
            if labels.len().max(property_of.len()) >= u32::MAX as usize {
                return Err(Error::budget(
                    "a gazetteer holds at most 4,294,967,294 labels",
                ));
            }
        }
        Ok(Self {
            iris,
            property_of,
            properties,
            openers,
            labels: labels.finish(),
            unusable,
        })
    }

    /// How many concepts it looks for.
    pub fn len(&self) -> usize {
        self.property_of.len()
    }

    /// Whether it looks for nothing.
    pub fn is_empty(&self) -> bool {
        self.property_of.is_empty()
    }

    /// The concept of this number, below [`Gazetteer::len`].
    pub fn concept(&self, number: usize) -> Named<'_> {
        let (text, ends) = &self.iris;
        let start = number.checked_sub(1).map_or(0, |before| ends[before]);
        Named {
            iri: &text[start as usize..ends[number] as usize],
            property: &self.properties[self.property_of[number] as usize].iri,
        }
    }

    /// How many labels cannot be found in any text, because they have no letter or digit or are over
    /// [`LONGEST_LABEL`].
    pub fn unusable_labels(&self) -> usize {
        self.unusable
    }
}

/// A label as it is looked up: equal for all that are found as one.
pub(super) fn fold(label: &str) -> String {
    Words::of(label).folded
}

/// The properties that rules name, and the keys of all openers.
fn rule_book(rules: &[Rule]) -> (Vec<Property>, FxHashSet<String>) {
    let mut properties: Vec<Property> = Vec::new();
    let mut openers = FxHashSet::default();
    let number = |iri: &str, properties: &mut Vec<Property>| {
        let known = properties.iter().position(|property| property.iri == iri);
        known.unwrap_or_else(|| {
            properties.push(Property {
                iri: iri.to_owned(),
                ..Property::default()
            });
            properties.len() - 1
        })
    };
    for rule in rules {
        let of_rule = number(&rule.property, &mut properties);
        properties[of_rule].head |= rule.head;
        if let Some(other) = &rule.yields_to {
            properties[of_rule].yields_to = Some(number(other, &mut properties) as u32);
        }
        for opener in &rule.openers {
            let words = Words::of(opener);
            openers.extend(words.words.iter().map(|word| words.key(word).to_owned()));
        }
    }
    (properties, openers)
}

/// Whether the label can be found in a text, and was added.
fn add_label(labels: &mut LabelsBuilder, label: &str, kind: LabelKind, concept: u32) -> bool {
    let words = Words::of(label);
    let usable = !words.words.is_empty() && words.folded.len() <= LONGEST_LABEL;
    if usable {
        let surface = Words::surface(&words.words);
        let sense = Sense {
            concept,
            kind,
            surface,
        };
        labels.add(&words, sense);
    }
    usable
}

#[cfg(test)]
mod tests;
