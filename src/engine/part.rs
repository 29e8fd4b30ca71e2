//! A graph of a part of the events, beside the project's own.

use super::Engine;
use super::build::net;
use crate::Result;
use crate::extraction::{self, behaviour};
use crate::graph::Graph;
use crate::graph::draft::Draft;
use crate::graph::freeze::{Vectors, freeze};
use crate::knowledge::Knowledge;
use crate::model::{Dataset, Progress};
use std::path::Path;

impl Engine {
    /// Builds a graph at `path` as [`Engine::build`] does, but of what `part` leaves of the events: all that is computed of
    /// events is computed of those alone. Texts get no vectors. Terms keep the numbers of the draft.
    pub fn build_part<T>(
        &self,
        part: impl FnOnce(&mut Draft, &[Dataset]) -> Result<T>,
        path: &Path,
        progress: &dyn Progress,
    ) -> Result<(Graph, T)> {
        let mut knowledge =
            Knowledge::open(self.segments()?, &self.project.root().join("ontologies"))?;
        knowledge.changes = net(self.journal.changes_after(0)?);
        let derived = extraction::text_facts(&knowledge, progress)?;
        let mut draft = Draft::merge(&knowledge, &derived)?;
        let datasets: Vec<Dataset> = knowledge
            .segments
            .iter()
            .map(|s| s.dataset.clone())
            .collect();
        let kept = part(&mut draft, &datasets)?;
        let links = behaviour::links(draft.behaviour(), &self.project.settings().links);
        let meta = self.meta(&draft, &knowledge, &links, None)?;
        freeze(&draft, &meta, &links, &Vectors::default(), path)?;
        Ok((Graph::open(path)?, kept))
    }
}
