//! Regular expressions are compiled once where they are constant, and where rows repeat them.

use super::*;
use std::rc::Rc;

#[test]
fn constant_patterns_are_compiled_with_the_query() {
    for (text, once) in [
        ("REGEX(?a, \"b+\")", true),
        ("REGEX(?a, \"b+\", \"i\")", true),
        ("REGEX(STR(?a), \"b+\")", true),
        ("REGEX(\"abc\", ?a)", false),
        ("REGEX(?a, \"b+\", ?a)", false),
        ("REPLACE(?a, \"b+\", ?a)", true),
        ("REPLACE(?a, \"b+\", \"x\", \"i\")", true),
        ("REPLACE(\"abc\", ?a, \"x\")", false),
        // A malformed one is an error for every row, and is not tried again.
        ("REGEX(?a, \"(\")", true),
        ("REPLACE(?a, \"(\", \"x\")", true),
    ] {
        let compiled = compile(text, &mut slots(&["a"])).unwrap();
        let for_each_row = matches!(&compiled, Expr::Call(..));
        assert_eq!(!for_each_row, once, "{text}: {compiled:?}");
    }
}

#[test]
fn patterns_of_rows_are_kept_while_they_are_in_use() {
    let patterns = Patterns::default();
    let of = |text: &str, flags: &str| {
        let [text, flags] = [text, flags].map(|text| Datum::string("", text));
        patterns.of(text.meaning(), Some(flags.meaning()))
    };
    let first = of("a", "").unwrap();
    assert!(!Rc::ptr_eq(&first, &of("a", "i").unwrap()));
    assert!(of("(", "").is_none());
    for others in ["bcde", "fghi", "bcde"] {
        for other in others.chars() {
            of(&other.to_string(), "").unwrap();
        }
        assert!(Rc::ptr_eq(&first, &of("a", "").unwrap()), "{others}");
    }
    for other in "bcdefghijk".chars() {
        of(&other.to_string(), "").unwrap();
    }
    assert!(
        !Rc::ptr_eq(&first, &of("a", "").unwrap()),
        "it was long ago"
    );
}
