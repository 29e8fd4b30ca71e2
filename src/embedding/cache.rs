//! Vectors on disk: an append-only file of (hash of a text, vector).
//!
//! ```text
//! header, 64 bytes: "KENVECT1" · dimensions (u32) · 0 (u32) · BLAKE3 of the embedder's id · BLAKE3-128 of all before
//! record:           BLAKE3-128 of the text · dimensions × f32 · first 8 bytes of the BLAKE3 of both
//! ```
//!
//! All numbers are little-endian. A record is valid if its checksum is. What a kill left half written at the end is
//! cut off when the file is opened; so is all after a damaged record, as it can be computed again.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use rustc_hash::{FxHashMap, FxHashSet};

use super::TextEncoder;
use crate::error::{Error, ErrorKind, Result};
use crate::model::Progress;

const MAGIC: &[u8; 8] = b"KENVECT1";
const HEADER: usize = 64;
const KEY: usize = 16;
const CHECKSUM: usize = 8;
/// Texts that are computed before they are written.
const BLOCK: usize = 512;
const MAX_DIMENSIONS: usize = 1 << 16;

/// The vectors of one embedder. One process at a time has it open.
pub struct VectorCache {
    path: PathBuf,
    file: File,
    map: Mmap,
    dimensions: usize,
    embedder: String,
    /// From the hash of a text to the number of its record.
    records: FxHashMap<u128, u32>,
}

impl VectorCache {
    /// Opens the file at `path` or makes it. It must have been made for the same embedder.
    pub fn open(path: &Path, embedder_id: &str, dimensions: usize) -> Result<Self> {
        if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
            return Err(Error::usage(format!(
                "vectors of {dimensions} dimensions cannot be kept"
            )));
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        let mut file = file.map_err(|e| Error::io("open the vectors", path, e))?;
        lock(&file, path)?;
        let length = file
            .metadata()
            .map_err(|e| Error::io("read the vectors", path, e))?
            .len();
        let header = header(embedder_id, dimensions);
        if length < HEADER as u64 {
            start(&mut file, &header, length).map_err(|e| e.at(path.display()))?;
        }
        let mut map = map(&file, path)?;
        if map[..HEADER] != header {
            return Err(foreign(path, &map[..HEADER]));
        }
        let records = read(&map[HEADER..], record_bytes(dimensions));
        let whole = HEADER + records.len() * record_bytes(dimensions);
        if whole < map.len() {
            drop(map);
            file.set_len(whole as u64)
                .map_err(|e| Error::io("cut off what was half written", path, e))?;
            map = self::map(&file, path)?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            map,
            dimensions,
            embedder: embedder_id.to_owned(),
            records,
        })
    }

    /// How many texts have a vector.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether no text has a vector.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The length of a vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The vector of `text`, if it was computed.
    pub fn get(&self, text: &str) -> Option<&[f32]> {
        let record = *self.records.get(&key(text))? as usize;
        let start = HEADER + record * self.record_bytes() + KEY;
        bytemuck::try_cast_slice(self.map.get(start..start + 4 * self.dimensions)?).ok()
    }

    /// Computes the vectors of those of `texts` that have none, and returns how many these were. Every block is on
    /// disk before the next one is computed.
    pub fn fill(
        &mut self,
        texts: &[&str],
        embedder: &dyn TextEncoder,
        progress: &dyn Progress,
    ) -> Result<usize> {
        if embedder.id() != self.embedder || embedder.dimensions() != self.dimensions {
            let message = format!(
                "the vectors are of `{}`, the embedder is `{}`",
                self.embedder,
                embedder.id()
            );
            return Err(Error::usage(message).at(self.path.display()));
        }
        let mut new = self.missing(texts);
        // Texts of like length beside each other can be computed together.
        new.sort_by_key(|text| text.len());
        progress.begin("embed texts", Some(new.len() as u64), "texts");
        let done = new.chunks(BLOCK).try_for_each(|block| {
            self.append(block, &embedder.embed(block)?)?;
            progress.advance(block.len() as u64, block.len() as u64);
            Ok(())
        });
        progress.end();
        self.map = map(&self.file, &self.path)?;
        done.map(|()| new.len())
    }

    /// The texts without a vector, each once.
    fn missing<'a>(&self, texts: &[&'a str]) -> Vec<&'a str> {
        let mut seen = FxHashSet::default();
        let new = |text: &&str| {
            let key = key(text);
            !self.records.contains_key(&key) && seen.insert(key)
        };
        texts.iter().copied().filter(new).collect()
    }

    fn append(&mut self, texts: &[&str], vectors: &[Vec<f32>]) -> Result<()> {
        let mut bytes = Vec::with_capacity(texts.len() * self.record_bytes());
        for (text, vector) in texts.iter().zip(vectors) {
            if vector.len() != self.dimensions || vector.iter().any(|x| !x.is_finite()) {
                return Err(Error::corrupt(format!(
                    "the embedder gave no usable vector for `{text}`"
                )));
            }
            let start = bytes.len();
            bytes.extend(key(text).to_le_bytes());
            bytes.extend(vector.iter().flat_map(|x| x.to_le_bytes()));
            bytes.extend(checksum(&bytes[start..]));
        }
        let end = HEADER + self.records.len() * self.record_bytes();
        let written = self
            .file
            .seek(SeekFrom::Start(end as u64))
            .and_then(|_| self.file.write_all(&bytes));
        written.map_err(|e| {
            Error::io("write the vectors", &self.path, e)
                .hint("make room and run the same command again")
        })?;
        for text in texts {
            let record = u32::try_from(self.records.len());
            let record =
                record.map_err(|_| Error::budget("more vectors than one file can hold"))?;
            self.records.insert(key(text), record);
        }
        Ok(())
    }

    fn record_bytes(&self) -> usize {
        record_bytes(self.dimensions)
    }
}

impl Drop for VectorCache {
    fn drop(&mut self) {
        // Ends the lock even if a child that was just started still has the file open.
        let _ = self.file.unlock();
    }
}

fn record_bytes(dimensions: usize) -> usize {
    KEY + 4 * dimensions + CHECKSUM
}

/// The texts of all records up to the first that is not valid.
fn read(bytes: &[u8], record_bytes: usize) -> FxHashMap<u128, u32> {
    let mut records = FxHashMap::default();
    for (number, record) in (0..u32::MAX).zip(bytes.chunks_exact(record_bytes)) {
        let (body, sum) = record.split_at(record.len() - CHECKSUM);
        let key = number_of(&body[..KEY]);
        if checksum(body) != sum || records.contains_key(&key) {
            break;
        }
        records.insert(key, number);
    }
    records
}

fn key(text: &str) -> u128 {
    number_of(&blake3::hash(text.as_bytes()).as_bytes()[..KEY])
}

/// The little-endian number in `bytes`.
fn number_of(bytes: &[u8]) -> u128 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u128::from(*byte))
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let mut sum = [0; CHECKSUM];
    sum.copy_from_slice(&blake3::hash(bytes).as_bytes()[..CHECKSUM]);
    sum
}

fn header(embedder_id: &str, dimensions: usize) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&(dimensions as u32).to_le_bytes());
    header[16..48].copy_from_slice(blake3::hash(embedder_id.as_bytes()).as_bytes());
    let sum = blake3::hash(&header[..48]);
    header[48..].copy_from_slice(&sum.as_bytes()[..16]);
    header
}

/// Writes the header to a file that has none: a new one, or one whose maker was killed at once.
fn start(file: &mut File, header: &[u8; HEADER], length: u64) -> Result<()> {
    let mut there = Vec::new();
    let failed = |e: std::io::Error| {
        Error::new(
            ErrorKind::Io,
            format!("cannot start the file of vectors: {e}"),
        )
    };
    file.take(length).read_to_end(&mut there).map_err(failed)?;
    if !header.starts_with(&there) {
        return Err(Error::corrupt("not a file of vectors").hint("give the vectors another path"));
    }
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.write_all(header))
        .map_err(failed)
}

fn foreign(path: &Path, header: &[u8]) -> Error {
    let error = match header.starts_with(MAGIC) {
        true => Error::corrupt(
            "the vectors were computed by another embedder, or their header is damaged",
        ),
        false => Error::corrupt("not a file of vectors"),
    };
    error
        .at(path.display())
        .hint("remove the file, and the vectors are computed again")
}

fn lock(file: &File, path: &Path) -> Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(Error::new(
            ErrorKind::Io,
            "another process uses the vectors",
        )
        .at(path.display())
        .hint("wait for it and try again")),
        Err(TryLockError::Error(e)) => Err(Error::io("lock the vectors", path, e)),
    }
}

#[allow(unsafe_code)]
fn map(file: &File, path: &Path) -> Result<Mmap> {
    // SAFETY: the file is locked by this process, which cuts it only while it is not mapped, and otherwise appends.
    let map = unsafe { Mmap::map(file) };
    map.map_err(|e| Error::io("map the vectors", path, e))
}
