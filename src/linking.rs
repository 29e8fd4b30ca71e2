//! Entity linking: which things of the project are which things elsewhere, by label, year and kind.
//!
//! ```text
//! triples ─ table ─► things with names ─ catalogue, index ─► candidates ─ evidence, weights ─► probabilities
//!         ─ assign ─► one-to-one pairs ─► links, doubts
//! ```
//!
//! # What is a candidate?
//!
//! Who has one of the item's names ([`names`]) exactly, or one that is spelt much like it ([`index`]). A name that a
//! crowd of targets has is narrowed by year; where that does not help, the item is left alone, and said to be
//! ([`Linking::crowded`]). So nothing is compared with everything, even if all names are equal.
//!
//! # How sure is a link?
//!
//! Its confidence is the probability of a conditional logit over the candidates and "none of them" ([`weights`]), cut
//! where several items claim one target. Each item is linked at most once, and each target. Below a
//! threshold a pair is no link but a doubt, which people settle ([`decisions`]).
//!
//! *Invariant:* the result depends neither on the order of the input nor on the number of threads, and links above a
//! higher threshold are some of those above a lower one.

mod assign;
mod catalogue;
pub mod decisions;
pub mod evidence;
mod fold;
pub mod index;
pub mod names;
pub mod table;
pub mod weights;
mod words;

pub use assign::{Pair, Standing};
pub use catalogue::Catalogue;
pub use decisions::{Decisions, Verdict};
pub use table::{Selection, Table, TableBuilder, Thing};
pub use weights::{Choice, Weights};

use crate::model::Progress;
use assign::assign;
use catalogue::{Candidate, Candidates};
use evidence::Features;
use index::Slate;
use rayon::prelude::*;
use rustc_hash::FxHashSet;

/// An item keeps at most so many candidates, the best ones.
const KEPT: usize = 8;

/// Items between two reports of progress.
const BATCH: usize = 8192;

/// What came of comparing two tables.
#[derive(Debug, Default)]
pub struct Linking {
    /// Pairs that may be one thing: the settled ones, then the others, the surest first.
    pub pairs: Vec<Pair>,
    /// Items whose names stand for a crowd of targets.
    pub crowded: Vec<u32>,
    /// Items for which not all names could be compared ([`index::READ`]).
    pub cut_short: u64,
}

impl Linking {
    /// The one-to-one pairs that are at least so sure, the settled ones first.
    pub fn links(&self, threshold: f32) -> impl Iterator<Item = &Pair> {
        let is_link = move |pair: &&Pair| match pair.standing {
            Standing::Settled => true,
            Standing::Best => pair.confidence >= threshold,
            Standing::Rival => false,
        };
        self.pairs.iter().filter(is_link)
    }

    /// The pairs of items that have no link at this threshold, item by item, the surest of each first.
    pub fn doubtful(&self, threshold: f32) -> Vec<&Pair> {
        let linked: FxHashSet<u32> = self.links(threshold).map(|pair| pair.item).collect();
        let open = self
            .pairs
            .iter()
            .filter(|pair| !linked.contains(&pair.item));
        let mut open: Vec<&Pair> = open.collect();
        // Stable, and the pairs were in the order of their confidences.
        open.sort_by_key(|pair| pair.item);
        open
    }
}

/// What pairs are judged by.
#[derive(Clone, Debug)]
pub struct Criteria {
    /// How much each feature of a pair counts.
    pub weights: Weights,
    /// What people settled.
    pub decisions: Decisions,
}

impl Default for Criteria {
    /// The weights that come with Kenning, and nothing settled.
    fn default() -> Self {
        Self {
            weights: Weights::SHIPPED,
            decisions: Decisions::default(),
        }
    }
}

/// Links `items` to the targets of a catalogue.
pub fn link(
    items: &Table,
    catalogue: &Catalogue,
    criteria: &Criteria,
    progress: &dyn Progress,
) -> Linking {
    let mut linking = Linking::default();
    let mut pairs = Vec::new();
    let judge = Judge {
        items,
        catalogue,
        decisions: criteria.decisions.numbered(items, catalogue.table()),
        weights: &criteria.weights,
    };
    progress.begin("link", Some(items.things.len() as u64), "items");
    let numbers: Vec<u32> = (0..items.things.len() as u32).collect();
    for batch in numbers.chunks(BATCH) {
        let judged = batch
            .par_iter()
            .map_init(|| catalogue.slate(), |slate, &item| judge.item(item, slate));
        for (&item, judged) in batch.iter().zip(judged.collect::<Vec<_>>()) {
            pairs.extend(judged.pairs);
            linking.cut_short += u64::from(judged.cut_short);
            if judged.crowded {
                linking.crowded.push(item);
            }
        }
        progress.advance(batch.len() as u64, batch.len() as u64);
    }
    progress.end();
    linking.pairs = assign(pairs, items.things.len(), catalogue.table().things.len());
    linking
}

/// The candidates of every item with their features: what [`Weights::fit`] learns from.
pub fn choices(items: &Table, catalogue: &Catalogue) -> Vec<Vec<(u32, Features)>> {
    let choices = items.things.par_iter().map_init(
        || catalogue.slate(),
        |slate, item| {
            let found = catalogue.candidates(item, slate).list;
            let features = |c: &Candidate| (c.target, evidence::features(item, c, catalogue));
            found.iter().map(features).collect()
        },
    );
    choices.collect()
}

/// What decides about an item.
struct Judge<'a> {
    items: &'a Table,
    catalogue: &'a Catalogue<'a>,
    decisions: decisions::Numbered,
    weights: &'a Weights,
}

#[derive(Default)]
struct Judged {
    pairs: Vec<Pair>,
    crowded: bool,
    cut_short: bool,
}

impl Judge<'_> {
    fn item(&self, item: u32, slate: &mut Slate) -> Judged {
        if let Some(target) = self.decisions.same.get(&item) {
            return Judged {
                pairs: vec![Pair {
                    item,
                    target: *target,
                    confidence: 1.0,
                    features: None,
                    standing: Standing::Settled,
                }],
                ..Judged::default()
            };
        }
        let thing = &self.items.things[item as usize];
        let Candidates {
            list,
            crowded,
            cut_short,
        } = self.catalogue.candidates(thing, slate);
        if crowded {
            return Judged {
                crowded,
                cut_short,
                pairs: Vec::new(),
            };
        }
        let open = list
            .into_iter()
            .filter(|c| !self.decisions.other.contains(&(item, c.target)));
        let mut scored: Vec<(f64, u32, Features)> = open
            .map(|c| {
                let features = evidence::features(thing, &c, self.catalogue);
                (self.weights.score(&features), c.target, features)
            })
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let scores: Vec<f64> = scored.iter().map(|s| s.0).collect();
        let likely = scored.into_iter().zip(Weights::probabilities(&scores));
        let pairs = likely
            .take(KEPT)
            .map(|((_, target, features), probability)| Pair {
                item,
                target,
                confidence: probability as f32,
                features: Some(features),
                standing: Standing::Rival,
            });
        Judged {
            pairs: pairs
                .filter(|pair| pair.confidence >= assign::FAINT)
                .collect(),
            crowded,
            cut_short,
        }
    }
}
