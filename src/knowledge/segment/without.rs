//! A segment without somebody.

use super::{EventRow, FactRow, NONE, Segment, SegmentBuilder};
use crate::Result;
use crate::model::term;
use crate::vocabulary::schema;
use std::path::Path;

/// What left a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// Facts.
    pub facts: usize,
    /// Events.
    pub events: usize,
}

/// Takes people out of the segment at `path`, by their encoded IRIs: their events, what is said of them and by them, and
/// all that is said of what they are the `schema:author` of. The file is written anew only if somebody is in it.
pub fn without(path: &Path, is_gone: &dyn Fn(&str) -> bool) -> Result<Gone> {
    let mut segment = Segment::open(path)?;
    let mut gone: Vec<bool> = segment.terms.iter().map(is_gone).collect();
    if !gone.contains(&true) {
        return Ok(Gone::default());
    }
    let author = term::iri(schema::AUTHOR);
    let author = segment.terms.iter().position(|text| text == author);
    let written = segment.facts.iter().filter_map(|fact| {
        let [subject, predicate, object] = fact.triple.map(|number| number as usize);
        (Some(predicate) == author && gone[object]).then_some(subject)
    });
    let written: Vec<usize> = written.collect();
    written.into_iter().for_each(|subject| gone[subject] = true);
    let is_gone = |number: u32| number != NONE && gone[number as usize];
    let facts: Vec<FactRow> = segment
        .facts
        .iter()
        .filter(|fact| !fact.triple.iter().any(|&number| is_gone(number)))
        .copied()
        .collect();
    let events: Vec<EventRow> = segment
        .events
        .iter()
        .filter(|event| !is_gone(event.user) && !is_gone(event.item))
        .copied()
        .collect();
    let left = Gone {
        facts: segment.facts.len() - facts.len(),
        events: segment.events.len() - events.len(),
    };
    segment.replace(facts, events)?;
    segment.write(path)?;
    Ok(left)
}

impl Segment {
    /// Writes what it holds now; a former file under that name stays until the new one is whole.
    fn write(&self, path: &Path) -> Result<()> {
        let mut builder = SegmentBuilder {
            facts: self.facts.to_vec(),
            distinct: self.facts.len(),
            events: self.events.to_vec(),
            ..SegmentBuilder::default()
        };
        for text in self.terms.iter() {
            builder.intern(text)?;
        }
        builder.write(&self.dataset, path).map(drop)
    }
}
