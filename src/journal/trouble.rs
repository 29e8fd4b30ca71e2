//! What SQLite complains of, in words that help.

use crate::{Error, ErrorKind};
use sqlx::migrate::MigrateError;
use std::path::Path;

/// Primary result codes of SQLite (<https://www.sqlite.org/rescode.html>).
mod code {
    pub const ERROR: i32 = 1;
    pub const BUSY: i32 = 5;
    pub const LOCKED: i32 = 6;
    pub const READONLY: i32 = 8;
    pub const CORRUPT: i32 = 11;
    pub const FULL: i32 = 13;
    pub const CANTOPEN: i32 = 14;
    pub const CONSTRAINT: i32 = 19;
    pub const NOTADB: i32 = 26;
}

/// The primary result code, if SQLite itself complains.
fn code_of(error: &sqlx::Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}

/// Whether a record is refused for what it says, so that others may be kept.
pub(super) fn is_of_the_record(error: &sqlx::Error) -> bool {
    code_of(error) == Some(code::CONSTRAINT)
}

pub(super) fn explain(path: &Path, error: sqlx::Error) -> Error {
    let explained = match code_of(&error) {
        Some(code::BUSY | code::LOCKED) => locked(),
        Some(code::CORRUPT | code::NOTADB) => {
            return damaged(path, &error.to_string()).because(error);
        }
        Some(code::READONLY) => not_writable("the journal may not be written"),
        Some(code::CANTOPEN) => not_writable("cannot open the journal, or write beside it"),
        Some(code::FULL) => Error::new(ErrorKind::Io, "no space is left for the journal")
            .hint("free some space, then run this again"),
        Some(code::CONSTRAINT) => Error::usage(format!("the journal refuses the record: {error}"))
            .hint("keep a prompt with the first decision that names it"),
        _ => match &error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                return damaged(path, &error.to_string()).because(error);
            }
            _ => Error::new(ErrorKind::Io, format!("the journal fails: {error}")),
        },
    };
    explained.at(path.display()).because(error)
}

pub(super) fn explain_migration(path: &Path, error: MigrateError, newest: i64) -> Error {
    match error {
        MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _) => explain(path, e),
        MigrateError::VersionMissing(version) => Error::corrupt(format!(
            "the journal is of version {version}, and this kenning knows version {newest} at most"
        ))
        .at(path.display())
        .hint("use the newer kenning that wrote it"),
        other => Error::corrupt(format!("the journal is not one of ours: {other}"))
            .at(path.display())
            .hint(move_aside(path))
            .because(other),
    }
}

pub(super) fn damaged(path: &Path, why: &str) -> Error {
    Error::corrupt(format!("the journal is damaged: {why}"))
        .at(path.display())
        .hint(move_aside(path))
}

/// Whether another process is in the way, or was a moment ago: two that create the journal at the same time find
/// each other's tables.
pub(super) fn is_passing(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    let code = source.and_then(|e| e.downcast_ref()).and_then(code_of);
    matches!(
        code,
        Some(code::BUSY | code::LOCKED | code::ERROR | code::CONSTRAINT)
    )
}

fn locked() -> Error {
    Error::new(ErrorKind::Io, "another process is writing to the journal")
        .hint("wait until it has finished, then run this again")
}

fn not_writable(message: &str) -> Error {
    Error::new(ErrorKind::Io, message)
        .hint("let your user write to the file and to its folder, then run `kenning doctor`")
}

/// The files beside it have to go too: SQLite would replay a stale log into a new file.
fn move_aside(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!(
        "move `{name}`, `{name}-wal` and `{name}-shm` elsewhere, and the next command starts a new journal"
    )
}
