//! Things here and the same things elsewhere.

mod program;
mod real;

use kenning::linking::table::Which;
use kenning::linking::{
    Catalogue, Criteria, Decisions, Linking, Selection, Standing, Table, TableBuilder, link,
};
use kenning::model::{Unwatched, term};
use kenning::vocabulary::{rdf, skos};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// A table of things called by these labels, in the namespace `space`; several labels are separated by `|`. Those of
/// `a` are said to be films.
fn table(space: &str, labels: &[impl AsRef<str>]) -> Table {
    let mut builder = TableBuilder::new(&Selection {
        which: Which::Chosen,
        ..Selection::default()
    });
    for (number, labels) in labels.iter().enumerate() {
        let iri = format!("http://{space}/{number:06}");
        builder
            .choose(&iri, if space == "a" { "film" } else { "item" })
            .unwrap();
        for (place, label) in labels.as_ref().split('|').enumerate() {
            let property = if place == 0 {
                rdf::LABEL
            } else {
                skos::ALT_LABEL
            };
            let triple = [term::iri(&iri), term::iri(property), term::string(label)];
            builder.add(triple.each_ref().map(String::as_str)).unwrap();
        }
    }
    builder.finish()
}

fn linked(items: &Table, targets: &Table, decisions: Decisions) -> Linking {
    let criteria = Criteria {
        decisions,
        ..Criteria::default()
    };
    link(items, &Catalogue::new(targets), &criteria, &Unwatched)
}

/// The links of the first item, as numbers of targets: one, or none.
fn first(item: &str, targets: &[&str]) -> Option<u32> {
    // Other films, so that names are as rare as they are in a catalogue.
    let others = [
        "Heat (1995 film)",
        "The Piano (film)",
        "Casablanca",
        "Seven Samurai",
        "Spirited Away",
        "Airplane!",
    ];
    let targets: Vec<&str> = targets.iter().chain(&others).copied().collect();
    let linking = linked(
        &table("a", &[item]),
        &table("b", &targets),
        Decisions::default(),
    );
    linking.links(0.9).map(|pair| pair.target).next()
}

#[test]
fn a_name_is_found_however_it_is_spelt() {
    for (item, targets, expected) in [
        (
            "Matrix, The (1999)",
            &["Matrix (1993 TV series)", "The Matrix (1999 film)"][..],
            Some(1),
        ),
        // Remakes have one title.
        (
            "Sabrina (1954)",
            &["Sabrina (1954 film)", "Sabrina (1995 film)"],
            Some(0),
        ),
        (
            "Sabrina (1995)",
            &["Sabrina (1954 film)", "Sabrina (1995 film)"],
            Some(1),
        ),
        (
            "Sabrina (1974)",
            &["Sabrina (1954 film)", "Sabrina (1995 film)"],
            None,
        ),
        (
            "Sabrina",
            &["Sabrina (1954 film)", "Sabrina (1995 film)"],
            None,
        ),
        // Accents, however they are written, and what cannot be seen.
        ("Amelie (2001)", &["Ame\u{301}lie (2001 film)"], Some(0)),
        (
            "\u{202b}Am\u{200f}élie\u{202c}\u{0} (2001)",
            &["Amélie (2001 film)"],
            Some(0),
        ),
        (
            "Straße der Träume, Die (1999)",
            &[
                "Die Strasse der Traeume",
                "Die Strasse der Traume (1999 film)",
            ],
            Some(1),
        ),
        // Other titles, numbers, signs.
        (
            "Twelve Monkeys (a.k.a. 12 Monkeys) (1995)",
            &["12 Monkeys (1995 film)"],
            Some(0),
        ),
        (
            "Postman, The (Postino, Il) (1994)",
            &["The Postman (1997 film)", "Il Postino (1994 film)"],
            Some(1),
        ),
        (
            "Rocky II (1979)",
            &["Rocky (1979 film)", "Rocky 2 (1979 film)"],
            Some(1),
        ),
        (
            "Angels and Insects (1995)",
            &["Angels & Insects (1995 film)"],
            Some(0),
        ),
        (
            "Spirited Journey (2001)",
            &["Sen to Chihiro (2001 film)|Spirited Journey"],
            Some(0),
        ),
        // What it is counts, if it is said.
        (
            "Room with a View, A (1996)",
            &[
                "A Room with a View (1996 novel)",
                "A Room with a View (1996 film)",
            ],
            Some(1),
        ),
        // Alike is not the same.
        ("Glory (1989)", &["Glory! Glory! (1989 film)"], None),
        ("Clerks (1994)", &["Clerks II (2006 film)"], None),
        ("???", &["!!!"], None),
        ("Unheard Of (1999)", &["Something Else (1999 film)"], None),
    ] {
        assert_eq!(first(item, targets), expected, "{item} {targets:?}");
    }
}

#[test]
fn what_several_claim_is_in_doubt() {
    let items = table("a", &["Emma (1996)", "Emma (1996)", "Heat (1995)"]);
    let targets = table("b", &["Emma (1996 film)", "Heat (1995 film)"]);
    let linking = linked(&items, &targets, Decisions::default());
    let links: Vec<_> = linking
        .links(0.9)
        .map(|pair| (pair.item, pair.target))
        .collect();
    assert_eq!(links, [(2, 1)]);
    let doubtful: Vec<_> = linking
        .doubtful(0.9)
        .iter()
        .map(|pair| (pair.item, pair.standing))
        .collect();
    assert_eq!(doubtful, [(0, Standing::Best), (1, Standing::Rival)]);
}

#[test]
fn a_crowd_of_one_name_is_left_alone_unless_years_tell_them_apart() {
    let crowd: Vec<String> = (0..20_000)
        .map(|n| format!("The Same ({} film)", 1000 + n % 1000))
        .collect();
    let targets = table("b", &crowd);
    let linking = linked(
        &table("a", &["Same (1500)", "Same", "The Same (2050)"]),
        &targets,
        Decisions::default(),
    );
    // Twenty each of the year and its neighbours; no year; a year that none has.
    assert_eq!(
        (linking.links(0.9).count(), &linking.crowded[..]),
        (0, &[1][..])
    );
    let equal: Vec<&str> = vec!["The Same"; 20_000];
    let linking = linked(
        &table("a", &equal),
        &table("b", &equal),
        Decisions::default(),
    );
    assert_eq!(
        (linking.pairs.len(), linking.crowded.len()),
        (0, equal.len())
    );
}

#[test]
fn texts_are_no_names() {
    let long = "word ".repeat(1000);
    let items = table("a", &[long.as_str(), "Heat (1995)"]);
    assert_eq!((items.too_long, items.things.len()), (1, 2));
    // It is named by its IRI instead.
    assert_eq!(items.things[0].label, "000000");
    let many: Vec<String> = (0..100).map(|n| format!("Name {n}")).collect();
    let items = table("a", &[many.join("|")]);
    assert_eq!((items.things[0].names.len(), items.too_many), (8, 36 + 56));
}

#[test]
fn years_come_from_properties_labels_and_texts() {
    let mut builder = TableBuilder::new(&Selection {
        under: "http://b/".into(),
        years: vec!["http://b/abstract".into()],
        ..Selection::default()
    });
    let film = "http://b/2001:_A_Space_Odyssey_(film)";
    for (subject, property, object) in [
        (
            film,
            "http://b/abstract",
            "\"2001: A Space Odyssey is a 1968 film",
        ),
        (
            "http://b/Jaws",
            "https://schema.org/datePublished",
            "^http://www.w3.org/2001/XMLSchema#date\u{0}1975-06-20",
        ),
        ("http://b/Heat_(1995_film)", "http://b/other", "\"1996"),
        ("http://elsewhere/1", rdf::LABEL, "\"Not meant"),
    ] {
        builder
            .add([&term::iri(subject), &term::iri(property), object])
            .unwrap();
    }
    let found: Vec<_> = builder
        .finish()
        .things
        .into_iter()
        .map(|t| (t.label, t.years))
        .collect();
    let expected = [
        ("2001: A Space Odyssey (film)".to_owned(), vec![1968]),
        ("Heat (1995 film)".to_owned(), vec![1995]),
        ("Jaws".to_owned(), vec![1975]),
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_people_settle_stands() {
    let items = table("a", &["Glory (1989)", "Heat (1995)", "Jaws (1975)"]);
    let targets = table(
        "b",
        &["Glory! Glory!", "Heat (1995 film)", "Jaws (1975 film)"],
    );
    let decisions = "decision\titem\ttarget\n\
                     yes\thttp://a/000000\thttp://b/000000\n\
                     no\thttp://a/000001\thttp://b/000001\n\
                     \thttp://a/000002\thttp://b/000002\n\
                     no\thttp://a/000009\thttp://b/000002\n";
    let decisions = Decisions::parse(decisions, "settled.tsv").unwrap();
    assert_eq!(
        (decisions.len(), decisions.strays(&items, &targets)),
        (3, 1)
    );
    let linking = linked(&items, &targets, decisions.clone());
    let links: Vec<_> = linking
        .links(0.9)
        .map(|p| (p.item, p.target, p.standing))
        .collect();
    assert_eq!(links, [(0, 0, Standing::Settled), (2, 2, Standing::Best)]);
    // What is written can be read again, and says the same.
    let text =
        kenning::linking::decisions::write(&decisions, linking.doubtful(0.9), &items, &targets);
    assert_eq!(Decisions::parse(&text, "again.tsv").unwrap(), decisions);
}

#[test]
fn decisions_that_make_no_sense_are_told() {
    for (lines, message) in [
        ("item\ttarget", "d.tsv:1: there is no column `decision`"),
        (
            "item\ttarget\tdecision\na\tb\tmaybe",
            "d.tsv:2: `maybe` is no decision",
        ),
        (
            "decision\titem\ttarget\nyes\ta",
            "d.tsv:2: there is no cell under `target`",
        ),
        (
            "item\ttarget\tdecision\na\tb\tyes\na\tb\tno",
            "d.tsv: `a` and `b` are settled as `yes` and as `no`",
        ),
        (
            "item\ttarget\tdecision\na\tb\tyes\na\tc\tyes",
            "d.tsv: `a` is settled to be both `b` and `c`",
        ),
        (
            "item\ttarget\tdecision\na\tb\tyes\nc\tb\tyes",
            "d.tsv: `b` is settled to be both `a` and `c`",
        ),
    ] {
        assert_eq!(
            Decisions::parse(lines, "d.tsv").unwrap_err().to_string(),
            message
        );
    }
}

/// Labels of few words and years, so that much is alike.
fn labels() -> impl Strategy<Value = Vec<String>> {
    let label = (vec(0..6usize, 1..4), 0..3usize).prop_map(|(words, year)| {
        let words: Vec<_> = words
            .into_iter()
            .map(|w| ["the", "red", "mouse", "mousse", "hunt", "II"][w])
            .collect();
        format!(
            "{}{}",
            words.join(" "),
            ["", " (1995)", " (1996 film)"][year]
        )
    });
    vec(label, 0..25)
}

fn reversed(table: &Table) -> Table {
    let labels: Vec<&str> = table
        .things
        .iter()
        .map(|thing| thing.label.as_str())
        .collect();
    let mut builder = TableBuilder::new(&Selection {
        which: Which::Chosen,
        ..Selection::default()
    });
    for (thing, label) in table.things.iter().zip(labels).rev() {
        builder
            .add([
                &term::iri(&thing.iri),
                &term::iri(rdf::LABEL),
                &term::string(label),
            ])
            .unwrap();
        let kind = if thing.iri.starts_with("http://a") {
            "film"
        } else {
            "item"
        };
        builder.choose(&thing.iri, kind).unwrap();
    }
    builder.finish()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(4), ..ProptestConfig::with_cases(60) })]

    #[test]
    fn links_are_one_to_one_steady_and_fewer_the_surer(ours in labels(), theirs in labels()) {
        let (items, targets) = (table("a", &ours), table("b", &theirs));
        let linking = linked(&items, &targets, Decisions::default());
        let at = |threshold: f32| -> Vec<(u32, u32)> { linking.links(threshold).map(|p| (p.item, p.target)).collect() };
        let all = at(0.0);
        let sides = [all.iter().map(|l| l.0).collect::<Vec<_>>(), all.iter().map(|l| l.1).collect()];
        for mut side in sides {
            let count = side.len();
            side.sort_unstable();
            side.dedup();
            prop_assert_eq!(side.len(), count);
        }
        for (low, high) in [(0.0, 0.3), (0.3, 0.6), (0.6, 0.9), (0.9, 1.0)] {
            let low = at(low);
            prop_assert!(at(high).iter().all(|link| low.contains(link)));
        }
        for pair in &linking.pairs {
            prop_assert!((0.0..=1.0).contains(&pair.confidence));
        }
        let again = linked(&reversed(&items), &reversed(&targets), Decisions::default());
        prop_assert_eq!(again.pairs, linking.pairs);
    }
}
