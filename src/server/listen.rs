//! Takes connections in, as many as there is room for, and ends them in peace.
//!
//! HTTP/1.1 only: for TLS and HTTP/2 put a proxy before it.

use super::patient::Patient;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

/// Connections at once; further ones wait in the queue of the system.
const CONNECTIONS: u32 = 1024;

/// How long open requests may take when the server ends, and again after they were told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until `ending` is true, connections that stand still no longer than `idle`; then waits for requests in progress; `close` stops those that take longer.
pub async fn listen(
    (listener, idle): (TcpListener, Duration),
    router: Router,
    mut ending: watch::Receiver<bool>,
    close: impl FnOnce(),
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS as usize));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            break;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = ending.wait_for(|ends| *ends) => break,
        };
        let Ok((stream, _)) = accepted else {
            // No more files, most likely: some are closed soon.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        // Only speed is lost without it.
        let _ = stream.set_nodelay(true);
        let (router, ending) = (router.clone(), ending.clone());
        tokio::spawn(async move {
            serve(Patient::new(stream, idle), idle, router, ending).await;
            drop(place);
        });
    }
    drop(listener);
    let all = || places.acquire_many(CONNECTIONS);
    if timeout(GRACE, all()).await.is_err() {
        close();
        let _ = timeout(GRACE, all()).await;
    }
}

async fn serve(stream: Patient, idle: Duration, router: Router, mut ending: watch::Receiver<bool>) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    // How it ends is the client's affair: an error is that it went away, or that its body was broken off.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = ending.wait_for(|ends| *ends) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
