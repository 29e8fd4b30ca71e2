//! Numbers that a query computes count by their value: the standards leave open how they are written.

use super::answer::Answer;
use super::matching::Row;
use oxigraph::model::vocab::xsd;
use oxigraph::model::{Literal, NamedNodeRef, Quad, Term};
use oxsdatatypes::{Decimal, Double, Float, Integer};
use spargebra::Query;
use spargebra::algebra::GraphPattern;
use std::collections::HashSet;
use std::str::FromStr;

/// Which numbers of an answer are computed, and not terms that the data has.
pub struct Computed {
    variables: HashSet<String>,
    numbers: HashSet<Literal>,
}

impl Computed {
    /// Those of variables that the query assigns, and those that the expected answer writes as the data never does.
    pub fn new(query: &Query, expected: &Answer, data: &[Quad]) -> Self {
        let mut variables = HashSet::new();
        if let Query::Select { pattern, .. } = query {
            assigned(pattern, &mut variables);
        }
        let stored = data.iter().filter_map(|quad| literal(&quad.object));
        let stored: HashSet<&Literal> = stored.collect();
        let values = rows(expected).iter().flatten().flatten();
        let new = values.filter_map(literal).filter(|l| !stored.contains(l));
        Self {
            variables,
            numbers: new.filter_map(canonical).collect(),
        }
    }

    /// Writes the computed numbers of an answer in one way.
    pub fn write_one_way(&self, answer: &mut Answer) {
        let (names, rows) = match answer {
            Answer::Boolean(_) => return,
            Answer::Rows(names, rows, _) => (names.as_slice(), rows),
            Answer::Graph(rows) => (&[][..], rows),
        };
        for row in rows {
            for (column, value) in row.iter_mut().enumerate() {
                let assigned = names
                    .get(column)
                    .is_some_and(|name| self.variables.contains(name));
                let number = value.as_ref().and_then(literal).and_then(canonical);
                if let Some(number) = number.filter(|n| assigned || self.numbers.contains(n)) {
                    *value = Some(number.into());
                }
            }
        }
    }
}

fn rows(answer: &Answer) -> &[Row] {
    match answer {
        Answer::Boolean(_) => &[],
        Answer::Rows(_, rows, _) | Answer::Graph(rows) => rows,
    }
}

fn literal(term: &Term) -> Option<&Literal> {
    match term {
        Term::Literal(literal) => Some(literal),
        _ => None,
    }
}

/// Variables that are assigned at the top of a query.
fn assigned(pattern: &GraphPattern, variables: &mut HashSet<String>) {
    match pattern {
        GraphPattern::Extend {
            inner, variable, ..
        } => {
            variables.insert(variable.as_str().to_owned());
            assigned(inner, variables);
        }
        GraphPattern::Project { inner, .. }
        | GraphPattern::Distinct { inner }
        | GraphPattern::Reduced { inner }
        | GraphPattern::OrderBy { inner, .. }
        | GraphPattern::Filter { inner, .. }
        | GraphPattern::Slice { inner, .. } => assigned(inner, variables),
        _ => {}
    }
}

fn canonical(literal: &Literal) -> Option<Literal> {
    type Rewrite = fn(&str) -> Option<String>;
    fn parsed<T: FromStr + ToString>(text: &str) -> Option<String> {
        Some(text.parse::<T>().ok()?.to_string())
    }
    let by_type: [(NamedNodeRef<'_>, Rewrite); 4] = [
        (xsd::INTEGER, parsed::<Integer>),
        (xsd::DECIMAL, parsed::<Decimal>),
        (xsd::FLOAT, parsed::<Float>),
        (xsd::DOUBLE, parsed::<Double>),
    ];
    let mut types = by_type.iter();
    let (name, canonical) = types.find(|(name, _)| literal.datatype() == *name)?;
    Some(Literal::new_typed_literal(
        canonical(literal.value())?,
        *name,
    ))
}
