//! What goes wrong for people: each is said clearly, ends with the right exit code, and leaves the project as it was.

mod endpoint;
mod interrupted;
mod models;

use crate::program::{BUILD, Desk, IMPORT, RECOMMEND};
use std::io::Write;
use std::process::Command;

/// Runs what has to be refused: exit code 2, no data, and every part in the message; the project answers as before.
fn refused(desk: &Desk, arguments: &[&str], parts: &[&str]) {
    let before = desk.answer();
    let run = desk.run(arguments);
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(2), ""),
        "{arguments:?}: {}",
        run.said()
    );
    for part in parts {
        assert!(run.stderr.contains(part), "{part:?} in {}", run.stderr);
    }
    assert_eq!(before, desk.answer(), "after {arguments:?}");
}

fn import<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    [&["-C", "shop", "import"], rest].concat()
}

#[test]
fn dumps_that_are_not_there() {
    let desk = Desk::with_build();
    std::fs::create_dir(desk.path().join("empty")).unwrap();
    let presets = "hint: name a preset with `--preset` (movielens, online-retail, amazon-beauty)";
    refused(
        &desk,
        &import(&["nowhere"]),
        &["error: nowhere: there is no such file or folder", presets],
    );
    refused(
        &desk,
        &import(&["empty"]),
        &["error: empty: no RDF file", presets],
    );
    refused(
        &desk,
        &import(&["--preset", "movielens", "nowhere"]),
        &[
            "nowhere: there is no such file",
            "hint: the mapping `movielens` expects `movies.csv`",
        ],
    );
    refused(
        &desk,
        &import(&["--mapping", "mapping.toml", "empty"]),
        &[
            "error: empty: `products.csv` is not here",
            "hint: the mapping `shop` expects `products.csv`, `sales.csv`",
        ],
    );
    refused(
        &desk,
        &import(&["--preset", "films", "dump"]),
        &[
            "there is no preset `films`",
            "hint: the presets are `movielens`",
        ],
    );
}

#[test]
fn a_preset_for_another_dump() {
    let desk = Desk::with_build();
    desk.write("films/movies.csv", "movieId,title,genres\n1,Heat,Crime\n");
    desk.write(
        "films/ratings.csv",
        "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n",
    );
    refused(
        &desk,
        &import(&["--preset", "online-retail", "films"]),
        &[
            "`*etail*.csv` is not here",
            "hint: `kenning import --preset movielens films`",
        ],
    );
    let fits = desk.done(&import(&["--preset", "movielens", "films"]));
    assert!(
        fits.stderr.contains("imported `movielens`: "),
        "{}",
        fits.stderr
    );
}

#[test]
fn tables_that_lack_something() {
    let desk = Desk::with_build();
    desk.write("dump/sales.csv", "customer,time,basket\nu1,1600000000,b1\n");
    refused(&desk, &IMPORT, &["error: sales.csv:1", "`product`"]);
    desk.write("dump/products.csv", "id,name,brand,tags\n");
    desk.write("dump/sales.csv", "customer,product,time,basket\n");
    refused(
        &desk,
        &IMPORT,
        &["products.csv, sales.csv: the dump holds no records"],
    );
    desk.write("dump/products.csv", "");
    refused(
        &desk,
        &IMPORT,
        &["error: products.csv: the file is empty: not even a header is here"],
    );
}

#[test]
fn bad_bytes_in_a_record() {
    let desk = Desk::with_build();
    let strict = [&IMPORT[..], &["--strict"]].concat();
    let mut products = std::fs::read(desk.path().join("dump/products.csv")).unwrap();
    products.extend(b"p900,caf\xe9 mug,Brand 1,tag 1\n");
    desk.write("dump/products.csv", products);
    refused(
        &desk,
        &strict,
        &[
            "error: products.csv:82: ",
            "UTF-8",
            "hint: correct the record, or import without `--strict`",
        ],
    );
    let run = desk.done(&IMPORT);
    for part in [
        "warning: 1 of 801 records were rejected",
        "  products.csv:82: ",
        "all of them: [HERE]/shop/.kenning/rejects/shop.tsv",
    ] {
        assert!(run.stderr.contains(part), "{part:?} in {}", run.stderr);
    }
    let aside = std::fs::read_to_string(desk.state("rejects/shop.tsv")).unwrap();
    let lines: Vec<&str> = aside.lines().collect();
    assert_eq!(lines.len(), 2, "{aside}");
    assert!(
        lines[1].starts_with("products.csv\t82\t") && lines[1].contains("p900"),
        "{aside}"
    );
    let listed = desk.json(&["-C", "shop", "status", "imports", "--format", "json"]);
    assert_eq!(listed["imports"][0]["rejected"], 1);
}

#[test]
fn files_that_break_off() {
    let desk = Desk::with_build();
    let plain = std::fs::read(desk.path().join("dump/sales.csv")).unwrap();
    std::fs::remove_file(desk.path().join("dump/sales.csv")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&plain).unwrap();
    let packed = gzip.finish().unwrap();
    desk.write("dump/sales.csv.gz", &packed[..packed.len() / 2]);
    refused(
        &desk,
        &IMPORT,
        &[
            "error: sales.csv.gz: the gzip stream is cut off",
            "hint: fetch or pack the file again",
        ],
    );
    desk.write("dump/sales.csv.gz", packed);
    desk.done(&IMPORT);
    let turtle = "@prefix schema: <https://schema.org/> .\n<urn:a> schema:name \"A\" .\n<urn:b> schema:name 'B .\n";
    desk.write("facts/more.ttl", turtle);
    refused(&desk, &import(&["facts"]), &["error: more.ttl:3"]);
    desk.write("facts/more.ttl", turtle.replace("'B", "'B'"));
    desk.done(&import(&["facts"]));
    desk.done(&BUILD);
    assert_eq!(
        desk.rows("shop", "SELECT ?n { <urn:b> schema:name ?n }"),
        [["B"]]
    );
}

#[test]
fn mappings_that_cannot_be_read() {
    let desk = Desk::with_build();
    let mapping = ["--mapping", "broken.toml", "dump"];
    refused(&desk, &import(&mapping), &["broken.toml: ", "No such file"]);
    desk.write("broken.toml", "[dataset]\nname = \"shop\"\nbase = \n");
    refused(&desk, &import(&mapping), &["error: broken.toml:3"]);
    desk.write(
        "broken.toml",
        crate::shop::MAPPING.replace("verb =", "werb ="),
    );
    refused(&desk, &import(&mapping), &["error: broken.toml:6", "werb"]);
}

#[test]
fn questions_that_make_no_sense() {
    let desk = Desk::with_build();
    let noted = desk.json(&[&RECOMMEND[..], &["--met", "p1"]].concat());
    let note = "the user is known: what they met is in the graph, and the items given are not used";
    assert_eq!(noted["notes"][0], note);
    for flag in ["--among", "--exclude", "--met"] {
        refused(
            &desk,
            &[&RECOMMEND[..], &[flag, "p1,nope"]].concat(),
            &["error: there is no item `nope`", "hint: "],
        );
    }
    refused(
        &desk,
        &["-C", "shop", "recommend", "--user", "u1", "-k0"],
        &["no items are asked for", "-k 10"],
    );
    refused(
        &desk,
        &["-C", "shop", "query", "SELECT ?x { ?x "],
        &["this is not a SPARQL query: error at 1:16\nhint: "],
    );
    refused(
        &desk,
        &["-C", "shop", "explain", "p1", "--user", "nobody"],
        &["there is no user `nobody`"],
    );
    refused(
        &desk,
        &["-C", "shop", "prompt", "show", "00"],
        &["no prompt `00`", "hint: `kenning status decisions"],
    );
}

#[test]
fn a_stranger_gets_what_is_popular() {
    let desk = Desk::with_build();
    let answer = desk.json(&[
        "-C",
        "shop",
        "recommend",
        "--user",
        "nobody",
        "-k3",
        "--format",
        "json",
    ]);
    assert_eq!(
        (&answer["rung"], &answer["user"]["known"]),
        (&"popularity".into(), &false.into())
    );
    assert_eq!(answer["recommendations"].as_array().unwrap().len(), 3);
    assert_eq!(
        answer["notes"][0],
        "the graph does not know the user `nobody`"
    );
    let page = desk
        .done(&["-C", "shop", "recommend", "--user", "nobody"])
        .stdout;
    assert!(page.contains("answered by the popularity"), "{page}");
    assert!(
        page.contains("note: the graph does not know the user `nobody`"),
        "{page}"
    );
}

#[test]
fn the_steps_in_a_wrong_order() {
    let desk = Desk::new();
    desk.done(&["init", "shop"]);
    for (arguments, parts) in [
        (
            &RECOMMEND[..],
            [
                "the project has no snapshot yet",
                "hint: `kenning import`, then `kenning build`",
            ],
        ),
        (
            &["-C", "shop", "query", "ASK {}"],
            ["the project has no snapshot yet", "hint: `kenning import`"],
        ),
        (
            &BUILD,
            [
                "nothing was imported yet",
                "hint: `kenning import --preset movielens DIR`",
            ],
        ),
    ] {
        let run = desk.run(arguments);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(2), ""),
            "{}",
            run.said()
        );
        for part in parts {
            assert!(run.stderr.contains(part), "{part:?} in {}", run.stderr);
        }
    }
}

#[test]
fn snapshots_that_are_not_what_was_written() {
    let desk = Desk::with_build();
    let before = desk.answer();
    let path = desk.state("graph.kng");
    let sound = std::fs::read(&path).unwrap();
    let changed = |at: usize| {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x20;
        bytes
    };
    let hint = "hint: make a new one: `kenning build`";
    for (bytes, message) in [
        (
            changed(8),
            "the snapshot has layout version 36, but this program reads version 4",
        ),
        (changed(0), "this is not a snapshot"),
        (
            changed(sound.len() / 2),
            "the snapshot is damaged: checksum of the section `",
        ),
        (
            changed(sound.len() - 1),
            "the snapshot is damaged: checksum of the section table does not match",
        ),
        (
            sound[..sound.len() / 2].to_vec(),
            "the snapshot is damaged: it is cut short",
        ),
        (
            Vec::new(),
            "the snapshot is damaged: it is shorter than its header",
        ),
    ] {
        std::fs::write(&path, bytes).unwrap();
        for arguments in [
            &RECOMMEND[..],
            &["-C", "shop", "query", "ASK {}"],
            &["-C", "shop", "explain", "p1", "-uu3"],
        ] {
            let run = desk.run(arguments);
            assert_eq!(
                (run.code, run.stdout.as_str()),
                (Some(2), ""),
                "{}",
                run.said()
            );
            assert!(
                run.stderr.contains(message) && run.stderr.contains(hint),
                "{}",
                run.stderr
            );
            assert!(
                run.stderr.contains("[HERE]/shop/.kenning/graph.kng: "),
                "{}",
                run.stderr
            );
        }
        let doctor = desk.run(&["-C", "shop", "doctor"]);
        assert_eq!(doctor.code, Some(1));
        assert!(doctor.stdout.contains(message), "{}", doctor.stdout);
        let status = desk.done(&["-C", "shop", "status"]);
        assert!(status.stderr.contains(message), "{}", status.said());
    }
    desk.done(&BUILD);
    assert_eq!(before, desk.answer());
}

/// A limit on the size of files, and a device without space, stand for a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full() {
    let desk = Desk::with_build();
    let before = desk.answer();
    let size = std::fs::metadata(desk.state("graph.kng")).unwrap().len();
    let script = format!(
        "ulimit -f {}; trap '' XFSZ; exec \"$0\" \"$@\"",
        size / 2048
    );
    let mut limited = Command::new("bash");
    limited
        .args(["-c", &script, env!("CARGO_BIN_EXE_kenning")])
        .args(BUILD);
    desk.settle(&mut limited);
    let too_large = desk.finish(&mut limited);
    std::os::unix::fs::symlink("/dev/full", desk.state("graph.partial")).unwrap();
    let full = desk.run(&BUILD);
    for (run, cause) in [
        (too_large, "File too large"),
        (full, "No space left on device"),
    ] {
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(2), ""),
            "{}",
            run.said()
        );
        for part in [
            "graph.partial: cannot write the snapshot: ",
            cause,
            "hint: make room, then run `kenning build` again",
        ] {
            assert!(run.stderr.contains(part), "{part:?} in {}", run.stderr);
        }
        assert_eq!(before, desk.answer());
    }
    assert!(!desk.state("graph.partial").is_symlink() && !desk.state("graph.partial").exists());
    std::os::unix::fs::symlink("/dev/full", desk.state("imports/shop.partial")).unwrap();
    let full = desk.run(&IMPORT);
    assert_eq!(full.code, Some(2));
    assert!(
        full.stderr
            .contains("cannot write the imported dataset: No space left"),
        "{}",
        full.stderr
    );
    desk.done(&BUILD);
    assert_eq!(before, desk.answer());
}

/// The evaluator works such a product off in memory, where no token reaches it: the program ends instead.
#[test]
fn a_product_of_everything_with_everything_is_stopped() {
    let desk = Desk::with_build();
    let cross = "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }";
    let run = desk.run(&["-C", "shop", "query", "--timeout", "1", cross]);
    assert_eq!(run.code, Some(5), "{}", run.said());
    assert!(run.stdout.is_empty(), "{}", run.stdout);
    assert!(
        run.stderr.contains("the query was stopped after 1 s"),
        "{}",
        run.stderr
    );
}
