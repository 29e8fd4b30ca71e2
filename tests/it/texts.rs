//! Texts and vocabularies as the world has them: concepts that a dump brings, labels that are all equal, marks that cannot
//! be seen, texts without end.

use crate::program::Desk;
use serde_json::Value;

const VOCABULARY: &str = r#"
@prefix : <https://example.org/v#> . @prefix kenning: <https://w3id.org/kenning#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> . @prefix schema: <https://schema.org/> .
schema:Person kenning:extracts schema:about .
:stuffs a skos:ConceptScheme ; kenning:extracts kenning:material .
:clay skos:inScheme :stuffs ; skos:prefLabel "cl\u200Fay\u0007 pot" .
:vase skos:inScheme :stuffs ; skos:prefLabel "\u202Eצנצנת\u202C"@he .
"#;

const MAPPING: &str = r#"
[dataset]
name = "texts"
base = "https://example.org/texts/"
item = "thing"
verb = "bought"
vocabularies = ["mine"]

[[file]]
path = "things.csv"
[file.item]
id = "id"
[[file.item.attribute]]
column = "text"
property = "schema:description"
text = true

[[file]]
path = "people.nt"
"#;

/// A project with one text, a few people, and as many equal concepts as are asked for.
fn desk(text: &str, equal: usize) -> Desk {
    let desk = Desk::new();
    desk.write("mapping.toml", MAPPING);
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["id", "text"]).unwrap();
    csv.write_record(["1", text]).unwrap();
    desk.write("dump/things.csv", csv.into_inner().unwrap());
    let person = |iri: &str, name: &str| {
        format!(
            "<https://example.org/{iri}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://schema.org/Person> .\n\
             <https://example.org/{iri}> <http://www.w3.org/2000/01/rdf-schema#label> \"{name}\" .\n"
        )
    };
    desk.write(
        "dump/people.nt",
        person("rodin", "Auguste Rodin") + &person("claudel", "Camille Claudel"),
    );
    desk.done(&["init", "shop"]);
    let mut vocabulary = VOCABULARY.to_owned();
    for number in 0..equal {
        vocabulary.push_str(&format!(
            ":e{number} skos:inScheme :stuffs ; skos:prefLabel \"same\" .\n"
        ));
    }
    desk.write("shop/ontologies/mine.ttl", vocabulary);
    desk.done(&["-C", "shop", "import", "--mapping", "mapping.toml", "dump"]);
    desk
}

fn extract(desk: &Desk, more: &[&str]) -> Vec<Value> {
    let run = desk.done(&[&["-C", "shop", "extract", "--format", "jsonl"], more].concat());
    run.stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// `value=quote`
fn told(facts: &[Value]) -> Vec<String> {
    let local = |value: &Value| {
        value
            .as_str()
            .unwrap()
            .rsplit(['/', '#', ':'])
            .next()
            .unwrap()
            .to_owned()
    };
    facts
        .iter()
        .map(|f| format!("{}={}", local(&f["value"]), f["quote"].as_str().unwrap()))
        .collect()
}

#[test]
fn concepts_of_a_dump_and_invisible_marks() {
    let text = "A \u{202e}clay\u{202c} \u{1}pot,\u{200f} צנצנת, after Camille\u{0007}Claudel";
    let desk = desk(text, 0);
    let mut told = told(&extract(&desk, &[]));
    told.sort();
    assert_eq!(
        told,
        [
            "claudel=Camille\u{7}Claudel",
            "clay=clay\u{202c} \u{1}pot",
            "vase=צנצנת"
        ]
    );
    desk.done(&["-C", "shop", "build", "--no-vectors"]);
    let rows = desk.rows("shop", "SELECT ?who { ?thing schema:about ?who }");
    assert_eq!(rows, [["https://example.org/claudel"]]);
}

#[test]
fn equal_labels_are_put_aside_and_told() {
    let desk = desk("the same clay pot", 2000);
    assert_eq!(told(&extract(&desk, &[])), ["clay=clay pot"]);
    let aside = extract(&desk, &["--aside"]);
    assert_eq!(aside.len(), 1);
    assert_eq!(
        (&aside[0]["what"], &aside[0]["reason"]),
        (&"same".into(), &"it names 2000 concepts".into())
    );
}

#[test]
fn a_text_without_end_is_read_to_its_end() {
    let text = "nothing to see here, ".repeat(100_000) + "but a clay pot";
    let desk = desk(&text, 0);
    let facts = extract(&desk, &[]);
    assert_eq!(told(&facts), ["clay=clay pot"]);
    assert_eq!(facts[0]["end"].as_u64(), Some(text.len() as u64));
    assert!(facts[0]["text"].as_str().unwrap().len() < 1000);
    desk.done(&["-C", "shop", "build", "--no-vectors"]);
}
