//! Documents that a form sends along: `multipart/form-data` (RFC 7578), each with its own media type.

use super::problem::Problem;
use super::request;
use axum::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use oxigraph::io::RdfFormat;

/// The documents of a body with these headers: one, unless the body is a form of several.
///
/// # Errors
/// 415 for a media type that is no format of RDF, 400 for a form without documents.
pub fn documents(headers: &HeaderMap, body: Vec<u8>) -> Result<Vec<(RdfFormat, Vec<u8>)>, Problem> {
    let Some(boundary) = boundary(headers) else {
        return Ok(vec![(request::format(headers)?, body)]);
    };
    let text = String::from_utf8(body).map_err(|_| Problem::bad("the form is not UTF-8"))?;
    let parts = parts(&text, &boundary);
    if parts.is_empty() {
        return Err(Problem::bad("the form has no documents"));
    }
    parts.iter().map(|part| document(part)).collect()
}

/// What separates the documents, if the media type says that there are several.
fn boundary(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let (media, parameters) = value.split_once(';')?;
    let media = media.trim().eq_ignore_ascii_case("multipart/form-data");
    let mut parameters = parameters
        .split(';')
        .filter_map(|part| part.split_once('='));
    let found = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"));
    found
        .filter(|_| media)
        .map(|(_, value)| value.trim().trim_matches('"').to_owned())
}

/// The text between lines that consist of the boundary; what stands before the first and after the last is no part.
fn parts(text: &str, boundary: &str) -> Vec<String> {
    let (begin, end) = (format!("--{boundary}"), format!("--{boundary}--"));
    let mut parts: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n') {
        match line.trim_end() {
            bare if bare == begin => parts.push(String::new()),
            bare if bare == end => break,
            _ => {
                if let Some(part) = parts.last_mut() {
                    part.push_str(line);
                }
            }
        }
    }
    parts
}

/// Headers, an empty line, a document.
fn document(part: &str) -> Result<(RdfFormat, Vec<u8>), Problem> {
    let mut headers = HeaderMap::new();
    let mut rest = part;
    while let Some((line, after)) = rest.split_once('\n') {
        rest = after;
        if line.trim().is_empty() {
            break;
        }
        let header = line.split_once(':');
        let media = header.filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if let Some(value) = media.and_then(|(_, value)| HeaderValue::from_str(value.trim()).ok()) {
            headers.insert(CONTENT_TYPE, value);
        }
    }
    Ok((request::format(&headers)?, rest.as_bytes().to_vec()))
}
