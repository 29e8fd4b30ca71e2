//! Mappings for well-known dumps.

use super::mapping::Mapping;
use crate::{Error, Result};

const TEXTS: &[(&str, &str)] = &[
    ("movielens", include_str!("presets/movielens.toml")),
    ("online-retail", include_str!("presets/online-retail.toml")),
    ("amazon-beauty", include_str!("presets/amazon-beauty.toml")),
];

/// The names of the presets.
pub const PRESETS: &[&str] = &["movielens", "online-retail", "amazon-beauty"];

/// The mapping called `name`.
pub fn preset(name: &str) -> Result<Mapping> {
    let Some((name, text)) = TEXTS.iter().find(|(known, _)| *known == name) else {
        return Err(
            Error::usage(format!("there is no preset `{name}`")).hint(format!(
                "the presets are `{}`; `--mapping FILE` takes a mapping of your own",
                PRESETS.join("`, `")
            )),
        );
    };
    Mapping::parse(text, &format!("preset {name}"))
}

/// The text of the preset, with its comments: a mapping to start from.
pub fn preset_text(name: &str) -> Option<&'static str> {
    let (_, text) = TEXTS.iter().find(|(known, _)| *known == name)?;
    Some(text)
}
