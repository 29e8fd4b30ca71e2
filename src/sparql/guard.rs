//! Refuses queries that would nest too deep for the stack, or whose tree would not fit into memory, before they are
//! parsed.
//!
//! The parser recurses into brackets, and a chain of operators or of groups becomes a tree as deep as the chain is
//! long. What is counted here is never less than the depth of that tree.

use super::Bound;
use crate::{Error, Result};

/// How deep brackets may lie in each other.
const BRACKETS: usize = 200;

/// How deep the tree may be.
const TREE: usize = 10_000;

/// Bytes that the parser needs for a token, at most about: `ASK {<a:b> <a:b> 1,1,1…}` takes 650 for each `1,`.
const TOKEN: usize = 500;

/// An open bracket.
#[derive(Default)]
struct Level {
    bracket: u8,
    /// Operators and groups so far, each of which makes the tree one deeper.
    links: usize,
    /// The depth of the deepest bracket closed in it.
    inner: usize,
    /// Whether it names an expression: it wraps all that stands before it.
    names: bool,
}

impl Level {
    fn depth(&self) -> usize {
        1 + self.links + self.inner
    }
}

/// Checks a query or an update, which may take so many bytes of memory once it is parsed; how many it takes at most.
///
/// # Errors
///
/// `Input` if it is nested too deep, `Budget` if it has too many tokens.
pub(super) fn check(text: &str, memory: usize) -> Result<usize> {
    let bytes = text.as_bytes();
    let mut levels = vec![Level::default()];
    let (mut at, mut tree) = (0, 0_usize);
    while at < bytes.len() {
        let length = token(&bytes[at..]);
        if !bytes[at].is_ascii_whitespace() && bytes[at] != b'#' {
            tree = tree.saturating_add(TOKEN + length);
        }
        if tree > memory {
            return Err(too_long(memory));
        }
        read(&bytes[at..at + length], &bytes[at + length..], &mut levels);
        let depth = levels.last().map_or(0, Level::depth);
        if levels.len() > BRACKETS || depth > TREE {
            return Err(too_deep(text, at));
        }
        at += length;
    }
    Ok(tree)
}

/// Whether an update copies, moves or adds the default graph somewhere.
pub(super) fn copies_default(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut at, mut after_verb) = (0, false);
    while at < bytes.len() {
        let length = token(&bytes[at..]);
        let word = &bytes[at..at + length];
        at += length;
        if after_verb && word.eq_ignore_ascii_case(b"default") {
            return true;
        }
        let between = word[0].is_ascii_whitespace() || word[0] == b'#';
        let silent = after_verb && word.eq_ignore_ascii_case(b"silent");
        if !between && !silent {
            after_verb = is_any(word, &[b"copy", b"move", b"add"]);
        }
    }
    false
}

fn too_long(memory: usize) -> Error {
    let most = memory >> 20;
    Error::budget(format!(
        "the text has more tokens than {most} MB of memory hold once it is parsed"
    ))
    .because(Bound::Memory)
    .hint("send less at once, or allow more: `query.memory_mb`")
}

fn too_deep(text: &str, at: usize) -> Error {
    let line = text.as_bytes()[..at]
        .iter()
        .filter(|b| **b == b'\n')
        .count()
        + 1;
    Error::input(format!(
        "the query is nested too deep: more than {BRACKETS} brackets, or {TREE} operators and groups"
    ))
    .at(format!("line {line}"))
    .hint("use VALUES or IN where there are many of a kind")
}

fn read(token: &[u8], rest: &[u8], levels: &mut Vec<Level>) {
    let Some(level) = levels.last_mut() else {
        return;
    };
    match token {
        b"(" | b"[" | b"{" | b"<<" => {
            level.links += usize::from(token == b"{");
            levels.push(Level {
                bracket: token[0],
                ..Level::default()
            });
        }
        b")" | b"]" | b"}" => close(levels),
        b">>" if level.bracket == b'<' => close(levels),
        b"+" | b"-" => {
            // In data it is the sign of a number.
            let is_sign = rest
                .first()
                .is_some_and(|b| b.is_ascii_digit() || *b == b'.');
            level.links += usize::from(level.bracket == b'(' || !is_sign);
        }
        b"|" | b"&" | b"*" | b"/" | b"!" | b"^" | b"=" | b"<" | b">" | b"?" => level.links += 1,
        word if word.eq_ignore_ascii_case(b"as") => level.names = true,
        word if is_any(word, &[b"filter", b"bind", b"values", b"in"]) => level.links += 1,
        _ => {}
    }
}

fn is_any(word: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}

fn close(levels: &mut Vec<Level>) {
    if levels.len() < 2 {
        return;
    }
    if let (Some(closed), Some(around)) = (levels.pop(), levels.last_mut()) {
        around.inner = around.inner.max(closed.depth());
        around.links += usize::from(closed.names);
    }
}

/// The length of the token, comment or white space that the bytes begin with. There is at least one byte.
fn token(bytes: &[u8]) -> usize {
    let run = |is_part: fn(&u8) -> bool| bytes.iter().take_while(|b| is_part(b)).count();
    match bytes[0] {
        b'#' => run(|b| !matches!(b, b'\n' | b'\r')),
        b'"' | b'\'' => string(bytes),
        b'<' => iri(bytes).unwrap_or(1 + usize::from(bytes.get(1) == Some(&b'<'))),
        b'>' if bytes.get(1) == Some(&b'>') => 2,
        b'?' | b'$' => 1 + bytes[1..].iter().take_while(|b| is_name(b)).count(),
        b'@' => {
            1 + bytes[1..]
                .iter()
                .take_while(|b| is_name(b) || **b == b'-')
                .count()
        }
        first if first.is_ascii_digit() => run(is_name),
        first if is_name(&first) => name(bytes),
        _ => 1,
    }
}

/// The length of a keyword or a name; after a colon there may be what is an operator elsewhere.
fn name(bytes: &[u8]) -> usize {
    let word = bytes.iter().take_while(|b| is_name(b)).count();
    match bytes[..word].contains(&b':') {
        true => bytes
            .iter()
            .take_while(|b| is_name(b) || **b == b'-')
            .count(),
        false => word,
    }
}

/// What keywords, names and numbers are made of.
fn is_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'%') || !byte.is_ascii()
}

fn iri(bytes: &[u8]) -> Option<usize> {
    let inside = |b: &u8| *b > b' ' && !b"<>\"{}|^`\\".contains(b);
    let end = 1 + bytes[1..].iter().take_while(|b| inside(b)).count();
    (bytes.get(end) == Some(&b'>')).then_some(end + 1)
}

fn string(bytes: &[u8]) -> usize {
    let quote = bytes[0];
    let long = bytes.starts_with(&[quote; 3]);
    let marks = if long { 3 } else { 1 };
    let mut at = marks;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'\n' | b'\r' if !long => return at,
            _ if bytes[at..].starts_with(&[quote; 3][..marks]) => return at + marks,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::{check, copies_default};

    #[test]
    fn what_is_deep_is_refused_and_what_is_long_is_not() {
        let deep = 100_000;
        let refused = [
            format!("ASK {{ FILTER({}?a) }}", "!".repeat(deep)),
            format!("ASK {{ FILTER({}?a) }}", "- ".repeat(deep)),
            format!("ASK {{ FILTER{}?a{} }}", "(".repeat(deep), ")".repeat(deep)),
            format!("ASK {{ FILTER({}) }}", vec!["?a"; deep].join("||")),
            format!("ASK {{ FILTER({}) }}", vec!["1"; deep].join(" -")),
            format!("ASK {{ FILTER({}) }}", vec!["1"; deep].join("-")),
            format!("ASK {{ FILTER({}) }}", vec!["true"; deep].join("-")),
            format!("ASK {{ {} }}", vec!["{ ?s ?p ?o }"; deep].join(" UNION ")),
            format!("ASK {}{}", "{".repeat(deep), "}".repeat(deep)),
            format!("ASK {{ ?s {} ?o }}", vec![":p"; deep].join("/")),
            format!("ASK {{ {} }}", "?s :p+ ?o . ".repeat(deep)),
            format!("SELECT {} {{ }}", "(1 AS ?x) ".repeat(deep)),
            format!("ASK {{ {} }}", "FILTER ?x ".repeat(deep)),
            format!(
                "ASK {{ ?s ?p {}?o{} }}",
                "[ :p ".repeat(deep),
                "]".repeat(deep)
            ),
            format!(
                "ASK {{ FILTER({}1{}) }}",
                "(".repeat(150),
                "+1+1+1+1+1+1+1+1+1+1+1+1+1)"
                    .repeat(150)
                    .replacen("+1", &"+1".repeat(9_000), 1)
            ),
        ];
        for text in refused {
            let error = check(&text, usize::MAX).unwrap_err();
            assert!(
                error.to_string().contains("nested too deep"),
                "{}",
                &text[..40]
            );
        }
        let taken = [
            format!(
                "INSERT DATA {{ {} }}",
                "<http://example.org/-/!> :p -1.5, 'a\\'||(((', \"\"\"(\"(\"\"\" . ".repeat(deep)
            ),
            format!("ASK {{ VALUES (?a ?b) {{ {} }} }}", "(-1 +2)".repeat(deep)),
            format!("ASK {{ }} # {}", "(".repeat(deep)),
            format!(
                "INSERT DATA {{ {} }}",
                "ex:a-b ex:p-q 'c'@en-GB, _:d-e, 1e-5 .".repeat(deep)
            ),
            format!("ASK {{ FILTER({}) }}", vec!["?a = 1"; 3000].join(" || ")),
            format!("ASK {{ {} }}", "?s ?p ?o .".repeat(deep)),
            "ASK { ?s ?p 'open".to_owned(),
            ")}]".to_owned(),
        ];
        for text in taken {
            check(&text, usize::MAX).unwrap();
        }
    }

    #[test]
    fn every_token_takes_memory_and_what_lies_between_does_not() {
        let ones = format!("ASK {{ <a:b> <a:b> 1{} }}", ",1".repeat(1000));
        let most = check(&ones, usize::MAX).unwrap();
        assert!(most > 2000 * super::TOKEN, "{most}");
        check(&ones, most).unwrap();
        let error = check(&ones, most - 1).unwrap_err();
        assert!(error.next_step().unwrap().contains("query.memory_mb"));
        let spaced = ones.replace(',', "  ,  # a remark, longer than a token\n");
        assert_eq!(check(&spaced, most).unwrap(), most);
    }

    #[test]
    fn the_default_graph_as_a_source_is_found() {
        for text in [
            "COPY DEFAULT TO <urn:a>",
            "CLEAR ALL; move silent # why\n default TO <urn:a>",
            "ADD\tDEFAULT TO GRAPH <urn:a>",
        ] {
            assert!(copies_default(text), "{text}");
        }
        for text in [
            "COPY <urn:a> TO DEFAULT",
            "CLEAR DEFAULT",
            "INSERT DATA { <urn:a> <urn:b> 'COPY DEFAULT' } # COPY DEFAULT",
            "PREFIX copy: <urn:> INSERT DATA { copy:a copy:b copy:default }",
        ] {
            assert!(!copies_default(text), "{text}");
        }
    }
}
