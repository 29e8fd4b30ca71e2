use crate::cli::Session;
use crate::config::ScoringSettings;
use crate::engine::Engine;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// The flag that says how items are scored.
#[derive(Clone, Debug, clap::Args)]
pub struct Weights {
    /// Score with the section `[scoring]` of this file, as `kenning learn` prints it
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
}

impl Weights {
    /// The settings of the file, or those of the project.
    pub(crate) fn settings(&self, session: &Session, engine: &Engine) -> Result<ScoringSettings> {
        match &self.weights {
            Some(file) => read(&session.path(file)),
            None => Ok(engine.project().settings().scoring.clone()),
        }
    }
}

/// The settings of scoring in a file.
fn read(path: &Path) -> Result<ScoringSettings> {
    #[derive(serde::Deserialize)]
    struct Scoring {
        scoring: ScoringSettings,
    }
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
    let read: Scoring = toml::from_str(&text).map_err(|e| {
        let wrong = format!("no settings of scoring: {}", e.message());
        Error::input(wrong).at(path.display()).hint("kenning learn > weights.toml")
    })?;
    Ok(read.scoring)
}
