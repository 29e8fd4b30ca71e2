//! Columns, text and co-behaviour become facts with provenance and confidence.

pub mod text;
