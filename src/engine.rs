//! The API boundary: an [`Engine`] takes changes, a [`Snapshot`] answers.
//!
//! ```no_run
//! use kenning::config::Project;
//! use kenning::engine::{Engine, Request};
//!
//! # fn main() -> kenning::Result<()> {
//! let engine = Engine::open(Project::open("films".as_ref())?)?;
//! let snapshot = engine.snapshot()?;
//! let answer = engine.recommend(&snapshot, &Request::for_user("1", 10), None)?;
//! for item in &answer.recommendations {
//!     println!("{} {}: {}", item.rank, item.label, item.reasons[0].text);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Updates do not wait for a build: the journal keeps them, and a [`Snapshot`] shows them over its graph.
//! [`Live`] does that for a process that goes on.
//!
//! ```no_run
//! # use kenning::config::Project;
//! # use kenning::engine::{Engine, Live, limits};
//! # use kenning::sparql::{Cancel, Update};
//! # fn main() -> kenning::Result<()> {
//! let project = Project::open("films".as_ref())?;
//! let limits = limits(&project.settings().query);
//! let live = Live::open(Engine::open(project)?)?;
//! let update = Update::parse("INSERT DATA { <https://example.org/a> rdfs:label 'A' }", None)?;
//! live.update(&update, &limits, &Cancel::default())?;
//! let found = live.current().dataset().ask("SELECT ?a { ?a rdfs:label 'A' }", &limits)?;
//! # Ok(())
//! # }
//! ```
//!
//! *Invariants:* one process imports or builds a project at a time ([`crate::config::Lock`]), and the journal puts the
//! updates of all processes in one order; whatever is interrupted leaves the former state in place, because files appear
//! under their names only when they are whole, and an update is kept whole or not at all; answers never wait for
//! changes, because a snapshot is immutable.

mod alternative;
mod answer;
mod ask;
mod asker;
mod build;
mod chosen;
mod compare;
mod decide;
mod erase;
mod extract;
mod fetch;
mod foresee;
mod gates;
mod hear;
mod import;
mod insight;
mod kept;
mod link;
mod live;
mod log;
mod models;
mod outcome;
mod part;
mod probe;
mod prove;
mod purse;
mod reason;
mod recommend;
mod replay;
mod request;
mod suppose;
mod traces;
mod validate;
mod verdict;
mod why;
mod writing;

pub use alternative::{Alternative, ChangeKind, FactNamed, ItemNamed};
pub use answer::{Answer, Claims, Person, PromptUse, Recommendation, Reply};
pub use ask::{Calls, recipes_of};
pub use build::Built;
pub use compare::{Compared, Difference};
pub use erase::Erased;
pub use extract::{Asked, Estimate, Job};
pub use foresee::{Counting, Leaning, ProfileAnswer, Reliance};
pub use gates::PolicyCheck;
pub use hear::Told;
pub use import::{Imported, Strictness};
pub use link::{LinkRequest, LinkTarget, Linked};
pub use live::{Live, Updated};
pub use models::{embedder, language_model, language_models};
pub use outcome::{Became, TellOutcome};
pub use probe::{Probed, known};
pub use reason::{Applied, Contradictions, Reasoned, rule_set};
pub use replay::{Replayed, Replayer};
pub use request::{Order, Request};
pub use suppose::{Met, Moved, Placed, WhatIf, WhatIfAnswer};
pub use traces::Trace;
pub use validate::{Files, Named, bounds, project_shapes, read, shipped_shape, shipped_shapes};
pub use verdict::Verdict;
pub use why::{About, Why, WhyNot};

use crate::config::{Project, QuerySettings};
use crate::embedding::Embedder;
use crate::graph::Graph;
use crate::graph::changes::Changes;
use crate::journal::{ChangeNumber, Journal};
use crate::scoring::Scorer;
use crate::sparql::{Bound, Dataset, Limits, Query};
use crate::{Error, ErrorKind, Result};
use insight::Insight;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

/// A project that can be changed: imports, builds, and the journal of what was done.
pub struct Engine {
    project: Project,
    journal: Journal,
    /// Of requests in words; it is loaded by the first that needs it.
    embedder: OnceLock<Option<Embedder>>,
    /// The setup that was kept last.
    kept_setup: Mutex<Option<decide::KeptSetup>>,
    /// The policies that were read last.
    read_policies: Mutex<Option<gates::Read>>,
    /// What answers are made with instead of what is there now, where past ones are made again.
    past: Option<decide::Setup>,
    /// The past answer that is made again.
    past_answer: Option<replay::Past>,
}

impl Engine {
    /// Opens a project and its journal.
    pub fn open(project: Project) -> Result<Self> {
        project.create_state()?;
        for folder in [project.imports(), project.rejects()] {
            std::fs::create_dir_all(&folder).map_err(|e| Error::io("create", &folder, e))?;
        }
        let journal = Journal::open(&project.journal_file())?;
        Ok(Self {
            project,
            journal,
            embedder: OnceLock::new(),
            kept_setup: Mutex::default(),
            read_policies: Mutex::default(),
            past: None,
            past_answer: None,
        })
    }

    /// An engine of the same project that answers as it did with a setup.
    fn again(present: &Self, setup: decide::Setup) -> Result<Self> {
        let project = present.project.with_settings(setup.settings.clone());
        Ok(Self {
            past: Some(setup),
            ..Self::open(project)?
        })
    }

    /// What makes vectors of the words of requests; `None` where vectors are switched off.
    fn embedder(&self) -> Result<Option<&Embedder>> {
        if self.embedder.get().is_none() {
            let embedder = models::embedder(&self.project)?;
            self.embedder.get_or_init(|| embedder);
        }
        Ok(self.embedder.get().and_then(Option::as_ref))
    }

    /// The project.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// What was done.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Opens the newest snapshot, with all changes since.
    pub fn snapshot(&self) -> Result<Snapshot> {
        Snapshot::over(open_graph(&self.project)?, &self.project, &self.journal)
    }
}

/// An immutable graph that answers, with what changed since it was frozen.
#[derive(Clone)]
pub struct Snapshot {
    graph: Arc<Graph>,
    insight: Arc<Insight>,
    changes: Changes,
    last_change: ChangeNumber,
}

/// Tells snapshots apart.
pub(crate) struct Mark {
    graph: Weak<Graph>,
    last_change: ChangeNumber,
}

impl PartialEq for Mark {
    fn eq(&self, other: &Self) -> bool {
        Weak::ptr_eq(&self.graph, &other.graph) && self.last_change == other.last_change
    }
}

impl Snapshot {
    /// Opens the snapshot of a project, with all changes since that the journal keeps. Nothing is written but the note
    /// that the file was checked.
    pub fn open(project: &Project) -> Result<Self> {
        let graph = open_graph(project)?;
        let journal = project.journal_file();
        if journal.exists() {
            return Self::over(graph, project, &Journal::open(&journal)?);
        }
        Ok(Self {
            changes: Changes::none(&graph),
            graph: Arc::new(graph),
            insight: Arc::new(Insight::new(project)),
            last_change: 0,
        })
    }

    /// The graph with the changes of the journal that it does not hold itself.
    fn over(graph: Graph, project: &Project, journal: &Journal) -> Result<Self> {
        Self::up_to(graph, project, journal, ChangeNumber::MAX)
    }

    /// The same, with the changes up to a number.
    fn up_to(
        graph: Graph,
        project: &Project,
        journal: &Journal,
        last: ChangeNumber,
    ) -> Result<Self> {
        let folded = graph.meta.folded.as_ref();
        let ours = match folded {
            Some(folded) => folded.log == journal.change_log()?,
            None => false,
        };
        let mut snapshot = Self {
            last_change: folded.filter(|_| ours).map_or(0, |folded| folded.change),
            changes: Changes::none(&graph),
            graph: Arc::new(graph),
            insight: Arc::new(Insight::new(project)),
        };
        snapshot.replay(&journal.changes_between(snapshot.last_change, last)?);
        Ok(snapshot)
    }

    /// The number of the last change that it shows, in the log of the journal.
    pub fn last_change(&self) -> ChangeNumber {
        self.last_change
    }

    /// Tells it from others without keeping it.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            graph: Arc::downgrade(&self.graph),
            last_change: self.last_change,
        }
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// What queries see: the graph and its changes, and what is computed from them.
    pub fn dataset(&self) -> Dataset<'_> {
        Dataset {
            computed: Some(self),
            ..Dataset::new(&self.graph, &self.changes)
        }
    }

    /// A scorer of this graph, by the settings of its project, which counts the events of its changes. The first call looks at
    /// every fact, and the first after a change at every new event.
    pub fn scorer(&self) -> Scorer<'_> {
        self.insight
            .scorer(&self.graph, (&self.changes, self.last_change))
    }
}

fn open_graph(project: &Project) -> Result<Graph> {
    Graph::open(&project.snapshot_file()).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::not_found("the project has no snapshot yet")
            .at(project.snapshot_file().display())
            .hint("`kenning import`, then `kenning build`"),
        _ => error,
    })
}

/// Parses a query that nobody vouches for, within the limits of the settings.
///
/// # Errors
/// Those of [`Query::parse_within`], and `Budget` if its text is longer than `query.max_text_kb`.
pub fn parse_query(text: &str, settings: &QuerySettings) -> Result<Query> {
    short(text, settings.max_text_kb << 10)?;
    Query::parse_within(text, None, limits(settings).memory)
}

/// Checks that the text of a query has at most so many bytes.
pub(crate) fn short(text: &str, most: usize) -> Result<()> {
    match text.len() > most {
        true => Err(Error::budget(format!(
            "the text of the query is longer than {} KB",
            most >> 10
        ))
        .because(Bound::Text)
        .hint("ask in parts, or allow more: `query.max_text_kb`")),
        false => Ok(()),
    }
}

/// The limits of queries, as the settings say.
pub fn limits(settings: &QuerySettings) -> Limits {
    Limits {
        time: Duration::from_secs(settings.timeout_s),
        rows: settings.max_rows,
        memory: settings.memory_mb << 20,
    }
}

/// Measures stages of work.
pub(crate) struct Stopwatch {
    last: Instant,
    stages: Vec<(&'static str, f64)>,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self {
            last: Instant::now(),
            stages: Vec::new(),
        }
    }

    /// The work since the last call was `stage`.
    pub(crate) fn lap(&mut self, stage: &'static str) {
        let now = Instant::now();
        self.stages.push((stage, (now - self.last).as_secs_f64()));
        self.last = now;
    }

    pub(crate) fn stages(self) -> Vec<(&'static str, f64)> {
        self.stages
    }
}
