//! Templates of updates: a solution turns them into statements.

use super::results::Results;
use super::transaction::too_large;
use crate::model::change::resource;
use crate::model::{Statement, term};
use crate::vocabulary::kenning;
use crate::{Error, Result};
use oxrdf::{BlankNode, NamedNode, Term, Triple, Variable};
use rustc_hash::FxHashMap;
use spargebra::term::{
    GraphNamePattern, GroundQuadPattern, GroundTermPattern, NamedNodePattern, QuadPattern,
    TermPattern,
};

/// A triple and the graph that it goes from; without one, from the default graph.
pub(super) type Deletion = ([String; 3], Option<String>);

/// What `DELETE {…} INSERT {…}` makes of the solutions.
pub(super) struct Templates<'a> {
    delete: &'a [GroundQuadPattern],
    insert: &'a [QuadPattern],
    columns: FxHashMap<&'a Variable, usize>,
    /// Statements to delete.
    pub deletions: Vec<Deletion>,
    /// Statements to insert.
    pub insertions: Vec<Statement>,
    memory: usize,
    bytes: usize,
}

impl<'a> Templates<'a> {
    /// Templates whose statements may take so many bytes.
    pub fn new(delete: &'a [GroundQuadPattern], insert: &'a [QuadPattern], memory: usize) -> Self {
        let mut templates = Self {
            delete,
            insert,
            columns: FxHashMap::default(),
            deletions: Vec::new(),
            insertions: Vec::new(),
            memory,
            bytes: 0,
        };
        for quad in delete {
            templates.column_of_ground(&quad.subject);
            templates.column_of_ground(&quad.object);
            templates.columns_of_names(&quad.predicate, &quad.graph_name);
        }
        for quad in insert {
            templates.column_of(&quad.subject);
            templates.column_of(&quad.object);
            templates.columns_of_names(&quad.predicate, &quad.graph_name);
        }
        templates
    }

    /// The variables that a solution has to give, in its order.
    pub fn variables(&self) -> Vec<Variable> {
        let mut columns: Vec<_> = self.columns.iter().collect();
        columns.sort_unstable_by_key(|&(_, column)| column);
        columns.into_iter().map(|(&name, _)| name.clone()).collect()
    }

    fn add(&mut self, variable: &'a Variable) {
        let next = self.columns.len();
        self.columns.entry(variable).or_insert(next);
    }

    fn columns_of_names(&mut self, predicate: &'a NamedNodePattern, graph: &'a GraphNamePattern) {
        if let NamedNodePattern::Variable(variable) = predicate {
            self.add(variable);
        }
        if let GraphNamePattern::Variable(variable) = graph {
            self.add(variable);
        }
    }

    fn column_of(&mut self, pattern: &'a TermPattern) {
        match pattern {
            TermPattern::Variable(variable) => self.add(variable),
            TermPattern::Triple(triple) => {
                self.column_of(&triple.subject);
                self.columns_of_names(&triple.predicate, &GraphNamePattern::DefaultGraph);
                self.column_of(&triple.object);
            }
            _ => {}
        }
    }

    fn column_of_ground(&mut self, pattern: &'a GroundTermPattern) {
        match pattern {
            GroundTermPattern::Variable(variable) => self.add(variable),
            GroundTermPattern::Triple(triple) => {
                self.column_of_ground(&triple.subject);
                self.columns_of_names(&triple.predicate, &GraphNamePattern::DefaultGraph);
                self.column_of_ground(&triple.object);
            }
            _ => {}
        }
    }

    fn keep(&mut self, bytes: usize) -> Result<()> {
        // Four strings, and where they are kept.
        self.bytes += bytes + 4 * size_of::<String>() + 64;
        match self.bytes > self.memory {
            true => Err(too_large(self.memory)),
            false => Ok(()),
        }
    }
}

impl Results for Templates<'_> {
    fn variables(&mut self, _: &[Variable]) -> Result<()> {
        Ok(())
    }

    /// Statements that lack a value or would be no RDF are left out (SPARQL 1.1 Update §3.1.3).
    fn solution(&mut self, values: &[Option<Term>]) -> Result<()> {
        let mut solution = Solution {
            columns: &self.columns,
            values,
            blanks: FxHashMap::default(),
        };
        let deletions = self
            .delete
            .iter()
            .filter_map(|quad| solution.deletion(quad));
        let deletions: Vec<_> = deletions.collect();
        let insertions = self
            .insert
            .iter()
            .filter_map(|quad| solution.insertion(quad));
        let insertions: Vec<_> = insertions.collect();
        for deletion in deletions {
            self.keep(deletion.0.iter().map(String::len).sum())?;
            self.deletions.push(deletion);
        }
        for insertion in insertions {
            self.keep(insertion.iter().map(String::len).sum())?;
            self.insertions.push(insertion);
        }
        Ok(())
    }

    fn boolean(&mut self, _: bool) -> Result<()> {
        Err(not_solutions())
    }

    fn triples(&mut self) -> Result<()> {
        Err(not_solutions())
    }

    fn triple(&mut self, _: &Triple) -> Result<()> {
        Err(not_solutions())
    }
}

fn not_solutions() -> Error {
    Error::usage("the pattern of an update has solutions, nothing else")
}

/// One solution, with the blank nodes that it made.
struct Solution<'a> {
    columns: &'a FxHashMap<&'a Variable, usize>,
    values: &'a [Option<Term>],
    blanks: FxHashMap<&'a BlankNode, BlankNode>,
}

impl<'a> Solution<'a> {
    fn deletion(&self, quad: &GroundQuadPattern) -> Option<Deletion> {
        let subject = resource(self.ground(&quad.subject)?)?;
        let predicate = self.name(&quad.predicate)?;
        let object = self.ground(&quad.object)?;
        let triple = [
            term::encode(&subject.into()),
            term::iri(predicate.as_str()),
            term::encode(&object),
        ];
        match &quad.graph_name {
            GraphNamePattern::DefaultGraph => Some((triple, None)),
            name => Some((triple, Some(self.graph(name)?))),
        }
    }

    fn insertion(&mut self, quad: &'a QuadPattern) -> Option<Statement> {
        let subject = resource(self.term(&quad.subject)?)?;
        let predicate = self.name(&quad.predicate)?;
        let object = self.term(&quad.object)?;
        let graph = self.graph(&quad.graph_name)?;
        Some([
            term::encode(&subject.into()),
            term::iri(predicate.as_str()),
            term::encode(&object),
            graph,
        ])
    }

    fn value(&self, variable: &Variable) -> Option<Term> {
        self.values.get(*self.columns.get(variable)?)?.clone()
    }

    fn name(&self, pattern: &NamedNodePattern) -> Option<NamedNode> {
        match pattern {
            NamedNodePattern::NamedNode(node) => Some(node.clone()),
            NamedNodePattern::Variable(variable) => match self.value(variable)? {
                Term::NamedNode(node) => Some(node),
                _ => None,
            },
        }
    }

    fn graph(&self, pattern: &GraphNamePattern) -> Option<String> {
        match pattern {
            GraphNamePattern::DefaultGraph => Some(term::iri(kenning::DEFAULT_GRAPH)),
            GraphNamePattern::NamedNode(node) => Some(term::iri(node.as_str())),
            GraphNamePattern::Variable(variable) => {
                Some(term::encode(&resource(self.value(variable)?)?.into()))
            }
        }
    }

    fn term(&mut self, pattern: &'a TermPattern) -> Option<Term> {
        Some(match pattern {
            TermPattern::NamedNode(node) => node.clone().into(),
            TermPattern::Literal(literal) => literal.clone().into(),
            TermPattern::BlankNode(node) => self.blanks.entry(node).or_default().clone().into(),
            TermPattern::Variable(variable) => self.value(variable)?,
            TermPattern::Triple(triple) => {
                let subject = resource(self.term(&triple.subject)?)?;
                let predicate = self.name(&triple.predicate)?;
                Triple::new(subject, predicate, self.term(&triple.object)?).into()
            }
        })
    }

    fn ground(&self, pattern: &GroundTermPattern) -> Option<Term> {
        Some(match pattern {
            GroundTermPattern::NamedNode(node) => node.clone().into(),
            GroundTermPattern::Literal(literal) => literal.clone().into(),
            GroundTermPattern::Variable(variable) => self.value(variable)?,
            GroundTermPattern::Triple(triple) => {
                let subject = resource(self.ground(&triple.subject)?)?;
                let predicate = self.name(&triple.predicate)?;
                Triple::new(subject, predicate, self.ground(&triple.object)?).into()
            }
        })
    }
}
