//! What sections hold: values, and strings.

use crate::{Error, Result};
use bytemuck::Pod;
use memmap2::Mmap;
use std::marker::PhantomData;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// A section as a slice of `T`; keeps the file mapped.
#[derive(Clone)]
pub struct Column<T> {
    bytes: Option<Arc<Mmap>>,
    range: Range<usize>,
    of: PhantomData<T>,
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self {
            bytes: None,
            range: 0..0,
            of: PhantomData,
        }
    }
}

impl<T: Pod> Column<T> {
    /// A range of the bytes of a file, which has to be aligned and of a whole number of values.
    pub(super) fn mapped(bytes: &Arc<Mmap>, range: Range<usize>) -> Self {
        Self {
            bytes: Some(Arc::clone(bytes)),
            range,
            of: PhantomData,
        }
    }

    /// Values that stand in no file.
    ///
    /// # Errors
    /// `Io` if there is no memory for them.
    pub fn in_memory(values: &[T]) -> Result<Self> {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        // Mapped as files are: aligned for any type, and columns stay of one kind.
        let no_memory = |e| Error::io("take memory for", "a column".as_ref(), e);
        let mut map = memmap2::MmapMut::map_anon(bytes.len()).map_err(no_memory)?;
        map.copy_from_slice(bytes);
        Ok(Self {
            bytes: Some(Arc::new(map.make_read_only().map_err(no_memory)?)),
            range: 0..bytes.len(),
            of: PhantomData,
        })
    }

    /// The value of a row of a section that [`super::Writer::add_steady`] wrote.
    pub fn steady(&self, row: usize) -> T {
        match **self {
            [every] => every,
            ref values => values[row],
        }
    }

    /// Whether such a section has a value for each of `rows`.
    pub fn is_steady_for(&self, rows: usize) -> bool {
        self.len() == rows || self.len() == 1 && rows > 0
    }
}

impl<T: Pod> Deref for Column<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.bytes {
            Some(bytes) => bytemuck::cast_slice(&bytes[self.range.clone()]),
            None => &[],
        }
    }
}

/// A table of strings.
#[derive(Clone, Default)]
pub struct Strings {
    at: Column<u64>,
    utf8: Column<u8>,
}

impl Strings {
    /// Where each row starts, and the text of all; nothing if the rows do not cover the text.
    pub(super) fn of(at: Column<u64>, utf8: Column<u8>) -> Option<Self> {
        let ends = (at.first(), at.last());
        (ends == (Some(&0), Some(&(utf8.len() as u64)))).then_some(Self { at, utf8 })
    }

    /// Strings that stand in no file.
    ///
    /// # Errors
    /// `Io` if there is no memory for them.
    pub fn in_memory<'a>(texts: impl Iterator<Item = &'a str>) -> Result<Self> {
        let (mut at, mut utf8) = (vec![0], String::new());
        for text in texts {
            utf8.push_str(text);
            at.push(utf8.len() as u64);
        }
        Ok(Self {
            at: Column::in_memory(&at)?,
            utf8: Column::in_memory(utf8.as_bytes())?,
        })
    }

    /// How many strings there are.
    pub fn len(&self) -> usize {
        self.at.len().saturating_sub(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// String number `index`; empty where there is none.
    pub fn get(&self, index: usize) -> &str {
        let at = &*self.at;
        let (Some(&from), Some(&to)) = (at.get(index), at.get(index + 1)) else {
            return "";
        };
        let bytes = self.utf8.get(from as usize..to as usize);
        std::str::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
    }

    /// Whether each string begins where the one before ends, in time that grows with their number.
    pub fn are_sound(&self) -> bool {
        self.at.is_sorted()
    }

    /// All strings in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }
}
