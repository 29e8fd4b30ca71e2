//! Which state of a file was checked: a note beside the file, so that an open need not read all of it again.
//!
//! The note holds, as one line of text, all that changes when a file is changed: the hash of its section table, its
//! size, its inode, and when its bytes and its entry last changed, in nanoseconds. The version of the program is there
//! too, because another one may check more. A note that does not say exactly what the file is now says nothing.

use super::Id;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A file system's clock goes in steps: what is written within one step of a check may carry the same time as what was
/// checked. A state is vouched for only when it is older than that.
pub const SETTLED: Duration = Duration::from_millis(20);

/// The state of a file: another one, or the same one changed, has another state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    size: u64,
    inode: u64,
    modified: i128,
    changed: i128,
}

impl State {
    /// The state of the file at `path`; `None` if it cannot be told.
    pub fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|file| Self::of(&file))
    }

    pub(super) fn of(file: &Metadata) -> Self {
        let modified = file.modified().map_or(0, nanoseconds);
        Self {
            size: file.len(),
            inode: inode(file),
            modified,
            changed: changed(file).unwrap_or(modified),
        }
    }

    /// Whether a later change would show.
    fn is_settled(&self) -> bool {
        let age = nanoseconds(SystemTime::now()) - self.modified.max(self.changed);
        age > SETTLED.as_nanos() as i128
    }

    fn note(&self, id: Id) -> String {
        let Self {
            size,
            inode,
            modified,
            changed,
        } = self;
        let program = env!("CARGO_PKG_VERSION");
        format!("{id} {size} {inode} {modified} {changed} {program}\n")
    }
}

/// Whether the note beside `path` says that this state was checked.
pub(super) fn agrees(path: &Path, state: State, id: Id) -> bool {
    fs::read_to_string(note_of(path)).is_ok_and(|note| note == state.note(id))
}

/// Notes that this state was checked. Where that cannot be written, the next open checks again.
pub(super) fn write(path: &Path, state: State, id: Id) {
    if State::at(path) != Some(state) || !state.is_settled() {
        return;
    }
    let partial = beside(path, ".verified.partial");
    let written =
        fs::write(&partial, state.note(id)).and_then(|()| fs::rename(&partial, note_of(path)));
    if written.is_err() {
        fs::remove_file(&partial).ok();
    }
}

/// The note beside `path`.
pub fn note_of(path: &Path) -> PathBuf {
    beside(path, ".verified")
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

fn nanoseconds(time: SystemTime) -> i128 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => after.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

#[cfg(unix)]
fn inode(file: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(file)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

/// When the entry last changed, which no program can set at will.
#[cfg(unix)]
fn changed(file: &Metadata) -> Option<i128> {
    use std::os::unix::fs::MetadataExt;
    Some(i128::from(file.ctime()) * 1_000_000_000 + i128::from(file.ctime_nsec()))
}

#[cfg(not(unix))]
fn changed(_: &Metadata) -> Option<i128> {
    None
}
