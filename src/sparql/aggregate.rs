//! Aggregates (SPARQL 1.1 §18.5.1): one accumulator for each group.

use super::expression::{Context, Expr, Scope};
use super::functions::Joined;
use super::ids::{Id, Terms};
use super::value::{Datum, Number, Value, rank};
use crate::{Error, Result};
use oxsdatatypes::Integer;
use rustc_hash::FxHashSet;
use spargebra::algebra::{AggregateExpression, AggregateFunction};
use std::cmp::Ordering;
use std::mem::size_of;

/// A compiled aggregate.
#[derive(Clone, Debug)]
pub(super) struct Aggregate {
    of: Operand,
    function: AggregateFunction,
    repeats: Repeats,
}

/// What is aggregated.
#[derive(Clone, Debug)]
enum Operand {
    /// Solutions: the slots that make one up.
    Solutions(Vec<usize>),
    Value(Expr),
}

/// What happens to values that came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeats {
    Counted,
    Dropped,
}

impl Aggregate {
    /// Compiles an aggregate; `visible` are the slots of the variables of the grouped pattern, which
    /// `COUNT(DISTINCT *)` tells solutions apart by.
    ///
    /// # Errors
    ///
    /// As [`Expr::compile`], and if there is no such aggregate.
    pub(super) fn compile(
        aggregate: &AggregateExpression,
        visible: &[usize],
        scope: &mut dyn Scope,
    ) -> Result<Self> {
        let (of, function, distinct) = match aggregate {
            AggregateExpression::CountSolutions { distinct } => (
                Operand::Solutions(visible.to_vec()),
                AggregateFunction::Count,
                *distinct,
            ),
            AggregateExpression::FunctionCall {
                name,
                expr,
                distinct,
            } => (
                Operand::Value(Expr::compile(expr, scope)?),
                name.clone(),
                *distinct,
            ),
        };
        if let AggregateFunction::Custom(name) = &function {
            return Err(Error::input(format!("there is no aggregate {name}"))
                .hint("use one of SPARQL: COUNT, SUM, AVG, MIN, MAX, SAMPLE, GROUP_CONCAT"));
        }
        let repeats = match distinct {
            true => Repeats::Dropped,
            false => Repeats::Counted,
        };
        Ok(Self {
            of,
            function,
            repeats,
        })
    }

    /// Whether it counts, and so has a value for every group.
    pub(super) fn is_count(&self) -> bool {
        matches!(self.function, AggregateFunction::Count)
    }

    /// Whether it is the number of rows, where every row binds `slots`.
    pub(super) fn counts_rows_that_bind(&self, slots: &[usize]) -> bool {
        let all = match &self.of {
            Operand::Solutions(_) => true,
            Operand::Value(Expr::Variable(slot)) => slots.contains(slot),
            Operand::Value(_) => false,
        };
        self.is_count() && all && self.repeats == Repeats::Counted
    }

    /// Whether its accumulators grow with the rows that they take.
    pub(super) fn grows(&self) -> bool {
        use AggregateFunction::{Avg, Count, Sum};
        self.repeats == Repeats::Dropped || !matches!(self.function, Count | Sum | Avg)
    }

    /// An accumulator for a new group.
    pub(super) fn start(&self) -> Accumulator<'_> {
        Accumulator {
            aggregate: self,
            seen: FxHashSet::default(),
            rows: FxHashSet::default(),
            state: State::new(&self.function),
        }
    }
}

/// An aggregate over the rows of one group so far.
#[derive(Debug)]
pub(super) struct Accumulator<'e> {
    aggregate: &'e Aggregate,
    seen: FxHashSet<Id>,
    rows: FxHashSet<Box<[Id]>>,
    state: State,
}

#[derive(Debug)]
enum State {
    Count(i64),
    Sum(Number),
    Average {
        sum: Number,
        count: i64,
    },
    Extreme(Ordering, Option<Extreme>),
    Sample(Option<Value<'static>>),
    Concat(Joined),
    /// One of the values was an error, and so is the whole.
    Failed,
}

/// The least or greatest value so far, and what it holds.
#[derive(Debug)]
struct Extreme {
    value: Value<'static>,
    datum: Datum<'static>,
}

impl State {
    fn new(function: &AggregateFunction) -> Self {
        let zero = Number::Integer(Integer::from(0));
        match function {
            AggregateFunction::Count => State::Count(0),
            AggregateFunction::Sum => State::Sum(zero),
            AggregateFunction::Avg => State::Average {
                sum: zero,
                count: 0,
            },
            AggregateFunction::Min => State::Extreme(Ordering::Less, None),
            AggregateFunction::Max => State::Extreme(Ordering::Greater, None),
            AggregateFunction::Sample => State::Sample(None),
            AggregateFunction::GroupConcat { .. } => State::Concat(Joined::default()),
            AggregateFunction::Custom(_) => State::Failed,
        }
    }
}

impl Accumulator<'_> {
    /// Takes one more row.
    pub(super) fn add(&mut self, row: &[Id], context: &dyn Context) {
        let aggregate = self.aggregate;
        match &aggregate.of {
            Operand::Solutions(slots) => {
                if aggregate.repeats == Repeats::Counted
                    || self
                        .rows
                        .insert(slots.iter().map(|&slot| row[slot]).collect())
                {
                    self.count();
                }
            }
            Operand::Value(_) if matches!(self.state, State::Failed | State::Sample(Some(_))) => {}
            Operand::Value(expr) => match expr.evaluate(row, context) {
                Some(value) => self.add_value(value, context.terms()),
                // COUNT and SAMPLE pass over errors.
                None if matches!(self.state, State::Count(_) | State::Sample(_)) => {}
                None => self.state = State::Failed,
            },
        }
    }

    /// Bytes that it takes.
    pub(super) fn size(&self) -> usize {
        let rows = match &self.aggregate.of {
            Operand::Solutions(slots) => {
                self.rows.capacity() * size_of::<(Box<[Id]>, u8)>()
                    + self.rows.len() * slots.len() * size_of::<Id>()
            }
            Operand::Value(_) => 0,
        };
        size_of::<Self>() + rows + self.text() + self.seen.capacity() * (size_of::<Id>() + 1)
    }

    /// Bytes of text that it holds.
    pub(super) fn text(&self) -> usize {
        match &self.state {
            State::Concat(joined) => joined.size(),
            State::Extreme(_, Some(extreme)) => extreme.value.size() + extreme.datum.size(),
            State::Sample(Some(value)) => value.size(),
            _ => 0,
        }
    }

    /// The result; `None` if it is an error.
    pub(super) fn finish(self) -> Option<Value<'static>> {
        match self.state {
            State::Count(count) => Some(Number::Integer(count.into()).into()),
            State::Sum(sum) => Some(sum.into()),
            State::Average { sum, count: 0 } => Some(sum.into()),
            State::Average { sum, count } => {
                let average = sum.divide(Number::Integer(count.into()));
                average.map(Value::from)
            }
            State::Extreme(_, extreme) => extreme.map(|extreme| extreme.value),
            State::Sample(value) => value,
            // Whatever tags the values have, the whole is a plain string.
            State::Concat(joined) => Some(Datum::string("", &joined.into_text()).into()),
            State::Failed => None,
        }
    }

    fn count(&mut self) {
        if let State::Count(count) = &mut self.state {
            *count += 1;
        }
    }

    fn add_value(&mut self, mut value: Value<'_>, terms: &Terms<'_>) {
        if self.aggregate.repeats == Repeats::Dropped {
            let id = value.into_id(terms);
            if !self.seen.insert(id) {
                return;
            }
            value = Value::Id(id);
        }
        if self.take(value, terms).is_none() {
            self.state = State::Failed;
        }
    }

    fn take(&mut self, value: Value<'_>, terms: &Terms<'_>) -> Option<()> {
        match &mut self.state {
            State::Count(count) => *count += 1,
            State::Sum(sum) => *sum = sum.add(value.read(terms)?.meaning().number()?)?,
            State::Average { sum, count } => {
                *sum = sum.add(value.read(terms)?.meaning().number()?)?;
                *count += 1;
            }
            State::Extreme(wanted, extreme) => {
                let datum = value.clone().read(terms)?;
                let is_better = extreme
                    .as_ref()
                    .is_none_or(|known| rank(datum.meaning(), known.datum.meaning()) == *wanted);
                if is_better {
                    *extreme = Some(Extreme {
                        datum: datum.into_owned(),
                        value: value.into_owned(),
                    });
                }
            }
            State::Sample(sample) => *sample = Some(value.into_owned()),
            State::Concat(joined) => {
                let AggregateFunction::GroupConcat { separator } = &self.aggregate.function else {
                    return None;
                };
                let separator = separator.as_deref().unwrap_or(" ");
                joined.push(separator, value.read(terms)?.meaning())?;
            }
            State::Failed => {}
        }
        Some(())
    }
}
