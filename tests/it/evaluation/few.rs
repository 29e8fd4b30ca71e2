//! Learning by the ranks of held-out items among a few, not among all.

use crate::program::{Desk, IMPORT};
use crate::shop::{MAPPING, Numbers};
use std::fmt::Write;

const POPULAR: u64 = 30;
const BRANDS: u64 = 4;
const OF_BRAND: u64 = 30;
const FEW: [&str; 2] = ["--negatives", "19"];

/// A shop where half of what is bought last is what everybody buys, and the other half of the brand that was bought before.
/// Among all items popularity finds the first half; among others drawn by popularity it finds nothing, and hides the second.
fn desk() -> Desk {
    let desk = Desk::new();
    let mut products = String::from("id,name,brand,tags\n");
    for id in 0..POPULAR + BRANDS * OF_BRAND {
        let brand = match id < POPULAR {
            true => format!("of {id}"),
            false => format!("{}", (id - POPULAR) % BRANDS),
        };
        writeln!(products, "p{id},product {id},Brand {brand},").unwrap();
    }
    let mut numbers = Numbers::new(3);
    let mut sales = String::from("customer,product,time,basket\n");
    for customer in 0..300 {
        let brand = numbers.below(BRANDS);
        let mut buy = |time: u64| {
            let popular = numbers.below(2) == 0;
            let product = match popular {
                // Cubed, so that a few are far more popular.
                true => POPULAR * numbers.below(1000).pow(3) / 1000u64.pow(3),
                false => POPULAR + brand + BRANDS * numbers.below(OF_BRAND),
            };
            writeln!(sales, "u{customer},p{product},{time},b{customer}-{time}").unwrap();
        };
        (0..6).for_each(&mut buy);
    }
    desk.write("dump/products.csv", products);
    desk.write("dump/sales.csv", sales);
    desk.write("mapping.toml", MAPPING);
    desk.done(&["init", "shop"]);
    let kinds = ["followed-by", "co-occurs-with", "bought-with", "goes-with"];
    let none = kinds.map(|kind| format!("{kind} = 0.0\n")).concat();
    let regressors = "[links]\nregressors = 0\n";
    desk.write(
        "shop/kenning.toml",
        format!("[scoring.weights]\n{none}{regressors}"),
    );
    desk.done(&IMPORT);
    desk
}

/// Learns with some flags; the settings and all that was said.
fn learnt(desk: &Desk, file: &str, flags: &[&str]) -> (toml::Table, String) {
    let run = desk.done(&[&["-C", "shop", "learn", "--validate-last"], flags].concat());
    desk.write(&format!("shop/{file}"), &run.stdout);
    (run.stdout.parse().unwrap(), run.stdout + &run.stderr)
}

/// The NDCG of our scorer among a few of the test part.
fn ndcg(desk: &Desk, file: &str) -> f64 {
    let flags = ["evaluate", "ranking", "--weights", file, "--format", "json"];
    let report = desk.json(&[&["-C", "shop"], &flags[..], &FEW].concat());
    let found = &report["scorers"]["kenning"]["ndcg@10"]["mean"];
    found.as_f64().unwrap()
}

#[test]
fn a_few_teach_what_all_items_do_not() {
    let desk = desk();
    let (all, _) = learnt(&desk, "all.toml", &[]);
    let (few, said) = learnt(&desk, "few.toml", &FEW);
    let popularity = |learnt: &toml::Table| learnt["scoring"]["popularity"].as_float().unwrap();
    assert!(popularity(&few) < popularity(&all), "{all}: {said}");
    let [by_all, by_few] = ["all.toml", "few.toml"].map(|file| ndcg(&desk, file));
    assert!(by_few > by_all + 0.02, "{by_few} after {by_all}");
    assert_eq!(learnt(&desk, "again.toml", &FEW).1, said);
    let uniform = [&FEW[..], &["--draw", "uniform"]].concat();
    assert_ne!(learnt(&desk, "uniform.toml", &uniform).1, said);
}

/// Where a few are ranked, what is near in a basket is tried, and what popular ends take from the linear model.
#[test]
fn links_are_learnt_for_a_few() {
    let desk = Desk::with_import();
    let flags = ["--links", "--negatives", "9", "--users", "40"];
    let (learnt, said) = learnt(&desk, "few.toml", &flags);
    let risen = said.lines().filter_map(|line| line.split_once(" with "));
    let risen: Vec<f64> = risen.filter_map(|(ndcg, _)| ndcg.parse().ok()).collect();
    assert!(!risen.is_empty() && risen.is_sorted(), "{said}");
    for (key, values) in [
        ("near", [0.0, 0.25, 1.0, 4.0]),
        ("discount", [0.0, 0.3, 0.5, 0.7]),
    ] {
        let found = learnt["links"][key].as_float().unwrap();
        let is_it = |value: f64| (found - value).abs() < 1e-6;
        assert!(values.into_iter().any(is_it), "{key}: {found}");
    }
    let flags = ["--weights", "few.toml", "--negatives", "9"];
    super::evaluated(&desk, &flags);
}
