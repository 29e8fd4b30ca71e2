//! Reasons in languages and tones, themes of a list, comparisons, and what answers will rely on.

use crate::shop::Shop;
use kenning::config::Project;
use kenning::engine::{About, Engine, Live, Request, Snapshot, limits};
use kenning::explanation::{ClaimKind, Explainer, Tone, Voice};
use kenning::model::{LinkKind, Unwatched};
use kenning::scoring::Scored;
use kenning::selection::Candidate;
use kenning::sparql::{Cancel, Limits, Update};
use std::collections::BTreeSet;
use std::time::Duration;

const LIMITS: Limits = Limits {
    time: Duration::from_secs(60),
    rows: 100_000,
    memory: 1 << 30,
};

fn voice(languages: &[&str], tone: Tone) -> Voice {
    Voice {
        languages: languages.iter().map(|tag| (*tag).to_owned()).collect(),
        tone,
    }
}

/// The shop, with names in German for two things.
fn bilingual() -> (Shop, Snapshot) {
    let shop = Shop::new(1);
    let root = shop.engine.project().root().to_owned();
    let live = Live::open(Engine::open(Project::open(&root).unwrap()).unwrap()).unwrap();
    let limits = limits(&live.engine().project().settings().query);
    let text =
        "INSERT { ?item rdfs:label ?german } WHERE { ?item rdfs:label ?label ; schema:brand ?b
                BIND(STRLANG(CONCAT('Ding ', ?label), 'de-AT') AS ?german) } ;
                INSERT DATA { schema:brand rdfs:label 'Marke'@de }";
    let update = Update::parse(text, None).unwrap();
    live.update(&update, &limits, &Cancel::default()).unwrap();
    drop(live);
    shop.engine.build(None, &Unwatched).unwrap();
    let snapshot = shop.snapshot();
    (shop, snapshot)
}

#[test]
fn reasons_are_said_in_the_language_and_tone_that_is_asked_for() {
    let (shop, snapshot) = bilingual();
    let ask = |voice: Voice| {
        let request = Request {
            voice,
            ..Request::for_user("u3", 3)
        };
        shop.engine.recommend(&snapshot, &request, None).unwrap()
    };
    let english = ask(Voice::default());
    let german = ask(voice(&["de", "en"], Tone::Plain));
    let friendly = ask(voice(&[], Tone::Friendly));
    for answers in [(&english, &german), (&english, &friendly)] {
        let pairs = answers
            .0
            .recommendations
            .iter()
            .zip(&answers.1.recommendations);
        for (one, other) in pairs {
            assert_eq!((&one.item, one.score), (&other.item, other.score));
            for (a, b) in one.reasons.iter().zip(&other.reasons) {
                assert_eq!((&a.claims, a.contribution), (&b.claims, b.contribution));
                assert!(
                    !b.text.contains(['{', '}']) && b.text.ends_with(['.', ')']),
                    "{b:?}"
                );
            }
        }
    }
    for item in &german.recommendations {
        // "de-AT" is German.
        assert!(item.label.starts_with("Ding "), "{}", item.label);
        assert!(
            item.reasons
                .iter()
                .all(|reason| !reason.text.contains("It "))
        );
    }
    let said = |answer: &kenning::engine::Answer| -> Vec<String> {
        let first = &answer.recommendations[0];
        first
            .reasons
            .iter()
            .map(|reason| reason.text.clone())
            .collect()
    };
    insta::assert_snapshot!(
        [said(&english), said(&friendly), said(&german)]
            .map(|texts| texts.join("\n"))
            .join("\n\n")
    );
    // Nobody speaks it, so the sentences are English.
    let other = ask(voice(&["fr"], Tone::Plain));
    assert_eq!(said(&other), said(&english));
    for (languages, expected) in [
        (vec!["no tag!"], "is no language tag"),
        (vec!["de"; 11], "ten are the most"),
    ] {
        let request = Request {
            voice: voice(&languages, Tone::Plain),
            ..Request::for_user("u3", 3)
        };
        let error = shop
            .engine
            .recommend(&snapshot, &request, None)
            .unwrap_err();
        assert!(error.message().contains(expected), "{error}");
    }
}

#[test]
fn links_of_one_kind_are_said_together_and_carry_what_they_add() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let mut named = 0;
    for user in 0..30 {
        let request = Request::for_user(&format!("u{user}"), 5);
        let answer = shop.engine.recommend(&snapshot, &request, None).unwrap();
        for item in &answer.recommendations {
            let node = graph.find_item(&item.item).unwrap();
            let about = About {
                request: request.clone(),
                item: item.item.clone(),
                against: None,
            };
            let why = shop
                .engine
                .why(&snapshot, &about, (&LIMITS, &Cancel::default()))
                .unwrap();
            let goes: Vec<_> = why
                .reasons
                .iter()
                .filter(|reason| reason.text.starts_with("It goes with"))
                .collect();
            let sum: f64 = goes.iter().map(|reason| reason.contribution).sum();
            let together = item
                .reasons
                .iter()
                .find(|reason| reason.text.starts_with("It goes with"));
            if let Some(reason) = together {
                assert!((reason.contribution - sum).abs() < 1e-12, "{reason:?}");
                named += usize::from(goes.len() > 1);
                // Numbers in it are those of the links.
                for from in graph.links_to(LinkKind::GoesWith, node).map(|link| link.0) {
                    let label = format!("“{}” (", graph.label(from));
                    let Some(rest) = reason.text.split(&label).nth(1) else {
                        continue;
                    };
                    let both = graph
                        .met_by(from)
                        .iter()
                        .filter(|u| graph.met_by(node).contains(u));
                    let said: Option<usize> = rest.split(' ').next().and_then(|n| n.parse().ok());
                    assert_eq!(said.unwrap_or(0), both.count(), "{}", reason.text);
                }
            }
        }
    }
    assert!(named > 50, "{named}");
}

#[test]
fn a_link_that_nobody_made_is_said_to_rest_on_what_both_have() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let (graph, scorer) = (snapshot.graph(), snapshot.scorer());
    let mut said = 0;
    for user in graph.users() {
        let profile = scorer.profile(user);
        let explainer = Explainer::new(graph, &profile);
        let walk = scorer.walk(&profile);
        for item in graph.items() {
            let candidate = Candidate::gather(&walk, Scored { item, score: 1.0 });
            for piece in &candidate.pieces {
                let reason = explainer.reason(item, piece);
                if !reason.text.contains("(both: ") {
                    continue;
                }
                let facts = reason
                    .claims
                    .iter()
                    .filter(|claim| claim.kind == ClaimKind::Fact);
                assert!(reason.verdict.holds() && facts.count() >= 2, "{reason:?}");
                said += 1;
            }
        }
    }
    assert!(said > 0);
}

#[test]
fn a_list_has_themes_that_hold_of_its_items() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let (mut themes, mut ways) = (0, BTreeSet::new());
    for user in 0..20 {
        let request = Request::for_user(&format!("u{user}"), 10);
        let answer = shop.engine.recommend(&snapshot, &request, None).unwrap();
        let items: Vec<&String> = answer.recommendations.iter().map(|r| &r.item).collect();
        let mut told = BTreeSet::new();
        for theme in &answer.themes {
            assert!(theme.verdict.holds() && theme.items.len() > 1, "{theme:?}");
            assert!(
                theme
                    .text
                    .starts_with(&format!("{} of 10 ", theme.items.len()))
            );
            assert!(theme.items.iter().all(|item| items.contains(&item)));
            told.extend(theme.items.iter().cloned());
            for item in &theme.items {
                let about = |claim: &kenning::explanation::Claim| {
                    claim.subject == *item || claim.object.as_ref() == Some(item)
                };
                assert!(theme.claims.iter().any(about), "{theme:?}");
            }
            ways.insert(
                theme
                    .text
                    .split_whitespace()
                    .nth(3)
                    .unwrap_or_default()
                    .to_owned(),
            );
            themes += 1;
        }
        assert!(told.len() >= 5, "{:?}", answer.themes);
    }
    assert!(themes > 30 && ways.len() > 1, "{themes} {ways:?}");
}

#[test]
fn a_comparison_adds_up_to_the_difference_of_the_scores() {
    let shop = Shop::new(2);
    let snapshot = shop.snapshot();
    let bounds = (&LIMITS, &Cancel::default());
    for user in 0..20 {
        let request = Request::for_user(&format!("u{user}"), 5);
        let list = shop.engine.recommend(&snapshot, &request, None).unwrap();
        let [first, second, fourth] = [0, 1, 3].map(|i: usize| &list.recommendations[i]);
        for (against, expected) in [(None, second), (Some(fourth.item.clone()), fourth)] {
            let about = About {
                request: request.clone(),
                item: first.item.clone(),
                against,
            };
            let compared = shop
                .engine
                .why(&snapshot, &about, bounds)
                .unwrap()
                .compared
                .unwrap();
            assert_eq!(compared.item, expected.item);
            assert!((compared.score - expected.score).abs() < 1e-12);
            let sum: f64 = compared.differences.iter().map(|d| d.here - d.there).sum();
            assert!((sum - (first.score - compared.score)).abs() < 1e-9);
            assert!(compared.differences.len() > 1);
        }
    }
    let about = About {
        request: Request::for_user("u1", 5),
        item: "p1".into(),
        against: Some("p999".into()),
    };
    assert!(shop.engine.why(&snapshot, &about, bounds).is_err());
}

#[test]
fn what_answers_will_rely_on_is_told_before() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let bounds = (&LIMITS, &Cancel::default());
    let found = shop
        .engine
        .foresee(&snapshot, &Request::for_user("u3", 10), bounds)
        .unwrap();
    let user = graph.find_user("u3").unwrap();
    assert_eq!(found.user.history, graph.met(user).len());
    let met = |iri: &String| graph.met(user).contains(&graph.find_item(iri).unwrap());
    assert!(
        found.events.len() == found.user.history.min(10)
            && found.events.iter().all(|event| met(&event.item))
    );
    assert!(
        found
            .events
            .windows(2)
            .all(|pair| pair[0].count >= pair[1].count)
    );
    let shares: f64 = found.relies_on.iter().map(|way| way.share).sum();
    assert!(
        (shares - 1.0).abs() < 1e-9 && found.relies_on.len() > 3,
        "{found:?}"
    );
    let brand = found
        .leanings
        .iter()
        .find(|l| l.property == "https://schema.org/brand")
        .unwrap();
    // Every item has one brand, so shares are shares of the whole.
    let all: f64 = brand.things.iter().map(|thing| thing.share).sum();
    assert!(
        (brand.known - 1.0).abs() < 1e-9 && (all - 1.0).abs() < 1e-9,
        "{brand:?}"
    );
    assert!(
        found.missing.iter().any(|said| said.contains("vectors")),
        "{:?}",
        found.missing
    );
    let stranger = shop
        .engine
        .foresee(&snapshot, &Request::for_user("nobody", 10), bounds)
        .unwrap();
    assert!(stranger.events.is_empty() && stranger.leanings.is_empty());
    assert!(
        stranger.missing[0].starts_with("nothing was met"),
        "{:?}",
        stranger.missing
    );
}
