//! Continuations of one prompt, with what several of them begin with held once.

use candle_core::{Device, Tensor};
use rustc_hash::FxHashMap;

/// Tokens behind a prompt, each behind another of them or behind the prompt itself. Parents come before their children.
#[derive(Debug, Default)]
pub struct Tree {
    tokens: Vec<u32>,
    parents: Vec<Option<usize>>,
    places: FxHashMap<(Option<usize>, u32), usize>,
}

impl Tree {
    /// The tokens, in the order in which they are computed.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// How many tokens a text would add.
    pub fn missing(&self, text: &[u32]) -> usize {
        let mut last = None;
        for (held, &token) in text.iter().enumerate() {
            match self.places.get(&(last, token)) {
                Some(&place) => last = Some(place),
                None => return text.len() - held,
            }
        }
        0
    }

    /// Adds a text; the places of its tokens.
    pub fn add(&mut self, text: &[u32]) -> Vec<usize> {
        let mut last = None;
        let places = text.iter().map(|&token| {
            let place = *self.places.entry((last, token)).or_insert_with(|| {
                self.tokens.push(token);
                self.parents.push(last);
                self.tokens.len() - 1
            });
            last = Some(place);
            place
        });
        places.collect()
    }

    /// The position of each token behind `start` tokens.
    pub fn positions(&self, start: usize) -> Vec<u32> {
        let mut positions = Vec::with_capacity(self.tokens.len());
        for parent in &self.parents {
            let position = parent.map_or(start as u32, |parent| positions[parent] + 1);
            positions.push(position);
        }
        positions
    }

    /// What each token must not see (minus infinity): all but the `start` tokens before, those that it continues, and itself.
    pub fn mask(&self, start: usize) -> candle_core::Result<Tensor> {
        let count = self.tokens.len();
        let total = start + count;
        let mut mask = vec![f32::NEG_INFINITY; count * total];
        for place in 0..count {
            let (before, row) = mask[..(place + 1) * total].split_at_mut(place * total);
            match self.parents[place] {
                Some(parent) => row.copy_from_slice(&before[parent * total..(parent + 1) * total]),
                None => row[..start].fill(0.0),
            }
            row[start + place] = 0.0;
        }
        Tensor::from_vec(mask, (1, 1, count, total), &Device::Cpu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_texts_begin_with_is_held_once() {
        let mut tree = Tree::default();
        assert_eq!(tree.add(&[7, 8, 9]), [0, 1, 2]);
        assert_eq!(tree.missing(&[7, 8, 5]), 1);
        assert_eq!(tree.add(&[7, 8, 5]), [0, 1, 3]);
        assert_eq!(tree.add(&[8]), [4]);
        assert_eq!(tree.missing(&[7, 8]), 0);
        assert_eq!(tree.tokens(), [7, 8, 9, 5, 8]);
        assert_eq!(tree.positions(10), [10, 11, 12, 12, 10]);
        let mask = tree.mask(1).unwrap().reshape((5, 6)).unwrap();
        let seen: Vec<String> = mask
            .to_vec2::<f32>()
            .unwrap()
            .iter()
            .map(|row| {
                row.iter()
                    .map(|x| if *x == 0.0 { '1' } else { '.' })
                    .collect()
            })
            .collect();
        assert_eq!(seen, ["11....", "111...", "1111..", "111.1.", "1....1"]);
    }
}
