//! From the text of a cell to a term, a time or a number; every refusal says why.

use super::mapping::Mapping;
use crate::model::{UnixSeconds, term};
use crate::vocabulary::{percent_encode, xsd};
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// Why a value cannot be used; part of a sentence that names the column.
pub type Refusal = String;

/// An IRI with a gap.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    before: String,
    after: String,
}

impl Template {
    /// Reads a text with one `{}`.
    pub fn parse(text: &str) -> Option<Self> {
        let (before, after) = text.split_once("{}")?;
        if after.contains("{}") {
            return None;
        }
        Some(Self {
            before: before.to_owned(),
            after: after.to_owned(),
        })
    }

    /// How the mapping writes the IRIs of things of this kind.
    pub fn of(mapping: &Mapping, kind: &str) -> Self {
        let own = mapping.iris.get(kind).and_then(|text| Self::parse(text));
        own.unwrap_or_else(|| Self {
            before: format!("{}{}/", mapping.dataset.base, percent_encode(kind)),
            after: String::new(),
        })
    }

    /// Whether the gap is all there is: the value is then an IRI itself.
    pub fn is_bare(&self) -> bool {
        self.before.is_empty() && self.after.is_empty()
    }

    /// The IRI for `value`, which must be one itself where the gap is all there is.
    pub fn iri(&self, value: &str) -> Result<String, Refusal> {
        if !self.is_bare() {
            return Ok(term::iri(&self.fill(value)));
        }
        match oxrdf::NamedNodeRef::new(value) {
            Ok(_) => Ok(term::iri(value)),
            Err(_) => Err(format!("is not an IRI: `{}`", short(value))),
        }
    }

    /// The text with `value` in the gap.
    pub fn fill(&self, value: &str) -> String {
        format!("{}{}{}", self.before, percent_encode(value), self.after)
    }
}

/// How a file writes times.
#[derive(Clone, Debug, PartialEq)]
pub enum TimeFormat {
    /// Seconds since 1970.
    Unix,
    /// Milliseconds since 1970.
    UnixMillis,
    /// ISO 8601, UTC where no offset is given.
    Iso,
    /// A pattern of `strptime`, UTC where it has no offset.
    Pattern(String),
}

impl TimeFormat {
    /// Reads the name of a format.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "unix" => Some(Self::Unix),
            "unix-ms" => Some(Self::UnixMillis),
            "iso" => Some(Self::Iso),
            pattern if pattern.contains('%') => Some(Self::Pattern(pattern.to_owned())),
            _ => None,
        }
    }

    fn read(&self, text: &str) -> Option<UnixSeconds> {
        match self {
            Self::Unix => whole(text),
            Self::UnixMillis => whole(text).map(|millis| millis.div_euclid(1000)),
            Self::Iso => iso(text),
            Self::Pattern(pattern) => {
                let broken = strtime::parse(pattern, text).ok()?;
                if let Ok(instant) = broken.to_timestamp() {
                    return Some(instant.as_second());
                }
                let civil = broken.to_datetime();
                let civil = civil.or_else(|_| broken.to_date().map(DateTime::from));
                utc(civil.ok()?)
            }
        }
    }
}

fn iso(text: &str) -> Option<UnixSeconds> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(instant.as_second());
    }
    let civil = text.parse::<DateTime>();
    utc(civil
        .or_else(|_| text.parse::<Date>().map(DateTime::from))
        .ok()?)
}

fn utc(civil: DateTime) -> Option<UnixSeconds> {
    Some(TimeZone::UTC.to_timestamp(civil).ok()?.as_second())
}

/// A whole number, also where a table program wrote it as `964982703.0` or `9.64982703e8`.
fn whole(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let number: f64 = text.parse().ok()?;
    // Beyond 2^53 a double no longer holds every whole number.
    (number.abs() < 9e15).then_some(number.floor() as i64)
}

/// Reads a time in the first of the formats that fits.
pub fn time(text: &str, formats: &[TimeFormat]) -> Result<UnixSeconds, Refusal> {
    let Some(seconds) = formats.iter().find_map(|format| format.read(text)) else {
        return Err(format!(
            "is not a time as `time_format` says: `{}`",
            short(text)
        ));
    };
    match jiff::Timestamp::from_second(seconds) {
        Ok(_) => Ok(seconds),
        Err(_) => Err(format!(
            "is a time after the year 9999: `{}`; are these milliseconds, `time_format = \"unix-ms\"`?",
            short(text)
        )),
    }
}

/// Reads a place in an order.
pub fn order(text: &str) -> Result<i64, Refusal> {
    let number = text.parse().ok();
    let number = number.or_else(|| text.strip_suffix(".0")?.parse().ok());
    number.ok_or_else(|| format!("is not a whole number: `{}`", short(text)))
}

/// Reads a weight.
pub fn weight(text: &str) -> Result<f32, Refusal> {
    match text.parse::<f32>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(format!("is not a finite number: `{}`", short(text))),
        Err(_) => Err(format!("is not a number: `{}`", short(text))),
    }
}

/// Reads a number to compare with.
pub fn number(text: &str) -> Result<f64, Refusal> {
    match text.parse::<f64>() {
        Ok(number) if !number.is_nan() => Ok(number),
        _ => Err(format!("is not a number: `{}`", short(text))),
    }
}

/// Checks a lexical form against the datatypes that are met most; others pass.
pub fn literal(lexical: &str, datatype: &str) -> Result<(), Refusal> {
    let fits = match datatype {
        xsd::INTEGER => digits(unsigned(lexical)),
        xsd::DECIMAL => decimal(unsigned(lexical)),
        xsd::DOUBLE => double(lexical),
        xsd::G_YEAR => year(lexical),
        xsd::DATE_TIME => lexical.contains('T') && iso(lexical).is_some(),
        "http://www.w3.org/2001/XMLSchema#date" => lexical.parse::<Date>().is_ok(),
        "http://www.w3.org/2001/XMLSchema#boolean" => {
            matches!(lexical, "true" | "false" | "1" | "0")
        }
        _ => true,
    };
    if fits {
        return Ok(());
    }
    let datatype = crate::vocabulary::shorten(datatype);
    Err(format!("is not of type {datatype}: `{}`", short(lexical)))
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn decimal(text: &str) -> bool {
    match text.split_once('.') {
        Some((whole, part)) => {
            (whole.is_empty() || digits(whole)) && (part.is_empty() || digits(part)) && text != "."
        }
        None => digits(text),
    }
}

fn double(text: &str) -> bool {
    // Rust also reads words such as `infinity`, XML Schema does not.
    let number = text
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    matches!(text, "INF" | "-INF" | "NaN") || (number && text.parse::<f64>().is_ok())
}

fn year(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    text.len() >= 4 && digits(text)
}

/// The start of a value, for messages.
pub fn short(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_utc() {
        let formats = |text: &str| vec![TimeFormat::parse(text).unwrap()];
        for (format, text, expect) in [
            ("unix", "964982703", 964_982_703),
            ("unix", "964982703.0", 964_982_703),
            ("unix", "-1", -1),
            ("unix-ms", "964982703999", 964_982_703),
            ("iso", "2000-07-30T18:45:03Z", 964_982_703),
            ("iso", "2000-07-30 18:45:03", 964_982_703),
            ("iso", "2000-07-30T20:45:03+02:00", 964_982_703),
            ("iso", "2000-07-30", 964_915_200),
            ("%m/%d/%Y %H:%M", "7/30/2000 18:45", 964_982_700),
            ("%Y%m%d", "20000730", 964_915_200),
        ] {
            assert_eq!(time(text, &formats(format)), Ok(expect), "{format} {text}");
        }
        for (format, text) in [
            ("unix", "NaN"),
            ("unix", "1e400"),
            ("iso", "soon"),
            ("unix", "964982703000"),
        ] {
            assert!(time(text, &formats(format)).is_err(), "{format} {text}");
        }
    }

    #[test]
    fn lexical_forms_are_checked() {
        for (lexical, datatype, fits) in [
            ("-7", xsd::INTEGER, true),
            ("7.0", xsd::INTEGER, false),
            (".5", xsd::DECIMAL, true),
            (".", xsd::DECIMAL, false),
            ("1e3", xsd::DOUBLE, true),
            ("inf", xsd::DOUBLE, false),
            ("0999", xsd::G_YEAR, true),
            ("99", xsd::G_YEAR, false),
        ] {
            assert_eq!(
                literal(lexical, datatype).is_ok(),
                fits,
                "{lexical} {datatype}"
            );
        }
    }
}
