//! What a query asks, with variables as slots of a row: between the syntax tree and the plan.

use super::aggregate::Aggregate;
use super::computed::Computation;
use super::expression::Expr;
use super::ids::Id;
use super::paths::Path;
use std::fmt;

/// A set of slots.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Slots {
    // Most queries have fewer than 64 variables: no allocation for them.
    low: u64,
    high: Vec<u64>,
}

impl Slots {
    pub(super) fn insert(&mut self, slot: usize) {
        match slot / 64 {
            0 => self.low |= 1 << slot,
            word => {
                if self.high.len() < word {
                    self.high.resize(word, 0);
                }
                self.high[word - 1] |= 1 << (slot % 64);
            }
        }
    }

    pub(super) fn contains(&self, slot: usize) -> bool {
        let word = match slot / 64 {
            0 => self.low,
            word => self.high.get(word - 1).copied().unwrap_or(0),
        };
        word >> (slot % 64) & 1 == 1
    }

    pub(super) fn is_empty(&self) -> bool {
        self.low == 0 && self.high.iter().all(|word| *word == 0)
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.low |= other.low;
        if self.high.len() < other.high.len() {
            self.high.resize(other.high.len(), 0);
        }
        for (word, more) in self.high.iter_mut().zip(&other.high) {
            *word |= more;
        }
    }

    pub(super) fn with(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.add(other);
        both
    }

    pub(super) fn common(&self, other: &Self) -> Self {
        let high = self.high.iter().zip(&other.high);
        Self {
            low: self.low & other.low,
            high: high.map(|(a, b)| a & b).collect(),
        }
    }

    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.iter().all(|slot| other.contains(slot))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let end = 64 * (1 + self.high.len());
        (0..end).filter(|slot| self.contains(*slot))
    }
}

impl Slots {
    /// The variables of some parts.
    pub(super) fn of<'p>(parts: impl IntoIterator<Item = &'p Part>) -> Self {
        let mut slots = Self::default();
        let parts = parts.into_iter();
        parts.for_each(|part| slots.add(&part.slots()));
        slots
    }

    pub(super) fn without(&self, other: &Self) -> Self {
        self.iter().filter(|slot| !other.contains(*slot)).collect()
    }
}

impl FromIterator<usize> for Slots {
    fn from_iter<I: IntoIterator<Item = usize>>(slots: I) -> Self {
        let mut set = Self::default();
        slots.into_iter().for_each(|slot| set.insert(slot));
        set
    }
}

impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// One position of a triple pattern.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Is(Id),
    Var(usize),
    /// A triple term with variables in it.
    Triple(Box<[Part; 3]>),
}

impl Part {
    pub(super) fn slots(&self) -> Slots {
        match self {
            Self::Is(_) => Slots::default(),
            Self::Var(slot) => [*slot].into_iter().collect(),
            Self::Triple(parts) => Slots::of(&**parts),
        }
    }
}

/// The graph that a pattern is matched in.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum In {
    Default,
    Graph(Part),
}

/// A pattern, with the variables that it mentions and those that it always binds.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) kind: Kind,
    pub(super) vars: Slots,
    pub(super) certain: Slots,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Triple {
        parts: [Part; 3],
        place: In,
    },
    Path {
        ends: [Part; 2],
        path: Path,
        place: In,
    },
    /// What is searched for when its input is bound.
    Computed(Computation),
    /// The names of the named graphs.
    Graphs(Part),
    /// `GRAPH ?g` around what must see one graph at a time.
    EachGraph(usize, Box<Pattern>),
    Values {
        slots: Vec<usize>,
        rows: Vec<Vec<Id>>,
    },
    Join(Vec<Pattern>),
    Filter(Box<Pattern>, Vec<Expr>),
    Optional(Box<Pattern>, Box<Pattern>, Vec<Expr>),
    Union(Vec<Pattern>),
    Bind(Box<Pattern>, usize, Expr),
    Minus(Box<Pattern>, Box<Pattern>),
    Lateral(Box<Pattern>, Box<Pattern>),
    /// Only `columns` are seen outside.
    Project(Box<Pattern>, Vec<usize>),
    Group {
        inner: Box<Pattern>,
        keys: Vec<usize>,
        aggregates: Vec<(usize, Aggregate)>,
    },
    Distinct(Box<Pattern>, Vec<usize>),
    Order {
        inner: Box<Pattern>,
        keys: Vec<(Expr, Direction)>,
    },
    Slice {
        inner: Box<Pattern>,
        start: usize,
        length: Option<usize>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Ascending,
    Descending,
}

impl Pattern {
    /// A pattern with its variables worked out.
    pub(super) fn new(kind: Kind) -> Self {
        let (vars, certain) = kind.variables();
        Self {
            kind,
            vars,
            certain,
        }
    }

    /// One solution without bindings.
    pub(super) fn once() -> Self {
        Self::new(Kind::Join(Vec::new()))
    }

    /// Variables of a row around it whose values make another pattern of it: those that it tests, assigns from or
    /// compares where it need not bind them itself.
    pub(super) fn reads(&self) -> Slots {
        let all = |list: &[Pattern]| {
            let reads = list.iter().map(Pattern::reads);
            reads.fold(Slots::default(), |all, reads| all.with(&reads))
        };
        let tested = |tests: &[Expr], bound: &Slots| {
            let slots = tests.iter().map(Expr::slots);
            let slots = slots.fold(Slots::default(), |all, slots| all.with(&slots));
            slots.without(bound)
        };
        match &self.kind {
            Kind::Triple { .. }
            | Kind::Path { .. }
            | Kind::Computed(_)
            | Kind::Graphs(_)
            | Kind::Values { .. } => Slots::default(),
            Kind::EachGraph(_, inner) => inner.reads(),
            // Which solutions are the first depends on all values.
            Kind::Slice { inner, .. } => inner.vars.clone(),
            Kind::Join(list) | Kind::Union(list) => all(list),
            Kind::Filter(inner, tests) => inner.reads().with(&tested(tests, &inner.certain)),
            Kind::Optional(left, right, tests) => {
                let both = left.certain.with(&right.certain);
                let reads = left.reads().with(&right.reads());
                let reads = reads.with(&right.vars.without(&left.certain));
                reads.with(&tested(tests, &both))
            }
            Kind::Bind(inner, _, value) => {
                let read = value.slots().without(&inner.certain);
                inner.reads().with(&read)
            }
            Kind::Minus(left, right) => {
                let reads = left.reads().with(&right.reads());
                reads.with(&right.vars.without(&left.certain))
            }
            Kind::Lateral(left, right) => {
                let reads = right.reads().without(&left.certain);
                left.reads().with(&reads)
            }
            Kind::Project(inner, columns) | Kind::Distinct(inner, columns) => {
                inner.reads().common(&columns.iter().copied().collect())
            }
            Kind::Group { inner, keys, .. } => {
                inner.reads().common(&keys.iter().copied().collect())
            }
            Kind::Order { inner, keys } => {
                let keys = keys
                    .iter()
                    .map(|(key, _)| key.slots().without(&inner.certain));
                keys.fold(inner.reads(), |all, key| all.with(&key))
            }
        }
    }

    /// Whether it is right to match the pattern with variables of `around` already bound, instead of joining its
    /// solutions with theirs. It is not where a variable that the inside may leave unbound is tested or assigned: SPARQL
    /// is evaluated from the inside out.
    pub(super) fn takes_bindings(&self, around: &Slots) -> bool {
        let shared = |vars: &Slots, inner: &Pattern| vars.common(around).is_within(&inner.certain);
        match &self.kind {
            Kind::Triple { .. }
            | Kind::Path { .. }
            | Kind::Computed(_)
            | Kind::Graphs(_)
            | Kind::Values { .. } => true,
            Kind::EachGraph(_, inner) => inner.takes_bindings(around),
            Kind::Join(list) | Kind::Union(list) => list.iter().all(|p| p.takes_bindings(around)),
            Kind::Filter(inner, tests) => {
                inner.takes_bindings(around)
                    && tests.iter().all(|test| shared(&test.slots(), inner))
            }
            Kind::Optional(left, right, tests) => {
                let both = left.certain.with(&right.certain);
                left.takes_bindings(around)
                    && right.takes_bindings(around)
                    && shared(&right.vars, left)
                    && tests
                        .iter()
                        .all(|test| test.slots().common(around).is_within(&both))
            }
            Kind::Bind(inner, slot, value) => {
                inner.takes_bindings(around)
                    && !around.contains(*slot)
                    && shared(&value.slots(), inner)
            }
            Kind::Minus(left, right) => left.takes_bindings(around) && shared(&right.vars, left),
            Kind::Lateral(left, right) => {
                left.takes_bindings(around) && right.takes_bindings(around)
            }
            Kind::Project(inner, _) => inner.takes_bindings(around),
            Kind::Group { .. } | Kind::Distinct(..) | Kind::Order { .. } | Kind::Slice { .. } => {
                false
            }
        }
    }
}

impl Kind {
    /// Variables that are mentioned, and those that every solution binds.
    fn variables(&self) -> (Slots, Slots) {
        let slots = |slots: &[usize]| slots.iter().copied().collect::<Slots>();
        let all = |vars: Slots| (vars.clone(), vars);
        match self {
            Self::Triple { parts, place } => all(Slots::of(parts).with(&place.slots())),
            Self::Path { ends, place, .. } => all(Slots::of(ends).with(&place.slots())),
            Self::Computed(asked) => all(asked.slots()),
            Self::Graphs(name) => all(name.slots()),
            Self::EachGraph(name, inner) => {
                let name = slots(&[*name]);
                (inner.vars.with(&name), inner.certain.with(&name))
            }
            Self::Values {
                slots: columns,
                rows,
            } => {
                let always = |column: &usize| rows.iter().all(|row| row[*column].is_bound());
                let certain = (0..columns.len()).filter(always).map(|c| columns[c]);
                (slots(columns), certain.collect())
            }
            Self::Join(list) => {
                let (mut vars, mut certain) = <(Slots, Slots)>::default();
                for pattern in list {
                    vars.add(&pattern.vars);
                    certain.add(&pattern.certain);
                }
                (vars, certain)
            }
            Self::Filter(inner, tests) => {
                let mut vars = inner.vars.clone();
                tests.iter().for_each(|test| vars.add(&test.slots()));
                (vars, inner.certain.clone())
            }
            Self::Optional(left, right, tests) => {
                let mut vars = left.vars.with(&right.vars);
                tests.iter().for_each(|test| vars.add(&test.slots()));
                (vars, left.certain.clone())
            }
            Self::Union(list) => {
                let mut vars = Slots::default();
                list.iter().for_each(|pattern| vars.add(&pattern.vars));
                let certain = list.iter().map(|p| p.certain.clone());
                let certain = certain.reduce(|a, b| a.common(&b));
                (vars, certain.unwrap_or_default())
            }
            Self::Bind(inner, slot, value) => {
                let mut vars = inner.vars.with(&value.slots());
                vars.insert(*slot);
                let mut certain = inner.certain.clone();
                if value.always_has_value(&inner.certain) {
                    certain.insert(*slot);
                }
                (vars, certain)
            }
            Self::Minus(left, right) => (left.vars.with(&right.vars), left.certain.clone()),
            Self::Lateral(left, right) => (
                left.vars.with(&right.vars),
                left.certain.with(&right.certain),
            ),
            Self::Project(inner, columns) | Self::Distinct(inner, columns) => {
                let columns = slots(columns);
                (columns.clone(), inner.certain.common(&columns))
            }
            Self::Group {
                inner,
                keys,
                aggregates,
            } => {
                let keys = slots(keys);
                let mut certain = inner.certain.common(&keys);
                let counts = aggregates.iter().filter(|(_, a)| a.is_count());
                counts.for_each(|(slot, _)| certain.insert(*slot));
                let mut vars = keys;
                aggregates.iter().for_each(|(slot, _)| vars.insert(*slot));
                (vars, certain)
            }
            Self::Order { inner, .. } | Self::Slice { inner, .. } => {
                (inner.vars.clone(), inner.certain.clone())
            }
        }
    }
}

impl In {
    pub(super) fn slots(&self) -> Slots {
        match self {
            Self::Default => Slots::default(),
            Self::Graph(name) => name.slots(),
        }
    }
}
