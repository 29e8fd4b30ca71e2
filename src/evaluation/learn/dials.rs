//! The settings that are tried, each with its values.

use crate::evaluation::Method;
use crate::graph::Graph;
use crate::model::LinkKind;
use crate::vocabulary::{shorten, weight_of};

/// What a weight of the scorer is multiplied with.
const FACTORS: [f32; 4] = [0.0, 0.5, 2.0, 4.0];
/// A weight of nothing is tried at this.
const LEAST: f32 = 0.02;
const DECAYS: [f32; 5] = [1.0, 0.95, 0.9, 0.8, 0.6];
const PREFERENCES: [f32; 3] = [0.0, 0.25, 0.5];
const POPULARITIES: [f32; 5] = [0.0, 0.003, 0.01, 0.03, 0.1];
/// What the ridge and the weights of the linear model are multiplied with, by round: far first, then nearer. Links are
/// costly to compute.
const STEPS: [&[f32]; 3] = [&[0.0, 0.25, 4.0, 16.0], &[0.5, 2.0], &[0.7, 1.4]];
/// Rounds in which links are tried.
pub(super) const ROUNDS: usize = STEPS.len();
/// Rounds in which settings of links are tried whose values are the same in each.
const COARSE: usize = 2;
/// Numbers of regressors. Where few items were met, it is all of them instead of the second: no neighbourhood is chosen
/// then, which costs less.
const REGRESSORS: [usize; 2] = [50, 400];
const FEW: usize = 5000;
const DAMPINGS: [f32; 4] = [0.3, 0.5, 0.7, 0.9];
const DROPOUTS: [f32; 4] = [0.0, 0.33, 0.5, 0.67];
const WINDOWS: [f32; 3] = [5.0, 10.0, 20.0];
const NEIGHBOURS: [f32; 2] = [400.0, 1600.0];
const NEAR: [f32; 4] = [0.0, 0.25, 1.0, 4.0];
const DISCOUNTS: [f32; 4] = [0.0, 0.3, 0.5, 0.7];

/// Kinds of links that [`LinkSettings::damping`](crate::config::LinkSettings::damping) is about.
const COUNTED: [LinkKind; 3] = [
    LinkKind::FollowedBy,
    LinkKind::BoughtWith,
    LinkKind::CoOccursWith,
];

/// Writes a value into a method.
type Set = Box<dyn Fn(&mut Method, f32)>;

/// One setting, and the values that are tried for it.
pub(super) struct Dial {
    /// As a report calls it.
    pub(super) name: String,
    pub(super) values: Vec<f32>,
    set: Set,
}

impl Dial {
    fn new(name: &str, values: &[f32], set: impl Fn(&mut Method, f32) + 'static) -> Self {
        Self {
            name: name.to_owned(),
            values: values.to_vec(),
            set: Box::new(set),
        }
    }

    /// A method with another value there.
    pub(super) fn turned(&self, method: &Method, value: f32) -> Method {
        let mut method = method.clone();
        (self.set)(&mut method, value);
        method
    }
}

/// How items are scored.
pub(super) fn scoring(method: &Method) -> Vec<Dial> {
    let mut dials = vec![
        Dial::new("decay", &DECAYS, |m, v| m.scoring.decay = v),
        Dial::new("preference", &PREFERENCES, |m, v| m.scoring.preference = v),
        Dial::new("popularity", &POPULARITIES, |m, v| m.scoring.popularity = v),
    ];
    for (name, &now) in &method.scoring.weights {
        let now = if now > 0.0 { now } else { LEAST };
        let (values, key) = (FACTORS.map(|factor| now * factor), name.clone());
        let set = move |m: &mut Method, v| {
            m.scoring.weights.insert(key.clone(), v);
        };
        dials.push(Dial::new(name, &values, set));
    }
    dials
}

/// What dials have to know of the items.
#[derive(Clone, Copy)]
pub(super) struct Catalogue {
    items: usize,
    /// Items that somebody met.
    met: usize,
    /// Users of each of these, in the mean.
    users: f32,
}

impl Catalogue {
    pub(super) fn of(graph: &Graph) -> Self {
        let items = graph.items();
        let met = items.clone().filter(|&item| !graph.met_by(item).is_empty());
        let (items, met) = (items.len(), met.count());
        Self {
            items,
            met,
            users: graph.interaction_count() as f32 / met.max(1) as f32,
        }
    }

    /// Sets the damping of counted links. What they add in the mean stays about the same, or a step would mostly change what
    /// they weigh beside other ways.
    fn damp(self, method: &mut Method, damping: f32) {
        let factor = self.users.max(1.0).powf(damping - method.links.damping);
        for kind in COUNTED {
            let weight = method.scoring.weights.get_mut(kind.name());
            weight.into_iter().for_each(|weight| *weight *= factor);
        }
        method.links.damping = damping;
    }
}

/// How items are linked.
pub(super) fn links(method: &Method, round: usize, catalogue: Catalogue) -> Vec<Dial> {
    let links = &method.links;
    let ridges = around(links.ridge, round).into_iter().filter(|v| *v > 0.0);
    let mut dials = vec![
        Dial::new("links.shared", &around(links.shared, round), |m, v| {
            m.links.shared = v;
        }),
        Dial::new("links.ridge", &Vec::from_iter(ridges), |m, v| {
            m.links.ridge = v;
        }),
        Dial::new("links.order", &around(links.order, round), |m, v| {
            m.links.order = v;
        }),
    ];
    if round >= COARSE {
        return dials;
    }
    let most = match catalogue.met <= FEW {
        true => catalogue.items,
        false => REGRESSORS[1],
    };
    let regressors = [REGRESSORS[0], most].map(|count| count as f32);
    let first = [
        Dial::new("links.regressors", &regressors, |m, v| {
            m.links.regressors = v as usize;
        }),
        Dial::new("links.damping", &DAMPINGS, move |m, v| catalogue.damp(m, v)),
        Dial::new("links.window", &WINDOWS, |m, v| m.links.window = v as usize),
    ];
    dials.splice(0..0, first);
    dials.extend([
        Dial::new("links.dropout", &DROPOUTS, |m, v| m.links.dropout = v),
        Dial::new("links.preference", &PREFERENCES, |m, v| {
            m.links.preference = v;
        }),
    ]);
    dials
}

/// How items are linked that are ranked among a few: there the order of what no list of all items shows counts too, and how
/// the few were drawn.
pub(super) fn few(round: usize) -> Vec<Dial> {
    if round >= COARSE {
        return Vec::new();
    }
    vec![
        Dial::new("links.neighbours", &NEIGHBOURS, |m, v| {
            m.links.neighbours = v as usize;
        }),
        Dial::new("links.near", &NEAR, |m, v| m.links.near = v),
        Dial::new("links.discount", &DISCOUNTS, |m, v| m.links.discount = v),
    ]
}

/// What properties weigh in the linear model.
pub(super) fn traits(method: &Method, round: usize, properties: &[String]) -> Vec<Dial> {
    let one = |property: &String| {
        let own = weight_of(&method.links.weights, property);
        // What was set to nothing is tried again around what any other property weighs.
        let now = own.filter(|weight| *weight > 0.0);
        let now = now.unwrap_or(method.links.shared);
        let key = match method.links.weights.contains_key(property) {
            true => property.clone(),
            false => shorten(property),
        };
        let name = format!("links.weights.{key}");
        Dial::new(&name, &around(now, round), move |m, v| {
            m.links.weights.insert(key.clone(), v);
        })
    };
    properties.iter().map(one).collect()
}

/// Values around one, further from it or nearer by round.
fn around(value: f32, round: usize) -> Vec<f32> {
    let steps = STEPS.get(round).into_iter().copied().flatten();
    steps.map(|step| value.max(LEAST) * step).collect()
}
