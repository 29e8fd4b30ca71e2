//! Which files of a dump a mapping means, and how each is written.

use super::mapping::{FileMapping, Format, Mapping};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// How a file is written, in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// Comma-separated values.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// JSON Lines.
    Jsonl,
    /// N-Triples.
    NTriples,
    /// N-Quads.
    NQuads,
    /// Turtle.
    Turtle,
    /// TriG.
    TriG,
    /// RDF/XML.
    RdfXml,
}

impl Syntax {
    /// What the suffix of a file's name tells, behind a suffix of compression.
    pub fn of(name: &str) -> Option<Self> {
        let (_, suffix) = unpacked_name(name).rsplit_once('.')?;
        match suffix.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "nt" => Some(Self::NTriples),
            "nq" => Some(Self::NQuads),
            "ttl" => Some(Self::Turtle),
            "trig" => Some(Self::TriG),
            "rdf" | "owl" => Some(Self::RdfXml),
            _ => None,
        }
    }

    /// Whether it is a syntax of RDF.
    pub fn is_rdf(self) -> bool {
        !matches!(self, Self::Csv | Self::Tsv | Self::Jsonl)
    }

    fn told(format: Option<Format>, name: &str) -> Option<Self> {
        match format {
            Some(Format::Csv) => Some(Self::Csv),
            Some(Format::Tsv) => Some(Self::Tsv),
            Some(Format::Jsonl) => Some(Self::Jsonl),
            Some(Format::Rdf) => Self::of(name).filter(|syntax| syntax.is_rdf()),
            None => Self::of(name),
        }
    }
}

/// The name without a suffix of compression.
pub fn unpacked_name(name: &str) -> &str {
    let plain = name
        .strip_suffix(".gz")
        .or_else(|| name.strip_suffix(".zst"));
    plain.unwrap_or(name)
}

/// One file to read.
#[derive(Clone, Debug)]
pub struct Found<'m> {
    /// What the mapping says of it.
    pub mapping: &'m FileMapping,
    /// Its path relative to the dump's folder, with `/`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// How it is written.
    pub syntax: Syntax,
    /// Its size on disk.
    pub bytes: u64,
}

/// The files that the mapping means in `root`, which is the dump's folder or a single file of it, in the order in
/// which they are to be read.
pub fn files<'m>(mapping: &'m Mapping, root: &Path) -> Result<Vec<Found<'m>>> {
    if !root.exists() {
        let message = "there is no such file or folder";
        return Err(Error::not_found(message)
            .at(root.display())
            .hint(expected(mapping)));
    }
    match present(mapping, root)? {
        Present::All(files) => Ok(files),
        Present::Lacking(file) => Err(missing(mapping, file, root)),
    }
}

/// What of a mapping's files is there.
pub enum Present<'m> {
    /// All that need be.
    All(Vec<Found<'m>>),
    /// Not this one.
    Lacking(&'m FileMapping),
}

/// Looks for the files that the mapping means.
pub fn present<'m>(mapping: &'m Mapping, root: &Path) -> Result<Present<'m>> {
    let mut all = Vec::new();
    for file in &mapping.files {
        let found = matching(file, root)?;
        if found.is_empty() && !file.optional && root.is_dir() {
            return Ok(Present::Lacking(file));
        }
        all.extend(found);
    }
    match all.is_empty() {
        true => Ok(Present::Lacking(&mapping.files[0])),
        false => Ok(Present::All(all)),
    }
}

/// What would be read, for who has something else.
fn expected(mapping: &Mapping) -> String {
    if is_any_rdf(mapping) {
        return format!(
            "name a preset with `--preset` ({}), or a mapping with `--mapping FILE`",
            super::PRESETS.join(", ")
        );
    }
    let mut names = Vec::new();
    for file in &mapping.files {
        match file.optional {
            true => names.push(format!("`{}` (optional)", file.path)),
            false => names.push(format!("`{}`", file.path)),
        }
    }
    let name = &mapping.dataset.name;
    format!("the mapping `{name}` expects {}", names.join(", "))
}

/// Whether nobody said what to read.
fn is_any_rdf(mapping: &Mapping) -> bool {
    matches!(&mapping.files[..], [only] if only.format == Some(Format::Rdf) && only.path == "*")
}

fn missing(mapping: &Mapping, file: &FileMapping, root: &Path) -> Error {
    let message = match (root.is_dir(), file.format, file.path.as_str()) {
        (false, ..) => format!(
            "the mapping `{}` has no use for this file",
            mapping.dataset.name
        ),
        (true, Some(Format::Rdf), "*") => {
            "no RDF file (.nt, .nq, .ttl, .trig, .rdf) is here".to_owned()
        }
        (true, ..) => format!("`{}` is not here, nor with `.gz` or `.zst`", file.path),
    };
    let fitting = super::fitting_presets(root);
    let hint = match fitting.first() {
        Some(preset) => format!("kenning import --preset {preset} {}", root.display()),
        None => expected(mapping),
    };
    Error::not_found(message).at(root.display()).hint(hint)
}

/// The files that one entry of the mapping means, by name; of a file that lies there plain and compressed, the
/// plain one.
fn matching<'m>(file: &'m FileMapping, root: &Path) -> Result<Vec<Found<'m>>> {
    let (folder, pattern) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
    let mut names = match root.is_dir() {
        true => names_in(&root.join(folder))?,
        false => root
            .file_name()
            .map(|n| vec![n.to_string_lossy().into_owned()])
            .unwrap_or_default(),
    };
    names.retain(|name| matches(pattern, name) || matches(pattern, unpacked_name(name)));
    names.sort_by(|a, b| (unpacked_name(a), a).cmp(&(unpacked_name(b), b)));
    names.dedup_by(|later, earlier| unpacked_name(later) == unpacked_name(earlier));
    let mut found = Vec::new();
    for name in names {
        let (name, path) = match (root.is_dir(), folder) {
            (false, _) => (name, root.to_owned()),
            (true, "") => (name.clone(), root.join(&name)),
            (true, _) => (format!("{folder}/{name}"), root.join(folder).join(&name)),
        };
        // What a pattern finds in passing need not be a file of the dump.
        let Some(syntax) = Syntax::told(file.format, &name) else {
            continue;
        };
        let data = std::fs::metadata(&path).map_err(|e| Error::io("read the dump", &path, e))?;
        if data.is_file() {
            found.push(Found {
                mapping: file,
                name,
                path,
                syntax,
                bytes: data.len(),
            });
        }
    }
    Ok(found)
}

fn names_in(folder: &Path) -> Result<Vec<String>> {
    let failed = |e| Error::io("list the folder", folder, e);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        // A name that is not UTF-8 cannot be meant by a mapping.
        names.extend(entry.map_err(failed)?.file_name().into_string());
    }
    Ok(names)
}

/// Whether `name` fits `pattern`, where `*` stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, name, fits) in [
            ("a.csv", "a.csv", true),
            ("a.csv", "ba.csv", false),
            ("*.csv", "a.csv", true),
            ("a*.csv", "a.csv", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b", "ab-", false),
            ("ab*b", "ab", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
