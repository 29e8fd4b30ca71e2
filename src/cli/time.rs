//! Points in time, as people type them.

use crate::model::UnixSeconds;
use crate::{Error, Result};

/// What the flag `name` says: `2010-09-01` (its beginning, in UTC), `2010-09-01T12:00:00Z`, or seconds since 1970.
pub(super) fn seconds(name: &str, text: &str) -> Result<UnixSeconds> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let day = || format!("{text}T00:00:00Z").parse::<jiff::Timestamp>();
    let time = text.parse::<jiff::Timestamp>().or_else(|_| day());
    let time = time.map_err(|_| {
        Error::usage(format!("`{text}` is no time")).hint(format!("{name} 2010-09-01"))
    })?;
    Ok(time.as_second())
}
