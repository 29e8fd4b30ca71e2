//! Rows for people and for programs.

use super::text;
use crate::{Error, Result};
use comfy_table::{Cell, CellAlignment, ContentArrangement, presets};
use serde_json::{Map, Value};

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Columns for people
    #[default]
    Table,
    /// One JSON object
    Json,
    /// A JSON object on each line
    Jsonl,
    /// Comma-separated values
    Csv,
}

/// The flag of verbs that print rows; flatten it into theirs.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Shape {
    /// Print as table, json, jsonl or csv
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        default_value_t,
        hide_possible_values = true,
        env = "KENNING_FORMAT",
        hide_env = true
    )]
    pub format: Format,
}

/// Named columns and their rows.
#[derive(Clone, Debug)]
pub struct Table {
    name: &'static str,
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    /// An empty table; `name` is what JSON calls its rows.
    pub fn new<C: Into<String>>(name: &'static str, columns: impl IntoIterator<Item = C>) -> Self {
        Self {
            name,
            columns: columns.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row, one value for each column: numbers stand to the right, null is empty.
    pub fn row(&mut self, values: impl Into<Vec<Value>>) {
        let mut values = values.into();
        values.resize(self.columns.len(), Value::Null);
        self.rows.push(values);
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows as objects, as JSON and JSON lines write them.
    pub fn objects(&self) -> Value {
        self.rows.iter().map(|row| self.object(row)).collect()
    }

    /// `{NAME: [{COLUMN: value, …}, …]}`
    pub(super) fn document(&self) -> Map<String, Value> {
        Map::from_iter([(self.name.to_owned(), self.objects())])
    }

    /// Columns for people, at most `width` wide where it is known; control characters are escaped.
    pub fn drawn(&self, width: Option<u16>) -> String {
        let mut drawn = comfy_table::Table::new();
        drawn.load_style(presets::NOTHING);
        if let Some(width) = width {
            drawn.set_width(width);
            drawn.set_content_arrangement(ContentArrangement::Dynamic);
        }
        let aligned: Vec<_> = (0..self.columns.len()).map(|i| self.alignment(i)).collect();
        let cells = |texts: Vec<String>| -> Vec<Cell> {
            let pairs = texts.into_iter().zip(&aligned);
            pairs
                .map(|(text, side)| Cell::new(text).set_alignment(*side))
                .collect()
        };
        let title = |name: &String| text::one_line(name).to_uppercase();
        drawn.set_header(cells(self.columns.iter().map(title).collect()));
        for row in &self.rows {
            drawn.add_row(cells(row.iter().map(shown).collect()));
        }
        for column in drawn.column_iter_mut() {
            column.set_padding((0, 2));
        }
        drawn.trim_fmt()
    }

    pub(super) fn json_lines(&self) -> String {
        let lines = self
            .rows
            .iter()
            .map(|row| format!("{}\n", self.object(row)));
        lines.collect()
    }

    pub(super) fn csv(&self) -> Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let fail =
            |e: csv::Error| Error::input(format!("cannot be written as CSV: {e}")).because(e);
        writer.write_record(&self.columns).map_err(fail)?;
        for row in &self.rows {
            writer.write_record(row.iter().map(plain)).map_err(fail)?;
        }
        let bytes = writer
            .into_inner()
            .map_err(|e| Error::input(format!("cannot be written as CSV: {e}")))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn object(&self, row: &[Value]) -> Value {
        let pairs = self.columns.iter().cloned().zip(row.iter().cloned());
        Value::Object(pairs.collect())
    }

    fn alignment(&self, column: usize) -> CellAlignment {
        let mut values = self
            .rows
            .iter()
            .map(|row| &row[column])
            .filter(|v| !v.is_null());
        match self.rows.is_empty() || !values.all(Value::is_number) {
            true => CellAlignment::Left,
            false => CellAlignment::Right,
        }
    }
}

/// A value for people: fractions with four digits, so that they stand below one another.
fn shown(value: &Value) -> String {
    match value {
        Value::Number(n) if n.is_f64() => format!("{:.4}", n.as_f64().unwrap_or(f64::NAN)),
        other => text::one_line(&plain(other)).into_owned(),
    }
}

/// A value as a field: strings bare, lists and objects as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn films() -> Table {
        let mut table = Table::new("films", ["film", "score", "events"]);
        table.row([json!("千と千尋"), json!(0.5), json!(1200)]);
        table.row([json!("Alien\x1b[2J, \"cut\""), json!(0.123456), json!(7)]);
        table.row([json!("Heat"), Value::Null]);
        table
    }

    #[test]
    fn a_table_for_people_is_aligned_and_safe() {
        insta::assert_snapshot!(films().drawn(None), @r#"
        FILM                    SCORE  EVENTS
        千と千尋               0.5000    1200
        Alien\u001b[2J, "cut"  0.1235       7
        Heat
        "#);
    }

    #[test]
    fn a_narrow_terminal_wraps() {
        let widest = films()
            .drawn(Some(30))
            .lines()
            .map(console::measure_text_width)
            .max();
        assert!(widest <= Some(30), "{widest:?}");
    }

    #[test]
    fn rows_for_programs_are_exact() {
        let csv = "film,score,events\n千と千尋,0.5,1200\n\
                   \"Alien\u{1b}[2J, \"\"cut\"\"\",0.123456,7\nHeat,,\n";
        assert_eq!(films().csv().unwrap(), csv);
        insta::assert_snapshot!(films().json_lines(), @r#"
        {"film":"千と千尋","score":0.5,"events":1200}
        {"film":"Alien\u001b[2J, \"cut\"","score":0.123456,"events":7}
        {"film":"Heat","score":null,"events":null}
        "#);
    }
}
