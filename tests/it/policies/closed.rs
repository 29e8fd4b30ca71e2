//! What cannot be checked blocks; what was decided under policies comes again; and they can be tried.

use super::{NO_BRAND, Watched, set};
use crate::program::{BUILD, Desk};
use kenning::engine::Request;

#[test]
fn what_cannot_be_checked_blocks() {
    let watched = Watched::new(NO_BRAND);
    let request = Request::for_user("u1", 3);
    let snapshot = watched.shop.snapshot();
    let ask = || watched.shop.engine.recommend(&snapshot, &request, None);
    ask().unwrap();
    let decisions = || {
        watched
            .shop
            .engine
            .journal()
            .last_decisions(usize::MAX)
            .unwrap()
            .len()
    };
    for (policies, expected) in [
        (":a a kenning:Policy", "not valid Turtle"),
        (":a a kenning:Policy .", "demands nothing"),
        (
            ":a a kenning:Policy ; kenning:sensitve schema:brand .",
            "kenning:sensitve, which no policy understands",
        ),
        (
            ":a a kenning:Policy ; kenning:sensitive \"brand\" .",
            "as kenning:sensitive",
        ),
        (
            ":a a kenning:Policy ; kenning:minimumSupport \"many\" .",
            "as kenning:minimumSupport",
        ),
        (
            ":a a kenning:Policy ; kenning:minimumSupport 3 ; kenning:gate kenning:everywhere .",
            "as kenning:gate",
        ),
        (
            ":a a kenning:Policy ; sh:not [ sh:path schema:brand ; sh:minCount 1 ] .",
            "sh:not, which no policy understands",
        ),
        (
            ":a a kenning:Policy, sh:NodeShape ; sh:mincount 1 .",
            "which is not in SHACL",
        ),
        (
            ":a a sh:NodeShape ; sh:targetClass schema:Product ; sh:nodeKind sh:IRI .",
            "nobody would check it",
        ),
        ("", "no kenning:Policy in them"),
        (
            ":a a kenning:Policy, sh:NodeShape ; sh:sparql [ sh:select \"SELECT $this ?failure WHERE { BIND(true AS ?failure) }\" ] .",
            "a policy cannot be checked at the gate `candidates`",
        ),
    ] {
        set(&watched.root, policies);
        let before = decisions();
        let error = ask().unwrap_err();
        assert!(error.message().contains(expected), "{policies}: {error:?}");
        assert_eq!(decisions(), before, "nothing is answered");
    }
    set(&watched.root, NO_BRAND);
    ask().unwrap();
    std::fs::write(watched.root.join("policies/README.md"), "Our policies").unwrap();
    ask().unwrap();
    std::fs::write(watched.root.join("policies/more.owl2"), NO_BRAND).unwrap();
    let error = ask().unwrap_err();
    assert!(error.message().contains("which RDF syntax"), "{error:?}");
}

#[test]
fn a_decision_is_replayed_under_the_policies_of_its_time() {
    let watched = Watched::new(NO_BRAND);
    let ids: Vec<String> = (0..6)
        .map(|n| watched.answer(&format!("u{n}")).decision.unwrap())
        .collect();
    std::fs::remove_dir_all(watched.root.join("policies")).unwrap();
    let mut replayer = watched.shop.engine.replayer();
    for id in ids {
        let replayed = replayer.replay(&id).unwrap();
        assert!(replayed.is_equal(), "{}\n{}", replayed.kept, replayed.again);
    }
}

#[test]
fn policies_can_be_tried() {
    let desk = Desk::with_import();
    desk.done(&BUILD);
    let run = desk.done(&["-C", "shop", "policy", "check"]);
    assert_eq!(run.stderr, "the project has no policies\n");
    set(
        &desk.path().join("shop"),
        &format!(
            "{NO_BRAND} :crowd a kenning:Policy ; kenning:minimumSupport 4 ; kenning:sensitive schema:gender ."
        ),
    );
    let run = desk.done(&["-C", "shop", "policy", "check"]);
    insta::assert_snapshot!(run.stdout, @"
    POLICY                               GATES                        DEMANDS                                                                 ITEMS_REFUSED
    https://example.org/policy/crowd     prompt, answer, explanation  tells nothing of schema:gender; 4 people behind what is said of people
    https://example.org/policy/no-brand  candidates, answer           conforms to its shape                                                              17
    ");
    let run = desk.done(&[
        "-C", "shop", "policy", "check", "--user", "u3", "--format", "json",
    ]);
    let rows: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(rows.to_string().contains("kenning:explanation"), "{rows}");
    // Trying keeps nothing.
    let kept = desk.rows("shop", "SELECT (COUNT(?d) AS ?n) { ?d a kenning:Decision }");
    assert_eq!(kept, [["0"]]);
    set(&desk.path().join("shop"), ":a a kenning:Policy .");
    let run = desk.run(&["-C", "shop", "policy", "check"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("policies/shop.ttl"), "{}", run.stderr);
}
