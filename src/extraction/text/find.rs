//! Which of the labels in a text are meant.

use super::labels::Sense;
use super::words::{Word, Words};
use super::{Crowd, Gazetteer, LabelKind, MOST_CONCEPTS, Match};
use rustc_hash::FxHashSet;
use std::ops::Range;

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
    /// The concepts that the text names, in its order; a concept comes once for each place that names it.
    pub fn find(&self, text: &str) -> Vec<Match> {
        let words = Words::of(text);
        let mut candidates = Vec::new();
        let mut places = Vec::new();
        for (place, senses) in self.labels.find(&words) {
            if concepts_of(senses) <= MOST_CONCEPTS {
                let at = places.len();
                self.add_candidates(senses, &words.words[place.clone()], at, &mut candidates);
            }
            places.push(place);
        }
        let mut heads = vec![false; places.len()];
        for candidate in candidates.iter().filter(|c| !c.weak) {
            heads[candidate.at] |= self.properties[candidate.property as usize].head;
        }
        let zones = self.zones(&words, &places, &heads);
        self.resolve(candidates, &zones)
    }

    /// The places of the text that name too many concepts to name any.
    pub fn crowds(&self, text: &str) -> Vec<Crowd> {
        let words = Words::of(text);
        let found = self.labels.find(&words);
        let crowded = found.filter(|(_, senses)| concepts_of(senses) > MOST_CONCEPTS);
        crowded
            .map(|(place, senses)| Crowd {
                span: words.words[place.start].span.start..words.words[place.end - 1].span.end,
                concepts: concepts_of(senses),
            })
            .collect()
    }

    fn add_candidates(
        &self,
        senses: &[Sense],
        words: &[Word],
        at: usize,
        candidates: &mut Vec<Candidate>,
    ) {
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

    /// The zone of each match, of which `heads` tells which may be heads. An opener that is part of a match opens
    /// nothing.
    fn zones(&self, words: &Words, places: &[Range<usize>], heads: &[bool]) -> Vec<Zone> {
        let mut zones = Vec::with_capacity(places.len());
        let mut inside = false;
        let mut next = 0;
        let mut has_head = false;
        for (place, head) in places.iter().zip(heads) {
            for index in next..=place.start {
                let word = &words.words[index];
                inside &= !word.after_break;
                let opens = self.openers.contains(words.key(word)) || word.plus && has_head;
                inside |= index < place.start && opens;
            }
            has_head |= head & !inside;
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
        let shared: FxHashSet<(usize, u32)> =
            candidates.iter().map(|c| (c.at, c.property)).collect();
        let only = |c: &Candidate| {
            let others = 0..self.properties.len() as u32;
            others
                .filter(|&other| shared.contains(&(c.at, other)))
                .count()
                == 1
        };
        let rank = |c: &Candidate| match (zones[c.at], c.weak) {
            (Zone::Main, false) => 4,
            (Zone::Main, true) if only(c) => 3,
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

        let mut matches = Vec::new();
        for (index, candidate) in candidates.iter().enumerate() {
            let property = &self.properties[candidate.property as usize];
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

/// How many concepts a label names; its senses are in the order of their concepts.
fn concepts_of(senses: &[Sense]) -> usize {
    senses.chunk_by(|a, b| a.concept == b.concept).count()
}
