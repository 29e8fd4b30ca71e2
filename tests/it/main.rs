//! One binary for all integration tests: one link instead of many.

mod architecture;
mod cli;
mod config;
mod embedding;
mod extraction;
mod intake;
mod journal;
mod llm;
mod support;
mod weights;
