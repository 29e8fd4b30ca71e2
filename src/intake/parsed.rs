//! What a chunk of a file turned into.

use crate::model::{Fact, Interaction, Place, Record, UnixSeconds};
use std::collections::BTreeMap;

/// The records of one chunk. Their sources are numbered within the chunk: 0 is the file, others follow in `graphs`.
#[derive(Debug, Default)]
pub struct Parsed {
    /// Facts and events.
    pub records: Vec<Record>,
    /// The named graphs that the chunk speaks of, beside the file's own.
    pub graphs: Vec<String>,
    /// How many records were read, also those that gave nothing.
    pub read: u64,
    /// The records that could not be understood.
    pub rejected: Vec<Rejected>,
    /// How many records were left out, by reason.
    pub skipped: BTreeMap<String, u64>,
}

/// A record that could not be understood.
#[derive(Debug)]
pub struct Rejected {
    /// The line where it starts.
    pub line: u32,
    /// Why.
    pub message: String,
    /// Its first bytes.
    pub raw: Vec<u8>,
}

impl Parsed {
    /// Adds a fact that the file is sure of.
    pub fn fact(&mut self, terms: [String; 3], time: Option<UnixSeconds>, place: Place) {
        let [subject, predicate, object] = terms;
        self.records.push(Record::Fact(Fact {
            subject,
            predicate,
            object,
            confidence: 1.0,
            time,
            place,
        }));
    }

    /// Adds an event.
    pub fn event(&mut self, event: Interaction) {
        self.records.push(Record::Interaction(event));
    }

    /// Rejects the record that starts at `line`.
    pub fn reject(&mut self, line: u32, message: impl Into<String>, raw: &[u8]) {
        const KEPT: usize = 4096;
        self.rejected.push(Rejected {
            line,
            message: message.into(),
            raw: raw[..raw.len().min(KEPT)].to_owned(),
        });
    }

    /// The number, within the chunk, of the source for a named graph.
    pub fn graph(&mut self, iri: String) -> u32 {
        // Few graphs in a chunk, and mostly the last one again.
        let known = self.graphs.iter().rposition(|graph| *graph == iri);
        let index = known.unwrap_or_else(|| {
            self.graphs.push(iri);
            self.graphs.len() - 1
        });
        index as u32 + 1
    }
}
