//! `kenning update`, `load` and `dump`, as a person or a script meets them.

use crate::program::{BUILD, Desk};
use std::collections::BTreeSet;

const TURTLE: &str =
    "@prefix : <http://example.org/> . :a :p 1, 'two'@en ; :knows _:b . _:b :name 'B' .";

fn lines(text: &str) -> BTreeSet<&str> {
    text.lines().collect()
}

#[test]
fn a_project_can_begin_with_updates() {
    let desk = Desk::new();
    desk.done(&["init", "notes"]);
    desk.write("data.ttl", TURTLE);
    let run = desk.done(&["-C", "notes", "load", "data.ttl"]);
    assert_eq!(
        run.stderr,
        "4 statements loaded; 0 were there already, or twice\n"
    );
    let run = desk.done(&[
        "-C",
        "notes",
        "update",
        "PREFIX : <http://example.org/> DELETE { :a :p ?o } WHERE { :a :p ?o FILTER(?o = 1) }",
    ]);
    assert_eq!(run.stderr, "0 statements inserted, 1 deleted\n");
    let query = "SELECT ?name { <http://example.org/a> <http://example.org/knows> ?b . ?b <http://example.org/name> ?name }";
    assert_eq!(desk.rows("notes", query), [["B"]]);
    desk.done(&["-C", "notes", "build", "--no-vectors"]);
    assert_eq!(desk.rows("notes", query), [["B"]]);
    let dump = desk.done(&[
        "-C", "notes", "dump", "--graph", "default", "--format", "ntriples",
    ]);
    assert_eq!(lines(&dump.stdout).len(), 3, "{}", dump.stdout);
}

#[test]
fn what_is_dumped_can_be_loaded_elsewhere() {
    let desk = Desk::with_build();
    desk.write(
        "more.ru",
        "INSERT DATA { <http://example.org/a> rdfs:label 'a', 'b'@en-gb , '''many\nlines''' }",
    );
    desk.done(&["-C", "shop", "update", "--file", "more.ru"]);
    desk.done(&[
        "-C",
        "shop",
        "update",
        "DELETE WHERE { <https://example.org/shop/item/p3> rdfs:label ?label }",
    ]);
    desk.done(&["init", "copy"]);
    for format in ["nquads", "trig", "jsonld"] {
        let dump = desk
            .done(&["-C", "shop", "dump", "--format", format])
            .stdout;
        let name = format!("dump.{format}");
        desk.write(&name, &dump);
        desk.done(&["-C", "copy", "update", "CLEAR ALL"]);
        desk.done(&["-C", "copy", "load", "--format", format, &name]);
        let (one, other) = (
            desk.done(&["-C", "shop", "dump"]),
            desk.done(&["-C", "copy", "dump"]),
        );
        let named = |line: &&str| !line.contains("_:");
        let (one, other): (BTreeSet<_>, BTreeSet<_>) = (
            one.stdout.lines().filter(named).collect(),
            other.stdout.lines().filter(named).collect(),
        );
        assert!(one.len() > 500, "{}", one.len());
        assert_eq!(one, other, "{format}");
    }
    let all = desk.done(&["-C", "shop", "dump", "--all"]).stdout;
    let some = desk.done(&["-C", "shop", "dump"]).stdout;
    assert!(lines(&all).is_superset(&lines(&some)));
    assert!(all.contains("<https://w3id.org/kenning#interacted>"));
    assert!(all.contains("<urn:kenning:edge:0>"));
    desk.done(&BUILD);
    assert_eq!(
        lines(&desk.done(&["-C", "shop", "dump"]).stdout),
        lines(&some)
    );
}

#[test]
fn mistakes_are_told_and_change_nothing() {
    let desk = Desk::new();
    desk.done(&["init", "notes"]);
    desk.write("good.ttl", TURTLE);
    desk.write("bad.ttl", "@prefix : <http://example.org/> .\n:a :p .\n");
    desk.write("data.xyz", TURTLE);
    let mut said = String::new();
    for arguments in [
        &["update", "INSERT { nothing"][..],
        &["update", "LOAD <http://example.org/data.ttl>"],
        &["update", "INSERT DATA { <a> <b> <c> }", "--base", "no base"],
        &["load", "good.ttl", "bad.ttl"],
        &["load", "data.xyz"],
        &["load", "missing.ttl"],
        &["load", "good.ttl", "--graph", "no iri"],
        &["dump", "--format", "turtle"],
    ] {
        let arguments: Vec<&str> = ["-C", "notes"]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        let run = desk.run(&arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {}", run.said());
        assert_eq!(run.stdout, "");
        said += &run.stderr;
    }
    insta::assert_snapshot!(said);
    desk.done(&["-C", "notes", "load", "good.ttl"]);
    assert_eq!(
        lines(
            &desk
                .done(&["-C", "notes", "dump", "--graph", "default"])
                .stdout
        )
        .len(),
        4
    );
}
