//! Which queries and updates run, how many may, and how they are stopped.
//!
//! At most `serve.concurrency` run at once, each on a thread of its own; `serve.queue` more queries may wait, and whoever
//! comes then is told to come again later. Updates come one after the other anyhow, so they wait for their turn before
//! they take a slot, in a queue of their own: however many there are, they take no place of a query. Recommendations by a
//! language model take no slot, for they wait for it most of the time: `serve.model_calls` at once, and the others are queries.
//! While others wait for slots, at most half of them stay with what runs longer
//! than a second: a few long queries cannot keep everybody else out.

use super::bounds::Bounds;
use super::metrics::{Metrics, Outcome};
use super::problem::Problem;
use crate::Error;
use crate::config::ServeSettings;
use crate::sparql::Cancel;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// What runs longer is long.
const LONG: Duration = Duration::from_secs(1);

/// Characters of a text that the list shows.
const SHOWN: usize = 2000;

/// What a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It reads.
    Query,
    /// It writes.
    Update,
    /// It asks a language model, and waits for it most of the time.
    Model,
}

/// Why a job is stopped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Its client went away.
    Gone,
    /// Somebody killed it.
    Killed,
    /// It is long, and others wait.
    Crowded,
    /// The server ends.
    Closing,
}

impl Stop {
    fn problem(self) -> Problem {
        let busy = |detail| Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        match self {
            Self::Gone => busy("the client went away"),
            Self::Killed => busy("somebody stopped this with `DELETE /queries/ID`"),
            Self::Crowded => crowded("others wait, and this took longer than a second"),
            Self::Closing => crowded("the server is being stopped"),
        }
    }
}

/// A query or an update that runs.
pub struct Job {
    id: u64,
    kind: Kind,
    text: String,
    since: Instant,
    /// Rows or triples found so far.
    pub rows: AtomicU64,
    /// Stops it.
    pub cancel: Cancel,
    stopped: OnceLock<Stop>,
}

impl Job {
    /// Stops it soon; the first reason counts.
    pub fn stop(&self, reason: Stop) {
        self.stopped.get_or_init(|| reason);
        self.cancel.cancel();
    }

    /// Whether it is being stopped, and why.
    pub fn stopped(&self) -> Option<Stop> {
        self.stopped.get().copied()
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// When it began.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// Why it failed: a job that was stopped fails for that, whatever it says itself.
    pub fn problem(&self, error: Error, bounds: &Bounds) -> Problem {
        if let Some(reason) = self.stopped() {
            return reason.problem();
        }
        let mut problem = bounds.problem(error);
        // A query asks no other server: what it lacks was not built.
        if self.kind == Kind::Query && problem.status == StatusCode::BAD_GATEWAY {
            problem.status = StatusCode::NOT_IMPLEMENTED;
        }
        problem
    }
}

/// A job as `GET /queries` lists it.
#[derive(Serialize)]
pub struct Listed {
    id: u64,
    kind: Kind,
    text: String,
    seconds: f64,
    rows: u64,
}

/// All jobs.
pub struct Pool {
    /// Of queries that run or wait.
    readers: Arc<Semaphore>,
    /// Of updates that run or wait.
    writers: Arc<Semaphore>,
    /// Of jobs that ask a model: they take no slots.
    askers: Arc<Semaphore>,
    /// The update whose turn it is.
    turn: Arc<Semaphore>,
    slots: Arc<Semaphore>,
    size: usize,
    queue: usize,
    jobs: Mutex<BTreeMap<u64, Arc<Job>>>,
    next: AtomicU64,
    metrics: Arc<Metrics>,
}

/// The right to run one job.
pub struct Slot {
    kind: Kind,
    _place: OwnedSemaphorePermit,
    _turn: Option<OwnedSemaphorePermit>,
    _slot: Option<OwnedSemaphorePermit>,
}

impl Pool {
    /// A pool of the size that the settings say.
    pub fn new(settings: &ServeSettings, metrics: Arc<Metrics>) -> Self {
        let size = settings.concurrency.min(Semaphore::MAX_PERMITS / 4);
        let queue = settings.queue.min(Semaphore::MAX_PERMITS / 4);
        let models = settings.model_calls.min(Semaphore::MAX_PERMITS / 4);
        Self {
            readers: Arc::new(Semaphore::new(size + queue)),
            writers: Arc::new(Semaphore::new(size + queue)),
            askers: Arc::new(Semaphore::new(models)),
            turn: Arc::new(Semaphore::new(1)),
            slots: Arc::new(Semaphore::new(size)),
            size,
            queue,
            jobs: Mutex::default(),
            next: AtomicU64::new(1),
            metrics,
        }
    }

    /// Waits for a slot, but no longer than `patience`. Where as many ask a model as may, another one is a query: the
    /// graph answers it.
    ///
    /// # Errors
    /// 503 if too many wait already, or it took too long.
    pub async fn enter(&self, kind: Kind, patience: Duration) -> Result<Slot, Problem> {
        if kind == Kind::Model
            && let Ok(place) = Arc::clone(&self.askers).try_acquire_owned()
        {
            return Ok(Slot {
                kind,
                _place: place,
                _turn: None,
                _slot: None,
            });
        }
        let (kind, places, what) = match kind {
            Kind::Update => (kind, &self.writers, "too many updates wait for their turn"),
            Kind::Query | Kind::Model => {
                (Kind::Query, &self.readers, "too many queries are running")
            }
        };
        let entered = match Arc::clone(places).try_acquire_owned() {
            Ok(place) => timeout(patience, self.wait(kind, place))
                .await
                .ok()
                .flatten(),
            Err(_) => None,
        };
        entered.ok_or_else(|| {
            self.metrics.refused();
            crowded(what)
        })
    }

    /// Nothing only if the semaphores are closed, which they never are.
    async fn wait(&self, kind: Kind, place: OwnedSemaphorePermit) -> Option<Slot> {
        let turn = match kind {
            Kind::Query | Kind::Model => None,
            Kind::Update => Some(Arc::clone(&self.turn).acquire_owned().await.ok()?),
        };
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok()?;
        Some(Slot {
            kind,
            _place: place,
            _turn: turn,
            _slot: Some(slot),
        })
    }

    /// Begins a job, which ends when the ticket is dropped.
    pub fn begin(self: &Arc<Self>, slot: Slot, text: &str) -> Ticket {
        let job = Arc::new(Job {
            id: self.next.fetch_add(1, Ordering::Relaxed),
            kind: slot.kind,
            text: shown(text),
            since: Instant::now(),
            rows: AtomicU64::new(0),
            cancel: Cancel::default(),
            stopped: OnceLock::new(),
        });
        self.jobs().insert(job.id, Arc::clone(&job));
        Ticket {
            pool: Arc::clone(self),
            job,
            outcome: Outcome::Failed,
            _slot: slot,
        }
    }

    /// What runs, oldest first.
    pub fn list(&self) -> Vec<Listed> {
        let jobs = self.jobs();
        let listed = |job: &Arc<Job>| Listed {
            id: job.id,
            kind: job.kind,
            text: job.text.clone(),
            seconds: job.since.elapsed().as_secs_f64(),
            rows: job.rows.load(Ordering::Relaxed),
        };
        jobs.values().map(listed).collect()
    }

    /// Stops the job of this number; whether there is one.
    pub fn kill(&self, id: u64) -> bool {
        let jobs = self.jobs();
        let job = jobs.get(&id);
        job.inspect(|job| job.stop(Stop::Killed)).is_some()
    }

    /// Stops all jobs.
    pub fn close(&self) {
        self.jobs().values().for_each(|job| job.stop(Stop::Closing));
    }

    /// Stops the oldest of the long jobs while others wait, if more than half of the slots are theirs.
    pub fn make_room(&self) {
        let full = self.slots.available_permits() == 0;
        if !full || self.waiting_for_slots() == 0 {
            return;
        }
        let jobs = self.jobs();
        let has_slot = jobs.values().filter(|job| job.kind != Kind::Model);
        let long = has_slot.filter(|job| job.since.elapsed() > LONG);
        let long: Vec<_> = long.collect();
        let too_many = long.len().saturating_sub(self.size.div_ceil(2));
        for job in long.into_iter().take(too_many) {
            job.stop(Stop::Crowded);
        }
    }

    /// How many run.
    pub fn running(&self) -> usize {
        self.jobs().len()
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        let inside = self.inside(&self.readers) + self.inside(&self.writers);
        inside.saturating_sub(self.slots_taken())
    }

    /// How many could run if there were slots: of the updates only the one whose turn it is.
    fn waiting_for_slots(&self) -> usize {
        let ready = self.inside(&self.readers) + 1 - self.turn.available_permits();
        ready.saturating_sub(self.slots_taken())
    }

    fn inside(&self, places: &Semaphore) -> usize {
        self.size + self.queue - places.available_permits()
    }

    fn slots_taken(&self) -> usize {
        self.size - self.slots.available_permits()
    }

    fn jobs(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job, for the thread that does it.
pub struct Ticket {
    pool: Arc<Pool>,
    /// The job.
    pub job: Arc<Job>,
    /// How it ended: failed, unless said otherwise.
    pub outcome: Outcome,
    _slot: Slot,
}

impl Ticket {
    /// For whoever waits for the job: when that is dropped, nobody does.
    pub fn watch(&self) -> Watch {
        Watch(Arc::clone(&self.job))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.pool.jobs().remove(&self.job.id);
        let outcome = match self.job.stopped() {
            Some(_) if self.outcome != Outcome::Done => Outcome::Stopped,
            _ => self.outcome,
        };
        let rows = self.job.rows.load(Ordering::Relaxed);
        let took = self.job.since.elapsed();
        self.pool.metrics.ended(self.job.kind, outcome, took, rows);
    }
}

/// Held as long as a client waits for a job.
pub struct Watch(Arc<Job>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.stop(Stop::Gone);
    }
}

/// What the list shows of a text.
pub fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

/// The server has no room for this now.
pub fn crowded(detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        .header(RETRY_AFTER, "1")
        .hint("send this again a little later")
}
