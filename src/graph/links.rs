//! Item-item links: rows by the items that they start from, and an index by those that they end at.

use super::{Graph, cut, row};
use crate::Result;
use crate::model::{EvidenceId, LinkKind};
use crate::sections::{Column, Sections};
use std::ops::Range;

/// Item-item links of one kind, as rows.
#[derive(Clone, Default)]
pub(super) struct Links {
    pub(super) at: Column<u64>,
    pub(super) to: Column<u32>,
    pub(super) score: Column<f32>,
    pub(super) support: Column<u32>,
    pub(super) by_at: Column<u64>,
    pub(super) by: Column<[u32; 2]>,
}

/// The links of one kind that start at one item, strongest first.
#[derive(Clone, Copy, Debug)]
pub struct LinkRow<'a> {
    /// Items linked to.
    pub to: &'a [u32],
    /// Strength of each.
    pub score: &'a [f32],
    /// How many events carry each.
    pub support: &'a [u32],
    /// Evidence id of the first; the others follow.
    pub first: u64,
}

/// Name of a section of the links of a kind.
pub(super) fn section(kind: LinkKind, column: &str) -> String {
    format!("link{}.{column}", kind as usize)
}

pub(super) fn open(file: &Sections) -> Result<[Links; LinkKind::ALL.len()]> {
    let mut links: [Links; LinkKind::ALL.len()] = Default::default();
    for kind in LinkKind::ALL {
        links[kind as usize] = Links {
            at: file.column(&section(kind, "at"))?,
            to: file.column(&section(kind, "to"))?,
            score: file.column(&section(kind, "score"))?,
            support: file.column(&section(kind, "support"))?,
            by_at: file.column(&section(kind, "by-at"))?,
            by: file.column(&section(kind, "by"))?,
        };
    }
    Ok(links)
}

impl Graph {
    /// Number of links of a kind.
    pub fn link_count(&self, kind: LinkKind) -> u64 {
        self.links[kind as usize].to.len() as u64
    }

    /// The links of a kind that start at `item`.
    pub fn links(&self, kind: LinkKind, item: u32) -> LinkRow<'_> {
        let links = &self.links[kind as usize];
        let range = match self.items().contains(&item) {
            true => row(&links.at, item - self.meta.ranges.users),
            false => 0..0,
        };
        LinkRow {
            first: self.first_link(kind) + range.start as u64,
            to: links.to.get(range.clone()).unwrap_or_default(),
            score: links.score.get(range.clone()).unwrap_or_default(),
            support: links.support.get(range).unwrap_or_default(),
        }
    }

    /// The links of a kind that end at `item`, as pairs of the item that they start from and their evidence, sorted.
    pub fn links_to(
        &self,
        kind: LinkKind,
        item: u32,
    ) -> impl ExactSizeIterator<Item = (u32, EvidenceId)> {
        let links = &self.links[kind as usize];
        let users = self.meta.ranges.users;
        let by = match self.items().contains(&item) {
            true => cut(&links.by, &links.by_at, item - users),
            false => &[],
        };
        let first = self.first_link(kind);
        by.iter().map(move |&[source, place]| {
            let start = links.at.get((source - users) as usize).copied();
            let id = first + start.unwrap_or_default() + u64::from(place);
            (source, EvidenceId(id))
        })
    }

    /// The evidence ids of the links of a kind.
    pub fn edges_of(&self, kind: LinkKind) -> Range<u64> {
        let first = self.first_link(kind);
        first..first + self.link_count(kind)
    }

    pub(super) fn first_link(&self, kind: LinkKind) -> u64 {
        let before = LinkKind::ALL.into_iter().take_while(|k| *k != kind);
        let links: u64 = before.map(|k| self.link_count(k)).sum();
        self.fact_count() + self.interaction_count() + links
    }
}
