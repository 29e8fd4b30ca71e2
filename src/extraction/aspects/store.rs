//! Reads aspects and opinion words out of an RDF store.

use super::{Aspects, Lexicon};
use crate::Result;
use crate::extraction::text::select;
use crate::vocabulary::{kenning, skos};
use oxigraph::store::Store;
use std::collections::BTreeMap;

const SKOS: &str = "http://www.w3.org/2004/02/skos/core#";

impl Aspects {
    /// The aspects and words of all graphs of the store.
    pub fn from_store(store: &Store) -> Result<Self> {
        Ok(Self::new(&Lexicon::from_store(store)?))
    }
}

impl Lexicon {
    /// The words of all graphs of the store.
    pub fn from_store(store: &Store) -> Result<Self> {
        let mut lexicon = Self::default();
        let label = format!("<{}>|<{}>", skos::PREF_LABEL, skos::ALT_LABEL);
        let query = format!(
            "SELECT DISTINCT ?aspect ?label WHERE {{ ?scheme a <{}> . \
               ?aspect <{SKOS}inScheme> ?scheme ; {label} ?label FILTER isIRI(?aspect) }} ORDER BY ?aspect ?label",
            kenning::ASPECT_SCHEME
        );
        for [aspect, label] in select(store, &query)? {
            lexicon.aspects.entry(aspect).or_default().push(label);
        }
        let query = format!(
            "SELECT DISTINCT ?aspect WHERE {{ ?scheme a <{}> ; <{SKOS}hasTopConcept> ?aspect }} ORDER BY ?aspect",
            kenning::ASPECT_SCHEME
        );
        lexicon.wholes = select(store, &query)?
            .into_iter()
            .map(|[aspect]| aspect)
            .collect();
        let related = "SELECT DISTINCT ?opinion ?aspect WHERE { ?opinion skos:related ?aspect } ORDER BY ?aspect";
        let mut relations: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for [opinion, aspect] in select(store, &format!("PREFIX skos: <{SKOS}> {related}"))? {
            relations.entry(opinion).or_default().push(aspect);
        }
        for (concept, (value, labels)) in valued(store, kenning::POLARITY, &label)? {
            let related = relations.get(&concept).cloned().unwrap_or_default();
            lexicon.opinions.push((value, related, labels));
        }
        lexicon.factors = valued(store, kenning::FACTOR, &label)?
            .into_values()
            .collect();
        let query = format!(
            "SELECT DISTINCT ?word WHERE {{ ?any <{}> ?word }} ORDER BY ?word",
            kenning::CONTRAST
        );
        lexicon.contrasts = select(store, &query)?
            .into_iter()
            .map(|[word]| word)
            .collect();
        Ok(lexicon)
    }
}

/// Numbers and labels of the concepts that have a number by this property.
fn valued(
    store: &Store,
    property: &str,
    label: &str,
) -> Result<BTreeMap<String, (f32, Vec<String>)>> {
    let query = format!(
        "SELECT DISTINCT ?concept (STR(?number) AS ?value) ?label WHERE {{ \
           ?concept <{property}> ?number ; {label} ?label FILTER isNumeric(?number) }} ORDER BY ?concept ?label"
    );
    let mut concepts: BTreeMap<String, (f32, Vec<String>)> = BTreeMap::new();
    for [concept, value, label] in select(store, &query)? {
        let value = value.parse::<f32>().unwrap_or_default();
        concepts
            .entry(concept)
            .or_insert((value, Vec::new()))
            .1
            .push(label);
    }
    Ok(concepts)
}
