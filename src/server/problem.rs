//! What went wrong, as RFC 9457 (problem details) says it.

use crate::{Error, ErrorKind};
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Map, Value};

/// An error as a response: a status, and a document of the type `application/problem+json` with the members `type`,
/// `title`, `status` and `detail` of the standard, and `place` and `hint` where they are known.
#[derive(Debug)]
pub struct Problem {
    /// The status of the response.
    pub status: StatusCode,
    detail: String,
    place: Option<String>,
    hint: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem of this status that says `detail`.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            place: None,
            hint: None,
            headers: Vec::new(),
        }
    }

    /// The request is malformed.
    pub fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// What went wrong.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Adds what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what to do next, instead of what was said.
    pub fn advise(&mut self, hint: String) {
        self.hint = Some(hint);
    }

    /// Adds a header.
    pub fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    fn document(&self) -> String {
        let mut members = Map::new();
        members.insert("type".into(), "about:blank".into());
        let title = self.status.canonical_reason().unwrap_or("Error");
        members.insert("title".into(), title.into());
        members.insert("status".into(), self.status.as_u16().into());
        members.insert("detail".into(), self.detail.as_str().into());
        let more = [("place", &self.place), ("hint", &self.hint)];
        for (name, value) in more {
            if let Some(value) = value {
                members.insert(name.into(), value.as_str().into());
            }
        }
        Value::Object(members).to_string()
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            ErrorKind::Usage | ErrorKind::Input => StatusCode::BAD_REQUEST,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            // It was understood, and asks for more than is allowed: to send it again as it is would not help.
            ErrorKind::Budget => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorKind::Unavailable => StatusCode::BAD_GATEWAY,
            ErrorKind::Io | ErrorKind::Corrupt => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self {
            place: error.place().map(str::to_owned),
            hint: error.next_step().map(str::to_owned),
            ..Self::new(status, error.message())
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.document()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let media = HeaderValue::from_static("application/problem+json");
        headers.insert(CONTENT_TYPE, media);
        headers.extend(self.headers);
        response
    }
}
