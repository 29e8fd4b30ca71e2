//! The fewest events without which the item leaves, or enters, the list.

use super::bounds::Bounds;
use super::sums::Sums;
use super::{Case, Change, Difference, Goal, Standing};

/// Up to so many events the fewest are found for certain, if the work allows.
pub const EXACT: usize = 4;

/// Differences that the search looks at; beyond, the answer says that it may not be the smallest.
const WORK: usize = 4_000_000;

/// A set that is found step by step has at most so many events.
const STEPS: usize = 40;

/// The latest items that removals are looked for among at most.
const PLACES: usize = 1100;

/// What a place may be passed over for that counts so little.
const NOTHING: f64 = 1e-15;

impl Case<'_, '_> {
    /// The fewest of the person's items whose events have to go for the item to reach the goal, the latest first. `None` if
    /// no set was found; nothing is asked of an item that is there already.
    pub fn removal(&self, goal: Goal) -> Option<Change<u32>> {
        if self.reaches(goal, self.standing()) || self.events.is_empty() {
            return None;
        }
        let counting = self.counting();
        let sums = Sums::new(self, counting.min(PLACES));
        let stepwise = self.stepwise(&sums, goal);
        let known = stepwise.as_ref().map_or(EXACT + 1, |found| found.0.len());
        let mut search = Search {
            sums: &sums,
            goal,
            work: 0,
            exact: sums.items.len() < PLACES || counting <= PLACES,
        };
        for size in 1..known.min(EXACT + 1).min(sums.items.len() + 1) {
            if let Some(found) = search.of_size(size) {
                return Some(self.change(&sums, found, search.exact));
            }
        }
        let minimal = search.exact && known <= EXACT + 1;
        stepwise.map(|found| self.change(&sums, found, minimal))
    }

    /// How many of the latest items can count, also if some of those go.
    fn counting(&self) -> usize {
        let (decay, window) = self.scorer.window();
        let aged = match decay > 0.0 && decay < 1.0 {
            true => (NOTHING.ln() / decay.ln()).ceil() as usize,
            false => window,
        };
        window.min(aged).saturating_add(STEPS)
    }

    fn change(
        &self,
        sums: &Sums<'_, '_, '_>,
        (mut gone, standing): (Vec<usize>, Standing),
        minimal: bool,
    ) -> Change<u32> {
        gone.sort_unstable();
        Change {
            parts: gone.iter().map(|&place| sums.items[place]).collect(),
            minimal,
            standing,
        }
    }

    /// Event by event, always the one that tells most for the rival at the end of the list and against the item, or the
    /// other way round; then those that were not needed come back.
    fn stepwise(&self, sums: &Sums<'_, '_, '_>, goal: Goal) -> Option<(Vec<usize>, Standing)> {
        let mut gone: Vec<usize> = Vec::new();
        loop {
            let scores = sums.scores(&gone);
            let rival = self.rival(&scores)?;
            if gone.len() >= STEPS.min(sums.items.len()) {
                return None;
            }
            let counts = sums.counts(&gone, &[]);
            let rival = self.scorer.graph().items().start + rival as u32;
            let lead = |&place: &usize| {
                let lead = sums.tells(place, self.item) - sums.tells(place, rival);
                match goal {
                    Goal::Out => counts[place] * lead,
                    Goal::In => -counts[place] * lead,
                }
            };
            let open = (0..sums.items.len()).filter(|place| !gone.contains(place));
            let best = open.max_by(|a, b| lead(a).total_cmp(&lead(b)).then(b.cmp(a)))?;
            if lead(&best) <= 0.0 && goal == Goal::In {
                return None;
            }
            gone.push(best);
            if self.reaches(goal, self.place(&sums.scores(&gone), &[])) {
                let standing = self.without(sums, &gone);
                if self.reaches(goal, standing) {
                    return Some(self.needed(sums, goal, (gone, standing)));
                }
            }
        }
    }

    /// Puts back what need not go.
    fn needed(
        &self,
        sums: &Sums<'_, '_, '_>,
        goal: Goal,
        (mut gone, mut standing): (Vec<usize>, Standing),
    ) -> (Vec<usize>, Standing) {
        let mut index = 0;
        while index < gone.len() && gone.len() > 1 {
            let mut fewer = gone.clone();
            fewer.remove(index);
            let by_sums = self.place(&sums.scores(&fewer), &[]);
            let found = self
                .reaches(goal, by_sums)
                .then(|| self.without(sums, &fewer));
            match found.filter(|found| self.reaches(goal, *found)) {
                Some(found) => (gone, standing) = (fewer, found),
                None => index += 1,
            }
        }
        (gone, standing)
    }

    /// Where the item stands without the events at some places, scored again.
    fn without(&self, sums: &Sums<'_, '_, '_>, gone: &[usize]) -> Standing {
        self.judge(&Difference {
            without: gone.iter().map(|&place| sums.items[place]).collect(),
            ..Difference::default()
        })
    }
}

/// Looks through the sets of one size, but for those that bounds rule out.
struct Search<'s, 'c, 'a, 'g> {
    sums: &'s Sums<'c, 'a, 'g>,
    goal: Goal,
    work: usize,
    /// Whether nothing was passed over.
    exact: bool,
}

impl Search<'_, '_, '_, '_> {
    fn of_size(&mut self, size: usize) -> Option<(Vec<usize>, Standing)> {
        if !self.exact {
            return None;
        }
        let bounds = Bounds::new(self.sums, size);
        let order = self.order();
        if size == order.len() {
            return self.reached(&bounds, &order);
        }
        self.deeper(&bounds, &mut Vec::new(), (&order, size))
    }

    /// The places, those first that tell most.
    fn order(&self) -> Vec<usize> {
        let case = self.sums.case;
        let counts = self.sums.counts(&[], &[]);
        let rival = case.rival(&self.sums.scores(&[]));
        let rival = rival.map(|index| case.scorer.graph().items().start + index as u32);
        let lead = |place: usize| {
            let against = rival.map_or(0.0, |rival| self.sums.tells(place, rival));
            counts[place] * (self.sums.tells(place, case.item) - against)
        };
        let mut order: Vec<usize> = (0..self.sums.items.len()).collect();
        order.sort_by(|&a, &b| match self.goal {
            Goal::Out => lead(b).total_cmp(&lead(a)).then(a.cmp(&b)),
            Goal::In => lead(a).total_cmp(&lead(b)).then(a.cmp(&b)),
        });
        order
    }

    fn deeper(
        &mut self,
        bounds: &Bounds<'_, '_, '_, '_>,
        gone: &mut Vec<usize>,
        (open, left): (&[usize], usize),
    ) -> Option<(Vec<usize>, Standing)> {
        self.work += bounds.width() + self.sums.case.events.len();
        if self.work > WORK {
            self.exact = false;
            return None;
        }
        if left == 0 {
            return self.reached(bounds, gone);
        }
        if !bounds.can(self.goal, gone, (open, left)) {
            return None;
        }
        for (index, &place) in open.iter().enumerate() {
            if open.len() - index < left {
                break;
            }
            gone.push(place);
            let found = self.deeper(bounds, gone, (&open[index + 1..], left - 1));
            gone.pop();
            if found.is_some() || !self.exact {
                return found;
            }
        }
        None
    }

    /// The set, if it does what is asked when it is scored again.
    fn reached(
        &self,
        bounds: &Bounds<'_, '_, '_, '_>,
        gone: &[usize],
    ) -> Option<(Vec<usize>, Standing)> {
        let case = self.sums.case;
        // With nothing left of a person, other scores count than sums.
        let is_bare = gone.len() == self.sums.items.len();
        if !is_bare && !case.reaches_rank(self.goal, bounds.rank(self.goal, gone)) {
            return None;
        }
        let standing = case.without(self.sums, gone);
        case.reaches(self.goal, standing)
            .then(|| (gone.to_vec(), standing))
    }
}
