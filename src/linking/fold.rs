//! Texts without what differs between spellings of one name: case, diacritics, width, and what cannot be seen.

use unicode_normalization::UnicodeNormalization;

/// Folds a text. Controls become blanks; marks of direction and joiners vanish.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            folded.push(c.to_ascii_lowercase());
        } else if is_unseen(c) {
            // Nothing.
        } else if c.is_control() {
            folded.push(' ');
        } else if let Some(letters) = written_out(c) {
            folded.push_str(letters);
        } else {
            fold_char(c, &mut folded);
        }
    }
    folded
}

fn fold_char(c: char, folded: &mut String) {
    let number = c.is_numeric() && !c.is_ascii();
    if number && folded.ends_with(|last: char| last.is_ascii_digit()) {
        // "8½" is not 81/2.
        folded.push(' ');
    }
    for c in std::iter::once(c).nfkd() {
        if !is_mark(c) {
            folded.extend(c.to_lowercase().filter(|&c| !is_mark(c)));
        }
    }
}

/// Diacritics of letters that can be read without them: Latin, Greek and Cyrillic accents, Hebrew and Arabic points.
/// (In other scripts marks are vowels.)
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}'
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20f0}')
}

/// Marks of direction, joiners, soft hyphens, variation selectors, tags.
pub(super) fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Letters that Unicode does not take apart.
fn written_out(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' | 'ẞ' => "ss",
        'æ' | 'Æ' => "ae",
        'œ' | 'Œ' => "oe",
        'ø' | 'Ø' => "o",
        'ł' | 'Ł' => "l",
        'đ' | 'Đ' | 'ð' | 'Ð' => "d",
        'þ' | 'Þ' => "th",
        'ı' => "i",
        _ => return None,
    })
}
