//! The server, as clients meet it.

mod access;
mod bounds;
mod clients;
mod cut;
mod formats;
mod load;
mod models;
mod program;
mod protocol;
mod recommend;
mod store;

use crate::shop::Shop;
use kenning::config::{Layers, Project};
use kenning::engine::{Engine, Live};
use kenning::server::Server;
use oxigraph::io::RdfFormat;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use ureq::Agent;
use ureq::http::{Request, Response};

/// A served shop.
pub struct Served {
    pub server: Server,
    pub agent: Agent,
    pub root: PathBuf,
    _folder: TempDir,
}

/// What came back.
pub struct Reply {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    /// What could be read, and whether the body ended as it should.
    pub body: Result<String, String>,
}

impl Served {
    /// A little shop on a free port, where everybody may write, with settings on top.
    pub fn new(settings: &[(&'static str, &str)]) -> Self {
        Self::of(&[&[("serve.allow_updates", "true")], settings].concat())
    }

    /// The same with nothing but these settings.
    pub fn of(settings: &[(&'static str, &str)]) -> Self {
        let shop = Shop::new(1);
        let root = shop.engine.project().root().to_owned();
        let folder = shop.folder;
        drop(shop.engine);
        let server = start(&root, settings).unwrap_or_else(|e| panic!("{e:?}"));
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        Self {
            server,
            agent: agent.into(),
            root,
            _folder: folder,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    /// Sends a request with headers, and a body unless that is empty.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut request = Request::builder().method(method).uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = match body.is_empty() && ["GET", "HEAD", "DELETE"].contains(&method) {
            true => self.agent.run(request.body(()).unwrap()),
            false => self.agent.run(request.body(body.to_owned()).unwrap()),
        };
        reply(sent.unwrap())
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], "")
    }

    /// Sends a query as it is.
    pub fn query(&self, text: &str, headers: &[(&str, &str)]) -> Reply {
        let kind = [("content-type", "application/sparql-query")];
        self.send("POST", "/sparql", &[&kind, headers].concat(), text)
    }

    pub fn update(&self, text: &str) -> Reply {
        let kind = [("content-type", "application/sparql-update")];
        self.send("POST", "/update", &kind, text)
    }

    /// The number that a query with one value finds.
    pub fn count(&self, pattern: &str) -> u64 {
        let query = format!("SELECT (COUNT(*) AS ?n) WHERE {{ {pattern} }}");
        let found = self.query(&query, &[]).json();
        let value = found["results"]["bindings"][0]["n"]["value"].clone();
        value.as_str().unwrap().parse().unwrap()
    }

    /// A raw connection.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.server.address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream
    }

    /// Sends bytes, and reads until the server closes.
    pub fn raw(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8(answer).unwrap()
    }
}

/// Serves the project at `root` on a free port.
pub fn start(root: &std::path::Path, settings: &[(&'static str, &str)]) -> kenning::Result<Server> {
    let mut layers = Layers::none().flag("serve.bind", "--bind", Some("127.0.0.1:0"));
    for (key, value) in settings {
        layers = layers.flag(key, "a test", Some(value));
    }
    let project = Project::open_with(root, &layers).unwrap();
    Server::start(Live::open(Engine::open(project).unwrap()).unwrap())
}

fn reply(mut response: Response<ureq::Body>) -> Reply {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let mut bytes = Vec::new();
    let read = response.body_mut().as_reader().read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Reply {
        status,
        headers,
        body: match read {
            Ok(_) => Ok(text),
            Err(_) => Err(text),
        },
    }
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The body of a response that ended well.
    pub fn text(&self) -> &str {
        self.body
            .as_deref()
            .unwrap_or_else(|_| panic!("the body broke off"))
    }

    pub fn json(&self) -> Value {
        let text = self.text();
        serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {} {text}", self.status))
    }

    /// Checks that this is a problem of the status, and gives what it says.
    pub fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{:?}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(problem["title"].is_string());
        problem["detail"].as_str().unwrap().to_owned()
    }
}

/// Waits until something is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// `text` as the value of a parameter.
pub fn encoded(text: &str) -> String {
    let bytes = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    });
    bytes.collect()
}

/// Never ends by itself within a test.
pub const ENDLESS: &str =
    "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . FILTER(?a != ?d) }";

/// Gives one row after the other, for very long.
pub const MANY: &str = "SELECT ?a ?c ?f { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }";

/// The formats of triples, by their media types.
pub fn rdf_formats() -> [(&'static str, RdfFormat); 6] {
    let json_ld = RdfFormat::JsonLd {
        profile: Default::default(),
    };
    [
        ("text/turtle", RdfFormat::Turtle),
        ("application/n-triples", RdfFormat::NTriples),
        ("application/n-quads", RdfFormat::NQuads),
        ("application/trig", RdfFormat::TriG),
        ("application/rdf+xml", RdfFormat::RdfXml),
        ("application/ld+json", json_ld),
    ]
}
