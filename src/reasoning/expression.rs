//! The expressions of `FILTER` and `BIND`, over encoded terms.
//!
//! What the shipped rules ask is answered on the text of the terms. Everything else goes to the general evaluator, which
//! is exact and slow; what it gives for the same values differs from run to run in no function that is let in.

use super::datatypes;
use crate::model::term;
use crate::vocabulary::kenning;
use crate::{Error, Result};
use oxrdf::{Literal, Term, Variable};
use spareval::QueryEvaluator;
use spargebra::algebra::{Expression, Function, GraphPattern};
use sparopt::algebra as optimised;
use std::fmt;

/// How deep expressions may be nested.
const DEEPEST: usize = 60;

/// A compiled expression.
pub(super) struct Expr {
    kind: Kind,
    variables: Vec<usize>,
}

enum Kind {
    And(Vec<Kind>),
    Or(Vec<Kind>),
    Not(Box<Kind>),
    SameTerm(Operand, Operand),
    /// RDFterm-equal, which for two that are no literals is the same term.
    Equal(Operand, Operand, Box<General>),
    /// One of the first bytes of encoded terms.
    Begins(&'static [u8], Operand),
    InDatatype(Operand, Operand),
    DiffersFrom(Operand, Operand),
    IllTyped(Operand),
    General(Box<General>),
}

enum Operand {
    Variable(usize),
    Constant(Box<str>),
}

struct General {
    expression: optimised::Expression,
    variables: Vec<(Variable, usize)>,
}

/// The encoded values of variables; `None` where one has none.
pub(super) type Values<'a> = dyn Fn(usize) -> Option<&'a str> + 'a;

impl Expr {
    /// Compiles an expression; `number` gives each variable its index.
    ///
    /// # Errors
    ///
    /// If there is something in it that a rule may not ask: another pattern, chance, the time.
    pub(super) fn compile(
        expression: &Expression,
        number: &mut dyn FnMut(&Variable) -> usize,
    ) -> Result<Self> {
        let mut variables = Vec::new();
        let mut numbered = |variable: &Variable| {
            let index = number(variable);
            variables.push(index);
            index
        };
        let kind = compile(expression, &mut numbered, 0)?;
        variables.sort_unstable();
        variables.dedup();
        Ok(Self { kind, variables })
    }

    /// The variables that it reads, sorted.
    pub(super) fn variables(&self) -> impl Iterator<Item = usize> {
        self.variables.iter().copied()
    }

    /// The one variable, if it reads one only.
    pub(super) fn reads_only(&self) -> Option<usize> {
        match self.variables[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Whether it looks at how a term is written and no further, so that any number of terms may be tested for a few.
    pub(super) fn is_quick(&self) -> bool {
        matches!(self.kind, Kind::IllTyped(_) | Kind::Begins(..))
    }

    /// Whether it is true; an error is not.
    pub(super) fn holds<'a>(&self, values: &Values<'a>) -> bool {
        self.kind.truth(values) == Some(true)
    }

    /// Its value, encoded; `None` is an error in the sense of SPARQL.
    pub(super) fn value<'a>(&self, values: &Values<'a>) -> Option<String> {
        match &self.kind {
            Kind::General(general) => Some(term::encode(&general.value(values)?)),
            logical => {
                let truth = Literal::from(logical.truth(values)?);
                Some(term::encode(&truth.into()))
            }
        }
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expr({:?})", self.variables)
    }
}

impl Kind {
    /// The effective boolean value; `None` is an error.
    fn truth<'a>(&self, values: &Values<'a>) -> Option<bool> {
        Some(match self {
            Self::And(parts) => return all(parts, values),
            Self::Or(parts) => return any(parts, values),
            Self::Not(part) => !part.truth(values)?,
            Self::SameTerm(a, b) => a.text(values)? == b.text(values)?,
            Self::Equal(a, b, general) => {
                let (a, b) = (a.text(values)?, b.text(values)?);
                let resource = |text| term::kind(text) == term::Kind::Resource;
                match a == b && resource(a) || resource(a) != resource(b) {
                    true => a == b,
                    false if resource(a) => false,
                    false => return general.truth(values),
                }
            }
            Self::Begins(bytes, operand) => {
                bytes.contains(operand.text(values)?.as_bytes().first()?)
            }
            Self::InDatatype(literal, datatype) => {
                let datatype = term::as_iri(datatype.text(values)?)?;
                return datatypes::contains(datatype, literal.text(values)?);
            }
            Self::DiffersFrom(a, b) => datatypes::differ(a.text(values)?, b.text(values)?),
            Self::IllTyped(literal) => datatypes::is_ill_typed(literal.text(values)?),
            Self::General(general) => return general.truth(values),
        })
    }
}

/// An error beside a false part is false.
fn all<'a>(parts: &[Kind], values: &Values<'a>) -> Option<bool> {
    let mut known = true;
    for part in parts {
        match part.truth(values) {
            Some(false) => return Some(false),
            Some(true) => {}
            None => known = false,
        }
    }
    known.then_some(true)
}

/// An error beside a true part is true.
fn any<'a>(parts: &[Kind], values: &Values<'a>) -> Option<bool> {
    let mut known = true;
    for part in parts {
        match part.truth(values) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => known = false,
        }
    }
    known.then_some(false)
}

impl Operand {
    fn text<'a: 'b, 'b>(&'b self, values: &Values<'a>) -> Option<&'b str> {
        match self {
            Self::Variable(variable) => values(*variable),
            Self::Constant(text) => Some(text),
        }
    }
}

impl General {
    fn truth<'a>(&self, values: &Values<'a>) -> Option<bool> {
        QueryEvaluator::new()
            .evaluate_effective_boolean_value_expression(&self.expression, self.bindings(values))
    }

    fn value<'a>(&self, values: &Values<'a>) -> Option<Term> {
        QueryEvaluator::new().evaluate_expression(&self.expression, self.bindings(values))
    }

    fn bindings<'a>(&self, values: &Values<'a>) -> impl Iterator<Item = (&Variable, Term)> {
        let variables = self.variables.iter();
        variables.filter_map(|(name, index)| Some((name, term::decode(values(*index)?))))
    }
}

fn compile(
    expression: &Expression,
    number: &mut dyn FnMut(&Variable) -> usize,
    depth: usize,
) -> Result<Kind> {
    if depth > DEEPEST {
        return Err(Error::input(format!(
            "an expression is nested deeper than {DEEPEST}"
        )));
    }
    let depth = depth + 1;
    Ok(match expression {
        Expression::And(a, b) => {
            Kind::And(vec![compile(a, number, depth)?, compile(b, number, depth)?])
        }
        Expression::Or(a, b) => {
            Kind::Or(vec![compile(a, number, depth)?, compile(b, number, depth)?])
        }
        Expression::Not(part) => Kind::Not(Box::new(compile(part, number, depth)?)),
        Expression::SameTerm(a, b) => match (operand(a, number), operand(b, number)) {
            (Some(a), Some(b)) => Kind::SameTerm(a, b),
            _ => general(expression, number)?,
        },
        Expression::Equal(a, b) => match (operand(a, number), operand(b, number)) {
            (Some(a), Some(b)) => match general(expression, number)? {
                Kind::General(general) => Kind::Equal(a, b, general),
                other => other,
            },
            _ => general(expression, number)?,
        },
        Expression::FunctionCall(function, arguments) => {
            call(function, arguments, number)?.map_or_else(|| general(expression, number), Ok)?
        }
        _ => general(expression, number)?,
    })
}

/// A function that is answered here.
fn call(
    function: &Function,
    arguments: &[Expression],
    number: &mut dyn FnMut(&Variable) -> usize,
) -> Result<Option<Kind>> {
    let operands: Option<Vec<Operand>> = arguments.iter().map(|a| operand(a, number)).collect();
    let own = matches!(function, Function::Custom(_));
    let Some(operands) = operands else {
        return match function {
            Function::Custom(name) => Err(Error::input(format!(
                "the arguments of `{}` have to be variables or terms",
                name.as_str()
            ))),
            _ => Ok(None),
        };
    };
    let name = match function {
        Function::Custom(name) => name.as_str(),
        _ => "",
    };
    let mut operands = operands.into_iter();
    let kind = match (operands.next(), operands.next(), operands.next()) {
        (Some(a), None, None) => match function {
            Function::IsIri => Kind::Begins(b"<", a),
            Function::IsBlank => Kind::Begins(b"_", a),
            Function::IsLiteral => Kind::Begins(b"\"@^", a),
            _ if name == kenning::ILL_TYPED => Kind::IllTyped(a),
            _ if own => return Err(unknown(name)),
            _ => return Ok(None),
        },
        (Some(a), Some(b), None) if name == kenning::IN_DATATYPE => Kind::InDatatype(a, b),
        (Some(a), Some(b), None) if name == kenning::DIFFERS_FROM => Kind::DiffersFrom(a, b),
        _ if own => return Err(unknown(name)),
        _ => return Ok(None),
    };
    Ok(Some(kind))
}

fn unknown(name: &str) -> Error {
    Error::input(format!(
        "rules know no function `{name}` of so many arguments"
    ))
}

fn operand(expression: &Expression, number: &mut dyn FnMut(&Variable) -> usize) -> Option<Operand> {
    Some(match expression {
        Expression::Variable(variable) => Operand::Variable(number(variable)),
        Expression::NamedNode(node) => Operand::Constant(term::iri(node.as_str()).into()),
        Expression::Literal(literal) => {
            Operand::Constant(term::encode(&literal.clone().into()).into())
        }
        _ => return None,
    })
}

fn general(expression: &Expression, number: &mut dyn FnMut(&Variable) -> usize) -> Result<Kind> {
    let mut variables = Vec::new();
    check(expression, 0, &mut |variable| {
        if !variables.iter().any(|(known, _)| known == variable) {
            variables.push((variable.clone(), number(variable)));
        }
    })?;
    // The evaluator takes the optimiser's syntax trees, which are made of whole patterns only.
    let unit = GraphPattern::Values {
        variables: Vec::new(),
        bindings: vec![Vec::new()],
    };
    let pattern = GraphPattern::Extend {
        inner: Box::new(unit),
        variable: Variable::new_unchecked("value"),
        expression: expression.clone(),
    };
    match optimised::GraphPattern::from(&pattern) {
        optimised::GraphPattern::Extend { expression, .. } => {
            Ok(Kind::General(Box::new(General {
                expression,
                variables,
            })))
        }
        _ => Err(Error::input("an expression cannot be evaluated")),
    }
}

/// Visits the variables, and refuses what may not be asked.
fn check<'a>(
    expression: &'a Expression,
    depth: usize,
    visit: &mut dyn FnMut(&'a Variable),
) -> Result<()> {
    if depth > DEEPEST {
        return Err(Error::input(format!(
            "an expression is nested deeper than {DEEPEST}"
        )));
    }
    let parts: Vec<&Expression> = match expression {
        Expression::NamedNode(_) | Expression::Literal(_) => Vec::new(),
        Expression::Variable(variable) | Expression::Bound(variable) => {
            visit(variable);
            Vec::new()
        }
        Expression::Or(a, b)
        | Expression::And(a, b)
        | Expression::Equal(a, b)
        | Expression::SameTerm(a, b)
        | Expression::Greater(a, b)
        | Expression::GreaterOrEqual(a, b)
        | Expression::Less(a, b)
        | Expression::LessOrEqual(a, b)
        | Expression::Add(a, b)
        | Expression::Subtract(a, b)
        | Expression::Multiply(a, b)
        | Expression::Divide(a, b) => vec![a, b],
        Expression::UnaryPlus(a) | Expression::UnaryMinus(a) | Expression::Not(a) => vec![a],
        Expression::If(a, b, c) => vec![a, b, c],
        Expression::In(a, others) => std::iter::once(&**a).chain(others).collect(),
        Expression::Coalesce(parts) => parts.iter().collect(),
        Expression::FunctionCall(function, parts) => {
            refuse(function)?;
            parts.iter().collect()
        }
        Expression::Exists(_) => {
            return Err(Error::input("EXISTS inside an expression is not supported")
                .hint("write a pattern, or `FILTER NOT EXISTS { … }` by itself"));
        }
    };
    parts
        .into_iter()
        .try_for_each(|part| check(part, depth + 1, visit))
}

fn refuse(function: &Function) -> Result<()> {
    match function {
        Function::Rand | Function::Now | Function::Uuid | Function::StrUuid | Function::BNode => {
            Err(Error::input(format!(
                "`{function}` gives something else each time, so a rule may not ask for it"
            )))
        }
        Function::Custom(name) => Err(Error::input(format!(
            "`{}` may not stand inside another function",
            name.as_str()
        ))),
        _ => Ok(()),
    }
}
