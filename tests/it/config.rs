//! A setting comes from where it should, and a wrong one is named with its place.

use kenning::ErrorKind;
use kenning::config::{KEYS, Layers, Origin, Project, Settings, unknown_variables, variable};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn folder(toml: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("kenning.toml"), toml).unwrap();
    folder
}

fn environment(variables: &[(&str, &str)]) -> Layers {
    let owned = variables
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Layers::from_variables(owned)
}

/// The error as the command line says it, without the folder.
fn complaint(toml: &str, layers: &Layers) -> String {
    let folder = folder(toml);
    let root = fs::canonicalize(folder.path()).unwrap();
    let error = Project::open_with(folder.path(), layers).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    let text = match error.next_step() {
        Some(hint) => format!("{error}\nhint: {hint}"),
        None => error.to_string(),
    };
    text.replace(&format!("{}/", root.display()), "")
}

fn origin(project: &Project, key: &str) -> (String, Origin) {
    let found = project.resolved().iter().find(|r| r.key == key).unwrap();
    (found.value.clone(), found.origin.clone())
}

#[test]
fn an_empty_file_means_the_defaults() {
    let folder = folder("");
    let project = Project::open_with(folder.path(), &Layers::none()).unwrap();
    assert_eq!(project.settings(), &Settings::default());
    assert_eq!(project.resolved().len(), KEYS.len());
    assert!(
        project
            .resolved()
            .iter()
            .all(|r| r.origin == Origin::Default)
    );
    assert_eq!(origin(&project, "scoring.decay").0, "0.9");
    assert_eq!(origin(&project, "model.name").0, "");
}

#[test]
fn the_commented_file_of_init_shows_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    Project::init(folder.path(), "films").unwrap();
    let file = folder.path().join("kenning.toml");
    let examples = [
        "weights",
        "followed-by",
        "schema:genre",
        "template",
        "path",
        "url",
        "key_env",
        "name = \"qwen",
    ];
    let text = fs::read_to_string(&file).unwrap();
    let live: Vec<_> = text
        .lines()
        .filter(|line| !examples.iter().any(|word| line.contains(word)))
        .map(|line| match line.strip_prefix("# ") {
            Some(setting) if setting.contains(" = ") => setting,
            _ => line,
        })
        .collect();
    fs::write(&file, live.join("\n")).unwrap();
    let project = Project::open_with(folder.path(), &Layers::none()).unwrap();
    let expected = Settings {
        name: "films".into(),
        ..Settings::default()
    };
    assert_eq!(project.settings(), &expected);
}

#[test]
fn flag_over_environment_over_file_over_default() {
    let folder = folder("[prompt]\nbudget = 100\ncandidates = 5\n\n[links]\nwindow = 2\n");
    let layers = environment(&[
        ("KENNING_PROMPT_BUDGET", "200"),
        ("KENNING_PROMPT_CANDIDATES", "6"),
        ("KENNING_LINKS_WINDOW", ""),
    ]);
    let layers = layers.flag("prompt.budget", "--budget", Some(300)).flag(
        "query.max_rows",
        "--max-rows",
        None::<usize>,
    );
    let project = Project::open_with(folder.path(), &layers).unwrap();
    let settings = project.settings();
    assert_eq!(settings.prompt.budget, 300);
    assert_eq!(settings.prompt.candidates, 6);
    assert_eq!(settings.links.window, 2);
    assert_eq!(settings.query.max_rows, 100_000);
    let of = |key| origin(&project, key).1.to_string();
    assert_eq!(of("prompt.budget"), "--budget");
    assert_eq!(of("prompt.candidates"), "KENNING_PROMPT_CANDIDATES");
    assert_eq!(of("links.window"), "kenning.toml:6");
    assert_eq!(of("query.max_rows"), "default");
}

#[test]
fn every_kind_of_value_can_come_from_the_environment() {
    let folder = folder("[scoring.weights]\nold = 3\n");
    let layers = environment(&[
        (
            "KENNING_SCORING_WEIGHTS",
            "kenning:followedBy=1, schema:genre=0.25",
        ),
        ("KENNING_SCORING_DECAY", "0.5"),
        ("KENNING_EMBEDDING_ENABLED", "off"),
        ("KENNING_QUERY_MAX_ROWS", "1_000"),
        ("KENNING_MODEL_KIND", "remote"),
        ("KENNING_PROMPT_TEMPLATE", "prompts/mine.jinja"),
    ]);
    let project = Project::open_with(folder.path(), &layers).unwrap();
    let settings = project.settings();
    let weights = [
        ("kenning:followedBy".to_owned(), 1.0),
        ("schema:genre".to_owned(), 0.25),
    ];
    assert_eq!(settings.scoring.weights, weights.into());
    assert_eq!(settings.scoring.decay, 0.5);
    assert!(!settings.embedding.enabled);
    assert_eq!(settings.query.max_rows, 1000);
    assert_eq!(settings.model.kind, "remote");
    let template = project.path(settings.prompt.template.as_deref().unwrap());
    assert!(template.is_absolute() && template.ends_with("prompts/mine.jinja"));
}

#[test]
fn the_weights_of_the_file_are_read() {
    let folder = folder("[scoring]\ndecay = 1\n[scoring.weights]\n\"schema:genre\" = 0.1\nb = 2\n");
    let project = Project::open_with(folder.path(), &Layers::none()).unwrap();
    assert_eq!(project.settings().scoring.weights["schema:genre"], 0.1);
    let (value, origin) = origin(&project, "scoring.weights");
    assert_eq!(
        (value.as_str(), origin),
        ("b=2,schema:genre=0.1", Origin::File(3))
    );
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_its_neighbour() {
    let none = Layers::none();
    insta::assert_snapshot!(complaint("[prompt]\nbudgit = 3\n", &none), @r#"
    kenning.toml:2: unknown setting `prompt.budgit`
    hint: did you mean `prompt.budget`?
    "#);
    insta::assert_snapshot!(complaint("\n\n[promt]\nbudget = 3\n", &none), @r#"
    kenning.toml:3: unknown setting `promt`
    hint: did you mean `prompt`?
    "#);
    insta::assert_snapshot!(complaint("[prompt]\nwindow = 3\n", &none), @r#"
    kenning.toml:2: unknown setting `prompt.window`
    hint: did you mean `links.window`?
    "#);
    insta::assert_snapshot!(complaint("colour = 'red'\n", &none), @r#"
    kenning.toml:1: unknown setting `colour`
    hint: kenning config show
    "#);
    insta::assert_snapshot!(complaint("[prompt.budget]\ntokens = 1\n", &none), @"kenning.toml:1: `prompt.budget` must be a whole number of at least 1, but is { tokens = 1 }");
}

#[test]
fn a_bad_value_is_named_with_its_place() {
    let none = Layers::none();
    insta::assert_snapshot!(complaint("[prompt]\n\nbudget = 'many'\n", &none), @r#"kenning.toml:3: `prompt.budget` must be a whole number of at least 1, but is "many""#);
    insta::assert_snapshot!(complaint("[scoring]\ndecay = 1.5\n", &none), @"kenning.toml:2: `scoring.decay` must be a number from 0 to 1, but is 1.5");
    insta::assert_snapshot!(complaint("[scoring]\npopularity = nan\n", &none), @"kenning.toml:2: `scoring.popularity` must be a number of at least 0, but is nan");
    insta::assert_snapshot!(complaint("[links]\nwindow = -1\n", &none), @"kenning.toml:2: `links.window` must be a whole number of at least 0, but is -1");
    insta::assert_snapshot!(complaint("[model]\nkind = 'oracle'\n", &none), @r#"kenning.toml:2: `model.kind` must be one of none, local, remote, replay, but is "oracle""#);
    insta::assert_snapshot!(complaint("[scoring.weights]\na = 'much'\n", &none), @r#"kenning.toml:1: `scoring.weights` must be names with numbers, but is { a = "much" }"#);
    insta::assert_snapshot!(complaint("[model]\nprices = { prompt = 1 }\n", &none), @"kenning.toml:2: `model.prices` must be numbers of at least 0 for prompt and completion, but is { prompt = 1 }");
    insta::assert_snapshot!(complaint("[model]\nprices = { prompt = 1, complition = 2 }\n", &none), @"kenning.toml:2: `model.prices` must be numbers of at least 0 for prompt and completion, but is { complition = 2, prompt = 1 }");
    insta::assert_snapshot!(complaint("prompt = 3\n", &none), @r#"
    kenning.toml:1: `prompt` is a section, not a setting
    hint: write `[prompt]`, and its settings below
    "#);
    insta::assert_snapshot!(complaint("[prompt]\nbudget = \n", &none), @"kenning.toml:2: string values must be quoted, expected literal string");
    let shouting = environment(&[("KENNING_LINKS_WINDOW", "LOTS")]);
    insta::assert_snapshot!(complaint("", &shouting), @r#"KENNING_LINKS_WINDOW: `links.window` must be a whole number of at least 0, but is "LOTS""#);
    let flagged = none.flag("prompt.budget", "--budget", Some("-3"));
    insta::assert_snapshot!(complaint("", &flagged), @"--budget: `prompt.budget` must be a whole number of at least 1, but is -3");
}

#[test]
fn every_key_has_a_variable_and_misspelt_ones_are_found() {
    assert_eq!(variable("prompt.budget"), "KENNING_PROMPT_BUDGET");
    let names = [
        "KENNING_PROMT_BUDGET",
        "KENNING_PROJECT",
        "PATH",
        "KENNING_MODEL_TIMEOUT_S",
    ];
    let unknown = unknown_variables(names.map(str::to_owned));
    assert_eq!(unknown, ["KENNING_PROMT_BUDGET"]);
}

#[test]
fn a_project_is_found_from_below() {
    let folder = folder("name = 'above'\n");
    let below = folder.path().join("a/b");
    fs::create_dir_all(&below).unwrap();
    let root = Project::find(&below).unwrap();
    assert_eq!(root, fs::canonicalize(folder.path()).unwrap());
    let project = Project::open(&root).unwrap();
    assert_eq!(project.name(), "above");
    assert_eq!(project.journal_file(), root.join(".kenning/journal.sqlite"));
    let error = Project::open(&below).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.next_step(), Some("kenning init NAME"));
    assert_eq!(
        Project::find(Path::new("/nowhere/at/all"))
            .unwrap_err()
            .kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn init_makes_a_project_once() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("new/shop");
    let project = Project::init(&dir, "my \"shop\"").unwrap();
    assert_eq!(project.name(), "my \"shop\"");
    assert_eq!(
        fs::read_to_string(project.state().join(".gitignore")).unwrap(),
        "*\n"
    );
    let before = fs::read(project.file()).unwrap();
    let error = Project::init(&dir, "again").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(fs::read(project.file()).unwrap(), before);
    assert!(Project::init(&folder.path().join("bad"), "a\nb").is_err());
    assert!(!folder.path().join("bad").exists());
}

#[test]
fn a_project_has_one_writer_at_a_time() {
    let folder = folder("");
    let project = Project::open(folder.path()).unwrap();
    let lock = project.lock().unwrap();
    let error = project.lock().unwrap_err();
    let expected = format!(
        "another kenning process (process {}) is working on this project",
        std::process::id()
    );
    assert_eq!(error.message(), expected);
    assert!(error.next_step().is_some());
    drop(lock);
    project.lock().unwrap();
}
