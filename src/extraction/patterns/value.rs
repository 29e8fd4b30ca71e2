//! What is written as a number becomes a literal.

use crate::model::term;
use crate::vocabulary::{cdt, edtf, xsd};
use std::collections::BTreeMap;

/// What a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Year,
    Decade,
}

impl Kind {
    /// The kind that a placeholder names.
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "number" => Some(Self::Number),
            "year" => Some(Self::Year),
            "decade" => Some(Self::Decade),
            _ => None,
        }
    }

    /// What it looks like.
    pub fn expression(self) -> &'static str {
        match self {
            Self::Number => r"(?:\d{1,3}(?:,\d{3})+|\d{1,9})(?:[.,]\d{1,4})?|\d{1,3}/\d{1,3}|[½¼¾]",
            Self::Year => r"(?:1[5-9]|20)\d\d",
            Self::Decade => r"(?:1[5-9]|20)\d0|\d0",
        }
    }
}

/// The literal of a number, encoded; a quantity if it has a unit. Nothing if it is no number after all.
pub(super) fn read(kind: Kind, text: &str, unit: Option<&str>) -> Option<String> {
    Some(match kind {
        Kind::Number => {
            let number = decimal(text)?;
            match unit {
                Some(unit) => term::typed(&format!("{number} {unit}"), cdt::UCUM),
                None => term::typed(&number, xsd::DECIMAL),
            }
        }
        Kind::Year => term::typed(text, xsd::G_YEAR),
        Kind::Decade => {
            let tens = &text[..text.len() - 1];
            let century = match tens {
                _ if tens.len() > 1 => "",
                "0" | "1" => "20",
                _ => "19",
            };
            term::typed(&format!("{century}{tens}X"), edtf::EDTF)
        }
    })
}

/// The literal of a whole number above 0, in digits or as a word.
pub(super) fn count(text: &str, words: &BTreeMap<String, String>) -> Option<String> {
    let digits = words.get(&text.to_lowercase()).map_or(text, String::as_str);
    let number: u32 = digits.parse().ok()?;
    (number > 0).then(|| term::typed(&number.to_string(), xsd::INTEGER))
}

/// A number in the canonical form of `xsd:decimal`, but without the fraction where it is whole.
fn decimal(text: &str) -> Option<String> {
    let value: f64 = match text {
        "½" => 0.5,
        "¼" => 0.25,
        "¾" => 0.75,
        _ => match text.split_once('/') {
            Some((numerator, denominator)) => {
                numerator.parse::<f64>().ok()? / denominator.parse::<f64>().ok()?
            }
            None => plain(text).parse().ok()?,
        },
    };
    if !value.is_finite() {
        return None;
    }
    let rounded = format!("{value:.4}");
    Some(
        rounded
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned(),
    )
}

/// Without the commas of thousands; another comma is a decimal point.
fn plain(text: &str) -> String {
    let thousands = |part: &str| part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit());
    let mut parts = text
        .split('.')
        .next()
        .unwrap_or_default()
        .split(',')
        .skip(1)
        .peekable();
    match parts.peek().is_some() && parts.all(thousands) {
        true => text.replace(',', ""),
        false => text.replace(',', "."),
    }
}
