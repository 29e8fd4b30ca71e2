//! Datatypes of times, durations and recurring dates.

use super::Meaning;
use oxsdatatypes::{
    Date, DateTime, DayTimeDuration, Decimal, Duration, GDay, GMonth, GMonthDay, GYear, GYearMonth,
    Time, TimezoneOffset, YearMonthDuration,
};
use std::cmp::Ordering;

/// A datatype of XML Schema (XSD 1.1 §3.3 and §3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Calendar {
    /// `xsd:time`
    Time,
    /// `xsd:duration` and both that derive from it.
    Duration,
    /// `xsd:gYear`
    Year,
    /// `xsd:gYearMonth`
    YearMonth,
    /// `xsd:gMonth`
    Month,
    /// `xsd:gMonthDay`
    MonthDay,
    /// `xsd:gDay`
    Day,
}

/// Compares two lexical forms of one datatype.
macro_rules! by_value {
    ($kind:expr, $a:expr, $b:expr, $compare:expr) => {
        match $kind {
            Calendar::Time => $compare(&$a.parse::<Time>().ok()?, &$b.parse::<Time>().ok()?),
            Calendar::Duration => $compare(&duration($a)?, &duration($b)?),
            Calendar::Year => $compare(&$a.parse::<GYear>().ok()?, &$b.parse::<GYear>().ok()?),
            Calendar::YearMonth => $compare(
                &$a.parse::<GYearMonth>().ok()?,
                &$b.parse::<GYearMonth>().ok()?,
            ),
            Calendar::Month => $compare(&$a.parse::<GMonth>().ok()?, &$b.parse::<GMonth>().ok()?),
            Calendar::MonthDay => $compare(
                &$a.parse::<GMonthDay>().ok()?,
                &$b.parse::<GMonthDay>().ok()?,
            ),
            Calendar::Day => $compare(&$a.parse::<GDay>().ok()?, &$b.parse::<GDay>().ok()?),
        }
    };
}

impl Calendar {
    /// The datatype `xsd:name`, if it is one of these and the literal is well-formed.
    pub(super) fn parse(name: &str, lexical: &str) -> Option<Self> {
        let (kind, valid) = match name {
            "time" => (Calendar::Time, lexical.parse::<Time>().is_ok()),
            "duration" => (Calendar::Duration, lexical.parse::<Duration>().is_ok()),
            "dayTimeDuration" => (
                Calendar::Duration,
                lexical.parse::<DayTimeDuration>().is_ok(),
            ),
            "yearMonthDuration" => (
                Calendar::Duration,
                lexical.parse::<YearMonthDuration>().is_ok(),
            ),
            "gYear" => (Calendar::Year, lexical.parse::<GYear>().is_ok()),
            "gYearMonth" => (Calendar::YearMonth, lexical.parse::<GYearMonth>().is_ok()),
            "gMonth" => (Calendar::Month, lexical.parse::<GMonth>().is_ok()),
            "gMonthDay" => (Calendar::MonthDay, lexical.parse::<GMonthDay>().is_ok()),
            "gDay" => (Calendar::Day, lexical.parse::<GDay>().is_ok()),
            _ => return None,
        };
        valid.then_some(kind)
    }

    pub(super) fn class(self) -> u8 {
        self as u8
    }

    pub(super) fn equal(self, a: &str, other: Self, b: &str) -> Option<bool> {
        match self == other {
            true => Some(by_value!(self, a, b, PartialEq::eq)),
            false => Some(false),
        }
    }

    pub(super) fn order(self, a: &str, other: Self, b: &str) -> Option<Ordering> {
        match self == other {
            true => by_value!(self, a, b, PartialOrd::partial_cmp),
            false => None,
        }
    }
}

fn duration(lexical: &str) -> Option<Duration> {
    lexical.parse().ok()
}

/// Where it stands among those of its datatype, in seconds, days or months: what has no time zone is taken to be in
/// UTC, and a month to have as many seconds as the average one. `None` if it has no such place.
pub(super) fn place(meaning: Meaning<'_>) -> Option<Decimal> {
    match meaning {
        Meaning::DateTime(value) => instant(value),
        Meaning::Date(value) => instant(midnight(value)?),
        Meaning::Calendar(Calendar::Time, lexical) => {
            let time = lexical.parse::<Time>().ok()?;
            let zone = time.timezone_offset().unwrap_or(TimezoneOffset::UTC);
            let clock = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60;
            let local = time.second().checked_add(Decimal::from(clock))?;
            local.checked_sub(seconds(zone.into())?)
        }
        Meaning::Calendar(Calendar::Duration, lexical) => seconds(duration(lexical)?),
        Meaning::Calendar(Calendar::Year, lexical) => {
            Some(lexical.parse::<GYear>().ok()?.year().into())
        }
        Meaning::Calendar(Calendar::YearMonth, lexical) => {
            let value = lexical.parse::<GYearMonth>().ok()?;
            months(value.year(), value.month())
        }
        Meaning::Calendar(Calendar::Month, lexical) => {
            Some(lexical.parse::<GMonth>().ok()?.month().into())
        }
        Meaning::Calendar(Calendar::MonthDay, lexical) => {
            let value = lexical.parse::<GMonthDay>().ok()?;
            Some((i64::from(value.month()) * 31 + i64::from(value.day())).into())
        }
        Meaning::Calendar(Calendar::Day, lexical) => {
            Some(lexical.parse::<GDay>().ok()?.day().into())
        }
        _ => None,
    }
}

fn months(year: i64, month: u8) -> Option<Decimal> {
    Decimal::from(year)
        .checked_mul(Decimal::from(12))?
        .checked_add(Decimal::from(month))
}

fn midnight(date: Date) -> Option<DateTime> {
    DateTime::try_from(date).ok()
}

fn instant(value: DateTime) -> Option<Decimal> {
    let zone = value.timezone_offset().unwrap_or(TimezoneOffset::UTC);
    let epoch = "1970-01-01T00:00:00Z".parse::<DateTime>().ok()?;
    seconds(value.adjust(Some(zone))?.checked_sub(epoch)?.into())
}

fn seconds(value: Duration) -> Option<Decimal> {
    // 30.436875 days: the average month of 400 years.
    const MONTH: i64 = 2_629_746;
    let months = months(value.years(), 0)?.checked_add(Decimal::from(value.months()))?;
    let days = value.days().checked_mul(86_400)?;
    let clock = value.hours() * 3600 + value.minutes() * 60;
    months
        .checked_mul(Decimal::from(MONTH))?
        .checked_add(Decimal::from(days.checked_add(clock)?))?
        .checked_add(value.seconds())
}
