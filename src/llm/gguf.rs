//! A check of a GGUF file's header before anything is allocated for it.
//!
//! candle reads the file afterwards. It trusts some numbers that a damaged or hostile file can hold (an alignment of
//! zero, products of dimensions that overflow, arrays that grow thirtyfold in memory), and it finds a truncated file
//! only at the tensor that is cut. So the header is walked here first, with every length held against the file's.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// Elements of all arrays together; a tokenizer of 150,000 tokens and as many merges has half a million.
const MAX_ELEMENTS: u64 = 8 << 20;
/// Bytes of one string; chat templates are the longest.
const MAX_STRING: u64 = 1 << 20;
const MAX_ENTRIES: u64 = 1 << 16;
const MAX_DIMENSIONS: u32 = 4;

/// Fails unless the file at `path` is a whole GGUF file with a sane header.
pub fn check(path: &Path) -> Result<()> {
    let file = File::open(path).map_err(|e| Error::io("open the model", path, e))?;
    let metadata = file
        .metadata()
        .map_err(|e| Error::io("open the model", path, e))?;
    if !metadata.is_file() {
        return Err(Error::usage("not a file, where a GGUF file is expected").at(path.display()));
    }
    let length = metadata.len();
    let mut header = Header {
        reader: BufReader::new(file),
        length,
        elements: 0,
    };
    header.check().map_err(|e| match e.kind() {
        ErrorKind::Corrupt => e.at(path.display()).hint("kenning model check"),
        _ => e.at(path.display()),
    })
}

struct Header {
    reader: BufReader<File>,
    length: u64,
    elements: u64,
}

impl Header {
    fn check(&mut self) -> Result<()> {
        self.magic()?;
        let (tensors, entries) = (self.u64()?, self.u64()?);
        if tensors > MAX_ENTRIES || entries > MAX_ENTRIES {
            return Err(Error::corrupt(format!(
                "the header claims {tensors} tensors and {entries} metadata entries"
            )));
        }
        let mut alignment = 32;
        for _ in 0..entries {
            let (key, kind) = (self.string()?, self.u32()?);
            match (key.as_slice(), kind) {
                (b"general.alignment", 4) => alignment = u64::from(self.u32()?),
                (b"general.alignment", kind) => {
                    return Err(Error::corrupt(format!(
                        "`general.alignment` has type {kind}, not 4 (u32)"
                    )));
                }
                (_, kind) => self.value(kind)?,
            }
        }
        if !alignment.is_power_of_two() || alignment > 1 << 16 {
            return Err(Error::corrupt(format!(
                "`general.alignment` is {alignment}, not a power of two"
            )));
        }
        self.tensors(tensors, alignment)
    }

    fn magic(&mut self) -> Result<()> {
        let mut magic = [0; 4];
        let found = self.reader.read_exact(&mut magic);
        if found.is_err() || &magic != b"GGUF" {
            return Err(Error::input(format!(
                "not a GGUF file: it begins with {}",
                magic.escape_ascii()
            )));
        }
        match self.u32()? {
            2 | 3 => Ok(()),
            version => Err(Error::input(format!(
                "GGUF version {version} cannot be read, only 2 and 3"
            ))),
        }
    }

    fn value(&mut self, kind: u32) -> Result<()> {
        match kind {
            8 => self.string().map(drop),
            9 => self.array(),
            kind => self.skip(scalar_bytes(kind)?),
        }
    }

    fn array(&mut self) -> Result<()> {
        let (kind, count) = (self.u32()?, self.u64()?);
        self.elements = self.elements.saturating_add(count);
        if self.elements > MAX_ELEMENTS {
            return Err(Error::corrupt(format!(
                "arrays of more than {MAX_ELEMENTS} elements in the metadata"
            )));
        }
        match kind {
            8 => (0..count).try_for_each(|_| self.string().map(drop)),
            9 => Err(Error::corrupt("an array of arrays in the metadata")),
            kind => self.skip(scalar_bytes(kind)? * count),
        }
    }

    fn tensors(&mut self, count: u64, alignment: u64) -> Result<()> {
        let mut last = (0, String::new());
        for _ in 0..count {
            let name = String::from_utf8_lossy(&self.string()?).into_owned();
            let end = self
                .tensor()
                .map_err(|e| e.at(format!("tensor `{name}`")))?;
            if end > last.0 {
                last = (end, name);
            }
        }
        let position = self.reader.stream_position().map_err(unreadable)?;
        let data = position.div_ceil(alignment) * alignment;
        let needed = data.saturating_add(last.0);
        if needed > self.length {
            let (name, length) = (last.1, self.length);
            return Err(Error::corrupt(format!(
                "truncated: tensor `{name}` ends at byte {needed}, the file has {length}"
            )));
        }
        Ok(())
    }

    /// Reads the description of a tensor and returns where its data end, counted from the begin of all data.
    fn tensor(&mut self) -> Result<u64> {
        let rank = self.u32()?;
        if rank > MAX_DIMENSIONS {
            return Err(Error::corrupt(format!("{rank} dimensions")));
        }
        let mut elements = 1u64;
        for _ in 0..rank {
            let dimension = self.u64()?;
            elements = elements
                .checked_mul(dimension)
                .filter(|n| *n < 1 << 48 && dimension > 0)
                .ok_or_else(|| Error::corrupt(format!("a dimension of {dimension}")))?;
        }
        let (kind, offset) = (self.u32()?, self.u64()?);
        let (block, bytes) = block_of(kind)?;
        if !elements.is_multiple_of(block) {
            return Err(Error::corrupt(format!(
                "{elements} elements are no whole blocks of {block}"
            )));
        }
        Ok(offset.saturating_add(elements / block * bytes))
    }

    fn string(&mut self) -> Result<Vec<u8>> {
        let length = self.u64()?;
        if length > MAX_STRING {
            return Err(Error::corrupt(format!(
                "a string of {length} bytes in the header"
            )));
        }
        let mut bytes = vec![0; length as usize];
        self.reader.read_exact(&mut bytes).map_err(unreadable)?;
        Ok(bytes)
    }

    fn skip(&mut self, bytes: u64) -> Result<()> {
        let position = self.reader.stream_position().map_err(unreadable)?;
        if bytes > self.length.saturating_sub(position) {
            return Err(Error::corrupt("truncated in its header"));
        }
        self.reader
            .seek(SeekFrom::Current(bytes as i64))
            .map(drop)
            .map_err(unreadable)
    }

    fn u32(&mut self) -> Result<u32> {
        let mut bytes = [0; 4];
        self.reader.read_exact(&mut bytes).map_err(unreadable)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn u64(&mut self) -> Result<u64> {
        let mut bytes = [0; 8];
        self.reader.read_exact(&mut bytes).map_err(unreadable)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

fn unreadable(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Error::corrupt("truncated in its header"),
        _ => Error::new(ErrorKind::Io, format!("cannot read the header: {error}")),
    }
}

fn scalar_bytes(kind: u32) -> Result<u64> {
    match kind {
        0 | 1 | 7 => Ok(1),
        2 | 3 => Ok(2),
        4..=6 => Ok(4),
        10..=12 => Ok(8),
        _ => Err(Error::corrupt(format!(
            "a metadata value of unknown type {kind}"
        ))),
    }
}

/// Elements and bytes of a block of ggml's tensor type `kind`.
fn block_of(kind: u32) -> Result<(u64, u64)> {
    Ok(match kind {
        0 => (1, 4),
        1 | 30 => (1, 2),
        2 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        9 => (32, 36),
        10 => (256, 84),
        11 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        15 => (256, 292),
        _ => return Err(Error::input(format!("its type {kind} is not supported"))),
    })
}
