//! A dump becomes a segment.

use super::Engine;
use crate::intake::{self, BadRecords, Mapping, Plan, Report};
use crate::journal::{self, Input};
use crate::knowledge::segment::{Gone, Segment, SegmentBuilder};
use crate::model::{Dataset, Progress};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// What an import brought in.
#[derive(Debug)]
pub struct Imported {
    /// Name of the dataset.
    pub dataset: String,
    /// What each file held.
    pub report: Report,
    /// Distinct facts.
    pub facts: usize,
    /// Events.
    pub events: usize,
}

impl Engine {
    /// Reads the dump at `root` by `mapping`. A former import under the same name is replaced when all is read.
    pub fn import(
        &self,
        mapping: Mapping,
        root: &Path,
        strictness: Strictness,
        progress: &dyn Progress,
    ) -> Result<Imported> {
        let _lock = self.project.lock()?;
        let started = journal::now();
        let name = mapping.dataset.name.clone();
        let plan = Plan {
            mapping,
            root: root.to_owned(),
            bad_records: match strictness {
                Strictness::Strict => BadRecords::Strict,
                Strictness::Lenient => BadRecords::Lenient {
                    rejects: self.project.rejects().join(format!("{name}.tsv")),
                },
            },
        };
        let mut segment = SegmentBuilder::default();
        let report = intake::run(&plan, progress, &mut |batch| {
            batch
                .records
                .into_iter()
                .try_for_each(|record| segment.add(record))
        })?;
        let (facts, events) = (segment.facts(), segment.events());
        let dataset = describe(&plan.mapping, &report)?;
        let path = self.segment_file(&name);
        let id = segment.write(&dataset, &path)?;
        let gone = self.leave_erased_out(&path)?;
        let id = match gone == Gone::default() {
            true => id,
            false => Segment::open(&path)?.id,
        };
        let total = report.total();
        self.journal.record_import(&journal::Import {
            dataset: name.clone(),
            started,
            finished: journal::now(),
            mapping_hash: hash(&plan.mapping)?,
            inputs: report.files.iter().map(input).collect(),
            records: total.records,
            rejected: total.rejected,
            segment_hash: id.to_string(),
        })?;
        Ok(Imported {
            dataset: name,
            report,
            facts: facts - gone.facts,
            events: events - gone.events,
        })
    }

    pub(super) fn segment_file(&self, dataset: &str) -> PathBuf {
        self.project.imports().join(format!("{dataset}.seg"))
    }
}

/// What happens at a record that cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// It is counted and written aside.
    Lenient,
    /// The import stops.
    Strict,
}

fn input(file: &intake::FileReport) -> Input {
    Input {
        file: file.file.clone(),
        bytes: file.bytes,
    }
}

fn hash(mapping: &Mapping) -> Result<String> {
    let text = serde_json::to_string(mapping)
        .map_err(|e| Error::usage(format!("cannot write the mapping: {e}")).because(e))?;
    Ok(blake3::hash(text.as_bytes()).to_hex().to_string())
}

fn describe(mapping: &Mapping, report: &Report) -> Result<Dataset> {
    let dataset = &mapping.dataset;
    let template = |kind: &str| {
        let given = mapping.iris.get(kind).cloned();
        given.unwrap_or_else(|| format!("{}{kind}/{{}}", dataset.base))
    };
    Ok(Dataset {
        name: dataset.name.clone(),
        label: dataset
            .label
            .clone()
            .unwrap_or_else(|| dataset.name.clone()),
        base: dataset.base.clone(),
        user_iri: template("user"),
        item_iri: template("item"),
        user_class: dataset.user_class.clone(),
        item_class: dataset.item_class.clone(),
        noun: dataset.item.clone(),
        verb: dataset.verb.clone(),
        licence: dataset.licence.clone(),
        vocabularies: dataset.vocabularies.clone(),
        texts: mapping
            .text_properties()
            .into_iter()
            .map(Into::into)
            .collect(),
        clock: mapping.has_clock(),
        phrases: mapping.phrases.clone(),
        sources: report.sources.clone(),
    })
}
