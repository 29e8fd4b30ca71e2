//! Counting tokens, with a model's own tokenizer or, where there is none, approximately.

use std::path::Path;
use std::sync::Arc;

use tokenizers::Tokenizer;

use super::Message;
use super::chat::ChatTokenizer;
use crate::error::{Error, Result};

/// Counts tokens; needs no weights.
pub trait TokenCounter: Send + Sync {
    /// What counts: the name of a tokenizer, or `approximate`.
    fn name(&self) -> &str;

    /// Whether the counts are those of the model.
    fn is_exact(&self) -> bool;

    /// How many tokens `text` has.
    fn count(&self, text: &str) -> Result<usize>;

    /// How many tokens a model is fed for `messages`, the template around them and the start of the reply included.
    fn count_messages(&self, messages: &[Message]) -> Result<usize>;
}

/// A counter for when the model's tokenizer is not at hand. It errs on the high side.
pub fn approximate() -> Arc<dyn TokenCounter> {
    Arc::new(Approximate)
}

/// A counter from a `tokenizer.json`. Messages are counted exactly where the vocabulary has the control tokens of ChatML, Llama 3
/// or Gemma, and otherwise as their text plus an allowance for the template.
pub fn from_file(path: &Path) -> Result<Arc<dyn TokenCounter>> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("read the tokenizer", path, e))?;
    let tokenizer = Tokenizer::from_bytes(&bytes)
        .map_err(|e| Error::input(format!("not a `tokenizer.json`: {e}")).at(path.display()))?;
    let name = path.display().to_string();
    Ok(from_tokenizer(name, tokenizer))
}

/// A counter from a tokenizer, as [`from_file`] explains.
pub fn from_tokenizer(name: impl Into<String>, tokenizer: Tokenizer) -> Arc<dyn TokenCounter> {
    let name = name.into();
    match ChatTokenizer::new(&name, tokenizer) {
        Ok(chat) => Arc::new(chat),
        Err(tokenizer) => Arc::new(TextOnly {
            name,
            tokenizer: *tokenizer,
        }),
    }
}

/// Tokens that a template puts around a message, where it is not known.
const TEMPLATE_ALLOWANCE: usize = 6;

impl TokenCounter for ChatTokenizer {
    fn name(&self) -> &str {
        self.name()
    }

    fn is_exact(&self) -> bool {
        true
    }

    fn count(&self, text: &str) -> Result<usize> {
        Ok(self.encode(text)?.len())
    }

    fn count_messages(&self, messages: &[Message]) -> Result<usize> {
        Ok(self.encode_messages(messages)?.len())
    }
}

/// A tokenizer whose chat template is not known.
struct TextOnly {
    name: String,
    tokenizer: Tokenizer,
}

impl TokenCounter for TextOnly {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_exact(&self) -> bool {
        false
    }

    fn count(&self, text: &str) -> Result<usize> {
        let encoding = self.tokenizer.encode_fast(text, false);
        let encoding =
            encoding.map_err(|e| Error::input(format!("cannot tokenize: {e}")).at(&self.name))?;
        Ok(encoding.len())
    }

    fn count_messages(&self, messages: &[Message]) -> Result<usize> {
        count_with_allowance(self, messages)
    }
}

/// Words as GPT-2 cuts them, and a guess at the pieces of each.
struct Approximate;

/// What GPT-2 cuts off behind an apostrophe.
const SUFFIXES: [&str; 7] = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

/// What the characters of one word are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Letter,
    Number,
    Other,
}

impl Class {
    fn of(c: char) -> Self {
        match c {
            'a'..='z' | 'A'..='Z' => Self::Letter,
            '0'..='9' => Self::Number,
            _ if c.is_whitespace() => Self::Space,
            _ if c.is_ascii() => Self::Other,
            _ if c.is_numeric() => Self::Number,
            _ if c.is_alphabetic() => Self::Letter,
            _ => Self::Other,
        }
    }
}

/// Cuts a text into words as GPT-2's tokenizer does (Radford et al. 2019, its published code), but for combining marks, which
/// stay with their letters here. A prompt counts every piece of its evidence, so this is no regular expression.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (word, behind) = rest.split_at(first_word(rest)?);
        rest = behind;
        Some(word)
    })
}

/// The length of the first word of a text: a suffix, letters, numbers or other characters with a space before, or white space.
fn first_word(text: &str) -> Option<usize> {
    let mut chars = text.chars();
    let first = chars.next()?;
    let suffix = SUFFIXES.iter().find(|suffix| text.starts_with(**suffix));
    if let Some(suffix) = suffix {
        return Some(suffix.len());
    }
    let class = match (first, chars.next()) {
        (' ', Some(next)) => Class::of(next),
        _ => Class::of(first),
    };
    let begin = if first == ' ' && class != Class::Space {
        1
    } else {
        0
    };
    let run = text[begin..].find(|c| Class::of(c) != class);
    let Some(run) = run else {
        return Some(text.len());
    };
    let end = begin + run;
    // The last of several spaces belongs to the word behind it.
    let last = text[..end].chars().next_back().map_or(0, char::len_utf8);
    let several = class == Class::Space && end > last;
    Some(if several { end - last } else { end })
}

impl TokenCounter for Approximate {
    fn name(&self) -> &str {
        "approximate"
    }

    fn is_exact(&self) -> bool {
        false
    }

    fn count(&self, text: &str) -> Result<usize> {
        Ok(words(text).map(pieces).sum())
    }

    fn count_messages(&self, messages: &[Message]) -> Result<usize> {
        count_with_allowance(self, messages)
    }
}

fn count_with_allowance(counter: &dyn TokenCounter, messages: &[Message]) -> Result<usize> {
    let mut sum = TEMPLATE_ALLOWANCE;
    for message in messages {
        sum += counter.count(&message.content)? + TEMPLATE_ALLOWANCE;
    }
    Ok(sum)
}

/// A guess, rather high, at the tokens of one word: a token per five Latin letters and per capital inside, per digit,
/// per two other ASCII characters, and per other character.
fn pieces(word: &str) -> usize {
    let word = word.trim_start_matches(' ');
    let (mut letters, mut inside, mut digits, mut marks, mut others) = (0usize, 0, 0, 0usize, 0);
    for (index, c) in word.chars().enumerate() {
        match c {
            'a'..='z' => letters += 1,
            'A'..='Z' => {
                letters += 1;
                inside += usize::from(index > 0);
            }
            '0'..='9' => digits += 1,
            _ if c.is_ascii() => marks += 1,
            _ => others += 1,
        }
    }
    (letters.div_ceil(5) + inside + digits + marks.div_ceil(2) + others).max(1)
}

#[cfg(test)]
mod tests {
    use super::words;
    use proptest::prelude::*;
    use tokenizers::pre_tokenizers::byte_level::ByteLevel;
    use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

    fn by_library(text: &str) -> Vec<String> {
        let mut cut = PreTokenizedString::from(text);
        let words = ByteLevel::new(false, true, true);
        words.pre_tokenize(&mut cut).unwrap();
        let splits = cut.get_splits(OffsetReferential::Original, OffsetType::Byte);
        let word = |&(_, (start, end), _): &(_, (usize, usize), _)| text[start..end].to_owned();
        splits.iter().map(word).collect()
    }

    proptest! {
        #[test]
        fn words_are_those_of_the_library(text in "(?:[a-zA-Z0-9 '\n\t.,|#-]|don't|we'll|é|ß|東|½|\u{a0}|\u{3000}|😀){0,40}") {
            prop_assert_eq!(words(&text).collect::<Vec<_>>(), by_library(&text));
        }
    }
}
