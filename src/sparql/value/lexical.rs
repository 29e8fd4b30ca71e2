//! Whether literals are well-formed.

use super::{Meaning, XSD};

/// Whether the lexical form of an encoded literal is one of its datatype's (XSD 1.1 Part 2 §3). Of datatypes that are not
/// known here, and of terms that are no literals, everything is.
pub fn is_well_formed(encoded: &str) -> bool {
    let typed = encoded
        .strip_prefix('^')
        .and_then(|text| text.split_once('\0'));
    let Some((datatype, lexical)) = typed else {
        return true;
    };
    let Some(name) = datatype.strip_prefix(XSD) else {
        return true;
    };
    match name {
        "decimal" => is_decimal(lexical),
        "dateTimeStamp" => has_zone(lexical) && is_known(encoded),
        "boolean" | "float" | "double" | "dateTime" | "date" | "time" | "duration"
        | "dayTimeDuration" | "yearMonthDuration" | "gYear" | "gYearMonth" | "gMonth"
        | "gMonthDay" | "gDay" => is_known(encoded),
        "hexBinary" => lexical.len() % 2 == 0 && lexical.bytes().all(|b| b.is_ascii_hexdigit()),
        _ => match range(name) {
            Some((low, high)) => is_integer(lexical) && is_within(lexical, low, high),
            None => true,
        },
    }
}

fn is_known(encoded: &str) -> bool {
    !matches!(Meaning::of(encoded), Meaning::Other(..))
}

fn has_zone(lexical: &str) -> bool {
    let time = lexical.split_once('T').map_or("", |(_, time)| time);
    time.contains(['Z', '+', '-'])
}

/// The least and the greatest value of a datatype of whole numbers, where it has one.
fn range(name: &str) -> Option<(Option<i128>, Option<i128>)> {
    Some(match name {
        "integer" => (None, None),
        "nonNegativeInteger" => (Some(0), None),
        "positiveInteger" => (Some(1), None),
        "nonPositiveInteger" => (None, Some(0)),
        "negativeInteger" => (None, Some(-1)),
        "long" => (Some(i64::MIN.into()), Some(i64::MAX.into())),
        "int" => (Some(i32::MIN.into()), Some(i32::MAX.into())),
        "short" => (Some(i16::MIN.into()), Some(i16::MAX.into())),
        "byte" => (Some(i8::MIN.into()), Some(i8::MAX.into())),
        "unsignedLong" => (Some(0), Some(u64::MAX.into())),
        "unsignedInt" => (Some(0), Some(u32::MAX.into())),
        "unsignedShort" => (Some(0), Some(u16::MAX.into())),
        "unsignedByte" => (Some(0), Some(u8::MAX.into())),
        _ => return None,
    })
}

fn is_integer(lexical: &str) -> bool {
    let digits = lexical.strip_prefix(['+', '-']).unwrap_or(lexical);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn is_decimal(lexical: &str) -> bool {
    let digits = lexical.strip_prefix(['+', '-']).unwrap_or(lexical);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    all_digits(whole) && all_digits(part) && !(whole.is_empty() && part.is_empty())
}

/// Whether a whole number, of any length, is not less than `low` and not greater than `high`.
fn is_within(lexical: &str, low: Option<i128>, high: Option<i128>) -> bool {
    match lexical.parse::<i128>() {
        Ok(value) => low.is_none_or(|low| value >= low) && high.is_none_or(|high| value <= high),
        // Too long for a machine: beyond every bound on its side.
        Err(_) => match lexical.starts_with('-') {
            true => low.is_none(),
            false => high.is_none(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::term::typed;

    #[test]
    fn lexical_forms_are_those_of_the_datatype() {
        let long = "9".repeat(60);
        for (name, lexical, expect) in [
            ("integer", "12", true),
            ("integer", "+12", true),
            ("integer", &long, true),
            ("integer", "12.0", false),
            ("integer", " 12", false),
            ("integer", "", false),
            ("byte", "127", true),
            ("byte", "128", false),
            ("byte", "-128", true),
            ("unsignedByte", "-1", false),
            ("unsignedLong", "18446744073709551615", true),
            ("unsignedLong", &long, false),
            ("positiveInteger", "0", false),
            ("positiveInteger", &long, true),
            ("negativeInteger", "-5", true),
            ("decimal", "1.", true),
            ("decimal", ".5", true),
            ("decimal", ".", false),
            ("decimal", "0.1234567890123456789012345", true),
            ("decimal", "1e3", false),
            ("double", "1e3", true),
            ("double", "one", false),
            ("boolean", "yes", false),
            ("boolean", "1", true),
            ("date", "2024-02-30", false),
            ("date", "2024-02-29", true),
            ("dateTimeStamp", "2024-02-29T00:00:00", false),
            ("dateTimeStamp", "2024-02-29T00:00:00Z", true),
            ("gYear", "1999", true),
            ("gYear", "99", false),
            ("hexBinary", "0aF", false),
            ("anyURI", "no iri at all", true),
        ] {
            let encoded = typed(lexical, &format!("{XSD}{name}"));
            assert_eq!(is_well_formed(&encoded), expect, "{name} {lexical}");
        }
        assert!(is_well_formed(&typed("x", "http://example.org/own")));
    }
}
