//! From the syntax tree to a pattern over slots.

mod triples;

use super::aggregate::Aggregate;
use super::expression::{self, Expr, Subplan};
use super::ids::{Id, Terms};
use super::pattern::{Direction, In, Kind, Part, Pattern};
use super::plan::Bound;
use crate::{Error, Result};
use oxrdf::{Term, Variable};
use spargebra::algebra::{AggregateExpression, Expression, GraphPattern, OrderExpression};
use spargebra::term::{GroundTerm, NamedNodePattern};
use std::collections::HashMap;

/// How deep a query may nest: the walks over it recurse.
const DEPTH: usize = 128;

/// How many patterns and groups a query may have: each is a frame or two of the evaluation's stack.
const PATTERNS: usize = 512;

/// Which slot a name stands for, in one scope.
type Scope = HashMap<String, usize>;

/// Translates the parts of one query.
pub(super) struct Translator<'t, 'a> {
    terms: &'t Terms<'a>,
    /// The name of each slot; what the query does not name has a name with a dot.
    pub(super) names: Vec<String>,
    /// Patterns of `EXISTS`, and what the solutions that they are asked for bind.
    pub(super) exists: Vec<(Pattern, Bound)>,
    scope: Scope,
    /// Variables that stand for a term wherever they are read.
    bound: HashMap<String, Term>,
    place: In,
    /// What solutions bind that an expression is evaluated on.
    around: Bound,
    depth: usize,
    patterns: usize,
}

impl<'t, 'a> Translator<'t, 'a> {
    /// A translator of a query whose variables `bound` have these values.
    pub(super) fn new(terms: &'t Terms<'a>, bound: &[(String, Term)]) -> Self {
        Self {
            terms,
            bound: bound.iter().cloned().collect(),
            names: Vec::new(),
            exists: Vec::new(),
            scope: Scope::new(),
            place: In::Default,
            around: Bound::default(),
            depth: 0,
            patterns: 0,
        }
    }

    /// The slot of a variable in the present scope.
    pub(super) fn variable(&mut self, variable: &Variable) -> usize {
        self.named(variable.as_str().to_owned())
    }

    fn named(&mut self, name: String) -> usize {
        if let Some(&slot) = self.scope.get(&name) {
            return slot;
        }
        let slot = self.fresh(&name);
        self.scope.insert(name, slot);
        slot
    }

    fn fresh(&mut self, name: &str) -> usize {
        self.names.push(name.to_owned());
        self.names.len() - 1
    }

    pub(super) fn pattern(&mut self, pattern: &GraphPattern) -> Result<Pattern> {
        self.depth += 1;
        self.patterns += 1;
        if let GraphPattern::Bgp { patterns } = pattern {
            self.patterns += patterns.len();
        }
        if self.patterns > PATTERNS {
            return Err(
                Error::budget("the query has too many patterns").hint(format!(
                    "at most {PATTERNS} patterns and groups in one query"
                )),
            );
        }
        if self.depth > DEPTH {
            return Err(Error::budget("the query nests too deep")
                .hint(format!("at most {DEPTH} levels of groups and subqueries")));
        }
        let translated = self.kind(pattern);
        self.depth -= 1;
        translated
    }

    fn kind(&mut self, pattern: &GraphPattern) -> Result<Pattern> {
        Ok(Pattern::new(match pattern {
            GraphPattern::Bgp { patterns } => return self.triples(patterns),
            GraphPattern::Path {
                subject,
                path,
                object,
            } => {
                let ends = [self.part(subject), self.part(object)];
                return Ok(self.path(ends, path));
            }
            GraphPattern::Join { left, right } => {
                let mut list = Vec::new();
                let mut open = vec![&**right, &**left];
                while let Some(side) = open.pop() {
                    match side {
                        GraphPattern::Join { left, right } => open.extend([&**right, &**left]),
                        one => list.push(self.pattern(one)?),
                    }
                }
                Kind::Join(list)
            }
            GraphPattern::LeftJoin {
                left,
                right,
                expression,
            } => {
                let left = self.pattern(left)?;
                let right = self.pattern(right)?;
                let both = Bound::default().with(&left).with(&right);
                let tests = expression.iter().map(|e| self.tests(e, &both));
                let tests = tests.collect::<Result<Vec<_>>>()?.concat();
                Kind::Optional(left.into(), right.into(), tests)
            }
            GraphPattern::Lateral { left, right } => {
                let left = self.pattern(left)?;
                let outer = self.enter(&Bound::of(&left));
                let right = self.pattern(right);
                self.around = outer;
                Kind::Lateral(left.into(), right?.into())
            }
            GraphPattern::Filter { expr, inner } => {
                let inner = self.pattern(inner)?;
                let tests = self.tests(expr, &Bound::of(&inner))?;
                Kind::Filter(inner.into(), tests)
            }
            GraphPattern::Union { left, right } => {
                let mut list = Vec::new();
                // A chain of unions is one union.
                let mut open = vec![&**right, &**left];
                while let Some(side) = open.pop() {
                    match side {
                        GraphPattern::Union { left, right } => open.extend([&**right, &**left]),
                        one => list.push(self.pattern(one)?),
                    }
                }
                Kind::Union(list)
            }
            GraphPattern::Graph { name, inner } => return self.graph(name, inner),
            GraphPattern::Extend {
                inner,
                variable,
                expression,
            } => {
                let inner = self.pattern(inner)?;
                let value = self.expression(expression, &Bound::of(&inner))?;
                Kind::Bind(inner.into(), self.variable(variable), value)
            }
            GraphPattern::Minus { left, right } => {
                Kind::Minus(self.pattern(left)?.into(), self.pattern(right)?.into())
            }
            GraphPattern::Values {
                variables,
                bindings,
            } => Kind::Values {
                slots: variables.iter().map(|v| self.variable(v)).collect(),
                rows: bindings.iter().map(|row| self.constants(row)).collect(),
            },
            GraphPattern::OrderBy { inner, expression } => {
                let inner = self.pattern(inner)?;
                let bound = Bound::of(&inner);
                let keys = expression.iter().map(|key| self.order(key, &bound));
                Kind::Order {
                    keys: keys.collect::<Result<_>>()?,
                    inner: inner.into(),
                }
            }
            GraphPattern::Project { inner, variables } => {
                return self.project(inner, variables);
            }
            GraphPattern::Distinct { inner } => self.distinct(inner)?,
            // `REDUCED` permits to leave out repetitions, and does not ask for it.
            GraphPattern::Reduced { inner } => return self.pattern(inner),
            GraphPattern::Slice {
                inner,
                start,
                length,
            } => Kind::Slice {
                inner: self.pattern(inner)?.into(),
                start: *start,
                length: *length,
            },
            GraphPattern::Group {
                inner,
                variables,
                aggregates,
            } => self.group(inner, variables, aggregates)?,
            // A service that fails silently gives one solution without bindings (SPARQL 1.1 Federated Query §2.3).
            GraphPattern::Service { silent: true, .. } => return Ok(Pattern::once()),
            GraphPattern::Service { name, .. } => {
                return Err(Error::input(format!("`SERVICE {name}` is not allowed"))
                    .hint("import the data of the other endpoint: `kenning load FILE`"));
            }
        }))
    }

    fn graph(&mut self, name: &NamedNodePattern, inner: &GraphPattern) -> Result<Pattern> {
        let name = self.name(name);
        let outer = std::mem::replace(&mut self.place, In::Graph(name.clone()));
        let inner = self.pattern(inner);
        self.place = outer;
        let inner = inner?;
        Ok(match name {
            Part::Var(slot) if !binds_its_graph(&inner, slot) => {
                Pattern::new(Kind::EachGraph(slot, inner.into()))
            }
            _ => inner,
        })
    }

    fn project(&mut self, inner: &GraphPattern, variables: &[Variable]) -> Result<Pattern> {
        let columns: Vec<usize> = variables.iter().map(|v| self.variable(v)).collect();
        let names = variables.iter().map(|v| v.as_str().to_owned());
        let inner_scope = names.zip(columns.iter().copied()).collect();
        let outer = std::mem::replace(&mut self.scope, inner_scope);
        let inner = self.pattern(inner);
        self.scope = outer;
        Ok(Pattern::new(Kind::Project(inner?.into(), columns)))
    }

    fn distinct(&mut self, inner: &GraphPattern) -> Result<Kind> {
        let inner = self.pattern(inner)?;
        let columns = inner.vars.iter().collect();
        Ok(Kind::Distinct(inner.into(), columns))
    }

    fn group(
        &mut self,
        inner: &GraphPattern,
        variables: &[Variable],
        aggregates: &[(Variable, AggregateExpression)],
    ) -> Result<Kind> {
        let inner = self.pattern(inner)?;
        let keys = variables.iter().map(|v| self.variable(v)).collect();
        let mut computed = Vec::new();
        for (variable, aggregate) in aggregates {
            // Blank nodes and the middles of paths are no variables.
            let is_named = |slot: &usize| !self.names[*slot].starts_with(['_', '.']);
            let visible: Vec<usize> = inner.vars.iter().filter(is_named).collect();
            let outer = self.enter(&Bound::of(&inner));
            let compiled = Aggregate::compile(aggregate, &visible, self);
            self.around = outer;
            computed.push((self.variable(variable), compiled?));
        }
        Ok(Kind::Group {
            inner: inner.into(),
            keys,
            aggregates: computed,
        })
    }

    fn order(&mut self, key: &OrderExpression, bound: &Bound) -> Result<(Expr, Direction)> {
        let (expression, direction) = match key {
            OrderExpression::Asc(expression) => (expression, Direction::Ascending),
            OrderExpression::Desc(expression) => (expression, Direction::Descending),
        };
        Ok((self.expression(expression, bound)?, direction))
    }

    /// The conditions that `&&` joins, each by itself: so each is tested as early as it can be.
    fn tests(&mut self, expression: &Expression, bound: &Bound) -> Result<Vec<Expr>> {
        let mut tests = Vec::new();
        let mut left = vec![expression];
        while let Some(expression) = left.pop() {
            match expression {
                Expression::And(one, other) => left.extend([other, one].map(|e| &**e)),
                one => tests.push(self.expression(one, bound)?),
            }
        }
        Ok(tests)
    }

    fn expression(&mut self, expression: &Expression, bound: &Bound) -> Result<Expr> {
        let outer = self.enter(bound);
        let compiled = Expr::compile(expression, self);
        self.around = outer;
        compiled
    }

    /// What is bound from here on, in an `EXISTS` besides what is bound around it; gives back what was.
    fn enter(&mut self, bound: &Bound) -> Bound {
        let here = Bound {
            certain: self.around.certain.with(&bound.certain),
            possible: self.around.possible.with(&bound.possible),
        };
        std::mem::replace(&mut self.around, here)
    }

    fn constants(&mut self, row: &[Option<GroundTerm>]) -> Vec<Id> {
        let id = |term: &Option<GroundTerm>| match term {
            None => Id::UNBOUND,
            Some(term) => self.terms.id(&term.clone().into()),
        };
        row.iter().map(id).collect()
    }
}

impl expression::Scope for Translator<'_, '_> {
    fn slot(&mut self, variable: &Variable) -> usize {
        self.variable(variable)
    }

    fn constant(&self, variable: &Variable) -> Option<Term> {
        self.bound.get(variable.as_str()).cloned()
    }

    fn exists(&mut self, pattern: &GraphPattern) -> Result<Subplan> {
        let pattern = self.pattern(pattern)?;
        let slots = pattern.vars.iter().collect();
        self.exists.push((pattern, self.around.clone()));
        Ok(Subplan {
            number: self.exists.len() - 1,
            slots,
        })
    }
}

/// Whether every solution binds the variable of the graph that the pattern stands in, one graph at a time.
fn binds_its_graph(pattern: &Pattern, slot: usize) -> bool {
    match &pattern.kind {
        Kind::Triple { place, .. } => *place == In::Graph(Part::Var(slot)),
        Kind::Graphs(name) => *name == Part::Var(slot),
        Kind::Join(list) => !list.is_empty() && list.iter().all(|p| binds_its_graph(p, slot)),
        Kind::Filter(inner, tests) => {
            binds_its_graph(inner, slot) && tests.iter().all(|test| !test.asks_patterns())
        }
        _ => false,
    }
}
