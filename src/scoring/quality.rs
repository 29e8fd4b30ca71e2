//! How good the paths are that explain a list of items, and which path of an item is shown first.
//!
//! After Balloccu, Boratto, Fenu and Marras 2022 ("Post Processing Recommender Systems with Knowledge Graphs for Recency,
//! Popularity, and Diversity of Explanations", SIGIR), over the one path that is shown of each item:
//!
//! | property | of a path or a list |
//! |---|---|
//! | LIR | how recent the interaction is that the path starts from |
//! | SEP | how popular the entity is that the item of the history and the candidate share |
//! | PTD | distinct types of paths in a list, divided by the most that there could be |
//! | PTC | `1 - Σ n(n - 1) / (N(N - 1))` over the types of the `N` paths of a list (Simpson): 1 if all differ |
//!
//! LIR and SEP are exponential moving averages over times and over degrees in ascending order, `x_i = (1 - β) x_{i-1} + β v_i`,
//! scaled to 0..=1 for each user and for each relation. β is not told there; here it is `2 / (n + 1)` for `n` values. Equal
//! values count alike: as the last of them. The type of a path is its kind of link, or its property.

use super::{Path, Route, Scorer};
use crate::graph::Graph;
use crate::model::LinkKind;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;

/// What a path that is shown first is chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preference {
    /// What it adds to the score.
    Contribution,
    /// LIR.
    Recency,
    /// SEP.
    Popularity,
    /// A type that no path before it has.
    Diversity,
    /// The mean of these three.
    Together,
}

impl Preference {
    /// All, what is done without a wish first.
    pub const ALL: [Self; 5] = [
        Self::Contribution,
        Self::Recency,
        Self::Popularity,
        Self::Diversity,
        Self::Together,
    ];

    /// Its name, as reports give it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Contribution => "contribution",
            Self::Recency => "recency",
            Self::Popularity => "popularity",
            Self::Diversity => "diversity",
            Self::Together => "together",
        }
    }
}

/// What kind of path it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathType {
    /// By links of a kind.
    Link(LinkKind),
    /// By facts of a property, by its number.
    Property(u32),
}

impl Path {
    /// Its type; none if nothing leads to the item.
    pub fn kind(&self) -> Option<PathType> {
        match self.route {
            Route::Link(kind) => Some(PathType::Link(kind)),
            Route::Stated(p) | Route::Shared(p) | Route::Trend(p) | Route::Liked(p) => {
                Some(PathType::Property(p))
            }
            Route::Described | Route::Popular => None,
        }
    }
}

/// The properties of the paths that are shown for a list.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Mean LIR of the paths.
    pub lir: f64,
    /// Mean SEP of the paths that go through an entity; none if there are none.
    pub sep: Option<f64>,
    /// Path type diversity.
    pub ptd: f64,
    /// Path type concentration.
    pub ptc: f64,
}

/// How recent each interaction of a user is, by item: 0 to 1.
pub type Recency = FxHashMap<u32, f64>;

/// What a graph and a scorer's ways say of paths.
pub struct Quality<'g> {
    graph: &'g Graph,
    /// By property and entity.
    popularity: FxHashMap<(u32, u32), f64>,
    types: usize,
}

impl<'g> Quality<'g> {
    /// Looks at the entities of every property that the scorer uses.
    pub fn new(scorer: &Scorer<'g>) -> Self {
        let graph = scorer.graph;
        let mut popularity = FxHashMap::default();
        for relation in scorer.tables.relations.iter() {
            let predicate = relation.predicate;
            let of_entity = graph.pairs(predicate).chunk_by(|a, b| a[0] == b[0]);
            let of_entity = of_entity.map(|facts| (facts.len() as f64, facts[0][0]));
            let entities = of_entity.filter(|(_, entity)| graph.nodes().contains(entity));
            let mut entities: Vec<(f64, u32)> = entities.collect();
            entities.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let degrees: Vec<f64> = entities.iter().map(|entity| entity.0).collect();
            let scaled = entities.iter().zip(averaged(&degrees));
            popularity.extend(scaled.map(|(entity, sep)| ((predicate, entity.1), sep)));
        }
        Self {
            graph,
            popularity,
            types: scorer.tables.links.len() + scorer.tables.relations.len(),
        }
    }

    /// How recent each item of a user's history is: by the times of the events, or by their order where one has no time or
    /// all have the same. Of several events with one item the last counts.
    pub fn recency(&self, user: u32) -> Recency {
        let events: Vec<_> = self.graph.events(user).collect();
        let times: Option<Vec<i64>> = events.iter().map(|event| event.time).collect();
        let times = times.filter(|times| times.first() != times.last());
        let first = times.as_ref().and_then(|times| times.first().copied());
        let value = |place: usize| match (&times, first) {
            (Some(times), Some(first)) => times[place].saturating_sub(first) as f64,
            _ => place as f64,
        };
        let values: Vec<f64> = (0..events.len()).map(value).collect();
        let items = events.iter().map(|event| event.item);
        items.zip(averaged(&values)).collect()
    }

    /// The order in which the paths to an item are shown, as places among `paths`, which stand by their contributions. Of
    /// those that start from the history, the ones that add at least `least` times what the largest adds come first, by the
    /// preference; the others follow as they stand. `seen` are the types of the paths shown for items before.
    pub fn order(
        &self,
        paths: &[Path],
        recency: &Recency,
        (preference, least): (Preference, f64),
        seen: &FxHashSet<PathType>,
    ) -> Vec<usize> {
        let explains = |place: &usize| paths[*place].from.is_some();
        let places: Vec<usize> = (0..paths.len()).filter(explains).collect();
        let most = places
            .first()
            .map_or(0.0, |&place| paths[place].contribution);
        let (mut strong, weak): (Vec<usize>, Vec<usize>) = places
            .into_iter()
            .partition(|&place| paths[place].contribution >= least * most);
        let worth = |place: &usize| self.worth(&paths[*place], recency, preference, seen);
        // Stable: what is worth the same stays by contribution.
        strong.sort_by(|a, b| worth(b).total_cmp(&worth(a)));
        strong.extend(weak);
        strong
    }

    /// What a preference makes of a path: 0 to 1.
    fn worth(
        &self,
        path: &Path,
        recency: &Recency,
        preference: Preference,
        seen: &FxHashSet<PathType>,
    ) -> f64 {
        let of = |preference| self.worth(path, recency, preference, seen);
        match preference {
            Preference::Contribution => 0.0,
            Preference::Recency => self.lir(path, recency),
            Preference::Popularity => self.sep(path).unwrap_or(0.0),
            Preference::Diversity => match path.kind() {
                Some(kind) if !seen.contains(&kind) => 1.0,
                _ => 0.0,
            },
            Preference::Together => {
                let all = [
                    Preference::Recency,
                    Preference::Popularity,
                    Preference::Diversity,
                ];
                all.into_iter().map(of).sum::<f64>() / all.len() as f64
            }
        }
    }

    /// The first path of each item of a list; none where no path starts from the history.
    pub fn shown<'p>(
        &self,
        list: &'p [Vec<Path>],
        recency: &Recency,
        wish: (Preference, f64),
    ) -> Vec<Option<&'p Path>> {
        let mut seen = FxHashSet::default();
        let first = |paths: &'p Vec<Path>| {
            let order = self.order(paths, recency, wish, &seen);
            let path = paths.get(*order.first()?)?;
            seen.extend(path.kind());
            Some(path)
        };
        list.iter().map(first).collect()
    }

    /// The properties of the paths shown for a list; none if there are none.
    pub fn figures(&self, shown: &[Option<&Path>], recency: &Recency) -> Option<Figures> {
        let paths: Vec<&Path> = shown.iter().flatten().copied().collect();
        if paths.is_empty() {
            return None;
        }
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        let popular: Vec<f64> = paths.iter().filter_map(|path| self.sep(path)).collect();
        let mut types: FxHashMap<PathType, usize> = FxHashMap::default();
        for kind in paths.iter().filter_map(|path| path.kind()) {
            *types.entry(kind).or_default() += 1;
        }
        let pairs = |n: usize| (n * (n - 1)) as f64;
        let alike: f64 = types.values().map(|&n| pairs(n)).sum();
        Some(Figures {
            lir: mean(paths.iter().map(|path| self.lir(path, recency)).collect()),
            sep: (!popular.is_empty()).then(|| mean(popular)),
            ptd: types.len() as f64 / paths.len().min(self.types).max(1) as f64,
            ptc: match paths.len() {
                1 => 0.0,
                n => 1.0 - alike / pairs(n),
            },
        })
    }

    fn lir(&self, path: &Path, recency: &Recency) -> f64 {
        let known = path.from.and_then(|item| recency.get(&item));
        known.copied().unwrap_or(0.0)
    }

    fn sep(&self, path: &Path) -> Option<f64> {
        match path.route {
            Route::Shared(predicate) => self.popularity.get(&(predicate, path.via?)).copied(),
            _ => None,
        }
    }
}

/// The moving averages of ascending values, scaled to 0..=1; all 1 where they do not differ.
fn averaged(values: &[f64]) -> Vec<f64> {
    let beta = 2.0 / (values.len() as f64 + 1.0);
    let mut averages = Vec::with_capacity(values.len());
    for &value in values {
        let next = match averages.last() {
            Some(before) => (1.0 - beta) * before + beta * value,
            None => value,
        };
        averages.push(next);
    }
    for place in (1..values.len()).rev() {
        if values[place - 1] == values[place] {
            averages[place - 1] = averages[place];
        }
    }
    let (low, high) = match (averages.first(), averages.last()) {
        (Some(&low), Some(&high)) => (low, high),
        _ => return averages,
    };
    let scaled = |average: f64| match high > low {
        true => (average - low) / (high - low),
        false => 1.0,
    };
    averages.into_iter().map(scaled).collect()
}

#[cfg(test)]
mod tests {
    use super::averaged;

    #[test]
    fn averages_are_those_computed_by_hand() {
        // β = 2 / 4: 0, then 2, then 6.
        assert_eq!(averaged(&[0.0, 4.0, 10.0]), [0.0, 2.0 / 6.0, 1.0]);
        // β = 2 / 5: 1, then 1, then 1.8, then 2.28; equal values as the last of them.
        let found = averaged(&[1.0, 1.0, 3.0, 3.0]);
        assert_eq!(found[..2], [0.0, 0.0]);
        assert_eq!(found[2..], [1.0, 1.0]);
        assert_eq!(averaged(&[7.0]), [1.0]);
        assert_eq!(averaged(&[5.0, 5.0]), [1.0, 1.0]);
        assert!(averaged(&[]).is_empty());
    }
}
