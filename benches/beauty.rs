//! Amazon Beauty, imported into a project of its own: what the benches measure.

use kenning::config::{Project, Settings};
use kenning::engine::{Engine, Strictness};
use kenning::intake::preset;
use kenning::model::Unwatched;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub struct Beauty {
    pub engine: Engine,
    _folder: TempDir,
}

impl Beauty {
    /// The imported data; `None`, with a printed reason, where they are absent.
    pub fn import() -> Option<Self> {
        Some(Self::of(&dump()?, |_| ()))
    }

    /// Imports a folder into a project whose settings `set` changes.
    pub fn of(dump: &Path, set: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::init(&folder.path().join("beauty"), "beauty").unwrap();
        let mut settings = project.settings().clone();
        set(&mut settings);
        let engine = Engine::open(project.with_settings(settings)).unwrap();
        let mapping = preset("amazon-beauty").unwrap();
        engine
            .import(mapping, dump, Strictness::Strict, &Unwatched)
            .unwrap();
        Self {
            engine,
            _folder: folder,
        }
    }
}

/// Where the data are; `None`, with a printed reason, where they are absent.
pub fn dump() -> Option<PathBuf> {
    let root = std::env::var_os("KENNING_TEST_DATA").map(PathBuf::from);
    let root =
        root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    let dump = root.join("amazon-beauty");
    if !dump.is_dir() {
        eprintln!("skipped: there is no test data at {}", dump.display());
        return None;
    }
    Some(dump)
}
