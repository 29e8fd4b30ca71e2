//! Evidence for candidates: what is said together.

use crate::model::{EvidenceId, LinkKind};
use crate::scoring::{Path, Route, Scored, Walk};
use std::collections::BTreeMap;

/// One item of the history is named in a piece at most so often; the others are counted.
const NAMED: usize = 3;

/// An item that may be recommended, with all paths to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The item's node.
    pub item: u32,
    /// Sum of the paths' contributions.
    pub score: f64,
    /// The pieces of evidence for it, the largest contribution first.
    pub pieces: Vec<Piece>,
}

/// Paths to one candidate that take the same way: one thing to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// The way.
    pub route: Route,
    /// The entity on the way.
    pub via: Option<u32>,
    /// The candidate.
    pub to: u32,
    /// Items of the history that it starts from, the strongest first; at most three.
    pub from: Vec<u32>,
    /// How many more there are.
    pub more: usize,
    /// What the paths add to the score together.
    pub contribution: f64,
    /// The edges of the paths from [`Piece::from`].
    pub evidence: Vec<EvidenceId>,
}

impl Candidate {
    /// Gathers the paths to distinct items.
    pub fn gather_all(walk: &Walk, scored: &[Scored]) -> Vec<Self> {
        let items: Vec<u32> = scored.iter().map(|scored| scored.item).collect();
        let paths = walk.paths_to(&items);
        scored
            .iter()
            .zip(paths)
            .map(|(scored, paths)| Self::of(*scored, &paths))
            .collect()
    }

    /// Gathers the paths to an item.
    pub fn gather(walk: &Walk, scored: Scored) -> Self {
        Self::of(scored, &walk.paths(scored.item))
    }

    /// Ways from different items of the history through computed links stay apart:
    /// each has its own numbers.
    fn of(scored: Scored, paths: &[Path]) -> Self {
        let mut pieces: BTreeMap<(Route, Option<u32>, Option<u32>), Piece> = BTreeMap::new();
        for path in paths {
            let piece = pieces
                .entry((path.route, path.via, apart(path.route, path.from)))
                .or_insert_with(|| Piece::of(path));
            piece.add(path);
        }
        let mut pieces: Vec<Piece> = pieces.into_values().collect();
        pieces.sort_by(|a, b| b.contribution.total_cmp(&a.contribution));
        Self {
            item: scored.item,
            score: scored.score,
            pieces,
        }
    }
}

/// The item of the history that a way starts from, where each has its own numbers.
fn apart(route: Route, from: Option<u32>) -> Option<u32> {
    from.filter(|_| matches!(route, Route::Link(_) | Route::Stated(_)))
}

impl Piece {
    /// The item of the history that it starts from, of links and of facts between items.
    pub fn apart(&self) -> Option<u32> {
        apart(self.route, self.from.first().copied())
    }

    fn of(path: &Path) -> Self {
        Self {
            route: path.route,
            via: path.via,
            to: path.to,
            from: Vec::new(),
            more: 0,
            contribution: 0.0,
            evidence: Vec::new(),
        }
    }

    fn add(&mut self, path: &Path) {
        self.contribution += path.contribution;
        if self.from.len() < NAMED {
            self.from.extend(path.from);
            for &edge in path.evidence.iter() {
                if !self.evidence.contains(&edge) {
                    self.evidence.push(edge);
                }
            }
        } else {
            self.more += 1;
        }
    }
}

/// Pieces that are said in one sentence, the largest sums first: links from several items that a model weighs, for the
/// candidate or against it; links from several items that are counts of what people did; every other piece alone.
pub fn together(pieces: &[Piece]) -> Vec<Vec<&Piece>> {
    let mut groups: Vec<Vec<&Piece>> = Vec::new();
    for piece in pieces {
        let same = |group: &&mut Vec<&Piece>| {
            let first = group[0];
            matches!(piece.route, Route::Link(_))
                && (first.route == piece.route || is_counted(first) && is_counted(piece))
                && (first.contribution < 0.0) == (piece.contribution < 0.0)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(piece),
            None => groups.push(vec![piece]),
        }
    }
    let sum = |group: &Vec<&Piece>| group.iter().map(|piece| piece.contribution).sum::<f64>();
    groups.sort_by(|a, b| sum(b).total_cmp(&sum(a)));
    groups
}

/// Whether a piece is a link that counts what people did.
pub fn is_counted(piece: &Piece) -> bool {
    match piece.route {
        Route::Link(kind) => !matches!(kind, LinkKind::GoesWith | LinkKind::SimilarTo),
        _ => false,
    }
}

/// The groups of pieces that an answer says of an item: `most` at most, the largest sums first, the last place kept for a
/// way that is not told yet.
pub fn said<'p>(pieces: &'p [Piece], most: usize) -> Vec<Vec<&'p Piece>> {
    let mut said: Vec<Vec<&'p Piece>> = Vec::new();
    for group in together(pieces) {
        let is_new = |piece: &Piece| said.iter().all(|told| told[0].route != piece.route);
        let last = said.len() + 1 == most;
        let another_way = pieces.iter().any(is_new);
        if said.len() < most && (!last || !another_way || is_new(group[0])) {
            said.push(group);
        }
    }
    said
}
