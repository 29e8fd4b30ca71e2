//! What is joined, and the steps that have their place after joins.

use crate::sparql::expression::Expr;
use crate::sparql::pattern::{Kind, Pattern, Slots};

/// The joined parts of a group, and what is done with their solutions afterwards.
#[derive(Default)]
pub(super) struct Group {
    pub(super) items: Vec<Pattern>,
    pub(super) tests: Vec<Expr>,
    pub(super) later: Vec<Later>,
    pub(super) vars: Slots,
    pub(super) certain: Slots,
}

/// A step that has its place after the joins that stand before it.
pub(super) struct Later {
    pub(super) step: Step,
    vars: Slots,
    /// What is always bound where it stands.
    pub(super) certain: Slots,
}

pub(super) enum Step {
    Optional(Pattern, Vec<Expr>),
    Test(Expr),
    Bind(usize, Expr),
    Minus(Pattern),
    Lateral(Pattern),
}

impl Later {
    /// Whether joining `other` before this step makes no difference.
    fn may_wait_for(&self, other: &Slots) -> bool {
        self.vars.common(other).is_within(&self.certain)
    }
}

impl Group {
    /// The group of a pattern, in which `fixed` have a value whatever stands beside.
    pub(super) fn of(pattern: Pattern, fixed: &Slots) -> Self {
        match pattern.kind {
            Kind::Join(list) => list
                .into_iter()
                .map(|part| Self::of(part, fixed))
                .reduce(Self::join)
                .unwrap_or_else(|| Self::nothing(fixed)),
            Kind::Filter(inner, tests) => {
                let mut group = Self::of(*inner, fixed);
                for test in tests {
                    let vars = test.slots();
                    if vars.is_within(&group.certain) {
                        group.tests.push(test);
                    } else {
                        group.then(Step::Test(test), vars);
                    }
                }
                group
            }
            Kind::Optional(left, right, tests) => {
                let mut group = Self::of(*left, fixed);
                let mut vars = right.vars.clone();
                tests.iter().for_each(|test| vars.add(&test.slots()));
                group.then(Step::Optional(*right, tests), vars);
                group
            }
            Kind::Bind(inner, slot, value) => {
                let mut group = Self::of(*inner, fixed);
                let certain = value.always_has_value(&group.certain);
                let mut vars = value.slots();
                vars.insert(slot);
                group.then(Step::Bind(slot, value), vars);
                if certain {
                    group.certain.insert(slot);
                }
                group
            }
            Kind::Minus(left, right) => {
                let mut group = Self::of(*left, fixed);
                let vars = right.vars.clone();
                group.then(Step::Minus(*right), vars);
                group
            }
            Kind::Lateral(left, right) => {
                let mut group = Self::of(*left, fixed);
                let (vars, certain) = (right.vars.clone(), right.certain.clone());
                group.then(Step::Lateral(*right), vars);
                group.certain.add(&certain);
                group
            }
            _ => Self {
                vars: pattern.vars.clone(),
                certain: pattern.certain.with(fixed),
                items: vec![pattern],
                ..Self::default()
            },
        }
    }

    fn nothing(fixed: &Slots) -> Self {
        Self {
            certain: fixed.clone(),
            ..Self::default()
        }
    }

    fn then(&mut self, step: Step, vars: Slots) {
        self.vars.add(&vars);
        self.later.push(Later {
            step,
            vars,
            certain: self.certain.clone(),
        });
    }

    /// Both groups joined; one whose later steps cannot wait for the other stays a part by itself.
    fn join(self, other: Self) -> Self {
        let (one, other) = (self.opened_to(&other), other);
        let other = other.opened_to(&one);
        let mut both = one;
        both.vars.add(&other.vars);
        both.certain.add(&other.certain);
        both.items.extend(other.items);
        both.tests.extend(other.tests);
        both.later.extend(other.later);
        both
    }

    fn opened_to(self, other: &Self) -> Self {
        match self.later.iter().all(|l| l.may_wait_for(&other.vars)) {
            true => self,
            false => {
                let pattern = self.closed();
                Self {
                    vars: pattern.vars.clone(),
                    certain: pattern.certain.clone(),
                    items: vec![pattern],
                    ..Self::default()
                }
            }
        }
    }

    /// The group as one pattern again.
    fn closed(self) -> Pattern {
        let mut pattern = match self.items.len() {
            1 => self.items.into_iter().next().unwrap_or_else(Pattern::once),
            _ => Pattern::new(Kind::Join(self.items)),
        };
        if !self.tests.is_empty() {
            pattern = Pattern::new(Kind::Filter(pattern.into(), self.tests));
        }
        for later in self.later {
            let inner = pattern.into();
            pattern = Pattern::new(match later.step {
                Step::Optional(right, tests) => Kind::Optional(inner, right.into(), tests),
                Step::Test(test) => Kind::Filter(inner, vec![test]),
                Step::Bind(slot, value) => Kind::Bind(inner, slot, value),
                Step::Minus(right) => Kind::Minus(inner, right.into()),
                Step::Lateral(right) => Kind::Lateral(inner, right.into()),
            });
        }
        pattern
    }
}
