//! Flag over environment over file over default.

use super::keys::{self, KEYS, Key};
use super::{FILE, Settings};
use crate::{Error, Result};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

/// Where the value of a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The project file, at this line.
    File(usize),
    /// This environment variable.
    Environment(String),
    /// This flag of the command line.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(line) => write!(f, "{FILE}:{line}"),
            Self::Environment(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.to_string()
    }
}

/// A setting with its value and where that came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resolved {
    /// `section.name`.
    pub key: &'static str,
    /// The value as text; empty where nothing is set.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// What is said about settings outside of the project file.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    environment: BTreeMap<String, String>,
    flags: Vec<(&'static str, String, String)>,
}

impl Layers {
    /// Nothing but the file and the defaults.
    pub fn none() -> Self {
        Self::default()
    }

    /// The environment of this process.
    pub fn from_environment() -> Self {
        // A variable that is no UTF-8 text cannot be one of ours.
        let text = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self::from_variables(text)
    }

    /// The given environment variables. An empty one counts as not set.
    pub fn from_variables(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let set = variables.into_iter().filter(|(_, value)| !value.is_empty());
        Self {
            environment: set.collect(),
            flags: Vec::new(),
        }
    }

    /// Adds what a flag says: `key` is `prompt.budget`, `flag` is `--budget`. Nothing is added for `None`.
    #[must_use]
    pub fn flag(mut self, key: &'static str, flag: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.flags.push((key, flag.to_owned(), value.to_string()));
        }
        self
    }

    /// The settings in force above the project file `path`, which says `text`.
    pub(super) fn resolve(&self, path: &Path, text: &str) -> Result<(Settings, Vec<Resolved>)> {
        let mut values = file_values(path, text)?;
        for key in KEYS {
            let name = keys::variable(key.name);
            if let Some(text) = self.environment.get(&name) {
                let value = check(key, key.kind.read(text)).map_err(|e| e.at(&name))?;
                values.insert(key.name, (value, Origin::Environment(name)));
            }
        }
        for (name, flag, text) in &self.flags {
            let key = keys::find(name).ok_or_else(|| unknown(name))?;
            let value = check(key, key.kind.read(text)).map_err(|e| e.at(flag))?;
            values.insert(key.name, (value, Origin::Flag(flag.clone())));
        }
        let listing = list(&values)?;
        Ok((settings(values)?, listing))
    }
}

type Values = BTreeMap<&'static str, (Value, Origin)>;

fn check(key: &Key, value: Value) -> Result<Value> {
    match key.kind.complaint(&value) {
        None => Ok(value),
        Some(complaint) => Err(Error::usage(format!(
            "`{}` {complaint}, but is {}",
            key.name,
            value.to_string().trim()
        ))),
    }
}

fn unknown(name: &str) -> Error {
    if keys::is_section(name) {
        return Error::usage(format!("`{name}` is a section, not a setting"))
            .hint(format!("write `[{name}]`, and its settings below"));
    }
    Error::usage(format!("unknown setting `{name}`")).hint(keys::suggestion(name))
}

/// What the file sets, each value checked, complaining of the first trouble in the order of the file.
fn file_values(path: &Path, text: &str) -> Result<Values> {
    let place = |line: usize| format!("{}:{line}", path.display());
    let malformed = |e: toml::de::Error| {
        let line = line_of(text, e.span().unwrap_or_default());
        Error::usage(e.message().to_owned()).at(place(line))
    };
    let spans = DeTable::parse(text).map_err(malformed)?;
    let table: Table = toml::from_str(text).map_err(malformed)?;
    let mut leaves = leaves(spans.get_ref());
    leaves.sort_by_key(|leaf| leaf.span.start);
    let mut values = Values::new();
    for leaf in leaves {
        let line = line_of(text, leaf.span);
        let key = keys::find(&leaf.name).ok_or_else(|| unknown(&leaf.name).at(place(line)))?;
        let value = get(&table, key.name).ok_or_else(|| unknown(&leaf.name).at(place(line)))?;
        let value = check(key, value.clone()).map_err(|e| e.at(place(line)))?;
        values.insert(key.name, (value, Origin::File(line)));
    }
    Ok(values)
}

struct Leaf {
    name: String,
    span: Range<usize>,
}

/// The settings of a document, and the sections that we do not know.
fn leaves(table: &DeTable<'_>) -> Vec<Leaf> {
    let mut found = Vec::new();
    for (name, value) in table {
        match value.get_ref() {
            DeValue::Table(section) if keys::is_section(name.get_ref()) => {
                found.extend(section.keys().map(|leaf| Leaf {
                    name: format!("{}.{}", name.get_ref(), leaf.get_ref()),
                    span: leaf.span(),
                }));
            }
            _ => found.push(Leaf {
                name: name.get_ref().to_string(),
                span: name.span(),
            }),
        }
    }
    found
}

fn line_of(text: &str, span: Range<usize>) -> usize {
    let before = text.as_bytes().iter().take(span.start);
    before.filter(|byte| **byte == b'\n').count() + 1
}

fn get<'t>(table: &'t Table, name: &str) -> Option<&'t Value> {
    match name.split_once('.') {
        Some((section, leaf)) => table.get(section)?.get(leaf),
        None => table.get(name),
    }
}

fn settings(values: Values) -> Result<Settings> {
    let mut table = Table::new();
    for (name, (value, _)) in values {
        match name.split_once('.') {
            None => {
                table.insert(name.to_owned(), value);
            }
            Some((section, leaf)) => {
                let section = table.entry(section).or_insert_with(|| Table::new().into());
                if let Value::Table(section) = section {
                    section.insert(leaf.to_owned(), value);
                }
            }
        }
    }
    // All values were checked, so what serde still refuses is a number beyond its type.
    table
        .try_into()
        .map_err(|e: toml::de::Error| Error::usage(e.message().to_owned()).at(FILE).because(e))
}

fn list(values: &Values) -> Result<Vec<Resolved>> {
    let defaults = Table::try_from(Settings::default())
        .map_err(|e| Error::usage("the default settings cannot be listed").because(e))?;
    let resolve = |key: &Key| match values.get(key.name) {
        Some((value, origin)) => Resolved {
            key: key.name,
            value: show(value),
            origin: origin.clone(),
        },
        None => Resolved {
            key: key.name,
            value: get(&defaults, key.name).map(show).unwrap_or_default(),
            origin: Origin::Default,
        },
    };
    Ok(KEYS.iter().map(resolve).collect())
}

/// A value as an environment variable would say it.
fn show(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // The settings hold `f32`s: 0.8, not 0.800000011920929.
        Value::Float(x) => (*x as f32).to_string(),
        Value::Array(values) => values.iter().map(show).collect::<Vec<_>>().join(","),
        Value::Table(table) => {
            let pairs = table.iter().map(|(name, x)| format!("{name}={}", show(x)));
            pairs.collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    }
}
