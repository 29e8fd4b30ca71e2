//! Counting tokens, with a model's own tokenizer or, where there is none, approximately.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use regex::Regex;
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

/// A counter from a `tokenizer.json`. Messages are counted exactly where the vocabulary has ChatML's control tokens,
/// and otherwise as their text plus an allowance for the template.
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

/// The words of GPT-2's tokenizer (Radford et al. 2019, its published code), but for white space before a word: a regular
/// expression that may not look ahead is several times faster, and a prompt counts every piece of its evidence.
#[expect(
    clippy::unwrap_used,
    reason = "the expression is a constant, and a test uses it"
)]
static WORDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+").unwrap()
});

/// Cuts a text as GPT-2 does.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let found = WORDS.find_at(text, from)?;
        let word = found.as_str();
        let mut end = found.end();
        let last = word.chars().next_back().filter(|c| c.is_whitespace());
        if let Some(last) = last
            && end < text.len()
            && word.len() > last.len_utf8()
        {
            // The last of several spaces belongs to the word behind it.
            end -= last.len_utf8();
        }
        from = end;
        Some(&text[found.start()..end])
    })
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
    let count = |kind: fn(&char) -> bool| word.chars().filter(kind).count();
    let capitals = word
        .chars()
        .skip(1)
        .filter(char::is_ascii_uppercase)
        .count();
    let letters = count(char::is_ascii_alphabetic).div_ceil(5) + capitals;
    let marks = count(|c| c.is_ascii() && !c.is_ascii_alphanumeric()).div_ceil(2);
    (letters + count(char::is_ascii_digit) + marks + count(|c| !c.is_ascii())).max(1)
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
