//! How much each feature of a pair counts: a conditional logit, and how it is fitted.
//!
//! A candidate with features x has the score w·x; the score of "none of them" is 0. The probability of a candidate is
//! exp(score) by the sum of exp(score) over all candidates and none (McFadden 1974). So two candidates that are equally
//! good have at most one half each, however good they are: what is not unique is not certain.

use super::evidence::{COUNT, Features, place};

/// One weight for each feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights(pub [f64; COUNT]);

/// What was to be chosen from, and what is right.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The candidates.
    pub candidates: Vec<Features>,
    /// The right one, if it is among them.
    pub right: Option<usize>,
}

/// How strongly weights are kept small: the inverse of the variance of their prior.
const RIDGE: f64 = 0.1;

/// Steps of Newton's method; far fewer are needed.
const STEPS: usize = 50;

impl Weights {
    /// The weights that come with Kenning, fitted by [`Weights::fit`] on films of MovieLens (ml-latest-small), the LODrecsys
    /// mapping of MovieLens to DBpedia (1.2) and a file of 1,394 films of DBpedia; only on films whose hash is even
    /// (`evaluation::linking::half`), so that the others can judge it; which features there are was chosen with all of them in
    /// view. The choices are:
    ///
    /// - films whose entity is in the file, with it as the right one;
    /// - the same, where all these entities are taken out of the file, so that none is right;
    /// - films of 2000 and later; those of the file are of 1998 at the latest, so none is right.
    ///
    /// Each counts twice, the second time with its years hidden, so that the model knows what a name alone is worth. The
    /// weights of kinds are given, not fitted: among films alone kinds do not tell what they tell elsewhere.
    pub const SHIPPED: Self = Self([
        -9.4590, 0.6878, 3.5810, 3.8679, -5.0050, 0.4124, 1.8789, 2.2849, 4.1916, 0.1416, -6.2827,
        1.0, -4.0,
    ]);

    /// How good a candidate is.
    pub fn score(&self, features: &Features) -> f64 {
        self.0
            .iter()
            .zip(features)
            .map(|(w, &x)| w * f64::from(x))
            .sum()
    }

    /// The probabilities of candidates with these scores; the rest is that of none of them.
    pub fn probabilities(scores: &[f64]) -> Vec<f64> {
        let most = scores.iter().copied().fold(0.0, f64::max);
        let powers: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
        let total = (-most).exp() + powers.iter().sum::<f64>();
        powers.into_iter().map(|power| power / total).collect()
    }

    /// The weights under which what is right is likeliest, with a small penalty on large ones. The likelihood is
    /// concave, so the choices decide, and their order matters to rounding only.
    pub fn fit(choices: &[Choice]) -> Self {
        let mut weights = Self([0.0; COUNT]);
        for (place, weight) in GIVEN {
            weights.0[place] = weight;
        }
        for _ in 0..STEPS {
            let (slope, curve) = weights.slope_and_curve(choices);
            let step = solve(curve, slope);
            // Far from the top the parabola is no good guide.
            let length = step.iter().map(|s| s * s).sum::<f64>().sqrt();
            let scale = (4.0 / length).min(1.0);
            for (weight, step) in weights.0.iter_mut().zip(step) {
                *weight += scale * step;
            }
            if length < 1e-9 {
                break;
            }
        }
        weights
    }

    /// First and (negated) second derivatives of the penalised logarithm of the likelihood.
    fn slope_and_curve(&self, choices: &[Choice]) -> ([f64; COUNT], Square) {
        let mut slope = [0.0; COUNT];
        let mut curve = [[0.0; COUNT]; COUNT];
        for i in 0..COUNT {
            slope[i] = -RIDGE * self.0[i];
            curve[i][i] = RIDGE;
        }
        for choice in choices {
            let scores: Vec<f64> = choice.candidates.iter().map(|x| self.score(x)).collect();
            let probabilities = Self::probabilities(&scores);
            let mut mean = [0.0; COUNT];
            for (at, (x, p)) in choice.candidates.iter().zip(&probabilities).enumerate() {
                let is_right = f64::from(u8::from(choice.right == Some(at)));
                for i in 0..COUNT {
                    slope[i] += (is_right - p) * f64::from(x[i]);
                    mean[i] += p * f64::from(x[i]);
                    for j in 0..COUNT {
                        curve[i][j] += p * f64::from(x[i]) * f64::from(x[j]);
                    }
                }
            }
            for i in 0..COUNT {
                for j in 0..COUNT {
                    curve[i][j] -= mean[i] * mean[j];
                }
            }
        }
        for (place, _) in GIVEN {
            slope[place] = 0.0;
            curve[place] = [0.0; COUNT];
            curve.iter_mut().for_each(|row| row[place] = 0.0);
            curve[place][place] = 1.0;
        }
        (slope, curve)
    }
}

/// Weights that are given, not fitted; see [`Weights::SHIPPED`].
const GIVEN: [(usize, f64); 2] = [(place::SAME_KIND, 1.0), (place::OTHER_KIND, -4.0)];

type Square = [[f64; COUNT]; COUNT];

/// Solves `matrix · x = right` for a positive definite matrix, by Cholesky's decomposition.
fn solve(mut matrix: Square, mut right: [f64; COUNT]) -> [f64; COUNT] {
    for i in 0..COUNT {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| matrix[i][k] * matrix[j][k]).sum();
            let rest = matrix[i][j] - sum;
            matrix[i][j] = match i == j {
                true => rest.max(1e-12).sqrt(),
                false => rest / matrix[j][j],
            };
        }
        let sum: f64 = (0..i).map(|k| matrix[i][k] * right[k]).sum();
        right[i] = (right[i] - sum) / matrix[i][i];
    }
    for i in (0..COUNT).rev() {
        let sum: f64 = (i + 1..COUNT).map(|k| matrix[k][i] * right[k]).sum();
        right[i] = (right[i] - sum) / matrix[i][i];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved() {
        let entry =
            |i: usize, j: usize| 1.0 / (1.0 + i.abs_diff(j) as f64) + f64::from(u8::from(i == j));
        let matrix: Square = std::array::from_fn(|i| std::array::from_fn(|j| entry(i, j)));
        let expected: [f64; COUNT] = std::array::from_fn(|i| i as f64 - 3.0);
        let right = std::array::from_fn(|i| (0..COUNT).map(|j| matrix[i][j] * expected[j]).sum());
        for (found, expected) in solve(matrix, right).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }

    #[test]
    fn equals_share_and_none_is_always_possible() {
        let p = Weights::probabilities(&[10.0, 10.0, -5.0]);
        assert!(p[0] == p[1] && p[0] < 0.5 && p[2] < 1e-6);
        assert!(p.iter().sum::<f64>() < 1.0);
        assert_eq!(Weights::probabilities(&[0.0]), [0.5]);
        assert_eq!(Weights::probabilities(&[2000.0]), [1.0]);
    }

    #[test]
    fn a_fit_finds_the_share_that_is_right() {
        // Of equal names three in four are right; of others one in four.
        let choice = |equal: f32, is_right: bool| {
            let mut x = [0.0; COUNT];
            (x[0], x[place::EQUAL]) = (1.0, equal);
            Choice {
                candidates: vec![x],
                right: is_right.then_some(0),
            }
        };
        let choices: Vec<Choice> = (0..4000)
            .map(|i| {
                choice(
                    (i % 2) as f32,
                    if i % 2 == 1 { i % 8 != 1 } else { i % 8 == 0 },
                )
            })
            .collect();
        let weights = Weights::fit(&choices);
        for (equal, share) in [(1.0, 0.75), (0.0, 0.25)] {
            let score = weights.score(&choice(equal, true).candidates[0]);
            let p = Weights::probabilities(&[score])[0];
            assert!((p - share).abs() < 0.005, "{p} {share}");
        }
        assert_eq!(weights.0[place::OTHER_KIND], -4.0);
    }
}
