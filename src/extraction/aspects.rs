//! What people find good or bad, and of what: opinions in texts, by aspect.
//!
//! Classical lexicon-based analysis, as of Hu & Liu, *Mining and summarizing customer reviews* (KDD 2004), and of Ding,
//! Liu & Yu, *A holistic lexicon-based approach to opinion mining* (WSDM 2008), with words from vocabularies: aspects from
//! a `kenning:AspectScheme`, opinion words with a `kenning:polarity`, words with a `kenning:factor` that turn or strengthen
//! them, and words of `kenning:contrast`. For each sentence that is no question:
//!
//! 1. It is cut into clauses before words of contrast ("but"). What follows "than" speaks of something else.
//! 2. An opinion's value is its polarity times the factors of up to [`REACH`] words before it, up to a comma.
//! 3. It is of the nearest aspect of its clause, in words; a comma parts like two; the one behind wins a tie ("great acting"). Where there is none
//!    but the thing as a whole, it is of the aspects that the opinion is `skos:related` to ("funny"), and else of the whole.
//! 4. Aspects that are joined to that one ("the acting and the plot") and have no opinion of their own share it.
//! 5. Values of one aspect add up; the sign of the sum makes the aspect praised or criticised.
//!
//! Confidence is the value, times .95 for each word between opinion and aspect, times .8 where no aspect is named.

mod clause;
mod store;

use super::text::LabelKind;
use super::text::labels::{Labels, LabelsBuilder, Sense};
use super::text::words::Words;
use super::{Extractor, Finding, Reading};
use crate::model::term;
use crate::vocabulary::kenning;
use clause::{Clause, clauses};
use std::collections::BTreeMap;
use std::ops::Range;

/// So many words before an opinion may turn it.
pub const REACH: usize = 4;

/// Sums nearer to 0 than this are no opinion.
const INDIFFERENT: f32 = 0.1;

/// The words of an [`Aspects`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lexicon {
    /// Aspects: IRI and labels.
    pub aspects: BTreeMap<String, Vec<String>>,
    /// The aspects that are things as a whole.
    pub wholes: Vec<String>,
    /// Opinions: polarity, IRIs of related aspects, labels.
    pub opinions: Vec<(f32, Vec<String>, Vec<String>)>,
    /// Factors and labels.
    pub factors: Vec<(f32, Vec<String>)>,
    /// Words of contrast.
    pub contrasts: Vec<String>,
}

/// What a word or phrase does.
#[derive(Clone, Debug)]
enum Role {
    /// Names this aspect.
    Aspect(usize),
    /// Has this polarity, of these aspects if none is named.
    Opinion(f32, Vec<usize>),
    /// Turns or strengthens.
    Factor(f32),
    /// Begins a clause.
    Contrast,
}

/// Finds opinions. Read-only once built; share it among threads.
pub struct Aspects {
    /// IRIs of the aspects.
    aspects: Vec<String>,
    wholes: Vec<usize>,
    roles: Vec<Role>,
    /// Aspects apart from the rest: a word may be both.
    named: Labels,
    words: Labels,
}

/// An opinion on an aspect.
struct Judgement {
    aspect: usize,
    value: f32,
    confidence: f32,
    span: Range<usize>,
}

impl Aspects {
    /// Builds an extractor of these words.
    pub fn new(lexicon: &Lexicon) -> Self {
        let aspects: Vec<String> = lexicon.aspects.keys().cloned().collect();
        let number = |iri: &String| aspects.binary_search(iri).ok();
        let mut roles = Vec::new();
        let (mut named, mut words) = (LabelsBuilder::default(), LabelsBuilder::default());
        for (aspect, labels) in lexicon.aspects.values().enumerate() {
            add(&mut named, &mut roles, Role::Aspect(aspect), labels);
        }
        for (polarity, related, labels) in &lexicon.opinions {
            let related = related.iter().filter_map(number).collect();
            add(
                &mut words,
                &mut roles,
                Role::Opinion(*polarity, related),
                labels,
            );
        }
        for (factor, labels) in &lexicon.factors {
            add(&mut words, &mut roles, Role::Factor(*factor), labels);
        }
        add(&mut words, &mut roles, Role::Contrast, &lexicon.contrasts);
        Self {
            wholes: lexicon.wholes.iter().filter_map(number).collect(),
            aspects,
            roles,
            named: named.finish(),
            words: words.finish(),
        }
    }

    /// Whether it can find nothing: it lacks aspects or opinion words.
    pub fn is_empty(&self) -> bool {
        let opinion = |role: &Role| matches!(role, Role::Opinion(..));
        self.aspects.is_empty() || !self.roles.iter().any(opinion)
    }

    /// The opinions of one clause.
    fn judge(&self, clause: &Clause, words: &Words) -> Vec<Judgement> {
        let mut judgements = Vec::new();
        for opinion in &clause.opinions {
            let nearest = clause.nearest(&opinion.place);
            let distance = nearest.map_or(0, |(_, distance)| distance);
            let whole = nearest.is_none_or(|(at, _)| self.wholes.contains(&clause.aspects[at].1));
            let (targets, factor) = match nearest {
                _ if whole && !opinion.related.is_empty() => (opinion.related.clone(), 0.8),
                Some((at, _)) => (clause.joined(at), 1.0),
                None => (self.wholes.clone(), 0.8),
            };
            let place = match nearest.filter(|_| !whole) {
                Some((at, _)) => hull(&opinion.place, &clause.aspects[at].0),
                None => opinion.place.clone(),
            };
            let span = words.words[place.start].span.start..words.words[place.end - 1].span.end;
            judgements.extend(targets.into_iter().map(|aspect| Judgement {
                aspect,
                value: opinion.value,
                confidence: opinion.value.abs().min(1.0) * factor * 0.95f32.powi(distance as i32),
                span: span.clone(),
            }));
        }
        judgements
    }
}

impl Extractor for Aspects {
    fn name(&self) -> &'static str {
        "aspects"
    }

    fn method(&self) -> String {
        "opinions on aspects, by a lexicon with rules for negation, contrast and comparison".into()
    }

    fn extract(&self, text: &str) -> Reading {
        let words = Words::of(text);
        let mut findings = Vec::new();
        for sentence in clause::sentences(text, &words) {
            let mut sums: BTreeMap<usize, (f32, Judgement)> = BTreeMap::new();
            for clause in clauses(self, text, &words, sentence) {
                for judgement in self.judge(&clause, &words) {
                    let sum = sums.entry(judgement.aspect);
                    let value = judgement.value;
                    let (sum, first) = sum.or_insert((0.0, judgement));
                    *sum += value;
                    // What outweighs the first is what is quoted.
                    if *sum * first.value < 0.0 {
                        first.value = value;
                    }
                }
            }
            let clear = sums
                .into_values()
                .filter(|(sum, _)| sum.abs() >= INDIFFERENT);
            findings.extend(clear.map(|(sum, judgement)| self.finding(sum, judgement)));
        }
        Reading {
            findings,
            aside: Vec::new(),
        }
    }
}

impl Aspects {
    fn finding(&self, sum: f32, judgement: Judgement) -> Finding {
        let (property, by_author) = match sum > 0.0 {
            true => (kenning::PRAISED_FOR, kenning::PRAISES),
            false => (kenning::CRITICISED_FOR, kenning::CRITICISES),
        };
        Finding {
            property: property.to_owned(),
            object: term::iri(&self.aspects[judgement.aspect]),
            span: judgement.span,
            confidence: judgement.confidence,
            by_author: Some(by_author),
        }
    }
}

fn add(labels: &mut LabelsBuilder, roles: &mut Vec<Role>, role: Role, texts: &[String]) {
    let concept = roles.len() as u32;
    roles.push(role);
    for text in texts {
        let words = Words::of(text);
        if !words.words.is_empty() && words.words.len() < usize::from(u8::MAX) {
            let kind = LabelKind::Preferred;
            labels.add(
                &words,
                Sense {
                    concept,
                    kind,
                    surface: 0,
                },
            );
        }
    }
}

fn hull(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    a.start.min(b.start)..a.end.max(b.end)
}
