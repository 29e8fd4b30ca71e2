//! Text from dumps and models is not to be trusted: it must not move the cursor, colour the screen or turn the
//! reading direction of a terminal.

use std::borrow::Cow;

/// `text` with every control character written as an escape (`\n`, `\u001b`); safe within a line.
pub fn one_line(text: &str) -> Cow<'_, str> {
    escape(text, is_control)
}

/// Like [`one_line`], but lines stay lines.
pub fn lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| c != '\n' && is_control(c))
}

fn escape(text: &str, bad: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&bad) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            _ if !bad(c) => safe.push(c),
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            // Four digits always do, and are also how JSON says it.
            _ => safe.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
    }
    Cow::Owned(safe)
}

/// Control characters (C0, DEL, C1), line separators, and what turns or hides the direction of text.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_escaped_and_the_rest_stays() {
        assert_eq!(one_line("Amélie — 千と千尋"), "Amélie — 千と千尋");
        assert_eq!(one_line("a\x1b[31mred\n"), "a\\u001b[31mred\\n");
        assert_eq!(one_line("a\u{9b}2J\u{202e}b"), "a\\u009b2J\\u202eb");
        assert_eq!(lines("a\n\tb"), "a\n\\tb");
    }
}
