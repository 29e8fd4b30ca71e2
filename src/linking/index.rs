//! Names by their letters: which names of the targets are spelt much like a given one.
//!
//! A name is the set of its 3-grams (of `matrix`: `␣ma`, `mat`, `atr`, …) and its words, each weighing the more the
//! fewer names have it. Likeness is the cosine of two such sets. (Without words, a search among a million names has to
//! read long lists of grams even where one rare word would do.) A search gives names of at least [`ALIKE`], and is short
//! because of these bounds:
//!
//! - *Prefix* (as of all-pairs similarity joins, Bayardo, Ma and Srikant 2007): lists are read from the rarest gram on,
//!   until the grams that are left could not make two names alike by themselves. So the longest lists are not read.
//! - *Length*: names are numbered by their norms, and each list is cut to the norms that can be alike.
//! - *Budget*: at most [`READ`] entries of lists are read, and [`COMPARED`] names compared in full. The first two lose
//!   nothing; a search that had to stop here says so.

use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::cmp::Reverse;
use std::hash::BuildHasher;
use std::ops::Range;

/// Names less alike than this are no candidates.
pub const ALIKE: f32 = 0.5;

/// A search gives at most so many names.
pub const NEAR: usize = 8;

/// A search reads at most so many entries of lists.
pub const READ: usize = 10_000;

/// So many of the likeliest names are compared in full.
pub const COMPARED: usize = 32;

/// The names of the targets, by their grams: 3-grams and words. Names go by their numbers outside, and inside by their places in the
/// order of norms.
pub struct Index {
    numbers: Vec<u32>,
    norms: Vec<f32>,
    /// Norms by number.
    substance: Vec<f32>,
    grams: FxHashMap<u64, u32>,
    /// Where the list of each gram starts, and where the last one ends.
    starts: Vec<u64>,
    /// Places, ascending within each list.
    lists: Vec<u32>,
}

/// What a search writes on; each thread has its own.
pub struct Slate {
    weights: Vec<f32>,
    touched: Vec<u32>,
}

/// What a search found.
#[derive(Debug, Default)]
pub struct Found {
    /// Numbers of names, and how alike they are; the most alike first.
    pub names: Vec<(u32, f32)>,
    /// Whether the budget was spent before all was read that could matter.
    pub cut_short: bool,
}

/// A gram of a sought name.
struct Gram {
    gram: u64,
    /// Its weight, squared.
    weight: f32,
    /// Places of the names that have it and whose norms fit.
    list: Range<usize>,
}

impl Index {
    /// Indexes these names, which are distinct; each has the number of its place.
    pub fn new(names: &[&str]) -> Self {
        let (grams, counts) = count(names.iter().flat_map(|name| grams(name)));
        let weight = |gram: &u64| weight(names.len(), u64::from(counts[grams[gram] as usize]));
        let norm = |name: &&str| self::grams(name).iter().map(weight).sum::<f32>().sqrt();
        let substance: Vec<f32> = names.par_iter().map(norm).collect();
        let mut by_norm: Vec<(f32, u32)> = substance.iter().copied().zip(0..).collect();
        by_norm.par_sort_unstable_by(|a, b| {
            a.0.total_cmp(&b.0)
                .then_with(|| names[a.1 as usize].cmp(names[b.1 as usize]))
        });
        let mut starts = vec![0];
        starts.extend(counts.iter().scan(0, |end, &count| {
            *end += u64::from(count);
            Some(*end)
        }));
        let mut index = Self {
            numbers: by_norm.iter().map(|n| n.1).collect(),
            norms: by_norm.iter().map(|n| n.0).collect(),
            substance,
            grams,
            starts,
            lists: Vec::new(),
        };
        index.fill(names);
        index
    }

    fn fill(&mut self, names: &[&str]) {
        let mut ends = self.starts.clone();
        self.lists = vec![0; ends.last().copied().unwrap_or_default() as usize];
        for (place, &number) in (0..).zip(&self.numbers) {
            for gram in grams(names[number as usize]) {
                let end = &mut ends[self.grams[&gram] as usize];
                self.lists[*end as usize] = place;
                *end += 1;
            }
        }
    }

    /// A slate for searches in this index.
    pub fn slate(&self) -> Slate {
        Slate {
            weights: vec![0.0; self.numbers.len()],
            touched: Vec::new(),
        }
    }

    /// How much there is to name number `name`: the norm of its grams, about 1 for a short word and 4 for a long title.
    pub fn substance(&self, name: u32) -> f32 {
        self.substance[name as usize]
    }

    /// Which of the indexed `names` are spelt like `name`.
    pub fn search(&self, name: &str, names: &[&str], slate: &mut Slate) -> Found {
        let (mut grams, norm) = self.weighed(name);
        let (unread, cut_short) = self.read(&grams, norm, slate);
        grams.sort_unstable_by_key(|g| g.gram);
        // By what was read; with what was not, a name is alike enough or not.
        let seen = slate.touched.iter().map(|&place| {
            let (read, theirs) = (slate.weights[place as usize], self.norms[place as usize]);
            (read / theirs, (read + unread) / (norm * theirs), place)
        });
        let mut likely: Vec<(Reverse<u32>, u32)> = seen
            .filter(|&(_, bound, _)| bound >= ALIKE)
            .map(|(estimate, _, place)| (Reverse(estimate.to_bits()), place))
            .collect();
        slate.wipe();
        if likely.len() > COMPARED {
            likely.select_nth_unstable(COMPARED - 1);
            likely.truncate(COMPARED);
        }
        let compared = likely.into_iter().map(|(_, place)| {
            let number = self.numbers[place as usize];
            let common = common(&grams, names[number as usize]);
            (number, common / (norm * self.norms[place as usize]), place)
        });
        let mut alike: Vec<_> = compared.filter(|&(_, alike, _)| alike >= ALIKE).collect();
        alike.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.2.cmp(&b.2)));
        alike.truncate(NEAR);
        Found {
            names: alike
                .into_iter()
                .map(|(number, alike, _)| (number, alike.min(1.0)))
                .collect(),
            cut_short,
        }
    }

    /// The grams of a name, the rarest first, and its norm.
    fn weighed(&self, name: &str) -> (Vec<Gram>, f32) {
        let weighed = |gram| (gram, self.weight(gram));
        let weighed: Vec<(u64, f32)> = grams(name).into_iter().map(weighed).collect();
        let norm = weighed.iter().map(|g| g.1).sum::<f32>().sqrt();
        let fitting = |place: &u32| self.norms[*place as usize] < norm * ALIKE;
        let too_long = |place: &u32| self.norms[*place as usize] * ALIKE <= norm;
        let mut grams: Vec<Gram> = weighed
            .into_iter()
            .map(|(gram, weight)| {
                let Range { start, end } = self.list(gram);
                let list = &self.lists[start..end];
                let low = list.partition_point(fitting);
                let high = list.partition_point(too_long);
                let list = start + low..start + high.max(low);
                Gram { gram, weight, list }
            })
            .collect();
        grams.sort_unstable_by(|a, b| b.weight.total_cmp(&a.weight).then(a.gram.cmp(&b.gram)));
        (grams, norm)
    }

    /// Reads lists onto the slate. Gives the weight of the grams that were not read, and whether the budget stopped it.
    fn read(&self, grams: &[Gram], norm: f32, slate: &mut Slate) -> (f32, bool) {
        let mut unread: f32 = grams
            .iter()
            .filter(|g| !g.list.is_empty())
            .map(|g| g.weight)
            .sum();
        let enough = (norm * ALIKE) * (norm * ALIKE);
        let mut budget = READ;
        for gram in grams.iter().filter(|g| !g.list.is_empty()) {
            if unread < enough {
                return (unread, false);
            }
            if gram.list.len() > budget {
                return (unread, true);
            }
            budget -= gram.list.len();
            unread -= gram.weight;
            for &place in &self.lists[gram.list.clone()] {
                let weight = &mut slate.weights[place as usize];
                if *weight == 0.0 {
                    slate.touched.push(place);
                }
                *weight += gram.weight;
            }
        }
        (0.0, false)
    }

    fn list(&self, gram: u64) -> Range<usize> {
        self.grams.get(&gram).map_or(0..0, |&number| {
            let number = number as usize;
            self.starts[number] as usize..self.starts[number + 1] as usize
        })
    }

    fn weight(&self, gram: u64) -> f32 {
        weight(self.numbers.len(), (self.list(gram).len() as u64).max(1))
    }
}

impl Slate {
    fn wipe(&mut self) {
        for place in self.touched.drain(..) {
            self.weights[place as usize] = 0.0;
        }
    }
}

/// The weight, squared, of a gram that `with` of `all` names have: 1 for the rarest.
fn weight(all: usize, with: u64) -> f32 {
    let all = all.max(1) as f32;
    let rarity = (1.0 + all / with as f32).ln() / (1.0 + all).ln();
    rarity * rarity
}

/// The weight of what a name has of `grams`, which are sorted.
fn common(grams: &[Gram], name: &str) -> f32 {
    let of_both = self::grams(name).into_iter().filter_map(|gram| {
        let at = grams.binary_search_by_key(&gram, |g| g.gram).ok()?;
        Some(grams[at].weight)
    });
    of_both.sum()
}

/// The distinct 3-grams of a name with a blank on either side, as three characters of 21 bits each, and its words, as
/// hashes with the highest bit set; sorted.
fn grams(name: &str) -> Vec<u64> {
    let padded = std::iter::once(' ').chain(name.chars()).chain([' ']);
    let codes: Vec<u64> = padded.map(|c| u64::from(u32::from(c))).collect();
    let mut grams: Vec<u64> = codes
        .windows(3)
        .map(|w| w[0] << 42 | w[1] << 21 | w[2])
        .collect();
    grams.extend(
        name.split(' ')
            .map(|word| FxBuildHasher.hash_one(word) | 1 << 63),
    );
    grams.sort_unstable();
    grams.dedup();
    grams
}

/// Numbers each gram, and counts it.
fn count(all: impl Iterator<Item = u64>) -> (FxHashMap<u64, u32>, Vec<u32>) {
    let mut grams = FxHashMap::default();
    let mut counts = Vec::new();
    for gram in all {
        let next = counts.len() as u32;
        let number = *grams.entry(gram).or_insert(next);
        if number == next {
            counts.push(0);
        }
        counts[number as usize] += 1;
    }
    (grams, counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &[&str], sought: &str) -> Vec<(String, f32)> {
        let index = Index::new(names);
        let mut slate = index.slate();
        let first = index.search(sought, names, &mut slate).names;
        // The slate is clean again.
        assert_eq!(index.search(sought, names, &mut slate).names, first);
        first
            .into_iter()
            .map(|(number, alike)| (names[number as usize].to_owned(), alike))
            .collect()
    }

    #[test]
    fn what_is_found_is_what_a_comparison_with_all_finds() {
        let names = [
            "mouse hunt",
            "mousehunt",
            "mouse",
            "house hunting",
            "star wars",
            "wars of stars",
            "a",
            "x",
        ];
        for sought in ["mousehunt", "star war", "a", "zzz", "house"] {
            let expected: Vec<&str> = names
                .iter()
                .copied()
                .filter(|name| cosine(&names, sought, name) >= ALIKE)
                .collect();
            let mut found: Vec<String> = found(&names, sought).into_iter().map(|f| f.0).collect();
            found.sort_by_key(|name| names.iter().position(|n| n == name));
            assert_eq!(found, expected, "{sought}");
        }
    }

    fn cosine(names: &[&str], a: &str, b: &str) -> f32 {
        let having = |gram: u64| names.iter().filter(|n| grams(n).contains(&gram)).count();
        let weight = |gram: &u64| weight(names.len(), having(*gram).max(1) as u64);
        let norm = |name: &str| grams(name).iter().map(weight).sum::<f32>().sqrt();
        let common = grams(a).into_iter().filter(|g| grams(b).contains(g));
        common.map(|g| weight(&g)).sum::<f32>() / (norm(a) * norm(b))
    }

    #[test]
    fn the_most_alike_come_first() {
        let found = found(
            &["matrix reloaded", "matrix", "matrix revolutions"],
            "matrix",
        );
        assert!(found[0].0 == "matrix" && found[0].1 > 0.999, "{found:?}");
    }
}
