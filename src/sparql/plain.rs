//! Numbers and times that virtual triples say: ids that carry their value, so that a query over millions of them
//! remembers none.

use crate::model::term;
use crate::vocabulary::xsd;

/// Bits of a payload; the kind stands above them.
const BITS: u32 = 59;

/// What signed values are moved by, to be none.
const ZERO: i64 = 1 << (BITS - 1);

/// Millionths in one.
const MILLION: i64 = 1_000_000;

/// A literal in the one form in which virtual triples write its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    /// An `xsd:integer` that is not negative.
    Integer(u64),
    /// An `xsd:decimal`, in millionths.
    Decimal(i64),
    /// An `xsd:dateTime` of a whole second since 1970, in UTC.
    Time(i64),
}

impl Plain {
    /// The datatypes, in the order of the kinds.
    pub(super) const TYPES: [&str; 3] = [xsd::INTEGER, xsd::DECIMAL, xsd::DATE_TIME];

    /// The number with at most six digits after its point; `None` if it is none, or too large.
    pub(super) fn decimal(value: f32) -> Option<Self> {
        let millionths = (f64::from(value) * MILLION as f64).round();
        let fits = millionths.abs() < ZERO as f64;
        fits.then_some(Self::Decimal(millionths as i64))
    }

    /// The place of its datatype in [`Plain::TYPES`].
    pub(super) fn kind(self) -> usize {
        match self {
            Self::Integer(_) => 0,
            Self::Decimal(_) => 1,
            Self::Time(_) => 2,
        }
    }

    /// Kind and value in 61 bits; `None` if it does not fit.
    pub(super) fn pack(self) -> Option<u64> {
        let signed = |value: i64| {
            let fits = (-ZERO..ZERO).contains(&value);
            fits.then(|| (value + ZERO).cast_unsigned())
        };
        let payload = match self {
            Self::Integer(value) => (value < 1 << BITS).then_some(value),
            Self::Decimal(value) | Self::Time(value) => signed(value),
        };
        Some((self.kind() as u64) << BITS | payload?)
    }

    /// What [`Plain::pack`] packed.
    pub(super) fn unpack(packed: u64) -> Self {
        let payload = packed & ((1 << BITS) - 1);
        let signed = payload.cast_signed() - ZERO;
        match packed >> BITS {
            0 => Self::Integer(payload),
            1 => Self::Decimal(signed),
            _ => Self::Time(signed),
        }
    }

    /// The encoded literal.
    pub(super) fn text(self) -> String {
        term::typed(&self.lexical(), Self::TYPES[self.kind()])
    }

    fn lexical(self) -> String {
        match self {
            Self::Integer(value) => value.to_string(),
            Self::Decimal(value) => {
                let sign = if value < 0 { "-" } else { "" };
                let (whole, part) = (value.abs() / MILLION, value.abs() % MILLION);
                let digits = format!("{part:06}");
                let digits = digits.trim_end_matches('0');
                let digits = if digits.is_empty() { "0" } else { digits };
                format!("{sign}{whole}.{digits}")
            }
            Self::Time(seconds) => jiff::Timestamp::from_second(seconds)
                .map_or_else(|_| seconds.to_string(), |t| t.to_string()),
        }
    }

    /// The value that an encoded literal is the one form of.
    pub(super) fn of(encoded: &str) -> Option<Self> {
        let (datatype, lexical) = encoded.strip_prefix('^')?.split_once('\0')?;
        let kind = Self::TYPES.iter().position(|known| *known == datatype)?;
        let plain = match kind {
            0 => Self::Integer(lexical.parse().ok()?),
            1 => Self::Decimal(millionths(lexical)?),
            _ => Self::Time(lexical.parse::<jiff::Timestamp>().ok()?.as_second()),
        };
        (plain.pack().is_some() && plain.lexical() == lexical).then_some(plain)
    }
}

fn millionths(lexical: &str) -> Option<i64> {
    let (whole, part) = lexical.split_once('.')?;
    let digits = format!("{part:0<6}");
    let magnitude = format!("{}{digits}", whole.trim_start_matches('-'));
    let magnitude: i64 = magnitude.parse().ok()?;
    Some(match whole.starts_with('-') {
        true => -magnitude,
        false => magnitude,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_packing_and_writing() {
        let numbers = [0, 1, 59, 1 << 20, (1 << BITS) - 1].map(Plain::Integer);
        let decimals = [0, 1, -1, 500_000, -12_345_678, ZERO - 1, -ZERO].map(Plain::Decimal);
        let times = [0, -1, 1_262_304_000, 253_402_207_200].map(Plain::Time);
        for plain in numbers.into_iter().chain(decimals).chain(times) {
            assert_eq!(Plain::unpack(plain.pack().unwrap()), plain);
            assert_eq!(Plain::of(&plain.text()), Some(plain), "{}", plain.text());
        }
        assert_eq!(Plain::Integer(1 << BITS).pack(), None);
    }

    #[test]
    fn one_value_has_one_form() {
        let forms = [
            (xsd::INTEGER, "7", true),
            (xsd::INTEGER, "07", false),
            (xsd::INTEGER, "+7", false),
            (xsd::INTEGER, "-7", false),
            (xsd::DECIMAL, "0.25", true),
            (xsd::DECIMAL, "-0.25", true),
            (xsd::DECIMAL, "0.250", false),
            (xsd::DECIMAL, "1", false),
            (xsd::DECIMAL, "1.0", true),
            (xsd::DECIMAL, "0.1234567", false),
            (xsd::DECIMAL, "-0.0", false),
            (xsd::DATE_TIME, "2010-01-01T00:00:00Z", true),
            (xsd::DATE_TIME, "2010-01-01T00:00:00+00:00", false),
            (xsd::DATE_TIME, "2010-01-01T00:00:00.5Z", false),
            (xsd::DATE_TIME, "2010-01-01T00:00:00", false),
        ];
        for (datatype, lexical, plain) in forms {
            let found = Plain::of(&term::typed(lexical, datatype));
            assert_eq!(found.is_some(), plain, "{lexical}");
        }
    }

    #[test]
    fn decimals_have_six_digits() {
        let text = |value: f32| Plain::decimal(value).map(|plain| plain.lexical());
        assert_eq!(text(3.0).as_deref(), Some("3.0"));
        assert_eq!(text(0.1).as_deref(), Some("0.1"));
        assert_eq!(text(-2.5).as_deref(), Some("-2.5"));
        assert_eq!(text(f32::NAN), None);
        assert_eq!(text(f32::MAX), None);
    }
}
