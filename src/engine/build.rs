//! All that was imported becomes one frozen graph.

use super::reason::{Contradictions, Gathered};
use super::verdict::Verdict;
use super::{Engine, Stopwatch};
use crate::config::{LinkSettings, OnBuild};

use crate::embedding::{self, Embedder, VectorCache};
use crate::extraction::behaviour::{self, LinkTable};
use crate::graph::draft::Draft;
use crate::graph::freeze::{Vectors, freeze};
use crate::graph::{Folded, Graph, Meta};
use crate::journal::{self, Build, Logged, Stage};
use crate::knowledge::segment::Segment;
use crate::knowledge::{Horizon, Knowledge};
use crate::model::link::ALIKE;
use crate::model::{Change, LinkKind, Progress, UnixSeconds, Unwatched};
use crate::search::Index;
use crate::sections::Id;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Similar items kept for each item.
const SIMILAR: usize = 20;

/// What a build made.
#[derive(Debug)]
pub struct Built {
    /// The identity of the snapshot.
    pub snapshot: Id,
    /// What cannot be, though it follows from what is stated.
    pub contradictions: Contradictions,
    /// What the shapes say of it, if the settings ask for that.
    pub verdict: Option<Verdict>,
    /// How many of what it holds.
    pub counts: BTreeMap<String, u64>,
    /// Seconds of each stage, in order.
    pub stages: Vec<(&'static str, f64)>,
}

impl Engine {
    /// Builds the graph of everything imported and puts it in the place of the former one. Without an embedder, node
    /// texts get no vectors and items no links by similar text.
    ///
    /// The changes that updates made are part of it from then on. Those that come while it is built stay beside it.
    ///
    /// # Errors
    /// `NotFound` if nothing was imported and nothing was changed.
    pub fn build(&self, embedder: Option<&Embedder>, progress: &dyn Progress) -> Result<Built> {
        self.build_within(Horizon::Open, embedder, progress)
    }

    /// Builds the graph of what was known at a time: events and facts that came later are kept out, and so is what is computed
    /// of them. What tells no time stays. Changes that updates made are kept out too, for their log tells no times.
    ///
    /// # Errors
    /// Those of [`Engine::build`], and `Input` if the events of a dataset only tell before from after.
    pub fn build_as_of(
        &self,
        time: UnixSeconds,
        embedder: Option<&Embedder>,
        progress: &dyn Progress,
    ) -> Result<Built> {
        self.build_within(Horizon::All(time), embedder, progress)
    }

    fn build_within(
        &self,
        horizon: Horizon,
        embedder: Option<&Embedder>,
        progress: &dyn Progress,
    ) -> Result<Built> {
        if self.imports_nothing()? && self.journal.last_change()? == 0 {
            return Err(Error::not_found("nothing was imported yet")
                .at(self.project.imports().display())
                .hint("kenning import --preset movielens DIR"));
        }
        let on_build = self.project.settings().validation.on_build;
        self.build_graph((horizon, on_build), embedder, progress)
    }

    /// Builds the graph of what there is, even if that is nothing, and whatever shapes say: what was taken out must not stay
    /// because something else is wrong.
    pub(super) fn build_graph_of_all(
        &self,
        embedder: Option<&Embedder>,
        progress: &dyn Progress,
    ) -> Result<()> {
        self.build_graph((Horizon::Open, OnBuild::Off), embedder, progress)
            .map(drop)
    }

    /// Builds the graph of a project that holds nothing yet.
    pub(super) fn build_empty(&self) -> Result<Built> {
        self.build_graph((Horizon::Open, OnBuild::Off), None, &Unwatched)
    }

    fn build_graph(
        &self,
        (horizon, on_build): (Horizon, OnBuild),
        embedder: Option<&Embedder>,
        progress: &dyn Progress,
    ) -> Result<Built> {
        let _lock = self.project.lock()?;
        let started = journal::now();
        let mut watch = Stopwatch::start();
        let rules = self.rules()?;
        let Gathered {
            knowledge,
            draft,
            last_change,
            contradictions,
            left_out,
        } = self.gather(&rules, horizon, progress, &mut watch)?;
        let settings = &self.project.settings().links;
        let mut links = behaviour::links(draft.behaviour(), settings);
        watch.lap("links from behaviour");
        let labels = draft.labels();
        let mut vectors = Vectors::default();
        if let Some(embedder) = embedder {
            vectors = self.vectors(&draft, &labels, embedder, progress)?;
            links.push(similar(&draft, &vectors, embedder.dimensions())?);
        }
        watch.lap("vectors");
        let mut meta = self.meta(&draft, &knowledge, (&links, settings), embedder)?;
        if let Some(change) = last_change {
            let log = self.journal.change_log()?;
            meta.folded = Some(Folded { log, change });
        }
        meta.as_of = horizon.as_of();
        let freeze = |path: &Path| freeze(&draft, &meta, &links, &vectors, path);
        let (snapshot, verdict) = self.replace_snapshot(&freeze, on_build)?;
        let graph = Graph::open(&self.project.snapshot_file())?;
        self.let_snapshots_go(&snapshot.to_string())?;
        watch.lap(match verdict {
            Some(_) => "freeze and shapes",
            None => "freeze",
        });
        Index::build(&graph, &self.project.state())?;
        watch.lap("index of texts");
        let mut counts = counts(&graph);
        counts.insert("contradictions".into(), contradictions.count as u64);
        counts.extend(left_out.counts());
        let stages = watch.stages();
        self.journal.record_build(&Build {
            started,
            finished: journal::now(),
            snapshot_hash: snapshot.to_string(),
            counts: counts.clone(),
            stages: stages
                .iter()
                .map(|&(stage, seconds)| Stage {
                    stage: stage.into(),
                    seconds,
                })
                .collect(),
        })?;
        Ok(Built {
            snapshot,
            contradictions,
            verdict,
            counts,
            stages,
        })
    }

    /// Whether no dataset was imported.
    pub(super) fn imports_nothing(&self) -> Result<bool> {
        Ok(self.segment_files()?.is_empty())
    }

    /// The imported datasets, by name.
    pub(super) fn segments(&self) -> Result<Vec<Segment>> {
        let paths = self.segment_files()?;
        paths.iter().map(|path| Segment::open(path)).collect()
    }

    pub(super) fn segment_files(&self) -> Result<Vec<PathBuf>> {
        let folder = self.project.imports();
        let entries = std::fs::read_dir(&folder).map_err(|e| Error::io("list", &folder, e))?;
        let paths = entries.filter_map(|e| Some(e.ok()?.path()));
        let mut paths: Vec<_> = paths
            .filter(|p| p.extension().is_some_and(|e| e == "seg"))
            .collect();
        paths.sort();
        Ok(paths)
    }

    /// Vectors of the texts of items and of what they are related to; only new texts are computed.
    fn vectors(
        &self,
        draft: &Draft,
        labels: &[u32],
        embedder: &Embedder,
        progress: &dyn Progress,
    ) -> Result<Vectors> {
        let texts = draft.texts(labels);
        let folder = self.project.vectors();
        std::fs::create_dir_all(&folder).map_err(|e| Error::io("create", &folder, e))?;
        let path = folder.join(format!("{}.vec", embedder.id()));
        let mut cache = VectorCache::open(&path, embedder.id(), embedder.dimensions())?;
        let strings: Vec<&str> = texts.iter().map(|(_, text)| text.as_str()).collect();
        cache.fill(&strings, embedder, progress)?;
        let mut vectors = Vectors::default();
        for (node, text) in &texts {
            if let Some(vector) = cache.get(text) {
                vectors.nodes.push(*node);
                vectors.values.extend_from_slice(vector);
            }
        }
        Ok(vectors)
    }

    pub(super) fn meta(
        &self,
        draft: &Draft,
        knowledge: &Knowledge,
        (links, settings): (&[LinkTable], &LinkSettings),
        embedder: Option<&Embedder>,
    ) -> Result<Meta> {
        let method = |l: &LinkTable| {
            (
                l.kind.name().to_owned(),
                behaviour::method(l.kind, settings),
            )
        };
        Ok(Meta {
            ranges: draft.ranges.clone(),
            datasets: knowledge
                .segments
                .iter()
                .map(|s| s.dataset.clone())
                .collect(),
            phrases: knowledge.phrases()?,
            methods: links.iter().map(method).collect(),
            functional: knowledge.functional()?,
            embedder: embedder.map(|e| e.id().to_owned()),
            dimensions: embedder.map_or(0, Embedder::dimensions),
            groups: draft.groups,
            folded: None,
            as_of: None,
            window: settings.window,
        })
    }
}

/// What a log comes to: of each statement its last change, by statement.
pub(super) fn net(logged: Vec<Logged>) -> Vec<Change> {
    let mut last = BTreeMap::new();
    for Logged { change, .. } in logged {
        last.insert(change.statement().clone(), change);
    }
    last.into_values().collect()
}

/// Links between items whose texts are close.
fn similar(draft: &Draft, vectors: &Vectors, dimensions: usize) -> Result<LinkTable> {
    let items = draft.ranges.items();
    let first = vectors.nodes.partition_point(|&n| n < items.start);
    let last = vectors.nodes.partition_point(|&n| n < items.end);
    let nodes = &vectors.nodes[first..last];
    let values = &vectors.values[first * dimensions..last * dimensions];
    let neighbours = embedding::neighbours(values, dimensions, SIMILAR, ALIKE)?;
    let mut rows = vec![Vec::new(); items.len()];
    for (&node, near) in nodes.iter().zip(neighbours) {
        let row = near
            .into_iter()
            .map(|(index, cosine)| (nodes[index as usize] - items.start, cosine, 1));
        rows[(node - items.start) as usize] = row.collect();
    }
    Ok(LinkTable {
        kind: LinkKind::SimilarTo,
        first_item: items.start,
        rows,
    })
}

fn counts(graph: &Graph) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::from([
        ("users".to_owned(), graph.users().len() as u64),
        ("items".to_owned(), graph.items().len() as u64),
        ("nodes".to_owned(), graph.nodes().len() as u64),
        ("facts".to_owned(), graph.fact_count()),
        ("derived facts".to_owned(), graph.derived().len() as u64),
        ("interactions".to_owned(), graph.interaction_count()),
        ("events".to_owned(), graph.event_count()),
        ("vectors".to_owned(), graph.vector_count() as u64),
        ("bytes".to_owned(), graph.size()),
    ]);
    counts.extend(LinkKind::ALL.map(|kind| (kind.name().to_owned(), graph.link_count(kind))));
    counts
}
