//! Recommendations over HTTP: [`crate::engine::Request`] in, [`crate::engine::Answer`] out, both as JSON; and the events
//! that the next of them counts, and what became of what was shown.
//!
//! Where the project has a language model, that ranks, within what the request allows (`max_ms`, `max_cost`); without one, or
//! where it is busy or fails, the graph answers in milliseconds. Questions about answers are the graph's.

use super::Host;
use super::access::Right;
use super::answer::{change, job, json};
use super::pool::{Job, Kind, shown};
use super::problem::Problem;
use super::request::{self, Parameters};
use crate::Result as Fallible;
use crate::engine::{Engine, Request as Asked, Snapshot, TellOutcome, Told};
use crate::llm::LanguageModel;
use crate::sparql::{Cancel, Limits};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Share of a request's time that a model may take.
const MODEL_TIME: f64 = 0.8;

/// What `POST /v1/events` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Events {
    events: Vec<Told>,
}

/// `POST /v1/events`: all of them are kept, or none.
pub async fn events(
    State(host): State<Arc<Host>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let (parts, body) = request.into_parts();
    host.access.check(&parts.headers, Right::Write)?;
    let limits = Parameters::of(&parts.uri).lower(&host.bounds.limits)?;
    let Events { events } = request::json(&host, &parts.headers, body).await?;
    let count = events.len();
    let work = move |host: &Host, limits: &_, cancel: &_| host.live.tell(&events, limits, cancel);
    let updated = change(host, &format!("{count} events"), limits, work).await?;
    let inserted = updated.inserted;
    Ok(json(
        &serde_json::json!({ "events": count, "inserted": inserted }),
    ))
}

/// What `POST /v1/outcomes` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outcomes {
    outcomes: Vec<TellOutcome>,
}

/// `POST /v1/outcomes`: one after the other; those before one that fails are kept.
pub async fn outcomes(
    State(host): State<Arc<Host>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let (parts, body) = request.into_parts();
    host.access.check(&parts.headers, Right::Write)?;
    let limits = Parameters::of(&parts.uri).lower(&host.bounds.limits)?;
    let Outcomes { outcomes } = request::json(&host, &parts.headers, body).await?;
    let count = outcomes.len();
    let work = move |host: &Host, _: &_, _: &Job| {
        let snapshot = host.live.current();
        let mut told = outcomes.iter();
        told.try_for_each(|told| host.live.engine().tell_outcome(&snapshot, told))
    };
    job(
        host,
        (Kind::Update, &format!("{count} outcomes")),
        limits,
        work,
    )
    .await?;
    Ok(json(&serde_json::json!({ "outcomes": count })))
}

/// `POST /v1/recommend`.
pub async fn post(
    State(host): State<Arc<Host>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let kind = match host.models {
        None => Kind::Query,
        Some(_) => Kind::Model,
    };
    let work = |host: &Host, asked: &Asked, (limits, job): (&Limits, &Job)| {
        let snapshot = host.live.current();
        let engine = host.live.engine();
        // Whom the model does not answer in time, the graph does, which takes some time too.
        let time = limits.time.mul_f64(MODEL_TIME);
        let mut asker = host.models.as_ref().map(|models| match job.kind() {
            Kind::Model => models.within(time),
            // As many ask it as may.
            Kind::Query | Kind::Update => models.busy(),
        });
        let model = asker.as_mut().map(|asker| asker as &mut dyn LanguageModel);
        let bounds = (limits, &job.cancel);
        let answer = engine.recommend_within(&snapshot, asked, model, bounds)?;
        host.metrics.checked(&answer.claims);
        Ok(answer)
    };
    answer(host, kind, request, work).await
}

/// `POST /v1/explain`: why an item stands where it does.
pub async fn explain(
    State(host): State<Arc<Host>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    question(host, request, Engine::why).await
}

/// `POST /v1/profile`: what answers will rely on.
pub async fn profile(
    State(host): State<Arc<Host>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    question(host, request, Engine::foresee).await
}

/// `POST /v1/why-not`: what would bring an item in.
pub async fn why_not(
    State(host): State<Arc<Host>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    question(host, request, Engine::why_not).await
}

/// `POST /v1/what-if`: both answers, as things are and as they would be.
pub async fn what_if(
    State(host): State<Arc<Host>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    question(host, request, Engine::what_if).await
}

/// A question to the graph about answers.
async fn question<Q, A>(
    host: Arc<Host>,
    request: Request,
    ask: fn(&Engine, &Snapshot, &Q, (&Limits, &Cancel)) -> Fallible<A>,
) -> Result<Response<Body>, Problem>
where
    Q: DeserializeOwned + Serialize + Send + 'static,
    A: Serialize + Send + 'static,
{
    let work = move |host: &Host, asked: &Q, (limits, job): (&Limits, &Job)| {
        let snapshot = host.live.current();
        ask(host.live.engine(), &snapshot, asked, (limits, &job.cancel))
    };
    answer(host, Kind::Query, request, work).await
}

/// Reads what is asked, has the graph answer on a thread of the pool, and writes the answer; both are JSON.
async fn answer<Q, A>(
    host: Arc<Host>,
    kind: Kind,
    request: Request,
    work: impl FnOnce(&Host, &Q, (&Limits, &Job)) -> Fallible<A> + Send + 'static,
) -> Result<Response<Body>, Problem>
where
    Q: DeserializeOwned + Serialize + Send + 'static,
    A: Serialize + Send + 'static,
{
    let (parts, body) = request.into_parts();
    host.access.check(&parts.headers, Right::Read)?;
    let limits = Parameters::of(&parts.uri).lower(&host.bounds.limits)?;
    let asked: Q = request::json(&host, &parts.headers, body).await?;
    let text = shown(&serde_json::to_string(&asked).unwrap_or_default());
    let work = move |host: &Host, limits: &_, job: &_| work(host, &asked, (limits, job));
    let answer = job(host, (kind, &text), limits, work).await?;
    match serde_json::to_value(&answer) {
        Ok(answer) => Ok(json(&answer)),
        Err(_) => Err(super::stream::broken()),
    }
}
