//! Sets of rules.

use super::detours::Shortcuts;
use super::rule::Rule;
use super::{parse, strata};
use crate::{Error, Result};
use std::sync::{Arc, LazyLock, OnceLock};

/// The rule sets that come along: name, file, text.
const SHIPPED: [(&str, &str, &str); 2] = [
    (
        "rdfs",
        "ontologies/rules/rdfs.rq",
        include_str!("../../ontologies/rules/rdfs.rq"),
    ),
    (
        "owl2-rl",
        "ontologies/rules/owl2-rl.rq",
        include_str!("../../ontologies/rules/owl2-rl.rq"),
    ),
];

/// Rules, checked and ready.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    rules: Vec<Arc<Rule>>,
    /// For each rule, after how many others of which it asks for absence it is run.
    levels: Vec<u32>,
    /// What need not be run, once that was found out: it is the same for all facts.
    shortcuts: Arc<OnceLock<Shortcuts>>,
}

impl RuleSet {
    /// Reads a rule file; `name` becomes part of the rules' IRIs, and stands in errors.
    ///
    /// Prefixes come first, then rules: each is a comment line `# rule: name`, comment lines that say what it does, and a
    /// `CONSTRUCT` query. The usual prefixes need no declaration.
    ///
    /// # Errors
    ///
    /// With file and line: what is no `CONSTRUCT`, or more than rules can say; a rule that is not safe, or whose name
    /// there is already; rules that cannot be stratified.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let set = name.rsplit('/').next().unwrap_or(name);
        let set = set.strip_suffix(".rq").unwrap_or(set);
        Self::of(
            parse::rules(set, name, text)?
                .into_iter()
                .map(Arc::new)
                .collect(),
        )
    }

    /// A set that comes along: `rdfs` or `owl2-rl`.
    ///
    /// # Errors
    ///
    /// If there is none of this name.
    pub fn shipped(name: &str) -> Result<Self> {
        static SETS: [OnceLock<RuleSet>; SHIPPED.len()] =
            [const { OnceLock::new() }; SHIPPED.len()];
        let Some(place) = SHIPPED.iter().position(|(set, ..)| *set == name) else {
            let known: Vec<&str> = SHIPPED.iter().map(|(set, ..)| *set).collect();
            return Err(Error::not_found(format!("there is no rule set `{name}`"))
                .hint(format!("the sets are: {}", known.join(", "))));
        };
        if let Some(set) = SETS[place].get() {
            return Ok(set.clone());
        }
        let (set, file, text) = SHIPPED[place];
        let rules = parse::rules(set, file, text)?.into_iter().map(Arc::new);
        let set = Self::of(rules.collect())?;
        Ok(SETS[place].get_or_init(|| set).clone())
    }

    /// The file of a set that comes along.
    pub fn file(name: &str) -> Option<&'static str> {
        let found = SHIPPED.iter().find(|(set, ..)| *set == name);
        found.map(|(_, _, text)| *text)
    }

    /// The names of the sets that come along.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(set, ..)| *set)
    }

    /// This set and another, whose rules are numbered behind.
    ///
    /// # Errors
    ///
    /// If a rule is in both, or both together cannot be stratified.
    pub fn merge(mut self, other: Self) -> Result<Self> {
        for rule in other.rules {
            if self.rules.iter().any(|known| known.iri == rule.iri) {
                let complaint = format!("there is a rule {} already", rule.iri);
                return Err(Error::input(complaint).at(&rule.place));
            }
            self.rules.push(rule);
        }
        Self::of(self.rules)
    }

    fn of(rules: Vec<Arc<Rule>>) -> Result<Self> {
        let levels = strata::levels(&rules)?;
        Ok(Self {
            rules,
            levels,
            shortcuts: Arc::default(),
        })
    }

    /// The rules, by number.
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// What need not be run; `find` finds it out.
    pub(super) fn shortcuts(&self, find: impl FnOnce() -> Shortcuts) -> &Shortcuts {
        self.shortcuts.get_or_init(find)
    }

    pub(super) fn level(&self, rule: u32) -> u32 {
        self.levels[rule as usize]
    }

    /// The highest level.
    pub(super) fn top(&self) -> u32 {
        self.levels.iter().copied().max().unwrap_or(0)
    }

    /// Whether a rule is one of those that say what equality is.
    pub(super) fn is_of_equality(&self, rule: u32) -> bool {
        let numbers = super::equality::Numbers::of(&self.rules);
        numbers.is_some_and(|numbers| numbers.closes(rule) || numbers.replaces(rule))
    }
}

/// The rule of the shipped sets with an IRI.
pub(super) fn shipped_rule(iri: &str) -> Option<&'static Arc<Rule>> {
    static RULES: LazyLock<Vec<Arc<Rule>>> = LazyLock::new(|| {
        let sets = RuleSet::names().filter_map(|name| RuleSet::shipped(name).ok());
        sets.flat_map(|set| set.rules).collect()
    });
    RULES.iter().find(|rule| rule.iri == iri)
}
