//! The rooms of the crate, as its front page promises them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Rooms that everybody may use.
const COMMON: [&str; 4] = ["error", "Error", "ErrorKind", "Result"];

type Rooms = BTreeMap<String, BTreeSet<String>>;

#[test]
fn every_use_is_an_arrow_of_the_table() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rooms = table(&std::fs::read_to_string(source.join("lib.rs")).unwrap());
    assert!(
        rooms.len() > 15,
        "the table of rooms in `src/lib.rs` cannot be read"
    );
    let mut wrong = Vec::new();
    for file in files(&source) {
        let path = file.strip_prefix(&source).unwrap();
        let room = path
            .iter()
            .next()
            .unwrap()
            .to_str()
            .unwrap()
            .trim_end_matches(".rs");
        if ["lib", "main", "error"].contains(&room) {
            continue;
        }
        let allowed = rooms
            .get(room)
            .unwrap_or_else(|| panic!("the room `{room}` is not in the table"));
        for used in used_rooms(&std::fs::read_to_string(&file).unwrap()) {
            let known = used == room || allowed.contains(&used) || COMMON.contains(&used.as_str());
            if !known {
                wrong.push(format!("{}: `{room}` uses `{used}`", path.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "arrows that the table in `src/lib.rs` does not have:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn no_arrow_of_the_table_is_unused_or_a_circle() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rooms = table(&std::fs::read_to_string(source.join("lib.rs")).unwrap());
    for (room, allowed) in &rooms {
        for used in allowed {
            let back = rooms
                .get(used)
                .unwrap_or_else(|| panic!("`{room}` may use `{used}`, which is no room"));
            assert!(!back.contains(room), "`{room}` and `{used}` use each other");
        }
        let text: String = files(&source)
            .iter()
            .filter(|f| {
                let path = f.strip_prefix(&source).unwrap();
                path.iter()
                    .next()
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .trim_end_matches(".rs")
                    == room
            })
            .map(|f| std::fs::read_to_string(f).unwrap())
            .collect();
        let used = used_rooms(&text);
        let idle: Vec<_> = allowed.difference(&used).collect();
        assert!(
            idle.is_empty(),
            "`{room}` no longer uses {idle:?}: take it off the table"
        );
    }
}

/// Rows of the form "//! | [`room`] | … | a, b |".
fn table(text: &str) -> Rooms {
    let rows = text
        .lines()
        .filter_map(|line| line.strip_prefix("//! | [`"));
    rows.filter_map(|row| {
        let (room, rest) = row.split_once("`]")?;
        let last = rest.trim_end().trim_end_matches('|').rsplit('|').next()?;
        let names = last
            .split(',')
            .map(str::trim)
            .filter(|n| !n.is_empty() && *n != "–");
        Some((room.to_owned(), names.map(str::to_owned).collect()))
    })
    .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The first names after `crate::`, in code and not in comments, tests of the file left out.
fn used_rooms(text: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code: Vec<&str> = code.collect();
    let code = code.join("\n");
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            let group = group.split('}').next().unwrap_or_default();
            used.extend(group.split(',').filter_map(first_name));
        } else {
            used.extend(first_name(rest));
        }
    }
    used
}

fn first_name(text: &str) -> Option<String> {
    let text = text.trim_start();
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}
