//! Variables of a row get values, and lose them again.

use super::{Id, Row, Run, Sink};
use crate::sparql::pattern::Part;
use crate::sparql::scan::Flow;

impl Run<'_, '_> {
    /// What a part stands for in a row.
    pub(super) fn value(&self, part: &Part, row: &Row) -> Option<Id> {
        match part {
            Part::Is(id) => Some(*id),
            Part::Var(slot) => row[*slot].bound(),
            Part::Triple(parts) => {
                let [s, p, o] = parts.each_ref().map(|part| self.value(part, row));
                self.terms().triple_id([s?, p?, o?])
            }
        }
    }

    /// Hands on the row with `parts` bound to `found`, if they agree.
    pub(super) fn bound(
        &self,
        parts: &[Part],
        found: &[Id],
        row: &mut Row,
        sink: &mut Sink<'_>,
    ) -> Flow {
        let mut undo = Undo::default();
        let agree = parts
            .iter()
            .zip(found)
            .all(|(part, id)| self.bind(part, *id, row, &mut undo));
        // `BNODE` has other nodes for another solution.
        self.blanks.next_solution();
        let flow = if agree { sink(row) } else { Ok(()) };
        undo.restore(row);
        flow
    }

    fn bind(&self, part: &Part, found: Id, row: &mut Row, undo: &mut Undo) -> bool {
        match part {
            Part::Is(id) => *id == found,
            Part::Var(slot) => bind_slot(*slot, found, row, undo),
            Part::Triple(parts) => self.terms().triple_parts(found).is_some_and(|ids| {
                let mut pairs = parts.iter().zip(ids);
                pairs.all(|(part, id)| self.bind(part, id, row, undo))
            }),
        }
    }

    /// Hands on the row joined with `values` of `slots`, if they are compatible.
    pub(super) fn joined(
        &self,
        slots: &[usize],
        values: &[Id],
        row: &mut Row,
        sink: &mut Sink<'_>,
    ) -> Flow {
        let mut undo = Undo::default();
        let bound = slots.iter().zip(values).filter(|(_, id)| id.is_bound());
        let mut bound = bound.map(|(slot, id)| (*slot, *id));
        let agree = bound.all(|(slot, id)| bind_slot(slot, id, row, &mut undo));
        self.blanks.next_solution();
        let flow = if agree { sink(row) } else { Ok(()) };
        undo.restore(row);
        flow
    }
}

fn bind_slot(slot: usize, found: Id, row: &mut Row, undo: &mut Undo) -> bool {
    if row[slot].is_bound() {
        return row[slot] == found;
    }
    row[slot] = found;
    undo.note(slot);
    true
}

/// The positions of a pattern whose variables have no value yet: the common case, in which nothing has to be compared.
#[derive(Default)]
pub(super) struct Free {
    places: [(usize, usize); 3],
    count: usize,
}

impl Free {
    /// `None` where a variable stands twice or a triple term has variables.
    pub(super) fn of(parts: &[Part; 3], row: &Row) -> Option<Self> {
        let mut free = Self::default();
        for (position, part) in parts.iter().enumerate() {
            match part {
                Part::Triple(_) => return None,
                Part::Var(slot) if !row[*slot].is_bound() => {
                    if free.slots().any(|taken| taken == *slot) {
                        return None;
                    }
                    free.places[free.count] = (position, *slot);
                    free.count += 1;
                }
                _ => {}
            }
        }
        Some(free)
    }

    fn slots(&self) -> impl Iterator<Item = usize> {
        self.places[..self.count].iter().map(|place| place.1)
    }

    pub(super) fn set(&self, triple: &[Id; 3], row: &mut Row) {
        for &(position, slot) in &self.places[..self.count] {
            row[slot] = triple[position];
        }
    }

    pub(super) fn clear(&self, row: &mut Row) {
        self.slots().for_each(|slot| row[slot] = Id::UNBOUND);
    }
}

/// Slots that were bound and have to be free again.
#[derive(Default)]
struct Undo {
    few: [usize; 4],
    count: usize,
    more: Vec<usize>,
}

impl Undo {
    fn note(&mut self, slot: usize) {
        match self.few.get_mut(self.count) {
            Some(place) => *place = slot,
            None => self.more.push(slot),
        }
        self.count += 1;
    }

    fn restore(&self, row: &mut Row) {
        let few = self.few.iter().take(self.count);
        for &slot in few.chain(&self.more) {
            row[slot] = Id::UNBOUND;
        }
    }
}
