//! Runs tests of the protocols against a server: requests and what is wanted of their responses, as manifests say.

use super::answer::{self, Answer, Cardinality, compare, same_quads};
use super::archive::Archive;
use super::data;
use super::manifest::{Case, Node, expand};
use super::matching::Row;
use crate::server::{Served, encoded};
use oxigraph::io::RdfFormat;
use oxigraph::model::vocab::rdf;
use oxigraph::model::{GraphName, Quad};
use oxigraph::sparql::results::QueryResultsFormat;
use ureq::http;

/// Where the manifests think that the graph store is.
const STORE: &str = "http://www.example/gsp";

/// Served data, emptied before each test.
pub struct Site {
    served: Served,
}

/// What came back.
struct Response {
    status: u16,
    kind: String,
    location: String,
    body: Vec<u8>,
}

/// What stands for what in a test: names of the manifest for those of this server.
type Names = Vec<(String, String)>;

impl Site {
    /// A server whose default graph holds what was stated without a graph name.
    pub fn open() -> Self {
        let settings = [
            ("serve.allow_updates", "true"),
            ("serve.default_graph", "stated"),
        ];
        Self {
            served: Served::of(&settings),
        }
    }

    /// Whether the test passes; what is wrong, if it does not.
    pub fn run(&self, archive: &Archive, case: &Case) -> Result<(), String> {
        self.prepare(archive, &case.node)?;
        if case.kind == "ServiceDescriptionTest" {
            return self.describe(&case.iri);
        }
        let action = case.node.value("mf:action").ok_or("it has no action")?;
        let store = self.served.url("/store");
        let mut names = vec![(encoded(STORE), encoded(&store)), (STORE.to_owned(), store)];
        // Manifests do not encode what is no delimiter.
        names.push((encoded(STORE).replace("%2E", "."), encoded(&names[1].1)));
        for (number, request) in action.list("ht:requests").iter().enumerate() {
            let at = |error| format!("request {}: {error}", number + 1);
            let response = self.send(request, &names).map_err(at)?;
            let wanted = request.value("ht:resp").ok_or("it has no response")?;
            check(&response, &wanted, &names).map_err(at)?;
            if let Some(variable) = wanted.text("mf:expectedLocation") {
                names.push((variable, response.location));
            }
        }
        Ok(())
    }

    /// Empties the store and fills it with what the test begins with.
    fn prepare(&self, archive: &Archive, test: &Node) -> Result<(), String> {
        let update = ("application/sparql-update", "CLEAR ALL");
        self.call("POST", "/update", Some(update.0), update.1.into())?;
        for quad in data::dataset(archive, test, "ut")? {
            let GraphName::NamedNode(graph) = &quad.graph_name else {
                return Err("data without a graph name".to_owned());
            };
            let path = format!("/store?graph={}", encoded(graph.as_str()));
            let line = format!("{} {} {} .", quad.subject, quad.predicate, quad.object);
            self.call("POST", &path, Some("text/turtle"), line.into())?;
        }
        Ok(())
    }

    fn send(&self, request: &Node, names: &Names) -> Result<Response, String> {
        let method = request.text("ht:methodName").ok_or("it has no method")?;
        let path = request.text("ht:absolutePath").ok_or("it has no path")?;
        let path = renamed(&path, names);
        let path = match (path.strip_prefix("/sparql/"), path.strip_prefix("/gsp")) {
            (Some(rest), _) => format!("/sparql{rest}"),
            (_, Some(rest)) => format!("/store{rest}"),
            _ => path,
        };
        let body = request.value("ht:body");
        let text = body.as_ref().and_then(|body| body.text("cnt:chars"));
        let text = renamed(&text.unwrap_or_default(), names);
        let encoding = body.and_then(|body| body.text("cnt:characterEncoding"));
        let bytes = match encoding.as_deref() {
            Some("UTF-16") => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            _ => text.into_bytes(),
        };
        let header = |name: &str| header(request, name);
        self.exchange(
            &method,
            &path,
            [header("content-type"), header("accept")],
            bytes,
        )
    }

    fn call(
        &self,
        method: &str,
        path: &str,
        kind: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Response, String> {
        let response = self.exchange(method, path, [kind.map(str::to_owned), None], body)?;
        match response.status {
            200..300 => Ok(response),
            status => Err(format!("{method} {path}: status {status}")),
        }
    }

    fn exchange(
        &self,
        method: &str,
        path: &str,
        [kind, accept]: [Option<String>; 2],
        body: Vec<u8>,
    ) -> Result<Response, String> {
        let url = match path.starts_with("http:") {
            true => path.to_owned(),
            false => self.served.url(path),
        };
        let mut request = http::Request::builder().method(method).uri(url);
        for (name, value) in [("content-type", kind), ("accept", accept)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let sent = match body.is_empty() && ["GET", "HEAD", "DELETE"].contains(&method) {
            true => self
                .served
                .agent
                .run(request.body(()).map_err(|e| e.to_string())?),
            false => self
                .served
                .agent
                .run(request.body(body).map_err(|e| e.to_string())?),
        };
        let mut response = sent.map_err(|e| e.to_string())?;
        let header = |name: &str| {
            let value = response.headers().get(name);
            let value = value.and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        Ok(Response {
            status: response.status().as_u16(),
            kind: header("content-type"),
            location: header("location"),
            body: response
                .body_mut()
                .read_to_vec()
                .map_err(|e| e.to_string())?,
        })
    }

    /// The tests of the service description, which the manifest only names.
    fn describe(&self, test: &str) -> Result<(), String> {
        let response = self.call("GET", "/sparql", None, Vec::new())?;
        let quads = triples(&response.body, &response.kind)?;
        let services: Vec<&Quad> = quads
            .iter()
            .filter(|q| q.predicate == rdf::TYPE && q.object == expand("sd:Service").into())
            .collect();
        let [service] = services[..] else {
            return Err(format!("it describes {} services", services.len()));
        };
        let of_service = |property: &str| {
            let property = expand(property);
            let found = quads
                .iter()
                .filter(move |q| q.subject == service.subject && q.predicate == property);
            found.map(|q| q.object.to_string()).collect::<Vec<_>>()
        };
        match test.rsplit('#').next().unwrap_or_default() {
            "returns-rdf" => Ok(()),
            "has-endpoint-triple" => {
                let wanted = format!("<{}>", self.served.url("/sparql"));
                let found = of_service("sd:endpoint");
                (found == [wanted])
                    .then_some(())
                    .ok_or_else(|| format!("endpoint {found:?}"))
            }
            "conforms-to-schema" => {
                let schema = "<http://www.w3.org/ns/sparql-service-description#";
                let languages = of_service("sd:supportedLanguage");
                let known = ["SPARQL10Query>", "SPARQL11Query>", "SPARQL11Update>"];
                let known = known.map(|name| format!("{schema}{name}"));
                let formats = of_service("sd:resultFormat");
                let formal = |f: &String| f.contains("://www.w3.org/ns/formats/");
                match languages.is_empty() || formats.is_empty() {
                    true => Err("it tells no language or no format".to_owned()),
                    false if !languages.iter().all(|l| known.contains(l)) => {
                        Err(format!("languages {languages:?}"))
                    }
                    false if !formats.iter().all(formal) => Err(format!("formats {formats:?}")),
                    false => Ok(()),
                }
            }
            other => Err(format!(
                "`{other}` is no test of a description that is known"
            )),
        }
    }
}

fn renamed(text: &str, names: &Names) -> String {
    names
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

fn header(message: &Node, name: &str) -> Option<String> {
    let headers = message.list("ht:headers");
    let mut found = headers.iter();
    let found = found.find(|h| {
        h.text("ht:fieldName")
            .is_some_and(|n| n.eq_ignore_ascii_case(name))
    });
    found?.text("ht:fieldValue")
}

/// Whether a response is what the manifest wants.
fn check(response: &Response, wanted: &Node, names: &Names) -> Result<(), String> {
    let status = response.status;
    let codes: Vec<String> = wanted
        .values("mf:expectedStatus")
        .iter()
        .map(Node::name)
        .collect();
    if !codes.iter().any(|code| fits(status, code)) {
        let body = String::from_utf8_lossy(&response.body);
        return Err(format!("status {status} instead of {codes:?}: {body}"));
    }
    if let Some(format) = wanted.text("mf:expectedFormat") {
        let solutions = QueryResultsFormat::from_media_type(&response.kind);
        let right = match format.as_str() {
            "RDF" => RdfFormat::from_media_type(&response.kind).is_some(),
            _ => solutions.is_some(),
        };
        right
            .then_some(())
            .ok_or_else(|| format!("{} instead of {format}", response.kind))?;
    }
    if let Some(boolean) = wanted.text("mf:expectedBoolean") {
        let format = QueryResultsFormat::from_media_type(&response.kind);
        let ending = format.ok_or("no boolean")?.file_extension();
        let found = answer::read(&response.body, ending, "the response")?;
        compare(
            &Answer::Boolean(boolean == "true"),
            &found,
            Cardinality::Strict,
        )?;
    }
    if wanted.text("mf:expectedLocation").is_some() && response.location.is_empty() {
        return Err("it tells no location".to_owned());
    }
    let body = wanted
        .value("ht:body")
        .and_then(|body| body.text("cnt:chars"));
    match (body, header(wanted, "content-type")) {
        (Some(body), Some(kind)) => {
            let rows = |quads: Vec<Quad>| quads.iter().map(answer::row).collect::<Vec<Row>>();
            let expected = rows(triples(renamed(&body, names).as_bytes(), &kind)?);
            same_quads(&expected, &rows(triples(&response.body, &response.kind)?))
        }
        _ => Ok(()),
    }
}

fn fits(status: u16, code: &str) -> bool {
    match code.rsplit('#').next().unwrap_or_default() {
        "OK" => status == 200,
        "Created" => status == 201,
        "NoContent" => status == 204,
        "NotFound" => status == 404,
        "StatusCode2xx" => (200..300).contains(&status),
        "StatusCode3xx" => (300..400).contains(&status),
        "StatusCode4xx" => (400..500).contains(&status),
        _ => false,
    }
}

fn triples(body: &[u8], kind: &str) -> Result<Vec<Quad>, String> {
    let format = RdfFormat::from_media_type(kind).ok_or_else(|| format!("`{kind}` is no RDF"))?;
    let name = format!("http://www.example/document.{}", format.file_extension());
    data::parse(body, &name, GraphName::DefaultGraph)
}
