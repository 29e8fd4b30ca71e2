//! Numbers that a query computes count by their value: the standards leave open how they are written.

use super::answer::Answer;
use oxigraph::model::vocab::xsd;
use oxigraph::model::{Literal, NamedNodeRef, Quad, Term};
use oxsdatatypes::{Decimal, Double, Float, Integer};
use std::collections::HashSet;
use std::str::FromStr;

/// Writes the numbers of an answer in one way, but for those that the data has: they must be told as they are.
pub fn write_one_way(answer: &mut Answer, data: &[Quad]) {
    let stored = data.iter().filter_map(|quad| match &quad.object {
        Term::Literal(literal) => Some(literal),
        _ => None,
    });
    let stored: HashSet<&Literal> = stored.collect();
    let rows = match answer {
        Answer::Boolean(_) => return,
        Answer::Rows(_, rows, _) | Answer::Graph(rows) => rows,
    };
    for value in rows.iter_mut().flatten().flatten() {
        let Term::Literal(literal) = value else {
            continue;
        };
        if let (false, Some(number)) = (stored.contains(literal), canonical(literal)) {
            *value = Literal::new_typed_literal(number, literal.datatype()).into();
        }
    }
}

fn canonical(literal: &Literal) -> Option<String> {
    fn parsed<T: FromStr + ToString>(text: &str) -> Option<String> {
        Some(text.parse::<T>().ok()?.to_string())
    }
    let by_type: [(NamedNodeRef<'_>, fn(&str) -> Option<String>); 4] = [
        (xsd::INTEGER, parsed::<Integer>),
        (xsd::DECIMAL, parsed::<Decimal>),
        (xsd::FLOAT, parsed::<Float>),
        (xsd::DOUBLE, parsed::<Double>),
    ];
    let (_, canonical) = by_type
        .iter()
        .find(|(name, _)| literal.datatype() == *name)?;
    canonical(literal.value())
}
