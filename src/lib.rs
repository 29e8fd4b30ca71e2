//! Kenning: a knowledge-graph reasoning engine for recommendation.

pub mod cli;
pub mod config;
pub mod embedding;
pub mod engine;
pub mod error;
pub mod explanation;
pub mod extraction;
pub mod graph;
pub mod intake;
pub mod journal;
pub mod knowledge;
pub mod llm;
pub mod model;
pub mod prompt;
pub mod ranking;
pub mod scoring;
pub mod sections;
pub mod selection;
pub mod sparql;
pub mod vocabulary;
pub mod weights;

pub use error::{Error, ErrorKind, Result};
