//! What makes the difference between two items.

use super::ItemNamed;
use super::suppose::iri;
use super::why::{About, View};
use crate::explanation::way;
use crate::policy::Gate;
use crate::scoring::{Route, Scored};
use crate::selection::{Candidate, Piece};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What stands for ways that policies let nobody be told.
pub(super) const WITHHELD: &str = "withheld";

/// Route, entity, and item of the history where each has its own numbers.
type Way = (Route, Option<u32>, Option<u32>);

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
    /// The kind of link, or the property; `withheld` for all that policies let nobody be told.
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
        if other == self.item {
            return Err(Error::usage("an item cannot be compared with itself")
                .hint("name another one, or none for the next by score"));
        }
        let walk = self.scorer.walk(&self.profile);
        let items = [
            (self.item, score),
            (other, self.scorer.score(&self.profile, other)),
        ];
        let sides =
            Candidate::gather_all(&walk, &items.map(|(item, score)| Scored { item, score }));
        let mut sums: BTreeMap<Option<Way>, [f64; 2]> = BTreeMap::new();
        for (side, candidate) in sides.iter().enumerate() {
            let pieces: Vec<&Piece> = candidate.pieces.iter().collect();
            let open = self.gates.open(Gate::Explanation, &pieces)?;
            for (piece, open) in pieces.into_iter().zip(open) {
                let way = open.then(|| (piece.route, piece.via, piece.apart()));
                sums.entry(way).or_default()[side] += piece.contribution;
            }
        }
        let difference = |(kind, [here, there]): (Option<Way>, [f64; 2])| Difference {
            way: kind.map_or_else(|| WITHHELD.to_owned(), |(route, ..)| way(graph, route)),
            from: kind
                .and_then(|kind| kind.2)
                .map(|from| self.named(from, None)),
            through: kind
                .and_then(|kind| kind.1)
                .map(|via| self.named(via, None)),
            here,
            there,
        };
        let mut differences: Vec<Difference> = sums.into_iter().map(difference).collect();
        let size = |d: &Difference| (d.here - d.there).abs();
        differences.sort_by(|a, b| size(b).total_cmp(&size(a)));
        Ok(Some(Compared {
            item: iri(self.snapshot, other),
            label: self.voice.label(graph, other).to_owned(),
            score: items[1].1,
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
