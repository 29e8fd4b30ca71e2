//! One binary for all integration tests: one link instead of many.

mod architecture;
mod cli;
mod config;
mod conformance;
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
mod snapshot;
mod sparql;
mod sparql_agreement;
mod support;
mod updates;
mod weights;
