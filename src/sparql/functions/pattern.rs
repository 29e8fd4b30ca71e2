//! Regular expressions of `REGEX` and `REPLACE`.

use super::super::expression::{Context, Expr, LONG, LONGEST};
use super::super::ids::Id;
use super::super::value::{Datum, Meaning, Value};
use regex::{Regex, RegexBuilder};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// A compiled regular expression takes no more bytes than this.
const REGEX_BYTES: usize = 1 << 20;

/// Compiled patterns that are kept.
const RECENT: usize = 8;

/// Matches between two looks at the clock.
const PATIENCE: usize = 256;

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

    /// `text` with all matches replaced.
    pub(super) fn replaced(
        &self,
        text: &Datum<'_>,
        replacement: &Datum<'_>,
        context: &dyn Context,
    ) -> Option<Value<'static>> {
        let (tag, text) = text.meaning().string()?;
        let replaced = self.replace(text, replacement.meaning().plain()?, context)?;
        Some(Datum::string(tag, &replaced).into())
    }

    /// Replaces all matches; `None` if the replacement is malformed, or the result longer than [`LONGEST`], or the query
    /// may not go on.
    fn replace(&self, text: &str, replacement: &str, context: &dyn Context) -> Option<String> {
        let template = match self.is_text {
            true => replacement.replace('$', "$$"),
            false => template(replacement, self.regex.captures_len() - 1)?,
        };
        let (mut replaced, mut last, mut before) = (String::new(), 0, 0);
        for (count, captures) in self.regex.captures_iter(text).enumerate() {
            let whole = captures.get(0)?;
            replaced.push_str(&text[last..whole.start()]);
            captures.expand(&template, &mut replaced);
            last = whole.end();
            if replaced.len() > LONGEST {
                return None;
            }
            // One match may have taken long too, or have made much.
            let come = last + replaced.len();
            if count % PATIENCE == PATIENCE - 1 || come - before > LONG {
                before = come;
                context.afford(replaced.capacity())?;
            }
        }
        replaced.push_str(&text[last..]);
        Some(replaced)
    }
}

/// `REPLACE` with a pattern that is known already.
#[derive(Clone, Debug)]
pub(in super::super) struct Replacement {
    /// The text, and what comes in the place of what matches.
    pub(in super::super) operands: [Expr; 2],
    pub(super) pattern: Pattern,
}

impl Replacement {
    /// The value for a row.
    pub(in super::super) fn evaluate(
        &self,
        row: &[Id],
        context: &dyn Context,
    ) -> Option<Value<'static>> {
        let [text, with] = &self.operands;
        let (text, with) = (text.datum(row, context)?, with.datum(row, context)?);
        self.pattern.replaced(&text, &with, context)
    }
}

/// Patterns that come from rows, with their flags: those compiled lately, the last first.
#[derive(Default)]
pub(in super::super) struct Patterns(RefCell<VecDeque<Recent>>);

struct Recent {
    pattern: String,
    flags: String,
    /// None if it is malformed. Shared: a copy of a regular expression begins without what it has learnt.
    compiled: Option<Rc<Pattern>>,
}

impl Patterns {
    /// As [`Pattern::of`].
    pub(in super::super) fn of(
        &self,
        pattern: Meaning<'_>,
        flags: Option<Meaning<'_>>,
    ) -> Option<Rc<Pattern>> {
        let pattern = pattern.plain()?;
        let flags = flags.map_or(Some(""), |flags| flags.plain())?;
        if pattern.len() + flags.len() > LONG {
            return Pattern::new(pattern, flags).map(Rc::new);
        }
        let mut recent = self.0.borrow_mut();
        let same = |known: &Recent| known.pattern == pattern && known.flags == flags;
        let known = recent.iter().position(same);
        let first = match known.and_then(|place| recent.remove(place)) {
            Some(known) => known,
            None => Recent {
                pattern: pattern.to_owned(),
                flags: flags.to_owned(),
                compiled: Pattern::new(pattern, flags).map(Rc::new),
            },
        };
        let compiled = first.compiled.clone();
        recent.push_front(first);
        recent.truncate(RECENT);
        compiled
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
