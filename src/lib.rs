//! Kenning: a knowledge-graph reasoning engine for recommendation.

pub mod error;
pub mod intake;
pub mod model;
pub mod vocabulary;

pub use error::{Error, ErrorKind, Result};
