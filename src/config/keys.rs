//! The names of all settings, what values they take, and their variables.

use toml::Value;

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// `section.name`, as in the project file.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
}

/// What values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A whole number, at least this.
    Count(i64),
    /// A number, from this to that.
    Number(f64, f64),
    /// `true` or `false`.
    Flag,
    /// Any text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Texts: an array in the file, with commas between them elsewhere.
    Texts,
    /// Names with numbers: a table in the file, `a=1,b=0.5` elsewhere.
    Weights,
    /// The same, with these names, all of them or none, and no number below 0.
    Prices(&'static [&'static str]),
}

/// Every setting, in the order of the project file.
pub const KEYS: &[Key] = &[
    key("name", Kind::Text),
    key("reasoning.rules", Kind::Texts),
    key("reasoning.max_facts", Kind::Count(1)),
    key("scoring.history", Kind::Count(1)),
    key("scoring.decay", Kind::Number(0.0, 1.0)),
    key("scoring.preference", Kind::Number(0.0, 0.5)),
    key("scoring.popularity", Kind::Number(0.0, f32::MAX as f64)),
    key("scoring.weights", Kind::Weights),
    key("links.window", Kind::Count(0)),
    key("links.neighbours", Kind::Count(1)),
    key("links.damping", Kind::Number(0.0, 1.0)),
    key("links.near", Kind::Number(0.0, 1e6)),
    key("links.discount", Kind::Number(0.0, 1.0)),
    key("links.regressors", Kind::Count(0)),
    key("links.ridge", Kind::Number(0.001, f32::MAX as f64)),
    key("links.dropout", Kind::Number(0.0, 0.9)),
    key("links.shared", Kind::Number(0.0, 1e6)),
    key("links.order", Kind::Number(0.0, 1e6)),
    key("links.preference", Kind::Number(0.0, 0.5)),
    key("links.weights", Kind::Weights),
    key("extraction.batch", Kind::Count(1)),
    key("extraction.budget", Kind::Count(1)),
    key("embedding.enabled", Kind::Flag),
    key("embedding.model", Kind::Text),
    key("prompt.budget", Kind::Count(1)),
    key("prompt.candidates", Kind::Count(1)),
    key("prompt.recipe", Kind::Text),
    key("prompt.template", Kind::Text),
    key(
        "model.kind",
        Kind::Choice(&["none", "local", "remote", "replay"]),
    ),
    key("model.name", Kind::Text),
    key("model.path", Kind::Text),
    key("model.url", Kind::Text),
    key("model.key_env", Kind::Text),
    key("model.timeout_s", Kind::Count(1)),
    key("model.max_tokens", Kind::Count(1)),
    key("model.prices", Kind::Prices(&["prompt", "completion"])),
    key("model.max_cost", Kind::Number(0.0, 1e9)),
    key(
        "model.format",
        Kind::Choice(&["text", "json-object", "json-schema"]),
    ),
    key("model.transfer", Kind::Choice(&["whole", "stream"])),
    key("model.requests_per_minute", Kind::Count(0)),
    key("model.tokens_per_minute", Kind::Count(0)),
    key(
        "ranking.mode",
        Kind::Choice(&["listwise", "letters", "pointwise", "pairwise"]),
    ),
    key("ranking.shuffles", Kind::Count(1)),
    key("ranking.weight", Kind::Number(0.0, 1.0)),
    key("ranking.seed", Kind::Count(0)),
    key("decisions.window_days", Kind::Count(1)),
    key("decisions.most", Kind::Count(1)),
    key("decisions.outcome_days", Kind::Count(0)),
    key("decisions.snapshots", Kind::Count(0)),
    key("query.timeout_s", Kind::Count(1)),
    key("query.max_rows", Kind::Count(1)),
    key("query.memory_mb", Kind::Count(1)),
    key("query.max_text_kb", Kind::Count(1)),
    key("query.load", Kind::Texts),
    key("validation.timeout_s", Kind::Count(1)),
    key("validation.max_results", Kind::Count(1)),
    key(
        "validation.on_build",
        Kind::Choice(&["off", "warn", "refuse"]),
    ),
    key("serve.bind", Kind::Text),
    key("serve.read_key_env", Kind::Text),
    key("serve.write_key_env", Kind::Text),
    key("serve.allow_updates", Kind::Flag),
    key("serve.cors", Kind::Text),
    key("serve.default_graph", Kind::Choice(&["union", "stated"])),
    key("serve.concurrency", Kind::Count(1)),
    key("serve.queue", Kind::Count(0)),
    key("serve.model_calls", Kind::Count(1)),
    key("serve.memory_mb", Kind::Count(1)),
    key("serve.max_body_mb", Kind::Count(1)),
    key("serve.idle_s", Kind::Count(1)),
];

/// Variables of the command line that are no settings.
const OTHER_VARIABLES: &[&str] = &["KENNING_PROJECT", "KENNING_FORMAT", "KENNING_QUIET"];

const fn key(name: &'static str, kind: Kind) -> Key {
    Key { name, kind }
}

/// The environment variable of a setting: `prompt.budget` is `KENNING_PROMPT_BUDGET`.
pub fn variable(key: &str) -> String {
    format!("KENNING_{}", key.replace('.', "_").to_uppercase())
}

/// Those of `names` that look like variables of kenning and are none: misspelt, most likely.
pub fn unknown_variables(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let known = |name: &str| {
        OTHER_VARIABLES.contains(&name) || KEYS.iter().any(|key| variable(key.name) == name)
    };
    let mut unknown: Vec<_> = names
        .into_iter()
        .filter(|name| name.starts_with("KENNING_") && !known(name))
        .collect();
    unknown.sort();
    unknown
}

pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

pub(super) fn is_section(name: &str) -> bool {
    sections().any(|section| section == name)
}

fn sections() -> impl Iterator<Item = &'static str> {
    KEYS.iter()
        .filter_map(|key| key.name.split_once('.').map(|(section, _)| section))
}

/// What to write instead of the unknown `name`.
pub(super) fn suggestion(name: &str) -> String {
    let candidates = KEYS.iter().map(|key| key.name).chain(sections());
    let nearest = candidates.min_by_key(|known| distance(name, known));
    match nearest {
        Some(known) if distance(name, known) <= 1 + name.len() / 4 => {
            format!("did you mean `{known}`?")
        }
        _ => match misplaced(name) {
            Some(known) => format!("did you mean `{known}`?"),
            None => "kenning config show".into(),
        },
    }
}

/// A setting of this name in another section.
fn misplaced(name: &str) -> Option<&'static str> {
    let leaf = |name: &'static str| name.rsplit('.').next().unwrap_or(name);
    let wanted = name.rsplit('.').next()?;
    let near = |key: &&Key| distance(wanted, leaf(key.name)) <= wanted.len() / 4;
    KEYS.iter().find(near).map(|key| key.name)
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

impl Kind {
    /// What is wrong with `value`, as "must be …", if anything is.
    pub(super) fn complaint(self, value: &Value) -> Option<String> {
        let fits = match (self, value) {
            (Self::Count(least), Value::Integer(n)) => *n >= least,
            (Self::Number(least, most), _) => {
                number(value).is_some_and(|x| x >= least && x <= most)
            }
            (Self::Flag, Value::Boolean(_)) | (Self::Text, Value::String(_)) => true,
            (Self::Choice(words), Value::String(word)) => words.contains(&word.as_str()),
            (Self::Texts, Value::Array(texts)) => texts.iter().all(Value::is_str),
            (Self::Weights, Value::Table(table)) => table
                .values()
                .all(|v| number(v).is_some_and(f64::is_finite)),
            (Self::Prices(names), Value::Table(table)) => {
                let price = |name: &&str| table.get(*name).and_then(number);
                let is_price = |name| price(name).is_some_and(|x| x >= 0.0 && x.is_finite());
                table.is_empty() || table.len() == names.len() && names.iter().all(is_price)
            }
            _ => false,
        };
        (!fits).then(|| format!("must be {}", self.wish()))
    }

    /// What a value should be, in words.
    fn wish(self) -> String {
        match self {
            Self::Count(least) => format!("a whole number of at least {least}"),
            Self::Number(least, most) if most >= f64::from(f32::MAX) => {
                format!("a number of at least {least}")
            }
            Self::Number(least, most) => format!("a number from {least} to {most}"),
            Self::Flag => "true or false".into(),
            Self::Text => "text".into(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Texts => "texts".into(),
            Self::Weights => "names with numbers".into(),
            Self::Prices(names) => format!("numbers of at least 0 for {}", names.join(" and ")),
        }
    }

    /// Reads what an environment variable or a flag says; text that does not fit comes back as text, for
    /// [`Kind::complaint`] to refuse.
    pub(super) fn read(self, text: &str) -> Value {
        let trimmed = text.trim();
        let read = match self {
            Self::Count(_) => trimmed.replace('_', "").parse().map(Value::Integer).ok(),
            Self::Number(..) => trimmed.parse().map(Value::Float).ok(),
            Self::Flag => flag(trimmed).map(Value::Boolean),
            Self::Weights | Self::Prices(_) => weights(trimmed).map(Value::Table),
            Self::Texts => Some(Value::Array(texts(trimmed))),
            Self::Text | Self::Choice(_) => None,
        };
        read.unwrap_or_else(|| Value::String(text.to_owned()))
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(n) => Some(*n as f64),
        Value::Float(x) => Some(*x),
        _ => None,
    }
}

fn flag(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn texts(text: &str) -> Vec<Value> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts.map(Value::from).collect()
}

fn weights(text: &str) -> Option<toml::Table> {
    let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    pairs
        .map(|pair| {
            let (name, weight) = pair.rsplit_once('=')?;
            let weight = weight.trim().parse().ok()?;
            Some((name.trim().to_owned(), Value::Float(weight)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn every_field_of_the_settings_is_a_key() {
        let mut all = Settings::default();
        all.prompt.template = Some("t".into());
        all.model.name = Some("n".into());
        all.model.path = Some("p".into());
        all.model.url = Some("u".into());
        all.model.key_env = Some("k".into());
        all.serve.read_key_env = Some("r".into());
        all.serve.write_key_env = Some("w".into());
        let mut fields = Vec::new();
        for (name, value) in toml::Table::try_from(all).unwrap() {
            match value {
                Value::Table(section) => {
                    fields.extend(section.keys().map(|leaf| format!("{name}.{leaf}")));
                }
                _ => fields.push(name),
            }
        }
        fields.sort();
        let mut keys: Vec<_> = KEYS.iter().map(|key| key.name.to_owned()).collect();
        keys.sort();
        assert_eq!(fields, keys);
    }

    #[test]
    fn a_near_name_is_suggested() {
        assert_eq!(suggestion("prompt.budgit"), "did you mean `prompt.budget`?");
        assert_eq!(suggestion("promt"), "did you mean `prompt`?");
        assert_eq!(suggestion("prompt.window"), "did you mean `links.window`?");
        assert_eq!(suggestion("zzzzzz"), "kenning config show");
    }
}
