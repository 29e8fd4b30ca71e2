//! Scores at the edges: little and very much history, weights of any sign, equal times, one thread and many.

use crate::shop::{MAPPING, Shop, dump};
use kenning::config::{Layers, Project, ScoringSettings};
use kenning::engine::{Engine, Live, Request, Snapshot, Strictness, limits};
use kenning::intake::Mapping;
use kenning::model::Unwatched;
use kenning::scoring::{Profile, Scored, Scorer};
use kenning::sparql::{Cancel, Update};
use rustc_hash::FxHashSet;
use std::fmt::Write;

/// A shop of these sales: customer, product, time, basket, quantity.
fn shop(sales: &str) -> Shop {
    let folder = tempfile::tempdir().unwrap();
    let project = Project::init(&folder.path().join("shop"), "shop").unwrap();
    let engine = Engine::open(project).unwrap();
    let files = folder.path().join("dump");
    dump(&files, 1);
    let header = "customer,product,time,basket,quantity\n";
    std::fs::write(files.join("sales.csv"), format!("{header}{sales}")).unwrap();
    let shop = Shop { engine, folder };
    let mapping = format!("{MAPPING}weight = \"quantity\"\n");
    let mapping = Mapping::parse(&mapping, "mapping.toml").unwrap();
    let imported = shop
        .engine
        .import(mapping, &files, Strictness::Strict, &Unwatched);
    imported.unwrap();
    shop.engine.build(None, &Unwatched).unwrap();
    shop
}

fn profile(snapshot: &Snapshot, user: &str) -> Profile {
    let user = snapshot.graph().find_user(user).unwrap();
    snapshot.scorer().profile(user)
}

/// The whole ranking; each score is a number, and the sum of its paths.
fn ranked(scorer: &Scorer<'_>, profile: &Profile) -> Vec<Scored> {
    let ranked = scorer.rank(profile, usize::MAX, &FxHashSet::default());
    for scored in &ranked {
        let sum = scorer.score(profile, scored.item);
        let off = (sum - scored.score).abs();
        assert!(
            off <= 1e-9 * (1.0 + sum.abs()),
            "{sum} is not {}",
            scored.score
        );
    }
    ranked
}

#[test]
fn one_event_is_enough_and_very_many_are_not_too_many() {
    let mut sales = String::from("one,p1,100,b0,1\n");
    for number in 0..100_000 {
        writeln!(sales, "much,p{},{number},,1", number % 70).unwrap();
    }
    writeln!(sales, "other,p1,1,b1,1\nother,p2,2,b1,1").unwrap();
    let shop = shop(&sales);
    let snapshot = shop.snapshot();
    let one = profile(&snapshot, "one");
    assert_eq!(one.history.len(), 1);
    assert!(ranked(&snapshot.scorer(), &one)[0].score > 0.0);
    let much = profile(&snapshot, "much");
    assert_eq!(much.history.len(), 70, "each item once");
    assert_eq!(
        snapshot.graph().label(much.history[0].0).rsplit(' ').next(),
        Some("39")
    );
    ranked(&snapshot.scorer(), &much);
    let few = ScoringSettings {
        history: 5,
        ..ScoringSettings::default()
    };
    let scorer = Scorer::new(snapshot.graph(), &few);
    assert_eq!(
        scorer.profile(much.user.unwrap()).history,
        much.history[..5]
    );
    // What was met does not come again, however much it is; the rest does.
    let answer = shop
        .engine
        .recommend(&snapshot, &Request::for_user("much", 20), None);
    assert_eq!(answer.unwrap().recommendations.len(), 10);
}

#[test]
fn of_equal_times_the_record_decides() {
    let items = ["p5", "p3", "p9", "p3", "p1"];
    let sales = |times: [i64; 5]| {
        let records = items.iter().zip(times);
        let records = records.map(|(item, time)| format!("u1,{item},{time},,1\n"));
        records.collect::<String>()
    };
    let history = |sales: &str| {
        let shop = shop(sales);
        let snapshot = shop.snapshot();
        let history = profile(&snapshot, "u1").history;
        let named = history
            .iter()
            .map(|h| snapshot.graph().term(h.0).to_owned());
        named.collect::<Vec<_>>()
    };
    let equal = history(&sales([7; 5]));
    let names = ["p1", "p3", "p9", "p5"].map(|p| format!("<https://example.org/shop/item/{p}"));
    assert_eq!(equal, names);
    assert_eq!(history(&sales([1, 2, 3, 4, 5])), equal);
}

#[test]
fn weights_of_events_of_any_sign_are_read_as_taste() {
    let shop = shop("u1,p1,1,,-5\nu1,p2,2,,0\nu1,p3,3,,1e30\nu2,p1,1,,-1e30\nu2,p4,2,,3\n");
    let snapshot = shop.snapshot();
    for user in ["u1", "u2"] {
        let profile = profile(&snapshot, user);
        assert!(
            profile
                .history
                .iter()
                .all(|h| h.1 >= 0.0 && h.1.is_finite()),
            "{profile:?}"
        );
        ranked(&snapshot.scorer(), &profile);
    }
}

#[test]
fn weights_of_settings_may_be_negative_but_are_numbers() {
    let shop = Shop::new(2);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let user = graph.find_user("u4").unwrap();
    let weighing = |weight: f32| ScoringSettings {
        weights: ["schema:brand", "co-occurs-with", "goes-with"]
            .map(|name| (name.to_owned(), weight))
            .into(),
        ..ScoringSettings::default()
    };
    let plain = Scorer::new(graph, &ScoringSettings::default());
    let best = ranked(&plain, &plain.profile(user));
    let against = Scorer::new(graph, &weighing(-1.0));
    let worst = ranked(&against, &against.profile(user));
    assert!(worst.last().unwrap().score < 0.0 && best[0].score > 0.0);
    for weight in [f32::NAN, f32::INFINITY] {
        let scorer = Scorer::new(graph, &weighing(weight));
        assert_eq!(
            ranked(&scorer, &scorer.profile(user)),
            best,
            "as if it were not set"
        );
        let other = ScoringSettings {
            decay: weight,
            popularity: weight,
            preference: weight,
            ..ScoringSettings::default()
        };
        let scorer = Scorer::new(graph, &other);
        ranked(&scorer, &scorer.profile(user));
    }
    let layers = Layers::default().flag("scoring.weights", "--weights", Some("goes-with=NaN"));
    assert!(Project::open_with(shop.engine.project().root(), &layers).is_err());
}

#[test]
fn whoever_met_only_what_the_graph_does_not_know_is_cold() {
    let shop = Shop::new(3);
    let root = shop.engine.project().root().to_owned();
    let live = Live::open(Engine::open(Project::open(&root).unwrap()).unwrap()).unwrap();
    let text = "INSERT DATA { <urn:e> kenning:user <https://example.org/shop/user/new> ; kenning:item <urn:unknown> }";
    let bounds = limits(&shop.engine.project().settings().query);
    let update = Update::parse(text, None).unwrap();
    live.update(&update, &bounds, &Cancel::default()).unwrap();
    let ask = |request: Request| live.engine().recommend(&live.current(), &request, None);
    let answer = ask(Request::for_user("new", 5)).unwrap();
    assert_eq!(
        (answer.rung.name(), answer.recommendations.len()),
        ("popularity", 5)
    );
    let session = Request {
        session: vec!["urn:unknown".into()],
        k: 5,
        ..Request::default()
    };
    assert_eq!(
        ask(session).unwrap_err().message(),
        "there is no item `urn:unknown` in the graph"
    );
    // A build makes an item of it.
    shop.engine.build(None, &Unwatched).unwrap();
    live.refresh().unwrap();
    assert_eq!(ask(Request::for_user("new", 5)).unwrap().user.history, 1);
}

#[test]
fn what_came_after_a_cut_off_counts_nothing() {
    let shop = Shop::new(4);
    let snapshot = shop.snapshot();
    let user = snapshot.graph().find_user("u7").unwrap();
    let cut = 1_600_000_000 + 2 * 86_400;
    let times = snapshot.graph().events(user).filter_map(|event| event.time);
    let before = times.filter(|time| *time <= cut).count();
    shop.engine.build_as_of(cut, None, &Unwatched).unwrap();
    let then = shop.snapshot();
    let user = then.graph().find_user("u7").unwrap();
    assert_eq!(then.graph().events(user).len(), before);
    assert!(before > 0 && before < 12);
    ranked(&then.scorer(), &then.scorer().profile(user));
}

#[test]
fn scores_do_not_depend_on_threads() {
    let build = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let shop = Shop::new(9);
            let snapshot = shop.snapshot();
            let scorer = snapshot.scorer();
            let users = snapshot.graph().users();
            let all = users.map(|user| scorer.all(&scorer.profile(user)));
            (snapshot.graph().id(), all.collect::<Vec<_>>())
        })
    };
    let one = build(1);
    assert!(one == build(2) && one == build(5));
}
