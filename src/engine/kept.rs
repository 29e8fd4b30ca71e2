//! Former snapshots, kept because decisions rest on them.

use super::Engine;
use crate::graph::Graph;
use crate::{Error, Result};
use std::path::PathBuf;

impl Engine {
    /// Gives the present snapshot a second name if decisions rest on it, so that the next one does not take it away; but not
    /// if it holds somebody who was erased. The file is not copied.
    pub(super) fn keep_snapshot(&self) -> Result<()> {
        let present = self.project.snapshot_file();
        if self.project.settings().decisions.snapshots == 0 || !present.exists() {
            return Ok(());
        }
        // What cannot be opened can answer nothing again.
        let Ok(graph) = Graph::open(&present) else {
            return Ok(());
        };
        if self.holds_erased(&graph)? {
            return Ok(());
        }
        let hash = graph.id().to_string();
        let file = self.kept_snapshot(&hash);
        if file.exists() || !self.journal.snapshots_in_use()?.contains(&hash) {
            return Ok(());
        }
        let folder = self.project.snapshots();
        std::fs::create_dir_all(&folder).map_err(|e| Error::io("create", &folder, e))?;
        std::fs::hard_link(&present, &file).map_err(|e| {
            Error::io("keep the snapshot that decisions rest on", &file, e)
                .hint("`snapshots = 0` under `[decisions]` builds without keeping it")
        })
    }

    /// Lets former snapshots go that no decision rests on, that are the present one, or that are more than the settings
    /// allow: those stay on which the last decisions rest.
    pub(super) fn let_snapshots_go(&self, present: &str) -> Result<()> {
        let folder = self.project.snapshots();
        if !folder.exists() {
            return Ok(());
        }
        let mut wanted = self.journal.snapshots_in_use()?;
        wanted.retain(|hash| hash != present && self.kept_snapshot(hash).exists());
        wanted.truncate(self.project.settings().decisions.snapshots);
        let stays = |name: &str| wanted.iter().any(|hash| name.starts_with(hash.as_str()));
        for path in self.kept_files()? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !stays(&name) {
                std::fs::remove_file(&path).map_err(|e| Error::io("delete", &path, e))?;
            }
        }
        Ok(())
    }

    /// The files of former snapshots, and the notes beside them.
    pub(super) fn kept_files(&self) -> Result<Vec<PathBuf>> {
        let folder = self.project.snapshots();
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let entries = std::fs::read_dir(&folder).map_err(|e| Error::io("list", &folder, e))?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        let paths = paths.collect::<std::io::Result<Vec<_>>>();
        let mut paths = paths.map_err(|e| Error::io("list", &folder, e))?;
        paths.sort();
        Ok(paths)
    }
}
