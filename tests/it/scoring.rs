//! Scores: sums of their paths, the same for all ways to ask.

use crate::shop::{ITEMS, Numbers, Shop, USERS};
use kenning::config::ScoringSettings;
use kenning::scoring::{Route, Scorer};
use rustc_hash::FxHashSet;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[test]
fn contributions_add_up_to_the_score() {
    let settings = ScoringSettings::default();
    let mut pairs = 0;
    let mut routes = BTreeSet::new();
    for seed in 0..5 {
        let shop = Shop::new(seed);
        let snapshot = shop.snapshot();
        let graph = snapshot.graph();
        let scorer = Scorer::new(graph, &settings);
        let mut numbers = Numbers::new(seed);
        for _ in 0..200 {
            let user = graph
                .find_user(&format!("u{}", numbers.below(USERS)))
                .unwrap();
            let item = graph.items().start + numbers.below(graph.items().len() as u64) as u32;
            let profile = scorer.profile(user);
            let paths = scorer.paths(&profile, item);
            let sum: f64 = paths.iter().map(|p| p.contribution).sum();
            let all = scorer.all(&profile)[(item - graph.items().start) as usize];
            assert!((sum - all).abs() < 1e-5 * (1.0 + all), "{sum} is not {all}");
            assert!((sum - scorer.score(&profile, item)).abs() < 1e-12);
            for path in paths {
                assert!(path.evidence.iter().all(|&e| graph.edge(e).is_some()));
                assert_eq!(path.to, item);
                routes.insert(path.route);
            }
            pairs += 1;
        }
    }
    assert_eq!(pairs, 1000);
    let kinds = routes
        .iter()
        .map(|r| matches!(r, Route::Link(_)))
        .collect::<BTreeSet<_>>();
    assert_eq!(kinds.len(), 2, "links and facts both took part: {routes:?}");
}

#[test]
fn one_walk_to_many_items_finds_the_paths_of_each() {
    let settings = ScoringSettings::default();
    let shop = Shop::new(11);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let scorer = Scorer::new(graph, &settings);
    let items: Vec<u32> = graph.items().collect();
    for user in graph.users().step_by(7) {
        let profile = scorer.profile(user);
        let (walk, scores) = (scorer.walk(&profile), scorer.all(&profile));
        let together = walk.paths_to(&items);
        for ((&item, paths), score) in items.iter().zip(together).zip(scores) {
            assert_eq!(paths, walk.paths(item));
            let sum: f64 = paths.iter().map(|p| p.contribution).sum();
            assert!((sum - score).abs() < 1e-6, "{sum} is not {score}");
        }
    }
    let item = graph.items().start;
    let known = scorer.session(&[item]);
    let mut strangers = known.clone();
    let nodes = graph.nodes().filter(|node| !graph.items().contains(node));
    strangers
        .history
        .extend(nodes.chain([u32::MAX]).map(|node| (node, 1.0)));
    strangers.described = vec![(u32::MAX, 1.0), (graph.items().end, 1.0)];
    assert_eq!(scorer.all(&strangers), scorer.all(&known));
    assert_eq!(
        scorer.paths(&strangers, item + 1),
        scorer.paths(&known, item + 1)
    );
    let nothing_known = scorer.session(&[]);
    let strange = [graph.items().end, u32::MAX];
    let walk = scorer.walk(&nothing_known);
    assert!(walk.paths_to(&strange).all(|paths| paths.is_empty()));
}

#[test]
fn ranks_are_sorted_whole_and_without_the_excluded() {
    let shop = Shop::new(3);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let settings = ScoringSettings::default();
    let scorer = Scorer::new(graph, &settings);
    let profile = scorer.profile(graph.find_user("u5").unwrap());
    let excluded: FxHashSet<u32> = graph.items().step_by(3).collect();
    let all = scorer.rank(&profile, usize::MAX, &excluded);
    assert_eq!(all.len(), graph.items().len() - excluded.len());
    assert!(all.iter().all(|s| !excluded.contains(&s.item)));
    assert!(
        all.windows(2)
            .all(|w| (w[1].score, w[0].item) < (w[0].score, w[1].item) || w[0].score > w[1].score)
    );
    for k in [0, 1, 7] {
        assert_eq!(
            scorer.rank(&profile, k, &excluded),
            all[..k],
            "the first {k}"
        );
    }
}

#[test]
fn the_latest_items_count_most_and_the_oldest_not_at_all() {
    let shop = Shop::new(3);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let settings = ScoringSettings {
        history: 3,
        decay: 0.5,
        ..ScoringSettings::default()
    };
    let scorer = Scorer::new(graph, &settings);
    let user = graph.find_user("u5").unwrap();
    let profile = scorer.profile(user);
    let weights: Vec<f64> = profile.history.iter().map(|h| h.1).collect();
    assert_eq!(weights, [1.0, 0.5, 0.25]);
    assert_eq!(
        profile.history[0].0,
        graph.events(user).next_back().unwrap().item
    );
    let items: Vec<u32> = graph.events(user).rev().map(|e| e.item).collect();
    assert_eq!(
        scorer.session(&items).history,
        profile.history,
        "a session of the same items is the same"
    );
}

#[test]
fn the_cold_are_given_what_is_popular_with_reasons() {
    let shop = Shop::new(3);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let settings = ScoringSettings::default();
    let scorer = Scorer::new(graph, &settings);
    let profile = scorer.session(&[]);
    assert!(profile.is_cold());
    let ranked = scorer.rank(&profile, 5, &FxHashSet::default());
    assert_eq!(ranked.len(), 5);
    let met = |item: u32| graph.met_by(item).len();
    let most = graph.items().map(met).max().unwrap();
    assert!(
        met(ranked[0].item) * 2 >= most,
        "the first is among the popular"
    );
    let paths = scorer.paths(&profile, ranked[0].item);
    assert!(paths.iter().any(|p| p.route == Route::Popular));
    assert!(
        paths.iter().any(|p| matches!(p.route, Route::Trend(_))),
        "knowledge speaks too"
    );
    let sum: f64 = paths.iter().map(|p| p.contribution).sum();
    assert!((sum - ranked[0].score).abs() < 1e-9);
}

#[test]
fn weights_of_the_settings_switch_ways_off() {
    let shop = Shop::new(3);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let names = [
        "followed-by",
        "bought-with",
        "co-occurs-with",
        "goes-with",
        "schema:brand",
        "kenning:motif",
    ];
    let weights = names.map(|n| (n.to_owned(), 0.0)).into();
    let settings = ScoringSettings {
        weights,
        ..ScoringSettings::default()
    };
    let scorer = Scorer::new(graph, &settings);
    let profile = scorer.profile(graph.find_user("u5").unwrap());
    let brand = graph.find_iri("https://schema.org/brand").unwrap();
    for item in graph.items() {
        for path in scorer.paths(&profile, item) {
            assert!(!matches!(path.route, Route::Link(_)), "{path:?}");
            assert_ne!(path.route, Route::Shared(brand));
        }
    }
    assert!(graph.items().len() as u64 <= ITEMS);
}

/// Where paths lead to few items of many, only these are summed up; the ranking is that of all sums nevertheless.
#[test]
fn a_ranking_of_few_sums_is_the_one_of_all() {
    let shop = Shop::of(large_catalogue);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let no_brands = BTreeMap::from([("schema:brand".to_owned(), 0.0)]);
    let weights = [BTreeMap::new(), no_brands].into_iter();
    let settings = weights.flat_map(|weights| {
        [0.01, 0.0, -0.5].map(|popularity| ScoringSettings {
            popularity,
            weights: weights.clone(),
            ..ScoringSettings::default()
        })
    });
    for settings in settings {
        let scorer = Scorer::new(graph, &settings);
        for user in graph.users() {
            let (profile, met) = (scorer.profile(user), scorer.met(user));
            let scores = graph.items().zip(scorer.all(&profile));
            let mut all: Vec<(u32, f64)> = scores.filter(|s| !met.contains(&s.0)).collect();
            all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            for k in [1, 10, 400] {
                let ranked = scorer.rank(&profile, k, &met).into_iter();
                let ranked: Vec<(u32, f64)> = ranked.map(|s| (s.item, s.score)).collect();
                assert_eq!(ranked, all[..k]);
            }
        }
    }
}

/// Three thousand products of 900 brands; 400 customers buy one to nine.
fn large_catalogue(folder: &Path) {
    let mut numbers = Numbers::new(5);
    let product = |p: u64| format!("p{p},product {p},b{},\n", p % 900);
    let products: String = (0..3000).map(product).collect();
    let sale = |n: u64| {
        let (customer, product) = (numbers.below(400), numbers.below(12) * numbers.below(250));
        format!("c{customer},p{product},{},{n}\n", 1_600_000_000 + n)
    };
    let sales: String = (0..1500).map(sale).collect();
    std::fs::create_dir_all(folder).unwrap();
    let products = format!("id,name,brand,tags\n{products}");
    std::fs::write(folder.join("products.csv"), products).unwrap();
    let sales = format!("customer,product,time,basket\n{sales}");
    std::fs::write(folder.join("sales.csv"), sales).unwrap();
}
