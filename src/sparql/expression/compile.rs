//! From the syntax tree to expressions over slots.

use super::{Arithmetic, DEEPEST, Expr, Operator, Relation, Scope};
use crate::sparql::functions::{self, Library};
use crate::sparql::value::Datum;
use crate::{Error, Result};
use rustc_hash::FxHashSet;
use spargebra::algebra::Expression;

/// Compiles expressions, and counts how deep it is in them.
pub(super) struct Compiler<'s> {
    pub(super) scope: &'s mut dyn Scope,
    pub(super) depth: usize,
}

impl Compiler<'_> {
    pub(super) fn compile(&mut self, expression: &Expression) -> Result<Expr> {
        if self.depth == DEEPEST {
            return Err(Error::input(format!(
                "an expression is nested more than {DEEPEST} levels deep"
            ))
            .hint("compute its parts with BIND"));
        }
        self.depth += 1;
        let compiled = self.compile_level(expression);
        self.depth -= 1;
        compiled
    }

    fn compile_level(&mut self, expression: &Expression) -> Result<Expr> {
        use Expression as E;
        Ok(match expression {
            E::NamedNode(node) => Expr::Constant(Datum::of(&node.clone().into())),
            E::Literal(literal) => Expr::Constant(Datum::of(&literal.clone().into())),
            E::Variable(variable) => match self.scope.constant(variable) {
                Some(term) => Expr::Constant(Datum::of(&term)),
                None => Expr::Variable(self.scope.slot(variable)),
            },
            E::Bound(variable) => match self.scope.constant(variable) {
                Some(_) => Expr::Constant(Datum::Boolean(true)),
                None => Expr::Bound(self.scope.slot(variable)),
            },
            E::Or(..) => Expr::Or(self.all(&chain(expression, |e| match e {
                E::Or(a, b) => Some((a, b)),
                _ => None,
            }))?),
            E::And(..) => Expr::And(self.all(&chain(expression, |e| match e {
                E::And(a, b) => Some((a, b)),
                _ => None,
            }))?),
            E::Not(part) => Expr::Not(self.boxed(part)?),
            E::Equal(a, b) => Expr::Equal(self.both(a, b)?),
            E::SameTerm(a, b) => Expr::SameTerm(self.both(a, b)?),
            E::Less(a, b) => Expr::Compare(Relation::Less, self.both(a, b)?),
            E::LessOrEqual(a, b) => Expr::Compare(Relation::LessOrEqual, self.both(a, b)?),
            E::Greater(a, b) => Expr::Compare(Relation::Greater, self.both(a, b)?),
            E::GreaterOrEqual(a, b) => Expr::Compare(Relation::GreaterOrEqual, self.both(a, b)?),
            E::In(part, list) => self.among(part, list)?,
            E::Add(a, b) => self.arithmetic(Operator::Add, &[a, b])?,
            E::Subtract(a, b) => self.arithmetic(Operator::Subtract, &[a, b])?,
            E::Multiply(a, b) => self.arithmetic(Operator::Multiply, &[a, b])?,
            E::Divide(a, b) => self.arithmetic(Operator::Divide, &[a, b])?,
            E::UnaryPlus(part) => self.arithmetic(Operator::Plus, &[part])?,
            E::UnaryMinus(part) => self.arithmetic(Operator::Minus, &[part])?,
            E::Exists(pattern) => Expr::Exists(self.scope.exists(pattern)?),
            E::If(a, b, c) => {
                let parts = [self.compile(a)?, self.compile(b)?, self.compile(c)?];
                Expr::If(Box::new(parts))
            }
            E::Coalesce(parts) => Expr::Coalesce(self.list(parts)?),
            E::FunctionCall(function, arguments) => {
                functions::compile(function, self.list(arguments)?)?
            }
        })
    }

    fn boxed(&mut self, part: &Expression) -> Result<Box<Expr>> {
        self.compile(part).map(Box::new)
    }

    fn both(&mut self, a: &Expression, b: &Expression) -> Result<Box<[Expr; 2]>> {
        Ok(Box::new([self.compile(a)?, self.compile(b)?]))
    }

    fn list(&mut self, parts: &[Expression]) -> Result<Vec<Expr>> {
        parts.iter().map(|part| self.compile(part)).collect()
    }

    fn all(&mut self, parts: &[&Expression]) -> Result<Vec<Expr>> {
        parts.iter().map(|part| self.compile(part)).collect()
    }

    /// `IN`. To be equal to an IRI is to be that IRI, so a list of them is a set.
    fn among(&mut self, part: &Expression, list: &[Expression]) -> Result<Expr> {
        let part = self.boxed(part)?;
        let iris = list.iter().map(|option| match option {
            Expression::NamedNode(node) => Some(crate::model::term::iri(node.as_str()).into()),
            _ => None,
        });
        match iris.collect::<Option<FxHashSet<Box<str>>>>() {
            Some(iris) if !iris.is_empty() => Ok(Expr::Among(part, iris)),
            _ => Ok(Expr::In(part, self.list(list)?)),
        }
    }

    fn arithmetic(&mut self, operator: Operator, operands: &[&Expression]) -> Result<Expr> {
        let arithmetic = Arithmetic {
            operands: self.all(operands)?,
            otherwise: Library::operator(operator),
        };
        Ok(Expr::Arithmetic(operator, Box::new(arithmetic)))
    }
}

/// The links of a chain that leans to the left or to the right, in order, without recursion.
fn chain(
    expression: &Expression,
    split: fn(&Expression) -> Option<(&Expression, &Expression)>,
) -> Vec<&Expression> {
    let mut links = Vec::new();
    let mut open = vec![expression];
    while let Some(next) = open.pop() {
        match split(next) {
            Some((a, b)) => open.extend([b, a]),
            None => links.push(next),
        }
    }
    links
}
