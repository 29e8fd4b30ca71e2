//! What a question in words is about: things of the graph, and relations.

use super::words::{speaks_of, stem, stems, words};
use crate::graph::Graph;
use crate::vocabulary::{DESCRIPTIONS, LABELS};
use crate::{Error, Result};
use rustc_hash::FxHashMap;

/// Words that a name in a question may have.
const LONGEST_NAME: usize = 16;

/// The names of a graph's things and relations, made once.
pub struct Lexicon {
    /// Nodes by the words of their labels.
    nodes: FxHashMap<Vec<String>, Vec<u32>>,
    /// Relations with the stems of their names, by number.
    relations: Vec<(u32, Vec<String>)>,
}

/// A question, read with the names of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// As it was asked.
    pub text: String,
    /// The nodes that it names.
    pub topics: Vec<u32>,
    /// The relations that it speaks of, by number, each with the distance of its words to the name.
    pub asked: Vec<(u32, f64)>,
}

impl Lexicon {
    /// Reads the labels of items and other resources, and the names of the relations between them.
    pub fn of(graph: &Graph) -> Self {
        let mut nodes: FxHashMap<Vec<String>, Vec<u32>> = FxHashMap::default();
        for node in graph.users().end..graph.nodes().end {
            let name: Vec<String> = words(graph.label(node)).take(LONGEST_NAME + 1).collect();
            if (1..=LONGEST_NAME).contains(&name.len()) {
                nodes.entry(name).or_default().push(node);
            }
        }
        let named = graph.predicates().iter().filter_map(|&predicate| {
            let iri = graph.iri(predicate)?;
            let is_text = LABELS.contains(&iri) || DESCRIPTIONS.contains(&iri);
            let phrase = graph.meta.phrases.get(iri).map_or("", String::as_str);
            let names = format!("{} {phrase}", graph.label(predicate));
            (!is_text).then(|| (predicate, stems(&names)))
        });
        let relations = named.collect();
        Self { nodes, relations }
    }

    /// Whether a relation tells something: those that hold labels and descriptions do not.
    pub fn has_relation(&self, predicate: u32) -> bool {
        let found = self
            .relations
            .binary_search_by_key(&predicate, |relation| relation.0);
        found.is_ok()
    }

    /// Reads a question. What it is about stands in `[brackets]`, or is the longest name of a node in it.
    ///
    /// # Errors
    /// `NotFound` if it names no node.
    pub fn read(&self, text: &str) -> Result<Question> {
        let unknown = |what: String| {
            Error::not_found(what)
                .hint("put the label of a node into brackets: who directed [Jumanji]")
        };
        let bracketed = text.split_once('[').and_then(|(before, rest)| {
            let (name, after) = rest.split_once(']')?;
            Some((words(before).collect(), name, words(after).collect()))
        });
        let (before, topics, after): (Vec<String>, _, Vec<String>) = match bracketed {
            Some((before, name, after)) => {
                let found = self.nodes.get(&words(name).collect::<Vec<_>>());
                let found = found.ok_or_else(|| unknown(format!("no node is called `{name}`")))?;
                (before, found, after)
            }
            None => self
                .longest_name(text)
                .ok_or_else(|| unknown(format!("`{text}` names no node")))?,
        };
        Ok(Question {
            text: text.to_owned(),
            topics: topics.clone(),
            asked: self.asked(&before, &after),
        })
    }

    /// The longest name in a text, the first of equals, with the words before and after it.
    fn longest_name(&self, text: &str) -> Option<(Vec<String>, &Vec<u32>, Vec<String>)> {
        let words: Vec<String> = words(text).collect();
        for length in (1..=LONGEST_NAME.min(words.len())).rev() {
            for start in 0..=words.len() - length {
                let end = start + length;
                if let Some(nodes) = self.nodes.get(&words[start..end]) {
                    return Some((words[..start].to_vec(), nodes, words[end..].to_vec()));
                }
            }
        }
        None
    }

    /// The relations that words speak of. English puts what belongs to a name before it ("directed by X", "the actors in
    /// X") or right behind it ("X directed films"); what comes later belongs to something else.
    fn asked(&self, before: &[String], after: &[String]) -> Vec<(u32, f64)> {
        let before = before
            .iter()
            .rev()
            .zip(1..)
            .map(|(word, steps)| (word, f64::from(steps)));
        let after = after.iter().zip(1..).map(|(word, steps)| match steps {
            1 => (word, 0.5),
            _ => (word, 3.0 * f64::from(steps)),
        });
        let heard: Vec<(String, f64)> = before
            .chain(after)
            .map(|(word, at)| (stem(word), at))
            .collect();
        let nearest = |names: &[String]| {
            let spoken = heard
                .iter()
                .filter(|(word, _)| names.iter().any(|name| speaks_of(word, name)));
            spoken.map(|(_, at)| *at).min_by(f64::total_cmp)
        };
        let asked = self.relations.iter();
        asked
            .filter_map(|(relation, names)| Some((*relation, nearest(names)?)))
            .collect()
    }
}
