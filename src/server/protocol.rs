//! The SPARQL 1.1 Protocol (<https://www.w3.org/TR/sparql11-protocol/>).
//!
//! Both endpoints take either operation where the method allows it, so a client that knows one address only can do all.
//! Parameters of our own: `timeout` (seconds) and `max-rows`, which may only lower the limits of the settings; and
//! `explain`, with which a query is answered by its plan as JSON: steps, rows that were expected, rows that there were.

use super::Host;
use super::access::Right;
use super::answer::{self, Asked};
use super::describe;
use super::negotiate::Accept;
use super::pool;
use super::problem::Problem;
use super::request::{self, Parameters, Taken};
use crate::engine;
use crate::sparql::Update;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use std::sync::Arc;

type Answer = Result<Response<Body>, Problem>;

/// `GET /sparql`: a query, or without one the description of the service.
pub async fn get_query(State(host): State<Arc<Host>>, request: Request) -> Answer {
    let (parts, _) = request.into_parts();
    let parameters = Parameters::of(&parts.uri);
    if parameters.has("update") {
        return Err(Problem::bad("an update has to be sent with POST"));
    }
    host.access.check(&parts.headers, Right::Read)?;
    match parameters.one("query")? {
        Some(text) => query(host, &parts, text.to_owned(), &parameters).await,
        None => describe::service(&host, &parts.headers).await,
    }
}

/// `POST /sparql` and `POST /update`.
pub async fn post(State(host): State<Arc<Host>>, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    // Before the body is taken in; whoever may write may read.
    host.access.check(&parts.headers, Right::Read)?;
    let address = Parameters::of(&parts.uri);
    match request::media(&parts.headers)?.as_str() {
        "application/x-www-form-urlencoded" => {
            let sent = request::form(&host, &parts.headers, body).await?;
            let Taken { body, room } = sent;
            let all = body.and(address);
            match (all.one("query")?, all.one("update")?) {
                (Some(text), None) => query(host, &parts, text.to_owned(), &all).await,
                (None, Some(text)) => {
                    let body = text.to_owned();
                    update(host, &parts, Taken { body, room }, &all).await
                }
                (None, None) => Err(Problem::bad("the form has neither `query` nor `update`")),
                _ => Err(Problem::bad("the form has both `query` and `update`")),
            }
        }
        "application/sparql-query" => {
            let text = request::text(&host, &parts.headers, body).await?;
            query(host, &parts, text.body, &address).await
        }
        "application/sparql-update" => {
            host.access.check(&parts.headers, Right::Write)?;
            let text = request::text(&host, &parts.headers, body).await?;
            update(host, &parts, text, &address).await
        }
        other => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("`{other}` is neither a query nor an update"),
        )
        .hint(
            "send application/sparql-query, application/sparql-update or application/x-www-form-urlencoded",
        )),
    }
}

async fn query(host: Arc<Host>, parts: &Parts, text: String, parameters: &Parameters) -> Answer {
    let short = engine::short(&text, host.bounds.text);
    short.map_err(|error| host.bounds.problem(error))?;
    let asked = Asked {
        text,
        base: base(parts),
        graphs: [
            parameters.iris("default-graph-uri")?,
            parameters.iris("named-graph-uri")?,
        ],
        limits: parameters.lower(&host.bounds.limits)?,
        accept: Accept::of(&parts.headers),
        nothing: None,
    };
    match parameters.has("explain") {
        true => answer::explain(host, asked).await,
        false => answer::query(host, asked).await,
    }
}

async fn update(
    host: Arc<Host>,
    parts: &Parts,
    text: Taken<String>,
    parameters: &Parameters,
) -> Answer {
    host.access.check(&parts.headers, Right::Write)?;
    let default = parameters.iris("using-graph-uri")?;
    let named = parameters.iris("using-named-graph-uri")?;
    let limits = parameters.lower(&host.bounds.limits)?;
    let (shown, base) = (pool::shown(&text.body), base(parts));
    let updated = answer::change(host, &shown, limits, move |host, limits, cancel| {
        let text = text;
        let mut update = Update::parse_within(&text.body, base.as_deref(), limits.memory)?;
        if !default.is_empty() || !named.is_empty() {
            update = update.with_dataset(default, named)?;
        }
        host.live.update(&update, limits, cancel)
    });
    let updated = updated.await?;
    let counts = serde_json::json!({
        "inserted": updated.inserted,
        "deleted": updated.deleted,
    });
    Ok(answer::json(&counts))
}

/// Relative IRIs are resolved against the address that was asked (SPARQL 1.1 Protocol §2.1, RFC 3986 §5.1.3).
fn base(parts: &Parts) -> Option<String> {
    let address = request::address(parts, parts.uri.path()).ok()?;
    Some(address.into_string())
}
