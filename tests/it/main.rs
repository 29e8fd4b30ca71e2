//! One binary for all integration tests: one link instead of many.

mod architecture;
mod cli;
mod config;
mod journal;
