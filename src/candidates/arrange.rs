//! The order of what is allowed: pins, caps, diversity.

use super::values::{equation, property, values};
use super::{Asked, Chosen};
use crate::scoring::{Outline, Scored, Scorer};
use crate::sparql::Dataset;
use crate::{Error, Result};
use rustc_hash::{FxHashMap, FxHashSet};

/// With diversity, each place is taken by one of so many best items that are left.
const POOL: usize = 200;

/// How many items with one value of a property there may be.
#[derive(Clone)]
pub(super) struct Caps<'a> {
    dataset: Dataset<'a>,
    /// Properties and numbers.
    caps: Vec<(u32, usize)>,
    /// Items so far, by the index of the cap and the value.
    taken: FxHashMap<(usize, u32), usize>,
}

impl<'a> Caps<'a> {
    /// Reads `PROPERTY=NUMBER`.
    ///
    /// # Errors
    /// `Usage` if one is not of that form.
    pub(super) fn read(
        dataset: Dataset<'a>,
        texts: &[String],
        notes: &mut Vec<String>,
    ) -> Result<Self> {
        let mut caps = Vec::new();
        for text in texts {
            let (iri, number) = equation(text, "--at-most")?;
            let number = number.parse::<usize>().map_err(|_| {
                Error::usage(format!("`{text}` does not end in a number of items"))
                    .hint("`--at-most 'schema:brand=2'`")
            })?;
            match property(dataset, &iri) {
                Some(property) => caps.push((property, number)),
                None => notes.push(format!(
                    "`{text}` changes nothing: nothing has this property"
                )),
            }
        }
        Ok(Self {
            dataset,
            caps,
            taken: FxHashMap::default(),
        })
    }

    /// Whether there are none.
    pub(super) fn is_none(&self) -> bool {
        self.caps.is_empty()
    }

    /// Whether an item may still come. What may not come once never may.
    fn allow(&self, item: u32) -> bool {
        self.caps
            .iter()
            .enumerate()
            .all(|(index, &(property, most))| {
                let values = values(self.dataset, item, property);
                let taken = |value| self.taken.get(&(index, value)).copied().unwrap_or(0);
                values.into_iter().all(|value| taken(value) < most)
            })
    }

    fn take(&mut self, item: u32) {
        for (index, &(property, _)) in self.caps.iter().enumerate() {
            for value in values(self.dataset, item, property) {
                *self.taken.entry((index, value)).or_default() += 1;
            }
        }
    }
}

/// Takes `wanted` of the ranked items: the pinned ones, then one by one the best that the caps allow.
pub(super) fn arrange(
    asked: &Asked<'_>,
    (mut left, pinned): (Vec<Scored>, &[u32]),
    mut caps: Caps<'_>,
    wanted: usize,
    notes: &mut Vec<String>,
) -> Chosen {
    let mut items: Vec<Scored> = Vec::new();
    for pin in pinned {
        let found = left.iter().find(|scored| scored.item == *pin).copied();
        match found.filter(|_| items.len() < wanted && caps.allow(*pin)) {
            Some(scored) => {
                caps.take(*pin);
                items.push(scored);
            }
            None => notes.push(format!(
                "`{}` is pinned, but there is no place for it",
                asked.dataset.graph.label(*pin)
            )),
        }
    }
    let pins = items.len();
    let taken: FxHashSet<u32> = pinned.iter().copied().collect();
    left.retain(|scored| !taken.contains(&scored.item));
    let mut marginal = Marginal::new(asked.walk.scorer(), asked.wishes.diversity, &left);
    let mut barred = 0;
    while items.len() < wanted {
        let pool = fill(&mut left, &caps, marginal.pool(), &mut barred);
        let Some(place) = marginal.best(&left[..pool], &items) else {
            break;
        };
        let scored = left.remove(place);
        caps.take(scored.item);
        items.push(scored);
    }
    if !caps.is_none() {
        let caps = asked.wishes.at_most.join("`, `");
        notes.push(format!("at most `{caps}`: {barred} items were passed over"));
    }
    Chosen {
        items,
        pinned: pins,
        notes: Vec::new(),
    }
}

/// Drops items that the caps bar until the first `most` are all allowed; how many of them there are.
fn fill(left: &mut Vec<Scored>, caps: &Caps<'_>, most: usize, barred: &mut usize) -> usize {
    let mut kept = 0;
    let mut looked = 0;
    while kept < most && looked < left.len() {
        let scored = left[looked];
        looked += 1;
        if caps.allow(scored.item) {
            left[kept] = scored;
            kept += 1;
        }
    }
    *barred += looked - kept;
    left.drain(kept..looked);
    kept
}

/// Maximal marginal relevance: `(1 − diversity) · score − diversity · likeness` to the most alike of those chosen, where
/// scores are scaled so that those of the first pool are from 0 to 1.
struct Marginal<'a> {
    scorer: &'a Scorer<'a>,
    diversity: f64,
    /// The largest score, and the spread.
    scale: (f64, f64),
    outlines: FxHashMap<u32, Outline>,
    /// For each item the likeness to the most alike of the first so many chosen.
    closest: FxHashMap<u32, (usize, f64)>,
}

impl<'a> Marginal<'a> {
    fn new(scorer: &'a Scorer<'a>, diversity: f64, ranked: &[Scored]) -> Self {
        let best = ranked.first().map_or(0.0, |scored| scored.score);
        let last = ranked.get(POOL.min(ranked.len()).saturating_sub(1));
        let spread = best - last.map_or(0.0, |scored| scored.score);
        Self {
            scorer,
            diversity,
            scale: (best, spread),
            outlines: FxHashMap::default(),
            closest: FxHashMap::default(),
        }
    }

    /// How many items are looked at for one place.
    fn pool(&self) -> usize {
        match self.diversity > 0.0 {
            true => POOL,
            false => 1,
        }
    }

    /// The place of the best item of a pool, which is ranked; of equals the first.
    fn best(&mut self, pool: &[Scored], chosen: &[Scored]) -> Option<usize> {
        let mut best: Option<(usize, f64)> = None;
        for (place, scored) in pool.iter().enumerate() {
            let worth = match self.diversity > 0.0 {
                true => self.worth(scored, chosen),
                false => scored.score,
            };
            if best.is_none_or(|(_, most)| worth > most) {
                best = Some((place, worth));
            }
        }
        best.map(|(place, _)| place)
    }

    fn worth(&mut self, scored: &Scored, chosen: &[Scored]) -> f64 {
        let (best, spread) = self.scale;
        let score = match spread > 0.0 {
            true => 1.0 - (best - scored.score) / spread,
            false => 1.0,
        };
        (1.0 - self.diversity) * score - self.diversity * self.likeness(scored.item, chosen)
    }

    fn likeness(&mut self, item: u32, chosen: &[Scored]) -> f64 {
        let (seen, mut most) = self.closest.get(&item).copied().unwrap_or((0, 0.0));
        for other in &chosen[seen..] {
            for node in [item, other.item] {
                let outline = || self.scorer.outline(node);
                self.outlines.entry(node).or_insert_with(outline);
            }
            most = self.outlines[&item]
                .likeness(&self.outlines[&other.item])
                .max(most);
        }
        self.closest.insert(item, (chosen.len(), most));
        most
    }
}
