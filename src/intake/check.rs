//! Reads a mapping and refuses what makes no sense, naming the line and the key.

use super::mapping::{Attribute, Column, Described, Event, FileMapping, Format, Mapping, Skip};
use super::value::{Template, TimeFormat};
use crate::vocabulary::{PREFIXES, expand};
use crate::{Error, Result};
use oxrdf::NamedNode;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is wrong, and under which keys it stands.
struct Fault {
    keys: Vec<String>,
    message: String,
}

type Checked = std::result::Result<(), Fault>;

fn fault<T>(key: impl ToString, message: impl Into<String>) -> std::result::Result<T, Fault> {
    Err(Fault {
        keys: vec![key.to_string()],
        message: message.into(),
    })
}

/// Says that a fault lies within `key`.
trait Within {
    fn within(self, key: impl ToString) -> Self;
}

impl Within for Checked {
    fn within(self, key: impl ToString) -> Self {
        self.map_err(|mut fault| {
            fault.keys.insert(0, key.to_string());
            fault
        })
    }
}

/// Reads and checks a mapping; `file` names it in errors.
pub fn parse(text: &str, file: &str) -> Result<Mapping> {
    let mut mapping: Mapping = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        Error::usage(format!("the mapping is not valid: {}", error.message()))
            .at(format!("{file}:{line}"))
            .hint("`kenning::intake::mapping` describes every key, with an example")
    })?;
    check(&mut mapping).map_err(|fault| {
        let line = line_of(text, find(text, &fault.keys));
        Error::usage(format!("`{}` {}", named(&fault.keys), fault.message))
            .at(format!("{file}:{line}"))
            .hint("`kenning::intake::mapping` describes every key, with an example")
    })?;
    Ok(mapping)
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    1 + before.iter().filter(|b| **b == b'\n').count()
}

/// Where the value under `keys` starts, or the nearest one around it that is there.
fn find(text: &str, keys: &[String]) -> usize {
    let Ok(root) = DeTable::parse(text) else {
        return 0;
    };
    let mut start = 0;
    let mut at: Option<&Spanned<DeValue<'_>>> = None;
    for key in keys {
        let next = match at.map(Spanned::get_ref) {
            None => root.get_ref().get(key.as_str()),
            Some(DeValue::Table(table)) => table.get(key.as_str()),
            Some(DeValue::Array(array)) => key.parse().ok().and_then(|i: usize| array.get(i)),
            Some(_) => None,
        };
        let Some(next) = next else { break };
        start = next.span().start;
        at = Some(next);
    }
    start
}

/// `file[2].item.id`, counted from 1 as people count tables.
fn named(keys: &[String]) -> String {
    let mut name = String::new();
    for key in keys {
        match key.parse::<usize>() {
            Ok(index) => name.push_str(&format!("[{}]", index + 1)),
            Err(_) if name.is_empty() => name.push_str(key),
            Err(_) => name.push_str(&format!(".{key}")),
        }
    }
    name
}

fn check(mapping: &mut Mapping) -> Checked {
    check_dataset(mapping).within("dataset")?;
    for (kind, template) in &mut mapping.iris {
        check_template(template, kind).within("iris")?;
    }
    for property in std::mem::take(&mut mapping.phrases) {
        let (mut iri, phrase) = property;
        let key = iri.clone();
        check_iri(&mut iri, &key).within("phrases")?;
        mapping.phrases.insert(iri, phrase);
    }
    if mapping.files.is_empty() {
        return fault("file", "must name at least one file");
    }
    for (index, file) in mapping.files.iter_mut().enumerate() {
        check_file(file).within(index).within("file")?;
    }
    Ok(())
}

fn check_dataset(mapping: &mut Mapping) -> Checked {
    let dataset = &mut mapping.dataset;
    let fits = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-');
    if dataset.name.is_empty() || !dataset.name.chars().all(fits) {
        return fault("name", "may hold a-z, 0-9 and `-` only");
    }
    check_iri(&mut dataset.base, "base")?;
    if !dataset.base.ends_with(['/', '#', ':']) {
        return fault("base", "must end with `/`, `#` or `:`");
    }
    if let Some(class) = &mut dataset.item_class {
        check_iri(class, "item_class")?;
    }
    match &mut dataset.user_class {
        Some(class) => check_iri(class, "user_class"),
        None => Ok(()),
    }
}

/// Writes out a prefixed name and checks that it is an absolute IRI.
fn check_iri(name: &mut String, key: &str) -> Checked {
    let written_out = expand(name);
    if NamedNode::new(&written_out).is_err() {
        return fault(
            key,
            format!("is neither an IRI nor a prefixed name: `{name}`"),
        );
    }
    let scheme = written_out.split(':').next().unwrap_or_default();
    // `dct:title` is an IRI of the scheme `dct`, but hardly what was meant.
    if !matches!(
        scheme,
        "http" | "https" | "urn" | "tag" | "mailto" | "did" | "doi"
    ) {
        let known: Vec<_> = PREFIXES.iter().map(|(prefix, _)| *prefix).collect();
        let known = known.join(", ");
        return fault(
            key,
            format!("has the unknown prefix `{scheme}:`; known: {known}"),
        );
    }
    *name = written_out;
    Ok(())
}

fn check_template(template: &mut String, key: &str) -> Checked {
    let written_out = expand(template);
    match Template::parse(&written_out) {
        Some(gap) if gap.is_bare() || NamedNode::new(gap.fill("x")).is_ok() => {
            *template = written_out;
            Ok(())
        }
        _ => fault(key, format!("must be an IRI with one `{{}}`: `{template}`")),
    }
}

fn check_file(file: &mut FileMapping) -> Checked {
    check_path(&file.path)?;
    if file
        .delimiter
        .is_some_and(|c| !c.is_ascii() || matches!(c, '\n' | '\r'))
    {
        return fault("delimiter", "must be one ASCII character");
    }
    let quote = file.quote.as_deref().unwrap_or_default();
    if quote.len() > 1 || !quote.is_ascii() {
        return fault("quote", "must be one ASCII character, or empty");
    }
    if file.columns.as_ref().is_some_and(Vec::is_empty) {
        return fault("columns", "must name at least one column");
    }
    for (index, format) in file.time_format.iter().flat_map(|f| f.all()).enumerate() {
        if TimeFormat::parse(format).is_none() {
            let message = "must be `unix`, `unix-ms`, `iso` or a pattern with `%`";
            return fault(index, message).within("time_format");
        }
    }
    for (index, skip) in file.skip.iter().enumerate() {
        check_skip(skip).within(index).within("skip")?;
    }
    let timed = file.time_format.is_some();
    for (described, key) in [(&mut file.item, "item"), (&mut file.user, "user")] {
        if let Some(described) = described {
            check_described(described, timed).within(key)?;
        }
    }
    if let Some(event) = &file.event {
        check_event(event, timed).within("event")?;
    }
    check_use(file)
}

fn check_path(path: &str) -> Checked {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    if name.is_empty() || path.starts_with('/') || path.contains('\\') {
        return fault(
            "path",
            "must be a path relative to the dump's folder, with `/`",
        );
    }
    if path.split('/').any(|part| part == "..") {
        return fault("path", "must not leave the dump's folder");
    }
    if folders.contains('*') {
        return fault("path", "may have `*` in its last part only");
    }
    Ok(())
}

/// A table that says nothing is a slip, and RDF says all by itself.
fn check_use(file: &FileMapping) -> Checked {
    let says = file.item.is_some() || file.user.is_some() || file.event.is_some();
    let rdf = match file.format {
        Some(format) => format == Format::Rdf,
        None => super::find::Syntax::of(&file.path).is_some_and(|syntax| syntax.is_rdf()),
    };
    if rdf && says {
        return fault(
            "path",
            "is RDF, which is loaded as it is: `item`, `user` and `event` are for tables",
        );
    }
    if !rdf && !says {
        return fault(
            "path",
            "is of a table, but none of `item`, `user` and `event` says what its records mean",
        );
    }
    if file.format.is_none() && super::find::Syntax::of(&file.path).is_none() {
        return fault(
            "path",
            "has a suffix that tells no format; add `format = \"csv\"` or another",
        );
    }
    Ok(())
}

fn check_described(described: &mut Described, timed: bool) -> Checked {
    check_column(&described.id).within("id")?;
    for (index, attribute) in described.attributes.iter_mut().enumerate() {
        check_attribute(attribute, timed)
            .within(index)
            .within("attribute")?;
    }
    Ok(())
}

fn check_attribute(attribute: &mut Attribute, timed: bool) -> Checked {
    check_iri(&mut attribute.property, "property")?;
    check_kind(attribute)?;
    if let Some(pattern) = &attribute.pattern {
        check_pattern(pattern)?;
    }
    if attribute.split.as_deref() == Some("") {
        return fault("split", "must not be empty");
    }
    if !(0.0..=1.0).contains(&attribute.confidence) {
        return fault("confidence", "must lie in 0..=1");
    }
    match attribute.time {
        Some(_) if !timed => fault("time", "needs the file's `time_format`"),
        _ => Ok(()),
    }
}

fn check_kind(attribute: &mut Attribute) -> Checked {
    let kinds = [
        attribute.datatype.is_some(),
        attribute.lang.is_some(),
        attribute.entity.is_some(),
        attribute.iri.is_some(),
    ];
    if kinds.iter().filter(|given| **given).count() > 1 {
        return fault(
            "property",
            "has more than one of `datatype`, `lang`, `entity` and `iri`",
        );
    }
    if let Some(datatype) = &mut attribute.datatype {
        check_iri(datatype, "datatype")?;
    }
    if let Some(lang) = &attribute.lang
        && oxrdf::Literal::new_language_tagged_literal("", lang).is_err()
    {
        return fault("lang", format!("is not a language tag: `{lang}`"));
    }
    if attribute.entity.as_deref() == Some("") {
        return fault("entity", "must not be empty");
    }
    match &mut attribute.iri {
        Some(template) => check_template(template, "iri"),
        None => Ok(()),
    }
}

fn check_column(column: &Column) -> Checked {
    match column {
        Column::Cleaned(cleaned) => match &cleaned.pattern {
            Some(pattern) => check_pattern(pattern),
            None => Ok(()),
        },
        Column::Plain(_) => Ok(()),
    }
}

fn check_pattern(pattern: &str) -> Checked {
    match regex::Regex::new(pattern) {
        Ok(regex) if regex.captures_len() > 1 => Ok(()),
        Ok(_) => fault("pattern", "must have a group `(…)` around the value"),
        Err(error) => fault("pattern", not_regex(&error)),
    }
}

/// The error without the drawing above it.
fn not_regex(error: &regex::Error) -> String {
    let message = error.to_string();
    let why = message.lines().last().unwrap_or_default();
    format!(
        "is not a regular expression: {}",
        why.trim_start_matches("error: ")
    )
}

fn check_event(event: &Event, timed: bool) -> Checked {
    check_column(&event.user).within("user")?;
    check_column(&event.item).within("item")?;
    if let Some(group) = &event.group {
        check_column(group).within("group")?;
    }
    if event.time.is_some() && event.order.is_some() {
        return fault("order", "is for events without `time`");
    }
    match event.time {
        Some(_) if !timed => fault("time", "needs the file's `time_format`"),
        _ => Ok(()),
    }
}

fn check_skip(skip: &Skip) -> Checked {
    let conditions = [
        skip.starts_with.is_some(),
        skip.below.is_some(),
        skip.above.is_some(),
        skip.matches.is_some(),
        skip.equals.is_some(),
        skip.empty.is_some(),
    ];
    if conditions.iter().filter(|given| **given).count() != 1 {
        let message =
            "must have one of `starts_with`, `below`, `above`, `matches`, `equals` and `empty`";
        return fault("column", message);
    }
    match &skip.matches {
        Some(pattern) => match regex::Regex::new(pattern) {
            Ok(_) => Ok(()),
            Err(error) => fault("matches", not_regex(&error)),
        },
        None => Ok(()),
    }
}
