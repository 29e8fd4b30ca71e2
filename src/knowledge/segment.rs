//! A segment: all that one dataset says, as integers over a table of terms, in one file.
//!
//! An import leaves a segment; the build reads it without parsing anything again. Facts that several records
//! of one source repeat are kept once, with the earliest time, its first place and the number of records
//! ([`FactRow::count`]).

mod texts;
mod without;

use crate::model::{Dataset, Fact, Interaction, Place, Record, term};
use crate::sections::{Column, Format, Id, Sections, Strings, Writer};
use crate::{Error, Result};
use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;
use std::path::Path;

pub(crate) use texts::Texts;
pub use without::{Gone, without};

/// Where a record says nothing: no user, no group, no term.
pub const NONE: u32 = u32::MAX;

/// Where a record says no time.
pub const NO_TIME: i64 = i64::MIN;

const FORMAT: Format = Format {
    magic: *b"KNGSEGMT",
    version: 1,
    name: "imported dataset",
    remake: "kenning import",
};

/// A fact over the term table of its segment.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct FactRow {
    /// Subject, predicate, object.
    pub triple: [u32; 3],
    /// Index of the source.
    pub source: u32,
    /// When it was first said: seconds since 1970, or [`NO_TIME`].
    pub time: i64,
    /// Line in the source, from 1; 0 when unknown.
    pub line: u32,
    /// 0 to 1.
    pub confidence: f32,
    /// How many records say it.
    pub count: u32,
    /// Always zero.
    pub zero: u32,
}

/// An event over the term table of its segment.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct EventRow {
    /// Who, or [`NONE`].
    pub user: u32,
    /// What.
    pub item: u32,
    /// Number of the basket, counted from 0 within its table of events, or [`NONE`].
    pub group: u32,
    /// Rating, quantity; 1 where nothing is said.
    pub weight: f32,
    /// Seconds since 1970, or [`NO_TIME`].
    pub time: i64,
    /// Index of the source.
    pub source: u32,
    /// Line in the source.
    pub line: u32,
}

/// So many facts are kept before repeats among them are looked for.
const FOLDED: usize = 1 << 20;

/// Collects the records of one import.
#[derive(Default)]
pub struct SegmentBuilder {
    terms: Texts,
    /// The last subject and its number: what is said of one thing mostly stands together.
    subject: (String, u32),
    facts: Vec<FactRow>,
    /// How many of the first facts are known to be distinct.
    distinct: usize,
    events: Vec<EventRow>,
    /// Baskets are numbered but not named: nobody asks for one by its name.
    groups: Texts,
}

impl SegmentBuilder {
    /// Takes a record in.
    pub fn add(&mut self, record: Record) -> Result<()> {
        match record {
            Record::Fact(fact) => self.add_fact(fact),
            Record::Interaction(event) => self.add_event(event),
        }
    }

    /// Number of facts so far, each once for every source.
    pub fn facts(&mut self) -> usize {
        self.fold_repeats();
        self.facts.len()
    }

    /// Number of events so far.
    pub fn events(&self) -> usize {
        self.events.len()
    }

    fn add_fact(&mut self, fact: Fact) -> Result<()> {
        let triple = [
            self.intern_subject(fact.subject)?,
            self.intern(&fact.predicate)?,
            self.intern(&fact.object)?,
        ];
        let Place { source, line } = fact.place;
        self.facts.push(FactRow {
            triple,
            source,
            time: fact.time.unwrap_or(NO_TIME),
            line,
            confidence: fact.confidence,
            count: 1,
            zero: 0,
        });
        // Dumps that repeat themselves must not fill the memory.
        if self.facts.len() >= FOLDED && self.facts.len() >= 2 * self.distinct {
            self.fold_repeats();
        }
        Ok(())
    }

    /// What a source says several times, and as surely, becomes one fact at the first place of the earliest time: what was
    /// said later must not change what was known before.
    fn fold_repeats(&mut self) {
        if self.distinct == self.facts.len() {
            return;
        }
        let facts = &mut self.facts;
        let key = |fact: &FactRow| (fact.triple, fact.source, fact.confidence.to_bits());
        let mut order: Vec<u32> = (0..facts.len() as u32).collect();
        order.par_sort_unstable_by_key(|&index| {
            let fact = &facts[index as usize];
            (key(fact), fact.time, index)
        });
        let mut first = usize::MAX;
        for index in order.into_iter().map(|index| index as usize) {
            let fact = facts[index];
            match facts.get_mut(first).filter(|f| key(f) == key(&fact)) {
                Some(stated) => {
                    stated.count = stated.count.saturating_add(fact.count);
                    facts[index].count = 0;
                }
                None => first = index,
            }
        }
        facts.retain(|fact| fact.count > 0);
        self.distinct = facts.len();
    }

    fn add_event(&mut self, event: Interaction) -> Result<()> {
        let Place { source, line } = event.place;
        let row = EventRow {
            user: event.user.map_or(Ok(NONE), |user| self.intern(&user))?,
            item: self.intern(&event.item)?,
            group: event.group.map_or(NONE, |group| self.groups.number(&group)),
            weight: event.weight,
            time: event.time.unwrap_or(NO_TIME),
            source,
            line,
        };
        self.events.push(row);
        Ok(())
    }

    fn intern_subject(&mut self, term: String) -> Result<u32> {
        if self.subject.0 != term {
            self.subject.1 = self.intern(&term)?;
            self.subject.0 = term;
        }
        Ok(self.subject.1)
    }

    fn intern(&mut self, term: &str) -> Result<u32> {
        if self.terms.len() == NONE as usize {
            return Err(Error::budget("a dataset holds at most 4,294,967,294 terms"));
        }
        Ok(self.terms.number(term))
    }

    /// Writes the segment; a former one under that name stays until the new one is whole.
    pub fn write(mut self, dataset: &Dataset, path: &Path) -> Result<Id> {
        self.fold_repeats();
        let meta = serde_json::to_vec(dataset)
            .map_err(|e| Error::corrupt("cannot write the dataset's description").because(e))?;
        let mut writer = Writer::create(path, FORMAT)?;
        writer.add("dataset", &meta)?;
        let (at, text) = self.terms.columns();
        writer.add("term.at", &at)?;
        writer.add("term.utf8", text)?;
        writer.add("facts", &self.facts)?;
        writer.add("events", &self.events)?;
        writer.finish()
    }
}

/// An imported dataset, mapped into memory.
pub struct Segment {
    /// Its description.
    pub dataset: Dataset,
    /// Its terms, encoded as [`crate::model::term`] says.
    pub terms: Strings,
    /// Its facts, each once for every source, in the order of their first records.
    pub facts: Column<FactRow>,
    /// Its events, in the order of their records.
    pub events: Column<EventRow>,
    /// The identity of its content.
    pub id: Id,
}

impl Segment {
    /// Opens and checks a segment.
    pub fn open(path: &Path) -> Result<Self> {
        let sections = Sections::open(path, FORMAT)?;
        sections.check()?;
        let meta: Column<u8> = sections.column("dataset")?;
        let dataset: Dataset = serde_json::from_slice(&meta)
            .map_err(|e| sections.damage(format!("its description cannot be read: {e}")))?;
        let segment = Self {
            dataset,
            terms: sections.strings("term")?,
            facts: sections.column("facts")?,
            events: sections.column("events")?,
            id: sections.id(),
        };
        segment.check().map_err(|what| sections.damage(what))?;
        Ok(segment)
    }

    /// Puts other records over the same terms in the place of its own. Terms and baskets are numbered anew, in the order of
    /// the records, so that nothing is left of those that went.
    pub(super) fn replace(
        &mut self,
        mut facts: Vec<FactRow>,
        mut events: Vec<EventRow>,
    ) -> Result<()> {
        let mut terms = Numbers::over(self.terms.len());
        for fact in &mut facts {
            fact.triple = fact.triple.map(|term| terms.of(term));
        }
        let baskets = events.iter().filter(|event| event.group != NONE);
        let baskets = baskets.map(|event| event.group as usize + 1).max();
        let mut groups = Numbers::over(baskets.unwrap_or(0));
        for event in &mut events {
            event.user = terms.of(event.user);
            event.item = terms.of(event.item);
            event.group = groups.of(event.group);
        }
        let texts = terms.order.iter().map(|&old| self.terms.get(old as usize));
        self.terms = Strings::in_memory(texts)?;
        self.facts = Column::in_memory(&facts)?;
        self.events = Column::in_memory(&events)?;
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        if !self.terms.are_sound() {
            return Err("the string table `term` is out of bounds".into());
        }
        let (terms, sources) = (self.terms.len() as u32, self.dataset.sources.len() as u32);
        let events = self.events.len() as u32;
        let resource =
            |id: u32| id < terms && term::kind(self.terms.get(id as usize)) == term::Kind::Resource;
        let fact_sound = |f: &FactRow| {
            let [subject, predicate, object] = f.triple;
            f.source < sources && resource(subject) && resource(predicate) && object < terms
        };
        let event_sound = |e: &EventRow| {
            let user = e.user == NONE || resource(e.user);
            let group = e.group == NONE || e.group < events;
            e.source < sources && user && resource(e.item) && group
        };
        let sound =
            self.facts.par_iter().all(fact_sound) && self.events.par_iter().all(event_sound);
        match sound {
            true => Ok(()),
            false => Err("a record points outside its tables".into()),
        }
    }
}

/// New numbers for old ones, in the order in which they are asked for.
struct Numbers {
    new: Vec<u32>,
    order: Vec<u32>,
}

impl Numbers {
    fn over(count: usize) -> Self {
        Self {
            new: vec![NONE; count],
            order: Vec::new(),
        }
    }

    /// The new number of `old`; that of [`NONE`] is [`NONE`].
    fn of(&mut self, old: u32) -> u32 {
        let Some(new) = self.new.get_mut(old as usize) else {
            return NONE;
        };
        if *new == NONE {
            *new = self.order.len() as u32;
            self.order.push(old);
        }
        *new
    }
}
