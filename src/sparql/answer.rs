//! The forms of a query: what is made of the solutions of its pattern (SPARQL 1.1 §16).

use super::estimate::Estimator;
use super::explain::{Explanation, explain};
use super::ids::{Id, Terms, text_length};
use super::meter::Meter;
use super::plan::{Bound, Node, Planner};
use super::results::{Results, too_many};
use super::run::Run;
use super::scan::{Flow, Halt, Place, Source};
use super::translate::Translator;
use super::{Cancel, Dataset, Limits};
use crate::{Error, Result};
use oxrdf::{BlankNode, NamedOrBlankNode, Term, Triple, Variable};
use rustc_hash::FxHashSet;
use spargebra::Query;
use spargebra::algebra::GraphPattern;
use spargebra::term::{NamedNodePattern, TermPattern, TriplePattern};
use std::collections::HashMap;

/// A planned query.
pub(super) struct Plan {
    pub(super) root: Node,
    pub(super) exists: Vec<Node>,
    /// What each slot is called.
    pub(super) names: Vec<String>,
    variables: Vec<Variable>,
    columns: Vec<usize>,
}

impl Plan {
    fn new(source: &Source, pattern: &GraphPattern, bound: &[(String, Term)]) -> Result<Self> {
        let mut translator = Translator::new(&source.terms, bound);
        let variables = variables(pattern);
        let columns = variables.iter().map(|v| translator.variable(v)).collect();
        let translated = translator.pattern(pattern)?;
        let estimator = Estimator::new(source);
        let mut planner = Planner::new(&estimator, translator.names.len());
        let root = planner.plan(translated, &Bound::default());
        // Plans of `EXISTS` are in the order of their numbers.
        let exists = translator.exists.into_iter();
        let exists = exists.map(|(pattern, around)| planner.exists(pattern, around));
        let exists = exists.collect();
        let mut names = translator.names;
        names.resize(planner.slots, ".".to_owned());
        Ok(Self {
            exists,
            root,
            names,
            variables,
            columns,
        })
    }

    /// Calls `found` with the values of the variables of each solution.
    fn solutions(&self, run: &Run, found: &mut dyn FnMut(&[Id]) -> Flow) -> Result<()> {
        let mut row = vec![Id::UNBOUND; self.names.len()];
        let mut values = Vec::with_capacity(self.columns.len());
        let flow = run.push(&self.root, &mut row, &mut |row| {
            values.clear();
            values.extend(self.columns.iter().map(|&slot| row[slot]));
            found(&values)
        });
        match flow {
            Ok(()) | Err(Halt::Enough) => Ok(()),
            Err(Halt::Failed(error)) => Err(error),
        }
    }
}

/// The variables that a query selects.
fn variables(pattern: &GraphPattern) -> Vec<Variable> {
    match pattern {
        GraphPattern::Project { variables, .. } => variables.clone(),
        GraphPattern::Slice { inner, .. }
        | GraphPattern::Distinct { inner }
        | GraphPattern::Reduced { inner }
        | GraphPattern::OrderBy { inner, .. } => variables(inner),
        other => {
            let mut found = Vec::new();
            other.on_in_scope_variable(|variable| {
                if !found.contains(variable) {
                    found.push(variable.clone());
                }
            });
            found
        }
    }
}

/// Evaluates a query, some of whose variables may be bound to terms, and hands what it finds to `results`.
pub(super) fn answer(
    (query, bound): (&super::Query, &[(String, Term)]),
    dataset: Dataset<'_>,
    bounds: (&Limits, &Cancel),
    results: &mut dyn Results,
) -> Result<()> {
    let source = source(query, dataset, bounds.1)?;
    evaluate((&query.algebra, bound), &source, bounds, results).map(drop)
}

/// What a query sees.
fn source<'a>(query: &super::Query, dataset: Dataset<'a>, cancel: &Cancel) -> Result<Source<'a>> {
    let source = Source::new(Terms::new(dataset), query.algebra.dataset());
    match query.asks_for_decisions {
        true => source.with_decisions(query.algebra.dataset(), cancel),
        false => Ok(source),
    }
}

/// Evaluates a query and tells how it was done.
pub(super) fn explained(
    query: &super::Query,
    dataset: Dataset<'_>,
    bounds: (&Limits, &Cancel),
) -> Result<Explanation> {
    let source = source(query, dataset, bounds.1)?;
    let plan = evaluate((&query.algebra, &[]), &source, bounds, &mut Ignored)?;
    Ok(explain(&plan, &source.terms))
}

fn evaluate(
    (query, bound): (&Query, &[(String, Term)]),
    source: &Source,
    (limits, cancel): (&Limits, &Cancel),
    results: &mut dyn Results,
) -> Result<Plan> {
    let meter = Meter::start(limits, cancel, source.terms.made_bytes());
    let (Query::Select { pattern, .. }
    | Query::Construct { pattern, .. }
    | Query::Describe { pattern, .. }
    | Query::Ask { pattern, .. }) = query;
    let plan = Plan::new(source, pattern, bound)?;
    let run = Run::new(source, &meter, query.base_iri(), &plan.exists);
    let mut form = Form {
        plan: &plan,
        run: &run,
        results,
        count: 0,
    };
    match query {
        Query::Select { .. } => form.select(),
        Query::Ask { .. } => form.ask(),
        Query::Construct { template, .. } => form.construct(template),
        Query::Describe { .. } => form.describe(),
    }?;
    drop(run);
    Ok(plan)
}

/// Results that nobody wants.
struct Ignored;

impl Results for Ignored {
    fn boolean(&mut self, _: bool) -> Result<()> {
        Ok(())
    }

    fn variables(&mut self, _: &[Variable]) -> Result<()> {
        Ok(())
    }

    fn solution(&mut self, _: &[Option<Term>]) -> Result<()> {
        Ok(())
    }

    fn triples(&mut self) -> Result<()> {
        Ok(())
    }

    fn triple(&mut self, _: &Triple) -> Result<()> {
        Ok(())
    }
}

struct Form<'f, 'r, 'a> {
    plan: &'f Plan,
    run: &'f Run<'r, 'a>,
    results: &'f mut dyn Results,
    count: usize,
}

impl Form<'_, '_, '_> {
    fn select(&mut self) -> Result<()> {
        self.results.variables(&self.plan.variables)?;
        let terms = self.run.terms();
        let mut values = Vec::with_capacity(self.plan.columns.len());
        self.plan.solutions(self.run, &mut |ids| {
            self.count += 1;
            within(self.count, self.run.meter)?;
            values.clear();
            values.extend(ids.iter().map(|id| terms.term(*id)));
            Ok(self.results.solution(&values)?)
        })
    }

    fn ask(&mut self) -> Result<()> {
        let mut found = false;
        self.plan.solutions(self.run, &mut |_| {
            found = true;
            Err(Halt::Enough)
        })?;
        self.results.boolean(found)
    }

    fn construct(&mut self, template: &[TriplePattern]) -> Result<()> {
        self.results.triples()?;
        let names: HashMap<&str, usize> = self
            .plan
            .variables
            .iter()
            .map(Variable::as_str)
            .zip(0..)
            .collect();
        let mut seen = FxHashSet::default();
        let mut held = self.run.meter.held();
        let terms = self.run.terms();
        self.plan.solutions(self.run, &mut |ids| {
            self.run.meter.tick()?;
            let mut solution = Solution {
                value: &|variable| terms.term(ids[*names.get(variable.as_str())?]),
                blanks: HashMap::new(),
            };
            for pattern in template {
                let Some(triple) = solution.triple(pattern) else {
                    continue;
                };
                if seen.insert(triple.clone()) {
                    self.count += 1;
                    within(self.count, self.run.meter)?;
                    held.add(size_of::<Triple>() * 3 + text_length(&triple.clone().into()))?;
                    self.results.triple(&triple)?;
                }
            }
            Ok(())
        })
    }

    /// All triples with a described resource as subject, and those of the blank nodes that they lead to.
    fn describe(&mut self) -> Result<()> {
        self.results.triples()?;
        let mut seen = FxHashSet::default();
        let mut held = self.run.meter.held();
        let terms = self.run.terms();
        self.plan.solutions(self.run, &mut |ids| {
            let mut open: Vec<Id> = ids.iter().copied().filter(|id| id.is_bound()).collect();
            while let Some(id) = open.pop() {
                if !seen.insert(id) {
                    continue;
                }
                held.add(2 * size_of::<Id>())?;
                let pattern = [Some(id), None, None];
                self.run
                    .source
                    .matching(pattern, Place::Default, &mut |triple, _| {
                        self.run.meter.tick()?;
                        let [s, p, o] = triple.map(|id| terms.term(id));
                        if matches!(o, Some(Term::BlankNode(_))) {
                            open.push(triple[2]);
                        }
                        if let Some(triple) = triple_of(s, p, o) {
                            self.count += 1;
                            within(self.count, self.run.meter)?;
                            self.results.triple(&triple)?;
                        }
                        Ok(())
                    })?;
            }
            Ok(())
        })
    }
}

fn within(count: usize, meter: &Meter) -> Flow {
    match count > meter.limits().rows {
        true => Err(Halt::Failed(too_many(meter.limits().rows))),
        false => Ok(()),
    }
}

/// A solution that a template is filled with: each has blank nodes of its own.
struct Solution<'s> {
    value: &'s dyn Fn(&Variable) -> Option<Term>,
    blanks: HashMap<String, BlankNode>,
}

impl Solution<'_> {
    /// The triple, unless something in it has no value or has no place where it stands.
    fn triple(&mut self, pattern: &TriplePattern) -> Option<Triple> {
        let predicate = match &pattern.predicate {
            NamedNodePattern::NamedNode(node) => Some(node.clone().into()),
            NamedNodePattern::Variable(variable) => (self.value)(variable),
        };
        triple_of(
            self.term(&pattern.subject),
            predicate,
            self.term(&pattern.object),
        )
    }

    fn term(&mut self, pattern: &TermPattern) -> Option<Term> {
        Some(match pattern {
            TermPattern::NamedNode(node) => node.clone().into(),
            TermPattern::Literal(literal) => literal.clone().into(),
            TermPattern::Variable(variable) => return (self.value)(variable),
            TermPattern::Triple(triple) => self.triple(triple)?.into(),
            TermPattern::BlankNode(node) => {
                let blank = self.blanks.entry(node.as_str().to_owned());
                blank.or_default().clone().into()
            }
        })
    }
}

fn triple_of(s: Option<Term>, p: Option<Term>, o: Option<Term>) -> Option<Triple> {
    let subject: NamedOrBlankNode = match s? {
        Term::NamedNode(node) => node.into(),
        Term::BlankNode(node) => node.into(),
        _ => return None,
    };
    match p? {
        Term::NamedNode(predicate) => Some(Triple::new(subject, predicate, o?)),
        _ => None,
    }
}

impl From<Halt> for Error {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Enough => Self::usage("an evaluation ended early"),
            Halt::Failed(error) => error,
        }
    }
}
