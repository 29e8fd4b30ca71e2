use super::{Bars, Printer};
use crate::config::{Layers, Project};
use crate::journal::Journal;
use crate::{Error, Result};
use std::io::Read;
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

    /// Text that was typed, or lies in a file; `-`, or neither, reads standard input. Errors call it `what`.
    pub fn text(&self, what: &str, typed: Option<&str>, file: Option<&Path>) -> Result<String> {
        let action = format!("read {what}");
        match (typed, file) {
            (Some(text), _) if text != "-" => Ok(text.to_owned()),
            (_, Some(file)) if file != "-" => {
                std::fs::read_to_string(file).map_err(|e| Error::io(&action, file, e))
            }
            _ => {
                let mut text = String::new();
                let read = std::io::stdin().read_to_string(&mut text);
                read.map_err(|e| Error::io(&action, "standard input".as_ref(), e))?;
                Ok(text)
            }
        }
    }

    /// Progress of long work, drawn if somebody watches.
    pub fn bars(&self) -> Bars {
        Bars::new(&self.printer)
    }
}
