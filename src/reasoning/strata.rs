//! In which order rules run that ask for absence.
//!
//! A rule with `NOT EXISTS` must run after all rules that could derive what it asks for. Which those are is told by the
//! constants of heads and patterns: the predicate, and the class where the predicate is `rdf:type`. Rules whose heads or
//! patterns leave that open, as most of the shipped ones do, could derive anything from anything; they run at every level,
//! and when all is done it is checked that what was absent still is.

use super::rule::{Node, Part, Pattern, Rule};
use crate::{Error, Result};
use std::sync::Arc;

const TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";

/// The level of each rule.
pub(super) fn levels(rules: &[Arc<Rule>]) -> Result<Vec<u32>> {
    let mut levels: Vec<u32> = rules.iter().map(|rule| rule.negates().into()).collect();
    if !rules.iter().any(|rule| rule.negates()) {
        return Ok(levels);
    }
    let mut came = vec![usize::MAX; rules.len()];
    let edges = edges(rules);
    loop {
        let mut changed = false;
        for &(from, to, step) in &edges {
            if levels[from] + step > levels[to] {
                levels[to] = levels[from] + step;
                came[to] = from;
                changed = true;
                if levels[to] as usize > rules.len() + 1 {
                    return Err(circle(rules, &came, to));
                }
            }
        }
        if !changed {
            return Ok(levels);
        }
    }
}

/// From a rule to one that reads what it concludes; 1 where it asks for its absence.
fn edges(rules: &[Arc<Rule>]) -> Vec<(usize, usize, u32)> {
    let mut edges = Vec::new();
    for (to, reader) in rules.iter().enumerate() {
        for (pattern, step) in read(reader) {
            for (from, writer) in rules.iter().enumerate() {
                let open = step == 0 && is_open(pattern);
                let meets = |head: &Pattern| !is_open(head) && may_meet(head, pattern);
                if !open && writer.head.iter().any(meets) {
                    edges.push((from, to, step));
                }
            }
        }
    }
    edges
}

fn read(rule: &Rule) -> Vec<(&Pattern, u32)> {
    let mut read = Vec::new();
    for part in &rule.body {
        match part {
            Part::Triple(pattern) => read.push((pattern, 0)),
            Part::Absent(parts) => read.extend(parts.iter().filter_map(|part| match part {
                Part::Triple(pattern) => Some((pattern, 1)),
                _ => None,
            })),
            _ => {}
        }
    }
    read
}

/// Whether it says neither which property nor which class.
fn is_open([_, predicate, object]: &Pattern) -> bool {
    let variable = |node: &Node| node.variable().is_some();
    variable(predicate) || predicate.is(TYPE) && variable(object)
}

fn may_meet(head: &Pattern, pattern: &Pattern) -> bool {
    head.iter().zip(pattern).all(|(a, b)| match (a, b) {
        (Node::Constant(a), Node::Constant(b)) => a == b,
        _ => true,
    })
}

fn circle(rules: &[Arc<Rule>], came: &[usize], start: usize) -> Error {
    // So many steps back it must be on the circle.
    let mut at = start;
    for _ in 0..rules.len() {
        at = came.get(at).copied().unwrap_or(at);
    }
    let mut names = vec![format!("`{}`", rules[at].name)];
    let mut next = came[at];
    while next != at && names.len() <= rules.len() {
        names.push(format!("`{}`", rules[next].name));
        next = came[next];
    }
    names.push(format!("`{}`", rules[at].name));
    names.reverse();
    Error::input(format!(
        "the rules cannot be stratified: {} go in a circle through a NOT EXISTS",
        names.join(" → ")
    ))
    .at(&rules[at].place)
    .hint("a rule may not ask for the absence of what follows from what it concludes")
}
