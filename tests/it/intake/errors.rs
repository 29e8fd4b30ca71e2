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
    insta::assert_snapshot!(all.join("\n"), @r#"
    m.toml:3: the mapping is not valid: unknown field `nam`, expected one of `name`, `label`, `base`, `item`, `verb`, `item_class`, `user_class`, `vocabularies`, `licence`, `source`
    m.toml:3: `dataset.name` may hold a-z, 0-9 and `-` only
    m.toml:4: `dataset.base` is neither an IRI nor a prefixed name: `t example`
    m.toml:4: `dataset.base` must end with `/`, `#` or `:`
    m.toml:11: `file[1].item.attribute[1].property` has the unknown prefix `dct:`; known: kenning, schema, skos, prov, dcterms, rdf, rdfs, owl, xsd, foaf, void, sh, dbo
    m.toml:11: `file[1].item.attribute[1].property` has more than one of `datatype`, `lang`, `entity` and `iri`
    m.toml:12: `file[1].item.attribute[1].pattern` is not a regular expression: unclosed group
    m.toml:12: `file[1].item.attribute[1].pattern` must have a group `(…)` around the value
    m.toml:12: `file[1].item.attribute[1].time` needs the file's `time_format`
    m.toml:12: `file[1].item.attribute[1].confidence` must lie in 0..=1
    m.toml:8: the mapping is not valid: expected the name of a column or { column, pattern, fold }
    m.toml:6: `file[1].path` must not leave the dump's folder
    m.toml:6: `file[1].path` has a suffix that tells no format; add `format = "csv"` or another
    m.toml:6: `file[1].path` is RDF, which is loaded as it is: `item`, `user` and `event` are for tables
    m.toml:7: `file[1].skip[1].column` must have one of `starts_with`, `below`, `above`, `matches`, `equals` and `empty`
    m.toml:7: `file[1].time_format[1]` must be `unix`, `unix-ms`, `iso` or a pattern with `%`
    m.toml:6: `iris.item` must be an IRI with one `{}`: `http://t.example/`
    "#);
}

#[test]
fn presets_are_known_by_name() {
    for name in PRESETS {
        assert_eq!(preset(name).unwrap().dataset.name, *name);
    }
    let error = preset("movielense").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    insta::assert_snapshot!(told(&error, Path::new("/nowhere")), @r"
    there is no preset `movielense`
    hint: the presets are `movielens`, `online-retail`, `amazon-beauty`; `--mapping FILE` takes a mapping of your own
    ");
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
        fails(preset("movielens").unwrap(), dump(&[("x", b"")]).path()),
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
    insta::assert_snapshot!(all.join("\n"), @r"
    DUMP: there is no such file or folder
    hint: the mapping `movielens` expects `movies.csv`, `links.csv` (optional), `tags.csv` (optional), `ratings.csv`
    DUMP: `*etail*.csv` is not here, nor with `.gz` or `.zst`
    hint: kenning import --preset movielens DUMP
    DUMP: `movies.csv` is not here, nor with `.gz` or `.zst`
    hint: the mapping `movielens` expects `movies.csv`, `links.csv` (optional), `tags.csv` (optional), `ratings.csv`
    ratings.csv:1: there is no column `title`; there are `userId`, `movieId`, `rating`, `timestamp`
    hint: kenning import --preset movielens DUMP
    DUMP: the mapping `online-retail` has no use for this file
    hint: kenning import --preset movielens DUMP
    ");
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
    insta::assert_snapshot!(all.join("\n"), @r#"
    t.csv.gz: the gzip stream is cut off: the file ends in its middle, after 2052 bytes
    hint: fetch or pack the file again
    t.csv.zst: the zstd stream is cut off: the file ends in its middle, after 32 bytes
    hint: fetch or pack the file again
    t.csv.gz: the gzip stream is cut off: the file ends in its middle, after 5 bytes
    hint: fetch or pack the file again
    t.csv: this is a zip archive
    hint: files may be plain UTF-8 text, or packed with gzip or zstd: convert it first
    t.csv: this is UTF-16 text, not UTF-8
    hint: files may be plain UTF-8 text, or packed with gzip or zstd: convert it first
    t.csv:3: a quoted cell of this record is never closed, so the rest of the file cannot be told apart
    hint: close the quote; or, where the dump does not quote, say `quote = ""` in the mapping
    t.csv:1: the header has two columns `id`
    t.csv: the file is empty: not even a header is here
    t.csv: the dump holds no records
    t.csv:1: there is no column `title`; there are `id;title`
    hint: say `delimiter = ";"` in the mapping
    t.ttl:2:13: ! is not a valid RDF object
    hint: a document cannot be read past an error: correct it
    t.ttl: the dump holds no records
    t.ttl: triple terms lie more than 64 deep in each other
    "#);
}

#[test]
fn a_damaged_archive_says_about_where() {
    let mut table = "id,title\n".to_owned();
    let mut random = 1_u64;
    for id in 0..50_000 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        table += &format!("{id},{random:x}\n");
    }
    for (name, packed) in [
        ("t.csv.gz", gzip(table.as_bytes())),
        ("t.csv.zst", zst(table.as_bytes())),
    ] {
        let damaged: Vec<u8> = packed
            .iter()
            .enumerate()
            .map(|(n, b)| if n > 300_000 { b ^ 0x55 } else { *b })
            .collect();
        let folder = dump(&[(name, &damaged)]);
        let told = fails(mapping(TITLES), folder.path());
        let kind = if name.ends_with("gz") { "gzip" } else { "zstd" };
        assert!(
            told.starts_with(&format!(
                "{name}: the {kind} stream is damaged, around byte "
            )),
            "{told}"
        );
    }
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
    insta::assert_snapshot!(rejected(&mapping(EVENTS), "e.csv", table), @r#"
    file	line	reason	record
    e.csv	3	the record has 3 cells, where 4 columns are known	1,2,3
    e.csv	4	the record has 5 cells, where 4 columns are known	1,2,3,4,5
    e.csv	5	`user` is empty	,2,3,4
    e.csv	6	`item` is empty	1, ,3,4
    e.csv	7	`time` is not a time as `time_format` says: `soon`	1,2,soon,4
    e.csv	8	`time` is a time after the year 9999: `1600000000000`; are these milliseconds, `time_format = "unix-ms"`?	1,2,1600000000000,4
    e.csv	9	`weight` is not a number: `many`	1,2,3,many
    e.csv	10	`weight` is not a finite number: `NaN`	1,2,3,NaN
    e.csv	11	`weight` is not a finite number: `1e99`	1,2,3,1e99
    e.csv	12	cell 2 is not valid UTF-8, from byte 1 on	"1\n1",�,3,4
    e.csv	14	`weight` is not a number: `x`	1,"a\tb\\",3,x
    "#);
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
    insta::assert_snapshot!(all, @r#"
    file	line	reason	record
    t.jsonl	2	the record is not a JSON object: invalid type: sequence, expected a map	[1]
    t.jsonl	3	the record is not a JSON object: EOF while parsing an object	{"id": 1
    t.jsonl	4	`id` is empty	{"title": "b"}
    t.jsonl	5	`id` has several values where one is wanted	{"id": [1, 2]}
    t.jsonl	6	the record is not valid UTF-8, from byte 9 on	{"id": "�"}
    file	line	reason	record
    t.jsonl	2	the record is not a JSON o
    file	line	reason	record
    t.nt	2	Quads must be followed by a dot	<x:a> <x:p> <x:b>
    t.nt	3	column 7: Invalid IRI code point ' '	<x:a> <x:p <x:b> .
    t.nt	4	column 7: The predicate of a triple must be an IRI	<x:a> "p" <x:b> .
    t.nt	5	column 14: Invalid UTF-8: invalid utf-8 sequence of 1 bytes from index 0	<x:a> <x:p> "�" .
    t.nt	6	column 1: No scheme found in an absolute IRI	<a> <x:p> <x:b> .
    t.nt	7	column 35: Expecting the end of a quoted triple ')>>'	<x:a> <x:p> <<( <x:a> <x:p> <x:a> <x:p> <<( <x:a> <x:p> <x:a> <x:p> <<( <x:a> <x:p> <x:a>
    "#);
}

#[test]
fn a_record_beyond_all_bounds_is_rejected() {
    let huge = "x".repeat(17 << 20);
    let table = format!("id,title\n1,a\n2,\"{huge}\n\"\n3,c\n");
    let written = rejected(&mapping(TITLES), "t.csv", table.as_bytes());
    assert!(written.contains("t.csv\t3\tthe record is longer than 16 MiB\t2,\"xxx"));
    let folder = dump(&[("t.csv", table.as_bytes())]);
    let imported = import(mapping(TITLES), folder.path()).unwrap();
    insta::assert_snapshot!(imported.listing(), @r#"
    0:2 <t:item/1 <rdfs:label "a
    0:5 <t:item/3 <rdfs:label "c
    "#);
    let huge = "x".repeat(100 << 20);
    let triples = format!("<x:a> <x:p> <x:b> .\n<x:a> <x:p> \"{huge}\" .\n<x:a> <x:p> <x:c> .\n");
    let written = rejected(&Mapping::rdf_only("t").unwrap(), "t.nt", triples.as_bytes());
    assert!(written.contains("t.nt\t2\tthe line is longer than 16 MiB"));
    let folder = dump(&[("t.nt", triples.as_bytes())]);
    let imported = import(Mapping::rdf_only("t").unwrap(), folder.path()).unwrap();
    let kept: Vec<String> = imported.listing().lines().map(str::to_owned).collect();
    assert_eq!(kept, ["0:1 <x:a <x:p <x:b", "0:3 <x:a <x:p <x:c"]);
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
    insta::assert_snapshot!(told(&error, folder.path()), @r"
    t.csv: of 1 records none gave a fact or an event: 1 rejected, 0 skipped
    hint: the first: t.csv:2: `id` is empty
    ");
}
