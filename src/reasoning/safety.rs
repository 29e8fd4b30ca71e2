//! Whether a rule means something: every variable gets its value from a triple of the body, or from a `BIND`.

use super::rule::{Part, Rule, Walk, of_nodes};
use crate::{Error, Result};
use std::collections::BTreeSet;

/// Refuses rules that are not safe.
pub(super) fn check(rule: &Rule) -> Result<()> {
    let mut bound = from_triples(&rule.body);
    if let Some(every) = &rule.every {
        list_is_anchored(rule, every.list, &bound)?;
        bound.insert(every.member);
        every_is_simple(rule)?;
    }
    for part in &rule.body {
        match part {
            Part::Bind(variable, expr) => {
                if bound.contains(variable) {
                    return Err(unsafe_variable(
                        rule,
                        *variable,
                        "has a value before its BIND",
                    ));
                }
                if let Some(read) = expr.variables().find(|read| !bound.contains(read)) {
                    let how = "is read by a BIND before it has a value";
                    return Err(unsafe_variable(rule, read, how));
                }
                bound.insert(*variable);
            }
            Part::Walk(walk) => walk_is_anchored(rule, walk, &bound)?,
            _ => {}
        }
    }
    for part in &rule.body {
        match part {
            Part::Test(expr) => {
                if let Some(read) = expr.variables().find(|read| !bound.contains(read)) {
                    return Err(unsafe_variable(
                        rule,
                        read,
                        "is read by a FILTER, but never gets a value",
                    ));
                }
            }
            Part::Absent(parts) => absent(rule, parts, &bound)?,
            _ => {}
        }
    }
    head(rule, &bound)
}

fn head(rule: &Rule, bound: &BTreeSet<usize>) -> Result<()> {
    let contradictions = rule.finds_contradictions();
    for pattern in &rule.head {
        let mut loose = None;
        of_nodes(pattern, &mut |variable| {
            if !bound.contains(&variable) {
                loose.get_or_insert(variable);
            }
        });
        if let Some(variable) = loose {
            return Err(unsafe_variable(
                rule,
                variable,
                "is in the template, but nothing in the body gives it a value",
            ));
        }
        if contradictions && !pattern[1].is(crate::vocabulary::kenning::CONTRADICTS) {
            return Err(Error::input(
                "a rule either finds contradictions or concludes facts, not both",
            ));
        }
    }
    Ok(())
}

/// The variables of triples.
fn from_triples(parts: &[Part]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    for part in parts {
        if let Part::Triple(pattern) = part {
            of_nodes(pattern, &mut |variable| {
                found.insert(variable);
            });
        }
    }
    found
}

fn absent(rule: &Rule, parts: &[Part], outside: &BTreeSet<usize>) -> Result<()> {
    let mut bound = from_triples(parts);
    bound.extend(outside);
    for part in parts {
        match part {
            Part::Walk(walk) => walk_is_anchored(rule, walk, &bound)?,
            Part::Test(expr) => {
                if let Some(read) = expr.variables().find(|read| !bound.contains(read)) {
                    return Err(unsafe_variable(
                        rule,
                        read,
                        "is read by a FILTER, but never gets a value",
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn walk_is_anchored(rule: &Rule, walk: &Walk, bound: &BTreeSet<usize>) -> Result<()> {
    let mut loose = None;
    of_nodes([&walk.from, &walk.to], &mut |variable| {
        if !bound.contains(&variable) {
            loose.get_or_insert(variable);
        }
    });
    match loose {
        Some(variable) => Err(unsafe_variable(
            rule,
            variable,
            "is an end of a path along a list, but in no triple",
        )),
        None => Ok(()),
    }
}

fn list_is_anchored(rule: &Rule, list: usize, bound: &BTreeSet<usize>) -> Result<()> {
    if bound.contains(&list) {
        return Ok(());
    }
    Err(unsafe_variable(
        rule,
        list,
        "is a list by kenning:every, but in no triple that says which",
    ))
}

/// With `kenning:every`, the rest are triples, and filters on what is not repeated.
fn every_is_simple(rule: &Rule) -> Result<()> {
    let simple = |part: &Part| matches!(part, Part::Triple(_) | Part::Test(_));
    if rule.body.iter().all(simple) {
        return Ok(());
    }
    Err(Error::input(
        "a rule with kenning:every has triples and FILTER beside it, nothing else",
    ))
}

fn unsafe_variable(rule: &Rule, variable: usize, how: &str) -> Error {
    let name = &rule.variables[variable];
    Error::input(format!("not safe: `?{name}` {how}"))
}
