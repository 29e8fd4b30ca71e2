//! Labels as the names that they stand for: spelling, articles, years, kinds and alternative titles told apart.
//!
//! | label | names | years | kinds |
//! |---|---|---|---|
//! | `Matrix, The (1999)` | `matrix` (article `the`) | 1999 | |
//! | `Twelve Monkeys (a.k.a. 12 Monkeys) (1995)` | `12 monkeys`, by both titles | 1995 | |
//! | `Postman, The (Postino, Il) (1994)` | `postman`, or else `postino` | 1994 | |
//! | `Emma (1996 theatrical film)` | `emma` | 1996 | `theatrical`, `film` |
//! | `Rocky II` | `rocky 2` | | |

use super::fold::fold;
use super::words::words;

/// A label with more bytes names nothing: it is a text.
pub const LONGEST: usize = 1024;

/// One thing has at most so many names.
pub const MOST: usize = 8;

/// What a label says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// The name, then its alternatives.
    pub names: Vec<Name>,
    /// Years in parentheses at its end.
    pub years: Vec<i16>,
    /// Words in parentheses at its end that say what kind of thing it names.
    pub kinds: Vec<String>,
}

/// A name, spelt so that equal names are equal strings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// Its words, folded, without a leading article; numbers are digits.
    pub text: String,
    /// The leading article, 0 where there is none.
    pub article: u8,
    /// Whether it stands beside the name or is it.
    pub standing: Standing,
}

/// Where a name stands in its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It is what the thing is called first.
    Main,
    /// It is another title, in parentheses.
    Alternative,
}

/// Takes a label apart. One that is longer than [`LONGEST`], or has no character that can be seen, has no names.
pub fn read(label: &str) -> Label {
    let mut read = Label::default();
    if label.len() > LONGEST {
        return read;
    }
    let (title, notes) = parted(label.trim());
    read.add(title, Standing::Main);
    for note in notes {
        read.note(note);
    }
    read
}

/// The last part of an IRI, behind `under` where the IRI begins with that, as a label.
pub fn of_iri(iri: &str, under: &str) -> String {
    let name = iri.strip_prefix(under).filter(|_| !under.is_empty());
    let name = name.unwrap_or_else(|| {
        let iri = iri.trim_end_matches(['/', '#']);
        iri.rsplit(['/', '#']).next().unwrap_or(iri)
    });
    unescaped(name).replace('_', " ")
}

/// The years that a text names: four digits that stand alone, from 1000 to 2099.
pub fn years_in(text: &str) -> impl Iterator<Item = i16> {
    let bytes = text.as_bytes();
    let alone = |at: Option<usize>| {
        let byte = at.and_then(|at| bytes.get(at));
        byte.is_none_or(|b| !b.is_ascii_alphanumeric())
    };
    let starts = (0..bytes.len().saturating_sub(3)).filter(move |&at| {
        bytes[at..at + 4].iter().all(u8::is_ascii_digit)
            && alone(at.checked_sub(1))
            && alone(Some(at + 4))
    });
    let years = starts.map(move |at| {
        let digits = bytes[at..at + 4].iter();
        digits.fold(0, |year, digit| year * 10 + i16::from(digit - b'0'))
    });
    years.filter(|year| (1000..2100).contains(year))
}

impl Label {
    fn add(&mut self, title: &str, standing: Standing) {
        if let Some((text, article)) = words(title)
            && !self.names.iter().any(|name| name.text == text)
        {
            self.names.push(Name {
                text,
                article,
                standing,
            });
        }
    }

    /// What stands in parentheses behind a title.
    fn note(&mut self, note: &str) {
        let note = note.trim();
        let (year, rest) = leading_year(note);
        self.years.extend(year);
        if year.is_some() && rest.chars().all(|c| !c.is_alphabetic()) {
            return;
        }
        match also_known_as(note) {
            Some(title) => self.add(title, Standing::Alternative),
            None if year.is_some() || is_kind(note) => {
                let kinds = fold(rest);
                self.kinds
                    .extend(kinds.split_whitespace().map(str::to_owned));
            }
            None => self.add(note, Standing::Alternative),
        }
    }
}

/// A title and what stands in parentheses behind it.
fn parted(label: &str) -> (&str, Vec<&str>) {
    let mut title = label;
    let mut notes = Vec::new();
    while let Some((before, note)) = last_note(title) {
        notes.insert(0, note);
        title = before;
    }
    (title, notes)
}

fn last_note(title: &str) -> Option<(&str, &str)> {
    let inner = title.strip_suffix(')')?;
    let mut depth = 1;
    let open = inner.char_indices().rev().find(|&(_, c)| {
        depth += match c {
            ')' => 1,
            '(' => -1,
            _ => 0,
        };
        depth == 0
    })?;
    let before = inner[..open.0].trim_end();
    (!before.is_empty()).then(|| (before, &inner[open.0 + 1..]))
}

/// A year at the start, and what follows it; a range counts as its first year.
fn leading_year(note: &str) -> (Option<i16>, &str) {
    let year = note.get(..4).and_then(|start| years_in(start).next());
    let rest = note.get(4..).unwrap_or_default();
    match year {
        Some(year) if !rest.starts_with(|c: char| c.is_alphanumeric()) => (Some(year), rest),
        _ => (None, note),
    }
}

fn also_known_as(note: &str) -> Option<&str> {
    let prefixes = ["a.k.a.", "aka ", "a.k.a ", "also known as "];
    prefixes.iter().find_map(|prefix| {
        let start = note.get(..prefix.len())?;
        let rest = &note[prefix.len()..];
        start.eq_ignore_ascii_case(prefix).then_some(rest.trim())
    })
}

/// Whether a note says what kind of thing it is, as encyclopaedias do: "film", "American band", "TV series".
fn is_kind(note: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphabetic() || " -".contains(c);
    let common = note.starts_with(|c: char| c.is_ascii_lowercase()) || note.starts_with("TV ");
    common && note.chars().all(plain) && note.split(' ').count() <= 3
}

/// `%41` as `A`; what is no such escape, or no UTF-8, stays.
fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                plain.push(byte);
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(plain).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_taken_apart() {
        // label, names, years, kinds
        let cases: &[(&str, &str, &[i16], &str)] = &[
            ("Matrix, The (1999)", "matrix", &[1999], ""),
            ("The Matrix", "matrix", &[], ""),
            (
                "Twelve Monkeys (a.k.a. 12 Monkeys) (1995)",
                "12 monkeys",
                &[1995],
                "",
            ),
            (
                "Postman, The (Postino, Il) (1994)",
                "postman|postino",
                &[1994],
                "",
            ),
            (
                "Emma (1996 theatrical film)",
                "emma",
                &[1996],
                "theatrical film",
            ),
            ("Fargo (film)", "fargo", &[], "film"),
            ("Fargo (TV series)", "fargo", &[], "tv series"),
            ("Rocky II", "rocky 2", &[], ""),
            ("Henry V (1989)", "henry v", &[1989], ""),
            ("Amélie", "amelie", &[], ""),
            ("AME\u{301}LIE\u{200f}", "amelie", &[], ""),
            ("\u{202b}Amelie\u{202c}\u{0}\t", "amelie", &[], ""),
            (
                "E.T. the Extra-Terrestrial",
                "et the extra terrestrial",
                &[],
                "",
            ),
            ("G.I. Jane", "gi jane", &[], ""),
            ("Mr. Magoo", "mr magoo", &[], ""),
            ("J.Edgar", "j edgar", &[], ""),
            ("8½", "8 1 2", &[], ""),
            ("8 1/2 (8½) (1963)", "8 1 2", &[1963], ""),
            ("Alien³ (a.k.a. Alien 3)", "alien 3", &[], ""),
            ("Angels & Insects", "angels and insects", &[], ""),
            ("Ulee's Gold", "ulees gold", &[], ""),
            ("Avventura, L' (1960)", "lavventura", &[1960], ""),
            ("L’Avventura", "lavventura", &[], ""),
            (
                "(500) Days of Summer (2009)",
                "500 days of summer",
                &[2009],
                "",
            ),
            ("(Untitled)", "untitled", &[], ""),
            ("???", "???", &[], ""),
            ("The", "the", &[], ""),
            ("1984 (1956)", "1984", &[1956], ""),
            ("Office (2005–2013)", "office", &[2005], ""),
            ("Straße", "strasse", &[], ""),
            ("千と千尋の神隠し", "千と千尋の神隠し", &[], ""),
            ("\u{200b} \u{2066}", "", &[], ""),
            ("a (b (c)) (1990)", "a|b c", &[1990], ""),
            ("broken) (paren", "broken paren", &[], ""),
        ];
        for &(label, names, years, kinds) in cases {
            let read = read(label);
            let texts: Vec<&str> = read.names.iter().map(|n| n.text.as_str()).collect();
            assert_eq!(texts.join("|"), names, "{label}");
            assert_eq!(
                (&read.years[..], read.kinds.join(" ").as_str()),
                (years, kinds),
                "{label}"
            );
        }
        assert_eq!(read(&"x".repeat(LONGEST + 1)), Label::default());
    }

    #[test]
    fn articles_are_kept_apart() {
        let article = |label: &str| read(label).names[0].article;
        assert_eq!(article("Boys, The"), article("the boys"));
        assert_ne!(article("Boys, The"), article("Les Boys"));
        assert_eq!(article("Die Hard"), 0);
        assert_eq!(article("As Good as It Gets"), 0);
    }

    #[test]
    fn years_stand_alone() {
        for (text, years) in [
            ("Emma is a 1996 film of the 1990s", &[1996][..]),
            ("1995-05-23T00:00:00Z", &[1995]),
            ("from 19950523 or 0999 or 2100", &[]),
            ("2001: A Space Odyssey is a 1968 film", &[2001, 1968]),
        ] {
            assert_eq!(years_in(text).collect::<Vec<_>>(), years, "{text}");
        }
    }

    #[test]
    fn an_iri_is_a_name_of_last_resort() {
        let dbpedia = "http://dbpedia.org/resource/";
        for (iri, under, label) in [
            ("http://dbpedia.org/resource/Face/Off", dbpedia, "Face/Off"),
            (
                "http://dbpedia.org/resource/Shall_We_Dance%3F_(1996_film)",
                "",
                "Shall We Dance? (1996 film)",
            ),
            ("http://example.org/a#Caf%C3%A9_%zz", "", "Café %zz"),
            ("http://example.org/%FF/", "", "%FF"),
        ] {
            assert_eq!(of_iri(iri, under), label);
        }
    }
}
