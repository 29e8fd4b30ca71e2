//! What `LOAD` may fetch: documents below the addresses that the project allows, and nothing else.

use crate::sparql::{Document, Limits};
use crate::{Error, ErrorKind, Result};
use oxigraph::io::RdfFormat;
use std::io::Read;
use std::path::Path;

/// Asks for what the parsers know, Turtle first.
const ACCEPT: &str = "text/turtle, application/n-quads, application/n-triples, application/trig, \
                      application/ld+json;q=0.9, application/rdf+xml;q=0.9";

/// Fetches a document, within the time and the memory of an update.
///
/// Redirections are not followed, for they could lead anywhere.
///
/// # Errors
/// `Input` if the address is not below one of the `allowed`, or its format is unknown; `Unavailable` if its server does
/// not give it; `Budget` if it is too large.
pub(super) fn fetch(allowed: &[String], limits: &Limits, iri: &str) -> Result<Document> {
    if !allowed.iter().any(|prefix| lies_below(iri, prefix)) {
        return Err(Error::input(format!("`LOAD <{iri}>` is not allowed"))
            .hint("`kenning load FILE`, or allow the address by `load` under `[query]` of the project file"));
    }
    let (bytes, media_type) = match iri.strip_prefix("file://") {
        Some(path) => (read_file(path, limits)?, None),
        None => get(iri, limits)?,
    };
    let named = || RdfFormat::from_extension(Path::new(iri).extension()?.to_str()?);
    let format = media_type.as_deref().and_then(RdfFormat::from_media_type);
    let format = format.or_else(named).ok_or_else(|| {
        Error::input("neither its media type nor its name tells which RDF syntax it is in").at(iri)
    })?;
    Ok(Document {
        bytes,
        format,
        base: Some(iri.to_owned()),
    })
}

/// A prefix ends with a step of the path, so that `http://good` does not stand for `http://good.evil`; and no step may
/// lead upwards again.
fn lies_below(iri: &str, prefix: &str) -> bool {
    let upwards =
        |step: &str| matches!(step.to_lowercase().replace("%2e", ".").as_str(), "." | "..");
    let below = prefix.ends_with('/') && prefix.matches('/').count() > 2 && iri.starts_with(prefix);
    (below || iri == prefix)
        && !iri.split(['/', '\\', '?', '#']).any(upwards)
        && !iri.to_lowercase().contains("%2f")
}

fn read_file(path: &str, limits: &Limits) -> Result<Vec<u8>> {
    let path = Path::new(path);
    let file = std::fs::File::open(path).map_err(|e| Error::io("read", path, e))?;
    let mut bytes = Vec::new();
    let most = limits.memory as u64;
    let read = file.take(most.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|e| Error::io("read", path, e))?;
    match bytes.len() as u64 > most {
        true => Err(too_large(most).at(path.display())),
        false => Ok(bytes),
    }
}

fn get(iri: &str, limits: &Limits) -> Result<(Vec<u8>, Option<String>)> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(limits.time))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .build();
    let broken = |e: ureq::Error| match e {
        ureq::Error::BodyExceedsLimit(most) => too_large(most).at(iri),
        e => Error::unavailable(format!("cannot fetch it: {e}"))
            .at(iri)
            .because(e),
    };
    let agent = ureq::Agent::new_with_config(config);
    let mut response = agent
        .get(iri)
        .header("accept", ACCEPT)
        .call()
        .map_err(broken)?;
    if response.status() != 200 {
        return Err(
            Error::unavailable(format!("its server says {}", response.status()))
                .at(iri)
                .hint("redirections are not followed: load the address that it has now"),
        );
    }
    let media_type = response.body().mime_type().map(str::to_owned);
    let body = response
        .body_mut()
        .with_config()
        .limit(limits.memory as u64);
    Ok((body.read_to_vec().map_err(broken)?, media_type))
}

fn too_large(most: u64) -> Error {
    Error::new(
        ErrorKind::Budget,
        format!("the document is larger than {} MiB", most >> 20),
    )
    .hint("`kenning import` takes larger ones")
}
