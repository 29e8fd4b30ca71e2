//! What was imported, built, changed, asked and answered: an SQLite file that survives everything else.
//!
//! [`Journal`] is a blocking face over one connection, behind a lock: many threads may share it, and each call waits
//! for the one before; decisions that wait are kept together. A record is on the disk when its method returns. Several processes may have the journal open;
//! a writer waits a few seconds for another one, then gives up with an error that says so.
//!
//! Its methods must not be called from an async task: hand them to a thread for blocking work.
//!
//! ```
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = dir.path().join("journal.sqlite");
//! use kenning::journal::{Decision, Journal, prompt_id};
//! let journal = Journal::open(&path)?;
//! let prompt = "Rank these films.\n".to_owned();
//! let prompt_id = prompt_id(&prompt);
//! let decision = Decision { prompt_id: Some(prompt_id.clone()), ..Decision::default() };
//! let id = journal.keep(decision, Some(prompt))?;
//! assert_eq!(journal.decision(&id)?.record.prompt_id.as_deref(), Some(prompt_id.as_str()));
//! assert_eq!(journal.prompt(&prompt_id)?, "Rank these films.\n");
//! # Ok::<(), kenning::Error>(())
//! ```

mod batch;
mod changes;
mod decisions;
mod erase;
mod open;
mod records;
mod rows;
mod trouble;

pub use changes::{ChangeNumber, Logged};
pub use decisions::Outlines;
pub use erase::{Erase, ErasedRows};
pub use records::{
    Build, Decision, Entry, Import, Input, Outcome, Reply, Shown, Stage, Time, Trail, Violation,
};

use crate::{Error, Result};
use sqlx::sqlite::SqliteConnection;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long a call waits for another writer.
const PATIENCE: Duration = Duration::from_secs(5);

/// This moment, as the journal writes it.
pub fn now() -> Time {
    format!("{:.6}", jiff::Timestamp::now())
}

/// The name of a prompt: 32 hex digits of the hash of its bytes.
pub fn prompt_id(text: &str) -> String {
    let mut id = blake3::hash(text.as_bytes()).to_hex().to_string();
    id.truncate(32);
    id
}

/// An open journal.
///
/// Every method fails with `Corrupt` if the file is damaged, and with `Io` if another process holds it for too long,
/// it may not be written, or the disk is full.
pub struct Journal {
    path: PathBuf,
    // Before the runtime, which has to outlive it.
    connection: Mutex<SqliteConnection>,
    runtime: Runtime,
    waiting: Mutex<Vec<Arc<batch::Waiting>>>,
    last_id: AtomicU64,
}

impl Journal {
    /// Opens the journal at `path`; creates it, and its folder, if it is missing.
    ///
    /// # Errors
    /// Also `Corrupt` if a newer kenning wrote it.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_within(path, PATIENCE)
    }

    /// Like [`Journal::open`], but waits at most `patience` for other writers, now and in each later call.
    pub fn open_within(path: &Path, patience: Duration) -> Result<Self> {
        let runtime = open::runtime()?;
        let connection = runtime.block_on(open::connect(path, patience))?;
        Ok(Self {
            path: path.to_owned(),
            connection: Mutex::new(connection),
            runtime,
            waiting: Mutex::default(),
            last_id: AtomicU64::new(0),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads every page of the file.
    ///
    /// # Errors
    /// `Corrupt` with the first trouble found.
    pub fn check(&self) -> Result<()> {
        let found: String = self.run(async |c| {
            let check = sqlx::query_scalar("PRAGMA quick_check(1)");
            check.fetch_one(c).await
        })?;
        match found.as_str() {
            "ok" => Ok(()),
            trouble => Err(trouble::damaged(&self.path, trouble)),
        }
    }

    /// Keeps that a dataset was imported; returns the number of the import.
    pub fn record_import(&self, import: &Import) -> Result<i64> {
        self.run(async |c| rows::insert_import(c, import).await)
    }

    /// All imports, the newest first.
    pub fn imports(&self) -> Result<Vec<Entry<Import>>> {
        self.run(async |c| {
            let sql = "SELECT * FROM imports ORDER BY id DESC";
            let rows = sqlx::query(sql).fetch_all(c).await?;
            rows.iter().map(rows::import).collect()
        })
    }

    /// Keeps that the graph was built; returns the number of the build.
    pub fn record_build(&self, build: &Build) -> Result<i64> {
        self.run(async |c| rows::insert_build(c, build).await)
    }

    /// The last `limit` builds, the newest first.
    pub fn builds(&self, limit: usize) -> Result<Vec<Entry<Build>>> {
        self.run(async |c| {
            let sql = "SELECT * FROM builds ORDER BY id DESC LIMIT $1";
            let rows = sqlx::query(sql).bind(count(limit)).fetch_all(c).await?;
            rows.iter().map(rows::build).collect()
        })
    }

    /// The decision of this id.
    ///
    /// # Errors
    /// Also `NotFound`.
    pub fn decision(&self, id: &str) -> Result<Entry<Decision, String>> {
        let found = self.run(async |c| {
            let sql = "SELECT * FROM decisions WHERE id = $1";
            let row = sqlx::query(sql).bind(id).fetch_optional(c).await?;
            row.as_ref().map(rows::decision).transpose()
        })?;
        found.ok_or_else(|| self.no_decision(id))
    }

    fn no_decision(&self, id: &str) -> Error {
        Error::not_found(format!("no decision `{id}`"))
            .at(self.path.display())
            .hint("kenning status decisions")
    }

    /// The last `limit` decisions, the newest first.
    pub fn decisions(&self, limit: usize) -> Result<Vec<Entry<Decision, String>>> {
        self.run(async |c| {
            let sql = "SELECT * FROM decisions ORDER BY id DESC LIMIT $1";
            let rows = sqlx::query(sql).bind(count(limit)).fetch_all(c).await?;
            rows.iter().map(rows::decision).collect()
        })
    }

    /// The prompt of this id, byte for byte.
    ///
    /// # Errors
    /// Also `NotFound`.
    pub fn prompt(&self, id: &str) -> Result<String> {
        let found = self.run(async |c| {
            let sql = "SELECT text FROM prompts WHERE id = $1";
            sqlx::query_scalar(sql).bind(id).fetch_optional(c).await
        })?;
        found.ok_or_else(|| {
            Error::not_found(format!("no prompt `{id}`"))
                .at(self.path.display())
                .hint("kenning status decisions --format json")
        })
    }

    /// The cached reply of this key, if there is one.
    pub fn reply(&self, key: &str) -> Result<Option<Reply>> {
        self.run(async |c| {
            let sql = "SELECT * FROM replies WHERE key = $1";
            let row = sqlx::query(sql).bind(key).fetch_optional(c).await?;
            row.as_ref().map(rows::reply).transpose()
        })
    }

    /// Caches a reply. The first one of a key stays, so that what was answered once is answered again.
    pub fn save_reply(&self, key: &str, reply: &Reply) -> Result<()> {
        self.run(async |c| rows::insert_reply(c, key, reply).await)
    }

    /// Milliseconds since 1970 in the upper 48 bits, a counter in the lower 16; always above the one before.
    fn next_id(&self) -> String {
        let milliseconds = jiff::Timestamp::now().as_millisecond().max(0);
        let now = milliseconds.cast_unsigned() << 16;
        let after = |last: u64| now.max(last.saturating_add(1));
        let last = self
            .last_id
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(after(last))
            });
        format!("{:016x}", after(last.unwrap_or_else(|last| last)))
    }

    fn run<T>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> sqlx::Result<T>,
    ) -> Result<T> {
        // A thread that panicked between two statements left the connection as it was.
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let done = self.runtime.block_on(work(&mut connection));
        done.map_err(|e| trouble::explain(&self.path, e))
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
