//! Read your writes: an event that was told counts from the next answer on, as it does after a build.

use crate::shop::{Numbers, Shop, USERS};
use kenning::config::Project;
use kenning::engine::{Engine, Live, Request, Told, limits};
use kenning::model::{LinkKind, Unwatched};
use kenning::scoring::Scorer;
use kenning::sparql::{Cancel, Update};
use rustc_hash::FxHashSet;

struct Shown {
    live: Live,
    shop: Shop,
}

fn open(seed: u64) -> Shown {
    let shop = Shop::new(seed);
    let root = shop.engine.project().root().to_owned();
    let live = Live::open(Engine::open(Project::open(&root).unwrap()).unwrap()).unwrap();
    Shown { live, shop }
}

impl Shown {
    fn tell(&self, events: &[Told]) -> usize {
        let limits = limits(&self.live.engine().project().settings().query);
        let told = self.live.tell(events, &limits, &Cancel::default());
        told.unwrap().inserted
    }
}

fn told(user: &str, item: &str, time: i64, weight: f32) -> Told {
    Told {
        user: user.into(),
        item: item.into(),
        time: Some(time),
        weight,
    }
}

fn random(numbers: &mut Numbers, items: &[String]) -> Told {
    let item = &items[numbers.below(items.len() as u64) as usize];
    // Before, among and after what the dump tells, often at equal times; of new users too.
    let time = 1_599_990_000 + 40_000 * numbers.below(10) as i64;
    let user = format!("u{}", numbers.below(USERS + 4));
    told(&user, item, time, numbers.below(7) as f32 - 1.0)
}

#[test]
fn events_count_as_they_do_after_a_build() {
    for seed in 0..3 {
        let Shown { live, shop } = &open(seed);
        let graph = live.current();
        let items: Vec<String> = graph
            .graph()
            .items()
            .map(|i| graph.graph().term(i)[1..].to_owned())
            .collect();
        let mut numbers = Numbers::new(seed + 100);
        let events: Vec<Told> = (0..40).map(|_| random(&mut numbers, &items)).collect();
        let limits = limits(&live.engine().project().settings().query);
        live.tell(&events, &limits, &Cancel::default()).unwrap();
        let before = live.current();
        shop.engine.build(None, &Unwatched).unwrap();
        let after = shop.snapshot();
        assert_eq!(before.graph().items().len(), after.graph().items().len());

        // Links change with a build, by what was told; so they are left out here. All else is the same.
        let mut settings = shop.engine.project().settings().scoring.clone();
        let links = LinkKind::ALL.map(|kind| (kind.name().to_owned(), 0.0));
        settings.weights.extend(links);
        let tables = kenning::scoring::Tables::new(before.graph(), &settings);
        let tables = tables.with_news(before.graph(), before.dataset().changes);
        let old = Scorer::with(before.graph(), tables.into());
        let new = Scorer::new(after.graph(), &settings);
        for event in &events {
            let iri = |name: &str| format!("<https://example.org/shop/user/{name}");
            let user = before.dataset().find(&iri(&event.user)).unwrap();
            let profile = old.profile(user);
            let built = new.profile(after.graph().find_user(&event.user).unwrap());
            let names = |scorer: &[(u32, f64)], snapshot: &kenning::engine::Snapshot| {
                let named = scorer
                    .iter()
                    .map(|h| (snapshot.graph().term(h.0).to_owned(), h.1));
                named.collect::<Vec<_>>()
            };
            let (one, other) = (
                names(&profile.history, &before),
                names(&built.history, &after),
            );
            assert_eq!(one.len(), other.len());
            for (a, b) in one.iter().zip(&other) {
                assert!(
                    a.0 == b.0 && (a.1 - b.1).abs() < 1e-9,
                    "{}: {a:?} {b:?}",
                    event.user
                );
            }
            let scores = old.all(&profile).into_iter().zip(new.all(&built));
            for (a, b) in scores {
                assert!((a - b).abs() < 1e-4, "{a} {b}");
            }
            let met = |items: FxHashSet<u32>, snapshot: &kenning::engine::Snapshot| {
                let mut met: Vec<_> = items
                    .iter()
                    .map(|&i| snapshot.graph().term(i).to_owned())
                    .collect();
                met.sort();
                met
            };
            let user_after = after.graph().find_user(&event.user).unwrap();
            assert_eq!(
                met(old.met(user), &before),
                met(new.met(user_after), &after)
            );
        }
    }
}

#[test]
fn the_next_answer_knows_what_was_told() {
    let shown = open(1);
    let live = &shown.live;
    let ask = |user: &str| {
        let request = Request::for_user(user, 5);
        live.engine()
            .recommend(&live.current(), &request, None)
            .unwrap()
    };
    let first = ask("u3").recommendations[0].item.clone();
    assert_eq!(shown.tell(&[told("u3", &first, 1_700_000_000, 1.0)]), 5);
    let answer = ask("u3");
    assert!(
        answer.recommendations.iter().all(|r| r.item != first),
        "{answer:?}"
    );
    assert_eq!(
        shown.tell(&[told("u3", &first, 1_700_000_000, 1.0)]),
        0,
        "told again"
    );
    assert!(answer.recommendations.iter().all(|r| !r.reasons.is_empty()));

    // Somebody new is somebody known from now on.
    assert_eq!(ask("newcomer").rung.name(), "popularity");
    shown.tell(&[
        told("newcomer", "p1", 1_700_000_000, 1.0),
        told("newcomer", "p2", 1_700_000_001, 1.0),
    ]);
    let answer = ask("newcomer");
    assert_eq!(
        (answer.rung.name(), answer.user.history, answer.user.known),
        ("graph", 2, true)
    );
    assert!(answer.user.id.ends_with("/user/newcomer"));

    // As SPARQL, and for queries too.
    let limits = limits(&live.engine().project().settings().query);
    let text = "INSERT DATA { <urn:mine> kenning:user <https://example.org/shop/user/newcomer> ;
                kenning:item <https://example.org/shop/item/p3> }";
    live.update(
        &Update::parse(text, None).unwrap(),
        &limits,
        &Cancel::default(),
    )
    .unwrap();
    assert_eq!(ask("newcomer").user.history, 3);
    let current = live.current();
    let asked =
        "SELECT ?i { ?e kenning:user <https://example.org/shop/user/newcomer> ; kenning:item ?i }";
    assert_eq!(
        current
            .dataset()
            .ask(asked, &limits)
            .unwrap()
            .solutions
            .len(),
        3
    );

    // The build makes events of them, each once.
    shown.shop.engine.build(None, &Unwatched).unwrap();
    live.refresh().unwrap();
    let current = live.current();
    assert_eq!(
        current
            .dataset()
            .ask(asked, &limits)
            .unwrap()
            .solutions
            .len(),
        3
    );
    let user = current.graph().find_user("newcomer").unwrap();
    assert_eq!(current.graph().events(user).len(), 3);
    assert_eq!(ask("newcomer").user.history, 3);
}

#[test]
fn what_is_no_event_is_refused() {
    let shown = open(1);
    let limits = limits(&shown.live.engine().project().settings().query);
    for (event, expected) in [
        (told("u1", "p999", 0, 1.0), "there is no item `p999`"),
        (told("u1", "p1", 0, f32::NAN), "is no number"),
        (told("u1", "p1", i64::MAX, 1.0), "is no time"),
        (told("a b:c", "p1", 0, 1.0), "names no user"),
        (
            told("https://example.org/shop/item/p1", "p2", 0, 1.0),
            "is an item",
        ),
    ] {
        let events = [told("u1", "p1", 7, 1.0), event];
        let error = shown
            .live
            .tell(&events, &limits, &Cancel::default())
            .unwrap_err();
        assert!(error.message().contains(expected), "{error}");
    }
    assert_eq!(
        shown.live.current().dataset().changes.added_count(),
        0,
        "all or nothing"
    );
}
