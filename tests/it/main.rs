//! One binary for all integration tests: one link instead of many.

mod architecture;
mod cli;
mod config;
mod explanation;
mod extraction;
mod graph;
mod intake;
mod journal;
mod llm;

mod prompt;
mod scoring;
mod selection;
mod shop;
mod sparql;
mod support;
mod weights;
