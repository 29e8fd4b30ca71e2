//! Cuts a stream of bytes into chunks of whole records, with the line where each starts.
//!
//! Only the ends of records are looked for here; what is in them is read in parallel. For CSV that takes knowing
//! what is quoted, by the same rules as the `csv` crate that reads the records afterwards.

use super::open::{Bytes, Opened};
use crate::{Error, Result};
use std::io::BufRead;

/// The most bytes that one record may have. A longer one is rejected, and never held in memory.
pub const LONGEST: usize = 16 * 1024 * 1024;

const CHUNK: usize = 512 * 1024;

/// Some whole records.
#[derive(Debug, Default)]
pub struct Chunk {
    /// The records, one after the other, with their line ends.
    pub bytes: Vec<u8>,
    /// Where each record starts in `bytes`.
    pub starts: Vec<Start>,
}

/// Where a record starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// In the chunk's bytes.
    pub offset: usize,
    /// In the file: its line, from 1.
    pub line: u32,
    /// Whether it was longer than [`LONGEST`]: then it is the last of its chunk, with its first bytes only.
    pub too_long: bool,
}

impl Chunk {
    /// The bytes of the record with this number.
    pub fn record(&self, index: usize) -> &[u8] {
        let end = self
            .starts
            .get(index + 1)
            .map_or(self.bytes.len(), |next| next.offset);
        &self.bytes[self.starts[index].offset..end]
    }
}

/// How the ends of records are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Each line is a record.
    Lines,
    /// Records of cells; a quoted cell may hold line ends.
    Cells {
        /// What separates cells.
        delimiter: u8,
        /// What encloses cells, if anything does.
        quote: Option<u8>,
    },
}

/// Where in a record the scan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    CellStart,
    InCell,
    Quoted,
    QuoteInQuoted,
}

/// Cuts one file.
pub struct Cutter {
    bytes: Bytes,
    ends: Ends,
    state: State,
    lines: Lines,
}

/// Counts lines: LF, CR LF and CR end one each.
struct Lines {
    line: u32,
    after_cr: bool,
}

impl Lines {
    fn count(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\r' || (*byte == b'\n' && !self.after_cr) {
                self.line = self.line.saturating_add(1);
            }
            self.after_cr = *byte == b'\r';
        }
    }
}

impl Cutter {
    /// Cuts `bytes` where `ends` says.
    pub fn new(bytes: Bytes, ends: Ends) -> Self {
        Self {
            bytes,
            ends,
            state: State::CellStart,
            lines: Lines {
                line: 1,
                after_cr: false,
            },
        }
    }

    /// The next records, none at the end of the file.
    pub fn next(&mut self, opened: &Opened) -> Result<Option<Chunk>> {
        let mut chunk = Chunk::default();
        while chunk.bytes.len() < CHUNK && self.record(&mut chunk, opened)? {
            // What is cut short would run into the next record.
            if chunk.starts.last().is_some_and(|last| last.too_long) {
                break;
            }
        }
        Ok((!chunk.starts.is_empty()).then_some(chunk))
    }

    /// The first record alone: the header.
    pub fn header(&mut self, opened: &Opened) -> Result<Option<Chunk>> {
        let mut chunk = Chunk::default();
        while chunk.starts.is_empty() && self.record(&mut chunk, opened)? {}
        Ok((!chunk.starts.is_empty()).then_some(chunk))
    }

    /// Appends the next record to the chunk, or nothing where it is an empty line; false at the end of the file.
    fn record(&mut self, chunk: &mut Chunk, opened: &Opened) -> Result<bool> {
        let mut start = Start {
            offset: chunk.bytes.len(),
            line: self.lines.line,
            too_long: false,
        };
        let mut any = false;
        loop {
            let buffer = self.bytes.fill_buf().map_err(|e| opened.failed(e))?;
            if buffer.is_empty() {
                self.end_of_file(&start, opened)?;
                self.keep(chunk, start);
                return Ok(any);
            }
            any = true;
            let end = end_of_record(self.ends, &mut self.state, buffer);
            let part = &buffer[..end.unwrap_or(buffer.len())];
            start.too_long |= chunk.bytes.len() - start.offset + part.len() > LONGEST;
            if !start.too_long {
                chunk.bytes.extend_from_slice(part);
            }
            let read = part.len();
            self.lines.count(part);
            self.bytes.consume(read);
            if end.is_some() {
                self.keep(chunk, start);
                return Ok(true);
            }
        }
    }

    fn end_of_file(&self, start: &Start, opened: &Opened) -> Result<()> {
        if self.state != State::Quoted {
            return Ok(());
        }
        Err(
            Error::input("a quoted cell of this record is never closed, so the rest of the file cannot be told apart")
                .at(format!("{}:{}", opened.name(), start.line))
                .hint("close the quote; or, where the dump does not quote, say `quote = \"\"` in the mapping"),
        )
    }

    fn keep(&self, chunk: &mut Chunk, start: Start) {
        const SHOWN: usize = 1024;
        if start.too_long {
            chunk.bytes.truncate(start.offset + SHOWN);
        }
        let record = &chunk.bytes[start.offset..];
        if record.iter().all(|b| matches!(b, b'\r' | b'\n')) {
            chunk.bytes.truncate(start.offset);
        } else {
            chunk.starts.push(start);
        }
    }
}

/// Where the record ends that `buffer` begins or goes on with, behind its line end.
fn end_of_record(ends: Ends, state: &mut State, buffer: &[u8]) -> Option<usize> {
    let Ends::Cells { delimiter, quote } = ends else {
        return buffer.iter().position(|b| *b == b'\n').map(|at| at + 1);
    };
    for (at, &byte) in buffer.iter().enumerate() {
        let is_quote = Some(byte) == quote;
        *state = match *state {
            State::Quoted if is_quote => State::QuoteInQuoted,
            State::Quoted => State::Quoted,
            State::QuoteInQuoted | State::CellStart if is_quote => State::Quoted,
            _ if byte == delimiter => State::CellStart,
            _ if matches!(byte, b'\r' | b'\n') => {
                *state = State::CellStart;
                return Some(at + 1);
            }
            _ => State::InCell,
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, ends: Ends) -> Vec<(u32, String)> {
        let bytes: Bytes = Box::new(std::io::BufReader::with_capacity(
            3,
            std::io::Cursor::new(text.as_bytes().to_vec()),
        ));
        let mut cutter = Cutter::new(bytes, ends);
        let opened = Opened::for_tests();
        let mut found = Vec::new();
        while let Some(chunk) = cutter.next(&opened).unwrap() {
            for (index, start) in chunk.starts.iter().enumerate() {
                let record = String::from_utf8_lossy(chunk.record(index)).into_owned();
                found.push((start.line, record));
            }
        }
        found
    }

    #[test]
    fn quoted_line_ends_do_not_end_a_record() {
        let ends = Ends::Cells {
            delimiter: b',',
            quote: Some(b'"'),
        };
        let found = lines("a,b\r\n\r\n\"x\n\"\"y\",1\nq\"uo,te\n\n\rlast", ends);
        let expect = [
            (1, "a,b\r"),
            (3, "\"x\n\"\"y\",1\n"),
            (5, "q\"uo,te\n"),
            (8, "last"),
        ];
        let expect: Vec<_> = expect.map(|(line, text)| (line, text.to_owned())).into();
        assert_eq!(found, expect);
    }

    #[test]
    fn lines_end_records_whatever_is_in_them() {
        let found = lines("{\"a\":\"\n\n{}\r\n", Ends::Lines);
        assert_eq!(
            found,
            [(1, "{\"a\":\"\n".to_owned()), (3, "{}\r\n".to_owned())]
        );
    }
}
