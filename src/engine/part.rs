//! A graph of a part of the events, beside the project's own.

use super::{Engine, Stopwatch};
use crate::Result;
use crate::config::LinkSettings;
use crate::extraction::behaviour;
use crate::graph::Graph;
use crate::graph::draft::Draft;
use crate::graph::freeze::{Vectors, freeze};
use crate::knowledge::Horizon;
use crate::model::{Dataset, Progress};
use std::path::Path;

/// A graph of a part of the events.
pub struct Part<T> {
    /// The graph.
    pub graph: Graph,
    /// What was taken out of the events.
    pub kept: T,
    /// Properties under which items share entities or values, each with its pairs of these and items.
    pub shared: Vec<(String, usize)>,
}

impl Engine {
    /// Builds a graph at `path` as [`Engine::build`] does, but of what lies within the horizon, with links of its own, and of
    /// what `part` leaves of the events: all that is computed of events is computed of those alone. Texts get no vectors. Terms keep the numbers of
    /// the draft.
    pub fn build_part<T>(
        &self,
        horizon: Horizon,
        settings: &LinkSettings,
        part: impl FnOnce(&mut Draft, &[Dataset]) -> Result<T>,
        path: &Path,
        progress: &dyn Progress,
    ) -> Result<Part<T>> {
        let rules = self.rules()?;
        let gathered = self.gather(&rules, horizon, progress, &mut Stopwatch::start())?;
        let (knowledge, mut draft) = (gathered.knowledge, gathered.draft);
        let datasets: Vec<Dataset> = knowledge
            .segments
            .iter()
            .map(|s| s.dataset.clone())
            .collect();
        let kept = part(&mut draft, &datasets)?;
        let behaviour = draft.behaviour();
        let shared = behaviour.traits.counts();
        let links = behaviour::links(behaviour, settings);
        let meta = self.meta(&draft, &knowledge, (&links, settings), None)?;
        freeze(&draft, &meta, &links, &Vectors::default(), path)?;
        Ok(Part {
            graph: Graph::open(path)?,
            kept,
            shared,
        })
    }
}
