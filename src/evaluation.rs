//! Is it any good? Protocols, metrics and reports.

pub mod baselines;
pub mod completions;
pub mod explanations;
pub mod knowledge;
pub mod learn;
pub mod linking;
mod method;
pub mod metrics;
pub mod page;
pub mod prompts;
pub mod random;
pub mod ranking;
pub mod selection;
pub mod split;
mod trained;

pub use method::Method;

use crate::{Error, Result};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// A file's bytes, unpacked where its name ends in `.gz`.
fn reader(path: &Path) -> Result<Box<dyn BufRead>> {
    let file = File::open(path).map_err(|e| Error::io("read", path, e))?;
    Ok(match path.extension().is_some_and(|e| e == "gz") {
        true => Box::new(BufReader::new(MultiGzDecoder::new(file))),
        false => Box::new(BufReader::new(file)),
    })
}
