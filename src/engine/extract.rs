//! What texts say, without building the graph.

use super::Engine;
use crate::Result;
use crate::extraction::Extractor;
use crate::extraction::patterns::Patterns;
use crate::extraction::text::Gazetteer;
use crate::knowledge::Knowledge;

impl Engine {
    /// The extractors that a build shows the texts to: those that the vocabularies have words for.
    pub(super) fn extractors(&self, knowledge: &Knowledge) -> Result<Vec<Box<dyn Extractor>>> {
        let mut extractors: Vec<Box<dyn Extractor>> = Vec::new();
        let looked_for = |s: &crate::knowledge::segment::Segment| !s.dataset.vocabularies.is_empty();
        if !knowledge.segments.iter().any(looked_for) {
            return Ok(extractors);
        }
        let gazetteer = Gazetteer::from_knowledge(knowledge)?;
        if !gazetteer.is_empty() {
            extractors.push(Box::new(gazetteer));
        }
        let patterns = Patterns::from_store(&knowledge.store)?;
        if !patterns.is_empty() {
            extractors.push(Box::new(patterns));
        }
        Ok(extractors)
    }
}
