//! Every format, plain and compressed.

use super::*;

const RDF: &str = r#"
[dataset]
name = "t"
base = "http://t.example/"
[[file]]
path = "*"
format = "rdf"
"#;

fn packed(name: &str, text: &str) -> [(String, Vec<u8>); 3] {
    let bytes = text.as_bytes();
    [
        (name.to_owned(), bytes.to_vec()),
        (format!("{name}.gz"), gzip(bytes)),
        (format!("{name}.zst"), zst(bytes)),
    ]
}

/// Imports `text` in all packings, checks that it makes no difference, and gives the listing.
fn listing(mapping_text: &str, name: &str, text: &str) -> String {
    let mut listings = packed(name, text).map(|(name, bytes)| {
        let folder = dump(&[(&name, &bytes)]);
        let imported = import(mapping(mapping_text), folder.path()).unwrap();
        assert_eq!(imported.sources[0].file, name);
        assert!(
            imported.sources[0]
                .graph
                .starts_with("http://t.example/source/")
        );
        assert!(!imported.sources[0].graph.ends_with("gz"));
        imported.listing()
    });
    assert_eq!(listings[0], listings[1]);
    assert_eq!(listings[0], listings[2]);
    std::mem::take(&mut listings[0])
}

#[test]
fn csv_with_a_mark_quotes_and_empty_lines() {
    let text = "\u{feff}id,title\r\n1,\"a \"\"b\"\",\r\nc\"\r\n\r\n2,  d \r\n3,\r\n4,e";
    insta::assert_snapshot!(listing(TITLES, "t.csv", text), @r#"
    0:2 <t:item/1 <rdfs:label "a "b",
    c
    0:5 <t:item/2 <rdfs:label "d
    0:7 <t:item/4 <rdfs:label "e
    "#);
}

#[test]
fn tsv_takes_quotes_as_they_are() {
    let mapping = TITLES.replace("t.csv", "t.tsv");
    insta::assert_snapshot!(listing(&mapping, "t.tsv", "id\ttitle\n1\t\"a\n2\tb\"c\n"), @r#"
    0:2 <t:item/1 <rdfs:label ""a
    0:3 <t:item/2 <rdfs:label "b"c
    "#);
}

#[test]
fn json_lines_take_keys_as_columns() {
    let mapping = TITLES.replace("t.csv", "t.jsonl");
    let text = concat!(
        "{\"id\": 1, \"title\": \"a\\nb\", \"more\": {}}\n\n",
        "{\"id\": \"2\", \"title\": [\"c\", [\"d\", null], 4.5, true]}\n",
        "{\"id\": 3}\n{\"id\": 4, \"title\": null}",
    );
    insta::assert_snapshot!(listing(&mapping, "t.jsonl", text), @r#"
    0:1 <t:item/1 <rdfs:label "a
    b
    0:3 <t:item/2 <rdfs:label "c
    0:3 <t:item/2 <rdfs:label "d
    0:3 <t:item/2 <rdfs:label "4.5
    0:3 <t:item/2 <rdfs:label "true
    "#);
}

#[test]
fn n_triples_know_their_lines() {
    let text = "# a comment\n<x:a> <x:p> <x:b> .\r\n\n<x:a> <x:p> \"plain\" . # why\n\
        _:n <x:p> \"es\\\"c\"@EN .\n<x:a> <x:p> \"5\"^^<x:int> .\n<x:a> <x:p> <<( <x:a> <x:p> _:n )>> .";
    insta::assert_snapshot!(listing(RDF, "t.nt", text), @r#"
    0:2 <x:a <x:p <x:b
    0:4 <x:a <x:p "plain
    0:5 _f0_n <x:p @en|es"c
    0:6 <x:a <x:p ^x:int|5
    0:7 <x:a <x:p (<<( <x:a> <x:p> _:f0_n )>>
    "#);
}

#[test]
fn named_graphs_are_sources() {
    let text = "<x:a> <x:p> <x:b> <x:g> .\n<x:a> <x:p> <x:c> .\n<x:a> <x:p> <x:d> _:g .\n<x:a> <x:p> <x:e> <x:g> .\n";
    insta::assert_snapshot!(listing(RDF, "t.nq", text), @r"
    1:1 <x:a <x:p <x:b
    0:2 <x:a <x:p <x:c
    2:3 <x:a <x:p <x:d
    1:4 <x:a <x:p <x:e
    ");
    let folder = dump(&[("t.nq", text.as_bytes())]);
    let imported = import(mapping(RDF), folder.path()).unwrap();
    let graphs: Vec<_> = imported
        .sources
        .iter()
        .map(|source| source.graph.as_str())
        .collect();
    assert_eq!(
        graphs,
        [
            "http://t.example/source/t.nq",
            "x:g",
            "http://t.example/source/t.nq#f0_g"
        ]
    );
}

#[test]
fn documents_have_no_lines() {
    let turtle = "@prefix x: <http://x.example/> . x:a x:p [ x:q 1 ], _:l . _:l x:p <here> .";
    insta::assert_snapshot!(listing(RDF, "t.ttl", turtle), @r"
    0:0 _f0_b0 <http://x.example/q ^http://www.w3.org/2001/XMLSchema#integer|1
    0:0 <http://x.example/a <http://x.example/p _f0_b0
    0:0 <http://x.example/a <http://x.example/p _f0_b1
    0:0 _f0_b1 <http://x.example/p <t:source/here
    ");
    let trig = "@prefix x: <http://x.example/> . x:g { x:a x:p x:b } x:a x:p x:c .";
    insta::assert_snapshot!(listing(RDF, "t.trig", trig), @r"
    1:0 <http://x.example/a <http://x.example/p <http://x.example/b
    0:0 <http://x.example/a <http://x.example/p <http://x.example/c
    ");
    let xml = "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:x='http://x.example/'>\
        <rdf:Description rdf:about='http://x.example/a'><x:p>b</x:p></rdf:Description></rdf:RDF>";
    insta::assert_snapshot!(listing(RDF, "t.rdf", xml), @r#"0:0 <http://x.example/a <http://x.example/p "b"#);
}

#[test]
fn a_bare_file_or_folder_of_rdf_needs_no_mapping() {
    let triple = b"_:n <x:p> <x:b> .\n";
    let folder = dump(&[
        ("a.nt", triple),
        ("b.nt.gz", &gzip(triple)),
        ("c.ttl", b"_:n <x:p> 1 ."),
        ("read.me", b"!"),
    ]);
    let imported = import(Mapping::rdf_only("some-rdf").unwrap(), folder.path()).unwrap();
    let graphs: Vec<_> = imported
        .sources
        .iter()
        .map(|source| source.graph.as_str())
        .collect();
    let base = "https://w3id.org/kenning/data/some-rdf/source/";
    assert_eq!(
        graphs,
        ["a.nt", "b.nt", "c.ttl"].map(|name| format!("{base}{name}"))
    );
    let nodes: Vec<_> = imported.facts().map(|fact| fact.subject.as_str()).collect();
    assert_eq!(nodes, ["_f0_n", "_f1_n", "_f2_b0"]);

    let file = folder.path().join("b.nt.gz");
    let imported = import(Mapping::rdf_only("one").unwrap(), &file).unwrap();
    assert_eq!(imported.report.files.len(), 1);
    assert_eq!(imported.sources[0].file, "b.nt.gz");
}

#[test]
fn the_order_is_that_of_the_dump() {
    let mut text = "user,item,time,weight\n".to_owned();
    for n in 0..200_000 {
        text += &format!("{},{n},{n},1\n", n % 97);
    }
    let folder = dump(&[("e.csv", text.as_bytes())]);
    let imported = import(mapping(EVENTS), folder.path()).unwrap();
    assert_eq!(imported.report.total().events, 200_000);
    for (n, event) in imported.events().enumerate() {
        assert_eq!(event.time, Some(n as i64));
        assert_eq!(event.place.line, n as u32 + 2);
    }
}

#[test]
fn progress_counts_the_bytes_on_disk() {
    use kenning::model::Progress;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    #[derive(Default)]
    struct Seen {
        total: AtomicU64,
        bytes: AtomicU64,
        records: AtomicU64,
    }
    impl Progress for Seen {
        fn begin(&self, _: &str, total: Option<u64>, unit: &'static str) {
            assert_eq!(unit, "bytes");
            self.total.store(total.unwrap(), Relaxed);
        }
        fn advance(&self, amount: u64, records: u64) {
            self.bytes.fetch_add(amount, Relaxed);
            self.records.fetch_add(records, Relaxed);
        }
        fn end(&self) {}
    }
    let text = "id,title\n".to_owned() + &"1,a\n".repeat(300_000);
    let folder = dump(&[("t.csv.gz", &gzip(text.as_bytes()))]);
    let plan = Plan {
        mapping: mapping(TITLES),
        root: folder.path().to_owned(),
        bad_records: BadRecords::Strict,
    };
    let seen = Seen::default();
    run(&plan, &seen, &mut |_| Ok(())).unwrap();
    assert_eq!(seen.bytes.load(Relaxed), seen.total.load(Relaxed));
    assert_eq!(seen.records.load(Relaxed), 300_000);
}

#[test]
fn an_error_of_the_sink_ends_the_run() {
    let text = "id,title\n".to_owned() + &"1,a\n".repeat(2_000_000);
    let folder = dump(&[("t.csv", text.as_bytes())]);
    let plan = Plan {
        mapping: mapping(TITLES),
        root: folder.path().to_owned(),
        bad_records: BadRecords::Strict,
    };
    let mut batches = 0;
    let error = run(&plan, &Unwatched, &mut |_| {
        batches += 1;
        Err(Error::budget("enough"))
    });
    assert_eq!(error.unwrap_err().message(), "enough");
    assert_eq!(batches, 1);
}
