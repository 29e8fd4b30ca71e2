//! The two sides: things with their names, years and kinds, read off triples.

use super::names::{self, Name};
use crate::model::term;
use crate::vocabulary::{LABELS, YEARS, rdf, skos};
use crate::{Error, Result};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// A thing has at most so many labels, and so many years; what comes later is counted.
const KEPT: usize = 64;

/// Years are sought in so much of a text.
const READ: usize = 1000;

/// Names of a thing that are not its label.
const OTHER_LABELS: [&str; 3] = [
    skos::ALT_LABEL,
    skos::HIDDEN_LABEL,
    "https://schema.org/alternateName",
];

/// Words of classes that say nothing of their instances.
const EMPTY_WORDS: [&str; 7] = [
    "thing",
    "named",
    "individual",
    "resource",
    "entity",
    "item",
    "concept",
];

/// Which things are meant, and where their years stand.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Which of those whose IRIs begin with `under`.
    pub which: Which,
    /// What the IRIs begin with; nothing if it does not matter.
    pub under: String,
    /// Properties (IRIs) whose values name years, beside [`YEARS`]: the first year in a value counts.
    pub years: Vec<String>,
}

/// Which things are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// All that have labels; where it is said what the IRIs begin with, all.
    #[default]
    Any,
    /// Instances of the class with this IRI.
    Instances(String),
    /// Those that are chosen one by one ([`TableBuilder::choose`]).
    Chosen,
}

/// Something that has names.
#[derive(Clone, Debug, PartialEq)]
pub struct Thing {
    /// Its IRI.
    pub iri: String,
    /// Its best label, as it was read.
    pub label: String,
    /// Its names, the best first; [`names::MOST`] at most.
    pub names: Vec<Name>,
    /// The years that are said of it, sorted.
    pub years: Vec<i16>,
    /// Words for what it is, sorted.
    pub kinds: Vec<Arc<str>>,
    /// Whether its label itself says what kind it is, as in "Emma (novel)".
    pub says_kind: bool,
}

/// Things, by IRI.
#[derive(Debug, Default)]
pub struct Table {
    /// The things, sorted by their IRIs.
    pub things: Vec<Thing>,
    /// Labels that are longer than a name ([`names::LONGEST`]).
    pub too_long: u64,
    /// Labels and years of things that have more of them than anyone looks at.
    pub too_many: u64,
}

impl Table {
    /// The number of the thing with this IRI.
    pub fn find(&self, iri: &str) -> Option<u32> {
        let found = self
            .things
            .binary_search_by(|thing| thing.iri.as_str().cmp(iri));
        found.ok().map(|number| number as u32)
    }
}

/// Collects triples into a [`Table`]; their order does not matter. A thing without a label is named by its IRI.
pub struct TableBuilder {
    selection: Selection,
    roles: FxHashMap<String, Role>,
    class: Option<String>,
    numbers: FxHashMap<String, u32>,
    drafts: Vec<Draft>,
    /// The last subject: what is said of one thing mostly stands together.
    last: (String, u32),
    words: FxHashMap<String, Arc<str>>,
    table: Table,
}

#[derive(Clone, Copy)]
enum Role {
    /// The lower, the better.
    Label(u8),
    Year,
    Class,
}

#[derive(Default)]
struct Draft {
    /// Rank, language rank, label.
    labels: Vec<(u8, u8, Box<str>)>,
    /// The first two years of each value.
    years: Vec<[Option<i16>; 2]>,
    kinds: Vec<Arc<str>>,
    is_chosen: bool,
}

impl TableBuilder {
    /// Collects what `selection` means.
    pub fn new(selection: &Selection) -> Self {
        let labels = (0..).zip(LABELS.iter().chain(&OTHER_LABELS));
        let labels = labels.map(|(rank, iri)| (term::iri(iri), Role::Label(rank)));
        let own = selection.years.iter().map(String::as_str);
        let years = YEARS.iter().copied().chain(own);
        let years = years.map(|iri| (term::iri(iri), Role::Year));
        Self {
            roles: labels
                .chain(years)
                .chain([(term::iri(rdf::TYPE), Role::Class)])
                .collect(),
            class: match &selection.which {
                Which::Instances(class) => Some(term::iri(class)),
                Which::Any | Which::Chosen => None,
            },
            selection: selection.clone(),
            numbers: FxHashMap::default(),
            drafts: Vec::new(),
            last: (String::new(), u32::MAX),
            words: FxHashMap::default(),
            table: Table::default(),
        }
    }

    /// Takes a triple in; its terms are encoded as [`term`] says.
    ///
    /// # Errors
    /// `Budget` for more than 2³² − 2 things.
    pub fn add(&mut self, [subject, predicate, object]: [&str; 3]) -> Result<()> {
        let Some(iri) = term::as_iri(subject) else {
            return Ok(());
        };
        if !iri.starts_with(&self.selection.under) {
            return Ok(());
        }
        match self.roles.get(predicate).copied() {
            Some(Role::Label(rank)) => self.add_label(iri, rank, object),
            Some(Role::Year) => self.add_year(iri, object),
            Some(Role::Class) => self.add_class(iri, object),
            None if self.selection.under.is_empty() => Ok(()),
            None => self.draft(iri).map(drop),
        }
    }

    /// Chooses a thing, and says in a word what it is.
    ///
    /// # Errors
    /// As for [`TableBuilder::add`].
    pub fn choose(&mut self, iri: &str, kind: &str) -> Result<()> {
        self.draft(iri)?.is_chosen = true;
        self.add_kinds(iri, &[kind.to_lowercase()])
    }

    fn add_label(&mut self, iri: &str, rank: u8, object: &str) -> Result<()> {
        let Some(label) = term::lexical(object) else {
            return Ok(());
        };
        if label.len() > names::LONGEST {
            self.table.too_long += 1;
            return Ok(());
        }
        let foreign =
            term::language(object).is_some_and(|tag| tag != "en" && !tag.starts_with("en-"));
        let draft = self.draft(iri)?;
        match draft.labels.len() < KEPT {
            true => draft.labels.push((rank, u8::from(foreign), label.into())),
            false => self.table.too_many += 1,
        }
        Ok(())
    }

    fn add_year(&mut self, iri: &str, object: &str) -> Result<()> {
        let local =
            || term::as_iri(object).map(|iri| iri.rsplit(['/', '#', ':']).next().unwrap_or(iri));
        let Some(text) = term::lexical(object).or_else(local) else {
            return Ok(());
        };
        let mut years = names::years_in(&text[..text.floor_char_boundary(READ)]);
        let first = [years.next(), years.find(|_| true)];
        let draft = self.draft(iri)?;
        match draft.years.len() < KEPT {
            _ if first[0].is_none() => {}
            true => draft.years.push(first),
            false => self.table.too_many += 1,
        }
        Ok(())
    }

    fn add_class(&mut self, iri: &str, object: &str) -> Result<()> {
        let Some(class) = term::as_iri(object) else {
            return Ok(());
        };
        if self.class.as_deref() == Some(object) {
            self.draft(iri)?.is_chosen = true;
        }
        self.add_kinds(iri, &class_words(class))
    }

    fn add_kinds(&mut self, iri: &str, words: &[String]) -> Result<()> {
        let meaning = words
            .iter()
            .filter(|word| !EMPTY_WORDS.contains(&word.as_str()));
        let words: Vec<_> = meaning.map(|word| self.word(word)).collect();
        let kinds = &mut self.draft(iri)?.kinds;
        for word in words {
            if !kinds.contains(&word) && kinds.len() < KEPT {
                kinds.push(word);
            }
        }
        Ok(())
    }

    fn draft(&mut self, iri: &str) -> Result<&mut Draft> {
        if self.last.0 != iri {
            let next = self.drafts.len() as u32;
            if next == u32::MAX - 1 {
                return Err(Error::budget("a side holds at most 4,294,967,294 things"));
            }
            let number = match self.numbers.get(iri) {
                Some(&number) => number,
                None => {
                    self.numbers.insert(iri.to_owned(), next);
                    self.drafts.push(Draft::default());
                    next
                }
            };
            self.last = (iri.to_owned(), number);
        }
        Ok(&mut self.drafts[self.last.1 as usize])
    }

    /// One copy of each word.
    fn word(&mut self, word: &str) -> Arc<str> {
        match self.words.get(word) {
            Some(known) => known.clone(),
            None => {
                let new: Arc<str> = word.into();
                self.words.insert(word.to_owned(), new.clone());
                new
            }
        }
    }

    /// The things that were meant.
    pub fn finish(mut self) -> Table {
        let mut numbers: Vec<(String, u32)> =
            std::mem::take(&mut self.numbers).into_iter().collect();
        numbers.sort_unstable();
        for (iri, number) in numbers {
            let draft = std::mem::take(&mut self.drafts[number as usize]);
            let is_meant = match self.selection.which {
                Which::Any => !self.selection.under.is_empty() || !draft.labels.is_empty(),
                Which::Instances(_) | Which::Chosen => draft.is_chosen,
            };
            if is_meant {
                let thing = self.thing(iri, draft);
                self.table.things.push(thing);
            }
        }
        self.table
    }

    fn thing(&mut self, iri: String, mut draft: Draft) -> Thing {
        draft.labels.sort_unstable();
        draft.labels.dedup_by(|a, b| a.2 == b.2);
        let mut labels: Vec<Box<str>> = draft.labels.into_iter().map(|label| label.2).collect();
        if labels.is_empty() {
            labels.push(names::of_iri(&iri, &self.selection.under).into());
        }
        let (mut names, mut years, mut kinds) = (Vec::<Name>::new(), Vec::new(), draft.kinds);
        let mut says_kind = false;
        for label in &labels {
            let read = names::read(label);
            years.extend(read.years);
            says_kind |= !read.kinds.is_empty();
            kinds.extend(read.kinds.iter().map(|kind| self.word(kind)));
            for name in read.names {
                match names.len() < names::MOST {
                    _ if names.iter().any(|known| known.text == name.text) => {}
                    true => names.push(name),
                    false => self.table.too_many += 1,
                }
            }
        }
        years.extend(
            draft
                .years
                .iter()
                .filter_map(|&found| choose_year(found, &names)),
        );
        years.sort_unstable();
        years.dedup();
        kinds.sort_unstable();
        kinds.dedup();
        Thing {
            label: labels.swap_remove(0).into(),
            iri,
            names,
            years,
            kinds,
            says_kind,
        }
    }
}

/// The first year of a value, or the second where the first is part of a name: "2001: A Space Odyssey is a 1968 film".
fn choose_year([first, second]: [Option<i16>; 2], names: &[Name]) -> Option<i16> {
    let year = first?.to_string();
    let is_name = names
        .iter()
        .any(|name| name.text.split(' ').any(|word| word == year));
    match is_name {
        true => second.or(first),
        false => first,
    }
}

/// The words of a class's name: `TelevisionShow` is "television" and "show".
fn class_words(class: &str) -> Vec<String> {
    let name = class.rsplit(['/', '#', ':']).next().unwrap_or(class);
    let mut words: Vec<String> = Vec::new();
    let mut after_small = false;
    for c in name.chars().take(names::LONGEST) {
        if !c.is_alphanumeric() || (c.is_uppercase() && after_small) || words.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        after_small = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}
