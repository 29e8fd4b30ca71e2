//! What speaks for a pair, and against it, as numbers.

use super::catalogue::{Candidate, Catalogue};
use super::names::{Name, Standing};
use super::table::Thing;

/// How many features a pair has.
pub const COUNT: usize = 13;

/// A pair as numbers, in the order of [`FEATURES`].
pub type Features = [f32; COUNT];

/// What each number of a pair says; those that are true or false are 1 or 0.
pub const FEATURES: [&str; COUNT] = [
    "always 1",
    "likeness of the names",
    "the names are equal",
    "words in common (Dice)",
    "the articles differ; 1/2 where one has none",
    "a name is an alternative title",
    "substance of the target's name (logarithm)",
    "substance, if the names are equal",
    "a year is equal",
    "years are next to each other",
    "all years differ by more",
    "kinds have a word in common",
    "the target's label says another kind",
];

/// Places in [`Features`] that others ask for.
pub(super) mod place {
    pub const LIKENESS: usize = 1;
    pub const EQUAL: usize = 2;
    pub const ARTICLE: usize = 4;
    pub const ALTERNATIVE: usize = 5;
    pub const YEAR: usize = 8;
    pub const NEXT_YEAR: usize = 9;
    pub const OTHER_YEAR: usize = 10;
    pub const SAME_KIND: usize = 11;
    pub const OTHER_KIND: usize = 12;
}

/// The features of an item and a candidate.
pub fn features(item: &Thing, candidate: &Candidate, catalogue: &Catalogue) -> Features {
    let target = &catalogue.table().things[candidate.target as usize];
    let names = &candidate.names;
    let ours = &item.names[names.of_item as usize];
    let theirs = &target.names[names.of_target as usize];
    let substance = catalogue
        .substance(candidate.target, names.of_target)
        .max(0.1)
        .ln();
    let equal = truth(ours.text == theirs.text);
    let other_title = [ours, theirs]
        .iter()
        .any(|n| n.standing == Standing::Alternative);
    let [year, next, other] = years(&item.years, &target.years);
    let kin = item.kinds.iter().any(|kind| target.kinds.contains(kind));
    [
        1.0,
        names.likeness,
        equal,
        dice(&ours.text, &theirs.text),
        articles(ours, theirs),
        truth(other_title),
        substance,
        substance * equal,
        year,
        next,
        other,
        truth(kin),
        truth(!kin && target.says_kind && !item.kinds.is_empty()),
    ]
}

/// What hides the years of a pair, as if neither side had any.
pub fn without_years(mut features: Features) -> Features {
    for place in [place::YEAR, place::NEXT_YEAR, place::OTHER_YEAR] {
        features[place] = 0.0;
    }
    features
}

/// Why a pair is not certain, in words.
pub fn doubts(features: &Features) -> Vec<String> {
    let mut doubts = Vec::new();
    let has = |place: usize| features[place] > 0.0;
    if !has(place::EQUAL) {
        doubts.push(format!(
            "names are alike by {:.2}",
            features[place::LIKENESS]
        ));
    }
    for (place, doubt) in [
        (place::ALTERNATIVE, "by an alternative title"),
        (place::ARTICLE, "articles differ"),
        (place::NEXT_YEAR, "years are next to each other"),
        (place::OTHER_YEAR, "years differ"),
        (place::OTHER_KIND, "kinds differ"),
    ] {
        if has(place) {
            doubts.push(doubt.to_owned());
        }
    }
    if [place::YEAR, place::NEXT_YEAR, place::OTHER_YEAR]
        .iter()
        .all(|&place| !has(place))
    {
        doubts.push("a year is unknown".to_owned());
    }
    doubts
}

fn truth(is: bool) -> f32 {
    f32::from(u8::from(is))
}

fn years(ours: &[i16], theirs: &[i16]) -> [f32; 3] {
    let between = |a: &i16| theirs.iter().map(move |b| (a - b).abs()).min();
    match ours.iter().filter_map(between).min() {
        None => [0.0; 3],
        Some(0) => [1.0, 0.0, 0.0],
        Some(1) => [0.0, 1.0, 0.0],
        Some(_) => [0.0, 0.0, 1.0],
    }
}

fn articles(ours: &Name, theirs: &Name) -> f32 {
    match (ours.article, theirs.article) {
        (a, b) if a == b => 0.0,
        (0, _) | (_, 0) => 0.5,
        _ => 1.0,
    }
}

/// Twice the words that both have, by the words of each; a word that comes twice counts twice.
fn dice(a: &str, b: &str) -> f32 {
    let words = |text| {
        let mut words: Vec<&str> = str::split(text, ' ').collect();
        words.sort_unstable();
        words
    };
    let (a, b) = (words(a), words(b));
    let (mut i, mut j, mut in_both) = (0, 0, 0u16);
    while i < a.len() && j < b.len() {
        let order = a[i].cmp(b[j]);
        in_both += u16::from(order.is_eq());
        i += usize::from(order.is_le());
        j += usize::from(order.is_ge());
    }
    2.0 * f32::from(in_both) / (a.len() + b.len()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_are_equal_near_far_or_unknown() {
        for (ours, theirs, expected) in [
            (&[1995][..], &[1995, 2002][..], [1.0, 0.0, 0.0]),
            (&[1995], &[1996], [0.0, 1.0, 0.0]),
            (&[1954], &[1995], [0.0, 0.0, 1.0]),
            (&[], &[1995], [0.0; 3]),
            (&[1995], &[], [0.0; 3]),
        ] {
            assert_eq!(years(ours, theirs), expected);
        }
    }

    #[test]
    fn words_in_common() {
        assert_eq!(dice("star wars", "wars star"), 1.0);
        assert_eq!(dice("star wars", "star trek"), 0.5);
        assert_eq!(dice("glory", "glory glory"), 2.0 / 3.0);
        assert_eq!(dice("a", "b"), 0.0);
    }
}
