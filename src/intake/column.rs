//! One column of a file: where it is, and how its value is cleaned.

use super::mapping::Column;
use super::row::{Columns, Row};
use super::value::{self, Refusal};
use regex::Regex;

/// The name of a column that the file lacks.
pub struct Missing(pub String);

/// A column by name and number, and how its value is cleaned.
pub struct Reader {
    name: String,
    /// The column's number.
    pub slot: usize,
    /// What the value must match; its first group is the value.
    pub pattern: Option<Regex>,
    /// Whether the value is put in lower case.
    pub fold: bool,
}

impl Reader {
    /// The column as it is.
    pub fn plain(name: &str, columns: &mut Columns) -> Result<Self, Missing> {
        Ok(Self {
            name: name.to_owned(),
            slot: columns.slot(name).ok_or_else(|| Missing(name.to_owned()))?,
            pattern: None,
            fold: false,
        })
    }

    /// The column as the mapping cleans it.
    pub fn new(column: &Column, columns: &mut Columns) -> Result<Self, Missing> {
        let mut reader = Self::plain(column.name(), columns)?;
        if let Column::Cleaned(cleaned) = column {
            reader.pattern = regex(cleaned.pattern.as_deref());
            reader.fold = cleaned.fold;
        }
        Ok(reader)
    }

    /// The column, if the mapping names one.
    pub fn optional(name: Option<&String>, columns: &mut Columns) -> Result<Option<Self>, Missing> {
        name.map(|name| Self::plain(name, columns)).transpose()
    }

    /// Its one value, if there is one.
    pub fn get(&self, row: Row<'_>) -> Result<Option<String>, Refusal> {
        let raw = row.one(self.slot).map_err(|why| self.refuse(why))?;
        if raw.is_empty() {
            return Ok(None);
        }
        match clean(raw, self.pattern.as_ref(), self.fold) {
            Some(value) => Ok(Some(value)),
            None => Err(self.refuse(format!(
                "does not match the pattern: `{}`",
                value::short(raw)
            ))),
        }
    }

    /// Its one value, which must be there.
    pub fn demand(&self, row: Row<'_>) -> Result<String, Refusal> {
        self.get(row)?.ok_or_else(|| self.refuse("is empty"))
    }

    /// Its one value, if there is one, as `read` reads it.
    pub fn map<T>(
        &self,
        row: Row<'_>,
        read: impl Fn(&str) -> Result<T, Refusal>,
    ) -> Result<Option<T>, Refusal> {
        let value = self.get(row)?;
        let value = value.map(|value| read(&value)).transpose();
        value.map_err(|why| self.refuse(why))
    }

    /// Names the column that is refused.
    pub fn refuse(&self, why: impl AsRef<str>) -> Refusal {
        format!("`{}` {}", self.name, why.as_ref())
    }
}

/// Compiles a pattern; the mapping's check has done so once.
pub fn regex(pattern: Option<&str>) -> Option<Regex> {
    pattern.and_then(|pattern| Regex::new(pattern).ok())
}

/// The value that is meant, if there is one.
pub fn clean(raw: &str, pattern: Option<&Regex>, fold: bool) -> Option<String> {
    let value = match pattern {
        Some(pattern) => pattern.captures(raw)?.get(1)?.as_str().trim(),
        None => raw,
    };
    match (value.is_empty(), fold) {
        (true, _) => None,
        (false, true) => Some(value.to_lowercase()),
        (false, false) => Some(value.to_owned()),
    }
}
