//! Evaluation of a plan: each node takes a row, binds what is free, hands the row on, and unbinds it again.
//!
//! *Invariant:* a row comes back from a node as it was given to it.

mod binding;
mod modifiers;
mod searches;
mod tables;

use super::expression::Context;
use super::functions::{Blanks, OwnFunction, Patterns};
use super::ids::{Id, Terms};
use super::meter::Meter;
use super::pattern::{In, Part};
use super::plan::{Node, Op};
use super::scan::{Flow, Halt, Place, Source};
use super::value::Value;
use binding::Free;
use oxiri::Iri;
use oxsdatatypes::DateTime;
use searches::Searches;
use std::cell::RefCell;
use tables::Tables;

/// How much stack is added when it runs short, in bytes.
const STACK: usize = 1 << 21;

/// A row: a value, or none, for each variable of the query.
pub(super) type Row = [Id];

/// Takes every row that a node hands on.
pub(super) type Sink<'f> = dyn FnMut(&mut Row) -> Flow + 'f;

/// One evaluation.
pub(super) struct Run<'r, 'a> {
    pub(super) source: &'r Source<'a>,
    pub(super) meter: &'r Meter,
    pub(super) base: Option<&'r Iri<String>>,
    pub(super) now: DateTime,
    /// Plans of `EXISTS`.
    exists: &'r [Node],
    tables: Tables<'r>,
    searches: Searches<'r>,
    blanks: Blanks,
    patterns: Patterns,
    /// Rows that `EXISTS` may use.
    spare: RefCell<Vec<Vec<Id>>>,
    /// What stopped an evaluation inside an expression, which itself can only have no value.
    halted: RefCell<Option<Halt>>,
}

impl<'r, 'a> Run<'r, 'a> {
    pub(super) fn new(
        source: &'r Source<'a>,
        meter: &'r Meter,
        base: Option<&'r Iri<String>>,
        exists: &'r [Node],
    ) -> Self {
        Self {
            source,
            meter,
            base,
            now: DateTime::now(),
            exists,
            tables: Tables::default(),
            searches: Searches::new(meter.held()),
            blanks: Blanks::default(),
            patterns: Patterns::default(),
            spare: RefCell::default(),
            halted: RefCell::default(),
        }
    }

    pub(super) fn terms(&self) -> &'r Terms<'a> {
        &self.source.terms
    }

    /// Hands every extension of `row` on to `sink`.
    pub(super) fn push(&self, node: &Node, row: &mut Row, sink: &mut Sink<'_>) -> Flow {
        let sink = &mut |row: &mut Row| {
            node.rows.set(node.rows.get() + 1);
            sink(row)
        };
        match &node.op {
            Op::Triple { parts, place } => self.triple(parts, place, row, sink),
            Op::Path { ends, path, place } => {
                let known = ends.each_ref().map(|end| self.value(end, row));
                let place = self.place(place, row);
                if !self.may_walk(path, ends, known, place)? {
                    return Ok(());
                }
                self.walks(path, known, place, &mut |found| {
                    self.meter.tick()?;
                    self.bound(ends, &found, row, sink)
                })
            }
            Op::Computed(asked) => self.search(asked, row, sink),
            Op::Graphs(name) => self.graphs(name, row, sink),
            Op::Values { slots, rows } => {
                for values in rows {
                    self.meter.tick()?;
                    self.joined(slots, values, row, sink)?;
                }
                Ok(())
            }
            Op::Sequence(nodes) => self.sequence(nodes, row, sink),
            Op::Union(nodes) => nodes.iter().try_for_each(|node| self.push(node, row, sink)),
            Op::Optional(right) => {
                let mut found = false;
                self.push(right, row, &mut |row| {
                    found = true;
                    sink(row)
                })?;
                if found { Ok(()) } else { sink(row) }
            }
            Op::Bind(slot, value) => {
                let value = value.evaluate(row, self);
                self.unhalted()?;
                let value = self.id(value)?;
                let before = row[*slot];
                // What the row around an `EXISTS` has, its pattern cannot assign but to the same value.
                if before.is_bound() && value.is_bound() && before != value {
                    return Ok(());
                }
                row[*slot] = if value.is_bound() { value } else { before };
                let flow = sink(row);
                row[*slot] = before;
                flow
            }
            Op::Test(tests) => {
                self.meter.tick()?;
                let passed = tests.iter().all(|test| test.test(row, self));
                self.unhalted()?;
                if passed { sink(row) } else { Ok(()) }
            }
            Op::Table(table) => self.table(table, row, sink),
            Op::Without(table) => match self.has_match(table, row)? {
                true => Ok(()),
                false => sink(row),
            },
            Op::Group {
                inner,
                keys,
                aggregates,
            } => self.group(inner, keys, aggregates, row, sink),
            Op::Distinct(inner, columns) => self.distinct(inner, columns, row, sink),
            Op::Order {
                inner,
                keys,
                columns,
                most,
            } => self.ordered(inner, (keys, *most), columns, row, sink),
            Op::Slice {
                inner,
                start,
                length,
            } => self.slice(inner, *start, *length, row, sink),
            Op::Count { parts, slot } => {
                let pattern = parts.each_ref().map(|part| self.value(part, row));
                let count = self.source.exact_count(pattern, || self.meter.tick())?;
                let count = self.terms().integer(count);
                self.joined(&[*slot], &[count], row, sink)
            }
        }
    }

    fn sequence(&self, nodes: &[Node], row: &mut Row, sink: &mut Sink<'_>) -> Flow {
        match nodes {
            [] => sink(row),
            [last] => self.push(last, row, sink),
            // Each step of a join is one deeper: long joins do not fit the stack of a small thread.
            [first, rest @ ..] => stacker::maybe_grow(STACK / 16, STACK, || {
                self.push(first, row, &mut |row| self.sequence(rest, row, sink))
            }),
        }
    }

    fn triple(&self, parts: &[Part; 3], place: &In, row: &mut Row, sink: &mut Sink<'_>) -> Flow {
        let known = parts.each_ref().map(|part| self.value(part, row));
        if let Part::Triple(inner) = &parts[2]
            && known[2].is_none()
            && self.speaks_of_edges(known, place)
        {
            return self.reified(parts, inner, row, sink);
        }
        let name = match place {
            In::Graph(part @ Part::Var(_)) => Some(part),
            _ => None,
        };
        let place = self.place(place, row);
        if let (None, Some(free)) = (name, Free::of(parts, row)) {
            let flow = self.source.matching(known, place, &mut |triple, _| {
                self.meter.tick()?;
                self.blanks.next_solution();
                free.set(&triple, row);
                sink(row)
            });
            free.clear(row);
            return flow;
        }
        self.source.matching(known, place, &mut |triple, graph| {
            self.meter.tick()?;
            match name {
                None => self.bound(parts, &triple, row, sink),
                Some(name) => self.bound(std::slice::from_ref(name), &[graph], row, &mut |row| {
                    self.bound(parts, &triple, row, sink)
                }),
            }
        })
    }

    /// Whether a pattern asks for the reifiers of edges that are not known yet.
    fn speaks_of_edges(&self, known: [Option<Id>; 3], place: &In) -> bool {
        let reifies = self.terms().names.is_reifies(known[1]);
        reifies && known[0].is_none() && *place == In::Default && self.source.is_virtual()
    }

    /// Reifiers of the triples that match `inner`, found by the triples and not the other way round.
    fn reified(
        &self,
        parts: &[Part; 3],
        inner: &[Part; 3],
        row: &mut Row,
        sink: &mut Sink<'_>,
    ) -> Flow {
        let terms = self.terms();
        let known = inner.each_ref().map(|part| self.value(part, row));
        self.source
            .matching(known, Place::Default, &mut |triple, _| {
                self.meter.tick()?;
                let Some(edge) = terms.edge_of(triple) else {
                    return Ok(());
                };
                for found in terms.reifiers_of(edge, None) {
                    self.bound(parts, &found, row, sink)?;
                }
                Ok(())
            })?;
        let known = parts.each_ref().map(|part| self.value(part, row));
        self.source.stated(known, &mut |triple, _| {
            self.meter.tick()?;
            self.bound(parts, &triple, row, sink)
        })
    }

    fn graphs(&self, name: &Part, row: &mut Row, sink: &mut Sink<'_>) -> Flow {
        let graphs = self.source.graphs();
        if let Some(name) = self.value(name, row) {
            let number = self.terms().number(name);
            return match number.is_some_and(|number| graphs.contains(&number)) {
                true => sink(row),
                false => Ok(()),
            };
        }
        for graph in graphs {
            let graph = self.terms().id_of(graph);
            self.bound(std::slice::from_ref(name), &[graph], row, sink)?;
        }
        Ok(())
    }

    fn place(&self, place: &In, row: &Row) -> Place {
        match place {
            In::Default => Place::Default,
            In::Graph(name) => self
                .value(name, row)
                .map_or(Place::EveryNamed, Place::Named),
        }
    }

    /// Whether `EXISTS` number `subplan` holds for a row.
    pub(super) fn holds(&self, subplan: usize, row: &Row) -> Option<bool> {
        // One row for each depth of nesting is made, and used again.
        let mut copy = self.spare.borrow_mut().pop().unwrap_or_default();
        copy.clear();
        copy.extend_from_slice(row);
        let flow = self.push(&self.exists[subplan], &mut copy, &mut |_| Err(Halt::Enough));
        self.spare.borrow_mut().push(copy);
        match flow {
            Ok(()) => Some(false),
            Err(Halt::Enough) => Some(true),
            Err(halt) => self.halting(Err(halt)),
        }
    }

    /// The id of a value; what the query makes counts as its memory.
    fn id(&self, value: Option<Value<'_>>) -> Flow<Id> {
        let id = value.map_or(Id::UNBOUND, |value| value.into_id(self.terms()));
        self.meter.allow(0)?;
        Ok(id)
    }

    fn unhalted(&self) -> Flow {
        match self.halted.borrow_mut().take() {
            Some(halt) => Err(halt),
            None => self.meter.allow(0),
        }
    }

    /// Keeps what stops the evaluation until the expression is left.
    fn halting<T>(&self, flow: Flow<T>) -> Option<T> {
        match flow {
            Ok(value) => Some(value),
            Err(halt) => {
                self.halted.borrow_mut().get_or_insert(halt);
                None
            }
        }
    }
}

impl Context for Run<'_, '_> {
    fn terms(&self) -> &Terms<'_> {
        &self.source.terms
    }

    fn exists(&self, subplan: usize, row: &Row) -> Option<bool> {
        self.holds(subplan, row)
    }

    fn base(&self) -> Option<&Iri<String>> {
        self.base
    }

    fn now(&self) -> DateTime {
        self.now
    }

    fn blanks(&self) -> &Blanks {
        &self.blanks
    }

    fn own(&self, function: OwnFunction, argument: Id) -> Option<Value<'static>> {
        self.halting(self.own_value(function, argument))?
    }

    fn afford(&self, bytes: usize) -> Option<()> {
        self.halting(self.meter.look().and_then(|()| self.meter.allow(bytes)))
    }

    fn patterns(&self) -> &Patterns {
        &self.patterns
    }
}
