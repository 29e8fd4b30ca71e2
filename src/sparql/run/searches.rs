//! Evaluation of searches, and of functions that only the frozen graph can answer.

use super::{Id, Row, Run, Sink};
use crate::sparql::computed::{Computation, Computed, Hit, Said, Search};
use crate::sparql::functions::OwnFunction;
use crate::sparql::meter::Held;
use crate::sparql::pattern::Part;
use crate::sparql::scan::{Flow, Halt};
use crate::sparql::value::{Number, Value};
use crate::vocabulary::xsd;
use crate::{Error, Result};
use oxrdf::BlankNode;
use oxsdatatypes::{Double, Integer};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::rc::Rc;

/// What each search found, by its input.
type Found = FxHashMap<(Search, Id), Rc<[Hit]>>;

/// What searches found, so that a row with the same input does not search again.
pub(super) struct Searches<'m> {
    found: RefCell<Found>,
    held: RefCell<Held<'m>>,
}

impl<'m> Searches<'m> {
    pub(super) fn new(held: Held<'m>) -> Self {
        Self {
            found: RefCell::default(),
            held: held.into(),
        }
    }
}

impl Run<'_, '_> {
    /// Hands on the row with each thing that a search finds.
    pub(super) fn search(&self, asked: &Computation, row: &mut Row, sink: &mut Sink<'_>) -> Flow {
        if !self.source.has_searches() {
            return Ok(());
        }
        let Some((input, other)) = asked.given(|end| self.value(end, row)) else {
            return Err(asked.search.unbound().into());
        };
        let said = asked.said.iter().map(|(_, part)| part);
        let parts: Vec<Part> = said.chain([other]).cloned().collect();
        let mut found = vec![Id::UNBOUND; parts.len()];
        for (rank, &(node, score)) in (1..).zip(self.hits(asked.search, input)?.iter()) {
            self.meter.tick()?;
            for (place, (said, _)) in found.iter_mut().zip(&asked.said) {
                *place = self.said(*said, score, rank);
            }
            found[asked.said.len()] = self.terms().id_of(node);
            self.bound(&parts, &found, row, sink)?;
        }
        Ok(())
    }

    fn said(&self, said: Said, score: f64, rank: u64) -> Id {
        let terms = self.terms();
        match said {
            Said::Rank => terms.integer(rank),
            Said::Reifier => terms.id(&BlankNode::default().into()),
            Said::Score => terms.literal(xsd::DOUBLE, score.to_bits(), || {
                Double::from(score).to_string()
            }),
        }
    }

    fn hits(&self, search: Search, input: Id) -> Flow<Rc<[Hit]>> {
        if let Some(hits) = self.searches.found.borrow().get(&(search, input)) {
            return Ok(Rc::clone(hits));
        }
        let hits: Rc<[Hit]> = self.find(search, input)?.into();
        self.searches
            .held
            .borrow_mut()
            .add(64 + size_of_val(&*hits))?;
        self.searches
            .found
            .borrow_mut()
            .insert((search, input), Rc::clone(&hits));
        self.meter.look()?;
        Ok(hits)
    }

    fn find(&self, search: Search, input: Id) -> Result<Vec<Hit>> {
        let computed = self.computed(search.iri())?;
        let graph = self.terms().dataset.graph;
        let number = self.terms().number(input);
        match (search, number) {
            (Search::Matches, _) => {
                let text = self.terms().text(input).unwrap_or_default();
                crate::model::term::lexical(&text)
                    .map_or(Ok(Vec::new()), |words| computed.search(words))
            }
            (Search::Nearest, Some(node)) if graph.nodes().contains(&node) => {
                computed.nearest(node)
            }
            (Search::Recommends, Some(user)) if graph.users().contains(&user) => {
                computed.recommend(user)
            }
            _ => Ok(Vec::new()),
        }
    }

    fn computed(&self, what: &str) -> Result<&dyn Computed> {
        let computed = self.terms().dataset.computed;
        computed.ok_or_else(|| {
            Error::usage(format!(
                "<{what}> needs the snapshot of a project, and this is a graph alone"
            ))
            .hint("ask `Snapshot::dataset()`")
        })
    }

    /// The value of one of Kenning's own functions.
    pub(super) fn own_value(
        &self,
        function: OwnFunction,
        argument: Id,
    ) -> Flow<Option<Value<'static>>> {
        Ok(match function {
            OwnFunction::Degree => {
                Some(Number::Integer(Integer::from(self.degree(argument)?)).into())
            }
            OwnFunction::PageRank => self
                .page_rank(argument)?
                .map(|rank| Number::Double(Double::from(rank)).into()),
        })
    }

    /// Triples of the default graph with the term as subject or object that are stated, and its interactions.
    fn degree(&self, term: Id) -> Flow<i64> {
        let mut count = 0;
        for pattern in [[Some(term), None, None], [None, None, Some(term)]] {
            self.source.stated(pattern, &mut |_, _| {
                count += 1;
                self.meter.tick()
            })?;
        }
        if let (true, Some(node)) = (self.source.has_searches(), self.terms().number(term)) {
            let graph = self.terms().dataset.graph;
            count += (graph.met(node).len() + graph.met_by(node).len()) as i64;
        }
        Ok(count)
    }

    fn page_rank(&self, term: Id) -> Flow<Option<f64>> {
        let graph = self.terms().dataset.graph;
        let Some(node) = self
            .terms()
            .number(term)
            .filter(|node| graph.nodes().contains(node))
        else {
            return Ok(None);
        };
        let go_on = || self.meter.look().map_err(Error::from);
        let rank = self
            .computed(crate::vocabulary::kenning::PAGE_RANK)?
            .page_rank(node, &go_on);
        rank.map_err(Halt::Failed)
    }
}
