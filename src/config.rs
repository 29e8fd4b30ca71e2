//! The project: a folder with a `kenning.toml`, its state beside it, and its settings, resolved once.
//!
//! ```text
//! shop/kenning.toml           settings, written by people
//! shop/ontologies/  rules/     RDF documents and rules of the project's own, if it has any
//! shop/policies/              what answers must not do
//! shop/recipes/               recipes of prompts of its own
//! shop/.kenning/              state, written by kenning; may be deleted and built again,
//!   journal.sqlite            but for the journal: what was imported, built, changed and recommended
//!   imports/  rejects/        records of each dataset, and those that were refused
//!   extracted.jsonl           what a language model read off texts
//!   graph.kng  vectors/       the frozen graph, and the vectors of its texts
//!   snapshots/                former graphs that decisions rest on
//!   text-….sqlite             the full-text index of that graph
//!   lock                      held by the one process that writes
//! ```
//!
//! A setting comes from a flag, or else from its variable (`prompt.budget` is `KENNING_PROMPT_BUDGET`), or else
//! from the file, or else from [`Settings::default`]; [`Project::resolved`] tells which.

mod keys;
mod layers;
mod lock;
mod settings;

pub use keys::{KEYS, Key, Kind, unknown_variables, variable};
pub use layers::{Layers, Origin, Resolved};
pub use lock::Lock;
pub use settings::{
    DecisionSettings, EmbeddingSettings, ExtractionSettings, LinkSettings, ModelSettings, OnBuild,
    PromptSettings, QuerySettings, RankingSettings, ReasoningSettings, ScoringSettings,
    ServeSettings, Settings, ValidationSettings,
};

use crate::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Name of the file that makes a folder a project.
pub const FILE: &str = "kenning.toml";

/// Name of the folder, beside [`FILE`], that holds what kenning writes.
pub const STATE: &str = ".kenning";

const TEMPLATE: &str = include_str!("config/kenning.toml");

/// A folder with a `kenning.toml`, and what that file, the environment and the flags say.
#[derive(Clone, Debug)]
pub struct Project {
    root: PathBuf,
    settings: Settings,
    resolved: Vec<Resolved>,
}

impl Project {
    /// Makes `dir` (created if need be) a project called `name`.
    ///
    /// # Errors
    /// `Usage` if `dir` is a project already or `name` is not a name; `Io` if the folder cannot be written.
    pub fn init(dir: &Path, name: &str) -> Result<Self> {
        let file = dir.join(FILE);
        check_name(name)?;
        if file.exists() {
            return Err(Error::usage("this folder is a project already")
                .at(file.display())
                .hint(look_at(dir)));
        }
        create_dir(dir)?;
        let text = TEMPLATE.replace("{name}", &toml::Value::from(name).to_string());
        // `create_new`: of two processes that start the same project, one is told so.
        let mut handle = fs::File::create_new(&file)
            .map_err(|e| Error::io("create the project file", &file, e))?;
        std::io::Write::write_all(&mut handle, text.as_bytes())
            .map_err(|e| Error::io("write the project file", &file, e))?;
        let project = Self::open(dir)?;
        project.create_state()?;
        Ok(project)
    }

    /// Opens the project whose `kenning.toml` lies in `dir`; the environment counts, flags do not.
    ///
    /// # Errors
    /// `NotFound` if there is none; `Usage` for an unknown or bad setting, with its place.
    pub fn open(dir: &Path) -> Result<Self> {
        Self::open_with(dir, &Layers::from_environment())
    }

    /// Like [`Project::open`], with the given layers above the file.
    pub fn open_with(dir: &Path, layers: &Layers) -> Result<Self> {
        let root = fs::canonicalize(dir).map_err(|e| no_project(dir).because(e))?;
        let file = root.join(FILE);
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(no_project(dir)),
            Err(e) => return Err(Error::io("read the project file", &file, e)),
        };
        let (settings, resolved) = layers.resolve(&file, &text)?;
        Ok(Self {
            root,
            settings,
            resolved,
        })
    }

    /// The nearest folder with a `kenning.toml`, from `start` upwards.
    ///
    /// # Errors
    /// `NotFound` if neither `start` nor any folder above it is a project.
    pub fn find(start: &Path) -> Result<PathBuf> {
        let start_full = fs::canonicalize(start).map_err(|e| no_project(start).because(e))?;
        start_full
            .ancestors()
            .find(|dir| dir.join(FILE).is_file())
            .map(Path::to_path_buf)
            .ok_or_else(|| no_project(start))
    }

    /// Takes the lock of the project's one writer; it is given back when the guard is dropped.
    ///
    /// # Errors
    /// `Io` if another process holds it or the state folder cannot be written.
    pub fn lock(&self) -> Result<Lock> {
        self.create_state()?;
        Lock::take(&self.state().join("lock"))
    }

    /// Creates the state folder if it is missing, and keeps it out of version control.
    pub fn create_state(&self) -> Result<()> {
        create_dir(&self.state())?;
        let ignore = self.state().join(".gitignore");
        if ignore.exists() {
            return Ok(());
        }
        fs::write(&ignore, "*\n").map_err(|e| Error::io("write", &ignore, e))
    }

    /// What the project is called: its `name`, or else that of its folder.
    pub fn name(&self) -> String {
        if !self.settings.name.is_empty() {
            return self.settings.name.clone();
        }
        let folder = self.root.file_name().unwrap_or(self.root.as_os_str());
        folder.to_string_lossy().into_owned()
    }

    /// The folder of the project: absolute, without symbolic links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The same project under other settings: those that an answer was made with.
    pub fn with_settings(&self, settings: Settings) -> Self {
        Self {
            settings,
            ..self.clone()
        }
    }

    /// Every setting with its value and where that came from, in the order of [`KEYS`].
    pub fn resolved(&self) -> &[Resolved] {
        &self.resolved
    }

    /// The project file.
    pub fn file(&self) -> PathBuf {
        self.root.join(FILE)
    }

    /// The folder of what kenning writes.
    pub fn state(&self) -> PathBuf {
        self.root.join(STATE)
    }

    /// The journal, an SQLite file.
    pub fn journal_file(&self) -> PathBuf {
        self.state().join("journal.sqlite")
    }

    /// The folder of imported records, one segment for each dataset.
    pub fn imports(&self) -> PathBuf {
        self.state().join("imports")
    }

    /// The folder of refused records.
    pub fn rejects(&self) -> PathBuf {
        self.state().join("rejects")
    }

    /// What a language model read off texts: paid for, so not to be deleted lightly.
    pub fn extracted_file(&self) -> PathBuf {
        self.state().join("extracted.jsonl")
    }

    /// The frozen graph.
    pub fn snapshot_file(&self) -> PathBuf {
        self.state().join("graph.kng")
    }

    /// The folder of former snapshots that decisions rest on, each under its hash.
    pub fn snapshots(&self) -> PathBuf {
        self.state().join("snapshots")
    }

    /// The folder of the project's policies.
    pub fn policies(&self) -> PathBuf {
        self.root.join("policies")
    }

    /// The folder of text vectors.
    pub fn vectors(&self) -> PathBuf {
        self.state().join("vectors")
    }

    /// The folder of the project's own rules.
    pub fn rules(&self) -> PathBuf {
        self.root.join("rules")
    }

    /// A path of the project file (`prompt.template`, `model.path`), which is relative to [`Project::root`].
    pub fn path(&self, relative: &Path) -> PathBuf {
        self.root.join(relative)
    }
}

fn look_at(dir: &Path) -> String {
    match dir == Path::new(".") {
        true => "kenning status".into(),
        false => format!("kenning -C {} status", dir.display()),
    }
}

fn check_name(name: &str) -> Result<()> {
    let fits = !name.trim().is_empty() && name.len() <= 200 && !name.chars().any(char::is_control);
    if fits {
        return Ok(());
    }
    Err(
        Error::usage("a project needs a name of 1 to 200 bytes without control characters")
            .hint("kenning init films"),
    )
}

fn create_dir(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).map_err(|e| {
        Error::io("create the folder", dir, e).hint("choose a folder that you may write to")
    })
}

fn no_project(dir: &Path) -> Error {
    let full = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    Error::not_found(format!(
        "no project here: neither this folder nor one above it has a `{FILE}`"
    ))
    .at(full.display())
    .hint("kenning init NAME")
}
