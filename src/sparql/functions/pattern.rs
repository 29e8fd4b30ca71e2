//! Regular expressions of `REGEX` and `REPLACE`.

use super::super::expression::LONGEST;
use super::super::value::Meaning;
use regex::{Regex, RegexBuilder};

/// A compiled regular expression takes no more bytes than this.
const REGEX_BYTES: usize = 1 << 20;

/// A regular expression, as `REGEX` takes it.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    is_text: bool,
}

impl Pattern {
    /// Compiles a pattern with flags (XPath Functions 3.1 §5.6.1); `None` if either is malformed, or the pattern needs
    /// too much memory.
    pub(super) fn of(pattern: Meaning<'_>, flags: Option<Meaning<'_>>) -> Option<Self> {
        let pattern = pattern.plain()?;
        let flags = match flags {
            Some(flags) => flags.plain()?,
            None => "",
        };
        Self::new(pattern, flags)
    }

    /// The same from texts.
    pub fn new(pattern: &str, flags: &str) -> Option<Self> {
        let is_text = flags.contains('q');
        let escaped = is_text.then(|| regex::escape(pattern));
        let mut builder = RegexBuilder::new(escaped.as_deref().unwrap_or(pattern));
        builder.size_limit(REGEX_BYTES);
        for flag in flags.chars() {
            match flag {
                's' => builder.dot_matches_new_line(true),
                'm' => builder.multi_line(true),
                'i' => builder.case_insensitive(true),
                'x' => builder.ignore_whitespace(true),
                'q' => &mut builder,
                _ => return None,
            };
        }
        let regex = builder.build().ok()?;
        Some(Self { regex, is_text })
    }

    /// Whether it matches somewhere.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Replaces all matches; `None` if the replacement is malformed, or the result longer than [`LONGEST`].
    pub(super) fn replace(&self, text: &str, replacement: &str) -> Option<String> {
        let template = match self.is_text {
            true => replacement.replace('$', "$$"),
            false => template(replacement, self.regex.captures_len() - 1)?,
        };
        let (mut replaced, mut last) = (String::new(), 0);
        for captures in self.regex.captures_iter(text) {
            let whole = captures.get(0)?;
            replaced.push_str(&text[last..whole.start()]);
            captures.expand(&template, &mut replaced);
            last = whole.end();
            if replaced.len() > LONGEST {
                return None;
            }
        }
        replaced.push_str(&text[last..]);
        Some(replaced)
    }
}

/// Writes the replacement of XPath (`$1`, `\$`, `\\`) in the syntax of the library. `$12` is the first group and a `2`
/// where there are not twelve.
fn template(replacement: &str, groups: usize) -> Option<String> {
    let mut template = String::new();
    let mut rest = replacement.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '\\' => match rest.next()? {
                '$' => template.push_str("$$"),
                '\\' => template.push('\\'),
                _ => return None,
            },
            '$' => {
                let mut group = rest.next()?.to_digit(10)? as usize;
                while let Some(digit) = rest.peek().and_then(|c| c.to_digit(10))
                    && group * 10 + digit as usize <= groups
                {
                    group = group * 10 + digit as usize;
                    rest.next();
                }
                template.push_str(&format!("${{{group}}}"));
            }
            other => template.push(other),
        }
    }
    Some(template)
}
