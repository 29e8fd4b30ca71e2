//! Reasons: what is shown holds when SPARQL is asked, and what does not hold is not shown.

use crate::shop::Shop;
use kenning::engine::{Request, Snapshot};
use kenning::explanation::{Explainer, Statement, Verdict, check};
use kenning::graph::Graph;
use kenning::graph::changes::Changes;
use kenning::llm::{Completion, Finish, LanguageModel, TokenCounter, tokens};
use kenning::model::LinkKind;
use kenning::scoring::{Profile, Scored, Scorer};
use kenning::selection::Candidate;
use kenning::sparql::{Dataset, Limits};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// A model that says what it is told to.
pub struct Parrot(pub String);

impl LanguageModel for Parrot {
    fn id(&self) -> &str {
        "parrot"
    }

    fn context_tokens(&self) -> usize {
        4096
    }

    fn counter(&self) -> Arc<dyn TokenCounter> {
        tokens::approximate()
    }

    fn complete(&mut self, _: &kenning::llm::Request) -> kenning::Result<Completion> {
        Ok(Completion {
            text: self.0.clone(),
            prompt_tokens: 1,
            completion_tokens: 1,
            finish: Finish::Stop,
        })
    }
}

fn asked(graph: &Graph, text: &str) -> bool {
    let limits = Limits {
        time: Duration::from_secs(30),
        rows: 10,
        memory: 1 << 30,
    };
    let found = Dataset::new(graph, &Changes::none(graph)).ask(text, &limits);
    found.unwrap().boolean.expect("an ASK")
}

#[test]
fn every_edge_of_every_shown_reason_can_be_asked_for() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let mut verdicts = BTreeSet::new();
    for user in 0..59 {
        let request = Request::for_user(&format!("u{user}"), 5);
        let answer = shop.engine.recommend(&snapshot, &request, None).unwrap();
        assert_eq!(answer.recommendations.len(), 5);
        for item in &answer.recommendations {
            assert!(!item.reasons.is_empty(), "{item:?}");
            for reason in &item.reasons {
                assert!(reason.verdict.holds(), "{reason:?}");
                verdicts.insert(reason.verdict);
                let edges = reason
                    .evidence
                    .iter()
                    .map(|e| format!("<{e}> rdf:reifies ?t{} . ", e.len()));
                let pattern: String = edges.take(1).collect();
                assert!(
                    pattern.is_empty() || asked(graph, &format!("ASK {{ {pattern} }}")),
                    "{reason:?}"
                );
                assert!(
                    reason
                        .evidence
                        .iter()
                        .all(|e| asked(graph, &format!("ASK {{ <{e}> rdf:reifies ?t }}")))
                );
            }
        }
    }
    assert!(
        verdicts.contains(&Verdict::Verified) && verdicts.contains(&Verdict::Aggregate),
        "{verdicts:?}"
    );
}

/// Counts that reasons state, counted by SPARQL and not by our own code.
#[test]
fn stated_counts_are_those_that_sparql_counts() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let mut checked = 0;
    for item in graph.items() {
        let row = graph.links(LinkKind::CoOccursWith, item);
        for (&to, &support) in row.to.iter().zip(row.support).take(3) {
            let [a, b] = [item, to].map(|i| kenning::model::term::as_iri(graph.term(i)).unwrap());
            let count = format!(
                "SELECT (COUNT(DISTINCT ?u) AS ?n) {{ ?u kenning:interacted <{a}>, <{b}> }}"
            );
            assert!(
                asked(
                    graph,
                    &format!("ASK {{ {{ {count} }} FILTER(?n = {support}) }}")
                ),
                "{a} {b}"
            );
            let together = |count| Statement::Together {
                kind: LinkKind::CoOccursWith,
                from: item,
                to,
                count,
            };
            assert_eq!(check(graph, &together(support)), Verdict::Aggregate);
            assert_eq!(check(graph, &together(support + 1)), Verdict::Contradicted);
            checked += 1;
        }
    }
    assert!(checked > 100);
}

#[test]
fn links_of_every_kind_are_borne_out_by_the_events() {
    let shop = Shop::new(6);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    for kind in [
        LinkKind::FollowedBy,
        LinkKind::BoughtWith,
        LinkKind::CoOccursWith,
    ] {
        for item in graph.items() {
            let row = graph.links(kind, item);
            for (&to, &count) in row.to.iter().zip(row.support) {
                let claim = |count| Statement::Together {
                    kind,
                    from: item,
                    to,
                    count,
                };
                assert_eq!(check(graph, &claim(count)), Verdict::Aggregate, "{kind:?}");
                assert_eq!(
                    check(graph, &claim(count + 1)),
                    Verdict::Contradicted,
                    "{kind:?}"
                );
            }
        }
    }
}

#[test]
fn statements_that_the_graph_does_not_bear_out_are_told_apart() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let brand = graph.find_iri("https://schema.org/brand").unwrap();
    let motif = graph.find_iri("https://w3id.org/kenning#motif").unwrap();
    let item = graph.find_item("p3").unwrap();
    let [_, made_by] = graph.objects(item, brand)[0];
    let other = graph
        .pairs(brand)
        .iter()
        .map(|pair| pair[0])
        .find(|&b| b != made_by)
        .unwrap();
    let [_, shown] = graph.objects(item, motif)[0];
    let (user, stranger) = (
        graph.find_user("u3").unwrap(),
        graph.find_user("u4").unwrap(),
    );
    let met = graph
        .met(user)
        .iter()
        .copied()
        .find(|i| !graph.met(stranger).contains(i))
        .unwrap();
    let people = graph.met_by(met).len() as u32;
    for (statement, expected) in [
        (Statement::Fact([item, brand, made_by]), Verdict::Verified),
        (Statement::Fact([item, brand, other]), Verdict::Unsupported),
        (Statement::Fact([item, motif, shown]), Verdict::Verified),
        (
            Statement::Fact([u32::MAX, brand, other]),
            Verdict::Unsupported,
        ),
        (Statement::Met { user, item: met }, Verdict::Verified),
        (
            Statement::Met {
                user: stranger,
                item: met,
            },
            Verdict::Unsupported,
        ),
        (
            Statement::MetBy {
                item: met,
                count: people,
            },
            Verdict::Aggregate,
        ),
        (
            Statement::MetBy {
                item: met,
                count: people + 1,
            },
            Verdict::Contradicted,
        ),
        (
            Statement::MetBy {
                item: user,
                count: 1,
            },
            Verdict::Unsupported,
        ),
        (
            Statement::InDemand {
                predicate: brand,
                entity: made_by,
            },
            Verdict::Aggregate,
        ),
        (
            Statement::InDemand {
                predicate: motif,
                entity: made_by,
            },
            Verdict::Unsupported,
        ),
        (
            Statement::Similar {
                from: item,
                to: met,
            },
            Verdict::Unsupported,
        ),
    ] {
        assert_eq!(check(graph, &statement), expected, "{statement:?}");
    }
}

fn gathered(snapshot: &Snapshot, user: &str) -> (Profile, Vec<Candidate>) {
    let scorer: Scorer = snapshot.scorer();
    let profile = scorer.profile(snapshot.graph().find_user(user).unwrap());
    let items = snapshot.graph().items();
    let scored = items.map(|item| Scored {
        item,
        score: scorer.score(&profile, item),
    });
    let candidates = scored
        .map(|s| Candidate::gather(&scorer.walk(&profile), s))
        .collect();
    (profile, candidates)
}

#[test]
fn evidence_speaks_for_its_own_item_and_its_own_user_only() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let (profile, candidates) = gathered(&snapshot, "u3");
    let (other, _) = gathered(&snapshot, "u9");
    let explainer = Explainer::new(snapshot.graph(), &profile);
    let stranger = Explainer::new(snapshot.graph(), &other);
    let mut foreign = 0;
    for pair in candidates.windows(2) {
        for piece in &pair[0].pieces {
            assert!(explainer.verdict(pair[0].item, piece).holds(), "{piece:?}");
            assert_eq!(explainer.verdict(pair[1].item, piece), Verdict::Unsupported);
            let shared = piece
                .from
                .iter()
                .all(|i| snapshot.graph().met(other.user.unwrap()).contains(i));
            if !shared {
                assert_eq!(
                    stranger.verdict(pair[0].item, piece),
                    Verdict::Unsupported,
                    "{piece:?}"
                );
                foreign += 1;
            }
        }
    }
    assert!(foreign > 100);
}

#[test]
fn a_model_that_lies_gets_no_claim_through() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let mut refused = 0;
    for user in 0..59 {
        let request = Request::for_user(&format!("u{user}"), 5);
        // Every candidate cites everything, as if all of it were about each.
        let everything: Vec<String> = (1..60).map(|e| format!("\"e{e}\"")).collect();
        let because: Vec<String> = (1..=10)
            .map(|c| format!("\"c{c}\": [{}]", everything.join(",")))
            .collect();
        let reply = format!(
            "{{\"ranking\": [\"c5\",\"c3\"], \"because\": {{{}}}}}",
            because.join(",")
        );
        let honest = shop.engine.recommend(&snapshot, &request, None).unwrap();
        let answer = shop
            .engine
            .recommend(&snapshot, &request, Some(&mut Parrot(reply)))
            .unwrap();
        assert_eq!(
            answer.recommendations[0].item, honest.recommendations[4].item,
            "the model's order is kept"
        );
        refused += answer.claims.unsupported;
        let item =
            |i: &kenning::engine::Recommendation| snapshot.graph().find_item(&i.item).unwrap();
        for shown in &answer.recommendations {
            for reason in &shown.reasons {
                assert!(reason.verdict.holds());
                let own = reason.evidence.iter().any(|e| {
                    let id = e.rsplit(':').next().unwrap().parse().unwrap();
                    let edge = snapshot
                        .graph()
                        .edge(kenning::model::EvidenceId(id))
                        .unwrap();
                    format!("{edge:?}").contains(&item(shown).to_string())
                });
                assert!(
                    own || reason.evidence.is_empty(),
                    "{reason:?} is not about {}",
                    shown.item
                );
            }
        }
        let faults = answer.reply.unwrap().faults;
        assert!(
            faults.unknown_evidence > 0 && faults.omitted > 0,
            "{faults:?}"
        );
    }
    assert!(refused > 59, "lies were counted: {refused}");
}

#[test]
fn a_reply_is_asked_for_once_and_garbage_never_kept() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let request = Request::for_user("u3", 3);
    let rung = |reply: &str| {
        let mut parrot = Parrot(reply.into());
        let answer = shop
            .engine
            .recommend(&snapshot, &request, Some(&mut parrot))
            .unwrap();
        (
            answer.rung.name(),
            answer.notes,
            answer.recommendations[0].item.clone(),
        )
    };
    let (name, notes, first) = rung("I would rather not.");
    assert_eq!(name, "graph");
    assert!(
        notes[0].starts_with("the model's answer was not used"),
        "{notes:?}"
    );
    let (name, _, second) = rung("{\"ranking\": [\"c2\"]}");
    assert_eq!(name, "model");
    assert_ne!(first, second);
    let (name, _, kept) = rung("I would rather not.");
    assert_eq!((name, kept), ("cache", second));
    let decisions = shop.engine.journal().decisions(10).unwrap();
    let rungs: Vec<&str> = decisions.iter().map(|d| d.record.rung.as_str()).collect();
    assert_eq!(rungs, ["cache", "model", "graph"], "the newest first");
    assert!(decisions[2].record.error.is_some());
    let prompt = decisions[1].record.prompt_id.as_ref().unwrap();
    let text = shop.engine.journal().prompt(prompt).unwrap();
    assert_eq!(
        kenning::journal::prompt_id(&text),
        *prompt,
        "the journal keeps every byte"
    );
}

#[test]
fn strangers_sessions_and_given_candidates_are_answered() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let ask = |request: Request| shop.engine.recommend(&snapshot, &request, None);
    let stranger = ask(Request::for_user("nobody", 4)).unwrap();
    assert_eq!(stranger.rung.name(), "popularity");
    assert!(!stranger.user.known && stranger.notes[0].contains("does not know the user `nobody`"));
    assert!(
        stranger
            .recommendations
            .iter()
            .all(|i| !i.reasons.is_empty())
    );

    let session = Request {
        session: vec!["p3".into(), "p5".into()],
        k: 4,
        ..Request::default()
    };
    let answer = ask(session).unwrap();
    assert_eq!((answer.rung.name(), answer.user.history), ("graph", 2));
    assert!(
        answer
            .recommendations
            .iter()
            .all(|i| !["p3", "p5"].iter().any(|p| i.item.ends_with(p)))
    );

    let among: Vec<String> = ["p1", "p2", "p3", "p4"].map(String::from).into();
    let given = Request {
        candidates: among,
        exclude: vec!["p2".into()],
        ..Request::for_user("u3", 10)
    };
    let mut items: Vec<String> = ask(given)
        .unwrap()
        .recommendations
        .into_iter()
        .map(|i| i.label)
        .collect();
    items.sort();
    assert_eq!(items.len(), 3);

    let wrong = Request {
        exclude: vec!["p999".into()],
        ..Request::for_user("u3", 4)
    };
    assert_eq!(
        ask(wrong).unwrap_err().message(),
        "there is no item `p999` in the graph"
    );
    assert!(ask(Request::for_user("u3", 0)).is_err());
}
