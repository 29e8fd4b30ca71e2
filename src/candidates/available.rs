//! Whether items are available at a time: by `schema:availabilityStarts`, `schema:availabilityEnds`, `schema:validFrom`
//! and `schema:validThrough` of the item, or of its `schema:offers`.
//!
//! An item without these is available. All times of one node have to hold; of offers that tell times one has to hold, and
//! an offer that tells none holds. A day without an hour begins at midnight in UTC, or ends there.

use super::values::{property, values};
use crate::model::{UnixSeconds, term};
use crate::sparql::Dataset;

const STARTS: [&str; 2] = [
    "https://schema.org/availabilityStarts",
    "https://schema.org/validFrom",
];
const ENDS: [&str; 2] = [
    "https://schema.org/availabilityEnds",
    "https://schema.org/validThrough",
];
const OFFERS: &str = "https://schema.org/offers";

/// Seconds of a day, up to its last.
const LAST_SECOND: UnixSeconds = 86_399;

/// Looks at times of items.
pub(super) struct Windows<'a> {
    dataset: Dataset<'a>,
    starts: Vec<u32>,
    ends: Vec<u32>,
    offers: Option<u32>,
    at: UnixSeconds,
    /// Times that could not be read.
    pub(super) unread: usize,
}

impl<'a> Windows<'a> {
    /// `None` if nothing in the graph tells such a time.
    pub(super) fn new(dataset: Dataset<'a>, at: UnixSeconds) -> Option<Self> {
        let find = |iris: [&str; 2]| -> Vec<u32> {
            let known = iris.into_iter().filter_map(|iri| property(dataset, iri));
            known.collect()
        };
        let (starts, ends) = (find(STARTS), find(ENDS));
        let told = !starts.is_empty() || !ends.is_empty();
        told.then(|| Self {
            dataset,
            starts,
            ends,
            offers: property(dataset, OFFERS),
            at,
            unread: 0,
        })
    }

    /// Whether an item is available.
    pub(super) fn hold(&mut self, item: u32) -> bool {
        let offers = self.offers.map(|offers| values(self.dataset, item, offers));
        let offers = offers.unwrap_or_default();
        let own = self.holds(item);
        own && (offers.is_empty() || offers.into_iter().any(|offer| self.holds(offer)))
    }

    fn holds(&mut self, node: u32) -> bool {
        let starts = self.times(node, &self.starts.clone(), 0);
        let ends = self.times(node, &self.ends.clone(), LAST_SECOND);
        starts.iter().all(|&start| start <= self.at) && ends.iter().all(|&end| self.at <= end)
    }

    fn times(&mut self, node: u32, properties: &[u32], of_day: UnixSeconds) -> Vec<UnixSeconds> {
        let mut times = Vec::new();
        for &property in properties {
            for value in values(self.dataset, node, property) {
                let text = term::lexical(self.dataset.term(value)).unwrap_or_default();
                match seconds(text, of_day) {
                    Some(time) => times.push(time),
                    None => self.unread += 1,
                }
            }
        }
        times
    }
}

/// `2024-05-01T12:00:00+02:00`, without a zone in UTC; of a day alone the second `of_day`.
fn seconds(text: &str, of_day: UnixSeconds) -> Option<UnixSeconds> {
    let text = text.trim();
    let read = |text: &str| text.parse::<jiff::Timestamp>().ok();
    if let Some(time) = read(text).or_else(|| read(&format!("{text}Z"))) {
        return Some(time.as_second());
    }
    let midnight = read(&format!("{text}T00:00:00Z"))?;
    Some(midnight.as_second() + of_day)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times_are_read_as_they_are_written() {
        for (text, expected) in [
            ("1970-01-02", Some(86_400)),
            ("1970-01-01T00:01:00Z", Some(60)),
            ("1970-01-01T00:01:00", Some(60)),
            ("1970-01-01T01:01:00+01:00", Some(60)),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(seconds(text, 0), expected, "{text}");
        }
        assert_eq!(seconds("1970-01-01", 86_399), Some(86_399));
    }
}
