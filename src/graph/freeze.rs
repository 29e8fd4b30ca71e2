//! Writes a draft as a snapshot.
//!
//! [`super::layout`] says what stands where in the file.

use super::draft::{Draft, DraftFact};
use super::layout::FORMAT;
use super::{Meta, links};
use crate::extraction::behaviour::LinkTable;
use crate::knowledge::segment::NONE;
use crate::model::{LinkKind, term};
use crate::sections::{self, Id, Sections, Writer, row_starts, stamp};
use crate::vocabulary;
use crate::{Error, Result};
use bytemuck::Pod;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::path::Path;

/// Vectors of node texts.
#[derive(Default)]
pub struct Vectors {
    /// Nodes that have one, sorted.
    pub nodes: Vec<u32>,
    /// Their vectors, one after the other.
    pub values: Vec<f32>,
}

/// Writes the snapshot; a former one under that name stays until the new one is whole.
pub fn freeze(
    draft: &Draft,
    meta: &Meta,
    links: &[LinkTable],
    vectors: &Vectors,
    path: &Path,
) -> Result<Id> {
    let mut writer = Writer::create(path, FORMAT)?;
    let json = serde_json::to_vec(meta)
        .map_err(|e| Error::corrupt("cannot write the snapshot's description").because(e))?;
    writer.add("meta", &json)?;
    let (at, text) = draft.terms.columns();
    writer.add("term.at", at)?;
    writer.add("term.utf8", text)?;
    write_facts(&mut writer, draft)?;
    write_provenance(&mut writer, draft)?;
    write_events(&mut writer, draft)?;
    writer.add("label", &draft.labels())?;
    for kind in LinkKind::ALL {
        write_links(&mut writer, kind, links.iter().find(|l| l.kind == kind))?;
    }
    writer.add("vector.node", &vectors.nodes)?;
    writer.add("vector", &vectors.values)?;
    let id = writer.finish()?;
    vouch(path)?;
    Ok(id)
}

/// What was written needs no check; so the first who opens it need not read all of it.
fn vouch(path: &Path) -> Result<()> {
    std::thread::sleep(2 * stamp::SETTLED);
    Sections::open(path, FORMAT)?.vouch();
    Ok(())
}

/// Puts a snapshot in the place of another.
pub fn put(candidate: &Path, path: &Path) -> Result<()> {
    sections::rename(candidate, path)?;
    discard(candidate);
    vouch(path)
}

/// Takes away a snapshot that is no longer wanted, with the note that vouches for it, as far as they are there.
pub fn discard(candidate: &Path) {
    std::fs::remove_file(candidate).ok();
    std::fs::remove_file(stamp::note_of(candidate)).ok();
}

/// Writes a snapshot of nothing but stated quads: encoded subject, predicate and object, and named graph.
pub fn freeze_quads(quads: &[([String; 3], String)], path: &Path) -> Result<Id> {
    let draft = Draft::of_quads(quads)?;
    let meta = Meta {
        ranges: draft.ranges.clone(),
        ..Meta::default()
    };
    freeze(&draft, &meta, &[], &Vectors::default(), path)
}

fn write_facts(writer: &mut Writer, draft: &Draft) -> Result<()> {
    let mut triples: Vec<[u32; 3]> = draft.facts.iter().map(|f| f.triple).collect();
    let nodes = draft.ranges.nodes as usize;
    writer.add("out.at", &row_starts(&triples, nodes, |t| t[0] as usize))?;
    writer.add("out", &last_two(&triples))?;
    let mut all = [distinct(&triples, 3), distinct(&triples, 1), 0];
    let subjects = subjects_by_predicate(&triples);

    triples
        .par_iter_mut()
        .for_each(|[s, p, o]| (*s, *p, *o) = (*o, *p, *s));
    triples.par_sort_unstable();
    let terms = draft.ranges.terms as usize;
    writer.add("in.at", &row_starts(&triples, terms, |t| t[0] as usize))?;
    writer.add("in", &last_two(&triples))?;
    all[2] = distinct(&triples, 1);

    triples
        .par_iter_mut()
        .for_each(|[o, p, _]| (*o, *p) = (*p, *o));
    triples.par_sort_unstable();
    let uses = triples.chunk_by(|a, b| a[0] == b[0]);
    let predicates: Vec<u32> = uses.clone().map(|uses| uses[0][0]).collect();
    let count = |uses: &[[u32; 3]]| {
        let subjects = subjects.get(&uses[0][0]).copied();
        let objects = distinct(uses, 2);
        [distinct(uses, 3), subjects.unwrap_or_default(), objects]
    };
    let stats: Vec<[u64; 3]> = uses.map(count).chain([all]).collect();
    let rank = |t: &[u32; 3]| predicates.partition_point(|p| *p < t[0]);
    writer.add(
        "predicate.at",
        &row_starts(&triples, predicates.len(), rank),
    )?;
    writer.add("predicate", &last_two(&triples))?;
    writer.add("predicate.stats", &stats)?;
    writer.add("predicates", &predicates)
}

/// How many distinct starts of `length` terms sorted triples have.
fn distinct(triples: &[[u32; 3]], length: usize) -> u64 {
    let runs = triples.chunk_by(|a, b| a[..length] == b[..length]);
    runs.count() as u64
}

/// How many subjects each predicate has, from sorted triples.
fn subjects_by_predicate(triples: &[[u32; 3]]) -> FxHashMap<u32, u64> {
    let mut subjects = FxHashMap::default();
    for uses in triples.chunk_by(|a, b| a[..2] == b[..2]) {
        *subjects.entry(uses[0][1]).or_default() += 1;
    }
    subjects
}

fn last_two(triples: &[[u32; 3]]) -> Vec<[u32; 2]> {
    triples.par_iter().map(|t| [t[1], t[2]]).collect()
}

fn write_provenance(writer: &mut Writer, draft: &Draft) -> Result<()> {
    let facts = &draft.facts;
    writer.add_steady("fact.graph", &project(facts, |f| f.graph))?;
    writer.add_steady("fact.line", &project(facts, |f| f.line))?;
    writer.add_steady("fact.confidence", &project(facts, |f| f.confidence))?;
    writer.add_steady("fact.count", &project(facts, |f| f.count))?;
    writer.add_steady("fact.time", &project(facts, |f| f.time))?;
    write_proofs(writer, draft)?;

    let mut by_graph: Vec<(u32, u64)> = facts.iter().map(|f| f.graph).zip(0..).collect();
    by_graph.par_sort_unstable();
    let mut graphs = project(&by_graph, |f| f.0);
    graphs.dedup();
    let rank = |f: &(u32, u64)| graphs.partition_point(|g| *g < f.0);
    writer.add("graph-facts.at", &row_starts(&by_graph, graphs.len(), rank))?;
    // A single graph holds every fact.
    let listed = if graphs.len() > 1 { &by_graph[..] } else { &[] };
    writer.add("graph-facts", &project(listed, |f| f.1))?;
    writer.add("graphs", &graphs)
}

fn write_proofs(writer: &mut Writer, draft: &Draft) -> Result<()> {
    let facts = &draft.facts;
    let derived = |(fact, number): (&DraftFact, u64)| (fact.proof != NONE).then_some(number);
    let derived: Vec<u64> = facts.iter().zip(0..).filter_map(derived).collect();
    let of = |&number: &u64| draft.proofs.of(&facts[number as usize]).unwrap_or_default();
    let mut at = Vec::with_capacity(derived.len() + 1);
    at.push(0);
    for row in &derived {
        at.push(at[at.len() - 1] + of(row).len() as u64);
    }
    let position = |fact| facts.partition_point(|f| (f.triple, f.graph) < fact) as u64;
    let places = |row| of(row).iter().map(|&premise| position(premise));
    let premises: Vec<u64> = derived.par_iter().flat_map_iter(places).collect();
    writer.add("derived", &derived)?;
    writer.add("premise.at", &at)?;
    writer.add("premise", &premises)
}

fn write_events(writer: &mut Writer, draft: &Draft) -> Result<()> {
    let (users, items) = (draft.ranges.users as usize, draft.ranges.items().len());
    let first = draft.ranges.users;
    let events = &draft.events;
    let of_user = |e: &crate::knowledge::segment::EventRow| (e.user as usize).min(users);
    writer.add("event.at", &row_starts(events, users + 1, of_user))?;
    writer.add("event.item", &project(events, |e| e.item))?;
    writer.add("event.group", &project(events, |e| e.group))?;
    writer.add("event.time", &project(events, |e| e.time))?;
    writer.add("event.weight", &project(events, |e| e.weight))?;
    writer.add("event.line", &project(events, |e| e.line))?;

    let mut by_item: Vec<(u32, u64)> = events.iter().map(|e| e.item - first).zip(0..).collect();
    by_item.par_sort_unstable();
    writer.add(
        "event-of.at",
        &row_starts(&by_item, items, |e| e.0 as usize),
    )?;
    writer.add("event-of", &project(&by_item, |e| e.1))?;

    let known = events.iter().filter(|e| e.user != NONE);
    let mut pairs: Vec<[u32; 2]> = known.map(|e| [e.user, e.item]).collect();
    pairs.par_sort_unstable();
    pairs.dedup();
    writer.add("met.at", &row_starts(&pairs, users, |p| p[0] as usize))?;
    writer.add("met", &project(&pairs, |p| p[1]))?;
    pairs.par_iter_mut().for_each(|p| p.reverse());
    pairs.par_sort_unstable();
    writer.add(
        "met-by.at",
        &row_starts(&pairs, items, |p| (p[0] - first) as usize),
    )?;
    writer.add("met-by", &project(&pairs, |p| p[1]))
}

fn project<T: Sync, V: Pod + Send>(rows: &[T], value: impl Fn(&T) -> V + Sync + Send) -> Vec<V> {
    rows.par_iter().map(value).collect()
}

fn write_links(writer: &mut Writer, kind: LinkKind, table: Option<&LinkTable>) -> Result<()> {
    let name = |column: &str| links::section(kind, column);
    let rows = table.map_or(&[][..], |t| &t.rows);
    let mut at = vec![0u64];
    for row in rows {
        at.push(at[at.len() - 1] + row.len() as u64);
    }
    let links: Vec<_> = rows.iter().flatten().copied().collect();
    let first = table.map_or(0, |t| t.first_item);
    writer.add(&name("at"), if rows.is_empty() { &[] } else { &at[..] })?;
    writer.add(&name("to"), &project(&links, |l| l.0 + first))?;
    writer.add(&name("score"), &project(&links, |l| l.1))?;
    writer.add(&name("support"), &project(&links, |l| l.2))?;

    let row_of = |(item, row): (u32, &Vec<(u32, f32, u32)>)| {
        let ends = row.iter().map(|l| l.0).zip(0..);
        let ends = ends.map(|(to, place)| (to, [item + first, place]));
        ends.collect::<Vec<_>>()
    };
    let mut by: Vec<(u32, [u32; 2])> = (0..).zip(rows).flat_map(row_of).collect();
    by.par_sort_unstable();
    let at = row_starts(&by, rows.len(), |l| l.0 as usize);
    writer.add(&name("by-at"), if rows.is_empty() { &[] } else { &at[..] })?;
    writer.add(&name("by"), &project(&by, |l| l.1))
}

impl Draft {
    /// The literal that names each node, or [`NONE`]: a stated one before a derived one, then by the order of [`vocabulary::LABELS`], then English or
    /// untagged before other languages, then what most records say, then the first in order.
    pub fn labels(&self) -> Vec<u32> {
        let properties: Vec<Option<u32>> = vocabulary::LABELS
            .iter()
            .map(|p| self.id(&term::iri(p)))
            .collect();
        let mut labels = vec![NONE; self.ranges.nodes as usize];
        let mut best = vec![None; labels.len()];
        for sources in self.facts.chunk_by(|a, b| a.triple == b.triple) {
            let [node, predicate, value] = sources[0].triple;
            let Some(rank) = properties.iter().position(|p| *p == Some(predicate)) else {
                continue;
            };
            let foreign = match term::language(self.terms.get(value)) {
                None => false,
                Some(tag) => tag != "en" && !tag.starts_with("en-"),
            };
            let records: u64 = sources.iter().map(|f| u64::from(f.count)).sum();
            let derived = sources.iter().all(|f| f.proof != NONE);
            let key = (derived, rank, foreign, std::cmp::Reverse(records), value);
            let slot = &mut best[node as usize];
            if value < self.ranges.literals
                && value >= self.ranges.nodes
                && slot.is_none_or(|b| key < b)
            {
                *slot = Some(key);
                labels[node as usize] = value;
            }
        }
        labels
    }

    /// The texts of nodes that are worth a vector: of an item its label and the labels of what it is related to, of
    /// another node that items are related to its label. Sorted by node; nodes without a label have no text.
    pub fn texts(&self, labels: &[u32]) -> Vec<(u32, String)> {
        const RELATED: usize = 4;
        let items = self.ranges.items();
        let name = |node: u32| {
            let label = labels.get(node as usize).filter(|&&label| label != NONE)?;
            term::lexical(self.terms.get(*label))
        };
        let mut texts: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
        for node in items.clone() {
            texts.entry(node).or_default().extend(name(node));
        }
        for fact in &self.facts {
            let [subject, _, object] = fact.triple;
            // What was read off the label would only say it again.
            if !items.contains(&subject) || items.contains(&object) || fact.proof != NONE {
                continue;
            }
            let Some(label) = name(object) else {
                continue;
            };
            texts.entry(object).or_insert_with(|| vec![label]);
            let words = texts.entry(subject).or_default();
            if words.len() <= RELATED && !words.contains(&label) {
                words.push(label);
            }
        }
        let said = texts.into_iter().filter(|(_, words)| !words.is_empty());
        said.map(|(node, words)| (node, words.join(". "))).collect()
    }
}
