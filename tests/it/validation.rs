//! What shapes find wrong, through the library and the program.

mod conformance;
mod ontologies;
mod program;
