//! What is worked out of a snapshot when it is first asked for, once for all who use it.

use super::Snapshot;
use super::log::Log;
use crate::config::{Project, ScoringSettings};
use crate::embedding;
use crate::graph::Graph;
use crate::graph::changes::Changes;
use crate::journal::ChangeNumber;
use crate::scoring::{Scorer, Supposed, Tables};
use crate::search::Index;
use crate::sparql::{Cancel, Computed, Decisions, Hit, MATCHES, NEAREST, RECOMMENDED};
use crate::{Error, Result};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Tables of a scorer, ranks of nodes, the index of texts: of one graph.
pub(super) struct Insight {
    scoring: ScoringSettings,
    state: PathBuf,
    tables: OnceLock<Arc<Tables>>,
    /// Those with the events of the changes that were asked for last.
    fresh: Mutex<Option<(ChangeNumber, Arc<Tables>)>>,
    ranks: OnceLock<Vec<f64>>,
    index: Mutex<Option<Index>>,
    log: Arc<Log>,
}

impl Insight {
    pub(super) fn new(project: &Project) -> Self {
        Self {
            scoring: project.settings().scoring.clone(),
            state: project.state(),
            tables: OnceLock::new(),
            fresh: Mutex::default(),
            ranks: OnceLock::new(),
            index: Mutex::default(),
            log: Arc::new(Log::new(project)),
        }
    }

    /// A scorer that knows the events of the changes too.
    pub(super) fn scorer<'g>(
        &self,
        graph: &'g Graph,
        (changes, last): (&Changes, ChangeNumber),
    ) -> Scorer<'g> {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        let known = fresh.as_ref().filter(|known| known.0 == last);
        if let Some((_, tables)) = known {
            return Scorer::with(graph, Arc::clone(tables));
        }
        let tables = self.tables(graph);
        if changes.added_count() == 0 {
            return Scorer::with(graph, Arc::clone(tables));
        }
        let with_news = Arc::new(tables.with_news(graph, changes));
        *fresh = Some((last, Arc::clone(&with_news)));
        Scorer::with(graph, with_news)
    }

    /// The tables of the graph as it was frozen.
    fn tables(&self, graph: &Graph) -> &Arc<Tables> {
        let tables = || Arc::new(Tables::new(graph, &self.scoring));
        self.tables.get_or_init(tables)
    }

    /// Another insight into the same graph, whose scorer knows these changes and what is supposed beside them.
    pub(super) fn supposing(
        &self,
        graph: &Graph,
        (changes, last): (&Changes, ChangeNumber),
        supposed: &Supposed,
    ) -> Self {
        let tables = self.tables(graph).with_news(graph, changes);
        let tables = Arc::new(tables.supposing(graph, supposed));
        Self {
            scoring: self.scoring.clone(),
            state: self.state.clone(),
            tables: self.tables.clone(),
            fresh: Mutex::new(Some((last, tables))),
            ranks: self.ranks.clone(),
            index: Mutex::default(),
            log: Arc::clone(&self.log),
        }
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
        let ranked = scorer.rank(&scorer.profile(user), RECOMMENDED, &scorer.met(user));
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

    fn decisions(&self, cancel: &Cancel) -> Result<Option<Arc<Decisions>>> {
        self.insight
            .log
            .decisions(&self.graph.id().to_string(), cancel)
    }
}
