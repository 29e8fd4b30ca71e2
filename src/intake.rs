//! Dumps → records: files of many formats, plain or compressed, read by a [`Mapping`].
//!
//! [`run`] finds the files that the mapping names, reads each once, and hands facts and events to a sink, in the
//! order of the files, batch by batch. One thread unpacks and cuts the stream into chunks of whole records, rayon
//! turns chunks into records, and the caller's thread receives them: memory stays bounded, order is the dump's.
//!
//! A record that cannot be understood is *rejected*: counted, sampled in the [`Report`] and written aside with its
//! line and the reason, or, where the plan is [`BadRecords::Strict`], an error. A record that the mapping leaves out is
//! *skipped*, counted by reason. What breaks a whole file (a truncated archive, broken Turtle, a quote that never
//! closes, a missing column) fails the import: half a dump looks like a whole one afterwards.

mod check;
mod collect;
mod column;
mod cut;
mod find;
pub mod mapping;
mod open;
mod parsed;
mod presets;
mod rdf;
mod read;
mod row;
mod shape;
mod skip;
mod table;
mod value;

pub use mapping::Mapping;
pub use presets::{PRESETS, preset, preset_text};

use crate::model::{Progress, Record, Source};
use crate::{Error, Result};
use collect::Collector;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What to read, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How columns become records.
    pub mapping: Mapping,
    /// The folder of the dump, or a single file of it.
    pub root: PathBuf,
    /// What to do with records that cannot be understood.
    pub bad_records: BadRecords,
}

/// What to do with records that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadRecords {
    /// Count them, and write them to this file (tab-separated: file, line, reason, record). The file exists after
    /// the run only if there was something to write.
    Lenient {
        /// Where they are written.
        rejects: PathBuf,
    },
    /// Stop at the first.
    Strict,
}

/// Some records, in the order of the dump.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Sources that the records of this batch are the first to speak of: append them to those of earlier batches,
    /// and [`crate::model::Place::source`] is an index into the list.
    pub sources: Vec<Source>,
    /// The records.
    pub records: Vec<Record>,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// All sources; places point into this list.
    pub sources: Vec<Source>,
    /// What each file held, in the order read.
    pub files: Vec<FileReport>,
    /// The first rejected records.
    pub rejects: Vec<Reject>,
    /// Where all rejected records were written, if there are any.
    pub rejects_file: Option<PathBuf>,
}

/// What one file held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileReport {
    /// The file, relative to the dump's folder.
    pub file: String,
    /// Its size on disk.
    pub bytes: u64,
    /// Records read, also those rejected or skipped.
    pub records: u64,
    /// Facts that they gave.
    pub facts: u64,
    /// Events that they gave.
    pub events: u64,
    /// Records that could not be understood.
    pub rejected: u64,
    /// Records that the mapping leaves out, by reason.
    pub skipped: BTreeMap<String, u64>,
}

/// A record that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The file, relative to the dump's folder.
    pub file: String,
    /// The line where the record starts.
    pub line: u32,
    /// Why.
    pub message: String,
}

impl Report {
    /// The sum over all files.
    pub fn total(&self) -> FileReport {
        let mut total = FileReport::default();
        for file in &self.files {
            total.bytes += file.bytes;
            total.records += file.records;
            total.facts += file.facts;
            total.events += file.events;
            total.rejected += file.rejected;
            for (reason, count) in &file.skipped {
                *total.skipped.entry(reason.clone()).or_default() += count;
            }
        }
        total
    }
}

/// Reads the dump that `plan` names and gives its records to `sink`, in order. An error of the sink ends the run.
///
/// Rayon's global pool does the parsing: do not call this from one of its own threads.
pub fn run(
    plan: &Plan,
    progress: &dyn Progress,
    sink: &mut dyn FnMut(Batch) -> Result<()>,
) -> Result<Report> {
    let files = find::files(&plan.mapping, &plan.root)?;
    let files: Vec<_> = files
        .into_iter()
        .map(|found| {
            let graph = graph(&plan.mapping, &found.name);
            (found, graph)
        })
        .collect();
    let mut collector = Collector::new(&files, &plan.bad_records)?;
    let bytes = files.iter().map(|(found, _)| found.bytes).sum();
    progress.begin("read the dump", Some(bytes), "bytes");
    let (mut current, mut seen) = (0, 0);
    let read = read::read_all(&plan.mapping, &files, &mut |file, read, parsed| {
        if file != current {
            (current, seen) = (file, 0);
        }
        let (amount, records) = (read.saturating_sub(seen), parsed.read);
        seen = read;
        let batch = collector.take((file, &files[file].1), parsed)?;
        if !(batch.records.is_empty() && batch.sources.is_empty()) {
            sink(batch)?;
        }
        progress.advance(amount, records);
        Ok(())
    });
    progress.end();
    read.map_err(|error| suggest(error, plan))?;
    collector.finish()
}

/// The IRI of a file's graph. How the file is packed is no part of what it says.
fn graph(mapping: &Mapping, name: &str) -> String {
    let parts = find::unpacked_name(name)
        .split('/')
        .map(crate::vocabulary::percent_encode);
    let parts: Vec<_> = parts.collect();
    format!("{}source/{}", mapping.dataset.base, parts.join("/"))
}

/// Names a preset that fits better, where one does.
fn suggest(error: Error, plan: &Plan) -> Error {
    let name = plan.mapping.dataset.name.as_str();
    let fitting = fitting_presets(&plan.root);
    match fitting.iter().find(|preset| **preset != name) {
        Some(preset) if error.next_step().is_none() => error.hint(format!(
            "kenning import --preset {preset} {}",
            plan.root.display()
        )),
        _ => error,
    }
}

/// The presets that fit the files in `root`: those whose files are there, with the columns that they need.
pub fn fitting_presets(root: &std::path::Path) -> Vec<&'static str> {
    let fits = |name: &&&str| preset(name).is_ok_and(|mapping| read::fits(&mapping, root));
    PRESETS.iter().filter(fits).copied().collect()
}
