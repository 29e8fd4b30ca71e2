//! Where results go, and the formats of the standards.

use super::Bound;
use crate::{Error, ErrorKind, Result};
use oxigraph::io::{RdfFormat, RdfSerializer, WriterQuadSerializer};
use oxigraph::sparql::results::{
    QueryResultsFormat, QueryResultsSerializer, WriterSolutionsSerializer,
};
use oxrdf::{Term, Triple, Variable};
use std::io::Write;

/// What a query finds, part by part: one boolean; or the variables, then solutions; or triples.
///
/// An error of a part ends the query with that error.
pub trait Results {
    /// The answer of `ASK`.
    fn boolean(&mut self, value: bool) -> Result<()>;
    /// Solutions with these variables follow.
    fn variables(&mut self, variables: &[Variable]) -> Result<()>;
    /// A solution, in the order of the variables.
    fn solution(&mut self, values: &[Option<Term>]) -> Result<()>;
    /// Triples follow.
    fn triples(&mut self) -> Result<()>;
    /// A triple.
    fn triple(&mut self, triple: &Triple) -> Result<()>;
}

/// How results are written: solutions and booleans in one way, triples in another.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// For `SELECT` and `ASK`.
    pub solutions: QueryResultsFormat,
    /// For `CONSTRUCT` and `DESCRIBE`.
    pub triples: RdfFormat,
}

/// Writes results in a standard format. Without [`Writer::finish`] what was written is not a whole document.
pub struct Writer<W: Write> {
    format: Format,
    state: State<W>,
}

enum State<W: Write> {
    Begin(W),
    Solutions(WriterSolutionsSerializer<W>, Vec<Variable>),
    Triples(Box<WriterQuadSerializer<W>>),
    End,
}

impl<W: Write> Writer<W> {
    /// A writer into `out`.
    pub fn new(out: W, format: Format) -> Self {
        Self {
            format,
            state: State::Begin(out),
        }
    }

    /// Ends the document.
    pub fn finish(self) -> Result<()> {
        match self.state {
            State::Solutions(writer, _) => writer.finish().map(drop),
            State::Triples(writer) => writer.finish().map(drop),
            State::Begin(_) | State::End => Ok(()),
        }
        .map_err(stuck)
    }

    fn begin(&mut self) -> Result<W> {
        match std::mem::replace(&mut self.state, State::End) {
            State::Begin(out) => Ok(out),
            _ => Err(out_of_turn()),
        }
    }
}

impl<W: Write> Results for Writer<W> {
    fn boolean(&mut self, value: bool) -> Result<()> {
        let out = self.begin()?;
        let serializer = QueryResultsSerializer::from_format(self.format.solutions);
        serializer
            .serialize_boolean_to_writer(out, value)
            .map(drop)
            .map_err(stuck)
    }

    fn variables(&mut self, variables: &[Variable]) -> Result<()> {
        let out = self.begin()?;
        let serializer = QueryResultsSerializer::from_format(self.format.solutions);
        let writer = serializer.serialize_solutions_to_writer(out, variables.to_vec());
        self.state = State::Solutions(writer.map_err(stuck)?, variables.to_vec());
        Ok(())
    }

    fn solution(&mut self, values: &[Option<Term>]) -> Result<()> {
        let State::Solutions(writer, variables) = &mut self.state else {
            return Err(out_of_turn());
        };
        let bound = variables.iter().zip(values);
        let bound =
            bound.filter_map(|(name, value)| Some((name.as_ref(), value.as_ref()?.as_ref())));
        writer.serialize(bound).map_err(stuck)
    }

    fn triples(&mut self) -> Result<()> {
        let out = self.begin()?;
        let writer = RdfSerializer::from_format(self.format.triples).for_writer(out);
        self.state = State::Triples(Box::new(writer));
        Ok(())
    }

    fn triple(&mut self, triple: &Triple) -> Result<()> {
        let State::Triples(writer) = &mut self.state else {
            return Err(out_of_turn());
        };
        writer.serialize_triple(triple).map_err(stuck)
    }
}

/// Results kept in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collected {
    /// The answer of `ASK`.
    pub boolean: Option<bool>,
    /// The variables of solutions.
    pub variables: Vec<Variable>,
    /// Solutions, in the order of the variables.
    pub solutions: Vec<Vec<Option<Term>>>,
    /// Triples of `CONSTRUCT` and `DESCRIBE`.
    pub triples: Vec<Triple>,
}

impl Results for Collected {
    fn boolean(&mut self, value: bool) -> Result<()> {
        self.boolean = Some(value);
        Ok(())
    }

    fn variables(&mut self, variables: &[Variable]) -> Result<()> {
        self.variables = variables.to_vec();
        Ok(())
    }

    fn solution(&mut self, values: &[Option<Term>]) -> Result<()> {
        self.solutions.push(values.to_vec());
        Ok(())
    }

    fn triples(&mut self) -> Result<()> {
        Ok(())
    }

    fn triple(&mut self, triple: &Triple) -> Result<()> {
        self.triples.push(triple.clone());
        Ok(())
    }
}

fn out_of_turn() -> Error {
    Error::usage("results came out of turn")
}

fn stuck(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot write: {error}")).because(error)
}

/// The error of a result that is larger than its limit.
pub fn too_many(most: usize) -> Error {
    Error::budget(format!("the query has more than {most} rows"))
        .because(Bound::Rows)
        .hint("add a LIMIT to the query, or allow more with `--max-rows N`")
}
