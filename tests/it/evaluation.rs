//! Held-out events, metrics and reports: by hand-computed cases, invariants and the program.

mod completions;
mod few;
mod selection;

use crate::program::Desk;
use kenning::evaluation::metrics::{METRICS, compare, estimate, gini, judge};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::Value;
use std::collections::BTreeSet;

/// Ten items by number, two relevant, at ranks 2 and 5 of five.
#[test]
fn metrics_are_those_computed_by_hand() {
    let gain = |item: u32| match item {
        7 => 3.0,
        9 => 1.0,
        _ => 0.0,
    };
    let found = judge(&[1, 9, 2, 3, 7], gain, &[3.0, 1.0], 5);
    let dcg = 1.0 / 3f64.log2() + 3.0 / 6f64.log2();
    let ideal = 3.0 + 1.0 / 3f64.log2();
    let expected = [dcg / ideal, 1.0, 1.0, 0.4, 0.5, (0.5 + 0.4) / 2.0];
    for ((name, found), expected) in METRICS.iter().zip(found).zip(expected) {
        assert!(
            (found - expected).abs() < 1e-12,
            "{name}: {found}, not {expected}"
        );
    }
    assert_eq!(judge(&[1, 9, 2, 3, 7], gain, &[3.0, 1.0], 1), [0.0; 6]);
    assert_eq!(judge(&[], gain, &[3.0], 10), [0.0; 6]);
    assert_eq!(judge(&[7, 9], gain, &[1.0, 3.0], 10)[0], 1.0);
}

#[test]
fn evenness_is_measured_between_the_extremes() {
    assert_eq!(gini(&[5, 5, 5, 5]), 0.0);
    assert_eq!(gini(&[0, 0, 0, 8]), 0.75);
    assert_eq!(gini(&[]), 0.0);
    assert_eq!(gini(&[0, 0]), 0.0);
}

#[test]
fn intervals_hold_the_mean_and_pairs_sharpen_them() {
    let values: Vec<f64> = (0..500).map(|i| f64::from(i % 7) / 7.0).collect();
    let better: Vec<f64> = values.iter().map(|value| value + 0.01).collect();
    let found = estimate(&values, 3);
    assert!(found.low < found.mean && found.mean < found.high);
    assert_eq!(found, estimate(&values, 3));
    let gain = compare(&better, &values, 3);
    assert!(
        (gain.mean - 0.01).abs() < 1e-9 && gain.low > 0.009 && gain.p < 0.01,
        "{gain:?}"
    );
    let none = compare(&values, &values, 3);
    assert_eq!((none.mean, none.p), (0.0, 1.0));
    assert_eq!(estimate(&[], 1).mean, 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(5), ..ProptestConfig::with_cases(200) })]

    #[test]
    fn metrics_lie_between_nothing_and_all(
        list in proptest::collection::hash_set(0u32..30, 0..20),
        relevant in proptest::collection::btree_set(0u32..30, 1..8),
        k in 1usize..15,
    ) {
        let list: Vec<u32> = list.into_iter().collect();
        let gain = |item: u32| if relevant.contains(&item) { 1.0 } else { 0.0 };
        let gains = vec![1.0; relevant.len()];
        let found = judge(&list, gain, &gains, k);
        for (name, value) in METRICS.iter().zip(found) {
            prop_assert!((0.0..=1.0 + 1e-12).contains(&value), "{} = {}", name, value);
        }
        let best: Vec<u32> = relevant.iter().copied().collect();
        prop_assert!((judge(&best, gain, &gains, k)[0] - 1.0).abs() < 1e-12);
        // Moving a relevant item up never harms.
        if let Some(at) = list.iter().position(|&item| gain(item) > 0.0).filter(|&at| at > 0) {
            let mut better = list.clone();
            better.swap(at, at - 1);
            prop_assert!(judge(&better, gain, &gains, k)[0] >= found[0] - 1e-12);
        }
    }
}

const EVALUATE: [&str; 5] = ["-C", "shop", "evaluate", "ranking", "--skip=EASE"];

fn evaluated(desk: &Desk, flags: &[&str]) -> Value {
    let all = [&EVALUATE[..], flags, &["--format", "json"]].concat();
    let mut report = desk.json(&all);
    for (_, figures) in report["scorers"].as_object_mut().unwrap() {
        assert!(figures.as_object_mut().unwrap().remove("seconds").is_some());
    }
    report
}

#[test]
fn a_report_says_what_was_asked_and_is_the_same_each_time() {
    let desk = Desk::with_import();
    let report = evaluated(
        &desk,
        &[
            "--lists",
            "lists.jsonl",
            "--html",
            "report.html",
            "--without",
            "schema:brand",
        ],
    );
    assert_eq!(report["schema_version"], 1);
    assert_eq!(
        (report["protocol"].as_str(), report["split"].as_str()),
        (Some("full"), Some("leave-last-out"))
    );
    let scorers = report["scorers"].as_object().unwrap();
    for name in [
        "kenning",
        "popularity",
        "item-kNN",
        "user-kNN",
        "RP3β",
        "knowledge alone",
        "kenning without schema:brand",
    ] {
        let ndcg = &scorers[name]["ndcg@10"];
        let [mean, low, high] = ["mean", "low", "high"].map(|part| ndcg[part].as_f64().unwrap());
        assert!(
            0.0 <= low && low <= mean && mean <= high && high <= 1.0,
            "{name}: {ndcg}"
        );
    }
    assert!(scorers["kenning"]["kenning_gain"].is_null());
    assert_ne!(
        scorers["kenning"]["ndcg@10"],
        scorers["kenning without schema:brand"]["ndcg@10"]
    );
    assert_eq!(report, evaluated(&desk, &["--without", "schema:brand"]));

    let page = std::fs::read_to_string(desk.path().join("shop/report.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("<svg") && !page.contains("http"));
    recomputed(&desk, &report);
}

/// The lists alone give the figures again.
fn recomputed(desk: &Desk, report: &Value) {
    let lists = std::fs::read_to_string(desk.path().join("shop/lists.jsonl")).unwrap();
    let (mut hits, mut users) = (0.0, 0.0);
    for line in lists.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        if row["scorer"] != "kenning" {
            continue;
        }
        let texts = |name: &str| -> BTreeSet<String> {
            row[name]
                .as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(texts("items").len(), 10);
        users += 1.0;
        hits += f64::from(u8::from(!texts("items").is_disjoint(&texts("relevant"))));
    }
    assert_eq!(report["users"].as_f64().unwrap(), users);
    let hr = report["scorers"]["kenning"]["hr@10"]["mean"]
        .as_f64()
        .unwrap();
    assert!((hr - hits / users).abs() < 1e-12);
}

#[test]
fn every_split_and_protocol_runs() {
    let desk = Desk::with_import();
    let count = |flags: &[&str]| evaluated(&desk, flags)["test"].as_u64().unwrap();
    let last = count(&["--negatives", "9"]);
    assert!(last > 40, "{last}");
    assert!(count(&["--holdout", "0.3", "--negatives", "9", "--draw", "uniform"]) > last);
    assert!(count(&["--time", "1600259200"]) > last);
    assert!(count(&["--core", "3"]) <= last);
    desk.write(
        "shop/test.csv",
        "user,item,split\nu1,p0,test\nu2,p1,train\nu2,p3,test\n",
    );
    let report = evaluated(&desk, &["--test", "test.csv"]);
    assert!(report["test"].as_u64().unwrap() <= 2, "{report}");
}

#[test]
fn what_cannot_be_evaluated_is_told() {
    let desk = Desk::with_import();
    let said = |flags: &[&str]| {
        let run = desk.run(&[&EVALUATE[..], flags].concat());
        assert_eq!(run.code, Some(2), "{}", run.said());
        run.stderr
    };
    desk.write("shop/unknown.csv", "u1,p0\nnobody,p0\n");
    let unknown = said(&["--test", "unknown.csv"]);
    assert!(
        unknown.contains("unknown.csv:2") && unknown.contains("`nobody`"),
        "{unknown}"
    );
    desk.write("shop/short.tsv", "u1\n");
    assert!(said(&["--test", "short.tsv"]).contains("short.tsv:1"));
    assert!(said(&["--time", "2100-01-01"]).contains("nothing was held out"));
    assert!(said(&["--time", "tomorrow"]).contains("no time"));
    assert!(said(&["--holdout", "1.5"]).contains("between 0 and 1"));
}

/// Two shops that differ in what is held out for testing alone.
#[test]
fn learning_never_sees_what_is_held_out() {
    let learnt = |last: Option<&str>, flags: &[&str]| {
        let desk = Desk::with_import();
        if let Some(product) = last {
            let path = desk.path().join("dump/sales.csv");
            let sales = std::fs::read_to_string(&path).unwrap();
            desk.write("dump/sales.csv", with_last(&sales, product));
            desk.done(&crate::program::IMPORT);
        }
        let learn = ["-C", "shop", "learn", "--validate-last", "--users", "40"];
        let run = desk.done(&[&learn[..], flags].concat());
        desk.write("shop/weights.toml", &run.stdout);
        let flags = ["--weights", "weights.toml", "--skip", "user-kNN"];
        assert!(evaluated(&desk, &flags)["scorers"]["kenning"].is_object());
        run.stdout
    };
    for flags in [&[][..], &["--negatives", "9"]] {
        let plain = learnt(None, flags);
        assert!(
            plain.contains("[scoring.weights]") && plain.contains("followed-by"),
            "{plain}"
        );
        assert_eq!(plain, learnt(Some("p79"), flags));
        assert_eq!(plain, learnt(Some("p1"), flags));
    }
}

/// Few users are looked at in several parts, and what is learnt of a property replaces what was set, by whichever name.
#[test]
fn links_are_learnt_on_several_parts() {
    let desk = Desk::with_import();
    let weights = "'followed-by' = 0.0\n'https://schema.org/brand' = 0.3\n";
    let links = "regressors = 20\nridge = 20.0\n[links.weights]\n'schema:brand' = 0.0\n";
    let file = format!("[scoring.weights]\n{weights}[links]\n{links}");
    desk.write("shop/kenning.toml", file);
    let run = desk.done(&["-C", "shop", "learn", "--links", "--users", "100"]);
    assert!(run.stderr.contains("validation parts: 2"), "{}", run.stderr);
    let said = run.stderr.lines();
    let risen: Vec<f64> = said
        .filter_map(|line| line.split_once(" with ")?.0.parse().ok())
        .collect();
    assert!(!risen.is_empty() && risen.is_sorted(), "{}", run.stderr);
    let learnt: toml::Table = run.stdout.parse().unwrap();
    let keys = |section: &str| {
        let table = learnt[section]["weights"].as_table().unwrap();
        table.keys().cloned().collect::<Vec<_>>()
    };
    let scoring = keys("scoring");
    assert!(scoring.contains(&"followed-by".to_owned()), "{scoring:?}");
    let brands = scoring.iter().filter(|key| key.ends_with("brand"));
    assert_eq!(brands.collect::<Vec<_>>(), ["schema:brand"]);
    let known = ["schema:brand", "schema:keywords", "rdfs:label"];
    let traits = keys("links");
    assert!(
        traits.iter().all(|key| known.contains(&key.as_str())),
        "{traits:?}"
    );
}

/// The sales with another product in the last line of each customer.
fn with_last(sales: &str, product: &str) -> String {
    let mut lines: Vec<String> = sales.lines().map(str::to_owned).collect();
    for customer in 0..crate::shop::USERS {
        let start = format!("u{customer},");
        if let Some(line) = lines.iter_mut().rev().find(|line| line.starts_with(&start)) {
            let mut cells: Vec<&str> = line.split(',').collect();
            cells[1] = product;
            *line = cells.join(",");
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn figures_do_not_depend_on_the_number_of_threads() {
    let desk = Desk::with_import();
    let with = |threads: &str| {
        let flags = [
            "--negatives=9",
            "--lists=lists.jsonl",
            "-k5,10",
            "--format=json",
        ];
        let mut command = desk.command(&[&EVALUATE[..4], &flags].concat());
        let run = desk.finish(command.env("RAYON_NUM_THREADS", threads));
        let mut report = run.json();
        for (_, figures) in report["scorers"].as_object_mut().unwrap() {
            figures.as_object_mut().unwrap().remove("seconds");
        }
        let lists = std::fs::read(desk.path().join("shop/lists.jsonl")).unwrap();
        (report, lists)
    };
    let one = with("1");
    assert!(one == with("4"));
    let figures = &one.0["scorers"]["kenning"];
    let hits = |k: &str| figures[k]["mean"].as_f64().unwrap();
    assert!(
        hits("hr@5") > 0.0 && hits("hr@5") <= hits("hr@10"),
        "{figures}"
    );
    assert_eq!(one.0["k"], 5);
}

/// Of u1 nothing trains, of u2 one of two items does; nobody met p3.
#[test]
fn who_does_not_train_is_counted_apart() {
    let desk = Desk::new();
    desk.write(
        "dump/products.csv",
        "id,name,brand,tags\np1,a,A,\np2,b,A,\np3,c,B,\n",
    );
    let sales = "customer,product,time,basket\nu1,p1,1,b1\nu2,p1,1,b2\nu2,p2,2,b3\n";
    desk.write("dump/sales.csv", sales);
    desk.write("mapping.toml", crate::shop::MAPPING);
    desk.done(&["init", "shop"]);
    desk.done(&crate::program::IMPORT);
    desk.write("shop/test.tsv", "user\titem\nu1\tp1\nu2\tp2\n");
    let report = evaluated(&desk, &["--test", "test.tsv"]);
    for (name, expected) in [
        ("users", 1),
        ("cold_users", 1),
        ("items", 3),
        ("train", 1),
        ("test", 1),
    ] {
        assert_eq!(report[name], expected, "{name}: {report}");
    }
    // p2 shares its brand with what u2 met, and p3 does not.
    let alone = &report["scorers"]["knowledge alone"];
    for (name, expected) in [("ndcg@10", 1.0), ("mrr@10", 1.0), ("precision@10", 0.1)] {
        assert_eq!(alone[name]["mean"], expected, "{name}: {alone}");
    }
    desk.write("shop/none.tsv", "user\titem\n");
    for (file, what) in [
        ("none.tsv", "nothing was held out"),
        ("missing.tsv", "missing.tsv"),
    ] {
        let run = desk.run(&[&EVALUATE[..], &["--test", file]].concat());
        assert_eq!(run.code, Some(2), "{}", run.said());
        assert!(run.stderr.contains(what), "{}", run.said());
    }
}

#[test]
fn the_page_is_well_formed() {
    let desk = Desk::with_import();
    evaluated(
        &desk,
        &["--html", "report.html", "--without", "schema:brand"],
    );
    let page = std::fs::read_to_string(desk.path().join("shop/report.html")).unwrap();
    let mut open = Vec::new();
    let mut rest = page.strip_prefix("<!doctype html>").unwrap();
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/'])
            .next()
            .unwrap();
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
        } else if !tag.ends_with('/') && name != "meta" {
            open.push(name);
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(!page.contains("<script") && page.contains("prefers-color-scheme:dark"));
}

#[test]
fn explanations_are_judged_at_an_unchanged_ranking() {
    let desk = Desk::with_import();
    let ask = |flags: &[&str]| {
        let all = [
            &["-C", "shop", "evaluate", "explanations", "--format", "json"][..],
            flags,
        ];
        desk.json(&all.concat())
    };
    let report = ask(&[]);
    assert_eq!(report, ask(&[]));
    assert_eq!(report["schema_version"], 1);
    let ranking = evaluated(&desk, &[]);
    assert_eq!(report["ndcg"], ranking["scorers"]["kenning"]["ndcg@10"]);
    let figure = |report: &Value, row: usize, name: &str| {
        report["rows"][row][name]["mean"].as_f64().unwrap()
    };
    // Each wish is fulfilled best by the row that asks for it, and costs what the path tells of the score.
    for (row, name) in [(1, "lir"), (2, "sep"), (3, "ptd")] {
        assert!(
            figure(&report, row, name) > figure(&report, 0, name),
            "{name}: {report}"
        );
    }
    let told = |row: usize| report["rows"][row]["told"].as_f64().unwrap();
    for row in 0..5 {
        for name in ["lir", "sep", "ptd", "ptc"] {
            assert!(
                (0.0..=1.0).contains(&figure(&report, row, name)),
                "{name}: {report}"
            );
        }
        assert!(
            told(row) <= told(0) && told(row) >= 0.5 * told(0),
            "{report}"
        );
    }
    // Where only the largest may be shown, no wish changes anything but among equals.
    let strict = ask(&["--least", "1"]);
    let told = |row: usize| strict["rows"][row]["told"].as_f64().unwrap();
    assert!(
        (1..5).all(|row| (told(row) - told(0)).abs() < 1e-12),
        "{strict}"
    );
    let shown = desk.done(&["-C", "shop", "evaluate", "explanations"]);
    let table = shown.stdout;
    assert!(table.starts_with("SHOWN_FIRST"), "{table}");
    assert!(
        shown.stderr.contains("fidelity of up to 3 reasons"),
        "{}",
        shown.stderr
    );
    let fidelity = &report["fidelity"];
    let share = |name: &str| fidelity[name].as_f64().unwrap();
    assert!(share("falls") > 0.95 && share("told") > 0.8, "{fidelity}");
    for curve in ["carried", "mostly", "carried_by_paths"] {
        let curve = fidelity[curve].as_array().unwrap().iter();
        let curve: Vec<f64> = curve.map(|share| share.as_f64().unwrap()).collect();
        assert!(
            curve.windows(2).all(|pair| pair[0] <= pair[1] + 1e-12),
            "{fidelity}"
        );
        assert!(
            curve.iter().all(|share| (0.0..=1.0 + 1e-9).contains(share)),
            "{fidelity}"
        );
    }
    let wrong = desk.run(&["-C", "shop", "evaluate", "explanations", "--least", "2"]);
    assert_eq!(wrong.code, Some(2));
}

/// In a shop whose customers stay with one brand, the brand adds to rankings, and colours of shelves do not.
#[test]
fn a_report_on_knowledge_tells_what_helps() {
    let desk = Desk::new();
    let mut numbers = crate::shop::Numbers::new(3);
    let mut products = String::from("id,name,brand,tags\n");
    for id in 0..60 {
        products += &format!(
            "p{id},thing {id},Brand {},shelf {}\n",
            id % 12,
            numbers.below(5)
        );
    }
    let mut sales = String::from("customer,product,time,basket\n");
    for user in 0..60 {
        for step in 0..4 {
            let product = user % 12 + 12 * ((user / 12 + step) % 5);
            sales += &format!("u{user},p{product},{step},b{user}-{step}\n");
        }
    }
    desk.write("dump/products.csv", products);
    desk.write("dump/sales.csv", sales);
    desk.write("mapping.toml", crate::shop::MAPPING);
    desk.done(&["init", "shop"]);
    desk.done(&crate::program::IMPORT);
    // Without links only knowledge is left to help.
    let weights = "[scoring]\npopularity = 0.0\n[scoring.weights]\n\"followed-by\" = 0.0\n\"co-occurs-with\" = 0.0\n\"bought-with\" = 0.0\n\"goes-with\" = 0.0\n";
    desk.write("shop/knowledge.toml", weights);
    let report = desk.json(&[
        "-C",
        "shop",
        "knowledge",
        "report",
        "--validate-last",
        "--weights",
        "knowledge.toml",
        "--format",
        "json",
    ]);
    assert_eq!(report["schema_version"], 1);
    assert_eq!(report["users"], 60);
    let ways = report["ways"].as_array().unwrap();
    let way = |name: &str| {
        ways.iter()
            .find(|way| way["name"].as_str().unwrap().ends_with(name))
            .unwrap()
    };
    let brand = way("brand");
    assert_eq!(
        (brand["triples"].as_u64(), brand["entities"].as_u64()),
        (Some(60), Some(12))
    );
    assert_eq!(
        (brand["coverage"].as_f64(), brand["hubs"].as_u64()),
        (Some(1.0), Some(0))
    );
    // Each of 12 brands has 5 of 60 items.
    assert!((brand["specificity"].as_f64().unwrap() - 12f64.log2()).abs() < 1e-9);
    assert!(brand["gain"]["low"].as_f64().unwrap() > 0.1, "{report}");
    assert!(brand["gain"]["p"].as_f64().unwrap() < 0.05, "{report}");
    assert!(
        way("keywords")["gain"]["mean"].as_f64().unwrap() < 0.05,
        "{report}"
    );
    assert_eq!(ways[0]["name"], brand["name"]);
}

#[test]
fn the_table_is_as_it_was() {
    let desk = Desk::with_import();
    let run = desk.done(&[&EVALUATE[..], &["--format", "csv"]].concat());
    // Seconds, the last column, differ from run to run.
    let rows = run
        .stdout
        .lines()
        .filter_map(|row| Some(row.rsplit_once(',')?.0));
    insta::assert_snapshot!(rows.collect::<Vec<_>>().join("\n"));
}
