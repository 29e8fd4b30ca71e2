//! The functions of expressions (SPARQL 1.1 §17.4, SPARQL 1.2 §17.4).

use super::expression::{Context, Expr, LONG, LONGEST};
use super::ids::Id;
use super::value::{Datum, Meaning, Number, Value, XSD};
use crate::model::term;
use crate::vocabulary::KENNING;
use crate::{Error, Result};
use oxiri::Iri;
use oxrdf::{BlankNode, NamedNode, NamedOrBlankNode, Term, Triple};
use spargebra::algebra::Function;
use std::cell::RefCell;
use std::collections::BTreeMap;

mod cast;
mod library;
mod pattern;

use cast::{cast, is_cast};
pub(super) use library::Library;
pub use pattern::Pattern;
pub(super) use pattern::{Patterns, Replacement};

/// Kenning's own functions: what only the frozen graph knows of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnFunction {
    /// `kenning:degree(?node)`: the number of facts and interactions at the node.
    Degree,
    /// `kenning:pageRank(?node)`.
    PageRank,
}

/// The blank nodes that `BNODE` made for the labels of one solution.
#[derive(Debug, Default)]
pub(super) struct Blanks(RefCell<BTreeMap<String, BlankNode>>);

impl Blanks {
    /// Forgets them: another solution has others.
    pub(super) fn next_solution(&self) {
        let mut known = self.0.borrow_mut();
        if !known.is_empty() {
            known.clear();
        }
    }

    fn of(&self, label: &str) -> BlankNode {
        let mut known = self.0.borrow_mut();
        known.entry(label.to_owned()).or_default().clone()
    }
}

/// Compiles a call.
pub(super) fn compile(function: &Function, mut arguments: Vec<Expr>) -> Result<Expr> {
    match function {
        Function::Regex => {
            if let [text, Expr::Constant(pattern), flags @ ..] = &arguments[..]
                && let Some(flags) = constant(flags)
            {
                let known = Pattern::of(pattern.meaning(), flags);
                return Ok(match known {
                    Some(known) => Expr::Matches(Box::new(text.clone()), known),
                    None => Expr::Coalesce(Vec::new()),
                });
            }
        }
        Function::Replace => {
            if let [text, Expr::Constant(pattern), with, flags @ ..] = &arguments[..]
                && let Some(flags) = constant(flags)
            {
                let operands = [text.clone(), with.clone()];
                return Ok(match Pattern::of(pattern.meaning(), flags) {
                    Some(pattern) => Expr::Replace(Box::new(Replacement { operands, pattern })),
                    None => Expr::Coalesce(Vec::new()),
                });
            }
        }
        Function::Custom(name) => {
            if let Some(own) = own(name.as_str()) {
                one(name, &arguments)?;
                return Ok(Expr::Own(own, Box::new(arguments.remove(0))));
            }
            match name.as_str().strip_prefix(XSD) {
                Some(kind) if is_cast(kind) => one(name, &arguments)?,
                _ => return Err(unknown(name)),
            }
        }
        _ => {}
    }
    Ok(match is_here(function) {
        true => Expr::Call(function.clone(), arguments),
        false => Expr::Library(Box::new(Library::function_call(function, arguments))),
    })
}

fn unknown(name: &NamedNode) -> Error {
    Error::input(format!("there is no function {name}")).hint(
        "besides those of SPARQL there are the casts (`xsd:integer(?x)`), `kenning:degree(?node)` and \
         `kenning:pageRank(?node)`",
    )
}

fn one(name: &NamedNode, arguments: &[Expr]) -> Result<()> {
    match arguments.len() {
        1 => Ok(()),
        n => Err(Error::input(format!(
            "the function {name} takes one argument, not {n}"
        ))),
    }
}

fn own(name: &str) -> Option<OwnFunction> {
    match name.strip_prefix(KENNING)? {
        "degree" => Some(OwnFunction::Degree),
        "pageRank" => Some(OwnFunction::PageRank),
        _ => None,
    }
}

/// The flags of a pattern, if they are absent or known.
fn constant(flags: &[Expr]) -> Option<Option<Meaning<'_>>> {
    match flags {
        [] => Some(None),
        [Expr::Constant(flags), ..] => Some(Some(flags.meaning())),
        _ => None,
    }
}

/// Whether [`call`] knows the function.
fn is_here(function: &Function) -> bool {
    use Function::*;
    match function {
        Custom(name) => matches!(
            name.as_str().strip_prefix(XSD),
            Some("boolean" | "decimal" | "double" | "float" | "integer" | "string")
        ),
        Str | Lang | LangMatches | Datatype | IsIri | IsBlank | IsLiteral | IsNumeric => true,
        Contains | StrStarts | StrEnds | StrLen | UCase | LCase | Concat => true,
        Abs | Ceil | Floor | Round | Year | Month | Day => true,
        Iri | BNode | Now | Regex | Replace => true,
        Triple | Subject | Predicate | Object | IsTriple => true,
        LangDir | HasLang | HasLangDir => true,
        _ => false,
    }
}

/// Calls a function; `None` is an error.
pub(super) fn call<'a>(
    function: &'a Function,
    arguments: &'a [Expr],
    row: &[Id],
    context: &'a dyn Context,
) -> Option<Value<'a>> {
    match (function, arguments) {
        (Function::Now, _) => {
            let now = format!("^{XSD}dateTime\0{}", context.now());
            Some(Datum::Text(now.into()).into())
        }
        (Function::BNode, []) => Some(Term::from(BlankNode::default()).into()),
        (Function::Concat, parts) => concat(parts, row, context),
        (_, [argument]) => {
            let argument = argument.datum(row, context)?;
            one_argument(function, &argument, context)
        }
        (Function::Triple | Function::Replace, _) | (Function::Regex, [_, _, _]) => {
            let found = arguments.iter().map(|a| a.datum(row, context));
            let found = found.collect::<Option<Vec<_>>>()?;
            many_arguments(function, &found, context)
        }
        (_, [a, b]) => {
            let a = a.datum(row, context)?;
            let b = b.datum(row, context)?;
            two_arguments(function, [a.meaning(), b.meaning()], context).map(Value::from)
        }
        _ => None,
    }
}

fn one_argument(
    function: &Function,
    argument: &Datum<'_>,
    context: &dyn Context,
) -> Option<Value<'static>> {
    use Function::*;
    let meaning = argument.meaning();
    Some(match function {
        Str => Datum::string("", &lexical(argument)?).into(),
        Lang => tag(argument, language)?,
        LangDir => tag(argument, direction)?,
        Datatype => iri(&datatype(argument)?),
        IsIri => matches!(meaning, Meaning::Iri(_)).into(),
        IsBlank => matches!(meaning, Meaning::Blank(_)).into(),
        IsTriple => matches!(meaning, Meaning::Triple(_)).into(),
        IsLiteral => is_literal(meaning).into(),
        IsNumeric => meaning.number().is_some().into(),
        HasLang => matches!(meaning, Meaning::String(tag, _) if !tag.is_empty()).into(),
        HasLangDir => matches!(meaning, Meaning::String(tag, _) if tag.contains("--")).into(),
        StrLen => integer(meaning.string()?.1.chars().count() as i64),
        UCase => change_case(meaning, str::to_uppercase)?,
        LCase => change_case(meaning, str::to_lowercase)?,
        Abs => meaning.number()?.abs()?.into(),
        Ceil => meaning.number()?.ceil()?.into(),
        Floor => meaning.number()?.floor()?.into(),
        Round => meaning.number()?.round()?.into(),
        Year | Month | Day => return date_part(function, argument),
        Iri => resolve(meaning, context)?,
        BNode => Term::from(context.blanks().of(meaning.plain()?)).into(),
        Subject | Predicate | Object => part(function, meaning)?.into(),
        Custom(name) => cast(name.as_str().strip_prefix(XSD)?, argument)?,
        _ => return None,
    })
}

fn two_arguments(
    function: &Function,
    [a, b]: [Meaning<'_>; 2],
    context: &dyn Context,
) -> Option<bool> {
    match function {
        Function::LangMatches => Some(language_matches(a.plain()?, b.plain()?)),
        Function::Regex => {
            let pattern = context.patterns().of(b, None)?;
            Some(pattern.matches(a.string()?.1))
        }
        _ => {
            let ((tag, text), (other, part)) = (a.string()?, b.string()?);
            if !other.is_empty() && tag != other {
                return None;
            }
            match function {
                Function::Contains => Some(text.contains(part)),
                Function::StrStarts => Some(text.starts_with(part)),
                Function::StrEnds => Some(text.ends_with(part)),
                _ => None,
            }
        }
    }
}

fn many_arguments(
    function: &Function,
    found: &[Datum<'_>],
    context: &dyn Context,
) -> Option<Value<'static>> {
    match (function, found) {
        (Function::Triple, [subject, predicate, object]) => {
            let subject = match subject.term() {
                Term::NamedNode(node) => NamedOrBlankNode::from(node),
                Term::BlankNode(node) => node.into(),
                _ => return None,
            };
            let Term::NamedNode(predicate) = predicate.term() else {
                return None;
            };
            Some(Term::from(Triple::new(subject, predicate, object.term())).into())
        }
        (Function::Regex, [text, pattern, flags]) => {
            let flags = Some(flags.meaning());
            let pattern = context.patterns().of(pattern.meaning(), flags)?;
            Some(pattern.matches(text.meaning().string()?.1).into())
        }
        (Function::Replace, [text, pattern, replacement, flags @ ..]) => {
            let flags = flags.first().map(Datum::meaning);
            let pattern = context.patterns().of(pattern.meaning(), flags)?;
            pattern.replaced(text, replacement, context)
        }
        _ => None,
    }
}

fn concat(parts: &[Expr], row: &[Id], context: &dyn Context) -> Option<Value<'static>> {
    let mut joined = Joined::default();
    for part in parts {
        let part = part.datum(row, context)?;
        joined.push("", part.meaning())?;
        if joined.size() > LONG {
            context.afford(joined.size())?;
        }
        if joined.size() > 2 * LONGEST {
            return None;
        }
    }
    Some(joined.finish().into())
}

/// Strings put together: the result has the tag that all have.
#[derive(Debug, Default)]
pub(super) struct Joined {
    text: String,
    tag: Option<String>,
}

impl Joined {
    /// Adds a string, after a separator if it is not the first. `None` if it is no string.
    pub(super) fn push(&mut self, separator: &str, meaning: Meaning<'_>) -> Option<()> {
        let (tag, text) = meaning.string()?;
        match &mut self.tag {
            Some(common) => {
                self.text.push_str(separator);
                if common != tag {
                    common.clear();
                }
            }
            None => self.tag = Some(tag.to_owned()),
        }
        self.text.push_str(text);
        Some(())
    }

    /// Bytes that it takes.
    pub(super) fn size(&self) -> usize {
        self.text.capacity()
    }

    /// All of it, without the tag.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// All of it.
    pub(super) fn finish(self) -> Datum<'static> {
        Datum::string(&self.tag.unwrap_or_default(), &self.text)
    }
}

fn integer(value: i64) -> Value<'static> {
    Number::Integer(value.into()).into()
}

fn iri(iri: &str) -> Value<'static> {
    Datum::Text(term::iri(iri).into()).into()
}

fn is_literal(meaning: Meaning<'_>) -> bool {
    !matches!(
        meaning,
        Meaning::Iri(_) | Meaning::Blank(_) | Meaning::Triple(_)
    )
}

/// `STR`: an IRI, or a lexical form as it was written.
fn lexical(argument: &Datum<'_>) -> Option<String> {
    let text = argument.text();
    match text.as_bytes().first()? {
        b'<' => Some(text[1..].to_owned()),
        b'_' | b'(' => None,
        _ => term::lexical(&text).map(str::to_owned),
    }
}

/// A part of a literal's tag; empty if it has none.
fn tag(argument: &Datum<'_>, part: fn(&str) -> &str) -> Option<Value<'static>> {
    let meaning = argument.meaning();
    let tag = match meaning {
        Meaning::String(tag, _) => part(tag),
        _ => is_literal(meaning).then_some("")?,
    };
    Some(Datum::string("", tag).into())
}

fn language(tag: &str) -> &str {
    tag.split_once("--").map_or(tag, |(language, _)| language)
}

fn direction(tag: &str) -> &str {
    tag.split_once("--").map_or("", |(_, direction)| direction)
}

fn datatype(argument: &Datum<'_>) -> Option<String> {
    match argument.term() {
        Term::Literal(literal) => Some(literal.datatype().as_str().to_owned()),
        _ => None,
    }
}

fn change_case(meaning: Meaning<'_>, change: fn(&str) -> String) -> Option<Value<'static>> {
    let (tag, text) = meaning.string()?;
    Some(Datum::string(tag, &change(text)).into())
}

/// Basic filtering of RFC 4647 §3.3.1.
fn language_matches(tag: &str, range: &str) -> bool {
    if range == "*" {
        return !tag.is_empty();
    }
    let mut tags = tag.split('-');
    range
        .split('-')
        .all(|wanted| tags.next().is_some_and(|t| t.eq_ignore_ascii_case(wanted)))
}

fn date_part(function: &Function, argument: &Datum<'_>) -> Option<Value<'static>> {
    let (year, month, day) = match argument.meaning() {
        Meaning::DateTime(value) => (value.year(), value.month(), value.day()),
        Meaning::Date(value) => (value.year(), value.month(), value.day()),
        Meaning::Calendar(..) => {
            return Some(Library::of(function, 1).call(vec![argument.term()])?.into());
        }
        _ => return None,
    };
    Some(integer(match function {
        Function::Year => year,
        Function::Month => month.into(),
        _ => day.into(),
    }))
}

fn resolve(meaning: Meaning<'_>, context: &dyn Context) -> Option<Value<'static>> {
    if let Meaning::Iri(known) = meaning {
        return Some(iri(known));
    }
    let reference = meaning.plain()?;
    let resolved = match context.base() {
        Some(base) => base.resolve(reference).ok()?.into_inner(),
        None => Iri::parse(reference.to_owned()).ok()?.into_inner(),
    };
    Some(iri(&resolved))
}

fn part(function: &Function, meaning: Meaning<'_>) -> Option<Term> {
    let Meaning::Triple(text) = meaning else {
        return None;
    };
    let Term::Triple(triple) = term::decode(text) else {
        return None;
    };
    Some(match function {
        Function::Subject => triple.subject.into(),
        Function::Predicate => triple.predicate.into(),
        _ => triple.object,
    })
}
