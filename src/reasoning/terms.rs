//! What the engine needs to know of terms.

use crate::{Error, Result};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Terms by number, encoded as [`crate::model::term`] says.
pub trait Terms: Send + Sync {
    /// The encoded term of a number.
    fn text(&self, number: u32) -> &str;

    /// The number of an encoded term, if it has one.
    fn find(&self, encoded: &str) -> Option<u32>;

    /// The number of an encoded term, which is a new one if the term is.
    ///
    /// # Errors
    ///
    /// If there are more terms than numbers.
    fn intern(&mut self, encoded: &str) -> Result<u32>;
}

/// Terms in memory, numbered in the order in which they came.
#[derive(Debug, Default)]
pub struct Dictionary {
    texts: Vec<Arc<str>>,
    numbers: FxHashMap<Arc<str>, u32>,
}

impl Dictionary {
    /// How many terms there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

impl Terms for Dictionary {
    fn text(&self, number: u32) -> &str {
        self.texts.get(number as usize).map_or("", |text| text)
    }

    fn find(&self, encoded: &str) -> Option<u32> {
        self.numbers.get(encoded).copied()
    }

    fn intern(&mut self, encoded: &str) -> Result<u32> {
        if let Some(&number) = self.numbers.get(encoded) {
            return Ok(number);
        }
        let number = u32::try_from(self.texts.len())
            .map_err(|_| Error::budget("there are more terms than numbers for them"))?;
        let text: Arc<str> = encoded.into();
        self.texts.push(text.clone());
        self.numbers.insert(text, number);
        Ok(number)
    }
}
