//! A statement as a person writes it.

use super::{brief, guard, parser};
use crate::model::term;
use crate::{Error, Result};
use oxrdf::Triple;
use spargebra::Query;
use spargebra::algebra::GraphPattern;

/// Reads a statement, its terms written as in SPARQL: `<iri> rdf:type schema:Movie`. The prefixes of
/// [`crate::vocabulary::PREFIXES`] are known, and `_:name` is the blank node of that name. Returns the encoded terms.
///
/// # Errors
/// `Input` for what is no statement, is several, or has variables.
pub fn triple(text: &str) -> Result<[String; 3]> {
    let wrong = |why: &str| {
        Error::input(format!("this is not a statement: {why}"))
            .hint("`kenning prove '<https://example.org/films/item/1> rdf:type schema:Movie'`")
    };
    // What closes the braces would be another query.
    let query = format!("ASK {{ {text}\n}}");
    guard::check(&query, usize::MAX)?;
    let parsed = parser(None)?.parse_query(&query);
    let parsed = parsed.map_err(|e| wrong(brief(&e.to_string())))?;
    let Query::Ask { mut pattern, .. } = parsed else {
        return Err(wrong("it is a query"));
    };
    if let GraphPattern::Project { inner, .. } = pattern {
        pattern = *inner;
    }
    let GraphPattern::Bgp { patterns } = pattern else {
        return Err(wrong("it is a pattern of a query"));
    };
    let [pattern] = &patterns[..] else {
        return Err(wrong(&format!("it is {} of them", patterns.len())));
    };
    let triple = Triple::try_from(pattern.clone()).map_err(|()| wrong("it has variables"))?;
    Ok([
        term::encode(&triple.subject.into()),
        term::iri(triple.predicate.as_str()),
        term::encode(&triple.object),
    ])
}
