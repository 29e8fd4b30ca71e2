//! Rules that speak of every member of a list become one rule for each list.
//!
//! `?list kenning:every ?member` in a rule stands for the axiom's list: each pattern that mentions the member stands once
//! for each member, with its own copy of the variables that only such patterns have. With `?to kenning:next ?from`, the
//! `?to` of a member is the `?from` of the next; elsewhere, `?from` is that of the first and `?to` that of the last.

use super::compile::{Atom, Compiled, Place, Premise};
use super::join::{Join, Sink, World};
use super::lists::{Lists, Reading};
use super::made::Made;
use super::plan;
use super::rule::{Every, Node, Part, Pattern, Rule};
use super::terms::Terms;
use crate::Result;
use rustc_hash::FxHashSet;

/// Which patterns of a rule are repeated.
pub(super) struct Layout<'a> {
    pub(super) every: &'a Every,
    /// Atoms that say which list it is.
    anchors: Vec<usize>,
    pub(super) once: Vec<usize>,
    pub(super) repeated: Vec<usize>,
    /// Slots of which each member has its own.
    pub(super) own: Vec<usize>,
}

impl<'a> Layout<'a> {
    pub(super) fn of(rule: &Rule, every: &'a Every) -> Self {
        let atoms: Vec<&Pattern> = rule.body.iter().filter_map(Part::triple).collect();
        let atoms = &atoms[..];
        let mentions = |atom: &Pattern, variable| atom.contains(&Node::Variable(variable));
        let with = |variable| (0..atoms.len()).filter(move |&n| mentions(atoms[n], variable));
        let anchors: Vec<usize> = with(every.list).collect();
        let repeated: Vec<usize> = with(every.member)
            .filter(|n| !anchors.contains(n))
            .collect();
        let once: Vec<usize> = (0..atoms.len()).filter(|n| !repeated.contains(n)).collect();
        let outside = once.iter().map(|&n| atoms[n]).chain(&rule.head);
        let outside: Vec<&Pattern> = outside.collect();
        let tested = |variable| {
            let tests = rule
                .body
                .iter()
                .filter(|part| matches!(part, Part::Test(_)));
            let mut read = false;
            tests.for_each(|test| test.variables(&mut |other| read |= other == variable));
            read
        };
        let shared =
            |variable| outside.iter().any(|atom| mentions(atom, variable)) || tested(variable);
        let own = (0..rule.variables.len()).filter(|&v| v != every.member && !shared(v));
        Self {
            own: own.collect(),
            every,
            anchors,
            once,
            repeated,
        }
    }
}

/// The predicates of the patterns that say which list it is.
pub(super) fn anchors(base: &Compiled) -> Vec<u32> {
    let Some(every) = &base.rule.every else {
        return Vec::new();
    };
    let layout = Layout::of(&base.rule, every);
    let predicates = layout.anchors.iter().map(|&n| base.atoms[n]);
    predicates
        .filter_map(|[_, p, o]| match (p, o) {
            (Place::Is(term), Place::Slot(slot)) if slot == every.list => Some(term),
            _ => None,
        })
        .collect()
}

/// One rule for each list among the facts.
pub(super) fn specialise(
    base: &Compiled,
    world: World<'_>,
    terms: &dyn Terms,
) -> Result<Vec<Compiled>> {
    let Some(every) = &base.rule.every else {
        return Ok(Vec::new());
    };
    let layout = Layout::of(&base.rule, every);
    let asked = Compiled {
        atoms: layout.anchors.iter().map(|&n| base.atoms[n]).collect(),
        tests: Vec::new(),
        ..base.clone()
    };
    let none = vec![None; base.slots];
    let plan = plan::rule(&asked, None, &none, world.sources);
    let row = vec![0; base.slots];
    let join = Join::new(world, terms, &base.rule.body, row, Rows::default());
    let rows = join.run(&plan)?.0.0;
    let mut bound = FxHashSet::default();
    for place in asked.atoms.iter().flatten() {
        if let Place::Slot(slot) = place {
            bound.insert(*slot);
        }
    }
    let lists = Lists::of(world);
    let mut specials = Vec::new();
    for row in rows {
        for reading in lists.readings(row[every.list])? {
            if !reading.members.is_empty() {
                let preset = (0..base.slots).filter(|slot| bound.contains(slot));
                let preset = preset.map(|slot| (slot, row[slot])).collect();
                specials.push(layout.special(base, reading, preset));
            }
        }
    }
    Ok(specials)
}

impl Layout<'_> {
    fn special(&self, base: &Compiled, reading: Reading, preset: Vec<(usize, u32)>) -> Compiled {
        let mut atoms: Vec<Atom> = self.once.iter().map(|&n| base.atoms[n]).collect();
        let before = atoms.len();
        let mut slots = base.slots;
        let mut last = None;
        let count = reading.members.len();
        for (n, &member) in reading.members.iter().enumerate() {
            let mut places: Vec<Place> = (0..base.slots).map(Place::Slot).collect();
            places[self.every.member] = Place::Is(member);
            for &slot in &self.own {
                places[slot] = Place::Slot(slots);
                slots += 1;
            }
            if let Some((to, from)) = self.every.next {
                places[from] = Place::Slot(last.unwrap_or(from));
                places[to] = Place::Slot(if n + 1 == count { to } else { slots });
                last = Some(slots);
                slots += 1;
            }
            atoms.extend(self.repeated.iter().map(|&n| {
                base.atoms[n].map(|place| match place {
                    Place::Slot(slot) => places[slot],
                    constant => constant,
                })
            }));
        }
        Compiled {
            premises: (0..atoms.len()).map(Premise::Atom).collect(),
            atoms,
            before,
            slots,
            fixed: reading.triples,
            preset,
            ..base.clone()
        }
    }
}

/// All rows.
#[derive(Default)]
struct Rows(Vec<Vec<u32>>);

impl Sink for Rows {
    fn take(&mut self, row: &[u32], _: &Made) -> Result<bool> {
        self.0.push(row.to_vec());
        Ok(true)
    }
}
