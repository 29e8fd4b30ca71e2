//! One file of named, checksummed, memory-mapped sections: what imports and snapshots are written in.
//!
//! Byte layout (all integers little-endian):
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | kind of file, e.g. `KNGGRAPH` |
//! | 8..12 | version of the kind's layout, `u32` |
//! | 12..16 | number of sections, `u32` |
//! | 16..24 | offset of the section table, `u64` |
//! | 24..32 | zero |
//! | 32..64 | BLAKE3 of the section table |
//! | 64.. | the sections, each aligned to 64 bytes |
//! | table | for each section 64 bytes: name (16, zero-padded), offset `u64`, length in bytes `u64`, BLAKE3 of its bytes (32) |
//!
//! The table ends the file. Its hash covers every section's hash, so it is the identity of the content: equal content,
//! equal id.
//!
//! [`Sections::open`] takes the same time for a file of any size: it reads the header and the table, and refuses another
//! kind, another version, a table that is not what was written and a file that does not end where the table does. What the
//! sections hold is proven by [`Sections::check`], which reads every byte. A file that is opened often need not be checked
//! each time: [`Sections::vouch`] notes beside it which state of it was sound, and [`Sections::is_vouched_for`] tells
//! whether it is still in that state ([`stamp`] says what the note holds). Whoever trusts such a note must not rely on the
//! values for memory safety: a disk may lose bits without changing the file's times.
//!
//! *Invariant:* a file under its final name is whole. It is written under another name, synced, then renamed.

mod column;
pub mod stamp;

pub use column::{Column, Strings};

use crate::{Error, Result};
use bytemuck::{Pod, Zeroable};
use memmap2::Mmap;
use rayon::prelude::*;
use stamp::State;
use std::fs::{self, File};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const ALIGNMENT: u64 = 64;
const HEADER: usize = 64;

/// What kind of file it is, and which version of its layout this program reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// First eight bytes of the file.
    pub magic: [u8; 8],
    /// Version of the layout.
    pub version: u32,
    /// What messages call such a file.
    pub name: &'static str,
    /// The command that makes a new one.
    pub remake: &'static str,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Header {
    magic: [u8; 8],
    version: u32,
    count: u32,
    table: u64,
    zero: u64,
    hash: [u8; 32],
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Entry {
    name: [u8; 16],
    offset: u64,
    length: u64,
    hash: [u8; 32],
}

/// Bytes written at once. Linux keeps what is written together in pages of up to two megabytes, and maps all of such a page
/// where one byte of it is read.
const PIECE: usize = 1 << 16;

/// Writes sections one after the other; nothing is visible under the final name before [`Writer::finish`].
pub struct Writer {
    file: BufWriter<File>,
    format: Format,
    path: PathBuf,
    partial: PathBuf,
    offset: u64,
    table: Vec<Entry>,
}

impl Writer {
    /// Begins a file that will be called `path`.
    pub fn create(path: &Path, format: Format) -> Result<Self> {
        let partial = path.with_extension("partial");
        let file = File::create(&partial).map_err(|e| Error::io("create", &partial, e))?;
        let mut writer = Self {
            file: BufWriter::with_capacity(PIECE, file),
            format,
            path: path.to_owned(),
            partial,
            offset: 0,
            table: Vec::new(),
        };
        writer.put(&[0; HEADER])?;
        Ok(writer)
    }

    /// Appends a section; `name` has at most 16 bytes and is used once.
    pub fn add<T: Pod>(&mut self, name: &str, values: &[T]) -> Result<()> {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        let mut entry = Entry {
            name: section_name(name),
            offset: self.offset,
            length: bytes.len() as u64,
            hash: [0; 32],
        };
        entry.hash = hash(bytes);
        self.put(bytes)?;
        let padding = (ALIGNMENT - self.offset % ALIGNMENT) % ALIGNMENT;
        self.put(&[0; ALIGNMENT as usize][..padding as usize])?;
        self.table.push(entry);
        Ok(())
    }

    /// Appends a section of values that are often all the same: then it holds the value once ([`Column::steady`]).
    pub fn add_steady<T: Pod + PartialEq>(&mut self, name: &str, values: &[T]) -> Result<()> {
        let same = values.windows(2).all(|pair| pair[0] == pair[1]);
        let kept = if same {
            values.len().min(1)
        } else {
            values.len()
        };
        self.add(name, &values[..kept])
    }

    /// Syncs the file, gives it its final name and returns the identity of its content.
    pub fn finish(mut self) -> Result<Id> {
        let table = std::mem::take(&mut self.table);
        let bytes: &[u8] = bytemuck::cast_slice(&table);
        let header = Header {
            magic: self.format.magic,
            version: self.format.version,
            count: table.len() as u32,
            table: self.offset,
            zero: 0,
            hash: hash(bytes),
        };
        self.put(bytes)?;
        self.seal(&header).map_err(|e| self.failed(e))?;
        rename(&self.partial, &self.path)?;
        Ok(Id(header.hash))
    }

    fn seal(&mut self, header: &Header) -> std::io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(bytemuck::bytes_of(header))?;
        self.file.flush()?;
        self.file.get_ref().sync_all()
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let written = bytes
            .chunks(PIECE)
            .try_for_each(|piece| self.file.write_all(piece));
        written.map_err(|e| self.failed(e))?;
        self.offset += bytes.len() as u64;
        Ok(())
    }

    fn failed(&self, error: std::io::Error) -> Error {
        let Format { name, remake, .. } = self.format;
        Error::io(&format!("write the {name}"), &self.partial, error).hint(format!(
            "make room, then run `{remake}` again; a former {name} stays as it was"
        ))
    }
}

impl Drop for Writer {
    /// What was not finished leaves nothing behind. (After `finish` the partial name is gone already.)
    fn drop(&mut self) {
        fs::remove_file(&self.partial).ok();
    }
}

/// Gives a file the name of another, for good.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|e| Error::io("rename", from, e))?;
    sync_folder(to)
}

fn sync_folder(path: &Path) -> Result<()> {
    let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) else {
        return Ok(());
    };
    File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(|e| Error::io("sync", folder, e))
}

/// The identity of a file's content: the BLAKE3 hash of its section table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id([u8; 32]);

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&blake3::Hash::from(self.0).to_hex())
    }
}

impl std::fmt::Debug for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// Row starts of values that are sorted by row: `row_of` tells the row of each.
pub fn row_starts<T>(values: &[T], rows: usize, row_of: impl Fn(&T) -> usize) -> Vec<u64> {
    starts(values.iter().map(row_of), rows)
}

/// Where rows begin that have a value for each time that they are named.
pub fn starts(named: impl Iterator<Item = usize>, rows: usize) -> Vec<u64> {
    let mut at = vec![0u64; rows + 1];
    for row in named {
        at[row + 1] += 1;
    }
    for row in 0..rows {
        at[row + 1] += at[row];
    }
    at
}

/// An open file of sections. Cheap to clone; columns keep it mapped.
#[derive(Clone)]
pub struct Sections {
    bytes: Arc<Mmap>,
    table: Arc<[Entry]>,
    path: Arc<Path>,
    format: Format,
    id: Id,
    state: State,
}

impl Sections {
    /// Maps `path`, and checks its kind, its version, its size and its table of sections.
    pub fn open(path: &Path, format: Format) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
        let state = file.metadata().map_err(|e| Error::io("open", path, e))?;
        // SAFETY: files under their final name are only ever replaced by a rename, never written in place,
        // so the mapping does not change while it lives; a file cut short by another program would fault.
        let bytes = unsafe { Mmap::map(&file) }.map_err(|e| Error::io("map", path, e))?;
        let table =
            read_table(&bytes, format).map_err(|e| e.at(path.display()).hint(hint(format)))?;
        let id = Id(hash(bytemuck::cast_slice(&table)));
        Ok(Self {
            bytes: Arc::new(bytes),
            table: table.into(),
            path: path.into(),
            format,
            id,
            state: State::of(&state),
        })
    }

    /// Whether a note says that this very state of the file was found to be sound.
    pub fn is_vouched_for(&self) -> bool {
        stamp::agrees(&self.path, self.state, self.id)
    }

    /// Notes that this state of the file is sound, if it is old enough for a later change to show, and if the folder can
    /// be written.
    pub fn vouch(&self) {
        stamp::write(&self.path, self.state, self.id);
    }

    /// The identity of the content.
    pub fn id(&self) -> Id {
        self.id
    }

    /// Size of the file in bytes.
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The section `name` as a column of `T`.
    pub fn column<T: Pod>(&self, name: &str) -> Result<Column<T>> {
        let wanted = section_name(name);
        let entry = self
            .table
            .iter()
            .find(|e| e.name == wanted)
            .ok_or_else(|| self.damage(format!("the section `{name}` is missing")))?;
        let range = entry.offset as usize..(entry.offset + entry.length) as usize;
        bytemuck::try_cast_slice::<u8, T>(&self.bytes[range.clone()])
            .map_err(|e| self.damage(format!("the section `{name}` has a wrong size: {e}")))?;
        Ok(Column::mapped(&self.bytes, range))
    }

    /// The table of strings `name`: row starts in `name` + `.at`, the text of all in `name` + `.utf8`.
    pub fn strings(&self, name: &str) -> Result<Strings> {
        let at = self.column(&format!("{name}.at"))?;
        let utf8 = self.column(&format!("{name}.utf8"))?;
        Strings::of(at, utf8)
            .ok_or_else(|| self.damage(format!("the string table `{name}` is out of bounds")))
    }

    /// An error that says that this file is damaged, and how to make a new one.
    pub fn damage(&self, what: String) -> Error {
        Error::corrupt(format!("the {} is damaged: {what}", self.format.name))
            .at(self.path.display())
            .hint(hint(self.format))
    }

    /// Checks every checksum, in time that grows with the file.
    pub fn check(&self) -> Result<()> {
        self.table.par_iter().try_for_each(|entry| {
            let range = entry.offset as usize..(entry.offset + entry.length) as usize;
            if hash(&self.bytes[range]) == entry.hash {
                return Ok(());
            }
            let name = String::from_utf8_lossy(&entry.name);
            let name = name.trim_end_matches('\0');
            Err(self.damage(format!("checksum of the section `{name}` does not match")))
        })
    }
}

fn hint(format: Format) -> String {
    format!("make a new one: `{}`", format.remake)
}

fn read_table(bytes: &[u8], format: Format) -> Result<Vec<Entry>> {
    let damaged = |what: &str| Error::corrupt(format!("the {} is damaged: {what}", format.name));
    let header: Header = bytes
        .get(..HEADER)
        .map(bytemuck::pod_read_unaligned)
        .ok_or_else(|| damaged("it is shorter than its header"))?;
    if header.magic != format.magic {
        return Err(Error::corrupt(format!("this is not a {}", format.name)));
    }
    if header.version != format.version {
        return Err(Error::corrupt(format!(
            "the {} has layout version {}, but this program reads version {}",
            format.name, header.version, format.version
        )));
    }
    let start = header.table as usize;
    let end = start.checked_add(header.count as usize * size_of::<Entry>());
    let table = end
        .and_then(|end| bytes.get(start..end))
        .ok_or_else(|| damaged("it is cut short"))?;
    if end != Some(bytes.len()) {
        return Err(damaged("it goes on behind its end"));
    }
    if hash(table) != header.hash {
        return Err(damaged("checksum of the section table does not match"));
    }
    let table: Vec<Entry> = table
        .chunks_exact(size_of::<Entry>())
        .map(bytemuck::pod_read_unaligned)
        .collect();
    let inside = |e: &Entry| {
        let end = e.offset.checked_add(e.length);
        e.offset.is_multiple_of(ALIGNMENT) && end.is_some_and(|end| end <= bytes.len() as u64)
    };
    if !table.iter().all(inside) {
        return Err(damaged("a section lies outside the file"));
    }
    Ok(table)
}

fn section_name(name: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    assert!(
        name.len() <= bytes.len(),
        "section names have at most 16 bytes: {name}"
    );
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    bytes
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(bytes);
    hasher.finalize().into()
}
