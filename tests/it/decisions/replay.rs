//! Decisions answered again, byte for byte.

use super::{Scripted, live};
use crate::shop::{ITEMS, Numbers, Shop, USERS};
use kenning::ErrorKind;
use kenning::candidates::Wishes;
use kenning::config::{Layers, Project};
use kenning::engine::{Engine, Live, Request, Told, limits};
use kenning::journal::Decision;
use kenning::llm::LanguageModel;
use kenning::model::Unwatched;
use kenning::sparql::{Cancel, Update};

const DECISIONS: usize = 1_000;

/// Requests of all kinds: known users, unknown ones, sessions, likes, words, filters, caps, pins.
fn request(numbers: &mut Numbers) -> Request {
    let mut request = Request {
        k: 1 + numbers.below(8) as usize,
        ..Request::default()
    };
    let item = |numbers: &mut Numbers| format!("p{}", numbers.below(ITEMS));
    match numbers.below(6) {
        0 => request.session = vec![item(numbers), item(numbers)],
        1 => request.likes = vec![format!("Brand {}", numbers.below(7))],
        2 => request.text = Some("red heart".into()),
        3 => request.user = Some("somebody new".into()),
        _ => request.user = Some(format!("u{}", numbers.below(USERS))),
    }
    let mut wishes = Wishes::default();
    match numbers.below(7) {
        0 => wishes.attributes = vec![format!("schema:brand=Brand {}", numbers.below(7))],
        1 => wishes.at_most = vec!["schema:brand=1".into()],
        2 => wishes.pinned = vec![item(numbers)],
        3 => wishes.diversity = 0.5,
        4 => wishes.sparql = Some("?item schema:keywords/rdfs:label 'tag 3'".into()),
        5 => request.exclude = vec![item(numbers)],
        _ => {}
    }
    request.wishes = wishes;
    request
}

fn decide(live: &Live, numbers: &mut Numbers, model: &mut Scripted) {
    let snapshot = live.current();
    let request = request(numbers);
    let model = (numbers.below(2) == 0).then_some(model as &mut dyn LanguageModel);
    live.engine().recommend(&snapshot, &request, model).unwrap();
}

/// Something happens now and then between two decisions.
fn change(live: &Live, numbers: &mut Numbers) {
    let limits = limits(&live.engine().project().settings().query);
    let (user, item) = (
        format!("u{}", numbers.below(USERS)),
        format!("p{}", numbers.below(ITEMS)),
    );
    if numbers.below(2) == 0 {
        let told = Told {
            user,
            item,
            time: None,
            weight: 1.0,
        };
        live.tell(&[told], &limits, &Cancel::default()).unwrap();
    } else {
        let text = format!(
            "INSERT DATA {{ <https://example.org/shop/item/{item}> schema:keywords <https://example.org/shop/tag/tag%20{}> }}",
            numbers.below(9)
        );
        live.update(
            &Update::parse(&text, None).unwrap(),
            &limits,
            &Cancel::default(),
        )
        .unwrap();
    }
}

fn replay_last(engine: &Engine, most: usize) -> usize {
    let mut replayer = engine.replayer();
    let ids = engine.journal().last_decisions(most).unwrap();
    for id in &ids {
        let replayed = replayer
            .replay(id)
            .unwrap_or_else(|e| panic!("{id}: {e:?}"));
        assert!(
            replayed.is_equal(),
            "{id}:\n{}\n{}",
            replayed.kept,
            replayed.again
        );
    }
    ids.len()
}

#[test]
fn a_thousand_decisions_come_again_byte_for_byte() {
    let shop = Shop::new(5);
    let live = live(&shop);
    let mut numbers = Numbers::new(17);
    let mut model = Scripted(0);
    for number in 0..DECISIONS {
        decide(&live, &mut numbers, &mut model);
        if number % 50 == 49 {
            change(&live, &mut numbers);
        }
        // A part of them rests on a snapshot that is no more the present one.
        if number == DECISIONS / 2 {
            shop.engine.build(None, &Unwatched).unwrap();
            live.refresh().unwrap();
        }
    }
    let root = live.engine().project().root().to_owned();
    assert_eq!(replay_last(live.engine(), DECISIONS / 5), DECISIONS / 5);
    shop.engine.build(None, &Unwatched).unwrap();
    // Other settings and another template are those of today.
    std::fs::write(
        root.join("mine.jinja"),
        "{% block system %}Rank.{% endblock %}{% block user %}{% endblock %}",
    )
    .unwrap();
    let layers = Layers::none()
        .flag("scoring.decay", "today", Some("0.1"))
        .flag("prompt.template", "today", Some("mine.jinja"));
    let engine = Engine::open(Project::open_with(&root, &layers).unwrap()).unwrap();
    assert_eq!(replay_last(&engine, usize::MAX), DECISIONS);
    assert_eq!(
        engine.journal().last_decisions(usize::MAX).unwrap().len(),
        DECISIONS,
        "nothing is kept of it"
    );
}

#[test]
fn what_is_gone_or_different_is_said_to_be_so() {
    let shop = Shop::new(6);
    let engine = &shop.engine;
    let answer = engine
        .recommend(&shop.snapshot(), &Request::for_user("u3", 3), None)
        .unwrap();
    let id = answer.decision.unwrap();
    let kept = engine.journal().decision(&id).unwrap().record;
    let mut other = kept.clone();
    other.answer["recommendations"][0]["label"] = "another mug".into();
    let other = engine.journal().keep(other, None).unwrap();
    let replayed = engine.replayer().replay(&other).unwrap();
    assert!(!replayed.is_equal());
    assert!(replayed.kept.contains("another mug") && !replayed.again.contains("another mug"));

    // One that was answered by a model whose reply was lost.
    let lost = Decision {
        model: Some("lost".into()),
        ..kept.clone()
    };
    let lost = engine.journal().keep(lost, None).unwrap();
    let error = engine.replayer().replay(&lost).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.message().contains("the reply of the model is gone"),
        "{error}"
    );
    // One of a kenning that kept less.
    let old = Decision {
        setup: None,
        ..kept
    };
    let old = engine.journal().keep(old, None).unwrap();
    assert_eq!(
        engine.replayer().replay(&old).unwrap_err().kind(),
        ErrorKind::Usage
    );

    // Without room for former snapshots they go.
    let root = engine.project().root().to_owned();
    let layers = Layers::none().flag("decisions.snapshots", "none", Some("0"));
    let forgetful = Engine::open(Project::open_with(&root, &layers).unwrap()).unwrap();
    let live = Live::open(forgetful).unwrap();
    let limits = limits(&live.engine().project().settings().query);
    let told = Told {
        user: "u3".into(),
        item: "p1".into(),
        time: None,
        weight: 1.0,
    };
    live.tell(&[told], &limits, &Cancel::default()).unwrap();
    live.engine().build(None, &Unwatched).unwrap();
    let error = live.engine().replayer().replay(&id).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("is gone"), "{error}");
}
