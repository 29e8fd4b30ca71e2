//! Casts (SPARQL 1.1 §17.5).

use super::{Library, lexical};
use crate::sparql::value::{Datum, Meaning, Number, Value};
use oxrdf::Term;
use oxrdf::vocab::xsd;
use oxsdatatypes::{Boolean, Decimal, Double, Float, Integer};
use spargebra::algebra::Function;

/// Whether a type of XML Schema is one that there are casts to.
pub(super) fn is_cast(name: &str) -> bool {
    let casts = [
        "boolean",
        "date",
        "dateTime",
        "dayTimeDuration",
        "decimal",
        "double",
        "duration",
        "float",
        "gDay",
        "gMonth",
        "gMonthDay",
        "gYear",
        "gYearMonth",
        "integer",
        "string",
        "time",
        "yearMonthDuration",
    ];
    casts.contains(&name)
}

/// A cast to what is here.
pub(super) fn cast(name: &str, argument: &Datum<'_>) -> Option<Value<'static>> {
    let meaning = argument.meaning();
    let source = match meaning {
        Meaning::Boolean(value) => Number::Integer(value.into()),
        Meaning::Number(number) => number,
        Meaning::String(_, text) if name != "string" => {
            return parse(name, meaning.plain().map(|_| text)?);
        }
        _ if name == "string" => return Some(Datum::string("", &canonical(argument)?).into()),
        _ => return None,
    };
    Some(match name {
        "string" => Datum::string("", &canonical(argument)?).into(),
        "boolean" => source.truth().into(),
        "double" => Number::Double(source.double()).into(),
        "float" => Number::Float(source.float()).into(),
        "decimal" => Number::Decimal(source.decimal()?).into(),
        "integer" => Number::Integer(source.integer()?).into(),
        _ => return None,
    })
}

fn parse(name: &str, text: &str) -> Option<Value<'static>> {
    Some(match name {
        "boolean" => bool::from(text.parse::<Boolean>().ok()?).into(),
        "double" => Number::Double(text.parse::<Double>().ok()?).into(),
        "float" => Number::Float(text.parse::<Float>().ok()?).into(),
        "decimal" => Number::Decimal(text.parse::<Decimal>().ok()?).into(),
        "integer" => Number::Integer(text.parse::<Integer>().ok()?).into(),
        _ => return None,
    })
}

/// What `xsd:string` makes of it: values in canonical form, the rest as it was written.
fn canonical(argument: &Datum<'_>) -> Option<String> {
    match argument.meaning() {
        Meaning::Boolean(value) => Some(value.to_string()),
        Meaning::Number(value) => Some(value.to_string()),
        Meaning::DateTime(value) => Some(value.to_string()),
        Meaning::Date(value) => Some(value.to_string()),
        Meaning::Calendar(..) => {
            let string = Function::Custom(xsd::STRING.into_owned());
            match Library::of(&string, 1).call(vec![argument.term()])? {
                Term::Literal(literal) => Some(literal.value().to_owned()),
                _ => None,
            }
        }
        _ => lexical(argument),
    }
}
