//! Opens the models that a project's settings name.

use crate::config::{ModelSettings, Project};
use crate::embedding::Embedder;
use crate::llm::settings::{LocalSettings, RemoteSettings, ReplaySettings};
use crate::llm::{self, LanguageModel, ScoreCalls, Settings};
use crate::weights::{Manifest, cache_dir, locate};
use crate::{Error, Result};

/// The embedder of a project: `None` where vectors are switched off, an error where its weights are missing.
pub fn embedder(project: &Project) -> Result<Option<Embedder>> {
    let settings = &project.settings().embedding;
    if !settings.enabled {
        return Ok(None);
    }
    let manifest = Manifest::shipped()?;
    let model = manifest.get(&settings.model)?;
    let files = locate(model, &cache_dir()?).ok_or_else(|| {
        Error::unavailable(format!(
            "the embedder `{}` is not on this machine",
            model.name
        ))
        .hint(format!(
            "`kenning model pull {}`, or build with `--no-vectors`",
            model.name
        ))
    })?;
    Embedder::load(&files.folder).map(Some)
}

/// The language model of a project, if its settings name one.
pub fn language_model(project: &Project) -> Result<Option<Box<dyn LanguageModel>>> {
    let settings = settings(project, &project.settings().model)?;
    if settings.is_none() {
        return Ok(None);
    }
    llm::open(&settings).map(Some)
}

/// Handles on the language model of a project, `most` at most, that can be asked at the same time; a local model computes
/// one answer after the other. None if the settings name no model.
pub fn language_models(project: &Project, most: usize) -> Result<Vec<Box<dyn LanguageModel>>> {
    let mut models: Vec<_> = language_model(project)?.into_iter().collect();
    while models.len() < most
        && let Some(another) = models.first().and_then(|model| model.another())
    {
        models.push(another);
    }
    Ok(models)
}

/// In how many calls the model of some settings scores, as it says itself where it is open.
pub(super) fn score_calls(model: &ModelSettings) -> ScoreCalls {
    match model.kind.as_str() {
        "remote" => ScoreCalls::ByLastWord,
        _ => ScoreCalls::One,
    }
}

fn settings(project: &Project, model: &ModelSettings) -> Result<Settings> {
    let missing = |key: &str| {
        Error::usage(format!("a {} model needs `model.{key}`", model.kind))
            .at(project.file().display())
            .hint(format!("set `{key}` in the section `[model]`"))
    };
    let path = model.path.as_ref().map(|path| project.path(path));
    Ok(match model.kind.as_str() {
        "local" => Settings::Local(LocalSettings {
            path,
            model: model.name.clone(),
            ..LocalSettings::default()
        }),
        "remote" => Settings::Remote(RemoteSettings {
            key_env: model.key_env.clone(),
            timeout_seconds: model.timeout_s as f64,
            format: model.format,
            transfer: model.transfer,
            requests_per_minute: Some(model.requests_per_minute).filter(|&most| most > 0),
            tokens_per_minute: Some(model.tokens_per_minute).filter(|&most| most > 0),
            ..RemoteSettings::new(
                model.url.clone().ok_or_else(|| missing("url"))?,
                model.name.clone().ok_or_else(|| missing("name"))?,
            )
        }),
        "replay" => Settings::Replay(ReplaySettings::new(path.ok_or_else(|| missing("path"))?)),
        _ => Settings::None {},
    })
}
