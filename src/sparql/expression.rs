//! Expressions, compiled once for a query and evaluated on rows of ids.
//!
//! What filters and sums are mostly made of is evaluated here, on the encoded text of terms. What is rare
//! ([`Library`]) goes to the general evaluator, which is exact and slow.

mod compile;

use super::functions::{self, Blanks, Library, OwnFunction, Pattern, Patterns, Replacement};
use super::ids::{Id, Terms};
use super::pattern::Slots;
use super::value::{Datum, Value, equal, order};
use crate::Result;
use compile::Compiler;
use oxiri::Iri;
use oxrdf::{Term, Variable};
use oxsdatatypes::DateTime;
use rustc_hash::FxHashSet;
use spargebra::algebra::{Expression, Function, GraphPattern};
use std::cmp::Ordering;

/// How deep expressions may be nested. Chains of `||` and of `&&` are one level.
pub(super) const DEEPEST: usize = 200;

/// Texts of more bytes than this are an error to every function and operator: a few steps of `CONCAT` or `REPLACE` could
/// make them as long as memory is.
pub(super) const LONGEST: usize = 1 << 24;

/// Texts of more bytes than this make a function slow enough to look at the clock.
pub(super) const LONG: usize = 1 << 14;

/// What compiling needs to know of the pattern around an expression.
pub(super) trait Scope {
    /// The slot of a variable in a row; every variable that is mentioned has one.
    fn slot(&mut self, variable: &Variable) -> usize;
    /// What a variable stands for wherever it is read, if its value was given with the query.
    fn constant(&self, _variable: &Variable) -> Option<Term> {
        None
    }
    /// Compiles the pattern of an `EXISTS`.
    fn exists(&mut self, pattern: &GraphPattern) -> Result<Subplan>;
}

/// The compiled pattern of an `EXISTS`.
#[derive(Clone, Debug)]
pub(super) struct Subplan {
    /// Its number.
    pub(super) number: usize,
    /// The slots that it reads of the row around it.
    pub(super) slots: Vec<usize>,
}

/// What evaluating needs: the terms, `EXISTS`, and what is fixed for a query.
pub(super) trait Context {
    /// The terms of the query.
    fn terms(&self) -> &Terms<'_>;
    /// Whether a subplan has a solution for a row; `None` is an error.
    fn exists(&self, subplan: usize, row: &[Id]) -> Option<bool>;
    /// What `IRI` resolves against.
    fn base(&self) -> Option<&Iri<String>>;
    /// The time that `NOW` gives.
    fn now(&self) -> DateTime;
    /// The blank nodes that `BNODE` gave to the present solution.
    fn blanks(&self) -> &Blanks;
    /// The regular expressions that were compiled lately.
    fn patterns(&self) -> &Patterns;
    /// That there is time left, and memory for `bytes`; without, the evaluation ends. Asked before and within what takes
    /// long.
    fn afford(&self, bytes: usize) -> Option<()>;
    /// The value of one of Kenning's own functions; `None` is an error.
    fn own(&self, function: OwnFunction, argument: Id) -> Option<Value<'static>>;
}

/// An expression over the slots of a row.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    Variable(usize),
    Constant(Datum<'static>),
    Or(Vec<Expr>),
    And(Vec<Expr>),
    Not(Box<Expr>),
    Equal(Box<[Expr; 2]>),
    Compare(Relation, Box<[Expr; 2]>),
    SameTerm(Box<[Expr; 2]>),
    In(Box<Expr>, Vec<Expr>),
    /// Whether the value is one of these IRIs, encoded.
    Among(Box<Expr>, FxHashSet<Box<str>>),
    Arithmetic(Operator, Box<Arithmetic>),
    Bound(usize),
    Exists(Subplan),
    If(Box<[Expr; 3]>),
    /// The first that is no error; without any, an error.
    Coalesce(Vec<Expr>),
    /// A function of [`functions`].
    Call(Function, Vec<Expr>),
    /// A regular expression that is known already.
    Matches(Box<Expr>, Pattern),
    /// A replacement of what one matches.
    Replace(Box<Replacement>),
    Library(Box<Library>),
    Own(OwnFunction, Box<Expr>),
}

/// A comparison.
#[derive(Clone, Copy, Debug)]
pub(super) enum Relation {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What is done with one or two numbers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Plus,
    Minus,
}

/// The operands of arithmetic, and how to do it where they are no numbers: dates and durations.
#[derive(Clone, Debug)]
pub(super) struct Arithmetic {
    operands: Vec<Expr>,
    otherwise: Library,
}

impl Expr {
    /// Compiles an expression.
    ///
    /// # Errors
    ///
    /// If it is nested deeper than [`DEEPEST`], or calls a function that does not exist.
    pub(super) fn compile(expression: &Expression, scope: &mut dyn Scope) -> Result<Self> {
        Compiler { scope, depth: 0 }.compile(expression)
    }

    /// The value for a row; `None` is an error in the sense of SPARQL, or unbound.
    pub(super) fn evaluate<'a>(
        &'a self,
        row: &[Id],
        context: &'a dyn Context,
    ) -> Option<Value<'a>> {
        Some(match self {
            Expr::Variable(slot) => Value::Id(row[*slot].bound()?),
            Expr::Constant(datum) => datum.borrowed().into(),
            Expr::If(parts) => {
                let [condition, yes, no] = &**parts;
                match condition.truth(row, context)? {
                    true => return yes.evaluate(row, context),
                    false => return no.evaluate(row, context),
                }
            }
            Expr::Coalesce(options) => {
                return options.iter().find_map(|e| e.evaluate(row, context));
            }
            Expr::Arithmetic(operator, arithmetic) => {
                return arithmetic.evaluate(*operator, row, context);
            }
            Expr::Call(function, arguments) => {
                return functions::call(function, arguments, row, context);
            }
            Expr::Replace(replacement) => replacement.evaluate(row, context)?,
            Expr::Library(library) => library.evaluate(row, context)?.into(),
            Expr::Own(function, argument) => {
                let argument = argument.evaluate(row, context)?.into_id(context.terms());
                context.own(*function, argument)?
            }
            logical => logical.decide(row, context)?.into(),
        })
    }

    /// Whether the effective boolean value for a row is true; an error is not.
    pub(super) fn test(&self, row: &[Id], context: &dyn Context) -> bool {
        self.truth(row, context) == Some(true)
    }

    /// The slots that it reads.
    pub(super) fn slots(&self) -> Slots {
        let mut slots = Slots::default();
        self.visit(&mut |expr| match expr {
            Expr::Variable(slot) | Expr::Bound(slot) => slots.insert(*slot),
            Expr::Exists(subplan) => subplan.slots.iter().for_each(|&slot| slots.insert(slot)),
            _ => {}
        });
        slots
    }

    /// Whether it has a value wherever the slots `bound` have one.
    pub(super) fn always_has_value(&self, bound: &Slots) -> bool {
        match self {
            Expr::Variable(slot) => bound.contains(*slot),
            Expr::Constant(_) => true,
            _ => false,
        }
    }

    /// The two variables, if it asks whether they are equal.
    pub(super) fn compares_variables(&self) -> Option<(usize, usize)> {
        match self {
            Expr::Equal(parts) | Expr::SameTerm(parts) => match **parts {
                [Expr::Variable(a), Expr::Variable(b)] => Some((a, b)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether there is an `EXISTS` in it.
    pub(super) fn asks_patterns(&self) -> bool {
        let mut asks = false;
        self.visit(&mut |expr| asks |= matches!(expr, Expr::Exists(_)));
        asks
    }

    /// The effective boolean value; `None` is an error.
    pub(super) fn truth(&self, row: &[Id], context: &dyn Context) -> Option<bool> {
        match self {
            Expr::Variable(_)
            | Expr::Constant(_)
            | Expr::If(_)
            | Expr::Coalesce(_)
            | Expr::Arithmetic(..)
            | Expr::Call(..)
            | Expr::Replace(_)
            | Expr::Library(_)
            | Expr::Own(..) => self.datum(row, context)?.meaning().truth(),
            logical => logical.decide(row, context),
        }
    }

    /// The value, to be looked into.
    pub(super) fn datum<'a>(&'a self, row: &[Id], context: &'a dyn Context) -> Option<Datum<'a>> {
        let datum = self.evaluate(row, context)?.read(context.terms())?;
        match &datum {
            Datum::Text(text) if text.len() > LONGEST => None,
            Datum::Text(text) if text.len() > LONG => {
                context.afford(text.len())?;
                Some(datum)
            }
            _ => Some(datum),
        }
    }

    /// The value of what is true or false.
    fn decide(&self, row: &[Id], context: &dyn Context) -> Option<bool> {
        let both = |parts: &[Expr; 2], decide: &dyn Fn(&Datum<'_>, &Datum<'_>) -> Option<bool>| {
            let a = parts[0].datum(row, context)?;
            decide(&a, &parts[1].datum(row, context)?)
        };
        match self {
            Expr::Or(parts) => any(parts.iter().map(|part| part.truth(row, context))),
            Expr::And(parts) => {
                let parts = parts.iter().map(|part| part.truth(row, context));
                any(parts.map(|truth| truth.map(|t| !t))).map(|t| !t)
            }
            Expr::Not(part) => part.truth(row, context).map(|t| !t),
            Expr::Equal(parts) => both(parts, &|a, b| equal(a.meaning(), b.meaning())),
            Expr::SameTerm(parts) => match parts.each_ref() {
                [Expr::Variable(a), Expr::Variable(b)] => {
                    Some(row[*a].bound()? == row[*b].bound()?)
                }
                _ => both(parts, &|a, b| Some(a.is_same_term(b))),
            },
            Expr::Compare(relation, parts) => both(parts, &|a, b| relation.compare(a, b)),
            Expr::In(part, list) => {
                let found = part.datum(row, context);
                any(list.iter().map(|option| {
                    let option = option.datum(row, context)?;
                    equal(found.as_ref()?.meaning(), option.meaning())
                }))
            }
            Expr::Among(part, iris) => match part.datum(row, context)? {
                Datum::Text(text) => Some(iris.contains(&*text)),
                _ => Some(false),
            },
            Expr::Bound(slot) => Some(row[*slot].is_bound()),
            Expr::Exists(subplan) => context.exists(subplan.number, row),
            Expr::Matches(text, pattern) => {
                let text = text.datum(row, context)?;
                Some(pattern.matches(text.meaning().string()?.1))
            }
            _ => None,
        }
    }

    fn visit(&self, see: &mut dyn FnMut(&Expr)) {
        see(self);
        for child in self.children() {
            child.visit(see);
        }
    }

    fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Variable(_) | Expr::Constant(_) | Expr::Bound(_) | Expr::Exists(_) => Vec::new(),
            Expr::Or(parts) | Expr::And(parts) | Expr::Coalesce(parts) | Expr::Call(_, parts) => {
                parts.iter().collect()
            }
            Expr::Not(part)
            | Expr::Among(part, _)
            | Expr::Matches(part, _)
            | Expr::Own(_, part) => vec![part],
            Expr::Equal(parts) | Expr::Compare(_, parts) | Expr::SameTerm(parts) => {
                parts.iter().collect()
            }
            Expr::In(part, list) => std::iter::once(&**part).chain(list).collect(),
            Expr::Arithmetic(_, arithmetic) => arithmetic.operands.iter().collect(),
            Expr::If(parts) => parts.iter().collect(),
            Expr::Replace(replacement) => replacement.operands.iter().collect(),
            Expr::Library(library) => library.arguments().iter().collect(),
        }
    }
}

/// Whether one of them is true; an error matters only if none is (SPARQL 1.1 §17.2).
fn any(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut none = Some(false);
    for truth in parts {
        match truth {
            Some(true) => return Some(true),
            Some(false) => {}
            None => none = None,
        }
    }
    none
}

impl Relation {
    fn compare(self, a: &Datum<'_>, b: &Datum<'_>) -> Option<bool> {
        let (a, b) = (a.meaning(), b.meaning());
        match (a.number(), b.number()) {
            // Nothing holds for `NaN`, and that is no error.
            (Some(a), Some(b)) => Some(a.order(b).is_some_and(|order| self.holds(order))),
            _ => order(a, b).map(|order| self.holds(order)),
        }
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Relation::Less => order.is_lt(),
            Relation::LessOrEqual => order.is_le(),
            Relation::Greater => order.is_gt(),
            Relation::GreaterOrEqual => order.is_ge(),
        }
    }
}

impl Arithmetic {
    fn evaluate<'a>(
        &'a self,
        operator: Operator,
        row: &[Id],
        context: &'a dyn Context,
    ) -> Option<Value<'a>> {
        let a = self.operands[0].datum(row, context)?;
        let Some(second) = self.operands.get(1) else {
            let Some(number) = a.meaning().number() else {
                return Some(self.otherwise.call(vec![a.term()])?.into());
            };
            return match operator {
                Operator::Minus => number.negate(),
                _ => Some(number),
            }
            .map(Value::from);
        };
        let b = second.datum(row, context)?;
        let (Some(x), Some(y)) = (a.meaning().number(), b.meaning().number()) else {
            let found = self.otherwise.call(vec![a.term(), b.term()])?;
            return Some(found.into());
        };
        let result = match operator {
            Operator::Add => x.add(y),
            Operator::Subtract => x.subtract(y),
            Operator::Multiply => x.multiply(y),
            _ => x.divide(y),
        };
        result.map(Value::from)
    }
}

impl From<Term> for Datum<'_> {
    fn from(term: Term) -> Self {
        Datum::of(&term)
    }
}

impl From<Term> for Value<'_> {
    fn from(term: Term) -> Self {
        Value::Datum(term.into())
    }
}

#[cfg(test)]
mod tests;
