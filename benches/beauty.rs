//! Amazon Beauty, imported into a project of its own: what the benches measure.

use kenning::config::Project;
use kenning::engine::{Engine, Strictness};
use kenning::intake::preset;
use kenning::model::Unwatched;
use std::path::PathBuf;
use tempfile::TempDir;

pub struct Beauty {
    pub engine: Engine,
    _folder: TempDir,
}

impl Beauty {
    /// The imported data; `None`, with a printed reason, where they are absent.
    pub fn import() -> Option<Self> {
        let root = std::env::var_os("KENNING_TEST_DATA").map(PathBuf::from);
        let root = root
            .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
        let dump = root.join("amazon-beauty");
        if !dump.is_dir() {
            eprintln!("skipped: there is no test data at {}", dump.display());
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let project = Project::init(&folder.path().join("beauty"), "beauty").unwrap();
        let engine = Engine::open(project).unwrap();
        let mapping = preset("amazon-beauty").unwrap();
        engine
            .import(mapping, &dump, Strictness::Strict, &Unwatched)
            .unwrap();
        Some(Self {
            engine,
            _folder: folder,
        })
    }
}
