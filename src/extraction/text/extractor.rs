//! A gazetteer as an extractor, and its concepts from dumps.

use super::{Concept, Gazetteer, LabelKind, declared};
use crate::extraction::{Aside, Extractor, Finding, Reading};
use crate::knowledge::Knowledge;
use crate::knowledge::segment::Segment;
use crate::model::term;
use crate::vocabulary::{LABELS, kenning, rdf, skos};
use crate::{Error, Result};
use oxrdf::NamedNode;
use rustc_hash::FxHashMap;

impl Extractor for Gazetteer {
    fn name(&self) -> &'static str {
        "gazetteer"
    }

    fn run(&self) -> &'static str {
        "text"
    }

    fn method(&self) -> String {
        "concepts of a vocabulary, found in texts".into()
    }

    fn extract(&self, text: &str) -> Reading {
        let finding = |found: super::Match| {
            let concept = self.concept(found.concept);
            Finding {
                property: concept.property.to_owned(),
                object: term::iri(concept.iri),
                span: found.span,
                confidence: found.confidence,
                by_author: None,
            }
        };
        let aside = |crowd: super::Crowd| Aside {
            what: text[crowd.span.clone()].to_owned(),
            reason: format!("it names {} concepts", crowd.concepts),
            span: Some(crowd.span),
        };
        Reading {
            findings: self.find(text).into_iter().map(finding).collect(),
            aside: self.crowds(text).into_iter().map(aside).collect(),
        }
    }
}

impl Gazetteer {
    /// A gazetteer of what the documents declare, and of the instances in dumps of classes and schemes that say
    /// `kenning:extracts`. Dumps are read from their files, so millions of labels need not go through the store.
    pub fn from_knowledge(knowledge: &Knowledge) -> Result<Self> {
        let (concepts, rules) = declared(&knowledge.store)?;
        let classes = extracting(knowledge)?;
        let of_dumps = knowledge.segments.iter().flat_map(|s| dumped(s, &classes));
        Self::new(concepts.into_iter().chain(of_dumps), &rules)
    }
}

/// What says `kenning:extracts`, with the IRIs of the properties.
fn extracting(knowledge: &Knowledge) -> Result<FxHashMap<String, Vec<String>>> {
    let extracts = NamedNode::new_unchecked(kenning::EXTRACTS);
    let mut classes: FxHashMap<String, Vec<String>> = FxHashMap::default();
    for quad in knowledge
        .store
        .quads_for_pattern(None, Some(extracts.as_ref()), None, None)
    {
        let quad = quad
            .map_err(|e| Error::corrupt(format!("the knowledge store failed: {e}")).because(e))?;
        if let oxrdf::Term::NamedNode(property) = &quad.object {
            let properties = classes
                .entry(term::encode(&quad.subject.into()))
                .or_default();
            properties.push(property.as_str().to_owned());
        }
    }
    for properties in classes.values_mut() {
        properties.sort_unstable();
        properties.dedup();
    }
    Ok(classes)
}

/// The concepts of a dump: what is of such a class or scheme and has a label, in the order of the facts that say so.
fn dumped<'a>(
    segment: &'a Segment,
    classes: &FxHashMap<String, Vec<String>>,
) -> impl Iterator<Item = Concept> + use<'a> {
    let text = |id: u32| segment.terms.get(id as usize);
    let kinds: FxHashMap<String, LabelKind> = label_kinds();
    let membership = [rdf::TYPE, "http://www.w3.org/2004/02/skos/core#inScheme"].map(term::iri);
    let mut members: Vec<(u32, String)> = Vec::new();
    let mut labels: FxHashMap<u32, Vec<(LabelKind, u32)>> = FxHashMap::default();
    if !classes.is_empty() {
        for fact in segment.facts.iter() {
            let [subject, predicate, object] = fact.triple;
            if membership.iter().any(|m| m == text(predicate)) {
                let properties = classes.get(text(object)).into_iter().flatten();
                members.extend(properties.map(|property| (subject, property.clone())));
            } else if let Some(kind) = kinds.get(text(predicate)) {
                labels.entry(subject).or_default().push((*kind, object));
            }
        }
    }
    members.into_iter().map(move |(subject, property)| Concept {
        iri: term::as_iri(segment.terms.get(subject as usize))
            .unwrap_or_default()
            .to_owned(),
        property,
        labels: labels
            .get(&subject)
            .into_iter()
            .flatten()
            .filter_map(|(kind, id)| {
                let label = term::lexical(segment.terms.get(*id as usize))?;
                Some((*kind, label.to_owned()))
            })
            .collect(),
    })
}

/// Encoded properties that label a concept.
fn label_kinds() -> FxHashMap<String, LabelKind> {
    let preferred = LABELS.iter().map(|iri| (*iri, LabelKind::Preferred));
    let others = [
        (skos::ALT_LABEL, LabelKind::Alternative),
        (kenning::WEAK_LABEL, LabelKind::Weak),
    ];
    preferred
        .chain(others)
        .map(|(iri, kind)| (term::iri(iri), kind))
        .collect()
}
