//! The mapping file: how the columns of a dump become facts and events.
//!
//! A mapping is TOML. Unknown keys are refused, and an error names the line. The whole of it, by example:
//!
//! ```
//! # let text = r##"
//! [dataset]
//! name = "films"                          # a-z, 0-9 and -
//! label = "Films"                         # for people; the name if absent
//! base = "https://example.org/films/"     # minted IRIs: base + "item/" + id, base + "user/" + id,
//!                                         ## base + "group/" + id, base + kind of entity + "/" + value
//! item = "film"                           # one item, in sentences
//! verb = "rated"                          # what users do with items, in sentences
//! item_class = "schema:Movie"             # given to every item that a table describes; in RDF: what marks an item
//! user_class = "schema:Person"            # given to every user that a table describes
//! vocabularies = []                       # SKOS vocabularies to look for in texts: names or paths
//! licence = "CC0-1.0"
//! source = "https://example.org/films.zip"
//!
//! [iris]                                  # where other IRIs than the minted ones are wanted
//! item = "https://example.org/film/{}"    # also `user`, `group` and each kind of entity
//!
//! [phrases]                               # how a property is said between an item and its value
//! "schema:genre" = "has the genre"
//!
//! [[file]]
//! path = "films.csv"                      # in the dump's folder; `.gz` and `.zst` are tried too; `*` in the last part
//! format = "csv"                          # csv | tsv | jsonl | rdf; from the suffix if absent
//! delimiter = ","                         # the format's own if absent
//! quote = "\""                            # "" = quotes mean nothing (so in TSV, unless said otherwise)
//! optional = false                        # true: the file may be missing
//! rename = { Identifier = "id" }          # header names of other editions, and the names used here
//! ## columns = ["id", "title"]             # the names, where the file has no header
//! time_format = "iso"                     # unix | unix-ms | iso | strptime such as "%Y-%m-%d %H:%M", or a list
//! ## records to leave out: starts_with | below | above | matches | equals | empty
//! skip = [{ column = "id", starts_with = "test", reason = "not a film" }]
//!
//! [file.item]                             # the records describe items
//! id = "id"                               # a column, or { column, pattern, fold }
//! [[file.item.attribute]]
//! column = "title"
//! property = "rdfs:label"                 # an IRI, or a name with one of the known prefixes
//! text = true                             # facts are to be found in it
//! [[file.item.attribute]]
//! column = "title"
//! property = "schema:datePublished"
//! pattern = '\((\d{4})\)\s*$'             # the first group is the value; no match, no fact
//! datatype = "xsd:gYear"                  # at most one of datatype | lang | entity | iri
//! [[file.item.attribute]]
//! column = "genres"
//! property = "schema:genre"
//! entity = "genre"                        # the value is a thing of this kind, with a label
//! split = "|"                             # several values in one cell
//! none = ["(no genres listed)"]           # cells that say nothing; empty ones always do
//! fold = true                             # lower case
//! confidence = 0.9
//! ## time = "added"                        # the column that says when it was said
//! ## iri = "https://example.org/{}"        # the value fills an IRI; "{}": it is one
//!
//! [[file]]
//! path = "ratings-*.jsonl"                # JSON Lines: the keys are the columns, arrays hold several values
//! time_format = "unix"
//! ## [file.user] and [[file.user.attribute]] describe users as [file.item] does items
//! [file.event]
//! user = { column = "who", pattern = '^(\d+)' }
//! anonymous = true                        # the user may be absent
//! item = "film"
//! time = "when"                           # or order = "position": whole numbers that say before and after;
//!                                         ## they are kept as seconds since 1970 and are no clock
//! weight = "stars"                        # 1 if absent
//! group = "session"                       # what was done together
//!
//! [[file]]
//! path = "knowledge.nt"                   # RDF is loaded as it is
//! # "##;
//! let mapping = kenning::intake::Mapping::parse(text, "films.toml")?;
//! assert_eq!(mapping.item_iri("7"), "https://example.org/film/7");
//! assert_eq!(mapping.entity_iri("genre", "sci fi"), "https://example.org/films/genre/sci%20fi");
//! assert_eq!(mapping.text_properties(), ["http://www.w3.org/2000/01/rdf-schema#label"]);
//! # Ok::<(), kenning::Error>(())
//! ```
//!
//! Values are trimmed. Ids and values in minted IRIs are percent-encoded, all but letters, digits and `-._~`,
//! so that different ids give different IRIs.

use crate::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How one dataset is read: the mapping file, with its names expanded to IRIs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What the dataset is.
    pub dataset: Dataset,
    /// IRI templates, with one `{}` each: `item`, `user`, `group`, kinds of entities.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub iris: BTreeMap<String, String>,
    /// How properties (by IRI) are said between an item and its value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub phrases: BTreeMap<String, String>,
    /// The files, in the order in which they are read.
    #[serde(rename = "file")]
    pub files: Vec<FileMapping>,
}

/// What the dataset is, and the words for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Its short name.
    pub name: String,
    /// Its name for people.
    pub label: Option<String>,
    /// What minted IRIs start with.
    pub base: String,
    /// The noun for one item.
    #[serde(default = "item")]
    pub item: String,
    /// What users do with items, in the past tense.
    #[serde(default = "verb")]
    pub verb: String,
    /// The class (IRI) of items.
    pub item_class: Option<String>,
    /// The class (IRI) of users.
    pub user_class: Option<String>,
    /// SKOS vocabularies whose concepts are looked for in texts.
    #[serde(default)]
    pub vocabularies: Vec<String>,
    /// The licence of the dump.
    pub licence: Option<String>,
    /// Where the dump comes from.
    pub source: Option<String>,
}

fn item() -> String {
    "item".to_owned()
}

fn verb() -> String {
    "interacted with".to_owned()
}

/// How one file, or all that its pattern finds, is read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileMapping {
    /// Where it is in the dump's folder.
    pub path: String,
    /// How it is written; told by the suffix if absent.
    pub format: Option<Format>,
    /// The names of the columns of a file without header.
    pub columns: Option<Vec<String>>,
    /// What the header calls a column, and what the mapping does.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rename: BTreeMap<String, String>,
    /// What separates the columns.
    pub delimiter: Option<char>,
    /// What encloses a cell; the empty string if nothing does.
    pub quote: Option<String>,
    /// How the file writes times.
    pub time_format: Option<OneOrMany>,
    /// The records to leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip: Vec<Skip>,
    /// Whether the file may be missing.
    #[serde(default)]
    pub optional: bool,
    /// What the records say about items.
    pub item: Option<Described>,
    /// What the records say about users.
    pub user: Option<Described>,
    /// What the records say happened.
    pub event: Option<Event>,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated values, quoted as RFC 4180 says.
    Csv,
    /// Tab-separated values, not quoted.
    Tsv,
    /// One JSON object a line.
    Jsonl,
    /// N-Triples, N-Quads, Turtle, TriG or RDF/XML, by the suffix.
    Rdf,
}

/// A string or a list of strings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
pub enum OneOrMany {
    /// Just one.
    One(String),
    /// Each in turn.
    Many(Vec<String>),
}

impl OneOrMany {
    /// All of them.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// A column, and how its value is cleaned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected the name of a column or { column, pattern, fold }"
)]
pub enum Column {
    /// The value as it is.
    Plain(String),
    /// The value, cleaned.
    Cleaned(Cleaned),
}

/// A column and how to clean it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cleaned {
    /// The column.
    pub column: String,
    /// A regular expression whose first group is the value; no match, no value.
    pub pattern: Option<String>,
    /// Whether the value is put in lower case.
    #[serde(default)]
    pub fold: bool,
}

impl Column {
    /// The column's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Plain(name) => name,
            Self::Cleaned(cleaned) => &cleaned.column,
        }
    }
}

/// Things (items or users) that a table describes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Described {
    /// Which thing.
    pub id: Column,
    /// What is said of it.
    #[serde(default, rename = "attribute", skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
}

/// A column that says something of a thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// The column.
    pub column: String,
    /// The property (IRI) whose value it is.
    pub property: String,
    /// The value is a literal of this datatype (IRI).
    pub datatype: Option<String>,
    /// The value is a string in this language.
    pub lang: Option<String>,
    /// The value names a thing of this kind.
    pub entity: Option<String>,
    /// The value fills this IRI; `{}`: it is the IRI.
    pub iri: Option<String>,
    /// What separates several values in one cell.
    pub split: Option<String>,
    /// Values that say nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub none: Vec<String>,
    /// A regular expression whose first group is the value; no match, no fact.
    pub pattern: Option<String>,
    /// Whether the value is put in lower case.
    #[serde(default)]
    pub fold: bool,
    /// How sure the column is, in 0..=1.
    #[serde(default = "certain")]
    pub confidence: f32,
    /// The column that says when it was said; without it, what stands in a record of an event was said when that happened.
    pub time: Option<String>,
    /// Whether it is a text in which facts are to be found.
    #[serde(default)]
    pub text: bool,
}

fn certain() -> f32 {
    1.0
}

/// Records that say that a user met an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Who.
    pub user: Column,
    /// Whether the user may be absent.
    #[serde(default)]
    pub anonymous: bool,
    /// What.
    pub item: Column,
    /// When.
    pub time: Option<String>,
    /// Whole numbers that say before and after, where there is no clock.
    pub order: Option<String>,
    /// How much.
    pub weight: Option<String>,
    /// What was done together.
    pub group: Option<Column>,
}

/// Records to leave out: those whose `column` meets the one condition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skip {
    /// The column.
    pub column: String,
    /// Why, for the report.
    pub reason: Option<String>,
    /// Its value starts so.
    pub starts_with: Option<String>,
    /// Its value is a number below this.
    pub below: Option<f64>,
    /// Its value is a number above this.
    pub above: Option<f64>,
    /// Its value matches this regular expression.
    pub matches: Option<String>,
    /// Its value is one of these.
    pub equals: Option<Vec<String>>,
    /// Whether it is empty.
    pub empty: Option<bool>,
}

impl Mapping {
    /// Reads a mapping; `file` names it in errors.
    pub fn parse(text: &str, file: &str) -> Result<Self> {
        super::check::parse(text, file)
    }

    /// Reads the mapping file at `path`.
    pub fn load(path: &std::path::Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| {
            crate::Error::io("read the mapping", path, e)
                .hint("kenning init writes a mapping to start from")
        })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// A mapping that loads every RDF file it finds, as it is.
    pub fn rdf_only(name: &str) -> Result<Self> {
        let name = toml::Value::from(name);
        let text = format!(
            "[dataset]\nname = {name}\nbase = \"https://w3id.org/kenning/data/\"\n\
             [[file]]\npath = \"*\"\nformat = \"rdf\"\n"
        );
        let mut mapping = Self::parse(&text, "the dataset's name")?;
        mapping.dataset.base = format!("{}{}/", mapping.dataset.base, mapping.dataset.name);
        Ok(mapping)
    }

    /// What a dataset without a mapping is called: like its file or folder.
    pub fn name_of(path: &std::path::Path) -> String {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.split('.').next().unwrap_or_default().to_lowercase();
        let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = stem.chars().map(letter).collect();
        if name.is_empty() { "rdf".into() } else { name }
    }

    /// The name for people.
    pub fn label(&self) -> &str {
        self.dataset.label.as_deref().unwrap_or(&self.dataset.name)
    }

    /// The IRI of the item with this id.
    pub fn item_iri(&self, id: &str) -> String {
        self.entity_iri("item", id)
    }

    /// The IRI of the user with this id.
    pub fn user_iri(&self, id: &str) -> String {
        self.entity_iri("user", id)
    }

    /// The IRI of the entity of this kind with this value.
    pub fn entity_iri(&self, kind: &str, value: &str) -> String {
        super::value::Template::of(self, kind).fill(value)
    }

    /// The properties (IRIs) whose values are texts to find facts in, each once, in order.
    pub fn text_properties(&self) -> Vec<&str> {
        let mut found = Vec::new();
        let described = self.files.iter().flat_map(|f| [&f.item, &f.user]).flatten();
        for attribute in described.flat_map(|d| &d.attributes) {
            if attribute.text && !found.contains(&attribute.property.as_str()) {
                found.push(attribute.property.as_str());
            }
        }
        found
    }

    /// Whether the times of events are times; where not, they only order the events of a user.
    pub fn has_clock(&self) -> bool {
        let mut events = self.files.iter().filter_map(|f| f.event.as_ref());
        events.any(|event| event.time.is_some())
    }
}
