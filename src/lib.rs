//! Kenning: a knowledge-graph reasoning engine for recommendation.

pub mod error;
pub mod model;
pub mod vocabulary;

pub mod journal;

pub mod config;

pub mod cli;

pub use error::{Error, ErrorKind, Result};
