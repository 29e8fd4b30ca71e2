//! How much an event says of its user's taste.

/// Weights further than so many deviations from a user's mean say no more.
const FURTHEST: f64 = 2.0;

/// Reads taste off the weights of events, such as ratings: an event counts `1 + preference · z`, where `z` is how far its
/// weight lies from the mean of its user's, in deviations of all events from their users' means, within ±2. So quantities
/// and ratings of any scale are read alike, and where all weights are equal every event counts 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Taste {
    /// The preference, for one unit of weight.
    slope: f64,
    /// How far from 1 a count may be.
    most: f64,
}

/// How far weights of events lie from the means of their users: a sum over users.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// Squares of the distances together.
    pub squares: f64,
    /// Of how many events.
    pub count: u64,
}

impl Spread {
    /// Of the events of one user.
    pub fn of(weights: impl Iterator<Item = f32> + Clone) -> Self {
        let middle = mean(weights.clone());
        let mut spread = Self::default();
        for weight in weights {
            spread.squares += (f64::from(weight) - middle).powi(2);
            spread.count += 1;
        }
        spread
    }

    /// With those of another user.
    pub fn with(self, other: Self) -> Self {
        Self {
            squares: self.squares + other.squares,
            count: self.count + other.count,
        }
    }

    /// Without those of a user who is in it.
    pub fn without(self, other: Self) -> Self {
        Self {
            squares: (self.squares - other.squares).max(0.0),
            count: self.count.saturating_sub(other.count),
        }
    }
}

impl Taste {
    /// Of the weights of all events, by user. `preference` is at most 0.5, or the least liked would count against.
    pub fn of<W: Iterator<Item = f32> + Clone>(
        preference: f32,
        users: impl Iterator<Item = W>,
    ) -> Self {
        let spreads = users.map(Spread::of);
        Self::by(preference, spreads.fold(Spread::default(), Spread::with))
    }

    /// Of a spread of weights.
    pub fn by(preference: f32, spread: Spread) -> Self {
        let deviation = (spread.squares / spread.count.max(1) as f64).sqrt();
        let preference = f64::from(preference);
        let told = deviation > 1e-6 && deviation.is_finite();
        Self {
            slope: if told { preference / deviation } else { 0.0 },
            most: preference * FURTHEST,
        }
    }

    /// How much an event of this weight counts, of a user whose mean is `middle`.
    pub fn count(&self, weight: f32, middle: f64) -> f64 {
        let told = self.slope * (f64::from(weight) - middle);
        if told.is_finite() {
            1.0 + told.clamp(-self.most, self.most)
        } else {
            1.0
        }
    }
}

/// The mean weight; 0 of nothing.
pub fn mean(weights: impl Iterator<Item = f32>) -> f64 {
    let (sum, count) = weights.fold((0.0, 0u64), |(sum, count), weight| {
        (sum + f64::from(weight), count + 1)
    });
    sum / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taste(preference: f32, users: &[&[f32]]) -> Taste {
        Taste::of(
            preference,
            users.iter().map(|weights| weights.iter().copied()),
        )
    }

    #[test]
    fn what_was_rated_higher_counts_more_on_any_scale() {
        for scale in [0.01, 1.0, 1e6] {
            let users = [[1.0, 5.0].map(|w| w * scale), [2.0, 4.0].map(|w| w * scale)];
            let taste = taste(0.25, &[&users[0], &users[1]]);
            // Deviations are 2 and 1, so (2.5)^½ of all.
            let told = 0.25 * 2.0 / 2.5f64.sqrt();
            let middle = mean(users[0].into_iter());
            assert!((taste.count(users[0][1], middle) - 1.0 - told).abs() < 1e-6);
            assert!((taste.count(users[0][0], middle) - 1.0 + told).abs() < 1e-6);
        }
    }

    #[test]
    fn nothing_counts_against_and_nothing_runs_away() {
        let taste = taste(0.5, &[&[1.0, 2.0, 3.0]]);
        for weight in [f32::MIN, -1e9, 0.0, 1e9, f32::MAX] {
            let count = taste.count(weight, 2.0);
            assert!((0.0..=2.0).contains(&count), "{weight}: {count}");
        }
    }

    #[test]
    fn where_nothing_is_told_every_event_counts_one() {
        let bad = [f32::NAN, 1.0];
        for users in [&[&[3.0f32, 3.0][..]][..], &[], &[&[]], &[&bad]] {
            let taste = taste(0.5, users);
            for weight in [0.0, 3.0, f32::NAN, f32::INFINITY] {
                assert_eq!(taste.count(weight, 3.0), 1.0, "{users:?} {weight}");
            }
        }
    }
}
