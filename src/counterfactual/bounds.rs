//! How far the item in view can come before or behind each rival, whatever few events go.

use super::Goal;
use super::sums::Sums;
use crate::model::Taste;
use crate::model::taste::Spread;

/// The differences between the item in view and the rivals that matter, place by place of the history.
pub(super) struct Bounds<'s, 'c, 'a, 'g> {
    pub(super) sums: &'s Sums<'c, 'a, 'g>,
    /// The most events that may go.
    size: usize,
    /// What a place may count but for its age: least and most.
    tastes: Vec<(f64, f64)>,
    /// Rivals: their places among all items.
    pub(super) pool: Vec<usize>,
    /// By place of the history and rival: what the place tells of the item less what it tells of the rival.
    differences: Vec<f64>,
    /// By rival: what does not follow from the history.
    apart: Vec<f64>,
    /// How much popularity can move a difference.
    slack: f64,
}

/// The largest few of some numbers.
struct Largest {
    values: [f64; 8],
    most: usize,
}

impl Largest {
    fn new(most: usize) -> Self {
        Self {
            values: [0.0; 8],
            most: most.min(8),
        }
    }

    fn add(&mut self, mut value: f64) {
        for slot in &mut self.values[..self.most] {
            if value > *slot {
                std::mem::swap(slot, &mut value);
            }
        }
    }

    fn sum(&self) -> f64 {
        self.values[..self.most].iter().sum()
    }
}

impl<'s, 'c, 'a, 'g> Bounds<'s, 'c, 'a, 'g> {
    /// Prepares for sets of at most `size` events; `size` is at most 8.
    pub(super) fn new(sums: &'s Sums<'c, 'a, 'g>, size: usize) -> Self {
        let mut bounds = Self {
            tastes: tastes(sums, size),
            sums,
            size,
            pool: Vec::new(),
            differences: Vec::new(),
            apart: Vec::new(),
            slack: slack(sums, size),
        };
        bounds.pool = bounds.rivals();
        bounds.compare();
        bounds.narrow();
        bounds
    }

    /// Keeps the rivals that can stand before the item in view, each looked at beside it.
    fn narrow(&mut self) {
        let counts = self.counts(&[], self.size);
        let open = vec![true; counts.len()];
        let can = |at: usize| self.bound(Goal::Out, (at, &counts), (&open, self.size)) <= 0.0;
        let kept: Vec<usize> = (0..self.pool.len()).filter(|&at| can(at)).collect();
        let width = self.pool.len();
        let rows = 0..counts.len();
        let narrowed = rows.flat_map(|row| kept.iter().map(move |at| row * width + at));
        self.differences = narrowed.map(|at| self.differences[at]).collect();
        self.apart = kept.iter().map(|&at| self.apart[at]).collect();
        self.pool = kept.iter().map(|&at| self.pool[at]).collect();
    }

    /// How far the item in view can come before (or, for [`Goal::Out`], has to stay before) a rival, if up to `left` more of
    /// the places that are open go.
    fn bound(
        &self,
        goal: Goal,
        (at, counts): (usize, &[(f64, f64)]),
        (is_open, left): (&[bool], usize),
    ) -> f64 {
        let width = self.pool.len();
        let mut bound = self.apart[at];
        let mut largest = Largest::new(left);
        for (place, &(least, most)) in counts.iter().enumerate() {
            let difference = self.differences[place * width + at];
            let ends = [least * difference, most * difference];
            let end = match goal {
                Goal::Out => ends[0].min(ends[1]),
                Goal::In => ends[0].max(ends[1]),
            };
            bound += end;
            if is_open[place] {
                largest.add(match goal {
                    Goal::Out => end,
                    Goal::In => -end,
                });
            }
        }
        match goal {
            Goal::Out => bound - largest.sum() - self.slack,
            Goal::In => bound + largest.sum() + self.slack,
        }
    }

    /// Numbers that one look at all differences reads.
    pub(super) fn width(&self) -> usize {
        self.pool.len() * self.sums.items.len()
    }

    /// Between what each place counts if `gone` go and `left` more may.
    fn counts(&self, gone: &[usize], left: usize) -> Vec<(f64, f64)> {
        let (decay, window) = self.sums.case.scorer.window();
        let mut newer = 0;
        let count = |(place, &(least, most)): (usize, &(f64, f64))| {
            if gone.contains(&place) {
                newer += 1;
                return (0.0, 0.0);
            }
            let age = place - newer;
            let youngest = age - left.min(age);
            let aged = |age: usize| match age < window {
                true => decay.powi(age as i32),
                false => 0.0,
            };
            (aged(age) * least, aged(youngest) * most)
        };
        self.tastes.iter().enumerate().map(count).collect()
    }

    /// The items that could stand before the item in view if some of the events go; all others never can.
    fn rivals(&self) -> Vec<usize> {
        let sums = self.sums;
        let case = sums.case;
        let first = case.scorer.graph().items().start;
        let (popular, _) = case.scorer.popular();
        let mut highest: Vec<f64> = popular
            .iter()
            .zip(&sums.beside)
            .map(|(a, b)| a + b)
            .collect();
        let counts = self.counts(&[], self.size);
        let place = (case.item - first) as usize;
        let mut lowest = highest[place];
        let mut largest = Largest::new(self.size);
        for (at, &(least, most)) in counts.iter().enumerate() {
            let told = sums.tells(at, case.item);
            let told = (least * told).min(most * told);
            lowest += told;
            largest.add(told);
            for &(item, amount) in &sums.told[at] {
                // What speaks against a rival may go.
                highest[(item - first) as usize] += (most * amount).max(0.0);
            }
        }
        lowest -= largest.sum() + self.slack;
        let all = (0..highest.len()).filter(|&index| case.eligible[index] && index != place);
        all.filter(|&index| highest[index] >= lowest).collect()
    }

    fn compare(&mut self) {
        let (sums, case) = (self.sums, self.sums.case);
        let first = case.scorer.graph().items().start;
        let (popular, _) = case.scorer.popular();
        let apart = |index: usize| popular[index] + sums.beside[index];
        let own = apart((case.item - first) as usize);
        self.apart = self.pool.iter().map(|&index| own - apart(index)).collect();
        let mut column = vec![usize::MAX; popular.len()];
        for (at, &index) in self.pool.iter().enumerate() {
            column[index] = at;
        }
        self.differences = Vec::with_capacity(self.width());
        for (place, told) in sums.told.iter().enumerate() {
            let start = self.differences.len();
            let own = sums.tells(place, case.item);
            self.differences.resize(start + self.pool.len(), own);
            for &(item, amount) in told {
                let at = column[(item - first) as usize];
                if at != usize::MAX {
                    self.differences[start + at] -= amount;
                }
            }
        }
    }

    /// Whether the goal can be reached if `gone` go and up to `left` more of `open`.
    pub(super) fn can(&self, goal: Goal, gone: &[usize], (open, left): (&[usize], usize)) -> bool {
        let counts = self.counts(gone, left);
        let k = self.sums.case.k;
        let mut is_open = vec![false; counts.len()];
        open.iter().for_each(|&place| is_open[place] = true);
        let mut better = 0;
        for at in 0..self.pool.len() {
            let bound = self.bound(goal, (at, &counts), (&is_open, left));
            better += usize::from(match goal {
                Goal::Out => bound <= 0.0,
                Goal::In => bound < 0.0,
            });
        }
        match goal {
            Goal::Out => better >= k,
            Goal::In => better < k,
        }
    }

    /// Where the item stands if exactly these go, by sums; what is nearly equal counts for the goal, for it is scored again.
    pub(super) fn rank(&self, goal: Goal, gone: &[usize]) -> usize {
        let case = self.sums.case;
        let first = case.scorer.graph().items().start;
        let own = (case.item - first) as usize;
        let counts = self.sums.counts(gone, &[]);
        let popular = self.sums.popular(gone);
        let width = self.pool.len();
        let apart = |index: usize| popular(index) + self.sums.beside[index];
        let score = apart(own);
        let mut leads: Vec<f64> = self
            .pool
            .iter()
            .map(|&index| score - apart(index))
            .collect();
        for (row, count) in self.differences.chunks_exact(width.max(1)).zip(counts) {
            if count != 0.0 {
                leads
                    .iter_mut()
                    .zip(row)
                    .for_each(|(lead, d)| *lead += count * d);
            }
        }
        let nearly = match goal {
            Goal::Out => 1e-12,
            Goal::In => -1e-12,
        };
        1 + leads.iter().filter(|&&lead| lead < nearly).count()
    }
}

/// Between what taste makes of each place's event, if up to `size` items go.
fn tastes(sums: &Sums<'_, '_, '_>, size: usize) -> Vec<(f64, f64)> {
    let events = &sums.case.events;
    let weights = || events.iter().map(|event| event.weight);
    let mut each: Vec<usize> = Vec::new();
    let last = |item: u32| events.iter().rev().find(|event| event.item == item);
    for &item in &sums.items {
        each.push(events.iter().filter(|event| event.item == item).count());
    }
    each.sort_unstable_by(|a, b| b.cmp(a));
    let fewer: usize = each.iter().take(size).sum();
    let left = events.len().saturating_sub(fewer);
    let (low, high) = weights().fold((f64::MAX, f64::MIN), |(low, high), weight| {
        (low.min(f64::from(weight)), high.max(f64::from(weight)))
    });
    let sum: f64 = weights().map(f64::from).sum();
    let middles = match left {
        0 => [low, high],
        left => [high, low].map(|end| (sum - fewer as f64 * end) / left as f64),
    };
    let others = sums.others;
    let own = Spread::of(weights());
    let preference = sums.case.scorer.preference();
    // Without some of its members a spread has fewer squares.
    let least = Spread {
        squares: others.squares,
        count: others.count + own.count,
    };
    let most = Spread {
        squares: others.squares + own.squares,
        count: (others.count + own.count)
            .saturating_sub(fewer as u64)
            .max(1),
    };
    let tastes = [least, most].map(|spread| Taste::by(preference, spread));
    let plain = own.squares == 0.0;
    let jumps = !plain && least.squares / least.count.max(1) as f64 <= 1e-12;
    let range = |&item: &u32| {
        let weight = last(item).map_or(1.0, |event| event.weight);
        if plain {
            return (1.0, 1.0);
        }
        if jumps {
            let far = 2.0 * f64::from(preference);
            return (1.0 - far, 1.0 + far);
        }
        let ends = tastes
            .iter()
            .flat_map(|t| middles.map(|m| t.count(weight, m)));
        ends.fold((f64::MAX, f64::MIN), |(low, high), end| {
            (low.min(end), high.max(end))
        })
    };
    sums.items.iter().map(range).collect()
}

/// How much popularity can move the difference between two items if `size` events of the person go.
fn slack(sums: &Sums<'_, '_, '_>, size: usize) -> f64 {
    let scorer = sums.case.scorer;
    if sums.case.profile.user.is_none() || size == 0 {
        return 1e-12;
    }
    let (popular, met_by) = scorer.popular();
    let most = met_by.iter().copied().max().unwrap_or(0);
    let whole = scorer.popular_if(most, most).abs();
    let scaled = scorer.popular_if(most, most.saturating_sub(1)).abs() - whole;
    let first = scorer.graph().items().start;
    let drop = |&item: &u32| {
        let place = (item - first) as usize;
        (popular[place] - scorer.popular_if(met_by[place].saturating_sub(1), most)).abs()
    };
    let dropped = match sums.case.again {
        true => sums.items.iter().map(drop).fold(0.0, f64::max),
        false => 0.0,
    };
    scaled.max(0.0) + 2.0 * dropped + 1e-12
}
