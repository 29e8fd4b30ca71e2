//! Recipes: what the shipped ones tell, how facts are said, and recipes of one's own.

use crate::program::{Desk, RECOMMEND};
use crate::prompt::{HOSTILE, hostile};
use crate::shop::Shop;
use kenning::ErrorKind;
use kenning::config::ScoringSettings;
use kenning::engine::Snapshot;
use kenning::llm::tokens;
use kenning::prompt::{Contract, Prompt, Prompter, Recipe};
use kenning::ranking::Ranking;
use kenning::scoring::Scorer;
use kenning::selection::Candidate;
use oxigraph::io::{RdfFormat, RdfParser};
use rustc_hash::FxHashSet;
use std::collections::BTreeSet;
use std::fmt::Write;

const SERIALISATIONS: [&str; 5] = ["sentences", "triples", "table", "path-lines", "turtle"];

/// A recipe of the evidence that decides, said in some way.
fn said(serialisation: &str) -> Recipe {
    let text = format!("knowledge = [\"paths\"]\nserialisation = \"{serialisation}\"");
    Recipe::parse("mine", &text, None).unwrap()
}

fn write(snapshot: &Snapshot, recipe: &Recipe, user: &str, budget: usize) -> Prompt {
    let settings = ScoringSettings::default();
    let scorer = Scorer::new(snapshot.graph(), &settings);
    let profile = scorer.profile(snapshot.graph().find_user(user).unwrap());
    let met: FxHashSet<u32> = profile.history.iter().map(|h| h.0).collect();
    let walk = scorer.walk(&profile);
    let ranked = scorer.rank(&profile, 6, &met).into_iter();
    let candidates: Vec<Candidate> = ranked
        .map(|scored| Candidate::gather(&walk, scored))
        .collect();
    let prompter = Prompter::new(snapshot.graph(), tokens::approximate(), budget, recipe).unwrap();
    prompter.write(&profile, &candidates).unwrap()
}

#[test]
fn evidence_is_said_in_five_ways() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let mut page = String::new();
    for how in SERIALISATIONS {
        let prompt = write(&snapshot, &said(how), "u3", 420);
        writeln!(
            page,
            "== {how}: {} tokens\n{}",
            prompt.tokens, prompt.messages[1].content
        )
        .unwrap();
    }
    insta::assert_snapshot!(page);
}

#[test]
fn shipped_recipes_tell_what_they_promise() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let mut page = String::new();
    for name in Recipe::shipped() {
        let recipe = Recipe::find(name, None).unwrap();
        let prompt = write(&snapshot, &recipe, "u3", 420);
        assert_eq!(prompt.recipe, name);
        let known: Vec<&str> = prompt.messages[1]
            .content
            .lines()
            .skip_while(|line| *line != "What is known:")
            .collect();
        let known = known.join("\n");
        writeln!(page, "== {name}\n{known}").unwrap();
    }
    insta::assert_snapshot!(page);
}

#[test]
fn nothing_is_said_twice_and_turtle_is_turtle() {
    let shop = Shop::new(3);
    let snapshot = shop.snapshot();
    for user in ["u1", "u7", "u30"] {
        for how in SERIALISATIONS {
            let prompt = write(&snapshot, &said(how), user, 900);
            assert!(prompt.tokens <= 900);
            let known = prompt.messages[1].content.split_once("What is known:\n");
            let Some((_, known)) = known else {
                assert!(["sentences", "path-lines"].contains(&how), "{how}");
                continue;
            };
            let known = known.split_once("\nRank all").unwrap().0;
            let mut lines = BTreeSet::new();
            let mut heading = "";
            for line in known.lines() {
                if how == "table" && !line.starts_with(' ') {
                    heading = line;
                }
                assert!(lines.insert((heading, line)), "twice: {line}\n{known}");
            }
            if how == "turtle" {
                let quads = RdfParser::from_format(RdfFormat::Turtle).for_slice(known);
                let quads: Vec<_> = quads
                    .map(|quad| quad.unwrap_or_else(|e| panic!("{e}: {known}")))
                    .collect();
                assert!(quads.len() > 10, "{known}");
            }
        }
    }
}

/// Whatever items are called, the model is asked the same, about the same ids.
#[test]
fn no_name_changes_what_is_asked() {
    assert!(HOSTILE.len() >= 50);
    let folder = tempfile::tempdir().unwrap();
    let engine = hostile(folder.path());
    let snapshot = engine.snapshot().unwrap();
    let shipped: Vec<Recipe> = Recipe::shipped()
        .map(|name| Recipe::find(name, None).unwrap())
        .collect();
    let asking = [Contract::Letter, Contract::Verdict, Contract::Pair];
    let asking = asking.map(|contract| said("sentences").asking(contract));
    for recipe in shipped
        .into_iter()
        .chain(SERIALISATIONS.map(said))
        .chain(asking)
    {
        for user in (0..59).step_by(5).map(|u| format!("u{u}")) {
            let prompt = write(&snapshot, &recipe, &user, 2000);
            let [system, asked] = [0, 1].map(|index| prompt.messages[index].content.as_str());
            let text = format!("{}: {asked}", recipe.name);
            assert_eq!(prompt.messages.len(), 2);
            assert!(system.ends_with(recipe.answer.said()), "{system}");
            assert!(
                !asked.chars().any(|c| c.is_control() && c != '\n'),
                "{text:?}"
            );
            assert!(!asked.contains([
                '\u{2028}',
                '\u{2029}',
                '\u{202e}',
                '\u{200b}',
                '\u{feff}',
                '\u{e0041}'
            ]));
            let section = |begin: &str| {
                let lines = asked.lines().skip_while(|line| *line != begin).skip(1);
                lines
                    .take_while(|line| line.contains(' ') && line.contains('"'))
                    .count()
            };
            assert!(section("Candidates:") >= 6, "{text}");
            for (index, _) in prompt.candidates.iter().enumerate() {
                let start = format!("{} \"", recipe.answer.id(index));
                assert_eq!(
                    asked
                        .lines()
                        .filter(|line| line.starts_with(&start))
                        .count(),
                    1,
                    "{start} in {text}"
                );
            }
            let last = asked.lines().next_back().unwrap();
            assert_eq!(last, recipe.answer.question(6));
            if recipe.serialisation == kenning::prompt::Serialisation::Turtle {
                let known = asked
                    .split_once("What is known:\n")
                    .unwrap()
                    .1
                    .split_once("\nRank all")
                    .unwrap()
                    .0;
                let quads = RdfParser::from_format(RdfFormat::Turtle).for_slice(known);
                assert!(quads.into_iter().all(|quad| quad.is_ok()), "{known}");
            }
        }
    }
}

#[test]
fn a_shuffle_hides_the_scores_and_replies_find_back() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let recipe = Recipe::find("zero-shot", None).unwrap();
    let prompt = write(&snapshot, &recipe, "u3", 600);
    assert_eq!(prompt.text(), write(&snapshot, &recipe, "u3", 600).text());
    let mut places = prompt.places.clone();
    assert_ne!(places, [0, 1, 2, 3, 4, 5], "the order of the scores");
    places.sort_unstable();
    assert_eq!(places, [0, 1, 2, 3, 4, 5]);
    let order = Ranking::parse(r#"{"ranking": ["c3", "c1"]}"#, &prompt)
        .unwrap()
        .order;
    let (third, first) = (prompt.places[2], prompt.places[0]);
    let rest = (0..6).filter(|index| ![third, first].contains(index));
    assert_eq!(
        order,
        [third, first].into_iter().chain(rest).collect::<Vec<_>>()
    );
}

#[test]
fn broken_recipes_say_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text, message) in [
        ("a", "knowledge = [\"rumours\"]", "no recipe: "),
        ("b", "colour = 1", "no recipe: "),
        (
            "c",
            "template = \"none.jinja\"",
            "there is no template `none.jinja`",
        ),
        (
            "d",
            "serialisation = \"table\"\nanswer = \"ranking-because\"",
            "reasons can be cited only of",
        ),
        ("e", "history = 5000", "a count is 5000"),
        (
            "f",
            "template = \"../../etc/passwd\"",
            "is no name of a recipe or template",
        ),
    ] {
        std::fs::write(folder.path().join(format!("{name}.toml")), text).unwrap();
        let error = Recipe::find(name, Some(folder.path())).unwrap_err();
        assert!(error.message().contains(message), "{name}: {error}");
        assert!(
            error
                .place()
                .is_some_and(|place| place.ends_with(&format!("{name}.toml"))),
            "{error:?}"
        );
    }
    for name in ["nobody", "../kenning", "", ".hidden", "a/b"] {
        let error = Recipe::find(name, Some(folder.path())).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Usage),
            "{error}"
        );
    }
    std::fs::write(folder.path().join("x.jinja"), "{% block system %}").unwrap();
    std::fs::write(folder.path().join("x.toml"), "template = \"x.jinja\"").unwrap();
    let recipe = Recipe::find("x", Some(folder.path())).unwrap();
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let error = Prompter::new(snapshot.graph(), tokens::approximate(), 500, &recipe)
        .err()
        .unwrap();
    assert!(
        error.message().contains("the prompt template fails"),
        "{error}"
    );
}

#[test]
fn the_program_shows_compares_and_lists() {
    let desk = Desk::with_build();
    desk.write(
        "shop/recipes/table.toml",
        "about = 'a table'\nserialisation = 'table'\nbudget = 500\n",
    );
    let answer = desk.json(&RECOMMEND);
    let id = answer["prompt"]["id"].as_str().unwrap();
    let past = desk.done(&["-C", "shop", "prompt", "show", id]).stdout;
    assert!(
        past.starts_with("tokenizer: approximate\nbudget: 768\nrecipe: kenning\ntemplate: "),
        "{past}"
    );
    let show = |recipe: &str| {
        desk.done(&[
            "-C", "shop", "prompt", "show", "--recipe", recipe, "--user", "u3",
        ])
        .stdout
    };
    assert_eq!(show("kenning"), past, "the same request has the same bytes");
    assert!(show("table").contains("\nrecipe: table\n"));
    assert!(show("zero-shot").contains("\nrecipe: zero-shot\n"));
    let same = desk.run(&[
        "-C", "shop", "prompt", "diff", "kenning", "kenning", "--user", "u3",
    ]);
    assert_eq!((same.code, same.stdout.as_str()), (Some(0), ""));
    let other = desk.run(&[
        "-C", "shop", "prompt", "diff", "kenning", "table", "--user", "u3",
    ]);
    assert_eq!(other.code, Some(1), "{}", other.said());
    let changed = |sign: char| {
        other
            .stdout
            .lines()
            .filter(|line| line.starts_with(sign))
            .count()
    };
    assert!(
        changed('-') > 3 && changed('+') > 3 && changed(' ') > 3,
        "{}",
        other.stdout
    );
    let kept: String = other
        .stdout
        .lines()
        .skip(2)
        .filter(|line| !line.starts_with('+'))
        .map(|line| format!("{}\n", &line[1..]))
        .collect();
    assert_eq!(kept, past, "what stayed and what went are the first prompt");
    let list = desk.json(&["-C", "shop", "prompt", "recipes", "--format", "json"]);
    let names: Vec<&str> = list["recipes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["recipe"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"table") && names.contains(&"doke-paths") && names.len() == 10,
        "{names:?}"
    );
    let unknown = desk.run(&[
        "-C", "shop", "prompt", "show", "--recipe", "nobody", "--user", "u3",
    ]);
    assert_eq!(unknown.code, Some(2), "{}", unknown.said());
    assert!(
        unknown.stderr.contains("no recipe `nobody`"),
        "{}",
        unknown.stderr
    );
}
