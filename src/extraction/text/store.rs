//! Reads a gazetteer's concepts and rules out of an RDF store.

use super::{Concept, Gazetteer, LabelKind, Rule};
use crate::vocabulary::{kenning, skos};
use crate::{Error, Result};
use oxigraph::sparql::{QueryResults, SparqlEvaluator};
use oxigraph::store::Store;
use oxrdf::Term;
use std::collections::BTreeMap;

const SKOS: &str = "http://www.w3.org/2004/02/skos/core#";

impl Gazetteer {
    /// A gazetteer of what the store declares.
    pub fn from_store(store: &Store) -> Result<Self> {
        let (concepts, rules) = declared(store)?;
        Self::new(concepts, &rules)
    }
}

/// Every concept in a scheme that says `kenning:extracts`, over all graphs of the store, in the order of their IRIs; and
/// how they are looked up.
pub fn declared(store: &Store) -> Result<(Vec<Concept>, Vec<Rule>)> {
    let kinds = [
        (LabelKind::Preferred, skos::PREF_LABEL),
        (LabelKind::Alternative, skos::ALT_LABEL),
        (LabelKind::Weak, kenning::WEAK_LABEL),
    ];
    let mut labels: BTreeMap<(String, String), Vec<(LabelKind, String)>> = BTreeMap::new();
    for (kind, predicate) in kinds {
        let query = format!(
            "SELECT DISTINCT ?concept ?property ?label WHERE {{ \
               ?scheme <{extracts}> ?property . \
               ?concept <{SKOS}inScheme>|<{SKOS}topConceptOf>|^<{SKOS}hasTopConcept> ?scheme ; \
                 <{predicate}> ?label . FILTER(isIRI(?concept) && isIRI(?property)) }}",
            extracts = kenning::EXTRACTS
        );
        for [concept, property, label] in select(store, &query)? {
            let of_concept = labels.entry((concept, property)).or_default();
            of_concept.push((kind, label));
        }
    }
    let concepts = labels
        .into_iter()
        .map(|((iri, property), mut labels)| {
            labels.sort_unstable();
            Concept {
                iri,
                property,
                labels,
            }
        })
        .collect();
    Ok((concepts, rules(store)?))
}

/// What the schemes say of how they are looked up.
fn rules(store: &Store) -> Result<Vec<Rule>> {
    let mut rules: BTreeMap<String, Rule> = BTreeMap::new();
    for predicate in [
        kenning::HEAD_NOUN,
        kenning::YIELDS_TO,
        kenning::OPENS_MODIFIER,
    ] {
        let query = format!(
            "SELECT DISTINCT ?property ?value WHERE {{ \
               ?scheme <{extracts}> ?property ; <{predicate}> ?value . FILTER isIRI(?property) }} ORDER BY ?value",
            extracts = kenning::EXTRACTS
        );
        for [property, value] in select(store, &query)? {
            let rule = rules.entry(property.clone()).or_default();
            rule.property = property;
            match predicate {
                kenning::HEAD_NOUN => rule.head |= matches!(value.as_str(), "true" | "1"),
                kenning::YIELDS_TO => rule.yields_to = Some(value),
                _ => rule.openers.push(value),
            }
        }
    }
    Ok(rules.into_values().collect())
}

/// Runs a query that binds all of its `N` variables to IRIs or literals; gives IRIs and lexical forms.
pub(in crate::extraction) fn select<const N: usize>(
    store: &Store,
    query: &str,
) -> Result<Vec<[String; N]>> {
    let wrong = |e: &dyn std::fmt::Display| {
        Error::input(format!("cannot read the vocabulary out of the store: {e}"))
    };
    let mut prepared = SparqlEvaluator::new()
        .parse_query(query)
        .map_err(|e| wrong(&e))?;
    prepared.dataset_mut().set_default_graph_as_union();
    let results = prepared.on_store(store).execute().map_err(|e| wrong(&e))?;
    let QueryResults::Solutions(solutions) = results else {
        return Ok(Vec::new());
    };
    let mut rows = Vec::new();
    for solution in solutions {
        let solution = solution.map_err(|e| wrong(&e))?;
        let row: Vec<String> = solution
            .values()
            .iter()
            .flatten()
            .filter_map(|term| match term {
                Term::NamedNode(node) => Some(node.as_str().to_owned()),
                Term::Literal(literal) => Some(literal.value().to_owned()),
                _ => None,
            })
            .collect();
        rows.extend(<[String; N]>::try_from(row).ok());
    }
    Ok(rows)
}
