//! What is worked out of a snapshot when it is first asked for, once for all who use it.

use super::Snapshot;
use crate::config::{Project, ScoringSettings};
use crate::embedding;
use crate::graph::Graph;
use crate::scoring::{Scorer, Tables};
use crate::search::Index;
use crate::sparql::{Computed, Hit, MATCHES, NEAREST, RECOMMENDED};
use crate::{Error, Result};
use rustc_hash::FxHashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Tables of a scorer, ranks of nodes, the index of texts: of one graph.
pub(super) struct Insight {
    scoring: ScoringSettings,
    state: PathBuf,
    tables: OnceLock<Arc<Tables>>,
    ranks: OnceLock<Vec<f64>>,
    index: Mutex<Option<Index>>,
}

impl Insight {
    pub(super) fn new(project: &Project) -> Self {
        Self {
            scoring: project.settings().scoring.clone(),
            state: project.state(),
            tables: OnceLock::new(),
            ranks: OnceLock::new(),
            index: Mutex::default(),
        }
    }

    pub(super) fn scorer<'g>(&self, graph: &'g Graph) -> Scorer<'g> {
        let tables = || Arc::new(Tables::new(graph, &self.scoring));
        Scorer::with(graph, Arc::clone(self.tables.get_or_init(tables)))
    }
}

impl Computed for Snapshot {
    fn nearest(&self, node: u32) -> Result<Vec<Hit>> {
        let graph = self.graph();
        if graph.vector_count() == 0 {
            return Err(Error::unavailable("the snapshot has no vectors of texts")
                .hint("`kenning model pull`, then `kenning build`"));
        }
        let Some(query) = graph.vector(node) else {
            return Ok(Vec::new());
        };
        let (nodes, vectors) = graph.vectors();
        // One more, for the node itself is among them.
        let near = embedding::nearest(vectors, query, NEAREST + 1).into_iter();
        let near = near.map(|(index, cosine)| (nodes[index as usize], cosine));
        Ok(near.filter(|hit| hit.0 != node).take(NEAREST).collect())
    }

    fn recommend(&self, user: u32) -> Result<Vec<Hit>> {
        let scorer = self.scorer();
        let met: FxHashSet<u32> = self.graph().met(user).iter().copied().collect();
        let ranked = scorer.rank(&scorer.profile(user), RECOMMENDED, &met);
        Ok(ranked.into_iter().map(|s| (s.item, s.score)).collect())
    }

    fn search(&self, words: &str) -> Result<Vec<Hit>> {
        let mut index = self
            .insight
            .index
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let index = match &mut *index {
            Some(index) => index,
            missing => missing.insert(Index::open(self.graph(), &self.insight.state)?),
        };
        index.search(
            words,
            MATCHES,
            (self.graph(), &self.changes, self.last_change),
        )
    }

    fn page_rank(&self, node: u32, go_on: &dyn Fn() -> Result<()>) -> Result<Option<f64>> {
        let ranks = match self.insight.ranks.get() {
            Some(ranks) => ranks,
            None => {
                let ranks = self.graph().page_rank(go_on)?;
                self.insight.ranks.get_or_init(|| ranks)
            }
        };
        Ok(ranks.get(node as usize).copied())
    }
}
