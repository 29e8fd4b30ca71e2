//! Graphs of what was known at a time: nothing that came later is in them, nor in what is computed.

use crate::program::Desk;
use crate::shop::{Numbers, Shop};
use kenning::config::Project;
use kenning::engine::{Engine, Live, Strictness};
use kenning::graph::Graph;
use kenning::intake::Mapping;
use kenning::model::Unwatched;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use tempfile::TempDir;

/// Products are described where they are sold, so that what is said of them has the time of the sale.
const MAPPING: &str = r#"
[dataset]
name = "shop"
base = "https://example.org/shop/"
item = "product"
item_class = "schema:Product"
user_class = "schema:Person"
vocabularies = ["gift-shop"]

[[file]]
path = "sales.csv"
time_format = "unix"
[file.item]
id = "product"
[[file.item.attribute]]
column = "name"
property = "rdfs:label"
text = true
[[file.item.attribute]]
column = "brand"
property = "schema:brand"
entity = "brand"
[file.event]
user = "customer"
item = "product"
time = "time"
group = "basket"

[[file]]
path = "tags.csv"
time_format = "unix"
[file.item]
id = "product"
[[file.item.attribute]]
column = "tag"
property = "schema:keywords"
entity = "tag"
time = "time"
"#;

const CUT: i64 = 1_600_000_000;

/// What happened and was said in a stretch of time.
#[derive(Clone, Default)]
struct Stretch {
    sales: String,
    tags: String,
}

impl Stretch {
    /// Customers and products are numbered from 0, so that two stretches mostly speak of the same.
    fn drawn(seed: u64, (users, items): (u64, u64), times: std::ops::RangeInclusive<i64>) -> Self {
        const NAMES: [&str; 4] = [
            "red heart mug",
            "blue owl bag",
            "glass star candle",
            "wooden cherry box",
        ];
        let mut numbers = Numbers::new(seed);
        let mut stretch = Self::default();
        let length = (times.end() - times.start()) as u64;
        for number in 0..80 {
            let time = times.start() + numbers.below(length + 1) as i64;
            let (user, item) = (numbers.below(users), numbers.below(items));
            let (name, brand) = (NAMES[numbers.below(4) as usize], numbers.below(users / 3));
            writeln!(
                stretch.sales,
                "u{user},p{item},{time},b{seed}-{},{name},Brand {brand}",
                number / 3
            )
            .unwrap();
            let (time, tag) = (
                times.start() + numbers.below(length + 1) as i64,
                numbers.below(6),
            );
            writeln!(stretch.tags, "p{item},tag {tag},{time}").unwrap();
        }
        stretch
    }

    fn then(&self, later: &Self) -> Self {
        Self {
            sales: self.sales.clone() + &later.sales,
            tags: self.tags.clone() + &later.tags,
        }
    }

    fn write(&self, folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        let sales = format!("customer,product,time,basket,name,brand\n{}", self.sales);
        std::fs::write(folder.join("sales.csv"), sales).unwrap();
        std::fs::write(
            folder.join("tags.csv"),
            format!("product,tag,time\n{}", self.tags),
        )
        .unwrap();
    }

    fn import(&self) -> (Engine, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        self.write(&folder.path().join("dump"));
        let engine =
            Engine::open(Project::init(&folder.path().join("shop"), "shop").unwrap()).unwrap();
        let mapping = Mapping::parse(MAPPING, "mapping.toml").unwrap();
        engine
            .import(
                mapping,
                &folder.path().join("dump"),
                Strictness::Strict,
                &Unwatched,
            )
            .unwrap();
        (engine, folder)
    }
}

fn past(seed: u64) -> Stretch {
    Stretch::drawn(seed, (9, 20), CUT - 1_000..=CUT)
}

/// More customers, products and brands than the past has, and other things said of the same ones.
fn future(seed: u64) -> Stretch {
    Stretch::drawn(seed, (15, 30), CUT + 1..=CUT + 1_000)
}

/// Every user's score of every item, by their names.
fn scores(engine: &Engine) -> BTreeMap<String, f64> {
    let snapshot = engine.snapshot().unwrap();
    let (graph, scorer) = (snapshot.graph(), snapshot.scorer());
    let mut scores = BTreeMap::new();
    for user in graph.users() {
        for (item, score) in graph.items().zip(scorer.all(&scorer.profile(user))) {
            scores.insert(format!("{} {}", graph.term(user), graph.term(item)), score);
        }
    }
    scores
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(11), ..ProptestConfig::with_cases(2) })]

    /// Not a score, and not a byte.
    #[test]
    fn what_came_later_changes_nothing(seed in 0u64..1_000, later in 1_000u64..2_000) {
        let (known, _kept) = past(seed).import();
        let known_id = known.build(None, &Unwatched).unwrap().snapshot;
        let as_of = known.build_as_of(CUT, None, &Unwatched).unwrap();
        prop_assert!(!as_of.counts.keys().any(|name| name.ends_with("left out")));
        let expected = scores(&known);
        prop_assert!(expected.values().any(|&score| score > 0.0));

        let (all, _kept) = past(seed).then(&future(later)).import();
        prop_assert_ne!(all.build(None, &Unwatched).unwrap().snapshot, known_id);
        prop_assert!(scores(&all) != expected);
        let cut = all.build_as_of(CUT, None, &Unwatched).unwrap();
        prop_assert_eq!(cut.counts["events left out"], 80);
        prop_assert!(cut.counts["facts left out"] > 0);
        prop_assert!(scores(&all) == expected, "a score changed");
        prop_assert_eq!(cut.snapshot, as_of.snapshot);

        // Where the records stand in the dump changes their line numbers alone.
        let (mixed, _kept) = future(later).then(&past(seed)).import();
        mixed.build_as_of(CUT, None, &Unwatched).unwrap();
        prop_assert!(scores(&mixed) == expected, "a score changed");
    }
}

/// A fact that was said again later was known all the same, but not how often.
#[test]
fn what_is_said_again_stays_known() {
    let said = |times: &[i64]| Stretch {
        sales: format!("u1,p1,{CUT},b1,red heart mug,Brand 1\n"),
        tags: times
            .iter()
            .fold(String::new(), |all, time| format!("{all}p1,tag 1,{time}\n")),
    };
    let tags = |stretch: &Stretch| -> Vec<(Option<i64>, u32)> {
        let (engine, _kept) = stretch.import();
        engine.build_as_of(CUT, None, &Unwatched).unwrap();
        let snapshot = engine.snapshot().unwrap();
        let graph: &Graph = snapshot.graph();
        let facts = (0..graph.fact_count()).filter_map(|index| graph.fact(index));
        let tagged = facts.filter(|fact| graph.term(fact.triple[1]).ends_with("keywords"));
        tagged.map(|fact| (fact.time, fact.count)).collect()
    };
    assert_eq!(
        tags(&said(&[CUT + 9, CUT - 5, CUT - 2])),
        [(Some(CUT - 5), 1)]
    );
    assert_eq!(tags(&said(&[CUT])), [(Some(CUT), 1)]);
    assert_eq!(tags(&said(&[CUT + 1])), []);
}

#[test]
fn updates_have_no_time_and_stay_out() {
    let (engine, _kept) = past(1).import();
    engine.build(None, &Unwatched).unwrap();
    let before = engine.build_as_of(CUT, None, &Unwatched).unwrap();
    let live = Live::open(engine).unwrap();
    let update = "INSERT DATA { <https://example.org/shop/product/p1> schema:award 'gold' }";
    let update = kenning::sparql::Update::parse(update, None).unwrap();
    let limits = kenning::engine::limits(&kenning::config::QuerySettings::default());
    live.update(&update, &limits, &kenning::sparql::Cancel::default())
        .unwrap();
    let after = live.engine().build_as_of(CUT, None, &Unwatched).unwrap();
    assert_eq!(after.counts["changes left out"], 1);
    assert_eq!(after.counts["facts"], before.counts["facts"]);
    let asked = "SELECT ?p { ?p schema:award 'gold' }";
    let shown = |engine: &Engine| {
        let snapshot = engine.snapshot().unwrap();
        snapshot
            .dataset()
            .ask(asked, &limits)
            .unwrap()
            .solutions
            .len()
    };
    assert_eq!(shown(live.engine()), 0);
    live.engine().build(None, &Unwatched).unwrap();
    assert_eq!(shown(live.engine()), 1);
}

#[test]
fn the_program_builds_as_of_a_time() {
    let desk = Desk::new();
    desk.write("mapping.toml", MAPPING);
    past(3).then(&future(4)).write(&desk.path().join("dump"));
    desk.done(&["init", "shop"]);
    desk.done(&crate::program::IMPORT);
    let build = ["-C", "shop", "build", "--no-vectors", "--as-of"];
    let time = jiff::Timestamp::from_second(CUT).unwrap().to_string();
    for time in [CUT.to_string(), time.clone()] {
        let run = desk.done(&[&build[..], &[&time]].concat());
        assert!(run.stdout.contains("events left out"), "{}", run.said());
    }
    let status = desk.json(&["-C", "shop", "status", "--format", "json"]);
    assert_eq!(status["snapshot"]["as_of"], time.as_str());
    let wrong = desk.run(&[&build[..], &["soon"]].concat());
    assert_eq!(wrong.code, Some(2));
    assert!(
        wrong.stderr.contains("`soon` is no time"),
        "{}",
        wrong.said()
    );
    desk.done(&crate::program::BUILD);
    let status = desk.json(&["-C", "shop", "status", "--format", "json"]);
    assert!(status["snapshot"]["as_of"].is_null());
}

#[test]
fn events_without_a_clock_cannot_be_cut() {
    let desk = Desk::new();
    desk.write(
        "dump/sales.csv",
        "customer,product,time\nu1,p1,1\nu1,p2,2\n",
    );
    let mapping = MAPPING.split("[[file]]").next().unwrap();
    let file = "[[file]]\npath = \"sales.csv\"\n[file.event]\nuser = \"customer\"\nitem = \"product\"\norder = \"time\"\n";
    desk.write("mapping.toml", format!("{mapping}{file}"));
    desk.done(&["init", "shop"]);
    desk.done(&crate::program::IMPORT);
    let run = desk.run(&["-C", "shop", "build", "--no-vectors", "--as-of", "5"]);
    assert_eq!(run.code, Some(2), "{}", run.said());
    assert!(
        run.stderr.contains("dataset `shop`") && run.stderr.contains("`order`"),
        "{}",
        run.said()
    );
}

/// What is said of products once the test part has begun must not help to rank them.
#[test]
fn a_time_split_evaluates_on_what_was_known() {
    let figures = |tags: &str| {
        let desk = Desk::new();
        desk.write("mapping.toml", MAPPING);
        let mut all = past(5).then(&future(6));
        all.tags = past(5).tags + tags;
        all.write(&desk.path().join("dump"));
        desk.done(&["init", "shop"]);
        desk.done(&crate::program::IMPORT);
        let time = (CUT + 1).to_string();
        let mut report = desk.json(&[
            "-C",
            "shop",
            "evaluate",
            "ranking",
            "--time",
            &time,
            "--skip=EASE",
            "--format",
            "json",
        ]);
        let scorers = report["scorers"].as_object_mut().unwrap();
        for (_, figures) in scorers {
            figures.as_object_mut().unwrap().remove("seconds");
        }
        report
    };
    let told: String = future(6)
        .sales
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{},for {},{}\n", cells[1], cells[0], CUT + 1)
        })
        .collect();
    let report = figures("");
    assert!(report["test"].as_u64().unwrap() > 0);
    assert_eq!(report, figures(&told));
}

/// Products that stand in a file of their own are known at any time.
#[test]
fn what_tells_no_time_stays() {
    let shop = Shop::new(1);
    let built = shop.engine.build_as_of(0, None, &Unwatched).unwrap();
    assert_eq!(built.counts["events"], 0);
    assert_eq!(built.counts["users"], 0);
    assert_eq!(built.counts["items"], crate::shop::ITEMS);
    assert!(!built.counts.contains_key("facts left out"));
}
