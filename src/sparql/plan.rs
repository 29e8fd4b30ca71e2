//! In which order a pattern is matched: joins by the statistics of the graph, tests as early as they can be.
//!
//! A plan is a tree of nodes that each take a row and hand on every extension of it. Joins are walks through the indexes
//! with what is bound so far; what must be evaluated by itself (subqueries with modifiers, the right side of `MINUS`)
//! becomes a table that rows are matched against.

mod group;
mod table;

use super::aggregate::Aggregate;
use super::alias::{Alias, aliases};
use super::computed::Computation;
use super::estimate::Estimator;
use super::expression::Expr;
use super::ids::Id;
use super::paths::Path;
use super::pattern::{Direction, In, Kind, Part, Pattern, Slots};
use group::{Group, Later, Step};
use std::cell::Cell;
use table::Around;
pub(super) use table::Table;

/// A step of a plan.
pub(super) struct Node {
    pub(super) op: Op,
    /// Rows expected for each row taken.
    pub(super) estimate: f64,
    /// Rows handed on so far.
    pub(super) rows: Cell<u64>,
}

pub(super) enum Op {
    Triple {
        parts: [Part; 3],
        place: In,
    },
    Path {
        ends: [Part; 2],
        path: Path,
        place: In,
    },
    Computed(Computation),
    Graphs(Part),
    Values {
        slots: Vec<usize>,
        rows: Vec<Vec<Id>>,
    },
    Sequence(Vec<Node>),
    Union(Vec<Node>),
    Optional(Box<Node>),
    Bind(usize, Expr),
    Test(Vec<Expr>),
    Table(Table),
    Without(Table),
    Group {
        inner: Box<Node>,
        keys: Vec<usize>,
        aggregates: Vec<(usize, Aggregate)>,
    },
    Distinct(Box<Node>, Vec<usize>),
    Order {
        inner: Box<Node>,
        keys: Vec<(Expr, Direction)>,
        columns: Vec<usize>,
        most: Option<usize>,
    },
    Slice {
        inner: Box<Node>,
        start: usize,
        length: Option<usize>,
    },
    /// The number of triples that match, from the indexes.
    Count {
        parts: [Part; 3],
        slot: usize,
    },
}

/// What a node finds in a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Bound {
    /// Always bound.
    pub(super) certain: Slots,
    /// Bound at times.
    pub(super) possible: Slots,
}

impl Bound {
    /// What the solutions of a pattern bind.
    pub(super) fn of(pattern: &Pattern) -> Self {
        Self::default().with(pattern)
    }

    pub(super) fn with(&self, pattern: &Pattern) -> Self {
        Self {
            certain: self.certain.with(&pattern.certain),
            possible: self.possible.with(&pattern.vars),
        }
    }
}

/// Plans the patterns of one query.
pub(super) struct Planner<'e, 'a> {
    pub(super) estimator: &'e Estimator<'e, 'a>,
    tables: usize,
    /// The number of slots of a row.
    pub(super) slots: usize,
    graph: Option<usize>,
    around: Around,
}

impl<'e, 'a> Planner<'e, 'a> {
    /// A planner of a query with so many slots.
    pub(super) fn new(estimator: &'e Estimator<'e, 'a>, slots: usize) -> Self {
        Self {
            estimator,
            slots,
            tables: 0,
            graph: None,
            around: Around::default(),
        }
    }

    /// The plan of a pattern for rows that bind what `bound` says.
    pub(super) fn plan(&mut self, pattern: Pattern, bound: &Bound) -> Node {
        match pattern.kind {
            Kind::Join(_)
            | Kind::Filter(..)
            | Kind::Optional(..)
            | Kind::Bind(..)
            | Kind::Minus(..)
            | Kind::Lateral(..) => self.group(Group::of(pattern, &self.around.fixed()), bound),
            _ => self.item(pattern, bound),
        }
    }

    /// Joins of a group in a good order, with each test as early as its variables are bound.
    fn group(&mut self, group: Group, bound: &Bound) -> Node {
        let Group {
            mut items,
            mut tests,
            later,
            ..
        } = group;
        let mut aliases = aliases(&mut items, &mut tests, bound, self.estimator);
        let mut steps = Vec::new();
        let mut bound = bound.clone();
        let mut rows = 1.0;
        ready_aliases(&mut aliases, &mut bound, &mut steps);
        self.ready_tests(&mut tests, &bound, &mut steps, &mut rows);
        for item in self.estimator.order(items, &bound.certain) {
            let after = bound.with(&item);
            let node = self.plan_joined(item, &bound);
            rows *= node.estimate;
            steps.push(node);
            bound = after;
            ready_aliases(&mut aliases, &mut bound, &mut steps);
            self.ready_tests(&mut tests, &bound, &mut steps, &mut rows);
        }
        for later in later {
            let node = self.step(later, &mut bound);
            rows *= node.estimate;
            steps.push(node);
        }
        if !tests.is_empty() {
            steps.push(node(Op::Test(tests), 0.5));
        }
        match steps.len() {
            1 => steps.remove(0),
            _ => node(Op::Sequence(steps), rows),
        }
    }

    fn ready_tests(
        &self,
        tests: &mut Vec<Expr>,
        bound: &Bound,
        steps: &mut Vec<Node>,
        rows: &mut f64,
    ) {
        let (ready, waiting) = std::mem::take(tests)
            .into_iter()
            .partition(|test| test.slots().is_within(&bound.certain));
        *tests = waiting;
        let ready: Vec<Expr> = ready;
        if !ready.is_empty() {
            let share = 0.4f64.powi(ready.len() as i32);
            *rows *= share;
            steps.push(node(Op::Test(ready), share));
        }
    }

    fn step(&mut self, later: Later, bound: &mut Bound) -> Node {
        match later.step {
            Step::Test(test) => node(Op::Test(vec![test]), 0.4),
            Step::Bind(slot, value) => {
                bound.possible.insert(slot);
                if value.always_has_value(&bound.certain) {
                    bound.certain.insert(slot);
                }
                node(Op::Bind(slot, value), 1.0)
            }
            Step::Optional(right, tests) => {
                // What only the right side binds is no outer value to it; the tests of `OPTIONAL` see both sides.
                let inside = Bound {
                    certain: bound.certain.clone(),
                    possible: later.certain.with(&bound.possible),
                };
                bound.possible.add(&right.vars);
                let right = self.optional(right, tests, &inside);
                let estimate = right.estimate.max(1.0);
                node(Op::Optional(right.into()), estimate)
            }
            // Without a variable in common nothing is taken away.
            Step::Minus(right) if right.vars.common(&bound.possible).is_empty() => {
                node(Op::Sequence(Vec::new()), 1.0)
            }
            Step::Minus(right) => {
                let table = self.table(right, bound);
                node(Op::Without(table), 0.8)
            }
            Step::Lateral(right) => {
                let after = bound.with(&right);
                let around = std::mem::replace(bound, after);
                self.substituted(right, around)
            }
        }
    }

    fn optional(&mut self, right: Pattern, tests: Vec<Expr>, bound: &Bound) -> Node {
        if tests.is_empty() {
            return self.plan_joined(right, bound);
        }
        let certain = bound.certain.with(&right.certain);
        let all_early = tests.iter().all(|test| test.slots().is_within(&certain));
        if all_early && right.takes_bindings(&self.beside(bound)) {
            let mut group = Group::of(right, &self.around.fixed());
            group.certain.add(&bound.certain);
            group.tests.extend(tests);
            return self.group(group, bound);
        }
        let right = self.plan_joined(right, bound);
        let estimate = right.estimate * 0.5;
        node(
            Op::Sequence(vec![right, node(Op::Test(tests), 0.5)]),
            estimate,
        )
    }

    fn item(&mut self, pattern: Pattern, bound: &Bound) -> Node {
        let estimate = self.estimator.rows(&pattern, &bound.certain);
        let op = match pattern.kind {
            Kind::Triple { parts, place } => Op::Triple { parts, place },
            Kind::Path { ends, path, place } => Op::Path { ends, path, place },
            Kind::Computed(asked) => Op::Computed(asked),
            Kind::Graphs(name) => Op::Graphs(name),
            Kind::Values { slots, rows } => Op::Values { slots, rows },
            Kind::Union(list) => Op::Union(list.into_iter().map(|p| self.plan(p, bound)).collect()),
            Kind::EachGraph(slot, inner) => return self.each_graph(slot, *inner, bound),
            Kind::Project(inner, _) => return self.plan_joined(*inner, bound),
            _ => return self.alone(pattern),
        };
        node(op, estimate)
    }

    fn each_graph(&mut self, slot: usize, inner: Pattern, bound: &Bound) -> Node {
        let names = Pattern::new(Kind::Graphs(Part::Var(slot)));
        let mut with_name = bound.with(&names);
        with_name.possible.insert(slot);
        let names = self.item(names, bound);
        let outer = self.graph.replace(slot);
        let inner = self.plan_joined(inner, &with_name);
        self.graph = outer;
        let estimate = names.estimate * inner.estimate;
        node(Op::Sequence(vec![names, inner]), estimate)
    }

    /// The plan of a pattern that is evaluated by itself.
    fn alone(&mut self, pattern: Pattern) -> Node {
        let bound = self.outside();
        let estimate = self.estimator.rows(&pattern, &bound.certain);
        let op = match pattern.kind {
            Kind::Project(inner, _) => return self.plan(*inner, &bound),
            Kind::Group {
                inner,
                keys,
                aggregates,
            } => match self.estimator.counts(&inner, &keys, &aggregates) {
                Some((parts, slot)) => Op::Count { parts, slot },
                None => Op::Group {
                    inner: self.plan(*inner, &bound).into(),
                    keys,
                    aggregates,
                },
            },
            Kind::Distinct(inner, columns) => {
                Op::Distinct(self.plan(*inner, &bound).into(), columns)
            }
            Kind::Order { inner, keys } => self.ordered(*inner, keys, None),
            Kind::Slice {
                inner,
                start,
                length,
            } => Op::Slice {
                inner: self
                    .first(*inner, length.map(|l| l.saturating_add(start)))
                    .into(),
                start,
                length,
            },
            _ => return self.plan(pattern, &bound),
        };
        node(op, estimate)
    }

    /// A pattern of which only the first `most` solutions are wanted.
    fn first(&mut self, pattern: Pattern, most: Option<usize>) -> Node {
        match pattern.kind {
            Kind::Order { inner, keys } => {
                let estimate = self.estimator.rows(&inner, &Slots::default());
                node(self.ordered(*inner, keys, most), estimate)
            }
            Kind::Project(inner, _) => self.first(*inner, most),
            _ => self.alone(pattern),
        }
    }

    fn ordered(&mut self, inner: Pattern, keys: Vec<(Expr, Direction)>, most: Option<usize>) -> Op {
        let columns = inner.vars.iter().collect();
        Op::Order {
            inner: self.alone(inner).into(),
            keys,
            columns,
            most,
        }
    }
}

/// Gives names that stand for others their values as soon as those have one.
fn ready_aliases(aliases: &mut Vec<Alias>, bound: &mut Bound, steps: &mut Vec<Node>) {
    aliases.retain(|alias| {
        let ready = bound.certain.contains(alias.of);
        if ready {
            let value = Expr::Variable(alias.of);
            steps.push(node(Op::Bind(alias.name, value), 1.0));
            bound.certain.insert(alias.name);
            bound.possible.insert(alias.name);
        }
        !ready
    });
}

pub(super) fn node(op: Op, estimate: f64) -> Node {
    Node {
        op,
        estimate,
        rows: Cell::new(0),
    }
}
