//! A text as words that can be looked up: lower case, parted at everything that is neither letter nor digit,
//! regular plurals folded.

use rustc_hash::FxHasher;
use std::hash::Hasher;
use std::ops::Range;

/// One word of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// Where it stands in the text, in bytes.
    pub span: Range<usize>,
    /// Where it stands in the folded text, its two spaces included.
    pub folded: Range<usize>,
    /// Hash of its lower-case letters before plurals are folded.
    pub surface: u64,
    /// Whether a mark that parts phrases stands between it and the word before.
    pub after_break: bool,
    /// Whether it is the sign `+`.
    pub plus: bool,
}

/// A text, folded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Words {
    /// Each word's key between two spaces of its own: ` tea  towel `. So a pattern of whole words matches whole
    /// words only, and neighbouring matches do not share a space.
    pub folded: String,
    /// The words in order.
    pub words: Vec<Word>,
}

impl Words {
    /// Folds a text, in time linear in its length.
    pub fn of(text: &str) -> Self {
        let mut words = Self::default();
        let mut word = String::new();
        let mut span = 0..0;
        let mut after_break = false;
        let mut characters = text.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            let end = at + character.len_utf8();
            if character.is_alphanumeric() {
                if word.is_empty() {
                    span.start = at;
                }
                span.end = end;
                word.extend(character.to_lowercase());
                continue;
            }
            if is_invisible(character) {
                continue;
            }
            words.push(&mut word, span.clone(), &mut after_break);
            match character {
                '&' | '+' => {
                    word.push_str("and");
                    words.push(&mut word, at..end, &mut after_break);
                    if let Some(sign) = words.words.last_mut() {
                        sign.plus = character == '+';
                    }
                }
                ',' | ';' | ':' | '(' | ')' | '[' | ']' | '|' | '\n' => after_break = true,
                '.' | '!' | '?' => {
                    after_break |= characters
                        .peek()
                        .is_none_or(|(_, next)| next.is_whitespace());
                }
                _ => {}
            }
        }
        words.push(&mut word, span, &mut after_break);
        words
    }

    fn push(&mut self, word: &mut String, span: Range<usize>, after_break: &mut bool) {
        if word.is_empty() {
            return;
        }
        let start = self.folded.len();
        self.folded.push(' ');
        fold_plural(word, &mut self.folded);
        self.folded.push(' ');
        let mut hasher = FxHasher::default();
        hasher.write(word.as_bytes());
        self.words.push(Word {
            span,
            folded: start..self.folded.len(),
            surface: hasher.finish(),
            after_break: std::mem::take(after_break),
            plus: false,
        });
        word.clear();
    }

    /// The key of a word.
    pub fn key(&self, word: &Word) -> &str {
        &self.folded[word.folded.start + 1..word.folded.end - 1]
    }

    /// Hash of a run of words before plurals are folded.
    pub fn surface(words: &[Word]) -> u64 {
        let mut hasher = FxHasher::default();
        for word in words {
            hasher.write_u64(word.surface);
        }
        hasher.finish()
    }
}

/// Apostrophes and what has no width (joiners, direction marks, soft hyphens): they part no words.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\'' | '\u{2019}' | '\u{2bc}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{300}'..='\u{36f}'
    )
}

/// Writes the key of a word: one that its regular English singular and plural share. It need not be a word itself
/// (`shoe` and `shoes` both give `sho`); words that are not forms of each other keep different keys, as far as
/// spelling can tell (`glass` does not meet `glas`, nor `tubes` `tub`).
fn fold_plural(word: &str, key: &mut String) {
    let length = word.len();
    let keep = |tail: usize| &word[..length - tail];
    let ends = |tail: &str| word.ends_with(tail);
    if length <= 3 || !word.is_ascii() || ["ss", "us", "is"].into_iter().any(ends) {
        key.push_str(word);
    } else if ends("ies") && length > 5 {
        key.push_str(keep(3));
        key.push('y');
    } else if ends("ie") && length > 4 {
        key.push_str(keep(2));
        key.push('y');
    } else if ["xes", "ches", "shes", "sses"].into_iter().any(ends) || ends("oes") && length > 4 {
        key.push_str(keep(2));
    } else if ["xe", "che", "she", "sse", "oe", "s"].into_iter().any(ends) {
        key.push_str(keep(1));
    } else {
        key.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(word: &str) -> String {
        let words = Words::of(word);
        words.key(&words.words[0]).to_owned()
    }

    #[test]
    fn singular_and_plural_meet_and_other_words_do_not() {
        for (one, many) in [
            ("box", "boxes"),
            ("cherry", "cherries"),
            ("dish", "dishes"),
            ("match", "matches"),
            ("glass", "glasses"),
            ("dress", "dresses"),
            ("rose", "roses"),
            ("shoe", "shoes"),
            ("toe", "toes"),
            ("tomato", "tomatoes"),
            ("cookie", "cookies"),
            ("pie", "pies"),
            ("mug", "mugs"),
            ("vase", "vases"),
            ("tie", "ties"),
            ("cache", "caches"),
        ] {
            assert_eq!(key(one), key(many), "{one}");
        }
        for (one, other) in [
            ("glass", "glas"),
            ("tube", "tubs"),
            ("pine", "pins"),
            ("cape", "caps"),
            ("bus", "bu"),
            ("iris", "iri"),
            ("brass", "bras"),
        ] {
            assert_ne!(key(one), key(other), "{one} {other}");
        }
    }

    #[test]
    fn marks_part_words_and_what_is_invisible_does_not() {
        let folded = |text: &str| Words::of(text).folded.replace("  ", "|");
        assert_eq!(folded("T-LIGHT\u{0}  holder"), " t|light|holder ");
        assert_eq!(folded("CHILD'S cup&saucer"), " child|cup|and|saucer ");
        assert_eq!(
            folded("\u{200f}צנצנת\u{200e} soft\u{ad}ly"),
            " צנצנת|softly "
        );
        assert_eq!(folded(" ,;\u{7}- "), "");
    }

    #[test]
    fn spans_are_of_the_text_as_given() {
        let text = "ÉTÉ, Straße";
        let words = Words::of(text);
        assert_eq!(&text[words.words[0].span.clone()], "ÉTÉ");
        assert_eq!(&text[words.words[1].span.clone()], "Straße");
        assert!(words.words[1].after_break);
    }
}
