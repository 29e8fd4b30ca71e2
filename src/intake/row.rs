//! One record of a table: the values of its columns, whatever the format.

use super::value::Refusal;
use serde_json::{Map, Value};

/// The columns of a file, by name.
#[derive(Clone, Debug)]
pub struct Columns {
    names: Vec<String>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// A header says which there are.
    Fixed,
    /// Each record says which it has.
    Free,
}

impl Columns {
    /// Those that a header names.
    pub fn fixed(names: Vec<String>) -> Self {
        let kind = Kind::Fixed;
        Self { names, kind }
    }

    /// Any that is asked for.
    pub fn free() -> Self {
        Self {
            names: Vec::new(),
            kind: Kind::Free,
        }
    }

    /// The number of the column called `name`; none if the header lacks it.
    pub fn slot(&mut self, name: &str) -> Option<usize> {
        let known = self.names.iter().position(|known| known == name);
        if known.is_some() || self.kind == Kind::Fixed {
            return known;
        }
        self.names.push(name.to_owned());
        Some(self.names.len() - 1)
    }

    /// Their names, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub enum Row<'a> {
    /// Its cells.
    Cells(&'a csv::StringRecord),
    /// For each column the values that it has.
    Keys(&'a [Vec<String>]),
}

impl<'a> Row<'a> {
    /// The values in a column, trimmed; empty ones are none.
    pub fn values(self, slot: usize) -> impl Iterator<Item = &'a str> {
        let (cell, keys): (&'a str, &'a [String]) = match self {
            Row::Cells(cells) => (cells.get(slot).unwrap_or_default(), &[]),
            Row::Keys(keys) => ("", keys.get(slot).map_or(&[], Vec::as_slice)),
        };
        let all = std::iter::once(cell).chain(keys.iter().map(String::as_str));
        all.map(str::trim).filter(|value| !value.is_empty())
    }

    /// The one value in a column, empty if there is none.
    pub fn one(self, slot: usize) -> Result<&'a str, Refusal> {
        let mut values = self.values(slot);
        let first = values.next().unwrap_or_default();
        match values.next() {
            None => Ok(first),
            Some(_) => Err("has several values where one is wanted".to_owned()),
        }
    }
}

/// Reads a line of JSON and picks the columns' values from it.
pub fn keys(line: &[u8], columns: &Columns) -> Result<Vec<Vec<String>>, Refusal> {
    let text = std::str::from_utf8(line).map_err(|e| not_utf8(&e))?;
    let object: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
        // The line that serde counts is always the first.
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        match error.column() {
            0 => format!("is not a JSON object: {message}"),
            column => format!("is not a JSON object: {message}, column {column}"),
        }
    })?;
    let mut all = Vec::with_capacity(columns.names.len());
    for name in &columns.names {
        let mut values = Vec::new();
        if let Some(value) = object.get(name) {
            collect(value, &mut values);
        }
        all.push(values);
    }
    Ok(all)
}

fn collect(value: &Value, values: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::String(text) => values.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, values)),
        other => values.push(other.to_string()),
    }
}

/// Why bytes are no text.
pub fn not_utf8(error: &std::str::Utf8Error) -> Refusal {
    format!(
        "is not valid UTF-8, from byte {} on",
        error.valid_up_to() + 1
    )
}
