//! How many links are right, and how many of those that can be made are made.
//!
//! A truth names targets of items. It can judge an item only if it names it, and a link can be right only if one of the
//! named targets is there to be linked to: these items are *within reach*. Precision and recall are over them; a link of
//! an item whose named targets are all absent is counted apart, since either the link is wrong or the truth is.
//!
//! - precision = right / (right + wrong)
//! - strict precision = right / (right + wrong + out of reach)
//! - recall = right / items within reach

use crate::linking::{Linking, Pair, Standing, Table};
use crate::{Error, Result};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Where the curve is drawn.
const THRESHOLDS: [f32; 12] = [
    0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99,
];

/// Ends of the bins of confidences.
const BINS: [f32; 8] = [0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 0.99, 1.0];

/// Which targets items are: ids or IRIs of items, and IRIs of targets.
#[derive(Clone, Debug, Default)]
pub struct Truth(BTreeMap<String, BTreeSet<String>>);

impl Truth {
    /// Adds a file with an item in the first column and a target's IRI in the last one, separated by tabs or else by
    /// commas. A first line without an IRI is a header. An item of several targets may be any of them.
    ///
    /// # Errors
    /// `Input` where another line has no item or no IRI.
    pub fn load(&mut self, path: &Path) -> Result<()> {
        let bytes = std::fs::read(path).map_err(|e| Error::io("read the truth", path, e))?;
        let first = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
        let tabs = first.contains(&b'\t');
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(if tabs { b'\t' } else { b',' })
            .quoting(!tabs)
            .has_headers(false)
            .flexible(true)
            .from_reader(&bytes[..]);
        for (number, row) in (1..).zip(reader.records()) {
            let at = |error: Error| error.at(format!("{}:{number}", path.display()));
            let row =
                row.map_err(|e| at(Error::input(format!("this is no row: {e}")).because(e)))?;
            let item = row.get(0).unwrap_or_default().trim();
            let target = row.iter().next_back().unwrap_or_default().trim();
            let is_iri = row.len() > 1 && target.contains(':');
            match (item.is_empty(), is_iri) {
                (false, true) => {
                    self.0
                        .entry(item.to_owned())
                        .or_default()
                        .insert(target.to_owned());
                }
                _ if number == 1 => {}
                _ => {
                    return Err(at(Error::input("a row has an item first and the IRI of its target last")
                        .hint("separated by tabs or commas: `858,http://dbpedia.org/resource/The_Godfather`")));
                }
            }
        }
        Ok(())
    }
}

/// What is judged.
pub struct Trial<'a> {
    /// What was linked.
    pub items: &'a Table,
    /// To what.
    pub targets: &'a Table,
    /// The pairs.
    pub linking: &'a Linking,
    /// By item: the targets that are right, those of them that are here; absent where the truth says nothing.
    truth: BTreeMap<u32, (BTreeSet<u32>, BTreeSet<String>)>,
    /// Rows of the truth whose items are not here.
    pub strangers: usize,
}

/// Which items are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All.
    All,
    /// Those of one [`half`].
    Half(bool),
}

/// In which half an item is, by the first bit of the BLAKE3 hash of its IRI. What was fitted on one half
/// ([`crate::linking::Weights::SHIPPED`]: on the true one) is judged by the other.
pub fn half(iri: &str) -> bool {
    blake3::hash(iri.as_bytes()).as_bytes()[0] & 1 == 0
}

/// How good links are at one threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// The threshold.
    pub threshold: f32,
    /// Items within reach that are linked as the truth says.
    pub right: usize,
    /// Items within reach that are linked otherwise.
    pub wrong: usize,
    /// Items within reach that are not linked.
    pub abstained: usize,
    /// Linked items whose named targets are all absent.
    pub out_of_reach: usize,
    /// Linked items that the truth does not name.
    pub unjudged: usize,
    /// See the module; 1 if there is nothing to divide by.
    pub precision: f64,
    /// With the links out of reach as wrong ones.
    pub strict_precision: f64,
    /// See the module.
    pub recall: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
}

/// Pairs of about one confidence, and how many of them are right.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// Confidences from here.
    pub from: f32,
    /// To below here; the last bin includes its end.
    pub to: f32,
    /// One-to-one pairs of items within reach.
    pub pairs: usize,
    /// Their mean confidence.
    pub confidence: f64,
    /// The share of them that is right.
    pub right: f64,
}

/// A link that the truth does not bear out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Disagreement {
    /// IRI of the item.
    pub item: String,
    /// Its label.
    pub label: String,
    /// The target that it is linked to.
    pub linked: String,
    /// How sure the link is.
    pub confidence: f32,
    /// The targets that the truth names.
    pub truth: BTreeSet<String>,
    /// Whether one of those is here.
    pub within_reach: bool,
}

impl<'a> Trial<'a> {
    /// Brings a truth to bear on a linking; `item` finds items by their ids or IRIs.
    pub fn new(
        (items, targets, linking): (&'a Table, &'a Table, &'a Linking),
        truth: &Truth,
        item: impl Fn(&str) -> Option<u32>,
    ) -> Self {
        let mut trial = Self {
            items,
            targets,
            linking,
            truth: BTreeMap::new(),
            strangers: 0,
        };
        for (name, right) in &truth.0 {
            let Some(item) = item(name) else {
                trial.strangers += 1;
                continue;
            };
            let here = right.iter().filter_map(|iri| targets.find(iri));
            let entry = trial.truth.entry(item).or_default();
            entry.0.extend(here);
            entry.1.extend(right.iter().cloned());
        }
        trial
    }

    /// How many items of `part` the truth names, and how many are within reach.
    pub fn judged(&self, part: Part) -> (usize, usize) {
        let named = self
            .truth
            .iter()
            .filter(|(item, _)| self.is_in(part, **item));
        let named: Vec<_> = named.collect();
        let reach = named
            .iter()
            .filter(|(_, (here, _))| !here.is_empty())
            .count();
        (named.len(), reach)
    }

    /// How good the links are at a threshold.
    pub fn figures(&self, part: Part, threshold: f32) -> Figures {
        let (mut right, mut wrong, mut out_of_reach, mut unjudged) = (0, 0, 0, 0);
        for pair in self
            .linking
            .links(threshold)
            .filter(|pair| self.is_in(part, pair.item))
        {
            match self.truth.get(&pair.item) {
                None => unjudged += 1,
                Some((here, _)) if here.is_empty() => out_of_reach += 1,
                Some((here, _)) if here.contains(&pair.target) => right += 1,
                Some(_) => wrong += 1,
            }
        }
        let (_, reach) = self.judged(part);
        let (precision, recall) = (share(right, right + wrong), share(right, reach));
        Figures {
            threshold,
            right,
            wrong,
            abstained: reach - right - wrong,
            out_of_reach,
            unjudged,
            precision,
            strict_precision: share(right, right + wrong + out_of_reach),
            recall,
            f1: match precision + recall > 0.0 {
                true => 2.0 * precision * recall / (precision + recall),
                false => 0.0,
            },
        }
    }

    /// The figures at many thresholds.
    pub fn curve(&self, part: Part) -> Vec<Figures> {
        THRESHOLDS
            .iter()
            .map(|&threshold| self.figures(part, threshold))
            .collect()
    }

    /// Whether pairs are right as often as their confidences say.
    pub fn reliability(&self, part: Part) -> Vec<Bin> {
        let pairs = self
            .linking
            .pairs
            .iter()
            .filter(|pair| pair.standing == Standing::Best);
        let pairs =
            pairs.filter(|pair| self.is_in(part, pair.item) && self.is_within_reach(pair.item));
        let pairs: Vec<&Pair> = pairs.collect();
        let bins = BINS.windows(2).map(|ends| {
            let (from, to) = (ends[0], ends[1]);
            let within = |c: f32| c >= from && (c < to || (to == 1.0 && c >= 1.0));
            let within: Vec<_> = pairs
                .iter()
                .filter(|pair| within(pair.confidence))
                .collect();
            let right = within.iter().filter(|pair| self.is_right(pair)).count();
            let sum: f64 = within.iter().map(|pair| f64::from(pair.confidence)).sum();
            Bin {
                from,
                to,
                pairs: within.len(),
                confidence: sum / within.len().max(1) as f64,
                right: right as f64 / within.len().max(1) as f64,
            }
        });
        bins.filter(|bin| bin.pairs > 0).collect()
    }

    /// The links that the truth does not bear out, by item.
    pub fn disagreements(&self, part: Part, threshold: f32) -> Vec<Disagreement> {
        let links = self
            .linking
            .links(threshold)
            .filter(|pair| self.is_in(part, pair.item));
        let disputed =
            links.filter(|pair| self.truth.contains_key(&pair.item) && !self.is_right(pair));
        let mut disagreements: Vec<_> = disputed
            .map(|pair| {
                let item = &self.items.things[pair.item as usize];
                Disagreement {
                    item: item.iri.clone(),
                    label: item.label.clone(),
                    linked: self.targets.things[pair.target as usize].iri.clone(),
                    confidence: pair.confidence,
                    truth: self.truth[&pair.item].1.clone(),
                    within_reach: self.is_within_reach(pair.item),
                }
            })
            .collect();
        disagreements.sort_by(|a, b| a.item.cmp(&b.item));
        disagreements
    }

    fn is_right(&self, pair: &Pair) -> bool {
        self.truth
            .get(&pair.item)
            .is_some_and(|(here, _)| here.contains(&pair.target))
    }

    fn is_within_reach(&self, item: u32) -> bool {
        self.truth
            .get(&item)
            .is_some_and(|(here, _)| !here.is_empty())
    }

    fn is_in(&self, part: Part, item: u32) -> bool {
        match part {
            Part::All => true,
            Part::Half(wanted) => half(&self.items.things[item as usize].iri) == wanted,
        }
    }
}

fn share(part: usize, whole: usize) -> f64 {
    match whole {
        0 => 1.0,
        _ => part as f64 / whole as f64,
    }
}
