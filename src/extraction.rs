//! Columns, text and co-behaviour become facts with provenance and confidence.
//!
//! Columns become facts while a dump is read ([`crate::intake`]): those are stated. What is computed afterwards is
//! derived: concepts found in texts ([`text_facts`]), and item-item links of behaviour ([`behaviour`]).

pub mod behaviour;
pub mod text;

use crate::Result;
use crate::knowledge::Knowledge;
use crate::knowledge::segment::{FactRow, Segment};
use crate::model::{Progress, term};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use text::Gazetteer;

/// Texts between two reports of progress.
const BATCH: usize = 4096;

/// A fact that a computation derived from a stated one. Terms are encoded as [`crate::model::term`] says.
#[derive(Clone, Debug, PartialEq)]
pub struct DerivedFact {
    /// Subject, predicate, object.
    pub triple: [String; 3],
    /// How sure the computation is, 0 to 1.
    pub confidence: f32,
    /// The stated triple that it was read off.
    pub from: [String; 3],
    /// IRI of the source that states it.
    pub source: String,
    /// IRI of the computation; also its facts' named graph.
    pub run: String,
}

/// Finds the concepts of the datasets' vocabularies in their texts. Of several texts under one property of a thing the
/// one that most records carry speaks: others are slips of the pen ("damaged", "check").
pub fn text_facts(knowledge: &Knowledge, progress: &dyn Progress) -> Result<Vec<DerivedFact>> {
    let mut derived = Vec::new();
    if knowledge
        .segments
        .iter()
        .all(|s| s.dataset.vocabularies.is_empty())
    {
        return Ok(derived);
    }
    let gazetteer = Gazetteer::from_store(&knowledge.store)?;
    for segment in knowledge
        .segments
        .iter()
        .filter(|s| !s.dataset.vocabularies.is_empty())
    {
        let texts = texts(segment);
        progress.begin("texts", Some(texts.len() as u64), "texts");
        for batch in texts.chunks(BATCH) {
            let found = batch
                .par_iter()
                .flat_map_iter(|fact| find(&gazetteer, segment, fact));
            derived.extend(found.collect::<Vec<_>>());
            progress.advance(batch.len() as u64, batch.len() as u64);
        }
        progress.end();
    }
    Ok(derived)
}

/// The facts of a segment whose objects are texts to read, one for each thing and property.
fn texts(segment: &Segment) -> Vec<&FactRow> {
    let wanted: FxHashSet<String> = segment.dataset.texts.iter().map(|p| term::iri(p)).collect();
    let predicates: FxHashSet<u32> = (0..segment.terms.len() as u32)
        .filter(|&id| wanted.contains(segment.terms.get(id as usize)))
        .collect();
    let facts = segment.facts.iter();
    let facts: Vec<&FactRow> = facts
        .filter(|f| predicates.contains(&f.triple[1]))
        .collect();
    let mut records: FxHashMap<[u32; 3], u64> = FxHashMap::default();
    for fact in &facts {
        *records.entry(fact.triple).or_default() += u64::from(fact.count);
    }
    let mut best: FxHashMap<[u32; 2], &FactRow> = FxHashMap::default();
    for fact in facts {
        let [subject, predicate, _] = fact.triple;
        let first = best.entry([subject, predicate]).or_insert(fact);
        if records[&fact.triple] > records[&first.triple] {
            *first = fact;
        }
    }
    let mut texts: Vec<&FactRow> = best.into_values().collect();
    texts.sort_unstable_by_key(|f| f.triple);
    texts
}

fn find(gazetteer: &Gazetteer, segment: &Segment, fact: &FactRow) -> Vec<DerivedFact> {
    let from = fact
        .triple
        .map(|id| segment.terms.get(id as usize).to_owned());
    let matches = gazetteer.find(term::lexical(&from[2]).unwrap_or_default());
    let derive = |found: text::Match| {
        let concept = &gazetteer.concepts()[found.concept];
        DerivedFact {
            triple: [
                from[0].clone(),
                term::iri(&concept.property),
                term::iri(&concept.iri),
            ],
            confidence: found.confidence * fact.confidence,
            from: from.clone(),
            source: segment.dataset.sources[fact.source as usize].graph.clone(),
            run: format!("urn:kenning:run:text:{}", segment.dataset.name),
        }
    };
    matches.into_iter().map(derive).collect()
}
