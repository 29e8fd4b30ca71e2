//! The whole way on real data, through the program: from a dump to an answer whose every reason can be asked for.

use crate::program::{Desk, without_circumstances};
use crate::support;
use serde_json::Value;
use std::collections::BTreeSet;

struct Case {
    preset: &'static str,
    data: &'static str,
    user: &'static str,
}

const FILMS: Case = Case {
    preset: "movielens",
    data: "ml-latest-small",
    user: "1",
};
const BEAUTY: Case = Case {
    preset: "amazon-beauty",
    data: "amazon-beauty",
    user: "A1YJEY40YUW4SE",
};

impl Case {
    /// From an empty folder to a built project called `name`.
    fn build(&self, desk: &Desk, name: &str) -> Option<()> {
        let dump = support::data(self.data)?;
        desk.done(&["init", name]);
        let dump = dump.to_str().unwrap();
        desk.done(&["-C", name, "import", "--preset", self.preset, dump]);
        desk.done(&["-C", name, "build", "--no-vectors"]);
        Some(())
    }

    fn recommend(&self, desk: &Desk, project: &str) -> Value {
        desk.json(&[
            "-C",
            project,
            "recommend",
            "--user",
            self.user,
            "-k",
            "10",
            "--explain",
            "--format",
            "json",
        ])
    }
}

#[test]
fn films() {
    walk(&FILMS);
}

#[test]
fn cosmetics() {
    walk(&BEAUTY);
}

fn walk(case: &Case) {
    let desk = Desk::new();
    if case.build(&desk, "project").is_none() {
        return;
    }
    let answer = case.recommend(&desk, "project");
    the_shape_is_whole(&answer);
    every_item_is_new(&desk, &answer);
    every_reason_can_be_asked_for(&desk, &answer);
    the_page_says_the_same(&desk, case, &answer);
    the_decision_is_kept(&desk, &answer);
    the_score_is_its_paths(&desk, case, &answer);
    the_project_is_sound(&desk, &answer);
}

fn items(answer: &Value) -> &Vec<Value> {
    answer["recommendations"].as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn the_shape_is_whole(answer: &Value) {
    assert_eq!(answer["schema_version"], 1);
    assert_eq!(
        (&answer["rung"], &answer["user"]["known"]),
        (&"graph".into(), &true.into())
    );
    let ranks: Vec<u64> = items(answer)
        .iter()
        .map(|i| i["rank"].as_u64().unwrap())
        .collect();
    assert_eq!(ranks, (1..=10).collect::<Vec<_>>());
    let different: BTreeSet<&str> = items(answer).iter().map(|i| text(&i["item"])).collect();
    assert_eq!(different.len(), 10);
    let scores: Vec<f64> = items(answer)
        .iter()
        .map(|i| i["score"].as_f64().unwrap())
        .collect();
    assert!(
        scores.is_sorted_by(|a, b| a >= b) && scores[9] > 0.0,
        "{scores:?}"
    );
    for item in items(answer) {
        let reasons = item["reasons"].as_array().unwrap();
        assert!(
            !reasons.is_empty() && !text(&item["label"]).is_empty(),
            "{item}"
        );
        for reason in reasons {
            let verdict = text(&reason["verdict"]);
            assert!(
                ["verified", "aggregate", "inferred"].contains(&verdict),
                "{reason}"
            );
            assert!(!text(&reason["text"]).is_empty(), "{reason}");
            assert!(reason["evidence"].is_array(), "{reason}");
        }
    }
    let (tokens, budget) = (&answer["prompt"]["tokens"], &answer["prompt"]["budget"]);
    assert!(
        tokens.as_u64().unwrap() > 0 && tokens.as_u64() <= budget.as_u64(),
        "{tokens} of {budget}"
    );
    let timings = answer["timings"].as_object().unwrap();
    assert!(
        !timings.is_empty()
            && timings
                .values()
                .all(|s| s.as_f64().is_some_and(|s| s >= 0.0))
    );
}

fn every_item_is_new(desk: &Desk, answer: &Value) {
    let query = format!(
        "SELECT ?item {{ <{}> kenning:interacted ?item }}",
        text(&answer["user"]["id"])
    );
    let met = desk.rows("project", &query);
    assert!(!met.is_empty());
    for item in items(answer) {
        assert!(
            !met.iter().any(|row| row[0] == text(&item["item"])),
            "met before: {item}"
        );
    }
}

fn every_reason_can_be_asked_for(desk: &Desk, answer: &Value) {
    let reasons = items(answer)
        .iter()
        .flat_map(|i| i["reasons"].as_array().unwrap());
    let edges = reasons
        .flat_map(|r| r["evidence"].as_array().unwrap())
        .map(text);
    let edges: BTreeSet<&str> = edges.collect();
    assert!(edges.len() > 5, "{edges:?}");
    let values: String = edges.iter().map(|e| format!("<{e}> ")).collect();
    let query = format!(
        "SELECT DISTINCT ?e {{ VALUES ?e {{ {values} <urn:kenning:edge:999999999999> }} ?e rdf:reifies ?t }}"
    );
    let rows = desk.rows("project", &query);
    let found: BTreeSet<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(found, edges);
}

fn the_page_says_the_same(desk: &Desk, case: &Case, answer: &Value) {
    let page = desk.done(&[
        "-C",
        "project",
        "recommend",
        "--user",
        case.user,
        "-k",
        "10",
        "--explain",
    ]);
    assert_eq!(page.stderr, "");
    let mut rest = page.stdout.as_str();
    for item in items(answer) {
        let line = format!(
            "{:>3}. {}",
            text(&item["rank"].to_string().into()),
            text(&item["label"])
        );
        (_, rest) = rest
            .split_once(&line)
            .unwrap_or_else(|| panic!("no {line:?} in {}", page.stdout));
        for reason in item["reasons"].as_array().unwrap() {
            assert!(
                rest.contains(text(&reason["text"])),
                "{reason} in {}",
                page.stdout
            );
        }
    }
}

fn the_decision_is_kept(desk: &Desk, answer: &Value) {
    let prompt = text(&answer["prompt"]["id"]);
    let shown = desk
        .done(&["-C", "project", "prompt", "show", prompt])
        .stdout;
    assert_eq!(
        kenning::journal::prompt_id(&shown),
        prompt,
        "not byte for byte:\n{shown}"
    );
    let listed = desk.json(&["-C", "project", "status", "decisions", "--format", "json"]);
    let decisions = listed["decisions"].as_array().unwrap();
    let kept = decisions
        .iter()
        .find(|d| d["decision"] == answer["decision"])
        .unwrap();
    assert_eq!(
        (&kept["user"], &kept["rung"]),
        (&answer["user"]["id"], &answer["rung"])
    );
}

fn the_score_is_its_paths(desk: &Desk, case: &Case, answer: &Value) {
    for item in [&items(answer)[0], &items(answer)[9]] {
        let explained = desk.json(&[
            "-C",
            "project",
            "explain",
            text(&item["item"]),
            "--user",
            case.user,
            "--format",
            "json",
        ]);
        let paths = explained["paths"].as_array().unwrap();
        let sum: f64 = paths
            .iter()
            .map(|p| p["contribution"].as_f64().unwrap())
            .sum();
        let score = explained["score"].as_f64().unwrap();
        assert_eq!(explained["item"], item["item"]);
        // Sums in another order differ in their last bits.
        assert!(
            (score - item["score"].as_f64().unwrap()).abs() <= 1e-12,
            "{score}: {item}"
        );
        assert!(
            (sum - score).abs() <= 1e-9 * score.max(1.0),
            "{sum} is not {score}"
        );
    }
}

fn the_project_is_sound(desk: &Desk, answer: &Value) {
    let hash = text(&answer["snapshot"]);
    let doctor = desk.json(&["-C", "project", "doctor", "--format", "json"]);
    let checks = doctor["checks"].as_array().unwrap();
    let snapshot = checks.iter().find(|c| c["check"] == "snapshot").unwrap();
    assert_eq!(snapshot["finding"], "ok");
    assert!(
        text(&snapshot["detail"]).contains(&hash[..12]),
        "{snapshot}"
    );
    let status = desk.json(&["-C", "project", "status", "--format", "json"]);
    let counts = &status["builds"][0]["counts"];
    assert_eq!(status["snapshot"]["hash"], answer["snapshot"]);
    assert_eq!(status["snapshot"]["nodes"], counts["nodes"]);
    assert!(status["snapshot"]["edges"].as_u64() > counts["facts"].as_u64());
    assert!(
        status["snapshot"]["components"].as_u64() > Some(0),
        "{status}"
    );
    let page = desk.done(&["-C", "project", "status"]).stdout;
    assert!(
        page.contains(&hash[..12]) && page.contains("COMPONENTS"),
        "{page}"
    );
}

#[test]
fn the_same_dump_gives_the_same_answer() {
    let desk = Desk::new();
    for project in ["one", "two"] {
        if FILMS.build(&desk, project).is_none() {
            return;
        }
    }
    let [one, two] = ["one", "two"].map(|project| FILMS.recommend(&desk, project));
    assert_ne!(one["snapshot"], "");
    let prompt = text(&one["prompt"]["id"]);
    let shown = ["one", "two"].map(|p| desk.done(&["-C", p, "prompt", "show", prompt]).stdout);
    assert_eq!(shown[0], shown[1]);
    assert_eq!(without_circumstances(one), without_circumstances(two));
}

#[test]
fn the_demo_works_without_models() {
    let desk = Desk::new();
    let answer = desk.json(&["demo", "--no-model", "--dir", "demo", "--format", "json"]);
    assert_eq!(items(&answer).len(), 5);
    assert_eq!(
        (&answer["rung"], &answer["user"]["known"]),
        (&"graph".into(), &true.into()),
        "{answer}"
    );
    let again = desk.json(&["demo", "--no-model", "--dir", "demo", "--format", "json"]);
    assert_eq!(without_circumstances(answer), without_circumstances(again));
    assert!(
        !desk.path().join("home").exists(),
        "the demo wrote beside its folder"
    );
    let status = desk.json(&["-C", "demo", "status", "--format", "json"]);
    assert_eq!(status["imports"].as_array().unwrap().len(), 2);
}

#[test]
fn a_demo_that_another_version_left_begins_anew() {
    let desk = Desk::new();
    let demo = ["demo", "--no-model", "--format", "json"];
    let answer = desk.json(&demo);
    let journal = desk
        .path()
        .join("home/cache/kenning/demo/.kenning/journal.sqlite");
    assert!(journal.exists());
    // What its log still holds would mend it.
    for beside in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{beside}", journal.display()));
    }
    std::fs::write(&journal, "another version's").unwrap();
    let run = desk.run(&demo);
    assert!(
        run.stderr.contains("the demo begins anew"),
        "{}",
        run.stderr
    );
    assert_eq!(
        without_circumstances(answer),
        without_circumstances(serde_json::from_str(&run.stdout).unwrap())
    );
}

#[test]
fn an_answer_has_each_field_once() {
    let desk = Desk::with_build();
    let answer = desk.done(&crate::program::RECOMMEND).stdout;
    assert_eq!(answer.matches("\"schema_version\"").count(), 1, "{answer}");
}
