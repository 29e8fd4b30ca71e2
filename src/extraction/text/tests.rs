use super::*;

const TYPE: &str = "type";
const MATERIAL: &str = "material";
const MOTIF: &str = "motif";

fn concept(name: &str, property: &str, alternative: &[&str], weak: &[&str]) -> Concept {
    let of = |kind, labels: &[&str]| -> Vec<(LabelKind, String)> {
        labels.iter().map(|l| (kind, (*l).to_owned())).collect()
    };
    let mut labels = of(LabelKind::Preferred, &[name]);
    labels.extend(of(LabelKind::Alternative, alternative));
    labels.extend(of(LabelKind::Weak, weak));
    Concept {
        iri: name.to_owned(),
        property: property.to_owned(),
        labels,
    }
}

fn gazetteer() -> Gazetteer {
    let concepts = vec![
        concept("mug", TYPE, &[], &[]),
        concept("box", TYPE, &[], &[]),
        concept("set", TYPE, &[], &[]),
        concept("tin", TYPE, &[], &[]),
        concept("knife", TYPE, &["knives"], &[]),
        concept("ornament", TYPE, &["hanging heart"], &["heart", "bird"]),
        concept("t-light holder", TYPE, &["tealight holder"], &[]),
        concept("holder", TYPE, &[], &[]),
        concept("cup and saucer", TYPE, &[], &[]),
        concept("tinplate", MATERIAL, &["tin"], &[]),
        concept("glass", MATERIAL, &[], &[]),
        concept("heart", MOTIF, &["hanging heart"], &[]),
        concept("made with love", MOTIF, &[], &[]),
        concept("bird", MOTIF, &[], &[]),
    ];
    let rules = [
        Rule {
            property: TYPE.to_owned(),
            head: true,
            openers: vec!["with".to_owned(), "in".to_owned()],
            ..Rule::default()
        },
        Rule {
            property: MATERIAL.to_owned(),
            yields_to: Some(TYPE.to_owned()),
            ..Rule::default()
        },
    ];
    Gazetteer::new(concepts, &rules).unwrap()
}

/// `property:name` of every match; a property is told by its first two letters.
fn names(gazetteer: &Gazetteer, text: &str) -> String {
    let names: Vec<String> = gazetteer
        .find(text)
        .iter()
        .map(|m| {
            let concept = gazetteer.concept(m.concept);
            format!("{}:{}", &concept.property[..2], concept.iri)
        })
        .collect();
    names.join(" ")
}

#[test]
fn the_head_is_the_last_type_outside_of_modifiers() {
    let gazetteer = gazetteer();
    for (text, expected) in [
        ("MUG IN BOX", "ty:mug"),
        ("MUG WITH HEARTS", "ty:mug mo:heart"),
        ("MUG BOX", "ty:box"),
        ("MUG IN BOX, KNIVES", "ty:knife"),
        ("IN THE BOX", "ty:box"),
        ("BOX OF 9 MUGS", "ty:mug"),
        ("SET/6 MUGS", "ty:mug"),
        ("SET/6", "ty:set"),
        ("CUP & SAUCER", "ty:cup and saucer"),
        ("MADE WITH LOVE MUG", "mo:made with love ty:mug"),
        ("MUG + BOX", "ty:mug"),
        ("BIRD + BOX", "mo:bird ty:box"),
        ("HOLDER BIRD", "ty:holder mo:bird"),
    ] {
        assert_eq!(names(&gazetteer, text), expected, "{text}");
    }
}

#[test]
fn longest_match_decides_and_shared_labels_name_all_their_concepts() {
    let gazetteer = gazetteer();
    assert_eq!(
        names(&gazetteer, "GLASS T-LIGHT HOLDER"),
        "ma:glass ty:t-light holder"
    );
    assert_eq!(names(&gazetteer, "T-LIGHTS HOLDERS"), "ty:t-light holder");
    assert_eq!(names(&gazetteer, "HANGING HEART"), "ty:ornament mo:heart");
    assert_eq!(names(&gazetteer, "GLASSWARE HOLDERX"), "");
}

#[test]
fn a_weak_label_counts_where_there_is_no_stronger_one() {
    let gazetteer = gazetteer();
    assert_eq!(
        names(&gazetteer, "GLASS BIRD"),
        "ma:glass ty:ornament mo:bird"
    );
    assert_eq!(names(&gazetteer, "MUG HEART"), "ty:mug mo:heart");
    assert_eq!(names(&gazetteer, "BIRD IN BOX"), "ty:ornament mo:bird");
}

#[test]
fn a_shared_label_yields_to_the_head() {
    let gazetteer = gazetteer();
    assert_eq!(names(&gazetteer, "ROUND TIN"), "ty:tin");
    assert_eq!(names(&gazetteer, "TIN MUG"), "ma:tinplate ty:mug");
    assert_eq!(names(&gazetteer, "MUG IN TIN"), "ty:mug");
}

#[test]
fn confidence_tells_how_the_concept_was_named() {
    let gazetteer = gazetteer();
    let confidence = |text: &str| gazetteer.find(text)[0].confidence;
    for (text, expected) in [
        ("mug", 1.0),
        ("mugs", 0.9),
        ("knives", 0.95),
        ("tealight holders", 0.95 * 0.9),
        ("set 6", 0.7),
        ("hanging heart", 0.95 * 0.9),
    ] {
        assert!((confidence(text) - expected).abs() < 1e-6, "{text}");
    }
}

#[test]
fn a_label_of_two_heads_gives_one_and_little_trust() {
    let concepts = vec![
        concept("bat (animal)", TYPE, &["bat"], &[]),
        concept("bat (club)", TYPE, &["bat"], &[]),
    ];
    let rule = Rule {
        property: TYPE.to_owned(),
        head: true,
        ..Rule::default()
    };
    let found = Gazetteer::new(concepts, &[rule]).unwrap().find("bat");
    assert_eq!(found.len(), 1);
    assert!((found[0].confidence - 0.475).abs() < 1e-6);
}

#[test]
fn a_label_of_too_many_concepts_names_none_and_is_told() {
    let mut concepts: Vec<Concept> = (0..10_000)
        .map(|i| concept(&format!("c{i}"), MOTIF, &["the same"], &[]))
        .collect();
    concepts.push(concept("mug", TYPE, &[], &[]));
    let gazetteer = Gazetteer::new(concepts, &[]).unwrap();
    let text = "the same mug";
    assert_eq!(names(&gazetteer, text), "ty:mug");
    let crowds = gazetteer.crowds(text);
    assert_eq!(crowds.len(), 1);
    assert_eq!(
        (crowds[0].concepts, &text[crowds[0].span.clone()]),
        (10_000, "the same")
    );
}

#[test]
fn spans_are_bytes_of_the_text_as_given() {
    let gazetteer = gazetteer();
    let text = "É\u{200f}  T\u{0}LIGHT\u{200f} --HOLDERS\u{202e}!";
    let found = gazetteer.find(text);
    assert_eq!(
        &text[found[0].span.clone()],
        "T\u{0}LIGHT\u{200f} --HOLDERS"
    );
}

#[test]
fn odd_vocabularies_and_texts_do_no_harm() {
    let gazetteer = gazetteer();
    for text in [
        "",
        " ",
        "\u{0}",
        "\u{200f}",
        "of",
        "in",
        "🫖",
        "with in with",
        "&",
    ] {
        assert_eq!(gazetteer.find(text), [], "{text:?}");
    }
    assert_eq!(gazetteer.find(&"x".repeat(1 << 20)), []);
    let empty = Gazetteer::new(Vec::new(), &[]).unwrap();
    assert_eq!(empty.find("mug"), []);
    let odd = concept("", TYPE, &["--", &"long ".repeat(1000), "mug"], &[]);
    let odd = Gazetteer::new(vec![odd], &[]).unwrap();
    assert_eq!(odd.unusable_labels(), 3);
    assert_eq!(odd.find("a mug").len(), 1);
}

#[test]
fn a_long_text_takes_time_in_proportion() {
    let gazetteer = gazetteer();
    let found = gazetteer.find(&"glass mug in box, ".repeat(20_000));
    assert_eq!(found.len(), 20_001);
}

#[test]
fn a_large_vocabulary_is_built_without_delay() {
    let concepts: Vec<Concept> = (0..100_000)
        .map(|i| {
            concept(
                &format!("thing number {i}"),
                MOTIF,
                &[&format!("n{i}")],
                &[],
            )
        })
        .collect();
    let gazetteer = Gazetteer::new(concepts, &[]).unwrap();
    assert_eq!(
        names(&gazetteer, "a thing number 77777 and n5"),
        "mo:thing number 77777 mo:thing number 5"
    );
}

proptest::proptest! {
    #[test]
    fn any_text_gives_ordered_spans_on_character_boundaries(text in "(?s)(mug|HEARTS| in |,|tin|[\\x00-\\u{3000}]|\u{202e}){0,40}") {
        for pair in gazetteer().find(&text).windows(2) {
            proptest::prop_assert!(pair[0].span.start <= pair[1].span.start);
        }
        for found in gazetteer().find(&text) {
            proptest::prop_assert!(text.get(found.span.clone()).is_some());
            proptest::prop_assert!((0.0..=1.0).contains(&found.confidence));
        }
    }
}
