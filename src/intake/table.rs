//! Chunks of CSV, TSV and JSON Lines → records.

use super::cut::{Chunk, Cutter, Ends, LONGEST};
use super::find::{Found, Syntax};
use super::mapping::Mapping;
use super::open::Opened;
use super::parsed::Parsed;
use super::row::{self, Columns, Row};
use super::shape::{Outcome, Shape};
use super::value::Refusal;
use crate::model::Place;
use crate::{Error, Result};
use csv::StringRecord;

/// How one table is read.
pub struct Table {
    shape: Shape,
    columns: Columns,
    /// None for JSON Lines.
    dialect: Option<Dialect>,
}

/// How a table's cells are told apart.
#[derive(Clone, Copy)]
struct Dialect {
    delimiter: u8,
    quote: Option<u8>,
}

impl Dialect {
    fn of(found: &Found<'_>) -> Option<Self> {
        let (delimiter, quote) = match found.syntax {
            Syntax::Csv => (b',', Some(b'"')),
            Syntax::Tsv => (b'\t', None),
            _ => return None,
        };
        let own = found.mapping.delimiter.and_then(|c| u8::try_from(c).ok());
        Some(Self {
            delimiter: own.unwrap_or(delimiter),
            quote: match &found.mapping.quote {
                Some(own) => own.bytes().next(),
                None => quote,
            },
        })
    }

    fn reader(self, bytes: &[u8]) -> csv::Reader<&[u8]> {
        csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .quoting(self.quote.is_some())
            .quote(self.quote.unwrap_or(b'"'))
            .from_reader(bytes)
    }
}

/// How the ends of the file's records are told.
pub fn ends(found: &Found<'_>) -> Ends {
    match Dialect::of(found) {
        Some(Dialect { delimiter, quote }) => Ends::Cells { delimiter, quote },
        None => Ends::Lines,
    }
}

impl Table {
    /// Reads the header, if there is one, and finds the mapping's columns in it.
    pub fn new(
        mapping: &Mapping,
        found: &Found<'_>,
        cutter: &mut Cutter,
        opened: &Opened,
    ) -> Result<Self> {
        let dialect = Dialect::of(found);
        let mut columns = match (dialect, &found.mapping.columns) {
            (None, _) => Columns::free(),
            (Some(_), Some(names)) => Columns::fixed(names.clone()),
            (Some(dialect), None) => header(dialect, found, cutter.header(opened)?)?,
        };
        let shape = Shape::new(mapping, found.mapping, &mut columns);
        let shape = shape.map_err(|missing| lacking(&missing.0, &columns, found))?;
        Ok(Self {
            shape,
            columns,
            dialect,
        })
    }

    /// The records of a chunk.
    pub fn parse(&self, chunk: &Chunk) -> Parsed {
        let mut parsed = Parsed {
            read: chunk.starts.len() as u64,
            ..Parsed::default()
        };
        match self.dialect {
            Some(dialect) => self.cells(dialect, chunk, &mut parsed),
            None => self.lines(chunk, &mut parsed),
        }
        if let Some(last) = chunk.starts.last().filter(|last| last.too_long) {
            let message = format!("the record is longer than {} MiB", LONGEST >> 20);
            parsed.reject(last.line, message, &chunk.bytes[last.offset..]);
        }
        parsed
    }

    fn cells(&self, dialect: Dialect, chunk: &Chunk, parsed: &mut Parsed) {
        let whole = chunk.starts.iter().find(|start| start.too_long);
        let whole = whole.map_or(chunk.bytes.len(), |start| start.offset);
        let mut reader = dialect.reader(&chunk.bytes[..whole]);
        let mut record = StringRecord::new();
        // The reader and the cutter agree on where records end; the offset holds them together.
        for (index, start) in chunk
            .starts
            .iter()
            .filter(|start| !start.too_long)
            .enumerate()
        {
            let raw = chunk.record(index);
            let read = match reader.read_record(&mut record) {
                Ok(_) => self.check_width(&record),
                Err(error) => Err(refusal(error)),
            };
            let place = Place {
                source: 0,
                line: start.line,
            };
            let read = read.and_then(|()| self.shape.read(Row::Cells(&record), place, parsed));
            settle(read, (start.line, raw), parsed);
        }
    }

    fn check_width(&self, record: &StringRecord) -> Result<(), Refusal> {
        let (found, wanted) = (record.len(), self.columns.names().len());
        match found == wanted {
            true => Ok(()),
            false => Err(format!(
                "the record has {found} cells, where {wanted} columns are known"
            )),
        }
    }

    fn lines(&self, chunk: &Chunk, parsed: &mut Parsed) {
        for (index, start) in chunk
            .starts
            .iter()
            .enumerate()
            .filter(|(_, start)| !start.too_long)
        {
            let raw = chunk.record(index);
            if raw.trim_ascii().is_empty() {
                parsed.read -= 1;
                continue;
            }
            let place = Place {
                source: 0,
                line: start.line,
            };
            let read = row::keys(raw, &self.columns)
                .map_err(|why| format!("the record {why}"))
                .and_then(|keys| self.shape.read(Row::Keys(&keys), place, parsed));
            settle(read, (start.line, raw), parsed);
        }
    }
}

fn settle(read: Result<Outcome<'_>, Refusal>, (line, raw): (u32, &[u8]), parsed: &mut Parsed) {
    match read {
        Ok(Outcome::Kept) => {}
        Ok(Outcome::Skipped(reason)) => match parsed.skipped.get_mut(reason) {
            Some(count) => *count += 1,
            None => {
                parsed.skipped.insert(reason.to_owned(), 1);
            }
        },
        Err(why) => parsed.reject(line, why, raw),
    }
}

fn refusal(error: csv::Error) -> Refusal {
    match error.kind() {
        csv::ErrorKind::Utf8 { err, .. } => {
            format!(
                "cell {} is not valid UTF-8, from byte {} on",
                err.field() + 1,
                err.valid_up_to() + 1
            )
        }
        _ => format!("the record cannot be read: {error}"),
    }
}

fn header(dialect: Dialect, found: &Found<'_>, chunk: Option<Chunk>) -> Result<Columns> {
    let Some(chunk) = chunk else {
        return Err(Error::input("the file is empty: not even a header is here").at(&found.name));
    };
    let place = format!("{}:{}", found.name, chunk.starts[0].line);
    if chunk.starts[0].too_long {
        return Err(Error::input("the header is too long").at(place));
    }
    let mut names = StringRecord::new();
    let read = dialect.reader(&chunk.bytes).read_record(&mut names);
    read.map_err(|error| Error::input(format!("the header: {}", refusal(error))).at(&place))?;
    let mut all: Vec<String> = Vec::new();
    for name in &names {
        let name = name.trim();
        let name = found.mapping.rename.get(name).map_or(name, String::as_str);
        if !name.is_empty() && all.iter().any(|known| known == name) {
            return Err(Error::input(format!("the header has two columns `{name}`")).at(&place));
        }
        all.push(name.to_owned());
    }
    Ok(Columns::fixed(all))
}

fn lacking(name: &str, columns: &Columns, found: &Found<'_>) -> Error {
    let there = columns.names();
    let error = Error::input(format!(
        "there is no column `{name}`; there are `{}`",
        there.join("`, `")
    ))
    .at(format!("{}:1", found.name));
    let separator = match there {
        [all] => [";", "\t", "|", ","]
            .into_iter()
            .find(|other| all.contains(other)),
        _ => None,
    };
    match separator {
        Some(other) => error.hint(format!("say `delimiter = {other:?}` in the mapping")),
        None => error,
    }
}
