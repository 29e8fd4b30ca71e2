//! The addresses, and what is answered at the small ones.

use super::access::{Right, origins};
use super::answer::json;
use super::problem::Problem;
use super::{Host, describe, protocol, recommend, store};
use crate::config::ServeSettings;
use crate::{Error, Result};
use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Path, Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap,
    HeaderValue,
};
use axum::http::{Method, Response, StatusCode};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::routing::{delete, get, post};
use std::sync::Arc;
use tower_http::cors::{AllowOrigin, CorsLayer};

const PAGE: &str = include_str!("page.html");

/// The page fetches from this server alone, and nothing else.
const POLICY: &str = "default-src 'none'; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; \
                      script-src 'unsafe-inline'; style-src 'unsafe-inline'";

type Answer = Result<Response<Body>, Problem>;

/// All addresses.
pub(super) fn router(host: Arc<Host>, settings: &ServeSettings) -> Result<Router> {
    let graph = get(store::get)
        .put(store::put)
        .post(store::post)
        .delete(store::delete);
    let router = Router::new()
        .route("/", get(page))
        .route("/sparql", get(protocol::get_query).post(protocol::post))
        .route("/update", post(protocol::post))
        .route("/store", graph.clone())
        .route("/store/{*name}", graph)
        .route("/v1/recommend", post(recommend::post))
        .route("/v1/explain", post(recommend::explain))
        .route("/v1/profile", post(recommend::profile))
        .route("/v1/why-not", post(recommend::why_not))
        .route("/v1/what-if", post(recommend::what_if))
        .route("/v1/events", post(recommend::events))
        .route("/v1/outcomes", post(recommend::outcomes))
        .route("/queries", get(queries))
        .route("/queries/{id}", delete(kill))
        .route("/.well-known/void", get(void))
        .route("/ontology/{name}", get(ontology))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .method_not_allowed_fallback(not_allowed)
        .fallback(nowhere)
        .layer(middleware::from_fn(part_on_refusal))
        .with_state(host);
    match origins(settings).next() {
        None => Ok(router),
        Some(_) => Ok(router.layer(cors(settings)?)),
    }
}

fn cors(settings: &ServeSettings) -> Result<CorsLayer> {
    let all = origins(settings).any(|origin| origin == "*");
    let list = origins(settings).map(|origin| {
        HeaderValue::from_str(origin).map_err(|_| {
            Error::usage(format!("`{origin}` is no origin"))
                .at("serve.cors")
                .hint("cors = \"https://example.org\"")
        })
    });
    let list = list.collect::<Result<Vec<_>>>()?;
    let allowed = match all {
        true => AllowOrigin::any(),
        false => AllowOrigin::list(list),
    };
    let methods = [Method::GET, Method::POST, Method::PUT, Method::DELETE];
    Ok(CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods(methods)
        .allow_headers([AUTHORIZATION, CONTENT_TYPE]))
}

async fn page() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, PAGE)
}

async fn queries(State(host): State<Arc<Host>>, headers: HeaderMap) -> Answer {
    host.access.check(&headers, Right::Manage)?;
    let list = serde_json::json!({ "queries": host.pool.list() });
    let mut response = json(&list);
    let fresh = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, fresh);
    Ok(response)
}

async fn kill(State(host): State<Arc<Host>>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    host.access.check(&headers, Right::Manage)?;
    match id.parse().is_ok_and(|id| host.pool.kill(id)) {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => {
            let gone = Problem::new(
                StatusCode::NOT_FOUND,
                format!("nothing of number {id} runs"),
            );
            Err(gone.hint("`GET /queries` lists what runs"))
        }
    }
}

async fn void(State(host): State<Arc<Host>>, headers: HeaderMap) -> Answer {
    host.access.check(&headers, Right::Read)?;
    describe::void(&host, &headers).await
}

/// The page of an ontology that comes along; it says nothing of the data.
async fn ontology(Path(name): Path<String>) -> Answer {
    let page = crate::ontology::page(&name)?;
    let media = [(CONTENT_TYPE, "text/markdown; charset=utf-8")];
    Ok((media, page).into_response())
}

async fn health() -> &'static str {
    "ok\n"
}

async fn metrics(State(host): State<Arc<Host>>, headers: HeaderMap) -> Answer {
    host.access.check(&headers, Right::Read)?;
    let snapshot = host.live.current();
    let changes = snapshot.dataset().changes;
    let text = host.metrics.text(&[
        (
            "kenning_running",
            "Queries and updates that run.",
            host.pool.running() as f64,
        ),
        (
            "kenning_waiting",
            "Those that wait.",
            host.pool.waiting() as f64,
        ),
        (
            "kenning_facts",
            "Facts of the snapshot.",
            snapshot.graph().fact_count() as f64,
        ),
        (
            "kenning_added",
            "Statements added since it was built.",
            changes.added_count() as f64,
        ),
        (
            "kenning_removed",
            "Facts removed since.",
            changes.removed_count() as f64,
        ),
    ]);
    let media = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((media, text).into_response())
}

/// Says that the connection ends where the body of a refused request may not have been read: a client that takes it for one
/// that goes on loses its next request.
async fn part_on_refusal(request: Request, next: Next) -> Response<Body> {
    let has_body = !request.body().is_end_stream();
    let mut response = next.run(request).await;
    if has_body && !response.status().is_success() {
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this address does not take this method",
    )
}

async fn nowhere() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address")
        .hint("`/sparql`, `/update`, `/store` and `/v1/recommend` are there")
}
