//! Reads requests: parameters, media types, bodies.

use super::Host;
use super::pool::crowded;
use super::problem::Problem;
use crate::sparql::Limits;
use axum::body::Body;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use oxigraph::io::RdfFormat;
use oxrdf::NamedNode;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_stream::StreamExt;

/// Bytes of a body that everybody may send at once. What is larger takes room, part by part of this size.
const SMALL: usize = 64 << 10;

/// There is room for so many bodies of the largest size.
const LARGE: usize = 4;

/// Parameters of a form.
const PARAMETERS: usize = 1000;

/// How long a whole body may take.
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

/// Room for the bodies of requests that are taken in, or wait for their turn.
pub struct Bodies {
    /// Bytes of one.
    most: usize,
    /// How long one may stand still.
    idle: Duration,
    room: Arc<Semaphore>,
}

impl Bodies {
    /// For bodies of `most` bytes that stand still no longer than `idle`.
    pub fn new(most: usize, idle: Duration) -> Self {
        let parts = most.div_ceil(SMALL).saturating_mul(LARGE);
        Self {
            most,
            idle,
            room: Arc::new(Semaphore::new(parts.min(Semaphore::MAX_PERMITS))),
        }
    }
}

/// A body, and the room that it takes until this is dropped.
pub struct Taken<T> {
    /// What was sent.
    pub body: T,
    /// Its room.
    pub room: Option<OwnedSemaphorePermit>,
}

impl<T> Taken<T> {
    /// The same room for what is made of the body.
    pub fn map<U>(self, make: impl FnOnce(T) -> Result<U, Problem>) -> Result<Taken<U>, Problem> {
        Ok(Taken {
            body: make(self.body)?,
            room: self.room,
        })
    }
}

/// A body as text.
///
/// # Errors
/// Those of [`bytes`], and 400 if it is no UTF-8.
pub async fn text(host: &Host, headers: &HeaderMap, body: Body) -> Result<Taken<String>, Problem> {
    let utf8 = |_| Problem::bad("the body is not UTF-8");
    let sent = bytes(host, headers, body).await?;
    sent.map(|bytes| String::from_utf8(bytes).map_err(utf8))
}

/// A body of `application/json`.
///
/// # Errors
/// Those of [`bytes`], 415 if it is of another type, and 400 if it is not of the form that is expected.
pub async fn json<T: DeserializeOwned>(
    host: &Host,
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Problem> {
    let media = media(headers)?;
    if media != "application/json" {
        let detail = format!("`{media}` is not application/json");
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let sent = bytes(host, headers, body).await?;
    serde_json::from_slice(&sent.body)
        .map_err(|e| Problem::bad(format!("the body is not what is expected here: {e}")))
}

/// The parameters of a body.
///
/// # Errors
/// Those of [`bytes`], and 400 if there are too many.
pub async fn form(
    host: &Host,
    headers: &HeaderMap,
    body: Body,
) -> Result<Taken<Parameters>, Problem> {
    let sent = bytes(host, headers, body).await?;
    if sent.body.iter().filter(|byte| **byte == b'&').count() >= PARAMETERS {
        let detail = format!("the form has more than {PARAMETERS} parameters");
        return Err(Problem::bad(detail));
    }
    sent.map(|bytes| Ok(Parameters::parse(&bytes)))
}

/// A whole body.
///
/// # Errors
/// 415 if it is compressed, 413 if it is too large, 408 if it takes too long or stands still, 503 if others take all
/// the room, 400 if it breaks off.
pub async fn bytes(
    host: &Host,
    headers: &HeaderMap,
    body: Body,
) -> Result<Taken<Vec<u8>>, Problem> {
    plain(headers)?;
    let whole = timeout(PATIENCE, take(&host.bodies, body)).await;
    whole.map_err(|_| slow("the body takes too long"))?
}

/// Takes only the room that it fills, so that a client that sends slowly keeps no other one out.
async fn take(bodies: &Bodies, body: Body) -> Result<Taken<Vec<u8>>, Problem> {
    let mut taken = Vec::new();
    let mut room: Option<OwnedSemaphorePermit> = None;
    let mut parts = body.into_data_stream();
    loop {
        let part = timeout(bodies.idle, parts.next()).await;
        let Some(part) = part.map_err(|_| slow("the body stands still"))? else {
            break;
        };
        let part = part.map_err(|e| Problem::bad(format!("the body breaks off: {e}")))?;
        let length = taken.len() + part.len();
        if length > bodies.most {
            let most = bodies.most >> 20;
            let detail = format!("the body is larger than {most} MB");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
                .hint("send less at once: this server allows no more (`serve.max_body_mb`)"));
        }
        let held = room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let needed = length.saturating_sub(SMALL).div_ceil(SMALL);
        if needed > held {
            let more = u32::try_from(needed - held).unwrap_or(u32::MAX);
            let more = Arc::clone(&bodies.room).acquire_many_owned(more);
            // Bodies that wait for each other would wait in vain.
            let Ok(Ok(more)) = timeout(bodies.idle, more).await else {
                return Err(crowded("other large bodies are taken in"));
            };
            match &mut room {
                Some(room) => room.merge(more),
                None => room = Some(more),
            }
        }
        taken.extend_from_slice(&part);
    }
    Ok(Taken { body: taken, room })
}

/// That a body is what it says it is: nothing is unpacked here, for a few bytes could become very many.
fn plain(headers: &HeaderMap) -> Result<(), Problem> {
    let codings = headers.get_all(CONTENT_ENCODING).into_iter();
    let packed = codings
        .filter(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
        .count();
    match packed {
        0 => Ok(()),
        _ => Err(
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is compressed")
                .header(ACCEPT_ENCODING, "identity")
                .hint("send it as it is, without `Content-Encoding`"),
        ),
    }
}

fn slow(detail: &str) -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
}

/// The IRI of a path of this server.
pub fn address(parts: &Parts, path: &str) -> Result<NamedNode, Problem> {
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.ok_or_else(|| Problem::bad("the request has no `Host`"))?;
    iri("the address", &format!("http://{host}{path}"))
}
