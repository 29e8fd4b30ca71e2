//! What is special to SQLite: how the file is opened and brought to its present shape.

use super::trouble;
use crate::{Error, ErrorKind, Result};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqlSafeStr};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

const PAUSE: Duration = Duration::from_millis(20);

pub(super) fn runtime() -> Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::new(ErrorKind::Io, format!("cannot start the journal: {e}")).because(e))
}

/// The shapes of the journal, one after the other; one that was published is never changed.
fn migrations() -> Migrator {
    let journal = include_str!("../../migrations/0001_journal.sql");
    let changes = include_str!("../../migrations/0002_changes.sql");
    let decisions = include_str!("../../migrations/0003_decisions.sql");
    let prompts = include_str!("../../migrations/0004_prompts.sql");
    Migrator::with_migrations(vec![
        migration(1, "journal", journal),
        migration(2, "changes", changes),
        migration(3, "decisions", decisions),
        migration(4, "prompts", prompts),
    ])
}

fn migration(version: i64, name: &'static str, sql: &'static str) -> Migration {
    let kind = MigrationType::Simple;
    Migration::new(version, name.into(), kind, sql.into_sql_str(), false)
}

pub(super) async fn connect(path: &Path, patience: Duration) -> Result<SqliteConnection> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|e| Error::io("create the folder of the journal", folder, e))?;
    }
    let options = options(path, patience);
    let deadline = Instant::now() + patience;
    loop {
        match attempt(path, &options).await {
            // The switch to WAL and the first migration do not wait for other processes by themselves.
            Err(e) if trouble::is_passing(&e) && Instant::now() < deadline => {
                std::thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
}

async fn attempt(path: &Path, options: &SqliteConnectOptions) -> Result<SqliteConnection> {
    let mut connection = options
        .connect()
        .await
        .map_err(|e| trouble::explain(path, e))?;
    let migrations = migrations();
    let newest = migrations.iter().map(|m| m.version).max().unwrap_or(0);
    match migrations.run(&mut connection).await {
        Ok(()) => Ok(connection),
        Err(e) => Err(trouble::explain_migration(path, e, newest)),
    }
}

fn options(path: &Path, patience: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .busy_timeout(patience)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging()
}
