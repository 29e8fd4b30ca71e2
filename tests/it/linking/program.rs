//! Linking as a person or a script meets it.

use crate::program::Desk;

const MAPPING: &str = r#"
[dataset]
name = "films"
base = "https://example.org/films/"
item = "film"
item_class = "schema:Movie"

[[file]]
path = "films.csv"
[file.item]
id = "id"
[[file.item.attribute]]
column = "title"
property = "rdfs:label"
"#;

const FILMS: &str = "id,title\n1,\"Matrix, The (1999)\"\n2,Sabrina (1954)\n3,Sabrina (1995)\n\
                     4,Glory (1989)\n5,Emma (1996)\n6,\"Emma\u{202e} (1996)\"\n7,Nobody Knows It (2001)\n";

const TARGETS: &str = r#"
@prefix d: <http://d/> .
@prefix dbo: <http://dbpedia.org/ontology/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
d:matrix rdfs:label "The Matrix"@en ; dbo:releaseDate "1999-03-31" ; dbo:director d:wachowski .
d:sabrina54 rdfs:label "Sabrina (1954 film)"@en .
d:sabrina95 rdfs:label "Sabrina (1995 film)"@en .
d:glory rdfs:label "Glory! Glory!"@en ; dbo:releaseDate "1989" .
d:emma rdfs:label "Emma (1996 theatrical film)"@en .
d:wachowski rdfs:label "Lana Wachowski"@en .
"#;

const LINK: [&str; 5] = ["-C", "p", "link", "--to", "targets.ttl"];

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("mapping.toml", MAPPING);
    desk.write("dump/films.csv", FILMS);
    desk.write("targets.ttl", TARGETS);
    desk.done(&["init", "p"]);
    desk.done(&["-C", "p", "import", "--mapping", "mapping.toml", "dump"]);
    desk
}

fn with(arguments: &[&'static str]) -> Vec<&'static str> {
    LINK.iter().chain(arguments).copied().collect()
}

const SEGMENT: &str = "p/.kenning/imports/links-targets.seg";

const SAME: &str = "SELECT ?film ?there ?sure { GRAPH ?g { ?f owl:sameAs ?there } ?f rdfs:label ?film ; \
                    owl:sameAs ?there {| kenning:confidence ?sure |} } ORDER BY ?film";

#[test]
fn links_become_part_of_the_graph() {
    let desk = desk();
    insta::assert_snapshot!(desk.run(&with(&["--doubtful", "doubtful.tsv"])).said());
    desk.done(&["-C", "p", "import", "targets.ttl"]);
    desk.done(&["-C", "p", "build", "--no-vectors"]);
    let links = desk.rows("p", SAME);
    let films: Vec<&str> = links.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(
        films,
        ["Matrix, The (1999)", "Sabrina (1954)", "Sabrina (1995)"]
    );
    assert!(
        links
            .iter()
            .all(|row| (0.9..1.0).contains(&row[2].parse::<f64>().unwrap())),
        "{links:?}"
    );
    // Through a link to what is said there; and back to who made the link, from what.
    let there = desk.rows(
        "p",
        "SELECT ?d { ?f a schema:Movie ; owl:sameAs/<http://dbpedia.org/ontology/director> ?d }",
    );
    assert_eq!(there, [["http://d/wachowski"]]);
    let run = "SELECT DISTINCT ?run ?used { << ?f owl:sameAs ?t >> prov:wasDerivedFrom ?graph . \
               ?graph prov:wasGeneratedBy ?run . ?run a kenning:Run ; prov:used ?used }";
    let used = "https://w3id.org/kenning/data/targets/source/targets.ttl";
    assert_eq!(
        desk.rows("p", run),
        [["urn:kenning:run:links-targets", used]]
    );
}

#[test]
fn what_people_settled_counts_and_a_second_run_replaces_the_first() {
    let desk = desk();
    let doubtful = desk.path().join("doubtful.tsv");
    desk.done(&with(&["--doubtful", "doubtful.tsv"]));
    let segment = || std::fs::read(desk.path().join(SEGMENT)).unwrap();
    let before = segment();
    desk.done(&LINK);
    assert_eq!(segment(), before);
    let text = std::fs::read_to_string(&doubtful).unwrap();
    insta::assert_snapshot!(text);
    let settled: Vec<String> = text
        .lines()
        .map(|line| match line {
            _ if line.contains("http://d/glory") => format!("{line}no"),
            _ if line.starts_with("https://example.org/films/item/5\thttp://d/emma") => {
                format!("{line}yes")
            }
            _ => line.to_owned(),
        })
        .collect();
    desk.write("doubtful.tsv", settled.join("\n"));
    let arguments = with(&[
        "--decisions",
        "doubtful.tsv",
        "--doubtful",
        "doubtful.tsv",
        "--format",
        "json",
    ]);
    let json = desk.json(&arguments);
    let summary = json["summary"].as_array().unwrap();
    let counts: Vec<u64> = summary
        .iter()
        .map(|row| row["count"].as_u64().unwrap())
        .collect();
    // Items, targets, linked, in doubt, crowded, none.
    assert_eq!(counts, [7, 6, 4, 0, 0, 3]);
    // What was settled is still there.
    let text = std::fs::read_to_string(&doubtful).unwrap();
    assert_eq!(
        (
            text.matches("\tyes\n").count(),
            text.matches("\tno\n").count()
        ),
        (1, 1),
        "{text}"
    );
    desk.done(&["-C", "p", "build", "--no-vectors"]);
    assert_eq!(desk.rows("p", SAME).len(), 4);
}

#[test]
fn looking_keeps_nothing_and_mistakes_are_told() {
    let desk = desk();
    let dry = desk.run(&with(&["--dry-run", "--threshold", "0.99999"]));
    assert_eq!(dry.code, Some(1), "{}", dry.said());
    assert!(!desk.path().join(SEGMENT).exists());
    desk.write("other.tsv", "item\ttarget\tdecision\n");
    let mut said = String::new();
    for arguments in [
        &["-C", "p", "link", "--to", "nowhere"][..],
        &with(&["--threshold", "2"]),
        &with(&["--under", "http://nobody/"]),
        &with(&["--class", "schema:Book"]),
        &with(&["--class", "no iri"]),
        &with(&["--decisions", "targets.ttl"]),
        &[
            "-C",
            "p",
            "evaluate",
            "linking",
            "--to",
            "targets.ttl",
            "--truth",
            "targets.ttl",
        ],
        &[
            "-C",
            "p",
            "evaluate",
            "linking",
            "--to",
            "targets.ttl",
            "--truth",
            "other.tsv",
        ],
    ] {
        let run = desk.run(arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {}", run.said());
        said += &format!("{}\n{}", arguments[2..].join(" "), run.stderr);
    }
    insta::assert_snapshot!(said);
}

#[test]
fn links_are_judged() {
    let desk = desk();
    desk.write("truth.csv", "id,iri\n1,http://d/matrix\n2,http://d/sabrina95\n4,http://d/glory\n3,http://d/gone\n99,http://d/emma\n");
    let evaluate = [
        "-C",
        "p",
        "evaluate",
        "linking",
        "--to",
        "targets.ttl",
        "--truth",
        "truth.csv",
    ];
    insta::assert_snapshot!(desk.run(&evaluate).said());
    let json = desk.json(&[&evaluate[..], &["--format", "json", "--halves"]].concat());
    let part = &json["parts"][0];
    let count = |name: &str| part[name].as_u64().unwrap();
    let counts = [
        "named",
        "within_reach",
        "right",
        "wrong",
        "abstained",
        "out_of_reach",
        "unjudged",
    ]
    .map(count);
    assert_eq!(counts, [4, 3, 1, 1, 1, 1, 0]);
    assert_eq!(
        (part["precision"].as_f64(), part["recall"].as_f64()),
        (Some(0.5), Some(0.3333))
    );
    assert_eq!(json["parts"].as_array().unwrap().len(), 3);
}

#[test]
fn a_dataset_can_be_linked_to_and_other_things_than_items() {
    let desk = desk();
    desk.done(&["-C", "p", "import", "targets.ttl"]);
    let to = ["-C", "p", "link", "--to", "targets", "--format", "json"];
    assert_eq!(desk.json(&to)["summary"][2]["count"], 3);
    desk.write(
        "people.ttl",
        "<http://e/l> a <http://e/Person> ; <https://schema.org/name> \"Lana Wachowski\" .",
    );
    desk.done(&["-C", "p", "import", "people.ttl"]);
    // A file may be called like the dataset that is linked.
    desk.write("films.ttl", TARGETS);
    let file = desk.json(&["-C", "p", "link", "--to", "films.ttl", "--format", "json"]);
    assert_eq!(file["summary"][2]["count"], 3);
    let people = desk.json(&[&to[..], &["--class", "http://e/Person"]].concat());
    assert_eq!(
        (
            &people["summary"][0]["count"],
            &people["summary"][2]["count"]
        ),
        (&1.into(), &1.into()),
        "{people}"
    );
}
