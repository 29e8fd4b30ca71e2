//! Held-out events, metrics and reports: by hand-computed cases, invariants and the program.

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
    let learnt = |last: Option<&str>| {
        let desk = Desk::with_import();
        if let Some(product) = last {
            let path = desk.path().join("dump/sales.csv");
            let sales = std::fs::read_to_string(&path).unwrap();
            desk.write("dump/sales.csv", with_last(&sales, product));
            desk.done(&crate::program::IMPORT);
        }
        let run = desk.done(&["-C", "shop", "learn", "--validate-last", "--users", "40"]);
        desk.write("shop/weights.toml", &run.stdout);
        let flags = ["--weights", "weights.toml", "--skip", "user-kNN"];
        assert!(evaluated(&desk, &flags)["scorers"]["kenning"].is_object());
        run.stdout
    };
    let plain = learnt(None);
    assert!(
        plain.contains("[scoring.weights]") && plain.contains("followed-by"),
        "{plain}"
    );
    assert_eq!(plain, learnt(Some("p79")));
    assert_eq!(plain, learnt(Some("p1")));
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
