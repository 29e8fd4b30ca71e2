//! What reasons claim is asked for over HTTP, in plain SPARQL; and a model that lies gets nothing through.

pub mod asked;

use crate::explanation::Parrot;
use crate::server::start;
use crate::shop::{Numbers, Shop};
use crate::support;
use asked::{Asker, Endpoint, Oracle};
use kenning::config::Project;
use kenning::engine::{About, Engine, Request, Snapshot, Strictness};
use kenning::intake::{Mapping, preset};
use kenning::model::{Unwatched, term};
use kenning::server::Server;
use kenning::sparql::{Cancel, Limits};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use ureq::Agent;

const LIMITS: Limits = Limits {
    time: Duration::from_secs(60),
    rows: 100_000,
    memory: 1 << 30,
};

/// A project that is served.
struct Served {
    server: Server,
    agent: Agent,
    users: Vec<String>,
    _folder: TempDir,
}

impl Served {
    fn new(mapping: Mapping, dump: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("project");
        let engine = Engine::open(Project::init(&root, "claims").unwrap()).unwrap();
        let imported = engine.import(mapping, dump, Strictness::Lenient, &Unwatched);
        imported.unwrap();
        engine.build(None, &Unwatched).unwrap();
        let snapshot = engine.snapshot().unwrap();
        let graph = snapshot.graph();
        let name = |user| term::as_iri(graph.term(user)).unwrap().to_owned();
        let users = graph.users().map(name).collect();
        drop((snapshot, engine));
        Self {
            // A short prompt: it is not looked at.
            server: start(&root, &[("prompt.candidates", "3")]).unwrap(),
            agent: Agent::new_with_defaults(),
            users,
            _folder: folder,
        }
    }

    fn post(&self, path: &str, media: &str, body: &str) -> Value {
        let sent = self
            .agent
            .post(format!("http://{}{path}", self.server.address()))
            .header("content-type", media)
            .header(
                "accept",
                "application/sparql-results+json, application/json",
            )
            .send(body);
        let text = sent.unwrap().body_mut().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

impl Endpoint for &Served {
    fn query(&self, text: &str) -> Value {
        self.post("/sparql", "application/sparql-query", text)
    }
}

/// Asks for every claim that is shown to some of the users; all have to hold. `benches/explanation.rs` asks for a thousand.
fn every_claim_holds(served: &Served, most: usize, kinds: &[&str]) {
    let asker = Asker::new(served);
    let step = served.users.len().div_ceil(most).max(1);
    for user in served.users.iter().step_by(step) {
        let request = json!({ "user": user, "k": 3 }).to_string();
        let answer = served.post("/v1/recommend", "application/json", &request);
        assert_eq!(answer["recommendations"].as_array().unwrap().len(), 3);
        let wrong = asker.wrong(&answer);
        assert!(wrong.is_empty(), "{user}:\n{}", wrong.join("\n"));
    }
    let seen = asker.seen.borrow();
    for kind in kinds {
        assert!(seen.get(*kind).is_some_and(|n| *n > 20), "{kind}: {seen:?}");
    }
}

#[test]
fn claims_to_the_users_of_the_gift_shop_hold_in_sparql() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("graphs/gift-shop");
    let mapping = std::fs::read_to_string(sample.join("mapping.toml")).unwrap();
    let served = Served::new(Mapping::parse(&mapping, "mapping.toml").unwrap(), &sample);
    every_claim_holds(&served, 30, &["met", "linked", "together", "linked-from"]);
}

#[test]
fn claims_to_the_users_of_films_hold_in_sparql() {
    let Some(dump) = support::data("ml-latest-small") else {
        return;
    };
    let served = Served::new(preset("movielens").unwrap(), &dump);
    every_claim_holds(&served, 8, &["met", "linked", "together", "linked-from"]);
}

/// The shop, asked without a server.
struct Local<'s>(&'s Snapshot);

impl Oracle for Local<'_> {
    fn holds(&self, query: &str) -> bool {
        let found = self.0.dataset().ask(query, &LIMITS).unwrap();
        found.boolean.unwrap()
    }

    fn number(&self, query: &str) -> u64 {
        let texts = self.texts(query);
        texts[0].parse().unwrap()
    }

    fn texts(&self, query: &str) -> Vec<String> {
        let found = self.0.dataset().ask(query, &LIMITS).unwrap();
        let text = |term: &oxrdf::Term| match term {
            oxrdf::Term::Literal(literal) => literal.value().to_owned(),
            other => other.to_string(),
        };
        let first = found
            .solutions
            .iter()
            .map(|row| text(row[0].as_ref().unwrap()));
        first.collect()
    }
}

/// A reply that tries to have something said that is not so.
fn lie(numbers: &mut Numbers) -> String {
    let odd = [
        "e0",
        "e01",
        "E3",
        "e999",
        "urn:kenning:edge:5",
        "p3",
        "e1 e2",
        "c1",
        "everyone loves it",
    ];
    let mut evidence = || match numbers.below(4) {
        0 => odd[numbers.below(odd.len() as u64) as usize].to_owned(),
        _ => format!("e{}", 1 + numbers.below(70)),
    };
    let cited = (1..=10).map(|c| {
        let ids: Vec<String> = (0..8).map(|_| evidence()).collect();
        (format!("c{c}"), json!(ids))
    });
    let because: serde_json::Map<String, Value> = cited.collect();
    let ranking: Vec<String> = (0..6)
        .map(|_| format!("c{}", 1 + numbers.below(12)))
        .collect();
    let honest = json!({ "ranking": ranking, "because": because });
    match numbers.below(6) {
        0 => format!("```json\n{honest}\n```"),
        1 => format!("{honest}\nPeople who bought it were never ill again."),
        2 => {
            json!({ "ranking": ranking, "because": because, "says": "never ill again" }).to_string()
        }
        3 => json!({ "ranking": ranking, "because": { "c1": ["never ill again"] } }).to_string(),
        _ => honest.to_string(),
    }
}

#[test]
fn five_hundred_lies_get_nothing_through() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let asker = Asker::new(Local(&snapshot));
    let mut numbers = Numbers::new(17);
    let (mut by_model, mut refused) = (0, 0);
    for round in 0..500 {
        let user = format!("u{}", round % 59);
        let request = Request::for_user(&user, 5);
        let mut parrot = Parrot(lie(&mut numbers));
        let answer = shop
            .engine
            .recommend(&snapshot, &request, Some(&mut parrot));
        let answer = answer.unwrap();
        by_model += usize::from(answer.rung.name() == "model");
        refused += answer.claims.unsupported + answer.claims.contradicted;
        let answer = serde_json::to_value(&answer).unwrap();
        let wrong = asker.wrong(&answer);
        assert!(wrong.is_empty(), "{}:\n{}", parrot.0, wrong.join("\n"));
        let shown = answer["recommendations"].to_string();
        for prose in ["never ill", "everyone loves"] {
            assert!(!shown.contains(prose), "{}", parrot.0);
        }
        if round % 25 == 0 {
            the_contributions_are_the_items_own(&shop, &snapshot, &user, &answer);
        }
    }
    // Replies to a prompt that was answered before come from the journal.
    assert!(by_model > 20 && refused > 500, "{by_model} {refused}");
}

/// What a shown reason adds is what paths of this item add.
fn the_contributions_are_the_items_own(
    shop: &Shop,
    snapshot: &Snapshot,
    user: &str,
    answer: &Value,
) {
    for item in answer["recommendations"].as_array().unwrap() {
        let about = About {
            request: Request::for_user(user, 5),
            item: item["item"].as_str().unwrap().to_owned(),
            against: None,
        };
        let why = shop
            .engine
            .why(snapshot, &about, (&LIMITS, &Cancel::default()));
        let edges: BTreeSet<String> = why
            .unwrap()
            .reasons
            .into_iter()
            .flat_map(|reason| reason.evidence)
            .collect();
        for reason in item["reasons"].as_array().unwrap() {
            let evidence = reason["evidence"].as_array().unwrap();
            let own = |edge: &Value| edges.contains(edge.as_str().unwrap());
            assert!(evidence.iter().all(own), "{reason}");
        }
    }
}
