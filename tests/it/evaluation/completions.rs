//! Published completions: titles read, lists repaired, figures made again.

use crate::program::Desk;
use crate::support;
use kenning::evaluation::completions::{Counts, Reading, Report, Sources, run};
use std::path::Path;

const TITLES: &str = "\
movieId,title,genres
10,\"Matrix, The (1999)\",x
11,Seven (a.k.a. Se7en) (1995),x
12,Emma (1996),x
13,Emma (2020),x
14,Heat (1995),x
15,Alien (1979),x
";

/// Two users met item 15, user 1 also item 14; items 10 and 12 are held out of user 1, item 11 of user 2.
fn sources(folder: &Path, completions: &[(&str, &str)]) -> Sources {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    };
    for (name, text) in completions {
        write(&format!("lists/{name}"), text);
    }
    Sources {
        completions: folder.join("lists"),
        titles: write("titles.csv", TITLES),
        train: write("train.tsv", "1\t15\t4.0\t1\n1\t14\t4.0\t1\n2\t15\t3.0\t1\n"),
        test: write("test.tsv", "1\t10\t5.0\t2\n1\t12\t3.0\t2\n2\t11\t4.0\t2\n"),
    }
}

fn value(report: &Report, reading: Reading, metric: &str) -> f64 {
    let row = report.rows.iter().find(|row| row.reading == reading);
    row.unwrap().metrics[metric].mean
}

#[test]
fn titles_are_read_as_people_write_them_and_lists_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let list = "Here you are:\n1. Alien (1979)\n2. **The Matrix (1999)**\n3. A Film That Is Not (2001)\n\
                4. the matrix (1998) 5/5\n5) Se7en (1995)\n6. Emma\nno number\n7. Emma (2021) - 4/5\n";
    let lists = [
        ("model/user_1_list.txt", list),
        ("model/user_7_list.txt", "1. Alien (1979)"),
    ];
    let report = run(&sources(folder.path(), &lists), 5, 1).unwrap();
    assert_eq!(
        (report.completions, report.users),
        (2, 2),
        "user 7 has nothing held out"
    );
    let expected = Counts {
        completions: 1,
        empty: 0,
        lines: 7,
        exact: 1,
        unknown: 2, // a film that is not, and an Emma without a year
        repeated: 1,
        met: 1,
        // Of user 1, three of four candidates were named; user 2 has no list, and five candidates.
        filled: 1 + 5,
    };
    assert_eq!(report.groups["model"], expected);
    assert_eq!(
        value(&report, Reading::AsWritten, "hr@5"),
        0.0,
        "no title held out is written byte for byte"
    );
    assert_eq!(
        value(&report, Reading::Titles, "mrr@5"),
        0.25,
        "user 1 at place 2, user 2 never"
    );
    assert_eq!(
        value(&report, Reading::Published, "mrr@5"),
        0.5,
        "what was met is no place"
    );
    // The repaired list: The Matrix, Seven, Emma (2020), then Emma (1996) as the first that was left.
    let dcg = 31.0 + 7.0 / 5f64.log2();
    let ideal = 31.0 + 7.0 / 3f64.log2();
    // User 2 gets the most popular ones that are left: item 14, then 10, 11, 12, 13 in the order of the file.
    let second = 1.0 / 4f64.log2();
    let found = value(&report, Reading::Repaired, "ndcg@5");
    assert!(
        (found - (dcg / ideal + second) / 2.0).abs() < 1e-9,
        "{found}"
    );
}

#[test]
fn files_that_are_something_else_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let good = sources(folder.path(), &[("model/user_1.txt", "1. Alien (1979)")]);
    assert!(run(&good, 3, 1).is_ok());
    let broken = folder.path().join("broken.tsv");
    for (text, message) in [
        ("1\tx\t3\n", "this line has no user, item and rating"),
        ("1\t999\t3\n", "no title has this item's id"),
    ] {
        std::fs::write(&broken, text).unwrap();
        let error = run(
            &Sources {
                test: broken.clone(),
                ..good.clone()
            },
            3,
            1,
        )
        .unwrap_err();
        assert_eq!(error.message(), message);
        assert!(error.place().unwrap().ends_with("broken.tsv:1"), "{error}");
    }
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    for completions in [empty, broken] {
        assert!(
            run(
                &Sources {
                    completions,
                    ..good.clone()
                },
                3,
                1
            )
            .is_err()
        );
    }
}

/// The figures that were published for these very completions: HR .7265, recall .1170 and nDCG .1853 for ChatGPT re-ranking
/// what a user-kNN found.
#[test]
fn published_figures_are_made_again() {
    let Some(data) = support::data("ml-latest-small") else {
        return;
    };
    let path = |name: &str| data.join(name).to_str().unwrap().to_owned();
    let arguments = [
        (
            "--completions",
            path("llm-completions/raw_llm_completions.tar.gz"),
        ),
        ("--titles", path("movies.csv")),
        ("--train", path("split/train.tsv")),
        ("--test", path("split/test.tsv")),
    ];
    let mut typed = vec!["evaluate", "completions", "--format", "json"];
    typed.extend(
        arguments
            .iter()
            .flat_map(|(flag, value)| [*flag, value.as_str()]),
    );
    let report = Desk::new().json(&typed);
    assert_eq!(report["completions"], 5433);
    assert_eq!(report["users"], 596);
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 9 * 4);
    let row = |group: &str, reading: &str| {
        let of = |row: &&serde_json::Value| row["name"] == group && row["reading"] == reading;
        rows.iter()
            .find(of)
            .unwrap_or_else(|| panic!("no row {group} {reading}"))
    };
    let reranked = "chat_gpt_output/checkpoints_rerank_userknn";
    let published = row(reranked, "published");
    for (metric, figure) in [
        ("hr@10", 0.7265),
        ("recall@10", 0.1170),
        ("ndcg@10", 0.1853),
    ] {
        let found = published[metric]["mean"].as_f64().unwrap();
        assert!(
            (found - figure).abs() <= 0.003,
            "{metric}: {found}, not {figure}"
        );
    }
    for group in report["groups"].as_object().unwrap().keys() {
        let gain = &row(group, "repaired")["gain"];
        assert!(
            gain["low"].as_f64() > Some(0.0),
            "repair gains for {group}: {gain}"
        );
    }
}
