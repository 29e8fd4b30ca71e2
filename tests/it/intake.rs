//! Dumps become records.

mod errors;
mod formats;
mod real;
mod tables;

use kenning::intake::{BadRecords, Batch, Mapping, Plan, Report, run};
use kenning::model::{Fact, Interaction, Record, Source, Unwatched};
use kenning::{Error, Result};
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const TITLES: &str = r#"
[dataset]
name = "t"
base = "http://t.example/"
[[file]]
path = "t.csv"
[file.item]
id = "id"
[[file.item.attribute]]
column = "title"
property = "rdfs:label"
"#;

const EVENTS: &str = r#"
[dataset]
name = "t"
base = "http://t.example/"
[[file]]
path = "e.csv"
time_format = "unix"
[file.event]
user = "user"
item = "item"
time = "time"
weight = "weight"
"#;

/// What an import gave.
struct Imported {
    records: Vec<Record>,
    sources: Vec<Source>,
    report: Report,
}

impl Imported {
    fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.records.iter().filter_map(|record| match record {
            Record::Fact(fact) => Some(fact),
            Record::Interaction(_) => None,
        })
    }

    fn events(&self) -> impl Iterator<Item = &Interaction> {
        self.records.iter().filter_map(|record| match record {
            Record::Interaction(event) => Some(event),
            Record::Fact(_) => None,
        })
    }

    /// Each record on a line: its source and line, and what it says.
    fn listing(&self) -> String {
        let mut listing = String::new();
        for record in &self.records {
            let (place, said) = match record {
                Record::Fact(fact) => {
                    let time = fact
                        .time
                        .map(|time| format!(" @{time}"))
                        .unwrap_or_default();
                    let sure = match fact.confidence {
                        1.0 => String::new(),
                        other => format!(" ~{other}"),
                    };
                    let Fact {
                        subject,
                        predicate,
                        object,
                        place,
                        ..
                    } = fact;
                    (place, format!("{subject} {predicate} {object}{time}{sure}"))
                }
                Record::Interaction(event) => {
                    let Interaction {
                        user,
                        item,
                        group,
                        time,
                        weight,
                        place,
                    } = event;
                    (
                        place,
                        format!("{user:?} {item} {group:?} {time:?} {weight}"),
                    )
                }
            };
            let said = said.replace('\0', "|").replace("http://t.example/", "t:");
            let said = said.replace("http://www.w3.org/2000/01/rdf-schema#", "rdfs:");
            listing += &format!("{}:{} {said}\n", place.source, place.line);
        }
        listing
    }
}

/// A folder with these files.
fn dump(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn mapping(text: &str) -> Mapping {
    Mapping::parse(text, "mapping.toml").unwrap()
}

fn rejects(root: &Path) -> PathBuf {
    root.join("rejects.tsv")
}

fn import_with(mapping: Mapping, root: &Path, bad_records: BadRecords) -> Result<Imported> {
    let plan = Plan {
        mapping,
        root: root.to_owned(),
        bad_records,
    };
    let (mut records, mut sources) = (Vec::new(), Vec::new());
    let report = run(&plan, &Unwatched, &mut |batch: Batch| {
        sources.extend(batch.sources);
        records.extend(batch.records);
        Ok(())
    })?;
    assert_eq!(sources, report.sources[..sources.len()]);
    Ok(Imported {
        records,
        sources,
        report,
    })
}

/// Imports leniently; rejected records are written beside the dump.
fn import(mapping: Mapping, root: &Path) -> Result<Imported> {
    let folder = if root.is_dir() {
        root
    } else {
        root.parent().unwrap()
    };
    let rejects = rejects(folder);
    import_with(mapping, root, BadRecords::Lenient { rejects })
}

/// Imports and gives the error, with its hint.
fn fails(mapping: Mapping, root: &Path) -> String {
    match import_with(mapping, root, BadRecords::Strict) {
        Ok(_) => panic!("the import was to fail"),
        Err(error) => told(&error, root),
    }
}

/// An error and its hint, without what differs from run to run.
fn told(error: &Error, root: &Path) -> String {
    let hint = error.next_step().map(|hint| format!("\nhint: {hint}"));
    let text = format!("{error}{}", hint.unwrap_or_default());
    text.replace(&root.display().to_string(), "DUMP")
}
