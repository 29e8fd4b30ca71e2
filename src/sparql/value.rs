//! Values of expressions: what terms mean, and how they compare.
//!
//! A value stays what it was found as (an id, a number, an encoded term) until something needs more of it.

use super::ids::{Id, Terms};
use crate::model::term;
use oxrdf::{Literal, Term, Triple};
use oxsdatatypes::{Boolean, Date, DateTime};
use std::borrow::Cow;
use std::cmp::Ordering;

mod calendar;
mod lexical;
mod number;

pub(super) use calendar::Calendar;
pub use lexical::is_well_formed;
pub(super) use number::Number;

/// The namespace of the datatypes that have meaning here.
pub(super) const XSD: &str = "http://www.w3.org/2001/XMLSchema#";

/// What an expression gives.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    /// A term that has an id already.
    Id(Id),
    /// Anything else.
    Datum(Datum<'a>),
}

/// A value that can be looked into without the terms of the query.
#[derive(Clone, Debug)]
pub(super) enum Datum<'a> {
    /// An `xsd:boolean` in canonical form.
    Boolean(bool),
    /// A number in canonical form.
    Number(Number),
    /// An encoded term.
    Text(Cow<'a, str>),
}

impl Value<'_> {
    /// Bytes of text that it holds.
    pub(super) fn size(&self) -> usize {
        match self {
            Value::Id(_) => 0,
            Value::Datum(datum) => datum.size(),
        }
    }
}

impl Datum<'_> {
    /// Bytes of text that it holds.
    pub(super) fn size(&self) -> usize {
        match self {
            Datum::Text(text) => text.len(),
            _ => 0,
        }
    }
}

/// What a term means to operators (SPARQL 1.1 §17.1 and §17.3).
#[derive(Clone, Copy, Debug)]
pub(super) enum Meaning<'a> {
    /// An IRI.
    Iri(&'a str),
    /// The label of a blank node.
    Blank(&'a str),
    /// The tag (empty for `xsd:string`) and the lexical form of a string.
    String(&'a str, &'a str),
    /// A valid `xsd:boolean`.
    Boolean(bool),
    /// A valid number; those derived from `xsd:integer` are integers.
    Number(Number),
    /// A valid `xsd:dateTime`.
    DateTime(DateTime),
    /// A valid `xsd:date`.
    Date(Date),
    /// A valid literal of another datatype of dates, times and durations.
    Calendar(Calendar, &'a str),
    /// The datatype and the lexical form of any other literal, malformed ones included.
    Other(&'a str, &'a str),
    /// An encoded triple term.
    Triple(&'a str),
}

impl Value<'_> {
    /// The id of the value; a term that the query did not have yet gets one.
    pub(super) fn into_id(self, terms: &Terms<'_>) -> Id {
        match self {
            Value::Id(id) => id,
            Value::Datum(datum) => datum.id(terms),
        }
    }

    /// A value that borrows nothing.
    pub(super) fn into_owned(self) -> Value<'static> {
        match self {
            Value::Id(id) => Value::Id(id),
            Value::Datum(datum) => Value::Datum(datum.into_owned()),
        }
    }
}

impl<'a> Value<'a> {
    /// What the value holds; `None` if it is unbound.
    pub(super) fn read(self, terms: &'a Terms<'_>) -> Option<Datum<'a>> {
        match self {
            Value::Id(id) => terms.text(id).map(Datum::Text),
            Value::Datum(datum) => Some(datum),
        }
    }
}

impl<'a> From<Datum<'a>> for Value<'a> {
    fn from(datum: Datum<'a>) -> Self {
        Value::Datum(datum)
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Value::Datum(Datum::Boolean(value))
    }
}

impl From<Number> for Value<'_> {
    fn from(value: Number) -> Self {
        Value::Datum(Datum::Number(value))
    }
}

impl<'a> Datum<'a> {
    /// The term, as cheap to read as it can be without losing its lexical form.
    pub(super) fn of(term: &Term) -> Datum<'static> {
        let text = term::encode(term);
        let short = match Meaning::of(&text) {
            Meaning::Boolean(value) => Datum::Boolean(value),
            Meaning::Number(value) => Datum::Number(value),
            _ => return Datum::Text(text.into()),
        };
        match short.text() == *text {
            true => short,
            false => Datum::Text(text.into()),
        }
    }

    /// A string with a tag; without one if it is empty.
    pub(super) fn string(tag: &str, lexical: &str) -> Datum<'static> {
        let text = match tag {
            "" => term::string(lexical),
            tag => format!("@{tag}\0{lexical}"),
        };
        Datum::Text(text.into())
    }

    /// The same, without a copy of its text.
    pub(super) fn borrowed(&self) -> Datum<'_> {
        match self {
            Datum::Boolean(value) => Datum::Boolean(*value),
            Datum::Number(value) => Datum::Number(*value),
            Datum::Text(text) => Datum::Text(Cow::Borrowed(text)),
        }
    }

    /// A datum that borrows nothing.
    pub(super) fn into_owned(self) -> Datum<'static> {
        match self {
            Datum::Boolean(value) => Datum::Boolean(value),
            Datum::Number(value) => Datum::Number(value),
            Datum::Text(text) => Datum::Text(Cow::Owned(text.into_owned())),
        }
    }

    /// The encoded term.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Datum::Boolean(value) => term::typed(bool_name(*value), &xsd("boolean")).into(),
            Datum::Number(value) => term::typed(&value.to_string(), value.datatype()).into(),
            Datum::Text(text) => Cow::Borrowed(text),
        }
    }

    /// The term.
    pub(super) fn term(&self) -> Term {
        match self {
            Datum::Boolean(value) => Literal::from(*value).into(),
            Datum::Number(value) => value.literal().into(),
            Datum::Text(text) => term::decode(text),
        }
    }

    /// What it means.
    pub(super) fn meaning(&self) -> Meaning<'_> {
        match self {
            Datum::Boolean(value) => Meaning::Boolean(*value),
            Datum::Number(value) => Meaning::Number(*value),
            Datum::Text(text) => Meaning::of(text),
        }
    }

    /// Whether both are the same term (SPARQL 1.1 §17.4.1.8).
    pub(super) fn is_same_term(&self, other: &Datum<'_>) -> bool {
        match (self, other) {
            (Datum::Text(a), Datum::Text(b)) => a == b,
            _ => self.text() == other.text(),
        }
    }

    fn id(&self, terms: &Terms<'_>) -> Id {
        match self {
            Datum::Number(Number::Integer(value)) if i64::from(*value) >= 0 => {
                terms.integer(i64::from(*value).cast_unsigned())
            }
            Datum::Number(number) => match number.bits() {
                Some(bits) => terms.literal(number.datatype(), bits, || number.to_string()),
                None => terms.id(&self.term()),
            },
            _ => terms.id(&self.term()),
        }
    }
}

impl<'a> Meaning<'a> {
    /// What an encoded term means.
    pub(super) fn of(text: &'a str) -> Self {
        let rest = text.get(1..).unwrap_or_default();
        match text.as_bytes().first() {
            Some(b'<') => Meaning::Iri(rest),
            Some(b'_') => Meaning::Blank(rest),
            Some(b'(') => Meaning::Triple(text),
            Some(b'@') => match rest.split_once('\0') {
                Some((tag, lexical)) => Meaning::String(tag, lexical),
                None => Meaning::String("", rest),
            },
            Some(b'^') => match rest.split_once('\0') {
                Some((datatype, lexical)) => Self::typed(datatype, lexical),
                None => Meaning::String("", rest),
            },
            _ => Meaning::String("", rest),
        }
    }

    fn typed(datatype: &'a str, lexical: &'a str) -> Self {
        let known = datatype.strip_prefix(XSD);
        let valid = known.and_then(|name| Self::valid(name, lexical));
        valid.unwrap_or(Meaning::Other(datatype, lexical))
    }

    fn valid(name: &str, lexical: &'a str) -> Option<Self> {
        Some(match name {
            "boolean" => Meaning::Boolean(lexical.parse::<Boolean>().ok()?.into()),
            "dateTime" | "dateTimeStamp" => Meaning::DateTime(lexical.parse().ok()?),
            "date" => Meaning::Date(lexical.parse().ok()?),
            _ => match Number::parse(name, lexical) {
                Some(number) => Meaning::Number(number?),
                None => Meaning::Calendar(Calendar::parse(name, lexical)?, lexical),
            },
        })
    }

    /// The number, if it is one.
    pub(super) fn number(self) -> Option<Number> {
        match self {
            Meaning::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The tag and the lexical form, if it is a string.
    pub(super) fn string(self) -> Option<(&'a str, &'a str)> {
        match self {
            Meaning::String(tag, lexical) => Some((tag, lexical)),
            _ => None,
        }
    }

    /// The lexical form of a string without a tag.
    pub(super) fn plain(self) -> Option<&'a str> {
        self.string()
            .and_then(|(tag, lexical)| tag.is_empty().then_some(lexical))
    }

    /// The effective boolean value (SPARQL 1.2 §17.2.2): malformed booleans and numbers have none.
    pub(super) fn truth(self) -> Option<bool> {
        match self {
            Meaning::Boolean(value) => Some(value),
            Meaning::Number(number) => Some(number.truth()),
            Meaning::String("", lexical) => Some(!lexical.is_empty()),
            _ => None,
        }
    }
}

/// The `=` operator (SPARQL 1.1 §17.3): literals of which it is unknown whether they are equal are an error.
pub(super) fn equal(a: Meaning<'_>, b: Meaning<'_>) -> Option<bool> {
    use Meaning::*;
    Some(match (a, b) {
        (Iri(a), Iri(b)) | (Blank(a), Blank(b)) => a == b,
        (String(tag, a), String(other, b)) => tag == other && a == b,
        (Boolean(a), Boolean(b)) => a == b,
        (Number(a), Number(b)) => a.order(b) == Some(Ordering::Equal),
        (DateTime(a), DateTime(b)) => a == b,
        (Date(a), Date(b)) => a == b,
        (Calendar(kind, a), Calendar(other, b)) => kind.equal(a, other, b)?,
        (Triple(a), Triple(b)) => triples_equal(&triple(a)?, &triple(b)?)?,
        (Other(datatype, a), Other(other, b)) => (datatype == other && a == b).then_some(true)?,
        (Other(..), known) | (known, Other(..)) => match known {
            Iri(_) | Blank(_) | Triple(_) => false,
            String(tag, _) if !tag.is_empty() => false,
            _ => return None,
        },
        _ => false,
    })
}

/// The order of the `<` operators (SPARQL 1.1 §17.3); `None` if there is none. Terms that are the same are equal.
pub(super) fn order(a: Meaning<'_>, b: Meaning<'_>) -> Option<Ordering> {
    use Meaning::*;
    match (a, b) {
        (Number(a), Number(b)) => a.order(b),
        (String(tag, a), String(other, b)) if tag == other => Some(a.cmp(b)),
        (Boolean(a), Boolean(b)) => Some(a.cmp(&b)),
        (DateTime(a), DateTime(b)) => a.partial_cmp(&b),
        (Date(a), Date(b)) => a.partial_cmp(&b),
        (Calendar(kind, a), Calendar(other, b)) => kind.order(a, other, b),
        (Triple(a), Triple(b)) => triples_order(&triple(a)?, &triple(b)?),
        (Iri(a), Iri(b)) | (Blank(a), Blank(b)) => (a == b).then_some(Ordering::Equal),
        (Other(datatype, a), Other(other, b)) => {
            (datatype == other && a == b).then_some(Ordering::Equal)
        }
        _ => None,
    }
}

/// The order of `ORDER BY`, `MIN` and `MAX` (SPARQL 1.1 §15.1): blank nodes, IRIs, literals, triple terms.
///
/// Literals of one kind are ordered by value. Where that is open (kinds, zones, tags), any order will do, but it has
/// to be total: so numbers come first, then what has a place in time, then the rest by lexical form.
pub(super) fn rank(a: Meaning<'_>, b: Meaning<'_>) -> Ordering {
    use Meaning::*;
    match (a, b) {
        (Blank(a), Blank(b)) | (Iri(a), Iri(b)) => a.cmp(b),
        (Number(a), Number(b)) => a.rank(b),
        (Triple(a), Triple(b)) => match (triple(a), triple(b)) {
            (Some(a), Some(b)) => rank_triples(&a, &b),
            _ => a.cmp(b),
        },
        _ => {
            let by_class = class(a).cmp(&class(b));
            by_class
                .then_with(|| calendar::place(a).cmp(&calendar::place(b)))
                .then_with(|| lexical(a).cmp(&lexical(b)))
        }
    }
}

/// The order of `ORDER BY` over ids: what is unbound comes first.
pub(super) fn compare(a: Id, b: Id, terms: &Terms<'_>) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    match (terms.text(a), terms.text(b)) {
        (Some(a), Some(b)) => rank(Meaning::of(&a), Meaning::of(&b)),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

fn class(meaning: Meaning<'_>) -> u8 {
    match meaning {
        Meaning::Blank(_) => 0,
        Meaning::Iri(_) => 1,
        Meaning::Number(_) => 2,
        Meaning::DateTime(_) => 3,
        Meaning::Date(_) => 4,
        Meaning::Calendar(kind, _) => 5 + kind.class(),
        Meaning::String(..) | Meaning::Boolean(_) | Meaning::Other(..) => 20,
        Meaning::Triple(_) => 21,
    }
}

/// What tells literals apart that are not ordered by value: lexical form, datatype, tag.
fn lexical(meaning: Meaning<'_>) -> [&str; 3] {
    match meaning {
        Meaning::String("", lexical) => [lexical, "http://www.w3.org/2001/XMLSchema#string", ""],
        Meaning::String(tag, lexical) => [lexical, "", tag],
        Meaning::Boolean(value) => [bool_name(value), "", ""],
        Meaning::Other(datatype, lexical) => [lexical, datatype, ""],
        _ => [""; 3],
    }
}

fn bool_name(value: bool) -> &'static str {
    match value {
        true => "true",
        false => "false",
    }
}

/// A datatype of XML Schema.
fn xsd(name: &str) -> String {
    format!("{XSD}{name}")
}

fn triple(text: &str) -> Option<Triple> {
    match term::decode(text) {
        Term::Triple(triple) => Some(*triple),
        _ => None,
    }
}

fn triples_equal(a: &Triple, b: &Triple) -> Option<bool> {
    let (x, y) = (term::encode(&a.object), term::encode(&b.object));
    let objects = equal(Meaning::of(&x), Meaning::of(&y))?;
    Some(objects && a.subject == b.subject && a.predicate == b.predicate)
}

fn triples_order(a: &Triple, b: &Triple) -> Option<Ordering> {
    if a.subject != b.subject || a.predicate != b.predicate {
        return None;
    }
    let (x, y) = (term::encode(&a.object), term::encode(&b.object));
    order(Meaning::of(&x), Meaning::of(&y))
}

fn rank_triples(a: &Triple, b: &Triple) -> Ordering {
    parts(a)
        .iter()
        .zip(&parts(b))
        .map(|(a, b)| rank(Meaning::of(a), Meaning::of(b)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn parts(triple: &Triple) -> [String; 3] {
    [
        term::encode(&triple.subject.clone().into()),
        term::iri(triple.predicate.as_str()),
        term::encode(&triple.object),
    ]
}
