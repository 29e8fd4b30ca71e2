//! Which conclusions need not be drawn on from, because the same is concluded on a shorter way.
//!
//! With `cax-sco`, a thing is in each class above its own; and `scm-sco` puts each class directly under all that are above
//! it. So what `cax-sco` concluded is nothing that `cax-sco` has to go on from. Such pairs of rules are found, not listed,
//! and so for rules of every set: a rule R with a pattern S of the schema and a pattern D of data need not read as D what
//! rule Q concluded from its own S' and D', if
//!
//! 1. the rules of the schema derive from S and S' alone some S'', and
//! 2. some such rule concludes from S'' and D' what R would have.
//!
//! Then nothing is lost: rules of the schema are never cut short, and D' was known before D; by induction over the order
//! in which facts became known, what R would have concluded is concluded. It is asked on the patterns themselves, with
//! their variables taken for terms. In the same way, rules are found that need not be run at all ([`spared`]).

use super::compile::{Atom, Compiled, Place, Words};
use super::equality::Numbers;
use rustc_hash::{FxHashMap, FxHashSet};

/// For a rule and one of its patterns, the rules whose conclusions the pattern need not read.
pub(super) type Detours = FxHashMap<(u32, usize), Vec<u32>>;

/// What need not be run, of a set of rules.
#[derive(Clone, Debug, Default)]
pub(super) struct Shortcuts {
    pub(super) detours: Detours,
    /// Rules that need not be run at all.
    pub(super) spared: FxHashSet<u32>,
}

/// Finds what need not be run; `equality` are the rules that put equals for equals, if they are there.
pub(super) fn shortcuts(rules: &[Compiled], words: Words, equality: Option<Numbers>) -> Shortcuts {
    Shortcuts {
        detours: find(rules, words, equality),
        spared: spared(rules, words),
    }
}

/// What is derived from two patterns of the schema, in so many rounds at most.
const ROUNDS: usize = 3;

/// Finds the detours among rules; `equality` are those that put equals for equals, if they are there.
fn find(rules: &[Compiled], words: Words, equality: Option<Numbers>) -> Detours {
    let is = words.is;
    let data: Vec<Data<'_>> = rules.iter().filter_map(|rule| Data::of(rule, is)).collect();
    let schema: Vec<&Compiled> = rules.iter().filter(|rule| is_schema(rule, is)).collect();
    let mut detours = Detours::default();
    for last in &data {
        for first in &data {
            if has_detour(last, first, &data, &schema) {
                let found = detours.entry((last.rule.number, last.at)).or_default();
                found.push(first.rule.number);
            }
        }
    }
    if let Some(numbers) = equality {
        for Data { rule, data, at, .. } in data.iter().filter(|data| commutes(data.rule, words)) {
            let made = numbers.made_at([0, 2].map(|place| is_thing(rule, data, place)));
            if !made.is_empty() {
                let found = detours.entry((rule.number, *at)).or_default();
                found.extend(made);
            }
        }
    }
    detours
}

/// Finds the rules that need not be run, because what they conclude an earlier rule does by way of the schema: with
/// `scm-eqc1`, equivalent classes are under each other, and `cax-sco` concludes what `cax-eqc1` would.
fn spared(rules: &[Compiled], words: Words) -> FxHashSet<u32> {
    let is = words.is;
    let data: Vec<Data<'_>> = rules.iter().filter_map(|rule| Data::of(rule, is)).collect();
    let schema: Vec<&Compiled> = rules.iter().filter(|rule| is_schema(rule, is)).collect();
    let mut spared = FxHashSet::default();
    for rule in &data {
        let row = Terms::default().freeze(rule.rule.slots);
        let known = instance(rule.data, &row);
        let known_schema = saturate(&[instance(rule.schema, &row)], &schema);
        let goal = instance(&rule.rule.heads[0], &row);
        let mut earlier = data
            .iter()
            .filter(|other| other.rule.number < rule.rule.number);
        if earlier.any(|other| concludes(other, &known_schema, known, goal)) {
            spared.insert(rule.rule.number);
        }
    }
    spared
}

/// Whether a rule concludes a goal from a fact and any of the schema.
fn concludes(
    rule: &Data<'_>,
    schema: &FxHashSet<[u32; 3]>,
    known: [u32; 3],
    goal: [u32; 3],
) -> bool {
    schema.iter().any(|fact| {
        let mut row = vec![None; rule.rule.slots];
        fits(rule.schema, *fact, &mut row)
            && fits(rule.data, known, &mut row)
            && whole(&rule.rule.heads[0], &row) == Some(goal)
    })
}

/// Whether a rule says the same of equal things, and nothing of equality.
fn commutes(rule: &Compiled, words: Words) -> bool {
    let same = Place::Is(words.same_as);
    let mentions = |atom: &Atom| atom.contains(&same);
    is_plain(rule) && !rule.atoms.iter().chain(&rule.heads).any(mentions)
}

/// Whether a place of a pattern is a variable that is there once, and no property anywhere.
fn is_thing(rule: &Compiled, atom: &Atom, place: usize) -> bool {
    let slot = atom[place];
    let once = atom.iter().filter(|other| **other == slot).count() == 1;
    let mut all = rule.atoms.iter().chain(&rule.heads);
    matches!(slot, Place::Slot(_)) && once && all.all(|atom| atom[1] != slot)
}

/// A rule with one pattern of the schema and one of data.
struct Data<'a> {
    rule: &'a Compiled,
    schema: &'a Atom,
    data: &'a Atom,
    /// The place of the pattern of data.
    at: usize,
}

impl<'a> Data<'a> {
    fn of(rule: &'a Compiled, is: u32) -> Option<Self> {
        if !is_plain(rule) || rule.heads.len() != 1 {
            return None;
        }
        let [a, b] = &rule.atoms[..] else {
            return None;
        };
        match (is_open(a, is), is_open(b, is)) {
            (false, true) => Some(Self {
                rule,
                schema: a,
                data: b,
                at: 1,
            }),
            (true, false) => Some(Self {
                rule,
                schema: b,
                data: a,
                at: 0,
            }),
            _ => None,
        }
    }
}

/// Nothing but patterns.
fn is_plain(rule: &Compiled) -> bool {
    rule.tests.is_empty()
        && rule.binds.is_empty()
        && rule.absent.is_empty()
        && rule.walks.is_empty()
        && rule.fixed.is_empty()
        && !rule.contradicts
}

/// Whether a pattern leaves open which property, or which class, it is about.
fn is_open([_, predicate, object]: &Atom, is: u32) -> bool {
    match predicate {
        Place::Slot(_) => true,
        Place::Is(predicate) => *predicate == is && matches!(object, Place::Slot(_)),
    }
}

pub(super) fn is_schema(rule: &Compiled, is: u32) -> bool {
    is_plain(rule)
        && rule
            .atoms
            .iter()
            .chain(&rule.heads)
            .all(|atom| !is_open(atom, is))
}

fn has_detour(last: &Data<'_>, first: &Data<'_>, data: &[Data<'_>], schema: &[&Compiled]) -> bool {
    // What the first concludes, with its variables for terms, is what the last reads.
    let mut terms = Terms::default();
    let own = terms.freeze(first.rule.slots);
    let read = instance(&first.rule.heads[0], &own);
    let mut row = vec![None; last.rule.slots];
    if !fits(last.data, read, &mut row) {
        return false;
    }
    let other = terms.freeze(last.rule.slots);
    let row: Vec<u32> = row
        .iter()
        .zip(&other)
        .map(|(known, new)| known.unwrap_or(*new))
        .collect();
    let goal = instance(&last.rule.heads[0], &row);
    let (above, below) = (instance(last.schema, &row), instance(first.schema, &own));
    let known = instance(first.data, &own);
    let known_schema = saturate(&[above, below], schema);
    data.iter()
        .any(|rule| concludes(rule, &known_schema, known, goal))
}

/// What the rules of the schema derive from facts.
fn saturate(facts: &[[u32; 3]], rules: &[&Compiled]) -> FxHashSet<[u32; 3]> {
    let mut all: FxHashSet<[u32; 3]> = facts.iter().copied().collect();
    for _ in 0..ROUNDS {
        let mut new = Vec::new();
        for rule in rules {
            conclude(rule, 0, &vec![None; rule.slots], &all, &mut new);
        }
        let before = all.len();
        all.extend(new);
        if all.len() == before {
            break;
        }
    }
    all
}

fn conclude(
    rule: &Compiled,
    at: usize,
    row: &[Option<u32>],
    facts: &FxHashSet<[u32; 3]>,
    new: &mut Vec<[u32; 3]>,
) {
    let Some(atom) = rule.atoms.get(at) else {
        new.extend(rule.heads.iter().filter_map(|head| whole(head, row)));
        return;
    };
    for &fact in facts {
        let mut row = row.to_vec();
        if fits(atom, fact, &mut row) {
            conclude(rule, at + 1, &row, facts, new);
        }
    }
}

/// Terms for variables, from the top, where no constant is.
#[derive(Default)]
struct Terms(u32);

impl Terms {
    fn freeze(&mut self, slots: usize) -> Vec<u32> {
        let mut next = || {
            self.0 += 1;
            u32::MAX - self.0
        };
        (0..slots).map(|_| next()).collect()
    }
}

fn fits(atom: &Atom, fact: [u32; 3], row: &mut [Option<u32>]) -> bool {
    atom.iter().zip(fact).all(|(place, term)| match place {
        Place::Is(constant) => *constant == term,
        Place::Slot(slot) => *row[*slot].get_or_insert(term) == term,
    })
}

fn instance(atom: &Atom, row: &[u32]) -> [u32; 3] {
    super::compile::instance(atom, row)
}

/// The triple, if all its slots have values.
fn whole(atom: &Atom, row: &[Option<u32>]) -> Option<[u32; 3]> {
    let mut triple = [0; 3];
    for (place, term) in atom.iter().zip(&mut triple) {
        *term = match place {
            Place::Is(constant) => *constant,
            Place::Slot(slot) => row[*slot]?,
        };
    }
    Some(triple)
}
