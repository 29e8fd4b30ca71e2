//! `kenning validate`, as others run it.

use crate::program::Desk;

const HEAD: &str = "@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix ex: <http://example.org/> . \
    @prefix xsd: <http://www.w3.org/2001/XMLSchema#> . @prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> . \
    @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix schema: <https://schema.org/> .\n";

fn desk(data: &str, shapes: &str) -> Desk {
    let desk = Desk::new();
    desk.write("data.ttl", format!("{HEAD}{data}"));
    desk.write("shapes.ttl", format!("{HEAD}{shapes}"));
    desk
}

const CHECK: [&str; 5] = ["validate", "--data", "data.ttl", "--shapes", "shapes.ttl"];

#[test]
fn findings_are_grouped_counted_and_safe_for_a_terminal() {
    let desk = desk(
        "ex:a a ex:C ; ex:p \"e\\u001B[31m\\u202Ex\" , \"b\" . ex:b a ex:C ; ex:p 1 . ex:D rdfs:subClassOf ex:C . ex:c a ex:D .",
        "ex:S a sh:NodeShape ; sh:targetClass ex:C ; sh:property [ sh:path ex:p ; sh:minCount 1 ; sh:datatype xsd:integer ; sh:severity sh:Warning ] .",
    );
    let run = desk.run(&CHECK);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    insta::assert_snapshot!(run.stdout);
    let run = desk.run(&[&CHECK[..], &["--max-results", "1", "--format", "json"]].concat());
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.code, &report["schema_version"]), (Some(1), &1.into()));
    assert_eq!(
        (&report["conforms"], &report["total"], &report["reported"]),
        (&false.into(), &3.into(), &2.into())
    );
    assert!(
        run.stderr.contains("2 of 3 findings are in the report"),
        "{}",
        run.stderr
    );
    let run = desk.run(&[&CHECK[..], &["--format", "turtle"]].concat());
    assert!(
        run.stdout.contains("sh:conforms false") && run.code == Some(1),
        "{}",
        run.stdout
    );
}

#[test]
fn queries_see_what_is_bound_and_fill_messages() {
    let desk = desk(
        "ex:a ex:p ex:b ; ex:n 1 . ex:b ex:p ex:a ; ex:n 2 . ex:c ex:p ex:d ; ex:n 3 . _:x ex:p _:x ; ex:n 4 .",
        "ex:P a sh:PropertyShape ; sh:targetSubjectsOf ex:p ; sh:path ( ex:p ex:p ) ; sh:sparql [ \
         sh:message \"{$this} is back by {?by}\" ; sh:prefixes ex:o ; \
         sh:select \"SELECT $this ?value (1 AS ?by) { $this $PATH ?value FILTER(?value = $this && EXISTS { $this ex:n ?n }) }\" ] . \
         ex:o sh:declare [ sh:prefix \"ex\" ; sh:namespace \"http://example.org/\"^^xsd:anyURI ] .",
    );
    let run = desk.run(&[&CHECK[..], &["--format", "json"]].concat());
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let results = report["results"].as_array().unwrap();
    let messages: Vec<&str> = results
        .iter()
        .map(|r| r["messages"][0].as_str().unwrap())
        .collect();
    // A blank node is bound like any other.
    assert_eq!(messages.len(), 3, "{}", run.stdout);
    assert!(
        messages.contains(&"http://example.org/a is back by 1"),
        "{messages:?}"
    );
    assert!(
        results.iter().all(|r| r["focus"] == r["value"]),
        "{}",
        run.stdout
    );
}

#[test]
fn ill_formed_shapes_say_what_and_where() {
    for (shapes, wanted) in [
        (
            "ex:S a sh:NodeShape ; sh:node ex:T . ex:T sh:not ex:S .",
            "asks itself: http://example.org/S → http://example.org/T → http://example.org/S",
        ),
        (
            "ex:S a sh:NodeShape ; sh:in _:l . _:l rdf:first 1 ; rdf:rest _:l .",
            "the list of sh:in goes in a circle",
        ),
        (
            "ex:S a sh:NodeShape ; sh:in _:l . _:l rdf:first 1 .",
            "needs one rdf:first and one rdf:rest",
        ),
        (
            "ex:S a sh:NodeShape ; sh:mincount 1 .",
            "uses sh:mincount, which is not in SHACL",
        ),
        (
            "ex:S a sh:NodeShape ; sh:minCount 1 .",
            "is a node shape with sh:minCount",
        ),
        (
            "ex:S a sh:PropertyShape .",
            "is a property shape without a sh:path",
        ),
        (
            "ex:S a sh:NodeShape ; sh:property [ sh:minCount 1 ] .",
            "which has no sh:path",
        ),
        (
            "ex:S a sh:PropertyShape ; sh:path _:p . _:p sh:inversePath _:p .",
            "has a path that goes in a circle",
        ),
        (
            "ex:S a sh:PropertyShape ; sh:path ex:p ; sh:maxCount -1 .",
            "as sh:maxCount",
        ),
        (
            "ex:S a sh:NodeShape ; sh:pattern \"(\" .",
            "no regular expression",
        ),
        (
            "ex:S a sh:NodeShape ; sh:target ex:t .",
            "which is not of SHACL Core or SHACL-SPARQL",
        ),
        (
            "ex:S a sh:NodeShape ; sh:sparql [ sh:select \"SELECT $this { \" ] .",
            "this is not a SPARQL query",
        ),
        (
            "ex:S a sh:NodeShape ; sh:sparql [ sh:select \"SELECT $this { $this ?p ?o MINUS { $this ?p 1 } }\" ] .",
            "uses MINUS",
        ),
        (
            "ex:S a sh:NodeShape ; sh:sparql [ sh:select \"SELECT $this { $this $PATH ?o }\" ] .",
            "has $PATH in a node shape",
        ),
        ("ex:S a sh:NodeShape ; sh:class \"C\" .", "as sh:class"),
        ("ex:S a sh:NodeShape", "this is not valid Turtle"),
    ] {
        let run = desk("ex:a ex:p 1 .", shapes).run(&CHECK);
        assert_eq!(run.code, Some(2), "{shapes}: {}", run.stdout);
        assert!(
            run.stderr.contains(wanted) && run.stderr.contains("shapes.ttl"),
            "{shapes}: {}",
            run.stderr
        );
    }
}

#[test]
fn a_report_is_the_same_whatever_the_number_of_threads() {
    let data: String = (0..5_000)
        .map(|n| format!("ex:n{n} a ex:C ; ex:p {} .\n", n % 7))
        .collect();
    let desk = desk(
        &data,
        "ex:S a sh:NodeShape ; sh:targetClass ex:C ; sh:property [ sh:path ex:p ; sh:maxExclusive 5 ] .",
    );
    let report = |threads: &str| {
        let arguments = [
            &CHECK[..],
            &["--format", "ntriples", "--max-results", "600"],
        ]
        .concat();
        let mut command = desk.command(&arguments);
        desk.finish(command.env("RAYON_NUM_THREADS", threads))
            .stdout
    };
    let one = report("1");
    assert!(one.matches("#focusNode").count() == 600, "{one}");
    assert!(one == report("3"));
}

#[test]
fn a_huge_literal_is_named_in_short() {
    let huge = "x".repeat(20 << 20);
    let desk = desk(
        &format!("ex:a ex:p \"{huge}\" ."),
        "ex:P a sh:PropertyShape ; sh:targetSubjectsOf ex:p ; sh:path ex:p ; sh:maxLength 5 ; sh:pattern \"^x*$\" ; sh:message \"{?value} is long\" .",
    );
    let run = desk.run(&CHECK);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stdout.len() < 5_000 && run.stdout.contains("(20971520 bytes)"),
        "{}",
        run.stdout.len()
    );
}

#[test]
fn a_project_is_checked_with_its_changes_and_its_own_shapes() {
    let desk = Desk::with_build();
    let run = desk.run(&["-C", "shop", "validate"]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    desk.write(
        "shop/shapes/own.ttl",
        format!("{HEAD}ex:S a sh:PropertyShape ; sh:targetSubjectsOf ex:p ; sh:path ex:p ; sh:maxCount 1 ."),
    );
    assert_eq!(desk.run(&["-C", "shop", "validate"]).code, Some(0));
    desk.done(&[
        "-C",
        "shop",
        "update",
        "INSERT DATA { <http://example.org/a> <http://example.org/p> 1, 2 }",
    ]);
    let run = desk.run(&["-C", "shop", "validate"]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(
        run.stdout.contains("must have at most 1 value (1)"),
        "{}",
        run.stdout
    );
}

/// A project whose shapes nothing conforms to, and what its graph says of that.
fn strict(on_build: &str) -> Desk {
    let desk = Desk::with_build();
    desk.write(
        "shop/shapes/own.ttl",
        format!(
            "{HEAD}ex:S a sh:NodeShape ; sh:targetClass schema:Product ; \
             sh:property [ sh:path ex:weight ; sh:minCount 1 ; sh:message \"How heavy is it?\" ] ."
        ),
    );
    let settings = std::fs::read_to_string(desk.path().join("shop/kenning.toml")).unwrap();
    let settings = settings.replace(
        "[validation]",
        &format!("[validation]\non_build = \"{on_build}\""),
    );
    desk.write("shop/kenning.toml", settings);
    desk.done(&[
        "-C",
        "shop",
        "update",
        "INSERT DATA { <urn:a> <urn:b> <urn:c> }",
    ]);
    desk
}

const BUILD: [&str; 4] = ["-C", "shop", "build", "--no-vectors"];

#[test]
fn a_build_keeps_the_former_graph_where_the_new_one_is_refused() {
    let desk = strict("refuse");
    let file = desk.state("graph.kng");
    let former = std::fs::read(&file).unwrap();
    let run = desk.run(&BUILD);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    for wanted in [
        "validation.ttl: the graph does not conform: ",
        "violation <http://example.org/weight>: How heavy is it?: ",
        "the former graph stays",
    ] {
        assert!(run.stderr.contains(wanted), "{wanted}: {}", run.stderr);
    }
    assert_eq!(std::fs::read(&file).unwrap(), former);
    let left = std::fs::read_dir(desk.state("")).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name());
    let left: Vec<String> = left.map(|name| name.into_string().unwrap()).collect();
    assert!(
        !left.iter().any(|name| name.contains("candidate")),
        "{left:?}"
    );
    let report = std::fs::read_to_string(desk.state("validation.ttl")).unwrap();
    assert!(
        report.contains("sh:conforms false") && report.contains("How heavy"),
        "{report}"
    );
    // What updates said is not lost, and the graph that conforms is taken.
    assert!(desk.rows("shop", "SELECT ?o { <urn:a> <urn:b> ?o }").len() == 1);
    std::fs::remove_file(desk.path().join("shop/shapes/own.ttl")).unwrap();
    desk.done(&BUILD);
    assert_ne!(std::fs::read(&file).unwrap(), former);
    let report = std::fs::read_to_string(desk.state("validation.ttl")).unwrap();
    assert!(report.contains("sh:conforms true"), "{report}");
    assert!(desk.rows("shop", "SELECT ?o { <urn:a> <urn:b> ?o }").len() == 1);
}

#[test]
fn a_build_warns_of_what_does_not_conform() {
    let desk = strict("warn");
    let former = std::fs::read(desk.state("graph.kng")).unwrap();
    let run = desk.done(&BUILD);
    for wanted in ["the graph does not conform: ", "validation.ttl"] {
        assert!(run.stderr.contains(wanted), "{wanted}: {}", run.stderr);
    }
    assert_ne!(std::fs::read(desk.state("graph.kng")).unwrap(), former);
    // The graph is vouched for as ever: an open need not check all of it.
    assert!(desk.state("graph.kng.verified").exists());
    assert!(!desk.state("graph.candidate.verified").exists());
}
