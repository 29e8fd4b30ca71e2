//! The log of decisions: asked in SPARQL, answered again, told what became of it.

mod erase;
mod replay;

use crate::shop::Shop;
use kenning::Result;
use kenning::config::Project;
use kenning::engine::{Became, Engine, Live, Request, TellOutcome, Told, limits};
use kenning::llm::{self, Completion, Finish, LanguageModel, TokenCounter, tokens};
use kenning::sparql::{Cancel, Update};
use kenning::{Error, ErrorKind};
use oxrdf::Term;
use std::sync::Arc;

/// Ranks the candidates from the last to the first and cites what comes first; now and then it fails.
pub struct Scripted(pub usize);

impl LanguageModel for Scripted {
    fn id(&self) -> &str {
        "scripted"
    }

    fn context_tokens(&self) -> usize {
        100_000
    }

    fn counter(&self) -> Arc<dyn TokenCounter> {
        tokens::approximate()
    }

    fn complete(&mut self, request: &llm::Request) -> Result<Completion> {
        self.0 += 1;
        if self.0.is_multiple_of(7) {
            return Err(Error::unavailable("the script has a pause").at("scene 7"));
        }
        let text = &request.messages[1].content;
        let candidates = (1..100)
            .take_while(|n| text.contains(&format!("c{n}: ")) || text.contains(&format!("c{n} ")));
        let ids: Vec<String> = candidates.map(|n| format!("c{n}")).collect();
        let ranking: Vec<&String> = ids.iter().rev().collect();
        let because: serde_json::Map<_, _> = ids
            .iter()
            .map(|id| (id.clone(), serde_json::json!(["e1", "e2", "e77"])))
            .collect();
        let text = match self.0.is_multiple_of(11) {
            true => "I would rather not say.".to_owned(),
            false => serde_json::json!({ "ranking": ranking, "because": because }).to_string(),
        };
        Ok(Completion {
            text,
            prompt_tokens: 1000,
            completion_tokens: 100,
            finish: Finish::Stop,
        })
    }
}

pub fn live(shop: &Shop) -> Live {
    let root = shop.engine.project().root().to_owned();
    Live::open(Engine::open(Project::open(&root).unwrap()).unwrap()).unwrap()
}

fn ask(live: &Live, query: &str) -> Vec<String> {
    let limits = limits(&live.engine().project().settings().query);
    let snapshot = live.current();
    let found = snapshot.dataset().ask(query, &limits);
    let found = found.unwrap_or_else(|e| panic!("{query}: {e:?}"));
    let text = |value: &Option<Term>| match value {
        None => "-".to_owned(),
        Some(Term::Literal(literal)) => literal.value().to_owned(),
        Some(term) => term.to_string(),
    };
    let row = |row: &Vec<Option<Term>>| row.iter().map(text).collect::<Vec<_>>().join(" ");
    found.solutions.iter().map(row).collect()
}

#[test]
fn a_decision_is_an_activity_with_all_that_it_rested_on() {
    let shop = Shop::new(1);
    let live = live(&shop);
    assert_eq!(ask(&live, "SELECT ?d { ?d a kenning:Decision }"), [""; 0]);
    let mut model = Scripted(0);
    let request = Request::for_user("u3", 4);
    let snapshot = live.current();
    let answer = live
        .engine()
        .recommend(&snapshot, &request, Some(&mut model))
        .unwrap();
    let id = answer.decision.as_deref().unwrap();
    let decision = format!("<urn:kenning:decision:{id}>");

    let one = |what: &str| ask(&live, &format!("SELECT ?x {{ {decision} {what} ?x }}")).join(", ");
    assert_eq!(
        one("prov:wasAssociatedWith"),
        "<https://example.org/shop/user/u3>"
    );
    assert_eq!(
        one("prov:used"),
        format!("<urn:kenning:snapshot:{}>", answer.snapshot)
    );
    assert_eq!(one("kenning:rung"), "model");
    assert_eq!(one("kenning:model"), "scripted");
    assert_eq!(one("kenning:promptTokens"), "1000");
    let prompt = &answer.prompt.as_ref().unwrap().id;
    assert_eq!(
        one("kenning:prompt"),
        format!("<urn:kenning:prompt:{prompt}>")
    );
    assert!(one("kenning:request").contains("\"user\":\"u3\""));
    let claims = &answer.claims;
    assert_eq!(one("kenning:claimsVerified"), claims.verified.to_string());
    assert_eq!(
        one("kenning:claimsUnsupported"),
        claims.unsupported.to_string()
    );
    assert_eq!(one("kenning:cost"), "", "there are no prices");
    let spans = format!(
        "SELECT ?x {{ {decision} prov:startedAtTime ?a ; prov:endedAtTime ?b FILTER(?a <= ?b) BIND(1 AS ?x) }}"
    );
    assert_eq!(ask(&live, &spans), ["1"]);

    // What was shown, in its order, and the facts that it was shown for.
    let shown = format!(
        "SELECT ?i {{ {decision} kenning:exposed ?e . ?e kenning:rank ?r ; kenning:item ?i }} ORDER BY ?r"
    );
    let items: Vec<String> = answer
        .recommendations
        .iter()
        .map(|r| format!("<{}>", r.item))
        .collect();
    assert_eq!(ask(&live, &shown), items);
    let candidates = format!("SELECT (COUNT(*) AS ?n) {{ {decision} kenning:candidate ?i }}");
    assert_eq!(ask(&live, &candidates), ["10"]);
    let edges: std::collections::BTreeSet<String> = answer
        .recommendations
        .iter()
        .flat_map(|r| &r.reasons)
        .flat_map(|r| &r.evidence)
        .map(|e| format!("<{e}>"))
        .collect();
    assert!(!edges.is_empty());
    let used = format!("SELECT DISTINCT ?x {{ {decision} kenning:exposed/prov:used ?x }}");
    assert_eq!(
        ask(&live, &used)
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>(),
        edges
    );
    // Each of them is the reifier of a fact that is told with it.
    let facts = format!(
        "SELECT DISTINCT ?x {{ {decision} kenning:exposed ?e . ?e prov:used ?x ; kenning:evidence ?fact . ?x rdf:reifies ?fact }}"
    );
    assert_eq!(
        ask(&live, &facts)
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>(),
        edges
    );
    let parts = format!(
        "SELECT DISTINCT ?u {{ {decision} kenning:exposed/kenning:evidence <<( ?u kenning:interacted ?i )>> }}"
    );
    assert_eq!(ask(&live, &parts), ["<https://example.org/shop/user/u3>"]);

    // All of it is one named graph, and no part of what other queries see.
    let graph = format!("SELECT ?n {{ GRAPH kenning:decisions {{ {decision} kenning:rung ?n }} }}");
    assert_eq!(ask(&live, &graph), ["model"]);
    assert_eq!(
        ask(
            &live,
            &format!("SELECT ?g {{ GRAPH ?g {{ {decision} kenning:rung ?n }} }}")
        ),
        ["<https://w3id.org/kenning#decisions>"]
    );
    assert_eq!(
        ask(
            &live,
            &format!("SELECT ?n FROM kenning:decisions {{ {decision} kenning:rung ?n }}")
        ),
        ["model"]
    );
    assert_eq!(
        ask(
            &live,
            &format!("SELECT ?n FROM kenning:interactions {{ {decision} kenning:rung ?n }}")
        ),
        [""; 0]
    );
    let everything = "SELECT (COUNT(*) AS ?n) { ?s prov:endedAtTime ?o }";
    assert_eq!(ask(&live, everything), ["0"]);

    // Once the graph is another one, edges have other numbers, and facts are what they were.
    drop(snapshot);
    let limits = limits(&live.engine().project().settings().query);
    let more = Update::parse("INSERT DATA { <urn:a> rdfs:label 'a' }", None).unwrap();
    live.update(&more, &limits, &Cancel::default()).unwrap();
    let before = ask(
        &live,
        &format!("SELECT ?f {{ {decision} kenning:exposed/kenning:evidence ?f }} ORDER BY STR(?f)"),
    )
    .len();
    shop.engine.build(None, &kenning::model::Unwatched).unwrap();
    live.refresh().unwrap();
    assert_eq!(ask(&live, &used), [""; 0]);
    let after = ask(
        &live,
        &format!("SELECT ?f {{ {decision} kenning:exposed/kenning:evidence ?f }} ORDER BY STR(?f)"),
    )
    .len();
    assert_eq!(before, after);
}

#[test]
fn decisions_cannot_be_changed_by_updates() {
    let shop = Shop::new(2);
    let live = live(&shop);
    let limits = limits(&live.engine().project().settings().query);
    for text in [
        "INSERT DATA { <urn:kenning:decision:0> kenning:rung 'model' }",
        "INSERT DATA { GRAPH kenning:decisions { <urn:a> <urn:b> <urn:c> } }",
        "CLEAR GRAPH kenning:decisions",
        "DELETE DATA { <urn:kenning:decision:0> kenning:rung 'model' }",
    ] {
        let update = Update::parse(text, None).unwrap();
        let error = live
            .update(&update, &limits, &Cancel::default())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input, "{text}");
        assert!(
            error.message().contains("virtual triples"),
            "{text}: {error}"
        );
    }
}

#[test]
fn what_became_of_an_item_is_told_or_follows_from_events() {
    let shop = Shop::new(3);
    let live = live(&shop);
    let answer = |user: &str| {
        let request = Request::for_user(user, 3);
        live.engine()
            .recommend(&live.current(), &request, None)
            .unwrap()
    };
    let (first, second) = (answer("u1"), answer("u1"));
    let outcomes = "SELECT ?d ?rank ?outcome { ?d kenning:exposed ?e . ?e kenning:rank ?rank ; kenning:outcome ?outcome ; kenning:outcomeAt ?at }
                    ORDER BY ?d ?rank";
    let row = |answer: &kenning::engine::Answer, rest: &str| {
        format!(
            "<urn:kenning:decision:{}> {rest}",
            answer.decision.as_deref().unwrap()
        )
    };
    let tell = |answer: &kenning::engine::Answer, rank: usize, outcome: Became| {
        live.engine().tell_outcome(
            &live.current(),
            &TellOutcome {
                decision: answer.decision.clone().unwrap(),
                item: answer.recommendations[rank - 1].item.clone(),
                outcome,
                time: None,
            },
        )
    };
    tell(&first, 2, Became::Rejected).unwrap();
    assert_eq!(ask(&live, outcomes), [row(&first, "2 rejected")]);
    // The last word counts.
    tell(&first, 2, Became::Accepted).unwrap();
    assert_eq!(ask(&live, outcomes), [row(&first, "2 accepted")]);

    // An event is an outcome of the last decision that showed its item; of an item that nobody showed, of none.
    let limits = limits(&live.engine().project().settings().query);
    let told = |user: &str, item: &str, time: Option<i64>, weight: f32| Told {
        user: user.into(),
        item: item.into(),
        time,
        weight,
    };
    let shown = &second.recommendations;
    let now = jiff_now();
    let events = [
        told("u1", &shown[0].item, None, 1.0),
        told("u1", &shown[2].item, Some(now), -1.0),
        told("u2", &shown[1].item, None, 1.0),
        told("u1", &shown[1].item, Some(now - 86_400), 1.0),
    ];
    live.tell(&events, &limits, &Cancel::default()).unwrap();
    let expected = [
        row(&first, "2 accepted"),
        row(&second, "1 accepted"),
        row(&second, "3 rejected"),
    ];
    assert_eq!(ask(&live, outcomes), expected);

    let unknown = live.engine().tell_outcome(
        &live.current(),
        &TellOutcome {
            decision: first.decision.clone().unwrap(),
            item: "p999".into(),
            outcome: Became::Accepted,
            time: None,
        },
    );
    assert_eq!(unknown.unwrap_err().kind(), ErrorKind::NotFound);
}

fn jiff_now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap().as_secs() as i64
}
