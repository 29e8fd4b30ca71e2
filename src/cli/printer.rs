//! Data to stdout, all else to stderr.

use super::table::{Format, Table};
use super::text;
use crate::{Error, ErrorKind, Result};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

/// How much is said beside the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Talk {
    /// Messages and progress.
    Normal,
    /// Errors and warnings only.
    Quiet,
}

/// The only one that writes to the terminal.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    talk: Talk,
}

/// Version of the shape of all JSON that the command line prints.
pub const SCHEMA_VERSION: u32 = 1;

impl Printer {
    /// A printer that says so much.
    pub fn new(talk: Talk) -> Self {
        Self { talk }
    }

    /// How much is said.
    pub fn talk(&self) -> Talk {
        self.talk
    }

    /// Whether a person watches the progress on stderr.
    pub fn is_watched(&self) -> bool {
        self.talk == Talk::Normal && io::stderr().is_terminal()
    }

    /// Writes lines of data, with a line end after them; what would move the cursor is escaped.
    pub fn data(&self, data: &str) -> Result<()> {
        let mut out = self.stdout();
        written(writeln!(out, "{}", text::lines(data)).and_then(|()| out.flush()))
    }

    /// Writes a table, or its rows as JSON or CSV.
    pub fn table(&self, table: &Table, format: Format) -> Result<()> {
        match format {
            Format::Table => self.data(&table.drawn(width())),
            Format::Json => self.json(&table.document()),
            Format::Jsonl => self.bytes(&table.json_lines()),
            Format::Csv => self.bytes(&table.csv()?),
        }
    }

    /// Writes an object as JSON over several lines, with a `schema_version` first: its own, if it has one.
    pub fn json(&self, value: &impl Serialize) -> Result<()> {
        let fail = |e: serde_json::Error| {
            Error::input(format!("cannot be written as JSON: {e}")).because(e)
        };
        let mut versioned = Map::from_iter([("schema_version".to_owned(), SCHEMA_VERSION.into())]);
        match serde_json::to_value(value).map_err(fail)? {
            Value::Object(fields) => versioned.extend(fields),
            other => return Err(Error::input(format!("not an object: {other}"))),
        }
        let text = serde_json::to_string_pretty(&versioned).map_err(fail)?;
        self.bytes(&format!("{text}\n"))
    }

    /// Stdout for data of any kind, buffered: flush it, and pass what writing returns through [`written`].
    pub fn stdout(&self) -> BufWriter<StdoutLock<'static>> {
        BufWriter::with_capacity(1 << 16, io::stdout().lock())
    }

    /// Says something on stderr, unless quiet.
    pub fn note(&self, message: impl fmt::Display) {
        if self.talk == Talk::Normal {
            say(format_args!("{}", text::lines(&message.to_string())));
        }
    }

    /// Warns on stderr, also when quiet.
    pub fn warn(&self, message: impl fmt::Display) {
        let message = message.to_string();
        say(format_args!(
            "{YELLOW}warning:{RESET} {}",
            text::lines(&message)
        ));
    }

    /// Says what went wrong, where, and what to do next.
    pub fn error(&self, error: &Error) {
        let message = error.to_string();
        say(format_args!("{RED}error:{RESET} {}", text::lines(&message)));
        if let Some(hint) = error.next_step() {
            say_hint(hint);
        }
    }

    /// Says on stderr what to do next, unless quiet; a bare command is put in backticks.
    pub fn hint(&self, hint: &str) {
        if self.talk == Talk::Normal {
            say_hint(hint);
        }
    }

    /// Writes text as it is, without a line end of its own.
    pub fn bytes(&self, data: &str) -> Result<()> {
        let mut out = self.stdout();
        // A program wants the bytes; a terminal must not obey them.
        let data = match io::stdout().is_terminal() {
            true => text::lines(data),
            false => data.into(),
        };
        written(out.write_all(data.as_bytes()).and_then(|()| out.flush()))
    }
}

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const CYAN: &str = "\x1b[1;36m";
const RESET: &str = "\x1b[0m";

/// Nobody can be told that stderr is closed, so that is no error.
fn say(message: fmt::Arguments<'_>) {
    let _ = writeln!(anstream::stderr(), "{message}");
}

fn say_hint(hint: &str) {
    let hint = text::lines(hint);
    match hint.starts_with("kenning ") && !hint.contains('`') {
        true => say(format_args!("{CYAN}hint:{RESET} `{hint}`")),
        false => say(format_args!("{CYAN}hint:{RESET} {hint}")),
    }
}

/// Columns of the terminal that stdout is, if it is one.
fn width() -> Option<u16> {
    let (_, columns) = console::Term::stdout().size_checked()?;
    Some(columns)
}

/// Turns the result of writing to stdout into ours. That a reader such as `head` went away ends the program in
/// peace: see [`is_closed_pipe`].
pub fn written<T>(result: io::Result<T>) -> Result<T> {
    result.map_err(|e| match e.kind() {
        io::ErrorKind::BrokenPipe => nobody_reads(),
        _ => Error::new(ErrorKind::Io, format!("cannot write the output: {e}"))
            .at("stdout")
            .because(e),
    })
}

/// The error of what was written to stdout by others: as [`written`] says it, if its reader went away.
pub fn told(error: Error) -> Error {
    let source =
        std::error::Error::source(&error).and_then(|source| source.downcast_ref::<io::Error>());
    match source.map(io::Error::kind) {
        Some(io::ErrorKind::BrokenPipe) => nobody_reads(),
        _ => error,
    }
}

fn nobody_reads() -> Error {
    Error::new(ErrorKind::Io, "nobody reads the output").because(ClosedPipe)
}

/// Whether the error is only that the reader of stdout went away.
pub fn is_closed_pipe(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<ClosedPipe>())
}

#[derive(Debug)]
struct ClosedPipe;

impl fmt::Display for ClosedPipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closed pipe")
    }
}

impl std::error::Error for ClosedPipe {}
