//! From the thread that finds results to the socket that they leave through, with room for a few parts between them: a
//! client that reads slowly holds up its own query, and nobody else.
//!
//! A result that is cut short never looks complete:
//!
//! - What fails before the first part was sent is answered with a status that says so.
//! - Later, the connection is closed without the chunk that ends a body, which every client notices.
//! - Before that, a line is written that no parser takes ([`mark`]), for a part of a document may still be a document:
//!   of CSV, TSV, N-Triples, N-Quads, Turtle and TriG, and for lenient parsers of XML.

use super::pool::{Job, Stop, Ticket, Watch};
use super::problem::Problem;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, VARY};
use axum::http::{HeaderValue, Response};
use oxigraph::io::RdfFormat;
use oxigraph::sparql::results::QueryResultsFormat;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;
use tokio_stream::Stream;

/// Bytes of a part.
const PART: usize = 16 << 10;

/// Parts that may wait for the socket.
const PARTS: usize = 4;

/// How often a writer that waits for its client looks whether it shall stop.
const GLANCE: Duration = Duration::from_millis(50);

/// What a thread sends to its response.
enum Part {
    More(Bytes),
    /// The whole result, or the rest of it.
    Last(Bytes),
    Failed(Problem),
}

/// The thread's end: a buffer that is sent whenever it is full.
pub struct Pipe {
    parts: Sender<Part>,
    buffer: Vec<u8>,
    sent: bool,
    media: Arc<OnceLock<&'static str>>,
    job: Arc<Job>,
    deadline: Instant,
    runtime: Handle,
}

/// The response's end.
pub struct Outlet {
    parts: Receiver<Part>,
    media: Arc<OnceLock<&'static str>>,
    watch: Watch,
}

/// A pipe for what a job finds within `time`. Call it within a runtime.
pub fn pipe(ticket: &Ticket, time: Duration) -> (Pipe, Outlet) {
    let (sender, parts) = channel(PARTS);
    let media = Arc::new(OnceLock::new());
    let job = &ticket.job;
    // An instant has an end.
    let far = Duration::from_secs(1 << 30);
    let pipe = Pipe {
        parts: sender,
        buffer: Vec::with_capacity(PART),
        sent: false,
        media: Arc::clone(&media),
        job: Arc::clone(job),
        deadline: job.since() + time.min(far),
        runtime: Handle::current(),
    };
    let outlet = Outlet {
        parts,
        media,
        watch: ticket.watch(),
    };
    (pipe, outlet)
}

impl Pipe {
    /// Says what the result is written in, before anything is written.
    pub fn announce(&self, media: &'static str) {
        self.media.get_or_init(|| media);
    }

    /// The result is whole. The job ends before its client can know: who asks again at once finds its place free.
    pub fn end(mut self, ticket: Ticket) {
        let rest = std::mem::take(&mut self.buffer);
        // If the client went away, nobody is left to be told.
        let _ = self.send(Part::Last(rest.into()), Some(ticket));
    }

    /// The result is not whole: `mark` makes sure that what was sent is no document. The job ends as in [`Pipe::end`].
    pub fn fail(mut self, problem: Problem, mark: &str, ticket: Ticket) {
        self.deadline = Instant::now() + Duration::from_secs(1);
        if self.sent {
            self.buffer.extend_from_slice(mark.as_bytes());
            let marked = std::mem::take(&mut self.buffer);
            let _ = self.send(Part::More(marked.into()), None);
            // What the connection has not written when it hears of the error is never written.
            std::thread::sleep(2 * GLANCE);
        }
        let _ = self.send(Part::Failed(problem), Some(ticket));
    }

    /// Waits until there is room, as long as there is time and somebody who reads; then the `last` part ends its job.
    fn send(&mut self, part: Part, last: Option<Ticket>) -> io::Result<()> {
        loop {
            let room = self.parts.reserve();
            match self.runtime.block_on(async { timeout(GLANCE, room).await }) {
                Ok(Ok(room)) => {
                    drop(last);
                    room.send(part);
                    self.sent = true;
                    return Ok(());
                }
                Ok(Err(_)) => {
                    self.job.stop(Stop::Gone);
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                Err(_) if Instant::now() > self.deadline => {
                    return Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        "the client reads too slowly",
                    ));
                }
                // A failure is told even though the job was stopped: that may be why.
                Err(_) if self.job.stopped().is_some() && matches!(part, Part::More(_)) => {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                Err(_) => {}
            }
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PART {
            let full = std::mem::replace(&mut self.buffer, Vec::with_capacity(PART));
            self.send(Part::More(full.into()), None)?;
        }
        Ok(bytes.len())
    }

    /// Nothing leaves before a part is full, so that what fails early gets a proper status.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Outlet {
    /// The response, as soon as the first part is there.
    pub async fn response(mut self) -> Result<Response<Body>, Problem> {
        let body = match self.parts.recv().await {
            Some(Part::Last(whole)) => Body::from(whole),
            Some(Part::More(first)) => Body::from_stream(Flow {
                first: Some(first),
                rest: self.parts,
                ended: false,
                _watch: self.watch,
            }),
            Some(Part::Failed(problem)) => return Err(problem),
            None => return Err(broken()),
        };
        let mut response = Response::new(body);
        let media = self.media.get().copied().unwrap_or("text/plain");
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
        headers.insert(VARY, HeaderValue::from_static("accept"));
        Ok(response)
    }
}

/// A body that ends well, or with an error that breaks it off.
struct Flow {
    first: Option<Bytes>,
    rest: Receiver<Part>,
    ended: bool,
    _watch: Watch,
}

impl Stream for Flow {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        let part = ready!(self.rest.poll_recv(context));
        self.ended = !matches!(part, Some(Part::More(_)));
        Poll::Ready(match part {
            Some(Part::More(bytes)) => Some(Ok(bytes)),
            Some(Part::Last(bytes)) => (!bytes.is_empty()).then_some(Ok(bytes)),
            // Also when the thread ended without a word.
            Some(Part::Failed(_)) | None => Some(Err(io::ErrorKind::UnexpectedEof.into())),
        })
    }
}

/// What is said when a thread ended without a word.
pub fn broken() -> Problem {
    let status = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
    Problem::new(status, "the thread of this request broke down")
        .hint("please report this, with the request")
}

/// What a result is written in.
#[derive(Clone, Copy, Debug)]
pub enum Document {
    /// Solutions of so many variables.
    Solutions(QueryResultsFormat, usize),
    /// Triples.
    Triples(RdfFormat),
}

/// A line that makes an unfinished document invalid for every parser, and says why it is unfinished: a string that is
/// never closed, where none may stand; in XML an element that is closed under another name. In CSV, where nearly
/// everything is valid, the line has a field too many besides.
pub fn mark(document: Document, detail: &str) -> String {
    let detail = detail.replace(['"', '\\', '<', '&', '\n', '\r', '\t'], " ");
    let before = match document {
        Document::Solutions(QueryResultsFormat::Xml, _) | Document::Triples(RdfFormat::RdfXml) => {
            return format!("\n<error>cut short: {detail}</whole>\n");
        }
        Document::Solutions(QueryResultsFormat::Csv, columns) => ",".repeat(columns.max(1)),
        Document::Solutions(QueryResultsFormat::Tsv, columns) => "\t".repeat(columns.max(1)),
        _ => "\n".to_owned(),
    };
    format!("{before}\"cut short: {detail}\n")
}
