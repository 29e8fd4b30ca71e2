//! A file's mapping, made ready for its columns: turns one row into records.

use super::column::{Missing, Reader, clean, regex};
use super::mapping::{self, FileMapping, Mapping, OneOrMany};
use super::parsed::Parsed;
use super::row::{Columns, Row};
use super::skip::Skip;
use super::value::{self, Refusal, Template, TimeFormat};
use crate::model::{Fact, Interaction, Place, Record, UnixSeconds, term};
use crate::vocabulary::rdf;

/// What became of a row.
pub enum Outcome<'s> {
    /// Its records were added.
    Kept,
    /// The mapping leaves it out, for this reason.
    Skipped(&'s str),
}

/// How the rows of one file become records.
pub struct Shape {
    skips: Vec<Skip>,
    item: Option<Thing>,
    user: Option<Thing>,
    event: Option<Event>,
    times: Vec<TimeFormat>,
}

impl Shape {
    /// Finds the mapping's columns among the file's.
    pub fn new(
        mapping: &Mapping,
        file: &FileMapping,
        columns: &mut Columns,
    ) -> Result<Self, Missing> {
        let anonymous = file.event.as_ref().is_some_and(|event| event.anonymous);
        let mut thing = |described: &Option<mapping::Described>, kind: &str| {
            let described = described.as_ref();
            described
                .map(|d| Thing::new(d, (mapping, kind), columns))
                .transpose()
        };
        let item = thing(&file.item, "item")?;
        let mut user = thing(&file.user, "user")?;
        if let Some(user) = &mut user {
            user.may_be_absent = anonymous;
        }
        let event = file.event.as_ref();
        let event = event.map(|e| Event::new(e, mapping, columns)).transpose()?;
        let skips = file.skip.iter().map(|skip| Skip::new(skip, columns));
        let times = file.time_format.iter().flat_map(OneOrMany::all);
        Ok(Self {
            skips: skips.collect::<Result<_, _>>()?,
            item,
            user,
            event,
            times: times
                .filter_map(|format| TimeFormat::parse(format))
                .collect(),
        })
    }

    /// Adds the records of a row; a refused row adds none.
    pub fn read(
        &self,
        row: Row<'_>,
        place: Place,
        parsed: &mut Parsed,
    ) -> Result<Outcome<'_>, Refusal> {
        for skip in &self.skips {
            if skip.fits(row)? {
                return Ok(Outcome::Skipped(&skip.reason));
            }
        }
        let before = parsed.records.len();
        let read = self.read_all(row, place, parsed);
        if read.is_err() {
            parsed.records.truncate(before);
        }
        read.map(|()| Outcome::Kept)
    }

    fn read_all(&self, row: Row<'_>, place: Place, parsed: &mut Parsed) -> Result<(), Refusal> {
        let event = self.event.as_ref();
        let context = Context {
            place,
            times: &self.times,
            // A row without a sound time is refused below, by what the event says of it.
            said: event.and_then(|event| event.clock(row, &self.times).ok()?),
        };
        for thing in [&self.item, &self.user].into_iter().flatten() {
            thing.read(row, context, parsed)?;
        }
        match event {
            Some(event) => {
                let event = event.read(row, context)?;
                parsed.event(event);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// What is known of a row before it is read.
#[derive(Clone, Copy)]
struct Context<'a> {
    /// Where it stands.
    place: Place,
    /// How its file writes times.
    times: &'a [TimeFormat],
    /// When it was written: the time of the event that it tells of, if it does.
    said: Option<UnixSeconds>,
}

/// A thing that rows describe.
struct Thing {
    id: Reader,
    iri: Template,
    class: Option<String>,
    may_be_absent: bool,
    attributes: Vec<Attribute>,
}

impl Thing {
    fn new(
        described: &mapping::Described,
        (mapping, kind): (&Mapping, &str),
        columns: &mut Columns,
    ) -> Result<Self, Missing> {
        let class = match kind {
            "user" => &mapping.dataset.user_class,
            _ => &mapping.dataset.item_class,
        };
        let attributes = described.attributes.iter();
        let attributes = attributes.map(|attribute| Attribute::new(attribute, mapping, columns));
        Ok(Self {
            attributes: attributes.collect::<Result<_, _>>()?,
            id: Reader::new(&described.id, columns)?,
            iri: Template::of(mapping, kind),
            class: class.as_deref().map(term::iri),
            may_be_absent: false,
        })
    }

    fn read(&self, row: Row<'_>, context: Context<'_>, parsed: &mut Parsed) -> Result<(), Refusal> {
        let id = match self.may_be_absent {
            true => self.id.get(row)?,
            false => Some(self.id.demand(row)?),
        };
        let Some(id) = id else { return Ok(()) };
        let thing = self.iri.iri(&id).map_err(|why| self.id.refuse(why))?;
        if let Some(class) = &self.class {
            let terms = [thing.clone(), term::iri(rdf::TYPE), class.clone()];
            let said = context.said.or(self.said(row, context)?);
            parsed.fact(terms, said, context.place);
        }
        for attribute in &self.attributes {
            attribute.read(&thing, (row, context), parsed)?;
        }
        Ok(())
    }

    /// When a row first speaks of the thing, where all that it says has a time.
    fn said(&self, row: Row<'_>, context: Context<'_>) -> Result<Option<UnixSeconds>, Refusal> {
        let mut first = None;
        for attribute in &self.attributes {
            let Some(time) = attribute.said(row, context)? else {
                return Ok(None);
            };
            first = Some(first.map_or(time, |first: UnixSeconds| first.min(time)));
        }
        Ok(first)
    }
}

/// What a value becomes.
enum Object {
    Text,
    Tagged(String),
    Typed(String),
    Entity(Template),
    Iri(Template),
}

struct Attribute {
    column: Reader,
    property: String,
    object: Object,
    split: Option<String>,
    none: Vec<String>,
    confidence: f32,
    time: Option<Reader>,
}

impl Attribute {
    fn new(
        attribute: &mapping::Attribute,
        mapping: &Mapping,
        columns: &mut Columns,
    ) -> Result<Self, Missing> {
        let mut column = Reader::plain(&attribute.column, columns)?;
        column.pattern = regex(attribute.pattern.as_deref());
        column.fold = attribute.fold;
        Ok(Self {
            column,
            property: term::iri(&attribute.property),
            object: Object::new(attribute, mapping),
            split: attribute.split.clone(),
            none: attribute.none.clone(),
            confidence: attribute.confidence,
            time: Reader::optional(attribute.time.as_ref(), columns)?,
        })
    }

    fn read(
        &self,
        thing: &str,
        (row, context): (Row<'_>, Context<'_>),
        parsed: &mut Parsed,
    ) -> Result<(), Refusal> {
        let place = context.place;
        let time = self.said(row, context)?;
        for cell in row.values(self.column.slot) {
            let separator = self.split.as_deref();
            let one = separator.is_none().then_some(cell);
            let many = separator
                .into_iter()
                .flat_map(|separator| cell.split(separator));
            for raw in one.into_iter().chain(many) {
                let said = Said { thing, time, place };
                self.read_value(raw.trim(), &said, parsed)?;
            }
        }
        Ok(())
    }

    fn said(&self, row: Row<'_>, context: Context<'_>) -> Result<Option<UnixSeconds>, Refusal> {
        match &self.time {
            Some(column) => column.map(row, |text| value::time(text, context.times)),
            None => Ok(context.said),
        }
    }

    fn read_value(&self, raw: &str, said: &Said<'_>, parsed: &mut Parsed) -> Result<(), Refusal> {
        if self.none.iter().any(|none| none == raw) {
            return Ok(());
        }
        let Some(value) = clean(raw, self.column.pattern.as_ref(), self.column.fold) else {
            return Ok(());
        };
        let object = self
            .object
            .of(&value)
            .map_err(|why| self.column.refuse(why))?;
        let is_entity = matches!(self.object, Object::Entity(_));
        let label =
            is_entity.then(|| [object.clone(), term::iri(rdf::LABEL), term::string(&value)]);
        parsed.records.push(Record::Fact(Fact {
            subject: said.thing.to_owned(),
            predicate: self.property.clone(),
            object,
            confidence: self.confidence,
            time: said.time,
            place: said.place,
        }));
        if let Some(label) = label {
            parsed.fact(label, said.time, said.place);
        }
        Ok(())
    }
}

/// Of what something is said, when and where.
struct Said<'a> {
    thing: &'a str,
    time: Option<UnixSeconds>,
    place: Place,
}

impl Object {
    fn new(attribute: &mapping::Attribute, mapping: &Mapping) -> Self {
        if let Some(datatype) = &attribute.datatype {
            Self::Typed(datatype.clone())
        } else if let Some(language) = &attribute.lang {
            Self::Tagged(language.clone())
        } else if let Some(kind) = &attribute.entity {
            Self::Entity(Template::of(mapping, kind))
        } else {
            let template = attribute.iri.as_deref().and_then(Template::parse);
            template.map_or(Self::Text, Self::Iri)
        }
    }

    fn of(&self, value: &str) -> Result<String, Refusal> {
        Ok(match self {
            Self::Text => term::string(value),
            Self::Tagged(language) => term::tagged(value, language),
            Self::Typed(datatype) => {
                value::literal(value, datatype)?;
                term::typed(value, datatype)
            }
            Self::Entity(template) | Self::Iri(template) => template.iri(value)?,
        })
    }
}

/// An event that each row tells of.
struct Event {
    user: Reader,
    user_iri: Template,
    anonymous: bool,
    item: Reader,
    item_iri: Template,
    time: Option<Reader>,
    order: Option<Reader>,
    weight: Option<Reader>,
    group: Option<Reader>,
    group_iri: Template,
}

impl Event {
    fn new(
        event: &mapping::Event,
        mapping: &Mapping,
        columns: &mut Columns,
    ) -> Result<Self, Missing> {
        let group = event.group.as_ref();
        Ok(Self {
            user: Reader::new(&event.user, columns)?,
            user_iri: Template::of(mapping, "user"),
            anonymous: event.anonymous,
            item: Reader::new(&event.item, columns)?,
            item_iri: Template::of(mapping, "item"),
            time: Reader::optional(event.time.as_ref(), columns)?,
            order: Reader::optional(event.order.as_ref(), columns)?,
            weight: Reader::optional(event.weight.as_ref(), columns)?,
            group: group.map(|group| Reader::new(group, columns)).transpose()?,
            group_iri: Template::of(mapping, "group"),
        })
    }

    fn read(&self, row: Row<'_>, context: Context<'_>) -> Result<Interaction, Refusal> {
        let Context { place, times, .. } = context;
        let user = match self.anonymous {
            true => self.user.get(row)?,
            false => Some(self.user.demand(row)?),
        };
        let user = user.map(|id| {
            let iri = self.user_iri.iri(&id);
            iri.map_err(|why| self.user.refuse(why))
        });
        let item = self.item.demand(row)?;
        let item = self.item_iri.iri(&item);
        let item = item.map_err(|why| self.item.refuse(why))?;
        let group = self
            .group
            .as_ref()
            .map(|group| group.get(row))
            .transpose()?
            .flatten();
        let weight = self
            .weight
            .as_ref()
            .map(|weight| weight.map(row, value::weight));
        Ok(Interaction {
            user: user.transpose()?,
            item,
            group: group.map(|id| term::iri(&self.group_iri.fill(&id))),
            time: self.when(row, times)?,
            weight: weight.transpose()?.flatten().unwrap_or(1.0),
            place,
        })
    }

    /// A cell without time leaves the event without one.
    fn when(&self, row: Row<'_>, times: &[TimeFormat]) -> Result<Option<UnixSeconds>, Refusal> {
        match &self.order {
            Some(order) => order.map(row, value::order),
            None => self.clock(row, times),
        }
    }

    /// The point in time, where the file tells it.
    fn clock(&self, row: Row<'_>, times: &[TimeFormat]) -> Result<Option<UnixSeconds>, Refusal> {
        match &self.time {
            Some(time) => time.map(row, |text| value::time(text, times)),
            None => Ok(None),
        }
    }
}
