//! What a person says of themselves: entities that they like, and words.
//!
//! An entity that is liked counts as much as an item that was met and has this fact alone. The items that most users met
//! of those that have it are seeds, which count as one item together: so what is linked with them is found too.

use super::paths::Evidence;
use super::relations::distinct;
use super::{Path, Profile, Route, Scorer, rarity};
use std::cmp::Reverse;

/// Items that stand for an entity at most.
const SEEDS: usize = 20;

/// What an item counts that fits a description best: more than paths say of it.
const DESCRIBED: f64 = 1.0;

impl Scorer<'_> {
    /// Adds entities that are liked to a profile; those of them that no item has are returned.
    pub fn like(&self, profile: &mut Profile, entities: &[u32]) -> Vec<u32> {
        let mut idle = Vec::new();
        for &entity in entities {
            let mut items = self.items_of(entity);
            if items.is_empty() {
                idle.push(entity);
                continue;
            }
            profile.likes.push((entity, 1.0));
            items.sort_by_key(|&item| (Reverse(self.graph.met_by(item).len()), item));
            items.truncate(SEEDS);
            seed(profile, items.iter().map(|&item| (item, 1.0)));
        }
        idle
    }

    /// Adds items that fit a description, each with how well: 0 to 1.
    pub fn describe(&self, profile: &mut Profile, items: &[(u32, f64)]) {
        profile.described.extend(items);
        seed(profile, items.iter().take(SEEDS).copied());
    }

    /// The items that have an entity under any property that counts, each once.
    fn items_of(&self, entity: u32) -> Vec<u32> {
        let relations = self.tables.relations.iter();
        let found = relations.flat_map(|r| distinct(r.subjects(self.graph, entity)));
        let mut items: Vec<u32> = found.filter(|i| self.graph.items().contains(i)).collect();
        items.sort_unstable();
        items.dedup();
        items
    }

    /// What likes and descriptions add to items.
    pub(super) fn wished(&self, profile: &Profile, add: &mut impl FnMut(u32, f64)) {
        let items = self.graph.items();
        for &(entity, count) in &profile.likes {
            for relation in self.tables.relations.iter() {
                let having = relation.subjects(self.graph, entity);
                let fact = count * relation.weight * rarity(having.len());
                for item in distinct(having).filter(|item| items.contains(item)) {
                    add(item, fact * relation.damping(self.graph, item));
                }
            }
        }
        // Whoever calls may name any node.
        let described = profile.described.iter();
        for &(item, fit) in described.filter(|found| items.contains(&found.0)) {
            add(item, DESCRIBED * fit);
        }
    }

    /// The paths of [`Scorer::wished`] to one item.
    pub(super) fn wish_paths(&self, profile: &Profile, item: u32, paths: &mut Vec<Path>) {
        let path = |route, via, contribution, evidence| Path {
            route,
            from: None,
            via,
            to: item,
            contribution,
            evidence,
        };
        for &(entity, count) in &profile.likes {
            for relation in self.tables.relations.iter() {
                let predicate = relation.predicate;
                let triple = [item, predicate, entity];
                if !relation.has(self.graph, item, entity) {
                    continue;
                }
                let having = relation.subjects(self.graph, entity).len();
                let fact = count * relation.weight * rarity(having);
                let fact = fact * relation.damping(self.graph, item);
                let evidence = Evidence::of([self.stating(triple), None, None]);
                paths.push(path(Route::Liked(predicate), Some(entity), fact, evidence));
            }
        }
        let fits = profile.described.iter().filter(|found| found.0 == item);
        paths.extend(fits.map(|fit| {
            path(
                Route::Described,
                None,
                DESCRIBED * fit.1,
                Evidence::of([None; 3]),
            )
        }));
    }
}

/// Adds seeds that count as one item together.
fn seed(profile: &mut Profile, items: impl Iterator<Item = (u32, f64)> + Clone) {
    let sum: f64 = items.clone().map(|item| item.1).sum();
    if sum > 0.0 {
        let parts = items.map(|(item, count)| (item, count / sum));
        profile.seeds.extend(parts);
    }
}
