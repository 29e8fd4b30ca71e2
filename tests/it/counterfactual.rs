//! What would be: compared with what is when it really happens, and with scores from scratch.

mod scratch;

use crate::shop::{Numbers, Shop, USERS};
use kenning::config::{Layers, Project};
use kenning::engine::{
    About, ChangeKind, Engine, Live, Met, Order, Request, Snapshot, Told, WhatIf, limits,
};
use kenning::model::{Unwatched, term};
use kenning::sparql::{Cancel, Limits, Update};
use scratch::World;
use std::time::Duration;

const LIMITS: Limits = Limits {
    time: Duration::from_secs(60),
    rows: 100_000,
    memory: 1 << 30,
};

fn name(snapshot: &Snapshot, node: u32) -> String {
    term::as_iri(snapshot.graph().term(node))
        .unwrap()
        .to_owned()
}

fn item(numbers: &mut Numbers, snapshot: &Snapshot) -> u32 {
    let items = snapshot.graph().items();
    items.start + numbers.below(items.len() as u64) as u32
}

/// Something supposed at random of a user, in names and in the numbers of the graph.
fn supposed(numbers: &mut Numbers, snapshot: &Snapshot, world: &mut World, user: &str) -> WhatIf {
    let graph = snapshot.graph();
    let node = graph.find_user(user).unwrap();
    let mut asked = WhatIf {
        request: Request::for_user(user, 10),
        ..WhatIf::default()
    };
    if numbers.below(2) == 0 {
        asked.request.order = Order::Any;
    }
    for _ in 0..numbers.below(4) {
        let met = world.met(node);
        if met.len() > 1 {
            let gone = met[numbers.below(met.len() as u64) as usize];
            world.take(node, gone);
            asked.remove_events.push(name(snapshot, gone));
        }
    }
    for index in 0..numbers.below(3) {
        let item = item(numbers, snapshot);
        // Never two at one time: their names would order them.
        let time = 1_599_990_000 + 40_000 * numbers.below(12) as i64 + 100 + index as i64;
        let weight = numbers.below(5) as f32;
        let name = name(snapshot, item);
        if !asked.remove_events.contains(&name) {
            world.tell(node, (item, time, weight));
            asked.add_events.push(Met {
                item: name,
                time: Some(time),
                weight,
            });
        }
    }
    for _ in 0..numbers.below(3) {
        let (fact, stands) = world.drawn(numbers, graph);
        let names = fact.map(|number| name(snapshot, number));
        match stands {
            true => {
                world.retract(fact);
                asked.remove_facts.push(names);
            }
            false => {
                world.state(fact);
                asked.add_facts.push(names);
            }
        }
    }
    asked
}

#[test]
fn a_thousand_cases_agree_with_scores_from_scratch() {
    let mut cases = 0;
    for seed in 0..4 {
        let shop = Shop::new(seed);
        let snapshot = shop.snapshot();
        let graph = snapshot.graph();
        let mut numbers = Numbers::new(seed + 40);
        for _ in 0..270 {
            let user = format!("u{}", numbers.below(USERS - 1));
            let mut world = World::of(graph);
            let asked = supposed(&mut numbers, &snapshot, &mut world, &user);
            let sides = [&asked.add_events.len(), &asked.remove_events.len()];
            let facts = asked.add_facts.len() + asked.remove_facts.len();
            if sides.iter().all(|n| **n == 0) && facts == 0 {
                continue;
            }
            let node = graph.find_user(&user).unwrap();
            let found = shop
                .engine
                .what_if(&snapshot, &asked, (&LIMITS, &Cancel::default()));
            let found = found.unwrap();
            let mut out: Vec<u32> = Vec::new();
            if asked.request.order == Order::New {
                out.extend(World::of(graph).met(node));
                out.extend(world.met(node));
            }
            let list = world.best(node, 10, |item| !out.contains(&item));
            assert_eq!(found.after.len(), list.len());
            for (placed, (item, score)) in found.after.iter().zip(&list) {
                assert!(
                    (placed.score - score).abs() < 1e-9,
                    "{asked:?}\n{placed:?}: {score}"
                );
                // Equal scores may change places by their last bits.
                let same = placed.item == name(&snapshot, *item);
                let tied = list.iter().filter(|one| (one.1 - score).abs() < 1e-9);
                assert!(same || tied.count() > 1, "{asked:?}\n{placed:?}");
            }
            cases += 1;
        }
    }
    assert!(cases >= 1000, "{cases}");
}

#[test]
fn what_is_supposed_comes_true_when_it_is_told() {
    let shop = Shop::new(2);
    let root = shop.engine.project().root().to_owned();
    let live = Live::open(Engine::open(Project::open(&root).unwrap()).unwrap()).unwrap();
    let limits = limits(&live.engine().project().settings().query);
    let bounds = (&limits, &Cancel::default());
    let mut numbers = Numbers::new(5);
    for round in 0..60 {
        let snapshot = live.current();
        // Now and then somebody whom nobody knows.
        let user = format!("u{}", numbers.below(USERS + 6));
        let met = Met {
            item: name(&snapshot, item(&mut numbers, &snapshot)),
            time: Some(1_599_990_000 + 50_000 * numbers.below(10) as i64),
            weight: numbers.below(6) as f32,
        };
        let request = Request::for_user(&user, 8);
        let asked = WhatIf {
            request: request.clone(),
            add_events: vec![met.clone()],
            ..WhatIf::default()
        };
        let before = live.engine().recommend(&snapshot, &request, None).unwrap();
        let found = live.engine().what_if(&snapshot, &asked, bounds).unwrap();
        assert_eq!(live.current().last_change(), snapshot.last_change());
        let told = Told {
            user: user.clone(),
            item: met.item.clone(),
            time: met.time,
            weight: met.weight,
        };
        live.tell(&[told], &limits, &Cancel::default()).unwrap();
        let after = live.engine().recommend(&live.current(), &request, None);
        for (supposed, real) in [(&found.before, before), (&found.after, after.unwrap())] {
            let real = real.recommendations.into_iter().map(|r| (r.item, r.score));
            let supposed = supposed.iter().map(|p| (p.item.clone(), p.score));
            assert_eq!(
                supposed.collect::<Vec<_>>(),
                real.collect::<Vec<_>>(),
                "{round}: {asked:?}"
            );
        }
    }
    // A told event is really taken away again.
    let snapshot = live.current();
    let text = "SELECT ?e ?u ?i { ?e kenning:user ?u ; kenning:item ?i
                FILTER(STRSTARTS(STR(?e), 'urn:kenning:heard:')) } ORDER BY ?e LIMIT 1";
    let found = snapshot.dataset().ask(text, &limits).unwrap().solutions;
    let value = |index: usize| found[0][index].as_ref().unwrap().to_string();
    let [event, user, item] = [0, 1, 2].map(|i| value(i).trim_matches(['<', '>']).to_owned());
    let asked = WhatIf {
        request: Request {
            exclude: vec![item.clone()],
            ..Request::for_user(&user, 8)
        },
        remove_events: vec![item.clone()],
        ..WhatIf::default()
    };
    let supposed = live.engine().what_if(&snapshot, &asked, bounds).unwrap();
    let update = format!("DELETE WHERE {{ <{event}> ?p ?o }}");
    let update = Update::parse(&update, None).unwrap();
    live.update(&update, &limits, &Cancel::default()).unwrap();
    let real = live
        .engine()
        .recommend(&live.current(), &asked.request, None);
    let node = |s: &Snapshot| s.dataset().find(&term::iri(&user)).unwrap();
    if !live
        .current()
        .scorer()
        .met(node(&live.current()))
        .contains(&live.current().graph().find_item(&item).unwrap())
    {
        let real: Vec<f64> = real
            .unwrap()
            .recommendations
            .iter()
            .map(|r| r.score)
            .collect();
        for (a, b) in supposed.after.iter().zip(real) {
            assert!((a.score - b).abs() < 1e-9, "{a:?} {b}");
        }
    }
}

/// Links change with a build, so they weigh nothing here; all else is as the build makes it.
#[test]
fn supposed_facts_count_as_after_a_build() {
    let weights = "followed-by=0,bought-with=0,co-occurs-with=0,goes-with=0";
    let layers = Layers::none().flag("scoring.weights", "a test", Some(weights));
    let shop = Shop::new(4);
    let root = shop.engine.project().root().to_owned();
    let open = || Engine::open(Project::open_with(&root, &layers).unwrap()).unwrap();
    let live = Live::open(open()).unwrap();
    let snapshot = live.current();
    let limits = limits(&live.engine().project().settings().query);
    let mut numbers = Numbers::new(3);
    let mut asked = WhatIf {
        request: Request::for_user("u7", 30),
        ..WhatIf::default()
    };
    let mut update = String::new();
    let world = World::of(snapshot.graph());
    while asked.add_facts.len() < 4 || asked.remove_facts.len() < 4 {
        let (fact, stands) = world.drawn(&mut numbers, snapshot.graph());
        let names = fact.map(|number| name(&snapshot, number));
        let triple = format!("<{}> <{}> <{}>", names[0], names[1], names[2]);
        let all = [&asked.add_facts, &asked.remove_facts];
        let same = |known: &[String; 3]| known[0] == names[0];
        if all.iter().any(|list| list.iter().any(same)) {
            continue;
        }
        match stands {
            true => {
                update += &format!("DELETE WHERE {{ {triple} }} ;\n");
                asked.remove_facts.push(names);
            }
            false => {
                update += &format!("INSERT DATA {{ {triple} }} ;\n");
                asked.add_facts.push(names);
            }
        }
    }
    // Two items of a new maker, and a property that nothing had.
    for (item, property) in [
        ("p1", "brand"),
        ("p2", "brand"),
        ("p1", "isSimilarTo"),
        ("p5", "isSimilarTo"),
    ] {
        let names = [
            name(&snapshot, snapshot.graph().find_item(item).unwrap()),
            format!("https://schema.org/{property}"),
            "https://example.org/shop/new".to_owned(),
        ];
        update += &format!(
            "INSERT DATA {{ <{}> <{}> <{}> }} ;\n",
            names[0], names[1], names[2]
        );
        asked.add_facts.push(names);
    }
    let found = live
        .engine()
        .what_if(&snapshot, &asked, (&limits, &Cancel::default()));
    let found = found.unwrap();
    assert_ne!(found.before, found.after);
    let update = Update::parse(&update, None).unwrap();
    live.update(&update, &limits, &Cancel::default()).unwrap();
    drop(live);
    let engine = open();
    engine.build(None, &Unwatched).unwrap();
    let real = engine
        .recommend(&engine.snapshot().unwrap(), &asked.request, None)
        .unwrap();
    for (supposed, real) in found.after.iter().zip(&real.recommendations) {
        assert!(
            (supposed.score - real.score).abs() < 1e-9,
            "{supposed:?} {real:?}"
        );
        assert_eq!(supposed.item, real.item);
    }
}

/// The rank of an item without some of the items met, from scratch.
fn rank_without(world: &World, (user, item): (u32, u32), gone: &[u32]) -> usize {
    let out = world.met(user);
    let mut world = world.clone();
    gone.iter().for_each(|&gone| world.take(user, gone));
    world.rank(user, item, |other| !out.contains(&other))
}

#[test]
fn the_smallest_sets_of_events_are_right_and_smallest() {
    let (mut out, mut inward, mut larger, mut unstated) = (0, 0, 0, 0);
    for seed in 0..3 {
        let shop = Shop::new(seed);
        let snapshot = shop.snapshot();
        let graph = snapshot.graph();
        let world = World::of(graph);
        let mut numbers = Numbers::new(seed + 7);
        for _ in 0..12 {
            let user = format!("u{}", numbers.below(USERS - 1));
            let node = graph.find_user(&user).unwrap();
            let k = 1 + numbers.below(6) as usize;
            let met = world.met(node);
            let list = world.best(node, k + 6, |item| !met.contains(&item));
            for place in [
                numbers.below(k as u64) as usize,
                k + numbers.below(6) as usize,
            ] {
                let item = list[place].0;
                let about = About {
                    request: Request::for_user(&user, k),
                    item: name(&snapshot, item),
                    against: None,
                };
                let bounds = (&LIMITS, &Cancel::default());
                let inside = place < k;
                let changes = match inside {
                    true => shop.engine.why(&snapshot, &about, bounds).unwrap().changes,
                    false => {
                        shop.engine
                            .why_not(&snapshot, &about, bounds)
                            .unwrap()
                            .changes
                    }
                };
                let reached = |rank: usize| (rank > k) == inside;
                let found = changes.iter().find(|c| c.kind == ChangeKind::RemoveEvents);
                let size = found.map_or(usize::MAX, |found| found.events.len());
                if let Some(found) = found {
                    let gone: Vec<u32> = found
                        .events
                        .iter()
                        .map(|event| graph.find_item(&event.item).unwrap())
                        .collect();
                    let rank = rank_without(&world, (node, item), &gone);
                    assert_eq!(rank, found.rank, "{about:?} {found:?}");
                    assert!(reached(rank), "{about:?} {found:?}");
                    assert!(found.minimal || size > 5, "{about:?} {found:?}");
                    match inside {
                        true => out += 1,
                        false => inward += 1,
                    }
                    larger += usize::from(size > 1);
                }
                for found in changes.iter().filter(|c| c.kind == ChangeKind::RemoveFacts) {
                    let mut world = world.clone();
                    for fact in &found.facts {
                        let term = |iri: &String| graph.find_iri(iri).unwrap();
                        world.retract(fact.fact.each_ref().map(term));
                    }
                    let rank = world.rank(node, item, |other| !met.contains(&other));
                    assert_eq!((rank, rank > k), (found.rank, true), "{about:?} {found:?}");
                    unstated += 1;
                }
                // No smaller set does it, whatever the bounds said.
                for (index, &one) in met.iter().enumerate() {
                    let single = rank_without(&world, (node, item), &[one]);
                    assert!(size <= 1 || !reached(single), "{about:?}: {one}");
                    for &other in met[index + 1..].iter().filter(|_| size > 2) {
                        let pair = rank_without(&world, (node, item), &[one, other]);
                        assert!(!reached(pair), "{about:?}: {one} {other}");
                    }
                }
            }
        }
    }
    assert!(
        out > 20 && inward > 5 && larger > 5 && unstated > 5,
        "{out} {inward} {larger} {unstated}"
    );
}

#[test]
fn what_would_bring_an_item_in_does() {
    let mut kinds = std::collections::BTreeMap::<String, usize>::new();
    for seed in 0..2 {
        let shop = Shop::new(seed);
        let snapshot = shop.snapshot();
        let graph = snapshot.graph();
        let world = World::of(graph);
        let mut numbers = Numbers::new(seed + 70);
        for _ in 0..60 {
            let user = format!("u{}", numbers.below(USERS - 1));
            let node = graph.find_user(&user).unwrap();
            let met = world.met(node);
            let k = 5;
            let list = world.best(node, 40, |item| !met.contains(&item));
            let item = list[k + numbers.below(30) as usize].0;
            let about = About {
                request: Request::for_user(&user, k),
                item: name(&snapshot, item),
                against: None,
            };
            let bounds = (&LIMITS, &Cancel::default());
            let found = shop.engine.why_not(&snapshot, &about, bounds).unwrap();
            let missing = list[k - 1].1 - list.iter().find(|one| one.0 == item).unwrap().1;
            assert!((found.missing - missing).abs() < 1e-9, "{found:?}");
            for change in &found.changes {
                let mut world = world.clone();
                let mut out = met.clone();
                for event in &change.events {
                    let one = graph.find_item(&event.item).unwrap();
                    match change.kind {
                        ChangeKind::AddEvents => {
                            out.push(one);
                            let time = 1_900_000_000 + out.len() as i64;
                            world.tell(node, (one, time, event.weight.unwrap()));
                        }
                        _ => world.take(node, one),
                    }
                }
                for fact in &change.facts {
                    let parts = fact.fact.each_ref().map(|iri| graph.find_iri(iri).unwrap());
                    match change.kind {
                        ChangeKind::AddFacts => world.state(parts),
                        _ => world.retract(parts),
                    }
                }
                let rank = world.rank(node, item, |other| !out.contains(&other));
                assert_eq!(
                    (rank, rank <= k),
                    (change.rank, true),
                    "{about:?} {change:?}"
                );
                *kinds.entry(format!("{:?}", change.kind)).or_default() += 1;
            }
        }
    }
    assert_eq!(kinds.len(), 3, "{kinds:?}");
    assert!(kinds["AddEvents"] > 60, "{kinds:?}");
}

#[test]
fn what_keeps_an_item_out_is_said() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let bounds = (&LIMITS, &Cancel::default());
    let world = World::of(snapshot.graph());
    let user = snapshot.graph().find_user("u3").unwrap();
    let met = name(&snapshot, world.met(user)[0]);
    let ask = |change: &dyn Fn(&mut Request), item: &str| {
        let mut request = Request::for_user("u3", 5);
        change(&mut request);
        let about = About {
            request,
            item: item.into(),
            against: None,
        };
        shop.engine.why_not(&snapshot, &about, bounds)
    };
    let barred = |change: &dyn Fn(&mut Request), item: &str| {
        let found = ask(change, item).unwrap();
        assert!(
            found.rank.is_none() && found.changes.is_empty(),
            "{found:?}"
        );
        serde_json::to_value(&found.barred).unwrap()
    };
    let list = shop
        .engine
        .recommend(&snapshot, &Request::for_user("u3", 9), None)
        .unwrap();
    let [first, ninth] = [0, 8].map(|i: usize| list.recommendations[i].item.clone());
    assert_eq!(
        barred(&|_| {}, &met),
        serde_json::json!([ { "by": "met" } ])
    );
    let filtered = |r: &mut Request| {
        r.exclude = vec![ninth.clone()];
        r.candidates = vec![first.clone()];
        r.wishes.attributes = vec!["schema:brand=Nobody".into()];
        r.wishes.sparql = Some("?item schema:brand ?b FILTER(false)".into());
    };
    assert_eq!(
        barred(&filtered, &ninth),
        serde_json::json!([ { "by": "candidates" }, { "by": "excluded" }, { "by": "attribute", "which": "schema:brand=Nobody" }, { "by": "sparql" } ])
    );
    let pinned = |r: &mut Request| {
        r.k = 1;
        r.wishes.pinned = vec![ninth.clone()];
    };
    assert_eq!(
        barred(&pinned, &first),
        serde_json::json!([ { "by": "arranged" } ])
    );
    let already = ask(&|_| {}, &first).unwrap_err();
    assert!(already.message().contains("is among the first 5 already"));
    assert!(
        ask(&|_| {}, "p999")
            .unwrap_err()
            .message()
            .contains("no item")
    );
}

#[test]
fn what_cannot_be_supposed_is_refused() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let bounds = (&LIMITS, &Cancel::default());
    let user = snapshot.graph().find_user("u3").unwrap();
    let met = name(&snapshot, World::of(snapshot.graph()).met(user)[0]);
    let words = |texts: [&str; 3]| texts.map(str::to_owned);
    let ask = |change: &dyn Fn(&mut WhatIf)| {
        let mut asked = WhatIf {
            request: Request::for_user("u3", 5),
            ..WhatIf::default()
        };
        change(&mut asked);
        let found = shop.engine.what_if(&snapshot, &asked, bounds);
        found.unwrap_err().message().to_owned()
    };
    let added = |item: &str| Met {
        item: item.to_owned(),
        time: None,
        weight: 1.0,
    };
    assert_eq!(ask(&|_| {}), "nothing is supposed");
    assert!(ask(&|a| a.remove_events = vec!["p999".into()]).contains("no item `p999`"));
    assert!(ask(&|a| a.add_events = vec![added("p999")]).contains("no item `p999`"));
    assert!(
        ask(&|a| a.remove_facts = vec![words(["p1", "schema:brand", "urn:x:y"])])
            .contains("nothing states")
    );
    assert!(
        ask(&|a| a.add_facts = vec![words(["p1", "schema:brand", "no such"])])
            .contains("no thing `no such`")
    );
    assert!(ask(&|a| a.add_facts = vec![words(["p1", "a b:c", "p2"])]).contains("names nothing"));
    assert!(
        ask(&|a| a.add_events = (0..101).map(|_| added("p1")).collect()).contains("may have 100")
    );
    let both = ask(&|a| {
        a.remove_events = vec![met.clone()];
        a.add_events = vec![added(&met)];
    });
    assert!(both.contains("both met and not met"));
    // An item by its IRI, and by the id that the dumps use.
    let id = met.rsplit('/').next().unwrap();
    let both = ask(&|a| {
        a.remove_events = vec![met.clone()];
        a.add_events = vec![added(id)];
    });
    assert!(both.contains("both met and not met"));
    let long = "x".repeat(2 << 20);
    let long = ask(&|a| {
        a.remove_events = vec![met.clone()];
        a.request.wishes.sparql = Some(format!("?item rdfs:label '{long}'"));
    });
    assert!(long.contains("is longer than"), "{long}");
}

#[test]
fn a_pinned_item_is_in_the_answer() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let bounds = (&LIMITS, &Cancel::default());
    let list = shop
        .engine
        .recommend(&snapshot, &Request::for_user("u3", 9), None);
    let ninth = list.unwrap().recommendations.pop().unwrap().item;
    let mut request = Request::for_user("u3", 1);
    request.wishes.pinned = vec![ninth.clone()];
    let about = About {
        request,
        item: ninth,
        against: None,
    };
    let error = shop.engine.why_not(&snapshot, &about, bounds).unwrap_err();
    assert!(
        error.message().contains("is among the first 1 already"),
        "{error}"
    );
}
