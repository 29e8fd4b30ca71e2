//! Clients that other people wrote.

use super::Served;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What SPARQLWrapper and rdflib do against the server at `sys.argv[1]`.
const SCRIPT: &str = r#"
import sys
from SPARQLWrapper import SPARQLWrapper, JSON, XML, CSV, TURTLE, POST
from rdflib import Graph, Literal, URIRef
from rdflib.plugins.stores.sparqlstore import SPARQLStore, SPARQLUpdateStore
root = sys.argv[1]

# SPARQLWrapper: queries in several formats, by GET and POST, and an update.
client = SPARQLWrapper(root + "/sparql", root + "/update")
client.setQuery("SELECT ?u ?i { ?u kenning:interacted ?i } ORDER BY ?u ?i LIMIT 7")
client.setReturnFormat(JSON)
rows = client.queryAndConvert()["results"]["bindings"]
assert len(rows) == 7, rows
client.setReturnFormat(XML)
assert len(client.queryAndConvert().getElementsByTagName("result")) == 7
client.setReturnFormat(CSV)
assert len(client.queryAndConvert().decode().strip().splitlines()) == 8
client.setMethod(POST)
client.setReturnFormat(JSON)
assert client.queryAndConvert()["results"]["bindings"] == rows
client.setQuery("CONSTRUCT { ?i a <urn:met> } WHERE { ?u kenning:interacted ?i }")
client.setReturnFormat(TURTLE)
assert len(Graph().parse(data=client.queryAndConvert(), format="turtle")) > 10
client.setQuery("INSERT DATA { <urn:python> <urn:says> 'hello' }")
client.query()
client.setQuery("ASK { <urn:python> <urn:says> 'hello' }")
client.setReturnFormat(JSON)
assert client.queryAndConvert()["boolean"] is True
client.setQuery("SELECT * {")
try:
    client.query()
    raise SystemExit("a malformed query was answered")
except Exception as error:
    assert type(error).__name__ == "QueryBadFormed", error

# rdflib: a graph that lives here.
label = URIRef("http://www.w3.org/2000/01/rdf-schema#label")
names = Graph(SPARQLStore(root + "/sparql"))
assert len(list(names.triples((None, label, None)))) > 80
store = SPARQLUpdateStore(root + "/sparql", root + "/update", autocommit=True)
graph = Graph(store, identifier=URIRef("urn:rdflib"))
for number in range(5):
    graph.add((URIRef("urn:s"), URIRef("urn:p"), Literal(number)))
assert len(graph) == 5, len(graph)
graph.remove((URIRef("urn:s"), URIRef("urn:p"), Literal(3)))
assert sorted(int(o) for o in graph.objects(URIRef("urn:s"), URIRef("urn:p"))) == [0, 1, 2, 4]
graph.update("DELETE WHERE { <urn:s> <urn:p> ?o }")
assert len(graph) == 0
print("all well")
"#;

/// Where a tool is missing, the test is skipped with a printed reason, or fails if `CI=true`.
fn skipped(why: &str) {
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!ci, "{why}");
    eprintln!("skipped: {why}");
}

fn done(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|e| e.to_string())?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// A Python with the clients, in a folder of its own.
fn python(folder: &Path) -> Result<PathBuf, String> {
    let home = folder.join("venv");
    done(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
    let python = home.join("bin/python");
    let packages = ["SPARQLWrapper==2.0.0", "rdflib>=7,<8"];
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-cache-dir",
    ];
    done(Command::new(&python).args(pip).args(packages))?;
    Ok(python)
}

#[test]
fn sparqlwrapper_and_rdflib_work() {
    let folder = tempfile::tempdir().unwrap();
    let python = match python(folder.path()) {
        Ok(python) => python,
        Err(why) => return skipped(&format!("the Python clients cannot be installed: {why}")),
    };
    let served = Served::new(&[]);
    let ran = done(Command::new(python).args(["-c", SCRIPT, served.url("").as_str()]));
    assert_eq!(ran.as_deref(), Ok("all well\n"));
}

#[test]
fn curl_works() {
    let served = Served::new(&[("query.max_rows", "5000")]);
    let curl = |arguments: &[&str]| {
        let mut command = Command::new("curl");
        done(
            command
                .args(["--silent", "--show-error", "--fail", "--noproxy", "*"])
                .args(arguments),
        )
    };
    if let Err(why) = done(Command::new("curl").arg("--version")) {
        return skipped(&format!("there is no curl: {why}"));
    }
    let address = served.url("/sparql");
    let query = "query=SELECT ?b { ?i schema:brand ?b } LIMIT 3";
    let accept = ["-H", "Accept: text/csv"];
    let get = curl(&[&["-G", &address, "--data-urlencode", query], &accept[..]].concat()).unwrap();
    assert_eq!(get.lines().count(), 4);
    let post = curl(&[&[&address, "--data-urlencode", query], &accept[..]].concat()).unwrap();
    assert_eq!(post, get);
    let file = served.root.join("a.ttl");
    std::fs::write(&file, "<urn:a> <urn:p> 'from curl' .").unwrap();
    let store = served.url("/store?graph=urn:curl");
    curl(&[
        "-T",
        file.to_str().unwrap(),
        "-H",
        "Content-Type: text/turtle",
        &store,
    ])
    .unwrap();
    assert!(curl(&[&store]).unwrap().contains("from curl"));
    // A result that is cut short: curl says that the transfer ended too early.
    let many = "query=SELECT ?a ?c ?f { ?a ?b ?c . ?d rdfs:label ?f }";
    let error = curl(&["-G", &address, "--data-urlencode", many]).unwrap_err();
    assert!(
        error.contains("curl: (18)") || error.contains("curl: (56)"),
        "{error}"
    );
}
