//! One binary for all integration tests: one link instead of many.

mod architecture;
mod cli;
mod config;
mod embedding;
mod explanation;
mod extraction;
mod faults;
mod graph;
mod intake;
mod journal;
mod llm;
mod pipeline;
mod program;
mod prompt;
mod scoring;
mod selection;
mod server;
mod shop;
mod sparql;
mod support;
mod updates;
mod weights;
