//! Where a server is, and the key to it.

use crate::error::{Error, Result};
use crate::llm::settings::RemoteSettings;
use std::fmt;

/// A key that is not shown.
#[derive(Clone)]
pub struct Key(pub String);

impl Key {
    /// The key that the settings name, if they name one.
    pub fn find(settings: &RemoteSettings) -> Result<Option<Self>> {
        let key = match (&settings.key_env, &settings.key_file) {
            (Some(name), _) => std::env::var(name).map_err(|_| {
                Error::usage(format!("the environment variable `{name}` holds no key"))
                    .hint(format!("export {name}=…"))
            })?,
            (None, Some(path)) => {
                std::fs::read_to_string(path).map_err(|e| Error::io("read the key", path, e))?
            }
            (None, None) => return Ok(None),
        };
        let key = key.trim();
        match key.is_empty() || key.chars().any(|c| !c.is_ascii_graphic()) {
            true => Err(Error::usage(
                "the key is empty or has characters that no header may have",
            )),
            false => Ok(Some(Self(key.to_owned()))),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Checks that an address is one, and holds no key.
pub fn check_url(url: &str) -> Result<()> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split('/').next().unwrap_or_default());
    match host {
        Some(host) if host.contains('@') => Err(Error::usage("`url` holds a name or password")
            .hint("put the key into `key_env` or `key_file`")),
        Some(host) if !host.is_empty() => Ok(()),
        _ => Err(Error::usage(format!(
            "`url` is `{url}`, not an address such as `http://127.0.0.1:8000/v1`"
        ))),
    }
}
