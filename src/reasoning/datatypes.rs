//! What literals of the known datatypes stand for: [OWL 2 RL, table 8](https://www.w3.org/TR/owl2-profiles/#dt-rules).

use crate::model::term;
use oxsdatatypes::{DateTime, DayTimeDuration, Double, Duration, Float};
use std::str::FromStr;

const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const RDFS_LITERAL: &str = "http://www.w3.org/2000/01/rdf-schema#Literal";

/// A value, of one of the value spaces that have nothing in common.
#[derive(Debug, PartialEq)]
enum Value {
    /// Decimals and integers: sign, digits before and behind the point without idle zeros.
    Number(bool, String, String),
    /// The bits, so that the two zeros differ.
    Float(u32),
    Double(u64),
    Text(String),
    /// Tag and text.
    Tagged(String, String),
    Boolean(bool),
    Moment(DateTime),
    Duration(Duration),
    Iri(String),
    Bytes(Vec<u8>),
}

/// Whether what a literal stands for is in a datatype; `None` where the datatype is not known. An ill-typed literal is
/// in none, and a resource is in none.
pub(super) fn contains(datatype: &str, encoded: &str) -> Option<bool> {
    if datatype == RDFS_LITERAL {
        return Some(term::kind(encoded) == term::Kind::Literal);
    }
    let wanted = known(datatype)?;
    if term::kind(encoded) != term::Kind::Literal {
        return Some(false);
    }
    let own = own_datatype(encoded);
    // What is of an unknown datatype may stand for anything.
    known(own)?;
    Some(match value(encoded) {
        Some(value) => wanted.holds(datatype, &value),
        None => false,
    })
}

/// Whether two literals are known to stand for different values.
pub(super) fn differ(a: &str, b: &str) -> bool {
    match (value(a), value(b)) {
        (Some(Value::Moment(a)), Some(Value::Moment(b))) => {
            a.partial_cmp(&b).is_some_and(|order| order.is_ne())
        }
        (Some(a), Some(b)) => a != b,
        _ => false,
    }
}

/// Whether a literal's text is none of its datatype, which is known.
pub(super) fn is_ill_typed(encoded: &str) -> bool {
    // Plain and tagged strings never are, and that is decided at once.
    if !encoded.starts_with('^') {
        return false;
    }
    let own = own_datatype(encoded);
    match known(own) {
        // The most frequent ones, without a value to be made.
        Some(Kind::Integer(None, None)) => !is_number(&encoded[own.len() + 2..], false),
        Some(Kind::Decimal) => !is_number(&encoded[own.len() + 2..], true),
        Some(kind) => !value(encoded).is_some_and(|value| kind.holds(own, &value)),
        None => false,
    }
}

fn own_datatype(encoded: &str) -> &str {
    match encoded.as_bytes().first() {
        Some(b'^') => encoded[1..].split_once('\0').map_or("", |(iri, _)| iri),
        Some(b'@') => "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString",
        _ => "http://www.w3.org/2001/XMLSchema#string",
    }
}

/// Datatypes by the form of their values.
#[derive(Clone, Copy)]
enum Kind {
    Decimal,
    /// With the least and the greatest.
    Integer(Option<i128>, Option<i128>),
    Float,
    Double,
    String,
    Tagged,
    /// Strings with and without a tag.
    Plain,
    Boolean,
    Moment,
    Duration,
    Iri,
    Bytes,
}

fn known(datatype: &str) -> Option<Kind> {
    if let Some(name) = datatype.strip_prefix(RDF) {
        return match name {
            "langString" => Some(Kind::Tagged),
            "PlainLiteral" => Some(Kind::Plain),
            _ => None,
        };
    }
    Some(match datatype.strip_prefix(XSD)? {
        "decimal" => Kind::Decimal,
        "integer" => Kind::Integer(None, None),
        "nonNegativeInteger" => Kind::Integer(Some(0), None),
        "positiveInteger" => Kind::Integer(Some(1), None),
        "nonPositiveInteger" => Kind::Integer(None, Some(0)),
        "negativeInteger" => Kind::Integer(None, Some(-1)),
        "long" => Kind::Integer(Some(i64::MIN.into()), Some(i64::MAX.into())),
        "int" => Kind::Integer(Some(i32::MIN.into()), Some(i32::MAX.into())),
        "short" => Kind::Integer(Some(i16::MIN.into()), Some(i16::MAX.into())),
        "byte" => Kind::Integer(Some(i8::MIN.into()), Some(i8::MAX.into())),
        "unsignedLong" => Kind::Integer(Some(0), Some(u64::MAX.into())),
        "unsignedInt" => Kind::Integer(Some(0), Some(u32::MAX.into())),
        "unsignedShort" => Kind::Integer(Some(0), Some(u16::MAX.into())),
        "unsignedByte" => Kind::Integer(Some(0), Some(u8::MAX.into())),
        "float" => Kind::Float,
        "double" => Kind::Double,
        "string" | "normalizedString" | "token" | "language" | "Name" | "NCName" | "NMTOKEN" => {
            Kind::String
        }
        "boolean" => Kind::Boolean,
        "dateTime" | "dateTimeStamp" => Kind::Moment,
        "duration" | "dayTimeDuration" => Kind::Duration,
        "anyURI" => Kind::Iri,
        "hexBinary" | "base64Binary" => Kind::Bytes,
        _ => return None,
    })
}

impl Kind {
    fn holds(self, datatype: &str, value: &Value) -> bool {
        match (self, value) {
            (Self::Integer(least, greatest), Value::Number(negative, whole, rest)) => {
                rest.is_empty() && within(*negative, whole, least, greatest)
            }
            (Self::String, Value::Text(text)) => is_string(&datatype[XSD.len()..], text),
            (Self::Moment, Value::Moment(moment)) => {
                !datatype.ends_with("Stamp") || moment.timezone_offset().is_some()
            }
            (Self::Decimal, Value::Number(..))
            | (Self::Float, Value::Float(_))
            | (Self::Double, Value::Double(_))
            | (Self::Tagged, Value::Tagged(..))
            | (Self::Plain, Value::Tagged(..) | Value::Text(_))
            | (Self::Boolean, Value::Boolean(_))
            | (Self::Duration, Value::Duration(_))
            | (Self::Iri, Value::Iri(_))
            | (Self::Bytes, Value::Bytes(_)) => true,
            _ => false,
        }
    }
}

fn within(negative: bool, digits: &str, least: Option<i128>, greatest: Option<i128>) -> bool {
    if digits.len() > 30 {
        return if negative { least } else { greatest }.is_none();
    }
    let Ok(size) = digits.parse::<i128>() else {
        return false;
    };
    let number = if negative { -size } else { size };
    least.is_none_or(|least| number >= least) && greatest.is_none_or(|most| number <= most)
}

fn is_string(name: &str, text: &str) -> bool {
    let spaced = || text.contains(['\t', '\n', '\r']);
    let untidy = || spaced() || text != text.trim_matches(' ') || text.contains("  ");
    let word = |c: char| c.is_alphanumeric() || "._-:·".contains(c);
    let begins = |c: char| c.is_alphabetic() || "_:".contains(c);
    match name {
        "string" => true,
        "normalizedString" => !spaced(),
        "token" => !untidy(),
        "language" => text.split('-').enumerate().all(|(n, part)| {
            let allowed = |c: char| c.is_ascii_alphabetic() || n > 0 && c.is_ascii_digit();
            (1..=8).contains(&part.len()) && part.chars().all(allowed)
        }),
        "NMTOKEN" => !text.is_empty() && text.chars().all(word),
        "NCName" => text.starts_with(begins) && text.chars().all(word) && !text.contains(':'),
        _ => text.starts_with(begins) && text.chars().all(word),
    }
}

/// What a literal of a known datatype stands for, if it stands for something.
fn value(encoded: &str) -> Option<Value> {
    let text = term::lexical(encoded)?;
    let owned = || text.to_owned();
    Some(match known(own_datatype(encoded))? {
        Kind::Decimal => decimal(text)?,
        Kind::Integer(..) if text.contains('.') => return None,
        Kind::Integer(..) => decimal(text)?,
        Kind::Float => Value::Float(bits(Float::from_str(text).ok()?.into())),
        Kind::Double => Value::Double(f64::from(Double::from_str(text).ok()?).to_bits()),
        Kind::String => Value::Text(owned()),
        Kind::Tagged => Value::Tagged(term::language(encoded)?.to_lowercase(), owned()),
        Kind::Plain => match text.rsplit_once('@') {
            Some((text, "")) => Value::Text(text.to_owned()),
            Some((text, tag)) => Value::Tagged(tag.to_lowercase(), text.to_owned()),
            None => return None,
        },
        Kind::Boolean => Value::Boolean(match text {
            "true" | "1" => true,
            "false" | "0" => false,
            _ => return None,
        }),
        Kind::Moment => Value::Moment(DateTime::from_str(text).ok()?),
        Kind::Duration if own_datatype(encoded).ends_with("dayTimeDuration") => {
            Value::Duration(DayTimeDuration::from_str(text).ok()?.into())
        }
        Kind::Duration => Value::Duration(Duration::from_str(text).ok()?),
        Kind::Iri => Value::Iri(owned()),
        Kind::Bytes if own_datatype(encoded).ends_with("hexBinary") => Value::Bytes(hex(text)?),
        Kind::Bytes => Value::Bytes(base64(text)?),
    })
}

fn bits(value: f32) -> u32 {
    value.to_bits()
}

/// Whether a text is a decimal number, or a whole one.
fn is_number(text: &str, point: bool) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let points = digits.bytes().filter(|b| *b == b'.').count();
    let fits = |b: u8| b.is_ascii_digit() || b == b'.';
    points <= usize::from(point) && digits.len() > points && digits.bytes().all(fits)
}

fn decimal(text: &str) -> Option<Value> {
    if !is_number(text, true) {
        return None;
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let rest = rest.trim_end_matches('0');
    let zero = whole.is_empty() && rest.is_empty();
    let whole = if whole.is_empty() { "0" } else { whole };
    let negative = text.starts_with('-') && !zero;
    Some(Value::Number(negative, whole.to_owned(), rest.to_owned()))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(digits.chunks(2).map(|c| (c[0] * 16 + c[1]) as u8).collect())
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.bytes().filter(|b| *b != b' ').collect();
    let filled = text.iter().rev().take_while(|b| **b == b'=').count();
    if !text.len().is_multiple_of(4) || filled > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut count) = (0u32, 0);
    for digit in &text[..text.len() - filled] {
        let six = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((held >> count) as u8);
            held &= (1 << count) - 1;
        }
    }
    Some(bytes)
}
