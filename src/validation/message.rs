//! What constraints demand, in words.

use super::Shapes;
use super::path::shown_path;
use super::shape::{Constant, Constraint, NodeKind, Pair, Range, ShapeNumber};
use super::triples::shown;

/// Members of a list that a message names.
const NAMED: usize = 8;

/// How deep shapes without a name are told in place of their name.
const DEPTH: usize = 2;

/// What a constraint demands of a node or of its values, as the end of a sentence: "must …".
pub(super) fn demand(shapes: &Shapes, constraint: &Constraint) -> String {
    told(shapes, constraint, DEPTH)
}

fn told(shapes: &Shapes, constraint: &Constraint, depth: usize) -> String {
    let term = |constant: Constant| shown(shapes.constants.text(constant));
    let shape = |number: ShapeNumber| named(shapes, number, depth);
    let several = |numbers: &[ShapeNumber]| list(numbers.iter().map(|number| shape(*number)));
    match constraint {
        Constraint::Class(class) => format!("must be of the class {}", term(*class)),
        Constraint::Datatype(datatype) => {
            format!(
                "must be a well-formed literal of the datatype {}",
                term(*datatype)
            )
        }
        Constraint::NodeKind(kind) => format!("must be {}", kinds(*kind)),
        Constraint::MinCount(least) => format!("must have at least {}", values(*least)),
        Constraint::MaxCount(most) => format!("must have at most {}", values(*most)),
        Constraint::Range(range, bound) => format!("must be {} {}", compared(*range), term(*bound)),
        Constraint::MinLength(least) => {
            format!("must have at least {}", counted(*least, "character"))
        }
        Constraint::MaxLength(most) => format!("must have at most {}", counted(*most, "character")),
        Constraint::Pattern(_, pattern) => {
            format!("must match {}", shown(&crate::model::term::string(pattern)))
        }
        Constraint::LanguageIn(ranges) => {
            format!(
                "must be in one of the languages {}",
                list(ranges.iter().cloned())
            )
        }
        Constraint::UniqueLang => "must have at most one value in each language".to_owned(),
        Constraint::Pair(pair, property) => format!("must {} {}", related(*pair), term(*property)),
        Constraint::Not(number) => format!("must not conform to {}", shape(*number)),
        Constraint::And(numbers) => format!("must conform to all of {}", several(numbers)),
        Constraint::Or(numbers) => format!("must conform to one of {} at least", several(numbers)),
        Constraint::Xone(numbers) => format!("must conform to exactly one of {}", several(numbers)),
        Constraint::Node(number) => format!("must conform to {}", shape(*number)),
        Constraint::Property(number) => shape(*number),
        Constraint::QualifiedMinCount(qualified, least) => format!(
            "must have at least {} that conform to {}",
            values(*least),
            shape(qualified.shape)
        ),
        Constraint::QualifiedMaxCount(qualified, most) => format!(
            "must have at most {} that conform to {}",
            values(*most),
            shape(qualified.shape)
        ),
        Constraint::Closed(allowed) => {
            format!(
                "must have no properties but {}",
                list(allowed.iter().map(|iri| term(*iri)))
            )
        }
        Constraint::HasValue(value) => format!("must have the value {}", term(*value)),
        Constraint::In(members) => {
            format!(
                "must be one of {}",
                list(members.iter().map(|member| term(*member)))
            )
        }
        Constraint::Query(rule) => match rule.component.or(rule.source) {
            Some(node) => format!("must satisfy {}", term(node)),
            None => "must satisfy a query".to_owned(),
        },
    }
}

/// What a shape looks at: its path, or the node itself.
pub(super) fn subject(shapes: &Shapes, number: ShapeNumber) -> Option<String> {
    shapes.shapes[number].path.as_ref().map(shown_path)
}

/// The name of a shape, or what one without a name demands.
fn named(shapes: &Shapes, number: ShapeNumber, depth: usize) -> String {
    let about = &shapes.shapes[number];
    let node = shapes.constants.text(about.node);
    if !node.starts_with('_') {
        return shown(node);
    }
    if depth == 0 || about.constraints.is_empty() {
        return "a shape without a name".to_owned();
    }
    let path = about
        .path
        .as_ref()
        .map_or(String::new(), |path| format!("{} ", shown_path(path)));
    let demands = about
        .constraints
        .iter()
        .map(|constraint| told(shapes, constraint, depth - 1));
    format!("({path}{})", list(demands))
}

fn values(count: u64) -> String {
    counted(count, "value")
}

fn counted(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}

fn kinds(NodeKind(kinds): NodeKind) -> String {
    let names = ["an IRI", "a blank node", "a literal"];
    let named = names.iter().zip(kinds).filter(|(_, is)| *is);
    named
        .map(|(name, _)| *name)
        .collect::<Vec<_>>()
        .join(" or ")
}

fn compared(range: Range) -> &'static str {
    match range {
        Range::MinExclusive => "greater than",
        Range::MinInclusive => "not less than",
        Range::MaxExclusive => "less than",
        Range::MaxInclusive => "not greater than",
    }
}

fn related(pair: Pair) -> &'static str {
    match pair {
        Pair::Equals => "be the values of",
        Pair::Disjoint => "not be a value of",
        Pair::LessThan => "be less than every value of",
        Pair::LessThanOrEquals => "not be greater than any value of",
    }
}

fn list(names: impl ExactSizeIterator<Item = String>) -> String {
    let rest = names.len().saturating_sub(NAMED);
    let mut named: Vec<String> = names.take(NAMED).collect();
    if rest > 0 {
        named.push(format!("{rest} more"));
    }
    match named.len() {
        0 => "nothing".to_owned(),
        _ => named.join(", "),
    }
}
