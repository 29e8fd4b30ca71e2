//! What can be wrong with a dump or a mapping, and what is said of it.

use super::*;
use kenning::ErrorKind;
use kenning::intake::{PRESETS, fitting_presets, preset};

fn mapping_error(from: &str, to: &str) -> String {
    let text = TITLES.replace(from, to);
    assert_ne!(text, TITLES);
    told(
        &Mapping::parse(&text, "m.toml").unwrap_err(),
        Path::new("/nowhere"),
    )
}

#[test]
fn a_mapping_that_makes_no_sense_is_refused_by_line() {
    let cases = [
        ("name = \"t\"", "nam = \"t\""),
        ("name = \"t\"", "name = \"T!\""),
        ("http://t.example/", "t example"),
        ("t.example/", "t.example/x"),
        ("rdfs:label", "dct:title"),
        (
            "property = \"rdfs:label\"",
            "property = \"rdfs:label\"\nlang = \"en\"\nentity = \"x\"",
        ),
        (
            "property = \"rdfs:label\"",
            "property = \"rdfs:label\"\npattern = '('",
        ),
        (
            "property = \"rdfs:label\"",
            "property = \"rdfs:label\"\npattern = 'x'",
        ),
        (
            "property = \"rdfs:label\"",
            "property = \"rdfs:label\"\ntime = \"t\"",
        ),
        (
            "property = \"rdfs:label\"",
            "property = \"rdfs:label\"\nconfidence = 1.5",
        ),
        ("id = \"id\"", "id = 3"),
        ("t.csv", "../t.csv"),
        ("t.csv", "t.xlsx"),
        ("t.csv", "t.nt"),
        (
            "path = \"t.csv\"",
            "path = \"t.csv\"\nskip = [{ column = \"x\" }]",
        ),
        (
            "path = \"t.csv\"",
            "path = \"t.csv\"\ntime_format = \"soon\"",
        ),
        ("[[file]]", "[iris]\nitem = \"http://t.example/\"\n[[file]]"),
    ];
    let all: Vec<_> = cases
        .iter()
        .map(|(from, to)| {
            let told = mapping_error(from, to);
            told.split("\nhint").next().unwrap_or_default().to_owned()
        })
        .collect();
    insta::assert_snapshot!(all.join("\n"), @r"");
}

#[test]
fn presets_are_known_by_name() {
    for name in PRESETS {
        assert_eq!(preset(name).unwrap().dataset.name, *name);
    }
    let error = preset("movielense").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    insta::assert_snapshot!(told(&error, Path::new("/nowhere")), @r"");
}

#[test]
fn what_is_missing_is_named() {
    let folder = dump(&[
        ("movies.csv", b"movieId,title,genres\n1,a,b\n"),
        ("ratings.csv", b"userId,movieId,rating,timestamp\n1,1,5,0\n"),
    ]);
    assert_eq!(fitting_presets(folder.path()), ["movielens"]);
    let nowhere = folder.path().join("nowhere");
    let all = [
        fails(preset("movielens").unwrap(), &nowhere),
        fails(preset("online-retail").unwrap(), folder.path()),
        fails(preset("movielens").unwrap(), dump(&[("x", b"")]).path())
            .replace(|c: char| c == '\u{0}', ""),
        fails(
            mapping(&TITLES.replace("t.csv", "ratings.csv")),
            folder.path(),
        ),
        fails(
            preset("online-retail").unwrap(),
            &folder.path().join("movies.csv"),
        ),
    ];
    let all: Vec<_> = all
        .iter()
        .map(|text| {
            let text = text.replace(&folder.path().display().to_string(), "DUMP");
            text.replace("DUMP/nowhere", "DUMP")
                .replace("DUMP/movies.csv", "FILE")
        })
        .collect();
    insta::assert_snapshot!(all.join("\n"), @r"");
    let error = import(preset("movielens").unwrap(), &nowhere)
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn a_file_that_breaks_fails_the_import() {
    let rows = "1,a\n".repeat(100_000);
    let table = format!("id,title\n{rows}");
    let (gz, zst) = (gzip(table.as_bytes()), zst(table.as_bytes()));
    let damaged: Vec<u8> = gz
        .iter()
        .enumerate()
        .map(|(n, b)| if n > 200 { b ^ 0x55 } else { *b })
        .collect();
    let turtle = Mapping::rdf_only("t").unwrap();
    let cases: Vec<(Mapping, &str, Vec<u8>)> = vec![
        (mapping(TITLES), "t.csv.gz", gz[..gz.len() / 2].to_vec()),
        (mapping(TITLES), "t.csv.zst", zst[..zst.len() / 2].to_vec()),
        (mapping(TITLES), "t.csv.gz", gz[..5].to_vec()),
        (mapping(TITLES), "t.csv", b"PK\x03\x04....".to_vec()),
        (mapping(TITLES), "t.csv", b"\xff\xfei\0d\0".to_vec()),
        (
            mapping(TITLES),
            "t.csv",
            b"id,title\n1,a\n2,\"b\n3,c\n".to_vec(),
        ),
        (mapping(TITLES), "t.csv", b"id,title,id\n".to_vec()),
        (mapping(TITLES), "t.csv", b"".to_vec()),
        (mapping(TITLES), "t.csv", b"id,title\n".to_vec()),
        (mapping(TITLES), "t.csv", b"id;title\n1;a\n".to_vec()),
        (
            turtle.clone(),
            "t.ttl",
            b"<x:a> <x:p> 1 .\n<x:a> <x:p> !\n".to_vec(),
        ),
        (turtle.clone(), "t.ttl", b"# nothing\n".to_vec()),
        (
            turtle,
            "t.ttl",
            b"<x:a> <x:p> <<( <x:a> <x:p> ".repeat(1000),
        ),
    ];
    let mut all = Vec::new();
    for (mapping, name, bytes) in cases {
        let folder = dump(&[(name, &bytes)]);
        all.push(fails(mapping.clone(), folder.path()));
        let lenient = import(mapping, folder.path()).err().unwrap();
        assert!(
            matches!(lenient.kind(), ErrorKind::Input | ErrorKind::Io),
            "{lenient}"
        );
        assert!(!rejects(folder.path()).exists());
    }
    let damage = dump(&[("t.csv.gz", &damaged)]);
    let damage = fails(mapping(TITLES), damage.path());
    assert!(
        damage.starts_with("t.csv.gz: the gzip stream is damaged, around byte "),
        "{damage}"
    );
    insta::assert_snapshot!(all.join("\n"), @r"");
}

/// Imports the bytes and gives the rejects as they were written, then the strict error.
fn rejected(mapping: &Mapping, name: &str, bytes: &[u8]) -> String {
    let folder = dump(&[(name, bytes)]);
    let imported = import(mapping.clone(), folder.path()).unwrap();
    let written = std::fs::read_to_string(rejects(folder.path())).unwrap();
    let strict = fails(mapping.clone(), folder.path());
    let first = &imported.report.rejects[0];
    assert!(
        strict.starts_with(&format!("{}:{}: {}", first.file, first.line, first.message)),
        "{strict}"
    );
    assert_eq!(imported.report.rejects_file, Some(rejects(folder.path())));
    assert_eq!(
        imported.report.total().rejected as usize,
        written.lines().count() - 1
    );
    written
}

#[test]
fn bad_events_are_written_aside() {
    let table = b"user,item,time,weight\n\
        1,2,3,4\n\
        1,2,3\n\
        1,2,3,4,5\n\
        ,2,3,4\n\
        1, ,3,4\n\
        1,2,soon,4\n\
        1,2,1600000000000,4\n\
        1,2,3,many\n\
        1,2,3,NaN\n\
        1,2,3,1e99\n\
        \"1\n1\",\xff,3,4\n\
        1,\"a\tb\\\",3,x\n";
    insta::assert_snapshot!(rejected(&mapping(EVENTS), "e.csv", table), @r"");
}

#[test]
fn bad_json_and_triples_are_written_aside() {
    let json = mapping(&TITLES.replace("t.csv", "t.jsonl"));
    let lines = b"{\"id\": 1, \"title\": \"a\"}\n[1]\n{\"id\": 1\n{\"title\": \"b\"}\n{\"id\": [1, 2]}\n{\"id\": \"\xff\"}\n";
    let mut all = rejected(&json, "t.jsonl", lines);
    all += &rejected(
        &json,
        "t.jsonl",
        &[
            b"{\"id\": 1, \"title\": 1}\n".as_slice(),
            &b"[".repeat(100_000),
        ]
        .concat(),
    )[..60];
    let deep = b"<x:a> <x:p> <<( <x:a> <x:p> ".repeat(100);
    let triples = [b"<x:a> <x:p> <x:b> .\n<x:a> <x:p> <x:b>\n<x:a> <x:p <x:b> .\n<x:a> \"p\" <x:b> .\n<x:a> <x:p> \"\xff\" .\n<a> <x:p> <x:b> .\n".as_slice(), &deep[..90]].concat();
    let rdf = Mapping::rdf_only("t").unwrap();
    all += "\n";
    all += &rejected(&rdf, "t.nt", &triples);
    assert!(
        rejected(
            &rdf,
            "t.nt",
            &[b"<x:a> <x:p> <x:b> .\n".as_slice(), &deep].concat()
        )
        .contains("deep in each other")
    );
    insta::assert_snapshot!(all, @r"");
}

#[test]
fn a_record_beyond_all_bounds_is_rejected() {
    let huge = "x".repeat(17 << 20);
    let table = format!("id,title\n1,a\n2,\"{huge}\n\"\n3,c\n");
    let written = rejected(&mapping(TITLES), "t.csv", table.as_bytes());
    assert!(written.contains("t.csv\t3\tthe record is longer than 16 MiB\t2,\"xxx"));
    let folder = dump(&[("t.csv", table.as_bytes())]);
    let imported = import(mapping(TITLES), folder.path()).unwrap();
    insta::assert_snapshot!(imported.listing(), @r"");
    let triples = format!("<x:a> <x:p> <x:b> .\n<x:a> <x:p> \"{huge}\" .\n");
    let written = rejected(&Mapping::rdf_only("t").unwrap(), "t.nt", triples.as_bytes());
    assert!(written.contains("t.nt\t2\tthe line is longer than 16 MiB"));
}

#[test]
fn rejects_of_an_earlier_run_do_not_stay() {
    let folder = dump(&[("t.csv", b"id,title\n1,a\n,b\n")]);
    import(mapping(TITLES), folder.path()).unwrap();
    assert!(rejects(folder.path()).exists());
    std::fs::write(folder.path().join("t.csv"), "id,title\n1,a\n").unwrap();
    let imported = import(mapping(TITLES), folder.path()).unwrap();
    assert!(!rejects(folder.path()).exists());
    assert_eq!(imported.report.rejects_file, None);
}

#[test]
fn a_dump_of_bad_records_only_is_an_error() {
    let folder = dump(&[("t.csv", b"id,title\n,a\n")]);
    let error = import(mapping(TITLES), folder.path()).err().unwrap();
    insta::assert_snapshot!(told(&error, folder.path()), @r"");
}
