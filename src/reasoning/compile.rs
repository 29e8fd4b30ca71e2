//! Rules over the numbers of terms.

use super::rule::{Node, Part, Pattern, Rule};
use super::terms::Terms;
use crate::Result;
use std::sync::Arc;

/// A place of a pattern: a term, or a slot of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Is(u32),
    Slot(usize),
}

/// Subject, predicate, object.
pub(super) type Atom = [Place; 3];

/// Numbers of terms that the engine itself knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    pub(super) first: u32,
    pub(super) rest: u32,
    pub(super) nil: u32,
    pub(super) is: u32,
    pub(super) same_as: u32,
}

impl Words {
    pub(super) fn of(terms: &mut dyn Terms) -> Result<Self> {
        const RDF: &str = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#";
        let mut rdf = |name: &str| terms.intern(&[RDF, name].concat());
        Ok(Self {
            first: rdf("first")?,
            rest: rdf("rest")?,
            nil: rdf("nil")?,
            is: rdf("type")?,
            same_as: terms.intern("<http://www.w3.org/2002/07/owl#sameAs")?,
        })
    }
}

/// A walk along `rdf:rest`, with the least number of its steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    pub(super) from: Place,
    pub(super) to: Place,
    pub(super) least: usize,
}

/// A part of a body that is a condition on the values of slots; the index is that of the part in the rule.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) part: usize,
    pub(super) reads: Vec<usize>,
}

/// What must not be there.
#[derive(Clone, Debug)]
pub(super) struct Absent {
    pub(super) atoms: Vec<Atom>,
    pub(super) walks: Vec<Steps>,
    /// Indexes into the parts of the absent pattern.
    pub(super) tests: Vec<Condition>,
    /// The slots that it shares with what is around it.
    pub(super) reads: Vec<usize>,
    /// The index of the part in the rule.
    pub(super) part: usize,
}

/// What a premise is made of, in the order of the body.
#[derive(Clone, Copy, Debug)]
pub(super) enum Premise {
    Atom(usize),
    Walk(usize),
}

/// A rule that can be evaluated.
#[derive(Clone, Debug)]
pub(super) struct Compiled {
    /// Its number in the set.
    pub(super) number: u32,
    pub(super) rule: Arc<Rule>,
    pub(super) heads: Vec<Atom>,
    pub(super) atoms: Vec<Atom>,
    pub(super) walks: Vec<Steps>,
    pub(super) tests: Vec<Condition>,
    pub(super) binds: Vec<(usize, Condition)>,
    pub(super) absent: Vec<Absent>,
    pub(super) premises: Vec<Premise>,
    /// Premises that are the same for every conclusion: those of a list.
    pub(super) fixed: Vec<[u32; 3]>,
    /// How many premises stand before the fixed ones.
    pub(super) before: usize,
    /// Slots whose values are known.
    pub(super) preset: Vec<(usize, u32)>,
    pub(super) slots: usize,
    /// Slots that must differ, or what is concluded is a premise.
    pub(super) differ: Vec<(usize, usize)>,
    /// Slots that are in one place of the body only, and not in a head.
    pub(super) idle: Vec<usize>,
    /// Whether it concludes contradictions.
    pub(super) contradicts: bool,
}

impl Compiled {
    /// Compiles a rule; of one with a list, what does not depend on its members.
    pub(super) fn of(number: u32, rule: &Arc<Rule>, terms: &mut dyn Terms) -> Result<Self> {
        let mut compiled = Self {
            number,
            rule: rule.clone(),
            heads: Vec::new(),
            atoms: Vec::new(),
            walks: Vec::new(),
            tests: Vec::new(),
            binds: Vec::new(),
            absent: Vec::new(),
            premises: Vec::new(),
            fixed: Vec::new(),
            before: 0,
            preset: Vec::new(),
            slots: rule.variables.len(),
            differ: Vec::new(),
            idle: Vec::new(),
            contradicts: rule.finds_contradictions(),
        };
        for pattern in &rule.head {
            compiled.heads.push(atom(pattern, terms)?);
        }
        for (part, what) in rule.body.iter().enumerate() {
            compiled.add(part, what, terms)?;
        }
        compiled.before = compiled.premises.len();
        compiled.differ = compiled.idle_if_equal();
        compiled.idle = compiled.idle();
        Ok(compiled)
    }

    fn idle(&self) -> Vec<usize> {
        let mut counts = vec![0; self.slots];
        for part in &self.rule.body {
            part.variables(&mut |variable| counts[variable] += 1);
        }
        for pattern in &self.rule.head {
            super::rule::of_nodes(pattern, &mut |variable| counts[variable] += 2);
        }
        // What a member of a list has of its own is in the pattern of each.
        let plain = self.rule.every.is_none();
        (0..self.slots)
            .filter(|&slot| plain && counts[slot] == 1)
            .collect()
    }

    /// Pairs of slots that, with the same value, make the one head a pattern of the body.
    fn idle_if_equal(&self) -> Vec<(usize, usize)> {
        let [head] = &self.heads[..] else {
            return Vec::new();
        };
        let pairs = self.atoms.iter().filter_map(|atom| {
            let mut unlike = head.iter().zip(atom).filter(|(a, b)| a != b);
            match (unlike.next(), unlike.next()) {
                (Some((Place::Slot(a), Place::Slot(b))), None) => Some((*a, *b)),
                _ => None,
            }
        });
        pairs.collect()
    }

    fn add(&mut self, part: usize, what: &Part, terms: &mut dyn Terms) -> Result<()> {
        match what {
            Part::Triple(pattern) => {
                self.premises.push(Premise::Atom(self.atoms.len()));
                self.atoms.push(atom(pattern, terms)?);
            }
            Part::Walk(walk) => {
                self.premises.push(Premise::Walk(self.walks.len()));
                self.walks.push(steps(walk, terms)?);
            }
            Part::Test(expr) => self.tests.push(Condition {
                part,
                reads: expr.variables().collect(),
            }),
            Part::Bind(variable, expr) => {
                let reads = expr.variables().collect();
                self.binds.push((*variable, Condition { part, reads }));
            }
            Part::Absent(parts) => {
                let absent = self.absent(part, parts, terms)?;
                self.absent.push(absent);
            }
        }
        Ok(())
    }

    fn absent(&self, part: usize, parts: &[Part], terms: &mut dyn Terms) -> Result<Absent> {
        let mut outside = Vec::new();
        for (n, other) in self.rule.body.iter().enumerate() {
            if n != part {
                other.variables(&mut |variable| outside.push(variable));
            }
        }
        for pattern in &self.rule.head {
            super::rule::of_nodes(pattern, &mut |variable| outside.push(variable));
        }
        let mut absent = Absent {
            atoms: Vec::new(),
            walks: Vec::new(),
            tests: Vec::new(),
            reads: Vec::new(),
            part,
        };
        for (n, what) in parts.iter().enumerate() {
            what.variables(&mut |variable| {
                if outside.contains(&variable) && !absent.reads.contains(&variable) {
                    absent.reads.push(variable);
                }
            });
            match what {
                Part::Triple(pattern) => absent.atoms.push(atom(pattern, terms)?),
                Part::Walk(walk) => absent.walks.push(steps(walk, terms)?),
                Part::Test(expr) => absent.tests.push(Condition {
                    part: n,
                    reads: expr.variables().collect(),
                }),
                Part::Bind(..) | Part::Absent(_) => {}
            }
        }
        Ok(absent)
    }
}

fn atom(pattern: &Pattern, terms: &mut dyn Terms) -> Result<Atom> {
    let [s, p, o] = pattern;
    Ok([place(s, terms)?, place(p, terms)?, place(o, terms)?])
}

fn steps(walk: &super::rule::Walk, terms: &mut dyn Terms) -> Result<Steps> {
    Ok(Steps {
        from: place(&walk.from, terms)?,
        to: place(&walk.to, terms)?,
        least: walk.least,
    })
}

fn place(node: &Node, terms: &mut dyn Terms) -> Result<Place> {
    Ok(match node {
        Node::Variable(variable) => Place::Slot(*variable),
        Node::Constant(text) => Place::Is(terms.intern(text)?),
    })
}

/// The triple that an atom is for a row.
pub(super) fn instance(atom: &Atom, row: &[u32]) -> [u32; 3] {
    atom.map(|place| match place {
        Place::Is(term) => term,
        Place::Slot(slot) => row[slot],
    })
}
