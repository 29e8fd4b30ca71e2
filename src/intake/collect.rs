//! Numbers the sources, counts, and sees to bad records, in the order of the dump.

use super::find::Found;
use super::parsed::{Parsed, Rejected};
use super::{BadRecords, Batch, FileReport, Reject, Report};
use crate::model::{Record, Source};
use crate::{Error, Result};
use rustc_hash::FxHashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

const SAMPLES: usize = 10;

/// What has come of the dump so far.
pub struct Collector<'p> {
    bad_records: &'p BadRecords,
    report: Report,
    numbers: FxHashMap<(String, usize), u32>,
    rejects: Option<BufWriter<File>>,
    /// How many sources the sink has been told of.
    told: usize,
}

impl<'p> Collector<'p> {
    /// For these files, each with its graph.
    pub fn new(files: &[(Found<'_>, String)], bad_records: &'p BadRecords) -> Result<Self> {
        if let BadRecords::Lenient { rejects } = bad_records {
            remove_stale(rejects)?;
        }
        let mut collector = Self {
            bad_records,
            report: Report::default(),
            numbers: FxHashMap::default(),
            rejects: None,
            told: 0,
        };
        for (number, (found, graph)) in files.iter().enumerate() {
            collector.report.files.push(FileReport {
                file: found.name.clone(),
                bytes: found.bytes,
                ..FileReport::default()
            });
            collector.source(number, graph);
        }
        Ok(collector)
    }

    fn source(&mut self, file: usize, graph: &str) -> u32 {
        if let Some(known) = self.numbers.get(&(graph.to_owned(), file)) {
            return *known;
        }
        let name = &self.report.files[file].file;
        // One file may be read twice, by two entries of the mapping.
        let same = |source: &Source| source.graph == graph && source.file == *name;
        let twin = self.report.sources.iter().position(same);
        let number = twin.unwrap_or(self.report.sources.len());
        if twin.is_none() {
            self.report.sources.push(Source {
                graph: graph.to_owned(),
                file: name.clone(),
            });
        }
        self.numbers.insert((graph.to_owned(), file), number as u32);
        number as u32
    }

    /// Counts what came from a file and makes a batch of it.
    pub fn take(&mut self, (file, graph): (usize, &str), mut parsed: Parsed) -> Result<Batch> {
        let mut numbers = vec![self.source(file, graph)];
        for graph in &parsed.graphs {
            numbers.push(self.source(file, graph));
        }
        let report = &mut self.report.files[file];
        report.records += parsed.read;
        report.rejected += parsed.rejected.len() as u64;
        for (reason, count) in std::mem::take(&mut parsed.skipped) {
            *report.skipped.entry(reason).or_default() += count;
        }
        for record in &mut parsed.records {
            let (place, count) = match record {
                Record::Fact(fact) => (&mut fact.place, &mut report.facts),
                Record::Interaction(event) => (&mut event.place, &mut report.events),
            };
            place.source = numbers[place.source as usize];
            *count += 1;
        }
        for rejected in &parsed.rejected {
            self.reject(file, rejected)?;
        }
        let sources = self.report.sources[self.told..].to_vec();
        self.told = self.report.sources.len();
        Ok(Batch {
            sources,
            records: parsed.records,
        })
    }

    fn reject(&mut self, file: usize, rejected: &Rejected) -> Result<()> {
        let file = &self.report.files[file].file;
        let BadRecords::Lenient { rejects } = self.bad_records else {
            return Err(Error::input(&rejected.message)
                .at(format!("{file}:{}", rejected.line))
                .hint("correct the record, or import without `--strict`: bad records are then written aside"));
        };
        if self.report.rejects.len() < SAMPLES {
            self.report.rejects.push(Reject {
                file: file.clone(),
                line: rejected.line,
                message: rejected.message.clone(),
            });
        }
        let failed = |e: io::Error| Error::io("write the rejected records", rejects, e);
        if self.rejects.is_none() {
            self.rejects = Some(create(rejects).map_err(failed)?);
            self.report.rejects_file = Some(rejects.clone());
        }
        match &mut self.rejects {
            Some(aside) => write(aside, file, rejected).map_err(failed),
            None => Ok(()),
        }
    }

    /// What was read, if it was anything.
    pub fn finish(mut self) -> Result<Report> {
        if let (Some(aside), BadRecords::Lenient { rejects }) =
            (&mut self.rejects, self.bad_records)
        {
            let flushed = aside.flush();
            flushed.map_err(|e| Error::io("write the rejected records", rejects, e))?;
        }
        let total = self.report.total();
        let names: Vec<_> = self
            .report
            .files
            .iter()
            .map(|file| file.file.as_str())
            .collect();
        if total.records == 0 {
            return Err(Error::input("the dump holds no records").at(names.join(", ")));
        }
        if total.facts + total.events > 0 {
            return Ok(self.report);
        }
        let skipped: u64 = total.skipped.values().sum();
        let message = format!(
            "of {} records none gave a fact or an event: {} rejected, {skipped} skipped",
            total.records, total.rejected
        );
        let error = Error::input(message).at(names.join(", "));
        Err(match self.report.rejects.first() {
            Some(Reject {
                file,
                line,
                message,
            }) => error.hint(format!("the first: {file}:{line}: {message}")),
            None => error.hint("look at the `skip` rules of the mapping"),
        })
    }
}

/// Rejects of an earlier run would pass for those of this one.
fn remove_stale(rejects: &Path) -> Result<()> {
    match std::fs::remove_file(rejects) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(
            "remove the rejected records of an earlier run",
            rejects,
            error,
        )),
        _ => Ok(()),
    }
}

fn create(path: &Path) -> io::Result<BufWriter<File>> {
    let mut aside = BufWriter::new(File::create(path)?);
    aside.write_all(b"file\tline\treason\trecord\n")?;
    Ok(aside)
}

fn write(aside: &mut impl Write, file: &str, rejected: &Rejected) -> io::Result<()> {
    let raw = String::from_utf8_lossy(&rejected.raw);
    let raw = raw.trim_end_matches(['\r', '\n']);
    let (reason, raw) = (cell(&rejected.message), cell(raw));
    writeln!(aside, "{}\t{}\t{reason}\t{raw}", cell(file), rejected.line)
}

/// A text without the characters that end a cell.
fn cell(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('\t', "\\t");
    text.replace('\n', "\\n").replace('\r', "\\r")
}
