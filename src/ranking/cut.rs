//! What a reply says up to where it was cut off.

/// How deep the reply that is asked for nests: an object, what is cited, a list of it.
const DEEPEST: usize = 3;

/// The begin of a JSON text up to its last whole list, object or string in a list, with all closed that is open there; none
/// if there is no such thing.
pub(super) fn closed(text: &str) -> Option<String> {
    let mut open: Vec<char> = Vec::new();
    let (mut is_string, mut is_escaped) = (false, false);
    let mut whole = None;
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_string => is_escaped = true,
            '"' => is_string = !is_string,
            _ if is_string => {}
            '[' | '{' if open.len() == DEEPEST => return None,
            '[' => open.push(']'),
            '{' => open.push('}'),
            ']' | '}' if open.pop() != Some(c) => return None,
            _ => {}
        }
        let ends = match c {
            '"' => !is_string && open.last() == Some(&']'),
            ']' | '}' => !is_string,
            _ => false,
        };
        if ends {
            whole = Some((at + 1, open.clone()));
        }
    }
    let (end, open) = whole?;
    Some(text[..end].chars().chain(open.into_iter().rev()).collect())
}
