//! Constraints that are queries (SHACL §5.3 and §6.3).

use super::super::query::{Kind, QueryRule, Reads};
use super::{Case, Checker, Fault, Found, Said};
use crate::model::term;
use crate::sparql::{BoundQuery, Collected, Dataset, Flow, Halt, Id, Results};
use crate::{Error, Result};
use oxrdf::{NamedNode, Term, Triple, Variable};

/// The graph of the shapes, for queries that look into it.
pub(in super::super) const SHAPES_GRAPH: &str = "urn:kenning:graph:shapes";

impl Checker<'_, '_> {
    pub(super) fn query(&self, rule: &QueryRule, case: &Case<'_>, found: &mut Found<'_>) -> Flow {
        let mut values = rule.values.clone();
        values.extend(self.values.iter().cloned());
        let mut bind = |name: &str, value: Term| values.push((name.to_owned(), value));
        let shape = &self.prepared.shapes[case.shape];
        bind("this", self.term(case.focus));
        bind("currentShape", term::decode(self.prepared.text(shape.node)));
        bind("shapesGraph", NamedNode::new_unchecked(SHAPES_GRAPH).into());
        match rule.kind {
            Kind::Select => {
                let mut rows = Rows::new();
                self.run(rule, &values, &mut rows)?;
                // The value is what the query says; of a node shape, else, the node itself.
                let itself = shape.path.is_none().then_some(case.focus);
                rows.faults.into_iter().try_for_each(|said| {
                    let mut fault = case.fault(itself);
                    fault.said = Some(Box::new(said));
                    found(fault)
                })
            }
            Kind::Ask => {
                for &value in case.values {
                    let name = ("value".to_owned(), self.term(value));
                    values.push(name);
                    let mut answer = Collected::default();
                    self.run(rule, &values, &mut answer)?;
                    values.pop();
                    if answer.boolean == Some(false) {
                        found(case.fault(Some(value)))?;
                    }
                }
                Ok(())
            }
        }
    }

    fn run(&self, rule: &QueryRule, values: &[(String, Term)], results: &mut dyn Results) -> Flow {
        self.walker.tick()?;
        let (query, dataset): (BoundQuery<'_>, Dataset<'_>);
        let with_shapes;
        let shown = &self.prepared.with_shapes;
        match rule.reads {
            Reads::DataAndShapes => {
                with_shapes = match &shown.graphs {
                    Some((default, named)) => rule
                        .query
                        .clone()
                        .with_dataset(default.clone(), named.clone()),
                    None => rule.query.clone(),
                };
                query = with_shapes.bind(values);
                dataset = Dataset {
                    changes: &shown.changes,
                    ..self.prepared.dataset
                };
            }
            Reads::Data => {
                query = rule.query.bind(values);
                dataset = self.prepared.dataset;
            }
        }
        query
            .run(dataset, &self.limits, &self.cancel, results)
            .map_err(Halt::Failed)
    }

    fn term(&self, id: Id) -> Term {
        term::decode(&self.walker.text(id))
    }
}

/// The solutions of a `SELECT`, each of which is a fault.
struct Rows {
    names: Vec<Variable>,
    faults: Vec<Said>,
}

impl Rows {
    fn new() -> Self {
        Self {
            names: Vec::new(),
            faults: Vec::new(),
        }
    }
}

impl Results for Rows {
    fn boolean(&mut self, _: bool) -> Result<()> {
        Ok(())
    }

    fn variables(&mut self, variables: &[Variable]) -> Result<()> {
        self.names = variables.to_vec();
        Ok(())
    }

    fn solution(&mut self, values: &[Option<Term>]) -> Result<()> {
        let mut said = Said::default();
        for (name, value) in self.names.iter().zip(values) {
            let Some(value) = value else { continue };
            let text = term::encode(value);
            match name.as_str() {
                "this" => {}
                "path" => said.path = Some(text),
                "value" => said.value = Some(text),
                "message" => said.message = Some(text),
                "failure" if term::lexical(&text) == Some("true") => {
                    return Err(Error::input("a constraint reports a failure by ?failure"));
                }
                other => said.variables.push((other.to_owned(), text)),
            }
        }
        self.faults.push(said);
        Ok(())
    }

    fn triples(&mut self) -> Result<()> {
        Ok(())
    }

    fn triple(&mut self, _: &Triple) -> Result<()> {
        Ok(())
    }
}

/// The fault's value, where the query names none.
pub(in super::super) fn value_of(fault: &Fault) -> Option<Id> {
    let named = fault.said.as_ref().is_some_and(|said| said.value.is_some());
    fault.value.filter(|_| !named)
}
