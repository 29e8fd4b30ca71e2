//! The server as a program.

use crate::program::Desk;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

#[test]
fn the_program_says_where_it_listens_and_ends_in_peace() {
    let desk = Desk::with_build();
    let mut command = desk.command(&["-C", "shop", "serve", "--bind", "127.0.0.1:0"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let mut address = String::new();
    let mut said = BufReader::new(server.stdout.take().unwrap());
    said.read_line(&mut address).unwrap();
    let health = ureq::get(format!("{}health", address.trim()))
        .call()
        .unwrap();
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
