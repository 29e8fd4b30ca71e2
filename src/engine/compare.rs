//! What makes the difference between two items.

use super::suppose::iri;
use super::why::{About, ItemNamed, View};
use crate::Result;
use crate::explanation::way;
use crate::scoring::Route;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An item beside another, and what makes the difference; exactly, for scores are sums.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// The other item's IRI.
    pub item: String,
    /// Its name.
    pub label: String,
    /// The sum of its paths.
    pub score: f64,
    /// What each way adds to one and the other, the largest difference first; the differences add up to that of the scores.
    pub differences: Vec<Difference>,
}

/// What one way adds to two items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The kind of link, or the property.
    pub way: String,
    /// The item of the history that it starts from, of links and of facts between items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ItemNamed>,
    /// The entity on it, of what is shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<ItemNamed>,
    /// What it adds to the item in view.
    pub here: f64,
    /// What it adds to the other.
    pub there: f64,
}

impl View<'_> {
    /// The item in view beside the one that was named, or the next by score; `None` if there is no other.
    pub(super) fn compared(&self, about: &About, score: f64) -> Result<Option<Compared>> {
        let graph = self.snapshot.graph();
        let other = match &about.against {
            Some(name) => graph
                .find_item(name)
                .ok_or_else(|| graph.unknown("item", name))?,
            None => match self.next(score) {
                Some(other) => other,
                None => return Ok(None),
            },
        };
        let mut sums: BTreeMap<(Route, Option<u32>, Option<u32>), [f64; 2]> = BTreeMap::new();
        let walk = self.scorer.walk(&self.profile);
        for (side, item) in [self.item, other].into_iter().enumerate() {
            for path in walk.paths(item) {
                let from = match path.route {
                    Route::Link(_) | Route::Stated(_) => path.from,
                    _ => None,
                };
                let sum = sums.entry((path.route, path.via, from)).or_default();
                sum[side] += path.contribution;
            }
        }
        let difference =
            |((route, via, from), [here, there]): ((Route, _, _), [f64; 2])| Difference {
                way: way(graph, route),
                from: Option::map(from, |from| self.named(from, None)),
                through: Option::map(via, |via| self.named(via, None)),
                here,
                there,
            };
        let mut differences: Vec<Difference> = sums.into_iter().map(difference).collect();
        let size = |d: &Difference| (d.here - d.there).abs();
        differences.sort_by(|a, b| size(b).total_cmp(&size(a)));
        Ok(Some(Compared {
            item: iri(self.snapshot, other),
            label: self.voice.label(graph, other).to_owned(),
            score: self.scorer.score(&self.profile, other),
            differences,
        }))
    }

    /// The item that stands next by score.
    fn next(&self, score: f64) -> Option<u32> {
        let scores = self.scorer.all(&self.profile);
        let items = self
            .snapshot
            .graph()
            .items()
            .zip(scores)
            .zip(&self.eligible);
        let others = items.filter(|((item, _), may)| **may && *item != self.item);
        let after =
            |&(item, other): &(u32, f64)| other < score || other == score && item > self.item;
        let after = others.map(|(scored, _)| scored).filter(after);
        after
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
            .map(|next| next.0)
    }
}
