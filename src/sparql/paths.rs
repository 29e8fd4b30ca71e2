//! Property paths that are walks: closures, options and negated sets (SPARQL 1.1 §9.3, §18.4).

use super::ids::{Id, Terms};
use super::meter::Held;
use super::pattern::Part;
use super::run::Run;
use super::scan::{Flow, Halt, Place};
use rustc_hash::FxHashSet;
use spargebra::algebra::PropertyPathExpression;

/// A path over ids.
#[derive(Clone, Debug)]
pub enum Path {
    /// Along a predicate.
    Step(Id),
    /// The other way round.
    Back(Box<Path>),
    /// One after the other.
    Then(Box<Path>, Box<Path>),
    /// One or the other.
    Either(Box<Path>, Box<Path>),
    /// Any number of times, none included.
    Closure(Box<Path>),
    /// Any number of times, but not none.
    AtLeastOnce(Box<Path>),
    /// Once or not at all.
    Maybe(Box<Path>),
    /// By any predicate but these.
    Not(Vec<Id>),
}

/// Which way a path is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Forwards,
    Backwards,
}

impl Way {
    fn turned(self) -> Self {
        match self {
            Self::Forwards => Self::Backwards,
            Self::Backwards => Self::Forwards,
        }
    }
}

impl Path {
    pub(super) fn new(path: &PropertyPathExpression, terms: &Terms) -> Self {
        let new = |path: &PropertyPathExpression| Box::new(Self::new(path, terms));
        let id = |node: &oxrdf::NamedNode| terms.id(&node.clone().into());
        match path {
            PropertyPathExpression::NamedNode(node) => Self::Step(id(node)),
            PropertyPathExpression::Reverse(path) => Self::Back(new(path)),
            PropertyPathExpression::Sequence(a, b) => Self::Then(new(a), new(b)),
            PropertyPathExpression::Alternative(a, b) => Self::Either(new(a), new(b)),
            PropertyPathExpression::ZeroOrMore(path) => Self::Closure(new(path)),
            PropertyPathExpression::OneOrMore(path) => Self::AtLeastOnce(new(path)),
            PropertyPathExpression::ZeroOrOne(path) => Self::Maybe(new(path)),
            PropertyPathExpression::NegatedPropertySet(nodes) => {
                Self::Not(nodes.iter().map(id).collect())
            }
        }
    }

    /// Whether each pair is found once at most, however many ways lead from one end to the other.
    fn is_set(&self) -> bool {
        matches!(
            self,
            Self::Closure(_) | Self::AtLeastOnce(_) | Self::Maybe(_)
        )
    }

    /// Whether the empty walk counts.
    fn may_be_empty(&self) -> bool {
        match self {
            Self::Closure(_) | Self::Maybe(_) => true,
            Self::Step(_) | Self::Not(_) => false,
            Self::Back(path) | Self::AtLeastOnce(path) => path.may_be_empty(),
            Self::Then(a, b) => a.may_be_empty() && b.may_be_empty(),
            Self::Either(a, b) => a.may_be_empty() || b.may_be_empty(),
        }
    }
}

/// Takes an end of a walk.
type Reached<'f> = dyn FnMut(Id) -> Flow + 'f;

impl Run<'_, '_> {
    /// Calls `found` with the ends of every walk of `path` in the graph of `place`.
    pub(super) fn walks(
        &self,
        path: &Path,
        ends: [Option<Id>; 2],
        place: Place,
        found: &mut dyn FnMut([Id; 2]) -> Flow,
    ) -> Flow {
        match ends {
            [Some(from), None] => self.walk(path, from, Way::Forwards, place, &mut |to| {
                found([from, to])
            }),
            [None, Some(to)] => self.walk(path, to, Way::Backwards, place, &mut |from| {
                found([from, to])
            }),
            [Some(from), Some(to)] if path.is_set() => {
                match self.leads_to(path, [from, to], place)? {
                    true => found([from, to]),
                    false => Ok(()),
                }
            }
            [Some(from), Some(to)] => {
                self.walk(
                    path,
                    from,
                    Way::Forwards,
                    place,
                    &mut |end| match end == to {
                        true => found([from, to]),
                        false => Ok(()),
                    },
                )
            }
            [None, None] if path.may_be_empty() => self.walks_from_everywhere(path, place, found),
            [None, None] => self.pairs(path, place, found),
        }
    }

    /// Whether a walk leads from one end to the other; the first that does is enough.
    fn leads_to(&self, path: &Path, [from, to]: [Id; 2], place: Place) -> Flow<bool> {
        let mut met = false;
        let flow = self.walk(path, from, Way::Forwards, place, &mut |end| {
            met = end == to;
            if met { Err(Halt::Enough) } else { Ok(()) }
        });
        match flow {
            Err(Halt::Enough) if met => Ok(true),
            flow => flow.map(|()| false),
        }
    }

    /// Whether there can be walks. An empty one between two variables begins at a node of the graph, also where the row
    /// binds them; only a constant need not be in the graph (SPARQL 1.1 §18.4, `ZeroOrOnePath`).
    pub(super) fn may_walk(
        &self,
        path: &Path,
        ends: &[Part; 2],
        known: [Option<Id>; 2],
        place: Place,
    ) -> Flow<bool> {
        let variables = ends.iter().all(|end| matches!(end, Part::Var(_)));
        if !variables || !path.may_be_empty() {
            return Ok(true);
        }
        for node in known.into_iter().flatten() {
            if !self.is_node(node, place)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_node(&self, node: Id, place: Place) -> Flow<bool> {
        for pattern in [[Some(node), None, None], [None, None, Some(node)]] {
            match self
                .source
                .matching(pattern, place, &mut |_, _| Err(Halt::Enough))
            {
                Err(Halt::Enough) => return Ok(true),
                flow => flow?,
            }
        }
        Ok(false)
    }

    /// Walks that start at any node of the graph.
    fn walks_from_everywhere(
        &self,
        path: &Path,
        place: Place,
        found: &mut dyn FnMut([Id; 2]) -> Flow,
    ) -> Flow {
        let mut seen = self.seen();
        self.source.matching([None; 3], place, &mut |[s, _, o], _| {
            self.meter.tick()?;
            for node in [s, o] {
                if seen.is_new(node)? {
                    self.walk(path, node, Way::Forwards, place, &mut |to| {
                        found([node, to])
                    })?;
                }
            }
            Ok(())
        })
    }

    /// Walks that start where there is a first step.
    fn walks_from_starts(
        &self,
        path: &Path,
        place: Place,
        found: &mut dyn FnMut([Id; 2]) -> Flow,
    ) -> Flow {
        let mut seen = self.seen();
        self.starts(path, Way::Forwards, place, &mut |node| {
            self.meter.tick()?;
            if !seen.is_new(node)? {
                return Ok(());
            }
            self.walk(path, node, Way::Forwards, place, &mut |to| {
                found([node, to])
            })
        })
    }

    /// Every node that a walk which is not empty may start from, some more than once.
    fn starts(&self, path: &Path, way: Way, place: Place, found: &mut Reached<'_>) -> Flow {
        match path {
            Path::Step(_) | Path::Not(_) => {
                let mut pair = |[s, o]: [Id; 2]| found(if way == Way::Forwards { s } else { o });
                self.pairs(path, place, &mut pair)
            }
            Path::Back(path) => self.starts(path, way.turned(), place, found),
            Path::Then(first, second) => {
                let (first, second) = match way {
                    Way::Forwards => (first, second),
                    Way::Backwards => (second, first),
                };
                self.starts(first, way, place, found)?;
                match first.may_be_empty() {
                    true => self.starts(second, way, place, found),
                    false => Ok(()),
                }
            }
            Path::Either(one, other) => {
                self.starts(one, way, place, found)?;
                self.starts(other, way, place, found)
            }
            Path::Closure(path) | Path::AtLeastOnce(path) | Path::Maybe(path) => {
                self.starts(path, way, place, found)
            }
        }
    }

    /// Both ends of single steps, with as many repetitions as there are.
    fn pairs(&self, path: &Path, place: Place, found: &mut dyn FnMut([Id; 2]) -> Flow) -> Flow {
        match path {
            Path::Step(predicate) => {
                let pattern = [None, Some(*predicate), None];
                self.source
                    .matching(pattern, place, &mut |[s, _, o], _| found([s, o]))
            }
            Path::Not(but) => {
                self.source.matching(
                    [None; 3],
                    place,
                    &mut |[s, p, o], _| match but.contains(&p) {
                        true => self.meter.tick(),
                        false => found([s, o]),
                    },
                )
            }
            Path::Back(path) => self.pairs(path, place, &mut |[s, o]| found([o, s])),
            Path::Either(one, other) => {
                self.pairs(one, place, found)?;
                self.pairs(other, place, found)
            }
            Path::Then(first, second) => self.pairs(first, place, &mut |[s, middle]| {
                self.walk(second, middle, Way::Forwards, place, &mut |o| found([s, o]))
            }),
            Path::AtLeastOnce(step) if !step.may_be_empty() => {
                self.walks_from_starts(path, place, found)
            }
            Path::Closure(_) | Path::AtLeastOnce(_) | Path::Maybe(_) => {
                self.walks_from_everywhere(path, place, found)
            }
        }
    }

    /// Calls `reached` with the end of every walk that starts at `start`.
    pub(super) fn walk(
        &self,
        path: &Path,
        start: Id,
        way: Way,
        place: Place,
        reached: &mut Reached<'_>,
    ) -> Flow {
        self.meter.tick()?;
        match path {
            Path::Step(predicate) => {
                self.step(Some(*predicate), start, way, place, &mut |_, to| {
                    reached(to)
                })
            }
            Path::Not(but) => self.step(None, start, way, place, &mut |predicate, to| match but
                .contains(&predicate)
            {
                true => Ok(()),
                false => reached(to),
            }),
            Path::Back(path) => self.walk(path, start, way.turned(), place, reached),
            Path::Either(one, other) => {
                self.walk(one, start, way, place, reached)?;
                self.walk(other, start, way, place, reached)
            }
            Path::Then(first, second) => {
                let (first, second) = match way {
                    Way::Forwards => (first, second),
                    Way::Backwards => (second, first),
                };
                self.walk(first, start, way, place, &mut |middle| {
                    self.walk(second, middle, way, place, reached)
                })
            }
            Path::Maybe(path) => {
                let mut seen = self.seen();
                seen.is_new(start)?;
                reached(start)?;
                self.walk(path, start, way, place, &mut |to| match seen.is_new(to)? {
                    true => reached(to),
                    false => Ok(()),
                })
            }
            Path::Closure(path) => {
                let mut seen = self.seen();
                seen.is_new(start)?;
                reached(start)?;
                self.closure(path, start, way, place, &mut seen, reached)
            }
            Path::AtLeastOnce(path) => {
                self.closure(path, start, way, place, &mut self.seen(), reached)
            }
        }
    }

    /// Nodes that one or more walks of `path` lead to and that were not seen before. With a stack of its own: paths
    /// through the data are longer than the machine's stack.
    fn closure(
        &self,
        path: &Path,
        start: Id,
        way: Way,
        place: Place,
        seen: &mut Seen<'_>,
        reached: &mut Reached<'_>,
    ) -> Flow {
        let mut open = vec![start];
        while let Some(node) = open.pop() {
            self.walk(path, node, way, place, &mut |to| {
                if seen.is_new(to)? {
                    open.push(to);
                    reached(to)?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn seen(&self) -> Seen<'_> {
        Seen {
            nodes: FxHashSet::default(),
            held: self.meter.held(),
        }
    }

    fn step(
        &self,
        predicate: Option<Id>,
        start: Id,
        way: Way,
        place: Place,
        found: &mut dyn FnMut(Id, Id) -> Flow,
    ) -> Flow {
        let pattern = match way {
            Way::Forwards => [Some(start), predicate, None],
            Way::Backwards => [None, predicate, Some(start)],
        };
        self.source.matching(pattern, place, &mut |[s, p, o], _| {
            self.meter.tick()?;
            found(p, if way == Way::Forwards { o } else { s })
        })
    }
}

/// Nodes met on a walk.
struct Seen<'m> {
    nodes: FxHashSet<Id>,
    held: Held<'m>,
}

impl Seen<'_> {
    fn is_new(&mut self, node: Id) -> Flow<bool> {
        let new = self.nodes.insert(node);
        if new {
            // A set that grows is held twice for a while, and the node may be open too.
            self.held.add(5 * size_of::<Id>())?;
        }
        Ok(new)
    }
}
