//! All that follows.

use super::engine::Engine;
use super::proofs::Proofs;
use super::set::RuleSet;
use super::terms::Terms;
use super::watch::Limits;
use crate::Result;
use crate::model::Progress;

/// A triple that follows from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Derived<'a> {
    /// Subject, predicate, object.
    pub triple: [u32; 3],
    /// The number of the rule.
    pub rule: u32,
    /// What the rule was applied to, in the order of [`super::Rule::is_instance`]: stated, or derived themselves.
    pub premises: &'a [[u32; 3]],
}

/// How a fact was derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// The number of the rule.
    pub rule: u32,
    /// What the rule was applied to.
    pub premises: &'a [[u32; 3]],
}

/// What cannot be, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The rule's conclusion: something `kenning:contradicts` something.
    pub what: [u32; 3],
    /// The number of the rule.
    pub rule: u32,
    /// What the rule was applied to: stated or derived.
    pub premises: Vec<[u32; 3]>,
}

/// What a change of the stated facts changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Triples that are derived now and were not, sorted.
    pub derived: Vec<[u32; 3]>,
    /// Triples that were derived and are not, sorted.
    pub withdrawn: Vec<[u32; 3]>,
}

/// Stated facts, and all that follows from them by a set of rules.
#[derive(Debug)]
pub struct Closure {
    pub(super) engine: Engine,
    contradictions: Vec<Contradiction>,
}

impl Closure {
    /// Derives all that follows from stated facts. The result does not depend on the number of threads.
    ///
    /// # Errors
    ///
    /// If a list that a rule reads is none; if what was absent follows from a conclusion drawn from its absence; if the
    /// closure would exceed a limit.
    pub fn of(
        rules: &RuleSet,
        facts: Vec<[u32; 3]>,
        terms: &mut dyn Terms,
        limits: &Limits,
        progress: &dyn Progress,
    ) -> Result<Self> {
        // On one of the threads that share the work: a stage that is over in a moment would wait long for another to wake.
        rayon::scope(|_| {
            let mut engine = Engine::new(rules, facts, terms)?;
            engine.run(terms, limits, progress)?;
            let mut closure = Self {
                engine,
                contradictions: Vec::new(),
            };
            closure.settle();
            Ok(closure)
        })
    }

    /// Makes what was found findable.
    pub(super) fn settle(&mut self) {
        self.engine.proofs.sort();
        self.engine.contradictions.sort();
        let found = all(&self.engine.contradictions);
        let found = found.map(|derived| Contradiction {
            what: derived.triple,
            rule: derived.rule,
            premises: derived.premises.to_vec(),
        });
        self.contradictions = found.collect();
    }

    /// The rules.
    pub fn rules(&self) -> &RuleSet {
        &self.engine.set
    }

    /// What was derived and is not stated, sorted by subject, predicate, object.
    pub fn derived(&self) -> impl Iterator<Item = Derived<'_>> {
        all(&self.engine.proofs)
    }

    /// How many facts were derived.
    pub fn len(&self) -> usize {
        self.engine.proofs.len()
    }

    /// Whether nothing was derived.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What cannot be, sorted by its triple; each once, by its first proof.
    pub fn contradictions(&self) -> &[Contradiction] {
        &self.contradictions
    }

    /// How a triple was derived; `None` if it was not.
    pub fn proof(&self, triple: [u32; 3]) -> Option<Step<'_>> {
        let place = self.engine.proofs.find(triple)?;
        let (_, rule, premises) = self.engine.proofs.at(place);
        Some(Step { rule, premises })
    }

    /// Whether a triple is stated.
    pub fn is_stated(&self, triple: [u32; 3]) -> bool {
        self.engine.facts.contains(triple) && self.engine.proofs.find(triple).is_none()
    }

    /// Whether a triple is stated or derived.
    pub fn contains(&self, triple: [u32; 3]) -> bool {
        self.engine.facts.contains(triple)
    }
}

fn all(proofs: &Proofs) -> impl Iterator<Item = Derived<'_>> {
    proofs.sorted().iter().map(|&place| {
        let (triple, rule, premises) = proofs.at(place as usize);
        Derived {
            triple,
            rule,
            premises,
        }
    })
}
