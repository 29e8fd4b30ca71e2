//! Somebody is erased, and that is proved.

use crate::program::{BUILD, Desk, IMPORT};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row};
use std::fs;
use std::path::{Path, PathBuf};
use tokio::runtime::Builder;

/// What the journal keeps packed, unpacked by the test itself.
fn unpacked(state: &Path) -> Vec<u8> {
    let journal = state.join("journal.sqlite");
    let options = SqliteConnectOptions::new()
        .filename(journal)
        .read_only(true);
    let work = async {
        let mut journal = options.connect().await.unwrap();
        let rows = sqlx::query("SELECT answer_json, trail_json FROM decisions");
        let rows = rows.fetch_all(&mut journal).await.unwrap();
        let frames = rows.iter().flat_map(|row| [row.get(0), row.get(1)]);
        frames
            .flat_map(|frame: &[u8]| zstd::decode_all(frame).unwrap())
            .collect()
    };
    Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(work)
}

/// Every file of a folder and below that has these bytes with no digit after them; the test's own look.
fn holding(folder: &Path, name: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, name));
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let mut places = bytes
            .windows(name.len())
            .enumerate()
            .filter(|(_, window)| *window == name);
        if places.any(|(at, _)| {
            bytes
                .get(at + name.len())
                .is_none_or(|next| !next.is_ascii_digit())
        }) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn names(traces: &str) -> Vec<String> {
    let table: serde_json::Value = serde_json::from_str(traces).unwrap();
    let rows = table
        .as_array()
        .cloned()
        .unwrap_or_else(|| table["traces"].as_array().cloned().unwrap());
    let name = |row: &serde_json::Value| {
        row["file"]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned()
    };
    rows.iter().map(name).collect()
}

#[test]
fn nothing_of_them_is_left_in_any_file() {
    let desk = Desk::with_import();
    // A record of theirs that cannot be understood, and one of somebody whose name begins the same.
    let sales = desk.path().join("dump/sales.csv");
    let mut text = fs::read_to_string(&sales).unwrap();
    text.push_str("u7,p1,never,b7-9\nu57,p1,never,b57-9\n");
    fs::write(&sales, text).unwrap();
    let run = desk.run(&IMPORT);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    desk.done(&BUILD);
    desk.done(&["-C", "shop", "recommend", "--user", "u7", "-k", "3"]);
    desk.done(&["-C", "shop", "recommend", "--user", "u57", "-k", "3"]);
    desk.done(&[
        "-C",
        "shop",
        "recommend",
        "--met",
        "p1",
        "--sparql",
        "?item ?p ?o FILTER(<https://example.org/shop/user/u7> != ?o)",
    ]);
    let shown = "SELECT ?d ?i { ?d prov:wasAssociatedWith <https://example.org/shop/user/u7> ; kenning:exposed/kenning:item ?i } LIMIT 1";
    let shown = desk.rows("shop", shown).remove(0);
    desk.done(&["-C", "shop", "outcome", &shown[0], &shown[1], "rejected"]);
    let outcomes = "SELECT (COUNT(*) AS ?n) { ?e kenning:outcome ?o }";
    assert_eq!(desk.rows("shop", outcomes), [["1"]]);
    desk.done(&["-C", "shop", "event", "--user", "u7", "--item", "p9"]);
    desk.done(&["-C", "shop", "event", "--user", "u57", "--item", "p9"]);
    desk.done(&["-C", "shop", "update", "INSERT DATA { <urn:a> <urn:says> <<( <https://example.org/shop/user/u7> <urn:b> 'c' )>> . <https://example.org/shop/user/u7> rdfs:label 'Annquirell' }"]);
    desk.done(&BUILD);

    let check = ["-C", "shop", "erase", "--check", "u7", "--format", "json"];
    let before = desk.run(&check);
    assert_eq!(before.code, Some(1), "{}", before.stderr);
    let found = names(&before.stdout);
    for file in ["journal.sqlite", "shop.seg", "graph.kng", "shop.tsv"] {
        assert!(found.iter().any(|name| name == file), "{file} in {found:?}");
    }
    // Decisions rest on the former snapshot, so it was kept.
    assert!(
        found.iter().filter(|name| name.ends_with(".kng")).count() == 2,
        "{found:?}"
    );
    let state = desk.state("");
    assert!(!holding(&state, b"/shop/user/u7").is_empty());
    let is_theirs = |text: &[u8]| text.windows(14).any(|part| part == b"/shop/user/u7\"");
    assert!(is_theirs(&unpacked(&state)));

    let run = desk.done(&["-C", "shop", "erase", "--user", "u7"]);
    assert!(run.stderr.contains("12 events"), "{}", run.stderr);
    assert!(run.stderr.contains("2 decisions"), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("no file of the project's state names them"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("shop: sales.csv"), "{}", run.stderr);
    assert_eq!(holding(&state, b"/shop/user/u7"), Vec::<PathBuf>::new());
    assert_eq!(holding(&state, b"Annquirell"), Vec::<PathBuf>::new());
    assert!(!is_theirs(&unpacked(&state)));
    desk.done(&check);

    assert_eq!(desk.rows("shop", outcomes), [["0"]]);

    // Others are still there.
    assert_eq!(
        desk.run(&["-C", "shop", "erase", "--check", "u57"]).code,
        Some(1)
    );
    let events = "SELECT (COUNT(*) AS ?n) { ?e kenning:user <https://example.org/shop/user/u57> }";
    assert_eq!(desk.rows("shop", events), [["13"]]);
    let theirs = "SELECT (COUNT(*) AS ?n) { ?d a kenning:Decision ; prov:wasAssociatedWith <https://example.org/shop/user/u57> }";
    assert_eq!(desk.rows("shop", theirs), [["1"]]);
    // The snapshot that theirs rests on held somebody who is erased, so it went.
    let decision = "SELECT ?d { ?d a kenning:Decision ; prov:wasAssociatedWith <https://example.org/shop/user/u57> }";
    let decision = desk.rows("shop", decision).remove(0).remove(0);
    let replayed = desk.run(&["-C", "shop", "replay", &decision]);
    assert_eq!(replayed.code, Some(2), "{}", replayed.stderr);
    assert!(replayed.stderr.contains("is gone"), "{}", replayed.stderr);
    let none = "SELECT ?p ?o { <https://example.org/shop/user/u7> ?p ?o }";
    assert_eq!(desk.rows("shop", none), [[""; 0]; 0]);
    let answer = desk
        .done(&[
            "-C",
            "shop",
            "recommend",
            "--user",
            "u7",
            "--format",
            "json",
        ])
        .stdout;
    assert!(
        answer.contains("the graph does not know the user `u7`"),
        "{answer}"
    );

    // The request just now named them. The dump still does; they stay out of what is imported of it.
    assert_eq!(desk.run(&check).code, Some(1));
    desk.done(&["-C", "shop", "erase", "--user", "u7"]);
    desk.write(
        "dump/sales.csv",
        fs::read_to_string(&sales)
            .unwrap()
            .replace("u7,p1,never,b7-9\n", ""),
    );
    let run = desk.run(&IMPORT);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    desk.done(&BUILD);
    desk.done(&check);
    assert_eq!(holding(&state, b"/shop/user/u7"), Vec::<PathBuf>::new());
    // What is told of them now is new.
    desk.done(&["-C", "shop", "event", "--user", "u7", "--item", "p9"]);
    let events = "SELECT (COUNT(*) AS ?n) { ?e kenning:user <https://example.org/shop/user/u7> }";
    assert_eq!(desk.rows("shop", events), [["1"]]);
}
