//! RDF terms as plain strings: what dictionaries hold, compare and hash.
//!
//! | term | encoded |
//! |---|---|
//! | IRI | `<` IRI |
//! | blank node | `_` label |
//! | plain string (`xsd:string`) | `"` lexical form |
//! | language-tagged string | `@` tag (`--` direction) NUL lexical form |
//! | other literal | `^` datatype IRI NUL lexical form |
//! | triple term | `(` its N-Triples form, `<<( s p o )>>` |
//!
//! The first byte is the kind; nothing is escaped, so equal terms are equal strings.

use oxrdf::{BaseDirection, BlankNode, Literal, NamedNode, Term};
use std::str::FromStr;

/// What an encoded term is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An IRI or a blank node: a node of the graph.
    Resource,
    /// A literal.
    Literal,
    /// A triple term.
    Triple,
}

/// The encoded form of an IRI.
pub fn iri(iri: &str) -> String {
    ["<", iri].concat()
}

/// The encoded form of a plain string.
pub fn string(lexical: &str) -> String {
    ["\"", lexical].concat()
}

/// The encoded form of a typed literal.
pub fn typed(lexical: &str, datatype: &str) -> String {
    if datatype == oxrdf::vocab::xsd::STRING.as_str() {
        return string(lexical);
    }
    ["^", datatype, "\0", lexical].concat()
}

/// The encoded form of a language-tagged string.
pub fn tagged(lexical: &str, language: &str) -> String {
    format!("@{}\0{lexical}", language.to_lowercase())
}

/// What the encoded term is, by its first byte.
pub fn kind(encoded: &str) -> Kind {
    match encoded.as_bytes().first() {
        Some(b'<' | b'_') => Kind::Resource,
        Some(b'(') => Kind::Triple,
        _ => Kind::Literal,
    }
}

/// The IRI, if the term is one.
pub fn as_iri(encoded: &str) -> Option<&str> {
    encoded.strip_prefix('<')
}

/// The lexical form, if the term is a literal.
pub fn lexical(encoded: &str) -> Option<&str> {
    match encoded.as_bytes().first()? {
        b'"' => Some(&encoded[1..]),
        b'@' | b'^' => encoded.split_once('\0').map(|(_, lexical)| lexical),
        _ => None,
    }
}

/// The language tag, if the term is a language-tagged string.
pub fn language(encoded: &str) -> Option<&str> {
    let (tag, _) = encoded.strip_prefix('@')?.split_once('\0')?;
    Some(tag.split_once("--").map_or(tag, |(language, _)| language))
}

/// Encodes a term.
pub fn encode(term: &Term) -> String {
    match term {
        Term::NamedNode(node) => iri(node.as_str()),
        Term::BlankNode(node) => format!("_{}", node.as_str()),
        Term::Literal(literal) => encode_literal(literal),
        Term::Triple(_) => format!("({term}"),
    }
}

fn encode_literal(literal: &Literal) -> String {
    let Some(language) = literal.language() else {
        return typed(literal.value(), literal.datatype().as_str());
    };
    match literal.direction() {
        Some(direction) => format!("@{language}--{direction}\0{}", literal.value()),
        None => format!("@{language}\0{}", literal.value()),
    }
}

/// Decodes what [`encode`] wrote. A string that `encode` cannot have written reads as a plain string:
/// the bytes come from a checksummed file of ours, so this is a net, not a path.
pub fn decode(encoded: &str) -> Term {
    let rest = encoded.get(1..).unwrap_or_default();
    match encoded.as_bytes().first() {
        Some(b'<') => NamedNode::new_unchecked(rest).into(),
        Some(b'_') => BlankNode::new_unchecked(rest).into(),
        Some(b'@') => decode_tagged(rest),
        Some(b'^') => match rest.split_once('\0') {
            Some((datatype, lexical)) => {
                Literal::new_typed_literal(lexical, NamedNode::new_unchecked(datatype)).into()
            }
            None => Literal::new_simple_literal(rest).into(),
        },
        Some(b'(') => {
            Term::from_str(rest).unwrap_or_else(|_| Literal::new_simple_literal(rest).into())
        }
        _ => Literal::new_simple_literal(rest).into(),
    }
}

fn decode_tagged(rest: &str) -> Term {
    let Some((tag, lexical)) = rest.split_once('\0') else {
        return Literal::new_simple_literal(rest).into();
    };
    match tag.split_once("--") {
        Some((language, direction)) => {
            let direction = match direction {
                "rtl" => BaseDirection::Rtl,
                _ => BaseDirection::Ltr,
            };
            Literal::new_directional_language_tagged_literal_unchecked(lexical, language, direction)
                .into()
        }
        None => Literal::new_language_tagged_literal_unchecked(lexical, tag).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_term_survives_the_round_trip() {
        for text in [
            "<http://example.org/a>",
            "_:b0",
            r#""plain""#,
            r#""with \"quotes\"\nand lines""#,
            r#""chat"@fr"#,
            r#""shalom"@he--rtl"#,
            r#""5"^^<http://www.w3.org/2001/XMLSchema#integer>"#,
            r#"<<( <http://example.org/a> <http://example.org/p> "o"@en )>>"#,
        ] {
            let term = Term::from_str(text).unwrap();
            assert_eq!(decode(&encode(&term)), term, "{text}");
        }
    }
}
