//! Somebody is erased: from what was imported, told, decided and kept, and from the graph.

use super::traces::{Needle, files};
use super::{Engine, models};
use crate::graph::Graph;
use crate::journal::{self, Erase, ErasedRows};
use crate::knowledge::segment::{Gone, without};
use crate::model::{Progress, term};
use crate::{Error, Result};
use rustc_hash::FxHashSet;
use std::path::{Path, PathBuf};

/// What was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// What left the imported datasets.
    pub imported: Gone,
    /// What left the journal.
    pub journal: ErasedRows,
    /// Lines that left files of refused records and of what a model read off texts.
    pub lines: usize,
    /// Former snapshots that were deleted because they hold them.
    pub snapshots: usize,
    /// The files that datasets were imported from, as dataset and file. They are not the project's, and still hold them.
    pub sources: Vec<String>,
}

impl Engine {
    /// Erases a user, by IRI or by the id that the dumps use: their events and what is said of them and by them in imported
    /// datasets and in changes, decisions for them with outcomes, prompts and replies, refused records and former snapshots
    /// that name them; then builds the graph anew. Who was erased is kept as a keyed hash, so that importing the same
    /// dump again leaves them out. What is told of them afterwards is new, and counts.
    ///
    /// [`Engine::traces`] proves it.
    ///
    /// # Errors
    /// Those of [`Engine::build`] and of the journal. Each step is whole or not at all, and running it again goes on.
    pub fn erase(&self, user: &str, progress: &dyn Progress) -> Result<Erased> {
        let whom = self.names(user)?;
        let needle = Needle::new(&whom)?;
        let mut erased = Erased::default();
        {
            let _lock = self.project.lock()?;
            self.tombstones(&whom)?;
            self.erase_imports(&whom, &mut erased)?;
            erased.lines = self.erase_lines(&needle)?;
            self.forget_report()?;
            erased.snapshots = self.erase_snapshots(&needle)?;
            let journal = self.journal.erase(&whom, &|text| needle.is_in(text));
            // Whoever reads the log begins anew, whatever comes of the rest.
            self.tombstones(&whom)?;
            erased.journal = journal?;
        }
        if self.project.snapshot_file().exists() {
            self.build_without(progress)?;
        }
        // A server may have answered them until it saw the new graph.
        let again = self.journal.erase(&whom, &|text| needle.is_in(text));
        // Rows have other numbers now.
        self.tombstones(&whom)?;
        again?;
        erased.sources = self.sources()?;
        Ok(erased)
    }

    /// Keeps who was erased.
    fn tombstones(&self, whom: &Erase) -> Result<()> {
        let log = self.journal.change_log()?;
        for iri in &whom.iris {
            self.journal
                .record_erasure(&self.hash(&log, iri), &journal::now())?;
        }
        Ok(())
    }

    fn erase_imports(&self, whom: &Erase, erased: &mut Erased) -> Result<()> {
        let encoded: Vec<String> = whom.iris.iter().map(|iri| term::iri(iri)).collect();
        let is_gone = |text: &str| encoded.iter().any(|iri| iri == text);
        for path in self.segment_files()? {
            let gone = without(&path, &is_gone)?;
            erased.imported.facts += gone.facts;
            erased.imported.events += gone.events;
        }
        Ok(())
    }

    /// Leaves who was erased out of a dataset that was just imported.
    pub(super) fn leave_erased_out(&self, path: &Path) -> Result<Gone> {
        let erased = self.erased()?;
        if erased.is_empty() {
            return Ok(Gone::default());
        }
        let log = self.journal.change_log()?;
        without(path, &|text| self.is_erased(&erased, &log, text))
    }

    /// Whether a graph holds somebody who was erased.
    pub(super) fn holds_erased(&self, graph: &Graph) -> Result<bool> {
        let erased = self.erased()?;
        let log = self.journal.change_log()?;
        let is_one = |node: u32| self.is_erased(&erased, &log, graph.term(node));
        Ok(!erased.is_empty() && graph.nodes().any(is_one))
    }

    fn erased(&self) -> Result<FxHashSet<String>> {
        Ok(self.journal.erased()?.into_iter().collect())
    }

    fn is_erased(&self, erased: &FxHashSet<String>, log: &str, encoded: &str) -> bool {
        let iri = term::as_iri(encoded);
        iri.is_some_and(|iri| erased.contains(&self.hash(log, iri)))
    }

    /// The hash of an IRI, keyed by the name of the log of changes, which no other project has.
    fn hash(&self, log: &str, iri: &str) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("kenning 2026 erased users");
        hasher.update(log.as_bytes());
        hasher.update(iri.as_bytes());
        hasher.finalize().to_hex().to_string()
    }

    /// Takes lines that name them out of files of lines.
    fn erase_lines(&self, needle: &Needle) -> Result<usize> {
        let mut lines = 0;
        let mut paths = files(&self.project.rejects())?;
        paths.push(self.project.extracted_file());
        for path in paths.iter().filter(|path| path.exists()) {
            lines += erase_lines(path, needle)?;
        }
        Ok(lines)
    }

    fn erase_snapshots(&self, needle: &Needle) -> Result<usize> {
        let mut deleted = 0;
        for path in self.kept_files()? {
            if path.extension().is_some_and(|e| e == "kng") && needle.in_file(&path)?.is_some() {
                delete(&path)?;
                delete(&PathBuf::from(format!("{}.verified", path.display())))?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    /// Builds the graph anew, with vectors if it has some.
    fn build_without(&self, progress: &dyn Progress) -> Result<()> {
        let has_vectors = Graph::open(&self.project.snapshot_file())
            .is_ok_and(|graph| graph.meta.embedder.is_some());
        let built = match has_vectors {
            true => models::embedder(&self.project)
                .and_then(|embedder| self.build_graph_of_all(embedder.as_ref(), progress)),
            false => self.build_graph_of_all(None, progress),
        };
        built.map_err(|e| {
            let message = format!(
                "they are out of all but the graph, which could not be built anew: {}",
                e.message()
            );
            Error::new(e.kind(), message)
                .hint("kenning build, then `kenning erase --check` again")
                .because(e)
        })
    }

    /// The files that datasets were imported from.
    fn sources(&self) -> Result<Vec<String>> {
        let imports = self.journal.imports()?;
        let named = |import: &journal::Entry<journal::Import>| {
            let dataset = import.record.dataset.clone();
            let files = import.record.inputs.iter();
            let named = files.map(|input| format!("{dataset}: {}", input.file));
            named.collect::<Vec<_>>()
        };
        let mut sources: Vec<String> = imports.iter().flat_map(named).collect();
        sources.sort();
        sources.dedup();
        Ok(sources)
    }
}

/// Takes the lines out that name somebody; the file stays as it is if none does.
fn erase_lines(path: &Path, needle: &Needle) -> Result<usize> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
    let text = String::from_utf8_lossy(&bytes);
    let (gone, kept): (Vec<&str>, Vec<&str>) = text
        .split_inclusive('\n')
        .partition(|line| needle.is_in_line(line));
    if gone.is_empty() {
        return Ok(0);
    }
    let part = path.with_extension("part");
    let written = std::fs::write(&part, kept.concat()).and_then(|()| std::fs::rename(&part, path));
    written.map_err(|e| Error::io("write", path, e))?;
    Ok(gone.len())
}

fn delete(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("delete", path, e)),
        _ => Ok(()),
    }
}
