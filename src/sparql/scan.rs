//! Triples of the dataset that match a pattern: facts of the graph less what was removed, what was added, and virtual
//! triples.

use super::decisions::Log;
use super::ids::{Id, Named, Terms};
use super::{Cancel, View};
use crate::graph::Graph;
use crate::vocabulary::kenning;
use crate::{Error, Result as Fallible};
use std::collections::BTreeSet;

/// Why an evaluation ends before its end.
#[derive(Debug)]
pub enum Halt {
    /// Whoever asked has enough.
    Enough,
    /// It failed.
    Failed(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Whether an evaluation goes on.
pub type Flow<T = ()> = Result<T, Halt>;

/// Which graph a pattern is matched in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The default graph.
    Default,
    /// The named graph of this name.
    Named(Id),
    /// Every named graph in turn.
    EveryNamed,
}

/// Takes a triple and the graph that it was found in, which is unbound for the default graph.
pub(super) type Found<'f> = dyn FnMut([Id; 3], Id) -> Flow + 'f;

/// Which graphs of the dataset are asked.
pub(super) struct Source<'a> {
    pub(super) terms: Terms<'a>,
    /// Graphs that make the default graph; all of them, virtual ones included, if `None`.
    default: Option<Vec<u32>>,
    /// Graphs that have names here; all if `None`.
    named: Option<BTreeSet<u32>>,
    /// The number of the graph of what was stated without a graph.
    unnamed: Option<u32>,
    /// Decisions, where the query asks for them.
    pub(super) log: Option<Log>,
}

impl<'a> Source<'a> {
    /// The dataset that a query names by `FROM`, or all of it.
    pub(super) fn new(
        terms: Terms<'a>,
        dataset: Option<&spargebra::algebra::QueryDataset>,
    ) -> Self {
        let find = |iri: &str| terms.dataset.find(&crate::model::term::iri(iri));
        let number = |name: &oxrdf::NamedNode| find(name.as_str());
        let unnamed = terms.names.unnamed;
        let unnamed = unnamed.or_else(|| find(kenning::DEFAULT_GRAPH));
        let (default, named) = match dataset {
            Some(dataset) => (
                Some(dataset.default.iter().filter_map(number).collect()),
                // `WITH` and `USING` alone leave the named graphs as they are.
                dataset
                    .named
                    .as_ref()
                    .map(|named| named.iter().filter_map(number).collect()),
            ),
            None if terms.dataset.view == View::Stated => {
                (Some(unnamed.into_iter().collect()), None)
            }
            None => (None, None),
        };
        Self {
            terms,
            default,
            named,
            unnamed,
            log: None,
        }
    }

    /// With the decisions, where there are virtual triples.
    pub(super) fn with_decisions(
        mut self,
        dataset: Option<&spargebra::algebra::QueryDataset>,
        cancel: &Cancel,
    ) -> Fallible<Self> {
        if self.is_virtual() {
            self.log = Log::open(&self.terms, dataset, cancel)?;
        }
        Ok(self)
    }

    fn graph(&self) -> &'a Graph {
        self.terms.dataset.graph
    }

    /// Whether there are virtual triples.
    pub(super) fn is_virtual(&self) -> bool {
        self.terms.dataset.view == View::Union
    }

    /// Whether the default graph has what is searched for and counted: not if the query names its graphs.
    pub(super) fn has_searches(&self) -> bool {
        self.is_virtual() && self.default.is_none()
    }

    /// Whether `GRAPH` can reach the graph of this number.
    fn has_name(&self, number: u32) -> bool {
        let hidden = !self.is_virtual() && Some(number) == self.unnamed;
        let listed = self
            .named
            .as_ref()
            .is_none_or(|named| named.contains(&number));
        listed && !(hidden && self.named.is_none())
    }

    /// The named graphs that hold something, sorted.
    pub(super) fn graphs(&self) -> BTreeSet<u32> {
        let dataset = &self.terms.dataset;
        let mut graphs: BTreeSet<u32> = self.graph().graphs().iter().copied().collect();
        if dataset.changes.removed_count() > 0 {
            graphs.retain(|&name| {
                let mut facts = self.graph().facts_in(name);
                facts.any(|fact| self.stands(self.triple_of(fact), name))
            });
        }
        graphs.extend(dataset.changes.added([None; 3]).map(|quad| quad[3]));
        if self.is_virtual() {
            graphs.extend(self.terms.names.graphs());
        }
        if self.log.as_ref().is_some_and(Log::has_name) {
            graphs.extend(dataset.find(&crate::model::term::iri(kenning::DECISIONS)));
        }
        graphs.retain(|&name| self.has_name(name));
        graphs
    }

    fn triple_of(&self, fact: u64) -> [u32; 3] {
        self.graph().fact(fact).map_or([u32::MAX; 3], |f| f.triple)
    }

    /// Calls `found` with every triple that matches, each once for each graph.
    pub(super) fn matching(
        &self,
        pattern: [Option<Id>; 3],
        place: Place,
        found: &mut Found<'_>,
    ) -> Flow {
        if let Some(log) = &self.log {
            log.matching(&self.terms, pattern, place, found)?;
        }
        // A term that the dataset does not know is in no fact.
        let known = pattern.map(|term| term.map(|id| self.terms.number(id)));
        let possible = !known.contains(&Some(None));
        let known = known.map(Option::flatten);
        match place {
            Place::Default => {
                if possible {
                    self.facts(known, self.default.as_deref(), found)?;
                }
                if self.default.is_none() {
                    return self.computed(pattern, None, found);
                }
                let virtuals = self.default.iter().flatten();
                let virtuals = virtuals.filter(|name| self.terms.names.graphs().contains(name));
                for &name in virtuals {
                    self.computed(pattern, Some(name), &mut |triple, _| {
                        found(triple, Id::UNBOUND)
                    })?;
                }
                Ok(())
            }
            Place::Named(name) => {
                let Some(number) = self.terms.number(name).filter(|&n| self.has_name(n)) else {
                    return Ok(());
                };
                let found = &mut |triple, _| found(triple, name);
                if possible {
                    self.facts_of(known, number, found)?;
                }
                self.computed(pattern, Some(number), found)
            }
            Place::EveryNamed => {
                if possible {
                    self.named_facts(known, found)?;
                }
                for name in self.terms.names.graphs() {
                    if self.has_name(name) {
                        self.computed(pattern, Some(name), found)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Facts in any of `graphs`, each triple once.
    fn facts(
        &self,
        pattern: [Option<u32>; 3],
        graphs: Option<&[u32]>,
        found: &mut Found<'_>,
    ) -> Flow {
        let changes = self.terms.dataset.changes;
        let all_stand = changes.removed_count() == 0
            && graphs.is_none_or(|graphs| self.graph().graphs().iter().all(|g| graphs.contains(g)));
        let is_in = |name: u32| graphs.is_none_or(|graphs| graphs.contains(&name));
        each_triple(self.graph(), pattern, &mut |triple| {
            if all_stand || self.stated_in(triple, is_in) {
                found(self.ids(triple), Id::UNBOUND)?;
            }
            Ok(())
        })?;
        if changes.added_count() == 0 {
            return Ok(());
        }
        let mut last = None;
        for [s, p, o, name] in changes.added(pattern) {
            let triple = [s, p, o];
            // Quads of one triple follow one another.
            if is_in(name) && last != Some(triple) {
                last = Some(triple);
                if !self.stated_in(triple, is_in) {
                    found(self.ids(triple), Id::UNBOUND)?;
                }
            }
        }
        Ok(())
    }

    fn facts_of(&self, pattern: [Option<u32>; 3], name: u32, found: &mut Found<'_>) -> Flow {
        // A whole graph is read by its own index.
        if pattern == [None; 3] {
            for fact in self.graph().facts_in(name) {
                let triple = self.triple_of(fact);
                if self.stands(triple, name) {
                    found(self.ids(triple), Id::UNBOUND)?;
                }
            }
            for [s, p, o, g] in self.terms.dataset.changes.added(pattern) {
                if g == name {
                    found(self.ids([s, p, o]), Id::UNBOUND)?;
                }
            }
            return Ok(());
        }
        self.facts(pattern, Some(&[name]), found)
    }

    fn named_facts(&self, pattern: [Option<u32>; 3], found: &mut Found<'_>) -> Flow {
        let graph = self.graph();
        each_triple(graph, pattern, &mut |triple| {
            for fact in graph.facts(triple) {
                let name = graph.graph_of(fact);
                if self.has_name(name) && self.stands(triple, name) {
                    found(self.ids(triple), self.terms.id_of(name))?;
                }
            }
            Ok(())
        })?;
        for [s, p, o, name] in self.terms.dataset.changes.added(pattern) {
            if self.has_name(name) {
                found(self.ids([s, p, o]), self.terms.id_of(name))?;
            }
        }
        Ok(())
    }

    fn stands(&self, [s, p, o]: [u32; 3], name: u32) -> bool {
        !self.terms.dataset.changes.is_removed([s, p, o, name])
    }

    /// Whether the graph still states a triple in a graph that `is_in` takes.
    fn stated_in(&self, triple: [u32; 3], is_in: impl Fn(u32) -> bool) -> bool {
        let mut facts = self.graph().facts(triple);
        facts.any(|fact| {
            let name = self.graph().graph_of(fact);
            is_in(name) && self.stands(triple, name)
        })
    }

    /// Virtual triples, of the graph `only` or of all.
    fn computed(&self, pattern: [Option<Id>; 3], only: Option<u32>, found: &mut Found<'_>) -> Flow {
        if !self.is_virtual() || !self.terms.names.can_match(pattern) {
            return Ok(());
        }
        let may_be_stated = self.may_be_stated(pattern[1]);
        for (name, triples) in self.terms.edges(pattern) {
            if only.is_some_and(|only| only != name) {
                continue;
            }
            for triple in triples {
                // What a document states too is in the default graph already.
                if only.is_some() || !may_be_stated || !self.terms.is_stated(&triple) {
                    found(triple, only.map_or(Id::UNBOUND, Id::known))?;
                }
            }
        }
        Ok(())
    }

    /// Whether a virtual triple with this predicate may be a fact too.
    fn may_be_stated(&self, predicate: Option<Id>) -> bool {
        let number = predicate.map(|p| self.terms.number(p));
        number.is_none_or(|p| p.is_some_and(|p| !self.graph().pairs(p).is_empty()))
    }

    fn ids(&self, triple: [u32; 3]) -> [Id; 3] {
        triple.map(|number| self.terms.id_of(number))
    }

    /// Calls `found` with every triple of the default graph that is not virtual.
    pub(super) fn stated(&self, pattern: [Option<Id>; 3], found: &mut Found<'_>) -> Flow {
        let known = pattern.map(|term| term.map(|id| self.terms.number(id)));
        match known.contains(&Some(None)) {
            true => Ok(()),
            false => self.facts(known.map(Option::flatten), self.default.as_deref(), found),
        }
    }

    /// How many triples of the default graph match.
    pub(super) fn exact_count(
        &self,
        pattern: [Option<Id>; 3],
        tick: impl Fn() -> Flow,
    ) -> Flow<u64> {
        // The predicate's own count is at hand where nothing changed and nothing is virtual.
        if let [None, Some(predicate), None] = pattern
            && let Named::Known(number) = predicate.named()
            && self.default.is_none()
            && self.log.is_none()
            && self.terms.dataset.changes.is_empty()
            && !self.terms.names.concerns(pattern[1])
            && let Some(stats) = self.graph().predicate_stats(number)
        {
            return Ok(stats.facts);
        }
        let mut count = 0;
        self.matching(pattern, Place::Default, &mut |_, _| {
            count += 1;
            tick()
        })?;
        Ok(count)
    }

    /// About how many triples match, from the indexes alone.
    pub(super) fn count(&self, pattern: [Option<Id>; 3]) -> u64 {
        let known = pattern.map(|term| term.map(|id| self.terms.number(id)));
        let facts = match known.contains(&Some(None)) {
            true => 0,
            false => count_facts(self.graph(), known.map(Option::flatten)),
        };
        let added = self.terms.dataset.changes.added_count();
        let logged = self.log.as_ref();
        let logged = logged.map_or(0, |log| log.count(&self.terms, pattern));
        facts + added.min(16) as u64 + self.count_computed(pattern) + logged
    }

    fn count_computed(&self, [s, p, o]: [Option<Id>; 3]) -> u64 {
        if !self.is_virtual() || !self.terms.names.concerns(p) {
            return 0;
        }
        let graph = self.graph();
        let number = |id: Option<Id>| match id.map(Id::named) {
            Some(Named::Known(number)) => Some(number),
            _ => None,
        };
        // What has no number is said to have one that nothing has.
        let end = |id: Option<Id>| id.map(|_| number(id).unwrap_or(u32::MAX));
        if let Some(Named::Event(_) | Named::Reifier(_)) = s.map(Id::named) {
            return p.map_or(6, |_| 1);
        }
        let Some(predicate) = number(p) else {
            return match (s, o) {
                (None, None) => graph.edge_count() * 4 + graph.event_count() * 6,
                _ => 8,
            };
        };
        self.terms.names.count(graph, end(s), predicate, end(o))
    }
}

/// Distinct triples of the facts of `graph` that match.
fn each_triple(
    graph: &Graph,
    pattern: [Option<u32>; 3],
    found: &mut dyn FnMut([u32; 3]) -> Flow,
) -> Flow {
    match pattern {
        [Some(s), Some(p), Some(o)] => match graph.facts([s, p, o]).is_empty() {
            true => Ok(()),
            false => found([s, p, o]),
        },
        [Some(s), Some(p), None] => each(graph.objects(s, p), |[p, o]| found([s, p, o])),
        [None, Some(p), Some(o)] => each(graph.subjects(o, p), |[p, s]| found([s, p, o])),
        [Some(s), None, Some(o)] => {
            let (out, ins) = (graph.outgoing(s), graph.incoming(o));
            match out.len() > ins.len() {
                true => each(
                    ins,
                    |[p, from]| if from == s { found([s, p, o]) } else { Ok(()) },
                ),
                false => each(
                    out,
                    |[p, to]| if to == o { found([s, p, o]) } else { Ok(()) },
                ),
            }
        }
        [Some(s), None, None] => each(graph.outgoing(s), |[p, o]| found([s, p, o])),
        [None, Some(p), None] => each(graph.pairs(p), |[o, s]| found([s, p, o])),
        [None, None, Some(o)] => each(graph.incoming(o), |[p, s]| found([s, p, o])),
        [None, None, None] => {
            for s in graph.nodes() {
                each(graph.outgoing(s), |[p, o]| found([s, p, o]))?;
            }
            Ok(())
        }
    }
}

/// Each pair of a sorted run once.
fn each(mut pairs: &[[u32; 2]], mut found: impl FnMut([u32; 2]) -> Flow) -> Flow {
    while let Some((&pair, rest)) = pairs.split_first() {
        pairs = rest;
        if rest.first() != Some(&pair) {
            found(pair)?;
        }
    }
    Ok(())
}

fn count_facts(graph: &Graph, pattern: [Option<u32>; 3]) -> u64 {
    let count = match pattern {
        [Some(s), Some(p), Some(o)] => return graph.facts([s, p, o]).count().min(1) as u64,
        [Some(s), Some(p), None] => graph.objects(s, p).len(),
        [None, Some(p), Some(o)] => graph.subjects(o, p).len(),
        [Some(s), None, Some(o)] => graph.outgoing(s).len().min(graph.incoming(o).len()),
        [Some(s), None, None] => graph.outgoing(s).len(),
        [None, Some(p), None] => graph.pairs(p).len(),
        [None, None, Some(o)] => graph.incoming(o).len(),
        [None, None, None] => return graph.fact_count(),
    };
    count as u64
}
