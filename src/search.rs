//! Full text: the nodes whose labels and descriptions have given words, the best first.
//!
//! # Why SQLite's FTS5?
//!
//! It is linked already, for the journal: no further dependency, nothing added to the build's time or the program's size.
//! tantivy is faster on millions of documents and can be asked more, at the price of some sixty more crates, which is
//! much for one predicate. Labels and descriptions are short; here the words are looked up, and the graph does the rest.
//!
//! # What is searched?
//!
//! One file beside the snapshot, named by the snapshot's id, which it also holds: the index of another snapshot is never
//! read. A build writes it; where it is missing, the first search does. It keeps no texts, only which node has
//! which words. The tokens are FTS5's `unicode61` without diacritics (`cafe` finds `Café`). There is no stemming, for
//! labels are in all languages and full of names; a trailing `*` finds what begins like the word (`candle*`).
//!
//! Nodes are ranked by BM25, where a word in a label counts [`LABEL_WEIGHT`] times as much as in a description; equals
//! are in the order of their nodes. What FTS5 would read as an operator is a word here: words are always quoted.
//!
//! Labels and descriptions that were added or removed since the build count too. Nodes that were changed like that have
//! the score 0, for the statistics of the index do not know their words: they come after all others.

mod file;
mod texts;

use crate::graph::Graph;
use crate::graph::changes::Changes;
use crate::{Error, Result};
use file::File;
use rustc_hash::FxHashSet;
use std::path::{Path, PathBuf};

/// How much more a word counts in a label than in a description.
pub const LABEL_WEIGHT: f64 = 4.0;

/// A search has at most so many words.
pub const WORDS: usize = 64;

/// The index of one snapshot.
pub struct Index {
    file: File,
    /// The states of the changes that were asked lately, the last first.
    states: Vec<State>,
}

/// What changed of the texts up to one state of the changes.
struct State {
    number: i64,
    /// Nodes whose texts changed.
    nodes: FxHashSet<u32>,
    /// Where the file keeps their texts.
    place: usize,
}

impl Index {
    /// Where the index of a snapshot is, in the folder of that snapshot.
    pub fn path(graph: &Graph, folder: &Path) -> PathBuf {
        folder.join(format!("{PREFIX}{}{SUFFIX}", graph.id()))
    }

    /// Writes the index of a snapshot into `folder`, unless it is there, and deletes those of other snapshots.
    ///
    /// # Errors
    /// `Io` if it cannot be written.
    pub fn build(graph: &Graph, folder: &Path) -> Result<()> {
        let path = Self::path(graph, folder);
        Self::open(graph, folder)?;
        for entry in std::fs::read_dir(folder).map_err(|e| Error::io("list", folder, e))? {
            let other = entry.map_err(|e| Error::io("list", folder, e))?.path();
            let name = other.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(PREFIX) && name.ends_with(SUFFIX) && other != path {
                // Whoever still reads it has it open; a system that holds open files lets the next build delete it.
                let _ = std::fs::remove_file(&other);
            }
        }
        Ok(())
    }

    /// Opens the index of a snapshot in `folder`; makes it if it is missing or not of this snapshot.
    ///
    /// # Errors
    /// `Io` if it cannot be read or written.
    pub fn open(graph: &Graph, folder: &Path) -> Result<Self> {
        let path = Self::path(graph, folder);
        let id = graph.id().to_string();
        let file = match File::open(&path, &id)? {
            Some(file) => file,
            None => {
                File::write(&path, &id, &texts::of_graph(graph))?;
                let file = File::open(&path, &id)?;
                file.ok_or_else(|| {
                    Error::corrupt("the index of texts is not what was written").at(path.display())
                })?
            }
        };
        Ok(Self {
            file,
            states: Vec::new(),
        })
    }

    /// The nodes that have all of `words`, with scores: at most `most`, the best first. `state` tells one state of
    /// `changes` from another; 0 is none.
    ///
    /// # Errors
    /// `Usage` for more than [`WORDS`] words; `Io` if the file cannot be read.
    pub fn search(
        &mut self,
        words: &str,
        most: usize,
        (graph, changes, state): (&Graph, &Changes, i64),
    ) -> Result<Vec<(u32, f64)>> {
        let Some(expression) = expression(words)? else {
            return Ok(Vec::new());
        };
        let known = self.states.iter().position(|known| known.number == state);
        let known = known.map(|place| self.states.remove(place));
        let state = match known {
            Some(known) => known,
            None => self.read(graph, changes, state)?,
        };
        let found = self.find(&expression, most, &state);
        self.states.insert(0, state);
        found
    }

    /// The texts of a state that is not known, in the place of the one that was asked for least lately.
    fn read(&mut self, graph: &Graph, changes: &Changes, number: i64) -> Result<State> {
        self.states.truncate(file::STATES - 1);
        let is_free = |place: &usize| self.states.iter().all(|state| state.place != *place);
        let place = (0..file::STATES).find(is_free).unwrap_or_default();
        let nodes = texts::changed(graph, changes);
        if !nodes.is_empty() {
            let now = texts::now(graph, changes, &nodes);
            self.file.keep_changed(place, &now)?;
        }
        Ok(State {
            number,
            nodes,
            place,
        })
    }

    fn find(&mut self, expression: &str, most: usize, state: &State) -> Result<Vec<(u32, f64)>> {
        let changed = &state.nodes;
        // Of those found, the changed ones are left out again.
        let mut found = self.file.search(expression, most + changed.len())?;
        found.retain(|(node, _)| !changed.contains(node));
        if !changed.is_empty() {
            let fresh = self.file.search_changed(state.place, expression)?;
            found.extend(fresh.into_iter().map(|node| (node, 0.0)));
        }
        found.truncate(most);
        Ok(found)
    }
}

const PREFIX: &str = "text-";
const SUFFIX: &str = ".sqlite";

/// Words as an FTS5 expression: each quoted, all of them wanted; `None` without any.
fn expression(words: &str) -> Result<Option<String>> {
    let words = words.replace('\0', " ");
    let words: Vec<&str> = words
        .split_whitespace()
        .filter(|word| word.contains(char::is_alphanumeric))
        .collect();
    if words.len() > WORDS {
        return Err(Error::usage(format!(
            "a search has at most {WORDS} words, not {}",
            words.len()
        ))
        .hint("leave out the common ones"));
    }
    let quoted = words.iter().map(|word| match word.strip_suffix('*') {
        Some(start) => format!("\"{}\"*", start.replace('"', "\"\"")),
        None => format!("\"{}\"", word.replace('"', "\"\"")),
    });
    let expression = quoted.collect::<Vec<_>>().join(" ");
    Ok((!expression.is_empty()).then_some(expression))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_words() {
        for (words, expected) in [
            ("red mug", r#""red" "mug""#),
            ("mug*", r#""mug"*"#),
            (
                r#"a"b OR label:c NEAR(x)"#,
                r#""a""b" "OR" "label:c" "NEAR(x)""#,
            ),
            ("- red ^", r#""red""#),
        ] {
            assert_eq!(expression(words).unwrap().as_deref(), Some(expected));
        }
        assert_eq!(expression(" * \" \0").unwrap(), None);
        assert!(expression(&"a ".repeat(65)).is_err());
    }
}
