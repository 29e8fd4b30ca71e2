//! The targets by their names: who is called exactly so, and who nearly so.

use super::index::{Index, Slate};
use super::names::Standing;
use super::table::{Table, Thing};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;

/// If more than so many things have a name (of the years that fit), it does not tell them apart.
pub const CROWD: usize = 64;

/// The things of a table, by their names.
pub struct Catalogue<'t> {
    table: &'t Table,
    numbers: FxHashMap<&'t str, u32>,
    names: Vec<&'t str>,
    index: Index,
    /// Sorted.
    uses: Vec<Use>,
}

/// Name, year, thing, and which of the thing's names. A thing without years has [`NO_YEAR`].
type Use = (u32, i16, u32, u8);

const NO_YEAR: i16 = i16::MIN;

/// A target that may be an item, and by which names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Its number.
    pub target: u32,
    /// The names that are the most alike.
    pub names: NamePair,
}

/// A name of an item and one of a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NamePair {
    /// Which of the item's names.
    pub of_item: u8,
    /// Which of the target's names.
    pub of_target: u8,
    /// How alike they are; 1 if they are equal.
    pub likeness: f32,
}

/// What was found for an item.
#[derive(Debug, Default)]
pub struct Candidates {
    /// The targets, each once, by number.
    pub list: Vec<Candidate>,
    /// Whether a name that the item has, or one much like it, stands for a [`CROWD`] of targets.
    pub crowded: bool,
    /// Whether a search was cut short ([`super::index::READ`]).
    pub cut_short: bool,
}

impl<'t> Catalogue<'t> {
    /// A catalogue of all things of a table.
    pub fn new(table: &'t Table) -> Self {
        let mut numbers = FxHashMap::default();
        let mut names = Vec::new();
        let mut uses = Vec::new();
        for (thing, number) in table.things.iter().zip(0..) {
            for (name, which) in thing.names.iter().zip(0..) {
                let text = name.text.as_str();
                let name = *numbers.entry(text).or_insert_with(|| {
                    names.push(text);
                    names.len() as u32 - 1
                });
                let years = thing.years.iter().copied();
                let none = thing.years.is_empty().then_some(NO_YEAR);
                uses.extend(years.chain(none).map(|year| (name, year, number, which)));
            }
        }
        uses.sort_unstable();
        let index = Index::new(&names);
        Self {
            table,
            numbers,
            names,
            index,
            uses,
        }
    }

    /// The things.
    pub fn table(&self) -> &'t Table {
        self.table
    }

    /// A slate for [`Catalogue::candidates`].
    pub fn slate(&self) -> Slate {
        self.index.slate()
    }

    /// How much there is to a target's name; see [`Index::substance`].
    pub fn substance(&self, target: u32, name: u8) -> f32 {
        let name = &self.table.things[target as usize].names[name as usize];
        let number = self.numbers.get(name.text.as_str());
        number.map_or(0.0, |&number| self.index.substance(number))
    }

    /// The targets that may be `item`. Who has its very name and year is not compared with others by spelling.
    pub fn candidates(&self, item: &Thing, slate: &mut Slate) -> Candidates {
        let mut found = Candidates::default();
        for (name, of_item) in item.names.iter().zip(0..) {
            if let Some(&number) = self.numbers.get(name.text.as_str()) {
                self.take(item, (number, of_item, 1.0), &mut found);
            }
        }
        let fits = |c: &Candidate| share_a_year(item, &self.table.things[c.target as usize]);
        if found.list.iter().any(fits) {
            found.crowded = false;
        } else {
            for (name, of_item) in item.names.iter().zip(0..) {
                let search = self.index.search(&name.text, &self.names, slate);
                found.cut_short |= search.cut_short;
                let others = search
                    .names
                    .into_iter()
                    .filter(|&(n, _)| self.names[n as usize] != name.text);
                for (number, likeness) in others {
                    self.take(item, (number, of_item, likeness), &mut found);
                }
            }
        }
        found
            .list
            .sort_unstable_by_key(|c| (c.target, Reverse(self.rank(item, c))));
        found.list.dedup_by_key(|c| c.target);
        found
    }

    /// Takes the things called by a name: all, or where these are a crowd, those whose years come near.
    fn take(
        &self,
        item: &Thing,
        (name, of_item, likeness): (u32, u8, f32),
        found: &mut Candidates,
    ) {
        let all = self.uses_between((name, NO_YEAR), (name + 1, NO_YEAR));
        let uses = match all.len() > CROWD {
            true => self.of_crowd(item, name),
            false => Some(all.to_vec()),
        };
        let Some(uses) = uses else {
            found.crowded = true;
            return;
        };
        found
            .list
            .extend(uses.into_iter().map(|(_, _, target, of_target)| Candidate {
                target,
                names: NamePair {
                    of_item,
                    of_target,
                    likeness,
                },
            }));
    }

    /// Those of a crowd whose years come near; `None` if they are too many, or it is not known who they are.
    fn of_crowd(&self, item: &Thing, name: u32) -> Option<Vec<Use>> {
        let mut uses = Vec::new();
        for year in &item.years {
            let near = self.uses_between((name, year - 1), (name, year + 2));
            if uses.len() + near.len() > CROWD {
                return None;
            }
            uses.extend(near);
        }
        let yearless = self.uses_between((name, NO_YEAR), (name, NO_YEAR + 1));
        let unknown = item.years.is_empty() || !yearless.is_empty();
        (!uses.is_empty() || !unknown).then_some(uses)
    }

    fn uses_between(&self, from: (u32, i16), to: (u32, i16)) -> &[Use] {
        let low = self.uses.partition_point(|u| (u.0, u.1) < from);
        let high = self.uses.partition_point(|u| (u.0, u.1) < to);
        &self.uses[low..high.max(low)]
    }

    /// Of two pairs of names of the same things, the greater is the better.
    fn rank(&self, item: &Thing, candidate: &Candidate) -> (u32, bool, bool, Reverse<(u8, u8)>) {
        let NamePair {
            of_item,
            of_target,
            likeness,
        } = candidate.names;
        let ours = &item.names[of_item as usize];
        let theirs = &self.table.things[candidate.target as usize].names[of_target as usize];
        let main = ours.standing == Standing::Main && theirs.standing == Standing::Main;
        (
            likeness.to_bits(),
            main,
            ours.article == theirs.article,
            Reverse((of_item, of_target)),
        )
    }
}

fn share_a_year(a: &Thing, b: &Thing) -> bool {
    a.years.iter().any(|year| b.years.contains(year))
}
