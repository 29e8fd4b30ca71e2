//! A project over HTTP.
//!
//! | address | method | what it does |
//! |---|---|---|
//! | `/` | GET | a page with a form |
//! | `/sparql` | GET, POST | SPARQL 1.1 Protocol: queries, and updates by POST; without a query, the description of the service |
//! | `/update` | POST | SPARQL 1.1 Protocol: updates |
//! | `/store?graph=IRI`, `/store?default`, `/store/NAME` | GET, HEAD, PUT, POST, DELETE | SPARQL 1.1 Graph Store HTTP Protocol |
//! | `/v1/recommend` | POST | recommendations: the request and the answer are JSON; by the project's language model, if it has one |
//! | `/v1/explain`, `/v1/why-not` | POST | `{"request": {…}, "item": …}`: why an item stands where it does, what would bring it in |
//! | `/v1/profile` | POST | a request as for `/v1/recommend`: what answers to it will rely on |
//! | `/v1/what-if` | POST | `{"request": {…}, "add_events": […]}`: the answer as things are and as they would be |
//! | `/v1/events` | POST | `{"events": [{"user": …, "item": …}]}`: who met what, which the next recommendation counts |
//! | `/v1/outcomes` | POST | `{"outcomes": [{"decision": …, "item": …, "outcome": "accepted"}]}`: what became of items of an answer |
//! | `/queries` | GET | what runs: number, kind, text, seconds, rows |
//! | `/queries/ID` | DELETE | stops it |
//! | `/.well-known/void` | GET | the dataset, in VoID |
//! | `/ontology/NAME` | GET | an ontology of the program, as a page of Markdown; never needs a key |
//! | `/health` | GET | 200 as long as the server answers; never needs a key |
//! | `/metrics` | GET | counters for Prometheus |
//!
//! What goes wrong is said as RFC 9457 (problem details):
//!
//! | status | when |
//! |---|---|
//! | 400 | a request, query, update or document is malformed, or asks for what is not allowed (`SERVICE`, `LOAD`) |
//! | 401, 403, 421 | a key is missing or wrong; it does not suffice; the request came under a name of somebody else |
//! | 404, 405, 406, 413, 415 | there is no such thing; not by this method; not in that format; too large; unknown media type, or a compressed body |
//! | 408 | the body takes too long, or stands still for `serve.idle_s` |
//! | 422 | it has more rows or a longer text, or needs more memory, than the limits allow |
//! | 500, 502 | the server cannot read or write its own files; what `LOAD` names does not answer |
//! | 501 | a query needs what was not built: `kenning:nearest` where there are no vectors |
//! | 503 | too much is running, or this was stopped; `Retry-After` says when it is worth trying again |
//! | 504 | it took more time than the limits allow |
//!
//! Limits are those of `[query]`; parameters of a request may lower them. All jobs together may remember
//! `serve.memory_mb`, so each may remember its share of that, if this is less; bodies that wait for their turn have as
//! much room as four of the largest. A language model is asked in at most `serve.model_calls` places at once; whoever comes
//! then, and whoever the model does not answer in time, has the graph's answer. Queries and updates wait in queues of their own. A connection whose client takes
//! nothing of a response for `serve.idle_s` is closed, and so is one after the refusal of a request that has a body. Relative IRIs are resolved against the address of the request.
//!
//! *Invariants:* a result that is not whole never looks whole (`stream`); an update whose success was told is on the
//! disk, and every later query sees it; a client that went away costs nothing.

mod access;
mod answer;
mod bounds;
mod describe;
mod listen;
mod metrics;
mod models;
mod multipart;
mod negotiate;
mod pages;
mod patient;
mod pool;
mod problem;
mod protocol;
mod recommend;
mod request;
mod store;
mod stream;

use crate::config::ServeSettings;
use crate::engine::{Live, language_models};
use crate::sparql::View;
use crate::{Error, ErrorKind, Result};
use access::Access;
use bounds::Bounds;
use describe::Counted;
use metrics::Metrics;
use models::Models;
use pool::Pool;
use request::Bodies;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// Time between two looks at what other processes did.
const TICK: Duration = Duration::from_millis(200);

/// Bytes of a thread's stack. Only what is used is taken from memory: a deeply nested query.
const STACK: usize = 256 << 20;

/// What requests need.
struct Host {
    live: Live,
    models: Option<Models>,
    bounds: Bounds,
    access: Access,
    pool: Arc<Pool>,
    metrics: Arc<Metrics>,
    bodies: Bodies,
    /// What the description says.
    counted: Counted,
}

/// A server that runs. Dropping it stops it.
pub struct Server {
    address: SocketAddr,
    ending: watch::Sender<bool>,
    listening: Option<tokio::task::JoinHandle<()>>,
    ticking: Option<(Sender<()>, JoinHandle<()>)>,
    runtime: Option<Runtime>,
    without_model: Option<Error>,
    // The journal brings a runtime along, which may not end within ours: so the last owner is here.
    host: Arc<Host>,
}

impl Server {
    /// Starts to serve, as the settings of the project say.
    ///
    /// # Errors
    /// `Usage` for settings that contradict each other or name no address; `Io` if it cannot be listened there.
    pub fn start(live: Live) -> Result<Self> {
        let project = live.engine().project();
        let opened = language_models(project, project.settings().serve.model_calls);
        let (models, without_model) = match opened {
            Ok(models) => (Models::new(models), None),
            Err(error) => (None, Some(error)),
        };
        let settings = live.engine().project().settings();
        let serve = settings.serve.clone();
        let bounds = Bounds::new(settings);
        let idle = Duration::from_secs(serve.idle_s);
        let runtime = runtime(&serve)?;
        let listener = runtime.block_on(bind(&serve.bind))?;
        let address = listener.local_addr().map_err(|e| refused(&serve.bind, e))?;
        let metrics = Arc::<Metrics>::default();
        let host = Arc::new(Host {
            access: Access::new(&serve, address)?,
            bounds,
            models,
            pool: Arc::new(Pool::new(&serve, Arc::clone(&metrics))),
            metrics,
            bodies: Bodies::new(serve.max_body_mb << 20, idle),
            counted: Counted::default(),
            live: live.with_view(view(&serve)),
        });
        let (ending, ends) = watch::channel(false);
        let router = pages::router(Arc::clone(&host), &serve)?;
        let pool = Arc::clone(&host.pool);
        let listening = runtime.spawn(listen::listen((listener, idle), router, ends, move || {
            pool.close()
        }));
        Ok(Self {
            address,
            ending,
            listening: Some(listening),
            ticking: Some(tick(Arc::clone(&host))?),
            runtime: Some(runtime),
            without_model,
            host,
        })
    }

    /// Why the project's language model could not be opened, so that the graph recommends alone.
    pub fn without_model(&self) -> Option<&Error> {
        self.without_model.as_ref()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Jobs that run.
    pub fn running(&self) -> usize {
        self.host.pool.running()
    }

    /// Waits until somebody ends this process, by Ctrl-C or SIGTERM. From when `ready` is called on, it ends in peace.
    ///
    /// # Errors
    /// Those of `ready`.
    pub fn wait(&self, ready: impl FnOnce() -> Result<()>) -> Result<()> {
        match &self.runtime {
            Some(runtime) => runtime.block_on(asked_to_end(ready)),
            None => Ok(()),
        }
    }

    /// Takes no more connections, and waits some seconds for requests in progress before they are stopped.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.ending.send(true);
        if let (Some(runtime), Some(listening)) = (&self.runtime, self.listening.take()) {
            // That it broke down was said when it did.
            let _ = runtime.block_on(listening);
        }
        self.host.pool.close();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
        if let Some((stop, ticking)) = self.ticking.take() {
            drop(stop);
            let _ = ticking.join();
        }
    }
}

fn runtime(serve: &ServeSettings) -> Result<Runtime> {
    // Jobs with slots, and those that ask a model.
    let threads = serve.concurrency.saturating_add(serve.model_calls);
    Builder::new_multi_thread()
        .enable_all()
        .thread_name("serve")
        .thread_stack_size(STACK)
        // One more for each small thing beside the jobs.
        .max_blocking_threads(threads.saturating_add(4))
        .build()
        .map_err(|e| Error::new(ErrorKind::Io, format!("cannot start threads: {e}")).because(e))
}

async fn bind(address: &str) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|e| refused(address, e))
}

fn refused(address: &str, error: std::io::Error) -> Error {
    let usage = error.kind() == std::io::ErrorKind::InvalidInput;
    let kind = match usage {
        true => ErrorKind::Usage,
        false => ErrorKind::Io,
    };
    Error::new(kind, format!("cannot listen at `{address}`: {error}"))
        .because(error)
        .hint("kenning serve --bind 127.0.0.1:0")
}

fn view(serve: &ServeSettings) -> View {
    match serve.default_graph.as_str() {
        "stated" => View::Stated,
        _ => View::Union,
    }
}

/// Looks what other processes did, and makes room for those who wait, until the sender is dropped.
fn tick(host: Arc<Host>) -> Result<(Sender<()>, JoinHandle<()>)> {
    let (stop, stopped) = channel();
    let work = move || {
        while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(TICK) {
            host.pool.make_room();
            // What cannot be read now is looked for again, and what was shown before still is.
            let _ = host.live.refresh();
        }
    };
    let thread = std::thread::Builder::new().name("tick".into()).spawn(work);
    let thread =
        thread.map_err(|e| Error::new(ErrorKind::Io, format!("cannot start a thread: {e}")))?;
    Ok((stop, thread))
}

async fn asked_to_end(ready: impl FnOnce() -> Result<()>) -> Result<()> {
    use tokio::signal::unix::{Signal, SignalKind, signal};
    async fn heard(signal: &mut Option<Signal>) {
        match signal {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
    let mut ends = [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok());
    ready()?;
    let [interrupt, terminate] = &mut ends;
    tokio::select! {
        () = heard(interrupt) => {}
        () = heard(terminate) => {}
    }
    Ok(())
}
