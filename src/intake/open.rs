//! Opens a file, unpacks it as its first bytes demand, and counts what was read.

use super::find::Found;
use crate::{Error, Result};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const BUFFER: usize = 128 * 1024;

/// The bytes of a file, unpacked, without a byte order mark.
pub type Bytes = Box<dyn BufRead + Send>;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// What is known of a file that is being read: enough to say where it broke.
#[derive(Clone, Debug)]
pub struct Opened {
    name: String,
    path: PathBuf,
    size: u64,
    packing: Packing,
    read: Arc<AtomicU64>,
}

/// Opens the file.
pub fn open(found: &Found<'_>) -> Result<(Bytes, Opened)> {
    let failed = |e| Error::io("read the dump", &found.path, e);
    let file = File::open(&found.path).map_err(failed)?;
    let read = Arc::new(AtomicU64::new(0));
    let counted = Counted {
        inner: file,
        read: Arc::clone(&read),
    };
    let mut buffered = BufReader::with_capacity(BUFFER, counted);
    let head = head::<6>(&mut buffered).map_err(failed)?;
    let opened = Opened {
        name: found.name.clone(),
        path: found.path.clone(),
        size: found.bytes,
        packing: packing(&head, &found.name)?,
        read,
    };
    let bytes = unpack(Cursor::new(head).chain(buffered), opened.packing);
    let bytes = bytes.map_err(|e| opened.failed(e))?;
    let bytes = without_mark(bytes).map_err(|e| opened.failed(e))?;
    Ok((bytes, opened))
}

/// The first bytes, fewer where the file is shorter.
fn head<const N: usize>(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(N);
    reader.take(N as u64).read_to_end(&mut head)?;
    Ok(head)
}

fn packing(head: &[u8], name: &str) -> Result<Packing> {
    let foreign = match head {
        [0x1f, 0x8b, ..] => return Ok(Packing::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => return Ok(Packing::Zstd),
        [b'P', b'K', 3, 4, ..] => "a zip archive",
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => "packed with bzip2",
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => "packed with xz",
        [b'P', b'A', b'R', b'1', ..] => "a Parquet file",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16 text, not UTF-8",
        _ => return Ok(Packing::Plain),
    };
    Err(Error::input(format!("this is {foreign}"))
        .at(name)
        .hint("files may be plain UTF-8 text, or packed with gzip or zstd: convert it first"))
}

fn unpack(packed: impl BufRead + Send + 'static, packing: Packing) -> io::Result<Bytes> {
    Ok(match packing {
        Packing::Plain => Box::new(packed),
        Packing::Gzip => {
            let unpacked = flate2::bufread::MultiGzDecoder::new(packed);
            Box::new(BufReader::with_capacity(BUFFER, unpacked))
        }
        Packing::Zstd => {
            let unpacked = zstd::Decoder::with_buffer(packed)?;
            Box::new(BufReader::with_capacity(BUFFER, unpacked))
        }
    })
}

fn without_mark(mut bytes: Bytes) -> io::Result<Bytes> {
    let head = head::<3>(&mut bytes)?;
    match head.as_slice() {
        [0xef, 0xbb, 0xbf] => Ok(bytes),
        _ => Ok(Box::new(Cursor::new(head).chain(bytes))),
    }
}

impl Opened {
    /// A file of which nothing is known.
    #[cfg(test)]
    pub fn for_tests() -> Self {
        Self {
            name: "test".to_owned(),
            path: PathBuf::new(),
            size: 0,
            packing: Packing::Plain,
            read: Arc::default(),
        }
    }

    /// The file, relative to the dump's folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many bytes of it, as it lies on disk, were read.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// What it means that reading failed so.
    pub fn failed(&self, error: io::Error) -> Error {
        // What a reader between the file and a parser refuses, as no operating system would.
        if error.kind() == ErrorKind::Unsupported && error.raw_os_error().is_none() {
            return Error::input(error.to_string()).at(&self.name);
        }
        let packing = match self.packing {
            Packing::Plain => return Error::io("read the dump", &self.path, error),
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
        };
        if error.raw_os_error().is_some() {
            return Error::io("read the dump", &self.path, error);
        }
        let (read, size) = (self.read(), self.size);
        let message = match error.kind() {
            ErrorKind::UnexpectedEof => {
                format!(
                    "the {packing} stream is cut off: the file ends in its middle, after {size} bytes"
                )
            }
            _ => format!("the {packing} stream is damaged, around byte {read} of {size}: {error}"),
        };
        Error::input(message)
            .at(&self.name)
            .hint("fetch or pack the file again")
            .because(error)
    }
}

/// A reader that counts.
struct Counted {
    inner: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
