//! Parts a long text where it hurts least.

use std::ops::Range;

/// Bytes of a text that are read at once.
pub const LONGEST_PIECE: usize = 64 << 10;

/// The pieces of a text, in order and without gaps: whole where it is short; else each ends, if it can, behind a mark
/// that parts phrases, or behind white space.
pub(super) fn cut(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let start = next?;
        let end = start + first(&text[start..]);
        next = (end < text.len()).then_some(end);
        Some(start..end)
    })
}

/// Length of the first piece.
fn first(text: &str) -> usize {
    if text.len() <= LONGEST_PIECE {
        return text.len();
    }
    let window = &text[..text.floor_char_boundary(LONGEST_PIECE)];
    let last = |part: fn(char) -> bool| {
        let at = window.rfind(part)?;
        let after = at + window[at..].chars().next().map_or(1, char::len_utf8);
        (after > LONGEST_PIECE / 2).then_some(after)
    };
    last(|c| matches!(c, '\n' | ';' | '!' | '?'))
        .or_else(|| last(char::is_whitespace))
        .unwrap_or(window.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_to_the_text_and_end_where_words_do() {
        let words = "mug with a heart; ".repeat(20_000);
        let solid = "é".repeat(LONGEST_PIECE);
        for text in ["", "a", words.as_str(), solid.as_str()] {
            let pieces: Vec<_> = cut(text).collect();
            let joined: String = pieces.iter().map(|piece| &text[piece.clone()]).collect();
            assert_eq!(joined, text);
            assert!(pieces.iter().all(|piece| piece.len() <= LONGEST_PIECE));
            assert!(!pieces.is_empty());
        }
        assert!(cut(&words).all(|piece| words[piece].trim_end().ends_with(';')));
    }
}
