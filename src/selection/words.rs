//! Words of English as they are compared: by their stems.

/// Words that say nothing about what is asked.
const EMPTY: [&str; 24] = [
    "a", "an", "and", "are", "as", "at", "by", "did", "do", "does", "for", "from", "has", "have",
    "in", "is", "it", "of", "on", "or", "the", "to", "was", "with",
];

/// Forms that no rule leads back to their verb.
const IRREGULAR: [(&str, &str); 30] = [
    ("began", "begin"),
    ("born", "bear"),
    ("bought", "buy"),
    ("brought", "bring"),
    ("built", "build"),
    ("came", "come"),
    ("chose", "choose"),
    ("drew", "draw"),
    ("fought", "fight"),
    ("found", "find"),
    ("gave", "give"),
    ("gone", "go"),
    ("grew", "grow"),
    ("held", "hold"),
    ("kept", "keep"),
    ("knew", "know"),
    ("led", "lead"),
    ("left", "leave"),
    ("lost", "lose"),
    ("made", "make"),
    ("met", "meet"),
    ("played", "play"),
    ("sang", "sing"),
    ("sold", "sell"),
    ("sung", "sing"),
    ("taught", "teach"),
    ("told", "tell"),
    ("won", "win"),
    ("wore", "wear"),
    ("wrote", "write"),
];

/// Endings of plurals, participles and doers, the longest first.
const ENDINGS: [&str; 7] = ["ing", "ed", "en", "er", "or", "e", "s"];

/// A stem that another word may end with ("screenwriter") has at least so many letters.
const COMPOUND: usize = 4;

/// The words of a text, lower case, without marks around them.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(|word| word.trim_matches('\'').to_lowercase())
        .filter(|word| !word.is_empty())
}

/// The stems of the words of a name such as `starred_actors`, `releaseYear` or "is directed by".
pub(super) fn stems(name: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(name.len() + 4);
    let mut before = ' ';
    for c in name.chars() {
        if before.is_lowercase() && c.is_uppercase() {
            spaced.push(' ');
        }
        spaced.push(c);
        before = c;
    }
    let full = words(&spaced).filter(|word| !EMPTY.contains(&word.as_str()));
    let mut stems: Vec<String> = full.map(|word| stem(&word)).collect();
    stems.sort_unstable();
    stems.dedup();
    stems
}

/// What is left of a word without its endings: "writers", "written" and "wrote" have one stem.
pub(super) fn stem(word: &str) -> String {
    let word = IRREGULAR
        .iter()
        .find(|(form, _)| *form == word)
        .map_or(word, |(_, verb)| verb);
    let mut stem = cut(word, "s");
    for ending in &ENDINGS[..ENDINGS.len() - 1] {
        let shorter = cut(stem, ending);
        if shorter.len() < stem.len() {
            stem = shorter;
            break;
        }
    }
    let mut last = stem.chars().rev();
    match (last.next(), last.next()) {
        (Some(a), Some(b)) if a == b && stem.chars().count() > 3 => {
            stem[..stem.len() - a.len_utf8()].to_owned()
        }
        _ => stem.to_owned(),
    }
}

/// A word without an ending, where three letters remain.
fn cut<'w>(word: &'w str, ending: &str) -> &'w str {
    match word.strip_suffix(ending) {
        Some(rest) if rest.chars().count() >= 3 && !(ending == "s" && rest.ends_with('s')) => rest,
        _ => word,
    }
}

/// Whether a word speaks of what a stem names: it has that stem, or is a compound that ends with it.
pub(super) fn speaks_of(word: &str, named: &str) -> bool {
    word == named || (named.chars().count() >= COMPOUND && word.ends_with(named))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_meet_and_others_do_not() {
        let groups = [
            ["writers", "written", "wrote"],
            ["actors", "acted", "acting"],
            ["starred", "stars", "starring"],
            ["director", "directed", "directs"],
            ["release", "released", "releases"],
            ["languages", "language", "language"],
            ["genres", "genre", "genre"],
            ["votes", "vote", "voted"],
        ];
        for (index, group) in groups.iter().enumerate() {
            let first = stem(group[0]);
            assert!(group.iter().all(|word| stem(word) == first), "{group:?}");
            let others = groups[index + 1..].iter().flatten();
            assert!(
                others.into_iter().all(|word| stem(word) != first),
                "{first}"
            );
        }
        assert!(speaks_of(&stem("screenwriters"), &stem("written")));
        assert!(!speaks_of(&stem("fact"), &stem("actors")));
    }

    #[test]
    fn names_are_cut_into_words() {
        assert_eq!(stems("starred_actors"), ["act", "star"]);
        assert_eq!(stems("releaseYear"), ["releas", "year"]);
        assert_eq!(stems("is directed by"), ["direct"]);
        assert!(stems("…").is_empty());
    }
}
