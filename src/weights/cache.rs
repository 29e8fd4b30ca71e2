//! Where model files lie, and whether they are what they should be.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::manifest::{Model, ModelFile};
use crate::error::{Error, Result};

/// The files of a model that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFiles {
    /// The model's folder.
    pub folder: PathBuf,
    /// The file with the weights in it.
    pub weights: PathBuf,
}

/// The folder of all models: `$KENNING_MODELS`, else `models` in [`cache_home`].
pub fn cache_dir() -> Result<PathBuf> {
    match variable("KENNING_MODELS") {
        Some(models) => Ok(models),
        None => Ok(cache_home()?.join("models")),
    }
}

/// Kenning's folder in the user's cache, as the XDG Base Directory Specification has it.
pub fn cache_home() -> Result<PathBuf> {
    let cache = variable("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let cache = cache.or_else(|| Some(variable("HOME")?.join(".cache")));
    let cache = cache.ok_or_else(|| {
        Error::usage("there is no home folder to keep models in")
            .hint("export KENNING_MODELS=/path/of/a/folder")
    })?;
    Ok(cache.join("kenning"))
}

fn variable(name: &str) -> Option<PathBuf> {
    let value = std::env::var_os(name);
    value.filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The files of `model` if they are all in `cache_dir` with the right sizes. [`check`] reads them too.
pub fn locate(model: &Model, cache_dir: &Path) -> Option<ModelFiles> {
    let folder = cache_dir.join(&model.name);
    let there = |file: &ModelFile| {
        let metadata = std::fs::metadata(folder.join(&file.name));
        metadata.is_ok_and(|metadata| metadata.is_file() && metadata.len() == file.bytes)
    };
    let weights = folder.join(&model.files.first()?.name);
    model
        .files
        .iter()
        .all(there)
        .then_some(ModelFiles { folder, weights })
}

/// Compares every file of `model` in `cache_dir` with its checksum.
pub fn check(model: &Model, cache_dir: &Path) -> Result<ModelFiles> {
    let pull = format!("kenning model pull {}", model.name);
    let files = locate(model, cache_dir).ok_or_else(|| {
        Error::not_found(format!("the model `{}` is not there", model.name))
            .at(cache_dir.display())
            .hint(&pull)
    })?;
    for file in &model.files {
        let path = files.folder.join(&file.name);
        if digest(&path)? != file.sha256 {
            let message = format!("`{}` does not have its checksum", file.name);
            return Err(Error::corrupt(message).at(path.display()).hint(&pull));
        }
    }
    Ok(files)
}

/// The SHA-256 of a file, in lower-case hexadecimal digits.
pub(super) fn digest(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(|e| Error::io("open the file", path, e))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file
            .read(&mut buffer)
            .map_err(|e| Error::io("read the file", path, e))?
        {
            0 => return Ok(hex(&hasher.finalize())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
