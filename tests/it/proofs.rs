//! Derived facts and what they were derived from: in the frozen graph, under changes, in SPARQL, on the command line.

mod frozen;
mod program;
mod projects;
