//! What is said of an answer passes its gates too.

use super::{Watched, set};
use kenning::engine::{About, Met, Request, WhatIf, limits};
use kenning::sparql::Cancel;

/// All that is said to somebody who asks why, why not, and what will be relied on.
fn said(watched: &Watched, user: &str) -> String {
    let engine = &watched.shop.engine;
    let snapshot = watched.shop.snapshot();
    let limits = limits(&engine.project().settings().query);
    let bounds = (&limits, &Cancel::default());
    let request = Request::for_user(user, 6);
    let about = |item: &str| About {
        request: request.clone(),
        item: item.to_owned(),
        against: None,
    };
    let shown = watched.answer(user).recommendations;
    let mut said =
        serde_json::to_string(&engine.foresee(&snapshot, &request, bounds).unwrap()).unwrap();
    for item in &shown {
        let why = engine.why(&snapshot, &about(&item.item), bounds).unwrap();
        let sum: f64 = why
            .compared
            .iter()
            .flat_map(|c| &c.differences)
            .map(|d| d.here)
            .sum();
        assert!((sum - why.score).abs() < 1e-6, "{sum} is not {}", why.score);
        said += &serde_json::to_string(&why).unwrap();
    }
    let graph = snapshot.graph();
    let others = graph.items().map(|item| graph.term(item)[1..].to_owned());
    let mut asked = 0;
    for other in others.filter(|other| shown.iter().all(|r| r.item != *other)) {
        let why_not = engine.why_not(&snapshot, &about(&other), bounds);
        asked += usize::from(why_not.is_ok());
        said += &why_not.map_or_else(
            |_| String::new(),
            |why| serde_json::to_string(&why).unwrap(),
        );
    }
    assert!(asked > 3, "the test tests nothing");
    said
}

#[test]
fn questions_tell_nothing_that_explanations_must_not() {
    let free = said(&Watched::by_knowledge(""), "u3");
    assert!(
        free.contains("/brand/") && free.contains("schema.org/brand"),
        "the test tests nothing"
    );
    assert!(!free.contains("withh"));

    let watched =
        Watched::by_knowledge(":private a kenning:Policy ; kenning:sensitive schema:brand .");
    let hidden = said(&watched, "u3");
    assert!(
        !hidden.contains("/brand/") && !hidden.contains("Brand"),
        "{hidden}"
    );
    assert!(!hidden.contains("schema.org/brand"));
    for note in [
        r#""way":"withheld""#,
        " reasons\"",
        "things that the history has",
        "policies withhold what would change it",
    ] {
        assert!(hidden.contains(note), "{note}: {hidden}");
    }

    set(
        &watched.root,
        ":private a kenning:Policy ; kenning:sensitive kenning:interacted ; kenning:gate kenning:explanation .",
    );
    let hidden = said(&watched, "u3");
    assert!(hidden.contains(r#""events":[],"leanings":[]"#), "{hidden}");
    assert!(!hidden.contains("remove-events") && !hidden.contains("add-events"));
}

#[test]
fn what_if_lists_nothing_that_the_gate_of_answers_refuses() {
    let watched = Watched::by_knowledge("");
    let asked = WhatIf {
        request: Request::for_user("u3", 6),
        add_events: vec![Met {
            item: "p1".into(),
            time: None,
            weight: 1.0,
        }],
        ..WhatIf::default()
    };
    let lists = |watched: &Watched| {
        let engine = &watched.shop.engine;
        let limits = limits(&engine.project().settings().query);
        let bounds = (&limits, &Cancel::default());
        let answer = engine
            .what_if(&watched.shop.snapshot(), &asked, bounds)
            .unwrap();
        let items = answer.before.into_iter().chain(answer.after);
        items.map(|placed| placed.item).collect::<Vec<_>>()
    };
    let free = lists(&watched);
    let brand = watched.brand(&free[0]);
    set(
        &watched.root,
        &format!(
            ":no a kenning:Policy, sh:NodeShape ; kenning:gate kenning:answer ;
               sh:sparql [ sh:select \"\"\"SELECT $this WHERE {{ $this schema:brand/rdfs:label '{brand}' }}\"\"\" ] ."
        ),
    );
    let bound = lists(&watched);
    assert!(bound.len() > 3 && bound.iter().all(|item| watched.brand(item) != brand));
    // As an answer does, it goes on to the next ones.
    let shown = watched.answer("u3").recommendations;
    let shown: Vec<&String> = shown.iter().map(|r| &r.item).collect();
    assert_eq!(bound[..shown.len()].iter().collect::<Vec<_>>(), shown);
}
