//! One binary for all integration tests: one link instead of many.

mod architecture;
mod cli;
mod computed;
mod config;
mod cookbook;
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
mod shop;
mod sparql;
mod support;
mod updates;
mod weights;
