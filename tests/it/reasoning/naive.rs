//! What rules mean, in the simplest way: every rule on every combination of facts, until nothing is new.

use super::random::{Body, RandomRule, Spot};
use std::collections::{BTreeMap, BTreeSet};

type Row = BTreeMap<usize, u32>;
type Facts = BTreeSet<[u32; 3]>;

/// The closure of facts, under rules whose levels are `level`.
pub fn closure(rules: &[RandomRule], facts: &Facts) -> Facts {
    let mut all = facts.clone();
    let top = rules.iter().map(|rule| rule.level).max().unwrap_or(0);
    for level in 0..=top {
        loop {
            let mut new = Vec::new();
            for rule in rules.iter().filter(|rule| rule.level <= level) {
                for row in rows(&rule.body, &all) {
                    new.extend(rule.head.iter().map(|head| instance(head, &row)));
                }
            }
            let before = all.len();
            all.extend(new);
            if all.len() == before {
                break;
            }
        }
    }
    all
}

fn rows(body: &[Body], facts: &Facts) -> Vec<Row> {
    let mut rows = vec![Row::new()];
    for part in body {
        rows = match part {
            Body::Triple(pattern) => {
                let mut next = Vec::new();
                for row in &rows {
                    next.extend(facts.iter().filter_map(|fact| matched(pattern, fact, row)));
                }
                next
            }
            Body::Differ(a, b) => rows.into_iter().filter(|row| row[a] != row[b]).collect(),
            Body::Absent(pattern) => {
                let absent = |row: &Row| {
                    !facts
                        .iter()
                        .any(|fact| matched(pattern, fact, row).is_some())
                };
                rows.into_iter().filter(absent).collect()
            }
        };
    }
    rows
}

fn matched(pattern: &[Spot; 3], fact: &[u32; 3], row: &Row) -> Option<Row> {
    let mut row = row.clone();
    for (spot, term) in pattern.iter().zip(fact) {
        let fits = match spot {
            Spot::Term(constant) => constant == term,
            Spot::Variable(variable) => row.entry(*variable).or_insert(*term) == term,
        };
        if !fits {
            return None;
        }
    }
    Some(row)
}

fn instance(head: &[Spot; 3], row: &Row) -> [u32; 3] {
    head.map(|spot| match spot {
        Spot::Term(term) => term,
        Spot::Variable(variable) => row[&variable],
    })
}
