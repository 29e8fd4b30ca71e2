//! Is it any good? Protocols, metrics and reports.

pub mod linking;
