//! Kenning: a knowledge-graph reasoning engine for recommendation.

pub mod embedding;
pub mod error;
pub mod llm;
pub mod model;
pub mod vocabulary;
pub mod weights;

pub use error::{Error, ErrorKind, Result};
