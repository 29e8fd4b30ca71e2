//! The bytes of a snapshot, for whoever reads one with another program.
//!
//! All integers and floating-point numbers are little-endian. The frame is that of every file of sections
//! ([`crate::sections`]):
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | `KNGGRAPH` |
//! | 8..12 | version of this layout, `u32`: 4 |
//! | 12..16 | number of sections, `u32` |
//! | 16..24 | offset of the section table, `u64` |
//! | 24..32 | zero |
//! | 32..64 | BLAKE3 of the section table: the identity of the snapshot |
//! | 64.. | the sections, each aligned to 64 bytes, with zeros between them |
//! | table, to the end | for each section 64 bytes: name (16, zero-padded), offset `u64`, length in bytes `u64`, BLAKE3 of its bytes (32) |
//!
//! Terms are numbered from 0: users, items, other resources, literals, triple terms, each sorted by their encoded bytes;
//! the ends of these ranges stand in `meta`. Facts are numbered from 0, sorted by subject, predicate, object, named graph.
//! Evidence numbers are those of facts, then of `met`, then of the links by kind. Where a `u32` stands for nothing it is
//! 2³²−1, an unknown time is −2⁶³; times are seconds since 1970; an unknown line is 0.
//!
//! A section called `….at` holds row starts: one more than there are rows, the first is 0 and the last the number of
//! values. The sections:
//!
//! | section | element | what |
//! |---|---|---|
//! | `meta` | JSON | [`Meta`](super::Meta) |
//! | `term.at`, `term.utf8` | `u64`, bytes | terms by number, encoded as [`crate::model::term`] says |
//! | `out.at`, `out` | `u64`, `[u32; 2]` | facts by subject: (predicate, object); the position is the fact's number |
//! | `in.at`, `in` | `u64`, `[u32; 2]` | facts by object: (predicate, subject) |
//! | `predicates`, `predicate.at`, `predicate` | `u32`, `u64`, `[u32; 2]` | facts by predicate: (object, subject) |
//! | `predicate.stats` | `[u64; 3]` | distinct triples, subjects and objects by predicate; the last row is of all facts |
//! | `fact.graph .line .confidence .count .time` | `u32`, `u32`, `f32`, `u32`, `i64` | provenance, by fact number; one element stands for all facts where they agree |
//! | `derived`; `premise.at`, `premise` | `u64`; `u64`, `u64` | numbers of derived facts, sorted; the facts that each of them was derived from. A fact is never its own premise, over however many steps |
//! | `graphs`, `graph-facts.at`, `graph-facts` | `u32`, `u64`, `u64` | fact numbers by named graph; of a single graph, which has all, none are listed |
//! | `met.at`, `met`; `met-by.at`, `met-by` | `u64`, `u32` | distinct items by user; users by item |
//! | `event.at`, `event.item .group .time .weight .line` | `u64`, `u32`, `u32`, `i64`, `f32`, `u32` | events by user, oldest first; the last row is of unknown users |
//! | `event-of.at`, `event-of` | `u64` | event numbers by item |
//! | `label` | `u32` | literal that names the node, or 2³²−1 |
//! | `link0.at .to .score .support` … `link4` | `u64`, `u32`, `f32`, `u32` | links by item, strongest first; kinds in the order of [`crate::model::LinkKind::ALL`] |
//! | `link0.by-at .by` … `link4` | `u64`, `[u32; 2]` | links by the item that they end at: (item, place in its row) |
//! | `vector.node`, `vector` | `u32`, `f32` | nodes with vectors, and their vectors |
//!
//! A program refuses other versions. Version 1 had no `predicate.stats`, no facts by named graph and no links by their
//! ends; version 2 kept one premise for each fact, in `fact.from`; version 3 had four kinds of links. `kenning build` makes
//! a new file from what was imported.

use crate::sections::Format;

pub(super) const FORMAT: Format = Format {
    magic: *b"KNGGRAPH",
    version: 4,
    name: "snapshot",
    remake: "kenning build",
};
