//! Results of queries in the formats of the standards.

use crate::{Error, Result};
use oxigraph::io::{RdfFormat, RdfSerializer};
use oxigraph::sparql::QueryResults;
use oxigraph::sparql::results::{QueryResultsFormat, QueryResultsSerializer};
use std::io::Write;

/// How results are written: solutions and booleans in one way, triples in another.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// For `SELECT` and `ASK`.
    pub solutions: QueryResultsFormat,
    /// For `CONSTRUCT` and `DESCRIBE`.
    pub triples: RdfFormat,
}

/// Writes results; fails when there are more than `most` rows. Returns the number of rows or triples.
pub fn write(
    results: QueryResults<'_>,
    format: Format,
    most: usize,
    out: impl Write,
) -> Result<usize> {
    let failed = |e: &dyn std::fmt::Display| Error::input(format!("the query failed: {e}"));
    let stuck = |e: std::io::Error| {
        Error::new(crate::ErrorKind::Io, format!("cannot write: {e}")).because(e)
    };
    let serializer = QueryResultsSerializer::from_format(format.solutions);
    let mut rows = 0;
    let mut count = || {
        rows += 1;
        if rows <= most {
            Ok(())
        } else {
            Err(too_many(most))
        }
    };
    match results {
        QueryResults::Boolean(value) => {
            serializer
                .serialize_boolean_to_writer(out, value)
                .map_err(stuck)?;
            rows = 1;
        }
        QueryResults::Solutions(solutions) => {
            let variables = solutions.variables().to_vec();
            let mut writer = serializer
                .serialize_solutions_to_writer(out, variables)
                .map_err(stuck)?;
            for solution in solutions {
                count()?;
                writer
                    .serialize(&solution.map_err(|e| failed(&e))?)
                    .map_err(stuck)?;
            }
            writer.finish().map_err(stuck)?;
        }
        QueryResults::Graph(triples) => {
            let mut writer = RdfSerializer::from_format(format.triples).for_writer(out);
            for triple in triples {
                count()?;
                writer
                    .serialize_triple(&triple.map_err(|e| failed(&e))?)
                    .map_err(stuck)?;
            }
            writer.finish().map_err(stuck)?;
        }
    }
    Ok(rows)
}

/// The error of a result that is larger than its limit.
pub fn too_many(most: usize) -> Error {
    Error::budget(format!("the query has more than {most} rows"))
        .hint("add a LIMIT to the query, or allow more with `--max-rows N`")
}
