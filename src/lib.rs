//! Kenning turns dumps into a knowledge graph, and for each request picks the few facts that decide the ranking, puts
//! them to a language model within a budget of tokens, and returns a ranking whose every stated reason was checked
//! against the graph.
//!
//! # How does data walk through the house?
//!
//! One way, never back. Offline, each stage consumes the former and returns a value:
//!
//! ```text
//! file ─ intake ─► records ─► segment ─┬─ facts, events ───────────────────────────┐
//!                                      ├─ texts ─ extraction ─► derived facts ─────┤
//!                                      ├─ events ─ extraction ─► item-item links ──┤
//!                                      ├─ labels ─ linking ─► the same elsewhere ──┤
//! ontologies ─ knowledge (RDF store) ──┴─ texts ─ embedding ─► vectors ────────────┤
//! rules ───────────── all facts ─ reasoning ─► conclusions with proofs ────────────┤
//!                                                                                  ▼
//!                                               graph: one frozen, memory-mapped snapshot
//! ```
//!
//! Online, each stage borrows the snapshot and adds one layer to the answer:
//!
//! ```text
//! request ─ scoring ─► scores ─ candidates ─► items with paths ─ selection ─► evidence ─ prompt ─► messages ─ llm ─► reply
//!         ─ ranking ─► valid ranking ─ explanation ─► checked reasons ─ journal ─► decision
//! ```
//!
//! # Which rooms are there, and which may use which?
//!
//! In reading order, which is the order of the data. A test reads this table and every `use crate::`, and fails on an
//! arrow that is not here. [`error`] is everybody's.
//!
//! | room | what happens there | may use |
//! |---|---|---|
//! | [`vocabulary`] | IRIs of `ontologies/` and of the standards | – |
//! | [`model`] | shared words, no I/O: terms, facts, interactions, evidence ids | vocabulary |
//! | [`config`] | settings: file, environment, flags, each with its origin | – |
//! | [`sections`] | one file of named, checksummed, memory-mapped sections | – |
//! | [`weights`] | model files: manifest, fetching, checksums | model |
//! | [`intake`] | dumps → records, by a mapping file | model, vocabulary |
//! | [`knowledge`] | what is stated: documents in an RDF store, dumps in segments | model, sections, vocabulary |
//! | [`extraction`] | texts and co-behaviour → derived facts and links | config, knowledge, model, sections, vocabulary |
//! | [`reasoning`] | facts → what follows from them by rules, each with a proof | model, vocabulary |
//! | [`linking`] | things here → the same things elsewhere, by label, year and kind | model, vocabulary |
//! | [`activation`] | what neural networks do number by number | – |
//! | [`embedding`] | text → vectors, vectors → neighbours | activation, model |
//! | [`graph`] | all of that, frozen into one file | extraction, knowledge, model, sections, vocabulary |
//! | [`sparql`] | the graph as an RDF dataset, its queries and updates | graph, knowledge, model, vocabulary |
//! | [`validation`] | what SHACL shapes find wrong with that dataset | graph, model, sparql, vocabulary |
//! | [`ontology`] | pages about the ontologies, shapes and rule sets that come along | knowledge, model, reasoning, sparql, validation, vocabulary |
//! | [`search`] | labels and descriptions by their words | graph, model, vocabulary |
//! | [`scoring`] | scores that are sums of paths | config, graph, model, vocabulary |
//! | [`candidates`] | which items are ranked, and what a request wishes of their order | graph, model, scoring, sparql, vocabulary |
//! | [`counterfactual`] | what would have to be otherwise for a ranking to be otherwise | graph, model, scoring |
//! | [`selection`] | the evidence that speaks, within a budget | graph, model, scoring, vocabulary |
//! | [`llm`] | anything that completes text | activation, config, model, weights |
//! | [`prompt`] | evidence → text, within exact token counts | graph, llm, model, scoring, selection |
//! | [`policy`] | what an answer must not do, checked at four gates | graph, model, prompt, scoring, selection, sparql, validation, vocabulary |
//! | [`ranking`] | reply → a valid ranking | llm, model, prompt |
//! | [`explanation`] | reasons, checked against the graph | extraction, graph, model, prompt, scoring, selection, vocabulary |
//! | [`journal`] | SQL: imports, builds, changes, decisions, prompts, replies | model, vocabulary |
//! | [`engine`] | **the API**: [`engine::Engine`] takes changes, [`engine::Snapshot`] answers | candidates, config, counterfactual, embedding, explanation, extraction, graph, intake, journal, knowledge, linking, llm, model, policy, prompt, ranking, reasoning, scoring, search, sections, selection, sparql, validation, vocabulary, weights |
//! | [`evaluation`] | protocols, metrics and reports | config, embedding, engine, explanation, extraction, graph, journal, knowledge, linking, llm, model, prompt, ranking, scoring, selection, vocabulary |
//! | [`server`] | HTTP: SPARQL Protocol, Graph Store Protocol | config, engine, llm, model, ontology, sparql, vocabulary |
//! | [`cli`] | one file a verb | candidates, config, embedding, engine, evaluation, explanation, extraction, graph, intake, journal, linking, llm, model, ontology, policy, prompt, ranking, scoring, selection, server, sparql, validation, vocabulary, weights |
//!
//! # What always holds?
//!
//! - A file under its final name is whole: it is written under another name, synced and renamed ([`sections`]).
//! - Equal input gives an equal snapshot, byte for byte; its hash names what an answer relied on ([`graph`]).
//! - An item's score is the sum of its paths, and each path knows the edges that it walks ([`scoring`]).
//! - An edge gets its [`model::EvidenceId`] when the graph is frozen; everything later carries that id by value, so a
//!   stated reason is looked up, never trusted ([`explanation`]).
//! - There is always an answer without a language model, in the same shape ([`engine::Answer`]).
//!
//! # Why is imported data not in the RDF store?
//!
//! oxigraph's store is the writable side: ontologies, vocabularies and descriptions of sources, which are queried while
//! a graph is built. A dump is immutable once imported, has line numbers that plain quads cannot carry, and would cost
//! a multiple of its memory there; it stays a [`knowledge::segment`], one named graph for each file. SPARQL runs on the
//! frozen graph, where both are one dataset ([`sparql`]).

pub mod activation;
pub mod config;
pub mod error;
pub mod model;
pub mod sections;
pub mod vocabulary;
pub mod weights;

pub mod embedding;
pub mod extraction;
pub mod graph;
pub mod intake;
pub mod knowledge;
pub mod linking;
pub mod reasoning;

pub mod candidates;
pub mod counterfactual;
pub mod explanation;
pub mod llm;
pub mod ontology;
pub mod policy;
pub mod prompt;
pub mod ranking;
pub mod scoring;
pub mod search;
pub mod selection;
pub mod sparql;
pub mod validation;

pub mod cli;
pub mod engine;
pub mod evaluation;
pub mod journal;
pub mod server;

pub use error::{Error, ErrorKind, Result};
