//! The list of models that ships with the program.

use serde::Deserialize;

use crate::error::{Error, Result};

/// The models that can be fetched.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// In the order of preference within a role.
    #[serde(rename = "model")]
    pub models: Vec<Model>,
}

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Text to vectors.
    Embedder,
    /// Ranking and explanation.
    Language,
    /// The same with less memory, and worse.
    LanguageSmall,
    /// Only to see whether something runs.
    Smoke,
}

/// One model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its name here, and that of its folder.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// What it is, for people.
    pub about: String,
    /// SPDX licence of the weights.
    pub licence: String,
    /// Its name on model hubs.
    #[serde(default)]
    pub elsewhere: Option<String>,
    /// Its files, the weights first.
    #[serde(rename = "file")]
    pub files: Vec<ModelFile>,
}

/// One file of a model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Name in the model's folder.
    pub name: String,
    /// Size.
    pub bytes: u64,
    /// SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
    /// The package that holds it, as `NAME==VERSION`; `{n}` stands for the number of the part.
    pub package: String,
    /// Where it lies in the package; `{n}` and `{nn}` stand for the number of the part.
    pub path: String,
    /// How many packages hold a part each.
    #[serde(default = "one")]
    pub parts: u32,
}

fn one() -> u32 {
    1
}

impl Manifest {
    /// The manifest in the program.
    pub fn shipped() -> Result<Self> {
        Self::parse(include_str!("models.toml"))
    }

    /// Reads a manifest in the format of the shipped one.
    pub fn parse(text: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text)
            .map_err(|e| Error::input(format!("not a manifest of models: {e}")))?;
        for model in &manifest.models {
            model.check()?;
        }
        Ok(manifest)
    }

    /// The model called `name`.
    pub fn get(&self, name: &str) -> Result<&Model> {
        self.models
            .iter()
            .find(|model| model.name == name)
            .ok_or_else(|| {
                let names: Vec<_> = self
                    .models
                    .iter()
                    .map(|model| format!("`{}`", model.name))
                    .collect();
                Error::not_found(format!("no model is called `{name}`"))
                    .hint(format!("one of {}", names.join(", ")))
            })
    }

    /// The first model with the role `role`.
    pub fn role(&self, role: Role) -> Result<&Model> {
        let found = self.models.iter().find(|model| model.role == role);
        found.ok_or_else(|| {
            Error::not_found(format!("the manifest has no model for the role {role:?}"))
        })
    }
}

impl Model {
    /// Size of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    fn check(&self) -> Result<()> {
        let plain = |name: &str| {
            !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', ':'])
        };
        let hash = |hash: &str| {
            hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let files = self
            .files
            .iter()
            .all(|f| plain(&f.name) && hash(&f.sha256) && (1..100).contains(&f.parts));
        match plain(&self.name) && !self.files.is_empty() && files {
            true => Ok(()),
            false => Err(Error::input(format!(
                "the manifest's model `{}` is not well described",
                self.name
            ))),
        }
    }
}

impl ModelFile {
    /// The package of part `number` (from 1), and where the part lies in it.
    pub fn part(&self, number: u32) -> (String, String) {
        let fill = |text: &str| {
            text.replace("{nn}", &format!("{number:02}"))
                .replace("{n}", &number.to_string())
        };
        (fill(&self.package), fill(&self.path))
    }
}
