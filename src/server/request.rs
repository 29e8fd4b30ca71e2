//! Reads requests: parameters, media types, bodies.

use super::Host;
use super::problem::Problem;
use crate::sparql::Limits;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HOST, HeaderMap};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use oxigraph::io::RdfFormat;
use oxrdf::NamedNode;
use std::time::Duration;
use tokio::time::timeout;
use tokio_stream::StreamExt;

/// Bytes of a body that everybody may send at once; of larger ones only [`LARGE`] are taken in at a time.
const SMALL: usize = 64 << 10;

/// Large bodies taken in at a time.
pub const LARGE: usize = 4;

/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Names with values, of an address or of a form.
#[derive(Default)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The parameters of an address.
    pub fn of(uri: &Uri) -> Self {
        Self::parse(uri.query().unwrap_or_default().as_bytes())
    }

    /// Reads `a=1&b=2`.
    pub fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// Adds others.
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Whether it is there.
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// All values of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let found = self.0.iter().filter(move |(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The one value of a name.
    ///
    /// # Errors
    /// 400 if there are more.
    pub fn one<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>, Problem> {
        let mut values = self.all(name);
        let first = values.next();
        match values.next() {
            None => Ok(first),
            Some(_) => Err(Problem::bad(format!("`{name}` is there more than once"))),
        }
    }

    /// The values of a name, as IRIs.
    ///
    /// # Errors
    /// 400 if one is none.
    pub fn iris(&self, name: &str) -> Result<Vec<NamedNode>, Problem> {
        self.all(name).map(|text| iri(name, text)).collect()
    }

    /// `limits`, but lower where `timeout` (seconds) or `max-rows` say so.
    ///
    /// # Errors
    /// 400 if they are no numbers.
    pub fn lower(&self, limits: &Limits) -> Result<Limits, Problem> {
        let mut limits = *limits;
        if let Some(text) = self.one("timeout")? {
            let time = text.parse().ok().map(Duration::try_from_secs_f64);
            let Some(Ok(time)) = time else {
                return Err(Problem::bad("`timeout` is no number of seconds").hint("timeout=2.5"));
            };
            limits.time = limits.time.min(time);
        }
        if let Some(text) = self.one("max-rows")? {
            let rows = text.parse::<usize>();
            let rows = rows.map_err(|_| Problem::bad("`max-rows` is no number"))?;
            limits.rows = limits.rows.min(rows);
        }
        Ok(limits)
    }
}

/// An absolute IRI.
pub fn iri(name: &str, text: &str) -> Result<NamedNode, Problem> {
    NamedNode::new(text)
        .map_err(|e| Problem::bad(format!("`{name}` is not an absolute IRI: {e}: `{text}`")))
}

/// The media type of a body, in lower case and without parameters.
///
/// # Errors
/// 415 if there is none, or its charset is not UTF-8.
pub fn media(headers: &HeaderMap) -> Result<String, Problem> {
    let unsupported = |detail: &str| Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail);
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let Some(value) = value else {
        return Err(
            unsupported("the request does not say what its body is").hint("send a `Content-Type`")
        );
    };
    let mut parts = value.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    for part in parts {
        let part = part.to_ascii_lowercase().replace('"', "");
        let charset = part.strip_prefix("charset=");
        if charset.is_some_and(|set| !["utf-8", "utf8", "us-ascii"].contains(&set.trim())) {
            return Err(unsupported("the body has to be UTF-8"));
        }
    }
    Ok(media)
}

/// The format of RDF that the `Content-Type` names.
///
/// # Errors
/// 415 if it is none.
pub fn format(headers: &HeaderMap) -> Result<RdfFormat, Problem> {
    let media = media(headers)?;
    RdfFormat::from_media_type(&media).ok_or_else(|| {
        let detail = format!("`{media}` is no format of RDF that is known here");
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).hint("send text/turtle")
    })
}

/// A body as text.
///
/// # Errors
/// Those of [`bytes`], and 400 if it is no UTF-8.
pub async fn text(host: &Host, body: Body) -> Result<String, Problem> {
    let bytes = bytes(host, body).await?;
    String::from_utf8(bytes).map_err(|_| Problem::bad("the body is not UTF-8"))
}

/// A whole body.
///
/// # Errors
/// 413 if it is too large, 408 if it takes too long, 400 if it breaks off.
pub async fn bytes(host: &Host, body: Body) -> Result<Vec<u8>, Problem> {
    let slow = |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body takes too long");
    timeout(PATIENCE, take(host, body)).await.map_err(slow)?
}

async fn take(host: &Host, body: Body) -> Result<Vec<u8>, Problem> {
    let mut taken = Vec::new();
    let mut permit = None;
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|e| Problem::bad(format!("the body breaks off: {e}")))?;
        if taken.len() + part.len() > host.max_body {
            let most = host.max_body >> 20;
            let detail = format!("the body is larger than {most} MB");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
                .hint("send less at once, or set `serve.max_body_mb` higher"));
        }
        if taken.len() + part.len() > SMALL && permit.is_none() {
            // It is never closed.
            permit = host.bodies.acquire().await.ok();
        }
        taken.extend_from_slice(&part);
    }
    Ok(taken)
}

/// The IRI of a path of this server.
pub fn address(parts: &Parts, path: &str) -> Result<NamedNode, Problem> {
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.ok_or_else(|| Problem::bad("the request has no `Host`"))?;
    iri("the address", &format!("http://{host}{path}"))
}
