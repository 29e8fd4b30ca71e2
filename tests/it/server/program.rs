//! The server as a program.

use crate::program::Desk;
use kenning::config::Project;
use kenning::engine::Engine;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};

/// Serves the shop; its process, and the address that it says.
fn serve(desk: &Desk, more: &[&str]) -> (Child, String) {
    let arguments = [&["-C", "shop", "serve", "--bind", "127.0.0.1:0"], more].concat();
    let mut command = desk.command(&arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let mut address = String::new();
    let mut said = BufReader::new(server.stdout.take().unwrap());
    said.read_line(&mut address).unwrap();
    (server, address.trim().to_owned())
}

/// What the server said that it keeps.
enum Kept {
    Update(usize),
    Decision(String),
}

/// Updates and asks for recommendations in turn until the server is gone.
fn write(address: &str, from: usize, tell: &Sender<Kept>) -> Result<(), ureq::Error> {
    for number in from.. {
        let data =
            format!("<urn:a> <urn:p> {number} . GRAPH <urn:g> {{ <urn:b> <urn:p> {number} }}");
        ureq::post(format!("{address}update"))
            .content_type("application/sparql-update")
            .send(format!("INSERT DATA {{ {data} }}"))?;
        let _ = tell.send(Kept::Update(number));
        let answer = ureq::post(format!("{address}v1/recommend"))
            .content_type("application/json")
            .send(r#"{"user": "u2", "k": 3}"#)?;
        let answer = answer.into_body().read_to_string()?;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let decision = answer["decision"].as_str().unwrap();
        let _ = tell.send(Kept::Decision(decision.to_owned()));
    }
    Ok(())
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let desk = Desk::with_build();
    let mut kept: Vec<Kept> = Vec::new();
    for (round, most) in [2, 13, 60].into_iter().enumerate() {
        let (mut server, address) = serve(&desk, &["--allow-updates"]);
        let (tell, told) = channel();
        let from = round * 1000;
        let writer = std::thread::spawn(move || write(&address, from, &tell));
        kept.extend(told.iter().take(most));
        // In the middle of what the writer asks for next.
        server.kill().unwrap();
        server.wait().unwrap();
        writer.join().unwrap().unwrap_err();
        kept.extend(told.try_iter());
    }
    assert!(kept.len() >= 75);
    let project = Project::open(&desk.path().join("shop")).unwrap();
    let engine = Engine::open(project).unwrap();
    engine.journal().check().unwrap();
    let values = |pattern: &str| -> BTreeSet<usize> {
        let query = format!("SELECT ?n {{ {pattern} }}");
        let found = desk.done(&["-C", "shop", "query", &query, "--format", "csv"]);
        let values = found.stdout.lines().skip(1);
        values.map(|value| value.trim().parse().unwrap()).collect()
    };
    let updates = values("<urn:a> <urn:p> ?n");
    // An update that was under way is there whole or not at all.
    assert_eq!(updates, values("GRAPH <urn:g> { <urn:b> <urn:p> ?n }"));
    for one in kept {
        match one {
            Kept::Update(number) => assert!(updates.contains(&number), "{number}"),
            Kept::Decision(id) => drop(engine.journal().decision(&id).unwrap()),
        }
    }
}

#[test]
fn the_program_says_where_it_listens_and_ends_in_peace() {
    let desk = Desk::with_build();
    let (mut server, address) = serve(&desk, &[]);
    let health = ureq::get(format!("{address}health")).call().unwrap();
    assert_eq!(health.status(), 200);
    let process = server.id().to_string();
    let told = Command::new("kill")
        .args(["-TERM", &process])
        .status()
        .unwrap();
    assert!(told.success());
    assert_eq!(server.wait().unwrap().code(), Some(0));
    let mut notes = String::new();
    server
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut notes)
        .unwrap();
    assert!(
        notes.contains("waiting for requests in progress"),
        "{notes}"
    );
}

#[test]
fn settings_that_contradict_each_other_are_told() {
    let desk = Desk::with_build();
    let run = desk.run(&[
        "-C",
        "shop",
        "serve",
        "--bind",
        "0.0.0.0:0",
        "--allow-updates",
    ]);
    assert_eq!(run.code, Some(2), "{}", run.said());
    assert!(run.stderr.contains("serve.write_key_env"), "{}", run.stderr);
}
