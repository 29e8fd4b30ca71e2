//! Events that were stated since the graph was frozen.

use super::Changes;
use crate::graph::Graph;
use crate::model::{Heard, UnixSeconds, term};
use crate::vocabulary::kenning;

/// An event that the graph does not hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NewEvent {
    /// Who: a user of the graph, or somebody new.
    pub user: u32,
    /// Which of the graph's items.
    pub item: u32,
    /// When, if known.
    pub time: Option<UnixSeconds>,
    /// Rating, quantity.
    pub weight: f32,
}

impl Changes {
    /// The events that were added: by user, then time, those without a time first, then by name. Events with what is no
    /// item of the graph wait for the next build.
    pub fn events(&self, graph: &Graph) -> Vec<NewEvent> {
        let find = |text: &str| graph.find(text).or_else(|| self.find(text));
        let text = |number: u32| self.term(number).unwrap_or_else(|| graph.term(number));
        let Some(property) = find(&term::iri(kenning::EVENT_USER)) else {
            return Vec::new();
        };
        let told = self.added([None, Some(property), None]).map(|quad| quad[0]);
        let mut subjects: Vec<u32> = told.collect();
        subjects.sort_unstable();
        subjects.dedup();
        let mut events: Vec<(NewEvent, &str)> = Vec::new();
        for subject in subjects {
            let said = self.added([Some(subject), None, None]);
            let heard = Heard::read(said.map(|[_, p, o, _]| (text(p), text(o))));
            let event = heard.and_then(|heard| {
                Some(NewEvent {
                    user: find(&heard.user)?,
                    item: find(&heard.item).filter(|item| graph.items().contains(item))?,
                    time: heard.time,
                    weight: heard.weight,
                })
            });
            events.extend(event.map(|event| (event, text(subject))));
        }
        events.sort_by(|(a, a_name), (b, b_name)| {
            (a.user, a.time, a_name).cmp(&(b.user, b.time, b_name))
        });
        events.into_iter().map(|event| event.0).collect()
    }
}
