use super::{Bars, Printer};
use crate::Result;
use crate::config::{Layers, Project};
use crate::journal::Journal;
use std::path::{Path, PathBuf};

/// What every verb starts from.
#[derive(Debug)]
pub struct Session {
    /// Writes everything that the verb has to say.
    pub printer: Printer,
    folder: PathBuf,
}

impl Session {
    /// A session in `folder`, or in the current one.
    pub fn new(printer: Printer, folder: Option<PathBuf>) -> Self {
        Self {
            printer,
            folder: folder.unwrap_or_else(|| ".".into()),
        }
    }

    /// The folder where the project is looked for, and upwards: `-C DIR`, or the current one.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `path` as seen from that folder.
    pub fn path(&self, path: &Path) -> PathBuf {
        match self.folder == Path::new(".") {
            true => path.to_owned(),
            false => self.folder.join(path),
        }
    }

    /// The project, as its file and the environment say.
    pub fn project(&self) -> Result<Project> {
        self.project_with(Layers::from_environment())
    }

    /// The project, with flags on top: `Layers::from_environment().flag("prompt.budget", "--budget", value)`.
    pub fn project_with(&self, layers: Layers) -> Result<Project> {
        Project::open_with(&Project::find(&self.folder)?, &layers)
    }

    /// The journal of a project.
    pub fn journal(&self, project: &Project) -> Result<Journal> {
        Journal::open(&project.journal_file())
    }

    /// Progress of long work, drawn if somebody watches.
    pub fn bars(&self) -> Bars {
        Bars::new(&self.printer)
    }
}
