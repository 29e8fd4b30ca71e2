//! From probabilities to links: one target for an item, one item for a target.

use super::evidence::Features;

/// Pairs less likely than this are not worth anybody's time.
pub const FAINT: f32 = 0.05;

/// An item and a target that may be one thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Number of the item.
    pub item: u32,
    /// Number of the target.
    pub target: u32,
    /// How likely it is that they are one, 0 to 1.
    pub confidence: f32,
    /// What they were judged by; nothing where a person settled it.
    pub features: Option<Features>,
    /// How it stands among the other pairs.
    pub standing: Standing,
}

/// How a pair stands among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A person settled it.
    Settled,
    /// The likeliest that is left of both its item and its target.
    Best,
    /// Its item or its target is in a likelier one.
    Rival,
}

/// The odds of what is settled, and of what is as sure as a number can say.
const CERTAIN: f64 = 1e7;

/// Settles who belongs to whom, the surest first; of equals the first by item, then target.
///
/// `pairs` come with the probabilities that their items give them. At most one of the items that claim a target is
/// right; so a claim with odds o against none becomes o / (1 + the sum of the odds of all claims), which is what it was
/// if nobody else claims the target, and one half at most if another has as good a claim. What is left below [`FAINT`]
/// is dropped.
pub fn assign(mut pairs: Vec<Pair>, items: usize, targets: usize) -> Vec<Pair> {
    let mut claims = vec![0.0f64; targets];
    pairs.sort_unstable_by_key(|pair| (pair.item, pair.target));
    for pair in &pairs {
        claims[pair.target as usize] += odds(pair.confidence);
    }
    for pair in pairs
        .iter_mut()
        .filter(|pair| pair.standing != Standing::Settled)
    {
        let claims = claims[pair.target as usize];
        pair.confidence = (odds(pair.confidence) / (1.0 + claims)) as f32;
    }
    pairs.retain(|pair| pair.confidence >= FAINT);
    let settled = |pair: &Pair| pair.standing != Standing::Settled;
    pairs.sort_by(|a, b| {
        settled(a)
            .cmp(&settled(b))
            .then(b.confidence.total_cmp(&a.confidence))
    });
    let (mut given, mut taken) = (vec![false; items], vec![false; targets]);
    for pair in &mut pairs {
        let (item, target) = (
            &mut given[pair.item as usize],
            &mut taken[pair.target as usize],
        );
        if *item || *target {
            pair.standing = Standing::Rival;
            continue;
        }
        if pair.standing == Standing::Rival {
            pair.standing = Standing::Best;
        }
        (*item, *target) = (true, true);
    }
    pairs
}

fn odds(probability: f32) -> f64 {
    let probability = f64::from(probability);
    (probability / (1.0 - probability)).min(CERTAIN)
}
