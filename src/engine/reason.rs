//! What follows from what is stated, by the project's rules.

use super::{Engine, Stopwatch, build};
use crate::extraction::{DerivedFact, Extractor, behaviour, run};
use crate::graph::draft::{Draft, Inference, Inferred, Terms};
use crate::journal::ChangeNumber;
use crate::knowledge::segment::NONE;
use crate::knowledge::{Horizon, Knowledge, LeftOut};
use crate::model::{LinkKind, Progress, term};
use crate::reasoning::{self, Closure, Limits, Rule, RuleSet};
use crate::vocabulary::{kenning, percent_encode};
use crate::{Error, ErrorKind, Result};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// Contradictions that a graph keeps; all are counted.
const KEPT: usize = 1000;

/// Everything that a graph is made of, but links and vectors.
pub(super) struct Gathered {
    pub(super) knowledge: Knowledge,
    pub(super) draft: Draft,
    pub(super) last_change: Option<ChangeNumber>,
    pub(super) contradictions: Contradictions,
    pub(super) left_out: LeftOut,
}

/// What cannot be, though it follows from what is stated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contradictions {
    /// How many there are.
    pub count: usize,
    /// The first of them: statements of `kenning:contradicts`, by the terms of the graph or draft that proves them.
    pub first: Vec<[u32; 3]>,
}

/// What the rules come to, without a build.
pub struct Reasoned {
    /// Each rule, and how many facts it concluded first.
    pub rules: Vec<Applied>,
    /// What cannot be.
    pub contradictions: Contradictions,
    /// Seconds of each stage, in order.
    pub stages: Vec<(&'static str, f64)>,
    /// All that is stated and concluded.
    pub draft: Draft,
}

/// A rule, and what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its IRI.
    pub iri: String,
    /// What it says.
    pub label: String,
    /// Facts of whose kept proof it is the last step.
    pub facts: u64,
}

impl Reasoned {
    /// Number of facts that follow.
    pub fn facts(&self) -> u64 {
        self.rules.iter().map(|rule| rule.facts).sum()
    }
}

/// Rule sets by their names: shipped ones, or files `NAME` or `NAME.rq` in `folder`.
///
/// # Errors
/// `NotFound` for a name that is neither, and those of [`RuleSet::parse`].
pub fn rule_set(names: &[String], folder: &Path) -> Result<RuleSet> {
    names.iter().try_fold(RuleSet::default(), |all, name| {
        all.merge(match RuleSet::names().any(|shipped| shipped == name) {
            true => RuleSet::shipped(name)?,
            false => read_rules(name, folder)?,
        })
    })
}

fn read_rules(name: &str, folder: &Path) -> Result<RuleSet> {
    let path = folder.join(name);
    let path = match path.extension() {
        Some(_) => path,
        None => path.with_extension("rq"),
    };
    let text = std::fs::read_to_string(&path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::not_found(format!("there are no rules `{name}`"))
            .at(path.display())
            .hint(hint()),
        _ => Error::io("read the rules", &path, e),
    })?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    if percent_encode(&stem) != stem {
        return Err(Error::usage(format!("`{stem}` cannot name rules"))
            .at(path.display())
            .hint("call the file by letters, digits and `-._`"));
    }
    RuleSet::parse(&path.display().to_string(), &text)
}

fn hint() -> String {
    let shipped: Vec<String> = RuleSet::names().map(|name| format!("`{name}`")).collect();
    format!(
        "take {}, or put CONSTRUCT queries into that file",
        shipped.join(" or ")
    )
}

impl Engine {
    /// The rules that the settings name.
    pub fn rules(&self) -> Result<RuleSet> {
        rule_set(
            &self.project.settings().reasoning.rules,
            &self.project.rules(),
        )
    }

    /// Applies rules to all that was imported, extracted and changed, without building a graph.
    pub fn reason(&self, rules: &RuleSet, progress: &dyn Progress) -> Result<Reasoned> {
        let mut watch = Stopwatch::start();
        let gathered = self.gather(rules, Horizon::Open, progress, &mut watch)?;
        let contradicts = gathered.draft.id(&term::iri(kenning::CONTRADICTS));
        let concluded = gathered
            .draft
            .facts
            .iter()
            .filter(|fact| fact.proof != NONE && Some(fact.triple[1]) != contradicts);
        let mut facts: FxHashMap<u32, u64> = FxHashMap::default();
        for fact in concluded {
            *facts.entry(fact.graph).or_default() += 1;
        }
        let applied = |rule: &Arc<Rule>| Applied {
            facts: gathered
                .draft
                .id(&term::iri(&rule.iri))
                .and_then(|id| facts.get(&id))
                .copied()
                .unwrap_or(0),
            iri: rule.iri.clone(),
            label: rule.label.clone(),
        };
        Ok(Reasoned {
            rules: rules.rules().iter().map(applied).collect(),
            contradictions: gathered.contradictions,
            stages: watch.stages(),
            draft: gathered.draft,
        })
    }

    /// Brings together what is stated, derives what texts say, and concludes what follows by rules: of what lies within the
    /// horizon alone. The log of changes tells no times, so a horizon leaves all of them out.
    pub(super) fn gather(
        &self,
        rules: &RuleSet,
        horizon: Horizon,
        progress: &dyn Progress,
        watch: &mut Stopwatch,
    ) -> Result<Gathered> {
        let folder = self.project.root().join("ontologies");
        let mut segments = self.segments()?;
        let mut left_out = horizon.close(&mut segments)?;
        let mut knowledge = Knowledge::open(segments, &folder)?;
        let logged = self.journal.changes_after(0)?;
        let last_change = logged.last().map(|last| last.number);
        let changes = build::net(logged);
        match horizon {
            Horizon::Open => knowledge.changes = changes,
            _ => left_out.changes = changes.len(),
        }
        watch.lap("knowledge");
        let extractors = self.extractors(&knowledge)?;
        let derived = run::extract(&knowledge, &extractors, usize::MAX, progress).facts;
        watch.lap("extraction from text");
        self.describe_runs(&knowledge, &extractors, &derived)?;
        describe_rules(&knowledge, rules)?;
        let mut draft = Draft::merge(&knowledge, &derived)?;
        watch.lap("merge");
        let contradictions = match rules.rules().is_empty() {
            true => Contradictions::default(),
            false => self.conclude(rules, &mut draft, &knowledge, progress)?,
        };
        watch.lap("rules");
        Ok(Gathered {
            knowledge,
            draft,
            last_change,
            contradictions,
            left_out,
        })
    }

    /// States which computations there are. Link kinds are described whether or not this graph has such links.
    fn describe_runs(
        &self,
        knowledge: &Knowledge,
        extractors: &[Box<dyn Extractor>],
        derived: &[DerivedFact],
    ) -> Result<()> {
        let runs: BTreeSet<&str> = derived.iter().map(|f| f.run.as_str()).collect();
        for extractor in extractors {
            for segment in &knowledge.segments {
                let run = run::name(extractor.as_ref(), &segment.dataset);
                if runs.contains(run.as_str()) {
                    knowledge.describe_run(&run, &extractor.method())?;
                }
            }
        }
        for kind in LinkKind::ALL {
            let method = behaviour::method(kind, &self.project.settings().links);
            knowledge.describe_run(&kind.run(), &method)?;
        }
        Ok(())
    }

    fn conclude(
        &self,
        rules: &RuleSet,
        draft: &mut Draft,
        knowledge: &Knowledge,
        progress: &dyn Progress,
    ) -> Result<Contradictions> {
        let mut facts: Vec<[u32; 3]> = draft.facts.iter().map(|fact| fact.triple).collect();
        facts.dedup();
        let limits = Limits {
            facts: facts
                .len()
                .saturating_add(self.project.settings().reasoning.max_facts),
            ..Limits::default()
        };
        let mut numbers = Numbers::over(&draft.terms);
        let closure = Closure::of(rules, facts, &mut numbers, &limits, progress)
            .map_err(|error| with_setting(error, &limits))?;
        let mut inferred = Inferred {
            terms: numbers.new,
            rules: rules
                .rules()
                .iter()
                .map(|rule| term::iri(&rule.iri))
                .collect(),
            ..Inferred::default()
        };
        let found = closure.contradictions();
        let all = closure.derived().map(|d| (d.triple, d.rule, d.premises));
        let all = all.chain(
            found
                .iter()
                .take(KEPT)
                .map(|c| (c.what, c.rule, &c.premises[..])),
        );
        for (triple, rule, premises) in all {
            inferred.facts.push(Inference {
                triple,
                rule,
                premises: premises.len() as u32,
            });
            inferred.premises.extend_from_slice(premises);
        }
        let count = found.len();
        drop(closure);
        draft.infer(inferred, &knowledge.changes)?;
        Ok(Contradictions {
            count,
            first: contradictions(draft),
        })
    }
}

/// States which rules there are, and that they are applied.
fn describe_rules(knowledge: &Knowledge, rules: &RuleSet) -> Result<()> {
    if !rules.rules().is_empty() {
        knowledge.describe_run(kenning::REASONING, "closure under the project's rules")?;
    }
    let mut rules = rules.rules().iter();
    rules.try_for_each(|rule| knowledge.describe_rule(&rule.iri, &rule.label, &rule.source))
}

/// An error of a closure that has too many facts names the setting that allows more.
fn with_setting(error: Error, limits: &Limits) -> Error {
    let is_of_facts =
        error.kind() == ErrorKind::Budget && error.message().contains(&limits.facts.to_string());
    match error.next_step() {
        Some(hint) if is_of_facts => {
            let hint = format!("{hint}; leave it out, or set `reasoning.max_facts` higher");
            Error::budget(error.message()).hint(hint)
        }
        _ => error,
    }
}

/// The terms of a draft, and following them those that rules mention or make.
struct Numbers<'a> {
    known: &'a Terms,
    new: Vec<String>,
    numbers: FxHashMap<String, u32>,
}

impl<'a> Numbers<'a> {
    fn over(known: &'a Terms) -> Self {
        Self {
            known,
            new: Vec::new(),
            numbers: FxHashMap::default(),
        }
    }
}

impl reasoning::Terms for Numbers<'_> {
    fn text(&self, number: u32) -> &str {
        let new = number.checked_sub(self.known.ranges().terms);
        let new = new.and_then(|place| self.new.get(place as usize));
        new.map_or_else(|| self.known.get(number), String::as_str)
    }

    fn find(&self, encoded: &str) -> Option<u32> {
        let known = self.known.find(encoded);
        known.or_else(|| self.numbers.get(encoded).copied())
    }

    fn intern(&mut self, encoded: &str) -> Result<u32> {
        if let Some(number) = reasoning::Terms::find(self, encoded) {
            return Ok(number);
        }
        let number = u64::from(self.known.ranges().terms) + self.new.len() as u64;
        let number = u32::try_from(number)
            .ok()
            .filter(|&number| number < u32::MAX);
        let number =
            number.ok_or_else(|| Error::budget("a graph holds at most 4,294,967,294 terms"))?;
        self.new.push(encoded.to_owned());
        self.numbers.insert(encoded.to_owned(), number);
        Ok(number)
    }
}

/// The contradictions that a draft keeps.
fn contradictions(draft: &Draft) -> Vec<[u32; 3]> {
    let predicate = draft.id(&term::iri(kenning::CONTRADICTS));
    let found = draft
        .facts
        .iter()
        .filter(|fact| Some(fact.triple[1]) == predicate);
    let mut found: Vec<[u32; 3]> = found.map(|fact| fact.triple).collect();
    found.dedup();
    found
}
