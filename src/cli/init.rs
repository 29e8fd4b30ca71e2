use super::{Outcome, Session, Verb};
use crate::config::Project;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// Start a project: a folder with a `kenning.toml`
#[derive(Debug, clap::Args)]
pub struct Init {
    /// The project's name, and the folder that is made for it; without one, this folder becomes a project
    name: Option<PathBuf>,
}

impl Verb for Init {
    fn run(self, session: &Session) -> Result<Outcome> {
        let dir = match &self.name {
            Some(name) => session.path(name),
            None => session.folder().to_owned(),
        };
        let project = Project::init(&dir, &name_of(&dir)?)?;
        let printer = session.printer;
        let file = project.file();
        printer.note(format_args!("started `{}`: {}", project.name(), file.display()));
        printer.note("next: bring in a dump with `kenning import`, then `kenning build`");
        if self.name.is_some() {
            printer.hint(&format!("`cd {}`", dir.display()));
        }
        Ok(Outcome::Done)
    }
}

/// A project is called like its folder; `.` has a name only once it is written out.
fn name_of(dir: &Path) -> Result<String> {
    let full = std::path::absolute(dir).map_err(|e| Error::io("find the folder", dir, e))?;
    let named = match full.file_name() {
        Some(name) => Some(name.to_owned()),
        None => std::fs::canonicalize(&full).ok().and_then(|p| Some(p.file_name()?.to_owned())),
    };
    match named.as_deref().and_then(|name| name.to_str()) {
        Some(name) => Ok(name.to_owned()),
        None => Err(Error::usage("this folder has no name that a project could take")
            .at(dir.display())
            .hint("kenning init films")),
    }
}
