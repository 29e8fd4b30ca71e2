use crate::cli::Session;
use crate::config::{LinkSettings, ScoringSettings};
use crate::engine::Engine;
use crate::evaluation::Method;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// The flag that says how items are scored.
#[derive(Clone, Debug, clap::Args)]
pub struct Weights {
    /// Rank with the sections `[scoring]` and `[links]` of this file, as `kenning learn` prints them
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
}

impl Weights {
    /// The settings of the file, or those of the project.
    pub(crate) fn method(&self, session: &Session, engine: &Engine) -> Result<Method> {
        match &self.weights {
            Some(file) => read(&session.path(file), Method::of(engine)),
            None => Ok(Method::of(engine)),
        }
    }
}

/// The settings in a file; the project's own links where it names none.
fn read(path: &Path, own: Method) -> Result<Method> {
    #[derive(serde::Deserialize)]
    struct Written {
        scoring: ScoringSettings,
        links: Option<LinkSettings>,
    }
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
    let read: Written = toml::from_str(&text).map_err(|e| {
        let wrong = format!("no settings of scoring: {}", e.message());
        Error::input(wrong).at(path.display()).hint("kenning learn > weights.toml")
    })?;
    Ok(Method { scoring: read.scoring, links: read.links.unwrap_or(own.links) })
}
