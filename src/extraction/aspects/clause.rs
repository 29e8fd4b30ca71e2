//! Sentences and their clauses, with the words in them that matter.

use super::{Aspects, REACH, Role};
use crate::extraction::text::words::Words;
use std::ops::Range;

/// So many words a comma parts.
const COMMA: usize = 2;

/// A clause: words that belong together.
pub(super) struct Clause {
    /// Aspects that it names, in order: which words, which aspect.
    pub aspects: Vec<(Range<usize>, usize)>,
    pub opinions: Vec<Opinion>,
    /// Words that join what stands around them.
    joins: Vec<usize>,
    /// Words that follow a comma.
    commas: Vec<usize>,
}

/// An opinion in a clause.
pub(super) struct Opinion {
    pub place: Range<usize>,
    /// From -1, roughly, to 1.
    pub value: f32,
    /// Aspects that it is of where none is named.
    pub related: Vec<usize>,
}

/// The sentences of a text that are no questions, as ranges of words.
pub(super) fn sentences<'a>(
    text: &'a str,
    words: &'a Words,
) -> impl Iterator<Item = Range<usize>> + 'a {
    let mut start = 0;
    std::iter::from_fn(move || {
        while start < words.words.len() {
            let begin = start;
            let ends = |index: usize| gap(text, words, index).contains(['.', '!', '?', ';', '\n']);
            let end = (begin + 1..=words.words.len())
                .find(|&end| end == words.words.len() || ends(end))?;
            start = end;
            if !gap(text, words, end).contains('?') {
                return Some(begin..end);
            }
        }
        None
    })
}

/// What stands between a word and the one before it.
fn gap<'a>(text: &'a str, words: &Words, index: usize) -> &'a str {
    let start = words.words[index - 1].span.end;
    let end = words
        .words
        .get(index)
        .map_or(text.len(), |word| word.span.start);
    // Words of a sign may overlap nothing, but never go back.
    &text[start..end.max(start)]
}

/// The clauses of a sentence.
pub(super) fn clauses(
    lexicon: &Aspects,
    text: &str,
    words: &Words,
    sentence: Range<usize>,
) -> Vec<Clause> {
    let places = |labels: &super::Labels| -> Vec<(Range<usize>, Role)> {
        let found = labels.find_in(words, sentence.clone());
        found
            .map(|(place, senses)| (place, lexicon.roles[senses[0].concept as usize].clone()))
            .collect()
    };
    let (mut said, mut named) = (places(&lexicon.words), places(&lexicon.named));
    // Of a phrase in a phrase the longer counts, of equals the opinion.
    let inside = |a: &Range<usize>, b: &Range<usize>| b.start <= a.start && a.end <= b.end;
    named.retain(|(place, _)| {
        !said
            .iter()
            .any(|(other, role)| inside(place, other) && !matches!(role, Role::Factor(_)))
    });
    said.retain(|(place, _)| !named.iter().any(|(other, _)| inside(place, other)));

    let mut starts = vec![sentence.start];
    let contrasts = said
        .iter()
        .filter(|(_, role)| matches!(role, Role::Contrast));
    starts.extend(contrasts.map(|(place, _)| place.start));
    starts.push(sentence.end);
    starts.dedup();
    let clause = |bounds: &[usize]| {
        let than = (bounds[0]..bounds[1]).find(|&index| words.key(&words.words[index]) == "than");
        let range = bounds[0]..than.unwrap_or(bounds[1]);
        read(text, words, range, &said, &named)
    };
    starts.windows(2).map(clause).collect()
}

fn read(
    text: &str,
    words: &Words,
    range: Range<usize>,
    said: &[(Range<usize>, Role)],
    named: &[(Range<usize>, Role)],
) -> Clause {
    let within = |place: &Range<usize>| range.start <= place.start && place.start < range.end;
    let aspects = named.iter().filter(|(place, _)| within(place));
    let aspects = aspects.filter_map(|(place, role)| match role {
        Role::Aspect(aspect) => Some((place.clone(), *aspect)),
        _ => None,
    });
    let opinions = said.iter().filter(|(place, _)| within(place));
    let opinions = opinions.filter_map(|(place, role)| match role {
        Role::Opinion(polarity, related) => Some(Opinion {
            place: place.clone(),
            value: polarity * factor(text, words, range.start, place.start, said),
            related: related.clone(),
        }),
        _ => None,
    });
    Clause {
        aspects: aspects.collect(),
        opinions: opinions.collect(),
        joins: range
            .clone()
            .filter(|&index| matches!(words.key(&words.words[index]), "and" | "or" | "nor"))
            .collect(),
        commas: range
            .filter(|&index| index > 0 && gap(text, words, index).contains(','))
            .collect(),
    }
}

/// What the words before an opinion make of it.
fn factor(
    text: &str,
    words: &Words,
    start: usize,
    opinion: usize,
    said: &[(Range<usize>, Role)],
) -> f32 {
    let commas = (start + 1..=opinion)
        .rev()
        .find(|&index| gap(text, words, index).contains(','));
    let start = commas.unwrap_or(start);
    let reached = |place: &Range<usize>| {
        start <= place.start && place.end <= opinion && opinion - place.end < REACH
    };
    let mut product = 1.0;
    let mut negation: Option<usize> = None;
    for (place, role) in said.iter().rev().filter(|(place, _)| reached(place)) {
        match role {
            // "Not without" turns twice, "neither funny nor exciting" once.
            Role::Factor(factor) if *factor < 0.0 => {
                if negation.is_none_or(|next| next == place.end) {
                    product *= factor;
                }
                negation = Some(place.start);
            }
            Role::Factor(factor) => product *= factor,
            _ => {}
        }
    }
    product
}

impl Clause {
    /// The aspect nearest to a place, and how many words lie between, where a comma counts as [`COMMA`]; of two the one
    /// behind.
    pub fn nearest(&self, place: &Range<usize>) -> Option<(usize, usize)> {
        let commas = |between: Range<usize>| {
            let parts = self
                .commas
                .iter()
                .filter(|&&at| between.start <= at && at <= between.end);
            COMMA * parts.count()
        };
        let distance = |aspect: &Range<usize>| match aspect.start >= place.end {
            true => aspect.start - place.end + commas(place.end..aspect.start),
            false => place.start.saturating_sub(aspect.end) + commas(aspect.end..place.start),
        };
        let by_distance = |(at, (aspect, _)): (usize, &(Range<usize>, usize))| {
            (distance(aspect), aspect.start < place.start, at)
        };
        let nearest = self.aspects.iter().enumerate().map(by_distance).min();
        nearest.map(|(distance, _, at)| (at, distance))
    }

    /// This aspect, and those joined to it that no opinion is nearer to.
    pub fn joined(&self, at: usize) -> Vec<usize> {
        let mut joined = vec![self.aspects[at].1];
        for (other, (place, aspect)) in self.aspects.iter().enumerate() {
            let (first, last) = match other < at {
                true => (place, &self.aspects[at].0),
                false => (&self.aspects[at].0, place),
            };
            let is_next = other + 1 == at || at + 1 == other;
            let near = last.start.saturating_sub(first.end) <= 2;
            let join = self
                .joins
                .iter()
                .any(|&join| first.end <= join && join < last.start);
            let mut opinions = self.opinions.iter();
            let free = !opinions.any(|o| {
                self.nearest(&o.place)
                    .is_some_and(|(nearest, _)| nearest == other)
            });
            if is_next && near && join && free && !joined.contains(aspect) {
                joined.push(*aspect);
            }
        }
        joined
    }
}
