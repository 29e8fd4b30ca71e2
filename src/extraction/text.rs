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
//!   A modifier phrase runs from a word of [`Rule::openers`] to the next punctuation mark. Where nothing stands
//!   outside, the last match inside is taken. What is followed by "of", or opens the text and is followed by a number,
//!   is a container ("box of 9 candles", "SET/6 mugs") and counts as if it stood inside.
//! - A weak label counts only where the text has no stronger one of the same property; for a head, a weak label
//!   outside of modifier phrases is preferred to a strong one inside.
//! - A label shared with a concept of the property that this one yields to ([`Rule::yields_to`]) counts here only if
//!   it is neither the head nor in a modifier phrase. Labels shared otherwise name all of their concepts.
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
//! **Work** is linear in the text (times the longest label, at most [`LONGEST_LABEL`] bytes) and in the vocabulary.

mod store;
mod words;

use crate::{Error, Result};
use aho_corasick::{AhoCorasick, MatchKind};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::ops::Range;
use words::Words;

/// Folded labels over this many bytes are left out; see [`Gazetteer::unusable_labels`].
pub const LONGEST_LABEL: usize = 256;

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
    /// Index into [`Gazetteer::concepts`].
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
/// let iris: Vec<&str> = found.iter().map(|m| gazetteer.concepts()[m.concept].iri.as_str()).collect();
/// assert_eq!(iris, ["ex:owl", "ex:mug"]);
/// # Ok::<(), kenning::Error>(())
/// ```
pub struct Gazetteer {
    concepts: Vec<Concept>,
    /// For each concept, its property as an index into `properties`.
    property_of: Vec<u32>,
    properties: Vec<Property>,
    /// Keys of the words that open a modifier phrase.
    openers: FxHashSet<String>,
    patterns: AhoCorasick,
    /// Pattern p has the senses from `first_sense[p]` to `first_sense[p + 1]`.
    first_sense: Vec<u32>,
    senses: Vec<Sense>,
    unusable: usize,
}

#[derive(Clone, Copy, Default)]
struct Property {
    head: bool,
    yields_to: Option<u32>,
}

/// A concept that a folded label can mean.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Sense {
    concept: u32,
    kind: LabelKind,
    /// Hash of the label's words before plurals were folded.
    surface: u64,
}

/// A sense at a place of the text.
struct Candidate {
    concept: u32,
    property: u32,
    /// Number of the match that it belongs to; matches are in order of the text.
    at: usize,
    span: Range<usize>,
    weak: bool,
    confidence: f32,
}

/// Where a match stands.
#[derive(Clone, Copy, PartialEq)]
enum Zone {
    Main,
    Container,
    Modifier,
}

impl Gazetteer {
    /// Builds a gazetteer over `concepts`, which keep their indices.
    pub fn new(concepts: Vec<Concept>, rules: &[Rule]) -> Result<Self> {
        let mut numbers: FxHashMap<&str, u32> = FxHashMap::default();
        let named = rules.iter().flat_map(|rule| {
            std::iter::once(rule.property.as_str()).chain(rule.yields_to.as_deref())
        });
        for property in named.chain(concepts.iter().map(|c| c.property.as_str())) {
            let next = numbers.len() as u32;
            numbers.entry(property).or_insert(next);
        }
        let mut properties = vec![Property::default(); numbers.len()];
        let mut openers = FxHashSet::default();
        for rule in rules {
            let property = &mut properties[numbers[rule.property.as_str()] as usize];
            property.head |= rule.head;
            if let Some(other) = &rule.yields_to {
                property.yields_to = Some(numbers[other.as_str()]);
            }
            for opener in &rule.openers {
                let words = Words::of(opener);
                openers.extend(words.words.iter().map(|word| words.key(word).to_owned()));
            }
        }
        let property_of = concepts
            .iter()
            .map(|concept| numbers[concept.property.as_str()])
            .collect();

        let mut unusable = 0;
        let mut labels: BTreeMap<String, Vec<Sense>> = BTreeMap::new();
        for (index, concept) in concepts.iter().enumerate() {
            for (kind, label) in &concept.labels {
                let words = Words::of(label);
                if words.words.is_empty() || words.folded.len() > LONGEST_LABEL {
                    unusable += 1;
                    continue;
                }
                let surface = Words::surface(&words.words);
                labels.entry(words.folded).or_default().push(Sense {
                    concept: index as u32,
                    kind: *kind,
                    surface,
                });
            }
        }
        let mut first_sense = vec![0];
        let mut senses = Vec::new();
        for of_label in labels.values_mut() {
            of_label.sort_unstable();
            senses.append(of_label);
            first_sense.push(senses.len() as u32);
        }
        let patterns = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(labels.keys())
            .map_err(|e| {
                Error::budget(format!(
                    "{} labels are too many for one gazetteer: {e}",
                    labels.len()
                ))
                .because(e)
            })?;
        Ok(Self {
            concepts,
            property_of,
            properties,
            openers,
            patterns,
            first_sense,
            senses,
            unusable,
        })
    }

    /// The concepts that it looks for.
    pub fn concepts(&self) -> &[Concept] {
        &self.concepts
    }

    /// How many labels cannot be found in any text, because they have no letter or digit or are over
    /// [`LONGEST_LABEL`].
    pub fn unusable_labels(&self) -> usize {
        self.unusable
    }

    /// The concepts that the text names, in its order; a concept comes once for each place that names it.
    pub fn find(&self, text: &str) -> Vec<Match> {
        let words = Words::of(text);
        let mut candidates = Vec::new();
        let mut places = Vec::new();
        for found in self.patterns.find_iter(&words.folded) {
            let first = words
                .words
                .partition_point(|word| word.folded.start < found.start());
            let end = words
                .words
                .partition_point(|word| word.folded.start < found.end());
            self.add_candidates(
                found.pattern().as_usize(),
                &words.words[first..end],
                places.len(),
                &mut candidates,
            );
            places.push(first..end);
        }
        let zones = self.zones(&words, &places);
        self.resolve(candidates, &zones)
    }

    fn add_candidates(
        &self,
        pattern: usize,
        words: &[words::Word],
        at: usize,
        candidates: &mut Vec<Candidate>,
    ) {
        let senses = self.first_sense[pattern] as usize..self.first_sense[pattern + 1] as usize;
        let senses = &self.senses[senses];
        let surface = Words::surface(words);
        let span = words[0].span.start..words[words.len() - 1].span.end;
        let start = candidates.len();
        for of_concept in senses.chunk_by(|a, b| a.concept == b.concept) {
            let strength = |sense: &Sense| {
                let form = if sense.surface == surface { 1.0 } else { 0.9 };
                sense.kind.confidence() * form
            };
            let concept = of_concept[0].concept;
            candidates.push(Candidate {
                concept,
                property: self.property_of[concept as usize],
                at,
                span: span.clone(),
                weak: of_concept.iter().all(|s| s.kind == LabelKind::Weak),
                confidence: of_concept.iter().map(strength).fold(0.0, f32::max),
            });
        }
        let here = &mut candidates[start..];
        if here.len() < 2 {
            return;
        }
        let mut properties: Vec<u32> = here.iter().map(|c| c.property).collect();
        properties.sort_unstable();
        let several = properties[0] != properties[properties.len() - 1];
        for candidate in here {
            let first = properties.partition_point(|p| *p < candidate.property);
            if properties.get(first + 1) == Some(&candidate.property) {
                candidate.confidence *= 0.5;
            }
            if several {
                candidate.confidence *= 0.9;
            }
        }
    }

    /// The zone of each match. An opener that is part of a match opens nothing.
    fn zones(&self, words: &Words, places: &[Range<usize>]) -> Vec<Zone> {
        let mut zones = Vec::with_capacity(places.len());
        let mut inside = false;
        let mut next = 0;
        for place in places {
            for index in next..=place.start {
                let word = &words.words[index];
                inside &= !word.after_break;
                inside |= index < place.start && self.openers.contains(words.key(word));
            }
            let follower = words.words.get(place.end).map(|word| words.key(word));
            zones.push(match follower {
                _ if inside => Zone::Modifier,
                Some("of") => Zone::Container,
                Some(key) if place.start == 0 && key.bytes().all(|b| b.is_ascii_digit()) => {
                    Zone::Container
                }
                _ => Zone::Main,
            });
            inside &= words.words[place.clone()][1..]
                .iter()
                .all(|w| !w.after_break);
            next = place.end;
        }
        zones
    }

    fn resolve(&self, candidates: Vec<Candidate>, zones: &[Zone]) -> Vec<Match> {
        // For each property: its head, as an index into the candidates, and whether it has a strong label.
        let mut heads: Vec<Option<usize>> = vec![None; self.properties.len()];
        let mut strong = vec![false; self.properties.len()];
        let rank = |c: &Candidate| match (zones[c.at], c.weak) {
            (Zone::Main, false) => 3,
            (Zone::Main, true) => 2,
            (_, false) => 1,
            (_, true) => 0,
        };
        for (index, candidate) in candidates.iter().enumerate() {
            let property = candidate.property as usize;
            strong[property] |= !candidate.weak;
            let better = heads[property].is_none_or(|head| {
                let head = &candidates[head];
                let key = |c: &Candidate| (rank(c), c.at);
                match key(candidate).cmp(&key(head)) {
                    std::cmp::Ordering::Equal => candidate.confidence > head.confidence,
                    order => order.is_gt(),
                }
            });
            if better {
                heads[property] = Some(index);
            }
        }
        let shared: FxHashSet<(usize, u32)> =
            candidates.iter().map(|c| (c.at, c.property)).collect();

        let mut matches = Vec::new();
        for (index, candidate) in candidates.iter().enumerate() {
            let property = self.properties[candidate.property as usize];
            let mut confidence = candidate.confidence;
            if property.head {
                if heads[candidate.property as usize] != Some(index) {
                    continue;
                }
                if zones[candidate.at] != Zone::Main {
                    confidence *= 0.7;
                }
            } else if candidate.weak && strong[candidate.property as usize] {
                continue;
            }
            if let Some(other) = property.yields_to
                && shared.contains(&(candidate.at, other))
            {
                let head = heads[other as usize].map(|head| candidates[head].at);
                if head == Some(candidate.at) || zones[candidate.at] == Zone::Modifier {
                    continue;
                }
            }
            matches.push(Match {
                concept: candidate.concept as usize,
                span: candidate.span.clone(),
                confidence,
            });
        }
        matches
    }
}

#[cfg(test)]
mod tests;
