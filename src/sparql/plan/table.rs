//! What is matched with the bindings of a row, and what becomes a table that rows are matched against; what a pattern
//! sees of the row around it.

use super::{Bound, Node, Op, Planner, node};
use crate::sparql::expression::Expr;
use crate::sparql::pattern::{Pattern, Slots};

/// Solutions that are worked out once, and which of a row's variables they are found by.
pub(in crate::sparql) struct Table {
    pub(in crate::sparql) number: usize,
    pub(in crate::sparql) inner: Box<Node>,
    pub(in crate::sparql) columns: Vec<usize>,
    /// Variables that a row and each solution bind; solutions are found by their values.
    pub(in crate::sparql) keys: Vec<usize>,
    /// The variable of the graph that the solutions are for, if they are for one.
    pub(in crate::sparql) graph: Option<usize>,
    /// What the solutions are for, of the row around the pattern that they are part of.
    pub(in crate::sparql) seeds: Vec<Seed>,
}

/// A value that is taken over from a row.
pub(in crate::sparql) struct Seed {
    pub(in crate::sparql) from: usize,
    pub(in crate::sparql) to: usize,
}

/// The row around the pattern of an `EXISTS` or the right side of `LATERAL`: its values stand for its variables in all of
/// the pattern (SPARQL 1.1 §18.6, `substitute`).
#[derive(Default)]
pub(super) struct Around {
    bound: Bound,
    /// The variables whose values are there: all that the pattern mentions, and in a table those it is for.
    seeds: Slots,
    /// Slots that keep the values of variables, which the pattern itself may bind where the row does not.
    kept: Vec<Seed>,
}

impl Around {
    /// Variables that have their value from the row whatever stands beside them.
    pub(super) fn fixed(&self) -> Slots {
        self.seeds.common(&self.bound.certain)
    }
}

impl Planner<'_, '_> {
    /// The plan of the pattern of an `EXISTS` for rows that bind what `around` says.
    pub(in crate::sparql) fn exists(&mut self, pattern: Pattern, around: Bound) -> Node {
        match pattern.vars.common(&around.possible).is_empty() {
            true => self.asked_once(pattern),
            false => self.substituted(pattern, around),
        }
    }

    /// What is the same for every row, as a table of one solution or none.
    fn asked_once(&mut self, pattern: Pattern) -> Node {
        let inner = self.plan(pattern, &Bound::default());
        let first = Op::Slice {
            inner: inner.into(),
            start: 0,
            length: Some(1),
        };
        let table = Table {
            number: self.number(),
            inner: node(first, 1.0).into(),
            columns: Vec::new(),
            keys: Vec::new(),
            graph: None,
            seeds: Vec::new(),
        };
        node(Op::Table(table), 1.0)
    }

    /// The plan of a pattern in which the values of the row around it stand for its variables.
    pub(super) fn substituted(&mut self, pattern: Pattern, around: Bound) -> Node {
        let here = Around {
            seeds: around.possible.common(&pattern.vars),
            bound: around,
            kept: Vec::new(),
        };
        let outer = std::mem::replace(&mut self.around, here);
        let bound = self.outside();
        let plan = self.plan(pattern, &bound);
        let kept = std::mem::replace(&mut self.around, outer).kept;
        if kept.is_empty() {
            return plan;
        }
        let keep = |seed: Seed| node(Op::Bind(seed.to, Expr::Variable(seed.from)), 1.0);
        let estimate = plan.estimate;
        let steps = kept.into_iter().map(keep).chain([plan]);
        node(Op::Sequence(steps.collect()), estimate)
    }

    /// The plan of a pattern that is joined with rows: by what they bind where that is right, else as a table.
    pub(super) fn plan_joined(&mut self, pattern: Pattern, bound: &Bound) -> Node {
        let beside = self.beside(bound);
        let first = beside.is_within(&self.graph.into_iter().collect());
        // Where only a test connects it with the row, many rows are for one table.
        let apart =
            !self.read_by(&pattern).is_empty() && pattern.certain.common(&bound.certain).is_empty();
        match !apart && (first || pattern.takes_bindings(&beside)) {
            true => self.plan(pattern, bound),
            false => {
                let estimate = self.estimator.rows(&pattern, &bound.certain);
                let table = self.table(pattern, bound);
                node(Op::Table(table), estimate)
            }
        }
    }

    /// What may be bound by what stands beside a pattern, and is no value to it by itself.
    pub(super) fn beside(&self, bound: &Bound) -> Slots {
        bound.possible.without(&self.around.fixed())
    }

    pub(super) fn table(&mut self, pattern: Pattern, bound: &Bound) -> Table {
        let columns = pattern.vars.iter().collect();
        let keys = pattern.certain.common(&bound.certain);
        let mut seeds = self.read_by(&pattern);
        if !seeds.is_empty() {
            // It is worked out again and again: with all that it is joined by it is found through an index each time.
            seeds.add(&keys.common(&self.around.fixed()));
        }
        let taken = self.taken(&seeds);
        let outer = std::mem::replace(&mut self.around.seeds, seeds);
        let (number, outside) = (self.number(), self.outside());
        let inner = self.plan(pattern, &outside).into();
        self.around.seeds = outer;
        Table {
            number,
            inner,
            columns,
            keys: keys.iter().collect(),
            graph: self.graph,
            seeds: taken,
        }
    }

    fn number(&mut self) -> usize {
        self.tables += 1;
        self.tables - 1
    }

    /// Variables of the row around it that a pattern has other solutions for.
    fn read_by(&self, pattern: &Pattern) -> Slots {
        pattern.reads().common(&self.around.seeds)
    }

    /// Where a table finds the values of its seeds. A variable that is not always bound around the pattern may be bound by
    /// what stands beside the table: its value outside is kept.
    fn taken(&mut self, seeds: &Slots) -> Vec<Seed> {
        let mut taken = Vec::new();
        let graph = self.graph;
        for to in seeds.iter().filter(|slot| Some(*slot) != graph) {
            if self.around.bound.certain.contains(to) {
                taken.push(Seed { from: to, to });
                continue;
            }
            let from = self.kept(to);
            // Tables inside take it from there too.
            taken.extend([Seed { from, to }, Seed { from, to: from }]);
        }
        taken
    }

    fn kept(&mut self, slot: usize) -> usize {
        let known = self.around.kept.iter().find(|seed| seed.from == slot);
        if let Some(seed) = known {
            return seed.to;
        }
        let to = self.slots;
        self.slots += 1;
        self.around.kept.push(Seed { from: slot, to });
        to
    }

    /// What is bound where a pattern is evaluated by itself.
    pub(super) fn outside(&self) -> Bound {
        let graph: Slots = self.graph.into_iter().collect();
        Bound {
            certain: self.around.fixed().with(&graph),
            possible: self.around.seeds.with(&graph),
        }
    }
}
