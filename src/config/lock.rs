use crate::{Error, ErrorKind, Result};
use std::fs::{self, File, TryLockError};
use std::io::{Seek, Write};
use std::path::Path;

/// Held by the one process that writes to a project; the system frees it when that process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    // Held for its lock alone.
    file: File,
}

impl Drop for Lock {
    /// Closing the file is not enough: a child process that is just being started holds it too for a moment.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl Lock {
    /// Takes the lock at `path`, a file that is created if need be and never removed.
    pub(super) fn take(path: &Path) -> Result<Self> {
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(|e| Error::io("open the lock", path, e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(path)),
            Err(TryLockError::Error(e)) => return Err(Error::io("take the lock", path, e)),
        }
        // The number only makes the message of the next process better, so a failure here is none.
        let _ = file.set_len(0).and_then(|()| file.rewind());
        let _ = write!(file, "{}", std::process::id());
        Ok(Self { file })
    }
}

fn held(path: &Path) -> Error {
    let owner = fs::read_to_string(path).ok();
    let process = match owner.and_then(|text| text.trim().parse::<u32>().ok()) {
        Some(id) => format!(" (process {id})"),
        None => String::new(),
    };
    Error::new(
        ErrorKind::Io,
        format!("another kenning process{process} is working on this project"),
    )
    .at(path.display())
    .hint("wait until it has finished, then run this again")
}
