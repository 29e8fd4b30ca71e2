//! Which items are ranked: filters, caps, pins and exclusions hold for any request.

use crate::shop::{ITEMS, Numbers, Shop, USERS};
use kenning::candidates::Wishes;
use kenning::engine::{Answer, Live, Order, Request, Snapshot, limits};
use kenning::sparql::{Cancel, Update};
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;

fn ask(shop: &Shop, snapshot: &Snapshot, request: &Request) -> Answer {
    shop.engine.recommend(snapshot, request, None).unwrap()
}

fn names(answer: &Answer) -> Vec<String> {
    let items = answer.recommendations.iter();
    let name = |iri: &str| iri.rsplit('/').next().unwrap_or_default().to_owned();
    items.map(|item| name(&item.item)).collect()
}

/// The brand of each product, by its name.
fn brands(snapshot: &Snapshot) -> BTreeMap<String, String> {
    let graph = snapshot.graph();
    let brand = graph.find_iri("https://schema.org/brand").unwrap();
    let brands = graph.items().map(|item| {
        let iri = graph.term(item).rsplit('/').next().unwrap_or_default();
        let value = graph.objects(item, brand)[0][1];
        (
            iri.trim_end_matches('>').to_owned(),
            graph.label(value).to_owned(),
        )
    });
    brands.collect()
}

fn some(numbers: &mut Numbers, most: u64) -> Vec<String> {
    let count = numbers.below(most + 1);
    (0..count)
        .map(|_| format!("p{}", numbers.below(ITEMS)))
        .collect()
}

/// A request that wishes for anything at all.
fn random(numbers: &mut Numbers, known: &BTreeMap<String, String>) -> Request {
    let keep = |names: Vec<String>| -> Vec<String> {
        names
            .into_iter()
            .filter(|name| known.contains_key(name))
            .collect()
    };
    let brand = numbers.below(7);
    let wishes = Wishes {
        attributes: match numbers.below(3) {
            0 => vec![format!("schema:brand=Brand {brand}")],
            _ => Vec::new(),
        },
        sparql: (numbers.below(3) == 0)
            .then(|| format!("?item schema:brand ?b FILTER(?b != <https://example.org/shop/brand/Brand%20{brand}>)")),
        at: None,
        pinned: keep(some(numbers, 3)),
        at_most: match numbers.below(2) {
            0 => vec![format!("schema:brand={}", numbers.below(4))],
            _ => Vec::new(),
        },
        diversity: [0.0, 0.3, 1.0][numbers.below(3) as usize],
    };
    Request {
        user: Some(format!("u{}", numbers.below(USERS + 3))),
        k: 1 + numbers.below(12) as usize,
        candidates: match numbers.below(3) {
            0 => keep(some(numbers, 30)),
            _ => Vec::new(),
        },
        exclude: keep(some(numbers, 20)),
        order: [Order::New, Order::Any][numbers.below(2) as usize],
        wishes,
        ..Request::default()
    }
}

#[test]
fn wishes_hold_for_random_requests() {
    let shop = Shop::new(5);
    let snapshot = shop.snapshot();
    let brands = brands(&snapshot);
    let mut numbers = Numbers::new(11);
    let (mut empty, mut full) = (0, 0);
    for _ in 0..150 {
        let request = random(&mut numbers, &brands);
        let answer = ask(&shop, &snapshot, &request);
        let items = names(&answer);
        let context = format!("{request:?}: {items:?}");
        let distinct: FxHashSet<&String> = items.iter().collect();
        assert!(
            distinct.len() == items.len() && items.len() <= request.k,
            "{context}"
        );
        assert!(
            items.iter().all(|i| !request.exclude.contains(i)),
            "{context}"
        );
        let only = &request.candidates;
        assert!(
            only.is_empty() || items.iter().all(|i| only.contains(i)),
            "{context}"
        );
        let wishes = &request.wishes;
        for wanted in &wishes.attributes {
            let brand = wanted.split_once('=').unwrap().1;
            assert!(items.iter().all(|i| brands[i] == brand), "{context}");
        }
        if let Some(sparql) = &wishes.sparql {
            let not = format!("Brand {}", &sparql[sparql.len() - 3..sparql.len() - 2]);
            assert!(items.iter().all(|i| brands[i] != not), "{context}");
        }
        for cap in &wishes.at_most {
            let most: usize = cap.split_once('=').unwrap().1.parse().unwrap();
            let count = |item: &String| items.iter().filter(|i| brands[*i] == brands[item]).count();
            assert!(items.iter().all(|i| count(i) <= most), "{context}");
        }
        let pinned = wishes.pinned.iter().filter(|pin| distinct.contains(pin));
        let mut pinned: Vec<&String> = pinned.collect();
        pinned.dedup();
        let mut seen = FxHashSet::default();
        pinned.retain(|pin| seen.insert(*pin));
        let is_free = wishes.at_most.is_empty() && wishes.attributes.is_empty();
        if is_free && wishes.sparql.is_none() && only.is_empty() && request.exclude.is_empty() {
            let wished: FxHashSet<&String> = wishes.pinned.iter().collect();
            assert_eq!(pinned.len(), wished.len().min(request.k), "{context}");
        }
        // A pin that was dropped may come again by its score, behind the others.
        let ahead = pinned
            .iter()
            .zip(&items)
            .take_while(|(pin, item)| **pin == *item)
            .count();
        assert!(
            ahead == pinned.len() || !wishes.at_most.is_empty(),
            "{context}"
        );
        if items.is_empty() {
            empty += 1;
            let reason = answer
                .notes
                .iter()
                .any(|n| n.starts_with("nothing is left"));
            assert!(reason, "{context} {:?}", answer.notes);
        }
        full += usize::from(items.len() == request.k);
        let sums = answer
            .recommendations
            .iter()
            .all(|item| item.score.is_finite());
        assert!(sums, "{context}");
    }
    assert!(empty > 2 && full > 50, "{empty} {full}");
}

#[test]
fn without_wishes_the_order_is_the_plain_ranking() {
    let shop = Shop::new(2);
    let snapshot = shop.snapshot();
    let (graph, scorer) = (snapshot.graph(), snapshot.scorer());
    for user in (0..USERS).step_by(4) {
        let name = format!("u{user}");
        let node = graph.find_user(&name).unwrap();
        let met: FxHashSet<u32> = graph.met(node).iter().copied().collect();
        let ranked = scorer.rank(&scorer.profile(node), 10, &met);
        let plain: Vec<String> = ranked
            .iter()
            .map(|s| graph.term(s.item)[1..].to_owned())
            .collect();
        let answer = ask(&shop, &snapshot, &Request::for_user(&name, 10));
        let items: Vec<String> = answer
            .recommendations
            .iter()
            .map(|r| r.item.clone())
            .collect();
        assert_eq!(items, plain, "{name}");
        // A cap that bars nothing leaves the order as it is.
        let mut request = Request::for_user(&name, 10);
        request.wishes.at_most = vec!["schema:brand=1000".into()];
        assert_eq!(
            names(&ask(&shop, &snapshot, &request)),
            names(&answer),
            "{name}"
        );
    }
}

#[test]
fn contributions_to_likes_and_descriptions_add_up() {
    let shop = Shop::new(4);
    let snapshot = shop.snapshot();
    let (graph, scorer) = (snapshot.graph(), snapshot.scorer());
    let entity = |name: &str| graph.nodes().find(|&n| graph.label(n) == name).unwrap();
    let mut profile = scorer.session(&[graph.items().start]);
    assert!(
        scorer
            .like(&mut profile, &[entity("Brand 3"), entity("tag 2")])
            .is_empty()
    );
    let first = graph.items().start;
    scorer.describe(&mut profile, &[(first + 4, 1.0), (first + 9, 0.5)]);
    let all = scorer.all(&profile);
    for item in graph.items() {
        let paths = scorer.paths(&profile, item);
        let sum: f64 = paths.iter().map(|p| p.contribution).sum();
        let score = all[(item - first) as usize];
        assert!(
            (sum - score).abs() < 1e-9 * (1.0 + score.abs()),
            "{item}: {sum} {score}"
        );
        assert!(
            paths
                .iter()
                .flat_map(|p| p.evidence.iter())
                .all(|&e| graph.edge(e).is_some())
        );
    }
}

#[test]
fn the_cold_are_known_by_what_they_like_and_say() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let brands = brands(&snapshot);
    let liking = Request {
        likes: vec!["Brand 2".into()],
        k: 5,
        ..Request::default()
    };
    let answer = ask(&shop, &snapshot, &liking);
    assert_eq!(answer.rung.name(), "graph");
    assert_eq!(brands[&names(&answer)[0]], "Brand 2", "{answer:?}");
    let said = &answer.recommendations[0].reasons;
    assert!(
        said.iter()
            .any(|r| r.text == "It is made by Brand 2, which was asked for."),
        "{said:?}"
    );

    let saying = Request {
        text: Some("blue owl".into()),
        k: 5,
        ..Request::default()
    };
    let answer = ask(&shop, &snapshot, &saying);
    assert_eq!(answer.rung.name(), "graph");
    assert!(
        answer
            .recommendations
            .iter()
            .all(|r| r.label.starts_with("blue owl")),
        "{answer:?}"
    );
    let said = &answer.recommendations[0].reasons;
    assert!(
        said.iter()
            .any(|r| r.text == "It fits the words that were given."),
        "{said:?}"
    );

    let in_vain = Request {
        text: Some("xylophone".into()),
        k: 5,
        ..Request::default()
    };
    let answer = ask(&shop, &snapshot, &in_vain);
    assert_eq!(
        (answer.rung.name(), answer.recommendations.len()),
        ("popularity", 5)
    );
    let nobody = Request {
        likes: vec!["no such brand".into()],
        k: 5,
        ..Request::default()
    };
    let error = shop.engine.recommend(&snapshot, &nobody, None).unwrap_err();
    assert_eq!(
        error.message(),
        "there is no entity `no such brand` in the graph"
    );
}

#[test]
fn a_cold_item_is_reached_by_what_it_shares() {
    let shop = Shop::new(6);
    let snapshot = shop.snapshot();
    let (graph, scorer) = (snapshot.graph(), snapshot.scorer());
    let cold: Vec<u32> = graph
        .items()
        .filter(|&i| graph.met_by(i).is_empty())
        .collect();
    assert!(!cold.is_empty(), "the shop has items that nobody bought");
    let reached = cold.iter().any(|&item| {
        graph.users().any(|user| {
            let paths = scorer.paths(&scorer.profile(user), item);
            paths
                .iter()
                .any(|path| path.from.is_some() && path.contribution > 0.0)
        })
    });
    assert!(reached);
    // And it is an answer, where one likes what it has.
    let item = cold[0];
    let brand = brands(&snapshot)[graph.term(item).rsplit('/').next().unwrap()].clone();
    let request = Request {
        likes: vec![brand],
        k: ITEMS as usize,
        ..Request::default()
    };
    let answer = ask(&shop, &snapshot, &request);
    assert!(
        answer
            .recommendations
            .iter()
            .any(|r| r.item == graph.term(item)[1..])
    );
}

#[test]
fn filters_see_what_updates_changed() {
    let shop = Shop::new(3);
    let root = shop.engine.project().root().to_owned();
    let project = kenning::config::Project::open(&root).unwrap();
    let bounds = limits(&project.settings().query);
    let live = Live::open(kenning::engine::Engine::open(project).unwrap()).unwrap();
    let update = |text: &str| {
        let update = Update::parse(text, Some("https://example.org/shop/item/")).unwrap();
        live.update(&update, &bounds, &Cancel::default()).unwrap();
    };
    let ask = |wishes: Wishes| {
        let request = Request {
            wishes,
            ..Request::for_user("nobody", 100)
        };
        live.engine()
            .recommend(&live.current(), &request, None)
            .unwrap()
    };
    let colour = Wishes {
        attributes: vec!["schema:color=red".into()],
        ..Wishes::default()
    };
    let nothing = ask(colour.clone());
    assert!(nothing.recommendations.is_empty());
    assert!(
        nothing
            .notes
            .iter()
            .any(|n| n.contains("`schema:color=red` leaves 0 of")),
        "{:?}",
        nothing.notes
    );
    update(
        "INSERT DATA { <p1> schema:color 'red' . <p2> schema:color 'red' . <p3> schema:color 'blue' }",
    );
    assert_eq!(names(&ask(colour.clone())).len(), 2);
    update("DELETE DATA { <p1> schema:color 'red' }");
    assert_eq!(names(&ask(colour)), ["p2"]);

    let at = |at: i64| {
        Wishes {
        at: Some(at),
        sparql: Some("SELECT ?x { VALUES ?x { <https://example.org/shop/item/p4> <https://example.org/shop/item/p5> <urn:none> } }".into()),
        ..Wishes::default()
    }
    };
    update(
        "INSERT DATA { <p4> schema:availabilityStarts '1970-01-02'^^schema:Date ; schema:availabilityEnds '1970-01-03' .
         <p5> schema:offers [ schema:validThrough '1970-01-01T12:00:00Z' ], [ schema:validFrom '1970-01-05' ] }",
    );
    let day = 86_400;
    for (time, expected) in [
        (0, vec!["p5"]),
        (day / 2 + 1, vec![]),
        (day, vec!["p4"]),
        (3 * day - 1, vec!["p4"]),
        (3 * day, vec![]),
        (4 * day, vec!["p5"]),
    ] {
        let answer = ask(at(time));
        assert_eq!(names(&answer), expected, "at {time}: {:?}", answer.notes);
    }
    assert!(
        ask(at(0))
            .notes
            .iter()
            .any(|n| n.contains("finds 1 things that are no items"))
    );
}

#[test]
fn wishes_that_cannot_be_read_are_told() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    type Change = fn(&mut Request);
    let cases: [(&str, Change); 8] = [
        ("is not of the form PROPERTY=VALUE", |r| {
            r.wishes.attributes = vec!["brand".into()]
        }),
        ("does not end in a number", |r| {
            r.wishes.at_most = vec!["schema:brand=few".into()]
        }),
        ("not from 0 to 1", |r| r.wishes.diversity = 1.5),
        ("not from 0 to 1", |r| r.wishes.diversity = f64::NAN),
        ("there is no item `p999`", |r| {
            r.wishes.pinned = vec!["p999".into()]
        }),
        ("does not select one variable", |r| {
            r.wishes.sparql = Some("SELECT * { ?a ?b ?c }".into())
        }),
        ("this is not a SPARQL query", |r| {
            r.wishes.sparql = Some("?item } {".into())
        }),
        ("a request may have 1000", |r| r.k = 1001),
    ];
    for (expected, change) in cases {
        let mut request = Request::for_user("u1", 3);
        change(&mut request);
        let error = shop
            .engine
            .recommend(&snapshot, &request, None)
            .unwrap_err();
        assert!(error.message().contains(expected), "{error}");
    }
}

#[test]
fn more_diversity_is_less_alike() {
    let shop = Shop::new(8);
    let snapshot = shop.snapshot();
    let (graph, scorer) = (snapshot.graph(), snapshot.scorer());
    let mut likeness = [0.0; 3];
    for user in (0..USERS).step_by(4) {
        for (sum, diversity) in likeness.iter_mut().zip([0.0, 0.5, 1.0]) {
            let mut request = Request::for_user(&format!("u{user}"), 6);
            request.wishes.diversity = diversity;
            let answer = ask(&shop, &snapshot, &request);
            let items = answer
                .recommendations
                .iter()
                .map(|r| graph.find_item(&r.item).unwrap());
            let outlines: Vec<_> = items.map(|item| scorer.outline(item)).collect();
            for (index, one) in outlines.iter().enumerate() {
                assert!((one.likeness(one) - 1.0).abs() < 1e-9);
                *sum += outlines[..index]
                    .iter()
                    .map(|other| one.likeness(other))
                    .sum::<f64>();
            }
        }
    }
    assert!(
        likeness[0] > likeness[1] && likeness[1] > likeness[2],
        "{likeness:?}"
    );
}
