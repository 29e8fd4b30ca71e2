//! The SQLite file of an index.

use super::LABEL_WEIGHT;
use super::texts::Text;
use crate::{Error, ErrorKind, Result};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row};
use std::path::{Path, PathBuf};
use tokio::runtime::{Builder, Runtime};

/// Nodes written by one statement.
const AT_ONCE: usize = 2_000;

const ABOUT: &str = "CREATE TABLE about (snapshot TEXT NOT NULL)";
const TABLE: &str = "CREATE VIRTUAL TABLE texts USING fts5(label, description, content='', \
                     tokenize=\"unicode61 remove_diacritics 2\", prefix='2 3')";
const FILL: &str = "INSERT INTO texts (rowid, label, description) \
                    SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1)";
const PACK: &str = "INSERT INTO texts (texts) VALUES ('optimize')";
const SEARCH: &str = "SELECT rowid, bm25(texts, ?2, 1.0) AS badness FROM texts WHERE texts MATCH ?1 \
                      ORDER BY badness, rowid LIMIT ?3";

/// A table of texts that changed, in memory.
struct Overlay {
    forget: &'static str,
    create: &'static str,
    fill: &'static str,
    search: &'static str,
}

macro_rules! overlay {
    ($name:literal) => {
        Overlay {
            forget: concat!("DROP TABLE IF EXISTS temp.", $name),
            create: concat!(
                "CREATE VIRTUAL TABLE temp.",
                $name,
                " USING fts5(label, description, content='', tokenize=\"unicode61 remove_diacritics 2\")"
            ),
            fill: concat!(
                "INSERT INTO temp.",
                $name,
                " (rowid, label, description) SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1)"
            ),
            search: concat!(
                "SELECT rowid FROM temp.",
                $name,
                " WHERE ",
                $name,
                " MATCH ?1 ORDER BY rowid"
            ),
        }
    };
}

const OVERLAYS: [Overlay; 3] = [
    overlay!("changed0"),
    overlay!("changed1"),
    overlay!("changed2"),
];

/// States of the changes whose texts are kept at once: a query that began earlier reads an earlier one.
pub(super) const STATES: usize = OVERLAYS.len();

/// An open index. Its methods must not be called from an async task.
pub(super) struct File {
    path: PathBuf,
    // Before the runtime, which has to outlive it.
    connection: SqliteConnection,
    runtime: Runtime,
}

impl File {
    /// Opens the index at `path`, if it is there and belongs to the snapshot `id`.
    pub(super) fn open(path: &Path, id: &str) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let mut file = Self::connect(path, options)?;
        let about: sqlx::Result<String> = file.runtime.block_on(async {
            let about = sqlx::query_scalar("SELECT snapshot FROM about");
            about.fetch_one(&mut file.connection).await
        });
        // One that cannot be read is made again, like one that is missing.
        Ok(about.is_ok_and(|of| of == id).then_some(file))
    }

    /// Writes an index under another name, and renames it when it is whole.
    pub(super) fn write(path: &Path, id: &str, texts: &[Text]) -> Result<()> {
        let draft = path.with_extension(format!("{}.new", std::process::id()));
        let written = write_draft(&draft, id, texts).and_then(|()| {
            let file = std::fs::File::open(&draft);
            let synced = file.and_then(|file| file.sync_all());
            synced
                .and_then(|()| std::fs::rename(&draft, path))
                .map_err(|e| Error::io("write the index of texts", path, e))
        });
        if written.is_err() {
            let _ = std::fs::remove_file(&draft);
        }
        written
    }

    /// The nodes that match, with scores, the best first.
    pub(super) fn search(&mut self, expression: &str, most: usize) -> Result<Vec<(u32, f64)>> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = self.run(async |c| {
            let query = sqlx::query(SEARCH)
                .bind(expression)
                .bind(LABEL_WEIGHT)
                .bind(most);
            let rows = query.fetch_all(c).await?;
            rows.iter()
                .map(|row| Ok((row.try_get::<i64, _>(0)?, row.try_get::<f64, _>(1)?)))
                .collect::<sqlx::Result<Vec<_>>>()
        })?;
        // FTS5 calls the best the lowest.
        let hits = rows
            .into_iter()
            .map(|(node, badness)| (node as u32, -badness));
        Ok(hits.collect())
    }

    /// Puts the texts that changed since in the place of those kept before at `place`, one of [`STATES`], in memory.
    pub(super) fn keep_changed(&mut self, place: usize, texts: &[Text]) -> Result<()> {
        let overlay = &OVERLAYS[place];
        self.run(async |c| {
            sqlx::query(overlay.forget).execute(&mut *c).await?;
            sqlx::query(overlay.create).execute(&mut *c).await?;
            fill(c, overlay.fill, texts).await
        })
    }

    /// The nodes whose changed texts at `place` match, by number.
    pub(super) fn search_changed(&mut self, place: usize, expression: &str) -> Result<Vec<u32>> {
        let nodes: Vec<i64> = self.run(async |c| {
            let query = sqlx::query_scalar(OVERLAYS[place].search).bind(expression);
            query.fetch_all(c).await
        })?;
        Ok(nodes.into_iter().map(|node| node as u32).collect())
    }

    fn connect(path: &Path, options: SqliteConnectOptions) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| Error::io("open the index of texts", path, e))?;
        let options = options
            .disable_statement_logging()
            .pragma("temp_store", "memory");
        let connection = runtime
            .block_on(options.connect())
            .map_err(|e| trouble(path, e))?;
        Ok(Self {
            path: path.to_owned(),
            connection,
            runtime,
        })
    }

    fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> sqlx::Result<T>,
    ) -> Result<T> {
        let done = self.runtime.block_on(work(&mut self.connection));
        done.map_err(|e| trouble(&self.path, e))
    }
}

fn write_draft(draft: &Path, id: &str, texts: &[Text]) -> Result<()> {
    // A draft that was interrupted lies there with what it has.
    let _ = std::fs::remove_file(draft);
    let options = SqliteConnectOptions::new()
        .filename(draft)
        .create_if_missing(true);
    let options = options
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off);
    let mut file = File::connect(draft, options)?;
    file.run(async |c| {
        sqlx::query(ABOUT).execute(&mut *c).await?;
        sqlx::query(TABLE).execute(&mut *c).await?;
        let mut whole = c.begin().await?;
        fill(&mut whole, FILL, texts).await?;
        sqlx::query(PACK).execute(&mut *whole).await?;
        sqlx::query("INSERT INTO about VALUES (?1)")
            .bind(id)
            .execute(&mut *whole)
            .await?;
        whole.commit().await
    })?;
    let File {
        connection,
        runtime,
        ..
    } = file;
    runtime
        .block_on(connection.close())
        .map_err(|e| trouble(draft, e))
}

async fn fill(c: &mut SqliteConnection, sql: &'static str, texts: &[Text]) -> sqlx::Result<()> {
    for part in texts.chunks(AT_ONCE) {
        let rows: Vec<_> = part
            .iter()
            .map(|t| (t.node, &t.label, &t.description))
            .collect();
        let json = serde_json::to_string(&rows).map_err(|e| sqlx::Error::Encode(e.into()))?;
        sqlx::query(sql).bind(json).execute(&mut *c).await?;
    }
    Ok(())
}

fn trouble(path: &Path, error: sqlx::Error) -> Error {
    Error::new(ErrorKind::Io, format!("the index of texts fails: {error}"))
        .at(path.display())
        .hint("delete the file: the next search makes it again")
        .because(error)
}
