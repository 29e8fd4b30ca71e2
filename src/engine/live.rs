//! A project that answers while it changes: what a server holds.

use super::fetch::fetch;
use super::{Engine, Snapshot};
use crate::graph::Graph;
use crate::journal::Logged;
use crate::model::Change;
use crate::sections::stamp::State;
use crate::sparql::{Cancel, Dataset, Effect, Limits, Transaction, Update, View};
use crate::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Updates of other processes that one update gives way to.
const TRIES: usize = 100;

/// The newest snapshot with all its changes, for many threads.
///
/// Readers take [`Live::current`] and never wait: an update makes a new overlay beside the one that they read. Updates
/// come one after the other. An update is on the disk before it is seen by anybody; one that fails leaves nothing.
/// Other processes may change and build the project at the same time: [`Live::refresh`] shows what they did.
pub struct Live {
    engine: Engine,
    shown: RwLock<Arc<Shown>>,
    writer: Mutex<()>,
    view: View,
}

/// What readers see, and the file that it comes from.
struct Shown {
    snapshot: Snapshot,
    file: Option<State>,
}

/// What an update did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Updated {
    /// Statements that stand now and did not before.
    pub inserted: usize,
    /// Statements that stood before and do no more.
    pub deleted: usize,
}

impl Live {
    /// Opens the newest snapshot of a project and the changes since. Where nothing was imported or built yet, an empty
    /// graph is built.
    pub fn open(engine: Engine) -> Result<Self> {
        let file = State::at(&engine.project().snapshot_file());
        let (file, snapshot) = match engine.snapshot() {
            Err(error) if error.kind() == ErrorKind::NotFound && engine.imports_nothing()? => {
                engine.build_empty()?;
                (
                    State::at(&engine.project().snapshot_file()),
                    engine.snapshot()?,
                )
            }
            opened => (file, opened?),
        };
        Ok(Self {
            engine,
            shown: RwLock::new(Arc::new(Shown { snapshot, file })),
            writer: Mutex::new(()),
            view: View::default(),
        })
    }

    /// Queries and updates see the default graph so.
    pub fn with_view(mut self, view: View) -> Self {
        self.view = view;
        self
    }

    /// How queries and updates see the default graph.
    pub fn view(&self) -> View {
        self.view
    }

    /// What queries and updates see of a snapshot.
    pub fn dataset<'a>(&self, snapshot: &'a Snapshot) -> Dataset<'a> {
        Dataset {
            view: self.view,
            ..snapshot.dataset()
        }
    }

    /// The engine, for what is not said in SPARQL.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What is there now. It stays as it is, whatever is changed later.
    pub fn current(&self) -> Snapshot {
        self.shown().snapshot.clone()
    }

    /// Evaluates an update, keeps it, and shows it. `LOAD` fetches what `query.load` of the settings allows; other updates
    /// wait meanwhile.
    ///
    /// # Errors
    /// Those of [`Update::run`], and `Io` if it cannot be kept; nothing is changed then.
    pub fn update(&self, update: &Update, limits: &Limits, cancel: &Cancel) -> Result<Updated> {
        let allowed = &self.engine.project().settings().query.load;
        let load = |iri: &str| fetch(allowed, limits, iri);
        self.change_by(&|snapshot| update.run(self.dataset(snapshot), limits, cancel, &load))
    }

    /// Makes changes, all of them or none; those that change nothing are left out.
    ///
    /// # Errors
    /// Those of [`Transaction`], and `Io` if they cannot be kept; nothing is changed then.
    pub fn change(&self, changes: &[Change], limits: &Limits, cancel: &Cancel) -> Result<Updated> {
        self.transact(limits, cancel, &|work| {
            changes.iter().try_for_each(|change| work.apply(change))
        })
    }

    /// Does `work` on what is there now, all of it or nothing. It is done again if another process was faster.
    ///
    /// # Errors
    /// Those of `work`, and `Io` if what it did cannot be kept; nothing is changed then.
    pub fn transact(
        &self,
        limits: &Limits,
        cancel: &Cancel,
        work: &dyn Fn(&mut Transaction<'_>) -> Result<()>,
    ) -> Result<Updated> {
        self.change_by(&|snapshot| {
            let mut transaction = Transaction::begin(self.dataset(snapshot), limits, cancel);
            work(&mut transaction)?;
            Ok(transaction.finish())
        })
    }

    /// Shows a snapshot that was built and changes that other processes made since the last look; whether there were any.
    /// It is cheap if there were none. Updates wait while a new snapshot gets its changes, readers do not.
    pub fn refresh(&self) -> Result<bool> {
        let file = State::at(&self.engine.project().snapshot_file());
        if file != self.shown().file {
            // Opening takes longest, so updates go on meanwhile.
            let graph = Graph::open(&self.engine.project().snapshot_file())?;
            let _writer = self.writer();
            let snapshot = Snapshot::over(graph, self.engine.project(), self.engine.journal())?;
            self.show(Shown { snapshot, file });
            return Ok(true);
        }
        if self.engine.journal().last_change()? == self.shown().snapshot.last_change {
            return Ok(false);
        }
        let _writer = self.writer();
        self.catch_up()?;
        Ok(true)
    }

    fn change_by(&self, work: &dyn Fn(&Snapshot) -> Result<Effect>) -> Result<Updated> {
        let _writer = self.writer();
        for _ in 0..TRIES {
            let before = self.catch_up()?;
            let effect = work(&before.snapshot)?;
            let updated = Updated::by(&effect.log);
            if effect.log.is_empty() {
                return Ok(updated);
            }
            let last = before.snapshot.last_change;
            let kept = self.engine.journal().append_changes(last, &effect.log)?;
            if let Some(last_change) = kept {
                let snapshot = Snapshot {
                    changes: effect.changes,
                    last_change,
                    ..before.snapshot.clone()
                };
                self.show(Shown {
                    snapshot,
                    file: before.file,
                });
                return Ok(updated);
            }
        }
        Err(Error::new(
            ErrorKind::Io,
            "other processes change the project all the time",
        )
        .at(self.engine.journal().path().display())
        .hint("run this again"))
    }

    /// Shows what other processes added to the log; only the writer may do that.
    fn catch_up(&self) -> Result<Arc<Shown>> {
        let shown = self.shown();
        let news = self
            .engine
            .journal()
            .changes_after(shown.snapshot.last_change)?;
        if news.is_empty() {
            return Ok(shown);
        }
        let mut snapshot = shown.snapshot.clone();
        snapshot.replay(&news);
        self.show(Shown {
            snapshot,
            file: shown.file,
        });
        Ok(self.shown())
    }

    fn shown(&self) -> Arc<Shown> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&shown)
    }

    fn show(&self, shown: Shown) {
        let mut place = self.shown.write().unwrap_or_else(PoisonError::into_inner);
        *place = Arc::new(shown);
    }

    fn writer(&self) -> MutexGuard<'_, ()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Updated {
    fn by(log: &[Change]) -> Self {
        let inserted = log
            .iter()
            .filter(|c| matches!(c, Change::Insert(_)))
            .count();
        Self {
            inserted,
            deleted: log.len() - inserted,
        }
    }
}

impl Snapshot {
    /// Makes logged changes, in their order.
    pub(super) fn replay(&mut self, logged: &[Logged]) {
        let graph = &self.graph;
        for Logged { number, change } in logged {
            let parts = change.statement().each_ref().map(String::as_str);
            match change {
                Change::Insert(_) => self.changes.insert(graph, parts),
                Change::Delete(_) => self.changes.remove(graph, parts),
            };
            self.last_change = *number;
        }
    }
}
