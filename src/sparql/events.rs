//! Virtual triples of single events: who met what, when, how much, in which basket.
//!
//! Event number `n` of the graph is `urn:kenning:event:n`; another build may number them otherwise. All are in the named
//! graph `kenning:interactions`. Events of unknown users have no `kenning:user`.

use super::edges::{End, Found, ends, none};
use super::ids::{Id, Named, Terms};
use crate::graph::Graph;
use crate::model::term;
use crate::vocabulary::{kenning, prov, rdf};

/// The numbers of the terms that are said of events.
pub(super) struct EventNames {
    a: u32,
    class: u32,
    user: u32,
    item: u32,
    time: u32,
    weight: u32,
    basket: u32,
}

impl EventNames {
    /// `None` where a snapshot lacks one of the terms: an older kenning made it.
    pub(super) fn find(graph: &Graph) -> Option<Self> {
        Some(Self {
            a: graph.find_iri(rdf::TYPE)?,
            class: graph.find_iri(kenning::EVENT)?,
            user: graph.find_iri(kenning::EVENT_USER)?,
            item: graph.find_iri(kenning::EVENT_ITEM)?,
            time: graph.find_iri(prov::AT_TIME)?,
            weight: graph.find_iri(kenning::WEIGHT)?,
            basket: graph.find_iri(kenning::BASKET)?,
        })
    }

    /// All of them but the class.
    pub(super) fn predicates(&self) -> [u32; 6] {
        [
            self.a,
            self.user,
            self.item,
            self.time,
            self.weight,
            self.basket,
        ]
    }

    /// Whether events have this predicate.
    pub(super) fn concerns(&self, predicate: u32) -> bool {
        self.predicates().contains(&predicate)
    }

    /// About how many triples of events match a pattern with this predicate.
    pub(super) fn count(&self, graph: &Graph, p: u32, o: Option<u32>) -> u64 {
        let all = graph.event_count();
        match o {
            Some(class) if p == self.a => {
                if class == self.class {
                    all
                } else {
                    0
                }
            }
            Some(user) if p == self.user => graph.events_by(user).count() as u64,
            Some(item) if p == self.item => graph.events_of(item).len() as u64,
            Some(_) => all / u64::from(graph.meta.groups.max(1)) + 1,
            None => all,
        }
    }

    /// About how many subjects and objects the triples of this predicate have; `None` for one that others have too.
    pub(super) fn distinct(&self, graph: &Graph, p: u32) -> Option<(f64, f64)> {
        let objects = match p {
            p if p == self.user => graph.users().len(),
            p if p == self.item => graph.items().len(),
            p if [self.time, self.weight, self.basket].contains(&p) => graph.meta.groups as usize,
            _ => return None,
        };
        Some((graph.event_count() as f64, objects as f64))
    }
}

impl Terms<'_> {
    /// Triples of events that match.
    pub(super) fn events(&self, [s, p, o]: [Option<Id>; 3]) -> Found<'_> {
        let Some(names) = &self.names.events else {
            return none();
        };
        let wanted = match p.map(Id::named) {
            None => None,
            Some(Named::Known(p)) if names.concerns(p) => Some(p),
            Some(_) => return none(),
        };
        let all = 0..self.dataset.graph.event_count();
        let numbers: Box<dyn Iterator<Item = u64> + '_> = match (s.map(Id::named), o) {
            (Some(Named::Event(event)), _) => Box::new(event..event + 1),
            (Some(_), _) => return none(),
            (None, Some(object)) => self.events_with(names, wanted, object),
            (None, None) => Box::new(all),
        };
        Box::new(numbers.flat_map(move |event| {
            let said = self.said_of_event(names, event, wanted);
            let said = said.into_iter().flatten();
            let said = said.filter(move |(_, value)| o.is_none_or(|o| o == *value));
            said.map(move |(predicate, value)| [Id::event(event), Id::known(predicate), value])
        }))
    }

    /// Events that may have `object`.
    fn events_with(
        &self,
        names: &EventNames,
        wanted: Option<u32>,
        object: Id,
    ) -> Box<dyn Iterator<Item = u64> + '_> {
        let graph = self.dataset.graph;
        if let End::Is(node) = ends(Some(object))
            && graph.nodes().contains(&node)
        {
            return match node {
                node if graph.users().contains(&node) => Box::new(graph.events_by(node)),
                node if graph.items().contains(&node) => {
                    Box::new(graph.events_of(node).iter().copied())
                }
                node if node == names.class => Box::new(0..graph.event_count()),
                _ => Box::new(std::iter::empty()),
            };
        }
        match (wanted, self.basket_of(object)) {
            (Some(p), Some(basket)) if p == names.basket => {
                Box::new(graph.events_in(basket).iter().copied())
            }
            _ => Box::new(0..graph.event_count()),
        }
    }

    /// The number that a literal names, if it can be a basket.
    fn basket_of(&self, object: Id) -> Option<u32> {
        term::lexical(&self.text(object)?)?.parse().ok()
    }

    /// What is said of an event, only under `wanted` if that is given.
    fn said_of_event(
        &self,
        names: &EventNames,
        number: u64,
        wanted: Option<u32>,
    ) -> [Option<(u32, Id)>; 6] {
        let graph = self.dataset.graph;
        let Some(event) = graph.event_at(number) else {
            return [None; 6];
        };
        let say = |predicate: u32, value: &dyn Fn() -> Option<Id>| {
            let asked = wanted.is_none_or(|wanted| wanted == predicate);
            asked.then(value).flatten().map(|value| (predicate, value))
        };
        [
            say(names.a, &|| Some(Id::known(names.class))),
            say(names.user, &|| graph.event_user(number).map(Id::known)),
            say(names.item, &|| Some(Id::known(event.item))),
            say(names.time, &|| Some(self.time(event.time?))),
            say(names.weight, &|| Some(self.decimal(event.weight))),
            say(names.basket, &|| Some(self.integer(event.group?.into()))),
        ]
    }
}
