//! What each way from item to item holds, and what it adds to rankings: all ways, and all but one.

use super::Method;
use super::metrics::{Difference, Estimate, compare, estimate};
use super::ranking::{Gain, Judging, Protocol, without};
use super::split::Split;
use super::trained::Trained;
use crate::engine::Engine;
use crate::graph::Graph;
use crate::model::{LinkKind, Progress, term};
use crate::scoring::{HUB, Scorer};
use crate::{Error, Result};
use serde::Serialize;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Taken away first, and not looked at.
    pub test: Split,
    /// Taken from the rest: what the ways are judged by.
    pub validation: Split,
    /// Only users and items with so many partners count; 0 or 1: all.
    pub core: usize,
    /// Length of the lists.
    pub k: usize,
    /// Of the bootstrap.
    pub seed: u64,
}

/// One way from item to item.
#[derive(Clone, Debug, Serialize)]
pub struct Way {
    /// A kind of links or a property.
    pub name: String,
    /// Its weight in scores.
    pub weight: f64,
    /// Links, or facts of items.
    pub triples: usize,
    /// Share of the items that have any.
    pub coverage: f64,
    /// Distinct ends of the facts; none of links.
    pub entities: Option<usize>,
    /// Mean bits that a fact tells of its item: `log2(items / items with the same end)`; none of links.
    pub specificity: Option<f64>,
    /// Ends of so many facts that scores pass them over; none of links.
    pub hubs: Option<usize>,
    /// NDCG of all ways less that of all but this one.
    pub gain: Difference,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Of this shape.
    pub schema_version: u32,
    /// What was taken away and not looked at.
    pub test: String,
    /// What the ways are judged by.
    pub validation: String,
    /// Users judged.
    pub users: usize,
    /// Items.
    pub items: usize,
    /// Length of the lists.
    pub k: usize,
    /// Of the bootstrap.
    pub seed: u64,
    /// NDCG of all ways.
    pub ndcg: Estimate,
    /// By gain, the largest first.
    pub ways: Vec<Way>,
}

/// Ranks with all ways and with all but each, for the users of a validation part.
///
/// # Errors
/// `Input` if nothing is left to validate on.
pub fn run(
    engine: &Engine,
    plan: &Plan,
    method: &Method,
    progress: &dyn Progress,
) -> Result<Report> {
    let splits = [&plan.test, &plan.validation];
    let trained = Trained::of(engine, &splits, (plan.core, &method.links), progress)?;
    if trained.cases.is_empty() {
        return Err(
            Error::input("nothing is left to validate on").hint("another split, or more events")
        );
    }
    let (graph, settings) = (&trained.graph, &method.scoring);
    let weights = Scorer::new(graph, settings).weights();
    progress.begin("ways", Some(weights.len() as u64), "ways");
    let judging = Judging {
        protocol: Protocol::Full,
        k: plan.k,
        gain: Gain::Binary,
        seed: plan.seed,
    };
    let all = trained.ndcg(settings, &judging);
    let mut ways = Vec::with_capacity(weights.len());
    for (name, weight) in weights {
        let others = trained.ndcg(&without(settings, [&name[..]]), &judging);
        let gain = compare(&all, &others, plan.seed);
        ways.push(Way::of(graph, name, weight, gain));
        progress.advance(1, 1);
    }
    progress.end();
    ways.sort_by(|a, b| {
        b.gain
            .mean
            .total_cmp(&a.gain.mean)
            .then(a.name.cmp(&b.name))
    });
    Ok(Report {
        schema_version: 1,
        test: plan.test.name(),
        validation: plan.validation.name(),
        users: trained.cases.len(),
        items: graph.items().len(),
        k: plan.k,
        seed: plan.seed,
        ndcg: estimate(&all, plan.seed),
        ways,
    })
}

impl Way {
    fn of(graph: &Graph, name: String, weight: f64, gain: Difference) -> Self {
        let mut way = Self {
            name,
            weight,
            triples: 0,
            coverage: 0.0,
            entities: None,
            specificity: None,
            hubs: None,
            gain,
        };
        let kind = LinkKind::ALL
            .into_iter()
            .find(|kind| kind.name() == way.name);
        match (kind, graph.find(&term::iri(&way.name))) {
            (Some(kind), _) => {
                way.count(graph, |item| graph.links(kind, item).to.len());
            }
            (None, Some(property)) => {
                way.count(graph, |item| entities(graph, item, property).count());
                way.describe(graph, property);
            }
            (None, None) => {}
        }
        way
    }

    fn count(&mut self, graph: &Graph, of_item: impl Fn(u32) -> usize) {
        let counts: Vec<usize> = graph.items().map(of_item).collect();
        let some = counts.iter().filter(|&&count| count > 0).count();
        self.triples = counts.iter().sum();
        self.coverage = some as f64 / counts.len().max(1) as f64;
    }

    fn describe(&mut self, graph: &Graph, property: u32) {
        let all = graph.items().len() as f64;
        let (mut ends, mut hubs, mut bits) = (0, 0, 0.0);
        for facts in graph.pairs(property).chunk_by(|a, b| a[0] == b[0]) {
            let mut items: Vec<u32> = facts.iter().map(|pair| pair[1]).collect();
            items.dedup();
            items.retain(|item| graph.items().contains(item));
            if items.is_empty() || !graph.nodes().contains(&facts[0][0]) {
                continue;
            }
            ends += 1;
            hubs += usize::from(facts.len() > HUB);
            bits += items.len() as f64 * (all / items.len() as f64).log2();
        }
        self.entities = Some(ends);
        self.hubs = Some(hubs);
        self.specificity = Some(bits / (self.triples.max(1)) as f64);
    }
}

/// The distinct resources that a property leads to from an item.
fn entities(graph: &Graph, item: u32, property: u32) -> impl Iterator<Item = u32> {
    let facts = graph.objects(item, property);
    let ends = facts.chunk_by(|a, b| a == b).map(|same| same[0][1]);
    ends.filter(|end| graph.nodes().contains(end))
}
