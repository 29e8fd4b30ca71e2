//! What is rare, and so left to the general evaluator.

use super::super::expression::{Context, Expr, Operator};
use super::super::ids::Id;
use oxrdf::{Term, Variable};
use spareval::QueryEvaluator;
use spargebra::algebra::Function;
use sparopt::algebra::Expression;

/// What the general evaluator does, with the values of the arguments in place of its variables.
#[derive(Clone, Debug)]
pub(in super::super) struct Library {
    expression: Expression,
    variables: Vec<Variable>,
    arguments: Vec<Expr>,
}

impl Library {
    /// A function of these arguments.
    pub(super) fn function_call(function: &Function, arguments: Vec<Expr>) -> Self {
        let library = Self::of(function, arguments.len());
        Self {
            arguments,
            ..library
        }
    }

    /// A function whose arguments come with [`Library::call`].
    pub(super) fn of(function: &Function, arguments: usize) -> Self {
        let variables = variables(arguments);
        let operands = variables.iter().cloned().map(Expression::Variable);
        Self {
            expression: Expression::FunctionCall(function.clone(), operands.collect()),
            variables,
            arguments: Vec::new(),
        }
    }

    /// An operator on what is no number; its operands come with [`Library::call`].
    pub(in super::super) fn operator(operator: Operator) -> Self {
        let variables = variables(2);
        let a = Box::new(Expression::Variable(variables[0].clone()));
        let b = Box::new(Expression::Variable(variables[1].clone()));
        let expression = match operator {
            Operator::Add => Expression::Add(a, b),
            Operator::Subtract => Expression::Subtract(a, b),
            Operator::Multiply => Expression::Multiply(a, b),
            Operator::Divide => Expression::Divide(a, b),
            Operator::Plus => Expression::UnaryPlus(a),
            Operator::Minus => Expression::UnaryMinus(a),
        };
        Self {
            expression,
            variables,
            arguments: Vec::new(),
        }
    }

    /// The expressions of its arguments.
    pub(in super::super) fn arguments(&self) -> &[Expr] {
        &self.arguments
    }

    /// The value for a row.
    pub(in super::super) fn evaluate(&self, row: &[Id], context: &dyn Context) -> Option<Term> {
        let terms = self.arguments.iter().map(|argument| {
            let datum = argument.datum(row, context)?;
            Some(datum.term())
        });
        self.call(terms.collect::<Option<_>>()?)
    }

    /// The value for these arguments.
    pub(in super::super) fn call(&self, arguments: Vec<Term>) -> Option<Term> {
        let values = self.variables.iter().zip(arguments);
        QueryEvaluator::new().evaluate_expression(&self.expression, values)
    }
}

fn variables(count: usize) -> Vec<Variable> {
    (0..count)
        .map(|n| Variable::new_unchecked(format!("a{n}")))
        .collect()
}
