//! Who is a user and what is an item: by behaviour, else by the classes that the datasets name.

use crate::knowledge::segment::{NONE, Segment};
use crate::model::term;
use crate::vocabulary::rdf;

/// The roles of a segment's terms.
pub(super) struct Roles(Vec<u8>);

impl Roles {
    pub(super) const USER: u8 = 1;
    pub(super) const ITEM: u8 = 2;

    pub(super) fn find(segment: &Segment) -> Self {
        let mut roles = Self(vec![0; segment.terms.len()]);
        for event in segment.events.iter() {
            if event.user != NONE {
                roles.add(event.user, Self::USER);
            }
            roles.add(event.item, Self::ITEM);
        }
        roles.add_instances(segment);
        roles
    }

    /// The roles of the term at `index`, as bits.
    pub(super) fn of(&self, index: u32) -> u8 {
        self.0.get(index as usize).copied().unwrap_or_default()
    }

    fn add(&mut self, index: u32, role: u8) {
        if let Some(roles) = self.0.get_mut(index as usize) {
            *roles |= role;
        }
    }

    fn add_instances(&mut self, segment: &Segment) {
        let find = |iri: Option<&str>| {
            let wanted = term::iri(iri?);
            let index = segment.terms.iter().position(|t| t == wanted)?;
            Some(index as u32)
        };
        let user_class = find(segment.dataset.user_class.as_deref());
        let item_class = find(segment.dataset.item_class.as_deref());
        let Some(rdf_type) = find(Some(rdf::TYPE)) else {
            return;
        };
        for fact in segment.facts.iter() {
            let [subject, predicate, object] = fact.triple;
            if predicate != rdf_type {
                continue;
            }
            if Some(object) == user_class {
                self.add(subject, Self::USER);
            } else if Some(object) == item_class {
                self.add(subject, Self::ITEM);
            }
        }
    }
}
