//! Rules that leave rows out.

use super::column::{Missing, Reader, regex};
use super::mapping;
use super::row::{Columns, Row};
use super::value::{self, Refusal};
use regex::Regex;

/// A rule that leaves rows out.
pub struct Skip {
    column: Reader,
    /// Why, for the report.
    pub reason: String,
    rule: Rule,
}

enum Rule {
    StartsWith(String),
    Below(f64),
    Above(f64),
    Matches(Regex),
    Equals(Vec<String>),
    Empty(bool),
}

impl Skip {
    /// Finds the rule's column.
    pub fn new(skip: &mapping::Skip, columns: &mut Columns) -> Result<Self, Missing> {
        let rule = Rule::new(skip);
        let column = &skip.column;
        let told = match &rule {
            Rule::StartsWith(start) => format!("`{column}` starts with `{start}`"),
            Rule::Below(bound) => format!("`{column}` is below {bound}"),
            Rule::Above(bound) => format!("`{column}` is above {bound}"),
            Rule::Matches(pattern) => format!("`{column}` matches `{pattern}`"),
            Rule::Equals(values) => format!("`{column}` is `{}`", values.join("` or `")),
            Rule::Empty(true) => format!("`{column}` is empty"),
            Rule::Empty(false) => format!("`{column}` is not empty"),
        };
        Ok(Self {
            column: Reader::plain(column, columns)?,
            reason: skip.reason.clone().unwrap_or(told),
            rule,
        })
    }

    /// Whether the row is to be left out.
    pub fn fits(&self, row: Row<'_>) -> Result<bool, Refusal> {
        let value = row
            .one(self.column.slot)
            .map_err(|why| self.column.refuse(why))?;
        let number = || value::number(value).map_err(|why| self.column.refuse(why));
        Ok(match &self.rule {
            Rule::StartsWith(start) => value.starts_with(start),
            Rule::Below(_) | Rule::Above(_) if value.is_empty() => false,
            Rule::Below(bound) => number()? < *bound,
            Rule::Above(bound) => number()? > *bound,
            Rule::Matches(pattern) => pattern.is_match(value),
            Rule::Equals(values) => values.iter().any(|one| one == value),
            Rule::Empty(empty) => value.is_empty() == *empty,
        })
    }
}

impl Rule {
    /// The mapping's check has seen to it that there is exactly one condition.
    fn new(skip: &mapping::Skip) -> Self {
        if let Some(start) = &skip.starts_with {
            Self::StartsWith(start.clone())
        } else if let Some(bound) = skip.below {
            Self::Below(bound)
        } else if let Some(bound) = skip.above {
            Self::Above(bound)
        } else if let Some(pattern) = regex(skip.matches.as_deref()) {
            Self::Matches(pattern)
        } else if let Some(values) = &skip.equals {
            Self::Equals(values.clone())
        } else {
            Self::Empty(skip.empty.unwrap_or(true))
        }
    }
}
