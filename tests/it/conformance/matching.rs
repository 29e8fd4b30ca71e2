//! Whether two tables are the same but for the labels of blank nodes.

use oxigraph::model::{BlankNode, NamedOrBlankNode, Term};
use std::collections::{BTreeMap, HashMap};

/// Values, of which some may be unbound.
pub type Row = Vec<Option<Term>>;

/// Pairs of rows that are tried before two tables count as different.
const PATIENCE: usize = 200_000;

/// Which blank node of the left stands for which of the right, both ways.
#[derive(Clone, Default)]
struct Labels {
    right: BTreeMap<String, String>,
    left: BTreeMap<String, String>,
}

impl Labels {
    fn pair(&mut self, left: &BlankNode, right: &BlankNode) -> bool {
        let (left, right) = (left.as_str(), right.as_str());
        match (self.right.get(left), self.left.get(right)) {
            (None, None) => {
                self.right.insert(left.to_owned(), right.to_owned());
                self.left.insert(right.to_owned(), left.to_owned());
                true
            }
            (Some(known), _) => known == right,
            (None, Some(_)) => false,
        }
    }

    fn terms(&mut self, left: &Term, right: &Term) -> bool {
        match (left, right) {
            (Term::BlankNode(left), Term::BlankNode(right)) => self.pair(left, right),
            (Term::Triple(left), Term::Triple(right)) => {
                left.predicate == right.predicate
                    && self.nodes(&left.subject, &right.subject)
                    && self.terms(&left.object, &right.object)
            }
            _ => left == right,
        }
    }

    fn nodes(&mut self, left: &NamedOrBlankNode, right: &NamedOrBlankNode) -> bool {
        self.terms(&left.clone().into(), &right.clone().into())
    }

    fn rows(&mut self, left: &Row, right: &Row) -> bool {
        let mut pairs = left.iter().zip(right);
        left.len() == right.len()
            && pairs.all(|pair| match pair {
                (Some(left), Some(right)) => self.terms(left, right),
                (left, right) => left == right,
            })
    }
}

/// Whether the rows are the same, one by one.
pub fn same_in_order(left: &[Row], right: &[Row]) -> bool {
    let mut labels = Labels::default();
    left.len() == right.len() && left.iter().zip(right).all(|(l, r)| labels.rows(l, r))
}

/// Whether the rows are among those of another table, labels included, each at most as often as there.
pub fn is_part(rows: &[Row], all: &[Row]) -> bool {
    let mut left = all.to_vec();
    rows.iter().all(|row| {
        let found = left.iter().position(|other| other == row);
        found.map(|index| left.swap_remove(index)).is_some()
    })
}

/// Whether the rows are the same in some order.
pub fn isomorphic(left: &[Row], right: &[Row]) -> bool {
    let (mut left, mut right) = (keyed(left), keyed(right));
    left.sort_by(|a, b| a.0.cmp(&b.0));
    right.sort_by(|a, b| a.0.cmp(&b.0));
    // What remains of a row without its labels must be the same; only rows that agree in it are tried on each other.
    if !left.iter().map(|l| &l.0).eq(right.iter().map(|r| &r.0)) {
        return false;
    }
    let mut search = Search {
        left,
        right,
        patience: PATIENCE,
    };
    let mut used = vec![false; search.right.len()];
    search.extend(0, &Labels::default(), &mut used)
}

struct Search<'a> {
    left: Vec<(String, &'a Row)>,
    right: Vec<(String, &'a Row)>,
    patience: usize,
}

impl Search<'_> {
    fn extend(&mut self, next: usize, labels: &Labels, used: &mut [bool]) -> bool {
        let Some((key, row)) = self.left.get(next).cloned() else {
            return true;
        };
        let start = self.right.partition_point(|(k, _)| *k < key);
        let end = self.right.partition_point(|(k, _)| *k <= key);
        for other in start..end {
            let mut labels = labels.clone();
            if used[other] || !labels.rows(row, self.right[other].1) {
                continue;
            }
            if self.patience == 0 {
                return false;
            }
            self.patience -= 1;
            used[other] = true;
            if self.extend(next + 1, &labels, used) {
                return true;
            }
            used[other] = false;
            // Of equal rows without labels any will do.
            if !key.contains("_:") {
                return false;
            }
        }
        false
    }
}

/// Each row once, with what there is of it without its labels, and how often: many equal rows are one to match.
fn keyed(rows: &[Row]) -> Vec<(String, &Row)> {
    let mut counts: HashMap<&Row, usize> = HashMap::new();
    rows.iter()
        .for_each(|row| *counts.entry(row).or_default() += 1);
    let rows = counts.into_iter();
    rows.map(|(row, count)| (format!("{}{count}", key(row)), row))
        .collect()
}

/// A row as text, without the labels of blank nodes.
fn key(row: &Row) -> String {
    fn write(term: &Term, out: &mut String) {
        match term {
            Term::BlankNode(_) => out.push_str("_:"),
            Term::Triple(triple) => {
                out.push_str("<<");
                write(&triple.subject.clone().into(), out);
                out.push_str(triple.predicate.as_str());
                write(&triple.object, out);
                out.push_str(">>");
            }
            other => out.push_str(&other.to_string()),
        }
        out.push(' ');
    }
    let mut out = String::new();
    for value in row {
        match value {
            Some(term) => write(term, &mut out),
            None => out.push_str("- "),
        }
    }
    out
}
