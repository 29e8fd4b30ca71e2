//! `FILTER(?a = ?b)` as a join: where a variable can only be a resource, to be equal is to be the same term, and one
//! variable does for both. So the other side is found through an index instead of being compared with everything.

use super::estimate::Estimator;
use super::expression::Expr;
use super::ids::Id;
use super::pattern::{Kind, Part, Pattern};
use super::plan::Bound;

/// A variable that has the value of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alias {
    pub(super) name: usize,
    pub(super) of: usize,
}

/// Takes the tests that make aliases out of `tests`, and puts one variable for both into `items`. `outer` are the
/// variables that have a value before.
pub(super) fn aliases(
    items: &mut [Pattern],
    tests: &mut Vec<Expr>,
    outer: &Bound,
    estimator: &Estimator,
) -> Vec<Alias> {
    let mut found: Vec<Alias> = Vec::new();
    tests.retain(|test| {
        let Some((a, b)) = test.compares_variables() else {
            return true;
        };
        let alias = [(a, b), (b, a)]
            .map(|(name, of)| Alias { name, of })
            .into_iter()
            .find(|alias| {
                let fresh = !found
                    .iter()
                    .any(|f| [f.name, f.of].contains(&alias.name) || f.name == alias.of);
                alias.name != alias.of && fresh && alias.may_replace(items, outer, estimator)
            });
        if let Some(alias) = alias {
            items.iter_mut().for_each(|item| alias.replace(item));
            found.push(alias);
        }
        alias.is_none()
    });
    found
}

impl Alias {
    /// Whether the name stands in triple patterns only, once at least where just a resource can.
    fn may_replace(&self, items: &[Pattern], outer: &Bound, estimator: &Estimator) -> bool {
        let users: Vec<&Pattern> = items
            .iter()
            .filter(|i| i.vars.contains(self.name))
            .collect();
        let known = match outer.possible.contains(self.of) {
            true => outer.certain.contains(self.of),
            false => items.iter().any(|item| item.certain.contains(self.of)),
        };
        let plain = |item: &&Pattern| match &item.kind {
            Kind::Triple { parts, .. } => !parts.iter().any(|part| matches!(part, Part::Triple(_))),
            _ => false,
        };
        known
            && !outer.possible.contains(self.name)
            && users.iter().all(plain)
            && users.iter().any(|item| self.is_resource(item, estimator))
    }

    fn is_resource(&self, item: &Pattern, estimator: &Estimator) -> bool {
        let Kind::Triple { parts, .. } = &item.kind else {
            return false;
        };
        let here = |part: &Part| *part == Part::Var(self.name);
        let predicate = match parts[1] {
            Part::Is(id) => Some(id),
            _ => None::<Id>,
        };
        here(&parts[0])
            || here(&parts[1])
            || here(&parts[2]) && predicate.is_some_and(|p| estimator.leads_to_resources(p))
    }

    fn replace(&self, item: &mut Pattern) {
        if !item.vars.contains(self.name) {
            return;
        }
        if let Kind::Triple { parts, place } = &item.kind {
            let part = |part: &Part| match part {
                Part::Var(slot) if *slot == self.name => Part::Var(self.of),
                other => other.clone(),
            };
            *item = Pattern::new(Kind::Triple {
                parts: parts.each_ref().map(part),
                place: place.clone(),
            });
        }
    }
}
