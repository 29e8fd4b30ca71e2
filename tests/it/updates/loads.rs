//! `LOAD` fetches what lies below the allowed addresses, and nothing else.

use super::{Bench, own, try_update, update};
use kenning::ErrorKind;
use kenning::engine::Live;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

const TURTLE: &str = "<#a> <#knows> _:b . _:b <#name> 'B' .";

/// Serves `/data/a` as Turtle and `/data/moved` as a redirection to it, until the test ends.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().flatten().for_each(answer));
    address
}

fn answer(mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let request = lines.next().unwrap().unwrap();
    for line in lines.map_while(Result::ok) {
        if line.is_empty() {
            break;
        }
    }
    let head = match request.split(' ').nth(1).unwrap() {
        "/data/a" => "200 OK\r\nContent-Type: text/turtle; charset=utf-8",
        "/data/moved" => "302 Found\r\nLocation: /data/a",
        _ => "404 Not Found",
    };
    let length = TURTLE.len();
    let answer =
        format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{TURTLE}");
    // A client that goes away is the client's affair.
    let _ = stream.write_all(answer.as_bytes());
}

/// A host of a project that allows these addresses.
fn host(bench: &Bench, allowed: &[&str]) -> Live {
    let path = bench.folder.path().join("kenning.toml");
    let mut text = std::fs::read_to_string(&path).unwrap();
    text = text.replace("# load = []", &format!("load = {allowed:?}"));
    std::fs::write(&path, text).unwrap();
    bench.live()
}

fn address_of(folder: &Path) -> String {
    format!("file://{}/", folder.display())
}

#[test]
fn what_is_allowed_is_fetched() {
    let bench = Bench::new();
    let files = tempfile::tempdir().unwrap();
    std::fs::write(files.path().join("doc.ttl"), TURTLE).unwrap();
    let (server, folder) = (serve(), address_of(files.path()));
    let live = host(&bench, &[&format!("{server}/data/"), &folder]);
    let done = update(
        &live,
        &format!("LOAD <{server}/data/a> ; LOAD <{folder}doc.ttl> INTO GRAPH :g"),
    );
    assert_eq!(done.inserted, 4);
    let found = own(&live.current()).join("\n");
    assert!(found.contains(&format!("<{server}/data/a#a>")), "{found}");
    assert!(found.contains(&format!("<{folder}doc.ttl#a>")), "{found}");
}

#[test]
fn what_is_not_allowed_is_not_fetched() {
    let bench = Bench::new();
    let files = tempfile::tempdir().unwrap();
    std::fs::create_dir(files.path().join("open")).unwrap();
    std::fs::write(files.path().join("secret.ttl"), TURTLE).unwrap();
    std::fs::write(files.path().join("open/strange.xyz"), TURTLE).unwrap();
    let server = serve();
    let folder = address_of(&files.path().join("open"));
    // An address without a step of a path allows itself alone.
    let live = host(
        &bench,
        &[&format!("{server}/data/"), &folder, "http://127.0.0.1"],
    );
    for (iri, kind) in [
        (format!("{server}/other"), ErrorKind::Input),
        (format!("{server}/data/../other"), ErrorKind::Input),
        (format!("{server}/data/%2E%2e/other"), ErrorKind::Input),
        (format!("{folder}../secret.ttl"), ErrorKind::Input),
        (format!("{folder}..%2Fsecret.ttl"), ErrorKind::Input),
        (format!("{folder}strange.xyz"), ErrorKind::Input),
        ("http://127.0.0.1.example.org/a".into(), ErrorKind::Input),
        ("ftp://example.org/a".into(), ErrorKind::Input),
        (format!("{folder}missing.ttl"), ErrorKind::NotFound),
        (format!("{server}/data/missing"), ErrorKind::Unavailable),
        (format!("{server}/data/moved"), ErrorKind::Unavailable),
    ] {
        let error = try_update(&live, &format!("LOAD <{iri}>")).unwrap_err();
        assert_eq!(error.kind(), kind, "{iri}: {error}");
        update(&live, &format!("LOAD SILENT <{iri}>"));
    }
    assert!(own(&live.current()).is_empty());
}
