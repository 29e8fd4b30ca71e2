//! What texts say, without building the graph; and putting them to a language model.

mod job;
mod kept;

pub use job::{Asked, Estimate, Job};

use super::Engine;
use crate::Result;
use crate::extraction::Extractor;
use crate::extraction::aspects::Aspects;
use crate::extraction::guided::{Guide, Guided};
use crate::extraction::patterns::Patterns;
use crate::extraction::run::{self, Extraction};
use crate::extraction::text::Gazetteer;
use crate::knowledge::Knowledge;
use crate::llm::{LanguageModel, TokenCounter};
use crate::model::Progress;
use std::sync::Arc;

impl Engine {
    /// What the texts of all imported dumps say, at most the first `texts` of them; by the extractors whose names are in
    /// `with`, or by all if it is empty. No model is asked: of one counts what is kept.
    pub fn extract(
        &self,
        with: &[String],
        texts: usize,
        progress: &dyn Progress,
    ) -> Result<Extraction> {
        let knowledge = self.knowledge()?;
        let mut extractors = self.extractors(&knowledge)?;
        extractors.retain(|e| with.is_empty() || with.iter().any(|name| name == e.name()));
        Ok(run::extract(&knowledge, &extractors, texts, progress))
    }

    /// What is left to put to a language model of the first `texts` texts, cut into calls.
    ///
    /// # Errors
    /// `NotFound` if no vocabulary asks for anything.
    pub fn extraction_job(
        &self,
        texts: usize,
        counter: Arc<dyn TokenCounter>,
        context_tokens: usize,
    ) -> Result<Job> {
        Job::new(self, texts, counter, context_tokens)
    }

    /// Puts a job to a model and keeps what it read for the next build. Replies that the journal has are not asked for
    /// again, so an interrupted job goes on where it stopped.
    ///
    /// # Errors
    /// `Budget`, before the first call, if the job may take more tokens than `extraction.budget`.
    pub fn run_extraction(
        &self,
        job: &Job,
        model: &mut dyn LanguageModel,
        progress: &dyn Progress,
    ) -> Result<Asked> {
        job::run(self, job, model, progress)
    }

    /// The extractors that a build shows the texts to: those that the vocabularies have words for.
    pub(super) fn extractors(&self, knowledge: &Knowledge) -> Result<Vec<Box<dyn Extractor>>> {
        let mut extractors: Vec<Box<dyn Extractor>> = Vec::new();
        let mut datasets = knowledge.segments.iter().map(|s| &s.dataset);
        if datasets.all(|dataset| dataset.vocabularies.is_empty()) {
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
        let aspects = Aspects::from_store(&knowledge.store)?;
        if !aspects.is_empty() {
            extractors.push(Box::new(aspects));
        }
        let kept = kept::read(&self.project.extracted_file())?;
        if !kept.is_empty() {
            let guide = Arc::new(Guide::from_store(&knowledge.store)?);
            let claims = kept.into_iter().map(|(text, kept)| (text, kept.claims));
            extractors.push(Box::new(Guided::new(guide, claims.collect())));
        }
        Ok(extractors)
    }

    /// Everything stated in the project, without the changes of updates.
    fn knowledge(&self) -> Result<Knowledge> {
        Knowledge::open(self.segments()?, &self.project.root().join("ontologies"))
    }
}
