//! The command line as a person or a script meets it.

use kenning::config::Project;
use kenning::journal::{Build, Decision, Import, Input, Journal};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// With a project in the folder.
    fn with_project() -> Self {
        let bench = Self::new();
        Project::init(bench.path(), "films").unwrap();
        bench
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn root(&self) -> PathBuf {
        std::fs::canonicalize(self.path()).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kenning"));
        command.args(arguments).current_dir(self.path());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("KENNING_") {
                command.env_remove(name);
            }
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.finish(&mut self.command(arguments))
    }

    fn finish(&self, command: &mut Command) -> Run {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        let text = |bytes| {
            let text = String::from_utf8(bytes).unwrap();
            text.replace(&self.root().display().to_string(), "[HERE]")
        };
        Run {
            code: status.code().unwrap(),
            stdout: text(stdout),
            stderr: text(stderr),
        }
    }

    fn journal(&self) -> Journal {
        Journal::open(&Project::open(self.path()).unwrap().journal_file()).unwrap()
    }
}

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Run {
    /// All that can be seen, for a snapshot.
    fn seen(&self) -> String {
        format!(
            "{}\n--- stdout\n{}--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

fn time(second: u32) -> String {
    format!("2026-01-02T03:04:{second:02}.000000Z")
}

fn import() -> Import {
    Import {
        dataset: "films\x1b[2J\u{202e}".into(),
        started: time(5),
        finished: time(7),
        mapping_hash: "m".into(),
        inputs: vec![Input {
            file: "ratings.csv".into(),
            bytes: 1200,
        }],
        records: 99,
        rejected: 1,
        segment_hash: "s".into(),
    }
}

fn build() -> Build {
    Build {
        started: time(8),
        finished: time(9),
        snapshot_hash: "0123abcd".into(),
        counts: [("nodes".to_owned(), 7)].into(),
        stages: vec![],
    }
}

fn decision() -> Decision {
    Decision {
        at: time(10),
        user: None,
        request: json!({}),
        snapshot_hash: "0123abcd".into(),
        prompt_id: None,
        prompt_tokens: Some(100),
        completion_tokens: Some(20),
        model: Some("tiny".into()),
        rung: "model".into(),
        answer: json!([]),
        ..Decision::default()
    }
}

#[test]
fn the_help_names_every_verb_in_its_group() {
    let run = Bench::new().run(&["--help"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    for part in [
        "Prepare:\n  init ",
        "\n  status ",
        "Options:\n  -C",
        "Examples:\n  kenning init",
    ] {
        assert!(run.stdout.contains(part), "{part:?} in\n{}", run.stdout);
    }
    assert!(!run.stdout.contains('\x1b'), "colours in a pipe");
}

#[test]
fn every_verb_has_one_line_of_help_that_fits() {
    let bench = Bench::new();
    let help = bench.run(&["--help"]).stdout;
    for line in help.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    for verb in ["init", "doctor", "config", "completions", "status"] {
        let run = bench.run(&[verb, "--help"]);
        assert_eq!(run.code, 0);
        assert!(
            run.stdout.contains(&format!("Usage: kenning {verb}")),
            "{}",
            run.stdout
        );
    }
}

#[test]
fn what_cannot_be_read_exits_with_2() {
    let bench = Bench::new();
    for arguments in [
        &[][..],
        &["sttus"],
        &["status", "--format", "xml"],
        &["init", "--nope"],
    ] {
        let run = bench.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{arguments:?}");
    }
}

#[test]
fn init_starts_a_project() {
    let bench = Bench::new();
    insta::assert_snapshot!(bench.run(&["init", "films"]).seen(), @r#"
    0
    --- stdout
    --- stderr
    started `films`: [HERE]/films/kenning.toml
    next: bring in a dump with `kenning import`, then `kenning build`
    hint: `cd films`
    "#);
    insta::assert_snapshot!(bench.run(&["init", "films"]).seen(), @r#"
    2
    --- stdout
    --- stderr
    error: films/kenning.toml: this folder is a project already
    hint: `kenning -C films status`
    "#);
    let quiet = bench.run(&["-q", "init", "books"]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""));
    let here = bench.run(&["-C", "films", "config", "show", "--format", "csv"]);
    assert!(
        here.stdout.starts_with("key,value\nname,films\n"),
        "{}",
        here.stdout
    );
}

#[test]
fn init_without_a_name_takes_the_folder() {
    let bench = Bench::new();
    assert_eq!(bench.run(&["init"]).code, 0);
    let project = Project::open(bench.path()).unwrap();
    assert_eq!(Some(project.name().as_ref()), bench.root().file_name());
}

#[test]
fn without_a_project_the_next_step_is_init() {
    let bench = Bench::new();
    insta::assert_snapshot!(bench.run(&["status"]).seen(), @r#"
    2
    --- stdout
    --- stderr
    error: [HERE]: no project here: neither this folder nor one above it has a `kenning.toml`
    hint: `kenning init NAME`
    "#);
}

#[test]
fn an_error_in_the_file_is_said_with_place_and_hint() {
    let bench = Bench::new();
    std::fs::write(bench.path().join("kenning.toml"), "[prompt]\nbudgit = 3\n").unwrap();
    insta::assert_snapshot!(bench.run(&["config", "show"]).seen(), @r#"
    2
    --- stdout
    --- stderr
    error: [HERE]/kenning.toml:2: unknown setting `prompt.budgit`
    hint: did you mean `prompt.budget`?
    "#);
}

#[test]
fn config_show_tells_origins() {
    let bench = Bench::with_project();
    let file = "name = 'films'\n[prompt]\nbudget = 100\n[scoring.weights]\n'schema:genre' = 0.5\n";
    std::fs::write(bench.path().join("kenning.toml"), file).unwrap();
    let mut command = bench.command(&["config", "show", "--origin"]);
    let run = bench.finish(command.env("KENNING_LINKS_WINDOW", "3"));
    insta::assert_snapshot!(run.stdout, @r#"
    KEY                        VALUE             ORIGIN
    name                       films             kenning.toml:1
    reasoning.rules                              default
    reasoning.max_facts        10000000          default
    scoring.history            1000              default
    scoring.decay              0.9               default
    scoring.preference         0.25              default
    scoring.popularity         0.01              default
    scoring.weights            schema:genre=0.5  kenning.toml:4
    links.window               3                 KENNING_LINKS_WINDOW
    links.neighbours           100               default
    links.damping              0.3               default
    links.near                 0                 default
    links.discount             0                 default
    links.regressors           50                default
    links.ridge                100               default
    links.dropout              0                 default
    links.shared               1                 default
    links.order                0.5               default
    links.preference           0.25              default
    links.weights                                default
    extraction.batch           8                 default
    extraction.budget          1000000           default
    embedding.enabled          true              default
    embedding.model            all-minilm-l6-v2  default
    prompt.budget              100               kenning.toml:3
    prompt.candidates          10                default
    prompt.recipe              kenning           default
    prompt.template                              default
    model.kind                 none              default
    model.name                                   default
    model.path                                   default
    model.url                                    default
    model.key_env                                default
    model.timeout_s            120               default
    model.max_tokens           512               default
    model.prices                                 default
    model.max_cost             0                 default
    model.format               text              default
    model.transfer             whole             default
    model.requests_per_minute  0                 default
    model.tokens_per_minute    0                 default
    ranking.mode               listwise          default
    ranking.shuffles           1                 default
    ranking.weight             1                 default
    ranking.seed               1                 default
    decisions.window_days      90                default
    decisions.most             20000             default
    decisions.outcome_days     30                default
    decisions.snapshots        5                 default
    query.timeout_s            30                default
    query.max_rows             100000            default
    query.memory_mb            1024              default
    query.max_text_kb          1024              default
    query.load                                   default
    validation.timeout_s       600               default
    validation.max_results     1000              default
    validation.on_build        off               default
    serve.bind                 127.0.0.1:7878    default
    serve.read_key_env                           default
    serve.write_key_env                          default
    serve.allow_updates        false             default
    serve.cors                                   default
    serve.default_graph        union             default
    serve.concurrency          16                default
    serve.queue                256               default
    serve.model_calls          8                 default
    serve.memory_mb            4096              default
    serve.max_body_mb          64                default
    serve.idle_s               30                default
    "#);
    let run = bench.run(&["config", "show", "--origin", "--format", "json"]);
    let shown = run.json();
    assert_eq!(shown["schema_version"], 1);
    let expected = json!({"key": "prompt.budget", "value": "100", "origin": "kenning.toml:3"});
    assert!(
        shown["settings"].as_array().unwrap().contains(&expected),
        "{shown}"
    );
}

#[test]
fn status_of_a_fresh_project_changes_nothing() {
    let bench = Bench::with_project();
    insta::assert_snapshot!(bench.run(&["status"]).seen(), @r#"
    0
    --- stdout
    films in [HERE]

    nothing was imported yet
    nothing was built yet
    --- stderr
    "#);
    assert!(!bench.path().join(".kenning/journal.sqlite").exists());
    let listed = bench.run(&["status", "imports", "--format", "jsonl"]);
    assert_eq!((listed.code, listed.stdout.as_str()), (0, ""));
}

#[test]
fn status_lists_imports_and_builds() {
    let bench = Bench::with_project();
    let journal = bench.journal();
    journal.record_import(&import()).unwrap();
    journal.record_build(&build()).unwrap();
    let id = journal.keep(decision(), None).unwrap();
    insta::assert_snapshot!(bench.run(&["status"]).stdout, @r#"
    films in [HERE]

    IMPORT  DATASET               FINISHED                     SECONDS  FILES  BYTES  RECORDS  REJECTED
         1  films\u001b[2J\u202e  2026-01-02T03:04:07.000000Z   2.0000      1   1200       99         1

    BUILD  FINISHED                     SECONDS  SNAPSHOT  COUNTS
        1  2026-01-02T03:04:09.000000Z   1.0000  0123abcd  {"nodes":7}
    "#);
    insta::assert_snapshot!(bench.run(&["status", "builds", "--format", "csv"]).stdout, @r#"
    build,finished,seconds,snapshot,counts
    1,2026-01-02T03:04:09.000000Z,1.0,0123abcd,"{""nodes"":7}"
    "#);
    let line = bench
        .run(&["status", "decisions", "--format", "jsonl"])
        .json();
    assert_eq!(
        (&line["decision"], &line["tokens"]),
        (&json!(id), &json!(120))
    );
    let whole = bench.run(&["status", "--format", "json"]).json();
    assert_eq!(whole["schema_version"], 1);
    assert_eq!(whole["imports"][0]["dataset"], import().dataset);
    assert_eq!(whole["builds"][0]["counts"]["nodes"], 7);
    insta::assert_snapshot!(bench.run(&["status", "--format", "csv"]).seen(), @r#"
    2
    --- stdout
    --- stderr
    error: the overview is more than one table: name one of them for this format
    hint: `kenning status imports --format csv`
    "#);
}

#[test]
fn doctor_finds_a_sound_project() {
    let bench = Bench::with_project();
    let run = bench.run(&["doctor", "--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.seen());
    let checks = run.json()["checks"].clone();
    let found = |name: &str| {
        let of = |check: &&Value| check["check"] == name;
        checks.as_array().unwrap().iter().find(of).unwrap()["finding"].clone()
    };
    assert_eq!(found("project"), "ok");
    assert_eq!(found("state folder"), "ok");
    assert_eq!(found("journal"), "ok");
    assert_eq!(found("snapshot"), "warning");
}

#[test]
fn doctor_exits_with_1_where_something_is_broken() {
    let nowhere = Bench::new().run(&["doctor"]);
    assert_eq!(nowhere.code, 1);
    assert!(nowhere.stdout.contains("failed"), "{}", nowhere.stdout);
    let bench = Bench::with_project();
    let journal = bench.path().join(".kenning/journal.sqlite");
    std::fs::write(journal, "not a journal at all ".repeat(100)).unwrap();
    let run = bench.run(&["doctor", "--format", "csv"]);
    assert_eq!(run.code, 1);
    assert!(
        run.stdout.contains("the journal is damaged"),
        "{}",
        run.stdout
    );
}

#[test]
fn doctor_names_misspelt_variables() {
    let bench = Bench::with_project();
    let run = bench.finish(bench.command(&["doctor"]).env("KENNING_PROMT_BUDGET", "3"));
    assert_eq!(run.code, 0);
    assert!(
        run.stdout.contains("no such setting: KENNING_PROMT_BUDGET"),
        "{}",
        run.stdout
    );
}

#[test]
fn the_project_and_the_format_can_come_from_the_environment() {
    let bench = Bench::with_project();
    let elsewhere = tempfile::tempdir().unwrap();
    let mut command = bench.command(&["config", "show"]);
    command
        .current_dir(elsewhere.path())
        .env("KENNING_PROJECT", bench.path())
        .env("KENNING_FORMAT", "csv");
    let run = bench.finish(&mut command);
    assert!(run.stdout.starts_with("key,value\n"), "{}", run.seen());
}

/// A program whose output nobody reads ends well, and says nothing.
fn ends_in_peace_unread(mut command: std::process::Command) {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        (output.status.code(), said.as_str()),
        (Some(0), ""),
        "{command:?}"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let bench = Bench::with_project();
    for arguments in [
        &["config", "show"][..],
        &["completions", "bash"],
        &["doctor"],
    ] {
        ends_in_peace_unread(bench.command(arguments));
    }
}

#[test]
fn a_reader_of_results_that_goes_away_is_no_error() {
    let desk = crate::program::Desk::with_build();
    let rows = "SELECT ?a ?c ?f { ?a ?b ?c . ?d rdfs:label ?f } LIMIT 20000";
    let triples =
        "CONSTRUCT { ?a <urn:with> ?f } WHERE { ?a ?b ?c . ?d rdfs:label ?f } LIMIT 20000";
    let formats = ["csv", "tsv", "json", "xml"].map(|format| (format, rows));
    let formats = formats
        .into_iter()
        .chain([("ntriples", triples), ("turtle", triples)]);
    for (format, query) in formats {
        ends_in_peace_unread(desk.command(&["-C", "shop", "query", "--format", format, query]));
    }
}

#[test]
fn completions_know_the_verbs() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = Bench::new().run(&["completions", shell]);
        assert_eq!(run.code, 0);
        assert!(run.stdout.contains("doctor"), "{shell}");
    }
}
