//! One explanation for a list: the few reasons that most of its items have in common.
//!
//! Every piece of evidence that several items of the list have alike is a theme: a shared fact, or links from one item of
//! the history. Themes are taken greedily, as long as one tells of something. A theme is worth `1 / (1 + n)` for each of
//! its items, of which `n` themes tell already, and a quarter of that if its way was told: so what is told first covers
//! the list, and what follows differs from it. Of equals that is taken which adds the most to the scores.

use super::claims::Claim;
use super::voice::capital;
use super::{Explainer, Verdict};
use crate::graph::Graph;
use crate::model::LinkKind;
use crate::prompt::wording;
use crate::scoring::Route;
use crate::selection::Piece;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Themes of a list at most.
const MOST: usize = 4;

/// What a theme is worth whose way was told, against another.
const AGAIN: f64 = 0.25;

/// A reason that several items of a list have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Theme {
    /// The sentence.
    pub text: String,
    /// IRIs of the items, in the order of the list.
    pub items: Vec<String>,
    /// The weakest verdict of all that it claims.
    pub verdict: Verdict,
    /// What it claims, for every item.
    pub claims: Vec<Claim>,
    /// What it adds to the scores of the items together.
    pub contribution: f64,
}

/// What pieces of different items have alike: the way, the entity on it, and the item that links start from.
type Key = (Route, Option<u32>, Option<u32>);

impl Explainer<'_> {
    /// The themes of a list of items with their evidence. Only what holds of an item counts as told of it.
    pub fn themes(&self, list: &[(u32, &[Piece])]) -> Vec<Theme> {
        let mut alike: BTreeMap<Key, Vec<(usize, &Piece)>> = BTreeMap::new();
        for (place, (_, pieces)) in list.iter().enumerate() {
            for piece in pieces.iter().filter(|piece| piece.contribution > 0.0) {
                if let Some(key) = key(piece) {
                    alike.entry(key).or_default().push((place, piece));
                }
            }
        }
        alike.retain(|_, pieces| pieces.len() > 1);
        let mut told = vec![0; list.len()];
        let mut ways: BTreeSet<Route> = BTreeSet::new();
        let mut themes = Vec::new();
        while themes.len() < MOST {
            let worth = |(key, pieces): &(&Key, &Vec<(usize, &Piece)>)| {
                let new = pieces
                    .iter()
                    .map(|piece| 1.0 / f64::from(1 + told[piece.0]));
                let new: f64 = new.sum();
                let sum: f64 = pieces.iter().map(|piece| piece.1.contribution).sum();
                match ways.contains(&key.0) {
                    true => (new * AGAIN, sum),
                    false => (new, sum),
                }
            };
            let best = alike.iter().max_by(|a, b| {
                let ((new, sum), (other_new, other_sum)) = (worth(a), worth(b));
                let larger = new.total_cmp(&other_new).then(sum.total_cmp(&other_sum));
                larger.then(b.0.cmp(a.0))
            });
            let Some((&key, pieces)) = best.filter(|best| worth(best).0 >= 1.0) else {
                break;
            };
            let theme = self.theme(list, key, pieces);
            if let Some((theme, places)) = theme.filter(|theme| theme.1.len() > 1) {
                places.into_iter().for_each(|place| told[place] += 1);
                ways.insert(key.0);
                themes.push(theme);
            }
            alike.remove(&key);
        }
        themes
    }

    /// A theme, and the places of the items that it holds of.
    fn theme(
        &self,
        list: &[(u32, &[Piece])],
        key: Key,
        pieces: &[(usize, &Piece)],
    ) -> Option<(Theme, Vec<usize>)> {
        let mut claims: Vec<Claim> = Vec::new();
        let mut places = Vec::new();
        let mut sum = 0.0;
        for &(place, piece) in pieces {
            let own = self.claims(list[place].0, &[piece]);
            let verdict = own.iter().map(|claim| claim.verdict).max();
            if verdict.is_some_and(Verdict::holds) {
                claims.extend(
                    own.into_iter()
                        .filter(|claim| !claims.contains(claim))
                        .collect::<Vec<_>>(),
                );
                places.push(place);
                sum += piece.contribution;
            }
        }
        let verdict = claims.iter().map(|claim| claim.verdict).max()?;
        let name = |&place: &usize| self.graph.name(list[place].0).to_owned();
        let theme = Theme {
            text: self.said_of_all(key, (places.len(), list.len())),
            items: places.iter().map(name).collect(),
            verdict,
            claims,
            contribution: sum,
        };
        Some((theme, places))
    }

    fn said_of_all(&self, (route, via, from): Key, (some, all): (usize, usize)) -> String {
        let Some(words) = self.voice.words() else {
            return String::new();
        };
        let (n, all) = (some.to_string(), all.to_string());
        let item = from
            .map(|from| self.called(words, from))
            .unwrap_or_default();
        let (name, predicate) = match route {
            Route::Link(LinkKind::GoesWith) => ("theme-goes-with", None),
            Route::Link(LinkKind::FollowedBy) => ("theme-followed-by", None),
            Route::Link(LinkKind::SimilarTo) => ("theme-similar-to", None),
            Route::Link(_) => ("theme-together", None),
            Route::Stated(p) | Route::Shared(p) | Route::Trend(p) | Route::Liked(p) => {
                ("theme-shared", Some(p))
            }
            Route::Described => ("theme-described", None),
            Route::Popular => return String::new(),
        };
        let value = via.map(|via| self.called(words, via)).unwrap_or_default();
        let property = predicate.map(|p| wording::clean(self.voice.label(self.graph, p)));
        let values = [
            ("n", n.as_str()),
            ("all", all.as_str()),
            ("item", item.as_str()),
            ("value", value.as_str()),
            ("property", property.as_deref().unwrap_or_default()),
        ];
        capital(&words.sentence(self.voice.tone, name, &values))
    }
}

/// What makes a piece alike others; none if it says nothing that a list could share.
fn key(piece: &Piece) -> Option<Key> {
    match piece.route {
        Route::Link(_) => Some((piece.route, None, Some(*piece.from.first()?))),
        Route::Shared(_) | Route::Trend(_) | Route::Liked(_) => {
            Some((piece.route, piece.via, None))
        }
        Route::Described => Some((piece.route, None, None)),
        Route::Stated(_) | Route::Popular => None,
    }
}

/// The label of a way between items, for people: the name of a kind of link, or of a property.
pub fn way(graph: &Graph, route: Route) -> String {
    match route {
        Route::Link(kind) => kind.name().to_owned(),
        Route::Stated(p) | Route::Shared(p) | Route::Trend(p) | Route::Liked(p) => {
            wording::clean(graph.label(p))
        }
        Route::Described => "described".into(),
        Route::Popular => "popular".into(),
    }
}
