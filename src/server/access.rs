//! Who may do what.
//!
//! Keys are bearer tokens (RFC 6750). The settings name the environment variables that hold them, never the keys; only
//! their hashes are kept, and hashes are compared, so that the time this takes tells nothing of a key.
//!
//! | | no key is set | a key for writing | a key for reading too |
//! |---|---|---|---|
//! | read | anybody | anybody | either key |
//! | write | nobody, unless `serve.allow_updates` on a loopback address | key for writing | key for writing |
//! | list and kill queries | anybody on a loopback address | key for writing | key for writing |
//!
//! Where no key protects a server on a loopback address, the pages of a browser are kept out, which would reach it too:
//! the `Host` has to be a loopback name, and a page of another origin may not write.

use super::problem::Problem;
use crate::config::ServeSettings;
use crate::{Error, Result};
use axum::http::header::{AUTHORIZATION, HOST, HeaderMap, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use std::net::{IpAddr, SocketAddr};

/// What a request wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Ask.
    Read,
    /// Change what is stated.
    Write,
    /// See and stop what others ask.
    Manage,
}

/// The keys, and where the server listens.
pub struct Access {
    read: Option<blake3::Hash>,
    write: Option<blake3::Hash>,
    open: bool,
    local: bool,
    origins: Vec<String>,
}

impl Access {
    /// The access that the settings describe, for a server at `address`.
    ///
    /// # Errors
    /// `Usage` if a variable that should hold a key does not, or if everybody of a network could write.
    pub fn new(settings: &ServeSettings, address: SocketAddr) -> Result<Self> {
        let access = Self {
            read: key("serve.read_key_env", settings.read_key_env.as_deref())?,
            write: key("serve.write_key_env", settings.write_key_env.as_deref())?,
            open: settings.allow_updates,
            local: address.ip().is_loopback(),
            origins: origins(settings).map(str::to_owned).collect(),
        };
        if access.open && access.write.is_none() && !access.local {
            return Err(Error::usage(format!(
                "everybody who reaches {address} could change the project"
            ))
            .at("serve.allow_updates")
            .hint("set `serve.write_key_env`, or bind to 127.0.0.1"));
        }
        Ok(access)
    }

    /// Whether the sender of these headers may do it.
    pub fn check(&self, headers: &HeaderMap, right: Right) -> Result<(), Problem> {
        let given = bearer(headers);
        let (allowed, keyed) = match right {
            Right::Read => (self.reads(given), self.read.is_some()),
            Right::Write => (self.writes(given), self.write.is_some()),
            Right::Manage => (self.manages(given), self.read.or(self.write).is_some()),
        };
        if allowed {
            return self.check_browser(headers, right);
        }
        match (keyed, given) {
            (true, None) => Err(unauthorised("this needs a key", "Bearer realm=\"kenning\"")),
            (true, Some(_)) if right != Right::Read && self.reads(given) && self.read.is_some() => {
                Err(forbidden("this key may only read"))
            }
            (true, Some(_)) => Err(unauthorised(
                "this key is not known",
                "Bearer realm=\"kenning\", error=\"invalid_token\"",
            )),
            (false, _) => Err(forbidden(match right {
                Right::Write => "updates are not allowed",
                _ => "this is not for everybody",
            })
            .hint(
                "set `serve.write_key_env` to the name of a variable that holds a key; or, on a loopback address, start \
                 with `kenning serve --allow-updates`",
            )),
        }
    }

    fn reads(&self, given: Option<blake3::Hash>) -> bool {
        self.read.is_none() || same(given, self.read) || same(given, self.write)
    }

    fn writes(&self, given: Option<blake3::Hash>) -> bool {
        match self.write {
            Some(_) => same(given, self.write),
            None => self.open && self.reads(given),
        }
    }

    fn manages(&self, given: Option<blake3::Hash>) -> bool {
        match (self.write, self.read) {
            (Some(_), _) => same(given, self.write),
            (None, Some(_)) => same(given, self.read),
            (None, None) => self.local,
        }
    }

    /// Pages in a browser can send requests to loopback addresses, in the name of the person before it.
    fn check_browser(&self, headers: &HeaderMap, right: Right) -> Result<(), Problem> {
        let keyed = match right {
            Right::Read => self.read.is_some(),
            _ => self.read.or(self.write).is_some(),
        };
        if keyed || !self.local {
            return Ok(());
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let Some(host) = host.filter(|host| is_loopback(host)) else {
            return Err(Problem::new(
                StatusCode::MISDIRECTED_REQUEST,
                "this server answers to `localhost` only",
            )
            .hint("set `serve.read_key_env`, or let the proxy send `Host: localhost`"));
        };
        let origin = headers.get(ORIGIN).map(HeaderValue::as_bytes);
        let Some(origin) = origin.filter(|_| right != Right::Read) else {
            return Ok(());
        };
        let own = format!("http://{host}");
        let listed = self.origins.iter().any(|known| known.as_bytes() == origin);
        match listed || origin == own.as_bytes() {
            true => Ok(()),
            false => Err(forbidden("pages of other origins may not do this")
                .hint("name the origin in `serve.cors`")),
        }
    }
}

/// The origins that `serve.cors` names.
pub fn origins(settings: &ServeSettings) -> impl Iterator<Item = &str> {
    let names = settings.cors.split(',').map(str::trim);
    names.filter(|name| !name.is_empty())
}

fn key(setting: &str, variable: Option<&str>) -> Result<Option<blake3::Hash>> {
    let Some(variable) = variable else {
        return Ok(None);
    };
    let value = std::env::var(variable).ok();
    match value.filter(|value| !value.trim().is_empty()) {
        Some(value) => Ok(Some(blake3::hash(value.trim().as_bytes()))),
        // Without the key everybody would have the right that it should protect.
        None => Err(
            Error::usage(format!("the variable `{variable}` holds no key"))
                .at(setting)
                .hint(format!("set `{variable}`, or take `{setting}` out")),
        ),
    }
}

/// The hash of the key that a request brings along.
fn bearer(headers: &HeaderMap) -> Option<blake3::Hash> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    let fits = scheme.eq_ignore_ascii_case("bearer");
    fits.then(|| blake3::hash(key.trim().as_bytes()))
}

/// Hashes are compared in constant time.
fn same(given: Option<blake3::Hash>, key: Option<blake3::Hash>) -> bool {
    given.is_some() && given == key
}

/// Whether a `Host` is a name of this machine for itself.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let address = name.parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip| ip.is_loopback())
}

fn unauthorised(detail: &str, challenge: &'static str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, detail)
        .header(WWW_AUTHENTICATE, challenge)
        .hint("send `Authorization: Bearer KEY`")
}

fn forbidden(detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, detail)
}
