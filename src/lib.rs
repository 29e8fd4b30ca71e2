//! Kenning: a knowledge-graph reasoning engine for recommendation.

pub mod config;
pub mod error;
pub mod explanation;
pub mod extraction;
pub mod graph;
pub mod knowledge;
pub mod llm;
pub mod model;
pub mod prompt;
pub mod ranking;
pub mod scoring;
pub mod selection;
pub mod sections;
pub mod sparql;
pub mod vocabulary;

pub mod journal;

pub mod config;

pub mod cli;

pub use error::{Error, ErrorKind, Result};
