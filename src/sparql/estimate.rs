//! How many rows a pattern will have, by the statistics of the frozen graph, and the order of joins that follows.
//!
//! A triple pattern whose constants are known is counted exactly, by the length of a run of an index. A variable that is
//! bound already divides that by the number of distinct values of its position. Of all orders that begin with each of
//! the patterns and go on with the smallest that is connected, the one with the fewest rows on the way is taken.

use super::aggregate::Aggregate;
use super::computed::Computation;
use super::ids::{Id, Named};
use super::pattern::{In, Kind, Part, Pattern, Slots};
use super::scan::Source;
use crate::vocabulary::rdf;

/// What cannot be known is guessed to be this many.
const GUESS: f64 = 1000.0;

/// Rows of a search without anything to search for: it is planned last, and fails if nothing else binds it.
const NEVER: f64 = 1e18;

/// Groups of more patterns than this are ordered from one beginning only.
const MANY: usize = 24;

/// Estimates for one query.
pub(super) struct Estimator<'s, 'a> {
    source: &'s Source<'a>,
    reifies: Id,
}

/// One pattern of a join: its rows alone, and what each bound variable divides them by.
struct Item {
    rows: f64,
    shares: Vec<(usize, f64)>,
    /// Variables of which one has to be bound, if any.
    needs: Slots,
    vars: Slots,
    certain: Slots,
}

impl Item {
    fn rows(&self, bound: &Slots) -> f64 {
        if !self.needs.is_empty() && self.needs.common(bound).is_empty() {
            return NEVER;
        }
        let shares = self.shares.iter().filter(|(slot, _)| bound.contains(*slot));
        shares.fold(self.rows, |rows, (_, share)| rows / share)
    }
}

impl<'s, 'a> Estimator<'s, 'a> {
    pub(super) fn new(source: &'s Source<'a>) -> Self {
        let reifies = oxrdf::NamedNode::new_unchecked(rdf::REIFIES);
        Self {
            reifies: source.terms.id(&reifies.into()),
            source,
        }
    }

    /// Rows of a pattern for each row that binds `bound`.
    pub(super) fn rows(&self, pattern: &Pattern, bound: &Slots) -> f64 {
        match &pattern.kind {
            Kind::Join(list) => {
                let mut bound = bound.clone();
                let mut rows = 1.0;
                for pattern in list {
                    rows *= self.rows(pattern, &bound);
                    bound.add(&pattern.certain);
                }
                rows
            }
            Kind::Filter(inner, tests) => self.rows(inner, bound) * 0.4f64.powi(tests.len() as i32),
            Kind::Union(list) => list.iter().map(|p| self.rows(p, bound)).sum(),
            Kind::Optional(left, right, _) => {
                let both = bound.with(&left.certain);
                self.rows(left, bound) * self.rows(right, &both).max(1.0)
            }
            Kind::Lateral(left, right) => {
                let both = bound.with(&left.certain);
                self.rows(left, bound) * self.rows(right, &both)
            }
            Kind::Bind(inner, ..) => self.rows(inner, bound),
            Kind::Minus(left, _) => self.rows(left, bound) * 0.8,
            Kind::EachGraph(_, inner) => self.rows(inner, bound) * self.graphs(),
            _ => self.item(pattern).rows(bound),
        }
    }

    fn graphs(&self) -> f64 {
        self.source.terms.dataset.graph.graphs().len().max(1) as f64
    }

    fn item(&self, pattern: &Pattern) -> Item {
        let (rows, shares) = match &pattern.kind {
            Kind::Triple { parts, .. } => self.triple(parts),
            Kind::Path { ends, .. } => self.path(ends),
            Kind::Computed(asked) => searched(asked),
            Kind::Graphs(name) => (self.graphs(), shares(&name.slots(), self.graphs())),
            Kind::Values { slots, rows } => {
                let all = slots.iter().copied().collect();
                let share = (rows.len().max(1) as f64).powf(1.0 / slots.len().max(1) as f64);
                (rows.len() as f64, shares(&all, share))
            }
            Kind::Project(inner, _) => {
                let rows = self.rows(inner, &Slots::default());
                (rows, shares(&pattern.certain, rows.max(1.0).sqrt()))
            }
            Kind::Distinct(inner, _) | Kind::Order { inner, .. } => {
                let rows = self.rows(inner, &Slots::default());
                (rows, shares(&pattern.certain, rows.max(1.0)))
            }
            Kind::Group { inner, keys, .. } => {
                let rows = match keys.is_empty() {
                    true => 1.0,
                    false => self.rows(inner, &Slots::default()).sqrt().max(1.0),
                };
                let share = rows.powf(1.0 / keys.len().max(1) as f64);
                (rows, shares(&pattern.certain, share))
            }
            Kind::Slice { inner, length, .. } => {
                let rows = self.rows(inner, &Slots::default());
                let rows = length.map_or(rows, |length| rows.min(length as f64));
                (rows, shares(&pattern.certain, rows.max(1.0)))
            }
            _ => {
                let rows = self.rows(pattern, &Slots::default());
                (rows, shares(&pattern.certain, rows.max(1.0).sqrt()))
            }
        };
        let needs = match &pattern.kind {
            Kind::Computed(asked) => asked.needs(),
            _ => Slots::default(),
        };
        Item {
            rows,
            shares,
            needs,
            vars: pattern.vars.clone(),
            certain: pattern.certain.clone(),
        }
    }

    fn triple(&self, parts: &[Part; 3]) -> (f64, Vec<(usize, f64)>) {
        if let ([subject, Part::Is(predicate), Part::Triple(inner)], true) =
            (parts, self.source.is_virtual())
            && *predicate == self.reifies
        {
            let (rows, mut shares) = self.triple(inner);
            shares.extend(subject.slots().iter().map(|slot| (slot, rows.max(1.0))));
            return (rows, shares);
        }
        let known = parts.each_ref().map(|part| match part {
            Part::Is(id) => Some(*id),
            _ => None,
        });
        let rows = self.source.count(known) as f64;
        let values = self.distinct(known[1]);
        let mut shares = Vec::with_capacity(3);
        for (part, values) in parts.iter().zip(values) {
            for slot in part.slots().iter() {
                // A variable that stands twice is bound by its first place.
                shares.push((slot, values.max(1.0)));
            }
        }
        (rows, shares)
    }

    /// About how many subjects, predicates and objects there are under a predicate.
    fn distinct(&self, predicate: Option<Id>) -> [f64; 3] {
        let graph = self.source.terms.dataset.graph;
        let everything = [
            graph.nodes().len() as f64,
            graph.predicates().len() as f64,
            f64::from(graph.term_count()),
        ];
        let Some(Named::Known(number)) = predicate.map(Id::named) else {
            return everything;
        };
        let virtuals = self.source.terms.names.distinct(graph, number);
        let stated = graph.predicate_stats(number);
        let (subjects, objects) = match (stated, virtuals) {
            (Some(stated), None) => (stated.subjects as f64, stated.objects as f64),
            (_, Some(virtuals)) if self.source.is_virtual() => virtuals,
            _ => (GUESS, GUESS),
        };
        [subjects, 1.0, objects]
    }

    /// Whether all objects under a predicate are IRIs or blank nodes.
    pub(super) fn leads_to_resources(&self, predicate: Id) -> bool {
        let dataset = self.source.terms.dataset;
        let Named::Known(number) = predicate.named() else {
            return false;
        };
        let graph = dataset.graph;
        let is_node = |object: u32| graph.nodes().contains(&object);
        // The pairs are sorted by object, and literals have the greatest numbers.
        let facts = graph
            .pairs(number)
            .last()
            .is_none_or(|pair| is_node(pair[0]));
        let mut added = dataset.changes.added([None, Some(number), None]);
        facts
            && self.source.log.is_none()
            && !self.source.terms.names.concerns(Some(predicate))
            && added.all(|quad| is_node(quad[2]))
    }

    fn path(&self, ends: &[Part; 2]) -> (f64, Vec<(usize, f64)>) {
        let graph = self.source.terms.dataset.graph;
        let nodes = graph.nodes().len().max(1) as f64;
        let fixed = ends.iter().filter(|end| matches!(end, Part::Is(_))).count();
        let rows = (nodes * 10.0) / nodes.powi(fixed as i32).max(1.0);
        let slots: Slots = ends
            .iter()
            .flat_map(|e| e.slots().iter().collect::<Vec<_>>())
            .collect();
        (rows, shares(&slots, nodes))
    }

    /// The patterns of a join in the order in which they are matched.
    pub(super) fn order(&self, patterns: Vec<Pattern>, bound: &Slots) -> Vec<Pattern> {
        if patterns.len() < 2 {
            return patterns;
        }
        let items: Vec<Item> = patterns.iter().map(|p| self.item(p)).collect();
        let firsts = match items.len() > MANY {
            true => vec![smallest(
                &items,
                &(0..items.len()).collect::<Vec<_>>(),
                bound,
            )],
            false => (0..items.len()).collect(),
        };
        let orders = firsts.into_iter().map(|first| follow(&items, first, bound));
        let best = orders.min_by(|a, b| a.0.total_cmp(&b.0));
        let mut patterns: Vec<Option<Pattern>> = patterns.into_iter().map(Some).collect();
        let order = best.map_or_else(Vec::new, |(_, order)| order);
        order
            .into_iter()
            .filter_map(|i| patterns[i].take())
            .collect()
    }

    /// The triple pattern whose matches are all that a group asks the number of, and where the number goes.
    pub(super) fn counts(
        &self,
        inner: &Pattern,
        keys: &[usize],
        aggregates: &[(usize, Aggregate)],
    ) -> Option<([Part; 3], usize)> {
        let ([], [(slot, aggregate)]) = (keys, aggregates) else {
            return None;
        };
        let Kind::Triple {
            parts,
            place: In::Default,
        } = &inner.kind
        else {
            return None;
        };
        let slots: Vec<usize> = parts
            .iter()
            .flat_map(|p| p.slots().iter().collect::<Vec<_>>())
            .collect();
        let different = slots
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len()
            == slots.len();
        let plain = !parts.iter().any(|part| matches!(part, Part::Triple(_)));
        let counts = aggregate.counts_rows_that_bind(&slots);
        (different && plain && counts).then(|| (parts.clone(), *slot))
    }
}

/// Rows of a search that has what it needs; one whose result is known too has one.
fn searched(asked: &Computation) -> (f64, Vec<(usize, f64)>) {
    let most = asked.search.most() as f64;
    let inputs = asked.search.inputs();
    let outputs = (0..2).filter(|end| !inputs.contains(end));
    let outputs = outputs.flat_map(|end| asked.ends[end].slots().iter().collect::<Vec<_>>());
    (most, outputs.map(|slot| (slot, most)).collect())
}

fn shares(slots: &Slots, share: f64) -> Vec<(usize, f64)> {
    slots.iter().map(|slot| (slot, share)).collect()
}

/// The item with the fewest rows; one that is connected to what is bound before one that is not, and a search that
/// nothing is bound for after all others.
fn smallest(items: &[Item], left: &[usize], bound: &Slots) -> usize {
    let key = |&i: &usize| {
        let item = &items[i];
        let apart =
            !bound.is_empty() && item.vars.common(bound).is_empty() && !item.vars.is_empty();
        let rows = item.rows(bound);
        ((rows >= NEVER, apart), rows)
    };
    let best = left.iter().map(|i| (key(i), *i));
    let best = best.min_by(|((class, rows), i), ((other_class, other), j)| {
        (class.cmp(other_class))
            .then(rows.total_cmp(other))
            .then(i.cmp(j))
    });
    best.map_or(0, |(_, i)| i)
}

/// The order that begins with `first`, and the number of rows on its way.
fn follow(items: &[Item], first: usize, bound: &Slots) -> (f64, Vec<usize>) {
    let mut left: Vec<usize> = (0..items.len()).collect();
    let mut bound = bound.clone();
    let mut order = Vec::with_capacity(items.len());
    let (mut rows, mut cost) = (1.0, 0.0);
    let mut next = first;
    loop {
        // A look-up costs something even where it finds nothing.
        cost += rows;
        rows *= items[next].rows(&bound);
        cost += rows;
        bound.add(&items[next].certain);
        order.push(next);
        left.retain(|&i| i != next);
        if left.is_empty() {
            return (cost, order);
        }
        next = smallest(items, &left, &bound);
    }
}
